//! Octets that a message must not hold, found while it streams by.

use fearless_simd::{Level, Simd, SimdBase, SimdMask, dispatch, u8x64};

use crate::octets::{BLOCK, EightBit, Octet, mask};

/// RFC 5322 section 2.1.1: a line has at most 998 octets before its CRLF.
pub const MAXIMUM_LINE_OCTETS: u64 = 998;

/// What is wrong with the octets of a message, whatever they mean:
/// [RFC 5322 sections 2.1.1](https://www.rfc-editor.org/rfc/rfc5322#section-2.1.1) and
/// [2.3](https://www.rfc-editor.org/rfc/rfc5322#section-2.3).
///
/// A bare CR or LF is what one server reads as the end of a line, or of the message, and another
/// does not: [RFC 5321 section 2.3.8](https://www.rfc-editor.org/rfc/rfc5321#section-2.3.8).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct Defects {
    /// CR without LF behind it.
    pub bare_cr: Occurrences,
    /// LF without CR before it.
    pub bare_lf: Occurrences,
    /// NUL.
    pub nul: Occurrences,
    /// Lines of over [`MAXIMUM_LINE_OCTETS`], each at its first octet; here any LF ends a line.
    pub long_lines: Occurrences,
    /// There is no empty line that ends the header; a scanner by itself does not look for one.
    pub no_header_end: bool,
    /// The first octet over 127, which is no defect where 8BITMIME is spoken.
    pub first_eight_bit: Option<u64>,
}

/// How often something stands in a message, and where first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct Occurrences {
    /// How often.
    pub count: u64,
    /// The offset of the first, from the first octet that was written.
    pub first: Option<u64>,
}

impl Occurrences {
    fn add(&mut self, count: u32, first: impl FnOnce() -> u64) {
        if count > 0 {
            self.count = self.count.saturating_add(u64::from(count));
            self.first.get_or_insert_with(first);
        }
    }
}

impl Defects {
    /// Whether there is neither a bare CR or LF, nor NUL, nor a line that is too long, and the header has
    /// an end.
    pub fn is_clean(&self) -> bool {
        !self.no_header_end
            && [self.bare_cr, self.bare_lf, self.nul, self.long_lines]
                .iter()
                .all(|found| found.count == 0)
    }
}

/// Finds the [`Defects`] of octets that arrive in any split, in constant memory.
///
/// ```
/// use bonafide::message::DefectScanner;
///
/// let mut scanner = DefectScanner::new();
/// scanner.write(b"One line\r");
/// scanner.write(b"\nand a bare\nline feed\r\n");
/// let defects = scanner.finish();
/// assert_eq!((defects.bare_lf.count, defects.bare_lf.first), (1, Some(20)));
/// assert_eq!(defects.bare_cr.count, 0);
/// ```
#[derive(Clone, Debug, Default)]
pub struct DefectScanner {
    defects: Defects,
    /// Octets so far.
    offset: u64,
    line_start: u64,
    /// 1 if the last octet was CR.
    cr: u64,
}

/// Octets that are passed over at a time, if an LF is among them and nothing that counts.
const STRIP: usize = 4 * BLOCK;

impl DefectScanner {
    /// A scanner before the first octet.
    pub fn new() -> Self {
        Self::default()
    }

    /// The next octets.
    pub fn write(&mut self, chunk: &[u8]) {
        let mut rest = chunk;
        // What is passed over has something in front of it, which may be CR.
        let mut exactly = BLOCK;
        while !rest.is_empty() {
            let (read, behind) = rest.split_at_checked(exactly).unwrap_or((rest, &[]));
            self.read(read);
            let passed =
                self.unremarkable(rest.get(read.len().saturating_sub(1)..).unwrap_or_default());
            let (passed, behind) = behind.split_at_checked(passed).unwrap_or((behind, &[]));
            self.pass(passed);
            rest = behind;
            // Whatever it stopped at is in here.
            exactly = STRIP;
        }
    }

    /// How many octets behind the first need only be passed over.
    fn unremarkable(&self, octets: &[u8]) -> usize {
        // What has an LF in each strip has no long line, unless one is long already.
        let line = self.offset.saturating_sub(self.line_start);
        let is_short = line.saturating_add(offset(STRIP)) <= MAXIMUM_LINE_OCTETS;
        if !is_short || octets.len() <= STRIP {
            return 0;
        }
        let seen_eight_bit = self.defects.first_eight_bit.is_some();
        dispatch!(Level::new(), simd => unremarkable(simd, octets, seen_eight_bit))
    }

