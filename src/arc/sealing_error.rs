//! Why a message is not sealed.

use super::set::MAXIMUM_INSTANCE;
use crate::dkim::SigningError;

/// Why a message is not sealed, or a [`Sealer`](super::Sealer) not made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SealingError {
    /// The newest seal says that the chain was broken: nothing is left to say of it
    /// ([RFC 8617 section 5.1](https://www.rfc-editor.org/rfc/rfc8617#section-5.1) step 2).
    #[error("the seal of set {instance} says already that the chain was broken (cv=fail)")]
    AlreadyFailed {
        /// The newest instance.
        instance: u8,
    },
    /// A field that message signatures must not cover is among the fields to sign
    /// ([RFC 8617 section 4.1.2](https://www.rfc-editor.org/rfc/rfc8617#section-4.1.2)).
    #[error("found {name} among the fields to sign, which a message signature must not cover")]
    FieldToSign {
        /// The name of the field.
        name: &'static str,
    },
    /// The chain is broken, and no ARC field says which instance it belongs to.
    #[error("the chain is broken, and no field says which instance would be next")]
    NoInstance,
    /// The verdict is about another chain than the one in the message as it leaves.
    #[error(
        "the verdict is about a chain of {verified} sets, and the message has {found} or another"
    )]
    OtherChain {
        /// The highest instance that the verdict is about.
        verified: u8,
        /// The highest instance in the message.
        found: u8,
    },
    /// The message must not be signed, or could not be.
    #[error(transparent)]
    Signing(#[from] SigningError),
    /// There is room for no further set.
    #[error("the message has {MAXIMUM_INSTANCE} sets, and there may be no more")]
    TooManySets,
}
