//! The keys of signatures: where they are asked for, and what came back.

use std::sync::Arc;

use super::verdict::Cause;
use crate::dns::{LookupError, Name, Question, RecordType, Reply, Resolver, join_all};
use crate::domain::{self, Domain};

/// The keys that a [`Verifier`](super::Verifier) asked for, or why they could not be had.
#[derive(Clone, Debug)]
pub struct Keys {
    questions: Arc<[Question]>,
    replies: Vec<Reply>,
}

/// The keys were fetched for another message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the keys were fetched for another verifier")]
pub struct ForeignKeys;

impl Keys {
    /// The keys that the questions of a verifier ask for, before they are asked.
    pub(crate) fn unanswered(questions: Arc<[Question]>) -> Self {
        Self { questions, replies: Vec::new() }
    }

    /// Asks the questions, all at the same time.
    pub(crate) async fn ask<R: Resolver>(&mut self, resolver: &R) {
        let lookups = self.questions.iter().map(|question| lookup(resolver, question));
        self.replies = join_all(lookups).await;
    }

    /// The answered questions.
    pub(crate) async fn fetch<R: Resolver>(questions: Arc<[Question]>, resolver: R) -> Self {
        let mut keys = Self::unanswered(questions);
        keys.ask(&resolver).await;
        keys
    }

    /// Whether these are the answers to the very questions.
    pub(crate) fn answer(&self, questions: &Arc<[Question]>) -> Result<(), ForeignKeys> {
        if Arc::ptr_eq(&self.questions, questions) { Ok(()) } else { Err(ForeignKeys) }
    }

    /// A question and the reply to it. Without one nothing passes.
    pub(crate) fn get(&self, question: usize) -> Result<(&Question, &Reply), Cause> {
        #[cold]
        fn not_asked() -> Cause {
            Cause::Lookup {
                question: Question::new(Name::ROOT, RecordType::Txt).into(),
                error: LookupError::Other("the key was not asked for".into()),
            }
        }
        self.questions.get(question).zip(self.replies.get(question)).ok_or_else(not_asked)
    }
}

/// RFC 6376 section 3.6.2.1: the key of a signature is at `<s=>._domainkey.<d=>`.
pub(crate) fn key_question(
    selector: &domain::Selector,
    domain: &Domain,
) -> Result<Question, Cause> {
    let labels = [selector.as_str(), "_domainkey", domain.as_str()];
    let name = Name::from_dotted(labels).map_err(Cause::KeyName)?;
    Ok(Question::new(name, RecordType::Txt))
}

/// Questions as verifiers and their keys share them; none cost no allocation.
pub(crate) fn shared(questions: Vec<Question>) -> Arc<[Question]> {
    if questions.is_empty() { Arc::default() } else { questions.into() }
}

#[cfg(not(feature = "tracing"))]
async fn lookup<R: Resolver>(resolver: &R, question: &Question) -> Reply {
    resolver.lookup(question).await
}

#[cfg(feature = "tracing")]
async fn lookup<R: Resolver>(resolver: &R, question: &Question) -> Reply {
    use tracing::Instrument as _;

    let span = tracing::debug_span!("dkim_key", name = %question.name);
    resolver.lookup(question).instrument(span).await
}
