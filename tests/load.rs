//! The front door under load, over sockets: 10 000 messages, 256 at once, while one answer in twenty is
//! lost and one in twenty is SERVFAIL. A binary of its own, since it measures the memory of its process.
#![allow(
    clippy::arithmetic_side_effects,
    clippy::as_conversions,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::unwrap_used
)]

#[allow(dead_code, reason = "the other tests use the rest")]
#[path = "it/support/dns_server.rs"]
mod dns_server;

use std::collections::HashMap;
use std::hash::{BuildHasher as _, RandomState};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bonafide::adapter::hickory::Hickory;
use bonafide::dkim::{Signer, SigningKey, SigningOptions};
use bonafide::{Authenticator, Domain, Envelope, Report, Selector, UnixTime};
use dns_server::{DnsServer, Manners, OfZone, Query, Transport, encode_string, record};
use tokio::task::JoinSet;

const MESSAGES: usize = 10_000;
const AT_ONCE: usize = 256;
const NOW: UnixTime = UnixTime(1_795_478_400);
const TXT: u16 = 16;

/// How many answers in a hundred go wrong, each way.
#[derive(Clone, Copy)]
struct Faults {
    lost: u64,
    servfail: u64,
}

/// Domains without end, all alike: with a number in front, so that no cache helps.
fn serve(faults: Faults, key: &str) -> DnsServer {
    let key = key.to_owned();
    let random = RandomState::new();
    let count = AtomicUsize::new(0);
    let hook = move |packet: &[u8], transport, _: OfZone<'_>| {
        let query = Query::read(packet)?;
        let fate = random.hash_one(count.fetch_add(1, Ordering::Relaxed)) % 100;
        if fate < faults.lost && transport == Transport::Udp {
            return None;
        }
        if fate < faults.lost + faults.servfail {
            return Some(query.reply(2, &[], false));
        }
        let first = query.name.labels().next().unwrap_or_default();
        let text = match first {
            _ if query.code != TXT => return Some(query.reply(0, &[], false)),
            b"_dmarc" => "v=DMARC1; p=reject",
            b"s" => &key,
            _ => "v=spf1 ip4:192.0.2.1 -all",
        };
        let answer = record(&query.name, TXT, 60, &encode_string(text.as_bytes()));
        Some(query.reply(0, &[answer], false))
    };
    DnsServer::start_with("", Manners::default(), Box::new(hook))
}

/// One message in four passes by both, by DKIM alone, by SPF alone, and not at all.
struct Senders(SigningKey);

impl Senders {
    fn message(&self, number: usize) -> (Envelope, Vec<u8>) {
        let domain = format!("d{number}.load.example");
        let client = if number.is_multiple_of(2) { 1 } else { 2 };
        let helo = format!("mail.{domain}");
        let mail_from = format!("a@{domain}");
        let message = format!(
            "From: a@{domain}\r\nTo: b@receiver.example\r\nSubject: {number}\r\n\
             Date: Tue, 24 Nov 2026 00:00:00 +0000\r\nMessage-ID: <{number}@{domain}>\r\n\r\nHello.\r\n"
        );
        let mut message = message.into_bytes();
        if number % 4 < 2 {
            let keys = vec![(Selector::parse(b"s").unwrap(), self.0.clone())];
            let domain = Domain::parse(domain.as_bytes()).unwrap();
            let signer = Signer::new(domain, keys, SigningOptions::default()).unwrap();
            let mut signed = signer.sign(&message, NOW).unwrap().into_bytes();
            signed.append(&mut message);
            message = signed;
        }
        (Envelope::new([192, 0, 2, client].into(), helo, mail_from), message)
    }
}

/// The verdicts of a report by what they are about.
fn verdicts(report: &Report) -> Vec<String> {
    let spf = report.spf.as_ref().unwrap();
    let mut verdicts = vec![spf.mail_from.result.to_string(), spf.helo.result.to_string()];
    verdicts.extend(report.dkim.iter().map(|verdict| verdict.result.to_string()));
    verdicts.push(report.dmarc.result.to_string());
    verdicts
}

/// Octets of the process that are in memory.
fn resident() -> Option<usize> {
    let pages = std::fs::read_to_string("/proc/self/statm").ok()?;
    Some(pages.split(' ').nth(1)?.parse::<usize>().ok()? * 4096)
}

