//! Fields by name, for selecting them from the bottom up.

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
    key: u128,
    position: u32,
    /// In the first entry of a name, how many of its fields are taken.
    taken: u32,
}

impl<'h, 'a> FieldIndex<'h, 'a> {
    pub(crate) fn new(header: &'h Header<'a>) -> Self {
        let count = u32::try_from(header.fields().len()).unwrap_or(u32::MAX);
        let fields = (0..count).zip(header.fields()).rev();
        let mut entries: Vec<_> = fields
            .map(|(position, field)| Entry { key: key(field.name()), position, taken: 0 })
            .collect();
        entries.sort_by_key(|entry| entry.key);
        for group in entries.chunk_by_mut(|a, b| a.key == b.key && !is_whole(a.key)) {
            group.sort_by(|a, b| between(header, a).cmp(between(header, b)));
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
        let mut start = self.entries.partition_point(|entry| entry.key < key);
        if !is_whole(key) {
            let alike = self.entries.get(start..).unwrap_or_default();
            let before =
                |entry: &Entry| entry.key == key && between(self.header, entry).lt(middle(name));
            start = start.saturating_add(alike.partition_point(before));
        }
        loop {
            let taken = usize::try_from(self.entries.get(start)?.taken).ok()?;
            let entry = self.entries.get(start.checked_add(taken)?)?;
            if !self.has_name(entry, key, || middle(name)) {
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
            let taken = usize::try_from(std::mem::take(&mut first.taken)).unwrap_or(usize::MAX);
            let Some((first, others)) = self.entries.get(start..).and_then(<[_]>::split_first)
            else {
                continue;
            };
            let left = others.get(taken.saturating_sub(1)..).unwrap_or_default().iter();
            let left = left.take_while(|entry| {
                self.has_name(entry, first.key, || between(self.header, first))
            });
            let mut left = left.filter_map(|entry| usize::try_from(entry.position).ok());
            left.find(|position| *position != except).into_iter().for_each(&mut left_over);
        }
    }

    /// Whether a name with this key and these octets between is that of the entry.
    fn has_name<M>(&self, entry: &Entry, key: u128, middle: impl FnOnce() -> M) -> bool
    where
        M: Iterator<Item = u8>,
    {
        entry.key == key && (is_whole(key) || between(self.header, entry).eq(middle()))
    }
}

/// Octets of a name that its key holds: the first beside its length, and the last.
const FIRST_OCTETS: usize = 7;
const LAST_OCTETS: usize = 8;

/// Length, first and last octets of a name in lower case: all of most names.
fn key(name: &[u8]) -> u128 {
    let first = match name.first_chunk() {
        Some([a, b, c, d, e, f, g]) => u64::from_be_bytes([0, *a, *b, *c, *d, *e, *f, *g]),
        None => name.iter().fold(0, |octets, octet| octets << 8 | u64::from(*octet)),
    };
    let last =
        name.last_chunk().map_or(0, |octets: &[u8; LAST_OCTETS]| u64::from_be_bytes(*octets));
    let length = u64::try_from(name.len()).unwrap_or(u64::MAX).min(255);
    u128::from(length << 56 | lower_case(first)) << 64 | u128::from(lower_case(last))
}

/// Whether a key holds all octets of its name.
fn is_whole(key: u128) -> bool {
    let [length, ..] = key.to_be_bytes();
    usize::from(length) <= FIRST_OCTETS + LAST_OCTETS
}

/// The octets of a name that its key does not hold, in lower case.
fn middle(name: &[u8]) -> impl Iterator<Item = u8> {
    let middle = name.get(FIRST_OCTETS..name.len().saturating_sub(LAST_OCTETS));
    middle.unwrap_or_default().iter().map(u8::to_ascii_lowercase)
}

/// As [`middle`], of the name that an entry stands for.
fn between<'a>(header: &Header<'a>, entry: &Entry) -> impl Iterator<Item = u8> + use<'a> {
    let field = usize::try_from(entry.position).ok().and_then(|position| header.field(position));
    middle(field.map(|field| field.name()).unwrap_or_default())
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
            assert_eq!(found.to_be_bytes()[..8], [7, a, b, c, d, e, f, g]);
            assert_eq!(key(&[octet]).to_be_bytes()[..8], [1, 0, 0, 0, 0, 0, 0, a]);
            assert_eq!(found as u64, 0);
            let name = [octet; 8];
            assert_eq!(key(&name) as u64, u64::from_be_bytes([a; 8]));
        }
        assert_eq!(key(&[b'A'; 300]) >> 112, 0xff61);
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
