//! DKIM beside its floor: the hash of the canonical body and the operation with the key.
#![allow(
    missing_docs,
    clippy::arithmetic_side_effects,
    clippy::as_conversions,
    clippy::indexing_slicing,
    clippy::unreachable,
    clippy::unwrap_used
)]

mod support;

use bonafide::canonicalization::Canonicalization::{Relaxed, Simple};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use support::signing::ToSign;
use support::{Body, Kind, SHA256, canonical_body, digest, hash_body, sign};

fn verification(criterion: &mut Criterion) {
    for kind in [Kind::Rsa2048, Kind::Ed25519] {
        for (size, label) in [(10 << 10, "10 KB"), (1 << 20, "1 MB")] {
            let signed = sign(kind, &Body::Prose.generate(size));
            let mut group = criterion.benchmark_group(format!("verify {kind:?} {label}"));
            group.bench_function("floor", |bencher| bencher.iter(|| signed.floor()));
            group.bench_function("verify", |bencher| bencher.iter(|| signed.verify()));
        }
    }
}

fn signing(criterion: &mut Criterion) {
    for kind in [Kind::Rsa2048, Kind::Ed25519] {
        for (size, label) in [(10 << 10, "10 KB"), (1 << 20, "1 MB")] {
            let message = ToSign::new(&[kind], &Body::Prose.generate(size));
            let mut group = criterion.benchmark_group(format!("sign {kind:?} {label}"));
            group.bench_function("floor", |bencher| bencher.iter(|| message.floor()));
            group.bench_function("sign", |bencher| bencher.iter(|| message.sign()));
        }
    }
}

fn body_hash(criterion: &mut Criterion) {
    for body in Body::ALL {
        let octets = body.generate(1 << 20);
        let mut group = criterion.benchmark_group(format!("body {}", body.name()));
        group.throughput(Throughput::Bytes(octets.len() as u64));
        for canonicalization in [Relaxed, Simple] {
            let canonical = canonical_body(canonicalization, &octets);
            group.bench_function(format!("{canonicalization} floor"), |bencher| {
                bencher.iter(|| digest(&SHA256, &canonical));
            });
            group.bench_function(format!("{canonicalization} whole"), |bencher| {
                bencher.iter(|| hash_body(canonicalization, &octets, usize::MAX));
            });
            group.bench_function(format!("{canonicalization} 4 KB chunks"), |bencher| {
                bencher.iter(|| hash_body(canonicalization, &octets, 4096));
            });
        }
    }
}

criterion_group!(benches, verification, signing, body_hash);
criterion_main!(benches);
