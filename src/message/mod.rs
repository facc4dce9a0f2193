//! Messages as octets: the header block, its fields in order, and where the body begins.
//!
//! Nothing here fails. A header field is whatever stands between two line ends that are not
//! followed by white space; a line without a colon is kept as a field without a name. The fields
//! put back together are the header block, octet for octet.

mod address;
mod cfws;
mod defects;
mod field_index;

pub use address::{AuthorDomain, AuthorError};
pub(crate) use cfws::{CfwsError, Cursor};
pub use defects::{DefectScanner, Defects, MAXIMUM_LINE_OCTETS, Occurrences};
pub(crate) use field_index::FieldIndex;

use std::fmt;

use fearless_simd::{Level, Simd, SimdBase as _, SimdMask as _, dispatch};

use crate::octets::{self, BLOCK};

/// Octets of a body that several passes are made over one after the other while they are in a cache.
pub(crate) const PIECE: usize = 1 << 16;

/// A message's header block, split into fields, and the body behind it.
///
/// Lines end in CRLF and in nothing else ([RFC 5322 section 2.1](https://www.rfc-editor.org/rfc/rfc5322#section-2.1));
/// a bare CR or LF is an octet like any other. The header ends at the first empty line; a message
/// without one has no body. Time is linear; one list of fields is allocated.
///
/// ```
/// use bonafide::message::Header;
///
/// let header = Header::parse(b"From: a@example.com\r\nSubject: a\r\n  fold\r\n\r\nBody\r\n");
/// let names: Vec<_> = header.fields().map(|field| field.name()).collect();
/// assert_eq!(names, [&b"From"[..], b"Subject"]);
/// assert_eq!(header.body(), b"Body\r\n");
/// ```
#[derive(Clone, Debug)]
pub struct Header<'a> {
    message: &'a [u8],
    fields: Vec<Span>,
    end: usize,
    body_start: usize,
}

/// One field's place: it begins where the one before it ends.
#[derive(Clone, Copy, Debug)]
struct Span {
    start: usize,
    end: usize,
    /// Octets of the name.
    name: usize,
    /// Octets before the colon; all, if there is none.
    colon: usize,
}

impl<'a> Header<'a> {
    /// Splits a message, or a header block alone, into fields.
    pub fn parse(message: &'a [u8]) -> Self {
        dispatch!(Level::new(), simd => Self::parse_with(simd, message))
    }

    #[inline(always)]
    fn parse_with(simd: impl Simd, message: &'a [u8]) -> Self {
        // Enough for most messages, so that the list grows seldom.
        let mut fields = Vec::with_capacity(32);
        let mut start = 0;
        let mut body_start = None;
        let mut near_end = [0; 2 * BLOCK];
        // Of the block before: as if a line had ended in front of the message.
        let (mut last_returns, mut last_ends) = (0, 1 << (BLOCK - 1));
        for block in (0..message.len()).step_by(BLOCK) {
            let window = octets::window(message, block, &mut near_end);
            let [here, next] = [0, 1].map(|offset| octets::vector(simd, window, offset));
            let returns = here.simd_eq(b'\r').to_bitmask();
            let ends =
                here.simd_eq(b'\n').to_bitmask() & (returns << 1 | last_returns >> (BLOCK - 1));
            let empty_lines = ends & (ends << 2 | last_ends >> (BLOCK - 2));
            let next_wsp = octets::not_wsp(next).simd_eq(0).to_bitmask();
            let header = (empty_lines & empty_lines.wrapping_neg()).wrapping_sub(1);
            let mut field_ends = ends & !next_wsp & header;
            while let Some(bit) = octets::first_bit(field_ends) {
                let end = block.saturating_add(bit).saturating_add(1);
                fields.push(Span::new(message, start, end));
                start = end;
                field_ends &= field_ends.wrapping_sub(1);
            }
            if let Some(bit) = octets::first_bit(empty_lines) {
                body_start = Some(block.saturating_add(bit).saturating_add(1));
                break;
            }
            (last_returns, last_ends) = (returns, ends);
        }
        if body_start.is_none() && start < message.len() {
            fields.push(Span::new(message, start, message.len()));
            start = message.len();
        }
        Self { message, fields, end: start, body_start: body_start.unwrap_or(message.len()) }
    }

