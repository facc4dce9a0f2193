//! What a policy means for each host, RFC 8461 sections 4 and 5.

use super::cached::FetchedPolicy;
use super::policy::Mode;
use crate::domain::Domain;
use crate::tls_rpt::ResultType;

/// What applies to deliveries to a domain.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "a sender must decide both")]
pub enum Decision {
    /// There is no policy: deliver as though the domain had not implemented MTA-STS.
    NoPolicy,
    /// This policy applies. Its mode may be [`Mode::None`], which is the same as none.
    Policy(FetchedPolicy),
}

/// What became of TLS with a host.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "there is no fourth")]
pub enum Tls {
    /// The host offered STARTTLS and showed a certificate that is valid for its name.
    Authenticated,
    /// It did not.
    Failed(ResultType),
    /// Nobody has tried. The decision is what holds if the host authenticates itself.
    Untried,
}

/// What to do with a host.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "a sender must do one of these")]
pub enum Action {
    /// Deliver.
    Deliver,
    /// Deliver, and report [`HostDecision::failure`]: the domain is testing.
    DeliverAndReport,
    /// Do not deliver to this host, report [`HostDecision::failure`], and go to the next.
    Skip,
}

/// What holds for one host.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct HostDecision {
    /// Whether a pattern of the policy stands for the host; `None` without a policy.
    pub matches: Option<bool>,
    /// What to do.
    pub action: Action,
    /// What to report; `None` where nothing failed that the policy asks for. A host that no pattern
    /// stands for is a `validation-failure`: no certificate was looked at.
    pub failure: Option<ResultType>,
}

impl Decision {
    /// The mode of the policy, if there is one.
    pub fn mode(&self) -> Option<Mode> {
        match self {
            Self::NoPolicy => None,
            Self::Policy(policy) => Some(policy.policy().mode),
        }
    }

    /// What holds for one host: its name as the MX record gives it, and what became of TLS with it.
    pub fn host(&self, mx: &Domain, tls: Tls) -> HostDecision {
        let policy = match self {
            Self::NoPolicy => None,
            Self::Policy(policy) => Some(policy.policy()),
        };
        let matches = policy.map(|policy| policy.matches(mx));
        let by_tls = match tls {
            Tls::Failed(failure) => Some(failure),
            Tls::Authenticated | Tls::Untried => None,
        };
        // RFC 8461 section 2: a host that fails DANE gets nothing, whatever MTA-STS says.
        let by_dane = by_tls.filter(|failure| is_of_dane(*failure));
        let by_match = matches.filter(|matches| !matches).map(|_| ResultType::ValidationFailure);
        let failure = by_match.or(by_tls);
        let (action, failure) = match (policy.map(|policy| policy.mode), failure) {
            _ if by_dane.is_some() => (Action::Skip, by_dane),
            (None | Some(Mode::None), _) => (Action::Deliver, None),
            (Some(_), None) => (Action::Deliver, None),
            (Some(Mode::Testing), failure) => (Action::DeliverAndReport, failure),
            (Some(Mode::Enforce), failure) => (Action::Skip, failure),
        };
        HostDecision { matches, action, failure }
    }

    /// What holds host by host, for the hosts of the MX records in the order of their preference.
    ///
    /// Without any the domain itself is the host
    /// ([RFC 5321 section 5.1](https://www.rfc-editor.org/rfc/rfc5321#section-5.1)); a null MX is a
    /// matter for before. `tls` is asked host by host as the iterator goes on: what was tried before,
    /// or [`Tls::Untried`]. A sender takes the hosts one after the other until one takes the message.
    pub fn hosts<'h, H>(
        &'h self,
        domain: &'h Domain,
        hosts: H,
        mut tls: impl FnMut(&Domain) -> Tls + 'h,
    ) -> impl Iterator<Item = (&'h Domain, HostDecision)> + 'h
    where
        H: IntoIterator<Item = &'h Domain>,
        H::IntoIter: 'h,
    {
        let mut hosts = hosts.into_iter().peekable();
        let implicit = hosts.peek().is_none().then_some(domain);
        hosts.chain(implicit).map(move |host| (host, self.host(host, tls(host))))
    }
}

fn is_of_dane(failure: ResultType) -> bool {
    use ResultType::{DaneRequired, DnssecInvalid, TlsaInvalid};
    matches!(failure, DaneRequired | DnssecInvalid | TlsaInvalid)
}

impl std::fmt::Display for Action {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(match self {
            Self::Deliver => "deliver",
            Self::DeliverAndReport => "deliver-and-report",
            Self::Skip => "skip",
        })
    }
}
