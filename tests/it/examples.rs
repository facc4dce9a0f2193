//! The programs under `examples/` against a server on the loopback interface.
#![cfg(any(feature = "hickory", feature = "wire"))]

use std::process::Command;

#[cfg(feature = "wire")]
use crate::support::dns_server::Transport;
use crate::support::dns_server::{DnsServer, Manners};

const ZONE: &str = include_str!("../../test-vectors/dkim/rfc8463.zone");
const MESSAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/test-vectors/dkim/rfc8463.eml");
const BOTH_PASS: [&str; 2] =
    ["pass: d=football.example.com s=brisbane", "pass: d=football.example.com s=test"];

/// Runs an example on the message of RFC 8463, whose two signatures need two keys.
fn run(example: &str, server: &DnsServer) -> Vec<String> {
    // Tests run in `target/PROFILE/deps`, beside `target/PROFILE/examples`.
    let test = std::env::current_exe().unwrap();
    let profile = test.parent().unwrap().parent().unwrap();
    let program =
        profile.join("examples").join(format!("{example}{}", std::env::consts::EXE_SUFFIX));
    assert!(
        program.exists(),
        "{} is not built: `cargo test` builds the examples, `cargo test --test it` does not",
        program.display()
    );
    let output =
        Command::new(program).arg(MESSAGE).arg(server.address().to_string()).output().unwrap();
    let (out, err) = (output.stdout, String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{example}: {err}");
    String::from_utf8(out).unwrap().lines().map(str::to_owned).collect()
}

/// Each line of the output begins as it should.
fn assert_verdicts(found: &[String], expected: [&str; 2]) {
    assert_eq!(found.len(), expected.len(), "{found:#?}");
    for (found, expected) in found.iter().zip(expected) {
        assert!(found.starts_with(expected), "{found} is no {expected}");
    }
}

#[cfg(feature = "hickory")]
#[test]
fn tokio_verifies_both_signatures() {
    let server = DnsServer::start(ZONE, Manners::default());
    assert_verdicts(&run("tokio", &server), BOTH_PASS);
}

#[cfg(feature = "wire")]
#[test]
fn blocking_verifies_both_signatures() {
    let manners = Manners { forged_ids_first: true, ..Manners::default() };
    let server = DnsServer::start(ZONE, manners);
    assert_verdicts(&run("blocking", &server), BOTH_PASS);
    let transports: Vec<_> = server.asked().iter().map(|(over, _)| *over).collect();
    assert_eq!(transports, [Transport::Udp, Transport::Udp]);
}

#[cfg(feature = "wire")]
#[test]
fn blocking_asks_over_tcp_where_the_reply_is_truncated() {
    let manners = Manners { truncate: true, ..Manners::default() };
    let server = DnsServer::start(ZONE, manners);
    assert_verdicts(&run("blocking", &server), BOTH_PASS);
    let transports: Vec<_> = server.asked().iter().map(|(over, _)| *over).collect();
    let (udp, tcp) = (Transport::Udp, Transport::Tcp);
    assert_eq!(transports, [udp, tcp, udp, tcp]);
}

/// The questions are open at the same time, and the replies come in the other order.
#[cfg(feature = "wire")]
#[test]
fn stepping_takes_replies_in_any_order() {
    let manners = Manners { answer_in_reverse: true, forged_ids_first: true, ..Manners::default() };
    let server = DnsServer::start(ZONE, manners);
    assert_verdicts(&run("stepping", &server), BOTH_PASS);
    assert_eq!(server.asked().len(), 2);
}

/// A name server that stays silent costs the signature that needs it, and no other.
#[cfg(feature = "wire")]
#[test]
fn a_deadline_is_a_temperror_for_what_is_still_open() {
    let silent = format!("{ZONE}\ntest._domainkey.football.example.com !TIMEOUT TXT\n");
    let server = DnsServer::start(&silent, Manners::default());
    let expected =
        ["pass: d=football.example.com s=brisbane", "temperror: d=football.example.com s=test"];
    for example in ["blocking", "stepping"] {
        assert_verdicts(&run(example, &server), expected);
    }
}
