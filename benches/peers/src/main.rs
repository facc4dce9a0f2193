//! The same inputs through this library, through its peers, and the floor beside them.
//!
//! Operations alternate round by round in one thread; the figure is the median of the rounds. The
//! peer gets its best case from the DNS: records that are parsed already, in a map that never
//! changes. This library gets the TXT record as the DNS has it and parses it.
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

mod mail_auth;
#[path = "../../support/mod.rs"]
mod support;

use std::hint::black_box;
use std::time::{Duration, Instant};

use support::signing::ToSign;
use support::{Body, Kind, sign};

const ROUNDS: usize = 61;
const BATCH: Duration = Duration::from_millis(2);

type Operation<'o> = (&'static str, Box<dyn FnMut() + 'o>);

fn main() {
    println!("{:<32}{:<12}{:>12}{:>9}", "", "", "ns", "x floor");
    for kind in [Kind::Rsa2048, Kind::Ed25519] {
        for (size, label) in [(10 << 10, "10 KB"), (100 << 10, "100 KB"), (1 << 20, "1 MB")] {
            let signed = sign(kind, &Body::Prose.generate(size));
            let mut peer = mail_auth::Verifier::new(&signed);
            compare(
                &format!("dkim verify {kind:?} {label}"),
                vec![
                    ("floor", Box::new(|| assert!(signed.floor()))),
                    ("bonafide", Box::new(|| drop(black_box(signed.verify())))),
                    ("mail-auth", Box::new(move || peer.verify())),
                ],
            );
            let message = ToSign::new(&[kind], &Body::Prose.generate(size));
            let peer = mail_auth::signer(kind);
            compare(
                &format!("dkim sign {kind:?} {label}"),
                vec![
                    ("floor", Box::new(|| message.floor())),
                    ("bonafide", Box::new(|| drop(black_box(message.sign())))),
                    ("mail-auth", Box::new(|| drop(black_box(peer(message.octets()))))),
                ],
            );
        }
    }
}

/// Prints the median time of each operation, and its ratio to the first.
fn compare(name: &str, mut operations: Vec<Operation<'_>>) {
    let counts: Vec<_> = operations
        .iter_mut()
        .map(|(_, operation)| {
            let once = time(1, operation).min(time(1, operation));
            (BATCH.as_secs_f64() / once).ceil().max(1.0) as u32
        })
        .collect();
    let mut times = vec![Vec::new(); operations.len()];
    for _ in 0..ROUNDS {
        for (((_, operation), count), times) in operations.iter_mut().zip(&counts).zip(&mut times) {
            times.push(time(*count, operation));
        }
    }
    let medians: Vec<_> = times
        .iter_mut()
        .map(|times| {
            times.sort_by(f64::total_cmp);
            times[ROUNDS / 2]
        })
        .collect();
    for ((who, _), median) in operations.iter().zip(&medians) {
        println!("{name:<32}{who:<12}{:>12.0}{:>9.2}", median * 1e9, median / medians[0]);
    }
}

fn time(count: u32, operation: &mut dyn FnMut()) -> f64 {
    let start = Instant::now();
    for _ in 0..count {
        operation();
    }
    start.elapsed().as_secs_f64() / f64::from(count)
}
