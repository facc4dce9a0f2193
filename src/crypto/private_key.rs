//! Private keys out of PEM and DER, and what is wrong with those that are refused.
//!
//! No octet of a key shows in an error. What is decoded is overwritten when it is dropped.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

use super::der::{
    OBJECT_IDENTIFIER, OCTET_STRING, RSA_ENCRYPTION, Reader, RsaLimits, RsaPublicKey, SEQUENCE,
    algorithm_name, magnitude, write, write_integer,
};
use super::{Ed25519PublicKey, KeyEncodingError};

/// Why a private key cannot be used. No octet of the key is in it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SigningKeyError {
    /// The key is for an algorithm that DKIM does not know.
    #[error("the private key is for {algorithm}, expected rsaEncryption or id-Ed25519")]
    Algorithm {
        /// The algorithm by its name in the RFCs, where it is a well-known one.
        algorithm: &'static str,
    },
    /// A PEM block is not base64.
    #[error("found no base64 in the PEM block that begins at offset {offset}")]
    Base64 {
        /// Where the block begins.
        offset: usize,
    },
    /// The key departs from the encoding: cut off, followed by other octets, or something else.
    #[error("found something else at octet {offset} of the private key's DER, expected {expected}")]
    Der {
        /// Where, counted from the start of the DER.
        offset: usize,
        /// What belongs there.
        expected: &'static str,
    },
    /// The key is encrypted under a passphrase.
    #[error("the private key is encrypted, expected one that is decrypted already")]
    Encrypted,
    /// The private key and its public part do not belong together.
    #[error("the private key does not fit the public key beside it: damaged, or of two keys")]
    Mismatch,
    /// There is no private key in the text.
    #[error("found no private key, expected a PEM block of a private key{}", match .found {
        Some(label) => format!(" instead of {label}"),
        None => String::new(),
    })]
    NoKey {
        /// The label of the first PEM block, if there is one.
        found: Option<String>,
    },
    /// The public part of the key is unfit.
    #[error("the public part of the private key is unusable: {0}")]
    PublicKey(#[from] KeyEncodingError),
    /// More than one private key in the text.
    #[error("found a second private key at offset {offset}, expected one")]
    SeveralKeys {
        /// Where its PEM block begins.
        offset: usize,
    },
    /// No backend that is compiled in signs with keys of this size.
    #[error(
        "this build signs with RSA keys of {minimum} to {maximum} bits, and the key has {bits}: \
         the feature `rust-crypto` signs with 1024 to 8192"
    )]
    Unsupported {
        /// The exact length of the modulus.
        bits: u32,
        /// The shortest modulus that this build signs with.
        minimum: u32,
        /// The longest one.
        maximum: u32,
    },
}

/// A private key of which all is checked that can be checked without computing with it.
pub(crate) enum PrivateKey<'a> {
    Ed25519 {
        seed: &'a [u8; 32],
        /// The public key that is written beside it.
        public: Option<&'a [u8]>,
    },
    Rsa(RsaPrivateKey<'a>),
}

/// RSAPrivateKey, RFC 8017 appendix A.1.2.
#[derive(Clone, Copy)]
pub(crate) struct RsaPrivateKey<'a> {
    pub(super) public: RsaPublicKey<'a>,
    /// The whole structure, which ring and aws-lc-rs take.
    #[cfg(any(feature = "aws-lc-rs", feature = "ring"))]
    pub(super) pkcs1: &'a [u8],
    // The numbers, which RustCrypto takes.
    #[cfg(feature = "rust-crypto")]
    pub(super) private_exponent: &'a [u8],
    #[cfg(feature = "rust-crypto")]
    pub(super) primes: [&'a [u8]; 2],
}

impl<'a> RsaPrivateKey<'a> {
    pub(crate) fn public(&self) -> RsaPublicKey<'a> {
        self.public
    }
}

