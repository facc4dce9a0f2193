//! Why a text is no SPF record.

use super::macros::MacroErrorKind;

/// Why a text is no SPF record: the term, where it goes wrong, and what was expected there.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{kind} in {term:?} at offset {offset}")]
#[non_exhaustive]
pub struct RecordError {
    /// The term, or as much of it as tells which it is.
    pub term: String,
    /// Where it goes wrong, from the first octet of the record.
    pub offset: usize,
    /// What is wrong.
    pub kind: RecordErrorKind,
}

/// What is wrong with a term of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RecordErrorKind {
    /// The mechanism takes no such argument.
    #[error("expected nothing behind the mechanism")]
    Argument,
    /// A macro string or a domain spec is malformed.
    #[error(transparent)]
    Macro(#[from] MacroErrorKind),
    /// The name is no mechanism, and no equals sign makes it a modifier.
    #[error("expected all, include, a, mx, ptr, ip4, ip6 or exists, or a modifier with '='")]
    Mechanism,
    /// The mechanism needs an argument.
    #[error("expected ':' and an argument behind the mechanism")]
    MissingArgument,
    /// The name of a modifier does not begin with a letter.
    #[error("expected a letter at the beginning of a modifier's name")]
    ModifierName,
    /// A network or a prefix length is malformed.
    #[error("expected {expected}")]
    Network {
        /// What should stand there.
        expected: &'static str,
    },
    /// A modifier that may stand once stands again
    /// ([RFC 7208 section 6](https://www.rfc-editor.org/rfc/rfc7208#section-6)).
    #[error("expected each of redirect= and exp= only once")]
    SecondModifier,
    /// The text does not begin with the version.
    #[error("expected \"v=spf1\" and then a space or the end")]
    Version,
}
