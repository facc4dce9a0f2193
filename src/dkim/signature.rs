//! The DKIM-Signature field, RFC 6376 section 3.5.

use std::fmt;
use std::ops::Range;

use super::identity::Identity;
use super::signature_error::SignatureError;
use crate::canonicalization::Canonicalization;
use crate::domain::{Domain, DomainError, Selector};
use crate::octets::{NotGraphic, Positions};
use crate::tag_list::{self, Base64, Tag, Tags};
use crate::time::UnixTime;

/// RFC 6376 section 3.5: sig-l-tag = 1*76DIGIT
const MAXIMUM_LENGTH_DIGITS: usize = 76;

/// A signature as a DKIM-Signature field carries it,
/// [RFC 6376 section 3.5](https://www.rfc-editor.org/rfc/rfc6376#section-3.5).
///
/// ```
/// use bonafide::dkim::{Algorithm, Signature};
///
/// let signature = Signature::parse(
///     b"v=1; a=ed25519-sha256; c=relaxed; d=example.com; s=sel; h=from:to;\r\n \
///       bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=; b=AAAA",
/// )?;
/// assert_eq!(signature.algorithm, Algorithm::Ed25519Sha256);
/// assert_eq!(signature.signed_fields().collect::<Vec<_>>(), [b"from", &b"to"[..]]);
/// assert_eq!(Signature::parse(signature.to_string().as_bytes())?.to_string(), signature.to_string());
/// # Ok::<(), bonafide::dkim::SignatureError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Signature<'a> {
    /// a=: the algorithm.
    pub algorithm: Algorithm,
    /// b=: the signature itself.
    pub signature: Vec<u8>,
    /// bh=: the hash of the canonical body.
    pub body_hash: [u8; 32],
    /// c=, first half: how the header is made canonical; simple if absent.
    pub header_canonicalization: Canonicalization,
    /// c=, second half: how the body is made canonical; simple if absent.
    pub body_canonicalization: Canonicalization,
    /// d=: who claims responsibility.
    pub domain: Domain,
    fields: SignedFields<'a>,
    /// i=: on whose behalf; `None` if absent, which means any user of the domain.
    pub identity: Option<Identity>,
    /// l=: octets of the canonical body that are signed; `None` if absent, which means all.
    pub body_length: Option<u64>,
    /// s=: where below the domain the key is.
    pub selector: Selector,
    /// t=: when the signature was made.
    pub timestamp: Option<UnixTime>,
    /// x=: until when the signature may be relied on.
    pub expiration: Option<UnixTime>,
    /// z=: copies of header fields as written, for diagnosis only; `None` if absent or not UTF-8.
    pub copied_fields: Option<&'a str>,
}

/// h= as written; equal to any other that names the same fields in the same order.
#[derive(Clone, Copy, Debug)]
struct SignedFields<'a>(&'a [u8]);

impl<'a> SignedFields<'a> {
    fn iter(self) -> impl Iterator<Item = &'a [u8]> + Clone {
        // An empty element names no field.
        tag_list::colon_separated(self.0).filter(|name| !name.is_empty())
    }
}

impl PartialEq for SignedFields<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter())
    }
}

impl Eq for SignedFields<'_> {}

/// How a signature is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Algorithm {
    /// Ed25519 over a SHA-256 hash, [RFC 8463](https://www.rfc-editor.org/rfc/rfc8463).
    Ed25519Sha256,
    /// RSASSA-PKCS1-v1_5 with SHA-256, [RFC 6376 section 3.3.2](https://www.rfc-editor.org/rfc/rfc6376#section-3.3.2).
    RsaSha256,
}

impl<'a> Signature<'a> {
    /// Reads the value of a DKIM-Signature field: what stands behind its colon.
    ///
    /// # Errors
    ///
    /// For the first rule of RFC 6376 sections 3.2, 3.5 and 6.1.1 that the value breaks.
    pub fn parse(value: &'a [u8]) -> Result<Self, SignatureError> {
        SignatureTags::read(value).interpret(SignatureField::DkimSignature)
    }

