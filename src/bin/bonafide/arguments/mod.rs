//! The command line.

use std::ffi::OsString;
use std::fmt;

mod checking;
mod dns;
mod mta_sts;
mod sealing;
mod signing;

pub(crate) use checking::{Format, Spf, Verify};
pub(crate) use dns::{Dns, Dnssec, Source};
pub(crate) use mta_sts::MtaSts;
pub(crate) use sealing::{Results, Seal};
pub(crate) use signing::{Keygen, Sign};

pub(crate) const USAGE: &str = "\
usage: bonafide verify [OPTIONS] [FILE]
       bonafide spf [OPTIONS] --ip ADDR [--helo NAME] [--mail-from ADDRESS]
       bonafide sign --domain DOMAIN --selector SELECTOR --key FILE [OPTIONS] [FILE]
       bonafide seal --domain DOMAIN --selector SELECTOR --key FILE
                     --authserv-id ID [OPTIONS] [FILE]
       bonafide keygen --domain DOMAIN --selector SELECTOR --key FILE [OPTIONS]
       bonafide mta-sts [OPTIONS] DOMAIN
       bonafide --help | --version";

pub(crate) const HELP: &str = "\
bonafide tells genuine mail from forged.

usage: bonafide verify [OPTIONS] [FILE]
       bonafide spf [OPTIONS] --ip ADDR [--helo NAME] [--mail-from ADDRESS]
       bonafide sign --domain DOMAIN --selector SELECTOR --key FILE [OPTIONS] [FILE]
       bonafide seal --domain DOMAIN --selector SELECTOR --key FILE
                     --authserv-id ID [OPTIONS] [FILE]
       bonafide keygen --domain DOMAIN --selector SELECTOR --key FILE [OPTIONS]
       bonafide mta-sts [OPTIONS] DOMAIN
       bonafide --help | --version

verify reads a message from FILE, or from standard input without FILE or with -, and
says whether it is its author's and what the author's domain asks for (DMARC), what
became of each signature (DKIM) and of those who handled it before (ARC), with --ip
whether the client might send for the sender (SPF), and why. spf says only that.

  --ip ADDR                the address of the client
  --helo NAME              what it said in HELO or EHLO
  --mail-from ADDRESS      what it said in MAIL FROM, without <>; empty for the null path
  --zone FILE              answer DNS questions from FILE, with no network at all
  --nameserver ADDR[:PORT] ask this DNS server; without either, the system's
  --dnssec trust|validate  whose word it is that an answer is authentic: the server's,
                           or that of the signatures from the root of the DNS on;
                           without it, no answer is
  --now SECONDS            take this as the time, in seconds since 1970
  --format text|json|header
                           text for people (the default), JSON for programs, or the
                           header field that says it to other programs
  --authserv-id ID         who that field is to be by: localhost
  --trusted-sealer DOMAIN  believe what this domain has sealed; may be given again
  --explain                show each check in order

sign reads a message likewise and writes it to standard output with its signatures in
front, in CRLF. --selector and --key may be given again, for a second key.

  --key FILE               the private key, in PEM (PKCS#8 or PKCS#1) or DER
  --canonicalization H/B   simple or relaxed, for header and body: relaxed/relaxed
  --expire SECONDS         let the signature expire so long after it is made
  --minimum-rsa-bits BITS  sign with keys of this size or more: 2048
  --now SECONDS            as above

seal reads a message likewise, validates its ARC chain and writes it to standard output
with a further set in front, in CRLF. Where the chain is broken, that is what the set says.

  --authserv-id ID         take what was found of the message from its own fields
                           Authentication-Results by ID
  --results VALUE          or from VALUE, as such a field has it: ID; spf=pass
  --received FILE          the message as it came, whose chain is validated, if it was
                           changed since
  --key, --canonicalization, --minimum-rsa-bits, --zone, --nameserver, --dnssec, --now
                           as above

keygen makes a key pair: it writes the private key to a new FILE that only its owner can
read, and the DNS record to publish to standard output.

  --type ed25519|rsa       the kind of key: rsa
  --bits BITS              the size of an RSA key: 2048

mta-sts shows what DOMAIN asks of those who send mail to it: record, policy, and for each of
its hosts whether it matches and what would happen.

  --policy FILE            take the policy from FILE instead of fetching it
  --zone, --nameserver, --dnssec, --now, --format as above; with --zone nothing is fetched

The exit status says whether it ran (0), could not read its input or use its key (1) or
was misused (2); it does not say whether the mail passed.
";

/// What to do.
#[derive(Debug, PartialEq)]
pub(crate) enum Command {
    Help,
    Keygen(Keygen),
    MtaSts(MtaSts),
    Seal(Seal),
    Sign(Sign),
    Spf(Spf),
    Verify(Verify),
    Version,
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
        Some("keygen") => signing::keygen(&mut parser),
        Some("mta-sts") => mta_sts::mta_sts(&mut parser),
        Some("seal") => sealing::seal(&mut parser),
        Some("sign") => signing::sign(&mut parser),
        Some("spf") => checking::check(&mut parser, true),
        Some("verify") => checking::check(&mut parser, false),
        _ => Err(Value(command).unexpected().into()),
    }
}

