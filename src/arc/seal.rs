//! The sealer: header, body, a set to prepend; RFC 8617 section 5.1.

use super::payload::AuthresPayload;
use super::sealing_error::SealingError;
use super::set::{ArcField, ChainValidation, MAXIMUM_INSTANCE, Set, Sets};
use super::verdict::{ArcResult, Verdict};
use crate::canonicalization::{Canonicalization, header_field, signed_field};
use crate::dkim::covered::{Covered, Covering};
use crate::dkim::prepared::Prepared;
use crate::dkim::write::UnsignedField;
use crate::dkim::{FieldsToSign, SigningKey, SigningOptions, SigningRequest, TagLayout};
use crate::domain::{Domain, Selector};
use crate::message::Header;
use crate::tag_list::Base64;
use crate::time::UnixTime;

/// How messages are sealed: what the ARC-Message-Signature covers, and what is not sealed.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SealingOptions {
    /// c= of the message signature, first half; relaxed by default.
    pub header_canonicalization: Canonicalization,
    /// c= of the message signature, second half; relaxed by default.
    pub body_canonicalization: Canonicalization,
    /// Which header fields the message signature covers; by default those that a DKIM signature does, and
    /// every DKIM-Signature ([RFC 8617 section 4.1.2](https://www.rfc-editor.org/rfc/rfc8617#section-4.1.2)).
    pub fields: FieldsToSign,
    /// As [`SigningOptions::minimum_rsa_bits`].
    pub minimum_rsa_bits: u32,
    /// As [`SigningOptions::long_lines`].
    pub long_lines: bool,
    /// As [`SigningOptions::eight_bit`].
    pub eight_bit: bool,
    /// In which order the tags stand. b= is folded only where a line would pass 998 octets, since some
    /// readers trip over white space in what a seal covers.
    pub layout: TagLayout,
}

impl Default for SealingOptions {
    fn default() -> Self {
        let SigningOptions {
            header_canonicalization,
            body_canonicalization,
            mut fields,
            minimum_rsa_bits,
            long_lines,
            eight_bit,
            layout,
            ..
        } = SigningOptions::default();
        if let FieldsToSign::Present { signed, .. } = &mut fields {
            signed.push("DKIM-Signature".to_owned());
        }
        Self {
            header_canonicalization,
            body_canonicalization,
            fields,
            minimum_rsa_bits,
            long_lines,
            eight_bit,
            layout,
        }
    }
}

impl SealingOptions {
    /// Those of the message signature.
    fn signing(self) -> SigningOptions {
        SigningOptions {
            header_canonicalization: self.header_canonicalization,
            body_canonicalization: self.body_canonicalization,
            fields: self.fields,
            minimum_rsa_bits: self.minimum_rsa_bits,
            long_lines: self.long_lines,
            eight_bit: self.eight_bit,
            layout: self.layout,
            ..SigningOptions::default()
        }
    }
}

