//! What became of a message under DMARC, and why.

use std::fmt;

use super::align::{Alignment, Mechanism};
use super::published::PublishedRecord;
use super::trace::Event;
use super::values::{Policy, PolicyTag};
use crate::dns::{LookupError, Question};
use crate::domain::Domain;
use crate::message::{AuthorDomain, AuthorError};
use crate::serialize::serialize_as_text;

/// The result of a message, in the words of
/// [RFC 9989 section 9.2](https://www.rfc-editor.org/rfc/rfc9989#section-9.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(
    clippy::exhaustive_enums,
    reason = "the registry of RFC 8601 is closed by its grammar of use"
)]
pub enum DmarcResult {
    /// No identifier that passed is aligned with the author domain.
    Fail,
    /// The author domain has no policy record.
    None,
    /// An identifier that passed is aligned with the author domain.
    Pass,
    /// Nobody can say whose message it is, or what was asked for it.
    PermError,
    /// The DNS could not say just now; a later attempt may give a result.
    TempError,
}

/// What became of a message, and why.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct Verdict {
    /// The result.
    pub result: DmarcResult,
    /// Why the result is what it is; `None` exactly when it is a pass.
    pub cause: Option<Cause>,
    /// The author domain, if there is one.
    pub author_domain: Option<AuthorDomain>,
    /// The organizational domain of the author domain, if it could be found out.
    pub organizational_domain: Option<Domain>,
    /// How it was found.
    pub discovery: DiscoveryMethod,
    /// The domain whose record applies: the author domain, its organizational domain or its public suffix.
    pub record_domain: Option<Domain>,
    /// The record that applies, which says where reports go.
    #[cfg_attr(feature = "serde", serde(flatten, serialize_with = "super::published::serialize"))]
    pub record: Option<PublishedRecord>,
    /// Whether the answer that held the record was authenticated by DNSSEC.
    pub authentic: bool,
    /// What is asked for messages that fail, before t=; `None` unless the result is pass or fail.
    pub policy: Option<Policy>,
    /// The tag that the policy comes from.
    pub policy_tag: Option<PolicyTag>,
    /// The record has t=y: the domain tests its policy.
    pub testing: bool,
    /// What is asked for this message, after t=: none for a pass; `None` unless the result is pass or fail.
    pub disposition: Option<Policy>,
    /// Whether SPF passed for an aligned domain.
    pub spf_aligned: bool,
    /// Whether a signature passed for an aligned domain.
    pub dkim_aligned: bool,
    /// Each identifier beside the author domain: the one of SPF first, then those of DKIM in order. Empty
    /// where no record applies.
    pub alignments: Vec<Alignment>,
    /// Each step in order; `None` unless [`Options::trace`](super::Options::trace) is on.
    pub trace: Option<Vec<Event>>,
}

/// How an organizational domain was found, in the words of
/// [RFC 9990 section 3.1.1.5](https://www.rfc-editor.org/rfc/rfc9990#section-3.1.1.5).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum DiscoveryMethod {
    /// By a public suffix list.
    Psl,
    /// By the DNS tree walk.
    TreeWalk,
}

