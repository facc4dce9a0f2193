//! Hostile messages and key records, each with the result that the standards ask for.
//!
//! The corpus lies outside the project: `BONAFIDE_ATTACKS` or `../shared/attacks`.

use std::fs;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use bonafide::dkim::{self, DkimResult, Verdict};
use bonafide::dns::{Answer, LookupError, Question, Resolver, Zone};
use bonafide::{UnixTime, block_on, spf};
use serde_json::Value;

use crate::support::octets::octets;
use crate::support::{attack_zone, outside};

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
    let Some(folder) = outside("BONAFIDE_ATTACKS", "../shared/attacks") else {
        println!("attacks dkim: NOT RUN (set BONAFIDE_ATTACKS)");
        return;
    };
    let manifest: Value =
        serde_json::from_slice(&fs::read(folder.join("manifest.json")).unwrap()).unwrap();
    let default_now = manifest["now_default"].as_u64().unwrap();
    let areas = ["dkim", "dkim-key", "dkim-crypto"];
    let (mut count, mut failures) = (0, Vec::new());
    for case in manifest["cases"].as_array().unwrap() {
        if !areas.contains(&case["area"].as_str().unwrap()) {
            continue;
        }
        count += 1;
        let message = fs::read(folder.join(case["file"].as_str().unwrap())).unwrap();
        let now = UnixTime(case["inputs"]["now"].as_u64().unwrap_or(default_now));
        let resolver = Counting(attack_zone(&case["inputs"]["dns"]), AtomicUsize::new(0));
        let started = Instant::now();
        let options = dkim::Options::default();
        let verdicts = block_on(dkim::verify(&message, &options, &resolver, now));
        let milliseconds = started.elapsed().as_millis();
        let questions = resolver.1.into_inner();
        let bounds = check_limits(&case["limits"], milliseconds, questions);
        for failure in check_dkim(case, &verdicts).into_iter().chain(bounds) {
            failures.push(format!("{}: {failure} ({})", case["id"], case["why"]));
        }
    }
    println!("attacks dkim: {}/{count}", count - failures.len());
    assert!(count >= 121 && failures.is_empty(), "{}", failures.join("\n"));
}

#[test]
fn spf_area() {
    let Some(folder) = outside("BONAFIDE_ATTACKS", "../shared/attacks") else {
        println!("attacks spf: NOT RUN (set BONAFIDE_ATTACKS)");
        return;
    };
    let manifest: Value =
        serde_json::from_slice(&fs::read(folder.join("manifest.json")).unwrap()).unwrap();
    let now = UnixTime(manifest["now_default"].as_u64().unwrap());
    let (mut count, mut failures) = (0, Vec::new());
    let cases = manifest["cases"].as_array().unwrap();
    for case in cases.iter().filter(|case| case["area"] == "spf") {
        count += 1;
        let inputs = &case["inputs"];
        let text = |key: &str| octets(inputs[key].as_str().unwrap());
        let (helo, mail_from) = (text("helo"), text("mail_from"));
        let ip = inputs["ip"].as_str().unwrap().parse().unwrap();
        let query = spf::Query::new(ip, &helo, &mail_from);
        let resolver = Counting(attack_zone(&inputs["dns"]), AtomicUsize::new(0));
        let started = Instant::now();
        let options = spf::Options::default();
        let verdict = block_on(spf::check_mail_from(&query, &options, &resolver, now));
        let milliseconds = started.elapsed().as_millis();
        let questions = resolver.1.into_inner();
        let bounds = check_limits(&case["limits"], milliseconds, questions);
        for failure in check_spf(&case["expected"], &verdict).into_iter().chain(bounds) {
            failures.push(format!("{}: {failure} ({})", case["id"], case["why"]));
        }
    }
    println!("attacks spf: {}/{count}", count - failures.len());
    assert!(count >= 64 && failures.is_empty(), "{}", failures.join("\n"));
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

pub(crate) fn check_dkim(case: &Value, verdicts: &[Verdict]) -> Vec<String> {
    let expected = &case["expected"];
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

pub(crate) fn check_limits(limits: &Value, milliseconds: u128, questions: usize) -> Vec<String> {
    let mut failures = Vec::new();
    if let Some(most) = limits["max_dns_queries"].as_u64().filter(|most| questions as u64 > *most) {
        failures.push(format!("asked {questions} times, expected at most {most}"));
    }
    // The limits are for a release build on a machine of its own.
    let allowance = if cfg!(debug_assertions) { 20 } else { 2 };
    let most = limits["max_ms"].as_u64().map(|most| u128::from(most * allowance));
    if let Some(most) = most.filter(|most| milliseconds > *most) {
        failures.push(format!("took {milliseconds} ms, expected at most {most}"));
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
