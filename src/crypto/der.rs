//! RSA public keys out of DER, and what is wrong with those that are refused.

use std::fmt;

use zeroize::Zeroizing;

/// Why a public key cannot be used.
///
/// Offsets count octets from the start of the key's DER, that is after base64.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyEncodingError {
    /// The key is not the DER of a SubjectPublicKeyInfo or of an RSAPublicKey: cut off, followed
    /// by other octets, in a looser encoding (BER), or something else altogether.
    #[error("octet {offset} of the key is {}, expected {expected}", Octet(.found))]
    Der {
        /// Where the key departs from the encoding.
        offset: usize,
        /// The octet there; `None` where the enclosing value has ended.
        found: Option<u8>,
        /// What belongs there.
        expected: &'static str,
    },
    /// The key does not have the length of an Ed25519 public key.
    #[error("the Ed25519 key has {found} octets, expected 32")]
    Ed25519Length {
        /// The number of octets.
        found: usize,
    },
    /// The key's y coordinate is not reduced modulo 2^255 - 19 (RFC 8032 section 5.1.3 step 1).
    #[error("the Ed25519 key has a y coordinate of 2^255 - 19 or more, expected a smaller one")]
    Ed25519NonCanonical,
    /// No point of the curve has the key's y coordinate (RFC 8032 section 5.1.3 step 3).
    #[error("the Ed25519 key is no point of the curve, expected one")]
    Ed25519NotOnCurve,
    /// The key is one of the few points under which one signature fits many messages.
    #[error("the Ed25519 key is a point of small order, expected one of large order")]
    Ed25519SmallOrder,
    /// The modulus is even: not a product of two large primes.
    #[error("the RSA modulus is even, expected an odd number")]
    EvenModulus,
    /// The exponent is even, negative, less than 3 or not less than 2^33.
    #[error("the RSA exponent is {}, expected an odd number from 3 to 8589934591", Number(.found))]
    Exponent {
        /// The exponent; `None` if it is negative or longer than 64 bits.
        found: Option<u64>,
    },
    /// The modulus is negative: mostly the leading zero octet was left out when the key was
    /// encoded.
    #[error("the RSA modulus is negative, expected a zero octet before its first octet")]
    NegativeModulus,
    /// The key belongs to another algorithm, as an elliptic curve key under k=rsa does.
    #[error("the key is for {algorithm}, expected rsaEncryption")]
    NotRsa {
        /// The algorithm by its name in the RFCs, where it is a well-known one.
        algorithm: &'static str,
    },
    /// The modulus has more bits than the limit admits.
    #[error("the RSA key has {bits} bits, expected at most {maximum}")]
    TooLong {
        /// The exact length of the modulus.
        bits: u32,
        /// The limit.
        maximum: u32,
    },
    /// The modulus has fewer bits than the limit admits; never under 1024 (RFC 8301 section 3.2).
    #[error("the RSA key has {bits} bits, expected at least {minimum}")]
    TooShort {
        /// The exact length of the modulus.
        bits: u32,
        /// The limit.
        minimum: u32,
    },
}

struct Octet<'a>(&'a Option<u8>);

impl fmt::Display for Octet<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(octet) => write!(f, "0x{octet:02x}"),
            None => f.write_str("missing"),
        }
    }
}

struct Number<'a>(&'a Option<u64>);

impl fmt::Display for Number<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(number) => number.fmt(f),
            None => f.write_str("negative or longer than 64 bits"),
        }
    }
}

/// The lengths of RSA modulus to admit, in bits.
///
/// Values outside 1024..=8192 mean the nearer end of that range: RFC 8301 section 3.2 forbids
/// shorter keys, and no backend takes longer ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct RsaLimits {
    pub(crate) minimum_bits: u32,
    pub(crate) maximum_bits: u32,
}

impl RsaLimits {
    const SHORTEST: u32 = 1024;
    const LONGEST: u32 = 8192;
}

impl Default for RsaLimits {
    /// The lengths that RFC 8301 section 3.2 has every verifier support.
    fn default() -> Self {
        Self { minimum_bits: Self::SHORTEST, maximum_bits: 4096 }
    }
}