fn required<T>(option: &str, value: Option<T>) -> Result<T, Misuse> {
    value.ok_or_else(|| Misuse(format!("expected {option}")))
}

/// The octets of an argument: senders may hold any.
fn octets(argument: OsString) -> Vec<u8> {
    argument.into_encoded_bytes()
}

#[cfg(test)]
mod tests {
    use bonafide::UnixTime;
    use bonafide::canonicalization::Canonicalization;

    use super::checking::{Common, Envelope};
    use super::*;

    fn of(line: &str) -> Result<Command, Misuse> {
        parse(line.split_whitespace().map(OsString::from))
    }

    #[test]
    fn options_are_read() {
        let line = "verify --zone z --dnssec trust --now 12 --format json --explain m.eml";
        let common = || Common {
            dns: Dns { source: Source::Zone("z".into()), dnssec: Dnssec::Trust },
            now: Some(UnixTime(12)),
            format: Format::Json,
            explain: true,
        };
        let file = Some("m.eml".into());
        let expected = Verify { file, common: common(), ..Verify::default() };
        assert_eq!(of(line), Ok(Command::Verify(expected)));
        assert_eq!(of("verify -"), Ok(Command::Verify(Verify::default())));
        let line = "spf --ip 192.0.2.1 --mail-from a@b.c --zone z --dnssec trust --now 12 \
            --format json --explain";
        let ip = [192, 0, 2, 1].into();
        let envelope = Envelope { ip, helo: Vec::new(), mail_from: b"a@b.c".to_vec() };
        assert_eq!(of(line), Ok(Command::Spf(Spf { envelope, common: common() })));
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
    fn results_are_given_or_found() {
        let line = "seal --domain a.b --selector a --key A --zone z --now 12";
        let of = |more: &str| match of(&format!("{line} {more}")) {
            Ok(Command::Seal(seal)) => seal,
            other => panic!("{other:?}"),
        };
        let seal = of("--authserv-id i m.eml");
        assert_eq!(seal.results, Results::By("i".to_owned()));
        let zone = Source::Zone("z".into());
        assert_eq!((seal.dns.source, seal.now), (zone, Some(UnixTime(12))));
        assert!(matches!(of("--results i;none -").results, Results::Given(_)));
    }

    #[test]
    fn misuse_is_told() {
        for line in [
            "",
            "foo",
            "verify a b",
            "verify --now x",
            "verify --format xml",
            "verify --dnssec",
            "verify --dnssec yes",
            "verify --nameserver a.b",
            "verify --helo a.b",
            "verify --ip 192.0.2.1",
            "spf",
            "spf --mail-from a@b.c",
            "spf --ip 192.0.2 --helo a.b",
            "spf --ip 192.0.2.1 --helo a.b file",
            "sign --selector a --key A",
            "sign --domain a..b --selector a --key A",
            "sign --domain a.b --selector a --key A --canonicalization strict/simple",
            "keygen --domain a.b --selector a",
            "seal --domain a.b --selector a --key A",
            "seal --domain a.b --selector a --authserv-id i",
            "seal --domain a.b --selector a --key A --results x",
            "seal --domain a.b --selector a --key A --authserv-id i --results x;none",
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
