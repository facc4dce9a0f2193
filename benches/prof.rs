//! profile
#![allow(warnings, clippy::all, missing_docs)]
mod support;
use bonafide::{dkim::*, message::Header};
use std::hint::black_box;
use std::pin::pin;
use std::task::*;
use std::time::Instant;
use support::*;
fn t(name: &str, mut f: impl FnMut()) {
    let mut best = f64::MAX;
    for _ in 0..60 {
        let s = Instant::now();
        for _ in 0..200 {
            f()
        }
        best = best.min(s.elapsed().as_secs_f64() / 200.0);
    }
    println!("{name:<30} {:.0} ns", best * 1e9);
}
fn main() {
    for kind in [Kind::Rsa2048, Kind::Ed25519] {
        let s = sign(kind, &Body::Prose.generate(10 << 10));
        t("floor", || {
            black_box(s.floor());
        });
        t("verify", || {
            black_box(s.verify());
        });
        t("header parse", || {
            black_box(Header::parse(&s.message));
        });
        let h = Header::parse(&s.message);
        let o = Options::default();
        t("verifier new", || {
            black_box(Verifier::new(&h, &o, NOW));
        });
        let v = h.field(0).unwrap().value();
        t("signature parse", || {
            black_box(Signature::parse(v).unwrap());
        });
        let txt = s.key.0.texts().next().unwrap().as_bytes().to_vec();
        t("key parse", || {
            black_box(KeyRecord::parse(&txt).unwrap());
        });
        t("body hash", || {
            hash_body(
                bonafide::canonicalization::Canonicalization::Relaxed,
                h.body(),
                1 << 30,
            )
        });
        let ch = s.canonical_body.clone();
        t("body sha", || {
            black_box(digest(&SHA256, &ch));
        });
        let ver = Verifier::new(&h, &o, NOW);
        t("keys", || {
            let k = pin!(ver.keys(&s.key));
            black_box(k.poll(&mut Context::from_waker(Waker::noop())).is_ready());
        });
        let fields: Vec<_> = h.fields().collect();
        let mut out = Vec::with_capacity(10000);
        t("header canon all", || {
            out.clear();
            for f in &fields {
                bonafide::canonicalization::header_field(
                    bonafide::canonicalization::Canonicalization::Relaxed,
                    f.as_bytes(),
                    &mut out,
                );
            }
            black_box(&out);
        });
    }
}
