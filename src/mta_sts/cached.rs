//! What a sender keeps of a domain between deliveries.

use std::sync::Arc;

use super::policy::{Mode, Policy};
use super::{Decision, Record};
use crate::time::UnixTime;
use crate::tls_rpt::ResultType;

/// RFC 8461 section 3.3: "a suggested refresh frequency is once per day".
const REFRESH_SECONDS: u64 = 24 * 60 * 60;

/// RFC 8461 section 3.3: "five minutes or longer per version ID".
const RETRY_SECONDS: u64 = 5 * 60;

/// What a sender keeps of a domain: the policy that was fetched last, and the last fetch that failed.
///
/// With the feature `serde` it is what a fleet of servers keeps in a store that they share. It is cheap
/// to clone: the policy is behind a pointer.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct CachedPolicy {
    /// The policy, which may have expired since.
    pub policy: Option<FetchedPolicy>,
    /// The last fetch, if it failed.
    pub failure: Option<FailedFetch>,
}

/// A policy with the record that led to it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(into = "serialize::Plain", try_from = "serialize::Plain")
)]
#[non_exhaustive]
pub struct FetchedPolicy {
    /// id= of the record.
    pub id: Arc<str>,
    /// When it was fetched.
    pub fetched: UnixTime,
    mode: Mode,
    max_age: u32,
    /// As [`Policy`] prints.
    text: Arc<str>,
}

/// A fetch that gave no policy.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct FailedFetch {
    /// id= of the record that led to it.
    pub id: Box<str>,
    /// When it failed.
    pub at: UnixTime,
    /// What to report of it.
    pub result_type: ResultType,
}

impl CachedPolicy {
    /// What is kept: a policy, a fetch that failed, or both.
    pub fn new(policy: Option<FetchedPolicy>, failure: Option<FailedFetch>) -> Self {
        Self { policy, failure }
    }

    /// The policy, if it has not expired.
    pub fn valid_policy(&self, now: UnixTime) -> Option<&FetchedPolicy> {
        self.policy.as_ref().filter(|policy| !policy.is_expired(now))
    }

    /// What holds without asking anybody, for a sender that does not let deliveries wait and runs
    /// [`discover`](super::discover()) beside them. Nothing is allocated.
    pub fn decision(&self, now: UnixTime) -> Decision {
        self.valid_policy(now).map_or(Decision::NoPolicy, |policy| Decision::Policy(policy.clone()))
    }
}

impl FetchedPolicy {
    /// A policy, the record that led to it, and when it was fetched.
    pub fn new(record: &Record<'_>, policy: &Policy<'_>, fetched: UnixTime) -> Self {
        let (mode, max_age) = (policy.mode, policy.max_age);
        Self { id: record.id.into(), fetched, mode, max_age, text: policy.to_string().into() }
    }

    /// The policy itself.
    pub fn policy(&self) -> Policy<'_> {
        Policy::of_parts(self.mode, self.max_age, &self.text)
    }

    /// The policy as text, lines ending with CRLF.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The last second in which the policy holds.
    pub fn expires(&self) -> UnixTime {
        UnixTime(self.fetched.0.saturating_add(self.max_age.into()))
    }

    /// Whether more time has passed since it was fetched than its max_age
    /// ([RFC 8461 section 5.1](https://www.rfc-editor.org/rfc/rfc8461#section-5.1)).
    pub fn is_expired(&self, now: UnixTime) -> bool {
        now > self.expires()
    }

    /// Whether it is time to fetch it again, so that it does not expire: after a day, or after half of
    /// its max_age where that is sooner
    /// ([RFC 8461 section 3.3](https://www.rfc-editor.org/rfc/rfc8461#section-3.3)). So is a policy of the
    /// future: the clock was wrong.
    pub fn is_due(&self, now: UnixTime) -> bool {
        let age = now.0.saturating_sub(self.fetched.0);
        now < self.fetched || age >= REFRESH_SECONDS.min(u64::from(self.max_age) / 2)
    }
}

impl FailedFetch {
    /// A fetch that failed for the policy of this id.
    pub fn new(id: &str, at: UnixTime, result_type: ResultType) -> Self {
        Self { id: id.into(), at, result_type }
    }

    /// When the policy of the same id may be asked for again: five minutes after
    /// ([RFC 8461 section 3.3](https://www.rfc-editor.org/rfc/rfc8461#section-3.3)).
    pub fn retry_at(&self) -> UnixTime {
        UnixTime(self.at.0.saturating_add(RETRY_SECONDS))
    }

    /// Whether it is too early to ask again. A failure of the future is none: the clock was wrong.
    pub(super) fn is_recent(&self, now: UnixTime) -> bool {
        self.at <= now && now < self.retry_at()
    }
}

#[cfg(feature = "serde")]
mod serialize {
    use super::{FetchedPolicy, Policy, Record, UnixTime};

    /// A policy as its text, which is parsed again: a store is no more trusted than a server.
    #[derive(serde::Serialize, serde::Deserialize)]
    pub(super) struct Plain {
        id: String,
        fetched: UnixTime,
        policy: String,
    }

    impl From<FetchedPolicy> for Plain {
        fn from(policy: FetchedPolicy) -> Self {
            let FetchedPolicy { id, fetched, text, .. } = policy;
            Self { id: id.as_ref().into(), fetched, policy: text.as_ref().into() }
        }
    }

    impl TryFrom<Plain> for FetchedPolicy {
        type Error = String;

        fn try_from(plain: Plain) -> Result<Self, String> {
            let record = format!("v=STSv1; id={};", plain.id);
            let record = Record::parse(record.as_bytes()).map_err(|error| error.to_string())?;
            let policy =
                Policy::parse(plain.policy.as_bytes()).map_err(|error| error.to_string())?;
            Ok(Self::new(&record, &policy, plain.fetched))
        }
    }
}
