//! Whether an identifier agrees with the author domain, RFC 9989 sections 3.2.10 and 4.10.2.

use std::fmt;

use super::discover::Lookups;
use super::values::AlignmentMode;
use super::walk::{Walk, question};
use crate::dns::{LookupError, Name, Question, RecordType};
use crate::domain::Domain;
use crate::serialize::serialize_as_text;

/// What authenticates an identifier,
/// [RFC 9989 section 4.3](https://www.rfc-editor.org/rfc/rfc9989#section-4.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "RFC 9989 section 4.3 has two mechanisms")]
pub enum Mechanism {
    /// A signature, for its d=.
    Dkim,
    /// The envelope, for the domain of MAIL FROM.
    Spf,
}

/// What became of an identifier, as far as it matters to DMARC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "RFC 9989 section 5.3 tells these three apart")]
pub enum IdentifierResult {
    /// Anything but a pass, and for good.
    NoPass,
    /// It is authenticated.
    Pass,
    /// Nobody could say just now.
    TempError,
}

/// How a domain agrees with the author domain.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Agreement {
    /// It has another organizational domain.
    Different,
    /// It is the author domain.
    Equal,
    /// Its organizational domain was not looked up: it was no candidate, or is over
    /// [`Limits::identifiers`](super::Limits::identifiers).
    NotLookedUp,
    /// It is at or below the author's organizational domain, but the record asks for strict alignment.
    OnlyRelated,
    /// It has the author's organizational domain.
    SameOrganization,
    /// Its organizational domain or the author's could not be found out.
    Unknown {
        /// What was asked.
        question: Box<Question>,
        /// Why there is no answer.
        error: LookupError,
    },
}

/// An identifier of a message beside its author domain.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct Alignment {
    /// What authenticates it.
    pub mechanism: Mechanism,
    /// The domain.
    pub domain: Domain,
    /// How it must agree with the author domain.
    pub mode: AlignmentMode,
    /// How it does.
    pub agreement: Agreement,
    /// What became of it; no pass for a pass under a testing key that does not count.
    pub result: IdentifierResult,
    /// There was a pass that does not count: the key record has t=y.
    pub testing: bool,
}

impl Agreement {
    /// Whether that is enough.
    pub fn is_aligned(&self) -> bool {
        matches!(self, Self::Equal | Self::SameOrganization)
    }
}

impl Alignment {
    /// Whether the identifier is authenticated.
    pub fn passed(&self) -> bool {
        self.result == IdentifierResult::Pass
    }

    /// Whether the identifier makes the message pass: it is authenticated and agrees.
    pub fn is_aligned_pass(&self) -> bool {
        self.passed() && self.agreement.is_aligned()
    }

    /// Whether one thing alone was missing: it agrees and is not authenticated, or it is authenticated
    /// and would agree if strict alignment were not asked for.
    pub fn is_near_miss(&self) -> bool {
        (!self.passed() && self.agreement.is_aligned())
            || (self.passed() && self.agreement == Agreement::OnlyRelated)
    }
}

impl Lookups {
    /// How a domain agrees with the author domain.
    pub(super) fn agreement(
        &self,
        domain: &Domain,
        author: &Domain,
        walk: &Walk,
        mode: AlignmentMode,
    ) -> Agreement {
        if domain == author {
            return Agreement::Equal;
        }
        if let Some((step, error)) = walk.failure() {
            // Domains without a label in common have no organizational domain in common either.
            return match mode {
                _ if domain.suffix(1) != author.suffix(1) => Agreement::Different,
                AlignmentMode::Strict => Agreement::Different,
                AlignmentMode::Relaxed => unknown(&step.domain, error),
            };
        }
        if !domain.is_equal_or_below(&walk.organizational) {
            return Agreement::Different;
        }
        if mode == AlignmentMode::Strict {
            return Agreement::OnlyRelated;
        }
        if *domain == walk.organizational {
            return Agreement::SameOrganization;
        }
        let Some(own) = self.identifiers.iter().find(|own| own.start == *domain) else {
            return Agreement::NotLookedUp;
        };
        match own.failure() {
            Some((step, error)) => unknown(&step.domain, error),
            None if own.organizational == walk.organizational => Agreement::SameOrganization,
            None => Agreement::Different,
        }
    }
}

fn unknown(domain: &Domain, error: &LookupError) -> Agreement {
    Agreement::Unknown { question: asked(domain), error: error.clone() }
}

/// What was asked for the record of a domain.
pub(super) fn asked(domain: &Domain) -> Box<Question> {
    Box::new(question(domain).unwrap_or_else(|| Question::new(Name::ROOT, RecordType::Txt)))
}

impl fmt::Display for Mechanism {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Dkim => "dkim",
            Self::Spf => "spf",
        })
    }
}

impl fmt::Display for Agreement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Different => f.write_str("another organization"),
            Self::Equal => f.write_str("the author domain"),
            Self::NotLookedUp => f.write_str("not looked up"),
            Self::OnlyRelated => {
                f.write_str("of the author's organization, but the record asks for the same domain")
            }
            Self::SameOrganization => f.write_str("the same organization"),
            Self::Unknown { question, error } => {
                write!(f, "unknown, the lookup of {question} failed: {error}")
            }
        }
    }
}

impl fmt::Display for IdentifierResult {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::NoPass => "no pass",
            Self::Pass => "pass",
            Self::TempError => "temperror",
        })
    }
}

impl fmt::Display for Alignment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { mechanism, domain, mode, agreement, result, testing } = self;
        let testing = if *testing { " (under a testing key, which does not count)" } else { "" };
        write!(f, "{mechanism} {domain}: {result}{testing}; {mode} alignment: {agreement}")
    }
}

serialize_as_text!(Mechanism, IdentifierResult, Agreement);
