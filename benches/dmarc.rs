//! DMARC: a record read, and a message evaluated, beside the lookups in memory that it cannot do without.
#![allow(missing_docs, clippy::arithmetic_side_effects, clippy::unwrap_used)]

#[path = "support/records.rs"]
mod records;

use std::hint::black_box;

use bonafide::dmarc::{self, Candidates, DkimIdentifier, IdentifierResult, Identifiers, Record};
use bonafide::dns::{Name, Question, RecordType, Resolver, Zone};
use bonafide::message::{AuthorDomain, Header};
use bonafide::{Domain, block_on};
use criterion::{Criterion, criterion_group, criterion_main};
use records::{DMARC, MESSAGE, SIGNER, WALK};

fn record(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("dmarc record");
    group.bench_function("floor: search of the semicolons", |bencher| {
        bencher.iter(|| memchr::memchr_iter(b';', black_box(DMARC.as_bytes())).count());
    });
    group.bench_function("parse", |bencher| {
        bencher.iter(|| Record::parse(black_box(DMARC.as_bytes())));
    });
    group.bench_function("parse a short one", |bencher| {
        bencher.iter(|| Record::parse(black_box(b"v=DMARC1; p=reject; rua=mailto:d@example.com")));
    });
    group.finish();
}

fn message(criterion: &mut Criterion) {
    let zone = format!("_dmarc.example.com TXT \"{DMARC}\"");
    let zone: Zone = zone.parse().unwrap();
    let author = AuthorDomain::of(&Header::parse(MESSAGE.as_bytes()));
    let signer = Domain::parse(SIGNER.as_bytes()).unwrap();
    let candidates = Candidates { spf: None, dkim: vec![signer.clone()] };
    let result = IdentifierResult::Pass;
    let dkim = vec![DkimIdentifier { domain: signer, result, testing: false }];
    let identifiers = Identifiers { spf: None, dkim };
    let options = dmarc::Options::default();
    let mut group = criterion.benchmark_group("dmarc message");
    group.bench_function("floor: three lookups", |bencher| {
        bencher.iter(|| {
            for name in WALK {
                let name = Name::parse(black_box(name).as_bytes()).unwrap();
                let question = Question::new(name, RecordType::Txt);
                let _ = black_box(block_on(zone.lookup(&question)));
            }
        });
    });
    group.bench_function("lookups and evaluation", |bencher| {
        bencher.iter(|| {
            let lookups =
                block_on(dmarc::lookups(author.clone(), black_box(&candidates), &options, &zone));
            lookups.evaluate(&identifiers)
        });
    });
    group.bench_function("evaluation", |bencher| {
        let lookups = block_on(dmarc::lookups(author.clone(), &candidates, &options, &zone));
        bencher.iter(|| lookups.evaluate(black_box(&identifiers)));
    });
    group.finish();
}

criterion_group!(benches, record, message);
criterion_main!(benches);