    /// The header block: all fields, without the empty line behind them.
    pub fn as_bytes(&self) -> &'a [u8] {
        self.message.get(..self.end).unwrap_or_default()
    }

    /// What follows the empty line; nothing if there is none.
    pub fn body(&self) -> &'a [u8] {
        self.message.get(self.body_start..).unwrap_or_default()
    }

    /// Where the body begins, or would begin behind the empty line that ends the header.
    pub(crate) fn body_offset(&self) -> u64 {
        let offset = self.body_start.max(self.end.saturating_add(2));
        u64::try_from(offset).unwrap_or(u64::MAX)
    }

    /// The empty line that ends the header, and what stands before it; `None` if there is none.
    pub(crate) fn with_empty_line(&self) -> Option<&'a [u8]> {
        self.message.get(..self.body_start).filter(|_| self.body_start > self.end)
    }

    /// The fields from top to bottom.
    pub fn fields(&self) -> impl ExactSizeIterator<Item = Field<'a>> + DoubleEndedIterator + Clone {
        self.fields.iter().map(|span| span.field(self.message))
    }

    /// The fields of a name from top to bottom, each with its place.
    pub(crate) fn fields_named(&self, name: &str) -> impl Iterator<Item = (usize, Field<'a>)> {
        let alike = self.fields.iter().enumerate().filter(|(_, span)| span.name == name.len());
        alike
            .map(|(position, span)| (position, span.field(self.message)))
            .filter(|(_, field)| field.name().eq_ignore_ascii_case(name.as_bytes()))
    }

    /// The field at a place, counted from the top and from 0.
    pub fn field(&self, position: usize) -> Option<Field<'a>> {
        self.fields.get(position).map(|span| span.field(self.message))
    }
}

impl Span {
    #[inline(always)]
    fn new(message: &[u8], start: usize, end: usize) -> Self {
        let field = message.get(start..end).unwrap_or_default();
        let Some(colon) = octets::colon(field) else {
            return Self { start, end, name: 0, colon: field.len() };
        };
        let mut name = field.get(..colon).unwrap_or_default();
        while let [before @ .., b' ' | b'\t'] = name {
            name = before;
        }
        Self { start, end, name: name.len(), colon }
    }

    fn field<'a>(&self, message: &'a [u8]) -> Field<'a> {
        let octets = message.get(self.start..).unwrap_or_default();
        let length = self.end.saturating_sub(self.start).min(octets.len());
        Field { octets, length, name: self.name, colon: self.colon }
    }
}

/// One header field as it was received.
#[derive(Clone, Copy)]
pub struct Field<'a> {
    /// The field, and behind it all that follows in the message.
    octets: &'a [u8],
    /// Octets of the field.
    length: usize,
    /// Octets of the name.
    name: usize,
    /// Octets before the colon; all of the field, if there is none.
    colon: usize,
}

impl<'a> Field<'a> {
    /// All octets of the field with its folding and final line end.
    pub fn as_bytes(&self) -> &'a [u8] {
        self.octets.get(..self.length).unwrap_or_default()
    }

    /// The field, and behind it all that follows in the message: who takes several octets at a time need
    /// not stop short of its end.
    pub(crate) fn with_all_behind(&self) -> &'a [u8] {
        self.octets
    }

    /// Octets before the colon; all, if there is none.
    pub(crate) fn colon(&self) -> usize {
        self.colon
    }

    /// The name as written, without white space before the colon ([RFC 5322 section 4.5.8](https://www.rfc-editor.org/rfc/rfc5322#section-4.5.8));
    /// empty for a line without a colon.
    pub fn name(&self) -> &'a [u8] {
        self.octets.get(..self.name).unwrap_or_default()
    }

    /// Whether some reader may take the name for another: it is the same but for case and for octets
    /// that do not show, such as white space in front, a fold behind or a NUL inside.
    pub(crate) fn resembles(&self, name: &str) -> bool {
        // A line without a colon has no name.
        let written = self.octets.get(..self.colon).filter(|_| self.colon < self.length);
        let written = written.unwrap_or_default();
        let showing = written.iter().filter(|octet| octet.is_ascii_graphic());
        showing.map(u8::to_ascii_lowercase).eq(name.bytes().map(|octet| octet.to_ascii_lowercase()))
    }

    /// What follows the colon, folding and all, without the final line end.
    pub fn value(&self) -> &'a [u8] {
        let value = self.as_bytes().get(self.value_offset()..).unwrap_or_default();
        value.strip_suffix(b"\r\n").unwrap_or(value)
    }

    /// Where the value begins in [`Field::as_bytes`]; for a line without a colon, at its end.
    pub fn value_offset(&self) -> usize {
        self.colon.saturating_add(1).min(self.length)
    }
}

