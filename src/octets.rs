//! Searches in octets, a block at a time: no branch for each octet, none that depends on distances.

use wide::u8x16;

/// Octets that are searched at once: as many as a mask has bits.
const BLOCK: usize = 64;

/// Where in a block of at most 64 octets an octet stands, as a mask.
fn mask_of<const LENGTH: usize>(octet: u8, block: &[u8; LENGTH]) -> u64 {
    let vectors = block.as_chunks().0.iter().rev().map(|octets| u8x16::new(*octets));
    vectors.fold(0, |mask, octets| {
        mask << 16 | u64::from(octets.simd_eq(u8x16::splat(octet)).to_bitmask())
    })
}

/// The lowest bit that is set.
fn first_bit(mask: u64) -> Option<usize> {
    usize::try_from(mask.trailing_zeros()).ok().filter(|bit| *bit < BLOCK)
}

/// Where an octet other than NUL stands in a text, from the first place to the last.
#[derive(Clone, Debug)]
pub(crate) struct Positions<'a> {
    octet: u8,
    /// Where the block that is searched begins.
    start: usize,
    /// The places in it that are yet to be told.
    places: u64,
    /// What stands behind it.
    rest: &'a [u8],
}

impl<'a> Positions<'a> {
    pub(crate) fn new(octet: u8, text: &'a [u8]) -> Self {
        // The first block begins behind an empty one.
        Self { octet, start: 0_usize.wrapping_sub(BLOCK), places: 0, rest: text }
    }
}

impl Iterator for Positions<'_> {
    type Item = usize;

    #[inline]
    fn next(&mut self) -> Option<usize> {
        while self.places == 0 {
            if let Some((block, rest)) = self.rest.split_first_chunk::<BLOCK>() {
                self.places = mask_of(self.octet, block);
                self.rest = rest;
            } else if self.rest.is_empty() {
                return None;
            } else {
                let mut block = [0; BLOCK];
                if let Some(octets) = block.get_mut(..self.rest.len()) {
                    octets.copy_from_slice(self.rest);
                }
                self.places = mask_of(self.octet, &block);
                self.rest = &[];
            }
            self.start = self.start.wrapping_add(BLOCK);
        }
        let place = first_bit(self.places)?;
        self.places &= self.places.wrapping_sub(1);
        Some(self.start.wrapping_add(place))
    }
}

/// Where the colon behind the name of a header field stands.
pub(crate) fn colon(field: &[u8]) -> Option<usize> {
    // Names are short.
    let head = field.first_chunk::<32>().and_then(|head| first_bit(mask_of(b':', head)));
    head.or_else(|| memchr::memchr(b':', field))
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
                assert_eq!(Positions::new(b';', &text).collect::<Vec<_>>(), expected);
            }
        }
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
