//! What in a policy record does not count.

use crate::tag_list::{self, Tag, TagListError};

/// Something in a record that does not count, or not as its author may think.
///
/// Offsets count from the first octet of the record.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RecordProblem {
    /// A tag stands a second time; the first counts.
    #[error("tag {name}= stands a second time at offset {offset}")]
    DuplicateTag {
        /// The tag's name.
        name: String,
        /// Where the second one begins.
        offset: usize,
    },
    /// There is no p=.
    #[error("there is no p=")]
    NoPolicy,
    /// A tag of [RFC 7489](https://www.rfc-editor.org/rfc/rfc7489#section-6.3) that means nothing any more.
    #[error("tag {name}= at offset {offset} was retired by RFC 9989")]
    RetiredTag {
        /// The tag's name: pct, rf or ri.
        name: String,
        /// Where it begins.
        offset: usize,
    },
    /// A part that is no tag and is ignored.
    #[error(transparent)]
    TagList(#[from] TagListError),
    /// A tag that nobody knows.
    #[error("tag {name}= at offset {offset} is unknown")]
    UnknownTag {
        /// The tag's name.
        name: String,
        /// Where it begins.
        offset: usize,
    },
    /// Something in rua= or ruf= that is no URI for reports and is ignored.
    #[error(
        "found {found:?} in {name}= at offset {offset}, expected URIs such as mailto:user@example.com"
    )]
    Uri {
        /// The tag's name.
        name: &'static str,
        /// What is no URI.
        found: String,
        /// Where the value of the tag begins.
        offset: usize,
    },
    /// A value that is none of those the tag may have.
    #[error("found {name}={found} at offset {offset}, expected {expected}")]
    Value {
        /// The tag's name.
        name: &'static str,
        /// The value as found.
        found: String,
        /// Where the value begins.
        offset: usize,
        /// What would be right.
        expected: &'static str,
    },
}

/// Collects problems if anybody wants to know.
pub(super) struct Problems(pub(super) Option<Vec<RecordProblem>>);

impl Problems {
    pub(super) fn note(&mut self, problem: impl FnOnce() -> RecordProblem) {
        if let Some(problems) = &mut self.0 {
            problems.push(problem());
        }
    }

    /// A value that was read, or its default.
    pub(super) fn value<T>(
        &mut self,
        read: Option<T>,
        default: T,
        (found, offset): (&[u8], usize),
        (name, expected): (&'static str, &'static str),
    ) -> T {
        read.unwrap_or_else(|| {
            self.note(|| {
                let found = tag_list::quote(found);
                RecordProblem::Value { name, found, offset, expected }
            });
            default
        })
    }
}

/// Why a tag means nothing.
pub(super) fn useless(tag: &Tag<'_>) -> RecordProblem {
    let (name, offset) = (tag_list::quote(tag.name), tag.name_offset);
    match tag.name {
        b"pct" | b"rf" | b"ri" => RecordProblem::RetiredTag { name, offset },
        _ => RecordProblem::UnknownTag { name, offset },
    }
}
