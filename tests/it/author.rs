//! Hostile From fields: whose message it is, or that nobody can say.
//!
//! The corpus lies outside the project: `BONAFIDE_ATTACKS` or `../shared/attacks`.

use std::fs;
use std::time::Instant;

use bonafide::dmarc::{self, DkimIdentifier, IdentifierResult, Identifiers, SpfIdentifier};
use bonafide::dns::{Name, Question, RecordType, Resolver, Zone};
use bonafide::message::{AuthorDomain, AuthorError, Header};
use bonafide::{Domain, UnixTime, block_on, dkim};
use serde_json::Value;

use crate::dmarc::{Asked, candidates, is_sound};
use crate::support::attack_zone as zone;
use crate::support::outside;

#[test]
fn author_areas() {
    let Some(folder) = outside("BONAFIDE_ATTACKS", "../shared/attacks") else {
        println!("attacks author: NOT RUN (set BONAFIDE_ATTACKS)");
        return;
    };
    let manifest: Value =
        serde_json::from_slice(&fs::read(folder.join("manifest.json")).unwrap()).unwrap();
    let areas = ["from", "from-idn", "from-espoofer", "from-resource"];
    let (mut count, mut failures) = (0, Vec::new());
    for case in manifest["cases"].as_array().unwrap() {
        if !areas.contains(&case["area"].as_str().unwrap()) {
            continue;
        }
        count += 1;
        let message = fs::read(folder.join(case["file"].as_str().unwrap())).unwrap();
        let started = Instant::now();
        let author = AuthorDomain::of(&Header::parse(&message));
        let milliseconds = started.elapsed().as_millis();
        if !is_right(case, &author) {
            failures.push(format!("{}: found {author:?} ({})", case["id"], case["why"]));
        }
        // The limits are for a release build on a machine of its own.
        let allowance = if cfg!(debug_assertions) { 20 } else { 2 };
        let most = case["limits"]["max_ms"].as_u64().unwrap_or(200) * allowance;
        if milliseconds > u128::from(most) {
            failures.push(format!("{}: took {milliseconds} ms", case["id"]));
        }
    }
    println!("attacks author: {}/{count}", count - failures.len());
    assert!(count >= 74 && failures.is_empty(), "{}", failures.join("\n"));
}

/// What the author domain alone decides of the expected result.
fn is_right(case: &Value, author: &Result<AuthorDomain, AuthorError>) -> bool {
    let expected = &case["expected"];
    if let Some(domain) = expected["author_domain"].as_str() {
        let domain = Domain::parse(domain.as_bytes()).unwrap();
        return author.as_ref().is_ok_and(|author| match case["area"].as_str() {
            // There the domain is named that the tree walk ends at.
            Some("from-resource") => author.as_domain().is_equal_or_below(&domain),
            _ => *author.as_domain() == domain,
        });
    }
    let lists = |key: &str, result: &str| {
        expected[key].as_array().is_some_and(|list| list.contains(&Value::from(result)))
    };
    if expected["dmarc_recommended"] == "permerror" {
        return author.is_err();
    }
    match author {
        // Without an author domain the result is permerror.
        Err(_) => expected["dmarc"] == "permerror" || lists("dmarc_in", "permerror"),
        // A domain that was never looked up before has no record, so the result would be none.
        Ok(author) if lists("dmarc_never", "none") => {
            let record = format!("_dmarc.{author}");
            case["inputs"]["dns"].as_array().unwrap().iter().any(|row| row[0] == record)
        }
        Ok(_) => true,
    }
}

