//! Records and policies, and the hosts that they stand for.

use bonafide::mta_sts::{self, Decision, HostDecision, Policy, Record, Tls};
use bonafide::{Domain, tls_rpt};
use proptest::prelude::*;

use super::{NOW, domain, expect, fetched, policy_text, result_type, unescape};
use crate::seeds::laws;
use crate::support::project;
use crate::support::stanzas::{self, Stanza};

/// RFC 8461 section 3.1.
#[test]
fn record_vectors() {
    stanzas::run(&project("test-vectors/mta_sts/records.txt"), |case| {
        let text = unescape(&case.consume("Text"));
        record_case(case, Record::parse(&text))
    });
    stanzas::run(&project("test-vectors/mta_sts/selections.txt"), |case| {
        let texts: Vec<_> = case.all("Text").iter().map(|text| unescape(text)).collect();
        record_case(case, Record::select(texts.iter().map(Vec::as_slice)))
    });
}

fn record_case(
    case: &mut Stanza,
    found: Result<Record<'_>, mta_sts::RecordError>,
) -> Result<(), String> {
    match found {
        Ok(record) => {
            let printed = record.to_string();
            assert_eq!(Record::parse(printed.as_bytes()), Ok(record), "{}", case.place);
            expect("Id", record.id, &case.optional("Id").unwrap_or_default())
        }
        Err(error) => {
            expect("Error", &error.to_string(), &case.optional("Error").unwrap_or_default())
        }
    }
}

/// RFC 8461 section 3.2.
#[test]
fn policy_vectors() {
    stanzas::run(&project("test-vectors/mta_sts/policies.txt"), |case| {
        let text = unescape(&case.consume("Text"));
        match Policy::parse(&text) {
            Ok(policy) => {
                let printed = policy.to_string();
                assert_eq!(Policy::parse(printed.as_bytes()), Ok(policy), "{}", case.place);
                let mx: Vec<_> = policy.mx().map(|pattern| pattern.to_string()).collect();
                let expected = |key| case.optional(key).unwrap_or_default();
                let [mode, max_age, patterns] = ["Mode", "MaxAge", "Mx"].map(expected);
                expect("Mode", &policy.mode.to_string(), &mode)?;
                expect("MaxAge", &policy.max_age.to_string(), &max_age)?;
                expect("Mx", &mx.join(" "), &patterns)
            }
            Err(error) => {
                expect("Error", &error.to_string(), &case.optional("Error").unwrap_or_default())
            }
        }
    });
}

/// RFC 8461 section 4.1.
#[test]
fn matching_vectors() {
    stanzas::run(&project("test-vectors/mta_sts/matching.txt"), |case| {
        let text = policy_text("enforce", &[&case.consume("Pattern")], 1);
        let policy = Policy::parse(text.as_bytes()).unwrap();
        for (key, expected) in [("Matches", true), ("Differs", false)] {
            for host in case.consume(key).split_whitespace() {
                // What is no domain is the name of no host.
                let parsed = Domain::parse(host.as_bytes());
                if parsed.is_ok_and(|host| policy.matches(&host)) != expected {
                    return Err(format!("{host}: expected {expected}"));
                }
            }
        }
        Ok(())
    });
}

/// RFC 8461 sections 2, 4 and 5, host by host.
#[test]
fn host_vectors() {
    stanzas::run(&project("test-vectors/mta_sts/hosts.txt"), |case| {
        let decision = match case.optional("Mode") {
            None => Decision::NoPolicy,
            Some(mode) => {
                let text = policy_text(&mode, &[&case.consume("Mx")], 604_800);
                Decision::Policy(fetched("1", &text, NOW))
            }
        };
        let hosts = case.consume("Hosts");
        let hosts: Vec<_> = hosts
            .split_whitespace()
            .map(|host| {
                let (name, tls) = host.split_once(':').unwrap();
                let tls = match tls {
                    "authenticated" => Tls::Authenticated,
                    "untried" => Tls::Untried,
                    failure => Tls::Failed(result_type(failure)),
                };
                (domain(name), tls)
            })
            .collect();
        let of = |host: &Domain| hosts.iter().find(|(name, _)| name == host).map(|(_, tls)| *tls);
        let own = domain("example.com");
        let decisions = decision.hosts(&own, hosts.iter().map(|(name, _)| name), |host| {
            of(host).unwrap_or(Tls::Authenticated)
        });
        let show = |(_, decision): (&Domain, HostDecision)| match decision.failure {
            None => decision.action.to_string(),
            Some(failure) => format!("{}/{failure}", decision.action),
        };
        let actions: Vec<_> = decisions.map(show).collect();
        expect("Actions", &actions.join(" "), &case.consume("Actions"))
    });
}

/// RFC 8460 section 3.
#[test]
fn tls_rpt_record_vectors() {
    stanzas::run(&project("test-vectors/tls_rpt/records.txt"), |case| {
        let texts: Vec<_> = case.all("Text").iter().map(|text| unescape(text)).collect();
        let found = match &texts[..] {
            [text] => tls_rpt::Record::parse(text),
            texts => tls_rpt::Record::select(texts.iter().map(Vec::as_slice)),
        };
        match found {
            Ok(record) => {
                let printed = record.to_string();
                let again = tls_rpt::Record::parse(printed.as_bytes());
                assert_eq!(again.as_ref(), Ok(&record), "{}", case.place);
                let uris: Vec<_> = record.rua.iter().map(|uri| uri.as_str()).collect();
                let schemes: Vec<_> =
                    record.rua.iter().map(|uri| format!("{:?}", uri.scheme)).collect();
                expect("Rua", &uris.join(" "), &case.optional("Rua").unwrap_or_default())?;
                expect("Schemes", &schemes.join(" "), &case.optional("Schemes").unwrap_or_default())
            }
            Err(error) => {
                expect("Error", &error.to_string(), &case.optional("Error").unwrap_or_default())
            }
        }
    });
    let question = tls_rpt::question(&domain("example.com")).unwrap();
    assert_eq!(question.to_string(), "_smtp._tls.example.com TXT");
}

proptest! {
    /// Texts that are nearly right, which chance alone would not find.
    #[test]
    fn laws_hold_for_texts_that_are_nearly_right(
        mta_sts in "v=STSv1[ \t]?;( ?(id|x-1|v)=[a1.=]{0,3} ?;?){0,3}",
        tls_rpt in "v=TLSRPTv1[ \t]?;( ?(rua|x-1)=((mailto|https|a):/{0,2}[a.@!%2? ]{0,4},? ?){1,3};?){0,2}",
        policy in "((version: STSv1|mode: none|mode: testing|mx: ?(\\*\\.)?[aB.-]{1,3}|max_age: ?[0-9]{1,11}|x:[ \ta\u{e9}\0]{0,2})\r?\n?){1,6}",
    ) {
        laws::mta_sts_record::holds(mta_sts.as_bytes());
        laws::tls_rpt_record::holds(tls_rpt.as_bytes());
        laws::mta_sts_policy::holds(policy.as_bytes());
    }

    #[test]
    fn matching_is_as_the_naive_one(
        patterns in prop::collection::vec("(\\*\\.)?([abAB]\\.){0,2}[ab]", 1..3),
        host in "([abAB]\\.){0,3}[ab]",
    ) {
        let patterns: Vec<_> = patterns.iter().map(String::as_str).collect();
        let host = domain(&host);
        let found = laws::mta_sts_matching::matches(&host, &patterns);
        laws::mta_sts_matching::check_matches(&host, &patterns, found);
    }
}
