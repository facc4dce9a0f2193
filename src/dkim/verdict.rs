//! What became of a signature, and why.

use std::fmt;

use super::identity::Identity;
use super::public_key::KeyError;
use super::signature::{Algorithm, Signature, SignatureTags};
use super::signature_error::SignatureError;
use super::trace::Event;
use crate::dns::{LookupError, NameError, Outcome, Question};
use crate::domain::{Domain, Selector};
use crate::serialize::serialize_as_text;
use crate::tag_list::Base64;
use crate::time::UnixTime;

/// The result of one signature, in the words of
/// [RFC 8601 section 2.7.1](https://www.rfc-editor.org/rfc/rfc8601#section-2.7.1).
///
/// The result `none`, for a message without signatures, is an empty list of verdicts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(
    clippy::exhaustive_enums,
    reason = "the registry of RFC 8601 is closed by its grammar of use"
)]
pub enum DkimResult {
    /// The signature is acceptable and verified.
    Pass,
    /// The signature or the body hash did not verify.
    Fail,
    /// The signature verified or might have, and local policy does not accept it.
    Policy,
    /// The signature asks for something that this verifier does not know.
    Neutral,
    /// The key could not be fetched just now; a later attempt may give a result.
    TempError,
    /// The signature can never verify: it is malformed, expired, or its key is unusable.
    PermError,
}

/// What became of one DKIM-Signature field, and why.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct Verdict {
    /// The result.
    pub result: DkimResult,
    /// Why the result is what it is; `None` exactly when it is a pass.
    pub cause: Option<Cause>,
    /// The place of the field in the header, counted from the top and from 0.
    pub position: usize,
    /// d=, if it could be read.
    pub domain: Option<Domain>,
    /// s=, if it could be read.
    pub selector: Option<Selector>,
    /// i=; `None` if absent, which means any user of the domain.
    pub identity: Option<Identity>,
    /// a=, if it is known.
    pub algorithm: Option<Algorithm>,
    /// Size of the key in bits, if it could be read.
    pub key_bits: Option<u32>,
    /// The key record has t=y: the domain is testing, and asks to be treated as unsigned.
    pub testing: bool,
    /// t=: when the signature claims to have been made.
    pub timestamp: Option<UnixTime>,
    /// x=: until when it may be relied on.
    pub expiration: Option<UnixTime>,
    /// Octets of the canonical body behind the end of l=: anybody may have put them there.
    pub unsigned_body_octets: u64,
    /// The header fields that the signature covers, in the order of h=, once for each instance.
    pub signed_fields: FieldNames,
    /// Names in h= that cover the absence of a further instance: adding one breaks the signature.
    pub oversigned_fields: FieldNames,
    /// Names of fields of which some instances are covered and others are not.
    pub unsigned_duplicates: FieldNames,
    /// b=: tells signatures of one message apart ([RFC 6008](https://www.rfc-editor.org/rfc/rfc6008)),
    /// and recognizes a replayed one.
    #[cfg_attr(feature = "serde", serde(skip))]
    pub signature: Vec<u8>,
    /// Each check in order; `None` unless [`Options::trace`](super::Options::trace) is on.
    pub trace: Option<Vec<Event>>,
}

/// Names of header fields in lower case.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct FieldNames(String);

/// Why a signature did not pass.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Cause {
    /// The body is not the one that was signed.
    #[error(
        "the body hash did not verify: signed {}, found {}",
        Base64(.expected), Base64(.found)
    )]
    BodyHash {
        /// bh=.
        expected: [u8; 32],
        /// The hash of the body as received.
        found: [u8; 32],
    },
    /// l= is beyond the end of the body.
    #[error("l= covers {signed} octets, but the canonical body has only {found}")]
    BodyTooShort {
        /// l=.
        signed: u64,
        /// Octets of the canonical body.
        found: u64,
    },
    /// x= is past.
    #[error("the signature expired at x={expiration}, and it is {now}")]
    Expired {
        /// x=.
        expiration: UnixTime,
        /// The time of verification.
        now: UnixTime,
    },
    /// The header is over [`Limits::header_octets`](super::Limits::header_octets) or
    /// [`Limits::header_fields`](super::Limits::header_fields).
    #[error("the header has {octets} octets in {fields} fields, which is over the limit")]
    HeaderLimit {
        /// Octets of the header block.
        octets: usize,
        /// Fields in it.
        fields: usize,
    },
    /// The key does not fit the signature.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// Selector and domain make no name that the DNS could hold.
    #[error("selector and domain make no key name: {0}")]
    KeyName(NameError),
    /// The lookup of the key failed.
    #[error("the lookup of {question} failed: {error}")]
    Lookup {
        /// What was asked.
        question: Box<Question>,
        /// Why there is no answer.
        error: LookupError,
    },
    /// There is no key record.
    #[error("there is no key record: {question} is {}", match .outcome {
        Outcome::NxDomain => "a name that does not exist",
        _ => "a name without such a record",
    })]
    NoKey {
        /// What was asked.
        question: Box<Question>,
        /// Whether the name exists.
        outcome: Outcome,
    },
    /// t= is in the future.
    #[error("the signature claims to be made at t={timestamp}, and it is {now}")]
    NotYetMade {
        /// t=.
        timestamp: UnixTime,
        /// The time of verification.
        now: UnixTime,
    },
    /// The field is no signature that can be verified.
    #[error(transparent)]
    Signature(#[from] SignatureError),
    /// More signatures than [`Limits::signatures`](super::Limits::signatures).
    #[error("the message has more than {limit} signatures to evaluate")]
    SignatureLimit {
        /// The limit.
        limit: usize,
    },
    /// The signature does not verify under the key: signed header fields were changed, or it was
    /// made with another key.
    #[error("the signature did not verify over the signed header fields")]
    SignatureMismatch,
    /// l= leaves a part of the body unsigned.
    #[error("l= leaves {octets} octets of the body unsigned")]
    UnsignedBody {
        /// Octets of the canonical body behind the end of l=.
        octets: u64,
    },
}

