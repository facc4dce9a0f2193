//! The same inputs through this library, through its peers, and the floor beside them.
//!
//! Operations alternate round by round in one thread; the figure is the median of the rounds. The
//! peer gets its best case from the DNS: records that are parsed already, in a map that never
//! changes. This library gets the TXT record as the DNS has it and parses it. For SPF and DMARC the
//! peer is what the others are compared with.
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
#[path = "../../support/records.rs"]
mod records;
#[path = "../../support/mod.rs"]
mod support;

use std::hint::black_box;
use std::time::{Duration, Instant};

use bonafide::Domain;
use bonafide::dmarc::{
    self, Candidates, DkimIdentifier, DmarcResult, IdentifierResult, Identifiers,
};
use bonafide::message::{AuthorDomain, Header};
use bonafide::spf::{self, Query, SpfResult, check_mail_from};
use records::{
    CLIENT, DMARC, HELO, MAIL_FROM, MESSAGE, SIGNER, SPF, Table, WALK, borrowed, nested,
};
use support::signing::ToSign;
use support::{Body, Kind, NOW, sign};

const ROUNDS: usize = 61;
const BATCH: Duration = Duration::from_millis(2);

type Operation<'o> = (&'static str, Box<dyn FnMut() + 'o>);

fn main() {
    println!("{:<32}{:<12}{:>12}{:>9}", "", "", "ns", "x first");
    for kind in [Kind::Rsa2048, Kind::Ed25519] {
        for (size, label) in [(10 << 10, "10 KB"), (100 << 10, "100 KB"), (1 << 20, "1 MB")] {
            dkim(kind, size, label);
        }
    }
    spf();
    dmarc();
}

fn dkim(kind: Kind, size: usize, label: &str) {
    let signed = sign(kind, &Body::Prose.generate(size));
    let peer = mail_auth::Verifier::with_key(&signed);
    compare(
        &format!("dkim verify {kind:?} {label}"),
        vec![
            ("floor", Box::new(|| assert!(signed.floor()))),
            ("bonafide", Box::new(|| drop(black_box(signed.verify())))),
            ("mail-auth", Box::new(|| peer.dkim(&signed.message))),
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

fn spf() {
    let parse = |text: &str| assert!(black_box(spf::Record::parse(text.as_bytes())).is_ok());
    compare(
        "spf parse",
        vec![
            (
                "mail-auth",
                Box::new(|| assert!(black_box(mail_auth::parse_spf(black_box(SPF))).is_ok())),
            ),
            ("bonafide", Box::new(|| parse(black_box(SPF)))),
        ],
    );
    let texts = nested();
    let table = Table::new(borrowed(&texts));
    let query = Query::new(CLIENT.into(), HELO.as_bytes(), MAIL_FROM.as_bytes());
    let options = spf::Options::default();
    let check = || {
        let verdict = bonafide::block_on(check_mail_from(&query, &options, &table, NOW));
        assert_eq!(verdict.result, SpfResult::Pass);
    };
    let peer = mail_auth::Verifier::with_nested_includes();
    compare(
        "spf 8 nested includes",
        vec![("mail-auth", Box::new(|| peer.spf())), ("bonafide", Box::new(check))],
    );
}

fn dmarc() {
    let parse = |text: &str| assert!(black_box(dmarc::Record::parse(text.as_bytes())).is_ok());
    compare(
        "dmarc parse",
        vec![
            (
                "mail-auth",
                Box::new(|| assert!(black_box(mail_auth::parse_dmarc(black_box(DMARC))).is_ok())),
            ),
            ("bonafide", Box::new(|| parse(black_box(DMARC)))),
        ],
    );
    let table = Table::new([(WALK[1], DMARC)]);
    let author = AuthorDomain::of(&Header::parse(MESSAGE.as_bytes()));
    let signer = Domain::parse(SIGNER.as_bytes()).unwrap();
    let candidates = Candidates { spf: None, dkim: vec![signer.clone()] };
    let result = IdentifierResult::Pass;
    let dkim = vec![DkimIdentifier { domain: signer, result, testing: false }];
    let identifiers = Identifiers { spf: None, dkim };
    let options = dmarc::Options::default();
    let evaluate = || {
        let lookups = dmarc::lookups(author.clone(), &candidates, &options, &table);
        let verdict = bonafide::block_on(lookups).evaluate(&identifiers);
        assert_eq!(verdict.result, DmarcResult::Pass);
    };
    let peer = mail_auth::Verifier::with_policy();
    let signature = mail_auth::Signature::new();
    compare(
        "dmarc evaluate",
        vec![("mail-auth", Box::new(|| peer.dmarc(&signature))), ("bonafide", Box::new(evaluate))],
    );
    // The same work for both: the record is read too.
    let parse_and_evaluate = || {
        assert!(black_box(mail_auth::parse_dmarc(black_box(DMARC))).is_ok());
        peer.dmarc(&signature);
    };
    compare(
        "dmarc parse and evaluate",
        vec![("mail-auth", Box::new(parse_and_evaluate)), ("bonafide", Box::new(evaluate))],
    );
}

/// Prints the median time of each operation, and its ratio to the first, unless the argument of the
/// program asks for others.
fn compare(name: &str, mut operations: Vec<Operation<'_>>) {
    if std::env::args().nth(1).is_some_and(|wanted| !name.starts_with(&wanted)) {
        return;
    }
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
