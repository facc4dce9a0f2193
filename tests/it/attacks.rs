//! Hostile messages and records, each with the result that the standards ask for.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use bonafide::dkim::{self, DkimResult, Verdict};
use bonafide::dns::{Answer, LookupError, Question, Resolver, Zone};
use bonafide::{block_on, spf};
use serde_json::Value;

use crate::support::attacks::run;
use crate::support::octets::octets;

/// A resolver that counts what it is asked.
struct Counting(Zone, AtomicUsize);

impl Resolver for Counting {
    async fn lookup(&self, question: &Question) -> Result<Answer, LookupError> {
        self.1.fetch_add(1, Ordering::Relaxed);
        self.0.lookup(question).await
    }
}

#[test]
fn dkim_areas() {
    run("dkim", &["dkim", "dkim-key", "dkim-crypto"], 121, |case| {
        let resolver = Counting(case.zone(), AtomicUsize::new(0));
        let (started, options) = (Instant::now(), dkim::Options::default());
        let verdicts = block_on(dkim::verify(&case.file, &options, &resolver, case.now));
        let exceeded = case.exceeded(started, resolver.1.into_inner());
        [check_dkim(case.expected(), &verdicts), exceeded].concat()
    });
}

#[test]
fn spf_area() {
    run("spf", &["spf"], 64, |case| {
        let (helo, mail_from) = (octets(case.input("helo")), octets(case.input("mail_from")));
        let query = spf::Query::new(case.input("ip").parse().unwrap(), &helo, &mail_from);
        let resolver = Counting(case.zone(), AtomicUsize::new(0));
        let (started, options) = (Instant::now(), spf::Options::default());
        let verdict = block_on(spf::check_mail_from(&query, &options, &resolver, case.now));
        let exceeded = case.exceeded(started, resolver.1.into_inner());
        [check_spf(case.expected(), &verdict), exceeded].concat()
    });
}

fn check_spf(expected: &Value, verdict: &spf::Verdict) -> Vec<String> {
    let mut failures = Vec::new();
    let result = Value::from(verdict.result.to_string());
    let explanation = verdict.explanation.as_ref().map(ToString::to_string).unwrap_or_default();
    for (key, value) in expected.as_object().unwrap() {
        let list = || value.as_array().unwrap();
        let holds = match key.as_str() {
            "spf" => *value == result,
            "spf_in" => list().contains(&result),
            "spf_never" => !list().contains(&result),
            "explanation_max_bytes" => explanation.len() as u64 <= value.as_u64().unwrap(),
            "explanation_must_not_contain" => {
                list().iter().all(|part| !explanation.contains(part.as_str().unwrap()))
            }
            "flags" => list().iter().all(|flag| flag == "permissive" && verdict.passes_everyone()),
            other => panic!("unknown expectation {other:?}"),
        };
        if !holds {
            failures.push(format!("expected {key} {value}, found {verdict} and {explanation:?}"));
        }
    }
    failures
}

pub(crate) fn check_dkim(expected: &Value, verdicts: &[Verdict]) -> Vec<String> {
    let mut failures = Vec::new();
    let results: Vec<_> = verdicts.iter().map(|verdict| verdict.result.to_string()).collect();
    let mut check = |holds: bool, what: &str| {
        if !holds {
            let causes: Vec<_> = verdicts.iter().map(ToString::to_string).take(3).collect();
            failures.push(format!("{what}, found {causes:?}"));
        }
    };
    if let Some(exact) = expected["dkim"].as_array() {
        check(exact == &results, &format!("expected {exact:?}"));
    }
    if let Some(classes) = expected["dkim_class"].as_array() {
        let found: Vec<_> = verdicts.iter().map(|verdict| class(verdict.result)).collect();
        check(classes == &found, &format!("expected the classes {classes:?}"));
    }
    if let Some(allowed) = expected["dkim_in"].as_array() {
        let holds = !results.is_empty()
            && results.iter().all(|r| allowed.contains(&Value::from(r.as_str())));
        check(holds, &format!("expected one of {allowed:?}"));
    }
    for flag in expected["flags"].as_array().into_iter().flatten().filter_map(Value::as_str) {
        let Some(verdict) = verdicts.first() else {
            continue;
        };
        let holds = match flag.split_once(':').unwrap_or((flag, "")) {
            ("unsigned-duplicate", name) => verdict.unsigned_duplicates.contains(name),
            ("uncovered", name) => !verdict.signed_fields.contains(name),
            ("body-length-limited" | "unsigned-body-suffix", _) => verdict.unsigned_body_octets > 0,
            ("weak-key", bits) => verdict.key_bits.is_some_and(|found| found.to_string() == bits),
            other => panic!("unknown flag {other:?}"),
        };
        check(holds, &format!("expected the flag {flag}"));
    }
    failures
}

fn class(result: DkimResult) -> &'static str {
    match result {
        DkimResult::Pass => "pass",
        DkimResult::TempError => "temperror",
        _ => "notpass",
    }
}
