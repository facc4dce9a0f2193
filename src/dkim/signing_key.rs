//! Keys that sign, and what is published of them.

use std::fmt;
use std::sync::Arc;

use zeroize::Zeroizing;

use super::key::{KeyRecord, KeyType};
use super::options::Limits;
use super::public_key::{KeyError, PublicKey, check_service, check_use};
use super::signature::Algorithm;
use crate::crypto::{
    self, Ed25519PrivateKey, PrivateKey, RsaSigner, SigningKeyError, decode_pem, encode_ed25519,
};

/// A key that signs: one that is at hand, or the public part of one that is elsewhere.
///
/// Cloning is cheap. No octet of the key shows in `Debug` or in an error. What this crate holds of
/// a key is overwritten when the last clone is dropped, and so is what the backends `aws-lc-rs`
/// and `rust-crypto` hold; `ring` frees its copy of an RSA key as it is.
///
/// ```
/// use bonafide::dkim::{KeyType, SigningKey};
///
/// let key = SigningKey::from_pem(include_bytes!("../../test-vectors/keys/rsa2048.pem"))?;
/// let record = key.record();
/// assert_eq!((record.key_type, key.bits()), (KeyType::Rsa, 2048));
/// assert!(key.check(&record).is_ok());
/// # Ok::<(), bonafide::dkim::SigningKeyError>(())
/// ```
#[derive(Clone)]
pub struct SigningKey(Arc<Inner>);

struct Inner {
    secret: Secret,
    algorithm: Algorithm,
    /// What p= holds.
    public: Vec<u8>,
    bits: u32,
}

enum Secret {
    Ed25519(Box<Ed25519PrivateKey>),
    Elsewhere,
    Rsa(RsaSigner),
}

/// Why a published key record does not go with a [`SigningKey`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyMismatch {
    /// The record is of no use to signatures of mail, whatever its key.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The record holds another key.
    #[error("the record holds another {key_type} key, of {bits} bits")]
    OtherKey {
        /// k= of the record.
        key_type: KeyType,
        /// The size of its key.
        bits: u32,
    },
}

impl SigningKey {
    /// Reads the one private key in a text of PEM blocks: PKCS#8 (`PRIVATE KEY`), which may hold
    /// an RSA or an Ed25519 key, or PKCS#1 (`RSA PRIVATE KEY`).
    ///
    /// Other blocks and the text around them are passed over.
    ///
    /// # Errors
    ///
    /// When there is no such key, or more than one, or it is encrypted, damaged, under 1024 bits,
    /// or of a size that no backend signs with.
    pub fn from_pem(text: &[u8]) -> Result<Self, SigningKeyError> {
        Self::from_der(&decode_pem(text)?)
    }

    /// Reads the DER of PKCS#8 or PKCS#1.
    ///
    /// # Errors
    ///
    /// As [`SigningKey::from_pem`].
    pub fn from_der(der: &[u8]) -> Result<Self, SigningKeyError> {
        match PrivateKey::from_der(der)? {
            PrivateKey::Ed25519 { seed, public } => {
                Ok(Self::ed25519(Ed25519PrivateKey::from_seed(seed, public)?))
            }
            PrivateKey::Rsa(key) => Ok(Self(Arc::new(Inner {
                algorithm: Algorithm::RsaSha256,
                public: key.public().to_spki(),
                bits: key.public().bits(),
                secret: Secret::Rsa(RsaSigner::new(&key)?),
            }))),
        }
    }

    /// The Ed25519 key of a seed: the 32 octets that [RFC 8032 section 5.1.5](https://www.rfc-editor.org/rfc/rfc8032#section-5.1.5)
    /// calls the private key, and that some tools keep in base64.
    ///
    /// # Errors
    ///
    /// When the public key of the seed is one that verifiers refuse; of random seeds, none.
    pub fn from_ed25519_seed(seed: &[u8; 32]) -> Result<Self, SigningKeyError> {
        Ok(Self::ed25519(Ed25519PrivateKey::from_seed(seed, None)?))
    }

    fn ed25519(key: Ed25519PrivateKey) -> Self {
        Self(Arc::new(Inner {
            algorithm: Algorithm::Ed25519Sha256,
            public: key.public().to_vec(),
            bits: 256,
            secret: Secret::Ed25519(Box::new(key)),
        }))
    }

    /// A key that is elsewhere, in an HSM or another process, by the record that publishes it.
    ///
    /// Signing with it takes [`Signing::finish_with`](super::Signing::finish_with) or
    /// [`Signing::prepare`](super::Signing::prepare).
    ///
    /// # Errors
    ///
    /// When the record's key is unfit.
    pub fn elsewhere(record: &KeyRecord<'_>) -> Result<Self, KeyError> {
        let key = PublicKey::read(record, &limits())?;
        Ok(Self(Arc::new(Inner {
            algorithm: key.algorithm(),
            public: key.to_published(),
            bits: key.bits(),
            secret: Secret::Elsewhere,
        })))
    }

