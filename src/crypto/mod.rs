//! Hashes, signatures and keys behind one facade.
//!
//! RSA and SHA-256 come from the preferred one of the backends that are compiled in: aws-lc-rs,
//! else ring, else RustCrypto. Ed25519 always comes from ed25519-dalek. Whatever is decided here
//! (encodings, sizes, exponents, lengths, ranges) is decided before a backend sees the input, so
//! that every build gives the same verdict.

mod der;
mod private_key;
#[cfg(any(feature = "aws-lc-rs", feature = "ring"))]
mod ring_api;
#[cfg(feature = "rust-crypto")]
#[cfg_attr(
    any(feature = "aws-lc-rs", feature = "ring"),
    allow(dead_code, reason = "where it is not preferred, only the tests use it")
)]
mod rust_crypto;
#[cfg(test)]
mod tests;

use std::fmt;

#[cfg(feature = "aws-lc-rs")]
use ring_api::aws_lc_rs as preferred;
#[cfg(all(feature = "ring", not(feature = "aws-lc-rs")))]
use ring_api::ring as preferred;
#[cfg(not(any(feature = "aws-lc-rs", feature = "ring")))]
use rust_crypto as preferred;

pub use der::KeyEncodingError;
pub(crate) use der::{RsaLimits, RsaPublicKey};
pub use private_key::SigningKeyError;
pub(crate) use private_key::{
    Ed25519PrivateKey, PrivateKey, RsaPrivateKey, decode_pem, encode_ed25519,
};

/// SHA-256 of octets that arrive in pieces.
#[derive(Clone)]
pub(crate) struct Sha256(preferred::Sha256);

impl Sha256 {
    pub(crate) fn new() -> Self {
        Self(preferred::Sha256::new())
    }

    pub(crate) fn update(&mut self, data: &[u8]) {
        self.0.update(data);
    }

    pub(crate) fn finish(self) -> [u8; 32] {
        self.0.finish()
    }
}

impl fmt::Debug for Sha256 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sha256").finish_non_exhaustive()
    }
}

/// SHA-256 of octets that are all at hand.
pub(crate) fn sha256(data: &[u8]) -> [u8; 32] {
    preferred::sha256(data)
}

/// Whether `signature` over `message` verifies under the modulus and exponent, in that order.
type VerifyRsaSha256 = fn(&[u8], &[u8], &[u8], &[u8]) -> bool;

impl RsaPublicKey<'_> {
    /// RSASSA-PKCS1-v1_5 with SHA-256, RFC 8017 section 8.2.2: whether `signature` is this key's
    /// over `message`.
    pub(crate) fn verify_sha256(&self, message: &[u8], signature: &[u8]) -> bool {
        self.verify_by(preferred::verify_rsa_sha256, message, signature)
    }

    fn verify_by(&self, verify: VerifyRsaSha256, message: &[u8], signature: &[u8]) -> bool {
        // RFC 8017 section 8.2.2 step 1: as long as the modulus, neither padded nor stripped.
        signature.len() == self.modulus().len()
            // RFC 8017 section 5.2.2 step 1: s + n is another name of s and is refused. Octet
            // strings of one length compare as the numbers they represent.
            && signature < self.modulus()
            && verify(self.modulus(), self.exponent(), message, signature)
    }
}

/// An RSA private key in the first backend that signs with keys of its size.
pub(crate) enum RsaSigner {
    Preferred(Box<preferred::RsaSigner>),
    #[cfg(all(feature = "rust-crypto", any(feature = "aws-lc-rs", feature = "ring")))]
    RustCrypto(Box<rust_crypto::RsaSigner>),
}

impl RsaSigner {
    /// # Errors
    ///
    /// When no backend takes the size, or the numbers do not belong together.
    pub(crate) fn new(key: &RsaPrivateKey<'_>) -> Result<Self, SigningKeyError> {
        let bits = key.public.bits();
        let signer = if preferred::SIGNING_BITS.contains(&bits) {
            preferred::RsaSigner::new(key).map(Box::new).map(Self::Preferred)
        } else {
            Self::fallback(key)?
        };
        let signer = signer.ok_or(SigningKeyError::Mismatch)?;
        // Backends differ in what they check; a signature that verifies shows it all.
        let probe = b"bonafide";
        let signature = signer.sign_sha256(probe).unwrap_or_default();
        if key.public.verify_sha256(probe, &signature) {
            Ok(signer)
        } else {
            Err(SigningKeyError::Mismatch)
        }
    }

