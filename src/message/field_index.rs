//! Fields by name, for selecting them from the bottom up.

use std::hash::{BuildHasher as _, RandomState};
use std::sync::LazyLock;

use super::{Field, Header};

/// The fields of a header by name without regard to case, the lowest of each name first.
///
/// A hash table: however many fields there are, it is built in linear time and tells at once which bear a
/// name, since the h= tags of several signatures may name thousands of fields thousands of times. Nobody
/// can choose names that fall together, for the hash depends on a secret.
#[derive(Debug)]
pub(crate) struct FieldIndex<'h, 'a> {
    header: &'h Header<'a>,
    secret: [u64; 2],
    /// One for each field, and at the same time one for each bucket.
    entries: Vec<Entry>,
}

#[derive(Debug)]
struct Entry {
    key: Key,
    /// The first of the names that fall into the bucket of this entry's place; as any name by its topmost
    /// field.
    first: u32,
    /// In the topmost field of a name, the next name in its bucket.
    next: u32,
    /// In the topmost field of a name, the lowest one.
    lowest: u32,
    /// In the topmost field of a name, which one was taken last.
    taken: u32,
    /// The next field of the same name above.
    above: u32,
}

/// In place of a field's position.
const NONE: u32 = u32::MAX;

impl<'h, 'a> FieldIndex<'h, 'a> {
    pub(crate) fn new(header: &'h Header<'a>) -> Self {
        static SECRET: LazyLock<[u64; 2]> = LazyLock::new(|| {
            let random = RandomState::new();
            [0, 1].map(|number| random.hash_one(number))
        });
        let entry = |field: Field<'_>| {
            let key = Key::of(field.name());
            Entry { key, first: NONE, next: NONE, lowest: NONE, taken: NONE, above: NONE }
        };
        let entries = header.fields().map(entry).collect();
        let mut index = Self { header, secret: *SECRET, entries };
        for (position, field) in (0..NONE).zip(header.fields()) {
            index.insert(position, field.name());
        }
        index
    }

    /// Puts in the next field from top to bottom.
    fn insert(&mut self, position: u32, name: &[u8]) -> Option<()> {
        let key = self.entry(position)?.key;
        let bucket = self.bucket(&key, name);
        if let Some(topmost) = self.find(bucket, &key, name) {
            let above = std::mem::replace(&mut self.entry_mut(topmost)?.lowest, position);
            self.entry_mut(position)?.above = above;
        } else {
            let next = std::mem::replace(&mut self.entries.get_mut(bucket)?.first, position);
            let entry = self.entry_mut(position)?;
            (entry.next, entry.lowest) = (next, position);
        }
        Some(())
    }

    /// The header whose fields these are.
    pub(crate) fn header(&self) -> &'h Header<'a> {
        self.header
    }

    /// Takes the lowest field of a name that is not taken yet and not the one at `except`.
    pub(crate) fn take(&mut self, name: &[u8], except: usize) -> Option<usize> {
        let key = Key::of(name);
        let topmost = self.find(self.bucket(&key, name), &key, name)?;
        let entry = self.entry(topmost)?;
        let lowest = if entry.taken == NONE { entry.lowest } else { self.above(entry.taken)? };
        let found = self.other_than(except, lowest)?;
        self.entry_mut(topmost)?.taken = found;
        usize::try_from(found).ok()
    }

    /// Gives back all that was taken, and tells the positions of fields that were left of names of
    /// which some were taken: one for each name, other than the one at `except`.
    pub(crate) fn give_back(&mut self, except: usize, mut left_over: impl FnMut(usize)) {
        for topmost in 0..self.entries.len() {
            let Some(entry) = self.entries.get_mut(topmost) else { return };
            let taken = std::mem::replace(&mut entry.taken, NONE);
            let left = self.above(taken).and_then(|left| self.other_than(except, left));
            left.and_then(|left| usize::try_from(left).ok()).into_iter().for_each(&mut left_over);
        }
    }

    /// The field at a position, or the next one above of its name if that is the one at `except`.
    fn other_than(&self, except: usize, position: u32) -> Option<u32> {
        match usize::try_from(position) {
            Ok(found) if found == except => self.above(position),
            _ => Some(position),
        }
    }

    /// The next field of the same name above a field.
    fn above(&self, position: u32) -> Option<u32> {
        Some(self.entry(position)?.above).filter(|above| *above != NONE)
    }

    /// The topmost field of a name that falls into a bucket.
    fn find(&self, bucket: usize, key: &Key, name: &[u8]) -> Option<u32> {
        let mut position = self.entries.get(bucket)?.first;
        loop {
            let entry = self.entry(position)?;
            if entry.key == *key
                && (key.is_whole() || self.name(position).eq_ignore_ascii_case(name))
            {
                return Some(position);
            }
            position = entry.next;
        }
    }

    fn entry(&self, position: u32) -> Option<&Entry> {
        self.entries.get(usize::try_from(position).ok()?)
    }

    fn entry_mut(&mut self, position: u32) -> Option<&mut Entry> {
        self.entries.get_mut(usize::try_from(position).ok()?)
    }

    fn name(&self, position: u32) -> &'a [u8] {
        let field = usize::try_from(position).ok().and_then(|position| self.header.field(position));
        field.map(|field| field.name()).unwrap_or_default()
    }

    /// The place of the bucket that a name falls into.
    fn bucket(&self, key: &Key, name: &[u8]) -> usize {
        let [secret, other] = self.secret;
        let length = u64::from(key.length);
        let mut hash =
            folded_product(key.first ^ secret, key.last ^ length.rotate_right(8) ^ other);
        if !key.is_whole() {
            let middle = name.get(KEPT..name.len().saturating_sub(KEPT)).unwrap_or_default();
            let (chunks, rest) = middle.as_chunks();
            for chunk in chunks {
                hash = folded_product(hash ^ lower_case(u64::from_le_bytes(*chunk)), other);
            }
            hash = folded_product(hash ^ lower_case(number(rest)), other);
        }
        // The upper half of the product is below the number of buckets, each as likely.
        let buckets = u64::try_from(self.entries.len()).unwrap_or(u64::MAX);
        let [_, bucket] = halves(u128::from(hash).wrapping_mul(u128::from(buckets)));
        usize::try_from(bucket).unwrap_or_default()
    }
}

