//! DNS as the evaluators see it: a [`Question`], an [`Answer`], and the one trait that a caller implements.
//!
//! The crate opens no socket. A mail server has a resolver already; [`Resolver`] is the seam where
//! it plugs in. Three things are kept apart that must never be confused: *the name does not exist*,
//! *the name exists without such records*, and *nobody could say*. The first two are answers
//! ([`Outcome::NxDomain`], [`Outcome::NoData`]), only the last is an error ([`LookupError`]).
//!
//! ```
//! use bonafide::dns::{Answer, LookupError, Question, Resolver};
//!
//! struct Empty;
//!
//! impl Resolver for Empty {
//!     async fn lookup(&self, _question: &Question) -> Result<Answer, LookupError> {
//!         Ok(Answer::nx_domain())
//!     }
//! }
//! ```

mod join;
mod memo;
mod name;
mod resolver;
#[cfg(feature = "wire")]
pub mod wire;
mod zone;

use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::sync::Arc;

#[cfg(test)]
pub(crate) use join::ready;
pub(crate) use join::{join, join_all};
pub use memo::Memo;
pub use name::{Name, NameError};
pub(crate) use resolver::Reply;
pub use resolver::{AnyResolver, Resolver};
pub use zone::{Zone, ZoneError, ZoneErrorKind};

/// A question to the DNS: a name and a record type.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub struct Question {
    /// The name asked about, always fully qualified.
    pub name: Name,
    /// The record type asked for.
    pub record_type: RecordType,
}

impl Question {
    /// Asks for the records of one type at a name.
    pub fn new(name: Name, record_type: RecordType) -> Self {
        Self { name, record_type }
    }
}

impl fmt::Display for Question {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.name, self.record_type)
    }
}

/// The record types that email authentication asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum RecordType {
    /// An IPv4 address, [RFC 1035 section 3.4.1](https://www.rfc-editor.org/rfc/rfc1035#section-3.4.1).
    A,
    /// An IPv6 address, [RFC 3596 section 2.1](https://www.rfc-editor.org/rfc/rfc3596#section-2.1).
    Aaaa,
    /// A mail exchanger, [RFC 1035 section 3.3.9](https://www.rfc-editor.org/rfc/rfc1035#section-3.3.9).
    Mx,
    /// A name for an address, [RFC 1035 section 3.3.12](https://www.rfc-editor.org/rfc/rfc1035#section-3.3.12).
    Ptr,
    /// A TLS certificate association, [RFC 6698 section 2](https://www.rfc-editor.org/rfc/rfc6698#section-2).
    Tlsa,
    /// Text, [RFC 1035 section 3.3.14](https://www.rfc-editor.org/rfc/rfc1035#section-3.3.14).
    Txt,
}

impl RecordType {
    const NAMES: [(Self, &'static str, u16); 6] = [
        (Self::A, "A", 1),
        (Self::Aaaa, "AAAA", 28),
        (Self::Mx, "MX", 15),
        (Self::Ptr, "PTR", 12),
        (Self::Tlsa, "TLSA", 52),
        (Self::Txt, "TXT", 16),
    ];

    /// The type's number in the DNS parameters registry of IANA.
    pub fn code(self) -> u16 {
        Self::NAMES
            .iter()
            .find(|(record_type, ..)| *record_type == self)
            .map_or(0, |(_, _, code)| *code)
    }

    pub(crate) fn from_mnemonic(mnemonic: &[u8]) -> Option<Self> {
        Self::NAMES
            .iter()
            .find(|(_, name, _)| mnemonic.eq_ignore_ascii_case(name.as_bytes()))
            .map(|(record_type, ..)| *record_type)
    }
}

impl fmt::Display for RecordType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = Self::NAMES
            .iter()
            .find(|(record_type, ..)| record_type == self)
            .map_or("", |(_, name, _)| *name);
        f.pad(name)
    }
}

/// What the DNS said.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Answer {
    /// Whether there are records, and if not, whether the name exists.
    pub outcome: Outcome,
    /// The records of the type asked for, after CNAMEs; empty unless the outcome is [`Outcome::Found`].
    pub records: Arc<[RecordData]>,
    /// Seconds for which the answer may be kept: the least of all records used.
    pub ttl: u32,
    /// Whether the whole answer was authenticated by DNSSEC.
    pub authentic: bool,
}

impl Answer {
    /// An answer with records; without any it is [`Outcome::NoData`].
    pub fn found(records: impl Into<Arc<[RecordData]>>, ttl: u32) -> Self {
        let records = records.into();
        let outcome = if records.is_empty() { Outcome::NoData } else { Outcome::Found };
        Self { outcome, records, ttl, authentic: false }
    }

    /// The name exists, with no record of the type asked for.
    pub fn no_data() -> Self {
        Self { outcome: Outcome::NoData, records: Arc::from([]), ttl: 0, authentic: false }
    }

    /// The name does not exist ([RFC 8020](https://www.rfc-editor.org/rfc/rfc8020)).
    pub fn nx_domain() -> Self {
        Self { outcome: Outcome::NxDomain, ..Self::no_data() }
    }

