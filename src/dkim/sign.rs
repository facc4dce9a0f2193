//! The signer: header, body, fields to prepend; RFC 6376 section 5.

use super::covered::Covering;
use super::identity::Identity;
use super::prepared::{Prepared, SigningRequest};
use super::signature::Algorithm;
use super::signing_error::SigningError;
use super::signing_key::SigningKey;
use super::write::{TagLayout, UnsignedField};
use crate::canonicalization::Canonicalization;
use crate::domain::{Domain, Selector};
use crate::message::Header;
use crate::tag_list::{self, Base64};
use crate::time::UnixTime;

/// What is signed and how.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SigningOptions {
    /// c=, first half; relaxed by default.
    pub header_canonicalization: Canonicalization,
    /// c=, second half; relaxed by default.
    pub body_canonicalization: Canonicalization,
    /// Which header fields are signed.
    pub fields: FieldsToSign,
    /// i=: on whose behalf; absent by default.
    pub identity: Option<Identity>,
    /// x=: until when the signature may be relied on; absent by default.
    pub expiration: Option<Expiration>,
    /// Smallest RSA key; 2048 bits by default, and never less than 1024
    /// ([RFC 8301 section 3.2](https://www.rfc-editor.org/rfc/rfc8301#section-3.2)).
    pub minimum_rsa_bits: u32,
    /// Whether lines of over 998 octets may be signed; off by default, since relays may break them
    /// and the signature with them ([RFC 6376 section 5.3](https://www.rfc-editor.org/rfc/rfc6376#section-5.3)).
    pub long_lines: bool,
    /// Whether octets over 127 may be signed; on by default. A relay that must convert them breaks
    /// the signature, and few are left that must.
    pub eight_bit: bool,
    /// In which order the tags stand.
    pub layout: TagLayout,
}

impl Default for SigningOptions {
    fn default() -> Self {
        Self {
            header_canonicalization: Canonicalization::Relaxed,
            body_canonicalization: Canonicalization::Relaxed,
            fields: FieldsToSign::default(),
            identity: None,
            expiration: None,
            minimum_rsa_bits: 2048,
            long_lines: false,
            eight_bit: true,
            layout: TagLayout::Conventional,
        }
    }
}

impl SigningOptions {
    /// Refuses keys that are too short.
    pub(crate) fn check_key(
        &self,
        selector: &Selector,
        key: &SigningKey,
    ) -> Result<(), SigningError> {
        let (bits, minimum) = (key.bits(), self.minimum_rsa_bits.max(1024));
        if key.algorithm() == Algorithm::RsaSha256 && bits < minimum {
            return Err(SigningError::ShortKey { selector: selector.clone(), bits, minimum });
        }
        Ok(())
    }
}

/// When a signature expires.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "from an event or from the epoch, there is no third")]
pub enum Expiration {
    /// So many seconds after t=.
    After(u64),
    /// At this time.
    At(UnixTime),
}

/// Which header fields are signed.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum FieldsToSign {
    /// Exactly these names are h=, in this order: each takes the next field of that name from the
    /// bottom up, and one for which none is left signs that there is none.
    Exactly(Vec<String>),
    /// Every field of these names that is there, and nothing of the others.
    Present {
        /// The names of fields to sign.
        signed: Vec<String>,
        /// Of which of them it is signed, too, that there is no further one ("oversigned"), so
        /// that adding one breaks the signature.
        oversigned: Vec<String>,
    },
}

/// [RFC 6376 section 5.4.1](https://www.rfc-editor.org/rfc/rfc6376#section-5.4.1), with the fields
/// that say how the body is to be read, and those by which mailboxes unsubscribe with one click
/// ([RFC 8058 section 4](https://www.rfc-editor.org/rfc/rfc8058#section-4)).
const SIGNED: [&str; 22] = [
    "From",
    "Reply-To",
    "Subject",
    "Date",
    "To",
    "Cc",
    "Resent-Date",
    "Resent-From",
    "Resent-To",
    "Resent-Cc",
    "In-Reply-To",
    "References",
    "List-Id",
    "List-Help",
    "List-Unsubscribe",
    "List-Unsubscribe-Post",
    "List-Subscribe",
    "List-Post",
    "List-Owner",
    "List-Archive",
    "MIME-Version",
    "Content-Type",
];

