//! The verifier: header, keys, body, verdicts; RFC 6376 section 6.

use std::ops::Range;
use std::sync::Arc;

use super::body_hash::{BodyHash, BodyHashRequest, BodyHasher, BodyHashes};
use super::key::KeyRecord;
use super::keys::{ForeignKeys, Keys, key_question, shared};
use super::options::{Limits, Options};
use super::public_key::{KeyError, PublicKey, check_use, select_key};
use super::select::Selector;
use super::signature::{Algorithm, Signature, SignatureField, SignatureTags};
use super::trace::Event;
use super::verdict::{Cause, DkimResult, Verdict};
use crate::dns::{LookupError, Question, Reply, Resolver};
use crate::domain::Domain;
use crate::message::{Field, Header};
use crate::time::UnixTime;

/// Verifies all signatures of a message that is in memory.
///
/// One [`Verdict`] for each DKIM-Signature field, from the top of the header; none for a message
/// without signatures.
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use bonafide::dkim::{self, DkimResult};
/// use bonafide::{UnixTime, dns::Zone};
///
/// let zone = Zone::parse(include_bytes!("../../test-vectors/dkim/rfc8463.zone"))?;
/// let message = include_bytes!("../../test-vectors/dkim/rfc8463.eml");
/// let options = dkim::Options::default();
/// let verdicts = bonafide::block_on(dkim::verify(message, &options, &zone, UnixTime(1528637909)));
/// assert_eq!(verdicts.len(), 2);
/// assert!(verdicts.iter().all(|verdict| verdict.result == DkimResult::Pass));
/// # Ok(())
/// # }
/// ```
pub async fn verify<R: Resolver>(
    message: &[u8],
    options: &Options,
    resolver: &R,
    now: UnixTime,
) -> Vec<Verdict> {
    let header = Header::parse(message);
    let mut verifier = Verifier::new(&header, options, now);
    let keys = verifier.keys(resolver).await;
    verifier.body(header.body());
    let bodies = verifier.take_bodies();
    verifier.conclude(&keys, &bodies)
}

/// Verifies the signatures of a message as it arrives: the header first, then the body in chunks.
///
/// All that the DNS must answer is known after the header, so [`Verifier::keys`] may run while the
/// body is still arriving. The body is hashed once for each canonicalization in use, at most
/// twice; memory does not grow with it.
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use bonafide::{UnixTime, dkim, dns::Zone, message::Header};
///
/// let zone = Zone::parse(include_bytes!("../../test-vectors/dkim/rfc8463.zone"))?;
/// let message = include_bytes!("../../test-vectors/dkim/rfc8463.eml");
/// let header = Header::parse(message);
/// let mut verifier = dkim::Verifier::new(&header, &dkim::Options::default(), UnixTime(1528637909));
/// let keys = verifier.keys(&zone); // spawn it, or await it now or later
/// for chunk in header.body().chunks(4096) {
///     verifier.body(chunk);
/// }
/// let verdicts = verifier.finish(bonafide::block_on(keys))?;
/// assert_eq!(verdicts[0].domain.as_ref().unwrap().as_str(), "football.example.com");
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Verifier {
    verdicts: Vec<Verdict>,
    /// The signatures that are not decided yet.
    checks: Vec<Check>,
    /// What the signatures were made over, one after the other.
    signed_headers: Vec<u8>,
    questions: Arc<[Question]>,
    body: BodyHasher,
    options: Options,
}

/// What is left to do for a signature once its key and the body are there.
#[derive(Debug)]
struct Check {
    /// Which of the verdicts it decides.
    verdict: usize,
    algorithm: Algorithm,
    /// Where in `signed_headers` the octets stand that the signature was made over.
    signed_header: Range<usize>,
    body: BodyHashRequest,
    body_hash: [u8; 32],
    /// Which of the questions asks for its key.
    question: usize,
}

impl Verifier {
    /// Reads the signatures of a header. Nothing is borrowed from it.
    pub fn new(header: &Header<'_>, options: &Options, now: UnixTime) -> Self {
        let fields = header.fields_named("DKIM-Signature");
        Self::read(header, fields, SignatureField::DkimSignature, options, now)
    }

