//! The verifier of chains: header, keys, body, verdict; RFC 8617 section 5.2.

use std::cell::OnceCell;
use std::ops::Range;
use std::sync::Arc;

use super::set::{ArcField, MAXIMUM_INSTANCE, Seal, Set, Sets};
use super::verdict::{ArcResult, Cause, Event, Verdict};
use crate::canonicalization::{Canonicalization, signature_field, signed_field};
use crate::dkim::keys::{key_question, shared};
use crate::dkim::public_key::{PublicKey, check_use};
use crate::dkim::signature::SignatureField;
use crate::dkim::verify::{key_record, public_key};
use crate::dkim::{self, BodyHashes, DkimResult, ForeignKeys, KeyRecord, Keys};
use crate::dns::{Question, Resolver};
use crate::message::Header;
use crate::time::UnixTime;

/// What a verifier of chains accepts, and what it finds out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Options {
    /// What message signatures and seals are held to, as those of DKIM are;
    /// [`Limits::signatures`](dkim::Limits::signatures) does not count, since a chain has its own limit.
    pub signatures: dkim::Options,
    /// Whether it is found out which older sets the message still is as signed in; off by default, since
    /// each may cost another signature check.
    pub oldest_pass: bool,
}

/// Verifies the chain of a message that is in memory.
///
/// ```
/// use bonafide::arc::{self, ArcResult};
/// use bonafide::{UnixTime, dns::Zone};
///
/// let message = b"From: a@example.com\r\n\r\n";
/// let options = arc::Options::default();
/// let verdict = bonafide::block_on(arc::verify(message, &options, &Zone::default(), UnixTime(0)));
/// assert_eq!(verdict.result, ArcResult::None);
/// ```
pub async fn verify<R: Resolver>(
    message: &[u8],
    options: &Options,
    resolver: &R,
    now: UnixTime,
) -> Verdict {
    let header = Header::parse(message);
    let mut verifier = Verifier::new(&header, options, now);
    let keys = verifier.keys(resolver).await;
    verifier.body(header.body());
    let bodies = verifier.signatures.take_bodies();
    verifier.conclude(&keys, &bodies)
}

/// Verifies the chain of a message as it arrives: the header first, then the body in chunks.
///
/// What is wrong with the structure of the sets is known after the header; then no key is asked for.
#[derive(Debug)]
pub struct Verifier {
    verdict: Verdict,
    /// The message signatures that are to be checked, the newest first.
    signatures: dkim::Verifier,
    /// From instance 1 on; empty if the verdict is known.
    seals: Vec<SealCheck>,
    /// The sets as seals cover them, canonical, up to the newest message signature.
    sets: Vec<u8>,
    /// The seals without their signatures, canonical, one after the other.
    stripped: Vec<u8>,
    questions: Arc<[Question]>,
    options: Options,
}

/// What is left to do for a seal once its key is there.
#[derive(Debug)]
struct SealCheck {
    seal: Seal,
    position: usize,
    /// Octets of `sets` that it covers before its own field.
    covered: usize,
    /// Its own field in `stripped`.
    own: Range<usize>,
    question: usize,
}

impl Verifier {
    /// Reads the sets of a header. Nothing is borrowed from it.
    pub fn new(header: &Header<'_>, options: &Options, now: UnixTime) -> Self {
        Self::read(header, &Sets::collect(header), options, now)
    }

    /// As [`Verifier::new`]; `None` for a message without any ARC field, which most are.
    pub(crate) fn of_chain(header: &Header<'_>, options: &Options, now: UnixTime) -> Option<Self> {
        let sets = Sets::collect(header);
        (!sets.is_empty()).then(|| Self::read(header, &sets, options, now))
    }

    fn read(header: &Header<'_>, collected: &Sets<'_>, options: &Options, now: UnixTime) -> Self {
        let mut verdict = Verdict::new(options.signatures.trace);
        verdict.instances = collected.highest_instance().unwrap_or_default();
        verdict.sealers = collected.sealers().collect();
        let sets = match collected.check() {
            Ok(sets) => sets,
            Err(error) => {
                verdict.fail(error.into());
                Vec::new()
            }
        };
        verdict.selectors = sets.iter().map(|set| set.seal.selector.clone()).collect();
        verdict.first_results = sets.first().map(|set| set.results().to_vec()).unwrap_or_default();
        let depth = if options.oldest_pass { sets.len() } else { 1 };
        let newest_first = sets.iter().rev().take(depth);
        let mut limits = options.signatures.clone();
        limits.limits.signatures = usize::from(MAXIMUM_INSTANCE);
        let signatures = dkim::Verifier::read(
            header,
            newest_first.map(|set| (set.position, set.message_signature)),
            SignatureField::ArcMessageSignature,
            &limits,
            now,
        );
        let mut verifier = Self {
            verdict,
            signatures,
            seals: Vec::new(),
            sets: Vec::new(),
            stripped: Vec::new(),
            questions: Arc::default(),
            options: options.clone(),
        };
        let mut questions = verifier.signatures.questions().to_vec();
        match verifier.prepare(sets, &mut questions) {
            Ok(()) => verifier.questions = shared(questions),
            Err(cause) => {
                verifier.seals.clear();
                verifier.verdict.fail(cause);
            }
        }
        verifier
    }

