//! Domains and selectors after parsing, and IDNA in one place.

use crate::serialize::serialize_as_text;
use std::borrow::Cow;
use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

const MAXIMUM_DOMAIN_OCTETS: usize = 253;
const MAXIMUM_LABEL_OCTETS: usize = 63;
/// Octets of a domain with U-labels. An A-label of 63 octets stands for at most 59 characters, of at most
/// 4 octets each; what is longer is no domain, and Punycode takes time that grows with the square.
const MAXIMUM_UNICODE_OCTETS: usize = 1024;

/// A domain in A-label form: labels of letters, digits, hyphens and underscores, in lower case.
///
/// At most 253 octets in labels of 1 to 63; a label neither begins nor ends with a hyphen
/// ([RFC 5321 section 4.1.2](https://www.rfc-editor.org/rfc/rfc5321#section-4.1.2); the underscore
/// is what the DNS has below such names). U-labels become A-labels
/// ([RFC 8616](https://www.rfc-editor.org/rfc/rfc8616)), and A-labels are checked. There is no
/// dot at the end. Whatever this type holds can be printed into a header field as it is.
///
/// ```
/// use bonafide::Domain;
///
/// let domain = Domain::parse("Bücher.example".as_bytes())?;
/// assert_eq!(domain.as_str(), "xn--bcher-kva.example");
/// assert!(domain.is_equal_or_below(&Domain::parse(b"example")?));
/// assert!(Domain::parse(b"example.com(.evil.example").is_err());
/// # Ok::<(), bonafide::DomainError>(())
/// ```
#[derive(Clone)]
pub struct Domain {
    /// A domain that this one is, or stands above: whoever walks up the tree shares its text.
    text: Arc<str>,
    /// Where this one begins in it.
    start: u8,
}

/// A DKIM selector: one or more labels in front of `._domainkey`,
/// [RFC 6376 section 3.1](https://www.rfc-editor.org/rfc/rfc6376#section-3.1).
///
/// The same labels as those of a [`Domain`].
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Selector(Domain);

/// Why octets are not a [`Domain`] or [`Selector`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum DomainError {
    /// A label of no octets: a dot at the beginning, at the end or behind another, or no text at all.
    #[error("found an empty label at offset {offset}, expected letters, digits, '-' or '_'")]
    EmptyLabel {
        /// Where the label would begin.
        offset: usize,
    },
    /// A label that begins or ends with a hyphen.
    #[error("found a hyphen at offset {offset}, where a label begins or ends")]
    Hyphen {
        /// Where the hyphen stands.
        offset: usize,
    },
    /// Not valid under IDNA: UTF-8 that is no U-label, or an A-label that decodes to none.
    #[error("found a label that is not valid under IDNA")]
    Idna,
    /// A label of over 63 octets.
    #[error("found a label of over 63 octets at offset {offset}")]
    LabelTooLong {
        /// Where the label begins.
        offset: usize,
    },
    /// An octet that stands in no domain.
    #[error(
        "found octet {found:#04x} at offset {offset}, expected a letter, a digit, '-', '_' or '.'"
    )]
    Octet {
        /// The octet.
        found: u8,
        /// Where it stands.
        offset: usize,
    },
    /// Over 253 octets in all.
    #[error("found {found} octets, expected at most 253")]
    TooLong {
        /// The length in A-label form; as written if that is over 1024 already.
        found: usize,
    },
}

impl Domain {
    /// Reads a domain; see [`Domain`] for what is one.
    ///
    /// # Errors
    ///
    /// For the first thing that is no part of a domain, with its offset.
    pub fn parse(text: &[u8]) -> Result<Self, DomainError> {
        if is_plain(text)
            && let Ok(ascii) = str::from_utf8(text)
        {
            return Ok(Self::of(ascii));
        }
        let ascii = if needs_idna(text) {
            if text.len() > MAXIMUM_UNICODE_OCTETS {
                return Err(DomainError::TooLong { found: text.len() });
            }
            // The deny list stays empty: what is allowed is checked below, with the offset.
            idna::domain_to_ascii_cow(text, idna::AsciiDenyList::EMPTY)
                .map_err(|_| DomainError::Idna)?
        } else {
            let text = str::from_utf8(text).map_err(|_| DomainError::Idna)?;
            Cow::Borrowed(text)
        };
        check(ascii.as_bytes())?;
        Ok(Self::of(&ascii))
    }

    /// The domain of a text that is one.
    fn of(ascii: &str) -> Self {
        let mut text: Arc<str> = ascii.into();
        if ascii.bytes().fold(false, |any, octet| any | octet.is_ascii_uppercase()) {
            Arc::make_mut(&mut text).make_ascii_lowercase();
        }
        Self { text, start: 0 }
    }

    /// The domain in A-label form and lower case, without a dot at the end.
    pub fn as_str(&self) -> &str {
        self.text.get(usize::from(self.start)..).unwrap_or_default()
    }

