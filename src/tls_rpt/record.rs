//! The TXT record that asks for reports, RFC 8460 section 3.

use std::fmt;

use crate::field_list::{self, Field, FieldError};
use crate::tag_list;

const VERSION: &[u8] = b"v=TLSRPTv1";

/// The record at `_smtp._tls.<domain>`,
/// [RFC 8460 section 3](https://www.rfc-editor.org/rfc/rfc8460#section-3).
///
/// Fields that are not known are ignored, and of several rua= the first counts.
///
/// ```
/// use bonafide::tls_rpt::{Record, UriScheme};
///
/// let record = Record::parse(b"v=TLSRPTv1; rua=mailto:a@example.com, https://example.com/v1")?;
/// let schemes: Vec<_> = record.rua.iter().map(|uri| uri.scheme).collect();
/// assert_eq!(schemes, [UriScheme::Mailto, UriScheme::Https]);
/// assert_eq!(Record::parse(record.to_string().as_bytes())?, record);
/// # Ok::<(), bonafide::tls_rpt::RecordError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Record<'a> {
    /// rua=: where reports are wanted, in order; at least one. It is enough that one of them takes the
    /// report.
    pub rua: Vec<ReportUri<'a>>,
}

/// Where to send reports.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct ReportUri<'a> {
    /// How it begins.
    pub scheme: UriScheme,
    text: &'a str,
}

/// How a report is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum UriScheme {
    /// By HTTP POST over TLS.
    Https,
    /// By mail.
    Mailto,
    /// In no way that RFC 8460 knows: to be ignored.
    Other,
}

/// Why TXT records are no TLS reporting record.
///
/// Offsets count from the first octet of the record.
#[derive(Clone, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum RecordError {
    /// Not fields of the grammar.
    #[error(transparent)]
    Field(#[from] FieldError),
    /// There is no rua=.
    #[error("the required field rua= is missing")]
    MissingRua,
    /// No TXT record begins with `v=TLSRPTv1;`.
    #[error("no TXT record begins with v=TLSRPTv1;")]
    NoRecord,
    /// More than one TXT record begins with `v=TLSRPTv1;`.
    #[error("found {found} records that begin with v=TLSRPTv1;, expected one")]
    SeveralRecords {
        /// How many.
        found: usize,
    },
    /// rua= holds something that is no URI.
    #[error("found {found} at offset {offset}, expected a URI (with ',' '!' ';' encoded)")]
    Uri {
        /// What stands there.
        found: String,
        /// Where it begins.
        offset: usize,
    },
    /// The record begins with something else than the version.
    #[error("found {found} at the beginning, expected v=TLSRPTv1;")]
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
    /// For the first rule of RFC 8460 section 3 that the record breaks.
    pub fn parse(text: &'a [u8]) -> Result<Self, RecordError> {
        let fields = field_list::fields(text, VERSION)
            .ok_or_else(|| RecordError::Version { found: field_list::quote_version(text) })?;
        let mut rua = None;
        for field in fields {
            let field = field?;
            if field.name == b"rua" && rua.is_none() {
                rua = Some(uris(&field)?);
            } else if field.name != b"rua" {
                field.check_unknown()?;
            }
        }
        rua.map(|rua| Self { rua }).ok_or(RecordError::MissingRua)
    }

    /// Chooses among the TXT records of a name, each with its strings joined: those that do not begin
    /// with `v=TLSRPTv1;` are discarded, and exactly one must be left.
    ///
    /// # Errors
    ///
    /// When none or several are left, and as [`Record::parse`]. All of that means that the domain
    /// wants no reports.
    pub fn select(texts: impl IntoIterator<Item = &'a [u8]>) -> Result<Self, RecordError> {
        match field_list::select(texts, VERSION) {
            Ok(text) => Self::parse(text),
            Err(0) => Err(RecordError::NoRecord),
            Err(found) => Err(RecordError::SeveralRecords { found }),
        }
    }
}