    /// The names in h= as written and in order, repetitions too.
    pub fn signed_fields(&self) -> impl Iterator<Item = &'a [u8]> + Clone {
        self.fields.iter()
    }

    /// Octets of h= as written, and one for its end.
    pub(super) fn fields_length(&self) -> usize {
        self.fields.0.len().saturating_add(1)
    }
}

/// Whose tags are read: fields of two standards are signatures over a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SignatureField {
    /// RFC 8617 section 4.1.2: no v= is known, and i= is no identity.
    #[cfg(feature = "arc")]
    ArcMessageSignature,
    DkimSignature,
}

impl SignatureField {
    /// The tags in one line, for a trace.
    pub(super) fn describe(self, signature: &Signature<'_>) -> String {
        let tags = signature.to_string().replace("\r\n", "");
        match self {
            #[cfg(feature = "arc")]
            Self::ArcMessageSignature => tags.trim_start_matches("v=1; ").to_owned(),
            Self::DkimSignature => tags,
        }
    }
}

/// What of a signature an ARC-Seal has, RFC 8617 section 4.1.3.
#[cfg(feature = "arc")]
pub(crate) struct SealTags<'a> {
    pub(crate) algorithm: Algorithm,
    /// cv= and where it stands.
    pub(crate) chain_validation: Option<(&'a [u8], usize)>,
    pub(crate) domain: Domain,
    pub(crate) selector: Selector,
    pub(crate) timestamp: Option<UnixTime>,
    pub(crate) signature: Vec<u8>,
}

/// The tags of a DKIM-Signature field before they are understood.
#[derive(Default)]
pub(crate) struct SignatureTags<'a> {
    v: Option<Value<'a>>,
    a: Option<Value<'a>>,
    b: Option<Value<'a>>,
    bh: Option<Value<'a>>,
    c: Option<Value<'a>>,
    #[cfg(feature = "arc")]
    cv: Option<Value<'a>>,
    d: Option<Value<'a>>,
    h: Option<Value<'a>>,
    i: Option<Value<'a>>,
    l: Option<Value<'a>>,
    q: Option<Value<'a>>,
    s: Option<Value<'a>>,
    t: Option<Value<'a>>,
    x: Option<Value<'a>>,
    z: Option<Value<'a>>,
    /// Where the value of b= stands with the white space around it.
    signature_span: Range<usize>,
    /// The first thing that voids the list.
    error: Option<SignatureError>,
}

/// The value of a tag and where it stands.
#[derive(Clone, Copy)]
struct Value<'a> {
    octets: &'a [u8],
    offset: usize,
}

impl<'a> SignatureTags<'a> {
    #[inline]
    pub(crate) fn read(value: &'a [u8]) -> Self {
        let mut tags = Self::default();
        tags.fill(value);
        tags
    }

    fn fill(&mut self, value: &'a [u8]) {
        for tag in Tags::new(value) {
            let error = match tag {
                Err(error) => error.into(),
                Ok(tag) if tag.is_duplicate => {
                    let (name, offset) = (tag_list::quote(tag.name), tag.name_offset);
                    SignatureError::DuplicateTag { name, offset }
                }
                Ok(tag) => {
                    self.keep(tag);
                    continue;
                }
            };
            self.error.get_or_insert(error);
        }
    }

    fn keep(&mut self, tag: Tag<'a>) {
        let slot = match tag.name {
            b"v" => &mut self.v,
            b"a" => &mut self.a,
            b"b" => {
                self.signature_span = tag.span;
                &mut self.b
            }
            b"bh" => &mut self.bh,
            b"c" => &mut self.c,
            #[cfg(feature = "arc")]
            b"cv" => &mut self.cv,
            b"d" => &mut self.d,
            b"h" => &mut self.h,
            b"i" => &mut self.i,
            b"l" => &mut self.l,
            b"q" => &mut self.q,
            b"s" => &mut self.s,
            b"t" => &mut self.t,
            b"x" => &mut self.x,
            b"z" => &mut self.z,
            // RFC 6376 section 3.2: what is not known is ignored.
            _ => return,
        };
        *slot = Some(Value { octets: tag.value, offset: tag.value_offset });
    }

