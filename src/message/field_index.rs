//! Fields by name, for selecting them from the bottom up.

use std::cmp::{Ordering, Reverse};

use super::Header;

/// The fields of a header sorted by name without regard to case, the lowest of each name first.
///
/// Built once in `n log n`, it answers in `log n` which fields bear a name, however many of them
/// there are: the h= tags of several signatures may name thousands of fields thousands of times.
#[derive(Debug)]
pub(crate) struct FieldIndex<'h, 'a> {
    header: &'h Header<'a>,
    entries: Vec<Entry>,
}

/// Small, because sorting moves them; a name that the key does not hold whole is looked up.
#[derive(Debug)]
struct Entry {
    key: u64,
    position: u32,
    /// In the first entry of a name, how many of its fields are taken.
    taken: u32,
}

impl<'h, 'a> FieldIndex<'h, 'a> {
    pub(crate) fn new(header: &'h Header<'a>) -> Self {
        let fields = (0..).zip(header.fields());
        let mut entries: Vec<_> = fields
            .map(|(position, field)| Entry { key: key(field.name()), position, taken: 0 })
            .collect();
        entries.sort_unstable_by_key(|entry| (entry.key, Reverse(entry.position)));
        for group in entries.chunk_by_mut(|a, b| a.key == b.key).filter(|group| group.len() > 1) {
            group.sort_by(|a, b| {
                compare_ends(a.key, || name(header, a.position), || name(header, b.position))
            });
        }
        Self { header, entries }
    }

    /// The header whose fields these are.
    pub(crate) fn header(&self) -> &'h Header<'a> {
        self.header
    }

    /// Takes the lowest field of a name that is not taken yet and not the one at `except`.
    pub(crate) fn take(&mut self, name: &[u8], except: usize) -> Option<usize> {
        let key = key(name);
        let start = self.entries.partition_point(|entry| entry.key < key);
        let start =
            start.saturating_add(self.entries.get(start..).unwrap_or_default().partition_point(
                |entry| entry.key == key && self.compare(entry, key, || name).is_lt(),
            ));
        loop {
            let taken = usize::try_from(self.entries.get(start)?.taken).ok()?;
            let entry = self.entries.get(start.checked_add(taken)?)?;
            if self.compare(entry, key, || name).is_ne() {
                return None;
            }
            let position = usize::try_from(entry.position).ok()?;
            let first = self.entries.get_mut(start)?;
            first.taken = first.taken.saturating_add(1);
            if position != except {
                return Some(position);
            }
        }
    }

    /// Gives back all that was taken, and tells the positions of fields that were left of names of
    /// which some were taken: one for each name, other than the one at `except`.
    pub(crate) fn give_back(&mut self, except: usize, mut left_over: impl FnMut(usize)) {
        for start in 0..self.entries.len() {
            let Some(first) = self.entries.get_mut(start).filter(|first| first.taken > 0) else {
                continue;
            };
            let (key, position, taken) =
                (first.key, first.position, std::mem::take(&mut first.taken));
            let name = || name(self.header, position);
            let behind = start.saturating_add(usize::try_from(taken).unwrap_or(usize::MAX));
            let left = self.entries.get(behind..).unwrap_or_default().iter();
            let left = left.take_while(|entry| self.compare(entry, key, name).is_eq());
            let mut left = left.filter_map(|entry| usize::try_from(entry.position).ok());
            left.find(|position| *position != except).into_iter().for_each(&mut left_over);
        }
    }

    /// Compares the name of an entry with one that has this key.
    fn compare<'n>(&self, entry: &Entry, key: u64, name: impl FnOnce() -> &'n [u8]) -> Ordering {
        let ends = || compare_ends(key, || self::name(self.header, entry.position), name);
        entry.key.cmp(&key).then_with(ends)
    }
}

fn name<'a>(header: &Header<'a>, position: u32) -> &'a [u8] {
    let field = usize::try_from(position).ok().and_then(|position| header.field(position));
    field.map(|field| field.name()).unwrap_or_default()
}

/// Octets of a name that its key holds, beside its length.
const KEY_OCTETS: usize = 7;

/// Length and first octets of a name in lower case: enough to tell most names apart.
fn key(name: &[u8]) -> u64 {
    let first = match name.first_chunk() {
        Some([a, b, c, d, e, f, g]) => u64::from_be_bytes([0, *a, *b, *c, *d, *e, *f, *g]),
        None => name.iter().fold(0, |octets, octet| octets << 8 | u64::from(*octet)),
    };
    let length = u64::try_from(name.len()).unwrap_or(u64::MAX).min(255);
    length << 56 | lower_case(first)
}

/// Compares what the key of two names does not hold of them: the last eight octets, which is all
/// of most names, then those between.
fn compare_ends<'a, 'b>(
    key: u64,
    a: impl FnOnce() -> &'a [u8],
    b: impl FnOnce() -> &'b [u8],
) -> Ordering {
    let [length, ..] = key.to_be_bytes();
    if usize::from(length) <= KEY_OCTETS {
        return Ordering::Equal;
    }
    let (a, b) = (a(), b());
    last(a).cmp(&last(b)).then_with(|| between(a).cmp(between(b)))
}

fn last(name: &[u8]) -> u64 {
    lower_case(name.last_chunk().map_or(0, |octets| u64::from_be_bytes(*octets)))
}

fn between(name: &[u8]) -> impl Iterator<Item = u8> {
    let between = name.get(KEY_OCTETS..name.len().saturating_sub(size_of::<u64>()));
    between.unwrap_or_default().iter().map(u8::to_ascii_lowercase)
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

    #[test]
    fn keys_hold_names_in_lower_case() {
        for octet in 0..=u8::MAX {
            let mut name = [octet, b'M', octet, 0xff, b'Z', b'[', octet];
            let found = key(&name);
            name.make_ascii_lowercase();
            let [a, b, c, d, e, f, g] = name;
            assert_eq!(found.to_be_bytes(), [7, a, b, c, d, e, f, g]);
            assert_eq!(key(&[octet]), u64::from_be_bytes([1, 0, 0, 0, 0, 0, 0, a]));
        }
        assert_eq!(key(&[b'A'; 300]) >> 48, 0xff61);
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
}
