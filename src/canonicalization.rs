//! Canonicalization: the two forms in which DKIM hashes header fields and body.
//!
//! Everything here works on bytes as received. Only SP and HTAB are whitespace, only CRLF ends a
//! line; a CR or LF on its own is content like any other octet and is never repaired.

mod header;

use fearless_simd::{Level, Select, Simd, SimdBase, SimdMask, dispatch, mask8x64, u8x64};
use memchr::memchr2;

pub use header::header_field;
pub(crate) use header::{signature_field, signed_field};

use crate::octets::{self, BLOCK, Window, not_wsp, vector};

/// How much a message may change in transit before its hash does.
///
/// A signature names one for the header and one for the body: the two words of its `c=` tag.
/// [RFC 6376 section 3.4](https://www.rfc-editor.org/rfc/rfc6376#section-3.4)
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Canonicalization {
    /// Nothing may change but the number of empty lines at the end of the body.
    Simple,
    /// Whitespace may be refolded, widened, narrowed, or added at the end of lines, and header
    /// field names may change case.
    Relaxed,
}

impl Canonicalization {
    /// The algorithm of this name, if it is `simple` or `relaxed` in lower case.
    pub fn parse(name: &[u8]) -> Option<Self> {
        match name {
            b"simple" => Some(Self::Simple),
            b"relaxed" => Some(Self::Relaxed),
            _ => None,
        }
    }
}

impl std::fmt::Display for Canonicalization {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Simple => "simple",
            Self::Relaxed => "relaxed",
        })
    }
}

/// A message body on its way to its hash: chunks as received go in, the canonical form comes out.
///
/// The form does not depend on where the chunks are split. Memory is constant: whitespace and
/// empty lines that may yet turn out to be the last are counted, not stored.
/// [RFC 6376 section 3.4.3](https://www.rfc-editor.org/rfc/rfc6376#section-3.4.3),
/// [section 3.4.4](https://www.rfc-editor.org/rfc/rfc6376#section-3.4.4)
#[derive(Debug)]
pub struct BodyCanonicalizer {
    canonicalization: Canonicalization,
    held: Held,
    /// Whether the canonical body is known not to be empty.
    started: bool,
}

impl BodyCanonicalizer {
    /// A body of which nothing has been read.
    pub fn new(canonicalization: Canonicalization) -> Self {
        Self { canonicalization, held: Held::default(), started: false }
    }

    /// Takes the next octets of the body, and passes on to `sink` what is ready, in pieces of any
    /// length.
    pub fn write(&mut self, chunk: &[u8], sink: &mut impl FnMut(&[u8])) {
        match self.canonicalization {
            Canonicalization::Simple => self.write_simple(chunk, sink),
            Canonicalization::Relaxed => self.write_relaxed(chunk, sink),
        }
    }

    /// Ends the body, and passes on to `sink` the rest of its canonical form.
    pub fn finish(mut self, sink: &mut impl FnMut(&[u8])) {
        self.end(sink);
    }

    /// As [`BodyCanonicalizer::finish`], where nothing is to be moved for it.
    pub(crate) fn end(&mut self, sink: &mut impl FnMut(&[u8])) {
        match self.canonicalization {
            Canonicalization::Simple => {
                if self.held.carriage_return {
                    self.held.release(sink);
                }
                sink(CRLF);
            }
            Canonicalization::Relaxed => {
                if self.held.carriage_return {
                    self.release(sink);
                }
                if self.started {
                    sink(CRLF);
                }
            }
        }
    }

    fn write_simple(&mut self, chunk: &[u8], sink: &mut impl FnMut(&[u8])) {
        let mut rest = chunk;
        if self.held.carriage_return {
            match rest {
                [] => return,
                [b'\n', after @ ..] => {
                    self.held.end_line();
                    rest = after;
                }
                _ => self.held.release(sink),
            }
        }
        let mut tail = Held::default();
        if let [before @ .., b'\r'] = rest {
            tail.carriage_return = true;
            rest = before;
        }
        while let [before @ .., b'\r', b'\n'] = rest {
            tail.lines = tail.lines.saturating_add(1);
            rest = before;
        }
        if !rest.is_empty() {
            self.held.release(sink);
            sink(rest);
        }
        self.held.lines = self.held.lines.saturating_add(tail.lines);
        self.held.carriage_return = tail.carriage_return;
    }

    fn write_relaxed(&mut self, chunk: &[u8], sink: &mut impl FnMut(&[u8])) {
        // Between the first and the last octet of content nothing can be at the end of the body,
        // so that only the octets around them need to be held.
        let mut octets = 0..chunk.len();
        let start = octets.find(|&index| is_content(chunk, index));
        let (before, rest) =
            chunk.split_at_checked(start.unwrap_or(chunk.len())).unwrap_or((chunk, &[]));
        let last = octets.rfind(|&index| is_content(chunk, index)).or(start);
        let length = last.map_or(0, |last| last.saturating_sub(before.len()).saturating_add(1));
        let (interior, after) = rest.split_at_checked(length).unwrap_or((rest, &[]));
        self.write_blank(before, sink);
        if !interior.is_empty() {
            self.release(sink);
            self.started = true;
            reduce(interior, sink);
        }
        self.write_blank(after, sink);
    }

