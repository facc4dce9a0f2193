//! What a domain says about a fail, RFC 7208 section 6.2.

use std::fmt;

use crate::dns::Name;
use crate::serialize::serialize_as_text;

/// What a domain says about a fail,
/// [RFC 7208 section 6.2](https://www.rfc-editor.org/rfc/rfc7208#section-6.2): the words of a stranger,
/// made safe to send.
///
/// One line of printable US-ASCII of at most
/// [`Limits::explanation_octets`](super::Limits::explanation_octets) octets. `Display` says whose words
/// they are: `example.com explains: ...`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explanation {
    domain: Box<Name>,
    text: String,
}

impl Explanation {
    /// Makes an expanded text safe: what is not printable becomes a question mark.
    pub(super) fn new(domain: Name, expanded: &[u8], limit: usize) -> Self {
        let printable = |octet: &u8| match octet {
            b' '..=b'~' => char::from(*octet),
            _ => '?',
        };
        let text = expanded.iter().take(limit).map(printable).collect();
        Self { domain: Box::new(domain), text }
    }

    /// Whose words these are.
    pub fn domain(&self) -> &Name {
        &self.domain
    }

    /// The words, without a mark whose they are.
    pub fn text(&self) -> &str {
        &self.text
    }
}

impl fmt::Display for Explanation {
    /// The words behind a mark whose they are.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} explains: {}", self.domain, self.text)
    }
}

serialize_as_text!(Explanation);
