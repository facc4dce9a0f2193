//! The Authentication-Results field, [RFC 8601](https://www.rfc-editor.org/rfc/rfc8601): read, written,
//! and found where somebody else has written our name on it.
//!
//! What the types here hold can be written and reads back equal: attackers have their say in a good part
//! of these values, so what the field cannot carry is refused when the value is made.
//!
//! ```
//! use bonafide::authentication_results::{AuthenticationResults, Keyword, MethodResult, Text, Value};
//!
//! let mut results = AuthenticationResults::new(Text::parse(b"mx.example.org")?);
//! let local_part = Some(Text::parse(b"x; dmarc=pass")?);
//! let mail_from = Value::address(local_part, bonafide::Domain::parse(b"evil.example")?)?;
//! results.results.push(
//!     MethodResult::new(Keyword::SPF, Keyword::FAIL)
//!         .with_property(Keyword::SMTP, Keyword::MAILFROM, mail_from),
//! );
//! let value = results.to_string();
//! assert!(value.ends_with("spf=fail smtp.mailfrom=\"x; dmarc=pass\"@evil.example"));
//! assert_eq!(AuthenticationResults::parse(value.as_bytes())?, results);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod parse;
mod strip;
mod write;

use std::borrow::Cow;
use std::fmt;

pub use parse::ParseError;
#[cfg(feature = "arc")]
pub(crate) use strip::Own;
pub use strip::strip;

use crate::domain::Domain;

/// What one server says about the authentication of a message,
/// [RFC 8601 section 2.2](https://www.rfc-editor.org/rfc/rfc8601#section-2.2).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct AuthenticationResults<'a> {
    /// Who says so.
    pub authserv_id: Text<'a>,
    /// The version of the field; `None` means 1.
    pub version: Option<u32>,
    /// The results in order; empty for `none`: nothing was checked.
    pub results: Vec<MethodResult<'a>>,
}

/// The result of one method.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct MethodResult<'a> {
    /// The method, such as dkim. One that nobody knows is to be ignored.
    pub method: Keyword<'a>,
    /// The version of the method; `None` means 1.
    pub version: Option<u32>,
    /// The result, such as pass.
    pub result: Keyword<'a>,
    /// Why, for people.
    pub reason: Option<Text<'a>>,
    /// What the result is about, in order.
    pub properties: Vec<Property<'a>>,
}

/// Something that a result is about: `header.d=example.com`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Property<'a> {
    /// Where it was found: header, body, smtp or policy. Another is to be ignored.
    pub ptype: Keyword<'a>,
    /// What it is.
    pub property: Keyword<'a>,
    /// Its value.
    pub value: Value<'a>,
}

/// The value of a property.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Value<'a> {
    /// `local-part@domain`, or `@domain`.
    Address {
        /// The local-part, without quotes.
        local_part: Option<Text<'a>>,
        /// The domain.
        domain: Domain,
    },
    /// Any text.
    Text(Text<'a>),
}

/// A name of methods, results and properties: letters, digits and hyphens, up to 32, whose case does not
/// matter ([RFC 5321 section 4.1.2](https://www.rfc-editor.org/rfc/rfc5321#section-4.1.2)).
#[derive(Clone, Debug, Eq)]
pub struct Keyword<'a>(Cow<'a, str>);

/// A text without control characters and line separators, of up to 400 octets, so that it fits into a
/// line of a field.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Text<'a>(Cow<'a, str>);

/// Why octets are not a [`Keyword`] or a [`Text`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum ValueError {
    /// A character that the field cannot carry.
    #[error("found {found:?} at offset {offset}, which the field cannot carry")]
    Character {
        /// The character.
        found: char,
        /// Where it stands.
        offset: usize,
    },
    /// No octets where there must be some.
    #[error("found nothing, expected letters, digits and hyphens")]
    Empty,
    /// Too many octets.
    #[error("found {found} octets, expected at most {limit}")]
    TooLong {
        /// How many there are.
        found: usize,
        /// The limit.
        limit: usize,
    },
    /// Not UTF-8.
    #[error("found octets that are not UTF-8 at offset {offset}")]
    Utf8 {
        /// Where they begin.
        offset: usize,
    },
}

