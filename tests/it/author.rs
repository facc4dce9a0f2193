//! Hostile From fields: whose message it is, or that nobody can say.
//!
//! The corpus lies outside the project: `BONAFIDE_ATTACKS` or `../shared/attacks`.

use std::fs;
use std::time::Instant;

use bonafide::Domain;
use bonafide::message::{AuthorDomain, AuthorError, Header};
use serde_json::Value;

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
