//! Discovery, in one go and step by step.

use std::sync::atomic::Ordering;

use bonafide::dns::{Question, RecordType, Zone};
use bonafide::evaluation::{AnswerError, Evaluation, Request, Response};
use bonafide::mta_sts::{
    self, CachedPolicy, Discovery, FailedFetch, FetchError, PolicyFetcher, Store,
};
use bonafide::tls_rpt::ResultType;
use bonafide::{Domain, UnixTime, block_on};
use proptest::prelude::*;

use super::{Fetcher, NOW, domain, expect, fetched, policy_text};
use crate::support::project;
use crate::support::stanzas::{self, Stanza};

/// RFC 8461 sections 3.3, 5.1 and 6.
#[test]
fn discovery_vectors() {
    stanzas::run(&project("test-vectors/mta_sts/discovery.txt"), |case| {
        let zone: Zone = case.all("Zone").join("\n").parse().unwrap();
        let cached = cached(case);
        let fetcher = Fetcher::new(&case.optional("Fetch").unwrap_or_default());
        let own = domain("example.com");
        let discovery = block_on(mta_sts::discover(&own, cached.as_ref(), &zone, &fetcher, NOW));
        check_stepping(&own, cached.as_ref(), &zone, &fetcher, &discovery);
        let decision = match discovery.decision.mode() {
            None => "no policy".to_owned(),
            Some(mode) => mode.to_string(),
        };
        expect("Decision", &decision, &case.consume("Decision"))?;
        expect("Store", &show(&discovery.store), &case.consume("Store"))?;
        let report = discovery.report().map(|report| report.to_string());
        expect(
            "Report",
            &report.unwrap_or_default(),
            &case.optional("Report").unwrap_or_default(),
        )?;
        match (discovery.cause, case.optional("Cause")) {
            (None, None) => {}
            (Some(cause), Some(expected)) => expect("Cause", &cause.to_string(), &expected)?,
            (found, expected) => return Err(format!("{found:?}, expected {expected:?}")),
        }
        // Twice as many: the stepping did the same.
        let fetches = (fetcher.1.load(Ordering::Relaxed) / 2).to_string();
        expect("Fetches", &fetches, &case.consume("Fetches"))
    });
}

/// What a caller without a runtime gets is the same.
fn check_stepping(
    own: &Domain,
    cached: Option<&CachedPolicy>,
    zone: &Zone,
    fetcher: &Fetcher,
    expected: &Discovery,
) {
    let (own, cached) = (own.clone(), cached.cloned());
    let mut evaluation = Evaluation::new(|io| async move {
        mta_sts::discover(&own, cached.as_ref(), &io, &io, NOW).await
    });
    while let Some((id, request)) = evaluation.request() {
        let (right, wrong) = match request {
            Request::Dns(question) => {
                let reply = block_on(bonafide::dns::Resolver::lookup(zone, &question));
                (Response::Dns(reply), Response::Policy(Ok(Vec::new())))
            }
            Request::Policy(url) => {
                let reply = block_on(fetcher.fetch(&url));
                (Response::Policy(reply), Response::Dns(Err(bonafide::dns::LookupError::Timeout)))
            }
            other => panic!("{other:?}"),
        };
        assert_eq!(evaluation.answer(id, wrong), Err(AnswerError::WrongKind(id)));
        assert_eq!(evaluation.answer(id, right.clone()), Ok(()));
        assert_eq!(evaluation.answer(id, right), Err(AnswerError::NotAsked(id)));
    }
    assert_eq!(evaluation.outcome().as_ref(), Some(expected));
}

/// The deadline is a fetch that timed out.
#[test]
fn an_expired_fetch_is_a_timeout() {
    let zone: Zone = "_mta-sts.example.com TXT \"v=STSv1; id=1\"".parse().unwrap();
    let mut evaluation = Evaluation::new(|io| async move {
        mta_sts::discover(&domain("example.com"), None, &zone, &io, NOW).await
    });
    let Some((id, Request::Policy(url))) = evaluation.request() else { panic!() };
    assert_eq!(url.host(), "mta-sts.example.com");
    evaluation.expire();
    assert_eq!(
        evaluation.answer(id, Response::Policy(Ok(Vec::new()))),
        Err(AnswerError::NotAsked(id))
    );
    let cause = evaluation.outcome().unwrap().cause;
    assert_eq!(cause, Some(mta_sts::Cause::Fetch(FetchError::Timeout)));
}

