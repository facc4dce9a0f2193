//! The decision that a delivery waits for, from a cache that is full of other domains.
#![allow(missing_docs, clippy::unwrap_used)]

use bonafide::mta_sts::{Action, Cache, CachedPolicy, FetchedPolicy, Policy, Record, Store, Tls};
use bonafide::{Domain, UnixTime};
use criterion::{Criterion, criterion_group, criterion_main};

const NOW: UnixTime = UnixTime(1_795_478_400);
const POLICY: &[u8] =
    b"version: STSv1\nmode: enforce\nmx: mx1.example.com\nmx: *.example.net\nmax_age: 604800\n";

fn cached_decision(criterion: &mut Criterion) {
    let record = Record::parse(b"v=STSv1; id=20160831085700Z").unwrap();
    let policy = FetchedPolicy::new(&record, &Policy::parse(POLICY).unwrap(), NOW);
    let cached = CachedPolicy::new(Some(policy), None);
    let mut cache = Cache::new(64 << 20);
    for number in 0..100_000 {
        let domain = Domain::parse(format!("domain-{number}.example.com").as_bytes()).unwrap();
        cache.apply(&domain, Store::Replace(cached.clone()), NOW);
    }
    let domain = Domain::parse(b"domain-77777.example.com").unwrap();
    let mx = Domain::parse(b"mx1.example.net").unwrap();
    criterion.bench_function("mta-sts cached decision", |bencher| {
        bencher.iter(|| {
            let decision = cache.get(&domain).unwrap().decision(NOW);
            assert_eq!(decision.host(&mx, Tls::Authenticated).action, Action::Deliver);
        });
    });
}

criterion_group!(benches, cached_decision);
criterion_main!(benches);
