//! Ratios to the floor, for reports.
//!
//! Floor and operation alternate batch by batch; a process gives the median of the per-round
//! ratios. `cargo bench --bench ratio` runs five processes and prints the median of the five with
//! the least and the greatest beside it. A word after `--` selects cases by their names.
#![allow(
    missing_docs,
    clippy::arithmetic_side_effects,
    clippy::as_conversions,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::unreachable,
    clippy::unwrap_used
)]

mod support;

use std::collections::BTreeMap;
use std::hint::black_box;
use std::process::Command;
use std::time::{Duration, Instant};

use bonafide::canonicalization::Canonicalization::{Relaxed, Simple};
use support::front_door::FrontDoor;
use support::signing::ToSign;
use support::{
    Body, InMemory, Kind, SHA256, Signed, canonical_body, digest, hash_body, sign, verify,
};

const PROCESSES: usize = 5;
const ROUNDS: usize = 101;
const BATCH: Duration = Duration::from_millis(2);

fn main() {
    let arguments: Vec<_> = std::env::args().skip(1).filter(|a| a != "--bench").collect();
    if let Some((_, filter)) = arguments.split_first().filter(|(first, _)| *first == "child") {
        return cases(filter.first().map_or("", String::as_str));
    }
    let mut found: BTreeMap<String, Vec<f64>> = BTreeMap::new();
    for _ in 0..PROCESSES {
        let child = Command::new(std::env::current_exe().unwrap())
            .arg("child")
            .args(arguments.first())
            .output()
            .unwrap();
        for line in String::from_utf8(child.stdout).unwrap().lines() {
            let (name, ratio) = line.rsplit_once(' ').unwrap();
            found.entry(name.to_owned()).or_default().push(ratio.parse().unwrap());
        }
    }
    for (name, mut ratios) in found {
        ratios.sort_by(f64::total_cmp);
        let (least, greatest) = (ratios[0], ratios[ratios.len() - 1]);
        println!("{name:<44} {:.3}   ({least:.3} to {greatest:.3})", ratios[ratios.len() / 2]);
    }
}

fn cases(filter: &str) {
    let case = |name: &str, floor: &mut dyn FnMut(), operation: &mut dyn FnMut()| {
        if name.contains(filter) {
            println!("{name} {}", ratio(floor, operation));
        }
    };
    for kind in [Kind::Rsa2048, Kind::Ed25519] {
        for (size, label) in [(10 << 10, "10 KB"), (100 << 10, "100 KB"), (1 << 20, "1 MB")] {
            for body in Body::ALL {
                let signed: Signed = sign(kind, &body.generate(size));
                assert!(signed.floor());
                assert!(signed.verify().iter().all(|verdict| verdict.cause.is_none()));
                case(
                    &format!("verify {kind:?} {label} {} / floor", body.name()),
                    &mut || assert!(signed.floor()),
                    &mut || drop(black_box(signed.verify())),
                );
            }
        }
    }
    // As a server meets them: no message twice, so that no branch is foreseen by heart.
    for body in Body::ALL {
        let octets = body.generate(200 * (10 << 10));
        let messages: Vec<Signed> =
            octets.chunks(10 << 10).map(|body| sign(Kind::Rsa2048, body)).collect();
        case(
            &format!("200 messages of 10 KB {} / floor", body.name()),
            &mut || assert!(messages.iter().all(Signed::floor)),
            &mut || messages.iter().for_each(|signed| drop(black_box(signed.verify()))),
        );
    }
    for kind in [Kind::Rsa2048, Kind::Ed25519] {
        for (size, label) in [(10 << 10, "10 KB"), (1 << 20, "1 MB")] {
            for body in Body::ALL {
                let message = ToSign::new(&[kind], &body.generate(size));
                case(
                    &format!("sign {kind:?} {label} {} / floor", body.name()),
                    &mut || message.floor(),
                    &mut || drop(black_box(message.sign())),
                );
            }
        }
    }
    // What a second key adds: its operation, and little more.
    let body = Body::Prose.generate(10 << 10);
    let [one, two] = [&[Kind::Ed25519][..], &[Kind::Ed25519, Kind::Rsa2048]]
        .map(|kinds| ToSign::new(kinds, &body));
    case(
        "sign 10 KB with a second key / floor",
        &mut || {
            drop(black_box(one.sign()));
            two.second_raw_signature();
        },
        &mut || drop(black_box(two.sign())),
    );
    #[cfg(feature = "arc")]
    for sets in [1, 3, 25, 50] {
        let sealed = support::sealing::Sealed::new(sets);
        assert!(sealed.floor());
        case(
            &format!("arc 10 KB {sets:>2} sets / floor"),
            &mut || assert!(sealed.floor()),
            &mut || drop(black_box(sealed.validate())),
        );
    }
    #[cfg(feature = "arc")]
    {
        let [once, twice] = [25, 50].map(support::sealing::Sealed::new);
        case("twice the sets / once", &mut || drop(black_box(once.validate())), &mut || {
            drop(black_box(twice.validate()))
        });
    }
    let front_door = FrontDoor::new();
    case(
        "front door 10 KB / its evaluators alone",
        &mut || drop(black_box(front_door.evaluators())),
        &mut || drop(black_box(front_door.report())),
    );
    for body in Body::ALL {
        let octets = body.generate(1 << 20);
        for canonicalization in [Relaxed, Simple] {
            let canonical = canonical_body(canonicalization, &octets);
            for (chunk, label) in [(usize::MAX, "whole"), (4096, "4 KB")] {
                case(
                    &format!("body {canonicalization} {} {label} / floor", body.name()),
                    &mut || {
                        black_box(digest(&SHA256, black_box(&canonical)));
                    },
                    &mut || hash_body(canonicalization, black_box(&octets), chunk),
                );
            }
        }
    }
    // The time for each octet, fed in 4 KB chunks, does not depend on the size.
    let [small, large] = [64 << 10, 64 << 20].map(|size| Body::Prose.generate(size));
    case(
        "body relaxed 64 MB / 1024 x 64 KB",
        &mut || (0..1024).for_each(|_| hash_body(Relaxed, black_box(&small), 4096)),
        &mut || hash_body(Relaxed, black_box(&large), 4096),
    );
    let key = InMemory(bonafide::dns::Answer::nx_domain());
    for (name, grow) in GROWTH {
        let [once, twice] = [grow(400), grow(800)];
        case(
            &format!("twice the {name} / once"),
            &mut || drop(black_box(verify(&once, &key))),
            &mut || drop(black_box(verify(&twice, &key))),
        );
    }
}