    /// Takes note of strips that are unremarkable.
    fn pass(&mut self, strips: &[u8]) {
        if let Some(last) = memchr::memrchr(b'\n', strips) {
            self.line_start = self.offset.saturating_add(offset(last)).saturating_add(1);
            self.cr = u64::from(strips.ends_with(b"\r"));
        }
        self.offset = self.offset.saturating_add(offset(strips.len()));
    }

    /// Reads octets exactly.
    fn read(&mut self, octets: &[u8]) {
        let (blocks, tail) = octets.as_chunks::<BLOCK>();
        for block in blocks {
            self.block(block, BLOCK);
        }
        let mut padded = [b' '; BLOCK];
        if let Some(start) = padded.get_mut(..tail.len()).filter(|start| !start.is_empty()) {
            start.copy_from_slice(tail);
            self.block(&padded, tail.len());
        }
    }

    /// What was found.
    pub fn finish(mut self) -> Defects {
        if self.cr > 0 {
            self.defects.bare_cr.add(1, || self.offset.saturating_sub(1));
        }
        self.end_line(self.offset);
        self.defects
    }

    /// Reads the first `length` octets of a block; what is behind them must be spaces.
    #[inline(always)]
    fn block(&mut self, block: &[u8; BLOCK], length: usize) {
        let [cr, lf, nul] = [b'\r', b'\n', 0].map(|octet| mask(&Octet(octet), block));
        let inside = u64::MAX.unbounded_shr(u64::BITS.saturating_sub(bits(length)));
        let behind_cr = (cr << 1 | self.cr) & inside;
        // A bit for each CR or LF that stands alone: of the octets behind a CR and the LFs, those
        // that are not both.
        if (behind_cr ^ lf) | nul != 0 {
            self.record(behind_cr, lf, nul);
        }
        if self.defects.first_eight_bit.is_none() {
            let eight_bit = mask(&EightBit, block);
            if eight_bit != 0 {
                self.defects.first_eight_bit = Some(self.at(eight_bit));
            }
        }
        if lf != 0 {
            let end = self.at(lf);
            // The CR belongs to the line end.
            let has_cr = behind_cr & lf & lf.wrapping_neg() != 0;
            self.end_line(end.saturating_sub(u64::from(has_cr)));
            let last = u64::from(63_u32.saturating_sub(lf.leading_zeros()));
            self.line_start = self.offset.saturating_add(last).saturating_add(1);
        }
        self.cr = cr.unbounded_shr(bits(length).saturating_sub(1)) & 1;
        self.offset = self.offset.saturating_add(u64::from(bits(length)));
    }

    #[cold]
    fn record(&mut self, behind_cr: u64, lf: u64, nul: u64) {
        let (bare_cr, bare_lf) = (behind_cr & !lf, lf & !behind_cr);
        let [behind_bare_cr, first_lf, first_nul] = [bare_cr, bare_lf, nul].map(|at| self.at(at));
        self.defects.bare_cr.add(bare_cr.count_ones(), || behind_bare_cr.saturating_sub(1));
        self.defects.bare_lf.add(bare_lf.count_ones(), || first_lf);
        self.defects.nul.add(nul.count_ones(), || first_nul);
    }

    fn end_line(&mut self, end: u64) {
        if end.saturating_sub(self.line_start) > MAXIMUM_LINE_OCTETS {
            self.defects.long_lines.add(1, || self.line_start);
        }
    }

    /// The offset of the lowest bit of a block's mask.
    fn at(&self, mask: u64) -> u64 {
        self.offset.saturating_add(u64::from(mask.trailing_zeros()))
    }
}