/// Why a message did not pass.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Cause {
    /// There is no author domain, or it is in doubt.
    #[error(transparent)]
    Author(#[from] AuthorError),
    /// A mechanism could not say whether a domain that may be aligned is authenticated.
    #[error(
        "{mechanism} could not say whether {domain} is authenticated, and nothing else is aligned"
    )]
    Identifier {
        /// The mechanism.
        mechanism: Mechanism,
        /// The domain.
        domain: Domain,
    },
    /// The only records are such as cannot be applied.
    #[error("the record of {domain} has no valid policy and asks for no reports: {record}")]
    InvalidRecord {
        /// The domain of the record.
        domain: Domain,
        /// The record as it was understood.
        record: String,
    },
    /// A lookup that decides failed.
    #[error("the lookup of {question} failed: {error}")]
    Lookup {
        /// What was asked.
        question: Box<Question>,
        /// Why there is no answer.
        error: LookupError,
    },
    /// Nothing that passed is aligned.
    #[error("of {passed} identifiers that passed, none is aligned with {author}{}", match .spf_evaluated {
        true => "",
        false => "; SPF was not evaluated",
    })]
    NotAligned {
        /// The author domain.
        author: AuthorDomain,
        /// How many identifiers passed.
        passed: usize,
        /// Whether SPF was evaluated at all.
        spf_evaluated: bool,
    },
    /// A domain that passed was not looked up, for it was no candidate or one too many.
    #[error(
        "the organizational domain of {domain} was not looked up: it was no candidate, or one too many"
    )]
    NotLookedUp {
        /// The domain.
        domain: Domain,
    },
    /// There is no record at all.
    #[error("there is no DMARC record for {author}")]
    NoRecord {
        /// The author domain.
        author: AuthorDomain,
    },
    /// The only records are several at one name, of which none counts.
    #[error("{domain} has {count} DMARC records, expected one")]
    SeveralRecords {
        /// The domain of the records.
        domain: Domain,
        /// How many there are.
        count: usize,
    },
}

impl Verdict {
    pub(super) fn new(discovery: DiscoveryMethod, trace: bool) -> Self {
        Self {
            result: DmarcResult::PermError,
            cause: None,
            author_domain: None,
            organizational_domain: None,
            discovery,
            record_domain: None,
            record: None,
            authentic: false,
            policy: None,
            policy_tag: None,
            testing: false,
            disposition: None,
            spf_aligned: false,
            dkim_aligned: false,
            alignments: Vec::new(),
            trace: trace.then(Vec::new),
        }
    }

    /// Ends the evaluation with anything but a pass.
    pub(super) fn stop(mut self, cause: Cause) -> Self {
        self.result = cause.result();
        if self.result == DmarcResult::Fail {
            let lower = |policy: Policy| if self.testing { policy.lowered() } else { policy };
            self.disposition = self.policy.map(lower);
        } else {
            (self.policy, self.policy_tag) = (None, None);
        }
        self.note(|| Event::Stopped { cause: cause.clone() });
        self.cause = Some(cause);
        self
    }

    /// Records a step, if steps are recorded.
    pub(super) fn note(&mut self, event: impl FnOnce() -> Event) {
        if let Some(trace) = &mut self.trace {
            trace.push(event());
        }
    }
}

impl Cause {
    /// The result that this cause leads to.
    pub fn result(&self) -> DmarcResult {
        match self {
            Self::NotAligned { .. } => DmarcResult::Fail,
            // RFC 9989 section 4.10.1: the mechanism is not applied.
            Self::InvalidRecord { .. } | Self::NoRecord { .. } | Self::SeveralRecords { .. } => {
                DmarcResult::None
            }
            Self::Author(_) | Self::NotLookedUp { .. } => DmarcResult::PermError,
            // RFC 9989 section 5.3.6: neither pass nor fail.
            Self::Identifier { .. } | Self::Lookup { .. } => DmarcResult::TempError,
        }
    }
}

impl fmt::Display for DmarcResult {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Fail => "fail",
            Self::None => "none",
            Self::Pass => "pass",
            Self::PermError => "permerror",
            Self::TempError => "temperror",
        })
    }
}

impl fmt::Display for DiscoveryMethod {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Psl => "psl",
            Self::TreeWalk => "treewalk",
        })
    }
}

impl fmt::Display for Verdict {
    /// One line: the result, whose message it is, what is asked for it, and the cause.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:", self.result)?;
        if let Some(author) = &self.author_domain {
            write!(f, " from={author}")?;
        }
        if let Some((tag, policy)) = self.policy_tag.zip(self.policy) {
            write!(f, " {tag}={policy}")?;
        }
        if let Some(disposition) = &self.disposition {
            write!(f, " disposition={disposition}")?;
        }
        match &self.cause {
            Some(cause) => write!(f, " ({cause})"),
            None => Ok(()),
        }
    }
}

serialize_as_text!(DmarcResult, DiscoveryMethod, Cause);
