//! Domain names as the DNS carries them: labels of any octets.

use crate::serialize::serialize_as_text;
use std::fmt::{self, Write as _};
use std::hash::{Hash, Hasher};

/// Octets of a name on the wire, the root label included (RFC 1035 section 2.3.4).
const MAXIMUM_WIRE_OCTETS: usize = 255;
const MAXIMUM_LABEL_OCTETS: usize = 63;

/// A fully qualified name of the DNS, in lower case.
///
/// Labels hold any octet: what an SPF macro builds reaches the DNS exactly. At most 255 octets on
/// the wire ([RFC 1035 section 2.3.4](https://www.rfc-editor.org/rfc/rfc1035#section-2.3.4)), which is
/// 253 in dotted form; labels of 1 to 63 octets. The value is inline, without an allocation.
///
/// ```
/// use bonafide::dns::Name;
///
/// let name = Name::parse(b"Selector._domainkey.example.com.")?;
/// assert_eq!(name.to_string(), "selector._domainkey.example.com");
/// assert_eq!(name, Name::from_labels([&b"selector"[..], b"_domainkey", b"example", b"com"])?);
/// # Ok::<(), bonafide::dns::NameError>(())
/// ```
#[derive(Clone, Copy)]
pub struct Name {
    /// Octets used in `wire`, without the root label.
    length: u8,
    /// Labels, each behind its length octet.
    wire: [u8; MAXIMUM_WIRE_OCTETS],
}

/// Why octets are not a name of the DNS.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum NameError {
    /// Two dots with nothing between them, or a dot at the beginning.
    #[error("the label at offset {offset} is empty, expected 1 to 63 octets")]
    EmptyLabel {
        /// Where the label would begin.
        offset: usize,
    },
    /// A label of more than 63 octets.
    #[error("the label at offset {offset} is over 63 octets long")]
    LabelTooLong {
        /// Where the label begins.
        offset: usize,
    },
    /// More than 255 octets on the wire.
    #[error("the name is over 253 octets long")]
    TooLong,
}

impl Name {
    /// The root of the DNS.
    pub const ROOT: Self = Self { length: 0, wire: [0; MAXIMUM_WIRE_OCTETS] };

    /// Reads a name in dotted form; a dot at the end is allowed, escapes are not known.
    ///
    /// # Errors
    ///
    /// For an empty or over-long label and for an over-long name, with the offset.
    pub fn parse(dotted: &[u8]) -> Result<Self, NameError> {
        let mut name = Self::ROOT;
        name.replace(dotted)?;
        Ok(name)
    }

    /// As [`Name::parse`], in the place of another name: it is large to move. With an error it is the
    /// root, or the labels in front of the fault.
    pub(crate) fn replace(&mut self, dotted: &[u8]) -> Result<(), NameError> {
        self.length = 0;
        if dotted.is_empty() || dotted == b"." {
            return Ok(());
        }
        self.push_dotted(dotted.strip_suffix(b".").unwrap_or(dotted))
    }

    /// The name of several texts in dotted form, from left to right.
    pub(crate) fn from_dotted<const COUNT: usize>(texts: [&str; COUNT]) -> Result<Self, NameError> {
        let mut name = Self::ROOT;
        texts.into_iter().try_for_each(|text| name.push_dotted(text.as_bytes()))?;
        Ok(name)
    }

    /// Builds a name of labels, which may hold any octet, dots too.
    ///
    /// # Errors
    ///
    /// As [`Name::parse`]; offsets count a dot between labels.
    pub fn from_labels<L: AsRef<[u8]>>(
        labels: impl IntoIterator<Item = L>,
    ) -> Result<Self, NameError> {
        let mut name = Self::ROOT;
        for label in labels {
            name.push(label.as_ref())?;
        }
        Ok(name)
    }

    /// Appends the labels of a text in dotted form.
    fn push_dotted(&mut self, dotted: &[u8]) -> Result<(), NameError> {
        if self.copy_dotted(dotted).is_some() {
            return Ok(());
        }
        // Label by label, to see which is at fault.
        dotted.split(|octet| *octet == b'.').try_for_each(|label| self.push(label))
    }

