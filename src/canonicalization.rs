//! Canonicalization: the two forms in which DKIM hashes header fields and body.
//!
//! Everything here works on bytes as received. Only SP and HTAB are whitespace, only CRLF ends a
//! line; a CR or LF on its own is content like any other octet and is never repaired.

mod header;

use fearless_simd::{Level, Simd, SimdBase, SimdMask, dispatch, u8x64};
use memchr::memchr2;

pub use header::header_field;
pub(crate) use header::{signature_field, signed_field};

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
    output: Output,
}

impl BodyCanonicalizer {
    /// A body of which nothing has been read.
    pub fn new(canonicalization: Canonicalization) -> Self {
        Self { canonicalization, held: Held::default(), started: false, output: Output::default() }
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
                    self.output.push(CRLF, sink);
                }
                self.output.flush(sink);
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
            self.output.reduce(interior, sink);
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
                    self.output.push(b"\n", sink);
                    self.started = true;
                }
                _ => self.held.space = true,
            }
        }
    }

    /// Writes what is held: content follows it, or the CR in it has proved to be content.
    fn release(&mut self, sink: &mut impl FnMut(&[u8])) {
        self.started |= self.held.carriage_return;
        let output = &mut self.output;
        self.held.release(&mut |octets: &[u8]| output.push(octets, sink));
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

/// Octets that one step looks at: as many as a mask has bits.
const BLOCK: usize = 64;
/// Octets between two looks at how full the output is.
const STRIP: usize = 16 * BLOCK;
const CAPACITY: usize = 4 * STRIP;
/// Octets to search at once for the next WSP: few enough to be in a near cache yet when hashed.
const REACH: usize = 16 * STRIP;

/// A block and the block after it: what becomes of an octet depends on the two that follow, and
/// copies of a whole block begin anywhere in it.
type Window = [u8; 2 * BLOCK];
/// The last octets of a copy may lie beyond the capacity.
type Buffer = [u8; CAPACITY + BLOCK];

/// Canonical octets on their way to the sink.
#[derive(Default)]
struct Output {
    /// Empty, or as long as `Buffer`.
    bytes: Vec<u8>,
    /// Less than `CAPACITY - STRIP` between calls.
    length: usize,
    /// Whether an HTAB may be among them that stands for a SP.
    has_tabs: bool,
}

impl std::fmt::Debug for Output {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Output").field("length", &self.length).finish_non_exhaustive()
    }
}

impl Output {
    /// The bytes, allocated at the first use: a body in simple form has none.
    fn buffer(&mut self) -> Option<&mut Buffer> {
        if self.bytes.is_empty() {
            self.bytes = vec![0; size_of::<Buffer>()];
        }
        self.bytes.first_chunk_mut()
    }

    /// Appends at most `STRIP` octets; where none wait before them, they need not wait either.
    fn push(&mut self, octets: &[u8], sink: &mut impl FnMut(&[u8])) {
        if self.length == 0 {
            return sink(octets);
        }
        let (start, end) = (self.length, self.length.saturating_add(octets.len()));
        if let Some(place) = self.buffer().and_then(|buffer| buffer.get_mut(start..end)) {
            place.copy_from_slice(octets);
            self.advance(end, sink);
        }
    }

    fn advance(&mut self, length: usize, sink: &mut impl FnMut(&[u8])) {
        self.length = length;
        if length >= CAPACITY - STRIP {
            // Whole blocks, which a hash need not put together.
            self.pass_on(length & !(BLOCK - 1), sink);
        }
    }

    /// Passes on the first octets and keeps what is behind them.
    // Once for thousands of octets, and from many places: apart, these take less of the cache for code.
    #[inline(never)]
    fn pass_on(&mut self, length: usize, sink: &mut impl FnMut(&[u8])) {
        if self.has_tabs
            && let Some(octets) = self.bytes.get_mut(..self.length)
        {
            tabs_to_spaces(octets);
            self.has_tabs = false;
        }
        if let Some(octets) = self.bytes.get(..length) {
            sink(octets);
            self.bytes.copy_within(length..self.length, 0);
            self.length = self.length.saturating_sub(length);
        }
    }

    fn flush(&mut self, sink: &mut impl FnMut(&[u8])) {
        if self.length > 0 {
            self.pass_on(self.length, sink);
        }
    }

    /// Appends the reduced form of octets that end in content.
    fn reduce(&mut self, interior: &[u8], sink: &mut impl FnMut(&[u8])) {
        let mut rest = interior;
        while let Some(beyond) = rest.len().checked_sub(2 * BLOCK) {
            let reach = rest.get(..REACH).unwrap_or(rest);
            let clean = memchr2(b' ', b'\t', reach).unwrap_or(reach.len());
            let length = if clean >= STRIP {
                self.flush(sink);
                sink(rest.get(..clean).unwrap_or_default());
                clean
            } else {
                // Whole blocks, with one behind them.
                let length = STRIP.min((beyond & !(BLOCK - 1)).saturating_add(BLOCK));
                self.reduce_strip(rest, length, sink);
                length
            };
            rest = rest.get(length..).unwrap_or_default();
        }
        if rest.is_empty() {
            return;
        }
        // What fills up the last block is taken for content.
        let mut last = [0; 3 * BLOCK];
        if let Some(start) = last.get_mut(..rest.len()) {
            start.copy_from_slice(rest);
        }
        self.reduce_strip(&last, rest.len(), sink);
    }

