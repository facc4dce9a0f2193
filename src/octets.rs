//! Octets a block at a time, searched or copied without what is dropped: no branch for each octet, none that
//! depends on distances.

use fearless_simd::{Level, Simd, SimdBase, SimdMask, dispatch, mask8x64, u8x32, u8x64};

/// Octets that are looked at at once: as many as a mask has bits.
pub(crate) const BLOCK: usize = 64;

/// What is sought.
pub(crate) trait Sought {
    /// Which octets of a vector it is.
    fn among<S: Simd, V: SimdBase<S, Element = u8>>(&self, octets: V) -> V::Mask;
}

/// One octet.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Octet(pub(crate) u8);

impl Sought for Octet {
    #[inline(always)]
    fn among<S: Simd, V: SimdBase<S, Element = u8>>(&self, octets: V) -> V::Mask {
        octets.simd_eq(self.0)
    }
}

/// The control characters of ASCII.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Control;

impl Sought for Control {
    #[inline(always)]
    fn among<S: Simd, V: SimdBase<S, Element = u8>>(&self, octets: V) -> V::Mask {
        octets.simd_lt(b' ') | octets.simd_eq(0x7f)
    }
}

/// All octets but letters, digits and punctuation of ASCII.
#[derive(Clone, Copy, Debug)]
pub(crate) struct NotGraphic;

impl Sought for NotGraphic {
    #[inline(always)]
    fn among<S: Simd, V: SimdBase<S, Element = u8>>(&self, octets: V) -> V::Mask {
        octets.simd_le(b' ') | octets.simd_ge(0x7f)
    }
}

/// SP and the control characters before it, of which a tag value has those that fold.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Blank;

impl Sought for Blank {
    #[inline(always)]
    fn among<S: Simd, V: SimdBase<S, Element = u8>>(&self, octets: V) -> V::Mask {
        octets.simd_le(b' ')
    }
}

/// All octets but those of ASCII.
#[derive(Clone, Copy, Debug)]
pub(crate) struct EightBit;

impl Sought for EightBit {
    #[inline(always)]
    fn among<S: Simd, V: SimdBase<S, Element = u8>>(&self, octets: V) -> V::Mask {
        octets.simd_ge(0x80)
    }
}

/// The one and the other.
impl<A: Sought, B: Sought> Sought for (A, B) {
    #[inline(always)]
    fn among<S: Simd, V: SimdBase<S, Element = u8>>(&self, octets: V) -> V::Mask {
        self.0.among(octets) | self.1.among(octets)
    }
}

/// Where in a block stands what is sought, as a mask: the first octet is the lowest bit.
///
/// The vectors are those that every machine of the target has: to choose wider ones takes longer than
/// a block does.
#[inline(always)]
pub(crate) fn mask(sought: &impl Sought, block: &[u8; BLOCK]) -> u64 {
    dispatch!(Level::baseline(), simd => {
        sought.among(u8x64::load_array_ref(simd, block)).to_bitmask()
    })
}

/// The lowest bit that is set.
#[inline]
pub(crate) fn first_bit(mask: u64) -> Option<usize> {
    Some(bit(mask)).filter(|bit| *bit < BLOCK)
}

/// Where what is sought stands in a text, from the first place to the last.
#[derive(Clone, Debug)]
pub(crate) struct Positions<'a, S> {
    sought: S,
    text: &'a [u8],
    /// Where the block that is searched begins.
    start: usize,
    /// The places in it that are yet to be told.
    places: u64,
    /// Where the next block begins.
    next: usize,
}

impl<'a, S> Positions<'a, S> {
    pub(crate) fn new(sought: S, text: &'a [u8]) -> Self {
        Self { sought, text, start: 0, places: 0, next: 0 }
    }
}

