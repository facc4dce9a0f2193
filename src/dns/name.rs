//! Domain names as the DNS carries them: labels of any octets.

use crate::serialize::serialize_as_text;
use std::fmt::{self, Write as _};
use std::hash::{Hash, Hasher};

/// Octets of a name on the wire, the root label included (RFC 1035 section 2.3.4).
const MAXIMUM_WIRE_OCTETS: usize = 255;
const MAXIMUM_LABEL_OCTETS: usize = 63;

/// Octets of a name on the wire that need no allocation: all of most names.
const MAXIMUM_INLINE_OCTETS: usize = 62;

/// A fully qualified name of the DNS, in lower case.
///
/// Labels hold any octet: what an SPF macro builds reaches the DNS exactly. At most 255 octets on
/// the wire ([RFC 1035 section 2.3.4](https://www.rfc-editor.org/rfc/rfc1035#section-2.3.4)), which is
/// 253 in dotted form; labels of 1 to 63 octets. A name of up to 61 octets in dotted form costs no
/// allocation.
///
/// ```
/// use bonafide::dns::Name;
///
/// let name = Name::parse(b"Selector._domainkey.example.com.")?;
/// assert_eq!(name.to_string(), "selector._domainkey.example.com");
/// assert_eq!(name, Name::from_labels([&b"selector"[..], b"_domainkey", b"example", b"com"])?);
/// # Ok::<(), bonafide::dns::NameError>(())
/// ```
#[derive(Clone)]
pub struct Name(Wire);

/// Labels, each behind its length octet, without the root label.
#[derive(Clone)]
enum Wire {
    Inline { length: u8, octets: [u8; MAXIMUM_INLINE_OCTETS] },
    Boxed(Box<[u8]>),
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
    pub const ROOT: Self = Self(Wire::Inline { length: 0, octets: [0; MAXIMUM_INLINE_OCTETS] });

    /// Reads a name in dotted form; a dot at the end is allowed, escapes are not known.
    ///
    /// # Errors
    ///
    /// For an empty or over-long label and for an over-long name, with the offset.
    pub fn parse(dotted: &[u8]) -> Result<Self, NameError> {
        if dotted.is_empty() || dotted == b"." {
            return Ok(Self::ROOT);
        }
        let mut builder = Builder::new();
        builder.push_dotted(dotted.strip_suffix(b".").unwrap_or(dotted))?;
        Ok(builder.finish())
    }

    /// The name of several texts in dotted form, from left to right.
    pub(crate) fn from_dotted<const COUNT: usize>(texts: [&str; COUNT]) -> Result<Self, NameError> {
        let mut builder = Builder::new();
        texts.into_iter().try_for_each(|text| builder.push_dotted(text.as_bytes()))?;
        Ok(builder.finish())
    }

    /// Builds a name of labels, which may hold any octet, dots too.
    ///
    /// # Errors
    ///
    /// As [`Name::parse`]; offsets count a dot between labels.
    pub fn from_labels<L: AsRef<[u8]>>(
        labels: impl IntoIterator<Item = L>,
    ) -> Result<Self, NameError> {
        let mut builder = Builder::new();
        labels.into_iter().try_for_each(|label| builder.push(label.as_ref()))?;
        Ok(builder.finish())
    }

    /// Labels that are part of a name.
    fn of_wire(labels: &[u8]) -> Self {
        let mut octets = [0; MAXIMUM_INLINE_OCTETS];
        let wire = match (octets.get_mut(..labels.len()), u8::try_from(labels.len())) {
            (Some(inline), Ok(length)) => {
                inline.copy_from_slice(labels);
                Wire::Inline { length, octets }
            }
            _ => Wire::Boxed(labels.into()),
        };
        Self(wire)
    }

    /// The name followed by another: `_dmarc` and `example.com` give `_dmarc.example.com`.
    ///
    /// # Errors
    ///
    /// [`NameError::TooLong`] when both together are over 253 octets.
    pub fn join(&self, suffix: &Self) -> Result<Self, NameError> {
        let mut builder = Builder::new();
        builder.push_wire(self.wire())?;
        builder.push_wire(suffix.wire())?;
        Ok(builder.finish())
    }

    /// Whether this is the root.
    pub fn is_root(&self) -> bool {
        self.wire().is_empty()
    }

    /// The labels from left to right, in lower case.
    pub fn labels(&self) -> impl Iterator<Item = &[u8]> + Clone {
        let mut rest = self.wire();
        std::iter::from_fn(move || {
            let (label, tail) = split_label(rest)?;
            rest = tail;
            Some(label)
        })
    }

    /// The name without its leftmost label; `None` for the root.
    pub fn parent(&self) -> Option<Self> {
        let (_, above) = split_label(self.wire())?;
        Some(Self::of_wire(above))
    }

