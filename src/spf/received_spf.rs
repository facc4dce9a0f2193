//! The Received-SPF header field, RFC 7208 section 9.1.

use std::fmt;
use std::net::IpAddr;

use super::options::Query;
use super::verdict::{HeloVerdict, MailFromVerdict, SpfResult, Verdict};
use crate::tag_list;

/// Octets of a value that are written; what is longer is cut off.
const MAXIMUM_VALUE_OCTETS: usize = 320;
/// Octets of a field that are read.
const MAXIMUM_FIELD_OCTETS: usize = 1 << 14;

/// A Received-SPF header field,
/// [RFC 7208 section 9.1](https://www.rfc-editor.org/rfc/rfc7208#section-9.1) with
/// [erratum 5436](https://www.rfc-editor.org/errata/eid5436).
///
/// ```text
/// header-field    = "Received-SPF:" [CFWS] result [FWS comment] [FWS key-value-list] CRLF
/// key-value-list  = key-value-pair *( ";" [CFWS] key-value-pair ) [";"]
/// key-value-pair  = key [CFWS] "=" ( dot-atom / quoted-string )
/// ```
///
/// `Display` writes the whole field, folded, without CRLF at the end. Whatever a sender wrote, it stays in
/// its quoted-string: octets that are not printable US-ASCII become question marks, and values are cut
/// off behind 320 octets.
///
/// ```
/// use bonafide::spf::{ReceivedSpf, SpfResult};
///
/// let value = b"pass (mx.example.org: fine) client-ip=192.0.2.1; envelope-from=\"a@example.com\"; helo=b";
/// let field = ReceivedSpf::parse(value)?;
/// assert_eq!(field.result, SpfResult::Pass);
/// assert_eq!(field.value("envelope-from"), Some("a@example.com"));
/// let written = field.to_string();
/// assert_eq!(ReceivedSpf::parse(written.strip_prefix("Received-SPF:").unwrap().as_bytes())?, field);
/// # Ok::<(), bonafide::spf::ReceivedSpfError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ReceivedSpf {
    /// The result.
    pub result: SpfResult,
    /// The comment behind the result, for people.
    pub comment: Option<String>,
    /// Keys in lower case and their values, in order.
    pub pairs: Vec<(String, String)>,
}

/// Why a value is no Received-SPF field.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ReceivedSpfError {
    /// A comment or a quoted-string without an end.
    #[error("expected the end of the comment or quoted-string that begins at offset {offset}")]
    Open {
        /// Where it begins.
        offset: usize,
    },
    /// Not a pair of a key and a value.
    #[error("expected key=value at offset {offset}, found {found:?}")]
    Pair {
        /// As much of it as tells what it is.
        found: String,
        /// Where it begins.
        offset: usize,
    },
    /// Not a result.
    #[error(
        "found {found:?}, expected pass, fail, softfail, neutral, none, temperror or permerror"
    )]
    Result {
        /// The word as found.
        found: String,
    },
    /// Over 16 KiB.
    #[error("found {found} octets, expected at most 16384")]
    TooLong {
        /// Octets of the value.
        found: usize,
    },
}

impl ReceivedSpf {
    /// The field for what became of HELO.
    pub fn for_helo(verdict: &HeloVerdict, query: &Query<'_>, receiver: &str) -> Self {
        Self::new(verdict, query, receiver, "helo")
    }

    /// The field for what became of MAIL FROM.
    pub fn for_mail_from(verdict: &MailFromVerdict, query: &Query<'_>, receiver: &str) -> Self {
        Self::new(verdict, query, receiver, "mailfrom")
    }

    fn new(verdict: &Verdict, query: &Query<'_>, receiver: &str, identity: &str) -> Self {
        let ip = query.ip.to_canonical();
        let domain = verdict.domain.as_ref().map_or("the sender's domain", |d| d.as_str());
        let mut pairs = vec![
            ("receiver".to_owned(), printable(receiver.as_bytes())),
            ("identity".to_owned(), identity.to_owned()),
            ("client-ip".to_owned(), ip.to_string()),
        ];
        if identity == "mailfrom" {
            pairs.push(("envelope-from".to_owned(), printable(query.mail_from)));
        }
        pairs.push(("helo".to_owned(), printable(query.helo)));
        let mechanism = verdict.matched.as_ref().map_or("default", |matched| &matched.term);
        pairs.push(("mechanism".to_owned(), printable(mechanism.as_bytes())));
        if let Some(cause) = &verdict.cause {
            pairs.push(("problem".to_owned(), printable(cause.to_string().as_bytes())));
        }
        let comment = format!("{receiver}: {}", describe(verdict.result, domain, ip));
        Self { result: verdict.result, comment: Some(printable(comment.as_bytes())), pairs }
    }

