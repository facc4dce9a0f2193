//! The arguments of `mta-sts`.

use std::path::PathBuf;

use bonafide::{Domain, UnixTime};

use super::checking::{Format, format};
use super::dns::Dns;
use super::{Command, Misuse, octets, required};

/// What `mta-sts` is asked for.
#[derive(Debug, PartialEq)]
pub(crate) struct MtaSts {
    pub(crate) domain: Domain,
    pub(crate) dns: Dns,
    pub(crate) now: Option<UnixTime>,
    pub(crate) format: Format,
    /// A file instead of the policy host.
    pub(crate) policy: Option<PathBuf>,
}

/// Reads what `mta-sts` takes.
pub(super) fn mta_sts(parser: &mut lexopt::Parser) -> Result<Command, Misuse> {
    use lexopt::prelude::*;

    let (mut domain, mut policy, mut now) = (None, None, None);
    let (mut dns, mut format_of) = (Dns::default(), Format::default());
    while let Some(argument) = parser.next()? {
        match argument {
            Long(option @ ("dnssec" | "nameserver" | "zone")) => {
                let option = option.to_owned();
                dns.take(&option, parser)?;
            }
            Long("format") => match format(&parser.value()?.string()?)? {
                Format::Header => {
                    return Err(Misuse("found --format header, expected text or json".to_owned()));
                }
                known => format_of = known,
            },
            Long("help") | Short('h') => return Ok(Command::Help),
            Long("now") => now = Some(UnixTime(parser.value()?.parse()?)),
            Long("policy") => policy = Some(parser.value()?.into()),
            Value(text) if domain.is_none() => {
                let parsed = Domain::parse(&octets(text));
                domain = Some(parsed.map_err(|error| Misuse(format!("DOMAIN: {error}")))?);
            }
            other => return Err(other.unexpected().into()),
        }
    }
    let domain = required("DOMAIN", domain)?;
    Ok(Command::MtaSts(MtaSts { domain, dns, now, format: format_of, policy }))
}