    /// As [`Name::push_dotted`], all at once; `None`, and the name is the same, if there is a fault.
    fn copy_dotted(&mut self, dotted: &[u8]) -> Option<()> {
        let start = usize::from(self.length);
        let end = start.saturating_add(dotted.len()).saturating_add(1);
        // The last octet stays free for the root label.
        let room = self.wire.get_mut(..MAXIMUM_WIRE_OCTETS.saturating_sub(1))?;
        let (first, copy) = room.get_mut(start..end)?.split_first_mut()?;
        // Backwards, since the length of a label takes the place of the dot in front of it.
        let mut length = 0_u8;
        let mut fits = true;
        let is_fit = |length| (1..=MAXIMUM_LABEL_OCTETS).contains(&usize::from(length));
        for (copy, octet) in copy.iter_mut().zip(dotted).rev() {
            if *octet == b'.' {
                fits &= is_fit(length);
                *copy = length;
                length = 0;
            } else {
                *copy = octet.to_ascii_lowercase();
                length = length.saturating_add(1);
            }
        }
        *first = length;
        if !fits || !is_fit(length) {
            return None;
        }
        self.length = u8::try_from(end).ok()?;
        Some(())
    }

    fn push(&mut self, label: &[u8]) -> Result<(), NameError> {
        let start = usize::from(self.length);
        let Some(length) =
            u8::try_from(label.len()).ok().filter(|_| label.len() <= MAXIMUM_LABEL_OCTETS)
        else {
            return Err(NameError::LabelTooLong { offset: start });
        };
        if length == 0 {
            return Err(NameError::EmptyLabel { offset: start });
        }
        // The last octet stays free for the root label.
        let end = start.saturating_add(label.len()).saturating_add(1);
        let Some([first, rest @ ..]) = self
            .wire
            .get_mut(..MAXIMUM_WIRE_OCTETS.saturating_sub(1))
            .and_then(|w| w.get_mut(start..end))
        else {
            return Err(NameError::TooLong);
        };
        *first = length;
        rest.copy_from_slice(label);
        rest.make_ascii_lowercase();
        self.length = u8::try_from(end).map_err(|_| NameError::TooLong)?;
        Ok(())
    }

    /// The name followed by another: `_dmarc` and `example.com` give `_dmarc.example.com`.
    ///
    /// # Errors
    ///
    /// [`NameError::TooLong`] when both together are over 253 octets.
    pub fn join(&self, suffix: &Self) -> Result<Self, NameError> {
        Self::from_labels(self.labels().chain(suffix.labels()))
    }

    /// Whether this is the root.
    pub fn is_root(&self) -> bool {
        self.length == 0
    }

    /// The labels from left to right, in lower case.
    pub fn labels(&self) -> impl Iterator<Item = &[u8]> + Clone {
        let mut rest = self.used();
        std::iter::from_fn(move || {
            let (length, tail) = rest.split_first()?;
            let (label, tail) = tail.split_at_checked(usize::from(*length))?;
            rest = tail;
            Some(label)
        })
    }

    /// The name without its leftmost label; `None` for the root.
    pub fn parent(&self) -> Option<Self> {
        if self.is_root() {
            return None;
        }
        Self::from_labels(self.labels().skip(1)).ok()
    }

    /// Takes out so many labels behind the first `start` ones, or as many as there are.
    pub(crate) fn remove_labels(&mut self, start: usize, count: usize) {
        let octets = |label: &[u8]| label.len().saturating_add(1);
        let kept: usize = self.labels().take(start).map(octets).sum();
        let removed: usize = self.labels().skip(start).take(count).map(octets).sum();
        let from = kept.saturating_add(removed);
        let length = usize::from(self.length);
        if from <= length {
            self.wire.copy_within(from..length, kept);
            self.length = u8::try_from(length.saturating_sub(removed)).unwrap_or_default();
        }
    }

    fn used(&self) -> &[u8] {
        self.wire.get(..usize::from(self.length)).unwrap_or_default()
    }
}

impl PartialEq for Name {
    fn eq(&self, other: &Self) -> bool {
        self.used() == other.used()
    }
}