    /// Takes octets none of which `is_content`.
    fn write_blank(&mut self, blank: &[u8], sink: &mut impl FnMut(&[u8])) {
        for &octet in blank {
            if self.held.carriage_return {
                if octet == b'\n' {
                    self.held.end_line();
                    continue;
                }
                self.release(sink);
            }
            match octet {
                b'\r' => self.held.carriage_return = true,
                b'\n' => {
                    self.release(sink);
                    sink(b"\n");
                    self.started = true;
                }
                _ => self.held.space = true,
            }
        }
    }

    /// Writes what is held: content follows it, or the CR in it has proved to be content.
    fn release(&mut self, sink: &mut impl FnMut(&[u8])) {
        self.started |= self.held.carriage_return;
        self.held.release(sink);
    }
}

const CRLF: &[u8] = b"\r\n";

/// Whether the octet is content for all that can be seen in the chunk.
fn is_content(chunk: &[u8], index: usize) -> bool {
    let octet = |index| chunk.get(index);
    match octet(index) {
        Some(b'\r') => octet(index.wrapping_add(1)).is_some_and(|&next| next != b'\n'),
        Some(b'\n') => octet(index.wrapping_sub(1)).is_some_and(|&last| last != b'\r'),
        octet => !matches!(octet, Some(b' ' | b'\t')),
    }
}

/// The end of the body so far, which is not part of the canonical form if nothing follows: empty
/// lines, then whitespace, then a CR that may prove to be half of a CRLF.
#[derive(Debug, Default)]
struct Held {
    lines: u64,
    space: bool,
    carriage_return: bool,
}

impl Held {
    /// Takes the LF after `carriage_return`, which puts the whitespace at the end of a line.
    fn end_line(&mut self) {
        self.lines = self.lines.saturating_add(1);
        self.space = false;
        self.carriage_return = false;
    }

    fn release(&mut self, write: &mut impl FnMut(&[u8])) {
        // So many at a time that a long gap does not cost a call for each of its lines.
        const LINES: &[[u8; 2]; 64] = &[*b"\r\n"; 64];
        let held = std::mem::take(self);
        let mut lines = held.lines;
        while lines > 0 {
            let batch = usize::try_from(lines).unwrap_or(LINES.len());
            write(LINES.get(..batch).unwrap_or(LINES).as_flattened());
            lines = lines.saturating_sub(64);
        }
        if held.space {
            write(b" ");
        }
        if held.carriage_return {
            write(b"\r");
        }
    }
}

/// Octets that wait for the sink at most.
const CAPACITY: usize = 64 * BLOCK;
/// Octets without WSP that are worth handing on where they stand.
const CLEAN: usize = 16 * BLOCK;
/// Octets to search at once for the next WSP: few enough to be in a near cache yet when hashed.
const REACH: usize = 256 * BLOCK;

/// Octets between the two places where they may wait: half a page.
const APART: usize = 2048;
/// The last octets of a copy may lie beyond the capacity.
const ROOM: usize = APART + CAPACITY + BLOCK;
/// Octets of a chunk for which making so much room would take longer than filling it.
const SHORT: usize = 6 * BLOCK;
/// Room for such a chunk.
const SHORT_ROOM: usize = SHORT + 2 * BLOCK;

/// Passes on the reduced form of octets that end in content.
fn reduce(octets: &[u8], sink: &mut impl FnMut(&[u8])) {
    let mut rest = octets;
    while !rest.is_empty() {
        let clean = clean_octets(rest);
        let taken = if is_worth_handing_on(clean, rest) {
            sink(rest.get(..clean).unwrap_or_default());
            clean
        } else if rest.len() <= SHORT {
            reduce_next::<SHORT_ROOM, 0>(rest, sink)
        } else {
            reduce_next::<ROOM, APART>(rest, sink)
        };
        rest = rest.get(taken..).unwrap_or_default();
    }
}

/// As [`reduce_with`], with the widest vectors of the machine.
fn reduce_next<const ROOM: usize, const APART: usize>(
    octets: &[u8],
    sink: &mut impl FnMut(&[u8]),
) -> usize {
    dispatch!(Level::new(), simd => reduce_with::<ROOM, APART>(simd, octets, sink))
}

/// How many octets stand before the next WSP, as far as is looked.
fn clean_octets(text: &[u8]) -> usize {
    let reach = text.get(..REACH).unwrap_or(text);
    memchr2(b' ', b'\t', reach).unwrap_or(reach.len())
}

/// Whether octets without WSP are handed on where they stand.
fn is_worth_handing_on(clean: usize, text: &[u8]) -> bool {
    clean >= CLEAN || clean == text.len()
}

