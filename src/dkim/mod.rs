//! DKIM: signatures of domains over messages, [RFC 6376](https://www.rfc-editor.org/rfc/rfc6376),
//! with [RFC 8301](https://www.rfc-editor.org/rfc/rfc8301),
//! [RFC 8463](https://www.rfc-editor.org/rfc/rfc8463) and
//! [RFC 8616](https://www.rfc-editor.org/rfc/rfc8616).
//!
//! [`verify()`] takes a whole message in memory. [`Verifier`] takes it as it arrives: the header
//! first, then the body in chunks, while the keys are being fetched. Both give one [`Verdict`] for
//! each DKIM-Signature field, in the order of the header; none is ever left out.
//!
//! [`Signer`] signs with one [`SigningKey`] or several, a message in memory or one that arrives.

pub(crate) mod body_hash;
pub(crate) mod covered;
mod identity;
mod key;
pub(crate) mod keys;
mod options;
pub(crate) mod prepared;
pub(crate) mod public_key;
mod select;
pub(crate) mod sign;
pub(crate) mod signature;
pub(crate) mod signature_error;
mod signing_error;
mod signing_key;
mod trace;
mod verdict;
pub(crate) mod verify;
pub(crate) mod write;

pub use body_hash::BodyHashes;
pub use identity::Identity;
pub use key::{KeyRecord, KeyRecordError, KeyType};
pub use keys::{ForeignKeys, Keys};
pub use options::{Limits, Options};
pub use prepared::SigningRequest;
pub use public_key::KeyError;
pub use sign::{Expiration, FieldsToSign, PreparedSigning, Signer, Signing, SigningOptions};
pub use signature::{Algorithm, Signature};
pub use signature_error::SignatureError;
pub use signing_error::SigningError;
pub use signing_key::{KeyMismatch, PrivateKeyPem, SigningKey};
pub use trace::Event;
pub use verdict::{Cause, DkimResult, FieldNames, Verdict};
pub use verify::{Verifier, verify};
pub use write::TagLayout;

pub use crate::crypto::{KeyEncodingError, SigningKeyError};
