//! The policy, RFC 8461 section 3.2, and how MX hosts match it, section 4.1.

use std::fmt;

use crate::domain::{self, Domain, DomainError};
use crate::field_list;
use crate::tag_list;

/// Octets that a policy may have:
/// [RFC 8461 section 3.3](https://www.rfc-editor.org/rfc/rfc8461#section-3.3) suggests 64 KiB.
pub const MAXIMUM_POLICY_OCTETS: usize = 64 << 10;

/// Seconds that a policy may be kept, about a year; whatever says more means this.
pub const MAXIMUM_MAX_AGE: u32 = 31_557_600;

/// A policy as it is served at `https://mta-sts.<domain>/.well-known/mta-sts.txt`,
/// [RFC 8461 section 3.2](https://www.rfc-editor.org/rfc/rfc8461#section-3.2).
///
/// It borrows from the text and holds no list: [`Policy::mx`] reads the lines again. Keys that are
/// not known are ignored, and of several with one name the first counts, but for mx.
///
/// ```
/// use bonafide::Domain;
/// use bonafide::mta_sts::{Mode, Policy};
///
/// let text = b"version: STSv1\nmode: enforce\nmx: mail.example.com\nmx: *.example.net\nmax_age: 604800\n";
/// let policy = Policy::parse(text)?;
/// assert_eq!((policy.mode, policy.max_age, policy.mx().count()), (Mode::Enforce, 604_800, 2));
/// assert!(policy.matches(&Domain::parse(b"mx1.example.net")?));
/// assert!(!policy.matches(&Domain::parse(b"example.net")?));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy)]
#[non_exhaustive]
pub struct Policy<'a> {
    /// What to do where a host does not match or its TLS fails.
    pub mode: Mode,
    /// Seconds for which the policy may be kept, from when it was fetched; at most
    /// [`MAXIMUM_MAX_AGE`].
    pub max_age: u32,
    /// The whole policy, every line of which is in order.
    text: &'a str,
}

/// What a policy asks for, [RFC 8461 section 5](https://www.rfc-editor.org/rfc/rfc8461#section-5).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Mode {
    /// Do not deliver to a host that fails.
    Enforce,
    /// As if there were no policy: the domain withdraws it.
    None,
    /// Deliver, and report what failed.
    Testing,
}

/// A pattern of MX hosts, [RFC 8461 section 4.1](https://www.rfc-editor.org/rfc/rfc8461#section-4.1):
/// a name, or `*.` and a name, which stands for exactly one more label.
#[derive(Clone, Copy, Debug)]
pub struct MxPattern<'a> {
    is_wildcard: bool,
    /// Without the wildcard, as written.
    name: &'a str,
}

/// Why a text is no policy.
///
/// Offsets count from the first octet of the text.
#[derive(Clone, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum PolicyError {
    /// A line that is no `key: value`.
    #[error("found no key and ':' in the line at offset {offset}, expected key: value")]
    Line {
        /// Where the line begins.
        offset: usize,
    },
    /// max_age is no number of 1 to 10 digits.
    #[error("found max_age {found} at offset {offset}, expected 1 to 10 digits")]
    MaxAge {
        /// The value as found.
        found: String,
        /// Where it stands.
        offset: usize,
    },
    /// A key that must be there is not: version, mode, max_age, or mx unless the mode is none.
    #[error("the required key {key} is missing")]
    Missing {
        /// The key.
        key: &'static str,
    },
    /// mode is not one of the three words.
    #[error("found mode {found} at offset {offset}, expected enforce, testing or none")]
    Mode {
        /// The value as found.
        found: String,
        /// Where it stands.
        offset: usize,
    },
    /// mx is neither a domain nor `*.` and a domain.
    #[error("found mx {found} at offset {offset}, expected a domain or *. and a domain: {error}")]
    Mx {
        /// The value as found.
        found: String,
        /// Where it stands.
        offset: usize,
        /// What is wrong, with an offset from the beginning of the domain.
        error: DomainError,
    },
    /// A value that is empty, holds a control character, or is not UTF-8.
    #[error("found no value at offset {offset}, expected UTF-8 without control characters")]
    Value {
        /// Where it ceases to be one.
        offset: usize,
    },
    /// version is not STSv1.
    #[error("found version {found} at offset {offset}, expected STSv1")]
    Version {
        /// The value as found.
        found: String,
        /// Where it stands.
        offset: usize,
    },
}

impl<'a> Policy<'a> {
    /// Reads a policy of any length. Lines end with LF or CRLF, and the last one may have no end.
    ///
    /// # Errors
    ///
    /// For the first rule of RFC 8461 section 3.2 that the text breaks. There is no policy then.
    pub fn parse(text: &'a [u8]) -> Result<Self, PolicyError> {
        let text = str::from_utf8(text)
            .map_err(|error| PolicyError::Value { offset: error.valid_up_to() })?;
        let (mut version, mut mode, mut max_age, mut has_mx) = (None, None, None, false);
        for line in lines(text) {
            let Line { key, value, offset } = line?;
            let found = || tag_list::quote(value.as_bytes());
            match key {
                "version" if version.is_none() => {
                    let word = Some(()).filter(|()| value == "STSv1");
                    version =
                        Some(word.ok_or_else(|| PolicyError::Version { found: found(), offset })?);
                }
                "mode" if mode.is_none() => {
                    let word = Mode::parse(value);
                    mode = Some(word.ok_or_else(|| PolicyError::Mode { found: found(), offset })?);
                }
                "max_age" if max_age.is_none() => {
                    let number = parse_max_age(value);
                    max_age =
                        Some(number.ok_or_else(|| PolicyError::MaxAge { found: found(), offset })?);
                }
                "mx" => {
                    let name = MxPattern::new(value).name;
                    domain::check(name.as_bytes()).map_err(|error| PolicyError::Mx {
                        found: found(),
                        offset,
                        error,
                    })?;
                    has_mx = true;
                }
                _ => {}
            }
        }
        let missing = |key| PolicyError::Missing { key };
        version.ok_or_else(|| missing("version"))?;
        let mode = mode.ok_or_else(|| missing("mode"))?;
        let max_age = max_age.ok_or_else(|| missing("max_age"))?;
        if !has_mx && mode != Mode::None {
            return Err(missing("mx"));
        }
        Ok(Self { mode, max_age, text })
    }

