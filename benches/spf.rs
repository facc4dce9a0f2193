//! Reading and evaluating SPF records, beside a floor: the same lookups and comparisons.
#![allow(
    missing_docs,
    clippy::arithmetic_side_effects,
    clippy::as_conversions,
    clippy::indexing_slicing,
    clippy::unreachable,
    clippy::unwrap_used
)]

use std::collections::HashMap;
use std::fmt::Write as _;
use std::hint::black_box;
use std::net::Ipv4Addr;

use bonafide::UnixTime;
use bonafide::dns::{Answer, LookupError, Name, Question, RecordData, Resolver, Text};
use bonafide::spf::{Options, Query, Record, SpfResult, check_mail_from};
use criterion::{Criterion, criterion_group, criterion_main};

const NOW: UnixTime = UnixTime(1_795_478_400);

/// Twelve networks and an `include`.
const TYPICAL: &[u8] =
    b"v=spf1 ip4:192.0.2.0/24 ip4:198.51.100.17 ip4:203.0.113.0/25 ip4:192.0.2.128/28 \
    ip4:198.51.100.64/26 ip4:203.0.113.200 ip4:192.0.2.9 ip4:198.51.100.0/23 ip4:203.0.113.4/30 \
    ip6:2001:db8::/32 ip6:2001:db8:1:2::/64 ip6:2001:db8:a::1 include:_spf.example.com";

/// Answers from a table: no search, no text to read.
struct Table(HashMap<Name, Answer>);

impl Resolver for Table {
    async fn lookup(&self, question: &Question) -> Result<Answer, LookupError> {
        Ok(self.0.get(&question.name).map_or_else(Answer::nx_domain, Answer::clone))
    }
}

/// A record that includes another, and so on: 9 records, 8 includes, 81 ip4 and 16 ip6, of which the
/// last ip4 matches.
fn nested() -> Table {
    let mut table = HashMap::new();
    for level in 0..9 {
        let mut text = "v=spf1".to_owned();
        for network in 0..9 {
            let last = if (level, network) == (8, 8) { 7 } else { network * 16 };
            write!(text, " ip4:198.51.{level}.{last}/28").unwrap();
        }
        if level < 8 {
            write!(text, " ip6:2001:db8:{level}::/48 ip6:2001:db8:{level}:1::/64").unwrap();
            write!(text, " include:_spf{}.example.com", level + 1).unwrap();
        }
        text.push_str(" ~all");
        let answer = Answer::found([RecordData::Txt(Text::new([text]))], 300);
        table.insert(name(level), answer);
    }
    Table(table)
}

fn name(level: usize) -> Name {
    let dotted = if level == 0 { "example.com".into() } else { format!("_spf{level}.example.com") };
    Name::parse(dotted.as_bytes()).unwrap()
}

fn records(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("spf record");
    group.bench_function("parse 12 networks and an include", |bencher| {
        bencher.iter(|| Record::parse(black_box(TYPICAL)).unwrap());
    });
    for count in [1000, 10_000] {
        let text = format!("v=spf1{}", " ip4:198.51.100.17".repeat(count));
        group.bench_function(format!("parse {count} networks"), |bencher| {
            bencher.iter(|| Record::parse(black_box(text.as_bytes())).unwrap());
        });
    }
}

fn nested_includes(criterion: &mut Criterion) {
    let table = nested();
    let query = Query::new([198, 51, 8, 7].into(), b"mail.example.com", b"user@example.com");
    let options = Options::default();
    let check = || bonafide::block_on(check_mail_from(&query, &options, &table, NOW));
    assert_eq!(check().result, SpfResult::Pass);
    let mut group = criterion.benchmark_group("spf 8 nested includes");
    let names: Vec<_> = (0..9).map(name).collect();
    let networks: Vec<_> = (0..81).map(|n| Ipv4Addr::new(198, 51, n / 9, n % 9 * 16)).collect();
    group.bench_function("floor", |bencher| {
        bencher.iter(|| {
            for name in &names {
                black_box(table.0.get(name));
            }
            let client = u32::from(Ipv4Addr::new(198, 51, 8, 7));
            networks.iter().filter(|network| (u32::from(**network) ^ client) >> 4 == 0).count()
        });
    });
    group.bench_function("check", |bencher| bencher.iter(check));
}

criterion_group!(benches, records, nested_includes);
criterion_main!(benches);
