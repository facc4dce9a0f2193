//! Chains: the public suite, hostile messages, and what bad structure costs.
//!
//! The corpora lie outside the project: `BONAFIDE_SUITES` and `BONAFIDE_ATTACKS`, or beside it.

use std::collections::BTreeSet;
use std::fs;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use bonafide::arc::{self, ArcResult, Verdict};
use bonafide::dkim;
use bonafide::dns::{Answer, LookupError, Question, Resolver, Zone};
use bonafide::message::Header;
use bonafide::{UnixTime, block_on};
use saphyr::{LoadableYamlNode, Yaml};
use serde_json::Value;

use crate::support::attacks::run;
use crate::support::octets::escape;
use crate::support::outside;

struct Counting(Zone, AtomicUsize);

impl Resolver for Counting {
    async fn lookup(&self, question: &Question) -> Result<Answer, LookupError> {
        self.1.fetch_add(1, Ordering::Relaxed);
        self.0.lookup(question).await
    }
}

fn verify(message: &[u8], zone: &Zone, now: u64) -> Verdict {
    let mut options = arc::Options::default();
    options.oldest_pass = true;
    let verdict = block_on(arc::verify(message, &options, zone, UnixTime(now)));
    // The older message signatures and the trace change nothing of the result.
    options.oldest_pass = false;
    options.signatures.trace = true;
    let traced = block_on(arc::verify(message, &options, zone, UnixTime(now)));
    assert_eq!((traced.result, &traced.cause), (verdict.result, &verdict.cause));
    assert_eq!(verdict.result == ArcResult::Fail, verdict.cause.is_some());
    assert_eq!(shared(message, zone, now), verdict);
    verdict
}

/// One pass of the body for the signatures of DKIM and of ARC, an octet at a time.
fn shared(message: &[u8], zone: &Zone, now: u64) -> Verdict {
    let mut options = arc::Options::default();
    options.oldest_pass = true;
    let header = Header::parse(message);
    let mut dkim = dkim::Verifier::new(&header, &options.signatures, UnixTime(now));
    let mut arc = arc::Verifier::new(&header, &options, UnixTime(now));
    arc.leave_body_to(&mut dkim);
    header.body().chunks(1).for_each(|octet| dkim.body(octet));
    let dkim_keys = block_on(dkim.keys(zone));
    let (_, bodies) = dkim.finish_with_bodies(dkim_keys).unwrap();
    let keys = block_on(arc.keys(zone));
    arc.finish_with_bodies(keys, &bodies).unwrap()
}

/// Where the suite contradicts the RFCs: an absent c= means simple (RFC 6376 section 3.5), and h= must
/// name From (section 5.4).
const CONTESTED: [&str; 2] = ["ams_fields_c_na", "ams_fields_h_empty"];

/// The suite has four cases twice under one name, which YAML does not allow: the second gets another.
fn distinct(text: &str) -> String {
    let mut seen = BTreeSet::new();
    let lines = text.lines().map(|line| {
        let is_name = line.starts_with("  ") && !line.starts_with("   ") && line.ends_with(':');
        match is_name && !seen.insert(line) {
            true => format!("{}+:\n", line.trim_end_matches(':')),
            false => format!("{line}\n"),
        }
    });
    lines.collect()
}

#[test]
fn suite_validation() {
    let Some(file) = outside("BONAFIDE_SUITES", "../shared/suites")
        .map(|f| f.join("arc/arc-draft-validation-tests.yml"))
    else {
        println!("arc suite validation: NOT RUN (set BONAFIDE_SUITES)");
        return;
    };
    let (mut names, mut failures) = (BTreeSet::new(), Vec::new());
    for scenario in Yaml::load_from_str(&distinct(&fs::read_to_string(file).unwrap())).unwrap() {
        let mut text = String::new();
        for (name, record) in scenario["txt-records"].as_mapping().into_iter().flatten() {
            let Some(record) = record.as_str() else { continue };
            let record = record.replace('\n', "");
            text += &format!("{} TXT \"{}\"\n", name.as_str().unwrap(), escape(&record));
        }
        let zone: Zone = text.parse().unwrap();
        for (name, case) in scenario["tests"].as_mapping().unwrap() {
            let name = name.as_str().unwrap().trim_end_matches('+');
            let field = |key: &str| case[key].as_str().unwrap_or_default();
            names.insert(name.to_owned());
            let message = field("message").replace('\n', "\r\n");
            let expected = match field("cv").trim().to_ascii_lowercase().as_str() {
                // What the authors left open is a chain that says so itself.
                "" => "fail".to_owned(),
                _ if CONTESTED.contains(&name) => "fail".to_owned(),
                word => word.to_owned(),
            };
            let verdict = verify(message.as_bytes(), &zone, 12345);
            if verdict.result.to_string() != expected {
                failures.push(format!("{name}: expected {expected}, found {verdict}"));
            }
        }
    }
    let count = names.len();
    println!("arc suite validation: {}/{count}", count - failures.len());
    assert!(count == 171 && failures.is_empty(), "{}", failures.join("\n"));
}