    /// The value of a key, without regard to case.
    pub fn value(&self, key: &str) -> Option<&str> {
        let pair = self.pairs.iter().find(|(name, _)| name.eq_ignore_ascii_case(key));
        pair.map(|(_, value)| value.as_str())
    }

    /// `client-ip`, if it is an address.
    pub fn client_ip(&self) -> Option<IpAddr> {
        self.value("client-ip")?.parse().ok()
    }

    /// Reads what stands behind `Received-SPF:`.
    ///
    /// # Errors
    ///
    /// For the first thing that the grammar does not allow.
    pub fn parse(value: &[u8]) -> Result<Self, ReceivedSpfError> {
        if value.len() > MAXIMUM_FIELD_OCTETS {
            return Err(ReceivedSpfError::TooLong { found: value.len() });
        }
        let mut reader = Reader { value, at: 0 };
        reader.skip()?;
        let word = reader.word();
        let result = SpfResult::parse(word)
            .ok_or_else(|| ReceivedSpfError::Result { found: tag_list::quote(word) })?;
        reader.white_space();
        let comment = match reader.peek() {
            Some(b'(') => Some(reader.comment()?),
            _ => None,
        };
        let mut pairs = Vec::new();
        reader.skip()?;
        while reader.peek().is_some() {
            pairs.push(reader.pair()?);
            reader.skip()?;
            let offset = reader.at;
            match reader.take() {
                None => break,
                Some(b';') => reader.skip()?,
                Some(_) => return Err(reader.no_pair(offset)),
            }
        }
        Ok(Self { result, comment, pairs })
    }
}

fn describe(result: SpfResult, domain: &str, ip: IpAddr) -> String {
    match result {
        SpfResult::Pass => format!("{domain} designates {ip} as permitted sender"),
        SpfResult::Fail => format!("{domain} does not designate {ip} as permitted sender"),
        SpfResult::SoftFail => format!("{domain} discourages use of {ip} as permitted sender"),
        SpfResult::Neutral => format!("{ip} is neither permitted nor denied by {domain}"),
        SpfResult::None => format!("{domain} does not designate permitted sender hosts"),
        SpfResult::TempError => format!("temporary error in processing of {domain}"),
        SpfResult::PermError => format!("permanent error in processing of {domain}"),
    }
}

/// What is written of a stranger's octets.
fn printable(octets: &[u8]) -> String {
    let safe = |octet: &u8| match octet {
        b' '..=b'~' => char::from(*octet),
        _ => '?',
    };
    octets.iter().take(MAXIMUM_VALUE_OCTETS).map(safe).collect()
}

impl fmt::Display for ReceivedSpf {
    /// The whole field, a line for each part, without CRLF at the end.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Received-SPF: {}", self.result)?;
        if let Some(comment) = &self.comment {
            f.write_str(" (")?;
            escaped(comment, &['(', ')', '\\'], f)?;
            f.write_str(")")?;
        }
        let mut between = "\r\n ";
        for (key, value) in &self.pairs {
            write!(f, "{between}")?;
            let name = key.chars().filter(|c| c.is_ascii_alphanumeric() || "-_".contains(*c));
            name.take(MAXIMUM_VALUE_OCTETS).try_for_each(|c| fmt::Write::write_char(f, c))?;
            if is_dot_atom(value) && value.len() <= MAXIMUM_VALUE_OCTETS {
                write!(f, "={value}")?;
            } else {
                f.write_str("=\"")?;
                escaped(value, &['"', '\\'], f)?;
                f.write_str("\"")?;
            }
            between = ";\r\n ";
        }
        Ok(())
    }
}

