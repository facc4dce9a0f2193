//! The DNS tree walk, RFC 9989 section 4.10.

use super::record::{Psd, Record};
use super::trace::Found;
use crate::dns::{Answer, LookupError, Name, Question, RecordType, Resolver, Text};
use crate::domain::Domain;

/// A name of more labels is followed by its ancestor of so many.
const LABELS_BELOW_THE_START: usize = 7;

/// The names that were asked on the way up from a domain, and the organizational domain they give.
#[derive(Clone, Debug)]
pub(super) struct Walk {
    pub(super) start: Domain,
    /// From the start upwards, at most 8.
    pub(super) steps: Vec<Step>,
    pub(super) organizational: Domain,
}

/// One name of a walk.
#[derive(Clone, Debug)]
pub(super) struct Step {
    pub(super) domain: Domain,
    labels: usize,
    pub(super) published: Published,
}

/// What stands at a name.
#[derive(Clone, Debug)]
pub(super) enum Published {
    /// The lookup failed.
    Failed(LookupError),
    /// Exactly one DMARC record, of the texts of an answer the one at the place.
    One(Answer, usize),
    /// No DMARC record.
    None(Answer),
    /// More than one, which are discarded all.
    Several(usize),
}

impl Published {
    /// RFC 9989 section 4.10 steps 2 and 6.
    fn new(reply: Result<Answer, LookupError>) -> Self {
        let answer = match reply {
            Ok(answer) => answer,
            Err(error) => return Self::Failed(error),
        };
        let is_record = |text: &Text| Record::parse(text.as_bytes()).is_ok();
        let mut places = answer.texts().enumerate().filter(|(_, text)| is_record(text));
        match (places.next(), places.count()) {
            (None, _) => Self::None(answer),
            (Some((place, _)), 0) => Self::One(answer, place),
            (Some(_), further) => Self::Several(further.saturating_add(1)),
        }
    }

    pub(super) fn record(&self) -> Option<Record<'_>> {
        let Self::One(answer, place) = self else {
            return None;
        };
        Record::parse(answer.texts().nth(*place)?.as_bytes()).ok()
    }

    /// What a trace says about it.
    pub(super) fn summary(&self) -> Found {
        match (self, self.record()) {
            (Self::Failed(error), _) => Found::Failed(error.clone()),
            (Self::None(answer), _) => Found::None(answer.outcome),
            (Self::Several(count), _) => Found::Several(*count),
            (_, Some(record)) if record.is_valid() => Found::Record(record.to_string()),
            (_, record) => {
                Found::Invalid(record.map(|record| record.to_string()).unwrap_or_default())
            }
        }
    }
}

impl Step {
    pub(super) fn new(domain: Domain, published: Published) -> Self {
        Self { labels: domain.labels().count(), domain, published }
    }

    /// The record, if it is valid.
    pub(super) fn valid(&self) -> Option<Record<'_>> {
        self.published.record().filter(Record::is_valid)
    }

    pub(super) fn is_authentic(&self) -> bool {
        matches!(&self.published, Published::One(answer, _) if answer.authentic)
    }

    pub(super) fn failure(&self) -> Option<&LookupError> {
        match &self.published {
            Published::Failed(error) => Some(error),
            _ => None,
        }
    }
}

/// Where a domain's record is published. A name that is too long for the DNS has none.
pub(super) fn question(domain: &Domain) -> Option<Question> {
    let name = Name::from_labels(["_dmarc"].into_iter().chain(domain.labels())).ok()?;
    Some(Question::new(name, RecordType::Txt))
}

pub(super) async fn ask<R: Resolver>(domain: &Domain, resolver: &R) -> Published {
    match question(domain) {
        Some(question) => Published::new(lookup(resolver, &question).await),
        None => Published::None(Answer::no_data()),
    }
}

#[cfg(not(feature = "tracing"))]
pub(super) async fn lookup<R: Resolver>(
    resolver: &R,
    question: &Question,
) -> Result<Answer, LookupError> {
    resolver.lookup(question).await
}

#[cfg(feature = "tracing")]
pub(super) async fn lookup<R: Resolver>(
    resolver: &R,
    question: &Question,
) -> Result<Answer, LookupError> {
    use tracing::Instrument as _;

    let span = tracing::debug_span!("dmarc", name = %question.name);
    resolver.lookup(question).instrument(span).await
}

impl Walk {
    /// Walks up from a domain with at most 8 questions. What another walk found is not asked again.
    pub(super) async fn up<R: Resolver>(
        start: &Domain,
        known: Option<&Self>,
        resolver: &R,
    ) -> Self {
        let mut steps: Vec<Step> = Vec::new();
        let mut labels = start.labels().count();
        while labels > 0 {
            let domain = start.suffix(labels);
            let published = match known.and_then(|walk| walk.step(&domain)) {
                Some(step) => step.published.clone(),
                None => ask(&domain, resolver).await,
            };
            let record = published.record();
            let is_end = record.is_some_and(|record| record.psd != Psd::Unknown)
                // What did not come might have ended the walk: what stands above proves nothing.
                || matches!(published, Published::Failed(_));
            steps.push(Step::new(domain, published));
            if is_end {
                break;
            }
            labels = labels.saturating_sub(1).min(LABELS_BELOW_THE_START);
        }
        let organizational = organizational_domain(start, &steps);
        Self { start: start.clone(), steps, organizational }
    }

    fn step(&self, domain: &Domain) -> Option<&Step> {
        self.steps.iter().find(|step| step.domain == *domain)
    }

    /// The record at the start itself, if it is valid.
    pub(super) fn own(&self) -> Option<&Step> {
        self.steps.first().filter(|step| step.domain == self.start && step.valid().is_some())
    }

    /// Whose record applies to messages of the start, RFC 9989 section 4.10.1.
    pub(super) fn policy(&self) -> Option<&Step> {
        let valid = |step: &&Step| step.valid().is_some();
        let is_psd = |step: &&Step| step.valid().is_some_and(|record| record.psd == Psd::Yes);
        self.own()
            .or_else(|| self.step(&self.organizational).filter(valid))
            .or_else(|| self.steps.last().filter(is_psd))
    }

    /// The name whose lookup failed, which is the last.
    pub(super) fn failure(&self) -> Option<(&Step, &LookupError)> {
        let last = self.steps.last()?;
        Some((last, last.failure()?))
    }
}

/// RFC 9989 section 4.10.2.
fn organizational_domain(start: &Domain, steps: &[Step]) -> Domain {
    let mut fewest = None;
    for step in steps {
        let Some(record) = step.valid() else {
            continue;
        };
        match record.psd {
            Psd::No => return step.domain.clone(),
            Psd::Yes if step.domain != *start => {
                return start.suffix(step.labels.saturating_add(1));
            }
            Psd::Yes | Psd::Unknown => fewest = Some(&step.domain),
        }
    }
    fewest.unwrap_or(start).clone()
}
