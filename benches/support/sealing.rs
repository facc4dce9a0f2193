//! Chains of sets, and what no validator of them can do without.

use bonafide::arc::{self, ArcResult, Event, Sealer, SealingOptions, Sets, Verdict};
use bonafide::authentication_results::{AuthenticationResults, Keyword, MethodResult, Text};
use bonafide::block_on;
use bonafide::dkim::{self, SigningKey};
use bonafide::message::Header;
use bonafide::tag_list::Tags;
use bonafide::{Domain, Selector};

use super::{Body, InMemory, Kind, NOW, RSA_KEY, SHA256, STANDARD, Signed, digest, sign};
use base64::Engine as _;

/// A message with a chain, and all that its floor needs.
pub(crate) struct Sealed {
    signed: Signed,
    /// What the newest message signature and each seal were made over, and what came of it.
    signatures: Vec<(Vec<u8>, Vec<u8>)>,
}

impl Sealed {
    /// A message of 10 KB with so many sets by RSA-2048.
    pub(crate) fn new(sets: usize) -> Self {
        let mut signed = sign(Kind::Rsa2048, &Body::Prose.generate(10 << 10));
        let key = SigningKey::from_pem(RSA_KEY.as_bytes()).unwrap();
        let domain = Domain::parse(b"lists.example.net").unwrap();
        let selector = Selector::parse(b"2026").unwrap();
        let sealer = Sealer::new(domain, selector, key, SealingOptions::default()).unwrap();
        for _ in 0..sets {
            let mut results = AuthenticationResults::new(Text::parse(b"mx.example.net").unwrap());
            results.results.push(MethodResult::new(Keyword::DMARC, Keyword::PASS));
            let chain = validate(&signed.message, &signed.key, false);
            let set = sealer.seal(&signed.message, results, &chain, NOW).unwrap();
            signed.message.splice(..0, set.into_bytes());
        }
        let traced = validate(&signed.message, &signed.key, true);
        assert_eq!((traced.result, usize::from(traced.instances)), (ArcResult::Pass, sets));
        let canonical = traced.trace.unwrap().into_iter().filter_map(|event| match event {
            Event::Step { event: dkim::Event::SignedHeader { canonical, .. }, .. } => {
                Some(canonical)
            }
            _ => None,
        });
        let collected = Sets::collect(&Header::parse(&signed.message)).check().unwrap();
        let newest = signature(collected[sets - 1].message_signature.value());
        let seals = collected.iter().rev().map(|set| set.seal.signature.clone());
        let signatures = canonical.zip(std::iter::once(newest).chain(seals)).collect();
        Self { signatures, signed }
    }

    /// The hash of the canonical body, and the check of the newest message signature and of each seal.
    pub(crate) fn floor(&self) -> bool {
        std::hint::black_box(digest(&SHA256, &self.signed.canonical_body));
        self.signatures.iter().all(|(canonical, signature)| self.signed.check(canonical, signature))
    }

    /// The whole validation, parse and all, from a TXT answer in memory.
    pub(crate) fn validate(&self) -> Verdict {
        validate(&self.signed.message, &self.signed.key, false)
    }
}

fn signature(value: &[u8]) -> Vec<u8> {
    let tag = Tags::new(value).map(Result::unwrap).find(|tag| tag.name == b"b").unwrap();
    let base64: Vec<u8> = tag.value.iter().copied().filter(|o| !o.is_ascii_whitespace()).collect();
    STANDARD.decode(base64).unwrap()
}

fn validate(message: &[u8], key: &InMemory, trace: bool) -> Verdict {
    let mut options = arc::Options::default();
    options.signatures.trace = trace;
    block_on(arc::verify(message, &options, key, NOW))
}
