//! Whether reports may go where a record wants them, RFC 9990 section 4.

use std::fmt;

use super::record::Record;
use super::report_uri::{ReportUri, ReportUris};
use super::walk::{Walk, lookup};
use crate::dns::{LookupError, Name, Outcome, Question, RecordType, Resolver, join_all};
use crate::domain::Domain;

/// Destinations of one tag that are considered, and URIs of one confirming record.
const MAXIMUM_DESTINATIONS: usize = 10;

/// Which reports are to be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "RFC 9989 section 4.7 has two")]
pub enum ReportKind {
    /// Aggregate reports, rua=.
    Aggregate,
    /// Failure reports, ruf=.
    Failure,
}

/// A URI of rua= or ruf=, and what its host has to say about it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct Destination {
    /// The URI as the record has it.
    pub uri: String,
    /// Where the reports may be sent instead of or beside it, or why not: the URI itself, or those that
    /// the host wants used in its place.
    #[cfg_attr(feature = "serde", serde(serialize_with = "serialize_outcome"))]
    pub outcome: Result<Vec<String>, DestinationError>,
}

/// Why reports must not be sent to a destination.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DestinationError {
    /// One URI more than the ten that are considered.
    #[error("the record has more than {limit} destinations")]
    Limit {
        /// The limit.
        limit: usize,
    },
    /// The lookup of the confirmation failed; a later attempt may give a result.
    #[error("the lookup of {question} failed: {error}")]
    Lookup {
        /// What was asked.
        question: Box<Question>,
        /// Why there is no answer.
        error: LookupError,
    },
    /// The name that would confirm it is too long for the DNS.
    #[error("the name that would confirm {host} is too long for the DNS")]
    NameTooLong {
        /// The host of the destination.
        host: Domain,
    },
    /// The host confirms nothing.
    #[error("there is no confirmation: {question} is {}", match .outcome {
        Outcome::Found => "no DMARC record",
        Outcome::NoData => "a name without such a record",
        Outcome::NxDomain => "a name that does not exist",
    })]
    NotConfirmed {
        /// What was asked.
        question: Box<Question>,
        /// What the DNS said.
        outcome: Outcome,
    },
    /// The host confirms, but wants the reports sent to another host.
    #[error("{host} wants its reports sent to another host: {uri}")]
    OtherHost {
        /// The host of the destination.
        host: Domain,
        /// The URI in the confirming record.
        uri: String,
    },
    /// Not a `mailto:` URI with a domain.
    #[error("the URI is not one that mail can be sent to")]
    Unsupported,
}

/// Asks the hosts outside of an organization whether they want the reports about it.
///
/// `domain` is the one whose record holds the `uris`, which are those of
/// [`PublishedRecord::rua`](super::PublishedRecord::rua) or
/// [`PublishedRecord::ruf`](super::PublishedRecord::ruf). Hosts of the same organizational domain need no
/// confirmation. At most 10 URIs are considered: the walk of the domain costs at most 8 questions, each
/// host below its organizational domain at most 8, and each other host one.
///
/// ```
/// use bonafide::dmarc::{ReportKind, verify_destinations};
/// use bonafide::{Domain, dns::Zone};
///
/// let zone: Zone = r#"example.com._report._dmarc.reports.example TXT "v=DMARC1""#.parse()?;
/// let uris = ["mailto:a@reports.example", "mailto:a@victim.example"];
/// let domain = Domain::parse(b"example.com")?;
/// let asked = verify_destinations(&domain, &uris, ReportKind::Aggregate, &zone);
/// let destinations = bonafide::block_on(asked);
/// assert!(destinations[0].outcome.is_ok() && destinations[1].outcome.is_err());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub async fn verify_destinations<R: Resolver, U: AsRef<str> + Sync>(
    domain: &Domain,
    uris: &[U],
    kind: ReportKind,
    resolver: &R,
) -> Vec<Destination> {
    if uris.is_empty() {
        return Vec::new();
    }
    let walk = Walk::up(domain, None, resolver).await;
    let uris = || uris.iter().map(AsRef::as_ref);
    let considered = uris().take(MAXIMUM_DESTINATIONS);
    let verify = |uri| verify(uri, domain, &walk, kind, resolver);
    let outcomes = join_all(considered.map(verify)).await;
    let limit = DestinationError::Limit { limit: MAXIMUM_DESTINATIONS };
    let outcomes = outcomes.into_iter().chain(std::iter::repeat(Err(limit)));
    let pairs = uris().zip(outcomes);
    pairs.map(|(uri, outcome)| Destination { uri: uri.to_owned(), outcome }).collect()
}