/// Seals messages in the name of one domain, with one key.
///
/// A sealer is made once and seals any number of messages, from any number of threads. It adds a set to the
/// chain of a message that leaves, whatever was changed of the message since it arrived; it must come after
/// all changes, signatures of DKIM among them
/// ([RFC 8617 section 5.1](https://www.rfc-editor.org/rfc/rfc8617#section-5.1)).
/// It takes
///
/// - the header of the message as it leaves, which holds the chain as it came, and the body;
/// - what was found of the message, as an [`AuthresPayload`] or what turns into one;
/// - what became of the chain when the message arrived: the [`Verdict`] of [`verify()`](super::verify()).
///
/// cv= says what the verdict does. A chain that fails is sealed once more, to say so, with a seal that
/// covers its own set only ([section 5.1.2](https://www.rfc-editor.org/rfc/rfc8617#section-5.1.2)); that
/// is final, so a message whose chain failed for a [temporary](super::Cause::is_temporary) reason is
/// better deferred than sealed. A key for RSA is what every validator takes; few take Ed25519.
///
/// ```
/// use bonafide::arc::{self, ArcResult, Sealer, SealingOptions};
/// use bonafide::authentication_results::{AuthenticationResults, Text};
/// use bonafide::{Domain, Selector, UnixTime, block_on, dkim::SigningKey, dns::Zone};
///
/// let key = SigningKey::from_pem(include_bytes!("../../test-vectors/keys/rsa2048.pem"))?;
/// let (domain, selector) = (Domain::parse(b"lists.example")?, Selector::parse(b"2026a")?);
/// let zone: Zone = key.record().zone_line(&selector, &domain).replace(" IN ", " ").parse()?;
/// let sealer = Sealer::new(domain, selector, key, SealingOptions::default())?;
///
/// let now = UnixTime(1795478400);
/// let received = b"From: joe@example.com\r\nSubject: Dinner\r\n\r\nIs it ready?\r\n";
/// let options = arc::Options::default();
/// let chain = block_on(arc::verify(received, &options, &zone, now));
/// let results = AuthenticationResults::new(Text::parse(b"lists.example")?);
///
/// let leaving = b"From: joe@example.com\r\nSubject: [l] Dinner\r\n\r\nIs it ready?\r\n-- \r\n";
/// let set = sealer.seal(leaving, results, &chain, now)?;
/// assert!(set.starts_with("ARC-Seal: i=1; a=rsa-sha256; cv=none; d=lists.example; s=2026a;"));
///
/// let sealed = [set.as_bytes(), leaving].concat(); // ready to be sent
/// let verdict = block_on(arc::verify(&sealed, &options, &zone, now));
/// assert_eq!((verdict.result, verdict.instances), (ArcResult::Pass, 1));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Sealer {
    domain: Domain,
    selector: Selector,
    key: SigningKey,
    options: SigningOptions,
}

impl Sealer {
    /// A sealer for `domain`, whose key is published at its selector as for DKIM.
    ///
    /// # Errors
    ///
    /// When no set of such a sealer could be good, whatever the message.
    pub fn new(
        domain: Domain,
        selector: Selector,
        key: SigningKey,
        options: SealingOptions,
    ) -> Result<Self, SealingError> {
        let options = options.signing();
        options.check_key(&selector, &key)?;
        options.fields.check()?;
        let mut forbidden =
            ArcField::ALL.iter().map(|field| field.name()).chain(["Authentication-Results"]);
        let names = || options.fields.names();
        let is_signed = |name: &&str| names().any(|other| other.eq_ignore_ascii_case(name));
        if let Some(name) = forbidden.find(is_signed) {
            return Err(SealingError::FieldToSign { name });
        }
        Ok(Self { domain, selector, key, options })
    }

    /// Seals a message that is in memory.
    ///
    /// What comes of it is what [`Sealing::finish`] gives.
    ///
    /// # Errors
    ///
    /// As [`Sealer::start`] and [`Sealing::finish`].
    pub fn seal(
        &self,
        message: &[u8],
        results: impl Into<AuthresPayload>,
        chain: &Verdict,
        now: UnixTime,
    ) -> Result<String, SealingError> {
        let header = Header::parse(message);
        let mut sealing = self.start(&header, results, chain, now)?;
        sealing.body(header.body());
        sealing.finish()
    }

