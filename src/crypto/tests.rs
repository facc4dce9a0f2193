use super::{
    Ed25519PublicKey, KeyEncodingError, RsaLimits, RsaPrivateKey, RsaPublicKey, Sha256,
    VerifyRsaSha256,
};

/// What a backend offers, so that each vector can run through all that are compiled in.
struct Backend {
    name: &'static str,
    sha256: fn(&[u8]) -> [u8; 32],
    /// SHA-256 of the pieces; the context is cloned after each and the clone goes on.
    sha256_of_pieces: fn(&[&[u8]]) -> [u8; 32],
    verify_rsa_sha256: VerifyRsaSha256,
    /// `None` where the backend does not sign with keys of that size.
    sign_rsa_sha256: fn(&RsaPrivateKey<'_>, &[u8]) -> Option<Vec<u8>>,
}

macro_rules! backends {
    ($($(#[$attribute:meta])* $name:literal: $($module:ident)::+,)*) => {
        &[$($(#[$attribute])* Backend {
            name: $name,
            sha256: super::$($module)::+::sha256,
            sha256_of_pieces: |pieces| {
                let mut context = super::$($module)::+::Sha256::new();
                for piece in pieces {
                    context.update(piece);
                    let clone = context.clone();
                    context.update(b"forgotten");
                    context = clone;
                }
                context.finish()
            },
            verify_rsa_sha256: super::$($module)::+::verify_rsa_sha256,
            sign_rsa_sha256: |key, message| {
                super::$($module)::+::RsaSigner::new(key)?.sign_sha256(message)
            },
        },)*]
    };
}

const BACKENDS: &[Backend] = backends! {
    #[cfg(feature = "aws-lc-rs")]
    "aws-lc-rs": ring_api::aws_lc_rs,
    #[cfg(feature = "ring")]
    "ring": ring_api::ring,
    #[cfg(feature = "rust-crypto")]
    "rust-crypto": rust_crypto,
};

/// One stanza of a file of vectors.
struct Case<'a> {
    why: &'a str,
    fields: Vec<(&'a str, &'a str)>,
}

impl<'a> Case<'a> {
    fn take(&mut self, key: &str) -> Option<&'a str> {
        let index = self.fields.iter().position(|(name, _)| *name == key)?;
        Some(self.fields.swap_remove(index).1)
    }

    fn text(&mut self, key: &str) -> &'a str {
        self.take(key).unwrap_or_else(|| panic!("{}: no {key}", self.why))
    }

    fn octets(&mut self, key: &str) -> Vec<u8> {
        hex(self.text(key))
    }

    fn number<T: std::str::FromStr<Err: std::fmt::Debug>>(&mut self, key: &str) -> Option<T> {
        self.take(key).map(|value| value.parse().unwrap())
    }

    fn result(&mut self) -> &'a str {
        self.text("Result")
    }
}