    /// The labels from left to right.
    pub fn labels(&self) -> impl DoubleEndedIterator<Item = &str> {
        self.as_str().split('.')
    }

    /// How many labels there are.
    pub(crate) fn label_count(&self) -> usize {
        let is_dot = |octet: &&u8| **octet == b'.';
        self.as_str().as_bytes().iter().filter(is_dot).count().saturating_add(1)
    }

    /// The last so many labels, at least one; all of them if there are fewer.
    pub(crate) fn suffix(&self, labels: usize) -> Self {
        self.ancestor(self.label_count().saturating_sub(labels.max(1)))
    }

    /// The domain without so many of its first labels; the domain itself if there are no more.
    pub(crate) fn ancestor(&self, labels: usize) -> Self {
        let octets = self.as_str().as_bytes().iter().enumerate();
        let mut dots = octets.filter(|(_, octet)| **octet == b'.');
        let dot = labels.checked_sub(1).and_then(|before| dots.nth(before));
        // A domain has at most 253 octets.
        let cut = dot.and_then(|(dot, _)| u8::try_from(dot).ok());
        let cut = cut.map_or(0, |dot| dot.saturating_add(1));
        Self { text: Arc::clone(&self.text), start: self.start.saturating_add(cut) }
    }

    /// Whether this is `other` or a subdomain of it, by whole labels.
    pub fn is_equal_or_below(&self, other: &Self) -> bool {
        self.as_str()
            .strip_suffix(other.as_str())
            .is_some_and(|above| above.is_empty() || above.ends_with('.'))
    }
}

impl Selector {
    /// Reads a selector.
    ///
    /// # Errors
    ///
    /// As [`Domain::parse`].
    pub fn parse(text: &[u8]) -> Result<Self, DomainError> {
        Domain::parse(text).map(Self)
    }

    /// The labels as a domain.
    pub(crate) fn as_domain(&self) -> &Domain {
        &self.0
    }

    /// The selector in A-label form and lower case.
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }

    /// The labels from left to right.
    pub fn labels(&self) -> impl DoubleEndedIterator<Item = &str> {
        self.0.labels()
    }
}

/// Whether a text is a domain without any label that might be an A-label, as most are.
fn is_plain(text: &[u8]) -> bool {
    let mut before = b'.';
    let mut length = 0_usize;
    for octet in text {
        let is_inside = !matches!(before, b'.' | b'-');
        let fits = match octet {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'_' => true,
            // An A-label begins with `xn--`.
            b'-' => is_inside,
            b'.' => is_inside && length <= MAXIMUM_LABEL_OCTETS,
            _ => false,
        };
        if !fits {
            return false;
        }
        length = if *octet == b'.' { 0 } else { length.saturating_add(1) };
        before = *octet;
    }
    !matches!(before, b'.' | b'-')
        && length <= MAXIMUM_LABEL_OCTETS
        && text.len() <= MAXIMUM_DOMAIN_OCTETS
}

fn needs_idna(text: &[u8]) -> bool {
    let is_a_label = |label: &[u8]| {
        label.first_chunk().is_some_and(|prefix: &[u8; 4]| prefix.eq_ignore_ascii_case(b"xn--"))
    };
    !text.is_ascii() || text.split(|octet| *octet == b'.').any(is_a_label)
}

pub(crate) fn check(ascii: &[u8]) -> Result<(), DomainError> {
    let mut offset = 0_usize;
    for label in ascii.split(|octet| *octet == b'.') {
        let stray = label.iter().position(
            |octet| !matches!(octet, b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_'),
        );
        if let Some((position, found)) = stray.and_then(|at| Some((at, *label.get(at)?))) {
            return Err(DomainError::Octet { found, offset: offset.saturating_add(position) });
        }
        match label {
            [] => return Err(DomainError::EmptyLabel { offset }),
            [b'-', ..] => return Err(DomainError::Hyphen { offset }),
            [middle @ .., b'-'] => {
                return Err(DomainError::Hyphen { offset: offset.saturating_add(middle.len()) });
            }
            _ if label.len() > MAXIMUM_LABEL_OCTETS => {
                return Err(DomainError::LabelTooLong { offset });
            }
            _ => offset = offset.saturating_add(label.len()).saturating_add(1),
        }
    }
    if ascii.len() > MAXIMUM_DOMAIN_OCTETS {
        return Err(DomainError::TooLong { found: ascii.len() });
    }
    Ok(())
}

impl PartialEq for Domain {
    fn eq(&self, other: &Self) -> bool {
        self.as_str() == other.as_str()
    }
}

impl Eq for Domain {}

impl Hash for Domain {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.as_str().hash(state);
    }
}

impl PartialOrd for Domain {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Domain {
    fn cmp(&self, other: &Self) -> Ordering {
        self.as_str().cmp(other.as_str())
    }
}

impl fmt::Debug for Domain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Domain").field(&self.as_str()).finish()
    }
}

impl fmt::Display for Domain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl fmt::Display for Selector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