    /// Decides what needs no key, keeps what the seals cover, and adds the questions for their keys.
    fn prepare(&mut self, sets: Vec<Set<'_>>, questions: &mut Vec<Question>) -> Result<(), Cause> {
        let Some(newest) = sets.last() else { return Ok(()) };
        let instances = self.verdict.instances;
        self.verdict.note(|| Event::Chain { instances });
        let instance = newest.seal.instance;
        if let Some(preliminary) = self.signatures.preliminary(0) {
            if let Some(cause) = preliminary.cause.clone() {
                return Err(Cause::MessageSignature { instance, cause });
            }
            if covers_seal(preliminary) {
                return Err(Cause::SealCovered { instance });
            }
        }
        for set in sets {
            let instance = set.seal.instance;
            let question = key_question(&set.seal.selector, &set.seal.domain)
                .map_err(|cause| Cause::Seal { instance, cause })?;
            let known = questions.iter().position(|known| *known == question);
            let question = known.unwrap_or_else(|| {
                questions.push(question);
                questions.len().saturating_sub(1)
            });
            // RFC 8617 section 5.1.1
            for field in [&set.authentication_results, &set.message_signature] {
                signed_field(Canonicalization::Relaxed, field, &mut self.sets);
            }
            let covered = self.sets.len();
            let start = self.stripped.len();
            let field = &set.seal_field;
            signature_field(Canonicalization::Relaxed, field, set.hole, &mut self.stripped);
            let own = start..self.stripped.len();
            signed_field(Canonicalization::Relaxed, field, &mut self.sets);
            self.seals.push(SealCheck {
                seal: set.seal,
                position: set.seal_position,
                covered,
                own,
                question,
            });
        }
        Ok(())
    }

    /// Asks for the keys of the newest message signature and of all seals, each once and all at the same
    /// time. A chain whose structure is broken asks for none.
    ///
    /// The future borrows nothing from the verifier and may run while the body arrives.
    pub fn keys<R: Resolver>(&self, resolver: R) -> impl Future<Output = Keys> + Send + use<R> {
        Keys::fetch(Arc::clone(&self.questions), resolver)
    }

    /// Has a verifier of DKIM signatures hash the body for both, before any of it arrives: then
    /// [`Verifier::body`] is not to be called, and [`Verifier::finish_with_bodies`] takes the hashes.
    pub fn leave_body_to(&mut self, dkim: &mut dkim::Verifier) {
        self.signatures.leave_body_to(dkim);
    }

    /// The next octets of the body as received, in any split.
    pub fn body(&mut self, chunk: &[u8]) {
        if !self.seals.is_empty() {
            self.signatures.body(chunk);
        }
    }

    /// The verdict.
    ///
    /// # Errors
    ///
    /// [`ForeignKeys`] when the keys were not fetched by this verifier.
    pub fn finish(mut self, keys: Keys) -> Result<Verdict, ForeignKeys> {
        keys.answer(&self.questions)?;
        let bodies = self.signatures.take_bodies();
        Ok(self.conclude(&keys, &bodies))
    }

    /// As [`Verifier::finish`], with the hashes from the verifier that the body was left to.
    ///
    /// # Errors
    ///
    /// As [`Verifier::finish`].
    pub fn finish_with_bodies(
        self,
        keys: Keys,
        bodies: &BodyHashes,
    ) -> Result<Verdict, ForeignKeys> {
        keys.answer(&self.questions)?;
        Ok(self.conclude(&keys, bodies))
    }

    /// What [`Verifier::keys`] asks.
    pub(crate) fn questions(&self) -> Arc<[Question]> {
        Arc::clone(&self.questions)
    }

