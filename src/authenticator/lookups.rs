//! The one asynchronous step: everything that the DNS must answer about a message.

use std::pin::pin;
use std::sync::Arc;

use super::{Configuration, Envelope};
use crate::dns::{Memo, Question, Resolver, join};
use crate::message::{AuthorDomain, AuthorError};
use crate::time::UnixTime;
use crate::{dkim, dmarc, spf};

/// What is to be asked about one message, known once its header is.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) configuration: Arc<Configuration>,
    pub(super) envelope: Envelope,
    pub(super) now: UnixTime,
    pub(super) author: Result<AuthorDomain, AuthorError>,
    /// The questions for the keys of signatures.
    pub(super) keys: Arc<[Question]>,
    /// The questions for the keys of a chain; none without the feature `arc`.
    pub(super) chain_keys: Arc<[Question]>,
    /// The domain of MAIL FROM and the d= of signatures.
    pub(super) candidates: dmarc::Candidates,
}

/// What the DNS said about one message; [`Session::finish`](super::Session::finish) takes it.
#[derive(Clone, Debug)]
pub struct Lookups {
    /// `None` if they were begun before the header was complete.
    pub(super) planned: Option<(Arc<Plan>, Answers)>,
}

#[derive(Clone, Debug)]
pub(super) struct Answers {
    pub(super) spf: Option<spf::Verdicts>,
    pub(super) keys: dkim::Keys,
    pub(super) chain_keys: dkim::Keys,
    pub(super) dmarc: dmarc::Lookups,
}

/// The lookups are another session's, or were begun before the header was complete.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the lookups are another session's, or were begun before the header was complete")]
pub struct ForeignLookups;

impl Lookups {
    pub(super) async fn run<R: Resolver>(plan: Option<Arc<Plan>>, resolver: R) -> Self {
        let Some(plan) = plan else { return Self { planned: None } };
        let mut answers = Answers::none(&plan);
        plan.run(&resolver, &mut answers).await;
        Self { planned: Some((plan, answers)) }
    }
}

impl Answers {
    /// Before anything is asked.
    pub(super) fn none(plan: &Plan) -> Self {
        let dmarc = &plan.configuration.options.dmarc;
        Self {
            spf: None,
            keys: dkim::Keys::unanswered(Arc::clone(&plan.keys)),
            chain_keys: dkim::Keys::unanswered(Arc::clone(&plan.chain_keys)),
            dmarc: dmarc::Lookups::unanswered(plan.author.clone(), dmarc),
        }
    }
}

impl Plan {
    #[cfg(not(feature = "tracing"))]
    pub(super) async fn run<R: Resolver>(&self, resolver: &R, answers: &mut Answers) {
        self.ask(resolver, answers).await;
    }

    #[cfg(feature = "tracing")]
    pub(super) async fn run<R: Resolver>(&self, resolver: &R, answers: &mut Answers) {
        use tracing::Instrument as _;

        // Of what the sender wrote only a domain, which holds nothing that could disturb a log.
        let author = self.author.as_ref().ok().map(|author| author.as_str());
        let span = tracing::debug_span!("lookups", author);
        self.ask(resolver, answers).instrument(span).await;
    }

    /// Everything at once, each question once. Each answer is put in its place, for they are large to
    /// move.
    async fn ask<R: Resolver>(&self, resolver: &R, answers: &mut Answers) {
        let memo = Memo::new(resolver);
        let Answers { spf, keys, chain_keys, dmarc } = answers;
        let spf = pin!(async { *spf = self.spf(&memo).await });
        let (keys, chain_keys) = (pin!(keys.ask(&memo)), pin!(chain_keys.ask(&memo)));
        let dmarc = pin!(dmarc.ask(&self.candidates, &memo));
        join([spf, keys, chain_keys, dmarc]).await;
    }

    async fn spf<R: Resolver>(&self, resolver: &R) -> Option<spf::Verdicts> {
        let query = self.envelope.query()?;
        let options = &self.configuration.options.spf;
        Some(spf::check_host(&query, options, resolver, self.now).await)
    }
}
