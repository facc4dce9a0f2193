//! What holds for every input: one module for each fuzz target.
//!
//! `holds` in each of them panics where the law is broken. The `check` functions are its parts,
//! apart so that a test can show each of them a wrong answer and see it refused. They depend on
//! nothing but the library's public API.

#[cfg(feature = "arc")]
pub mod arc_chain;
#[cfg(feature = "arc")]
pub mod arc_sets;
pub mod authentication_results;
pub mod author;
pub mod body_chunks;
pub mod canonicalization;
pub mod dmarc_record;
pub mod domain;
pub mod front_door;
pub mod header_block;
pub mod key_record;
pub mod mta_sts_matching;
pub mod mta_sts_policy;
pub mod mta_sts_record;
pub mod naive;
pub mod private_key;
pub mod results_written;
#[cfg(feature = "arc")]
pub mod seal;
pub mod sign;
pub mod signature;
pub mod spf_check;
pub mod spf_macros;
pub mod spf_record;
pub mod tag_list;
pub mod tls_rpt_record;
pub mod verify;
#[cfg(feature = "wire")]
pub mod wire;
pub mod zone;

use bonafide::dns::{Answer, LookupError, Outcome, Question};

/// What a resolver gives.
pub type Reply = Result<Answer, LookupError>;

/// Octets from the front of an input that choose what a case is like. Behind the end they are 0, so
/// that every input is some case.
pub struct Choices<'a>(&'a [u8]);

impl<'a> Choices<'a> {
    pub fn new(input: &'a [u8]) -> Self {
        Self(input)
    }

    pub fn octet(&mut self) -> u8 {
        let Some((first, rest)) = self.0.split_first() else {
            return 0;
        };
        self.0 = rest;
        *first
    }

    /// What is left, once all is chosen.
    pub fn rest(self) -> &'a [u8] {
        self.0
    }
}

/// The text once, or from 240 on 16, 32, 48 times and so on, so that buffers of some KiB fill up: a
/// fuzzer's own inputs are short.
pub fn repeated(text: &[u8], choice: u8) -> Vec<u8> {
    const MAXIMUM: usize = 20 << 10;
    let times = match choice {
        0..240 => 1,
        240.. => usize::from(choice - 239) * 16,
    };
    let most = MAXIMUM / text.len().max(1);
    text.repeat(times.min(most).max(1))
}

/// An answer holds records exactly when it says so, and only of the type asked for.
pub fn check_answer(question: &Question, answer: &Answer) {
    assert_eq!(
        answer.outcome == Outcome::Found,
        !answer.records.is_empty(),
        "{question}: {answer:?}"
    );
    for record in answer.records.iter() {
        assert_eq!(record.record_type(), question.record_type, "{question}");
    }
}

/// Whether an error's text says something, and no more than fits into a log line: what it quotes of
/// the input is cut off.
pub fn check_message(message: &str) {
    assert!(!message.is_empty());
    assert!(message.len() < 1024, "{message}");
}