impl Verdict {
    pub(crate) fn new(position: usize, trace: bool) -> Self {
        Self {
            result: DkimResult::Neutral,
            cause: None,
            position,
            domain: None,
            selector: None,
            identity: None,
            algorithm: None,
            key_bits: None,
            testing: false,
            timestamp: None,
            expiration: None,
            unsigned_body_octets: 0,
            signed_fields: FieldNames::default(),
            oversigned_fields: FieldNames::default(),
            unsigned_duplicates: FieldNames::default(),
            signature: Vec::new(),
            trace: trace.then(Vec::new),
        }
    }

    /// Takes over what the signature says of itself.
    #[inline(always)]
    pub(super) fn adopt(&mut self, signature: Signature<'_>) {
        self.algorithm = Some(signature.algorithm);
        self.domain = Some(signature.domain);
        self.selector = Some(signature.selector);
        self.identity = signature.identity;
        self.timestamp = signature.timestamp;
        self.expiration = signature.expiration;
        self.signature = signature.signature;
    }

    /// Takes over what can be read of a signature that is malformed.
    #[cold]
    pub(super) fn reject(&mut self, tags: &SignatureTags<'_>, error: SignatureError) {
        self.domain = tags.domain();
        self.selector = tags.selector();
        self.stop(error.into());
    }

    /// Ends the verification with anything but a pass.
    #[cold]
    pub(crate) fn stop(&mut self, cause: Cause) {
        self.result = cause.result();
        self.note(|| Event::Stopped { cause: cause.clone() });
        self.cause = Some(cause);
    }

    /// Records a step, if steps are recorded.
    pub(crate) fn note(&mut self, event: impl FnOnce() -> Event) {
        // Apart from what is done for each message, which stays small in the caches.
        #[cold]
        fn record(trace: &mut Vec<Event>, event: impl FnOnce() -> Event) {
            trace.push(event());
        }
        if let Some(trace) = &mut self.trace {
            record(trace, event);
        }
    }
}

impl Cause {
    /// The result that this cause leads to.
    pub fn result(&self) -> DkimResult {
        match self {
            Self::BodyHash { .. } | Self::SignatureMismatch => DkimResult::Fail,
            Self::HeaderLimit { .. } | Self::SignatureLimit { .. } | Self::UnsignedBody { .. } => {
                DkimResult::Policy
            }
            Self::Lookup { .. } => DkimResult::TempError,
            // RFC 6376 sections 3.3.4, 3.4 and 3.5: what asks for an unknown algorithm,
            // canonicalization or query method is ignored.
            Self::Signature(
                SignatureError::Algorithm { .. }
                | SignatureError::Canonicalization { .. }
                | SignatureError::QueryMethod { .. },
            ) => DkimResult::Neutral,
            Self::BodyTooShort { .. }
            | Self::Expired { .. }
            | Self::Key(_)
            | Self::KeyName(_)
            | Self::NoKey { .. }
            | Self::NotYetMade { .. }
            | Self::Signature(_) => DkimResult::PermError,
        }
    }
}

impl FieldNames {
    /// The names in order.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.split_terminator(':')
    }

    /// Whether a name is among them, without regard to case.
    pub fn contains(&self, name: &str) -> bool {
        self.iter().any(|found| found.eq_ignore_ascii_case(name))
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Adds a name to a list that is yet to become one of these.
    pub(super) fn append(list: &mut Vec<u8>, name: &[u8]) {
        list.extend_from_slice(name);
        list.push(b':');
    }

    /// Takes names, each with a colon behind it; they are ASCII as all names of fields are.
    pub(super) fn new(mut list: Vec<u8>) -> Self {
        list.make_ascii_lowercase();
        Self(String::from_utf8(list).unwrap_or_default())
    }
}

impl fmt::Debug for FieldNames {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

impl fmt::Display for FieldNames {
    /// Separated by colons, as in h=.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.0.strip_suffix(':').unwrap_or_default())
    }
}

impl fmt::Display for DkimResult {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Pass => "pass",
            Self::Fail => "fail",
            Self::Policy => "policy",
            Self::Neutral => "neutral",
            Self::TempError => "temperror",
            Self::PermError => "permerror",
        })
    }
}

impl fmt::Display for Verdict {
    /// One line: the result, what identifies the signature, and the cause.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:", self.result)?;
        if let Some(domain) = &self.domain {
            write!(f, " d={domain}")?;
        }
        if let Some(selector) = &self.selector {
            write!(f, " s={selector}")?;
        }
        if let Some(algorithm) = &self.algorithm {
            write!(f, " a={algorithm}")?;
        }
        if let Some(bits) = self.key_bits {
            write!(f, " ({bits} bits)")?;
        }
        if self.testing {
            f.write_str(" (testing)")?;
        }
        match &self.cause {
            Some(cause) => write!(f, " ({cause})"),
            None => Ok(()),
        }
    }
}

serialize_as_text!(DkimResult, Cause, Algorithm, Identity);

#[cfg(feature = "serde")]
impl serde::Serialize for FieldNames {
    /// As a list.
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.iter())
    }
}