struct Outcome {
    verdicts: HashMap<usize, Vec<String>>,
    /// Resident octets after each tenth of the messages.
    resident: Vec<usize>,
}

async fn run(faults: Faults, messages: usize, at_once: usize) -> Outcome {
    let key = std::fs::read(concat!(env!("CARGO_MANIFEST_DIR"), "/test-vectors/keys/ed25519.pem"));
    let key = SigningKey::from_pem(&key.unwrap()).unwrap();
    let record = key.record().to_string();
    let senders = Arc::new(Senders(key));
    let server = serve(faults, &record);
    let resolver = Hickory::for_server(server.address()).unwrap();
    let authenticator = Authenticator::new("mx.receiver.example").unwrap();
    let mut outcome = Outcome { verdicts: HashMap::new(), resident: Vec::new() };
    let mut under_way = JoinSet::new();
    for number in 0..messages + at_once {
        if number >= at_once {
            let Some(done) = under_way.join_next().await else { break };
            let (number, verdicts) = done.unwrap();
            outcome.verdicts.insert(number, verdicts);
            if outcome.verdicts.len().is_multiple_of(messages / 10) {
                outcome.resident.extend(resident());
            }
        }
        if number < messages {
            let (senders, resolver, authenticator) =
                (Arc::clone(&senders), resolver.clone(), authenticator.clone());
            under_way.spawn(async move {
                let (envelope, message) = senders.message(number);
                let mut session = authenticator.session(envelope, NOW);
                session.write(&message);
                let timer = tokio::time::sleep(Duration::from_secs(20));
                let lookups = session.lookups_until(&resolver, timer).await;
                (number, verdicts(&session.finish(lookups).unwrap()))
            });
        }
    }
    outcome
}

/// RFC 7208 section 2.6.6, RFC 6376 section 3.9, RFC 9989 section 4.10: what nobody could say is a
/// temperror, however many messages there are.
#[test]
fn verdicts_under_load_are_right_or_temperror() {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let started = std::time::Instant::now();
    let quiet = Faults { lost: 0, servfail: 0 };
    // Four kinds of messages: what each is without load.
    let alone = runtime.block_on(run(quiet, 10, 1)).verdicts;
    assert_eq!(alone[&0], ["pass", "pass", "pass", "pass"]);
    assert_eq!(alone[&1], ["fail", "fail", "pass", "pass"]);
    assert_eq!(alone[&2], ["pass", "pass", "pass"]);
    assert_eq!(alone[&3], ["fail", "fail", "fail"]);

    let loaded = runtime.block_on(run(quiet, MESSAGES, AT_ONCE)).verdicts;
    assert_eq!(loaded.len(), MESSAGES);
    let others = loaded.iter().filter(|(number, found)| **found != alone[&(*number % 4)]).count();
    let quiet_took = started.elapsed();
    assert_eq!(others, 0, "of {MESSAGES} without faults");

    let Outcome { verdicts, resident } =
        runtime.block_on(run(Faults { lost: 5, servfail: 5 }, MESSAGES, AT_ONCE));
    assert_eq!(verdicts.len(), MESSAGES);
    let mut equal = 0;
    for (number, found) in &verdicts {
        let expected = &alone[&(number % 4)];
        equal += usize::from(found == expected);
        assert_eq!(found.len(), expected.len());
        for (found, expected) in found.iter().zip(expected) {
            assert!(found == expected || found == "temperror", "{number}: {found}, not {expected}");
        }
    }
    let growth = match resident[..] {
        [.., _] if resident.len() > 5 => resident[resident.len() - 1].saturating_sub(resident[4]),
        _ => 0,
    };
    println!(
        "load: {equal} of {MESSAGES} verdicts equal ({} %), the rest temperror; {} kB of growth over the \
         second half; {:?} without faults, {:?} in all",
        equal * 100 / MESSAGES,
        growth / 1024,
        quiet_took,
        started.elapsed()
    );
    assert!(equal * 100 >= MESSAGES * 60, "{equal} of {MESSAGES}");
    // The verdicts that are kept here are a third of a kB for each message.
    assert!(growth < 4 << 20, "{resident:?}");
}