/// A message of which one thing is there so many times.
type Grow = fn(usize) -> Vec<u8>;

const GROWTH: [(&str, Grow); 5] = [
    ("fields", |n| message("from", "", &"Subject: a  b\r\n".repeat(n), 1)),
    ("folds", |n| {
        message("from:subject", "", &format!("Subject: a{}\r\n", "\r\n  b".repeat(n)), 1)
    }),
    ("tags", |n| message("from", &(0..n).map(|n| format!("t{n}=1; ")).collect::<String>(), "", 1)),
    ("h= names", |n| {
        let names: String = (0..n).map(|n| format!(":x{}", n % 97)).collect();
        message(&format!("from{names}"), "", &"X1: a\r\nX2: b\r\n".repeat(200), 1)
    }),
    ("signatures", |n| message("from", "", "", n)),
];

fn message(h: &str, tags: &str, fields: &str, signatures: usize) -> Vec<u8> {
    let signature = format!(
        "DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed; d=example.org; s=s; {tags}h={h};\r\n \
         bh=frcCV1k9oG9oKj3dpUqdJg1PxRT2RSN/XKdLCPjaYaY=; b=AAAA\r\n"
    );
    format!("{}{fields}From: a@example.org\r\n\r\nbody\r\n", signature.repeat(signatures))
        .into_bytes()
}

/// The median of the ratios of rounds, each of a batch of both.
fn ratio(floor: &mut dyn FnMut(), operation: &mut dyn FnMut()) -> f64 {
    let count = (BATCH.as_secs_f64() / time(1, floor).min(time(1, floor))).ceil().max(1.0) as u32;
    // What takes long needs fewer rounds.
    let rounds = if count > 1 { ROUNDS } else { 15 };
    let mut ratios: Vec<f64> =
        (0..rounds).map(|_| time(count, floor).recip() * time(count, operation)).collect();
    ratios.sort_by(f64::total_cmp);
    ratios[rounds / 2]
}

fn time(count: u32, action: &mut dyn FnMut()) -> f64 {
    let start = Instant::now();
    for _ in 0..count {
        action();
    }
    start.elapsed().as_secs_f64() / f64::from(count)
}
