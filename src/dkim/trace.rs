//! What a verifier did, step by step.

use std::fmt;

use super::public_key::KeyError;
use super::verdict::Cause;
use crate::canonicalization::Canonicalization;
use crate::dns::{Answer, LookupError, Outcome, Question};
use crate::serialize::serialize_as_text;
use crate::tag_list::Base64;

/// One step of the verification of a signature.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Event {
    /// The field was read.
    Signature {
        /// The signature as a tag list on one line.
        tags: String,
    },
    /// A name in h= took a field of the header, or none was left.
    SignedField {
        /// The name as written.
        name: String,
        /// The field's place in the header, counted from the top and from 0.
        position: Option<usize>,
    },
    /// The signed header fields were made canonical.
    SignedHeader {
        /// How.
        canonicalization: Canonicalization,
        /// What the signature was made over.
        canonical: Vec<u8>,
    },
    /// The key was asked for.
    KeyLookup {
        /// What was asked.
        question: Box<Question>,
        /// What came back.
        reply: Result<Answer, LookupError>,
    },
    /// A TXT record at the key's name was ignored.
    Ignored {
        /// Why it is no key record for this signature.
        error: KeyError,
    },
    /// The key record was read.
    Key {
        /// The record as a tag list on one line.
        record: String,
        /// Size of the key in bits.
        bits: u32,
    },
    /// The body was hashed.
    BodyHash {
        /// How it was made canonical.
        canonicalization: Canonicalization,
        /// Octets of it that are signed: l=, or all.
        signed: u64,
        /// Octets of the canonical body.
        length: u64,
        /// bh=.
        expected: [u8; 32],
        /// The hash as found; `None` if the body ends before l=.
        found: Option<[u8; 32]>,
    },
    /// The signature was checked against the key.
    SignatureCheck {
        /// Whether it verified.
        verified: bool,
    },
    /// The verification ended here.
    Stopped {
        /// Why.
        cause: Cause,
    },
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Signature { tags } => write!(f, "signature read: {tags}"),
            Self::SignedField { name, position: Some(position) } => {
                write!(f, "h={name} covers field {}", position.saturating_add(1))
            }
            Self::SignedField { name, position: None } => {
                write!(f, "h={name} covers that there is no further such field")
            }
            Self::SignedHeader { canonicalization, canonical } => {
                write!(f, "signed header, {canonicalization}, {} octets:", canonical.len())?;
                for line in canonical.split_inclusive(|octet| *octet == b'\n') {
                    write!(f, "\n    {}", line.escape_ascii())?;
                }
                Ok(())
            }
            Self::KeyLookup { question, reply: Ok(answer) } => {
                write!(f, "asked {question}: ")?;
                match answer.outcome {
                    Outcome::Found => write!(f, "{} records", answer.records.len()),
                    Outcome::NoData => f.write_str("no such record (NODATA)"),
                    Outcome::NxDomain => f.write_str("no such name (NXDOMAIN)"),
                }
            }
            Self::KeyLookup { question, reply: Err(error) } => {
                write!(f, "asked {question}: {error}")
            }
            Self::Ignored { error } => write!(f, "ignored a TXT record: {error}"),
            Self::Key { record, bits } => write!(f, "key record: {record} ({bits} bits)"),
            Self::BodyHash { canonicalization, signed, length, expected, found } => {
                write!(f, "body, {canonicalization}, {signed} of {length} octets signed: ")?;
                match found {
                    Some(found) if found == expected => {
                        write!(f, "hash {} as signed", Base64(found))
                    }
                    Some(found) => {
                        write!(f, "signed {}, found {}", Base64(expected), Base64(found))
                    }
                    None => f.write_str("too short"),
                }
            }
            Self::SignatureCheck { verified: true } => f.write_str("signature verified"),
            Self::SignatureCheck { verified: false } => f.write_str("signature did not verify"),
            Self::Stopped { cause } => write!(f, "stopped: {cause}"),
        }
    }
}

serialize_as_text!(Event);
