//! Sealing of messages, RFC 8617 section 5.1.

use bonafide::arc::{
    self, ArcResult, AuthresPayload, Cause, Sealer, SealingError, SealingOptions, StructureError,
    Verdict,
};
use bonafide::authentication_results::{AuthenticationResults, Text};
use bonafide::canonicalization::Canonicalization;
use bonafide::dkim::{SigningKey, TagLayout};
use bonafide::dns::Zone;
use bonafide::message::Header;
use bonafide::{Domain, Selector, UnixTime, block_on};

use super::Choices;

const NOW: UnixTime = UnixTime(1_795_478_400);
const SELECTOR: &[u8] = b"sel";
const DOMAIN: &[u8] = b"lists.example";
const ID: &str = "mx.example";

/// A message with no chain or a whole one validates once it is sealed, in whatever chunks it came. One
/// with a broken chain is sealed to say so, fails from then on, and is not sealed again. What is refused
/// has the reason that is named. A set is three fields with short lines, and the results in it read back.
pub fn holds(input: &[u8]) {
    let case = Case::read(input);
    let sealer = sealer(case.options.clone());
    let message = case.message(&sealer);
    let chain = verify(&message);
    let sealed = seal(&sealer, &message, &chain);
    assert_eq!(case.in_chunks(&sealer, &message, &chain), sealed);
    match sealed {
        Ok(set) => {
            check_set(&set, &message, &chain);
            let sealed = [set.as_bytes(), &message].concat();
            let verdict = verify(&sealed);
            check_verdict(&chain, &verdict);
            if verdict.result == ArcResult::Fail {
                let again = seal(&sealer, &sealed, &verdict);
                assert!(matches!(again, Err(SealingError::AlreadyFailed { .. })), "{again:?}");
            }
        }
        Err(error) => check_refused(&message, &chain, &error),
    }
}

/// A message, those who sealed it before, and what became of it since.
pub struct Case<'a> {
    pub options: SealingOptions,
    chunk: usize,
    hops: u8,
    /// Where of 256 equal parts of the message an octet is put in place of another; 0 for nowhere.
    place: u8,
    octet: u8,
    message: &'a [u8],
}

impl<'a> Case<'a> {
    /// An octet each of options, for the length of chunks, for the number of hops, for the place of the
    /// change and for the octet there, and then the message.
    pub fn read(input: &'a [u8]) -> Self {
        let mut choices = Choices::new(input);
        let bits = choices.octet();
        let canonicalization = |is_simple| {
            if is_simple { Canonicalization::Simple } else { Canonicalization::Relaxed }
        };
        let mut options = SealingOptions::default();
        options.header_canonicalization = canonicalization(bits & 1 != 0);
        options.body_canonicalization = canonicalization(bits & 2 != 0);
        options.long_lines = bits & 4 != 0;
        options.eight_bit = bits & 8 == 0;
        options.layout = if bits & 16 != 0 { TagLayout::Sorted } else { TagLayout::Conventional };
        Self {
            options,
            chunk: usize::from(choices.octet()).max(1),
            hops: choices.octet() % 4,
            place: choices.octet(),
            octet: choices.octet(),
            message: choices.rest(),
        }
    }

    /// The message as it comes.
    pub fn message(&self, sealer: &Sealer) -> Vec<u8> {
        let mut message = self.message.to_vec();
        for _ in 0..self.hops {
            let Ok(set) = seal(sealer, &message, &verify(&message)) else { break };
            message.splice(..0, set.into_bytes());
        }
        let at = message.len() * usize::from(self.place) / 256;
        if let Some(octet) = message.get_mut(at).filter(|_| self.place > 0) {
            *octet = self.octet;
        }
        message
    }

    fn in_chunks(
        &self,
        sealer: &Sealer,
        message: &[u8],
        chain: &Verdict,
    ) -> Result<String, SealingError> {
        let header = Header::parse(message);
        let mut sealing = sealer.start(&header, payload(&header), chain, NOW)?;
        header.body().chunks(self.chunk).for_each(|chunk| sealing.body(chunk));
        sealing.finish()
    }
}