    /// Begins to seal a message as it leaves: the header first, then the body in chunks.
    ///
    /// # Errors
    ///
    /// When the chain takes no further set, the verdict is about another chain, or the header must not be
    /// signed.
    pub fn start(
        &self,
        header: &Header<'_>,
        results: impl Into<AuthresPayload>,
        chain: &Verdict,
        now: UnixTime,
    ) -> Result<Sealing<'_>, SealingError> {
        let collected = Sets::collect(header);
        let (instance, chain_validation, below) = next(&collected, chain)?;
        let covering = Covering::new(&self.options, header)?;
        let mut sets = Vec::new();
        for set in below {
            for field in [&set.authentication_results, &set.message_signature, &set.seal_field] {
                signed_field(Canonicalization::Relaxed, field, &mut sets);
            }
        }
        let field = ArcField::AuthenticationResults;
        let results = format!("{field}: i={instance}; {}\r\n", results.into());
        header_field(Canonicalization::Relaxed, results.as_bytes(), &mut sets);
        Ok(Sealing {
            sealer: self,
            covering,
            sets,
            results,
            instance,
            chain_validation,
            timestamp: now,
        })
    }

    /// A signature field of a set, without its signature.
    fn unsigned(
        &self,
        field: ArcField,
        instance: u8,
        middle: Option<(&'static str, String)>,
        now: UnixTime,
        covered: Option<&Covered>,
    ) -> UnsignedField {
        let mut tags = vec![("i", instance.to_string()), ("a", self.key.algorithm().to_string())];
        tags.extend(middle);
        tags.push(("d", self.domain.to_string()));
        tags.push(("s", self.selector.to_string()));
        tags.push(("t", now.to_string()));
        if let Some(covered) = covered {
            tags.push(("h", covered.names.clone()));
            tags.push(("bh", Base64(&covered.body_hash).to_string()));
        }
        UnsignedField::new(field.name(), tags, self.options.layout).with_long_line()
    }
}

/// The instance of the next set, its cv=, and the sets that its seal covers; RFC 8617 section 5.1.
fn next<'a>(
    sets: &Sets<'a>,
    chain: &Verdict,
) -> Result<(u8, ChainValidation, Vec<Set<'a>>), SealingError> {
    let found = sets.highest_instance().unwrap_or_default();
    if sets.is_marked_as_failed() {
        return Err(SealingError::AlreadyFailed { instance: found });
    }
    let other = SealingError::OtherChain { verified: chain.instances, found };
    let (validation, below) = match chain.result {
        ArcResult::None if sets.is_empty() => (ChainValidation::None, Vec::new()),
        ArcResult::None => return Err(other),
        ArcResult::Pass => match sets.check() {
            Ok(below) if found == chain.instances => (ChainValidation::Pass, below),
            _ => return Err(other),
        },
        ArcResult::Fail if found == 0 => return Err(SealingError::NoInstance),
        ArcResult::Fail => (ChainValidation::Fail, Vec::new()),
    };
    match found.checked_add(1).filter(|instance| *instance <= MAXIMUM_INSTANCE) {
        Some(instance) => Ok((instance, validation, below)),
        None => Err(SealingError::TooManySets),
    }
}

/// A message that is being sealed: of which the header is read and the body arrives.
///
/// Memory does not grow with the body.
#[derive(Debug)]
pub struct Sealing<'s> {
    sealer: &'s Sealer,
    covering: Covering,
    /// What the seal covers before its own set's message signature, canonical.
    sets: Vec<u8>,
    /// The ARC-Authentication-Results field.
    results: String,
    instance: u8,
    chain_validation: ChainValidation,
    timestamp: UnixTime,
}

impl<'s> Sealing<'s> {
    /// i= of the set that is made.
    pub fn instance(&self) -> u8 {
        self.instance
    }

    /// cv= of the set that is made.
    pub fn chain_validation(&self) -> ChainValidation {
        self.chain_validation
    }

    /// The next octets of the body as it leaves, in any split.
    pub fn body(&mut self, chunk: &[u8]) {
        self.covering.body(chunk);
    }

    /// The set to put in front of the message: ARC-Seal, ARC-Message-Signature and
    /// ARC-Authentication-Results, folded, each ending in CRLF.
    ///
    /// # Errors
    ///
    /// When the body must not be signed, the key is elsewhere, or the computation failed.
    pub fn finish(self) -> Result<String, SealingError> {
        self.prepare()?.finish()
    }

