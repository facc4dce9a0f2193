//! Hostile From fields: whose message it is, or that nobody can say; and hostile report destinations.

use std::time::Instant;

use bonafide::dmarc::{self, Identifiers};
use bonafide::message::{AuthorDomain, AuthorError, Header};
use bonafide::{Domain, block_on};
use serde_json::Value;

use crate::dmarc::Asked;
use crate::support::attacks::run;

#[test]
fn author_areas() {
    let areas = ["from", "from-idn", "from-espoofer", "from-resource"];
    run("author", &areas, 74, |case| {
        let started = Instant::now();
        let author = AuthorDomain::of(&Header::parse(&case.file));
        let mut failures = case.exceeded(started, 0);
        if !is_right(&case.json, &author) {
            failures.push(format!("found {author:?}"));
        }
        failures
    });
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

#[test]
fn dmarcrpt_area() {
    run("dmarcrpt", &["dmarcrpt"], 9, |case| {
        let domain = case.input("policy_domain");
        let resolver = Asked::new(case.zone());
        let started = Instant::now();
        let author =
            AuthorDomain::of(&Header::parse(format!("From: a@{domain}\r\n").as_bytes())).unwrap();
        let domain = author.as_domain().clone();
        let candidates = dmarc::Candidates::default();
        let options = dmarc::Options::default();
        let lookups = block_on(dmarc::lookups(Ok(author), &candidates, &options, &resolver));
        let record = lookups.evaluate(&Identifiers::default()).record;
        let rua: Vec<_> = record.iter().flat_map(|record| record.rua()).collect();
        let kind = dmarc::ReportKind::Aggregate;
        let destinations = block_on(dmarc::verify_destinations(&domain, &rua, kind, &resolver));
        let allowed = destinations.into_iter().filter_map(|found| found.outcome.ok()).flatten();
        let allowed: Vec<_> = allowed.collect();
        let mut failures = case.exceeded(started, resolver.names().len());
        if case.expected()["rua_allowed"] != Value::from(allowed.clone()) {
            failures.push(format!("found {allowed:?}"));
        }
        failures
    });
}
