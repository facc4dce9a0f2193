//! DKIM verification against vectors.

use std::fs;

use bonafide::dkim::{self, DkimResult, Verdict, Verifier};
use bonafide::dns::Zone;
use bonafide::message::Header;
use bonafide::{UnixTime, block_on};

use crate::support::project;
use crate::support::stanzas::{self, Stanza};

/// The messages of `test-vectors/dkim`, each with the results of RFC 6376 section 6.
#[test]
fn vectors() {
    stanzas::run(&project("test-vectors/dkim/cases.txt"), check);
}

/// One case or two for each trap that crafted signatures have laid for verifiers.
#[test]
fn matrix() {
    stanzas::run(&project("test-vectors/dkim/matrix.txt"), check);
}

/// The examples of RFC 6376 appendix A and RFC 8463 appendix A.
#[test]
fn rfc_examples() {
    stanzas::run(&project("test-vectors/dkim/rfc.txt"), check);
}

fn check(case: &mut Stanza) -> Result<(), String> {
    let read = |name: &str| fs::read(project("test-vectors/dkim").join(name)).unwrap();
    let message = read(&case.consume("Message"));
    let zone = Zone::parse(&read(&case.consume("Zone"))).map_err(|error| error.to_string())?;
    let now = UnixTime(case.consume("Now").parse().unwrap());
    let mut options = dkim::Options::default();
    for option in case.all("Option") {
        match option.as_str() {
            "accept_unsigned_body" => options.accept_unsigned_body = true,
            "maximum_rsa_bits=8192" => options.limits.maximum_rsa_bits = 8192,
            other => return Err(format!("unknown option {other}")),
        }
    }
    let verdicts = block_on(dkim::verify(&message, &options, &zone, now));
    let results: Vec<_> = verdicts.iter().map(|verdict| verdict.result.to_string()).collect();
    expect("Result", results.join(" "), case.consume("Result"))?;
    let first = |show: fn(&Verdict) -> String| verdicts.first().map(show).unwrap_or_default();
    let facts = [
        ("Testing", first(|v| v.testing.to_string())),
        ("KeyBits", first(|v| v.key_bits.unwrap_or_default().to_string())),
        ("UnsignedBody", first(|v| v.unsigned_body_octets.to_string())),
        ("SignedFields", first(|v| v.signed_fields.to_string())),
        ("Oversigned", first(|v| v.oversigned_fields.to_string())),
        ("UnsignedDuplicates", first(|v| v.unsigned_duplicates.to_string())),
        ("Identity", first(|v| v.identity.as_ref().map(ToString::to_string).unwrap_or_default())),
    ];
    for (key, found) in facts {
        if let Some(expected) = case.optional(key) {
            expect(key, found, expected)?;
        }
    }
    // Part of the text of the first cause: it names what was found.
    if let Some(expected) = case.optional("Cause") {
        let found = first(|v| v.cause.as_ref().map(ToString::to_string).unwrap_or_default());
        if !found.contains(&expected) {
            return Err(format!("cause: expected {expected:?} in {found:?}"));
        }
    }
    // The same body octet by octet: no verdict depends on how it arrives.
    let header = Header::parse(&message);
    let mut verifier = Verifier::new(&header, &options, now);
    header.body().chunks(1).for_each(|octet| verifier.body(octet));
    let keys = block_on(verifier.keys(&zone));
    if verifier.finish(keys).as_ref() != Ok(&verdicts) {
        return Err("the verdicts depend on the chunks of the body".to_owned());
    }
    for verdict in &verdicts {
        let passed = verdict.result == DkimResult::Pass;
        if passed != verdict.cause.is_none() {
            return Err(format!("a pass has no cause and all else has one: {verdict}"));
        }
    }
    Ok(())
}

fn expect(key: &str, found: String, expected: String) -> Result<(), String> {
    if found == expected {
        Ok(())
    } else {
        Err(format!("{key}: expected {expected}, found {found}"))
    }
}