serialize_as_text!(Domain, Selector);

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    fn parse(text: &str) -> Result<String, DomainError> {
        Domain::parse(text.as_bytes()).map(|domain| domain.to_string())
    }

    /// RFC 5321 section 4.1.2: sub-domain = Let-dig [Ldh-str].
    #[test]
    fn labels_are_letters_digits_hyphens_underscores() {
        assert_eq!(parse("Mail-1.Example.COM").unwrap(), "mail-1.example.com");
        assert_eq!(parse("_dmarc.example").unwrap(), "_dmarc.example");
        assert_eq!(parse(""), Err(DomainError::EmptyLabel { offset: 0 }));
        assert_eq!(parse("a..b"), Err(DomainError::EmptyLabel { offset: 2 }));
        assert_eq!(parse("a.b."), Err(DomainError::EmptyLabel { offset: 4 }));
        assert_eq!(parse("a.-b"), Err(DomainError::Hyphen { offset: 2 }));
        assert_eq!(parse("a.b-.c"), Err(DomainError::Hyphen { offset: 3 }));
        assert_eq!(parse("a.b c"), Err(DomainError::Octet { found: b' ', offset: 3 }));
        assert_eq!(parse("a\0"), Err(DomainError::Octet { found: 0, offset: 1 }));
    }

    #[test]
    fn limits_hold_exactly() {
        let label = "a".repeat(63);
        assert!(parse(&label).is_ok());
        assert_eq!(parse(&"a".repeat(64)), Err(DomainError::LabelTooLong { offset: 0 }));
        let longest = format!("{label}.{label}.{label}.{}", "b".repeat(61));
        assert!(parse(&longest).is_ok());
        assert_eq!(parse(&format!("{longest}b")), Err(DomainError::TooLong { found: 254 }));
    }

    /// RFC 5891 section 5.4: an A-label must decode to a U-label, and UTF-8 must be one.
    #[test]
    fn idna_is_checked() {
        assert_eq!(parse("BÜCHER.example").unwrap(), "xn--bcher-kva.example");
        assert_eq!(parse("XN--bcher-kva.example").unwrap(), "xn--bcher-kva.example");
        assert_eq!(parse("xn--a.example"), Err(DomainError::Idna));
        assert_eq!(Domain::parse(b"b\xfccher.example"), Err(DomainError::Idna));
        assert_eq!(parse("exa\u{202e}mple"), Err(DomainError::Idna));
    }

    /// The longest domain there is, in U-labels of four octets a character; and one that is no domain.
    #[test]
    fn long_u_labels_cost_no_time() {
        let label = "\u{20000}".repeat(50);
        let longest = Domain::parse(format!("{label}.{label}.{label}.{label}").as_bytes());
        assert!(longest.is_ok_and(|domain| domain.as_str().len() > 220));
        let huge = format!("{0}.", "\u{4e00}\u{9fa0}".repeat(400)).repeat(400);
        let found = huge.len();
        assert_eq!(Domain::parse(huge.as_bytes()), Err(DomainError::TooLong { found }));
    }

    #[test]
    fn a_suffix_is_a_domain_like_any_other() {
        let domain = Domain::parse(b"a.bc.example.com").unwrap();
        for (labels, expected) in [
            (0, "com"),
            (1, "com"),
            (2, "example.com"),
            (3, "bc.example.com"),
            (9, "a.bc.example.com"),
        ] {
            let (suffix, parsed) =
                (domain.suffix(labels), Domain::parse(expected.as_bytes()).unwrap());
            assert_eq!(suffix, parsed);
            assert_eq!(suffix.suffix(1).as_str(), "com");
            assert_eq!(suffix.label_count(), suffix.labels().count());
            assert_eq!(suffix.cmp(&domain), expected.cmp(domain.as_str()));
            assert_eq!(HashSet::from([suffix, parsed]).len(), 1);
        }
    }

    #[test]
    fn subdomains_are_counted_by_whole_labels() {
        let [top, sub, other] = ["example.com", "mail.example.com", "evilexample.com"]
            .map(|d| Domain::parse(d.as_bytes()).unwrap());
        assert!(sub.is_equal_or_below(&top) && top.is_equal_or_below(&top));
        assert!(!other.is_equal_or_below(&top) && !top.is_equal_or_below(&sub));
    }

    proptest::proptest! {
        /// What is read at once is what is read with care.
        #[test]
        fn plain_domains_are_domains(text in "([a-cA-C_-]{0,3}|[a-c-]{60,66})(\\.([a-cA-C_-]{0,3}|xn--[a-c]{1,3}|[a-c]{60,66})){0,5}") {
            let text = text.as_bytes();
            if is_plain(text) {
                proptest::prop_assert!(!needs_idna(text));
                proptest::prop_assert_eq!(check(text), Ok(()));
            } else if check(text).is_ok() {
                proptest::prop_assert!(text.windows(2).any(|pair| pair == b"--"));
            }
        }
    }
}