/// With a quoted pair for each octet, a name and a domain this still fits into the 998 octets of a line.
const MAXIMUM_TEXT_OCTETS: usize = 400;
const MAXIMUM_LOCAL_PART_OCTETS: usize = 255;
const MAXIMUM_KEYWORD_OCTETS: usize = 32;

macro_rules! keywords {
    ($($name:ident = $text:literal),* $(,)?) => {
        /// Keywords of the registries of RFC 8601.
        impl Keyword<'static> {
            $(
                #[doc = concat!("`", $text, "`")]
                pub const $name: Self = Self(Cow::Borrowed($text));
            )*
        }
    };
}

keywords! {
    ARC = "arc", AUTH = "auth", DKIM = "dkim", DMARC = "dmarc", IPREV = "iprev", SPF = "spf",
    FAIL = "fail", NEUTRAL = "neutral", NONE = "none", PASS = "pass", PERMERROR = "permerror",
    POLICY = "policy", SOFTFAIL = "softfail", TEMPERROR = "temperror",
    BODY = "body", HEADER = "header", SMTP = "smtp",
    A = "a", B = "b", D = "d", FROM = "from", HELO = "helo", I = "i", MAILFROM = "mailfrom",
    OLDEST_PASS = "oldest-pass",
    RCPTTO = "rcptto", REMOTE_IP = "remote-ip", S = "s",
}

impl<'a> AuthenticationResults<'a> {
    /// No results yet.
    pub fn new(authserv_id: Text<'a>) -> Self {
        Self { authserv_id, version: None, results: Vec::new() }
    }

    /// Whether the version is 1, the only one there is. A field of another is to be ignored.
    pub fn is_supported(&self) -> bool {
        self.version.is_none_or(|version| version == 1)
    }
}

impl<'a> MethodResult<'a> {
    /// A result without reason and properties.
    pub fn new(method: Keyword<'a>, result: Keyword<'a>) -> Self {
        Self { method, version: None, result, reason: None, properties: Vec::new() }
    }

    /// The same result with a reason.
    #[must_use]
    pub fn with_reason(self, reason: Text<'a>) -> Self {
        Self { reason: Some(reason), ..self }
    }

    /// The same result with one property more.
    #[must_use]
    pub fn with_property(
        mut self,
        ptype: Keyword<'a>,
        property: Keyword<'a>,
        value: impl Into<Value<'a>>,
    ) -> Self {
        self.properties.push(Property { ptype, property, value: value.into() });
        self
    }
}

impl<'a> Keyword<'a> {
    /// Reads a keyword.
    ///
    /// # Errors
    ///
    /// For the first octet that stands in no keyword, with its offset, and for none or too many of them.
    pub fn parse(text: &'a [u8]) -> Result<Self, ValueError> {
        if let Some(offset) = text.iter().position(|octet| !is_keyword_octet(*octet)) {
            let found = text.get(offset).copied().map_or('?', char::from);
            return Err(ValueError::Character { found, offset });
        }
        // RFC 5321 section 4.1.2: the last is a letter or a digit.
        if text.ends_with(b"-") {
            return Err(ValueError::Character { found: '-', offset: text.len().saturating_sub(1) });
        }
        match text.len() {
            0 => Err(ValueError::Empty),
            found if found > MAXIMUM_KEYWORD_OCTETS => {
                Err(ValueError::TooLong { found, limit: MAXIMUM_KEYWORD_OCTETS })
            }
            _ => utf8(text).map(|text| Self(Cow::Borrowed(text))),
        }
    }

    /// As [`Keyword::parse`], of a text that nothing else owns.
    ///
    /// # Errors
    ///
    /// As [`Keyword::parse`].
    pub fn owned(text: String) -> Result<Keyword<'static>, ValueError> {
        Keyword::parse(text.as_bytes())?;
        Ok(Keyword(Cow::Owned(text)))
    }

    /// The keyword as written.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl PartialEq for Keyword<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.0.eq_ignore_ascii_case(&other.0)
    }
}