/// Runs each stanza; fails on one without a reason, and on a key that `run` did not take.
fn for_each_case(vectors: &str, mut run: impl FnMut(&mut Case<'_>)) {
    let mut ran = false;
    for stanza in vectors.split("\n\n") {
        let mut case = Case { why: "", fields: Vec::new() };
        for line in stanza.lines() {
            match line.strip_prefix('#') {
                Some(why) => case.why = why.trim(),
                None => {
                    let (key, value) = line.split_once('=').expect(line);
                    case.fields.push((key.trim(), value.trim()));
                }
            }
        }
        if case.fields.is_empty() {
            continue;
        }
        assert!(!case.why.is_empty(), "no reason: {stanza}");
        run(&mut case);
        assert!(case.fields.is_empty(), "{}: {:?}", case.why, case.fields);
        ran = true;
    }
    assert!(ran, "no case");
}

fn hex(text: &str) -> Vec<u8> {
    assert_eq!(text.len() % 2, 0, "{text}");
    text.as_bytes()
        .chunks(2)
        .map(|digits| u8::from_str_radix(str::from_utf8(digits).unwrap(), 16).expect(text))
        .collect()
}

/// The name of the error's variant.
fn variant(error: &KeyEncodingError) -> String {
    let debug = format!("{error:?}");
    debug.split([' ', '{']).next().unwrap().to_owned()
}

macro_rules! vectors {
    ($file:literal) => {
        include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/test-vectors/crypto/", $file))
    };
}

mod private_keys;

#[test]
fn rsa_keys() {
    for_each_case(vectors!("rsa_keys.txt"), |case| {
        let key = case.octets("Key");
        let default = RsaLimits::default();
        let limits = RsaLimits {
            minimum_bits: case.number("Minimum").unwrap_or(default.minimum_bits),
            maximum_bits: case.number("Maximum").unwrap_or(default.maximum_bits),
        };
        let (bits, offset) = (case.number("Bits"), case.number("Offset"));
        let result = case.result();
        match RsaPublicKey::from_der(&key, &limits) {
            Ok(key) => {
                assert_eq!(result, "pass", "{}", case.why);
                assert_eq!(Some(key.bits()), bits, "{}", case.why);
            }
            Err(error) => {
                assert_eq!(result, variant(&error), "{}: {error}", case.why);
                match error {
                    KeyEncodingError::Der { offset: found, .. } => {
                        assert_eq!(Some(found), offset, "{}: {error}", case.why);
                    }
                    KeyEncodingError::TooLong { bits: found, .. }
                    | KeyEncodingError::TooShort { bits: found, .. } => {
                        assert_eq!(Some(found), bits, "{}: {error}", case.why);
                    }
                    _ => assert_eq!((bits, offset), (None, None), "{}", case.why),
                }
            }
        }
    });
}

#[test]
fn rsa_signatures() {
    let limits = RsaLimits { maximum_bits: 8192, ..RsaLimits::default() };
    for_each_case(vectors!("rsa_signatures.txt"), |case| {
        let key = case.octets("Key");
        let key = RsaPublicKey::from_der(&key, &limits).unwrap();
        let (message, signature) = (case.octets("Message"), case.octets("Signature"));
        let pass = case.result() == "pass";
        assert_eq!(key.verify_sha256(&message, &signature), pass, "{}", case.why);
        for backend in BACKENDS {
            let Backend { name, verify_rsa_sha256: verify, .. } = backend;
            let verdict = key.verify_by(*verify, &message, &signature);
            assert_eq!(verdict, pass, "{name}: {}", case.why);
            // The facade's checks of length and range hide no difference between backends.
            let verdict = verify(key.modulus(), key.exponent(), &message, &signature);
            assert_eq!(verdict, pass, "{name} by itself: {}", case.why);
        }
    });
}

#[test]
fn facade_decides_length_and_range() {
    for_each_case(vectors!("rsa_signatures.txt"), |case| {
        let key = case.octets("Key");
        case.fields.clear();
        let Ok(key) = RsaPublicKey::from_der(&key, &RsaLimits::default()) else {
            return;
        };
        let accept = |_: &[u8], _: &[u8], _: &[u8], _: &[u8]| true;
        let length = key.modulus().len();
        let mut below = key.modulus().to_vec();
        below[length - 1] -= 1;
        assert!(key.verify_by(accept, b"", &below));
        assert!(!key.verify_by(accept, b"", key.modulus()));
        assert!(!key.verify_by(accept, b"", &vec![0xff; length]));
        assert!(!key.verify_by(accept, b"", &vec![0; length - 1]));
        assert!(!key.verify_by(accept, b"", &vec![0; length + 1]));
        assert!(!key.verify_by(accept, b"", b""));
    });
}

#[test]
fn ed25519() {
    for_each_case(vectors!("ed25519.txt"), |case| {
        let (message, signature) = (case.octets("Message"), case.octets("Signature"));
        let verdict = match Ed25519PublicKey::from_bytes(&case.octets("Key")) {
            Ok(key) if key.verify(&message, &signature) => "pass".to_owned(),
            Ok(_) => "fail".to_owned(),
            Err(error) => variant(&error),
        };
        assert_eq!(verdict, case.result(), "{}", case.why);
    });
}

#[test]
fn sha256_known_answers() {
    for_each_case(vectors!("sha256.txt"), |case| {
        let message = case.octets("Message");
        let repeat = case.number("Repeat").unwrap_or(1);
        let digest = case.octets("Result");
        let whole = message.repeat(repeat);
        assert_eq!(super::sha256(&whole)[..], digest, "{}", case.why);
        for backend in BACKENDS {
            let name = backend.name;
            assert_eq!((backend.sha256)(&whole)[..], digest, "{name}: {}", case.why);
            let pieces = vec![&message[..]; repeat];
            let by_pieces = (backend.sha256_of_pieces)(&pieces);
            assert_eq!(by_pieces[..], digest, "{name}, pieces: {}", case.why);
        }
    });
}

#[test]
fn sha256_of_any_split() {
    let message: Vec<u8> = (0..=255).cycle().take(200).collect();
    let digest = super::sha256(&message);
    for first in 0..=message.len() {
        for second in (first..=message.len()).step_by(13) {
            let pieces = [&message[..first], &message[first..second], &message[second..]];
            let mut context = Sha256::new();
            pieces.iter().for_each(|piece| context.update(piece));
            assert_eq!(context.finish(), digest, "{first} {second}");
            for backend in BACKENDS {
                let by_pieces = (backend.sha256_of_pieces)(&pieces);
                assert_eq!(by_pieces, digest, "{}: {first} {second}", backend.name);
            }
        }
    }
}

/// The keys of the vectors that pass.
fn good_keys() -> Vec<Vec<u8>> {
    let mut keys = Vec::new();
    for_each_case(vectors!("rsa_keys.txt"), |case| {
        if case.result() == "pass" && case.take("Maximum").is_none() {
            keys.push(case.octets("Key"));
        }
        case.fields.clear();
    });
    keys
}

#[test]
fn no_prefix_and_no_extension_of_a_key_is_a_key() {
    let limits = RsaLimits::default();
    for key in good_keys() {
        for length in 0..key.len() {
            let error = RsaPublicKey::from_der(&key[..length], &limits).unwrap_err();
            assert_eq!(variant(&error), "Der", "{length}");
        }
        for octet in 0..=255 {
            let mut key = key.clone();
            key.push(octet);
            let offset = key.len() - 1;
            assert_eq!(
                RsaPublicKey::from_der(&key, &limits).unwrap_err(),
                KeyEncodingError::Der {
                    offset,
                    found: Some(octet),
                    expected: "the end of the key"
                }
            );
        }
    }
}

#[test]
fn no_two_encodings_are_one_key() {
    let numbers = |key: &RsaPublicKey<'_>| (key.modulus().to_vec(), key.exponent().to_vec());
    let limits = RsaLimits::default();
    for key in good_keys() {
        let parsed = RsaPublicKey::from_der(&key, &limits).unwrap();
        for at in 0..key.len() {
            for bit in 0..8 {
                let mut changed = key.clone();
                changed[at] ^= 1 << bit;
                if let Ok(changed) = RsaPublicKey::from_der(&changed, &limits) {
                    assert_ne!(numbers(&changed), numbers(&parsed), "octet {at}, bit {bit}");
                }
            }
        }
    }
}

#[test]
fn debug_shows_no_more_than_it_must() {
    assert_eq!(format!("{:?}", Sha256::new()), "Sha256 { .. }");
    let key = &good_keys()[0];
    let key = RsaPublicKey::from_der(key, &RsaLimits::default()).unwrap();
    assert_eq!(format!("{key:?}"), "RsaPublicKey { bits: 1024, exponent: [1, 0, 1], .. }");
}

#[test]
fn messages_name_what_was_found_where_and_what_was_expected() {
    let message =
        |der: &[u8]| RsaPublicKey::from_der(der, &RsaLimits::default()).unwrap_err().to_string();
    assert_eq!(message(b""), "octet 0 of the key is missing, expected a SEQUENCE (0x30)");
    assert_eq!(message(b"MIG"), "octet 0 of the key is 0x4d, expected a SEQUENCE (0x30)");
    assert_eq!(
        message(b"\x30\x06\x02\x01\x05\x02\x01\x03"),
        "the RSA key has 3 bits, expected at least 1024"
    );
    let texts = [
        (
            KeyEncodingError::Exponent { found: Some(1) },
            "the RSA exponent is 1, expected an odd number from 3 to 8589934591",
        ),
        (
            KeyEncodingError::Exponent { found: None },
            "the RSA exponent is negative or longer than 64 bits, \
             expected an odd number from 3 to 8589934591",
        ),
        (
            KeyEncodingError::NotRsa { algorithm: "id-ecPublicKey" },
            "the key is for id-ecPublicKey, expected rsaEncryption",
        ),
        (
            KeyEncodingError::Ed25519Length { found: 31 },
            "the Ed25519 key has 31 octets, expected 32",
        ),
    ];
    for (error, text) in texts {
        assert_eq!(error.to_string(), text);
    }
}
