//! Tag=value lists, the syntax that DKIM, ARC, DMARC and MTA-STS records share.
//!
//! ```text
//! tag-list  = tag-spec *( ";" tag-spec ) [ ";" ]
//! tag-spec  = [FWS] tag-name [FWS] "=" [FWS] tag-value [FWS]
//! tag-name  = ALPHA *ALNUMPUNC              ALNUMPUNC = ALPHA / DIGIT / "_"
//! tag-value = [ tval *( 1*(WSP / FWS) tval ) ]    tval = 1*VALCHAR, %x21-3A / %x3C-7E, UTF-8
//! ```
//!
//! [RFC 6376 section 3.2](https://www.rfc-editor.org/rfc/rfc6376#section-3.2), with its erratum 5070
//! and the UTF-8 of [RFC 8616](https://www.rfc-editor.org/rfc/rfc8616). What a duplicate or a
//! malformed spec means, each standard decides for itself.

use std::collections::BTreeSet;
use std::fmt;
use std::ops::Range;
use std::sync::LazyLock;

use base64::Engine as _;
#[cfg(any(target_arch = "aarch64", target_arch = "x86_64"))]
use base64::engine::Simd;
use base64::engine::{DecodePaddingMode, GeneralPurposeConfig};

use crate::octets::{self, BLOCK, Blank, Control, Octet, Positions};

/// One tag-spec of a list.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Tag<'a> {
    /// The name, whose case matters.
    pub name: &'a [u8],
    /// The value without the white space around it; white space inside is kept.
    pub value: &'a [u8],
    /// Where the name begins.
    pub name_offset: usize,
    /// Where the value begins, or would begin if it is empty.
    pub value_offset: usize,
    /// Where the value stands with the white space around it: all between `=` and `;`.
    pub span: Range<usize>,
    /// Whether a tag of this name came before.
    pub is_duplicate: bool,
}

/// A tag-spec that does not follow the grammar.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum TagListError {
    /// Nothing between two semicolons, or before the first.
    #[error("found an empty tag-spec at offset {offset}, expected a tag name")]
    Empty {
        /// Where the spec ends.
        offset: usize,
    },
    /// No equals sign behind the name.
    #[error("found no '=' behind the tag name at offset {offset}")]
    NoEqualsSign {
        /// Where the name begins.
        offset: usize,
    },
    /// A name that does not begin with a letter or holds other octets than letters, digits, '_'.
    #[error("found octet {found:#04x} at offset {offset}, expected a tag name")]
    Name {
        /// The octet.
        found: u8,
        /// Where it stands.
        offset: usize,
    },
    /// A control character, or a line end that is not part of folding white space.
    #[error("found octet {found:#04x} at offset {offset} in a tag-spec")]
    Octet {
        /// The octet.
        found: u8,
        /// Where it stands.
        offset: usize,
    },
}

/// The tag-specs of a list in order: each a [`Tag`], or why it is none.
///
/// Reading goes on behind a malformed spec. Time is linear in the length of the list, and
/// `n log n` in the number of tags; nothing is allocated for lists of up to 16 tags with names of
/// up to 8 octets.
///
/// ```
/// use bonafide::tag_list::Tags;
///
/// let tags: Vec<_> = Tags::new(b"v=DKIM1; p=abc; v=2; 1x").collect();
/// assert_eq!(tags[1].as_ref().unwrap().value, b"abc");
/// assert!(tags[2].as_ref().unwrap().is_duplicate);
/// assert!(tags[3].is_err());
/// ```
#[derive(Clone, Debug)]
pub struct Tags<'a> {
    list: &'a [u8],
    /// Where the next spec begins; `None` at the end.
    next: Option<usize>,
    marks: Positions<'a, Mark>,
    seen: SeenNames<'a>,
}

/// What ends a spec or may be a stray octet in it.
type Mark = (Octet, Control);

/// The names that came before: a few short ones in place, all others in a set.
#[derive(Clone, Debug)]
struct SeenNames<'a> {
    /// Names of up to 8 octets, as numbers, of which none is 0.
    short: [u64; 16],
    /// A bit for each of them: where it is not set, none needs to be compared.
    bits: u64,
    count: usize,
    /// The first 8 octets as a number, and the others.
    further: BTreeSet<(u64, &'a [u8])>,
}

