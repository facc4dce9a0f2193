//! The command line.

use std::ffi::OsString;
use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;

use bonafide::canonicalization::Canonicalization;
use bonafide::dkim::KeyType;
use bonafide::{Domain, Selector, UnixTime};

pub(crate) const USAGE: &str = "\
usage: bonafide verify [OPTIONS] [FILE]
       bonafide sign --domain DOMAIN --selector SELECTOR --key FILE [OPTIONS] [FILE]
       bonafide keygen --domain DOMAIN --selector SELECTOR --key FILE [OPTIONS]
       bonafide mta-sts [OPTIONS] DOMAIN
       bonafide --help | --version";

pub(crate) const HELP: &str = "\
bonafide tells genuine mail from forged.

usage: bonafide verify [OPTIONS] [FILE]
       bonafide sign --domain DOMAIN --selector SELECTOR --key FILE [OPTIONS] [FILE]
       bonafide keygen --domain DOMAIN --selector SELECTOR --key FILE [OPTIONS]
       bonafide mta-sts [OPTIONS] DOMAIN
       bonafide --help | --version

verify reads a message from FILE, or from standard input without FILE or with -, and
says what became of each of its signatures, and why.

  --zone FILE              answer DNS questions from FILE, with no network at all
  --nameserver ADDR[:PORT] ask this DNS server; without either, the system's
  --now SECONDS            take this as the time, in seconds since 1970
  --format text|json       text for people (the default), or JSON for programs
  --explain                show each check in order

sign reads a message likewise and writes it to standard output with its signatures in
front, in CRLF. --selector and --key may be given again, for a second key.

  --key FILE               the private key, in PEM (PKCS#8 or PKCS#1) or DER
  --canonicalization H/B   simple or relaxed, for header and body: relaxed/relaxed
  --expire SECONDS         let the signature expire so long after it is made
  --minimum-rsa-bits BITS  sign with keys of this size or more: 2048
  --now SECONDS            as above

keygen makes a key pair: it writes the private key to a new FILE that only its owner can
read, and the DNS record to publish to standard output.

  --type ed25519|rsa       the kind of key: rsa
  --bits BITS              the size of an RSA key: 2048

mta-sts shows what DOMAIN asks of those who send mail to it: record, policy, and for each of
its hosts whether it matches and what would happen.

  --policy FILE            take the policy from FILE instead of fetching it
  --zone, --nameserver, --now, --format as above; with --zone nothing is fetched

The exit status says whether it ran (0), could not read its input or use its key (1) or
was misused (2); it does not say whether the mail passed.
";

/// What to do.
#[derive(Debug, PartialEq)]
pub(crate) enum Command {
    Help,
    Keygen(Keygen),
    MtaSts(MtaSts),
    Sign(Sign),
    Verify(Verify),
    Version,
}

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
    let command = match parser.next()? {
        Some(Long("help") | Short('h')) => return Ok(Command::Help),
        Some(Long("version") | Short('V')) => return Ok(Command::Version),
        Some(Value(command)) => command,
        Some(other) => return Err(other.unexpected().into()),
        None => return Err(Misuse("expected a command".to_owned())),
    };
    match command.to_str() {
        Some("keygen") => keygen(&mut parser),
        Some("mta-sts") => mta_sts(&mut parser),
        Some("sign") => sign(&mut parser),
        Some("verify") => verify(&mut parser),
        _ => Err(Value(command).unexpected().into()),
    }
}

fn verify(parser: &mut lexopt::Parser) -> Result<Command, Misuse> {
    use lexopt::prelude::*;

    let mut verify = Verify::default();
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

fn sign(parser: &mut lexopt::Parser) -> Result<Command, Misuse> {
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

fn keygen(parser: &mut lexopt::Parser) -> Result<Command, Misuse> {
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

fn mta_sts(parser: &mut lexopt::Parser) -> Result<Command, Misuse> {
    use lexopt::prelude::*;

    let (mut domain, mut policy, mut now) = (None, None, None);
    let (mut dns, mut format_of) = (Dns::default(), Format::default());
    while let Some(argument) = parser.next()? {
        match argument {
            Long("format") => format_of = format(&parser.value()?.string()?)?,
            Long("help") | Short('h') => return Ok(Command::Help),
            Long("nameserver") => dns = Dns::Server(server(&parser.value()?.string()?)?),
            Long("now") => now = Some(UnixTime(parser.value()?.parse()?)),
            Long("policy") => policy = Some(parser.value()?.into()),
            Long("zone") => dns = Dns::Zone(parser.value()?.into()),
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

fn required<T>(option: &str, value: Option<T>) -> Result<T, Misuse> {
    value.ok_or_else(|| Misuse(format!("expected {option}")))
}

fn parse_domain(parser: &mut lexopt::Parser) -> Result<Domain, Misuse> {
    let text = octets(parser.value()?);
    Domain::parse(&text).map_err(|error| Misuse(format!("--domain: {error}")))
}

fn parse_selector(parser: &mut lexopt::Parser) -> Result<Selector, Misuse> {
    let text = octets(parser.value()?);
    Selector::parse(&text).map_err(|error| Misuse(format!("--selector: {error}")))
}

fn octets(argument: OsString) -> Vec<u8> {
    argument.into_encoded_bytes()
}

fn canonicalizations(text: &str) -> Result<(Canonicalization, Canonicalization), Misuse> {
    let parse = |name: &str| Canonicalization::parse(name.as_bytes());
    text.split_once('/').and_then(|(header, body)| parse(header).zip(parse(body))).ok_or_else(|| {
        Misuse(format!(
            "found --canonicalization {text}, expected simple or relaxed, a slash, and one of them"
        ))
    })
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
    fn keys_and_selectors_come_in_pairs() {
        let line = "sign --domain example.com --selector a --key A --selector b --key B \
            --canonicalization simple/relaxed --expire 60 m.eml";
        let Ok(Command::Sign(sign)) = of(line) else { panic!("{:?}", of(line)) };
        let keys: Vec<_> =
            sign.keys.iter().map(|(s, k)| (s.as_str(), k.to_str().unwrap())).collect();
        assert_eq!(keys, [("a", "A"), ("b", "B")]);
        let canonicalization = (Canonicalization::Simple, Canonicalization::Relaxed);
        assert_eq!((sign.canonicalization, sign.expire), (Some(canonicalization), Some(60)));
        assert!(of("sign --domain example.com --selector a").is_err());
        assert!(of("sign --domain example.com --selector a --key A --key B").is_err());
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
            "sign --selector a --key A",
            "sign --domain a..b --selector a --key A",
            "sign --domain a.b --selector a --key A --canonicalization strict/simple",
            "keygen --domain a.b --selector a",
            "mta-sts",
            "mta-sts a..b",
            "mta-sts a.b c.d",
            "keygen --domain a.b --selector a --key A --type dsa",
            "keygen --domain a.b --selector a --key A --type ed25519 --bits 2048",
        ] {
            assert!(of(line).is_err(), "{line}");
        }
    }
}
