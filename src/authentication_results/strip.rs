//! Finds fields that somebody else has written our name on, RFC 8601 section 5.

use crate::domain::Domain;
use crate::message::Header;

/// The fields that claim to be by an authserv-id, counted from the top and from 0, from the lowest field
/// up: removed in this order, no removal moves a field that is still to be removed.
///
/// A border server must remove them before it adds its own
/// ([RFC 8601 section 5](https://www.rfc-editor.org/rfc/rfc8601#section-5)), of whatever version. A field
/// is found however it is dressed: in another case, in A-labels or U-labels, with comments, folds and
/// quotes, with a dot at the end, under a name with white space or octets in it that do not show. Where
/// a comment or a quoted string has no end, and wherever else readers may differ, it counts as ours if
/// the identifier stands anywhere in front of the results. Time is linear in the length of the header.
///
/// ```
/// use bonafide::{authentication_results::strip, message::Header};
///
/// let header = Header::parse(
///     b"Authentication-Results: mx.other.example; none\r\n\
///       From: a@example.com\r\n\
///       AUTHENTICATION-RESULTS : (c (d)) \"MX.example.org\" 1 ; dmarc=pass\r\n",
/// );
/// assert_eq!(strip(&header, "mx.example.org"), [2]);
/// ```
pub fn strip(header: &Header<'_>, authserv_id: &str) -> Vec<usize> {
    let own = Own::new(authserv_id.as_bytes());
    let fields = header.fields().enumerate();
    let mut claiming: Vec<_> = fields
        .filter(|(_, field)| field.resembles("Authentication-Results"))
        .filter(|(_, field)| claims(field.value(), &own))
        .map(|(position, _)| position)
        .collect();
    claiming.reverse();
    claiming
}

/// Our identifier, without what a word in quotes is read without.
pub(crate) struct Own {
    id: Vec<u8>,
    domain: Option<Domain>,
}

impl Own {
    pub(crate) fn new(id: &[u8]) -> Self {
        let mut id: Vec<_> = significant(id).collect();
        id.pop_if(|last| *last == b'.');
        Self { domain: Domain::parse(&id).ok(), id }
    }

    pub(crate) fn is(&self, word: &[u8]) -> bool {
        let word = word.strip_suffix(b".").unwrap_or(word);
        if word.is_empty() {
            return false;
        }
        // RFC 8601 section 5: A-labels and U-labels are the same.
        word.eq_ignore_ascii_case(&self.id)
            || (self.domain.is_some() && Domain::parse(word).ok() == self.domain)
    }
}

/// Whether one of the words in front of the results is the identifier.
fn claims(value: &[u8], own: &Own) -> bool {
    // A comment ends a word, and may be taken out of one; a special ends a token, or is overlooked: both
    // readings count.
    let (mut word, mut joined) = (Vec::new(), Vec::new());
    // Once something never ends, what begins it is a separator, and so are semicolons.
    let mut is_whole = true;
    let mut rest = value;
    while let Some((&octet, behind)) = rest.split_first() {
        rest = behind;
        match octet {
            b'(' if is_whole => match comment_end(behind) {
                Some(end) => {
                    rest = behind.get(end..).unwrap_or_default();
                    if own.is(&word) {
                        return true;
                    }
                    word.clear();
                }
                None => is_whole = false,
            },
            b'"' if is_whole => match string_end(behind) {
                Some(end) => {
                    let inside = behind.get(..end.saturating_sub(1)).unwrap_or_default();
                    word.extend(significant(inside));
                    joined.extend(significant(inside));
                    rest = behind.get(end..).unwrap_or_default();
                }
                None => is_whole = false,
            },
            b';' if is_whole => break,
            b'\\' => {}
            b' ' | b';' | b'(' | b')' | b'"' | 0..=0x1f | 0x7f => {
                if own.is(&word) || own.is(&joined) {
                    return true;
                }
                word.clear();
                joined.clear();
            }
            b',' | b'<' | b'>' | b'@' | b':' | b'/' | b'[' | b']' | b'?' | b'=' => {
                if own.is(&word) {
                    return true;
                }
                word.clear();
                joined.push(octet);
            }
            _ => {
                word.push(octet);
                joined.push(octet);
            }
        }
    }
    own.is(&word) || own.is(&joined)
}

/// Behind the parenthesis that closes a comment, counted from behind the one that opens it.
fn comment_end(text: &[u8]) -> Option<usize> {
    let mut depth = 1_usize;
    let mut octets = text.iter().enumerate();
    while let Some((at, octet)) = octets.next() {
        match octet {
            b'\\' => {
                octets.next();
            }
            b'(' => depth = depth.saturating_add(1),
            b')' => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth == 0 {
            return Some(at.saturating_add(1));
        }
    }
    None
}

/// Behind the quote that closes a string, counted from behind the one that opens it.
fn string_end(text: &[u8]) -> Option<usize> {
    let mut octets = text.iter().enumerate();
    while let Some((at, octet)) = octets.next() {
        match octet {
            b'\\' => {
                octets.next();
            }
            b'"' => return Some(at.saturating_add(1)),
            _ => {}
        }
    }
    None
}

/// The octets of a word without white space, control characters and the backslashes of pairs.
fn significant(word: &[u8]) -> impl Iterator<Item = u8> {
    word.iter().copied().filter(|octet| *octet > b' ' && *octet != b'\\' && *octet != 0x7f)
}
