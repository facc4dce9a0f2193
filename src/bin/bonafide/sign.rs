//! `bonafide sign`: a message with its signatures in front.

use std::path::Path;

use bonafide::UnixTime;
use bonafide::dkim::{Expiration, Signer, SigningError, SigningKey, SigningOptions};
use bonafide::message::Header;
use zeroize::Zeroizing;

use crate::Failure;
use crate::arguments::Sign;
use crate::message::Message;

pub(crate) fn run(arguments: &Sign) -> Result<(), Failure> {
    let signer = signer(arguments)?;
    let message = Message::read(arguments.file.as_deref())?;
    message.say_what_is_converted();
    let now = arguments.now.unwrap_or_else(|| std::time::SystemTime::now().into());
    let octets = message.header();
    let fields = fields(&signer, &message, &octets, now)
        .map_err(|error| Failure::Io(format!("cannot sign: {error}")))?;
    message.write_behind(&fields)
}

fn fields(
    signer: &Signer,
    message: &Message,
    octets: &[u8],
    now: UnixTime,
) -> Result<String, SigningError> {
    let mut signing = signer.start(&Header::parse(octets), now)?;
    message.body(|chunk| signing.body(chunk));
    signing.finish()
}

fn signer(arguments: &Sign) -> Result<Signer, Failure> {
    let mut options = SigningOptions::default();
    if let Some((header, body)) = arguments.canonicalization {
        (options.header_canonicalization, options.body_canonicalization) = (header, body);
    }
    options.expiration = arguments.expire.map(Expiration::After);
    options.minimum_rsa_bits = arguments.minimum_rsa_bits.unwrap_or(options.minimum_rsa_bits);
    let mut keys = Vec::new();
    for (selector, file) in &arguments.keys {
        keys.push((selector.clone(), key(file)?));
    }
    Signer::new(arguments.domain.clone(), keys, options)
        .map_err(|error| Failure::Io(format!("cannot sign: {error}")))
}

pub(crate) fn key(file: &Path) -> Result<SigningKey, Failure> {
    let failure = |why: &dyn std::fmt::Display| {
        Failure::Io(format!("cannot use the key in {}: {why}", file.display()))
    };
    let octets = Zeroizing::new(std::fs::read(file).map_err(|error| failure(&error))?);
    // DER begins with a SEQUENCE, which no text begins with.
    let key = match octets.as_slice() {
        [0x30, ..] if !octets.is_ascii() => SigningKey::from_der(&octets),
        text => SigningKey::from_pem(text),
    };
    key.map_err(|error| failure(&error))
}
