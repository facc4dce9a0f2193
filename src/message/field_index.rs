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
}

impl<'a> FieldIndex<'a> {
    pub(crate) fn new(header: &Header<'a>) -> Self {
        let mut entries: Vec<_> = header
            .fields()
            .enumerate()
            .map(|(position, field)| Entry { key: key(field.name()), name: field.name(), position })
            .collect();
        entries.sort_unstable_by(|a, b| {
            compare(a, b.key, b.name).then_with(|| a.position.cmp(&b.position))
        });
        Self { entries }
    }

    /// The range of entries that bear a name, from top to bottom of the header.
    pub(crate) fn find(&self, name: &[u8]) -> Range<usize> {
        let key = key(name);
        let start = self.entries.partition_point(|entry| compare(entry, key, name).is_lt());
        let rest = self.entries.get(start..).unwrap_or_default();
        let length = rest.partition_point(|entry| compare(entry, key, name).is_eq());
        start..start.saturating_add(length)
    }

    /// Where in the header the field of an entry stands.
    pub(crate) fn position(&self, entry: usize) -> Option<usize> {
        self.entries.get(entry).map(|entry| entry.position)
    }

    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }
}

/// Length and first octets of a name in lower case: enough to tell most names apart.
fn key(name: &[u8]) -> u64 {
    let mut octets = [0; 8];
    for (slot, octet) in octets.iter_mut().skip(1).zip(name) {
        *slot = octet.to_ascii_lowercase();
    }
    if let Some(first) = octets.first_mut() {
        *first = u8::try_from(name.len()).unwrap_or(u8::MAX);
    }
    u64::from_be_bytes(octets)
}

fn compare(entry: &Entry<'_>, key: u64, name: &[u8]) -> Ordering {
    let lower = u8::to_ascii_lowercase;
    entry.key.cmp(&key).then_with(|| entry.name.iter().map(lower).cmp(name.iter().map(lower)))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 6376 section 3.5: names in h= are compared without regard to case.
    #[test]
    fn finds_all_fields_of_a_name_in_order() {
        let header = Header::parse(
            b"To: 1\r\nReceived-A: 2\r\nTO : 3\r\nreceived-B: 4\r\nt: 5\r\ntO: 6\r\n",
        );
        let index = FieldIndex::new(&header);
        let positions = |name: &[u8]| -> Vec<_> {
            index.find(name).map(|entry| index.position(entry).unwrap()).collect()
        };
        assert_eq!(positions(b"to"), [0, 2, 5]);
        assert_eq!(positions(b"RECEIVED-b"), [3]);
        assert_eq!(positions(b"received-c"), [0; 0]);
        assert_eq!(positions(b"x"), [0; 0]);
        assert_eq!(index.len(), 6);
    }
}
