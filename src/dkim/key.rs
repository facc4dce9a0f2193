//! Key records, RFC 6376 section 3.6.1.

use std::fmt;

use crate::domain::{Domain, Selector};
use crate::tag_list::{self, Base64, TagListError, Tags};

/// A key record as it is published in the DNS,
/// [RFC 6376 section 3.6.1](https://www.rfc-editor.org/rfc/rfc6376#section-3.6.1).
///
/// ```
/// use bonafide::dkim::{KeyRecord, KeyType};
///
/// let text = b"v=DKIM1; k=ed25519; t=y; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=";
/// let record = KeyRecord::parse(text)?;
/// assert_eq!((record.key_type, record.testing, record.public_key.len()), (KeyType::Ed25519, true, 32));
/// assert_eq!(KeyRecord::parse(record.to_string().as_bytes())?, record);
/// # Ok::<(), bonafide::dkim::KeyRecordError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct KeyRecord<'a> {
    /// k=: the kind of key; rsa if absent.
    pub key_type: KeyType,
    /// p=: the decoded key; empty when the key is revoked.
    pub public_key: Vec<u8>,
    /// h=: the hash algorithms that may be used, as written; `None` if absent, which means all.
    pub hashes: Option<&'a str>,
    /// s=: the services that the key is for, as written; `None` if absent, which means all.
    pub services: Option<&'a str>,
    /// t=y: the domain tests DKIM; a verifier treats its signatures as if they were not there.
    pub testing: bool,
    /// t=s: the domain of i= must be d= itself.
    pub strict: bool,
    /// n=: notes for people, as written; `None` if absent or not UTF-8.
    pub notes: Option<&'a str>,
}

/// The kind of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum KeyType {
    /// Ed25519, [RFC 8463 section 4](https://www.rfc-editor.org/rfc/rfc8463#section-4).
    Ed25519,
    /// RSA.
    Rsa,
}

/// Why a TXT record is no key record, or none that can be used.
///
/// Offsets count from the first octet of the record.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyRecordError {
    /// p= is not base64.
    #[error("found no base64 in p= at offset {offset}")]
    Base64 {
        /// Where it ceases to be base64.
        offset: usize,
    },
    /// A tag stands twice, which voids the list (RFC 6376 section 3.2).
    #[error("tag {name}= stands a second time at offset {offset}")]
    DuplicateTag {
        /// The tag's name.
        name: String,
        /// Where the second one begins.
        offset: usize,
    },
    /// k= names an unknown kind of key.
    #[error("k={found} at offset {offset} is an unknown key type, expected rsa or ed25519")]
    KeyType {
        /// The value as found.
        found: String,
        /// Where it stands.
        offset: usize,
    },
    /// There is no p=.
    #[error("the required tag p= is missing")]
    MissingKey,
    /// Not a tag list.
    #[error(transparent)]
    TagList(#[from] TagListError),
    /// Over [`Limits::key_record_octets`](super::Limits::key_record_octets).
    #[error("found a record of {found} octets, expected at most {limit}")]
    TooLong {
        /// Octets of the record.
        found: usize,
        /// The limit.
        limit: usize,
    },
    /// v= is not DKIM1, or is not the first tag.
    #[error("found v={found} at offset {offset}, expected v=DKIM1 as the first tag or none")]
    Version {
        /// The value as found.
        found: String,
        /// Where it stands.
        offset: usize,
    },
}