    /// As [`Sealing::finish`], where the key is elsewhere: `sign` is asked twice, and answers with the octets
    /// of the signature, or with `None` if there is none.
    ///
    /// # Errors
    ///
    /// As [`Sealing::finish`], and when a signature does not verify under the key's record.
    pub async fn finish_with(
        self,
        mut sign: impl AsyncFnMut(SigningRequest<'_>) -> Option<Vec<u8>>,
    ) -> Result<String, SealingError> {
        let mut prepared = self.prepare()?;
        while let Some(request) = prepared.request() {
            let signature = sign(request).await;
            prepared = prepared.advance(signature)?;
        }
        prepared.finish()
    }

    /// Ends the body and tells what is to be signed: for callers whose key is elsewhere and who would rather
    /// not be called back.
    ///
    /// ```
    /// use bonafide::arc::{Sealing, SealingError};
    /// use bonafide::dkim::SigningRequest;
    ///
    /// fn ask_hsm(request: &SigningRequest<'_>) -> Vec<u8> {
    ///     let _hash = request.digest(); // send it where the key is
    ///     Vec::new()
    /// }
    ///
    /// fn finish(sealing: Sealing<'_>) -> Result<String, SealingError> {
    ///     let mut prepared = sealing.prepare()?;
    ///     while let Some(request) = prepared.request() {
    ///         let signature = ask_hsm(&request);
    ///         prepared = prepared.answer(signature)?;
    ///     }
    ///     prepared.finish()
    /// }
    /// ```
    ///
    /// # Errors
    ///
    /// When the body must not be signed.
    pub fn prepare(self) -> Result<PreparedSealing<'s>, SealingError> {
        let Self { sealer, covering, sets, results, instance, chain_validation, timestamp } = self;
        let covered = covering.finish(&sealer.options)?;
        let SigningOptions { header_canonicalization: header, .. } = sealer.options;
        let c = format!("{header}/{}", sealer.options.body_canonicalization);
        let field = ArcField::MessageSignature;
        let field = sealer.unsigned(field, instance, Some(("c", c)), timestamp, Some(&covered));
        let seal = sealer.unsigned(
            ArcField::Seal,
            instance,
            Some(("cv", chain_validation.to_string())),
            timestamp,
            None,
        );
        let open = Prepared::new(&sealer.selector, &sealer.key, field, header, covered.header);
        Ok(PreparedSealing { sealer, open: Some(open), seal: Some(seal), sets, fields: results })
    }
}

/// A set of which all is done but the two operations with the private key, one after the other: the seal
/// covers the message signature.
#[derive(Debug)]
pub struct PreparedSealing<'s> {
    sealer: &'s Sealer,
    /// What is to be signed now.
    open: Option<Prepared<'s>>,
    /// The seal, as long as the message signature is not there.
    seal: Option<UnsignedField>,
    /// What the seal covers, canonical, as far as it is there.
    sets: Vec<u8>,
    /// The fields that are there, the last on top.
    fields: String,
}

impl PreparedSealing<'_> {
    /// What a key that is elsewhere has to sign now; `None` when nothing is left to sign, or the key is at
    /// hand.
    pub fn request(&self) -> Option<SigningRequest<'_>> {
        self.open.as_ref()?.request()
    }

    /// Takes the signature that [`PreparedSealing::request`] asks for. What it says then is the next.
    ///
    /// # Errors
    ///
    /// When the signature does not verify under the key's record.
    pub fn answer(self, signature: Vec<u8>) -> Result<Self, SealingError> {
        self.advance(Some(signature))
    }

    fn advance(mut self, signature: Option<Vec<u8>>) -> Result<Self, SealingError> {
        let Some(open) = self.open.take() else { return Ok(self) };
        let field = open.complete(signature)?;
        self.fields.insert_str(0, &field);
        if let Some(seal) = self.seal.take() {
            header_field(Canonicalization::Relaxed, field.as_bytes(), &mut self.sets);
            let (sets, sealer) = (std::mem::take(&mut self.sets), self.sealer);
            let (selector, key) = (&sealer.selector, &sealer.key);
            self.open = Some(Prepared::new(selector, key, seal, Canonicalization::Relaxed, sets));
        }
        Ok(self)
    }

    /// Signs with the key at hand what is left, and gives what [`Sealing::finish`] gives.
    ///
    /// # Errors
    ///
    /// When a signature is missing.
    pub fn finish(mut self) -> Result<String, SealingError> {
        while self.open.is_some() {
            self = self.advance(None)?;
        }
        Ok(self.fields)
    }
}