impl<'a> SeenNames<'a> {
    /// Remembers a name and says whether it was there before.
    fn insert(&mut self, name: &'a [u8]) -> bool {
        let (first, rest) = name.split_at_checked(8).unwrap_or((name, &[]));
        // No octet of a name is 0, so that names of different lengths are different numbers.
        let number = first.iter().fold(0, |number, octet| number << 8 | u64::from(*octet));
        if rest.is_empty() {
            // The highest bits of the product depend on all octets.
            let bit = number.wrapping_mul(0x9E37_79B9_7F4A_7C15).wrapping_shr(u64::BITS - 6);
            let bit = 1_u64.unbounded_shl(u32::try_from(bit).unwrap_or_default());
            if self.bits & bit != 0 && self.short.contains(&number) {
                return true;
            }
            self.bits |= bit;
            if let Some(slot) = self.short.get_mut(self.count) {
                *slot = number;
                self.count = self.count.saturating_add(1);
                return false;
            }
        }
        !self.further.insert((number, rest))
    }
}

impl<'a> Tags<'a> {
    /// Reads a list from its beginning.
    pub fn new(list: &'a [u8]) -> Self {
        let seen = SeenNames { short: [0; 16], bits: 0, count: 0, further: BTreeSet::new() };
        Self { list, next: Some(0), marks: Positions::new((Octet(b';'), Control), list), seen }
    }

    /// Finds the semicolon that ends the next spec, and the first stray octet before it.
    #[inline]
    fn advance(&mut self) -> (Option<usize>, Option<TagListError>) {
        let mut stray = None;
        for offset in self.marks.by_ref() {
            match self.list.get(offset) {
                Some(b';') => return (Some(offset), stray),
                Some(&found) if stray.is_none() && is_stray(self.list, offset, found) => {
                    stray = Some(TagListError::Octet { found, offset });
                }
                _ => {}
            }
        }
        (None, stray)
    }

    /// Reads the spec at `start` in a list that ends where the spec does.
    #[inline]
    fn read(&mut self, list: &'a [u8], start: usize) -> Result<Tag<'a>, TagListError> {
        let name_offset = skip_white_space(list, start);
        let name_end = skip(list, name_offset, is_name_octet);
        let equals = skip_white_space(list, name_end);
        let name = list.get(name_offset..name_end).unwrap_or_default();
        match (name, list.get(equals)) {
            ([b'A'..=b'Z' | b'a'..=b'z', ..], Some(b'=')) => {
                let around = equals.saturating_add(1);
                let value_offset = skip_white_space(list, around);
                Ok(Tag {
                    name,
                    value: trim_end(list.get(value_offset..).unwrap_or_default()),
                    name_offset,
                    value_offset,
                    span: around..list.len(),
                    is_duplicate: self.seen.insert(name),
                })
            }
            _ => Err(malformed(list.get(start..).unwrap_or_default(), start)),
        }
    }
}

/// Why a spec that begins at an offset has no name in front of an equals sign.
#[cold]
fn malformed(spec: &[u8], start: usize) -> TagListError {
    let text = trim_start(spec);
    let offset = start.saturating_add(spec.len()).saturating_sub(text.len());
    let Some(equals) = memchr::memchr(b'=', text) else {
        return match text {
            [] => TagListError::Empty { offset },
            _ => TagListError::NoEqualsSign { offset },
        };
    };
    let name = trim_end(text.get(..equals).unwrap_or_default());
    let at = match name {
        [first, ..] if first.is_ascii_alphabetic() => {
            name.iter().position(|octet| !is_name_octet(*octet)).unwrap_or_default()
        }
        _ => 0,
    };
    // Without a name the equals sign itself stands there.
    let found = text.get(at).copied().unwrap_or(b'=');
    TagListError::Name { found, offset: offset.saturating_add(at) }
}

fn is_name_octet(octet: u8) -> bool {
    octet.is_ascii_alphanumeric() || octet == b'_'
}

impl<'a> Iterator for Tags<'a> {
    type Item = Result<Tag<'a>, TagListError>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        let start = self.next?;
        let (semicolon, stray) = self.advance();
        let end = semicolon.unwrap_or(self.list.len());
        self.next = semicolon.map(|semicolon| semicolon.saturating_add(1));
        if let Some(stray) = stray {
            return Some(Err(stray));
        }
        let list = self.list.get(..end)?;
        // What follows the last semicolon may be nothing but white space; a list of nothing at
        // all is an empty spec.
        if semicolon.is_none() && start > 0 && skip_white_space(list, start) == end {
            return None;
        }
        Some(self.read(list, start))
    }
}

