//! What became of an identity, and why.

use std::fmt;
use std::ops::Deref;

use super::explanation::Explanation;
use super::record_error::RecordError;
use super::term::Qualifier;
use super::trace::Event;
use crate::dns::{LookupError, Name, Outcome, Question};
use crate::domain::{Domain, DomainError};
use crate::serialize::serialize_as_text;

/// The result of a check, [RFC 7208 section 2.6](https://www.rfc-editor.org/rfc/rfc7208#section-2.6).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "the results of RFC 7208 are closed")]
pub enum SpfResult {
    /// There is no domain to check, or it publishes no record.
    None,
    /// The domain says nothing of the client.
    Neutral,
    /// The client may send for the domain.
    Pass,
    /// The client may not send for the domain.
    Fail,
    /// The client probably may not send for the domain.
    SoftFail,
    /// The DNS could not say just now; a later attempt may give a result.
    TempError,
    /// The domain's records could not be interpreted.
    PermError,
}

/// What became of one identity, and why.
///
/// Either [`Verdict::matched`] or [`Verdict::cause`] says why; never both, never none.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct Verdict {
    /// The result.
    pub result: SpfResult,
    /// Why there is a result without a term that matched; `None` exactly when one did.
    pub cause: Option<Cause>,
    /// The domain that was checked, unless it is malformed.
    pub domain: Option<Domain>,
    /// The term that decided.
    pub matched: Option<Match>,
    /// What the domain has to say about a fail.
    pub explanation: Option<Explanation>,
    /// Terms that asked the DNS
    /// ([RFC 7208 section 4.6.4](https://www.rfc-editor.org/rfc/rfc7208#section-4.6.4)).
    pub lookups: usize,
    /// Terms whose question had no answer.
    pub void_lookups: usize,
    /// Questions in all.
    pub questions: usize,
    /// Whether there were answers and DNSSEC authenticated every one of them.
    pub authentic: bool,
    /// Seconds for which the same client and domain have the same verdict; `None` where it may not be
    /// kept, because a macro looks at the sender, at HELO or at the time, or because a lookup failed
    /// ([RFC 7208 section 7.3](https://www.rfc-editor.org/rfc/rfc7208#section-7.3)).
    pub lifetime: Option<u32>,
    /// Each step in order; `None` unless [`Options::trace`](super::Options::trace) is on.
    pub trace: Option<Vec<Event>>,
}

/// The term that decided, wherever it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct Match {
    /// The innermost term that matched: not the `include`, but what is in the record behind it.
    pub term: String,
    /// The length of the prefix that was compared: 0 for `all`, which every client matches; `None` for
    /// `exists` and `ptr`, which compare no network.
    pub prefix: Option<u8>,
    /// The name of the record that the term stands in.
    pub record: Name,
    /// The names of the records that include it, the outermost first.
    pub included_by: Vec<Name>,
}

/// What became of HELO: no proof of who the message is from.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize), serde(transparent))]
pub struct HeloVerdict(pub(super) Verdict);

/// What became of MAIL FROM, or of `postmaster` at HELO for the null path
/// ([RFC 7208 section 2.4](https://www.rfc-editor.org/rfc/rfc7208#section-2.4)).
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize), serde(transparent))]
pub struct MailFromVerdict(pub(super) Verdict);

/// What became of both identities of a session.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct Verdicts {
    /// What became of HELO.
    pub helo: HeloVerdict,
    /// What became of MAIL FROM.
    pub mail_from: MailFromVerdict,
}

/// Why there is a result without a term that matched.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Cause {
    /// The domain is malformed.
    #[error("{found:?} is no domain: {error}")]
    Domain {
        /// As it was found.
        found: String,
        /// What is wrong with it.
        error: DomainError,
    },
    /// The lookup of a record, or of something that a term needs, failed.
    #[error("the lookup of {question} failed: {error}")]
    Lookup {
        /// What was asked.
        question: Box<Question>,
        /// Why there is no answer.
        error: LookupError,
    },
    /// More terms ask the DNS than [`Limits::lookups`](super::Limits::lookups).
    #[error("more than {limit} terms ask the DNS")]
    LookupLimit {
        /// The limit.
        limit: usize,
    },
    /// More mail exchangers than [`Limits::mx`](super::Limits::mx).
    #[error("{domain} has {found} mail exchangers, expected at most {limit}")]
    MxLimit {
        /// Whose they are.
        domain: Box<Name>,
        /// How many there are.
        found: usize,
        /// The limit.
        limit: usize,
    },
    /// No term matched.
    #[error("no term of the record matched")]
    NoMatch,
    /// The domain has no SPF record.
    #[error("{domain} has no SPF record: {}", said(.outcome))]
    NoRecord {
        /// The domain.
        domain: Box<Name>,
        /// What the DNS said; [`Outcome::Found`] when there are other TXT records.
        outcome: Outcome,
    },
    /// More questions than [`Limits::questions`](super::Limits::questions).
    #[error("more than {limit} questions to the DNS")]
    QuestionLimit {
        /// The limit.
        limit: usize,
    },
    /// The record is malformed.
    #[error("the record of {domain} is malformed: {error}")]
    Record {
        /// Whose it is.
        domain: Box<Name>,
        /// What is wrong with it.
        error: RecordError,
    },
    /// The record is over [`Limits::record_octets`](super::Limits::record_octets).
    #[error("the record of {domain} has {found} octets, expected at most {limit}")]
    RecordTooLong {
        /// Whose it is.
        domain: Box<Name>,
        /// Octets of the record.
        found: usize,
        /// The limit.
        limit: usize,
    },
    /// More than one SPF record.
    #[error("{domain} has {found} SPF records, expected one")]
    SeveralRecords {
        /// Whose they are.
        domain: Box<Name>,
        /// How many there are.
        found: usize,
    },
    /// The domain has only one label.
    #[error("{domain} has only one label, and nobody sends mail from there")]
    SingleLabel {
        /// The domain.
        domain: Domain,
    },
    /// What `include` or `redirect` names is no name.
    #[error("{term} gives no name that the DNS could hold")]
    TargetName {
        /// The term.
        term: String,
    },
    /// What `include` or `redirect` names has no SPF record.
    #[error("{term} leads to {domain}, which has no SPF record: {}", said(.outcome))]
    TargetWithoutRecord {
        /// The term.
        term: String,
        /// The name that it leads to.
        domain: Box<Name>,
        /// What the DNS said; [`Outcome::Found`] when there are other TXT records.
        outcome: Outcome,
    },
    /// More questions without answer than [`Limits::void_lookups`](super::Limits::void_lookups).
    #[error("more than {limit} terms ask for what does not exist")]
    VoidLookupLimit {
        /// The limit.
        limit: usize,
    },
}