    /// d= if it can be read, whatever else is wrong.
    pub(crate) fn domain(&self) -> Option<Domain> {
        Domain::parse(self.d?.octets).ok()
    }

    /// s= if it can be read, whatever else is wrong.
    pub(super) fn selector(&self) -> Option<Selector> {
        Selector::parse(self.s?.octets).ok()
    }

    /// Where the value of b= stands with the white space around it, if there is one.
    pub(crate) fn signature_span(&self) -> Range<usize> {
        self.signature_span.clone()
    }

    /// Where the value of h= stands, if there is one.
    #[cfg(feature = "arc")]
    pub(crate) fn field_names_offset(&self) -> Option<usize> {
        self.h.map(|h| h.offset)
    }

    /// What the tags of an ARC-Seal say that are those of a signature, too.
    #[cfg(feature = "arc")]
    pub(crate) fn interpret_seal(&self) -> Result<SealTags<'a>, SignatureError> {
        if let Some(error) = &self.error {
            return Err(error.clone());
        }
        let (a, b) = (required("a", self.a)?, required("b", self.b)?);
        let (d, s) = (required("d", self.d)?, required("s", self.s)?);
        Ok(SealTags {
            algorithm: algorithm(a)?,
            chain_validation: self.cv.map(|cv| (cv.octets, cv.offset)),
            domain: parse_domain("d", d, parse_signing_domain)?,
            selector: parse_domain("s", s, Selector::parse)?,
            timestamp: number("t", self.t)?.map(UnixTime),
            signature: decode_signature(b, Vec::with_capacity(b.octets.len()))?,
        })
    }

    pub(super) fn interpret(&self, field: SignatureField) -> Result<Signature<'a>, SignatureError> {
        if let Some(error) = &self.error {
            return Err(error.clone());
        }
        if field == SignatureField::DkimSignature {
            self.check_version()?;
        }
        let (a, b, bh) = (required("a", self.a)?, required("b", self.b)?, required("bh", self.bh)?);
        let (d, h, s) = (required("d", self.d)?, required("h", self.h)?, required("s", self.s)?);
        let algorithm = algorithm(a)?;
        let (header_canonicalization, body_canonicalization) = self.canonicalization()?;
        self.check_query_method()?;
        let domain = parse_domain("d", d, parse_signing_domain)?;
        let selector = parse_domain("s", s, Selector::parse)?;
        check_field_names(h)?;
        let identity = match field {
            #[cfg(feature = "arc")]
            SignatureField::ArcMessageSignature => None,
            SignatureField::DkimSignature => self.identity(&domain)?,
        };
        let body_length = number("l", self.l)?;
        if let Some(tag) = self.l.filter(|tag| tag.octets.len() > MAXIMUM_LENGTH_DIGITS) {
            let (found, offset) = (tag_list::quote(tag.octets), tag.offset);
            return Err(SignatureError::Number { tag: "l", found, offset });
        }
        let timestamp = number("t", self.t)?.map(UnixTime);
        let expiration = number("x", self.x)?.map(UnixTime);
        if let (Some(timestamp), Some(expiration)) = (timestamp, expiration)
            && expiration <= timestamp
        {
            let offset = self.x.map_or(0, |tag| tag.offset);
            return Err(SignatureError::ExpiresBeforeSigned { timestamp, expiration, offset });
        }
        // One buffer serves both; b= is the longer one.
        let mut signature = Vec::with_capacity(b.octets.len());
        decode("bh", bh, &mut signature)?;
        let body_hash = signature.as_slice().try_into().map_err(|_| {
            SignatureError::BodyHashLength { found: signature.len(), offset: bh.offset }
        })?;
        let signature = decode_signature(b, signature)?;
        Ok(Signature {
            algorithm,
            signature,
            body_hash,
            header_canonicalization,
            body_canonicalization,
            domain,
            fields: SignedFields(h.octets),
            identity,
            body_length,
            selector,
            timestamp,
            expiration,
            copied_fields: self.z.and_then(|tag| str::from_utf8(tag.octets).ok()),
        })
    }

    fn check_version(&self) -> Result<(), SignatureError> {
        let version = required("v", self.v)?;
        if version.octets == b"1" {
            return Ok(());
        }
        let found = tag_list::quote(version.octets);
        Err(SignatureError::Version { found, offset: version.offset })
    }

    fn canonicalization(&self) -> Result<(Canonicalization, Canonicalization), SignatureError> {
        let Some(tag) = self.c else {
            return Ok((Canonicalization::Simple, Canonicalization::Simple));
        };
        let mut words = tag.octets.splitn(2, |octet| *octet == b'/');
        let header = words.next().and_then(Canonicalization::parse);
        let body = words.next().map_or(Some(Canonicalization::Simple), Canonicalization::parse);
        if let (Some(header), Some(body)) = (header, body) {
            return Ok((header, body));
        }
        let mut words = tag.octets.split(|octet| *octet == b'/');
        let is_grammatical = words.clone().count() <= 2 && words.all(is_hyphenated_word);
        check_grammar("c", tag, is_grammatical)?;
        let (found, offset) = (tag_list::quote(tag.octets), tag.offset);
        Err(SignatureError::Canonicalization { found, offset })
    }

    fn check_query_method(&self) -> Result<(), SignatureError> {
        let Some(tag) = self.q else {
            return Ok(());
        };
        let mut methods = tag_list::colon_separated(tag.octets);
        let name = |method: &[u8]| {
            method.split(|octet| *octet == b'/').next().is_some_and(is_hyphenated_word)
        };
        check_grammar("q", tag, methods.clone().all(name))?;
        if methods.any(|method| method == b"dns/txt") {
            return Ok(());
        }
        let found = tag_list::quote(tag.octets);
        Err(SignatureError::QueryMethod { found, offset: tag.offset })
    }

    fn identity(&self, domain: &Domain) -> Result<Option<Identity>, SignatureError> {
        let Some(tag) = self.i else {
            return Ok(None);
        };
        let offset = tag.offset;
        let identity = Identity::parse(tag.octets).ok_or(SignatureError::Identity { offset })?;
        if !identity.domain.is_equal_or_below(domain) {
            let (identity, domain) = (identity.domain, domain.clone());
            return Err(SignatureError::IdentityDomain { identity, domain, offset });
        }
        Ok(Some(identity))
    }
}

