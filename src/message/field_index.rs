//! Fields by name, for selecting them from the bottom up.

use std::cmp::Ordering;
use std::ops::Range;

use super::Header;

/// The fields of a header sorted by name without regard to case, then by position.
///
/// Built once in `n log n`, it answers in `log n` which fields bear a name, however many of them
/// there are: the h= tags of several signatures may name thousands of fields thousands of times.
#[derive(Debug)]
pub(crate) struct FieldIndex<'a> {
    entries: Vec<Entry<'a>>,
}

#[derive(Debug)]
struct Entry<'a> {
    key: u64,
    name: &'a [u8],
    position: usize,
    /// In the first entry of a name, where the entries of that name end.
    end: usize,
    /// In the first entry of a name, how many of its fields are taken.
    taken: usize,
}

impl<'a> FieldIndex<'a> {
    pub(crate) fn new(header: &Header<'a>) -> Self {
        let fields = header.fields().enumerate();
        let mut entries: Vec<_> = fields
            .map(|(position, field)| {
                let name = field.name();
                Entry { key: key(name), name, position, end: 0, taken: 0 }
            })
            .collect();
        entries.sort_unstable_by(|a, b| {
            compare(a, b.key, b.name).then_with(|| a.position.cmp(&b.position))
        });
        let mut end = 0_usize;
        for group in entries.chunk_by_mut(|a, b| compare(a, b.key, b.name).is_eq()) {
            end = end.saturating_add(group.len());
            if let Some(first) = group.first_mut() {
                first.end = end;
            }
        }
        Self { entries }
    }

    /// Takes the lowest field of a name that is not taken yet and not the one at `except`.
    pub(crate) fn take(&mut self, name: &[u8], except: usize) -> Option<usize> {
        let range = self.find(name);
        loop {
            let first = self.entries.get_mut(range.start).filter(|_| !range.is_empty())?;
            let entry = range.end.checked_sub(first.taken.saturating_add(1))?;
            if entry < range.start {
                return None;
            }
            first.taken = first.taken.saturating_add(1);
            let position = self.entries.get(entry)?.position;
            if position != except {
                return Some(position);
            }
        }
    }

    /// Gives back all that was taken, and tells the positions of fields that were left of names of
    /// which some were taken: one for each name, other than the one at `except`.
    pub(crate) fn give_back(&mut self, except: usize, mut left_over: impl FnMut(usize)) {
        let mut start = 0;
        while let Some(first) = self.entries.get_mut(start) {
            let (end, taken) = (first.end, std::mem::take(&mut first.taken));
            if taken > 0 {
                let left = self.entries.get(start..end.saturating_sub(taken)).unwrap_or_default();
                let left = left.iter().map(|entry| entry.position).find(|at| *at != except);
                left.into_iter().for_each(&mut left_over);
            }
            start = end;
        }
    }

    /// The range of entries that bear a name, from top to bottom of the header.
    fn find(&self, name: &[u8]) -> Range<usize> {
        let key = key(name);
        let start = self.entries.partition_point(|entry| compare(entry, key, name).is_lt());
        let first = self.entries.get(start).filter(|entry| compare(entry, key, name).is_eq());
        start..first.map_or(start, |first| first.end)
    }
}

/// Octets of a name that its key holds, beside its length.
const KEY_OCTETS: usize = 7;

/// Length and first octets of a name in lower case: enough to tell most names apart.
fn key(name: &[u8]) -> u64 {
    let mut octets = [0; KEY_OCTETS];
    match name.first_chunk() {
        Some(first) => octets = *first,
        None => octets.iter_mut().zip(name).for_each(|(slot, octet)| *slot = *octet),
    }
    octets.make_ascii_lowercase();
    let length = u8::try_from(name.len()).unwrap_or(u8::MAX);
    let [a, b, c, d, e, f, g] = octets;
    u64::from_be_bytes([length, a, b, c, d, e, f, g])
}

fn compare(entry: &Entry<'_>, key: u64, name: &[u8]) -> Ordering {
    entry.key.cmp(&key).then_with(|| {
        // Equal keys hold equal names, up to their length.
        let [found, name] =
            [entry.name, name].map(|name| name.get(KEY_OCTETS..).unwrap_or_default());
        let lower = u8::to_ascii_lowercase;
        found.iter().map(lower).cmp(name.iter().map(lower))
    })
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
    fn what_is_left_is_told_once() {
        let header = header();
        let mut index = FieldIndex::new(&header);
        let left = |index: &mut FieldIndex<'_>, except| {
            let mut left = Vec::new();
            index.give_back(except, |position| left.push(position));
            left
        };
        assert_eq!(left(&mut index, 9), [0; 0]);
        index.take(b"to", 9);
        index.take(b"t", 9);
        assert_eq!(left(&mut index, 9), [0]);
        assert_eq!(left(&mut index, 9), [0; 0]);
        index.take(b"to", 9);
        index.take(b"to", 9);
        assert_eq!(left(&mut index, 0), [0; 0]);
        assert_eq!(index.take(b"to", 9), Some(5));
    }
}
