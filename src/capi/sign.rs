//! DKIM signatures of our own.

use std::ffi::{c_char, c_int, c_void};
use std::fmt;
use std::sync::Arc;

use super::boundary::{self, Failure, from_c, give, guard, handle, handle_mut, octets, slot, text};
use super::library::bonafide_status::{BONAFIDE_ABSENT, BONAFIDE_OK, BONAFIDE_REFUSED};
use super::library::{bonafide_status, bonafide_text};
use super::report::{Findings, GeneratedField, bonafide_line_end};
use crate::arc::{Sealer, Sealing};
use crate::authenticator::{HeaderReader, field_octets};
use crate::canonicalization::Canonicalization;
use crate::dkim::{Expiration, FieldsToSign, Limits, Signer, Signing, SigningKey, SigningOptions};
use crate::domain::{Domain, Selector};
use crate::message::Header;
use crate::time::UnixTime;

/// Signs messages of one domain, with one key or with several at once.
///
/// Made once, for any number of messages. Any number of threads may use it at the same time while
/// none of them changes or frees it; signings do not need it any more once they are made.
#[derive(Debug)]
pub struct bonafide_signer {
    domain: Domain,
    keys: Vec<(Selector, SigningKey)>,
    options: SigningOptions,
    /// What the above make; `None` until there is a key.
    signer: Option<Arc<Signer>>,
}

/// One message that is being signed or sealed.
#[derive(Debug)]
pub struct bonafide_signing {
    stage: Stage,
    fields: Vec<GeneratedField>,
}

#[derive(Debug)]
enum Stage {
    Header { purpose: Purpose, reader: HeaderReader, now: UnixTime },
    Body(Box<Body>),
    Finished,
}

/// What is made for a message.
#[derive(Debug)]
pub(super) enum Purpose {
    Seal(Arc<Sealer>, Box<Findings>),
    Sign(Arc<Signer>),
}

