//! What a verifier accepts, and how much work it does.

/// What a verifier accepts and how much work it does.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Options {
    /// Bounds on what input may cost.
    pub limits: Limits,
    /// Whether a signature may pass whose l= leaves a part of the body unsigned. Off by default: such a
    /// signature is [`DkimResult::Policy`](super::DkimResult::Policy), since anybody may have appended to
    /// the message ([RFC 6376 section 8.2](https://www.rfc-editor.org/rfc/rfc6376#section-8.2)).
    pub accept_unsigned_body: bool,
    /// Seconds by which clocks may differ before t= counts as future and x= as past; 300 by default.
    pub clock_skew: u64,
    /// Whether verdicts record each check; off by default.
    pub trace: bool,
}

/// Bounds on what a message or a key record may cost.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// Signatures that are evaluated, from the top of the header; 10 by default. The rest are
    /// [`DkimResult::Policy`](super::DkimResult::Policy). A field that is no signature at all costs nothing
    /// and does not count.
    pub signatures: usize,
    /// Octets of the header block; 1 MiB by default. In a longer one no signature is evaluated.
    pub header_octets: usize,
    /// Fields of the header; 25 000 by default. In a longer one no signature is evaluated.
    pub header_fields: usize,
    /// Octets of a key record; 8192 by default.
    pub key_record_octets: usize,
    /// Smallest RSA key; 1024 bits by default, and never less ([RFC 8301 section 3.2](https://www.rfc-editor.org/rfc/rfc8301#section-3.2)).
    pub minimum_rsa_bits: u32,
    /// Largest RSA key; 4096 bits by default, and never more than 8192.
    pub maximum_rsa_bits: u32,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            limits: Limits::default(),
            accept_unsigned_body: false,
            clock_skew: 300,
            trace: false,
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            signatures: 10,
            header_octets: 1 << 20,
            header_fields: 25_000,
            key_record_octets: 8192,
            minimum_rsa_bits: 1024,
            maximum_rsa_bits: 4096,
        }
    }
}
