//! Where reports go: the URIs of rua= and ruf=, RFC 9989 sections 4.6 and 4.8.

use std::fmt;
use std::ops::Range;

/// The URIs of a rua= or ruf= tag, in their order.
///
/// What is no URI is left out. A size behind an exclamation point, which is obsolete, is ignored
/// ([RFC 9989 section 4.8](https://www.rfc-editor.org/rfc/rfc9989#section-4.8)). Two lists are equal if
/// they hold the same URIs.
#[derive(Clone, Copy, Default)]
pub struct ReportUris<'a> {
    value: &'a [u8],
    /// Where the value begins in the record.
    offset: usize,
}

/// A URI that reports can be sent to, if its scheme is supported.
///
/// Printable ASCII without commas, semicolons and exclamation points; a `mailto:` URI has an address
/// with a local-part and a domain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ReportUri<'a>(&'a str);

impl<'a> ReportUris<'a> {
    /// Reads the value of a tag that begins at an offset.
    pub(super) fn new(value: &'a [u8], offset: usize) -> Self {
        Self { value, offset }
    }

    /// Where in the record the value stands.
    pub(super) fn place(&self) -> Range<usize> {
        self.offset..self.offset.saturating_add(self.value.len())
    }

    /// The URIs in their order.
    pub fn iter(&self) -> impl Iterator<Item = ReportUri<'a>> + Clone + use<'a> {
        self.elements().filter_map(ReportUri::parse)
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.iter().next().is_none()
    }

    /// What is no URI for reports.
    pub(super) fn strays(&self) -> impl Iterator<Item = &'a [u8]> + use<'a> {
        self.elements().filter(|element| ReportUri::parse(element).is_none())
    }

    fn elements(&self) -> impl Iterator<Item = &'a [u8]> + Clone + use<'a> {
        let mut rest = Some(self.value);
        std::iter::from_fn(move || {
            let list = rest?;
            let (element, behind) = match memchr::memchr(b',', list) {
                Some(comma) => (list.get(..comma)?, list.get(comma.saturating_add(1)..)),
                None => (list, None),
            };
            rest = behind;
            Some(element.trim_ascii())
        })
    }
}

impl<'a> ReportUri<'a> {
    fn parse(element: &'a [u8]) -> Option<Self> {
        let uri = match memchr::memchr(b'!', element) {
            None => element,
            Some(at) => {
                let (uri, size) = element.split_at_checked(at)?;
                is_size(size).then_some(uri)?
            }
        };
        let (scheme, rest) = uri.split_at_checked(memchr::memchr(b':', uri)?)?;
        // RFC 3986 section 3.1.
        let is_scheme = |octet: &u8| octet.is_ascii_alphanumeric() || b"+-.".contains(octet);
        if !scheme.first()?.is_ascii_alphabetic() || !scheme.iter().all(is_scheme) {
            return None;
        }
        if !has_uri_octets(rest) {
            return None;
        }
        let uri = Self(str::from_utf8(uri).ok()?);
        (!uri.is_mail() || uri.mailbox().is_some()).then_some(uri)
    }

    /// The URI as written.
    pub fn as_str(&self) -> &'a str {
        self.0
    }

    fn is_mail(&self) -> bool {
        self.0.get(..7).is_some_and(|scheme| scheme.eq_ignore_ascii_case("mailto:"))
    }

    /// The local-part, as written with its percent signs, and the domain of a `mailto:` URI.
    pub fn mailbox(&self) -> Option<(&'a str, &'a str)> {
        let address = self.0.get(7..).filter(|_| self.is_mail())?;
        let address = address.split('?').next()?;
        let (local_part, domain) = address.rsplit_once('@')?;
        let is_domain =
            |octet: u8| octet.is_ascii_alphanumeric() || matches!(octet, b'-' | b'.' | b'_');
        let is_mailbox =
            !local_part.is_empty() && !domain.is_empty() && domain.bytes().all(is_domain);
        is_mailbox.then_some((local_part, domain))
    }
}

