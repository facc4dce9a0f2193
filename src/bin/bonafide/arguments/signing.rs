//! The arguments of `sign` and `keygen`.

use std::path::PathBuf;

use bonafide::canonicalization::Canonicalization;
use bonafide::dkim::KeyType;
use bonafide::{Domain, Selector, UnixTime};

use super::{Command, Misuse, octets, required};

/// What `sign` is asked for.
#[derive(Debug, PartialEq)]
pub(crate) struct Sign {
    /// `None` for standard input.
    pub(crate) file: Option<PathBuf>,
    pub(crate) domain: Domain,
    /// Selectors and the files of their private keys.
    pub(crate) keys: Vec<(Selector, PathBuf)>,
    pub(crate) canonicalization: Option<(Canonicalization, Canonicalization)>,
    pub(crate) expire: Option<u64>,
    pub(crate) minimum_rsa_bits: Option<u32>,
    pub(crate) now: Option<UnixTime>,
}

/// What `keygen` is asked for.
#[derive(Debug, PartialEq)]
pub(crate) struct Keygen {
    pub(crate) domain: Domain,
    pub(crate) selector: Selector,
    pub(crate) key_type: KeyType,
    pub(crate) bits: u32,
    /// Where the private key goes.
    pub(crate) file: PathBuf,
}

pub(super) fn sign(parser: &mut lexopt::Parser) -> Result<Command, Misuse> {
    use lexopt::prelude::*;

    let (mut domain, mut selectors, mut keys) = (None, Vec::new(), Vec::new());
    let (mut canonicalization, mut expire, mut minimum_rsa_bits, mut now) = Default::default();
    let (mut file, mut files) = (None, 0_u8);
    while let Some(argument) = parser.next()? {
        match argument {
            Long("canonicalization") => {
                canonicalization = Some(canonicalizations(&parser.value()?.string()?)?);
            }
            Long("domain") => domain = Some(parse_domain(parser)?),
            Long("expire") => expire = Some(parser.value()?.parse()?),
            Long("help") | Short('h') => return Ok(Command::Help),
            Long("key") => keys.push(parser.value()?.into()),
            Long("minimum-rsa-bits") => minimum_rsa_bits = Some(parser.value()?.parse()?),
            Long("now") => now = Some(UnixTime(parser.value()?.parse()?)),
            Long("selector") => selectors.push(parse_selector(parser)?),
            Value(path) if files == 0 => {
                files = 1;
                file = (path != "-").then(|| path.into());
            }
            other => return Err(other.unexpected().into()),
        }
    }
    if keys.is_empty() || keys.len() != selectors.len() {
        let (selectors, keys) = (selectors.len(), keys.len());
        return Err(Misuse(format!(
            "found {selectors} --selector and {keys} --key, expected one of each, or more in pairs"
        )));
    }
    Ok(Command::Sign(Sign {
        file,
        domain: required("--domain", domain)?,
        keys: selectors.into_iter().zip(keys).collect(),
        canonicalization,
        expire,
        minimum_rsa_bits,
        now,
    }))
}

pub(super) fn keygen(parser: &mut lexopt::Parser) -> Result<Command, Misuse> {
    use lexopt::prelude::*;

    let (mut domain, mut selector, mut file) = (None, None, None::<PathBuf>);
    let (mut key_type, mut bits) = (KeyType::Rsa, None);
    while let Some(argument) = parser.next()? {
        match argument {
            Long("bits") => bits = Some(parser.value()?.parse()?),
            Long("domain") => domain = Some(parse_domain(parser)?),
            Long("help") | Short('h') => return Ok(Command::Help),
            Long("key") => file = Some(parser.value()?.into()),
            Long("selector") => selector = Some(parse_selector(parser)?),
            Long("type") => {
                key_type = match parser.value()?.string()?.as_str() {
                    "ed25519" => KeyType::Ed25519,
                    "rsa" => KeyType::Rsa,
                    other => {
                        return Err(Misuse(format!(
                            "found --type {other}, expected ed25519 or rsa"
                        )));
                    }
                };
            }
            other => return Err(other.unexpected().into()),
        }
    }
    if key_type == KeyType::Ed25519 && bits.is_some() {
        return Err(Misuse("--bits is for RSA keys; Ed25519 keys have one size".to_owned()));
    }
    Ok(Command::Keygen(Keygen {
        domain: required("--domain", domain)?,
        selector: required("--selector", selector)?,
        key_type,
        bits: bits.unwrap_or(2048),
        file: required("--key", file)?,
    }))
}

pub(super) fn parse_domain(parser: &mut lexopt::Parser) -> Result<Domain, Misuse> {
    let text = octets(parser.value()?);
    Domain::parse(&text).map_err(|error| Misuse(format!("--domain: {error}")))
}

pub(super) fn parse_selector(parser: &mut lexopt::Parser) -> Result<Selector, Misuse> {
    let text = octets(parser.value()?);
    Selector::parse(&text).map_err(|error| Misuse(format!("--selector: {error}")))
}

pub(super) fn canonicalizations(
    text: &str,
) -> Result<(Canonicalization, Canonicalization), Misuse> {
    let parse = |name: &str| Canonicalization::parse(name.as_bytes());
    text.split_once('/').and_then(|(header, body)| parse(header).zip(parse(body))).ok_or_else(|| {
        Misuse(format!(
            "found --canonicalization {text}, expected simple or relaxed, a slash, and one of them"
        ))
    })
}