fn said(outcome: &Outcome) -> &'static str {
    match outcome {
        Outcome::Found => "it has other TXT records",
        Outcome::NoData => "it has no TXT records",
        Outcome::NxDomain => "it does not exist",
    }
}

impl Verdict {
    /// Whether the check passed by a term that every client matches: the pass says nothing of this one.
    pub fn passes_everyone(&self) -> bool {
        self.result == SpfResult::Pass
            && self.matched.as_ref().is_some_and(|matched| matched.prefix == Some(0))
    }
}

impl Qualifier {
    /// The result of a match.
    pub fn result(self) -> SpfResult {
        match self {
            Self::Pass => SpfResult::Pass,
            Self::Fail => SpfResult::Fail,
            Self::SoftFail => SpfResult::SoftFail,
            Self::Neutral => SpfResult::Neutral,
        }
    }
}

impl SpfResult {
    /// The codes for a reply to SMTP, if the receiver rejects for this result: the reply code, and the
    /// enhanced status code of [RFC 7372 section 3.2](https://www.rfc-editor.org/rfc/rfc7372#section-3.2).
    ///
    /// ```
    /// use bonafide::spf::SpfResult;
    ///
    /// assert_eq!(SpfResult::Fail.smtp_codes(), Some((550, "5.7.23")));
    /// assert_eq!(SpfResult::SoftFail.smtp_codes(), None);
    /// ```
    pub fn smtp_codes(self) -> Option<(u16, &'static str)> {
        match self {
            Self::Fail => Some((550, "5.7.23")),
            Self::PermError => Some((550, "5.7.24")),
            Self::TempError => Some((451, "4.7.24")),
            Self::None | Self::Neutral | Self::Pass | Self::SoftFail => None,
        }
    }

    /// The result of a word, without regard to case.
    pub(super) fn parse(word: &[u8]) -> Option<Self> {
        let is = |(_, name): &(Self, &str)| word.eq_ignore_ascii_case(name.as_bytes());
        Self::NAMES.into_iter().find(is).map(|(result, _)| result)
    }

    const NAMES: [(Self, &'static str); 7] = [
        (Self::None, "none"),
        (Self::Neutral, "neutral"),
        (Self::Pass, "pass"),
        (Self::Fail, "fail"),
        (Self::SoftFail, "softfail"),
        (Self::TempError, "temperror"),
        (Self::PermError, "permerror"),
    ];
}

impl Cause {
    /// The result that this cause leads to.
    pub fn result(&self) -> SpfResult {
        match self {
            Self::Domain { .. } | Self::NoRecord { .. } | Self::SingleLabel { .. } => {
                SpfResult::None
            }
            Self::NoMatch => SpfResult::Neutral,
            Self::Lookup { .. } => SpfResult::TempError,
            Self::LookupLimit { .. }
            | Self::MxLimit { .. }
            | Self::QuestionLimit { .. }
            | Self::Record { .. }
            | Self::RecordTooLong { .. }
            | Self::SeveralRecords { .. }
            | Self::TargetName { .. }
            | Self::TargetWithoutRecord { .. }
            | Self::VoidLookupLimit { .. } => SpfResult::PermError,
        }
    }
}

impl Deref for HeloVerdict {
    type Target = Verdict;

    fn deref(&self) -> &Verdict {
        &self.0
    }
}

impl Deref for MailFromVerdict {
    type Target = Verdict;

    fn deref(&self) -> &Verdict {
        &self.0
    }
}

impl fmt::Display for SpfResult {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = Self::NAMES.iter().find(|(result, _)| result == self);
        f.pad(name.map_or("", |(_, name)| name))
    }
}

impl fmt::Display for Match {
    /// The term and the record that it stands in.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} in the record of {}", self.term, self.record)
    }
}

impl fmt::Display for Verdict {
    /// One line: the result, the domain, and the term that matched or the cause.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:", self.result)?;
        if let Some(domain) = &self.domain {
            write!(f, " {domain}")?;
        }
        if let Some(matched) = &self.matched {
            write!(f, " ({matched})")?;
        }
        self.cause.as_ref().map_or(Ok(()), |cause| write!(f, " ({cause})"))
    }
}

serialize_as_text!(SpfResult, Cause);