/// Whatever the fields of the value were set to, it stays on its line and in its quotes.
fn escaped(text: &str, special: &[char], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    for character in printable(text.as_bytes()).chars() {
        if special.contains(&character) {
            f.write_str("\\")?;
        }
        fmt::Write::write_char(f, character)?;
    }
    Ok(())
}

/// RFC 5322 section 3.2.3.
fn is_dot_atom(value: &str) -> bool {
    let is_atom =
        |octet: u8| octet.is_ascii_alphanumeric() || b"!#$%&'*+-/=?^_`{|}~".contains(&octet);
    value.split('.').all(|part| !part.is_empty() && part.bytes().all(is_atom))
}

struct Reader<'a> {
    value: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    fn peek(&self) -> Option<u8> {
        self.value.get(self.at).copied()
    }

    fn take(&mut self) -> Option<u8> {
        let octet = self.peek()?;
        self.at = self.at.saturating_add(1);
        Some(octet)
    }

    fn take_while(&mut self, wanted: impl Fn(u8) -> bool) -> &'a [u8] {
        let rest = self.value.get(self.at..).unwrap_or_default();
        let length = rest.iter().position(|octet| !wanted(*octet)).unwrap_or(rest.len());
        self.at = self.at.saturating_add(length);
        rest.get(..length).unwrap_or_default()
    }

    fn white_space(&mut self) {
        self.take_while(|octet| octet.is_ascii_whitespace());
    }

    /// Skips white space and comments.
    fn skip(&mut self) -> Result<(), ReceivedSpfError> {
        self.white_space();
        while self.peek() == Some(b'(') {
            self.comment()?;
            self.white_space();
        }
        Ok(())
    }

    fn word(&mut self) -> &'a [u8] {
        self.take_while(|octet| octet.is_ascii_alphanumeric() || octet == b'-' || octet == b'_')
    }

    /// A comment, which may hold others (RFC 5322 section 3.2.2); its text without the outer parentheses.
    fn comment(&mut self) -> Result<String, ReceivedSpfError> {
        let offset = self.at;
        let open = ReceivedSpfError::Open { offset };
        let mut text = Vec::new();
        let mut depth = 0_usize;
        while let Some(octet) = self.take() {
            match octet {
                b'(' => {
                    depth = depth.saturating_add(1);
                    if depth == 1 {
                        continue;
                    }
                }
                b')' => {
                    depth = depth.saturating_sub(1);
                    if depth == 0 {
                        return Ok(unfolded(&text));
                    }
                }
                b'\\' => {
                    text.extend(self.take());
                    continue;
                }
                _ => {}
            }
            text.push(octet);
        }
        Err(open)
    }

    fn pair(&mut self) -> Result<(String, String), ReceivedSpfError> {
        let offset = self.at;
        let key = String::from_utf8_lossy(self.word()).to_ascii_lowercase();
        self.skip()?;
        if key.is_empty() || self.take() != Some(b'=') {
            return Err(self.no_pair(offset));
        }
        self.skip()?;
        let value = match self.peek() {
            Some(b'"') => self.quoted_string()?,
            // More than a dot-atom: the RFC's own example has mechanism=ip4:192.0.2.1.
            _ => {
                let plain = |octet: u8| octet.is_ascii_graphic() && !b";\"()".contains(&octet);
                String::from_utf8_lossy(self.take_while(plain)).into_owned()
            }
        };
        Ok((key, value))
    }

    fn quoted_string(&mut self) -> Result<String, ReceivedSpfError> {
        let offset = self.at;
        self.take();
        let mut text = Vec::new();
        while let Some(octet) = self.take() {
            match octet {
                b'"' => return Ok(unfolded(&text)),
                b'\\' => text.extend(self.take()),
                _ => text.push(octet),
            }
        }
        Err(ReceivedSpfError::Open { offset })
    }

    fn no_pair(&self, offset: usize) -> ReceivedSpfError {
        let found = tag_list::quote(self.value.get(offset..).unwrap_or_default());
        ReceivedSpfError::Pair { found, offset }
    }
}

/// The text without the line ends of folds.
fn unfolded(text: &[u8]) -> String {
    String::from_utf8_lossy(text).replace(['\r', '\n'], "")
}
