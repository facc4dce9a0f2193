//! What a step costs from C: the same check by `Evaluation` and by the C ABI, in turns.
//!
//! Prints the median of the differences, per question. `cargo bench --features capi --bench capi`
#![allow(
    missing_docs,
    unsafe_code,
    clippy::arithmetic_side_effects,
    clippy::as_conversions,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::unwrap_used
)]

#[path = "support/records.rs"]
mod records;

use std::collections::HashMap;
use std::ffi::CStr;
use std::mem::MaybeUninit;
use std::ptr::null_mut;
use std::time::Instant;

use bonafide::UnixTime;
use bonafide::capi::*;
use bonafide::dns::{Answer, Name, RecordData, Text};
use bonafide::evaluation::{Evaluation, Request, Response};
use bonafide::spf::{self, Options, Query, SpfResult};
use records::{CLIENT, HELO, MAIL_FROM, borrowed, nested};

const NOW: u64 = 1_795_478_400;
const BATCH: u32 = 200;
const ROUNDS: usize = 101;

/// Gives how many questions there were.
fn in_rust(texts: &HashMap<Name, &str>) -> u32 {
    let mut evaluation = Evaluation::new(|io| async move {
        let query = Query::new(CLIENT.into(), HELO.as_bytes(), MAIL_FROM.as_bytes());
        spf::check_host(&query, &Options::default(), &io, UnixTime(NOW)).await
    });
    let mut questions = 0;
    while let Some((id, Request::Dns(question))) = evaluation.request() {
        let answer = texts.get(&question.name).map_or_else(Answer::nx_domain, |text| {
            Answer::found([RecordData::Txt(Text::new(text.as_bytes().chunks(255)))], 300)
        });
        evaluation.answer(id, Response::Dns(Ok(answer))).unwrap();
        questions += 1;
    }
    assert_eq!(evaluation.outcome().unwrap().mail_from.result, SpfResult::Pass);
    questions
}

fn in_c(by: *const bonafide_authenticator, texts: &HashMap<&CStr, Vec<u8>>) -> u32 {
    let envelope = bonafide_envelope {
        address: CLIENT.as_ptr().cast(),
        address_length: CLIENT.len(),
        helo: HELO.as_ptr().cast(),
        helo_length: HELO.len(),
        mail_from: MAIL_FROM.as_ptr().cast(),
        mail_from_length: MAIL_FROM.len(),
    };
    let (mut evaluation, mut report) = (null_mut(), null_mut());
    let mut question = MaybeUninit::<bonafide_question>::uninit();
    let mut questions = 0;
    // SAFETY: as a program in C does it.
    unsafe {
        bonafide_spf_check(by, &raw const envelope, NOW, &raw mut evaluation);
        while bonafide_evaluation_next(evaluation, question.as_mut_ptr())
            == bonafide_status::BONAFIDE_OK
        {
            let question = question.assume_init_ref();
            let status = match texts.get(CStr::from_ptr(question.name.data)) {
                Some(data) => {
                    let (data, length) = (data.as_ptr().cast(), data.len());
                    let record = bonafide_record { data, length };
                    let record = &raw const record;
                    bonafide_evaluation_answer_records(evaluation, question.id, record, 1, 300, 0)
                }
                None => bonafide_evaluation_answer_nxdomain(evaluation, question.id, 0),
            };
            assert_eq!(status, bonafide_status::BONAFIDE_OK);
            questions += 1;
        }
        let status = bonafide_spf_finish(evaluation, &raw mut report);
        assert_eq!(status, bonafide_status::BONAFIDE_OK);
        bonafide_report_free(report);
        bonafide_evaluation_free(evaluation);
    }
    questions
}

fn nanoseconds(mut run: impl FnMut() -> u32) -> f64 {
    let begin = Instant::now();
    let questions: u32 = (0..BATCH).map(|_| run()).sum();
    begin.elapsed().as_nanos() as f64 / f64::from(questions)
}

fn main() {
    let texts = nested();
    let names: Vec<_> =
        texts.iter().map(|(name, _)| std::ffi::CString::new(name.as_str()).unwrap()).collect();
    let counted = |text: &str| {
        text.as_bytes().chunks(255).flat_map(|s| [&[s.len() as u8], s].concat()).collect()
    };
    let rust = borrowed(&texts).map(|(name, text)| (Name::parse(name.as_bytes()).unwrap(), text));
    let rust: HashMap<_, _> = rust.collect();
    let c = names.iter().zip(&texts).map(|(name, (_, text))| (name.as_c_str(), counted(text)));
    let c: HashMap<_, _> = c.collect();
    let mut by = null_mut();
    // SAFETY: as a program in C does it.
    unsafe { bonafide_authenticator_new(HELO.as_ptr().cast(), HELO.len(), &raw mut by) };
    assert_eq!(in_rust(&rust), in_c(by, &c));

    let rounds = if std::env::args().any(|argument| argument == "--test") { 1 } else { ROUNDS };
    let mut pairs: Vec<_> = (0..rounds)
        .map(|_| (nanoseconds(|| in_rust(&rust)), nanoseconds(|| in_c(by, &c))))
        .collect();
    pairs.sort_by(|left, right| (left.1 - left.0).total_cmp(&(right.1 - right.0)));
    let (rust, c) = pairs[rounds / 2];
    println!("c abi step overhead: {:.0} ns per question (Rust {rust:.0}, C {c:.0})", c - rust);
    // SAFETY: nothing uses it any more.
    unsafe { bonafide_authenticator_free(by) };
}