async fn verify<R: Resolver>(
    uri: &str,
    domain: &Domain,
    walk: &Walk,
    kind: ReportKind,
    resolver: &R,
) -> Result<Vec<String>, DestinationError> {
    let listed = ReportUris::new(uri.as_bytes(), 0).iter().next();
    let host = listed.and_then(host_of).ok_or(DestinationError::Unsupported)?;
    let own = || Ok(vec![uri.to_owned()]);
    if host == *domain || is_of_organization(&host, walk, resolver).await {
        return own();
    }
    let texts = [domain.as_str(), "_report._dmarc", host.as_str()];
    let Ok(name) = Name::from_dotted(texts) else {
        return Err(DestinationError::NameTooLong { host });
    };
    let question = Question::new(name, RecordType::Txt);
    let answer = match lookup(resolver, &question).await {
        Ok(answer) => answer,
        Err(error) => {
            return Err(DestinationError::Lookup { question: question.into(), error });
        }
    };
    let mut records = answer.texts().filter_map(|text| Record::parse(text.as_bytes()).ok());
    let Some(first) = records.next() else {
        let outcome = answer.outcome;
        return Err(DestinationError::NotConfirmed { question: question.into(), outcome });
    };
    let wanted = |record: Record<'_>| {
        let uris = match kind {
            ReportKind::Aggregate => record.rua,
            ReportKind::Failure => record.ruf,
        };
        uris.iter().map(|uri| (uri.as_str().to_owned(), host_of(uri))).collect::<Vec<_>>()
    };
    let mut instead = Vec::new();
    for (uri, other) in std::iter::once(first).chain(records).flat_map(wanted) {
        if other.as_ref() != Some(&host) {
            return Err(DestinationError::OtherHost { host, uri });
        }
        if instead.len() < MAXIMUM_DESTINATIONS && !instead.contains(&uri) {
            instead.push(uri);
        }
    }
    if instead.is_empty() { own() } else { Ok(instead) }
}

fn host_of(uri: ReportUri<'_>) -> Option<Domain> {
    let (_, host) = uri.mailbox()?;
    Domain::parse(host.as_bytes()).ok()
}

/// Whether a host has the organizational domain of a walk. In doubt it has not.
async fn is_of_organization<R: Resolver>(host: &Domain, walk: &Walk, resolver: &R) -> bool {
    if walk.failure().is_some() || !host.is_equal_or_below(&walk.organizational) {
        return false;
    }
    if *host == walk.organizational {
        return true;
    }
    let own = Walk::up(host, Some(walk), resolver).await;
    own.failure().is_none() && own.organizational == walk.organizational
}

impl fmt::Display for Destination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.outcome {
            Ok(instead) if *instead == [self.uri.as_str()] => write!(f, "{}: confirmed", self.uri),
            Ok(instead) => write!(f, "{}: confirmed as {}", self.uri, instead.join(", ")),
            Err(error) => write!(f, "{}: {error}", self.uri),
        }
    }
}

#[cfg(feature = "serde")]
fn serialize_outcome<S: serde::Serializer>(
    outcome: &Result<Vec<String>, DestinationError>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    match outcome {
        Ok(uris) => serializer.collect_seq(uris),
        Err(error) => serializer.collect_str(error),
    }
}