/// Passes on the reduced form of octets up to where many without WSP stand, and returns how many those
/// are.
#[inline(always)]
fn reduce_with<const ROOM: usize, const APART: usize>(
    simd: impl Simd,
    octets: &[u8],
    sink: &mut impl FnMut(&[u8]),
) -> usize {
    let mut output = Output::<ROOM, APART> { bytes: [0; ROOM], start: 0, length: 0 };
    let mut last = [0; 3 * BLOCK];
    let mut rest = octets;
    loop {
        // Whole blocks, with one behind them; what fills up the last one is taken for content.
        let (text, length) = match rest.len().checked_sub(BLOCK) {
            Some(length @ BLOCK..) => (rest, length & !(BLOCK - 1)),
            _ => {
                if let Some(place) = last.get_mut(..rest.len()) {
                    place.copy_from_slice(rest);
                }
                (&last[..], rest.len())
            }
        };
        // No more than there is room for if all is kept.
        let length = length.min(const { ROOM - APART - 2 * BLOCK });
        output.move_away(text);
        output.append(simd, text, length);
        rest = rest.get(length..).unwrap_or_default();
        if is_worth_handing_on(clean_octets(rest), rest) {
            break;
        }
        // Whole blocks, which a hash need not put together.
        output.pass_on(output.length & !(BLOCK - 1), sink);
    }
    output.pass_on(output.length, sink);
    octets.len().saturating_sub(rest.len())
}

/// Canonical octets on their way to the sink, in one of two places that are so far apart.
struct Output<const ROOM: usize, const APART: usize> {
    bytes: [u8; ROOM],
    start: usize,
    /// Less than `BLOCK` between calls.
    length: usize,
}

impl<const ROOM: usize, const APART: usize> Output<ROOM, APART> {
    /// Passes on the first octets.
    #[inline(always)]
    fn pass_on(&mut self, length: usize, sink: &mut impl FnMut(&[u8])) {
        let end = self.start.saturating_add(length);
        if length > 0
            && let Some(octets) = self.bytes.get(self.start..end)
        {
            sink(octets);
        }
        self.start = end;
        self.length = self.length.saturating_sub(length);
    }

    /// Moves what waits to that place of the two which is further from the text by the low bits of the
    /// addresses: loads wait for earlier stores that differ from them in higher bits only.
    #[inline(always)]
    fn move_away(&mut self, text: &[u8]) {
        let distance = text.as_ptr().addr().wrapping_sub(self.bytes.as_ptr().addr());
        let start = !distance.wrapping_add(APART / 2) & APART;
        let waiting = self.bytes.get(self.start..).and_then(|rest| rest.first_chunk::<BLOCK>());
        let waiting = waiting.copied().unwrap_or([0; BLOCK]);
        if let Some(place) = self.bytes.get_mut(start..).and_then(<[_]>::first_chunk_mut) {
            *place = waiting;
        }
        self.start = start;
    }

    /// Appends what is kept of the first octets of a text, of which a block stands behind that in which
    /// they end.
    #[inline(always)]
    fn append(&mut self, simd: impl Simd, text: &[u8], length: usize) {
        let mut closing = Closing::new(simd);
        let before = self.start.wrapping_add(self.length);
        let mut end = before;
        let mut start = 0_usize;
        while start < length {
            let Some(window) = text.get(start..).and_then(|rest| rest.first_chunk()) else { break };
            let [here, next, third] = [0, 1, 2].map(|offset| vector(simd, window, offset));
            // RFC 6376 section 3.4.4: WSP before WSP and at the end of a line.
            let next = not_wsp(next).min((next ^ b'\r') | (third ^ b'\n'));
            let dropped = (not_wsp(here) | next).simd_eq(0).to_bitmask();
            end = closing.copy(window, dropped, &mut self.bytes, end);
            start = start.wrapping_add(BLOCK);
        }
        // What stands behind the first octets in their last block was taken for content.
        let end = end.wrapping_sub(start.wrapping_sub(length));
        closing.finish(self.bytes.get_mut(before..end).unwrap_or_default());
        self.length = end.wrapping_sub(self.start);
    }
}

/// Copies what is kept of blocks, closed up and with a SP for each HTAB.
struct Closing<S: Simd> {
    simd: S,
    /// In which places of any block an HTAB is left.
    tabs: mask8x64<S>,
}

impl<S: Simd> Closing<S> {
    #[inline(always)]
    fn new(simd: S) -> Self {
        Self { simd, tabs: mask8x64::splat(simd, false) }
    }

    /// Copies the block with which a window begins to `to`, and returns where the next belongs. Up to two
    /// blocks are written.
    #[inline(always)]
    fn copy<const N: usize>(
        &mut self,
        window: &Window,
        dropped: u64,
        buffer: &mut [u8; N],
        to: usize,
    ) -> usize {
        let here = vector(self.simd, window, 0);
        let tab = here.simd_eq(b'\t');
        if octets::compresses(self.simd) {
            let here = tab.select(u8x64::splat(self.simd, b' '), here);
            octets::compress(here, dropped, buffer, to)
        } else {
            self.tabs |= tab;
            octets::close_up(window, dropped, buffer, to)
        }
    }

    /// Puts right what was copied.
    #[inline(always)]
    fn finish(self, copied: &mut [u8]) {
        if self.tabs.to_bitmask() != 0 {
            for octet in copied {
                *octet = if *octet == b'\t' { b' ' } else { *octet };
            }
        }
    }
}

#[cfg(test)]
mod tests;