/// An RSA public key that is fit for any backend: odd, positive, neither too short nor too long.
#[derive(Clone, Copy)]
pub(crate) struct RsaPublicKey<'a> {
    modulus: &'a [u8],
    exponent: &'a [u8],
    bits: u32,
}

impl<'a> RsaPublicKey<'a> {
    /// Reads a SubjectPublicKeyInfo, as keys are published, or a bare RSAPublicKey, as RFC 6376
    /// section 3.6.1 has it before erratum 3017.
    ///
    /// # Errors
    ///
    /// What keeps the key from use; faults of the encoding come before faults of the numbers.
    pub(crate) fn from_der(der: &'a [u8], limits: &RsaLimits) -> Result<Self, KeyEncodingError> {
        let (modulus, exponent) = rsa_public_key(Reader { rest: der, offset: 0 })?;
        Self::from_integers(modulus, exponent, limits)
    }

    /// Checks the numbers of a key, each the contents of an INTEGER.
    pub(super) fn from_integers(
        modulus: &'a [u8],
        exponent: &'a [u8],
        limits: &RsaLimits,
    ) -> Result<Self, KeyEncodingError> {
        let modulus = magnitude(modulus).ok_or(KeyEncodingError::NegativeModulus)?;
        let bits = bit_length(modulus);
        let minimum = limits.minimum_bits.max(RsaLimits::SHORTEST);
        let maximum = limits.maximum_bits.min(RsaLimits::LONGEST);
        if bits < minimum {
            return Err(KeyEncodingError::TooShort { bits, minimum });
        }
        if bits > maximum {
            return Err(KeyEncodingError::TooLong { bits, maximum });
        }
        if modulus.last().is_none_or(|octet| octet & 1 == 0) {
            return Err(KeyEncodingError::EvenModulus);
        }

        let exponent = magnitude(exponent).ok_or(KeyEncodingError::Exponent { found: None })?;
        let found = number(exponent);
        // The range that every backend takes; the upper end bounds the time of a verification.
        if !found.is_some_and(|exponent| exponent & 1 == 1 && (3..1 << 33).contains(&exponent)) {
            return Err(KeyEncodingError::Exponent { found });
        }

        Ok(Self { modulus, exponent, bits })
    }

    /// The exact length of the modulus.
    pub(crate) fn bits(&self) -> u32 {
        self.bits
    }

    /// The SubjectPublicKeyInfo of RFC 5280 section 4.1, as keys are published.
    pub(crate) fn to_spki(self) -> Vec<u8> {
        let key = write(SEQUENCE, &[&write_integer(self.modulus), &write_integer(self.exponent)]);
        write(SEQUENCE, &[&rsa_algorithm(), &write(BIT_STRING, &[&[0], &key])]).to_vec()
    }

    /// Big-endian, without a leading zero octet.
    pub(super) fn modulus(&self) -> &'a [u8] {
        self.modulus
    }

    /// Big-endian, without a leading zero octet.
    pub(super) fn exponent(&self) -> &'a [u8] {
        self.exponent
    }
}

impl fmt::Debug for RsaPublicKey<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RsaPublicKey")
            .field("bits", &self.bits)
            .field("exponent", &self.exponent)
            .finish_non_exhaustive()
    }
}