/// What a reader sees of a message depends on these, and a second one might be shown instead.
const OVERSIGNED: [&str; 8] =
    ["From", "Subject", "To", "Cc", "Date", "Reply-To", "MIME-Version", "Content-Type"];

impl Default for FieldsToSign {
    /// Signed: From, Reply-To, Subject, Date, To, Cc, Resent-Date, Resent-From, Resent-To,
    /// Resent-Cc, In-Reply-To, References, List-Id, List-Help, List-Unsubscribe,
    /// List-Unsubscribe-Post, List-Subscribe, List-Post, List-Owner, List-Archive, MIME-Version,
    /// Content-Type. Oversigned: From, Subject, To, Cc, Date, Reply-To, MIME-Version, Content-Type.
    fn default() -> Self {
        Self::Present {
            signed: SIGNED.map(String::from).into(),
            oversigned: OVERSIGNED.map(String::from).into(),
        }
    }
}

impl FieldsToSign {
    pub(crate) fn names(&self) -> impl Iterator<Item = &String> {
        let (names, further): (_, &[String]) = match self {
            Self::Exactly(names) => (names, &[]),
            Self::Present { signed, oversigned } => (signed, oversigned),
        };
        names.iter().chain(further)
    }

    fn signs_from(&self) -> bool {
        let (Self::Exactly(names) | Self::Present { signed: names, .. }) = self;
        names.iter().any(|name| name.eq_ignore_ascii_case("From"))
    }

    /// Refuses what no signature could have as h=.
    pub(crate) fn check(&self) -> Result<(), SigningError> {
        // RFC 6376 section 3.5: hdr-name, which a semicolon would end.
        let is_name = |name: &str| {
            !name.is_empty() && name.bytes().all(|octet| matches!(octet, b'!'..=b'9' | b'<'..=b'~'))
        };
        if let Some(name) = self.names().find(|name| !is_name(name)) {
            return Err(SigningError::FieldName { found: tag_list::quote(name.as_bytes()) });
        }
        if self.signs_from() { Ok(()) } else { Err(SigningError::FromNotSigned) }
    }
}

/// Signs messages of one domain, with one key or with several at once.
///
/// A signer is made once and signs any number of messages, from any number of threads. It refuses
/// what would not survive: see [`SigningError`]. Two keys, one for RSA and one for Ed25519, give two
/// signatures in one pass ([RFC 8463 section 6](https://www.rfc-editor.org/rfc/rfc8463#section-6)),
/// each under a selector of its own. d=, s= and i= are written as A-labels, which every verifier
/// reads. There is never an l=.
///
/// ```
/// use bonafide::dkim::{Signer, SigningKey, SigningOptions};
/// use bonafide::{Domain, Selector, UnixTime};
///
/// let key = SigningKey::from_pem(include_bytes!("../../test-vectors/keys/rsa2048.pem"))?;
/// let (domain, selector) = (Domain::parse(b"example.com")?, Selector::parse(b"2026a")?);
/// let signer = Signer::new(domain, [(selector, key)], SigningOptions::default())?;
///
/// let message = b"From: joe@example.com\r\nSubject: Dinner\r\n\r\nIs it ready?\r\n";
/// let field = signer.sign(message, UnixTime(1795478400))?;
/// assert!(field.starts_with("DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed; d=example.com;"));
/// let signed = [field.as_bytes(), message].concat(); // ready to be sent
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Signer {
    domain: Domain,
    keys: Vec<(Selector, SigningKey)>,
    options: SigningOptions,
}