impl<'a> PrivateKey<'a> {
    /// Reads PKCS#8 (RFC 5958, with RFC 8410 for Ed25519) or PKCS#1.
    pub(crate) fn from_der(der: &'a [u8]) -> Result<Self, SigningKeyError> {
        let mut outer = Reader { rest: der, offset: 0 };
        let mut key = outer.value(SEQUENCE, "a SEQUENCE (0x30)").map_err(private)?;
        outer.end("the end of the key").map_err(private)?;
        if key.rest.first() == Some(&SEQUENCE) {
            // RFC 5958 section 3: EncryptedPrivateKeyInfo begins with the encryption algorithm.
            return Err(SigningKeyError::Encrypted);
        }
        let start = key;
        let version = key.integer("the version, an INTEGER (0x02)").map_err(private)?;
        if key.rest.first() != Some(&SEQUENCE) {
            return Self::from_pkcs1(der, start);
        }
        if !matches!(version, [0 | 1]) {
            return Err(unexpected(start, "version 0 or 1 of a PrivateKeyInfo"));
        }
        let mut algorithm = key.value(SEQUENCE, "an AlgorithmIdentifier").map_err(private)?;
        let identifier =
            algorithm.value(OBJECT_IDENTIFIER, "an OBJECT IDENTIFIER (0x06)").map_err(private)?;
        let mut octets = key.value(OCTET_STRING, "an OCTET STRING (0x04)").map_err(private)?;
        if identifier.rest == RSA_ENCRYPTION {
            let start = octets;
            let inner = octets.value(SEQUENCE, "an RSAPrivateKey").map_err(private)?;
            octets.end("the end of the RSAPrivateKey").map_err(private)?;
            return Self::from_pkcs1(start.rest, inner);
        }
        if identifier.rest != ED25519 {
            let algorithm = algorithm_name(identifier.rest);
            return Err(SigningKeyError::Algorithm { algorithm });
        }
        let inner = octets.value(OCTET_STRING, "a CurvePrivateKey").map_err(private)?;
        octets.end("the end of the CurvePrivateKey").map_err(private)?;
        let seed = inner.rest.try_into().map_err(|_| unexpected(inner, "32 octets of key"))?;
        // RFC 5958 section 2: attributes, then the public key, both optional.
        if key.rest.first() == Some(&ATTRIBUTES) {
            key.value(ATTRIBUTES, "attributes").map_err(private)?;
        }
        let public = if key.rest.is_empty() {
            None
        } else {
            let mut bits = key.value(PUBLIC_KEY, "the public key, [1]").map_err(private)?;
            key.end("the end of the PrivateKeyInfo").map_err(private)?;
            bits.octet(0, "0 unused bits in the BIT STRING").map_err(private)?;
            Some(bits.rest)
        };
        Ok(Self::Ed25519 { seed, public })
    }

    fn from_pkcs1(pkcs1: &'a [u8], mut key: Reader<'a>) -> Result<Self, SigningKeyError> {
        let start = key;
        if key.integer("the version, an INTEGER (0x02)").map_err(private)? != [0] {
            return Err(unexpected(start, "version 0 of an RSAPrivateKey: two primes"));
        }
        let mut integer = |expected| key.integer(expected).map_err(private);
        let modulus = integer("the modulus, an INTEGER (0x02)")?;
        let exponent = integer("the public exponent, an INTEGER (0x02)")?;
        let private_exponent = integer("the private exponent, an INTEGER (0x02)")?;
        let primes = [integer("the first prime")?, integer("the second prime")?];
        for expected in ["the first CRT exponent", "the second one", "the CRT coefficient"] {
            integer(expected)?;
        }
        key.end("the end of the RSAPrivateKey").map_err(private)?;
        let limits = RsaLimits { minimum_bits: 0, maximum_bits: u32::MAX };
        let public = RsaPublicKey::from_integers(modulus, exponent, &limits)?;
        let positive = |number| magnitude(number).ok_or(SigningKeyError::Mismatch);
        let private_exponent = positive(private_exponent)?;
        let [first, second] = primes.map(positive);
        let primes = [first?, second?];
        #[cfg(not(feature = "rust-crypto"))]
        let _ = (private_exponent, primes);
        #[cfg(not(any(feature = "aws-lc-rs", feature = "ring")))]
        let _ = pkcs1;
        Ok(Self::Rsa(RsaPrivateKey {
            public,
            #[cfg(any(feature = "aws-lc-rs", feature = "ring"))]
            pkcs1,
            #[cfg(feature = "rust-crypto")]
            private_exponent,
            #[cfg(feature = "rust-crypto")]
            primes,
        }))
    }
}

/// 1.3.101.112, RFC 8410 section 3.
const ED25519: &[u8] = b"\x2b\x65\x70";
/// \[0\], constructed: the attributes of a PrivateKeyInfo.
const ATTRIBUTES: u8 = 0xa0;
/// \[1\], primitive: the public key of a PrivateKeyInfo.
const PUBLIC_KEY: u8 = 0x81;

/// Faults of the encoding name the octet that was found, which here might be of the key.
fn private(error: KeyEncodingError) -> SigningKeyError {
    match error {
        KeyEncodingError::Der { offset, expected, .. } => SigningKeyError::Der { offset, expected },
        other => SigningKeyError::PublicKey(other),
    }
}

fn unexpected(at: Reader<'_>, expected: &'static str) -> SigningKeyError {
    SigningKeyError::Der { offset: at.offset, expected }
}