/// The two INTEGERs of the key, whichever way it is wrapped.
fn rsa_public_key(mut der: Reader<'_>) -> Result<(&[u8], &[u8]), KeyEncodingError> {
    let mut key = der.value(SEQUENCE, "a SEQUENCE (0x30)")?;
    der.end("the end of the key")?;
    if key.rest.first() != Some(&SEQUENCE) {
        return integers(key);
    }

    // RFC 5280 section 4.1: SubjectPublicKeyInfo.
    let mut algorithm = key.value(SEQUENCE, "an AlgorithmIdentifier")?;
    let identifier = algorithm.value(OBJECT_IDENTIFIER, "an OBJECT IDENTIFIER (0x06)")?;
    if identifier.rest != RSA_ENCRYPTION {
        return Err(KeyEncodingError::NotRsa { algorithm: algorithm_name(identifier.rest) });
    }
    // RFC 3279 section 2.3.1: the parameters must be NULL. RFC 4055 section 2.1 lets them be absent
    // for hash functions, not here.
    let parameters = algorithm.value(NULL, "the parameters of rsaEncryption, NULL (0x05)")?;
    parameters.end("the end of NULL")?;
    algorithm.end("the end of the AlgorithmIdentifier")?;

    let mut bits = key.value(BIT_STRING, "a BIT STRING (0x03)")?;
    key.end("the end of the SubjectPublicKeyInfo")?;
    bits.octet(0, "0 unused bits in the BIT STRING")?;
    let key = bits.value(SEQUENCE, "a SEQUENCE (0x30)")?;
    bits.end("the end of the BIT STRING")?;
    integers(key)
}

/// The inside of RSAPublicKey, RFC 8017 appendix A.1.1.
fn integers(mut key: Reader<'_>) -> Result<(&[u8], &[u8]), KeyEncodingError> {
    let modulus = key.integer("the modulus, an INTEGER (0x02)")?;
    let exponent = key.integer("the exponent, an INTEGER (0x02)")?;
    key.end("the end of the RSAPublicKey")?;
    Ok((modulus, exponent))
}

const BIT_STRING: u8 = 0x03;
const INTEGER: u8 = 0x02;
const NULL: u8 = 0x05;
pub(super) const OBJECT_IDENTIFIER: u8 = 0x06;
pub(super) const OCTET_STRING: u8 = 0x04;
pub(super) const SEQUENCE: u8 = 0x30;

/// 1.2.840.113549.1.1.1, RFC 8017 appendix C.
pub(super) const RSA_ENCRYPTION: &[u8] = b"\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01";

/// What is likely to stand in the place of rsaEncryption.
pub(super) fn algorithm_name(identifier: &[u8]) -> &'static str {
    match identifier {
        b"\x2a\x86\x48\x86\xf7\x0d\x01\x01\x07" => "id-RSAES-OAEP",
        b"\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0a" => "id-RSASSA-PSS",
        b"\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0b" => "sha256WithRSAEncryption",
        b"\x2a\x86\x48\xce\x38\x04\x01" => "id-dsa",
        b"\x2a\x86\x48\xce\x3d\x02\x01" => "id-ecPublicKey",
        b"\x2b\x65\x6e" => "id-X25519",
        b"\x2b\x65\x70" => "id-Ed25519",
        b"\x2b\x65\x71" => "id-Ed448",
        _ => "an unknown algorithm",
    }
}

/// The rest of a value, and where in the key it begins.
#[derive(Clone, Copy)]
pub(super) struct Reader<'a> {
    pub(super) rest: &'a [u8],
    pub(super) offset: usize,
}

impl<'a> Reader<'a> {
    /// Steps over one value and returns its contents.
    pub(super) fn value(
        &mut self,
        tag: u8,
        expected: &'static str,
    ) -> Result<Self, KeyEncodingError> {
        self.octet(tag, expected)?;
        let start = *self;
        let length = self.length()?;
        self.split(length)
            .ok_or_else(|| start.unexpected("a length that the enclosing value has room for"))
    }

    /// X.690 section 10.1: the definite form, in the fewest octets.
    fn length(&mut self) -> Result<usize, KeyEncodingError> {
        let start = *self;
        match self.next("a length")? {
            short @ ..0x80 => Ok(usize::from(short)),
            0x80 => Err(start.unexpected("a definite length")),
            0x81 => match self.next("a length")? {
                ..0x80 => Err(start.unexpected("a length in its shortest form")),
                length => Ok(usize::from(length)),
            },
            0x82 => match [self.next("a length")?, self.next("a length")?] {
                [0, _] => Err(start.unexpected("a length in its shortest form")),
                length => Ok(usize::from(u16::from_be_bytes(length))),
            },
            _ => Err(start.unexpected("a length of at most 65535, in its shortest form")),
        }
    }

