//! Header fields in canonical form, RFC 6376 sections 3.4.1 and 3.4.2.

use std::ops::Range;

use fearless_simd::{Level, Simd, SimdBase, SimdMask, dispatch};

use super::{CRLF, Canonicalization, Closing};
use crate::message::Field;
use crate::octets::{self, BLOCK, HEAD, NotGraphic, first_bits, not_wsp, vector, window};

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
            unfold(behind, behind.length, 0, out);
        }
    }
}

/// A text and whatever stands behind it in memory, so that steps of several octets may begin near its
/// end.
#[derive(Clone, Copy)]
pub(super) struct Text<'a> {
    pub(super) octets: &'a [u8],
    pub(super) length: usize,
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
}

fn relaxed_header_field(field: Text<'_>, colon: usize, out: &mut Vec<u8>) {
    let end = field.without_line_end().length;
    relaxed_name(Text { length: colon.min(end), ..field }, out);
    // What blank stands behind the colon is dropped.
    let value = field.behind(colon.min(end));
    unfold(value, end.saturating_sub(colon), 1 << 1, out);
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
    unfold(name, name.length, 1, out);
    if let Some(name) = out.get_mut(start..) {
        name.make_ascii_lowercase();
    }
}

/// Appends the text unfolded and with its WSP reduced. None is left at `end`, where the text ends but for
/// a line end that is kept, nor where `leading` has a bit: the lowest stands for the first octet.
fn unfold(text: Text<'_>, end: usize, leading: u64, out: &mut Vec<u8>) {
    dispatch!(Level::new(), simd => unfold_with(simd, text, end, leading, out));
}

#[inline(always)]
pub(super) fn unfold_with<S: Simd>(
    simd: S,
    text: Text<'_>,
    end: usize,
    leading: u64,
    out: &mut Vec<u8>,
) {
    let origin = out.len();
    // Where the next octet that is kept stands.
    let mut next = origin;
    out.reserve(text.length.saturating_add(2 * BLOCK));
    let mut near_end = [0; 2 * BLOCK];
    let mut leading = leading;
    let mut fold_goes_on = 0;
    let mut closing = Closing::new(simd);
    let mut start = 0_usize;
    while start < text.length {
        let window = window(text.octets, start, &mut near_end);
        let [here, second, third] = [0, 1, 2].map(|offset| vector(simd, window, offset));
        let wsp = not_wsp(here).simd_eq(0).to_bitmask();
        // RFC 5322 section 2.2.3: a CRLF in front of WSP. Its CR has the bit.
        let line_end = (here ^ b'\r') | (second ^ b'\n');
        let fold = (line_end | not_wsp(third)).simd_eq(0).to_bitmask();

        let rest = end.saturating_sub(start);
        let inside = first_bits(rest);
        let last = inside & !first_bits(rest.saturating_sub(1));
        let folds = (fold | fold << 1 | fold_goes_on) & inside;
        fold_goes_on = fold >> (BLOCK - 1);
        let blank = (wsp & inside) | folds;
        // The carry of the sum goes through a run of blanks that begins where it shall.
        let led = blank & !blank.wrapping_add(leading);
        leading = led >> (BLOCK - 1);
        let is_next_blank = matches!(
            window.split_at(BLOCK).1,
            [b' ' | b'\t', ..] | [b'\r', b'\n', b' ' | b'\t', ..]
        );
        let next_blank = blank >> 1 | u64::from(is_next_blank) << (BLOCK - 1);
        // RFC 6376 section 3.4.2: all folds, and of WSP what more of it, a fold or the end follows.
        let dropped = folds | led | blank & (next_blank | last);

        out.truncate(next);
        out.extend_from_slice(window);
        if let Some(copy) = out.last_chunk_mut::<{ 2 * BLOCK }>() {
            next = next.wrapping_add(closing.copy(window, dropped, copy, 0));
        }
        start = start.wrapping_add(BLOCK);
    }
    // What stands behind the text in its last block was kept.
    out.truncate(next.wrapping_sub(start.wrapping_sub(text.length)));
    closing.finish(out.get_mut(origin..).unwrap_or_default());
}