    /// The algorithm that the key signs with.
    pub fn algorithm(&self) -> Algorithm {
        self.0.algorithm
    }

    /// The size of the key: the exact length of an RSA modulus; 256 for Ed25519.
    pub fn bits(&self) -> u32 {
        self.0.bits
    }

    /// The record to publish at `<selector>._domainkey.<domain>`; see
    /// [`KeyRecord::zone_line`] for how.
    pub fn record(&self) -> KeyRecord<'static> {
        KeyRecord {
            key_type: self.0.algorithm.key_type(),
            public_key: self.0.public.clone(),
            hashes: None,
            services: None,
            testing: false,
            strict: false,
            notes: None,
        }
    }

    /// Whether a published record goes with this key: what is signed with the key, the record lets
    /// verify.
    ///
    /// # Errors
    ///
    /// With what is in the way.
    pub fn check(&self, record: &KeyRecord<'_>) -> Result<(), KeyMismatch> {
        check_service(record)?;
        check_use(record, self.0.algorithm)?;
        let found = PublicKey::read(record, &limits())?;
        if found.to_published() != self.0.public {
            let (key_type, bits) = (record.key_type, found.bits());
            return Err(KeyMismatch::OtherKey { key_type, bits });
        }
        Ok(())
    }

    /// Signs canonical header fields. `None` when the key is elsewhere, or the computation failed.
    pub(super) fn sign(&self, signed_header: &[u8]) -> Option<Vec<u8>> {
        match &self.0.secret {
            // RFC 8463 section 3: what Ed25519 signs is the SHA-256 hash.
            Secret::Ed25519(key) => Some(key.sign(&crypto::sha256(signed_header)).to_vec()),
            Secret::Rsa(key) => key.sign_sha256(signed_header),
            Secret::Elsewhere => None,
        }
    }

    pub(super) fn is_elsewhere(&self) -> bool {
        matches!(self.0.secret, Secret::Elsewhere)
    }

    /// Whether a signature over canonical header fields is this key's.
    pub(super) fn verify(&self, signed_header: &[u8], signature: &[u8]) -> bool {
        PublicKey::read(&self.record(), &limits())
            .is_ok_and(|key| key.verify(signed_header, signature))
    }
}

/// Whatever size of key a backend signs with is read.
fn limits() -> Limits {
    Limits { maximum_rsa_bits: u32::MAX, ..Limits::default() }
}

impl fmt::Debug for SigningKey {
    /// The public part.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SigningKey")
            .field("algorithm", &self.0.algorithm)
            .field("bits", &self.0.bits)
            .field("is_elsewhere", &self.is_elsewhere())
            .finish_non_exhaustive()
    }
}

/// A private key in a PEM block of PKCS#8, newly made; overwritten when it is dropped.
///
/// ```
/// use bonafide::dkim::{PrivateKeyPem, SigningKey};
/// use bonafide::{Domain, Selector};
///
/// let seed = [7; 32]; // 32 octets from the system's source of randomness
/// let pem = PrivateKeyPem::ed25519(&seed);
/// let key = SigningKey::from_pem(pem.as_bytes())?;
/// let (selector, domain) = (Selector::parse(b"sel")?, Domain::parse(b"example.com")?);
/// assert_eq!(
///     key.record().zone_line(&selector, &domain),
///     "sel._domainkey.example.com. IN TXT \"v=DKIM1; k=ed25519; \
///      p=6kpsY+KcUgq+9VB7Ey7F+ZVHdq6+vnuSQh7qaRRG0iw=\""
/// );
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct PrivateKeyPem(Zeroizing<String>);

impl PrivateKeyPem {
    /// An Ed25519 key out of 32 octets from a source of randomness that is fit for keys.
    pub fn ed25519(seed: &[u8; 32]) -> Self {
        Self(encode_ed25519(seed))
    }

    /// A new RSA key of 1024 to 8192 bits; 2048 is usual. `random` fills the octets it is given
    /// from a source of randomness that is fit for keys.
    ///
    /// # Errors
    ///
    /// [`SigningKeyError::Unsupported`] for other sizes.
    #[cfg(feature = "rust-crypto")]
    pub fn rsa(bits: u32, mut random: impl FnMut(&mut [u8])) -> Result<Self, SigningKeyError> {
        crypto::generate_rsa(bits, &mut random).map(Self)
    }

    /// The text, which ends in a line end.
    pub fn as_bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

impl fmt::Debug for PrivateKeyPem {
    /// Nothing of the key.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PrivateKeyPem").finish_non_exhaustive()
    }
}