fn required<'a>(name: &'static str, tag: Option<Value<'a>>) -> Result<Value<'a>, SignatureError> {
    #[cold]
    fn missing(tag: &'static str) -> SignatureError {
        SignatureError::MissingTag { tag }
    }
    tag.ok_or_else(|| missing(name))
}

fn number(name: &'static str, tag: Option<Value<'_>>) -> Result<Option<u64>, SignatureError> {
    let Some(tag) = tag else { return Ok(None) };
    match tag_list::decimal(tag.octets) {
        Some(number) => Ok(Some(number)),
        None => {
            let (found, offset) = (tag_list::quote(tag.octets), tag.offset);
            Err(SignatureError::Number { tag: name, found, offset })
        }
    }
}

fn check_grammar(name: &'static str, tag: Value<'_>, holds: bool) -> Result<(), SignatureError> {
    if holds {
        return Ok(());
    }
    Err(SignatureError::Syntax {
        tag: name,
        found: tag_list::quote(tag.octets),
        offset: tag.offset,
    })
}

/// RFC 6376 section 2.11: hyphenated-word
fn is_hyphenated_word(word: &[u8]) -> bool {
    let [first, .., last] = word else {
        return word.first().is_some_and(u8::is_ascii_alphabetic);
    };
    first.is_ascii_alphabetic()
        && last.is_ascii_alphanumeric()
        && word.iter().all(|octet| octet.is_ascii_alphanumeric() || *octet == b'-')
}

