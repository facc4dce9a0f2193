//! The arguments of `verify` and `spf`.

use std::net::IpAddr;
use std::path::PathBuf;

use bonafide::{Domain, UnixTime};

use super::{Command, Dns, Misuse, octets};

/// What `verify` is asked for.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Verify {
    /// `None` for standard input.
    pub(crate) file: Option<PathBuf>,
    /// `None` if the message's session is not known.
    pub(crate) envelope: Option<Envelope>,
    /// Who the field is to be by.
    pub(crate) authserv_id: Option<String>,
    /// Whose seals are believed.
    pub(crate) trusted_sealers: Vec<Domain>,
    pub(crate) common: Common,
}

/// What `spf` is asked for.
#[derive(Debug, PartialEq)]
pub(crate) struct Spf {
    pub(crate) envelope: Envelope,
    pub(crate) common: Common,
}

/// What is known of the SMTP session, as octets.
#[derive(Debug, PartialEq)]
pub(crate) struct Envelope {
    pub(crate) ip: IpAddr,
    pub(crate) helo: Vec<u8>,
    pub(crate) mail_from: Vec<u8>,
}

/// What all commands take.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Common {
    pub(crate) dns: Dns,
    pub(crate) now: Option<UnixTime>,
    pub(crate) format: Format,
    pub(crate) explain: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) enum Format {
    Header,
    Json,
    #[default]
    Text,
}

/// Reads what `verify` takes, and `spf` but for the file.
pub(super) fn check(parser: &mut lexopt::Parser, is_spf: bool) -> Result<Command, Misuse> {
    use lexopt::prelude::*;

    let mut common = Common::default();
    let (mut ip, mut helo, mut mail_from) = (None, None, None);
    let (mut files, mut authserv_id, mut trusted_sealers) = (Vec::new(), None, Vec::new());
    while let Some(argument) = parser.next()? {
        match argument {
            Long("authserv-id") if !is_spf => authserv_id = Some(parser.value()?.string()?),
            Long(option @ ("dnssec" | "nameserver" | "zone")) => {
                let option = option.to_owned();
                common.dns.take(&option, parser)?;
            }
            Long("explain") => common.explain = true,
            Long("format") => common.format = format(&parser.value()?.string()?)?,
            Long("helo") => helo = Some(octets(parser.value()?)),
            Long("help") | Short('h') => return Ok(Command::Help),
            Long("ip") => ip = Some(parser.value()?.parse()?),
            Long("mail-from") => mail_from = Some(octets(parser.value()?)),
            Long("now") => common.now = Some(UnixTime(parser.value()?.parse()?)),
            Long("trusted-sealer") if !is_spf => {
                let sealer = Domain::parse(&octets(parser.value()?));
                let misuse = |error| Misuse(format!("--trusted-sealer: {error}"));
                trusted_sealers.push(sealer.map_err(misuse)?);
            }
            Value(file) if files.is_empty() && !is_spf => files.push(file),
            other => return Err(other.unexpected().into()),
        }
    }
    let envelope = match (ip, helo, mail_from) {
        (None, None, None) => None,
        (Some(_), None, None) => {
            return Err(Misuse("found --ip alone, expected --helo or --mail-from too".to_owned()));
        }
        (None, ..) => {
            return Err(Misuse("expected --ip with --helo and --mail-from".to_owned()));
        }
        (Some(ip), helo, mail_from) => Some(Envelope {
            ip,
            helo: helo.unwrap_or_default(),
            mail_from: mail_from.unwrap_or_default(),
        }),
    };
    if is_spf {
        let envelope = envelope.ok_or_else(|| Misuse("expected --ip".to_owned()))?;
        return Ok(Command::Spf(Spf { envelope, common }));
    }
    let file = files.pop().filter(|file| file != "-").map(PathBuf::from);
    Ok(Command::Verify(Verify { file, envelope, authserv_id, trusted_sealers, common }))
}

pub(super) fn format(word: &str) -> Result<Format, Misuse> {
    match word {
        "header" => Ok(Format::Header),
        "json" => Ok(Format::Json),
        "text" => Ok(Format::Text),
        _ => Err(Misuse(format!("found --format {word}, expected text, json or header"))),
    }
}