/// `"!" 1*DIGIT [ "k" / "m" / "g" / "t" ]`.
fn is_size(size: &[u8]) -> bool {
    let number = match size {
        [b'!', number @ .., unit] if unit.is_ascii_alphabetic() => {
            if !b"kmgtKMGT".contains(unit) {
                return false;
            }
            number
        }
        [b'!', number @ ..] => number,
        _ => return false,
    };
    !number.is_empty() && number.iter().all(u8::is_ascii_digit)
}

/// RFC 3986 section 2, without what RFC 9989 section 4.8 wants encoded.
fn has_uri_octets(rest: &[u8]) -> bool {
    if memchr::memchr(b'%', rest).is_none() {
        return rest.iter().fold(true, |all, octet| all & is_uri_octet(*octet));
    }
    let mut octets = rest.iter();
    while let Some(octet) = octets.next() {
        let fits = match octet {
            b'%' => [octets.next(), octets.next()]
                .into_iter()
                .all(|digit| digit.is_some_and(u8::is_ascii_hexdigit)),
            _ => is_uri_octet(*octet),
        };
        if !fits {
            return false;
        }
    }
    true
}

fn is_uri_octet(octet: u8) -> bool {
    matches!(octet,
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b':' | b'/' | b'?'
        | b'#' | b'[' | b']' | b'@' | b'$' | b'&' | b'\'' | b'(' | b')' | b'*' | b'+' | b'=')
}

impl PartialEq for ReportUris<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter())
    }
}

impl Eq for ReportUris<'_> {}

impl fmt::Debug for ReportUris<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter().map(|uri| uri.0)).finish()
    }
}

impl fmt::Display for ReportUris<'_> {
    /// With commas between the URIs.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, uri) in self.iter().enumerate() {
            if position > 0 {
                f.write_str(",")?;
            }
            f.write_str(uri.0)?;
        }
        Ok(())
    }
}

impl AsRef<str> for ReportUri<'_> {
    fn as_ref(&self) -> &str {
        self.0
    }
}

impl fmt::Display for ReportUri<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn uris(value: &str) -> String {
        ReportUris::new(value.as_bytes(), 0).to_string()
    }

    /// RFC 9989 section 4.8: dmarc-urilist, with the obsolete size.
    #[test]
    fn lists_hold_uris() {
        assert_eq!(uris("mailto:a@x.example"), "mailto:a@x.example");
        assert_eq!(uris("MAILTO:a@x ,\thttps://y/z?a=b#c"), "MAILTO:a@x,https://y/z?a=b#c");
        assert_eq!(
            uris("mailto:a@x!10m,mailto:b@x!7,mailto:c@x!1T"),
            "mailto:a@x,mailto:b@x,mailto:c@x"
        );
        for stray in [
            "",
            "a@x",
            "mailto:",
            "mailto:a",
            "mailto:@x",
            "mailto:a@",
            "mailto:a@x!",
            "mailto:a@x!m",
            "mailto:a@x!1x",
            "mailto:a@x!1!2",
            "mailto:a b@x",
            "mailto:a%4@x",
            "1x:y",
            ":y",
            "mailto:a@x\u{e9}",
            "mailto:a@[192.0.2.1]",
            "https://x/<y>",
        ] {
            assert_eq!(uris(stray), "", "{stray:?}");
            assert_eq!(uris(&format!("{stray},mailto:a@x")), "mailto:a@x", "{stray:?}");
        }
    }

    #[test]
    fn mailboxes_have_a_domain() {
        let mailbox =
            |uri: &'static str| ReportUris::new(uri.as_bytes(), 0).iter().next()?.mailbox();
        assert_eq!(mailbox("mailto:a%40b@x.example?subject=c@d"), Some(("a%40b", "x.example")));
        assert_eq!(mailbox("https://a@x.example"), None);
    }
}
