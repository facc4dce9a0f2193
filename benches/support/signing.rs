//! Messages to sign, and the floor of signing them.

use std::hint::black_box;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bonafide::canonicalization::Canonicalization;
use bonafide::dkim::{self, Event, Signer, SigningKey, SigningOptions};
use bonafide::dns::Zone;
use bonafide::{Domain, Selector};

use super::{ED25519_SEED, FIELDS, Kind, NOW, RSA_KEY, SHA256, backend, canonical_body, digest};

/// A message that is to be signed with one key or several.
pub(crate) struct ToSign {
    message: Vec<u8>,
    signer: Signer,
    canonical_body: Vec<u8>,
    /// The raw keys and the canonical header fields that each signs.
    raw: Vec<(RawKey, Vec<u8>)>,
}

enum RawKey {
    Ed25519(ed25519_dalek::SigningKey),
    Rsa(backend::signature::RsaKeyPair),
}

impl ToSign {
    pub(crate) fn new(kinds: &[Kind], body: &[u8]) -> Self {
        let keys: Vec<_> = kinds
            .iter()
            .map(|kind| (Selector::parse(format!("{kind:?}").as_bytes()).unwrap(), key(*kind)))
            .collect();
        let domain = Domain::parse(b"example.org").unwrap();
        let lines = keys.iter().map(|(selector, key)| {
            key.record().zone_line(selector, &domain).replace(" IN ", " ") + "\n"
        });
        let zone = Zone::parse(lines.collect::<String>().as_bytes()).unwrap();
        let signer = Signer::new(domain, keys, SigningOptions::default()).unwrap();
        let message = [FIELDS.as_bytes(), b"\r\n", body].concat();
        // What each key signs, the verifier's trace tells.
        let signed = [signer.sign(&message, NOW).unwrap().as_bytes(), &message].concat();
        let mut options = dkim::Options::default();
        options.trace = true;
        let verdicts = bonafide::block_on(dkim::verify(&signed, &options, &zone, NOW));
        let inputs = verdicts.into_iter().map(|verdict| {
            assert!(verdict.cause.is_none(), "{verdict}");
            let mut events = verdict.trace.unwrap().into_iter();
            events
                .find_map(|event| match event {
                    Event::SignedHeader { canonical, .. } => Some(canonical),
                    _ => None,
                })
                .unwrap()
        });
        let raw = kinds.iter().map(|kind| raw_key(*kind)).zip(inputs).collect();
        let canonical_body = canonical_body(Canonicalization::Relaxed, body);
        Self { message, signer, canonical_body, raw }
    }

    /// What no signer can do without: the hash of the canonical body and the operations with the
    /// private keys over the canonical header, by the same backend.
    pub(crate) fn floor(&self) {
        black_box(digest(&SHA256, &self.canonical_body));
        self.raw.iter().for_each(|(key, input)| key.sign(input));
    }

    /// The operation with the second private key.
    pub(crate) fn second_raw_signature(&self) {
        let (key, input) = &self.raw[1];
        key.sign(input);
    }

    /// The message before it is signed.
    pub(crate) fn octets(&self) -> &[u8] {
        &self.message
    }

    /// The whole of it: from the message to the field.
    pub(crate) fn sign(&self) -> String {
        self.signer.sign(&self.message, NOW).unwrap()
    }
}

impl RawKey {
    fn sign(&self, input: &[u8]) {
        match self {
            Self::Rsa(pair) => {
                let mut signature = vec![0; 256];
                let random = backend::rand::SystemRandom::new();
                let padding = &backend::signature::RSA_PKCS1_SHA256;
                pair.sign(padding, &random, input, &mut signature).unwrap();
                black_box(signature);
            }
            Self::Ed25519(key) => {
                use ed25519_dalek::Signer as _;
                black_box(key.sign(digest(&SHA256, input).as_ref()));
            }
        }
    }
}

fn seed() -> [u8; 32] {
    STANDARD.decode(ED25519_SEED).unwrap().try_into().unwrap()
}

fn key(kind: Kind) -> SigningKey {
    match kind {
        Kind::Ed25519 => SigningKey::from_ed25519_seed(&seed()),
        Kind::Rsa2048 => SigningKey::from_pem(RSA_KEY.as_bytes()),
    }
    .unwrap()
}

fn raw_key(kind: Kind) -> RawKey {
    match kind {
        Kind::Ed25519 => RawKey::Ed25519(ed25519_dalek::SigningKey::from_bytes(&seed())),
        Kind::Rsa2048 => {
            let lines: String = RSA_KEY.lines().filter(|line| !line.starts_with('-')).collect();
            let der = STANDARD.decode(lines).unwrap();
            RawKey::Rsa(backend::signature::RsaKeyPair::from_pkcs8(&der).unwrap())
        }
    }
}
