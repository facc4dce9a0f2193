//! MTA-STS and TLS reporting records against vectors and hostile input, and laws of both.

use std::pin::pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Waker};
use std::time::Instant;

use allocation_counter::measure;
use bonafide::dns::{Question, RecordType, Zone};
use bonafide::evaluation::{AnswerError, Evaluation, Request, Response};
use bonafide::mta_sts::{
    self, Action, Cache, CachedPolicy, Decision, Discovery, FailedFetch, FetchError, FetchedPolicy,
    HostDecision, Policy, PolicyFetcher, PolicyUrl, Record, Store, Tls,
};
use bonafide::tls_rpt::{self, ResultType};
use bonafide::{Domain, UnixTime, block_on};
use proptest::prelude::*;
use serde_json::Value;

use crate::support::attacks::{Case, run};
use crate::support::project;
use crate::support::stanzas::{self, Stanza};

const NOW: UnixTime = UnixTime(1_795_478_400);

fn domain(name: &str) -> Domain {
    Domain::parse(name.as_bytes()).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// Vectors write octets as `\r`, `\n`, `\t`, `\0` and `\xHH`.
fn unescape(text: &str) -> Vec<u8> {
    let (mut octets, mut rest) = (Vec::new(), text.as_bytes());
    while let [first, behind @ ..] = rest {
        let (octet, length) = match (first, behind) {
            (b'\\', [b'r', ..]) => (b'\r', 2),
            (b'\\', [b'n', ..]) => (b'\n', 2),
            (b'\\', [b't', ..]) => (b'\t', 2),
            (b'\\', [b'0', ..]) => (0, 2),
            (b'\\', [b'x', high, low, ..]) => {
                let digits = String::from_utf8(vec![*high, *low]).unwrap();
                (u8::from_str_radix(&digits, 16).unwrap(), 4)
            }
            (b'\\', _) => panic!("{text}: unknown escape"),
            _ => (*first, 1),
        };
        octets.push(octet);
        rest = &rest[length..];
    }
    octets
}

fn expect(what: &str, found: &str, expected: &str) -> Result<(), String> {
    let holds = if what == "Error" || what == "Cause" {
        found.contains(expected) && !expected.is_empty()
    } else {
        found == expected
    };
    if holds { Ok(()) } else { Err(format!("{what}: expected {expected:?}, found {found:?}")) }
}

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

/// Gives the same policy each time, and counts.
struct Fetcher(Result<Vec<u8>, FetchError>, AtomicUsize);

impl Fetcher {
    fn new(what: &str) -> Self {
        let reply = match what {
            "" => Err(FetchError::Other("nothing is to be fetched".into())),
            "!status 404" => Err(FetchError::Status { found: 404 }),
            "!status 503" => Err(FetchError::Status { found: 503 }),
            "!certificate" => Err(FetchError::Certificate("expired".into())),
            "!tls" => Err(FetchError::Tls("alert".into())),
            "!timeout" => Err(FetchError::Timeout),
            "!invalid" => Ok(b"<html>".to_vec()),
            "!long" => {
                let text = policy_text("enforce", &["mx.example.com"], 1);
                Ok((text + &"x: y\n".repeat(13_200)).into_bytes())
            }
            mode => Ok(policy_text(mode, &["mx.example.com"], 604_800).into_bytes()),
        };
        Self(reply, AtomicUsize::new(0))
    }
}

impl PolicyFetcher for Fetcher {
    async fn fetch(&self, url: &PolicyUrl) -> Result<Vec<u8>, FetchError> {
        assert_eq!(url.to_string(), "https://mta-sts.example.com/.well-known/mta-sts.txt");
        self.1.fetch_add(1, Ordering::Relaxed);
        self.0.clone()
    }
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

fn policy_text(mode: &str, mx: &[&str], max_age: u32) -> String {
    let mx: String = mx.iter().map(|pattern| format!("mx: {pattern}\n")).collect();
    format!("version: STSv1\nmode: {mode}\n{mx}max_age: {max_age}\n")
}

fn fetched(id: &str, text: &str, at: UnixTime) -> FetchedPolicy {
    let record = format!("v=STSv1; id={id}");
    let record = Record::parse(record.as_bytes()).unwrap();
    FetchedPolicy::new(&record, &Policy::parse(text.as_bytes()).unwrap(), at)
}

fn result_type(word: &str) -> ResultType {
    use ResultType as T;
    let all = [
        T::CertificateExpired,
        T::CertificateHostMismatch,
        T::CertificateNotTrusted,
        T::DaneRequired,
        T::DnssecInvalid,
        T::StarttlsNotSupported,
        T::StsPolicyFetchError,
        T::StsPolicyInvalid,
        T::StsWebpkiInvalid,
        T::TlsaInvalid,
        T::ValidationFailure,
    ];
    *all.iter().find(|all| all.to_string() == word).unwrap_or_else(|| panic!("{word}"))
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

/// The area mtasts of the hostile corpus.
#[test]
fn attacks() {
    run("mtasts", &["mtasts"], 30, |case| {
        let started = Instant::now();
        attack(case).err().into_iter().chain(case.exceeded(started, 0)).collect()
    });
}

fn attack(case: &Case) -> Result<(), String> {
    let expected = case.expected();
    if let Some(matches) = expected["mx_match"].as_bool() {
        let policy = Policy::parse(&case.file).map_err(|error| error.to_string())?;
        let host = Domain::parse(case.input("mx").as_bytes());
        let found = host.is_ok_and(|host| policy.matches(&host));
        return expect("mx_match", &found.to_string(), &matches.to_string());
    }
    if let Some(sts) = expected["sts"].as_str() {
        let zone = case.zone();
        let own = domain(case.input("domain"));
        let fetcher = Fetcher::new("enforce");
        let discovery = block_on(mta_sts::discover(&own, None, &zone, &fetcher, NOW));
        let found = match (&discovery.id, &discovery.cause) {
            (Some(_), _) => "record",
            (None, Some(mta_sts::Cause::Lookup { .. })) => "temperror",
            (None, _) => "none",
        };
        expect(
            "id",
            discovery.id.as_deref().unwrap_or_default(),
            expected["id"].as_str().unwrap_or_default(),
        )?;
        return expect("sts", found, sts);
    }
    let parsed = Policy::parse(&case.file);
    let found = if parsed.is_ok() { "valid" } else { "invalid" };
    let allowed = match &expected["policy_in"] {
        Value::Array(allowed) => allowed.clone(),
        _ => vec![expected["policy"].clone()],
    };
    if !allowed.contains(&Value::from(found)) {
        return Err(format!("expected {allowed:?}, found {parsed:?}"));
    }
    if let (Ok(policy), Some(mode)) = (parsed, expected["mode"].as_str()) {
        let mx: Vec<_> = policy.mx().map(|pattern| pattern.to_string()).collect();
        expect("mode", &policy.mode.to_string(), mode)?;
        expect("max_age", &policy.max_age.to_string(), &expected["max_age"].to_string())?;
        expect("mx", &Value::from(mx).to_string(), &expected["mx"].to_string())?;
    }
    Ok(())
}

/// A decision from the cache, with and without a look at the DNS, allocates nothing.
#[test]
fn a_cached_decision_allocates_nothing() {
    let zone: Zone = "_mta-sts.example.com TXT \"v=STSv1; id=1\"".parse().unwrap();
    let (own, mx) = (domain("example.com"), domain("mx.example.com"));
    let mut cache = Cache::new(1 << 20);
    let text = policy_text("enforce", &["a.example.com", "*.example.com"], 604_800);
    let cached = CachedPolicy::new(Some(fetched("1", &text, NOW)), None);
    cache.apply(&own, Store::Replace(cached), NOW);
    let fetcher = Fetcher::new("");
    let info = measure(|| {
        let decision = cache.get(&own).unwrap().decision(NOW);
        assert_eq!(decision.host(&mx, Tls::Authenticated).action, Action::Deliver);
        let discovery = pin!(mta_sts::discover(&own, cache.get(&own), &zone, &fetcher, NOW));
        let polled = discovery.poll(&mut Context::from_waker(Waker::noop()));
        let Poll::Ready(discovery) = polled else { panic!() };
        assert!(discovery.cause.is_none());
        assert_eq!(discovery.decision.host(&mx, Tls::Authenticated).action, Action::Deliver);
    });
    assert_eq!(info.count_total, 0);
}

/// 100 000 domains with a few hosts each fit into 64 MB, and the cache keeps to its limit.
#[test]
fn the_cache_keeps_to_its_limit() {
    let limit = 64_000_000;
    let text = policy_text("enforce", &["mx1.mail.example.com", "mx2.mail.example.com"], 604_800);
    let policy = fetched("20160831085700Z", &text, NOW);
    let text = policy.as_str();
    let mut kept = 0;
    let info = measure(|| {
        let mut cache = Cache::new(limit);
        for number in 0..110_000 {
            let policy = fetched("20160831085700Z", text, NOW);
            let name = domain(&format!("some-domain-{number}.example.com"));
            cache.apply(&name, Store::Replace(CachedPolicy::new(Some(policy), None)), NOW);
        }
        kept = cache.len();
        assert_eq!(cache.iter().count(), kept);
    });
    println!("{kept} domains in {} octets", info.bytes_max);
    assert!(kept >= 100_000 && info.bytes_max <= limit as u64, "{kept}: {}", info.bytes_max);
}

fn entry(mode: &str, max_age: u32) -> CachedPolicy {
    let text = policy_text(mode, &["mx.example.com"], max_age);
    CachedPolicy::new(Some(fetched("1", &text, NOW)), None)
}

/// Room for about four entries.
fn small_cache() -> Cache {
    Cache::new(2500)
}

/// Nothing that is worth less takes the place of an enforced policy that holds.
#[test]
fn enforced_policies_stay() {
    let mut cache = small_cache();
    let names: Vec<_> = (0..4).map(|number| domain(&format!("enforce{number}.example"))).collect();
    for name in &names {
        cache.apply(name, Store::Replace(entry("enforce", 1000)), NOW);
    }
    assert_eq!(cache.len(), 4);
    let failure = FailedFetch::new("1", NOW, ResultType::StsPolicyInvalid);
    let others =
        [entry("none", 9000), entry("testing", 9000), CachedPolicy::new(None, Some(failure))];
    for (number, other) in others.into_iter().enumerate() {
        let name = domain(&format!("other{number}.example"));
        cache.apply(&name, Store::Replace(other.clone()), NOW);
        assert!(cache.get(&name).is_none());
        assert!(names.iter().all(|name| cache.get(name).is_some()));
        // Once they have expired, they go.
        let mut later = small_cache();
        for name in &names {
            later.apply(name, Store::Replace(entry("enforce", 1000)), NOW);
        }
        let end = UnixTime(NOW.0 + 1001);
        later.apply(&name, Store::Replace(other), end);
        assert!(later.get(&name).is_some());
    }
    // An enforced policy takes the place of the one that ends first.
    cache.apply(&names[2], Store::Replace(entry("enforce", 900)), NOW);
    cache.apply(&domain("new.example"), Store::Replace(entry("enforce", 500)), NOW);
    assert!(cache.get(&names[2]).is_none() && cache.get(&names[3]).is_some());
    cache.apply(&names[3], Store::Keep, NOW);
    assert!(cache.get(&names[3]).is_some());
    cache.apply(&names[3], Store::Remove, NOW);
    assert!(cache.get(&names[3]).is_none());
}

/// What a fleet keeps in its store comes back as it was; what was tampered with does not.
#[cfg(feature = "serde")]
#[test]
fn cached_policies_are_stored() {
    let failure = FailedFetch::new("2", NOW, ResultType::StsPolicyFetchError);
    let mut cached = entry("enforce", 1000);
    cached.failure = Some(failure);
    let text = serde_json::to_string(&cached).unwrap();
    assert!(text.contains("\"result_type\":\"sts-policy-fetch-error\""), "{text}");
    assert_eq!(serde_json::from_str::<CachedPolicy>(&text).unwrap(), cached);
    for (from, to) in [("mode: enforce", "mode: ignore"), ("\"id\":\"1\"", "\"id\":\"1;\"")] {
        let tampered = text.replace(from, to);
        assert_ne!(tampered, text);
        assert!(serde_json::from_str::<CachedPolicy>(&tampered).is_err(), "{tampered}");
    }
}

/// RFC 8461 section 4.1, word by word.
fn naive_match(pattern: &str, host: &str) -> bool {
    let labels = |name: &str| name.split('.').map(str::to_lowercase).collect::<Vec<_>>();
    let (pattern, host) = (labels(pattern), labels(host));
    pattern.len() == host.len()
        && pattern.iter().zip(&host).enumerate().all(|(position, (pattern, label))| {
            pattern == label || (position == 0 && pattern == "*")
        })
}

proptest! {
    /// Any octets: no panic, and what is read prints as itself.
    #[test]
    fn records_and_policies_print_as_themselves(text in "(v=STSv1;|v=TLSRPTv1;|version: STSv1\r\nmode: none\n)?[ -~;=\t\r\n]{0,60}(max_age: 1)?") {
        let text = text.as_bytes();
        if let Ok(record) = Record::parse(text) {
            let printed = record.to_string();
            prop_assert_eq!(Record::parse(printed.as_bytes()), Ok(record));
        }
        if let Ok(record) = tls_rpt::Record::parse(text) {
            let printed = record.to_string();
            prop_assert_eq!(tls_rpt::Record::parse(printed.as_bytes()), Ok(record.clone()));
        }
        if let Ok(policy) = Policy::parse(text) {
            let printed = policy.to_string();
            prop_assert_eq!(Policy::parse(printed.as_bytes()), Ok(policy));
        }
    }

    #[test]
    fn matching_is_as_the_naive_one(
        pattern in "(\\*\\.)?([abAB]\\.){0,2}[ab]",
        host in "([abAB]\\.){0,3}[ab]",
    ) {
        let text = policy_text("enforce", &[&pattern], 1);
        let policy = Policy::parse(text.as_bytes()).unwrap();
        prop_assert_eq!(policy.matches(&domain(&host)), naive_match(&pattern, &host));
    }

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
