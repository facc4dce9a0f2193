//! `bonafide seal`: a message with a further ARC set in front.

use bonafide::UnixTime;
use bonafide::arc::{self, AuthresPayload, Sealer, SealingError, SealingOptions, Verdict};
use bonafide::message::Header;

use crate::arguments::{Results, Seal};
use crate::message::Message;
use crate::{Failure, resolver, sign};

pub(crate) fn run(arguments: &Seal) -> Result<(), Failure> {
    let sealer = sealer(arguments)?;
    let message = Message::read(arguments.file.as_deref())?;
    message.say_what_is_converted();
    let now = arguments.now.unwrap_or_else(|| std::time::SystemTime::now().into());
    let octets = message.header();
    let header = Header::parse(&octets);
    let results = results(arguments, &header)?;
    let chain = match &arguments.received {
        Some(file) => verify(arguments, &Message::read(Some(file))?, now)?,
        None => verify(arguments, &message, now)?,
    };
    let set = set(&sealer, &message, &header, results, &chain, now).map_err(failure)?;
    message.write_behind(&set)
}

fn sealer(arguments: &Seal) -> Result<Sealer, Failure> {
    let mut options = SealingOptions::default();
    if let Some((header, body)) = arguments.canonicalization {
        (options.header_canonicalization, options.body_canonicalization) = (header, body);
    }
    options.minimum_rsa_bits = arguments.minimum_rsa_bits.unwrap_or(options.minimum_rsa_bits);
    let (domain, selector) = (arguments.domain.clone(), arguments.selector.clone());
    Sealer::new(domain, selector, sign::key(&arguments.key)?, options).map_err(failure)
}

fn results(arguments: &Seal, header: &Header<'_>) -> Result<AuthresPayload, Failure> {
    match &arguments.results {
        Results::Given(payload) => Ok(payload.clone()),
        Results::By(id) => AuthresPayload::from_header(header, id).ok_or_else(|| {
            failure(format!("the message has no Authentication-Results field by {id}"))
        }),
    }
}

fn verify(arguments: &Seal, message: &Message, now: UnixTime) -> Result<Verdict, Failure> {
    let octets = message.header();
    let mut verifier = arc::Verifier::new(&Header::parse(&octets), &arc::Options::default(), now);
    let (runtime, resolver) = resolver::start(&arguments.dns)?;
    let keys = runtime.block_on(verifier.keys(resolver));
    message.body(|chunk| verifier.body(chunk));
    verifier.finish(keys).map_err(failure)
}

fn set(
    sealer: &Sealer,
    message: &Message,
    header: &Header<'_>,
    results: AuthresPayload,
    chain: &Verdict,
    now: UnixTime,
) -> Result<String, SealingError> {
    let mut sealing = sealer.start(header, results, chain, now)?;
    message.body(|chunk| sealing.body(chunk));
    sealing.finish()
}

fn failure(error: impl std::fmt::Display) -> Failure {
    Failure::Io(format!("cannot seal: {error}"))
}