/// Length, first and last octets of a name in lower case: all of most names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Key {
    first: u64,
    last: u64,
    length: u32,
}

/// Octets at either end of a name that its key holds.
const KEPT: usize = 8;

impl Key {
    fn of(name: &[u8]) -> Self {
        let (first, last) = match (name.first_chunk(), name.last_chunk()) {
            (Some(first), Some(last)) => (u64::from_le_bytes(*first), u64::from_le_bytes(*last)),
            _ => (number(name), 0),
        };
        let length = u32::try_from(name.len()).unwrap_or(u32::MAX);
        Self { first: lower_case(first), last: lower_case(last), length }
    }

    /// Whether it holds all octets of its name.
    fn is_whole(&self) -> bool {
        usize::try_from(self.length).is_ok_and(|length| length <= 2 * KEPT)
    }
}

/// Fewer than eight octets as a number.
fn number(octets: &[u8]) -> u64 {
    match (octets.first_chunk(), octets.last_chunk()) {
        (Some(first), Some(last)) => {
            u64::from(u32::from_le_bytes(*first)) << 32 | u64::from(u32::from_le_bytes(*last))
        }
        _ => octets.iter().fold(0, |number, octet| number << 8 | u64::from(*octet)),
    }
}

/// Both halves of a product in one number, of which each bit depends on all of both factors.
fn folded_product(a: u64, b: u64) -> u64 {
    let [low, high] = halves(u128::from(a).wrapping_mul(u128::from(b)));
    low ^ high
}

fn halves(number: u128) -> [u64; 2] {
    let low = number & u128::from(u64::MAX);
    [low, number >> 64].map(|half| u64::try_from(half).unwrap_or_default())
}