impl<'a> Text<'a> {
    /// Takes a text as it is.
    ///
    /// # Errors
    ///
    /// For the first character that the field cannot carry, with its offset, and for too many octets.
    pub fn parse(text: &'a [u8]) -> Result<Self, ValueError> {
        Self::new(Cow::Borrowed(utf8(text)?))
    }

    /// As [`Text::parse`], of a text that nothing else owns.
    ///
    /// # Errors
    ///
    /// As [`Text::parse`].
    pub fn owned(text: String) -> Result<Text<'static>, ValueError> {
        Text::new(Cow::Owned(text))
    }

    fn new(text: Cow<'a, str>) -> Result<Self, ValueError> {
        // What ends a line for some readers of Unicode ends none here.
        let is_stray =
            |c: char| c.is_control() && c != '\t' || matches!(c, '\u{2028}' | '\u{2029}');
        if let Some((offset, found)) = text.char_indices().find(|(_, c)| is_stray(*c)) {
            return Err(ValueError::Character { found, offset });
        }
        match text.len() {
            found if found > MAXIMUM_TEXT_OCTETS => {
                Err(ValueError::TooLong { found, limit: MAXIMUM_TEXT_OCTETS })
            }
            _ => Ok(Self(text)),
        }
    }

    /// The text, without quotes.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl<'a> Value<'a> {
    /// An address.
    ///
    /// # Errors
    ///
    /// [`ValueError::TooLong`] for a local-part of over 255 octets.
    pub fn address(local_part: Option<Text<'a>>, domain: Domain) -> Result<Self, ValueError> {
        match local_part.as_ref().map_or(0, |local_part| local_part.0.len()) {
            found if found > MAXIMUM_LOCAL_PART_OCTETS => {
                Err(ValueError::TooLong { found, limit: MAXIMUM_LOCAL_PART_OCTETS })
            }
            _ => Ok(Self::Address { local_part, domain }),
        }
    }
}

impl<'a> From<Text<'a>> for Value<'a> {
    fn from(text: Text<'a>) -> Self {
        Self::Text(text)
    }
}

impl<'a> From<&'a Domain> for Value<'a> {
    fn from(domain: &'a Domain) -> Self {
        // A domain has at most 253 octets, none of them a control character.
        Self::Text(Text(Cow::Borrowed(domain.as_str())))
    }
}

impl<'a> From<Keyword<'a>> for Value<'a> {
    fn from(keyword: Keyword<'a>) -> Self {
        Self::Text(Text(keyword.0))
    }
}

fn utf8(text: &[u8]) -> Result<&str, ValueError> {
    str::from_utf8(text).map_err(|error| ValueError::Utf8 { offset: error.valid_up_to() })
}

fn is_keyword_octet(octet: u8) -> bool {
    octet.is_ascii_alphanumeric() || octet == b'-'
}

/// RFC 2045 section 5.1; RFC 8601 section 5 adds what is not ASCII.
fn is_token_octet(octet: u8) -> bool {
    (octet.is_ascii_graphic() || !octet.is_ascii()) && !b"()<>@,;:\\\"/[]?=".contains(&octet)
}

/// RFC 5322 section 3.2.3; RFC 6532 adds what is not ASCII.
fn is_atext(octet: u8) -> bool {
    octet.is_ascii_alphanumeric() || !octet.is_ascii() || b"!#$%&'*+-/=?^_`{|}~".contains(&octet)
}

/// Atoms with one dot between them.
fn is_dot_atom(text: &[u8]) -> bool {
    text.split(|octet| *octet == b'.')
        .all(|atom| !atom.is_empty() && atom.iter().all(|octet| is_atext(*octet)))
}

impl fmt::Display for Keyword<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

#[cfg(test)]
mod tests;