    /// A policy that was parsed before; `text` is the same.
    pub(crate) fn of_parts(mode: Mode, max_age: u32, text: &'a str) -> Self {
        Self { mode, max_age, text }
    }

    /// The patterns in their order.
    pub fn mx(&self) -> impl Iterator<Item = MxPattern<'a>> + use<'a> {
        let lines = lines(self.text).filter_map(Result::ok);
        lines.filter(|line| line.key == "mx").map(|line| MxPattern::new(line.value))
    }

    /// Whether one of the patterns stands for this host. Mode none has no say in it.
    pub fn matches(&self, mx: &Domain) -> bool {
        self.mx().any(|pattern| pattern.matches(mx))
    }
}

/// RFC 8461 section 3.2: `1*10(DIGIT)`, at most [`MAXIMUM_MAX_AGE`].
fn parse_max_age(value: &str) -> Option<u32> {
    let number = tag_list::decimal(value.as_bytes()).filter(|_| value.len() <= 10)?;
    Some(u32::try_from(number).unwrap_or(u32::MAX).min(MAXIMUM_MAX_AGE))
}

impl<'a> MxPattern<'a> {
    fn new(value: &'a str) -> Self {
        let behind = value.strip_prefix("*.");
        Self { is_wildcard: behind.is_some(), name: behind.unwrap_or(value) }
    }

    /// Whether the pattern stands for this host: by whole labels, letters in either case.
    pub fn matches(&self, mx: &Domain) -> bool {
        let host = mx.as_str();
        let compared = if self.is_wildcard {
            host.split_once('.').map(|(_, above)| above)
        } else {
            Some(host)
        };
        compared.is_some_and(|compared| compared.eq_ignore_ascii_case(self.name))
    }
}

struct Line<'a> {
    key: &'a str,
    /// Without the white space around it.
    value: &'a str,
    /// Where the value begins.
    offset: usize,
}

/// The lines of a text, each with its key; a text of nothing is one empty line.
fn lines(text: &str) -> impl Iterator<Item = Result<Line<'_>, PolicyError>> {
    let mut next = Some(0_usize);
    std::iter::from_fn(move || {
        let start = next?;
        let rest = text.get(start..)?;
        let (line, behind) = match memchr::memchr(b'\n', rest.as_bytes()) {
            Some(at) => (rest.get(..at)?, start.checked_add(at)?.checked_add(1)),
            None => (rest, None),
        };
        next = behind.filter(|behind| *behind < text.len());
        // The end of the last line may be missing, but a CR alone is none.
        let line = line.strip_suffix('\r').filter(|_| behind.is_some()).unwrap_or(line);
        Some(read_line(line, start))
    })
}

fn read_line(line: &str, start: usize) -> Result<Line<'_>, PolicyError> {
    let (key, behind) = line
        .split_once(':')
        .filter(|(key, _)| field_list::is_name(key.as_bytes()))
        .ok_or(PolicyError::Line { offset: start })?;
    let value = behind.trim_start_matches([' ', '\t']);
    let offset = start.saturating_add(line.len().saturating_sub(value.len()));
    let value = value.trim_end_matches([' ', '\t']);
    let control = value.bytes().position(|octet| octet.is_ascii_control());
    match control.or_else(|| value.is_empty().then_some(0)) {
        Some(at) => Err(PolicyError::Value { offset: offset.saturating_add(at) }),
        None => Ok(Line { key, value, offset }),
    }
}

impl Mode {
    fn parse(value: &str) -> Option<Self> {
        match value {
            "enforce" => Some(Self::Enforce),
            "none" => Some(Self::None),
            "testing" => Some(Self::Testing),
            _ => None,
        }
    }
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Enforce => "enforce",
            Self::None => "none",
            Self::Testing => "testing",
        })
    }
}

/// Policies are the same when they say the same, whatever else their texts hold.
impl PartialEq for Policy<'_> {
    fn eq(&self, other: &Self) -> bool {
        (self.mode, self.max_age) == (other.mode, other.max_age) && self.mx().eq(other.mx())
    }
}

impl Eq for Policy<'_> {}

impl PartialEq for MxPattern<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.is_wildcard == other.is_wildcard && self.name.eq_ignore_ascii_case(other.name)
    }
}

impl Eq for MxPattern<'_> {}

impl fmt::Display for Policy<'_> {
    /// As a text that parses back to the same policy, lines ending with CRLF; keys that are not known
    /// are left out.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "version: STSv1\r\nmode: {}\r\n", self.mode)?;
        for pattern in self.mx() {
            write!(f, "mx: {pattern}\r\n")?;
        }
        write!(f, "max_age: {}\r\n", self.max_age)
    }
}

impl fmt::Debug for Policy<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mx: Vec<_> = self.mx().collect();
        let mut debug = f.debug_struct("Policy");
        debug.field("mode", &self.mode).field("max_age", &self.max_age).field("mx", &mx).finish()
    }
}

impl fmt::Display for MxPattern<'_> {
    /// In lower case.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_wildcard {
            f.write_str("*.")?;
        }
        f.write_str(&self.name.to_ascii_lowercase())
    }
}