    /// As [`Verifier::new`], for signatures of a kind in the fields at given places.
    pub(crate) fn read<'a>(
        header: &Header<'a>,
        fields: impl Iterator<Item = (usize, Field<'a>)>,
        kind: SignatureField,
        options: &Options,
        now: UnixTime,
    ) -> Self {
        let mut fields = fields.peekable();
        // A message without signatures costs no allocation, and one with a single signature no more than it needs.
        let expected = usize::from(fields.peek().is_some());
        let mut verdicts = Vec::with_capacity(expected);
        let mut reader = Reader::new(header, options, now, expected);
        for (position, field) in fields {
            let number = verdicts.len();
            verdicts.push(Verdict::new(position, options.trace));
            if let Some(verdict) = verdicts.last_mut() {
                reader.read(kind, field.value(), number, verdict);
            }
        }
        Self {
            body: BodyHasher::new(reader.checks.iter().map(|check| check.body)),
            verdicts,
            checks: reader.checks,
            signed_headers: reader.signed_headers,
            questions: shared(reader.questions),
            options: options.clone(),
        }
    }

    /// Asks for the keys of all signatures, each once and all at the same time.
    ///
    /// The future borrows nothing from the verifier and may run while the body arrives.
    pub fn keys<R: Resolver>(&self, resolver: R) -> impl Future<Output = Keys> + Send + use<R> {
        Keys::fetch(Arc::clone(&self.questions), resolver)
    }

    /// What [`Verifier::keys`] asks.
    pub(crate) fn questions(&self) -> Arc<[Question]> {
        Arc::clone(&self.questions)
    }

    /// The d= of the signatures that are evaluated.
    pub(crate) fn domains(&self) -> impl Iterator<Item = &Domain> {
        let open = self.checks.iter().filter_map(|check| self.verdicts.get(check.verdict));
        open.filter_map(|verdict| verdict.domain.as_ref())
    }

    /// The next octets of the body as received, in any split.
    pub fn body(&mut self, chunk: &[u8]) {
        self.body.write(chunk);
    }

    /// The verdicts, in the order of the header.
    ///
    /// # Errors
    ///
    /// [`ForeignKeys`] when the keys were not fetched by this verifier.
    #[inline]
    pub fn finish(mut self, keys: Keys) -> Result<Vec<Verdict>, ForeignKeys> {
        keys.answer(&self.questions)?;
        let bodies = self.take_bodies();
        Ok(self.conclude(&keys, &bodies))
    }

    /// As [`Verifier::finish`], with the hashes of the body for whoever shares them.
    ///
    /// # Errors
    ///
    /// As [`Verifier::finish`].
    pub fn finish_with_bodies(
        mut self,
        keys: Keys,
    ) -> Result<(Vec<Verdict>, BodyHashes), ForeignKeys> {
        keys.answer(&self.questions)?;
        let bodies = self.take_bodies();
        Ok((self.conclude(&keys, &bodies), bodies))
    }

    /// Takes out the verdicts, for keys that are known to be this verifier's own.
    pub(crate) fn conclude(&mut self, keys: &Keys, bodies: &BodyHashes) -> Vec<Verdict> {
        for check in std::mem::take(&mut self.checks) {
            self.decide(&check, keys, bodies);
        }
        std::mem::take(&mut self.verdicts)
    }

    fn decide(&mut self, check: &Check, keys: &Keys, bodies: &BodyHashes) {
        let Some(verdict) = self.verdicts.get_mut(check.verdict) else { return };
        let body = bodies.get(check.body);
        let header = self.signed_headers.get(check.signed_header.clone()).unwrap_or_default();
        let outcome = keys.get(check.question).and_then(|(question, reply)| {
            check.conclude(question, reply, body, header, &self.options, verdict)
        });
        match outcome {
            Ok(()) => verdict.result = DkimResult::Pass,
            Err(cause) => verdict.stop(cause),
        }
    }

    /// Ends the body.
    pub(crate) fn take_bodies(&mut self) -> BodyHashes {
        std::mem::take(&mut self.body).finish()
    }

