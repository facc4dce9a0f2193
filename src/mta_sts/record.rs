//! The TXT record that says that there is a policy, RFC 8461 section 3.1.

use std::fmt;

use crate::field_list::{self, FieldError};
use crate::tag_list;

const VERSION: &[u8] = b"v=STSv1";
const MAXIMUM_ID_OCTETS: usize = 32;

/// The record at `_mta-sts.<domain>`,
/// [RFC 8461 section 3.1](https://www.rfc-editor.org/rfc/rfc8461#section-3.1).
///
/// Fields that are not known are ignored, and of several with one name the first counts.
///
/// ```
/// use bonafide::mta_sts::Record;
///
/// let record = Record::parse(b"v=STSv1; id=20160831085700Z;")?;
/// assert_eq!(record.id, "20160831085700Z");
/// assert_eq!(Record::parse(record.to_string().as_bytes())?, record);
/// # Ok::<(), bonafide::mta_sts::RecordError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Record<'a> {
    /// id=: names one instance of the policy, in 1 to 32 letters and digits. Another id means that
    /// the policy has changed; ids have no order.
    pub id: &'a str,
}

/// Why TXT records are no MTA-STS record.
///
/// Offsets count from the first octet of the record.
#[derive(Clone, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum RecordError {
    /// Not fields of the grammar.
    #[error(transparent)]
    Field(#[from] FieldError),
    /// id= is not 1 to 32 letters and digits.
    #[error("found id={found} at offset {offset}, expected 1 to 32 letters and digits")]
    Id {
        /// The value as found.
        found: String,
        /// Where it stands.
        offset: usize,
    },
    /// There is no id=.
    #[error("the required field id= is missing")]
    MissingId,
    /// No TXT record begins with `v=STSv1;`.
    #[error("no TXT record begins with v=STSv1;")]
    NoRecord,
    /// More than one TXT record begins with `v=STSv1;`.
    #[error("found {found} records that begin with v=STSv1;, expected one")]
    SeveralRecords {
        /// How many.
        found: usize,
    },
    /// The record begins with something else than the version.
    #[error("found {found} at the beginning, expected v=STSv1;")]
    Version {
        /// What stands there.
        found: String,
    },
}

impl<'a> Record<'a> {
    /// Reads a record from the joined strings of a TXT record.
    ///
    /// # Errors
    ///
    /// For the first rule of RFC 8461 section 3.1 that the record breaks.
    pub fn parse(text: &'a [u8]) -> Result<Self, RecordError> {
        let fields = field_list::fields(text, VERSION)
            .ok_or_else(|| RecordError::Version { found: field_list::quote_version(text) })?;
        let mut id = None;
        for field in fields {
            let field = field?;
            if field.name != b"id" || id.is_some() {
                field.check_unknown()?;
                continue;
            }
            let is_id = (1..=MAXIMUM_ID_OCTETS).contains(&field.value.len())
                && field.value.iter().all(u8::is_ascii_alphanumeric);
            let text = str::from_utf8(field.value).ok().filter(|_| is_id);
            id = Some(text.ok_or_else(|| RecordError::Id {
                found: tag_list::quote(field.value),
                offset: field.value_offset,
            })?);
        }
        id.map(|id| Self { id }).ok_or(RecordError::MissingId)
    }

    /// Chooses among the TXT records of a name, each with its strings joined: those that do not begin
    /// with `v=STSv1;` are discarded, and exactly one must be left.
    ///
    /// # Errors
    ///
    /// When none or several are left, and as [`Record::parse`]. All of that means that the domain has
    /// no policy that can be used.
    pub fn select(texts: impl IntoIterator<Item = &'a [u8]>) -> Result<Self, RecordError> {
        match field_list::select(texts, VERSION) {
            Ok(text) => Self::parse(text),
            Err(0) => Err(RecordError::NoRecord),
            Err(found) => Err(RecordError::SeveralRecords { found }),
        }
    }
}

impl fmt::Display for Record<'_> {
    /// As a record that parses back to the same.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "v=STSv1; id={};", self.id)
    }
}