/// `Cached = ID MODE MAX_AGE at SECONDS s ago`, `Failed = ID at SECONDS s ago`.
fn cached(case: &mut Stanza) -> Option<CachedPolicy> {
    let ago = |seconds: &str| UnixTime(NOW.0 - seconds.parse::<u64>().unwrap());
    let policy = case.optional("Cached").map(|line| {
        let words: Vec<_> = line.split(' ').collect();
        let [id, mode, max_age, "at", seconds, "s", "ago"] = words[..] else { panic!("{line}") };
        let text = policy_text(mode, &["mx.example.com"], max_age.parse().unwrap());
        fetched(id, &text, ago(seconds))
    });
    let failure = case.optional("Failed").map(|line| {
        let words: Vec<_> = line.split(' ').collect();
        let [id, "at", seconds, "s", "ago"] = words[..] else { panic!("{line}") };
        FailedFetch::new(id, ago(seconds), ResultType::StsWebpkiInvalid)
    });
    (policy.is_some() || failure.is_some()).then(|| CachedPolicy::new(policy, failure))
}

fn show(store: &Store) -> String {
    match store {
        Store::Keep => "keep".to_owned(),
        Store::Remove => "remove".to_owned(),
        Store::Replace(cached) => {
            let policy = cached.policy.iter().map(|policy| format!("policy {}", policy.id));
            let failure = cached.failure.iter().map(|failure| format!("failure {}", failure.id));
            policy.chain(failure).collect::<Vec<_>>().join(" ")
        }
    }
}

/// What is asked is one TXT record, below the domain itself.
#[test]
fn one_question_is_asked() {
    let mut evaluation = Evaluation::new(|io| async move {
        mta_sts::discover(&domain("mail.example.com"), None, &io, &io, NOW).await
    });
    let Some((_, Request::Dns(question))) = evaluation.request() else { panic!() };
    let Question { name, record_type, .. } = question;
    assert_eq!(
        (name.to_string().as_str(), record_type),
        ("_mta-sts.mail.example.com", RecordType::Txt)
    );
    assert!(evaluation.request().is_none());
}

/// A clock that was wrong does not keep a policy from being refreshed.
#[test]
fn a_policy_of_the_future_is_due() {
    let policy = fetched("1", &policy_text("enforce", &["a.example"], 604_800), NOW);
    assert!(!policy.is_due(NOW) && policy.is_due(UnixTime(NOW.0 - 1)));
    assert!(!policy.is_expired(UnixTime(NOW.0 - 1)));
}

proptest! {
    /// A failing DNS or fetch never makes a valid cached policy weaker.
    #[test]
    fn faults_never_weaken_a_cached_policy(
        age in 0_u64..700_000,
        zone in prop::sample::select(vec!["!SERVFAIL", "!TIMEOUT", "!NXDOMAIN", "TXT \"v=STSv1; id=1\"", "TXT \"v=STSv1; id=2\"", "TXT \"v=STSv1\""]),
        fault in prop::sample::select(vec!["!status 404", "!certificate", "!invalid", "!long"]),
    ) {
        let zone: Zone = format!("_mta-sts.example.com {zone}").parse().unwrap();
        let at = UnixTime(NOW.0 - age);
        let text = policy_text("enforce", &["mx.example.com"], 604_800);
        let cached = CachedPolicy::new(Some(fetched("1", &text, at)), None);
        let fetcher = Fetcher::new(fault);
        let own = domain("example.com");
        let discovery = block_on(mta_sts::discover(&own, Some(&cached), &zone, &fetcher, NOW));
        prop_assert_eq!(discovery.decision, cached.decision(NOW));
        let kept = match discovery.store {
            Store::Keep => Some(cached.clone()),
            Store::Remove => None,
            Store::Replace(cached) => Some(cached),
        };
        let kept = kept.and_then(|kept| kept.valid_policy(NOW).cloned());
        prop_assert_eq!(kept, cached.valid_policy(NOW).cloned());
    }
}