impl std::iter::FusedIterator for Tags<'_> {}

/// Folding white space as it may stand around names and values.
pub(crate) fn is_white_space(octet: u8) -> bool {
    matches!(octet, b' ' | b'\t' | b'\r' | b'\n')
}

/// The first place from `at` on where no such octet stands.
#[inline]
fn skip(text: &[u8], at: usize, is_skipped: impl Fn(u8) -> bool) -> usize {
    let mut at = at;
    while let Some(octet) = text.get(at)
        && is_skipped(*octet)
    {
        at = at.saturating_add(1);
    }
    at
}

#[inline]
fn skip_white_space(text: &[u8], at: usize) -> usize {
    skip(text, at, is_white_space)
}

fn trim_start(text: &[u8]) -> &[u8] {
    text.get(skip_white_space(text, 0)..).unwrap_or_default()
}

fn trim_end(text: &[u8]) -> &[u8] {
    let mut text = text;
    while let [rest @ .., octet] = text
        && is_white_space(*octet)
    {
        text = rest;
    }
    text
}

/// Where the first control character stands.
pub(crate) fn first_control(text: &[u8]) -> Option<usize> {
    Positions::new(Control, text).next()
}

/// Whether a control character that stands at a place is neither HTAB nor part of a fold.
#[inline]
fn is_stray(list: &[u8], at: usize, found: u8) -> bool {
    let is_fold = |at: usize| matches!(list.get(at..), Some([b'\r', b'\n', b' ' | b'\t', ..]));
    match found {
        b'\r' => !is_fold(at),
        b'\n' => !is_fold(at.wrapping_sub(1)),
        found => found != b'\t',
    }
}

const CONFIGURATION: GeneralPurposeConfig =
    // RFC 6376 section 2.10: the padding of a base64string is optional.
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);

/// What the processor is able to do is asked once.
#[cfg(any(target_arch = "aarch64", target_arch = "x86_64"))]
static ENGINE: LazyLock<Simd> = LazyLock::new(|| Simd::standard(CONFIGURATION));

#[cfg(not(any(target_arch = "aarch64", target_arch = "x86_64")))]
static ENGINE: LazyLock<base64::engine::GeneralPurpose> = LazyLock::new(|| {
    base64::engine::GeneralPurpose::new(&base64::alphabet::STANDARD, CONFIGURATION)
});

/// Decodes the base64 of a tag value, which folding white space may break anywhere
/// (RFC 6376 section 2.10). The error is the offset of what is no base64.
pub(crate) fn decode_base64(value: &[u8]) -> Result<Vec<u8>, usize> {
    let mut decoded = Vec::new();
    decode_base64_into(value, &mut decoded).map(|()| decoded)
}

/// As [`decode_base64`], into a buffer whose contents are replaced.
pub(crate) fn decode_base64_into(value: &[u8], decoded: &mut Vec<u8>) -> Result<(), usize> {
    decoded.clear();
    decoded.reserve(value.len().div_ceil(4).saturating_mul(3));
    if memchr::memchr3(b' ', b'\t', b'\r', value).is_none() {
        return decode_quanta(value, decoded, value);
    }
    // Some quanta at a time, so that no copy of the value without its white space is ever allocated.
    let mut quanta = [0; CAPACITY + BLOCK];
    let mut near_end = [0; 2 * BLOCK];
    let mut filled = 0_usize;
    for start in (0..value.len()).step_by(BLOCK) {
        let length = BLOCK.min(value.len().saturating_sub(start));
        let window = octets::window(value, start, &mut near_end);
        let blank = window.first_chunk().map_or(0, |block| octets::mask(&Blank, block));
        let blank = blank & octets::first_bits(length);
        let next = octets::close_up(window, blank, &mut quanta, filled);
        filled = next.saturating_sub(BLOCK.saturating_sub(length));
        if filled > CAPACITY - BLOCK {
            let whole = filled & !3;
            decode_quanta(quanta.get(..whole).unwrap_or_default(), decoded, value)?;
            quanta.copy_within(whole..filled, 0);
            filled &= 3;
        }
    }
    decode_quanta(quanta.get(..filled).unwrap_or_default(), decoded, value)
}