/// `tlsrpt-uri *(*WSP "," *WSP tlsrpt-uri)`
fn uris<'a>(field: &Field<'a>) -> Result<Vec<ReportUri<'a>>, RecordError> {
    let mut uris = Vec::new();
    let mut rest = field.value;
    let mut offset = field.value_offset;
    loop {
        let comma = memchr::memchr(b',', rest);
        let (element, behind) = rest.split_at(comma.unwrap_or(rest.len()));
        // White space belongs to the comma: there is none at the ends of the list.
        let before = if uris.is_empty() { 0 } else { field_list::white_space(element.iter()) };
        let uri = element.get(before..).unwrap_or_default();
        let after = if comma.is_some() { field_list::white_space(uri.iter().rev()) } else { 0 };
        let uri = uri.get(..uri.len().saturating_sub(after)).unwrap_or_default();
        uris.push(ReportUri::parse(uri).ok_or_else(|| RecordError::Uri {
            found: tag_list::quote(uri),
            offset: offset.saturating_add(before),
        })?);
        let Some(behind) = behind.get(1..) else {
            return Ok(uris);
        };
        offset = offset.saturating_add(element.len()).saturating_add(1);
        rest = behind;
    }
}

impl<'a> ReportUri<'a> {
    /// A scheme, a colon, and octets that a URI may hold (RFC 3986 section 2); an https URI has an
    /// authority, and a mailto URI an address.
    fn parse(uri: &'a [u8]) -> Option<Self> {
        let text = str::from_utf8(uri).ok()?;
        let (scheme, behind) = text.split_once(':')?;
        let is_scheme = scheme.starts_with(|first: char| first.is_ascii_alphabetic())
            && scheme.bytes().all(|o| o.is_ascii_alphanumeric() || matches!(o, b'+' | b'-' | b'.'));
        if !is_scheme || !has_uri_octets(behind.as_bytes()) {
            return None;
        }
        let (scheme, is_whole) = if scheme.eq_ignore_ascii_case("https") {
            let authority = behind.strip_prefix("//")?;
            (UriScheme::Https, !authority.is_empty() && !authority.starts_with(['/', '?', '#']))
        } else if scheme.eq_ignore_ascii_case("mailto") {
            (UriScheme::Mailto, !behind.is_empty() && !behind.starts_with(['?', '#']))
        } else {
            (UriScheme::Other, true)
        };
        is_whole.then_some(Self { scheme, text })
    }

    /// The whole URI as it stands in the record.
    pub fn as_str(&self) -> &'a str {
        self.text
    }
}

/// Unreserved and reserved characters and whole percent-encodings (RFC 3986 sections 2.1 to 2.3),
/// without `,` `!` `;`, which RFC 8460 section 3 wants encoded.
fn has_uri_octets(text: &[u8]) -> bool {
    let mut octets = text.iter();
    while let Some(octet) = octets.next() {
        let is_allowed = match octet {
            b'%' => {
                let mut is_digit = || octets.next().is_some_and(u8::is_ascii_hexdigit);
                is_digit() && is_digit()
            }
            b'-' | b'.' | b'_' | b'~' | b':' | b'/' | b'?' | b'#' | b'[' | b']' | b'@' | b'$'
            | b'&' | b'\'' | b'(' | b')' | b'*' | b'+' | b'=' => true,
            octet => octet.is_ascii_alphanumeric(),
        };
        if !is_allowed {
            return false;
        }
    }
    true
}

impl fmt::Display for ReportUri<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.text)
    }
}

impl fmt::Display for Record<'_> {
    /// As a record that parses back to the same.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("v=TLSRPTv1; rua=")?;
        for (position, uri) in self.rua.iter().enumerate() {
            let comma = if position > 0 { "," } else { "" };
            write!(f, "{comma}{uri}")?;
        }
        f.write_str(";")
    }
}
