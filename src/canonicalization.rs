//! Canonicalization: the two forms in which DKIM hashes header fields and body.
//!
//! Everything here works on bytes as received. Only SP and HTAB are whitespace, only CRLF ends a
//! line; a CR or LF on its own is content like any other octet and is never repaired.

use wide::u8x16;

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
    /// Whether any octet has left `held`, so that the body is known not to be blank.
    started: bool,
    output: Output,
}

impl BodyCanonicalizer {
    /// A body of which nothing has been read.
    pub fn new(canonicalization: Canonicalization) -> Self {
        Self {
            canonicalization,
            held: Held::default(),
            started: false,
            output: Output::default(),
        }
    }

    /// Takes the next octets of the body, and passes to `sink` what is certain by now and ready.
    pub fn write(&mut self, chunk: &[u8], sink: &mut impl FnMut(&[u8])) {
        match self.canonicalization {
            Canonicalization::Simple => self.write_simple(chunk, sink),
            Canonicalization::Relaxed => self.write_relaxed(chunk, sink),
        }
    }

    /// Ends the body, and passes the rest of its canonical form to `sink`.
    pub fn finish(mut self, sink: &mut impl FnMut(&[u8])) {
        match self.canonicalization {
            Canonicalization::Simple => {
                if self.held.carriage_return {
                    release_simple(&mut self.held, sink);
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
        if self.held.carriage_return && !rest.is_empty() {
            if let [b'\n', after @ ..] = rest {
                self.held.end_line();
                rest = after;
            } else {
                release_simple(&mut self.held, sink);
            }
        }
        let mut tail = Held::default();
        let mut interior = rest;
        if let [before @ .., b'\r'] = interior {
            tail.carriage_return = true;
            interior = before;
        }
        while let [before @ .., b'\r', b'\n'] = interior {
            tail.lines = tail.lines.saturating_add(1);
            interior = before;
        }
        if !interior.is_empty() {
            release_simple(&mut self.held, sink);
            sink(interior);
        }
        self.held.lines = self.held.lines.saturating_add(tail.lines);
        self.held.carriage_return |= tail.carriage_return;
    }

    fn write_relaxed(&mut self, chunk: &[u8], sink: &mut impl FnMut(&[u8])) {
        let is_content = |byte: &u8| !matches!(byte, b' ' | b'\t' | b'\r' | b'\n');
        // Between the first and the last octet of content every line goes on or has an end, so
        // that what becomes of its whitespace is plain to see; only the rims need `held`.
        let (blank, rest) = chunk
            .iter()
            .position(is_content)
            .and_then(|start| chunk.split_at_checked(start))
            .unwrap_or((chunk, &[]));
        self.write_blank(blank, sink);
        let Some(end) = rest.iter().rposition(is_content) else {
            return;
        };
        let Some((interior, blank)) = rest.split_at_checked(end.saturating_add(1)) else {
            return;
        };
        self.release(sink);
        self.started = true;
        self.output.reduce(interior, sink);
        self.write_blank(blank, sink);
    }

    /// Takes octets that are all SP, HTAB, CR or LF.
    fn write_blank(&mut self, blank: &[u8], sink: &mut impl FnMut(&[u8])) {
        for &byte in blank {
            if byte == b'\n' && self.held.carriage_return {
                self.held.end_line();
                continue;
            }
            if self.held.carriage_return {
                self.release(sink);
            }
            match byte {
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

    /// Writes what was held back, now that content follows it.
    fn release(&mut self, sink: &mut impl FnMut(&[u8])) {
        let held = std::mem::take(&mut self.held);
        self.started |= held.carriage_return;
        for _ in 0..held.lines {
            self.output.push(CRLF, sink);
        }
        if held.space {
            self.output.push(b" ", sink);
        }
        if held.carriage_return {
            self.output.push(b"\r", sink);
        }
    }
}

const CRLF: &[u8] = b"\r\n";

/// The end of the body so far, which is not canonical if the body ends there: empty lines, then
/// whitespace, then a CR that may prove to be half of a CRLF.
#[derive(Debug, Default)]
struct Held {
    lines: u64,
    space: bool,
    carriage_return: bool,
}

impl Held {
    /// The LF after `carriage_return`: the whitespace before it was at the end of a line.
    fn end_line(&mut self) {
        self.lines = self.lines.saturating_add(1);
        self.space = false;
        self.carriage_return = false;
    }
}

fn release_simple(held: &mut Held, sink: &mut impl FnMut(&[u8])) {
    const LINES: &[[u8; 2]; 512] = &[*b"\r\n"; 512];
    let mut lines = held.lines;
    while lines > 0 {
        let batch = usize::try_from(lines).map_or(LINES.len(), |lines| lines.min(LINES.len()));
        sink(LINES.get(..batch).unwrap_or(LINES).as_flattened());
        lines = lines.saturating_sub(u64::try_from(batch).unwrap_or(u64::MAX));
    }
    if held.carriage_return {
        sink(b"\r");
    }
    *held = Held::default();
}

const BLOCK: usize = 64;
/// A block, and enough after it for a copy of `BLOCK` octets to begin anywhere in the block.
const WINDOW: usize = 2 * BLOCK;
const CAPACITY: usize = 8192;
/// More than one block adds: what was copied too far lies beyond the octets it adds.
const SLACK: usize = 2 * BLOCK;
/// Clean octets in a row that are worth a call of their own.
const DIRECT: usize = 1024;
/// Few enough blocks to be in the nearest cache still when they are hashed.
const STRIP: usize = 128;

/// Canonical octets on their way to the sink.
#[derive(Default)]
struct Output {
    /// Empty until the first octet, then of constant length.
    bytes: Vec<u8>,
    length: usize,
    /// Whether there may be HTABs among them, each of which stands for a SP.
    tabs: bool,
}

impl std::fmt::Debug for Output {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Output")
            .field("length", &self.length)
            .finish_non_exhaustive()
    }
}

impl Output {
    fn push(&mut self, octets: &[u8], sink: &mut impl FnMut(&[u8])) {
        self.make_room(sink);
        let end = self.length.saturating_add(octets.len());
        if let Some(place) = self.bytes.get_mut(self.length..end) {
            place.copy_from_slice(octets);
            self.length = end;
        }
    }

    fn make_room(&mut self, sink: &mut impl FnMut(&[u8])) {
        if self.bytes.is_empty() {
            self.bytes = vec![0; CAPACITY];
        }
        if self.length > CAPACITY - SLACK {
            self.flush(sink);
        }
    }

    fn flush(&mut self, sink: &mut impl FnMut(&[u8])) {
        if let Some(octets) = self.bytes.get_mut(..self.length)
            && !octets.is_empty()
        {
            if self.tabs {
                for octet in octets.iter_mut() {
                    *octet = if *octet == b'\t' { b' ' } else { *octet };
                }
            }
            sink(octets);
        }
        self.length = 0;
        self.tabs = false;
    }

    /// Writes octets that begin and end in content.
    fn reduce(&mut self, interior: &[u8], sink: &mut impl FnMut(&[u8])) {
        self.make_room(sink);
        let mut rest = interior;
        while let Some(window) = rest.first_chunk::<WINDOW>() {
            let block = head(window);
            let (wsp, tabs) = whitespace(block);
            if wsp == 0 {
                let blocks = rest.as_chunks::<BLOCK>().0;
                let clean = blocks
                    .iter()
                    .take(STRIP)
                    .position(has_whitespace)
                    .unwrap_or(blocks.len().min(STRIP));
                let Some((clean, dirty)) = rest.split_at_checked(clean.saturating_mul(BLOCK))
                else {
                    break;
                };
                self.write_clean(clean, sink);
                rest = dirty;
                continue;
            }
            self.tabs |= tabs;
            let drop = wsp & dropped_after(wsp, window);
            self.length = compact(window, drop, &mut self.bytes, self.length);
            self.make_room(sink);
            rest = rest.get(BLOCK..).unwrap_or_default();
        }
        self.reduce_end(rest, sink);
    }

    fn write_clean(&mut self, clean: &[u8], sink: &mut impl FnMut(&[u8])) {
        if clean.len() >= DIRECT {
            self.flush(sink);
            sink(clean);
        } else {
            for block in clean.as_chunks::<BLOCK>().0 {
                copy(block, &mut self.bytes, self.length);
                self.length = self.length.saturating_add(BLOCK);
                self.make_room(sink);
            }
        }
    }

    /// The last octets of an interior, too few for a window.
    fn reduce_end(&mut self, end: &[u8], sink: &mut impl FnMut(&[u8])) {
        let mut padded = [0; WINDOW + BLOCK];
        let Some(place) = padded.get_mut(..end.len()) else {
            return;
        };
        place.copy_from_slice(end);
        let mut rest = end.len();
        for start in [0, BLOCK] {
            let Some(window) = padded
                .get(start..)
                .and_then(|from| from.first_chunk::<WINDOW>())
            else {
                return;
            };
            let (wsp, tabs) = whitespace(head(window));
            self.tabs |= tabs;
            let drop = wsp & dropped_after(wsp, window);
            let length = compact(window, drop, &mut self.bytes, self.length);
            // The padding counts as content, all of which is kept.
            self.length = length.saturating_sub(BLOCK.saturating_sub(rest));
            self.make_room(sink);
            rest = rest.saturating_sub(BLOCK);
            if rest == 0 {
                break;
            }
        }
    }
}

/// Where the next octet is WSP, or the next two are CRLF: WSP there leaves no trace.
#[inline(always)]
fn dropped_after(wsp: u64, window: &[u8; WINDOW]) -> u64 {
    let next = window[BLOCK];
    let cr = equal(head(window), b'\r') >> 1 | u64::from(next == b'\r') << 63;
    let mut after = wsp >> 1 | u64::from(next == b' ' || next == b'\t') << 63;
    if wsp & cr != 0 {
        let lf = equal(head(window), b'\n') >> 2
            | u64::from(next == b'\n') << 62
            | u64::from(window[BLOCK + 1] == b'\n') << 63;
        after |= cr & lf;
    }
    after
}

#[inline(always)]
fn head(window: &[u8; WINDOW]) -> &[u8; BLOCK] {
    window.first_chunk().unwrap_or(&[0; BLOCK])
}

/// Copies the octets of the block that are not in `drop`, and returns where they end.
#[inline(always)]
fn compact(window: &[u8; WINDOW], drop: u64, output: &mut [u8], position: usize) -> usize {
    let mut position = position;
    let mut drop = drop;
    let mut start = 0usize;
    copy(head(window), output, position);
    for _ in 0..1 {
        position = position.wrapping_add(bit(drop).wrapping_sub(start));
        (start, drop) = past_run(drop);
        copy_from(window, start, output, position);
    }
    while drop != 0 {
        position = position.wrapping_add(bit(drop).wrapping_sub(start));
        (start, drop) = past_run(drop);
        copy_from(window, start, output, position);
    }
    position.wrapping_add(BLOCK.wrapping_sub(start))
}

#[inline(always)]
fn past_run(drop: u64) -> (usize, u64) {
    let carried = drop.wrapping_add(drop & drop.wrapping_neg());
    (bit(carried), drop & carried)
}

#[inline(always)]
fn bit(mask: u64) -> usize {
    usize::try_from(mask.trailing_zeros()).unwrap_or(BLOCK)
}

#[inline(always)]
fn copy_from(window: &[u8; WINDOW], start: usize, output: &mut [u8], position: usize) {
    if let Some(source) = window
        .get(start..)
        .and_then(|from| from.first_chunk::<BLOCK>())
    {
        copy(source, output, position);
    }
}

#[inline(always)]
fn copy(source: &[u8; BLOCK], output: &mut [u8], position: usize) {
    if let Some(place) = output
        .get_mut(position..)
        .and_then(|to| to.first_chunk_mut::<BLOCK>())
    {
        *place = *source;
    }
}

#[inline(always)]
fn vectors(block: &[u8; BLOCK]) -> [u8x16; 4] {
    let (chunks, _) = block.as_chunks::<16>();
    let [a, b, c, d] = chunks else {
        return [u8x16::ZERO; 4];
    };
    [
        u8x16::new(*a),
        u8x16::new(*b),
        u8x16::new(*c),
        u8x16::new(*d),
    ]
}

#[inline(always)]
fn mask(equal: [u8x16; 4]) -> u64 {
    let [a, b, c, d] = equal.map(|vector| u64::from(vector.to_bitmask()));
    a | b << 16 | c << 32 | d << 48
}

#[inline(always)]
fn equal(block: &[u8; BLOCK], octet: u8) -> u64 {
    let octet = u8x16::splat(octet);
    mask(vectors(block).map(|vector| vector.simd_eq(octet)))
}

/// The WSP of a block as bits, and whether there is any HTAB.
#[inline(always)]
fn whitespace(block: &[u8; BLOCK]) -> (u64, bool) {
    let block = vectors(block);
    let spaces = block.map(|vector| vector.simd_eq(u8x16::splat(b' ')));
    let tabs = block.map(|vector| vector.simd_eq(u8x16::splat(b'\t')));
    let [a, b, c, d] = tabs;
    let [e, f, g, h] = spaces;
    (mask([a | e, b | f, c | g, d | h]), (a | b | c | d).any())
}

#[inline(always)]
fn has_whitespace(block: &[u8; BLOCK]) -> bool {
    let [a, b, c, d] = vectors(block)
        .map(|vector| vector.simd_eq(u8x16::splat(b' ')) | vector.simd_eq(u8x16::splat(b'\t')));
    (a | b | c | d).any()
}

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

fn relaxed_header_field(field: &[u8], out: &mut Vec<u8>) {
    let (text, end) = match field {
        [text @ .., b'\r', b'\n'] => (text, CRLF),
        text => (text, &[][..]),
    };
    let colon = memchr::memchr(b':', text).unwrap_or(text.len());
    let (name, value) = text.split_at_checked(colon).unwrap_or((text, &[]));
    let start = out.len();
    unfold(name, out);
    if let Some(name) = out.get_mut(start..) {
        name.make_ascii_lowercase();
    }
    if let [b':', value @ ..] = value {
        out.push(b':');
        unfold(value, out);
    }
    out.extend_from_slice(end);
}

/// Appends the text with its lines joined and its whitespace reduced, and none at either end.
fn unfold(text: &[u8], out: &mut Vec<u8>) {
    let mut separator: &[u8] = b"";
    let mut rest = text;
    let mut from = 0;
    loop {
        let end = memchr::memchr(b'\r', rest.get(from..).unwrap_or_default())
            .map_or(rest.len(), |offset| from.saturating_add(offset));
        let Some((line, after)) = rest.split_at_checked(end) else {
            return;
        };
        if let [b'\r', after @ ..] = after
            && !matches!(after, [b'\n', b' ' | b'\t', ..])
        {
            from = end.saturating_add(1);
            continue;
        }
        let line = trim(line);
        if !line.is_empty() {
            out.extend_from_slice(separator);
            separator = b" ";
            let mut space = false;
            for &octet in line {
                let wsp = is_wsp(octet);
                if wsp && !space {
                    out.push(b' ');
                } else if !wsp {
                    out.push(octet);
                }
                space = wsp;
            }
        }
        let [_, _, after @ ..] = after else { return };
        rest = after;
        from = 0;
    }
}

fn trim(line: &[u8]) -> &[u8] {
    let mut line = line;
    while let [b' ' | b'\t', rest @ ..] | [rest @ .., b' ' | b'\t'] = line {
        line = rest;
    }
    line
}

fn is_wsp(octet: u8) -> bool {
    matches!(octet, b' ' | b'\t')
}

#[cfg(test)]
mod tests {
    use super::Canonicalization::{Relaxed, Simple};
    use super::{BodyCanonicalizer, Canonicalization, header_field};

    fn body_in_chunks<'a>(
        canonicalization: Canonicalization,
        chunks: impl IntoIterator<Item = &'a [u8]>,
    ) -> Vec<u8> {
        let mut out = Vec::new();
        let mut canonicalizer = BodyCanonicalizer::new(canonicalization);
        for chunk in chunks {
            canonicalizer.write(chunk, &mut |octets| out.extend_from_slice(octets));
        }
        canonicalizer.finish(&mut |octets| out.extend_from_slice(octets));
        out
    }

    fn body(canonicalization: Canonicalization, body: &[u8]) -> Vec<u8> {
        body_in_chunks(canonicalization, [body])
    }

    fn header(canonicalization: Canonicalization, field: &[u8]) -> Vec<u8> {
        let mut out = b"before".to_vec();
        header_field(canonicalization, field, &mut out);
        assert_eq!(&out[..6], b"before");
        out.split_off(6)
    }

    fn naive_body(canonicalization: Canonicalization, body: &[u8]) -> Vec<u8> {
        let mut lines = split_lines(body);
        if canonicalization == Relaxed {
            for line in &mut lines {
                *line = reduce_whitespace(line);
                if line.last() == Some(&b' ') {
                    line.pop();
                }
            }
        }
        while lines.last().is_some_and(Vec::is_empty) {
            lines.pop();
        }
        if lines.is_empty() && canonicalization == Simple {
            lines.push(Vec::new());
        }
        lines
            .into_iter()
            .flat_map(|line| [line, b"\r\n".to_vec()].concat())
            .collect()
    }

    fn split_lines(text: &[u8]) -> Vec<Vec<u8>> {
        let mut lines = vec![Vec::new()];
        let mut octets = text.iter().copied().peekable();
        while let Some(octet) = octets.next() {
            if octet == b'\r' && octets.next_if_eq(&b'\n').is_some() {
                lines.push(Vec::new());
            } else {
                lines.last_mut().unwrap().push(octet);
            }
        }
        lines
    }

    fn reduce_whitespace(text: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        for &octet in text {
            match octet {
                b' ' | b'\t' if out.last() == Some(&b' ') => {}
                b' ' | b'\t' => out.push(b' '),
                octet => out.push(octet),
            }
        }
        out
    }

    fn naive_header(field: &[u8]) -> Vec<u8> {
        let text = field.strip_suffix(b"\r\n").unwrap_or(field);
        let end = &field[text.len()..];
        let lines = split_lines(text);
        let mut unfolded = lines[0].clone();
        for line in &lines[1..] {
            if !line.starts_with(b" ") && !line.starts_with(b"\t") {
                unfolded.extend_from_slice(b"\r\n");
            }
            unfolded.extend_from_slice(line);
        }
        let reduced = reduce_whitespace(&unfolded);
        let trim = |text: &[u8]| {
            let text = text.strip_prefix(b" ").unwrap_or(text);
            text.strip_suffix(b" ").unwrap_or(text).to_vec()
        };
        match reduced.iter().position(|&octet| octet == b':') {
            None => [&trim(&reduced).to_ascii_lowercase(), end].concat(),
            Some(colon) => {
                let name = trim(&reduced[..colon]).to_ascii_lowercase();
                [&name, &b":"[..], &trim(&reduced[colon + 1..]), end].concat()
            }
        }
    }

    /// Every text of at most `longest` octets of the alphabet.
    fn each_text(alphabet: &[u8], longest: usize, check: &mut impl FnMut(&[u8])) {
        fn extend(
            text: &mut Vec<u8>,
            alphabet: &[u8],
            longest: usize,
            check: &mut impl FnMut(&[u8]),
        ) {
            check(text);
            if text.len() < longest {
                for &octet in alphabet {
                    text.push(octet);
                    extend(text, alphabet, longest, check);
                    text.pop();
                }
            }
        }
        extend(&mut Vec::new(), alphabet, longest, check);
    }

    struct Random(u64);

    impl Random {
        fn below(&mut self, limit: usize) -> usize {
            self.0 ^= self.0 << 13;
            self.0 ^= self.0 >> 7;
            self.0 ^= self.0 << 17;
            usize::try_from((self.0 >> 24) % u64::try_from(limit).unwrap()).unwrap()
        }

        /// A text of pieces, of which one in `sparsity` is not plain.
        fn text(&mut self, length: usize, sparsity: usize) -> Vec<u8> {
            const PIECES: [&[u8]; 11] = [
                b" ",
                b"\t",
                b"  ",
                b" \r\n",
                b"\r\n",
                b"\r\n ",
                b"\r\n\r\n",
                b"\r",
                b"\n",
                b":",
                b"\0",
            ];
            let mut text = Vec::new();
            while text.len() < length {
                if self.below(sparsity) == 0 {
                    text.extend_from_slice(PIECES[self.below(PIECES.len())]);
                } else {
                    text.push(b"abcXYZ\x89\xa0\xff"[self.below(9)]);
                }
            }
            text.truncate(length);
            text
        }
    }

    /// RFC 6376 section 3.4: an algorithm is named by a word.
    #[test]
    fn names() {
        for canonicalization in [Simple, Relaxed] {
            let name = canonicalization.to_string();
            assert_eq!(
                Canonicalization::parse(name.as_bytes()),
                Some(canonicalization)
            );
        }
        assert_eq!(Simple.to_string(), "simple");
        assert_eq!(Relaxed.to_string(), "relaxed");
        for name in [
            "",
            "Simple",
            "RELAXED",
            "nowsp",
            "simple ",
            "relaxed/relaxed",
        ] {
            assert_eq!(Canonicalization::parse(name.as_bytes()), None, "{name}");
        }
    }

    /// RFC 6376 section 3.4.5, examples 1 to 3.
    #[test]
    fn examples() {
        let a = b"A: X\r\n";
        let b = b"B : Y\t\r\n\tZ  \r\n";
        let text = b" C \r\nD \t E\r\n\r\n\r\n";
        assert_eq!(header(Relaxed, a), b"a:X\r\n");
        assert_eq!(header(Relaxed, b), b"b:Y Z\r\n");
        assert_eq!(body(Relaxed, text), b" C\r\nD E\r\n");
        assert_eq!(header(Simple, a), a);
        assert_eq!(header(Simple, b), b);
        assert_eq!(body(Simple, text), b" C \r\nD \t E\r\n");
    }

    /// RFC 6376 section 3.4.3: an empty or missing body is a single CRLF.
    /// RFC 6376 section 3.4.4: it is a null input.
    #[test]
    fn empty_bodies() {
        assert_eq!(body_in_chunks(Simple, []), b"\r\n");
        assert_eq!(body_in_chunks(Relaxed, []), b"");
        for text in [&b""[..], b"\r\n", b"\r\n\r\n"] {
            assert_eq!(body(Simple, text), b"\r\n");
            assert_eq!(body(Relaxed, text), b"");
        }
        assert_eq!(body(Simple, b" \r\n"), b" \r\n");
        for text in [&b" "[..], b" \t", b" \r\n", b"\t\r\n  \r\n "] {
            assert_eq!(body(Relaxed, text), b"");
        }
    }

    /// RFC 6376 section 3.4.3 and section 3.4.4: a CRLF is added where there is none, and a CR or
    /// LF of its own is none.
    #[test]
    fn missing_final_crlf() {
        for canonicalization in [Simple, Relaxed] {
            for text in [
                "a", "\r", "\n", "a\r", "a\n", "\r\na", "a\r\n\r", "a\r\r", "a\n\r",
            ] {
                let expected = format!("{text}\r\n");
                assert_eq!(body(canonicalization, text.as_bytes()), expected.as_bytes());
            }
        }
    }

    /// RFC 6376 section 3.4.3 and section 3.4.4: every short body, in every two chunks.
    #[test]
    fn short_bodies() {
        each_text(b" \t\r\na", 7, &mut |text| {
            for canonicalization in [Simple, Relaxed] {
                let expected = naive_body(canonicalization, text);
                for split in 0..=text.len() {
                    let (first, second) = text.split_at(split);
                    let actual = body_in_chunks(canonicalization, [first, second]);
                    assert_eq!(
                        actual, expected,
                        "{text:?} split at {split}, {canonicalization}"
                    );
                }
            }
        });
    }

    /// RFC 6376 section 3.4.3 and section 3.4.4: longer bodies, in chunks of any size.
    #[test]
    fn long_bodies() {
        let mut random = Random(0x6376);
        for round in 0..20_000 {
            let length = if round % 500 == 0 {
                30_000
            } else {
                random.below(1000)
            };
            let sparsity = [1, 2, 5, 20, 80, 500][round % 6];
            let text = random.text(length, sparsity);
            let largest = [1, 3, 70, 300, 40_000][random.below(5)];
            for canonicalization in [Simple, Relaxed] {
                let mut chunks = Vec::new();
                let mut rest = &text[..];
                while !rest.is_empty() {
                    let (chunk, after) = rest.split_at(random.below(largest + 1).min(rest.len()));
                    chunks.push(chunk);
                    rest = after;
                }
                assert!(
                    body_in_chunks(canonicalization, chunks) == naive_body(canonicalization, &text),
                    "{canonicalization}, chunks up to {largest}: {}",
                    text.escape_ascii()
                );
            }
        }
    }

    /// RFC 6376 section 3.4.4: what is held back comes out whole once content follows.
    #[test]
    fn long_blanks() {
        for canonicalization in [Simple, Relaxed] {
            for count in [1, 63, 64, 65, 5_000, 50_000] {
                for piece in [&b"\r\n"[..], b" ", b"\t\r\n", b"\r", b"\n"] {
                    let text =
                        [b"a", &piece.repeat(count)[..], b"b", &piece.repeat(count)].concat();
                    let expected = naive_body(canonicalization, &text);
                    assert!(body(canonicalization, &text) == expected);
                    assert!(body_in_chunks(canonicalization, text.chunks(1)) == expected);
                }
            }
        }
    }

    /// RFC 6376 section 3.4.2: names, folding and whitespace.
    #[test]
    fn relaxed_header_fields() {
        for (field, expected) in [
            ("SUBJect: AbC\r\n", "subject:AbC\r\n"),
            ("Subject \t:\t AbC", "subject:AbC"),
            ("Subject:AbC\r\n \r\n\tdE:F \r\n", "subject:AbC dE:F\r\n"),
            ("Subject:\r\n AbC\r\n", "subject:AbC\r\n"),
            ("Subject\r\n : AbC\r\n", "subject:AbC\r\n"),
            ("Subject: \t\r\n", "subject:\r\n"),
            ("Subject:\r\n \r\n", "subject:\r\n"),
            ("Subject:", "subject:"),
            ("Subject: a\rb\nc\r\nd", "subject:a\rb\nc\r\nd"),
            ("No Colon\r\n", "no colon\r\n"),
            (": a\r\n", ":a\r\n"),
            ("\r\n", "\r\n"),
            ("", ""),
        ] {
            assert_eq!(
                header(Relaxed, field.as_bytes()),
                expected.as_bytes(),
                "{field:?}"
            );
        }
    }

    /// RFC 6376 section 3.4.2: every short header field.
    #[test]
    fn short_header_fields() {
        each_text(b" \t\r\nA:", 7, &mut |field| {
            assert_eq!(
                header(Relaxed, field),
                naive_header(field),
                "{}",
                field.escape_ascii()
            );
        });
    }

    /// RFC 6376 section 3.4.1 and section 3.4.2: longer header fields.
    #[test]
    fn long_header_fields() {
        let mut random = Random(0x5322);
        for round in 0..20_000 {
            let length = random.below(1000);
            let field = random.text(length, [1, 2, 5, 20, 80, 500][round % 6]);
            for field in [&field[..], &[b"Name: ", &field[..], b"\r\n"].concat()] {
                assert_eq!(header(Simple, field), field);
                let (actual, expected) = (header(Relaxed, field), naive_header(field));
                assert!(actual == expected, "{}", field.escape_ascii());
            }
        }
    }
}
