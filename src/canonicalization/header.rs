//! Header fields in canonical form, RFC 6376 sections 3.4.1 and 3.4.2.

use fearless_simd::{Level, Simd, SimdBase, SimdMask, dispatch, u8x16};

use super::{CRLF, Canonicalization, first_bit};
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
        Canonicalization::Relaxed => relaxed_header_field(field, out),
    }
}

/// Appends the canonical form of the rest of a field, from an octet of its value on that is no
/// white space.
pub(crate) fn header_field_rest(
    canonicalization: Canonicalization,
    rest: &[u8],
    out: &mut Vec<u8>,
) {
    match canonicalization {
        Canonicalization::Simple => out.extend_from_slice(rest),
        Canonicalization::Relaxed => unfold(rest, out),
    }
}

fn relaxed_header_field(field: &[u8], out: &mut Vec<u8>) {
    out.reserve(field.len());
    let (text, end) = match field {
        [text @ .., b'\r', b'\n'] => (text, CRLF),
        text => (text, &[][..]),
    };
    let colon = octets::colon(text).unwrap_or(text.len());
    let (name, value) = text.split_at_checked(colon).unwrap_or((text, &[]));
    relaxed_name(name, text, out);
    if let [b':', value @ ..] = value {
        out.push(b':');
        unfold(value, out);
    }
    out.extend_from_slice(end);
}

/// Appends the name with which a field begins.
fn relaxed_name(name: &[u8], field: &[u8], out: &mut Vec<u8>) {
    let start = out.len();
    if let Some(head) = field.first_chunk()
        && octets::first_in_head(&NotGraphic, head).unwrap_or(HEAD) >= name.len()
    {
        // There is nothing to unfold. What is too much is cut off again, which spares a copy whose
        // length nobody can foresee.
        let mut head: [u8; HEAD] = *head;
        head.make_ascii_lowercase();
        out.extend_from_slice(&head);
        out.truncate(start.saturating_add(name.len()));
        return;
    }
    unfold(name, out);
    if let Some(name) = out.get_mut(start..) {
        name.make_ascii_lowercase();
    }
}

/// Appends the text unfolded, with its whitespace reduced and none at either end.
fn unfold(text: &[u8], out: &mut Vec<u8>) {
    let start = out.len();
    let mut rest = text;
    loop {
        let after = skip_whitespace(rest);
        if after.is_empty() {
            return;
        }
        if after.len() < rest.len() && out.len() > start {
            out.push(b' ');
        }
        // There is no whitespace to skip, so that a CR here is content.
        let length = unchanged(after).max(1);
        let (words, after) = after.split_at_checked(length).unwrap_or((after, &[]));
        out.extend_from_slice(words);
        rest = after;
    }
}

fn skip_whitespace(text: &[u8]) -> &[u8] {
    let mut text = text;
    while let [b' ' | b'\t', rest @ ..] | [b'\r', b'\n', b' ' | b'\t', rest @ ..] = text {
        text = rest;
    }
    text
}

/// How many octets there are before whitespace that may be other than one SP between two words.
fn unchanged(text: &[u8]) -> usize {
    dispatch!(Level::baseline(), simd => unchanged_with(simd, text))
}

#[inline(always)]
fn unchanged_with<S: Simd>(simd: S, text: &[u8]) -> usize {
    const LENGTH: usize = 17;
    let search = |octets: &[u8; LENGTH], start: usize| {
        let [here, next] = [0, 1].map(|offset| {
            let octets = octets.get(offset..).and_then(|rest| rest.first_chunk());
            u8x16::load_array_ref(simd, octets.unwrap_or(&[0; 16]))
        });
        let [(space, tab_or_cr), (next_space, next_tab_or_cr)] = [here, next]
            .map(|octets| (octets.simd_eq(b' '), octets.simd_eq(b'\t') | octets.simd_eq(b'\r')));
        let found = tab_or_cr | (space & (next_space | next_tab_or_cr));
        let found = found.to_bitmask();
        (found != 0).then(|| start.saturating_add(first_bit(found)))
    };
    let mut start = 0usize;
    while let Some(octets) = text.get(start..).and_then(|rest| rest.first_chunk()) {
        if let Some(found) = search(octets, start) {
            return found;
        }
        start = start.saturating_add(LENGTH - 1);
    }
    // A search that begins earlier finds nothing in what has been searched.
    let rest = if let Some(octets) = text.last_chunk() {
        if let Some(found) = search(octets, text.len().saturating_sub(LENGTH)) {
            return found;
        }
        text.len().saturating_sub(1)
    } else {
        0
    };
    let is_plain = |pair: &[u8]| {
        !matches!(pair, [b'\t' | b'\r', ..] | [b' '] | [b' ', b' ' | b'\t' | b'\r', ..])
    };
    (rest..text.len())
        .find(|&index| !is_plain(text.get(index..).unwrap_or_default()))
        .unwrap_or(text.len())
}