fn key() -> SigningKey {
    SigningKey::from_ed25519_seed(&[7; 32]).expect("every seed is a key")
}

pub fn sealer(options: SealingOptions) -> Sealer {
    let domain = Domain::parse(DOMAIN).expect("a domain");
    let selector = Selector::parse(SELECTOR).expect("a selector");
    Sealer::new(domain, selector, key(), options).expect("the options are good")
}

pub fn seal(sealer: &Sealer, message: &[u8], chain: &Verdict) -> Result<String, SealingError> {
    sealer.seal(message, payload(&Header::parse(message)), chain, NOW)
}

fn payload(header: &Header<'_>) -> AuthresPayload {
    AuthresPayload::from_header(header, ID).unwrap_or_else(|| {
        AuthenticationResults::new(Text::parse(ID.as_bytes()).expect("a text")).into()
    })
}

pub fn verify(message: &[u8]) -> Verdict {
    let domain = Domain::parse(DOMAIN).expect("a domain");
    let selector = Selector::parse(SELECTOR).expect("a selector");
    let line = key().record().zone_line(&selector, &domain).replace(" IN ", " ");
    let zone = Zone::parse(line.as_bytes()).expect("a zone");
    let mut options = arc::Options::default();
    options.signatures.limits.header_octets = usize::MAX;
    block_on(arc::verify(message, &options, &zone, NOW))
}

/// Three fields of one instance with short lines, and the results of the message.
pub fn check_set(set: &str, message: &[u8], chain: &Verdict) {
    assert!(set.ends_with("\r\n") && set.split("\r\n").all(|line| line.len() <= 998), "{set}");
    let header = Header::parse(set.as_bytes());
    let names: Vec<_> = header.fields().map(|field| field.name()).collect();
    let expected = [&b"ARC-Seal"[..], b"ARC-Message-Signature", b"ARC-Authentication-Results"];
    assert_eq!(names, expected, "{set}");
    let instance = format!(" i={}; ", chain.instances + 1);
    let results = header.field(2).expect("there are three").value();
    let results = results.strip_prefix(instance.as_bytes()).expect("i= is first");
    let results = AuthenticationResults::parse(results).expect("the payload reads back").results;
    let original = Header::parse(message);
    let own =
        original.fields().filter(|f| f.name().eq_ignore_ascii_case(b"authentication-results"));
    let own = own.filter_map(|field| AuthenticationResults::parse(field.value()).ok());
    let found: usize = own
        .filter(|field| field.is_supported() && field.authserv_id.as_str().eq_ignore_ascii_case(ID))
        .map(|field| field.results.len())
        .sum();
    // A dot at the end or a U-label is another way to write the identifier.
    assert!(results.len() >= found, "{set}");
}

/// The sealed message against the message before.
pub fn check_verdict(before: &Verdict, after: &Verdict) {
    assert_eq!(after.instances, before.instances + 1);
    match before.result {
        ArcResult::None => assert_eq!((before.instances, after.result), (0, ArcResult::Pass)),
        ArcResult::Pass => assert_eq!(after.result, ArcResult::Pass, "{after}"),
        ArcResult::Fail => {
            let instance = after.instances;
            let expected = StructureError::AlreadyFailed { instance };
            assert_eq!(after.cause, Some(Cause::Structure(expected)), "{after}");
        }
    }
}

/// The chain takes no set, or the message must not be signed.
pub fn check_refused(message: &[u8], chain: &Verdict, error: &SealingError) {
    super::check_message(&error.to_string());
    match error {
        SealingError::AlreadyFailed { instance } => {
            let expected = StructureError::AlreadyFailed { instance: *instance };
            assert_eq!(chain.cause, Some(Cause::Structure(expected)));
        }
        SealingError::NoInstance => {
            assert_eq!((chain.result, chain.instances), (ArcResult::Fail, 0));
        }
        SealingError::TooManySets => assert_eq!(chain.instances, arc::MAXIMUM_INSTANCE),
        SealingError::Signing(error) => super::sign::check_refused(message, error),
        other => panic!("{other}"),
    }
}
