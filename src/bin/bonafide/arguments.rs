//! The command line.

use std::ffi::OsString;
use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;

use bonafide::UnixTime;

pub(crate) const USAGE: &str = "\
usage: bonafide verify [OPTIONS] [FILE]
       bonafide spf [OPTIONS] --ip ADDR [--helo NAME] [--mail-from ADDRESS]
       bonafide --help | --version";

pub(crate) const HELP: &str = "\
bonafide tells genuine mail from forged.

usage: bonafide verify [OPTIONS] [FILE]
       bonafide spf [OPTIONS] --ip ADDR [--helo NAME] [--mail-from ADDRESS]
       bonafide --help | --version

verify reads a message from FILE, or from standard input without FILE or with -, and
says what became of each of its signatures, and why; with --ip also whether the client
might send for the sender.

spf says whether a client may send for the sender of a message, and why.

  --ip ADDR                the address of the client
  --helo NAME              what it said in HELO or EHLO
  --mail-from ADDRESS      what it said in MAIL FROM, without <>; empty for the null path
  --zone FILE              answer DNS questions from FILE, with no network at all
  --nameserver ADDR[:PORT] ask this DNS server; without either, the system's
  --now SECONDS            take this as the time, in seconds since 1970
  --format text|json       text for people (the default), or JSON for programs
  --explain                show each check in order

The exit status says whether it ran (0), could not read its input (1) or was misused (2);
it does not say whether the mail passed.
";

/// What to do.
#[derive(Debug, PartialEq)]
pub(crate) enum Command {
    Help,
    Spf(Spf),
    Verify(Verify),
    Version,
}

/// What `verify` is asked for.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Verify {
    /// `None` for standard input.
    pub(crate) file: Option<PathBuf>,
    /// `None` if the message's session is not known.
    pub(crate) envelope: Option<Envelope>,
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

/// Where answers to DNS questions come from.
#[derive(Debug, Default, PartialEq)]
pub(crate) enum Dns {
    Server(SocketAddr),
    #[default]
    System,
    Zone(PathBuf),
}

#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) enum Format {
    Json,
    #[default]
    Text,
}

/// What is wrong with a command line.
#[derive(Debug, PartialEq)]
pub(crate) struct Misuse(String);

impl fmt::Display for Misuse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<lexopt::Error> for Misuse {
    fn from(error: lexopt::Error) -> Self {
        Self(error.to_string())
    }
}

pub(crate) fn parse(arguments: impl Iterator<Item = OsString>) -> Result<Command, Misuse> {
    use lexopt::prelude::*;

    let mut parser = lexopt::Parser::from_args(arguments);
    let is_spf = match parser.next()? {
        Some(Long("help") | Short('h')) => return Ok(Command::Help),
        Some(Long("version") | Short('V')) => return Ok(Command::Version),
        Some(Value(command)) if command == "spf" => true,
        Some(Value(command)) if command == "verify" => false,
        Some(other) => return Err(other.unexpected().into()),
        None => return Err(Misuse("expected a command".to_owned())),
    };
    let mut common = Common::default();
    let (mut ip, mut helo, mut mail_from) = (None, None, None);
    let mut files = Vec::new();
    while let Some(argument) = parser.next()? {
        match argument {
            Long("explain") => common.explain = true,
            Long("format") => common.format = format(&parser.value()?.string()?)?,
            Long("helo") => helo = Some(octets(parser.value()?)),
            Long("help") | Short('h') => return Ok(Command::Help),
            Long("ip") => ip = Some(parser.value()?.parse()?),
            Long("mail-from") => mail_from = Some(octets(parser.value()?)),
            Long("nameserver") => common.dns = Dns::Server(server(&parser.value()?.string()?)?),
            Long("now") => common.now = Some(UnixTime(parser.value()?.parse()?)),
            Long("zone") => common.dns = Dns::Zone(parser.value()?.into()),
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
    Ok(Command::Verify(Verify { file, envelope, common }))
}

/// The octets of an argument: senders may hold any.
fn octets(argument: OsString) -> Vec<u8> {
    argument.into_encoded_bytes()
}

fn format(word: &str) -> Result<Format, Misuse> {
    match word {
        "json" => Ok(Format::Json),
        "text" => Ok(Format::Text),
        _ => Err(Misuse(format!("found --format {word}, expected text or json"))),
    }
}

fn server(text: &str) -> Result<SocketAddr, Misuse> {
    let address = text.trim_start_matches('[').trim_end_matches(']').parse();
    text.parse()
        .or_else(|_| address.map(|address: IpAddr| SocketAddr::new(address, 53)))
        .map_err(|_| Misuse(format!("found --nameserver {text}, expected ADDR or ADDR:PORT")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(line: &str) -> Result<Command, Misuse> {
        parse(line.split_whitespace().map(OsString::from))
    }

    #[test]
    fn options_are_read() {
        let line = "verify --zone z --now 12 --format json --explain m.eml";
        let common = || Common {
            dns: Dns::Zone("z".into()),
            now: Some(UnixTime(12)),
            format: Format::Json,
            explain: true,
        };
        let file = Some("m.eml".into());
        let expected = Verify { file, envelope: None, common: common() };
        assert_eq!(of(line), Ok(Command::Verify(expected)));
        assert_eq!(of("verify -"), Ok(Command::Verify(Verify::default())));
        let line = "spf --ip 192.0.2.1 --mail-from a@b.c --zone z --now 12 --format json --explain";
        let ip = [192, 0, 2, 1].into();
        let envelope = Envelope { ip, helo: Vec::new(), mail_from: b"a@b.c".to_vec() };
        assert_eq!(of(line), Ok(Command::Spf(Spf { envelope, common: common() })));
    }

    #[test]
    fn servers_have_a_port_or_53() {
        for (text, expected) in [
            ("127.0.0.1", "127.0.0.1:53"),
            ("127.0.0.1:5353", "127.0.0.1:5353"),
            ("::1", "[::1]:53"),
            ("[::1]", "[::1]:53"),
            ("[::1]:5353", "[::1]:5353"),
        ] {
            assert_eq!(server(text), Ok(expected.parse().unwrap()));
        }
    }

    #[test]
    fn misuse_is_told() {
        for line in [
            "",
            "foo",
            "verify a b",
            "verify --now x",
            "verify --format xml",
            "verify --nameserver a.b",
            "verify --helo a.b",
            "verify --ip 192.0.2.1",
            "spf",
            "spf --mail-from a@b.c",
            "spf --ip 192.0.2 --helo a.b",
            "spf --ip 192.0.2.1 --helo a.b file",
        ] {
            assert!(of(line).is_err(), "{line}");
        }
    }
}