/// Puts eight octets into lower case, all at once.
fn lower_case(octets: u64) -> u64 {
    const EACH: u64 = u64::from_be_bytes([1; 8]);
    const TOP: u64 = EACH << 7;
    // The top bit of each sum says whether the octet, less its own top bit, is so great.
    let low = octets & !TOP;
    let at_least =
        |bound: u8| low.wrapping_add(EACH.wrapping_mul(u64::from(0x80_u8.wrapping_sub(bound))));
    let is_upper_case = at_least(b'A') & !at_least(b'Z'.wrapping_add(1)) & !octets & TOP;
    octets | is_upper_case >> 2
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header() -> Header<'static> {
        Header::parse(b"To: 0\r\nReceived-A: 1\r\nTO : 2\r\nreceived-B: 3\r\nt: 4\r\ntO: 5\r\n")
    }

    /// RFC 6376 sections 3.5 and 5.4.2: names are compared without regard to case, fields taken
    /// from the bottom up.
    #[test]
    fn fields_are_taken_from_the_bottom_up() {
        let header = header();
        let mut index = FieldIndex::new(&header);
        let taken: Vec<_> = [(); 4].map(|()| index.take(b"to", 9)).to_vec();
        assert_eq!(taken, [Some(5), Some(2), Some(0), None]);
        assert_eq!(index.take(b"RECEIVED-b", 9), Some(3));
        assert_eq!(index.take(b"received-c", 9), None);
        assert_eq!(index.take(b"x", 9), None);
    }

    /// RFC 6376 section 3.7: the signature's own field is never covered by h=.
    #[test]
    fn one_field_may_be_left_out() {
        let header = header();
        let mut index = FieldIndex::new(&header);
        assert_eq!([(); 3].map(|()| index.take(b"to", 2)), [Some(5), Some(0), None]);
    }

    /// Names that differ in case only have one key; others that it holds whole have others.
    #[test]
    fn keys_hold_names_in_lower_case() {
        for octet in 0..=u8::MAX {
            for length in 1..=20 {
                for at in 0..length {
                    let mut name = vec![b'M'; length];
                    name[at] = octet;
                    let key = Key::of(&name);
                    let lower = name.to_ascii_lowercase();
                    assert_eq!(key, Key::of(&lower));
                    assert_eq!(key.is_whole(), length <= 16);
                    let other = [lower[at] ^ 1];
                    name.splice(at..=at, other);
                    assert!(
                        key != Key::of(&name) || !key.is_whole(),
                        "{octet} at {at} of {length}"
                    );
                }
            }
        }
        assert_eq!(
            lower_case(u64::from_le_bytes(*b"aZ@[{\xc1\xffZ")).to_le_bytes(),
            *b"az@[{\xc1\xffz"
        );
    }

    #[test]
    fn names_of_any_length_are_told_apart() {
        let names: Vec<_> = (1..40)
            .chain([254, 255, 256, 300])
            .flat_map(|n| {
                ["A".repeat(n), "a".repeat(n - 1) + "[", "B".repeat(n / 2) + &"a".repeat(n)]
            })
            .collect();
        let text: String = names.iter().map(|name| format!("{name}: x\r\n")).collect();
        let header = Header::parse(text.as_bytes());
        let mut index = FieldIndex::new(&header);
        for (position, name) in names.iter().enumerate().skip(1) {
            let name = name.to_ascii_lowercase();
            assert_eq!(index.take(name.as_bytes(), usize::MAX), Some(position), "{name}");
        }
    }

    #[test]
    fn what_is_left_is_told_once() {
        let header = header();
        let mut index = FieldIndex::new(&header);
        let left = |index: &mut FieldIndex<'_, '_>, except| {
            let mut left = Vec::new();
            index.give_back(except, |position| left.push(position));
            left
        };
        assert_eq!(left(&mut index, 9), [0; 0]);
        index.take(b"to", 9);
        index.take(b"t", 9);
        assert_eq!(left(&mut index, 9), [2]);
        assert_eq!(left(&mut index, 9), [0; 0]);
        index.take(b"to", 9);
        index.take(b"to", 9);
        assert_eq!(left(&mut index, 0), [0; 0]);
        assert_eq!(index.take(b"to", 9), Some(5));
    }

    /// RFC 6376 section 5.4.2: what a plain search takes and leaves, whatever is asked for.
    #[test]
    fn fields_are_those_of_a_plain_search() {
        let mut random = 0x6376_u64;
        let mut below = |limit: u64| {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            (random >> 24) % limit
        };
        for round in 0..500 {
            let mut name = || {
                let name = ["a", "To", "Date", "Subject", "Message-ID"][below(5) as usize];
                let name = format!("{name}{}", "-X".repeat(7 * below(3) as usize));
                if below(2) == 0 { name } else { name.to_ascii_uppercase() }
            };
            let names: Vec<_> = (0..round % 40).map(|_| name()).collect();
            let asked: Vec<_> = (0..round % 30).map(|_| name()).collect();
            let except = below(40) as usize;
            let text: String = names.iter().map(|name| format!("{name}: x\r\n")).collect();
            let header = Header::parse(text.as_bytes());
            let mut index = FieldIndex::new(&header);
            for _signature in 0..2 {
                let mut free: Vec<_> = (0..names.len()).filter(|at| *at != except).collect();
                let mut taken = Vec::new();
                for name in &asked {
                    let found = free.iter().rposition(|at| names[*at].eq_ignore_ascii_case(name));
                    let found = found.map(|at| free.remove(at));
                    assert_eq!(index.take(name.as_bytes(), except), found, "{name} in {names:?}");
                    taken.extend(found.map(|_| name.to_ascii_lowercase()));
                }
                taken.sort();
                taken.dedup();
                let left_of = |name: &String| {
                    free.iter().rfind(|at| names[**at].eq_ignore_ascii_case(name)).copied()
                };
                let mut expected: Vec<_> = taken.iter().filter_map(left_of).collect();
                let mut left = Vec::new();
                index.give_back(except, |position| left.push(position));
                expected.sort();
                left.sort();
                assert_eq!(left, expected, "{asked:?} in {names:?}");
            }
        }
    }
}