/// A computation with what it borrows from, which is dropped after it.
#[derive(Debug)]
enum Body {
    Seal(Sealing<'static>, Arc<Sealer>),
    Sign(Signing<'static>, Arc<Signer>),
}

/// What can be set of a signer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(C)]
#[non_exhaustive]
pub enum bonafide_signing_option {
    /// 1 if headers are signed relaxed, as by default; 0 if simple.
    BONAFIDE_SIGNING_RELAXED_HEADER = 1,
    /// 1 if bodies are signed relaxed, as by default; 0 if simple.
    BONAFIDE_SIGNING_RELAXED_BODY = 2,
    /// x=: seconds from now; 0, as by default, for signatures without it.
    BONAFIDE_SIGNING_LIFETIME = 3,
    /// Bits of the smallest RSA key; 2048 by default, and at least 1024. Set it before a key is
    /// added.
    BONAFIDE_SIGNING_MINIMUM_RSA_BITS = 4,
    /// 1 if lines of over 998 octets may be signed; 0 by default.
    BONAFIDE_SIGNING_LONG_LINES = 5,
    /// 1 if octets over 127 may be signed, as by default.
    BONAFIDE_SIGNING_EIGHT_BIT = 6,
}

use bonafide_signing_option::{
    BONAFIDE_SIGNING_EIGHT_BIT, BONAFIDE_SIGNING_LIFETIME, BONAFIDE_SIGNING_LONG_LINES,
    BONAFIDE_SIGNING_MINIMUM_RSA_BITS, BONAFIDE_SIGNING_RELAXED_BODY,
    BONAFIDE_SIGNING_RELAXED_HEADER,
};

from_c!(bonafide_signing_option: BONAFIDE_SIGNING_RELAXED_HEADER, BONAFIDE_SIGNING_RELAXED_BODY,
    BONAFIDE_SIGNING_LIFETIME, BONAFIDE_SIGNING_MINIMUM_RSA_BITS, BONAFIDE_SIGNING_LONG_LINES,
    BONAFIDE_SIGNING_EIGHT_BIT);

impl bonafide_signer {
    /// Takes other keys and options, if they make a signer.
    fn change(
        &mut self,
        keys: Vec<(Selector, SigningKey)>,
        options: SigningOptions,
    ) -> Result<(), Failure> {
        self.signer = match keys.is_empty() {
            true => None,
            false => {
                let signer = Signer::new(self.domain.clone(), keys.clone(), options.clone());
                Some(Arc::new(signer.map_err(Failure::invalid)?))
            }
        };
        (self.keys, self.options) = (keys, options);
        Ok(())
    }
}

impl bonafide_signing {
    fn write(&mut self, chunk: &[u8]) -> Result<(), Failure> {
        match &mut self.stage {
            Stage::Body(body) => match &mut **body {
                Body::Seal(sealing, _) => sealing.body(chunk),
                Body::Sign(signing, _) => signing.body(chunk),
            },
            Stage::Header { reader, .. } => {
                let end = reader.write(chunk);
                if reader.is_at_end {
                    self.end_header()?;
                    return self.write(chunk.get(end..).unwrap_or_default());
                }
            }
            Stage::Finished => return Err(finished()),
        }
        Ok(())
    }

    fn end_header(&mut self) -> Result<(), Failure> {
        match std::mem::replace(&mut self.stage, Stage::Finished) {
            Stage::Header { purpose, reader, now } => {
                let limit = Limits::default().header_octets;
                if reader.octets.len() > limit.saturating_add(2) {
                    let text = format_args!("the header is over {limit} octets");
                    return Err(Failure::new(BONAFIDE_REFUSED, text));
                }
                let body = purpose.start(&Header::parse(&reader.octets), now)?;
                self.stage = Stage::Body(Box::new(body));
                Ok(())
            }
            Stage::Body(body) => {
                self.stage = Stage::Body(body);
                Ok(())
            }
            Stage::Finished => Err(finished()),
        }
    }

    fn finish(&mut self) -> Result<(), Failure> {
        if matches!(self.stage, Stage::Header { .. }) {
            return Err(Failure::order("the header is not complete"));
        }
        let Stage::Body(body) = std::mem::replace(&mut self.stage, Stage::Finished) else {
            return Err(finished());
        };
        let fields = match *body {
            Body::Seal(sealing, _sealer) => sealing.finish().map_err(refused)?,
            Body::Sign(signing, _signer) => signing.finish().map_err(refused)?,
        };
        let fields = Header::parse(fields.as_bytes());
        for field in fields.fields() {
            self.fields.push(GeneratedField::new(&String::from_utf8_lossy(field.as_bytes())));
        }
        Ok(())
    }
}

impl Purpose {
    fn start(self, header: &Header<'_>, now: UnixTime) -> Result<Body, Failure> {
        match self {
            Self::Seal(sealer, findings) => {
                // SAFETY: the sealer is behind an `Arc` that `Body` keeps until the sealing is dropped, so that it
                // neither moves nor ends nor changes before.
                let borrowed: &'static Sealer = unsafe { &*Arc::as_ptr(&sealer) };
                let Findings { results, chain } = *findings;
                let sealing = borrowed.start(header, results, &chain, now).map_err(refused)?;
                Ok(Body::Seal(sealing, sealer))
            }
            Self::Sign(signer) => {
                // SAFETY: as above, of the signer.
                let borrowed: &'static Signer = unsafe { &*Arc::as_ptr(&signer) };
                let signing = borrowed.start(header, now).map_err(refused)?;
                Ok(Body::Sign(signing, signer))
            }
        }
    }
}

/// Begins with a message.
pub(super) fn begin(purpose: Purpose, now: u64) -> bonafide_signing {
    let reader = HeaderReader::new(Limits::default().header_octets);
    let stage = Stage::Header { purpose, reader, now: UnixTime(now) };
    bonafide_signing { stage, fields: Vec::new() }
}

fn refused(error: impl fmt::Display) -> Failure {
    Failure::new(BONAFIDE_REFUSED, error)
}

fn finished() -> Failure {
    Failure::order("the signing is finished or was refused already")
}

pub(super) fn read_key(octets: &[u8]) -> Result<SigningKey, Failure> {
    // DER begins with a SEQUENCE.
    let key = match octets.first() {
        Some(0x30) => SigningKey::from_der(octets),
        _ => SigningKey::from_pem(octets),
    };
    key.map_err(Failure::invalid)
}

/// SIGN: DKIM signatures of our own (RFC 6376).
///
/// Makes a signer for `domain`, which is d=. It has no key yet. Free it with
/// bonafide_signer_free().
///
/// BONAFIDE_INVALID: it is no domain.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bonafide_signer_new(
    domain: *const c_char,
    domain_length: usize,
    signer: *mut *mut bonafide_signer,
) -> bonafide_status {
    guard(|| {
        // SAFETY: a text and a result, as the rules say.
        let (domain, slot) =
            unsafe { (text(domain, domain_length, "domain")?, slot(signer, "signer")?) };
        let domain = Domain::parse(domain).map_err(Failure::invalid)?;
        let options = SigningOptions::default();
        give(slot, bonafide_signer { domain, keys: Vec::new(), options, signer: None })
    })
}

/// Adds a private key whose public part is published at `selector`, which is s=: PEM or DER of
/// PKCS#8 or PKCS#1, RSA or Ed25519. Each key gives a signature of its own. The octets are copied;
/// the copy is overwritten in the end.
///
/// BONAFIDE_INVALID: it is no selector, or one that has a key already; or no such key, or too short
/// a one.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bonafide_signer_add_key(
    signer: *mut bonafide_signer,
    selector: *const c_char,
    selector_length: usize,
    key: *const c_void,
    key_length: usize,
) -> bonafide_status {
    guard(|| {
        // SAFETY: a handle and octets, as the rules say.
        let (signer, selector, key) = unsafe {
            let signer = handle_mut(signer, "signer")?;
            let selector = text(selector, selector_length, "selector")?;
            (signer, selector, octets(key, key_length, "key")?)
        };
        let selector = Selector::parse(selector).map_err(Failure::invalid)?;
        let mut keys = signer.keys.clone();
        keys.push((selector, read_key(key)?));
        signer.change(keys, signer.options.clone())?;
        Ok(BONAFIDE_OK)
    })
}

