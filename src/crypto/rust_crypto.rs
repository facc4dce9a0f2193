//! RSA and SHA-256 by RustCrypto: no C and no assembly.

use std::ops::RangeInclusive;

use rsa::traits::{PrivateKeyParts as _, PublicKeyParts as _};
use rsa::{BoxedUint, Pkcs1v15Sign, PrivateKey, PublicKey};
use sha2::Digest;
use zeroize::Zeroizing;

use super::private_key::{RsaPrivateKey, encode_rsa};

/// The lengths of modulus that the library signs with.
pub(crate) const SIGNING_BITS: RangeInclusive<u32> = 1024..=8192;

#[derive(Clone)]
pub(crate) struct Sha256(sha2::Sha256);

impl Sha256 {
    pub(crate) fn new() -> Self {
        Self(sha2::Sha256::new())
    }

    pub(crate) fn update(&mut self, data: &[u8]) {
        self.0.update(data);
    }

    pub(crate) fn finish(self) -> [u8; 32] {
        self.0.finalize().into()
    }
}

pub(crate) fn sha256(data: &[u8]) -> [u8; 32] {
    sha2::Sha256::digest(data).into()
}

pub(crate) fn verify_rsa_sha256(
    modulus: &[u8],
    exponent: &[u8],
    message: &[u8],
    signature: &[u8],
) -> bool {
    PublicKey::new(
        BoxedUint::from_be_slice_vartime(modulus),
        BoxedUint::from_be_slice_vartime(exponent),
    )
    .is_ok_and(|key| {
        key.verify(Pkcs1v15Sign::new::<sha2::Sha256>(), &sha256(message), signature).is_ok()
    })
}

/// The library computes in constant time and, without a source of randomness, does not blind.
pub(crate) struct RsaSigner(PrivateKey);

impl RsaSigner {
    pub(crate) fn new(key: &RsaPrivateKey<'_>) -> Option<Self> {
        let bits = key.public.bits();
        let public = |number| BoxedUint::from_be_slice_vartime(number);
        let secret = |number| BoxedUint::from_be_slice(number, bits).ok();
        let primes = key.primes.map(secret).into_iter().collect::<Option<Vec<_>>>()?;
        let (modulus, exponent) = (public(key.public.modulus()), public(key.public.exponent()));
        PrivateKey::from_components(modulus, exponent, secret(key.private_exponent)?, primes)
            .ok()
            .map(Self)
    }

    pub(crate) fn sign_sha256(&self, message: &[u8]) -> Option<Vec<u8>> {
        self.0.sign(Pkcs1v15Sign::new::<sha2::Sha256>(), &sha256(message)).ok()
    }
}

/// Makes a key and writes it down.
pub(crate) fn generate_rsa(
    bits: u32,
    random: &mut dyn FnMut(&mut [u8]),
) -> Option<Zeroizing<String>> {
    let mut key = PrivateKey::new(&mut Random(random), usize::try_from(bits).ok()?).ok()?;
    key.precompute().ok()?;
    let octets = |number: &BoxedUint| Zeroizing::new(number.to_be_bytes());
    let [p, q] = key.primes() else { return None };
    let coefficient = key.crt_coefficient()?;
    let numbers =
        [key.n().as_ref(), key.e(), key.d(), p, q, key.dp()?, key.dq()?, &coefficient].map(octets);
    Some(encode_rsa(numbers.each_ref().map(|number| number.as_ref())))
}

/// A source of random octets as the library takes it.
struct Random<'r>(&'r mut dyn FnMut(&mut [u8]));

impl rsa::rand_core::TryRng for Random<'_> {
    type Error = rsa::rand_core::Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Self::Error> {
        let mut octets = [0; 4];
        (self.0)(&mut octets);
        Ok(u32::from_le_bytes(octets))
    }

    fn try_next_u64(&mut self) -> Result<u64, Self::Error> {
        let mut octets = [0; 8];
        (self.0)(&mut octets);
        Ok(u64::from_le_bytes(octets))
    }

    fn try_fill_bytes(&mut self, octets: &mut [u8]) -> Result<(), Self::Error> {
        (self.0)(octets);
        Ok(())
    }
}

impl rsa::rand_core::TryCryptoRng for Random<'_> {}
