//! Why a message is not signed.

use super::signature::Algorithm;
use crate::domain::{Domain, Selector};
use crate::message::MAXIMUM_LINE_OCTETS;
use crate::time::UnixTime;

/// Why a message is not signed, or a [`Signer`](super::Signer) not made.
///
/// Offsets count from the first octet of the message's header. Where the signer got the header and
/// the body apart, the body follows the header with its empty line.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SigningError {
    /// CR without LF: what relays make of it is not foreseeable (RFC 6376 section 5.3).
    #[error("found a CR without LF at offset {offset}")]
    BareCr {
        /// Where the first one stands.
        offset: u64,
    },
    /// LF without CR.
    #[error("found an LF without CR at offset {offset}")]
    BareLf {
        /// Where the first one stands.
        offset: u64,
    },
    /// An octet over 127, where [`SigningOptions::eight_bit`](super::SigningOptions::eight_bit) is off.
    #[error("found an octet over 127 at offset {offset}, expected a message in ASCII")]
    EightBit {
        /// Where the first one stands.
        offset: u64,
    },
    /// x= would not be later than t=.
    #[error("the signature would expire at x={expiration}, and it is {timestamp}")]
    Expired {
        /// t=.
        timestamp: UnixTime,
        /// x=.
        expiration: UnixTime,
    },
    /// A name in the list of fields to sign is none that h= could hold.
    #[error("found {found:?} among the fields to sign, expected the name of a header field")]
    FieldName {
        /// The name.
        found: String,
    },
    /// From is not among the fields to sign (RFC 6376 section 5.4).
    #[error("From is not among the fields to sign")]
    FromNotSigned,
    /// i= is not d= or below it.
    #[error("the identity's domain {identity} is not {domain} or below it")]
    IdentityDomain {
        /// The domain of i=.
        identity: Domain,
        /// d=.
        domain: Domain,
    },
    /// The key is elsewhere, and nobody was there to ask for a signature.
    #[error("the key of selector {selector} is elsewhere, and no signature came from there")]
    KeyElsewhere {
        /// s=.
        selector: Selector,
    },
    /// The header begins with white space: it would continue the field that is put in front.
    #[error("found white space at the beginning of the header, expected the name of a field")]
    LeadingWhiteSpace,
    /// A line over 998 octets, where [`SigningOptions::long_lines`](super::SigningOptions::long_lines) is off.
    #[error("found a line of over {MAXIMUM_LINE_OCTETS} octets at offset {offset}")]
    LongLine {
        /// Where the first one begins.
        offset: u64,
    },
    /// No From field: who would be vouched for? (RFC 5322 section 3.6)
    #[error("the message has no From field")]
    NoFrom,
    /// No key was given to sign with.
    #[error("no key to sign with")]
    NoKey,
    /// NUL.
    #[error("found NUL at offset {offset}")]
    Nul {
        /// Where the first one stands.
        offset: u64,
    },
    /// Two keys of one selector: a selector names one key (RFC 8463 section 6).
    #[error("the selector {selector} stands for two keys")]
    SameSelector {
        /// s=.
        selector: Selector,
    },
    /// More than one From field (RFC 5322 section 3.6).
    #[error("found a second From field at offset {offset}")]
    SeveralFrom {
        /// Where it begins.
        offset: u64,
    },
    /// The key is smaller than [`SigningOptions::minimum_rsa_bits`](super::SigningOptions::minimum_rsa_bits).
    #[error("the RSA key of selector {selector} has {bits} bits, expected at least {minimum}")]
    ShortKey {
        /// s=.
        selector: Selector,
        /// The size of the key.
        bits: u32,
        /// The limit.
        minimum: u32,
    },
    /// The computation failed, or what came from elsewhere is not the signature that was asked for.
    #[error("no valid {algorithm} signature came of the key of selector {selector}")]
    Signature {
        /// s=.
        selector: Selector,
        /// a=.
        algorithm: Algorithm,
    },
}
