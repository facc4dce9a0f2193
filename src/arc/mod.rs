//! ARC: what those who handled a message before found of it, in sealed sets,
//! [RFC 8617](https://www.rfc-editor.org/rfc/rfc8617).
//!
//! The standard is on its way to Historic, and large receivers still write and read it. A chain that passes
//! says who vouches for what, and nothing by itself: anybody may seal anything. Only what a sealer says whom
//! one trusts may count ([RFC 8617 section 7.2](https://www.rfc-editor.org/rfc/rfc8617#section-7.2)).
//!
//! [`verify()`] takes a whole message in memory. [`Verifier`] takes it as it arrives, beside a
//! [`dkim::Verifier`](crate::dkim::Verifier) that hashes the body for both if wanted.
//!
//! [`Sealer`] adds a set to a message that leaves, in memory or as it is sent.

mod payload;
mod seal;
mod sealing_error;
mod set;
mod verdict;
mod verify;

pub use payload::AuthresPayload;
pub use seal::{PreparedSealing, Sealer, Sealing, SealingOptions};
pub use sealing_error::SealingError;
pub use set::MAXIMUM_INSTANCE;
pub use set::{
    ArcField, ChainValidation, InstanceError, Seal, SealError, Set, Sets, StructureError,
};
pub use verdict::{ArcResult, Cause, Event, Verdict};
pub use verify::{Options, Verifier, verify};
