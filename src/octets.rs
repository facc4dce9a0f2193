//! Searches in octets, a block at a time: no branch for each octet, none that depends on distances.

use fearless_simd::{Level, Simd, SimdBase, SimdMask, dispatch, u8x32, u8x64};

/// Octets that are searched at once: as many as a mask has bits.
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
fn first_bit(mask: u64) -> Option<usize> {
    usize::try_from(mask.trailing_zeros()).ok().filter(|bit| *bit < BLOCK)
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