impl<'a> KeyRecord<'a> {
    /// Reads a key record from the joined strings of a TXT record.
    ///
    /// # Errors
    ///
    /// For the first rule of RFC 6376 sections 3.2 and 3.6.1 that the record breaks.
    pub fn parse(text: &'a [u8]) -> Result<Self, KeyRecordError> {
        let (mut k, mut p, mut h, mut s, mut t, mut n) = (None, None, None, None, None, None);
        for (position, tag) in Tags::new(text).enumerate() {
            let tag = tag?;
            if tag.is_duplicate {
                let name = tag_list::quote(tag.name);
                return Err(KeyRecordError::DuplicateTag { name, offset: tag.name_offset });
            }
            if tag.name == b"v" && (tag.value != b"DKIM1" || position > 0) {
                let found = tag_list::quote(tag.value);
                return Err(KeyRecordError::Version { found, offset: tag.name_offset });
            }
            let slot = match tag.name {
                b"k" => &mut k,
                b"p" => &mut p,
                b"h" => &mut h,
                b"s" => &mut s,
                b"t" => &mut t,
                b"n" => &mut n,
                // RFC 6376 section 3.2: what is not known is ignored.
                _ => continue,
            };
            *slot = Some((tag.value, tag.value_offset));
        }
        let key_type = match k {
            None => KeyType::Rsa,
            Some((value, offset)) => KeyType::parse(value).ok_or_else(|| {
                let found = tag_list::quote(value);
                KeyRecordError::KeyType { found, offset }
            })?,
        };
        let (p, offset) = p.ok_or(KeyRecordError::MissingKey)?;
        let public_key = tag_list::decode_base64(p)
            .map_err(|at| KeyRecordError::Base64 { offset: offset.saturating_add(at) })?;
        let flag = |flag: &[u8]| {
            t.is_some_and(|(t, _)| tag_list::colon_separated(t).any(|found| found == flag))
        };
        Ok(Self {
            key_type,
            public_key,
            hashes: h.map(|(value, _)| text_of(value)),
            services: s.map(|(value, _)| text_of(value)),
            testing: flag(b"y"),
            strict: flag(b"s"),
            notes: n.and_then(|(value, _)| str::from_utf8(value).ok()),
        })
    }

    /// Whether h= allows a hash algorithm, such as `sha256`.
    pub fn allows_hash(&self, hash: &str) -> bool {
        self.hashes.is_none_or(|hashes| has_element(hashes, hash))
    }

    /// Whether the key may sign mail: s= is absent or holds `email` or `*`.
    pub fn is_for_email(&self) -> bool {
        self.services.is_none_or(|all| has_element(all, "*") || has_element(all, "email"))
    }

    /// Whether the key is revoked: p= is empty.
    pub fn is_revoked(&self) -> bool {
        self.public_key.is_empty()
    }
}

impl KeyRecord<'_> {
    /// The record as a line of a zone file, in strings of at most 255 octets
    /// ([RFC 6376 section 3.6.2.2](https://www.rfc-editor.org/rfc/rfc6376#section-3.6.2.2)):
    /// `<selector>._domainkey.<domain>. IN TXT "..." "..."`.
    pub fn zone_line(&self, selector: &Selector, domain: &Domain) -> String {
        let mut line = format!("{selector}._domainkey.{domain}. IN TXT");
        for string in self.strings() {
            line.push_str(" \"");
            for octet in string {
                match octet {
                    b'"' | b'\\' => line.extend(['\\', char::from(octet)]),
                    b' '..=b'~' => line.push(char::from(octet)),
                    // RFC 1035 section 5.1
                    _ => line.push_str(&format!("\\{octet:03}")),
                }
            }
            line.push('"');
        }
        line
    }

    /// The record's text in pieces of at most 255 octets: the strings of a TXT record.
    pub fn strings(&self) -> Vec<Vec<u8>> {
        let text = self.to_string().replace("\r\n", "");
        text.as_bytes().chunks(MAXIMUM_STRING_OCTETS).map(<[u8]>::to_vec).collect()
    }
}

/// RFC 1035 section 3.3: a character-string.
const MAXIMUM_STRING_OCTETS: usize = 255;

/// Lists of registered words are ASCII; one that is not even UTF-8 holds no word that is known.
fn text_of(value: &[u8]) -> &str {
    str::from_utf8(value).unwrap_or_default()
}

fn has_element(list: &str, element: &str) -> bool {
    tag_list::colon_separated(list.as_bytes()).any(|found| found == element.as_bytes())
}

impl KeyType {
    fn parse(value: &[u8]) -> Option<Self> {
        match value {
            b"ed25519" => Some(Self::Ed25519),
            b"rsa" => Some(Self::Rsa),
            _ => None,
        }
    }
}

impl fmt::Display for KeyType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Ed25519 => "ed25519",
            Self::Rsa => "rsa",
        })
    }
}

impl fmt::Display for KeyRecord<'_> {
    /// As a tag list that parses back to the same record; folds in h=, s= and n= stay as they are.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "v=DKIM1; k={}", self.key_type)?;
        let texts = [("h", self.hashes), ("s", self.services), ("n", self.notes)];
        for (name, text) in texts {
            if let Some(text) = text {
                write!(f, "; {name}={text}")?;
            }
        }
        f.write_str(match (self.testing, self.strict) {
            (true, true) => "; t=y:s",
            (true, false) => "; t=y",
            (false, true) => "; t=s",
            (false, false) => "",
        })?;
        write!(f, "; p={}", Base64(&self.public_key))
    }
}