/// The results of DMARC as far as they do not need the evaluation of SPF: a domain whose record names
/// the client's address counts as passed.
#[test]
fn dmarc_areas() {
    let Some(folder) = outside("BONAFIDE_ATTACKS", "../shared/attacks") else {
        println!("attacks dmarc: NOT RUN (set BONAFIDE_ATTACKS)");
        return;
    };
    let manifest: Value =
        serde_json::from_slice(&fs::read(folder.join("manifest.json")).unwrap()).unwrap();
    let default_now = manifest["now_default"].as_u64().unwrap();
    let areas = ["from", "from-idn", "from-espoofer", "from-resource", "dmarc"];
    let (mut count, mut failures) = (0, Vec::new());
    for case in manifest["cases"].as_array().unwrap() {
        if !areas.contains(&case["area"].as_str().unwrap()) {
            continue;
        }
        count += 1;
        let message = fs::read(folder.join(case["file"].as_str().unwrap())).unwrap();
        let header = Header::parse(&message);
        let author = AuthorDomain::of(&header);
        let resolver = Asked::new(zone(&case["inputs"]["dns"]));
        let now = UnixTime(case["inputs"]["now"].as_u64().unwrap_or(default_now));
        let dkim = block_on(dkim::verify(&message, &dkim::Options::default(), &resolver.0, now));
        let identifiers = Identifiers {
            spf: spf_stand_in(&case["inputs"], &resolver.0),
            dkim: dkim.iter().filter_map(DkimIdentifier::of).collect(),
        };
        let options = dmarc::Options::default();
        let candidates = candidates(&identifiers);
        let lookups = block_on(dmarc::lookups(author, &candidates, &options, &resolver));
        let verdict = lookups.evaluate(&identifiers);
        is_sound(&verdict).unwrap();
        let expected = &case["expected"];
        let result = Value::from(verdict.result.to_string());
        let has = |key: &str| expected[key].as_array().is_some_and(|list| list.contains(&result));
        let policy = verdict.policy.map(|policy| policy.to_string());
        let most = case["limits"]["max_dns_queries"].as_u64();
        let most_dmarc = case["limits"]["max_dmarc_queries"].as_u64();
        let asked = resolver.names().len() as u64;
        let holds = (expected["dmarc"].is_null() || expected["dmarc"] == result)
            && (expected["dmarc_in"].is_null() || has("dmarc_in"))
            && (expected["dmarc_recommended"].is_null() || expected["dmarc_recommended"] == result)
            && !has("dmarc_never")
            && (expected["policy"].is_null() || expected["policy"].as_str() == policy.as_deref())
            && most.is_none_or(|most| asked <= most)
            && most_dmarc.is_none_or(|most| asked <= most);
        if !holds {
            let why = &case["why"];
            failures.push(format!("{}: {verdict}, {asked} questions ({why})", case["id"]));
        }
    }
    println!("attacks dmarc without SPF: {}/{count}", count - failures.len());
    assert!(count >= 99 && failures.is_empty(), "{}", failures.join("\n"));
}

fn spf_stand_in(inputs: &Value, zone: &Zone) -> Option<SpfIdentifier> {
    let mail_from = inputs["mail_from"].as_str()?;
    let domain = match mail_from.rsplit_once('@') {
        Some((_, domain)) => domain,
        None => inputs["helo"].as_str()?,
    };
    let domain = Domain::parse(domain.as_bytes()).ok()?;
    let name = Name::parse(domain.as_str().as_bytes()).ok()?;
    let answer = block_on(zone.lookup(&Question::new(name, RecordType::Txt))).ok()?;
    let mechanism = format!("ip4:{}", inputs["ip"].as_str()?);
    let passes = domain.labels().count() > 1
        && answer.texts().any(|text| {
            let text = String::from_utf8_lossy(text.as_bytes()).into_owned();
            text.starts_with("v=spf1 ") && text.split(' ').any(|term| term == mechanism)
        });
    let result = if passes { IdentifierResult::Pass } else { IdentifierResult::NoPass };
    Some(SpfIdentifier { domain, result })
}

#[test]
fn dmarcrpt_area() {
    let Some(folder) = outside("BONAFIDE_ATTACKS", "../shared/attacks") else {
        println!("attacks dmarcrpt: NOT RUN (set BONAFIDE_ATTACKS)");
        return;
    };
    let manifest: Value =
        serde_json::from_slice(&fs::read(folder.join("manifest.json")).unwrap()).unwrap();
    let (mut count, mut failures) = (0, Vec::new());
    for case in manifest["cases"].as_array().unwrap() {
        if case["area"] != "dmarcrpt" {
            continue;
        }
        count += 1;
        let domain = case["inputs"]["policy_domain"].as_str().unwrap();
        let resolver = Asked::new(zone(&case["inputs"]["dns"]));
        let author =
            AuthorDomain::of(&Header::parse(format!("From: a@{domain}\r\n").as_bytes())).unwrap();
        let domain = author.as_domain().clone();
        let candidates = dmarc::Candidates::default();
        let options = dmarc::Options::default();
        let lookups = block_on(dmarc::lookups(Ok(author), &candidates, &options, &resolver));
        let rua = lookups.evaluate(&Identifiers::default()).rua;
        let kind = dmarc::ReportKind::Aggregate;
        let destinations = block_on(dmarc::verify_destinations(&domain, &rua, kind, &resolver));
        let allowed = destinations.into_iter().filter_map(|found| found.outcome.ok()).flatten();
        let allowed: Vec<_> = allowed.collect();
        let most = case["limits"]["max_dns_queries"].as_u64().unwrap_or(u64::MAX);
        let asked = resolver.names().len() as u64;
        if case["expected"]["rua_allowed"] != Value::from(allowed.clone()) || asked > most {
            failures.push(format!("{}: {allowed:?}, {asked} questions", case["id"]));
        }
    }
    println!("attacks dmarcrpt: {}/{count}", count - failures.len());
    assert!(count >= 9 && failures.is_empty(), "{}", failures.join("\n"));
}