/// Octets of base64 that are decoded at once: those of most signatures.
const CAPACITY: usize = 8 * BLOCK;

/// Decodes the next quanta of a value; says where in it they are wrong.
fn decode_quanta(quanta: &[u8], decoded: &mut Vec<u8>, value: &[u8]) -> Result<(), usize> {
    // Without padding, which ends a value, so many octets came before.
    let goes_on = decoded.len().is_multiple_of(3);
    if quanta.is_empty() || goes_on && ENGINE.decode_vec(quanta, decoded).is_ok() {
        return Ok(());
    }
    let is_base64 = |octet: u8| octet.is_ascii_alphanumeric() || matches!(octet, b'+' | b'/');
    let stray = |octet: &u8| !is_base64(*octet) && !is_white_space(*octet);
    Err(value.iter().position(stray).unwrap_or(value.len()))
}

/// Prints octets as base64 with padding.
pub(crate) struct Base64<'a>(pub(crate) &'a [u8]);

impl fmt::Display for Base64<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        base64::display::Base64Display::new(self.0, &*ENGINE).fmt(f)
    }
}

/// What a message quotes of a value: enough to recognize it, however long it is, and nothing that
/// could break a line of a log or of a header field.
#[cold]
pub(crate) fn quote(value: &[u8]) -> String {
    let text = String::from_utf8_lossy(value.get(..64).unwrap_or(value));
    let mut quoted = String::with_capacity(text.len());
    for character in text.chars() {
        if character.is_control() {
            quoted.extend(character.escape_default());
        } else {
            quoted.push(character);
        }
    }
    quoted
}

/// The elements of a colon-separated list, without the white space around them.
pub(crate) fn colon_separated(value: &[u8]) -> impl Iterator<Item = &[u8]> + Clone {
    let mut next = Some(0);
    let mut colons = Positions::new(Octet(b':'), value);
    std::iter::from_fn(move || {
        let start = next?;
        let colon = colons.next();
        next = colon.map(|colon| colon.saturating_add(1));
        let element = value.get(start..colon.unwrap_or(value.len()))?;
        Some(trim_end(trim_start(element)))
    })
}

