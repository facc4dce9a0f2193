//! Header fields in canonical form, RFC 6376 sections 3.4.1 and 3.4.2.

use std::ops::Range;

use fearless_simd::{Level, SimdBase, SimdMask, dispatch, u8x32};

use super::{CRLF, Canonicalization, first_bit};
use crate::message::Field;
use crate::octets::{self, HEAD, NotGraphic};

/// Appends the canonical form of one header field to `out`.
///
/// `field` is as received: name, colon, value with its folding, and usually the final CRLF, which
/// the form has exactly when `field` has. A field without colon is all name.
/// [RFC 6376 section 3.4.1](https://www.rfc-editor.org/rfc/rfc6376#section-3.4.1),
/// [section 3.4.2](https://www.rfc-editor.org/rfc/rfc6376#section-3.4.2)
pub fn header_field(canonicalization: Canonicalization, field: &[u8], out: &mut Vec<u8>) {
    match canonicalization {
        Canonicalization::Simple => out.extend_from_slice(field),
        Canonicalization::Relaxed => {
            let colon = octets::colon(field).unwrap_or(field.len());
            relaxed_header_field(Text { octets: field, length: field.len() }, colon, out);
        }
    }
}

/// Appends the canonical form of a message's field as it is signed, RFC 6376 section 3.7: ending in
/// CRLF, the last one of a message that breaks off in its header too.
pub(crate) fn signed_field(
    canonicalization: Canonicalization,
    field: &Field<'_>,
    out: &mut Vec<u8>,
) {
    match canonicalization {
        Canonicalization::Simple => out.extend_from_slice(field.as_bytes()),
        Canonicalization::Relaxed => relaxed_header_field(Text::of(field), field.colon(), out),
    }
    if !field.as_bytes().ends_with(CRLF) {
        out.extend_from_slice(CRLF);
    }
}

/// Appends a signature's own field as it is signed, RFC 6376 section 3.7: without the value of b=, which
/// stands at `hole` in the field's value, and without its final CRLF.
pub(crate) fn signature_field(
    canonicalization: Canonicalization,
    field: &Field<'_>,
    hole: Range<usize>,
    out: &mut Vec<u8>,
) {
    let [start, end] = [hole.start, hole.end].map(|at| field.value_offset().saturating_add(at));
    let whole = Text::of(field).without_line_end();
    let (before, behind) = (Text { length: start.min(whole.length), ..whole }, whole.behind(end));
    match canonicalization {
        Canonicalization::Simple => {
            out.extend_from_slice(before.as_bytes());
            out.extend_from_slice(behind.as_bytes());
        }
        Canonicalization::Relaxed => {
            relaxed_header_field(before, field.colon(), out);
            // All white space around the value is in the hole.
            unfold(behind, out);
        }
    }
}

/// A text and whatever stands behind it in memory, so that steps of several octets may begin near its
/// end.
#[derive(Clone, Copy)]
struct Text<'a> {
    octets: &'a [u8],
    length: usize,
}

impl<'a> Text<'a> {
    fn of(field: &Field<'a>) -> Self {
        Self { octets: field.with_all_behind(), length: field.as_bytes().len() }
    }

    fn as_bytes(&self) -> &'a [u8] {
        self.octets.get(..self.length).unwrap_or(self.octets)
    }

    fn without_line_end(self) -> Self {
        let length = self.as_bytes().strip_suffix(CRLF).map_or(self.length, <[u8]>::len);
        Self { length, ..self }
    }

    /// What stands behind the first octets.
    fn behind(self, octets: usize) -> Self {
        Self {
            octets: self.octets.get(octets..).unwrap_or_default(),
            length: self.length.saturating_sub(octets),
        }
    }

    fn without_leading_white_space(self) -> Self {
        let mut text = self.as_bytes();
        while let [b' ' | b'\t', rest @ ..] | [b'\r', b'\n', b' ' | b'\t', rest @ ..] = text {
            text = rest;
        }
        self.behind(self.length.saturating_sub(text.len()))
    }
}

fn relaxed_header_field(field: Text<'_>, colon: usize, out: &mut Vec<u8>) {
    out.reserve(field.length.saturating_add(STEP));
    let text = field.without_line_end();
    relaxed_name(Text { length: colon.min(text.length), ..text }, out);
    if colon < text.length {
        out.push(b':');
        unfold(text.behind(colon.saturating_add(1)), out);
    }
    if text.length < field.length {
        out.extend_from_slice(CRLF);
    }
}

/// Appends the name with which a field begins.
fn relaxed_name(name: Text<'_>, out: &mut Vec<u8>) {
    let start = out.len();
    if let Some(head) = name.octets.first_chunk()
        && octets::first_in_head(&NotGraphic, head).unwrap_or(HEAD) >= name.length
    {
        // There is nothing to unfold. What is too much is cut off again, which spares a copy whose
        // length nobody can foresee.
        let mut head: [u8; HEAD] = *head;
        head.make_ascii_lowercase();
        out.extend_from_slice(&head);
        out.truncate(start.saturating_add(name.length));
        return;
    }
    unfold(name, out);
    if let Some(name) = out.get_mut(start..) {
        name.make_ascii_lowercase();
    }
}

/// Appends the text unfolded, with its whitespace reduced and none at either end.
fn unfold(text: Text<'_>, out: &mut Vec<u8>) {
    let start = out.len();
    let mut rest = text;
    loop {
        let words = rest.without_leading_white_space();
        if words.length == 0 {
            return;
        }
        if words.length < rest.length && out.len() > start {
            out.push(b' ');
        }
        rest = words.behind(copy_words(words, out));
    }
}

/// Octets that are looked at and copied at once.
const STEP: usize = 32;

/// Appends what stands before white space that may be other than one SP between two words, and returns
/// how many octets that are: at least the first, which is no white space.
fn copy_words(text: Text<'_>, out: &mut Vec<u8>) -> usize {
    let start = out.len();
    let mut rest = text;
    loop {
        let near_end;
        let step = match rest.octets.first_chunk() {
            Some(step) => step,
            None => {
                let mut octets = [0; STEP];
                if let Some(place) = octets.get_mut(..rest.octets.len()) {
                    place.copy_from_slice(rest.octets);
                }
                near_end = octets;
                &near_end
            }
        };
        let position = out.len();
        // What is too much is cut off again, as above.
        out.extend_from_slice(step);
        if let Some(end) = end_of_words(step, rest) {
            let end = position.saturating_add(end).max(start.saturating_add(1));
            out.truncate(end);
            return end.saturating_sub(start);
        }
        rest = rest.behind(STEP);
    }
}

/// Where in the step with which a text begins stands its end, a control character, or a SP in front of
/// white space, of a control character or of the end.
fn end_of_words(step: &[u8; STEP], text: Text<'_>) -> Option<usize> {
    let (controls, spaces) = dispatch!(Level::baseline(), simd => {
        let octets = u8x32::load_array_ref(simd, step);
        (octets.simd_lt(b' ').to_bitmask(), octets.simd_eq(b' ').to_bitmask())
    });
    let is_next_blank = text.octets.get(STEP).is_some_and(|next| *next <= b' ');
    let end = u64::MAX.unbounded_shl(u32::try_from(text.length).unwrap_or(u32::MAX));
    let ends = controls | end;
    let blanks = ends | spaces | u64::from(is_next_blank) << STEP;
    let found = ends | spaces & blanks >> 1;
    Some(first_bit(found)).filter(|found| *found < STEP)
}