impl Signer {
    /// A signer for `domain`, whose keys are published at their selectors.
    ///
    /// # Errors
    ///
    /// When no signature of such a signer could be good, whatever the message.
    pub fn new(
        domain: Domain,
        keys: impl IntoIterator<Item = (Selector, SigningKey)>,
        options: SigningOptions,
    ) -> Result<Self, SigningError> {
        let keys: Vec<_> = keys.into_iter().collect();
        if keys.is_empty() {
            return Err(SigningError::NoKey);
        }
        for (position, (selector, key)) in keys.iter().enumerate() {
            if keys.iter().take(position).any(|(other, _)| other == selector) {
                return Err(SigningError::SameSelector { selector: selector.clone() });
            }
            options.check_key(selector, key)?;
        }
        options.fields.check()?;
        if let Some(identity) = &options.identity
            && !identity.domain.is_equal_or_below(&domain)
        {
            return Err(SigningError::IdentityDomain { identity: identity.domain.clone(), domain });
        }
        Ok(Self { domain, keys, options })
    }

    /// Signs a message that is in memory.
    ///
    /// What comes of it is what [`Signing::finish`] gives.
    ///
    /// # Errors
    ///
    /// When the message must not be signed, or a key is elsewhere.
    pub fn sign(&self, message: &[u8], now: UnixTime) -> Result<String, SigningError> {
        let header = Header::parse(message);
        let mut signing = self.start(&header, now)?;
        signing.body(header.body());
        signing.finish()
    }

    /// Begins to sign a message as it arrives: the header first, then the body in chunks.
    ///
    /// # Errors
    ///
    /// When the header must not be signed.
    pub fn start(&self, header: &Header<'_>, now: UnixTime) -> Result<Signing<'_>, SigningError> {
        let expiration = self.options.expiration.map(|expiration| match expiration {
            Expiration::After(seconds) => UnixTime(now.0.saturating_add(seconds)),
            Expiration::At(time) => time,
        });
        if let Some(expiration) = expiration.filter(|expiration| *expiration <= now) {
            return Err(SigningError::Expired { timestamp: now, expiration });
        }
        let covering = Covering::new(&self.options, header)?;
        Ok(Signing { signer: self, covering, timestamp: now, expiration })
    }
}

/// A message that is being signed: of which the header is read and the body arrives.
///
/// Memory does not grow with the body.
///
/// ```
/// # use bonafide::dkim::{Signer, SigningKey, SigningOptions};
/// # use bonafide::{Domain, Selector, UnixTime, message::Header};
/// # let key = SigningKey::from_pem(include_bytes!("../../test-vectors/keys/rsa2048.pem"))?;
/// # let keys = [(Selector::parse(b"2026a")?, key)];
/// # let signer = Signer::new(Domain::parse(b"example.com")?, keys, SigningOptions::default())?;
/// let header = Header::parse(b"From: joe@example.com\r\n\r\n");
/// let mut signing = signer.start(&header, UnixTime(1795478400))?;
/// for chunk in [b"Is dinner", &b" ready?\r\n"[..]] {
///     signing.body(chunk);
/// }
/// let field = signing.finish()?;
/// assert!(field.ends_with("\r\n"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Signing<'s> {
    signer: &'s Signer,
    covering: Covering,
    timestamp: UnixTime,
    expiration: Option<UnixTime>,
}

impl<'s> Signing<'s> {
    /// The next octets of the body, in any split.
    pub fn body(&mut self, chunk: &[u8]) {
        self.covering.body(chunk);
    }

    /// The DKIM-Signature fields to put in front of the message, one for each key in their order,
    /// folded, each ending in CRLF.
    ///
    /// # Errors
    ///
    /// When the body must not be signed, a key is elsewhere, or the computation failed.
    pub fn finish(self) -> Result<String, SigningError> {
        self.prepare()?.finish([])
    }