    /// Takes out so many labels behind the first, or all that there are.
    pub(crate) fn remove_labels_behind_first(&mut self, count: usize) {
        let wire = self.wire();
        let behind = split_label(wire).map_or(wire, |(_, behind)| behind);
        let mut above = behind;
        for _ in 0..count {
            above = split_label(above).map_or(above, |(_, above)| above);
        }
        let first = wire.len().saturating_sub(behind.len());
        let from = wire.len().saturating_sub(above.len());
        match &mut self.0 {
            Wire::Inline { length, octets } => {
                if let Some(used) = octets.get_mut(..usize::from(*length)) {
                    used.copy_within(from.., first);
                    let left = first.saturating_add(used.len().saturating_sub(from));
                    *length = u8::try_from(left).unwrap_or_default();
                }
            }
            Wire::Boxed(octets) => {
                let mut left = std::mem::take(octets).into_vec();
                left.drain(first..from);
                *self = Self::of_wire(&left);
            }
        }
    }

    /// Labels, each behind its length octet, without the root label.
    fn wire(&self) -> &[u8] {
        match &self.0 {
            Wire::Inline { length, octets } => {
                octets.get(..usize::from(*length)).unwrap_or_default()
            }
            Wire::Boxed(octets) => octets,
        }
    }
}

/// The first label, and what stands behind it on the wire.
fn split_label(wire: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, behind) = wire.split_first()?;
    behind.split_at_checked(usize::from(*length))
}

/// A name that is being put together.
struct Builder {
    /// Octets used in `wire`.
    length: u8,
    wire: [u8; MAXIMUM_WIRE_OCTETS],
}

impl Builder {
    fn new() -> Self {
        Self { length: 0, wire: [0; MAXIMUM_WIRE_OCTETS] }
    }

    fn finish(&self) -> Name {
        match self.wire.first_chunk() {
            Some(octets) if usize::from(self.length) <= MAXIMUM_INLINE_OCTETS => {
                Name(Wire::Inline { length: self.length, octets: *octets })
            }
            _ => Name::of_wire(self.wire.get(..usize::from(self.length)).unwrap_or_default()),
        }
    }

    /// Appends the labels of a text in dotted form.
    fn push_dotted(&mut self, dotted: &[u8]) -> Result<(), NameError> {
        if self.copy_dotted(dotted).is_some() {
            return Ok(());
        }
        // Label by label, to see which is at fault.
        dotted.split(|octet| *octet == b'.').try_for_each(|label| self.push(label))
    }

    /// As [`Builder::push_dotted`], all at once; `None`, and the name is the same, if there is a fault.
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

    /// Appends labels that are part of a name.
    fn push_wire(&mut self, labels: &[u8]) -> Result<(), NameError> {
        let start = usize::from(self.length);
        let end = start.saturating_add(labels.len());
        // The last octet stays free for the root label.
        let room = self.wire.get_mut(..MAXIMUM_WIRE_OCTETS.saturating_sub(1));
        let copy = room.and_then(|room| room.get_mut(start..end)).ok_or(NameError::TooLong)?;
        copy.copy_from_slice(labels);
        self.length = u8::try_from(end).map_err(|_| NameError::TooLong)?;
        Ok(())
    }
}

impl PartialEq for Name {
    fn eq(&self, other: &Self) -> bool {
        self.wire() == other.wire()
    }
}

impl Eq for Name {}

impl Hash for Name {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.wire().hash(state);
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
        self.wire().cmp(other.wire())
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
    fn parent_walks_to_the_root() {
        let name = Name::parse(b"a.b.c").unwrap();
        let walk: Vec<_> = std::iter::successors(Some(name), Name::parent).collect();
        assert_eq!(walk.len(), 4);
        assert!(walk[3].is_root());
    }

    proptest::proptest! {
        /// Short names and long ones are kept in different places, and none shows it.
        #[test]
        fn labels_are_taken_out_of_the_middle(
            labels in proptest::collection::vec("[a-z]{1,40}", 0..6),
            count in 0_usize..7,
        ) {
            let mut name = Name::from_labels(&labels).unwrap();
            name.remove_labels_behind_first(count);
            let left = labels.iter().take(1).chain(labels.iter().skip(1).skip(count));
            proptest::prop_assert_eq!(name, Name::from_labels(left).unwrap());
        }

        #[test]
        fn parents_and_joins_are_names(
            above in proptest::collection::vec("[a-z]{1,40}", 0..3),
            below in proptest::collection::vec("[A-Z]{1,40}", 1..3),
        ) {
            let all = Name::from_labels(below.iter().chain(&above)).unwrap();
            let [below, above] = [&below, &above].map(|labels| Name::from_labels(labels).unwrap());
            proptest::prop_assert_eq!(below.join(&above), Ok(all.clone()));
            let parent = Name::from_labels(all.labels().skip(1)).unwrap();
            proptest::prop_assert_eq!(all.parent(), Some(parent));
        }

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
