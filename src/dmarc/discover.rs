//! What DMARC asks the DNS: the policy, and the organizational domains of the identifiers.

#[cfg(feature = "psl")]
use std::sync::Arc;

use super::record::Record;
use super::values::{AlignmentMode, PolicyRequest};
use super::walk::{Walk, lookup};
use crate::dns::{LookupError, Name, Outcome, Question, RecordType, Resolver, join_all};
use crate::domain::Domain;
use crate::message::{AuthorDomain, AuthorError};

/// How DMARC is evaluated, and how much work it may be.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Options {
    /// Bounds on what input may cost.
    pub limits: Limits,
    /// How organizational domains are found; by the tree walk unless set otherwise.
    pub discovery: Discovery,
    /// Whether a DKIM pass counts whose key record has t=y. Off by default: such a signature is to be
    /// treated as if it were not there
    /// ([RFC 6376 section 3.6.1](https://www.rfc-editor.org/rfc/rfc6376#section-3.6.1)).
    pub testing_keys_count: bool,
    /// Whether verdicts record each step; off by default.
    pub trace: bool,
}

/// Bounds on what a message may cost.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// Identifiers whose organizational domain is looked up, MAIL FROM first; 11 by default, which is
    /// MAIL FROM and 10 signatures. Each costs at most 8 questions, and nothing if it cannot be aligned
    /// anyway. The author domain costs at most 9 beside.
    pub identifiers: usize,
}

/// How organizational domains are found.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub enum Discovery {
    /// By the DNS tree walk of [RFC 9989 section 4.10](https://www.rfc-editor.org/rfc/rfc9989#section-4.10).
    #[default]
    TreeWalk,
    /// By a public suffix list, and records as in
    /// [RFC 7489 section 6.6.3](https://www.rfc-editor.org/rfc/rfc7489#section-6.6.3): at most two names
    /// are asked for a record.
    #[cfg(feature = "psl")]
    PublicSuffixList(Arc<super::PublicSuffixList>),
}

/// The domains that may turn out to be authenticated.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "RFC 9989 section 4.3 has two mechanisms")]
pub struct Candidates {
    /// The domain of MAIL FROM, or of HELO for a null sender; `None` if SPF is not evaluated.
    pub spf: Option<Domain>,
    /// The d= of every signature.
    pub dkim: Vec<Domain>,
}

/// All that DMARC needs from the DNS for one message.
#[derive(Clone, Debug)]
pub struct Lookups {
    pub(super) author: Result<AuthorDomain, AuthorError>,
    /// `None` without an author domain.
    pub(super) walk: Option<Walk>,
    /// Whether the author domain exists, if the policy depends on it.
    pub(super) existence: Option<Result<bool, LookupError>>,
    /// The walks of identifiers that may be aligned.
    pub(super) identifiers: Vec<Walk>,
    pub(super) options: Options,
}

impl Default for Limits {
    fn default() -> Self {
        Self { identifiers: 11 }
    }
}

/// Asks for the record of an author domain and for the organizational domains of identifiers.
///
/// The author's tree walk comes first. Only an identifier equal to or below the organizational domain
/// that it gives can be aligned, so only those are walked, all at the same time. Nothing is asked
/// without an author domain.
pub async fn lookups<R: Resolver>(
    author: Result<AuthorDomain, AuthorError>,
    candidates: &Candidates,
    options: &Options,
    resolver: &R,
) -> Lookups {
    let mut lookups = Lookups::unanswered(author, options);
    lookups.ask(candidates, resolver).await;
    lookups
}

impl Lookups {
    /// Before anything is asked.
    pub(crate) fn unanswered(author: Result<AuthorDomain, AuthorError>, options: &Options) -> Self {
        let options = options.clone();
        Self { author, walk: None, existence: None, identifiers: Vec::new(), options }
    }

    /// Asks for all that [`lookups`] asks for.
    pub(crate) async fn ask<R: Resolver>(&mut self, candidates: &Candidates, resolver: &R) {
        let Self { author, walk, existence, identifiers, options } = self;
        let Ok(author) = author else { return };
        let author = author.as_domain();
        let walk = walk.insert(options.discovery.walk(author, resolver).await);
        if walk.failure().is_none()
            && let Some(step) = walk.policy()
            && let Some(found) = step.valid()
        {
            let record = found.record();
            if step.domain != *author && depends_on_existence(&record) {
                *existence = Some(exists(author, resolver).await);
            }
            let wanted = wanted(author, walk, &record, candidates, options.limits.identifiers);
            let walks =
                wanted.iter().map(|domain| options.discovery.identifier(domain, walk, resolver));
            *identifiers = join_all(walks).await;
        }
    }
}

/// Whether np= asks for another policy than the one for subdomains that exist.
fn depends_on_existence(record: &Record<'_>) -> bool {
    matches!(record.non_existent_policy, PolicyRequest::Policy(_))
        && record.policy_of_subdomain(true).0 != record.policy_of_subdomain(false).0
}

/// RFC 9989 section 3.2.13: NXDOMAIN for the name itself, whatever type is asked for.
async fn exists<R: Resolver>(domain: &Domain, resolver: &R) -> Result<bool, LookupError> {
    let Ok(name) = Name::parse(domain.as_str().as_bytes()) else {
        return Ok(false);
    };
    // SPF asks the same of the domain of MAIL FROM, which is often this one.
    let question = Question::new(name, RecordType::Txt);
    let answer = lookup(resolver, &question).await?;
    Ok(answer.outcome != Outcome::NxDomain)
}

/// The identifiers that can be aligned only by a walk, each once.
fn wanted<'c>(
    author: &Domain,
    walk: &Walk,
    record: &Record<'_>,
    candidates: &'c Candidates,
    limit: usize,
) -> Vec<&'c Domain> {
    let spf = candidates.spf.iter().map(|domain| (domain, record.spf_alignment));
    let dkim = candidates.dkim.iter().map(|domain| (domain, record.dkim_alignment));
    let mut wanted: Vec<&Domain> = Vec::new();
    for (domain, mode) in spf.chain(dkim) {
        let may_be = mode == AlignmentMode::Relaxed
            && domain != author
            && *domain != walk.organizational
            && domain.is_equal_or_below(&walk.organizational);
        if may_be && wanted.len() < limit && !wanted.contains(&domain) {
            wanted.push(domain);
        }
    }
    wanted
}

impl Discovery {
    async fn walk<R: Resolver>(&self, author: &Domain, resolver: &R) -> Walk {
        match self {
            Self::TreeWalk => Walk::up(author, None, resolver).await,
            #[cfg(feature = "psl")]
            Self::PublicSuffixList(list) => list.walk(author, resolver).await,
        }
    }

    async fn identifier<R: Resolver>(&self, domain: &Domain, known: &Walk, resolver: &R) -> Walk {
        match self {
            Self::TreeWalk => Walk::up(domain, Some(known), resolver).await,
            #[cfg(feature = "psl")]
            Self::PublicSuffixList(list) => {
                let organizational = list.organizational_domain(domain);
                Walk { start: domain.clone(), steps: Vec::new(), organizational }
            }
        }
    }
}