/// An unsigned decimal number of any length; what is over the range is its end.
pub(crate) fn decimal(value: &[u8]) -> Option<u64> {
    if value.is_empty() {
        return None;
    }
    value.iter().try_fold(0_u64, |number, octet| {
        let digit = octet.is_ascii_digit().then(|| octet.wrapping_sub(b'0'))?;
        Some(number.saturating_mul(10).saturating_add(u64::from(digit)))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    type Pair<'a> = (&'a [u8], &'a [u8]);

    fn pairs(list: &[u8]) -> Result<Vec<Pair<'_>>, TagListError> {
        Tags::new(list).map(|tag| tag.map(|tag| (tag.name, tag.value))).collect()
    }

    fn error(list: &[u8]) -> TagListError {
        pairs(list).unwrap_err()
    }

    /// Erratum 5070: FWS may stand around names, equals signs and values.
    #[test]
    fn white_space_around_names_and_values_is_dropped() {
        let expected = vec![(&b"a"[..], &b"1"[..]), (b"b_2", b"x  y"), (b"c", b"")];
        assert_eq!(pairs(b" a\t= 1 ;\r\n b_2 =\r\n\tx  y\r\n ; c=").unwrap(), expected);
    }

    /// RFC 6376 section 3.2: the final semicolon is optional, an empty tag-spec is an error.
    #[test]
    fn empty_specs() {
        assert_eq!(pairs(b"a=1;").unwrap().len(), 1);
        assert_eq!(pairs(b"a=1; \r\n ").unwrap().len(), 1);
        assert_eq!(error(b"a=1;;b=2"), TagListError::Empty { offset: 4 });
        assert_eq!(error(b"a=1; ;"), TagListError::Empty { offset: 5 });
        assert_eq!(error(b";a=1"), TagListError::Empty { offset: 0 });
        assert_eq!(error(b""), TagListError::Empty { offset: 0 });
        assert_eq!(error(b"  "), TagListError::Empty { offset: 2 });
    }

    #[test]
    fn malformed_specs_are_reported_where_they_stand() {
        assert_eq!(error(b"a=1; bc"), TagListError::NoEqualsSign { offset: 5 });
        assert_eq!(error(b"a=1; 2b=3"), TagListError::Name { found: b'2', offset: 5 });
        assert_eq!(error(b"a-b=3"), TagListError::Name { found: b'-', offset: 1 });
        assert_eq!(error(b"=3"), TagListError::Name { found: b'=', offset: 0 });
        assert_eq!(error(b"a=x\0y"), TagListError::Octet { found: 0, offset: 3 });
        assert_eq!(error(b"a=x\r\ny"), TagListError::Octet { found: b'\r', offset: 3 });
        assert_eq!(error(b"a=x; \n"), TagListError::Octet { found: b'\n', offset: 5 });
    }

    /// RFC 6376 section 3.2: a duplicate is reported however many tags stand between.
    #[test]
    fn duplicates_are_found_behind_many_tags() {
        let list: String = (0..40).map(|n| format!("t{n}=;")).collect::<String>() + "t3=;t39=;T3=";
        let duplicates: Vec<_> =
            Tags::new(list.as_bytes()).map(|tag| tag.unwrap().is_duplicate).collect();
        assert_eq!(duplicates[..40], [false; 40]);
        assert_eq!(duplicates[40..], [true, true, false]);
        let list = b"abcdefgh=;abcdefghi=;abcdefghj=;abcdefg=;abcdefghi=;abcdefgh=";
        let duplicates = Tags::new(list).map(|tag| tag.unwrap().is_duplicate);
        assert!(duplicates.eq([false, false, false, false, true, true]));
    }

    #[test]
    fn spans_hold_the_white_space_around_the_value() {
        let list = b"b= x y ;c=1";
        let tag = Tags::new(list).next().unwrap().unwrap();
        assert_eq!((&list[tag.span.clone()], tag.value_offset), (&b" x y "[..], 3));
    }

    /// RFC 6376 section 2.10: FWS anywhere, padding optional and only at the end.
    #[test]
    fn base64_with_folding() {
        assert_eq!(decode_base64(b"aGVs\r\n bG8=").unwrap(), b"hello");
        assert_eq!(decode_base64(b"aGVsbG8").unwrap(), b"hello");
        assert_eq!(decode_base64(b" ").unwrap(), b"");
        assert_eq!(decode_base64(b"aGVs*"), Err(4));
        assert_eq!(decode_base64(b"aG=s"), Err(2));
        for length in [287, 288, 289, 383, 384, 1535, 1536, 1537, 4000] {
            let octets: Vec<u8> = (0..length).map(|n| n as u8).collect();
            let text = Base64(&octets).to_string();
            assert_eq!(decode_base64(text.as_bytes()).unwrap(), octets);
            assert!(decode_base64(format!("{text}QQ==").as_bytes()).is_err() || length % 3 == 0);
        }
        let padded = Base64(&[7; 287]).to_string();
        assert_eq!(padded.len(), 384);
        assert_eq!(decode_base64(format!("{padded}QUJD").as_bytes()), Err(383));
        assert_eq!(decode_base64(format!("{padded} QUJD").as_bytes()), Err(383));
    }

    #[test]
    fn quotes_are_short_and_on_one_line() {
        assert_eq!(quote(b"a\r\n\tb\x7f\xff"), "a\\r\\n\\tb\\u{7f}\u{fffd}");
        assert_eq!(quote(&[b'a'; 70_000]).len(), 64);
    }

    #[test]
    fn decimals_saturate() {
        assert_eq!(decimal(b"0012"), Some(12));
        assert_eq!(decimal(b"18446744073709551617"), Some(u64::MAX));
        for bad in [&b""[..], b"-1", b"+1", b"1 ", b"1x"] {
            assert_eq!(decimal(bad), None);
        }
    }
}