impl Eq for Name {}

impl Hash for Name {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.used().hash(state);
    }
}

impl PartialOrd for Name {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Name {
    /// By octets on the wire, not by the tree.
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.used().cmp(other.used())
    }
}

impl fmt::Display for Name {
    /// Dotted, without a dot at the end; other octets as RFC 1035 section 5.1 escapes them.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_root() {
            return f.write_char('.');
        }
        for (position, label) in self.labels().enumerate() {
            if position > 0 {
                f.write_char('.')?;
            }
            for &octet in label {
                match octet {
                    b'.' | b'\\' | b'"' | b';' | b'#' => write!(f, "\\{}", char::from(octet))?,
                    b'!'..=b'~' => f.write_char(char::from(octet))?,
                    _ => write!(f, "\\{octet:03}")?,
                }
            }
        }
        Ok(())
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Name({self})")
    }
}

serialize_as_text!(Name);

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 1035 section 2.3.3: names compare without regard to case; a final dot is the root.
    #[test]
    fn case_and_final_dot_do_not_matter() {
        assert_eq!(Name::parse(b"Example.COM."), Name::parse(b"example.com"));
        assert_eq!(Name::parse(b"."), Ok(Name::ROOT));
        assert_eq!(Name::parse(b""), Ok(Name::ROOT));
    }

    /// RFC 1035 section 2.3.4: labels of 63 octets, names of 255 on the wire.
    #[test]
    fn limits_hold_exactly() {
        let label = [b'a'; 63];
        assert!(Name::parse(&label).is_ok());
        assert_eq!(Name::parse(&[b'a'; 64]), Err(NameError::LabelTooLong { offset: 0 }));
        let longest = [&label[..], &label, &label, &[b'b'; 61]].join(&b'.');
        assert_eq!(longest.len(), 253);
        assert_eq!(Name::parse(&longest).unwrap().to_string().len(), 253);
        let longer = [&label[..], &label, &label, &[b'b'; 62]].join(&b'.');
        assert_eq!(Name::parse(&longer), Err(NameError::TooLong));
        assert_eq!(Name::parse(b"a..b"), Err(NameError::EmptyLabel { offset: 2 }));
        assert_eq!(Name::parse(b".a"), Err(NameError::EmptyLabel { offset: 0 }));
    }

    #[test]
    fn labels_hold_any_octet() {
        let name = Name::from_labels([&b"a.b c\\"[..], b"\x00\xff%/:"]).unwrap();
        assert_eq!(name.to_string(), "a\\.b\\032c\\\\.\\000\\255%/:");
        assert_eq!(name.labels().collect::<Vec<_>>(), [&b"a.b c\\"[..], b"\x00\xff%/:"]);
    }

    #[test]
    fn labels_are_taken_out_of_the_middle() {
        let without = |start, count| {
            let mut name = Name::parse(b"_dmarc.mail.example.com").unwrap();
            name.remove_labels(start, count);
            name.to_string()
        };
        assert_eq!(without(1, 1), "_dmarc.example.com");
        assert_eq!(without(0, 2), "example.com");
        assert_eq!(without(1, 9), "_dmarc");
        assert_eq!(without(9, 1), "_dmarc.mail.example.com");
        assert_eq!(without(0, 9), ".");
    }

    #[test]
    fn parent_walks_to_the_root() {
        let name = Name::parse(b"a.b.c").unwrap();
        let walk: Vec<_> = std::iter::successors(Some(name), Name::parent).collect();
        assert_eq!(walk.len(), 4);
        assert!(walk[3].is_root());
    }

    proptest::proptest! {
        /// Read at once or label by label, a text gives the same name or the same fault.
        #[test]
        fn a_text_is_its_labels(text in "[a-zA-Z.]{1,300}|([a-z]{1,70}\\.){0,5}[A-Z]{1,70}") {
            let dotted = text.strip_suffix('.').unwrap_or(&text);
            proptest::prop_assume!(!dotted.is_empty());
            let found = Name::parse(text.as_bytes());
            proptest::prop_assert_eq!(found, Name::from_labels(dotted.split('.')));
        }
    }
}