    /// Leaves the body to another verifier, which hashes it for both.
    #[cfg(feature = "arc")]
    pub(crate) fn leave_body_to(&mut self, other: &mut Self) {
        other.body.request(self.checks.iter().map(|check| check.body));
        self.body = BodyHasher::default();
    }

    /// What of one signature is known before its key and the body.
    #[cfg(feature = "arc")]
    pub(crate) fn preliminary(&self, signature: usize) -> Option<&Verdict> {
        self.verdicts.get(signature)
    }

    /// Takes out the verdict on one signature.
    #[cfg(feature = "arc")]
    pub(crate) fn conclude_one(
        &mut self,
        signature: usize,
        keys: &Keys,
        bodies: &BodyHashes,
    ) -> Option<Verdict> {
        if let Some(open) = self.checks.iter().position(|check| check.verdict == signature) {
            let check = self.checks.swap_remove(open);
            self.decide(&check, keys, bodies);
        }
        let verdict = self.verdicts.get_mut(signature)?;
        let taken = Verdict::new(verdict.position, false);
        Some(std::mem::replace(verdict, taken))
    }
}

/// Octets of the header that most signatures cover at most: it may be far longer, and each of them would
/// have room for all of it.
const COVERED: usize = 1000;

/// Reads the signatures of one header.
struct Reader<'h, 'a> {
    header: &'h Header<'a>,
    options: &'h Options,
    now: UnixTime,
    selector: Option<Selector<'h, 'a>>,
    /// One for each signature that was admitted.
    checks: Vec<Check>,
    questions: Vec<Question>,
    signed_headers: Vec<u8>,
}

impl<'h, 'a> Reader<'h, 'a> {
    fn new(header: &'h Header<'a>, options: &'h Options, now: UnixTime, expected: usize) -> Self {
        Self {
            header,
            options,
            now,
            selector: None,
            checks: Vec::with_capacity(expected),
            questions: Vec::with_capacity(expected),
            signed_headers: Vec::new(),
        }
    }

    /// Reads one signature and decides all that can be, in the verdict of this number.
    fn read(&mut self, kind: SignatureField, value: &[u8], number: usize, verdict: &mut Verdict) {
        let tags = SignatureTags::read(value);
        match tags.interpret(kind) {
            Ok(signature) => {
                verdict.note(|| Event::Signature { tags: kind.describe(&signature) });
                match self.admit(&signature) {
                    Ok(question) => {
                        self.prepare(&signature, tags.signature_span(), number, question, verdict);
                    }
                    Err(cause) => verdict.stop(cause),
                }
                verdict.adopt(signature);
            }
            Err(error) => verdict.reject(&tags, error),
        }
    }

    /// Which question asks for the key of a signature; or why it is not to be evaluated at all.
    fn admit(&mut self, signature: &Signature<'_>) -> Result<usize, Cause> {
        let (now, skew) = (self.now, self.options.clock_skew);
        if let Some(expiration) = signature.expiration
            && now.0 > expiration.0.saturating_add(skew)
        {
            return Err(Cause::Expired { expiration, now });
        }
        if let Some(timestamp) = signature.timestamp
            && timestamp.0 > now.0.saturating_add(skew)
        {
            return Err(Cause::NotYetMade { timestamp, now });
        }
        let question = key_question(&signature.selector, &signature.domain)?;
        let limits = &self.options.limits;
        let (octets, fields) = (self.header.as_bytes().len(), self.header.fields().len());
        if octets > limits.header_octets || fields > limits.header_fields {
            return Err(Cause::HeaderLimit { octets, fields });
        }
        if self.checks.len() >= limits.signatures {
            return Err(Cause::SignatureLimit { limit: limits.signatures });
        }
        let known = self.questions.iter().position(|known| *known == question);
        Ok(known.unwrap_or_else(|| {
            self.questions.push(question);
            self.questions.len().saturating_sub(1)
        }))
    }