impl<S: Sought> Positions<'_, S> {
    /// Searches the next block that there is.
    fn advance(&mut self) -> Option<()> {
        let rest = self.text.get(self.next..).filter(|rest| !rest.is_empty())?;
        self.start = self.next;
        self.places = if let Some(block) = rest.first_chunk::<BLOCK>() {
            mask(&self.sought, block)
        } else if let Some(block) = self.text.last_chunk::<BLOCK>() {
            // What it holds of the block before has been told.
            let told = BLOCK.saturating_sub(rest.len());
            mask(&self.sought, block).unbounded_shr(u32::try_from(told).ok()?)
        } else {
            let mut block = [0; BLOCK];
            block.get_mut(..rest.len())?.copy_from_slice(rest);
            // What fills up the block does not count.
            let filling = BLOCK.saturating_sub(rest.len());
            mask(&self.sought, &block) & u64::MAX.unbounded_shr(u32::try_from(filling).ok()?)
        };
        self.next = self.next.saturating_add(BLOCK);
        Some(())
    }
}

impl<S: Sought> Iterator for Positions<'_, S> {
    type Item = usize;

    #[inline]
    fn next(&mut self) -> Option<usize> {
        while self.places == 0 {
            self.advance()?;
        }
        let place = first_bit(self.places)?;
        self.places &= self.places.wrapping_sub(1);
        Some(self.start.saturating_add(place))
    }
}

/// A block and the block after it: what becomes of an octet may depend on those that follow, and copies
/// of a whole block begin anywhere in it.
pub(crate) type Window = [u8; 2 * BLOCK];

/// The window at a place of a text; zeros stand for what is not there.
#[inline(always)]
pub(crate) fn window<'w>(text: &'w [u8], start: usize, near_end: &'w mut Window) -> &'w Window {
    let rest = text.get(start..).unwrap_or_default();
    if let Some(window) = rest.first_chunk() {
        return window;
    }
    *near_end = [0; 2 * BLOCK];
    if let Some(place) = near_end.get_mut(..rest.len()) {
        place.copy_from_slice(rest);
    }
    near_end
}

/// The block that begins at an offset of a window.
#[inline(always)]
pub(crate) fn vector<S: Simd>(simd: S, window: &Window, offset: usize) -> u8x64<S> {
    let octets = window.get(offset..).and_then(|rest| rest.first_chunk());
    u8x64::load_array_ref(simd, octets.unwrap_or(&[0; BLOCK]))
}

/// Zero where an octet is WSP. Such vectors are joined by `|` for both and `min` for either, which takes
/// fewer steps than masks do.
#[inline(always)]
pub(crate) fn not_wsp<S: Simd>(octets: u8x64<S>) -> u8x64<S> {
    (octets ^ b' ').min(octets ^ b'\t')
}

/// Whether the machine has an instruction that closes up what is kept of a block.
#[inline(always)]
pub(crate) fn compresses(simd: impl Simd) -> bool {
    #[cfg(any(target_arch = "x86", target_arch = "x86_64"))]
    return matches!(simd.level(), Level::Avx512(_));
    #[cfg(not(any(target_arch = "x86", target_arch = "x86_64")))]
    return false;
}

/// As [`close_up`], of octets that are in a register, on a machine that has an instruction for it.
#[inline(always)]
pub(crate) fn compress<S: Simd, const N: usize>(
    octets: u8x64<S>,
    dropped: u64,
    buffer: &mut [u8; N],
    to: usize,
) -> usize {
    let kept = mask8x64::from_bitmask(octets.simd, !dropped);
    if let Some(place) = block_at(buffer, to) {
        octets.compress(kept).store_array(place);
    }
    let count = BLOCK.saturating_sub(usize::try_from(dropped.count_ones()).unwrap_or(BLOCK));
    to.wrapping_add(count)
}

/// Copies what is kept of a block, closed up, and returns where what is kept of the next one belongs. Up
/// to two blocks are written.
///
/// Every step copies a whole block, however few octets lie between two runs that are dropped: the next
/// one overwrites what was too much, and no copy has a length to branch on.
#[inline(always)]
pub(crate) fn close_up<const N: usize>(
    window: &Window,
    dropped: u64,
    buffer: &mut [u8; N],
    to: usize,
) -> usize {
    copy_block(window, 0, buffer, to);
    let (mut dropped, mut origin) = (dropped, to);
    // Once without a run, too, which costs less than a branch that nobody can foresee.
    loop {
        let run_start = bit(dropped);
        // The carry of the sum goes through the first run and stops after it.
        let carried = dropped.wrapping_add(dropped & dropped.wrapping_neg());
        let run_end = bit(carried);
        let position = origin.wrapping_add(run_start);
        copy_block(window, run_end, buffer, position);
        // Where the block would begin if nothing before the run's end were dropped.
        origin = position.wrapping_sub(run_end);
        dropped &= carried;
        if dropped == 0 {
            return origin.wrapping_add(BLOCK);
        }
    }
}