impl PartialEq for Field<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.as_bytes() == other.as_bytes()
    }
}

impl Eq for Field<'_> {}

impl fmt::Debug for Field<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Field").field(&String::from_utf8_lossy(self.as_bytes())).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(message: &[u8]) -> Vec<&[u8]> {
        Header::parse(message).fields().map(|field| field.name()).collect()
    }

    /// RFC 5322 section 2.2.3: a line that begins with white space continues the field.
    #[test]
    fn folded_lines_belong_to_the_field() {
        let header = Header::parse(b"A: 1\r\n 2\r\n\t3\r\nB:4\r\n\r\n C: body");
        assert_eq!(header.field(0).unwrap().value(), b" 1\r\n 2\r\n\t3");
        assert_eq!(header.field(1).unwrap().value(), b"4");
        assert_eq!((header.fields().len(), header.body()), (2, &b" C: body"[..]));
    }

    /// RFC 5322 section 2.1: only CRLF ends a line.
    #[test]
    fn bare_line_ends_are_content() {
        assert_eq!(names(b"A: 1\nB: 2\rC: 3\r\nD: 4\r\n"), [b"A", b"D"]);
        let header = Header::parse(b"A: 1\n\nbody");
        assert_eq!((header.fields().len(), header.body()), (1, &b""[..]));
    }

    #[test]
    fn odd_headers_survive() {
        assert_eq!(names(b""), [b""; 0]);
        assert_eq!(names(b"\r\nbody"), [b""; 0]);
        assert_eq!(Header::parse(b"\r\nbody").body(), b"body");
        assert_eq!(names(b" lead: x\r\nA : 1\r\n"), [&b" lead"[..], b"A"]);
        assert_eq!(names(b"no colon\r\nA: 1"), [&b""[..], b"A"]);
        assert_eq!(names(b"A\r\n : 1\r\n"), [b"A\r\n"]);
        assert_eq!(Header::parse(b"A: 1\r\n\r\n").body(), b"");
        assert_eq!(Header::parse(b"A: 1\r\n\r\n").fields().len(), 1);
        assert_eq!(Header::parse(b"A: 1\r\n\r").fields().len(), 2);
    }

    /// Where fields end and where the body begins, a line at a time.
    fn naive(message: &[u8]) -> (Vec<usize>, usize) {
        let (mut ends, mut line) = (Vec::new(), 0);
        for end in 2..=message.len() {
            if &message[end - 2..end] == b"\r\n" {
                if end - line == 2 {
                    return (ends, end);
                }
                line = end;
                if !matches!(message.get(end), Some(b' ' | b'\t')) {
                    ends.push(end);
                }
            }
        }
        if ends.last().copied().unwrap_or(0) < message.len() {
            ends.push(message.len());
        }
        (ends, message.len())
    }

    /// RFC 5322 sections 2.1 and 2.2.3, wherever a line ends in a block, with the vectors of every machine.
    #[test]
    fn fields_end_where_a_plain_search_finds_it() {
        let pieces: [&[u8]; 7] = [b"\r\n", b"\r", b"\n", b" ", b"\t", b"a:", b"\r\n\r\n"];
        for number in 0..pieces.len().pow(4) {
            let chosen = [1, 7, 49, 343].map(|power| pieces[number / power % pieces.len()]);
            let text = chosen.concat();
            for before in [0, 1, 58 + number % 7, 122 + number % 7] {
                let message = [&b"x".repeat(before)[..], &text, b"y", &text].concat();
                let (ends, body) = naive(&message);
                for level in octets::levels() {
                    let header = dispatch!(level, simd => Header::parse_with(simd, &message));
                    let found: Vec<_> = header.fields.iter().map(|span| span.end).collect();
                    assert_eq!(
                        (&found, header.body_start),
                        (&ends, body),
                        "{}",
                        message.escape_ascii()
                    );
                }
            }
        }
    }

    /// The fields put back together are the header block.
    #[test]
    fn fields_concatenate_to_the_header_block() {
        for message in
            ["A: 1\r\n b\r\nC\r\n\r\nbody\r\n\r\n", "A", "", "\r\n\r\n", " a\r\n\n\r\r\nb"]
        {
            let header = Header::parse(message.as_bytes());
            let block: Vec<u8> =
                header.fields().flat_map(|field| field.as_bytes()).copied().collect();
            assert_eq!(block, header.as_bytes());
            let between = message.len() - block.len() - header.body().len();
            assert!(between == 0 || (between == 2 && message[block.len()..].starts_with("\r\n")));
        }
    }
}