    /// The same answer, marked as authenticated by DNSSEC or not.
    #[must_use]
    pub fn with_authentic(self, authentic: bool) -> Self {
        Self { authentic, ..self }
    }

    /// The same answer with another time to live.
    #[must_use]
    pub fn with_ttl(self, ttl: u32) -> Self {
        Self { ttl, ..self }
    }

    /// The TXT records of the answer, each as the concatenation of its strings.
    pub fn texts(&self) -> impl Iterator<Item = &Text> {
        self.records.iter().filter_map(|record| match record {
            RecordData::Txt(text) => Some(text),
            _ => None,
        })
    }
}

/// The three answers that the DNS can give to a question.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "an evaluator must decide each of them")]
pub enum Outcome {
    /// There are records of the type asked for.
    Found,
    /// The name exists, without records of that type.
    NoData,
    /// The name does not exist, and nothing below it either.
    NxDomain,
}

/// Why a question has no answer.
#[derive(Clone, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum LookupError {
    /// DNSSEC validation failed: the answer is forged or the zone is broken.
    #[error("the answer failed DNSSEC validation")]
    Bogus,
    /// Anything else, in the resolver's own words.
    #[error("{0}")]
    Other(Arc<str>),
    /// The server refused to answer.
    #[error("the DNS server refused to answer (REFUSED)")]
    Refused,
    /// The server failed to answer.
    #[error("the DNS server failed to answer (SERVFAIL)")]
    ServFail,
    /// No answer came in time.
    #[error("no answer came in time")]
    Timeout,
}

/// The data of one record.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RecordData {
    /// An IPv4 address.
    A(Ipv4Addr),
    /// An IPv6 address.
    Aaaa(Ipv6Addr),
    /// A mail exchanger.
    Mx {
        /// Lower is tried first.
        preference: u16,
        /// The host; the root name is a null MX ([RFC 7505](https://www.rfc-editor.org/rfc/rfc7505)).
        exchange: Name,
    },
    /// The name that an address maps to.
    Ptr(Name),
    /// A TLS certificate association.
    Tlsa {
        /// Certificate usage.
        usage: u8,
        /// Which part of the certificate is matched.
        selector: u8,
        /// How it is matched.
        matching: u8,
        /// What it is matched against.
        data: Arc<[u8]>,
    },
    /// A TXT record.
    Txt(Text),
}

impl RecordData {
    /// The type of this record.
    pub fn record_type(&self) -> RecordType {
        match self {
            Self::A(_) => RecordType::A,
            Self::Aaaa(_) => RecordType::Aaaa,
            Self::Mx { .. } => RecordType::Mx,
            Self::Ptr(_) => RecordType::Ptr,
            Self::Tlsa { .. } => RecordType::Tlsa,
            Self::Txt(_) => RecordType::Txt,
        }
    }
}

/// The data of one TXT record: any number of strings of any octets.
///
/// Every standard in this crate reads the strings joined without anything between them
/// ([RFC 7208 section 3.3](https://www.rfc-editor.org/rfc/rfc7208#section-3.3),
/// [RFC 6376 section 3.6.2.2](https://www.rfc-editor.org/rfc/rfc6376#section-3.6.2.2)),
/// which is what [`Text::as_bytes`] gives.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Text {
    joined: Box<[u8]>,
    /// Where each string ends in `joined`.
    ends: Box<[usize]>,
}

impl Text {
    /// Takes the strings of a record. A string of over 255 octets is kept as it is.
    pub fn new<S: AsRef<[u8]>>(strings: impl IntoIterator<Item = S>) -> Self {
        let mut joined = Vec::new();
        let mut ends = Vec::new();
        for string in strings {
            joined.extend_from_slice(string.as_ref());
            ends.push(joined.len());
        }
        Self { joined: joined.into(), ends: ends.into() }
    }

    /// All strings joined, without anything between them.
    pub fn as_bytes(&self) -> &[u8] {
        &self.joined
    }

    /// The strings as they stand in the record; there may be none.
    pub fn strings(&self) -> impl Iterator<Item = &[u8]> {
        let starts = std::iter::once(0).chain(self.ends.iter().copied());
        starts.zip(&self.ends).filter_map(|(start, end)| self.joined.get(start..*end))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 6376 section 3.6.2.2: the strings of a record are joined with nothing between.
    #[test]
    fn text_joins_strings_and_remembers_them() {
        let text = Text::new(["v=DK", "", "IM1"]);
        assert_eq!(text.as_bytes(), b"v=DKIM1");
        assert_eq!(text.strings().collect::<Vec<_>>(), [&b"v=DK"[..], b"", b"IM1"]);
        assert_eq!(Text::new([""; 0]).strings().count(), 0);
    }

    #[test]
    fn an_answer_without_records_is_no_data() {
        assert_eq!(Answer::found([], 60).outcome, Outcome::NoData);
        assert_ne!(Answer::no_data(), Answer::nx_domain());
    }

    #[test]
    fn every_record_type_has_its_number() {
        for (record_type, mnemonic, code) in RecordType::NAMES {
            assert_eq!(record_type.code(), code);
            assert_eq!(record_type.to_string(), mnemonic);
            assert_eq!(RecordType::from_mnemonic(mnemonic.as_bytes()), Some(record_type));
        }
    }
}
