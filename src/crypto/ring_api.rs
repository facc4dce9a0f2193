//! RSA and SHA-256 by aws-lc-rs or ring, whose interfaces agree in all that is used here.

/// The body of a backend module; the arguments are the name of the library's crate
/// and the sizes of RSA key that it signs with.
macro_rules! backend {
    ($library:ident, signs $bits:expr) => {
        use std::ops::RangeInclusive;

        use ::$library::{digest, rand::SystemRandom, signature};

        use crate::crypto::private_key::RsaPrivateKey;

        /// The lengths of modulus that the library signs with.
        pub(crate) const SIGNING_BITS: RangeInclusive<u32> = $bits;

        #[derive(Clone)]
        pub(crate) struct Sha256(digest::Context);

        impl Sha256 {
            pub(crate) fn new() -> Self {
                Self(digest::Context::new(&digest::SHA256))
            }

            pub(crate) fn update(&mut self, data: &[u8]) {
                self.0.update(data);
            }

            pub(crate) fn finish(self) -> [u8; 32] {
                octets(&self.0.finish())
            }
        }

        pub(crate) fn sha256(data: &[u8]) -> [u8; 32] {
            octets(&digest::digest(&digest::SHA256, data))
        }

        fn octets(digest: &digest::Digest) -> [u8; 32] {
            let mut octets = [0; 32];
            octets.copy_from_slice(digest.as_ref());
            octets
        }

        pub(crate) fn verify_rsa_sha256(
            modulus: &[u8],
            exponent: &[u8],
            message: &[u8],
            signature: &[u8],
        ) -> bool {
            // RFC 8301 section 3.2: verifiers must take 1024-bit keys, which the libraries file
            // under legacy.
            signature::RsaPublicKeyComponents { n: modulus, e: exponent }
                .verify(
                    &signature::RSA_PKCS1_1024_8192_SHA256_FOR_LEGACY_USE_ONLY,
                    message,
                    signature,
                )
                .is_ok()
        }

        pub(crate) struct RsaSigner {
            key: signature::RsaKeyPair,
            signature_octets: usize,
        }

        impl RsaSigner {
            pub(crate) fn new(key: &RsaPrivateKey<'_>) -> Option<Self> {
                let signature_octets = key.public.modulus().len();
                let key = signature::RsaKeyPair::from_der(key.pkcs1).ok()?;
                Some(Self { key, signature_octets })
            }

            pub(crate) fn sign_sha256(&self, message: &[u8]) -> Option<Vec<u8>> {
                let mut signature = vec![0; self.signature_octets];
                let (padding, random) = (&signature::RSA_PKCS1_SHA256, SystemRandom::new());
                self.key.sign(padding, &random, message, &mut signature).ok()?;
                Some(signature)
            }
        }
    };
}

#[cfg(feature = "aws-lc-rs")]
pub(super) mod aws_lc_rs {
    backend!(aws_lc_rs, signs 2048..=8192);
}

#[cfg(feature = "ring")]
#[cfg_attr(
    feature = "aws-lc-rs",
    allow(dead_code, reason = "where it is not preferred, only the tests use it")
)]
pub(super) mod ring {
    backend!(ring, signs 2048..=4096);
}
