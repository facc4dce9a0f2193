//! What is kept: what it costs, and what goes first.

use std::pin::pin;
use std::task::{Context, Poll, Waker};

use allocation_counter::measure;
use bonafide::UnixTime;
use bonafide::dns::Zone;
use bonafide::mta_sts::{self, Action, Cache, CachedPolicy, FailedFetch, Store, Tls};
use bonafide::tls_rpt::ResultType;

use super::{Fetcher, NOW, domain, fetched, policy_text};

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

/// What is larger than the whole cache takes no place, and nobody else's either.
#[test]
fn what_does_not_fit_drives_nothing_out() {
    let mut cache = small_cache();
    let kept = domain("kept.example");
    cache.apply(&kept, Store::Replace(entry("enforce", 1000)), NOW);
    let hosts: Vec<_> = (0..200).map(|number| format!("mx{number}.example.com")).collect();
    let hosts: Vec<_> = hosts.iter().map(String::as_str).collect();
    let large = fetched("1", &policy_text("enforce", &hosts, 9000), NOW);
    let name = domain("large.example");
    cache.apply(&name, Store::Replace(CachedPolicy::new(Some(large), None)), NOW);
    assert!(cache.get(&name).is_none() && cache.get(&kept).is_some());
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