/// The block at a place of a buffer, or the last one if it would not lie in it whole: no branch says so.
#[inline(always)]
fn block_at<const N: usize>(buffer: &mut [u8; N], at: usize) -> Option<&mut [u8; BLOCK]> {
    let last = const { N.saturating_sub(BLOCK) };
    buffer.get_mut(at.min(last)..).and_then(<[_]>::first_chunk_mut)
}

/// Copies the block that begins at an offset of a window.
#[inline(always)]
fn copy_block<const N: usize>(window: &Window, offset: usize, buffer: &mut [u8; N], to: usize) {
    let source = window.get(offset..).and_then(|rest| rest.first_chunk::<BLOCK>());
    let place = block_at(buffer, to);
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

/// The lowest bit that is set, or `BLOCK`.
#[inline(always)]
fn bit(mask: u64) -> usize {
    usize::try_from(mask.trailing_zeros()).unwrap_or(BLOCK)
}

/// The bits of as many octets as there are from the first of a block on.
#[inline(always)]
pub(crate) fn first_bits(octets: usize) -> u64 {
    let further = u32::try_from(BLOCK.saturating_sub(octets)).unwrap_or(0);
    u64::MAX.unbounded_shr(further)
}

/// Octets at the beginning of a field in which names end that are not long.
pub(crate) const HEAD: usize = 32;

/// The first place of what is sought in the beginning of a field.
#[inline]
pub(crate) fn first_in_head(sought: &impl Sought, head: &[u8; HEAD]) -> Option<usize> {
    first_bit(dispatch!(Level::baseline(), simd => {
        sought.among(u8x32::load_array_ref(simd, head)).to_bitmask()
    }))
}

/// Where the colon behind the name of a header field stands.
#[inline(always)]
pub(crate) fn colon(field: &[u8]) -> Option<usize> {
    let near = field.first_chunk().and_then(|head| first_in_head(&Octet(b':'), head));
    near.or_else(|| memchr::memchr(b':', field))
}

/// What machines may have of vectors, from what each of the target has to the most of this one.
#[cfg(test)]
pub(crate) fn levels() -> Vec<Level> {
    let here = Level::new();
    let mut levels = vec![Level::baseline()];
    #[cfg(any(target_arch = "x86", target_arch = "x86_64"))]
    {
        levels.extend(here.as_sse4_2().map(Level::Sse4_2));
        levels.extend(here.as_avx2().map(Level::Avx2));
    }
    levels.push(here);
    levels
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_are_those_of_a_plain_search() {
        for length in [0, 1, 63, 64, 65, 127, 128, 200] {
            for step in [1, 2, 3, 31, 63, 64, 65, 128] {
                let text: Vec<u8> =
                    (0..length).map(|n| if n % step == step / 2 { b';' } else { b'x' }).collect();
                let expected: Vec<_> = (0..length).filter(|n| text[*n] == b';').collect();
                assert_eq!(Positions::new(Octet(b';'), &text).collect::<Vec<_>>(), expected);
            }
        }
    }

    #[test]
    fn classes_are_those_of_ascii() {
        let text: Vec<u8> = (0..=u8::MAX).chain([0]).collect();
        let text = &text[..];
        let places = |is: fn(&u8) -> bool| (0..text.len()).filter(move |n| is(&text[*n]));
        assert!(Positions::new(Control, text).eq(places(u8::is_ascii_control)));
        assert!(Positions::new(NotGraphic, text).eq(places(|octet| !octet.is_ascii_graphic())));
    }

    #[test]
    fn the_first_colon_counts() {
        for name in 0..70 {
            let field = format!("{}: a:b", "n".repeat(name));
            assert_eq!(colon(field.as_bytes()), Some(name));
            assert_eq!(colon(&field.as_bytes()[..name]), None);
        }
    }
}