    fn prepare(
        &mut self,
        signature: &Signature<'_>,
        hole: Range<usize>,
        number: usize,
        question: usize,
        verdict: &mut Verdict,
    ) {
        let header = self.header;
        let selector = self.selector.get_or_insert_with(|| Selector::new(header));
        let start = self.signed_headers.len();
        self.signed_headers.reserve(header.as_bytes().len().min(COVERED));
        selector.select(signature, hole, verdict, &mut self.signed_headers);
        let signed_header = start..self.signed_headers.len();
        verdict.note(|| Event::SignedHeader {
            canonicalization: signature.header_canonicalization,
            canonical: self.signed_headers.get(signed_header.clone()).unwrap_or_default().to_vec(),
        });
        let body = BodyHashRequest {
            canonicalization: signature.body_canonicalization,
            length: signature.body_length,
        };
        let (algorithm, body_hash) = (signature.algorithm, signature.body_hash);
        let verdict = number;
        self.checks.push(Check { verdict, algorithm, signed_header, body, body_hash, question });
    }
}

/// The key record that came back.
pub(crate) fn key_record<'r>(
    question: &Question,
    reply: &'r Reply,
    limits: &Limits,
    verdict: &mut Verdict,
) -> Result<KeyRecord<'r>, Cause> {
    #[cold]
    fn failed(question: &Question, error: &LookupError) -> Cause {
        Cause::Lookup { question: question.clone().into(), error: error.clone() }
    }
    verdict.note(|| Event::KeyLookup { question: question.clone().into(), reply: reply.clone() });
    let answer = reply.as_ref().map_err(|error| failed(question, error))?;
    select_key(question, answer, limits, verdict)
}

/// The key in a record.
pub(crate) fn public_key<'r>(
    record: &'r KeyRecord<'_>,
    limits: &Limits,
    verdict: &mut Verdict,
) -> Result<PublicKey<'r>, Cause> {
    let key = PublicKey::read(record, limits)?;
    let bits = key.bits();
    verdict.key_bits = Some(bits);
    verdict.note(|| Event::Key { record: record.to_string().replace("\r\n", ""), bits });
    Ok(key)
}

impl Check {
    fn conclude(
        &self,
        question: &Question,
        reply: &Reply,
        body: BodyHash,
        signed_header: &[u8],
        options: &Options,
        verdict: &mut Verdict,
    ) -> Result<(), Cause> {
        let record = key_record(question, reply, &options.limits, verdict)?;
        self.check_record(&record, verdict)?;
        let key = public_key(&record, &options.limits, verdict)?;
        let body_outcome = self.check_body(body, verdict);
        if verdict.trace.is_none() {
            body_outcome.clone()?;
        }
        // A changed body decides already; a trace tells whether the header is as signed all the same.
        let verified = key.verify(signed_header, &verdict.signature);
        verdict.note(|| Event::SignatureCheck { verified });
        body_outcome?;
        if !verified {
            return Err(Cause::SignatureMismatch);
        }
        match verdict.unsigned_body_octets {
            octets if octets > 0 && !options.accept_unsigned_body => {
                Err(Cause::UnsignedBody { octets })
            }
            _ => Ok(()),
        }
    }

    /// Whether a record's key may be used for the signature, RFC 6376 section 6.1.2.
    fn check_record(&self, record: &KeyRecord<'_>, verdict: &mut Verdict) -> Result<(), KeyError> {
        verdict.testing = record.testing;
        check_use(record, self.algorithm)?;
        if record.strict
            && let Some(identity) = &verdict.identity
            && verdict.domain.as_ref() != Some(&identity.domain)
        {
            return Err(KeyError::Strict);
        }
        Ok(())
    }

    fn check_body(&self, body: BodyHash, verdict: &mut Verdict) -> Result<(), Cause> {
        let length = body.body_length;
        let signed = self.body.length.unwrap_or(length);
        let (canonicalization, expected) = (self.body.canonicalization, self.body_hash);
        verdict.note(|| {
            let found = body.hash;
            Event::BodyHash { canonicalization, signed, length, expected, found }
        });
        let Some(found) = body.hash else {
            return Err(Cause::BodyTooShort { signed, found: length });
        };
        verdict.unsigned_body_octets = length.saturating_sub(signed);
        if found != expected {
            return Err(Cause::BodyHash { expected, found });
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