/// Sets an option, one of bonafide_signing_option, for signings that are made from now on.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bonafide_signer_set(
    signer: *mut bonafide_signer,
    option: c_int,
    value: u64,
) -> bonafide_status {
    guard(|| {
        // SAFETY: a handle, as the rules say.
        let signer = unsafe { handle_mut(signer, "signer")? };
        let option = bonafide_signing_option::from_c(option)?;
        let mut options = signer.options.clone();
        match option {
            BONAFIDE_SIGNING_RELAXED_HEADER => {
                options.header_canonicalization = canonicalization(value)?;
            }
            BONAFIDE_SIGNING_RELAXED_BODY => {
                options.body_canonicalization = canonicalization(value)?;
            }
            BONAFIDE_SIGNING_LIFETIME => {
                options.expiration = (value > 0).then_some(Expiration::After(value));
            }
            BONAFIDE_SIGNING_MINIMUM_RSA_BITS => {
                options.minimum_rsa_bits = u32::try_from(value).map_err(Failure::invalid)?;
            }
            BONAFIDE_SIGNING_LONG_LINES => options.long_lines = flag(value)?,
            BONAFIDE_SIGNING_EIGHT_BIT => options.eight_bit = flag(value)?,
        }
        signer.change(signer.keys.clone(), options)?;
        Ok(BONAFIDE_OK)
    })
}

/// Which header fields are signed: exactly these names, with colons between them, are h=, in this
/// order. Each takes the next field of that name from the bottom up; one for which none is left
/// signs that there is none. By default all fields are signed that matter to a reader, and of the
/// most important ones that there is no further one.
///
/// BONAFIDE_INVALID: there is something else than a name, or From is not among them.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bonafide_signer_set_fields(
    signer: *mut bonafide_signer,
    names: *const c_char,
    names_length: usize,
) -> bonafide_status {
    guard(|| {
        // SAFETY: a handle and a text, as the rules say.
        let (signer, names) =
            unsafe { (handle_mut(signer, "signer")?, text(names, names_length, "names")?) };
        let names = str::from_utf8(names).map_err(Failure::invalid)?;
        let mut options = signer.options.clone();
        options.fields = FieldsToSign::Exactly(names.split(':').map(String::from).collect());
        signer.change(signer.keys.clone(), options)?;
        Ok(BONAFIDE_OK)
    })
}

/// Frees a signer; NULL is none. Signings that it made live on.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bonafide_signer_free(signer: *mut bonafide_signer) {
    // SAFETY: a handle whose last use this is.
    unsafe { boundary::free(signer) }
}

/// Begins to sign a message. `now` is the time in seconds since 1970. Free the signing with
/// bonafide_signing_free().
///
/// BONAFIDE_ORDER: the signer has no key.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bonafide_signing_new(
    signer: *const bonafide_signer,
    now: u64,
    signing: *mut *mut bonafide_signing,
) -> bonafide_status {
    guard(|| {
        // SAFETY: a handle and a result, as the rules say.
        let (signer, slot) = unsafe { (handle(signer, "signer")?, slot(signing, "signing")?) };
        let Some(signer) = &signer.signer else {
            return Err(Failure::order("the signer has no key"));
        };
        give(slot, begin(Purpose::Sign(Arc::clone(signer)), now))
    })
}

