//! Policy discovery, RFC 8461 section 3, and when it is done again, sections 3.3 and 5.1.

use std::sync::Arc;

use super::Decision;
use super::cached::{CachedPolicy, FailedFetch, FetchedPolicy};
use super::fetch::{FetchError, PolicyFetcher, PolicyUrl};
use super::policy::{MAXIMUM_POLICY_OCTETS, Mode, Policy, PolicyError};
use super::record::{Record, RecordError};
use crate::dns::{LookupError, Name, NameError, Question, RecordType, Resolver};
use crate::domain::Domain;
use crate::time::UnixTime;
use crate::tls_rpt::ResultType;

/// What was found out about a domain.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Discovery {
    /// What applies to this delivery.
    pub decision: Decision,
    /// What to keep of the domain from now on.
    pub store: Store,
    /// id= of the record, if there is one.
    pub id: Option<Arc<str>>,
    /// Why there is no policy, or none but a cached one; `None` when there is nothing to say. An
    /// administrator wants to hear of it when [`Discovery::report`] has something to report.
    pub cause: Option<Cause>,
}

/// What to do with what was kept of a domain.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "a store must do one of these")]
pub enum Store {
    /// Leave it as it is.
    Keep,
    /// Forget it: it holds nothing that still means something.
    Remove,
    /// Keep this instead.
    Replace(CachedPolicy),
}

/// Why there is no policy, or none but a cached one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Cause {
    /// The policy could not be fetched.
    #[error(transparent)]
    Fetch(#[from] FetchError),
    /// The DNS could not say whether there is a record.
    #[error("no answer to {question}: {error}")]
    Lookup {
        /// What was asked.
        question: Box<Question>,
        /// Why there is no answer.
        error: LookupError,
    },
    /// The domain is too long for a name below it.
    #[error(transparent)]
    Name(#[from] NameError),
    /// What was fetched is no policy.
    #[error("the policy is not valid: {0}")]
    Policy(#[from] PolicyError),
    /// There is no record, or none that can be used.
    #[error(transparent)]
    Record(#[from] RecordError),
    /// The last fetch for the same id failed less than five minutes ago: it is not tried again yet.
    #[error("the last fetch failed ({result_type}); it may be tried again at {until}")]
    Wait {
        /// What to report of the fetch that failed.
        result_type: ResultType,
        /// When it may be tried again.
        until: UnixTime,
    },
}

impl Cause {
    /// What to report of a fetch that failed; `None` where nothing was fetched.
    pub fn result_type(&self) -> Option<ResultType> {
        match self {
            Self::Fetch(error) => Some(error.result_type()),
            Self::Policy(_) => Some(ResultType::StsPolicyInvalid),
            Self::Wait { result_type, .. } => Some(*result_type),
            Self::Lookup { .. } | Self::Name(_) | Self::Record(_) => None,
        }
    }
}

impl Discovery {
    /// What to report for a delivery under this discovery, if anything
    /// ([RFC 8461 section 6](https://www.rfc-editor.org/rfc/rfc8461#section-6)): a policy that cannot be
    /// fetched though there is a record, and any failure while a cached policy holds, except one of
    /// mode none.
    pub fn report(&self) -> Option<ResultType> {
        let cause = self.cause.as_ref()?;
        match self.decision.mode() {
            Some(Mode::None) => None,
            Some(_) => Some(cause.result_type().unwrap_or(ResultType::StsPolicyFetchError)),
            None => cause.result_type(),
        }
    }
}

/// Finds out which policy applies to deliveries to a domain at a time.
///
/// `cached` is what was kept of the domain, and [`Discovery::store`] says what to keep from now on.
/// The DNS is asked each time, for one TXT record; a resolver has it in its cache for the most part. The
/// policy is fetched only where there is none, where the record has another id, and where it is time to
/// refresh it ([`FetchedPolicy::is_due`]), and not within five minutes of a fetch for the same id that
/// failed. A policy that has not expired outlives a record that is gone and a server that fails; only a
/// policy that was fetched replaces it, be it one of mode none.
///
/// A fetch makes the caller wait, up to the fetcher's limit. Who does not want a delivery to wait takes
/// [`CachedPolicy::decision`] and runs this beside it.
pub async fn discover<R: Resolver, F: PolicyFetcher>(
    domain: &Domain,
    cached: Option<&CachedPolicy>,
    dns: &R,
    fetcher: &F,
    now: UnixTime,
) -> Discovery {
    let valid = cached.and_then(|cached| cached.valid_policy(now));
    let failure =
        cached.and_then(|cached| cached.failure.as_ref()).filter(|failure| failure.is_recent(now));
    let decision = valid.map_or(Decision::NoPolicy, |policy| Decision::Policy(policy.clone()));
    let is_worthless = cached.is_some() && valid.is_none() && failure.is_none();
    let unfetched = |id, cause| {
        let store = if is_worthless { Store::Remove } else { Store::Keep };
        Discovery { decision: decision.clone(), store, id, cause }
    };

    let name = match Name::from_dotted(["_mta-sts", domain.as_str()]) {
        Ok(name) => name,
        Err(error) => return unfetched(None, Some(error.into())),
    };
    let question = Question::new(name, RecordType::Txt);
    let answer = match dns.lookup(&question).await {
        Ok(answer) => answer,
        Err(error) => {
            return unfetched(None, Some(Cause::Lookup { question: question.into(), error }));
        }
    };
    let record = match Record::select(answer.texts().map(|text| text.as_bytes())) {
        Ok(record) => record,
        Err(error) => return unfetched(None, Some(error.into())),
    };
    let known = valid.map(|policy| &policy.id).filter(|id| id.as_ref() == record.id);
    if known.is_some() && !valid.is_some_and(|policy| policy.is_due(now)) {
        return unfetched(known.cloned(), None);
    }
    let id = known.map_or_else(|| record.id.into(), Arc::clone);
    if let Some(failure) = failure.filter(|failure| failure.id.as_ref() == record.id) {
        let (result_type, until) = (failure.result_type, failure.retry_at());
        return unfetched(Some(id), Some(Cause::Wait { result_type, until }));
    }

    match fetch(domain, fetcher).await.and_then(|text| read(&record, &text, now)) {
        Ok(policy) => {
            let cached = CachedPolicy::new(Some(policy.clone()), None);
            let (decision, store) = (Decision::Policy(policy), Store::Replace(cached));
            Discovery { decision, store, id: Some(id), cause: None }
        }
        Err(cause) => {
            let result_type = cause.result_type().unwrap_or(ResultType::StsPolicyFetchError);
            let failure = FailedFetch::new(record.id, now, result_type);
            let cached = CachedPolicy::new(valid.cloned(), Some(failure));
            let store = Store::Replace(cached);
            Discovery { decision, store, id: Some(id), cause: Some(cause) }
        }
    }
}

async fn fetch<F: PolicyFetcher>(domain: &Domain, fetcher: &F) -> Result<Vec<u8>, Cause> {
    Ok(fetcher.fetch(&PolicyUrl::new(domain.clone())).await?)
}

fn read(record: &Record<'_>, text: &[u8], now: UnixTime) -> Result<FetchedPolicy, Cause> {
    if text.len() > MAXIMUM_POLICY_OCTETS {
        return Err(FetchError::TooLong.into());
    }
    Ok(FetchedPolicy::new(record, &Policy::parse(text)?, now))
}