    /// As [`Signing::finish`], where keys are elsewhere: `sign` is asked for a signature by each of
    /// them, one after the other, and answers with its octets, or with `None` if there is none.
    ///
    /// ```
    /// # use bonafide::dkim::{KeyRecord, Signer, SigningError, SigningKey, SigningOptions, SigningRequest};
    /// # use bonafide::{Domain, Selector, UnixTime, message::Header};
    /// # let record = "v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=";
    /// # let record = KeyRecord::parse(record.as_bytes())?;
    /// async fn ask_hsm(request: SigningRequest<'_>) -> Option<Vec<u8>> {
    ///     let _hash = request.digest(); // send it where the key is
    ///     None
    /// }
    ///
    /// let keys = [(Selector::parse(b"2026b")?, SigningKey::elsewhere(&record)?)];
    /// let signer = Signer::new(Domain::parse(b"example.com")?, keys, SigningOptions::default())?;
    /// let signing = signer.start(&Header::parse(b"From: joe@example.com\r\n\r\n"), UnixTime(0))?;
    /// let field = bonafide::block_on(signing.finish_with(async |request| ask_hsm(request).await));
    /// assert!(matches!(field, Err(SigningError::KeyElsewhere { .. })));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`Signing::finish`], and when a signature does not verify under the key's record.
    pub async fn finish_with(
        self,
        mut sign: impl AsyncFnMut(SigningRequest<'_>) -> Option<Vec<u8>>,
    ) -> Result<String, SigningError> {
        let prepared = self.prepare()?;
        let mut signatures = Vec::new();
        for request in prepared.requests() {
            let selector = request.selector;
            let Some(signature) = sign(request).await else {
                return Err(SigningError::KeyElsewhere { selector: selector.clone() });
            };
            signatures.push(signature);
        }
        prepared.finish(signatures)
    }

    /// Ends the body and tells what is to be signed: for callers whose keys are elsewhere and who
    /// would rather not be called back.
    ///
    /// # Errors
    ///
    /// When the body must not be signed.
    pub fn prepare(self) -> Result<PreparedSigning<'s>, SigningError> {
        let Self { signer, covering, timestamp, expiration } = self;
        let covered = covering.finish(&signer.options)?;
        let prepare = |(selector, key): &'s (Selector, SigningKey)| {
            let SigningOptions { header_canonicalization: header, .. } = signer.options;
            let body = signer.options.body_canonicalization;
            let mut tags = vec![
                ("v", "1".to_owned()),
                ("a", key.algorithm().to_string()),
                ("c", format!("{header}/{body}")),
                ("d", signer.domain.to_string()),
                ("s", selector.to_string()),
            ];
            tags.extend(signer.options.identity.as_ref().map(|i| ("i", i.to_string())));
            tags.push(("t", timestamp.to_string()));
            tags.extend(expiration.map(|expiration| ("x", expiration.to_string())));
            tags.push(("h", covered.names.clone()));
            tags.push(("bh", Base64(&covered.body_hash).to_string()));
            let field = UnsignedField::new("DKIM-Signature", tags, signer.options.layout);
            Prepared::new(selector, key, field, header, covered.header.clone())
        };
        Ok(PreparedSigning { signatures: signer.keys.iter().map(prepare).collect() })
    }
}

/// Signatures of which all is done but the operations with the private keys.
#[derive(Debug)]
pub struct PreparedSigning<'s> {
    signatures: Vec<Prepared<'s>>,
}

impl PreparedSigning<'_> {
    /// What keys that are elsewhere have to sign, in the order of the signer's keys.
    pub fn requests(&self) -> impl Iterator<Item = SigningRequest<'_>> {
        self.signatures.iter().filter_map(Prepared::request)
    }

    /// Signs with the keys at hand, takes the signatures of the others in the order of
    /// [`PreparedSigning::requests`], and gives what [`Signing::finish`] gives.
    ///
    /// # Errors
    ///
    /// When a signature is missing or does not verify under the key's record.
    pub fn finish(
        self,
        signatures: impl IntoIterator<Item = Vec<u8>>,
    ) -> Result<String, SigningError> {
        let mut signatures = signatures.into_iter();
        let mut fields = String::new();
        for prepared in self.signatures {
            let elsewhere = prepared.request().is_some().then(|| signatures.next()).flatten();
            fields.push_str(&prepared.complete(elsewhere)?);
        }
        Ok(fields)
    }
}

#[cfg(test)]
mod tests;
