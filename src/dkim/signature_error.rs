//! What can be wrong with a DKIM-Signature field.

use crate::domain::{Domain, DomainError};
use crate::tag_list::TagListError;
use crate::time::UnixTime;

/// Why a DKIM-Signature field is no signature that can be verified.
///
/// Offsets count from the first octet behind the colon of the field.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SignatureError {
    /// a= names no algorithm of RFC 6376 or RFC 8463.
    #[error(
        "a={found} at offset {offset} is an unknown algorithm, expected rsa-sha256 or ed25519-sha256"
    )]
    Algorithm {
        /// The value as found.
        found: String,
        /// Where it stands.
        offset: usize,
    },
    /// b= or bh= is not base64.
    #[error("found no base64 in {tag}= at offset {offset}")]
    Base64 {
        /// The tag, `b` or `bh`.
        tag: &'static str,
        /// Where it ceases to be base64.
        offset: usize,
    },
    /// bh= is no SHA-256 hash.
    #[error("bh= at offset {offset} is {found} octets long, expected 32")]
    BodyHashLength {
        /// Octets after decoding.
        found: usize,
        /// Where the value stands.
        offset: usize,
    },
    /// c= names an unknown canonicalization.
    #[error(
        "c={found} at offset {offset} is an unknown canonicalization, expected simple or relaxed"
    )]
    Canonicalization {
        /// The value as found.
        found: String,
        /// Where it stands.
        offset: usize,
    },
    /// d= or s= is not a domain name, or d= is a single label.
    #[error("{tag}= at offset {offset} is not a domain name: {error}")]
    Domain {
        /// The tag, `d` or `s`.
        tag: &'static str,
        /// Where the value stands.
        offset: usize,
        /// What is wrong with it.
        error: DomainError,
    },
    /// A tag stands twice, which voids the list (RFC 6376 section 3.2).
    #[error("tag {name}= stands a second time at offset {offset}")]
    DuplicateTag {
        /// The tag's name.
        name: String,
        /// Where the second one begins.
        offset: usize,
    },
    /// x= is not after t= (RFC 6376 section 3.5).
    #[error("x={expiration} at offset {offset} is not after t={timestamp}")]
    ExpiresBeforeSigned {
        /// t=.
        timestamp: UnixTime,
        /// x=.
        expiration: UnixTime,
        /// Where x= stands.
        offset: usize,
    },
    /// h= holds something that is not the name of a header field.
    #[error("found {found:?} in h= at offset {offset}, expected the name of a header field")]
    FieldName {
        /// The element as found.
        found: String,
        /// Where the list stands.
        offset: usize,
    },
    /// h= does not name the From field (RFC 6376 section 5.4).
    #[error("h= at offset {offset} does not name From")]
    FromNotSigned {
        /// Where the list stands.
        offset: usize,
    },
    /// i= is not an identity.
    #[error("i= at offset {offset} is not [local-part]@domain in quoted-printable")]
    Identity {
        /// Where the value stands.
        offset: usize,
    },
    /// The domain of i= is neither d= nor below it (RFC 6376 section 3.5).
    #[error("i= at offset {offset} names {identity}, which is neither {domain} nor below it")]
    IdentityDomain {
        /// The domain of i=.
        identity: Domain,
        /// d=.
        domain: Domain,
        /// Where i= stands.
        offset: usize,
    },
    /// A required tag is missing.
    #[error("the required tag {tag}= is missing")]
    MissingTag {
        /// The tag's name.
        tag: &'static str,
    },
    /// l=, t= or x= is not an unsigned decimal number.
    #[error("{tag}={found} at offset {offset} is not a decimal number")]
    Number {
        /// The tag, `l`, `t` or `x`.
        tag: &'static str,
        /// The value as found.
        found: String,
        /// Where it stands.
        offset: usize,
    },
    /// q= names no query method that is known.
    #[error("q={found} at offset {offset} holds no known query method, expected dns/txt")]
    QueryMethod {
        /// The value as found.
        found: String,
        /// Where it stands.
        offset: usize,
    },
    /// a=rsa-sha1, which must not be used any more (RFC 8301 section 3.1).
    #[error("a=rsa-sha1 at offset {offset} must not be used to verify")]
    RsaSha1 {
        /// Where the value stands.
        offset: usize,
    },
    /// a=, c= or q= does not follow the grammar of RFC 6376 section 3.5.
    #[error("{tag}={found} at offset {offset} does not follow the grammar of the tag")]
    Syntax {
        /// The tag, `a`, `c` or `q`.
        tag: &'static str,
        /// The value as found.
        found: String,
        /// Where it stands.
        offset: usize,
    },
    /// Not a tag list.
    #[error(transparent)]
    TagList(#[from] TagListError),
    /// v= is not 1.
    #[error("v={found} at offset {offset} is not a known version, expected 1")]
    Version {
        /// The value as found.
        found: String,
        /// Where it stands.
        offset: usize,
    },
}
