//! What DMARC did, step by step.

use std::fmt;

use super::align::Alignment;
use super::values::{Policy, PolicyTag};
use super::verdict::Cause;
use crate::dns::{LookupError, Outcome, Question};
use crate::domain::Domain;
use crate::serialize::serialize_as_text;

/// One step of the evaluation of a message.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Event {
    /// An identifier was put beside the author domain.
    Alignment(Alignment),
    /// The author domain was asked for, to see whether it exists.
    Existence {
        /// Whether it does, or why nobody knows.
        outcome: Result<bool, LookupError>,
    },
    /// A name was asked for its record.
    Lookup {
        /// What was asked.
        question: Box<Question>,
        /// What stands there.
        found: Found,
    },
    /// The walk of a domain ended.
    OrganizationalDomain {
        /// The domain.
        domain: Domain,
        /// Its organizational domain.
        organizational: Domain,
    },
    /// The policy was taken from the record.
    Policy {
        /// The policy, before t=.
        policy: Policy,
        /// The tag that it comes from.
        tag: PolicyTag,
        /// Whether the record has t=y.
        testing: bool,
    },
    /// The record that applies was chosen.
    Record {
        /// Its domain.
        domain: Domain,
        /// The record as it was understood.
        record: String,
    },
    /// The evaluation ended here.
    Stopped {
        /// Why.
        cause: Cause,
    },
}

/// What stands at a name that was asked for a record.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Found {
    /// Nobody could say.
    Failed(LookupError),
    /// A record that cannot be applied, as it was understood.
    Invalid(String),
    /// No DMARC record.
    None(Outcome),
    /// A record, as it was understood.
    Record(String),
    /// More than one record, of which none counts.
    Several(usize),
}

impl fmt::Display for Found {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Failed(error) => error.fmt(f),
            Self::Invalid(record) => write!(f, "a record that cannot be applied: {record}"),
            Self::None(Outcome::Found) => f.write_str("no DMARC record"),
            Self::None(Outcome::NoData) => f.write_str("no such record (NODATA)"),
            Self::None(Outcome::NxDomain) => f.write_str("no such name (NXDOMAIN)"),
            Self::Record(record) => f.write_str(record),
            Self::Several(count) => write!(f, "{count} records, of which none counts"),
        }
    }
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Alignment(alignment) => alignment.fmt(f),
            Self::Existence { outcome: Ok(true) } => f.write_str("the author domain exists"),
            Self::Existence { outcome: Ok(false) } => {
                f.write_str("the author domain does not exist (NXDOMAIN)")
            }
            Self::Existence { outcome: Err(error) } => {
                write!(f, "whether the author domain exists is unknown: {error}")
            }
            Self::Lookup { question, found } => write!(f, "asked {question}: {found}"),
            Self::OrganizationalDomain { domain, organizational } => {
                write!(f, "the organizational domain of {domain} is {organizational}")
            }
            Self::Policy { policy, tag, testing } => {
                write!(f, "policy: {tag}={policy}")?;
                f.write_str(if *testing { ", tested (t=y)" } else { "" })
            }
            Self::Record { domain, record } => {
                write!(f, "the record of {domain} applies: {record}")
            }
            Self::Stopped { cause } => write!(f, "stopped: {cause}"),
        }
    }
}

serialize_as_text!(Event);
