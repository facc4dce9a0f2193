//! What a check did, step by step.

use std::fmt;

use super::term::Qualifier;
use super::verdict::Cause;
use crate::dns::{Answer, LookupError, Name, Outcome, Question, RecordData};
use crate::serialize::serialize_as_text;

/// One step of a check, and how deep in the tree of records it stands.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Event {
    /// 0 for the record of the domain itself, one more for what its terms do, and so on.
    pub depth: usize,
    /// The step.
    pub step: Step,
}

/// One step of a check.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Step {
    /// The record of a domain was looked for.
    Domain {
        /// The domain.
        domain: Box<Name>,
    },
    /// The DNS was asked.
    Lookup {
        /// What was asked.
        question: Box<Question>,
        /// What came back.
        reply: Result<Answer, LookupError>,
    },
    /// A term matched.
    Matched {
        /// What a match of it means.
        qualifier: Qualifier,
        /// The length of the prefix that was compared, if one was.
        prefix: Option<u8>,
    },
    /// Names beyond a limit, or an explanation, were left out.
    Omitted {
        /// What, and why.
        why: String,
    },
    /// The record was read.
    Record {
        /// The record.
        text: String,
    },
    /// The check ended without a term that matched.
    Stopped {
        /// Why.
        cause: Cause,
    },
    /// A term was evaluated.
    Term {
        /// The term.
        term: String,
    },
    /// A term did not match.
    Unmatched {
        /// Why not.
        why: String,
    },
}

impl fmt::Display for Event {
    /// One line, indented by the depth.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:1$}{2}", "", self.depth.saturating_mul(2), self.step)
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Domain { domain } => write!(f, "the record of {domain}"),
            Self::Lookup { question, reply: Ok(answer) } => {
                write!(f, "asked {question}: ")?;
                match answer.outcome {
                    Outcome::Found => records(&answer.records, f),
                    Outcome::NoData => f.write_str("no such record (NODATA)"),
                    Outcome::NxDomain => f.write_str("no such name (NXDOMAIN)"),
                }
            }
            Self::Lookup { question, reply: Err(error) } => {
                write!(f, "asked {question}: {error}")
            }
            Self::Matched { qualifier, prefix } => {
                f.write_str("matched")?;
                if let Some(prefix) = prefix.filter(|prefix| *prefix > 0) {
                    write!(f, " in /{prefix}")?;
                }
                write!(f, ", which means {}", qualifier.result())
            }
            Self::Omitted { why } => write!(f, "left out: {why}"),
            Self::Record { text } => write!(f, "record: {text}"),
            Self::Stopped { cause } => write!(f, "{}: {cause}", cause.result()),
            Self::Term { term } => write!(f, "term {term}"),
            Self::Unmatched { why } => write!(f, "no match: {why}"),
        }
    }
}

/// The first few records of an answer; of texts only how many.
fn records(records: &[RecordData], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    const SHOWN: usize = 10;
    write!(f, "{} records", records.len())?;
    for (position, record) in records.iter().take(SHOWN).enumerate() {
        let before = if position == 0 { ": " } else { ", " };
        match record {
            RecordData::A(address) => write!(f, "{before}{address}")?,
            RecordData::Aaaa(address) => write!(f, "{before}{address}")?,
            RecordData::Mx { exchange, .. } => write!(f, "{before}{exchange}")?,
            RecordData::Ptr(name) => write!(f, "{before}{name}")?,
            _ => return Ok(()),
        }
    }
    if records.len() > SHOWN { f.write_str(", ...") } else { Ok(()) }
}

serialize_as_text!(Event);
