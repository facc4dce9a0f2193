//! From the TXT records at a key's name to a key that can verify; RFC 6376 section 6.1.2.

use super::key::{KeyRecord, KeyRecordError, KeyType};
use super::options::Limits;
use super::signature::Algorithm;
use super::trace::Event;
use super::verdict::{Cause, Verdict};
use crate::crypto::{self, Ed25519PublicKey, KeyEncodingError, RsaLimits, RsaPublicKey};
use crate::dns::{Answer, Question, Text};
use crate::tag_list::{self, Tag, Tags};

/// Why a key record does not fit a signature that points to it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// a= asks for another kind of key than k= says.
    #[error("the key is of type {found}, which does not fit the signature's algorithm")]
    Algorithm {
        /// k=.
        found: KeyType,
    },
    /// The key cannot be read, or is too short, too long or unfit.
    #[error("the key in p= is unusable: {0}")]
    Encoding(#[from] KeyEncodingError),
    /// h= of the record does not allow the hash that a= uses.
    #[error("the key record allows the hashes h={found} only, expected sha256 among them")]
    Hash {
        /// h=.
        found: String,
    },
    /// The only TXT record at the name is no key record that can be read.
    #[error("no usable key record: {0}")]
    Record(#[from] KeyRecordError),
    /// p= is empty: the key is revoked.
    #[error("the key is revoked (p= is empty)")]
    Revoked,
    /// s= of the record does not include email.
    #[error("the key record is for the services s={found} only, expected email or *")]
    Service {
        /// s=.
        found: String,
    },
    /// More than one key record at the name.
    #[error("found {found} key records at the name, expected one")]
    Several {
        /// How many.
        found: usize,
    },
    /// t=s of the record forbids an i= below d=.
    #[error("the key record demands that the domain of i= be d= itself (t=s)")]
    Strict,
}

/// The one key record among the TXT records at the key's name, RFC 6376 section 3.6.2.2.
///
/// Texts that are no key records, malformed ones, and keys of kinds or for services that do not
/// concern mail are ignored, as section 6.1.2 demands. Two key records are an error: which one is
/// meant, nobody can say.
pub(super) fn select_key<'r>(
    question: &Question,
    answer: &'r Answer,
    limits: &Limits,
    verdict: &mut Verdict,
) -> Result<KeyRecord<'r>, Cause> {
    let mut kept = None;
    let mut count = 0_usize;
    let mut ignored = None;
    for text in answer.texts().map(Text::as_bytes) {
        match read_key(text, limits) {
            Ok(record) => {
                count = count.saturating_add(1);
                kept.get_or_insert(record);
            }
            Err(error) => ignore(text, error, &mut ignored, verdict),
        }
    }
    match kept {
        Some(record) if count == 1 => Ok(record),
        _ => Err(no_single_key(question, answer, count, ignored)),
    }
}

/// Keeps why a text is no key.
#[cold]
fn ignore(text: &[u8], error: KeyError, ignored: &mut Option<KeyError>, verdict: &mut Verdict) {
    verdict.note(|| Event::Ignored { error: error.clone() });
    // What is meant to be a key record says best what is wrong.
    if ignored.is_none() || is_meant_as_key(text) {
        *ignored = Some(error);
    }
}

/// Why there is not one key among the texts: there are several, or none.
#[cold]
fn no_single_key(
    question: &Question,
    answer: &Answer,
    found: usize,
    ignored: Option<KeyError>,
) -> Cause {
    match ignored {
        _ if found > 0 => KeyError::Several { found }.into(),
        Some(error) => error.into(),
        None => Cause::NoKey { question: question.clone().into(), outcome: answer.outcome },
    }
}

fn read_key<'r>(text: &'r [u8], limits: &Limits) -> Result<KeyRecord<'r>, KeyError> {
    if text.len() > limits.key_record_octets {
        let (found, limit) = (text.len(), limits.key_record_octets);
        return Err(KeyRecordError::TooLong { found, limit }.into());
    }
    let record = KeyRecord::parse(text)?;
    check_service(&record)?;
    Ok(record)
}

/// Whether a record's key may sign mail at all.
pub(super) fn check_service(record: &KeyRecord<'_>) -> Result<(), KeyError> {
    if record.is_for_email() {
        return Ok(());
    }
    Err(KeyError::Service {
        found: tag_list::quote(record.services.unwrap_or_default().as_bytes()),
    })
}

/// Whether a record's key may be used with an algorithm, RFC 6376 section 6.1.2.
pub(crate) fn check_use(record: &KeyRecord<'_>, algorithm: Algorithm) -> Result<(), KeyError> {
    if !record.allows_hash("sha256") {
        return Err(KeyError::Hash {
            found: tag_list::quote(record.hashes.unwrap_or_default().as_bytes()),
        });
    }
    if record.is_revoked() {
        return Err(KeyError::Revoked);
    }
    if record.key_type != algorithm.key_type() {
        return Err(KeyError::Algorithm { found: record.key_type });
    }
    Ok(())
}

/// Whether a text has a p= or says v=DKIM1, however broken it is.
fn is_meant_as_key(text: &[u8]) -> bool {
    let says_so = |tag: Tag<'_>| tag.name == b"p" || (tag.name == b"v" && tag.value == b"DKIM1");
    Tags::new(text).map_while(Result::ok).any(says_so)
}

impl Algorithm {
    pub(super) fn key_type(self) -> KeyType {
        match self {
            Self::Ed25519Sha256 => KeyType::Ed25519,
            Self::RsaSha256 => KeyType::Rsa,
        }
    }
}

/// A key that can verify.
pub(crate) enum PublicKey<'r> {
    Ed25519(Ed25519PublicKey),
    Rsa(RsaPublicKey<'r>),
}

impl<'r> PublicKey<'r> {
    pub(super) fn read(record: &'r KeyRecord<'_>, limits: &Limits) -> Result<Self, KeyError> {
        Ok(match record.key_type {
            KeyType::Ed25519 => Self::Ed25519(Ed25519PublicKey::from_bytes(&record.public_key)?),
            KeyType::Rsa => {
                let limits = RsaLimits {
                    minimum_bits: limits.minimum_rsa_bits,
                    maximum_bits: limits.maximum_rsa_bits,
                };
                Self::Rsa(RsaPublicKey::from_der(&record.public_key, &limits)?)
            }
        })
    }

    pub(super) fn algorithm(&self) -> Algorithm {
        match self {
            Self::Ed25519(_) => Algorithm::Ed25519Sha256,
            Self::Rsa(_) => Algorithm::RsaSha256,
        }
    }

    /// What p= holds: a SubjectPublicKeyInfo (RFC 6376 erratum 3017), or bare octets (RFC 8463
    /// section 4.2).
    pub(super) fn to_published(&self) -> Vec<u8> {
        match self {
            Self::Ed25519(key) => key.as_bytes().to_vec(),
            Self::Rsa(key) => key.to_spki(),
        }
    }

    pub(super) fn bits(&self) -> u32 {
        match self {
            Self::Ed25519(_) => 256,
            Self::Rsa(key) => key.bits(),
        }
    }

    pub(crate) fn verify(&self, signed_header: &[u8], signature: &[u8]) -> bool {
        match self {
            // RFC 8463 section 3: what Ed25519 signs is the SHA-256 hash.
            Self::Ed25519(key) => key.verify(&crypto::sha256(signed_header), signature),
            Self::Rsa(key) => key.verify_sha256(signed_header, signature),
        }
    }
}
