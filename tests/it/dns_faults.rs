//! Every kind of question that the evaluators ask, and everything that may go wrong with its answer,
//! over sockets: the results are fixed, and no fault makes a verdict better.

use std::net::IpAddr;
use std::time::Duration;

use bonafide::adapter::hickory::Hickory;
use bonafide::dmarc::{DestinationError, ReportKind, verify_destinations};
use bonafide::dns::{Name, Question, RecordType};
use bonafide::{Authenticator, Domain, Envelope, Report, UnixTime};

use crate::hickory::resolver;
use crate::support::dns_faults::{FAILURES, FAULTS, hook};
use crate::support::dns_server::{DnsServer, Manners};
use crate::support::{project, stanzas};

const NOW: UnixTime = UnixTime(1_528_637_909);
const CLIENT: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 1));

/// One kind of question: a world in which it is asked.
struct World {
    zone: String,
    question: Question,
    message: Vec<u8>,
    destination: Option<String>,
}

impl World {
    /// The results in this world, with a fault or without.
    async fn results(&self, fault: Option<&str>) -> String {
        let manners = Manners::default();
        let server = match fault {
            None => DnsServer::start(&self.zone, manners),
            Some(fault) => {
                DnsServer::start_with(&self.zone, manners, hook(fault, self.question.clone()))
            }
        };
        // Only where nothing comes is there something to wait for.
        let patience = if fault == Some("timeout") { 500 } else { 5000 };
        let resolver = resolver(server.address(), Duration::from_millis(patience));
        let result = match &self.destination {
            Some(uri) => destination(uri, &resolver).await,
            None => {
                let authenticator = Authenticator::new("mx.receiver.example").unwrap();
                let envelope =
                    Envelope::new(CLIENT, "mail.football.example.com", "joe@football.example.com");
                let report = authenticator.authenticate(&resolver, &envelope, &self.message, NOW);
                in_words(&report.await)
            }
        };
        let of_question = |asked: &Question| *asked == self.question;
        let is_asked = server.asked().iter().any(|(_, asked)| of_question(asked));
        assert!(is_asked, "{} is never asked", self.question);
        result
    }
}

/// RFC 9990 section 4: whether the host wants the reports.
async fn destination(uri: &str, resolver: &Hickory) -> String {
    let domain = Domain::parse(b"football.example.com").unwrap();
    let uris = [uri.to_owned()];
    let found = verify_destinations(&domain, &uris, ReportKind::Aggregate, resolver).await;
    match &found[0].outcome {
        Ok(uris) => format!("reports={}", uris.join(",")),
        Err(DestinationError::Lookup { .. }) => "reports=temperror".to_owned(),
        Err(_) => "reports=none".to_owned(),
    }
}

fn in_words(report: &Report) -> String {
    let spf = &report.spf.as_ref().unwrap().mail_from;
    let explained = if spf.explanation.is_some() { " explained" } else { "" };
    let dkim =
        report.dkim.first().map_or_else(|| "none".to_owned(), |verdict| verdict.result.to_string());
    let asked = report.dmarc.disposition.map_or(String::new(), |policy| format!("/{policy}"));
    format!("spf={}{explained} dkim={dkim} dmarc={}{asked}", spf.result, report.dmarc.result)
}

/// What is good for a sender in these results.
fn passing(results: &str) -> Vec<&str> {
    results
        .split(' ')
        .filter(|result| {
            ["=pass", "=mailto", "dmarc=none"].iter().any(|good| result.contains(good))
        })
        .collect()
}

/// The message of RFC 8463 appendix A, with the first of its signatures or with none.
fn message(signed: bool) -> Vec<u8> {
    let text = std::fs::read_to_string(project("test-vectors/dkim/rfc8463.eml")).unwrap();
    let second = text[1..].find("DKIM-Signature").unwrap() + 1;
    let (signature, header) = (&text[..second], &text[text.find("From:").unwrap()..]);
    [if signed { signature } else { "" }, header].concat().into_bytes()
}

#[test]
fn faults_have_fixed_results_and_make_no_verdict_better() {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let (mut kinds, mut results) = (Vec::new(), 0);
    stanzas::run(&project("test-vectors/dns/faults.txt"), |case| {
        let kind = case.consume("Kind");
        let question = case.consume("Question");
        let (name, record_type) = question.split_once(' ').unwrap();
        let types = [RecordType::A, RecordType::Mx, RecordType::Ptr, RecordType::Txt];
        let record_type = types.into_iter().find(|known| known.to_string() == record_type).unwrap();
        let world = World {
            zone: case.all("Zone").join("\n"),
            question: Question::new(Name::parse(name.as_bytes()).unwrap(), record_type),
            message: message(case.optional("Signed").is_some()),
            destination: case.optional("Destination"),
        };
        let better = case.optional("Better").unwrap_or_default();
        let without = runtime.block_on(world.results(None));
        let mut failures = Vec::new();
        let mut check = |what: &str, found: &str| {
            let expected = case.consume(what);
            (found != expected).then(|| format!("\n{what} = {found} (not {expected})"))
        };
        failures.extend(check("Result", &without));
        let world = std::sync::Arc::new(world);
        let runs = FAULTS.map(|fault| {
            let world = std::sync::Arc::clone(&world);
            (fault, runtime.spawn(async move { world.results(Some(fault)).await }))
        });
        for (fault, run) in runs {
            let found = runtime.block_on(run).unwrap();
            failures.extend(check(fault, &found));
            let is_better = passing(&found).iter().any(|pass| !without.contains(pass));
            let is_known = better.split(", ").any(|known| known == fault);
            if is_better != is_known {
                failures.push(format!("{fault} makes it better: {is_better}"));
            }
            // RFC 7208 section 5.5: only ptr ignores that nobody could say.
            if is_better && FAILURES.contains(&fault) && !kind.starts_with("ptr") {
                failures.push(format!("{fault} tells nothing, and yet makes it better"));
            }
            results += 1;
        }
        let speaks_against = kind.ends_with(" against") || ["dmarc", "tree walk"].contains(&&*kind);
        if !better.is_empty() && !speaks_against {
            failures.push("only records that speak against a sender may do so".to_owned());
        }
        kinds.push(kind);
        if failures.is_empty() { Ok(()) } else { Err(failures.join("; ")) }
    });
    let for_the_client = kinds.iter().filter(|kind| !kind.ends_with(" against")).count();
    println!("dns faults: {results} results, {} of them of the 12 kinds", for_the_client * 15);
    assert_eq!(for_the_client, 12);
}