#[test]
fn attacks_area() {
    run("arc", &["arc"], 21, |case| {
        let started = Instant::now();
        let verdict = verify(&case.file, &case.zone(), case.now.0);
        let mut failures = case.exceeded(started, 0);
        failures.extend(check(case.expected(), &verdict));
        failures
    });
}

/// What the manifest says of a chain, if it says anything.
pub(crate) fn check(expected: &Value, verdict: &Verdict) -> Vec<String> {
    let mut failures = Vec::new();
    let result = Value::from(verdict.result.to_string());
    let sealers: Vec<_> = verdict.sealers.iter().map(ToString::to_string).collect();
    for (key, value) in
        expected.as_object().unwrap().iter().filter(|(key, _)| key.starts_with("arc"))
    {
        let holds = match key.as_str() {
            "arc" => *value == result,
            "arc_in" => value.as_array().unwrap().contains(&result),
            "arc_never" => !value.as_array().unwrap().contains(&result),
            "arc_sealers" => *value == Value::from(sealers.clone()),
            other => panic!("unknown expectation {other:?}"),
        };
        if !holds {
            failures.push(format!("expected {key} {value}, found {verdict}"));
        }
    }
    failures
}

fn set(instance: &str) -> String {
    format!(
        "ARC-Seal: i={instance}; a=rsa-sha256; cv=none; d=a.example; s=s; b=AAAA\r\n\
         ARC-Message-Signature: i={instance}; a=rsa-sha256; c=relaxed/relaxed; d=a.example; s=s; h=from; \
         bh=frcCV1k9oG9oKj3dpUqdJg1PxRT2RSN/XKdLCPjaYaY=; b=AAAA\r\n\
         ARC-Authentication-Results: i={instance}; a.example; none\r\n"
    )
}

/// RFC 8617 section 5.2, steps 1 to 3: what is wrong with the structure costs no question and little time.
#[test]
fn bad_structure_is_cheap() {
    let numbered = |most: u32| (1..=most).map(|n| set(&n.to_string())).collect::<String>();
    for (name, sets) in [
        ("51 sets", numbered(51)),
        ("1000 sets", numbered(1000)),
        ("i=0", set("0")),
        ("i=4294967297", set("4294967297")),
        ("10 000 fields of one instance", set("1").repeat(3334)),
        ("a gap", set("1") + &set("3")),
        ("cv=none above", numbered(2)),
    ] {
        let message = format!("{sets}From: a@a.example\r\n\r\n");
        let resolver = Counting(Zone::default(), AtomicUsize::new(0));
        let started = Instant::now();
        let options = arc::Options::default();
        let verdict = block_on(arc::verify(message.as_bytes(), &options, &resolver, UnixTime(0)));
        assert_eq!(verdict.result, ArcResult::Fail, "{name}");
        assert!(matches!(verdict.cause, Some(arc::Cause::Structure(_))), "{name}: {verdict}");
        assert_eq!(resolver.1.into_inner(), 0, "{name}");
        assert!(started.elapsed() < Duration::from_secs(1), "{name}");
    }
}

/// RFC 8617 section 5.2.1: a lookup that fails fails the chain, and can be told from what stays so.
#[test]
fn failed_lookups_are_told() {
    let message = set("1") + "From: a@a.example\r\n\r\n";
    let zone: Zone = "s._domainkey.a.example !SERVFAIL".parse().unwrap();
    let verdict = verify(message.as_bytes(), &zone, 0);
    let cause = verdict.cause.unwrap();
    assert_eq!(
        (verdict.result, cause.instance(), cause.is_temporary()),
        (ArcResult::Fail, Some(1), true)
    );
    let verdict = verify(message.as_bytes(), &Zone::default(), 0);
    assert!(!verdict.cause.unwrap().is_temporary());
}