fn algorithm(tag: Value<'_>) -> Result<Algorithm, SignatureError> {
    match tag.octets {
        b"rsa-sha256" => Ok(Algorithm::RsaSha256),
        b"ed25519-sha256" => Ok(Algorithm::Ed25519Sha256),
        b"rsa-sha1" => Err(SignatureError::RsaSha1 { offset: tag.offset }),
        _ => {
            check_grammar("a", tag, is_hyphenated_word(tag.octets))?;
            let found = tag_list::quote(tag.octets);
            Err(SignatureError::Algorithm { found, offset: tag.offset })
        }
    }
}

fn parse_domain<T>(
    name: &'static str,
    tag: Value<'_>,
    parse: impl FnOnce(&[u8]) -> Result<T, DomainError>,
) -> Result<T, SignatureError> {
    #[cold]
    fn refused(tag: &'static str, offset: usize, error: DomainError) -> SignatureError {
        SignatureError::Domain { tag, offset, error }
    }
    parse(tag.octets).map_err(|error| refused(name, tag.offset, error))
}

/// RFC 6376 section 3.5: domain-name = sub-domain 1*("." sub-domain)
fn parse_signing_domain(text: &[u8]) -> Result<Domain, DomainError> {
    let domain = Domain::parse(text)?;
    if domain.as_str().contains('.') {
        Ok(domain)
    } else {
        Err(DomainError::EmptyLabel { offset: text.len() })
    }
}

fn check_field_names(tag: Value<'_>) -> Result<(), SignatureError> {
    let mut names_from = false;
    // RFC 5322 section 3.6.8: ftext is what is graphic and no colon. Only around names white space
    // may stand.
    let has_white_space = Positions::new(NotGraphic, tag.octets).next().is_some();
    for name in tag_list::colon_separated(tag.octets) {
        if has_white_space && !name.iter().all(u8::is_ascii_graphic) {
            let found = tag_list::quote(name);
            return Err(SignatureError::FieldName { found, offset: tag.offset });
        }
        names_from |= name.eq_ignore_ascii_case(b"from");
    }
    if names_from { Ok(()) } else { Err(SignatureError::FromNotSigned { offset: tag.offset }) }
}

fn decode(name: &'static str, tag: Value<'_>, decoded: &mut Vec<u8>) -> Result<(), SignatureError> {
    #[cold]
    fn refused(tag: &'static str, offset: usize) -> SignatureError {
        SignatureError::Base64 { tag, offset }
    }
    tag_list::decode_base64_into(tag.octets, decoded)
        .map_err(|at| refused(name, tag.offset.saturating_add(at)))
}

/// The octets of b=, of which there must be some, in a buffer whose contents are replaced.
fn decode_signature(tag: Value<'_>, mut buffer: Vec<u8>) -> Result<Vec<u8>, SignatureError> {
    decode("b", tag, &mut buffer)?;
    if buffer.is_empty() {
        return Err(SignatureError::Base64 { tag: "b", offset: tag.offset });
    }
    Ok(buffer)
}

impl fmt::Display for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Ed25519Sha256 => "ed25519-sha256",
            Self::RsaSha256 => "rsa-sha256",
        })
    }
}

impl fmt::Display for Signature<'_> {
    /// As a tag list that parses back to the same signature; folds in z= stay as they are.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (header, body) = (self.header_canonicalization, self.body_canonicalization);
        write!(
            f,
            "v=1; a={}; c={header}/{body}; d={}; s={}",
            self.algorithm, self.domain, self.selector
        )?;
        if let Some(identity) = &self.identity {
            write!(f, "; i={identity}")?;
        }
        let numbers = [
            ("t", self.timestamp.map(|time| time.0)),
            ("x", self.expiration.map(|time| time.0)),
            ("l", self.body_length),
        ];
        for (name, number) in numbers {
            if let Some(number) = number {
                write!(f, "; {name}={number}")?;
            }
        }
        f.write_str("; h=")?;
        for (position, name) in self.signed_fields().enumerate() {
            let colon = if position > 0 { ":" } else { "" };
            write!(f, "{colon}{}", String::from_utf8_lossy(name))?;
        }
        if let Some(copied) = self.copied_fields {
            write!(f, "; z={copied}")?;
        }
        write!(f, "; bh={}; b={}", Base64(&self.body_hash), Base64(&self.signature))
    }
}
