//! The command line.

use std::ffi::OsString;
use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;

use bonafide::UnixTime;

pub(crate) const USAGE: &str = "\
usage: bonafide verify [OPTIONS] [FILE]
       bonafide --help | --version";

pub(crate) const HELP: &str = "\
bonafide tells genuine mail from forged.

usage: bonafide verify [OPTIONS] [FILE]
       bonafide --help | --version

verify reads a message from FILE, or from standard input without FILE or with -, and
says what became of each of its signatures, and why.

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
    Verify(Verify),
    Version,
}

/// What `verify` is asked for.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Verify {
    /// `None` for standard input.
    pub(crate) file: Option<PathBuf>,
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
    let mut verify = match parser.next()? {
        Some(Long("help") | Short('h')) => return Ok(Command::Help),
        Some(Long("version") | Short('V')) => return Ok(Command::Version),
        Some(Value(command)) if command == "verify" => Verify::default(),
        Some(other) => return Err(other.unexpected().into()),
        None => return Err(Misuse("expected a command".to_owned())),
    };
    let mut files = 0_u8;
    while let Some(argument) = parser.next()? {
        match argument {
            Long("explain") => verify.explain = true,
            Long("format") => verify.format = format(&parser.value()?.string()?)?,
            Long("help") | Short('h') => return Ok(Command::Help),
            Long("nameserver") => verify.dns = Dns::Server(server(&parser.value()?.string()?)?),
            Long("now") => verify.now = Some(UnixTime(parser.value()?.parse()?)),
            Long("zone") => verify.dns = Dns::Zone(parser.value()?.into()),
            Value(file) if files == 0 => {
                files = 1;
                verify.file = (file != "-").then(|| file.into());
            }
            other => return Err(other.unexpected().into()),
        }
    }
    Ok(Command::Verify(verify))
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
        let expected = Verify {
            file: Some("m.eml".into()),
            dns: Dns::Zone("z".into()),
            now: Some(UnixTime(12)),
            format: Format::Json,
            explain: true,
        };
        assert_eq!(of(line), Ok(Command::Verify(expected)));
        assert_eq!(of("verify -"), Ok(Command::Verify(Verify::default())));
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
        ] {
            assert!(of(line).is_err(), "{line}");
        }
    }
}