    /// As [`Verifier::finish_with_bodies`], for keys that are known to be this verifier's own.
    pub(crate) fn conclude(mut self, keys: &Keys, bodies: &BodyHashes) -> Verdict {
        if !self.seals.is_empty() {
            match self.check(keys, bodies) {
                Ok(()) => self.verdict.result = ArcResult::Pass,
                Err(cause) => {
                    self.verdict.oldest_pass = None;
                    self.verdict.fail(cause);
                }
            }
        }
        self.verdict
    }

    /// RFC 8617 section 5.2, steps 4 to 6.
    fn check(&mut self, keys: &Keys, bodies: &BodyHashes) -> Result<(), Cause> {
        let instance = self.verdict.instances;
        self.check_message_signature(0, instance, keys, bodies)?;
        if self.options.oldest_pass {
            let mut oldest = instance;
            while let Some(older) = oldest.checked_sub(1).filter(|older| *older > 0) {
                let nth = usize::from(instance.saturating_sub(older));
                if self.check_message_signature(nth, older, keys, bodies).is_err() {
                    break;
                }
                oldest = older;
            }
            self.verdict.oldest_pass = Some(if oldest == 1 { 0 } else { oldest });
        }
        let mut input = std::mem::take(&mut self.sets);
        let mut seals = std::mem::take(&mut self.seals);
        seals.reverse();
        for run in seals.chunk_by(SealCheck::is_for_the_key_of) {
            // The key of seals that follow each other is read once, when the first needs it.
            let (record, key) = (OnceCell::new(), OnceCell::new());
            for check in run {
                input.truncate(check.covered);
                input.extend_from_slice(self.stripped.get(check.own.clone()).unwrap_or_default());
                let options = &self.options.signatures;
                let mut steps = dkim::Verdict::new(check.position, options.trace);
                let outcome = check.conclude(&input, keys, (&record, &key), options, &mut steps);
                let instance = check.seal.instance;
                self.verdict.note_all(ArcField::Seal, instance, steps.trace);
                outcome.map_err(|cause| Cause::Seal { instance, cause })?;
            }
        }
        Ok(())
    }

    fn check_message_signature(
        &mut self,
        nth: usize,
        instance: u8,
        keys: &Keys,
        bodies: &BodyHashes,
    ) -> Result<(), Cause> {
        let Some(verdict) = self.signatures.conclude_one(nth, keys, bodies) else {
            return Err(Cause::SealCovered { instance });
        };
        let covers_seal = covers_seal(&verdict);
        self.verdict.note_all(ArcField::MessageSignature, instance, verdict.trace);
        match verdict.cause {
            Some(cause) => Err(Cause::MessageSignature { instance, cause }),
            None if covers_seal => Err(Cause::SealCovered { instance }),
            None if verdict.result == DkimResult::Pass => Ok(()),
            None => {
                Err(Cause::MessageSignature { instance, cause: dkim::Cause::SignatureMismatch })
            }
        }
    }
}

/// RFC 8617 section 4.1.2 forbids signers to cover any ARC field; a seal that is covered would break with
/// the next, the others are tolerated.
fn covers_seal(verdict: &dkim::Verdict) -> bool {
    verdict.signed_fields.contains("arc-seal") || verdict.oversigned_fields.contains("arc-seal")
}

impl SealCheck {
    /// Whether the same key is to be used in the same way.
    fn is_for_the_key_of(&self, other: &Self) -> bool {
        (self.question, self.seal.algorithm) == (other.question, other.seal.algorithm)
    }

    fn conclude<'k>(
        &self,
        input: &[u8],
        keys: &'k Keys,
        read: (&'k OnceCell<KeyRecord<'k>>, &OnceCell<PublicKey<'k>>),
        options: &dkim::Options,
        steps: &mut dkim::Verdict,
    ) -> Result<(), dkim::Cause> {
        steps.note(|| dkim::Event::Signature { tags: self.seal.to_string() });
        steps.note(|| dkim::Event::SignedHeader {
            canonicalization: Canonicalization::Relaxed,
            canonical: input.to_vec(),
        });
        let key = match read.1.get() {
            Some(key) => key,
            None => {
                let (question, reply) = keys.get(self.question)?;
                let record = key_record(question, reply, &options.limits, steps)?;
                let record = read.0.get_or_init(|| record);
                check_use(record, self.seal.algorithm)?;
                let key = public_key(record, &options.limits, steps)?;
                read.1.get_or_init(|| key)
            }
        };
        let verified = key.verify(input, &self.seal.signature);
        steps.note(|| dkim::Event::SignatureCheck { verified });
        if verified { Ok(()) } else { Err(dkim::Cause::SignatureMismatch) }
    }
}