/// The next octets of the message, as for bonafide_session_write(). What is signed is what is sent:
/// CRLF line ends, without the dots of SMTP.
///
/// BONAFIDE_REFUSED: the header must not be signed. The signing is only to be freed then.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bonafide_signing_write(
    signing: *mut bonafide_signing,
    data: *const c_void,
    length: usize,
) -> bonafide_status {
    guard(|| {
        // SAFETY: a handle and octets, as the rules say.
        let (signing, data) =
            unsafe { (handle_mut(signing, "signing")?, octets(data, length, "data")?) };
        signing.write(data)?;
        Ok(BONAFIDE_OK)
    })
}

/// The next field of the header, as for bonafide_session_field().
///
/// BONAFIDE_ORDER: the header is complete already.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bonafide_signing_field(
    signing: *mut bonafide_signing,
    name: *const c_char,
    name_length: usize,
    value: *const c_char,
    value_length: usize,
) -> bonafide_status {
    guard(|| {
        // SAFETY: a handle and texts, as the rules say.
        let (signing, name, value) = unsafe {
            let name = text(name, name_length, "name")?;
            (handle_mut(signing, "signing")?, name, text(value, value_length, "value")?)
        };
        if matches!(signing.stage, Stage::Body(_)) {
            return Err(Failure::order("the header is complete already"));
        }
        signing.write(&field_octets(name, value))?;
        Ok(BONAFIDE_OK)
    })
}

/// The end of the header, for callers of bonafide_signing_field(). Where the header is complete
/// already, nothing happens.
///
/// BONAFIDE_REFUSED: the header must not be signed. The signing is only to be freed then.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bonafide_signing_end_header(
    signing: *mut bonafide_signing,
) -> bonafide_status {
    guard(|| {
        // SAFETY: a handle, as the rules say.
        unsafe { handle_mut(signing, "signing")? }.end_header()?;
        Ok(BONAFIDE_OK)
    })
}

/// Signs, when the whole message is written. Take the fields with bonafide_signing_result().
///
/// BONAFIDE_REFUSED: the body must not be signed. BONAFIDE_ORDER: the header is not complete, or it
/// was finished already.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bonafide_signing_finish(
    signing: *mut bonafide_signing,
) -> bonafide_status {
    guard(|| {
        // SAFETY: a handle, as the rules say.
        unsafe { handle_mut(signing, "signing")? }.finish()?;
        Ok(BONAFIDE_OK)
    })
}

/// A field to put in front of the message, for index 0, 1 and so on: put the last one there first,
/// so that the first stands on top.
///
/// `line_end` is one of bonafide_line_end. The value is everything behind the colon, the space in
/// front of it too, without the line end behind it; both are valid until the signing is freed.
/// BONAFIDE_ABSENT: there is no further one, or the signing is not finished.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bonafide_signing_result(
    signing: *const bonafide_signing,
    index: usize,
    line_end: c_int,
    name: *mut bonafide_text,
    value: *mut bonafide_text,
) -> bonafide_status {
    guard(|| {
        // SAFETY: a handle and results, as the rules say.
        let (signing, name, value) = unsafe {
            let signing = handle(signing, "signing")?;
            (signing, slot(name, "name")?, slot(value, "value")?)
        };
        let line_end = bonafide_line_end::from_c(line_end)?;
        let Some(field) = signing.fields.get(index) else { return Ok(BONAFIDE_ABSENT) };
        name.write(field.name());
        value.write(field.value(line_end));
        Ok(BONAFIDE_OK)
    })
}

/// Frees a signing, finished or not, and all that it gave; NULL is none.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bonafide_signing_free(signing: *mut bonafide_signing) {
    // SAFETY: a handle whose last use this is.
    unsafe { boundary::free(signing) }
}

fn canonicalization(value: u64) -> Result<Canonicalization, Failure> {
    let is_relaxed = flag(value)?;
    Ok(if is_relaxed { Canonicalization::Relaxed } else { Canonicalization::Simple })
}

fn flag(value: u64) -> Result<bool, Failure> {
    match value {
        0 => Ok(false),
        1 => Ok(true),
        _ => Err(Failure::invalid(format_args!("found {value}, expected 0 or 1"))),
    }
}
