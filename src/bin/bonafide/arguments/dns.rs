//! Where answers to DNS questions come from, as all commands take it that ask.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;

use super::Misuse;

/// Where answers come from, and whose word it is that they are authentic.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Dns {
    pub(crate) source: Source,
    pub(crate) dnssec: Dnssec,
}

#[derive(Debug, Default, PartialEq)]
pub(crate) enum Source {
    Server(SocketAddr),
    #[default]
    System,
    Zone(PathBuf),
}

/// Whose word it is that an answer of a server is authentic.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) enum Dnssec {
    /// The server's.
    Trust,
    #[default]
    Unused,
    /// That of the signatures, from the root of the DNS on.
    Validate,
}

impl Dns {
    /// Takes one of the options `dnssec`, `nameserver` and `zone`, whose value comes next.
    pub(super) fn take(&mut self, option: &str, parser: &mut lexopt::Parser) -> Result<(), Misuse> {
        use lexopt::ValueExt;

        let value = parser.value()?;
        match option {
            "dnssec" => self.dnssec = dnssec(&value.string()?)?,
            "nameserver" => self.source = Source::Server(server(&value.string()?)?),
            _ => self.source = Source::Zone(value.into()),
        }
        Ok(())
    }
}

fn dnssec(word: &str) -> Result<Dnssec, Misuse> {
    match word {
        "trust" => Ok(Dnssec::Trust),
        "validate" => Ok(Dnssec::Validate),
        _ => Err(Misuse(format!("found --dnssec {word}, expected trust or validate"))),
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
}