    /// X.690 section 8.3.2: the contents of an INTEGER, never empty and in the fewest octets.
    pub(super) fn integer(&mut self, expected: &'static str) -> Result<&'a [u8], KeyEncodingError> {
        let integer = self.value(INTEGER, expected)?;
        match integer.rest {
            [] | [0, 0..=0x7f, ..] | [0xff, 0x80..=0xff, ..] => {
                Err(integer.unexpected("an INTEGER in its shortest form"))
            }
            contents => Ok(contents),
        }
    }

    /// Steps over one octet, which must be this one.
    pub(super) fn octet(
        &mut self,
        octet: u8,
        expected: &'static str,
    ) -> Result<(), KeyEncodingError> {
        let start = *self;
        if self.next(expected)? == octet { Ok(()) } else { Err(start.unexpected(expected)) }
    }

    fn next(&mut self, expected: &'static str) -> Result<u8, KeyEncodingError> {
        let start = *self;
        self.split(1)
            .and_then(|octet| octet.rest.first().copied())
            .ok_or_else(|| start.unexpected(expected))
    }

    fn split(&mut self, length: usize) -> Option<Self> {
        let (first, rest) = self.rest.split_at_checked(length)?;
        let first = Self { rest: first, ..*self };
        self.rest = rest;
        self.offset = self.offset.saturating_add(length);
        Some(first)
    }

    pub(super) fn end(self, expected: &'static str) -> Result<(), KeyEncodingError> {
        if self.rest.is_empty() { Ok(()) } else { Err(self.unexpected(expected)) }
    }

    fn unexpected(self, expected: &'static str) -> KeyEncodingError {
        KeyEncodingError::Der { offset: self.offset, found: self.rest.first().copied(), expected }
    }
}

/// The parameters that rsaEncryption must have (RFC 3279 section 2.3.1).
pub(super) fn rsa_algorithm() -> Zeroizing<Vec<u8>> {
    write(SEQUENCE, &[&write(OBJECT_IDENTIFIER, &[RSA_ENCRYPTION]), &write(NULL, &[])])
}

/// One value around the parts of its contents, which are under 64 KiB and may be secret.
pub(super) fn write(tag: u8, parts: &[&[u8]]) -> Zeroizing<Vec<u8>> {
    let length: usize = parts.iter().map(|part| part.len()).sum();
    let mut value = Zeroizing::new(Vec::with_capacity(length.saturating_add(4)));
    value.push(tag);
    match (u8::try_from(length), u16::try_from(length).unwrap_or(u16::MAX)) {
        (Ok(length @ ..0x80), _) => value.push(length),
        (Ok(length), _) => value.extend([0x81, length]),
        (Err(_), length) => {
            value.push(0x82);
            value.extend(length.to_be_bytes());
        }
    }
    parts.iter().for_each(|part| value.extend_from_slice(part));
    value
}

/// The INTEGER of a positive number.
pub(super) fn write_integer(magnitude: &[u8]) -> Zeroizing<Vec<u8>> {
    let sign: &[u8] = if magnitude.first().is_none_or(|octet| *octet >= 0x80) { &[0] } else { &[] };
    write(INTEGER, &[sign, magnitude])
}

/// The octets of an INTEGER without its sign octet; `None` if it is negative.
pub(super) fn magnitude(integer: &[u8]) -> Option<&[u8]> {
    match integer {
        [0, magnitude @ ..] => Some(magnitude),
        [0x80..=0xff, ..] => None,
        _ => Some(integer),
    }
}

/// The length of a number without leading zero octets.
fn bit_length(magnitude: &[u8]) -> u32 {
    let leading_zeros = magnitude.first().map_or(0, |octet| octet.leading_zeros());
    u32::try_from(magnitude.len())
        .unwrap_or(u32::MAX)
        .saturating_mul(8)
        .saturating_sub(leading_zeros)
}

fn number(magnitude: &[u8]) -> Option<u64> {
    (magnitude.len() <= 8)
        .then(|| magnitude.iter().fold(0, |number, octet| (number << 8) | u64::from(*octet)))
}