/// The octets of the strips, behind the octet that stands before the first, up to a strip without LF or
/// with something that counts.
#[inline(always)]
fn unremarkable<S: Simd>(simd: S, octets: &[u8], may_be_eight_bit: bool) -> usize {
    let mut passed = 0_usize;
    while let Some(rest) = octets.get(passed..)
        && let Some(strip) = rest.first_chunk::<{ STRIP + 1 }>()
    {
        let [(before, _), (blocks, _)] =
            [0, 1].map(|start| strip.get(start..).unwrap_or_default().as_chunks::<BLOCK>());
        let no_octet = u8x64::splat(simd, 0);
        let none = no_octet.simd_lt(0);
        let (mut unpaired, mut line_ends, mut all, mut least) = (none, none, no_octet, !no_octet);
        for (before, block) in before.iter().zip(blocks) {
            let [before, block] = [before, block].map(|block| u8x64::load_array_ref(simd, block));
            let is_line_end = block.simd_eq(b'\n');
            unpaired |= before.simd_eq(b'\r') ^ is_line_end;
            line_ends |= is_line_end;
            all |= block;
            least = least.min(block);
        }
        let counts = unpaired | least.simd_eq(0);
        if counts.any_true() || line_ends.all_false() {
            break;
        }
        if !may_be_eight_bit && all.simd_ge(0x80).any_true() {
            break;
        }
        passed = passed.saturating_add(STRIP);
    }
    passed
}

fn offset(length: usize) -> u64 {
    u64::try_from(length).unwrap_or(u64::MAX)
}

fn bits(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::octets::levels;

    /// The definition, an octet at a time.
    fn naive(octets: &[u8]) -> Defects {
        let mut defects = Defects::default();
        let at = |index: usize| octets.get(index).copied();
        let mut line_start = 0;
        for (index, octet) in octets.iter().enumerate() {
            let here = || index as u64;
            match octet {
                0 => defects.nul.add(1, here),
                b'\r' if at(index + 1) != Some(b'\n') => defects.bare_cr.add(1, here),
                b'\n' if index == 0 || at(index - 1) != Some(b'\r') => defects.bare_lf.add(1, here),
                128.. => {
                    defects.first_eight_bit.get_or_insert_with(here);
                }
                _ => {}
            }
            if *octet == b'\n' {
                let line = &octets[line_start..index];
                let length = line.len() - usize::from(line.ends_with(b"\r"));
                defects.long_lines.add(u32::from(length > 998), || line_start as u64);
                line_start = index + 1;
            }
        }
        let rest = octets.len() - line_start;
        defects.long_lines.add(u32::from(rest > 998), || line_start as u64);
        defects
    }

    fn scan(octets: &[u8], chunk: usize) -> Defects {
        let mut scanner = DefectScanner::new();
        octets.chunks(chunk).for_each(|chunk| scanner.write(chunk));
        scanner.finish()
    }

    fn pieces() -> impl Strategy<Value = Vec<u8>> {
        let piece = prop_oneof![
            6 => prop::collection::vec(b'a'..=b'c', 0..90),
            2 => (1_usize..9).prop_map(|lines| "A line of which there are many.\r\n".repeat(lines * 5).into_bytes()),
            4 => Just(b"\r\n".to_vec()),
            1 => Just(b"\r".to_vec()),
            1 => Just(b"\n".to_vec()),
            1 => Just(b"\0".to_vec()),
            1 => Just(b"\xc3".to_vec()),
            1 => (990_usize..1010).prop_map(|length| vec![b'x'; length]),
        ];
        prop::collection::vec(piece, 0..20).prop_map(|pieces| pieces.concat())
    }

    proptest! {
        /// In any split the scanner finds what the definition finds.
        #[test]
        fn the_scanner_agrees_with_the_definition(octets in pieces(), chunk in prop_oneof![1_usize..200, 1000_usize..9000]) {
            prop_assert_eq!(scan(&octets, chunk), naive(&octets));
        }
    }

    proptest! {
        /// What need only be passed over does not depend on the vectors that the machine has.
        #[test]
        fn each_width_of_vectors_passes_the_same(octets in pieces(), may_be_eight_bit: bool) {
            let passed: Vec<_> = levels()
                .into_iter()
                .map(|level| dispatch!(level, simd => unremarkable(simd, &octets, may_be_eight_bit)))
                .collect();
            prop_assert!(passed.iter().all(|other| *other == passed[0]), "{passed:?}");
        }
    }

    /// RFC 5322 section 2.1.1: 998 octets are allowed, the CRLF not counted.
    #[test]
    fn lines_of_998_octets_are_allowed() {
        for (length, expected) in [(998, None), (999, Some(2))] {
            for end in ["\r\n", ""] {
                let message = format!("\r\n{}{end}", "x".repeat(length));
                let found = scan(message.as_bytes(), usize::MAX);
                assert_eq!(found.long_lines.first, expected, "{length} {end:?}");
                assert_eq!(found.is_clean(), expected.is_none());
            }
        }
    }
}
