//! The arguments of `seal`.

use std::path::PathBuf;

use bonafide::arc::AuthresPayload;
use bonafide::authentication_results::AuthenticationResults;
use bonafide::canonicalization::Canonicalization;
use bonafide::{Domain, Selector, UnixTime};

use super::dns::Dns;
use super::signing::{canonicalizations, parse_domain, parse_selector};
use super::{Command, Misuse, octets, required};

/// What `seal` is asked for.
#[derive(Debug, PartialEq)]
pub(crate) struct Seal {
    /// `None` for standard input.
    pub(crate) file: Option<PathBuf>,
    pub(crate) domain: Domain,
    pub(crate) selector: Selector,
    /// The file of the private key.
    pub(crate) key: PathBuf,
    pub(crate) results: Results,
    /// The message as it came; `None` if it has not changed since.
    pub(crate) received: Option<PathBuf>,
    pub(crate) canonicalization: Option<(Canonicalization, Canonicalization)>,
    pub(crate) minimum_rsa_bits: Option<u32>,
    pub(crate) dns: Dns,
    pub(crate) now: Option<UnixTime>,
}

/// What was found of the message when it came.
#[derive(Debug, PartialEq)]
pub(crate) enum Results {
    /// Its own fields by this authserv-id say so.
    By(String),
    Given(AuthresPayload),
}

pub(super) fn seal(parser: &mut lexopt::Parser) -> Result<Command, Misuse> {
    use lexopt::prelude::*;

    let (mut domain, mut selector, mut key, mut results) = (None, None, None::<PathBuf>, None);
    let (mut canonicalization, mut minimum_rsa_bits, mut now) = Default::default();
    let (mut file, mut files, mut received, mut dns) = (None, 0_u8, None, Dns::default());
    while let Some(argument) = parser.next()? {
        match argument {
            Long("authserv-id") if results.is_none() => {
                results = Some(Results::By(parser.value()?.string()?));
            }
            Long("canonicalization") => {
                canonicalization = Some(canonicalizations(&parser.value()?.string()?)?);
            }
            Long(option @ ("dnssec" | "nameserver" | "zone")) => {
                let option = option.to_owned();
                dns.take(&option, parser)?;
            }
            Long("domain") => domain = Some(parse_domain(parser)?),
            Long("help") | Short('h') => return Ok(Command::Help),
            Long("key") => key = Some(parser.value()?.into()),
            Long("minimum-rsa-bits") => minimum_rsa_bits = Some(parser.value()?.parse()?),
            Long("now") => now = Some(UnixTime(parser.value()?.parse()?)),
            Long("received") => received = Some(parser.value()?.into()),
            Long("results") if results.is_none() => {
                let text = octets(parser.value()?);
                let payload = AuthenticationResults::parse(&text).map(AuthresPayload::from);
                let payload = payload.map_err(|error| Misuse(format!("--results: {error}")))?;
                results = Some(Results::Given(payload));
            }
            Long("selector") => selector = Some(parse_selector(parser)?),
            Value(path) if files == 0 => {
                files = 1;
                file = (path != "-").then(|| path.into());
            }
            other => return Err(other.unexpected().into()),
        }
    }
    Ok(Command::Seal(Seal {
        file,
        domain: required("--domain", domain)?,
        selector: required("--selector", selector)?,
        key: required("--key", key)?,
        results: required("--authserv-id or --results", results)?,
        received,
        canonicalization,
        minimum_rsa_bits,
        dns,
        now,
    }))
}