    #[cfg(all(feature = "rust-crypto", any(feature = "aws-lc-rs", feature = "ring")))]
    fn fallback(key: &RsaPrivateKey<'_>) -> Result<Option<Self>, SigningKeyError> {
        if !rust_crypto::SIGNING_BITS.contains(&key.public.bits()) {
            return Err(unsupported(key.public.bits(), &rust_crypto::SIGNING_BITS));
        }
        Ok(rust_crypto::RsaSigner::new(key).map(Box::new).map(Self::RustCrypto))
    }

    #[cfg(not(all(feature = "rust-crypto", any(feature = "aws-lc-rs", feature = "ring"))))]
    fn fallback(key: &RsaPrivateKey<'_>) -> Result<Option<Self>, SigningKeyError> {
        Err(unsupported(key.public.bits(), &preferred::SIGNING_BITS))
    }

    /// RSASSA-PKCS1-v1_5 with SHA-256, RFC 8017 section 8.2.1; `None` if the computation failed.
    pub(crate) fn sign_sha256(&self, message: &[u8]) -> Option<Vec<u8>> {
        match self {
            Self::Preferred(key) => key.sign_sha256(message),
            #[cfg(all(feature = "rust-crypto", any(feature = "aws-lc-rs", feature = "ring")))]
            Self::RustCrypto(key) => key.sign_sha256(message),
        }
    }
}

/// Makes an RSA key and writes it as a PEM block of PKCS#8.
#[cfg(feature = "rust-crypto")]
pub(crate) fn generate_rsa(
    bits: u32,
    random: &mut dyn FnMut(&mut [u8]),
) -> Result<zeroize::Zeroizing<String>, SigningKeyError> {
    let sizes = &rust_crypto::SIGNING_BITS;
    let key = sizes.contains(&bits).then(|| rust_crypto::generate_rsa(bits, random)).flatten();
    key.ok_or_else(|| unsupported(bits, sizes))
}

fn unsupported(bits: u32, signs: &std::ops::RangeInclusive<u32>) -> SigningKeyError {
    SigningKeyError::Unsupported { bits, minimum: *signs.start(), maximum: *signs.end() }
}

/// An Ed25519 public key: canonical, on the curve and not of small order.
pub(crate) struct Ed25519PublicKey(ed25519_dalek::VerifyingKey);

impl Ed25519PublicKey {
    /// Reads the 32 octets of RFC 8032 section 5.1.2, which RFC 8463 section 4.2 publishes bare.
    ///
    /// # Errors
    ///
    /// An `Ed25519…` variant of [`KeyEncodingError`].
    pub(crate) fn from_bytes(key: &[u8]) -> Result<Self, KeyEncodingError> {
        let octets: &[u8; 32] =
            key.try_into().map_err(|_| KeyEncodingError::Ed25519Length { found: key.len() })?;
        if !is_canonical(octets) {
            return Err(KeyEncodingError::Ed25519NonCanonical);
        }
        let key = ed25519_dalek::VerifyingKey::from_bytes(octets)
            .map_err(|_| KeyEncodingError::Ed25519NotOnCurve)?;
        if key.is_weak() {
            return Err(KeyEncodingError::Ed25519SmallOrder);
        }
        Ok(Self(key))
    }

    /// The 32 octets of RFC 8032 section 5.1.2.
    pub(crate) fn as_bytes(&self) -> &[u8; 32] {
        self.0.as_bytes()
    }

    /// PureEdDSA, RFC 8032 section 5.1.7: whether `signature` is this key's over `message`. In DKIM
    /// the message is the SHA-256 of the header fields (RFC 8463 section 3).
    pub(crate) fn verify(&self, message: &[u8], signature: &[u8]) -> bool {
        ed25519_dalek::Signature::from_slice(signature)
            .is_ok_and(|signature| self.0.verify_strict(message, &signature).is_ok())
    }
}

impl fmt::Debug for Ed25519PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Ed25519PublicKey").field(self.0.as_bytes()).finish()
    }
}

/// Whether the y coordinate is below 2^255 - 19, which RFC 8032 section 5.1.3 step 1 requires and
/// decompression does not ask.
///
/// Step 4 there refuses a sign bit on x = 0 as well; such a point has small order.
fn is_canonical(point: &[u8; 32]) -> bool {
    let [low, middle @ .., high] = point;
    // Little-endian, and the top bit is the sign of x.
    high & 0x7f != 0x7f || middle.iter().any(|octet| *octet != 0xff) || *low < 0xed
}
