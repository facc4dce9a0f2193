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
    pub(super) envelope: Arc<Envelope>,
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
    #[cfg_attr(not(feature = "arc"), expect(dead_code, reason = "no chain asks for any"))]
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
        let answers = plan.run(&resolver).await;
        Self { planned: Some((plan, answers)) }
    }
}

impl Plan {
    #[cfg(not(feature = "tracing"))]
    pub(super) async fn run<R: Resolver>(&self, resolver: &R) -> Answers {
        self.ask(resolver).await
    }

    #[cfg(feature = "tracing")]
    pub(super) async fn run<R: Resolver>(&self, resolver: &R) -> Answers {
        use tracing::Instrument as _;

        // Of what the sender wrote only a domain, which holds nothing that could disturb a log.
        let author = self.author.as_ref().ok().map(|author| author.as_str());
        let span = tracing::debug_span!("lookups", author);
        self.ask(resolver).instrument(span).await
    }

    /// Everything at once, each question once.
    async fn ask<R: Resolver>(&self, resolver: &R) -> Answers {
        let memo = Memo::new(resolver);
        let keys = |questions| dkim::Keys::fetch(Arc::clone(questions), &memo);
        let spf = pin!(self.spf(&memo));
        let dmarc = pin!(self.dmarc(&memo));
        let (own, chain) = (pin!(keys(&self.keys)), pin!(keys(&self.chain_keys)));
        let keys = pin!(join(own, chain));
        let (spf, ((keys, chain_keys), dmarc)) = join(spf, pin!(join(keys, dmarc))).await;
        Answers { spf, keys, chain_keys, dmarc }
    }

    async fn spf<R: Resolver>(&self, resolver: &R) -> Option<spf::Verdicts> {
        let query = self.envelope.query()?;
        let options = &self.configuration.options.spf;
        Some(spf::check_host(&query, options, resolver, self.now).await)
    }

    async fn dmarc<R: Resolver>(&self, resolver: &R) -> dmarc::Lookups {
        let options = &self.configuration.options.dmarc;
        dmarc::lookups(self.author.clone(), &self.candidates, options, resolver).await
    }
}
