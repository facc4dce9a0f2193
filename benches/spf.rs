//! Reading and evaluating SPF records, beside a floor: the same lookups and comparisons.
#![allow(
    missing_docs,
    clippy::arithmetic_side_effects,
    clippy::as_conversions,
    clippy::indexing_slicing,
    clippy::unreachable,
    clippy::unwrap_used
)]

#[path = "support/records.rs"]
mod records;

use std::hint::black_box;
use std::net::Ipv4Addr;

use bonafide::UnixTime;
use bonafide::dns::Name;
use bonafide::spf::{Options, Query, Record, SpfResult, check_mail_from};
use criterion::{Criterion, criterion_group, criterion_main};
use records::{CLIENT, HELO, MAIL_FROM, SPF, Table, borrowed, nested};

const NOW: UnixTime = UnixTime(1_795_478_400);

fn parse(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("spf record");
    group.bench_function("parse 12 networks and an include", |bencher| {
        bencher.iter(|| Record::parse(black_box(SPF.as_bytes())).unwrap());
    });
    for count in [1000, 10_000] {
        let text = format!("v=spf1{}", " ip4:198.51.100.17".repeat(count));
        group.bench_function(format!("parse {count} networks"), |bencher| {
            bencher.iter(|| Record::parse(black_box(text.as_bytes())).unwrap());
        });
    }
}

fn nested_includes(criterion: &mut Criterion) {
    let texts = nested();
    let table = Table::new(borrowed(&texts));
    let query = Query::new(CLIENT.into(), HELO.as_bytes(), MAIL_FROM.as_bytes());
    let options = Options::default();
    let check = || bonafide::block_on(check_mail_from(&query, &options, &table, NOW));
    assert_eq!(check().result, SpfResult::Pass);
    let mut group = criterion.benchmark_group("spf 8 nested includes");
    let names: Vec<_> =
        borrowed(&texts).map(|(name, _)| Name::parse(name.as_bytes()).unwrap()).collect();
    let networks: Vec<_> = (0..81).map(|n| Ipv4Addr::new(198, 51, n / 9, n % 9 * 16)).collect();
    group.bench_function("floor", |bencher| {
        bencher.iter(|| {
            for name in &names {
                black_box(table.get(name));
            }
            let client = u32::from(Ipv4Addr::from(CLIENT));
            networks.iter().filter(|network| (u32::from(**network) ^ client) >> 4 == 0).count()
        });
    });
    group.bench_function("check", |bencher| bencher.iter(check));
}

criterion_group!(benches, parse, nested_includes);
criterion_main!(benches);
