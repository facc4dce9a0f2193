//! Private keys: which are read, and that every backend makes the same signature.

use super::{Case, for_each_case};
use crate::crypto::private_key::{PrivateKey, SigningKeyError, decode_pem};
use crate::crypto::{Ed25519PrivateKey, Ed25519PublicKey, RsaSigner, encode_ed25519};

fn variant(error: &SigningKeyError) -> String {
    let debug = format!("{error:?}");
    debug.split([' ', '{', '(']).next().unwrap().to_owned()
}

fn file(name: &str) -> Vec<u8> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/test-vectors/keys/");
    std::fs::read(format!("{folder}{name}")).expect(name)
}

/// What came of a key: its algorithm and size, and for RSA the signature of a message.
fn read(
    pem: &[u8],
    message: Option<&[u8]>,
) -> Result<(&'static str, u32, Vec<u8>), SigningKeyError> {
    match PrivateKey::from_der(&decode_pem(pem)?)? {
        PrivateKey::Ed25519 { seed, public } => {
            Ed25519PrivateKey::from_seed(seed, public)?;
            Ok(("ed25519-sha256", 256, Vec::new()))
        }
        PrivateKey::Rsa(key) => {
            let signer = RsaSigner::new(&key)?;
            let signatures: Vec<_> = message.map_or_else(Vec::new, |message| {
                let backends =
                    super::BACKENDS.iter().filter_map(|b| (b.sign_rsa_sha256)(&key, message));
                backends.chain(signer.sign_sha256(message)).collect()
            });
            assert!(signatures.iter().all(|signature| *signature == signatures[0]));
            let signature = signatures.into_iter().next().unwrap_or_default();
            Ok(("rsa-sha256", key.public().bits(), signature))
        }
    }
}

#[test]
fn private_keys() {
    for_each_case(vectors!("private_keys.txt"), |case: &mut Case<'_>| {
        let pem = file(case.text("File"));
        let (algorithm, bits) = (case.take("Algorithm"), case.number("Bits"));
        let (message, signature) = (case.take("Message"), case.take("Signature"));
        let message = message.map(super::hex);
        let (offset, result) = (case.number("Offset"), case.result());
        match read(&pem, message.as_deref()) {
            Ok((found_algorithm, found_bits, found_signature)) => {
                assert_eq!(result, "pass", "{}", case.why);
                assert_eq!(
                    (Some(found_algorithm), Some(found_bits)),
                    (algorithm, bits),
                    "{}",
                    case.why
                );
                assert_eq!(
                    found_signature,
                    super::hex(signature.unwrap_or_default()),
                    "{}",
                    case.why
                );
            }
            // What this build cannot sign with, another one can.
            Err(SigningKeyError::Unsupported { bits: found, .. }) if result == "pass" => {
                assert_eq!(Some(found), bits);
                assert!(found < 2048 && cfg!(not(feature = "rust-crypto")), "{}", case.why);
            }
            Err(error) => {
                assert_eq!(variant(&error), result, "{}: {error}", case.why);
                let found = match error {
                    SigningKeyError::Base64 { offset }
                    | SigningKeyError::Der { offset, .. }
                    | SigningKeyError::SeveralKeys { offset } => Some(offset),
                    _ => None,
                };
                assert_eq!(found, offset, "{}: {error}", case.why);
            }
        }
    });
}

/// A key that was written is read again, and verifies what it signs.
#[test]
fn written_keys_are_read() {
    let pem = encode_ed25519(&[7; 32]);
    assert!(matches!(read(pem.as_bytes(), None), Ok(("ed25519-sha256", 256, _))), "{}", *pem);
    let key = Ed25519PrivateKey::from_seed(&[7; 32], None).unwrap();
    let public = Ed25519PublicKey::from_bytes(&key.public()).unwrap();
    assert!(public.verify(b"message", &key.sign(b"message")));
}

#[cfg(feature = "rust-crypto")]
#[test]
fn generated_rsa_keys_are_read() {
    let mut state = 0_u64;
    let mut random = |octets: &mut [u8]| {
        for octet in octets {
            state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            *octet = (state >> 56) as u8;
        }
    };
    let pem = crate::crypto::generate_rsa(1024, &mut random).unwrap();
    assert!(matches!(read(pem.as_bytes(), Some(b"x")), Ok(("rsa-sha256", 1024, _))));
    assert!(matches!(
        crate::crypto::generate_rsa(1023, &mut random),
        Err(SigningKeyError::Unsupported { bits: 1023, .. })
    ));
}

/// Any octet of a key changed, and it is refused, or still signs what its public part verifies; no
/// error shows an octet of it.
#[test]
fn damaged_keys_are_refused_or_sound() {
    let der = decode_pem(&file("rsa2048.pem")).unwrap();
    for at in (0..der.len()).step_by(7) {
        let mut damaged = der.to_vec();
        damaged[at] ^= 0x10;
        if let Ok(PrivateKey::Rsa(key)) = PrivateKey::from_der(&damaged)
            && let Ok(signer) = RsaSigner::new(&key)
        {
            let signature = signer.sign_sha256(b"message").unwrap();
            assert!(key.public().verify_sha256(b"message", &signature), "{at}");
        }
    }
    for length in (0..der.len()).step_by(11) {
        assert!(PrivateKey::from_der(&der[..length]).is_err());
    }
}