/// The DER of the one private key in a text of PEM blocks (RFC 7468), whatever else is in it.
pub(crate) fn decode_pem(text: &[u8]) -> Result<Zeroizing<Vec<u8>>, SigningKeyError> {
    let mut kept = None;
    let mut first_label = None;
    let mut rest = text;
    while let Some(begin) = memchr::memmem::find(rest, BEGIN) {
        let offset = text.len().saturating_sub(rest.len()).saturating_add(begin);
        let block = rest.get(begin.saturating_add(BEGIN.len())..).unwrap_or_default();
        let label_end = memchr::memmem::find(block, b"-----").unwrap_or(block.len());
        let (label, block) = block.split_at(label_end);
        let inside = block.strip_prefix(b"-----").unwrap_or_default();
        let end = memchr::memmem::find(inside, b"-----END ");
        let (inside, behind) = inside.split_at(end.unwrap_or(inside.len()));
        rest = behind;
        match label {
            b"ENCRYPTED PRIVATE KEY" => return Err(SigningKeyError::Encrypted),
            b"PRIVATE KEY" | b"RSA PRIVATE KEY" if end.is_none() => {
                return Err(SigningKeyError::Base64 { offset });
            }
            b"PRIVATE KEY" | b"RSA PRIVATE KEY" if kept.is_some() => {
                return Err(SigningKeyError::SeveralKeys { offset });
            }
            b"PRIVATE KEY" | b"RSA PRIVATE KEY" => {
                // RFC 1421 section 4.6.1.1: fields in front of the base64 say how it is encrypted.
                if memchr::memchr(b':', inside).is_some() {
                    return Err(SigningKeyError::Encrypted);
                }
                kept = Some(decode_block(inside).ok_or(SigningKeyError::Base64 { offset })?);
            }
            other => {
                first_label.get_or_insert_with(|| crate::tag_list::quote(other));
            }
        }
    }
    kept.ok_or(SigningKeyError::NoKey { found: first_label })
}

const BEGIN: &[u8] = b"-----BEGIN ";

fn decode_block(inside: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let octets = inside.iter().filter(|octet| !octet.is_ascii_whitespace());
    // Room for all at once: what grows leaves copies behind.
    let mut text = Zeroizing::new(Vec::with_capacity(inside.len()));
    text.extend(octets);
    let mut der = Zeroizing::new(vec![0; text.len()]);
    let length = STANDARD.decode_slice(&*text, &mut der).ok()?;
    der.truncate(length);
    Some(der)
}

/// A PEM block of PKCS#8.
fn encode_pem(der: &[u8]) -> Zeroizing<String> {
    let mut base64 = Zeroizing::new(vec![0; der.len().saturating_mul(2).saturating_add(4)]);
    let length = STANDARD.encode_slice(der, &mut base64).unwrap_or_default();
    base64.truncate(length);
    let mut pem =
        Zeroizing::new(String::with_capacity(length.saturating_mul(2).saturating_add(80)));
    pem.push_str("-----BEGIN PRIVATE KEY-----\n");
    // RFC 7468 section 2: lines of 64 characters.
    for line in base64.chunks(64) {
        pem.extend(line.iter().copied().map(char::from));
        pem.push('\n');
    }
    pem.push_str("-----END PRIVATE KEY-----\n");
    pem
}

/// PKCS#8 of an Ed25519 key, RFC 8410 section 7.
pub(crate) fn encode_ed25519(seed: &[u8; 32]) -> Zeroizing<String> {
    let algorithm = write(SEQUENCE, &[&write(OBJECT_IDENTIFIER, &[ED25519])]);
    let key = write(OCTET_STRING, &[&write(OCTET_STRING, &[seed])]);
    encode_pem(&write(SEQUENCE, &[&write_integer(&[]), &algorithm, &key]))
}

/// PKCS#8 of an RSA key; the numbers are those of RFC 8017 appendix A.1.2 in their order, big-endian.
#[cfg(feature = "rust-crypto")]
pub(crate) fn encode_rsa(numbers: [&[u8]; 8]) -> Zeroizing<String> {
    let integers = numbers.map(|number| {
        let zeros = number.iter().take_while(|octet| **octet == 0).count();
        write_integer(number.get(zeros..).unwrap_or_default())
    });
    let [n, e, d, p, q, dp, dq, qinv] = &integers;
    let zero = write_integer(&[]);
    let key = write(SEQUENCE, &[&zero, n, e, d, p, q, dp, dq, qinv]);
    encode_pem(&write(
        SEQUENCE,
        &[&zero, &super::der::rsa_algorithm(), &write(OCTET_STRING, &[&key])],
    ))
}

/// An Ed25519 private key, overwritten when it is dropped.
pub(crate) struct Ed25519PrivateKey(ed25519_dalek::SigningKey);

impl Ed25519PrivateKey {
    /// RFC 8032 section 5.1.5: every 32 octets are a private key.
    pub(crate) fn from_seed(
        seed: &[u8; 32],
        public: Option<&[u8]>,
    ) -> Result<Self, SigningKeyError> {
        let key = Self(ed25519_dalek::SigningKey::from_bytes(seed));
        if public.is_some_and(|public| public != key.public()) {
            return Err(SigningKeyError::Mismatch);
        }
        // What no verifier takes is not signed with.
        Ed25519PublicKey::from_bytes(&key.public())?;
        Ok(key)
    }

    pub(crate) fn public(&self) -> [u8; 32] {
        self.0.verifying_key().to_bytes()
    }

    pub(crate) fn sign(&self, message: &[u8]) -> [u8; 64] {
        use ed25519_dalek::Signer as _;

        self.0.sign(message).to_bytes()
    }
}