    /// Appends the reduced form of the first octets of a text, of which a block stands behind that in which
    /// they end.
    fn reduce_strip(&mut self, text: &[u8], length: usize, sink: &mut impl FnMut(&[u8])) {
        let start = self.length;
        if let Some(buffer) = self.buffer() {
            let (end, has_tabs) = reduce_blocks(text, length, buffer, start);
            self.has_tabs |= has_tabs;
            self.advance(end, sink);
        }
    }
}

/// Copies what is kept of the first octets of a text to `position`, and returns the position after it
/// and whether there was an HTAB.
///
/// Every copy is of a whole block, however few octets lie between two runs that are dropped: the
/// next copy overwrites what was too much, and no copy has a length to branch on.
fn reduce_blocks(
    text: &[u8],
    length: usize,
    buffer: &mut Buffer,
    position: usize,
) -> (usize, bool) {
    dispatch!(Level::new(), simd => reduce_with(simd, text, length, buffer, position))
}

#[inline(always)]
fn reduce_with(
    simd: impl Simd,
    text: &[u8],
    length: usize,
    buffer: &mut Buffer,
    position: usize,
) -> (usize, bool) {
    // Where the first octet of the block would stand if nothing before it in the block were dropped.
    let mut origin = position;
    let mut start = 0_usize;
    let mut tabs = u8x64::splat(simd, 0).simd_eq(1);
    while start < length {
        let Some(window) = text.get(start..).and_then(|rest| rest.first_chunk()) else { break };
        let [here, next] = [0, 1].map(|offset| vector(simd, window, offset));
        let tab = here.simd_eq(b'\t');
        tabs |= tab;
        let wsp = here.simd_eq(b' ') | tab;
        // WSP before WSP or a control character: all but the last octet of each run is dropped in
        // any case.
        let mut runs = (wsp & next.simd_le(b' ')).to_bitmask();
        copy_block(window, 0, buffer, origin);
        while runs != 0 {
            let run_start = first_bit(runs);
            // The carry of the sum goes through the first run and stops after it.
            let carried = runs.wrapping_add(runs & runs.wrapping_neg());
            runs &= carried;
            let mut kept_from = first_bit(carried);
            if !is_wsp_or_crlf(window, kept_from) {
                kept_from = keep_one_more(kept_from);
            }
            let position = origin.wrapping_add(run_start);
            copy_block(window, kept_from, buffer, position);
            origin = position.wrapping_sub(kept_from);
        }
        origin = origin.wrapping_add(BLOCK);
        start = start.wrapping_add(BLOCK);
    }
    // What stands behind the first octets in their last block was taken for content.
    (origin.wrapping_sub(start.wrapping_sub(length)), tabs.to_bitmask() != 0)
}

/// In front of a CR that ends no line, or of a control character, one WSP is kept: so seldom that
/// the branch to here is foreseen.
#[cold]
fn keep_one_more(kept_from: usize) -> usize {
    kept_from.wrapping_sub(1)
}

/// Whether WSP or CRLF stands there, where an octet up to SP does: as one bit of a set, so that no
/// branch asks which of them it is.
#[inline(always)]
fn is_wsp_or_crlf(window: &Window, index: usize) -> bool {
    const WSP: u64 = 1 << b' ' | 1 << b'\t';
    let octets = window.get(index..).and_then(|rest| rest.first_chunk());
    let [first, second] = octets.copied().unwrap_or_default();
    let set = WSP | u64::from(second == b'\n') << b'\r';
    set.wrapping_shr(first.into()) & 1 != 0
}

#[inline(always)]
fn vector<S: Simd>(simd: S, window: &Window, offset: usize) -> u8x64<S> {
    let octets = window.get(offset..).and_then(|rest| rest.first_chunk());
    u8x64::load_array_ref(simd, octets.unwrap_or(&[0; BLOCK]))
}

/// The index of the lowest bit that is set, or `BLOCK`.
#[inline(always)]
fn first_bit(mask: u64) -> usize {
    usize::try_from(mask.trailing_zeros()).unwrap_or(BLOCK)
}

#[inline(always)]
fn copy_block(window: &Window, from: usize, buffer: &mut Buffer, to: usize) {
    let source = window.get(from..).and_then(|rest| rest.first_chunk::<BLOCK>());
    // The position is always less: the mask spares the check of a slice.
    let place = buffer.get_mut(to & (CAPACITY - 1)..).and_then(|rest| rest.first_chunk_mut());
    if let (Some(source), Some(place)) = (source, place) {
        let place: &mut [u8; BLOCK] = place;
        // Ascending, which a copy of the whole block is not: unaligned stores in descending order
        // take twice the time.
        let pieces = source.as_chunks::<32>().0;
        for (to, from) in place.as_chunks_mut::<32>().0.iter_mut().zip(pieces) {
            *to = *from;
        }
    }
}

/// An HTAB that is left stands for a SP.
fn tabs_to_spaces(octets: &mut [u8]) {
    dispatch!(Level::new(), simd => tabs_to_spaces_with(simd, octets))
}

#[inline(always)]
fn tabs_to_spaces_with(_: impl Simd, octets: &mut [u8]) {
    for octet in octets {
        *octet = if *octet == b'\t' { b' ' } else { *octet };
    }
}

#[cfg(test)]
mod tests;
