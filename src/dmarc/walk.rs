//! The DNS tree walk, RFC 9989 section 4.10.

use super::published::PublishedRecord;
use super::record::{Outline, Record};
use super::trace;
use super::values::Psd;
use crate::dns::{Answer, LookupError, Name, Question, RecordType, Resolver};
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
    pub(super) published: Published,
}

/// What stands at a name.
#[derive(Clone, Debug)]
pub(super) enum Published {
    /// The lookup failed.
    Failed(LookupError),
    /// Exactly one DMARC record, which cannot be applied.
    Invalid(PublishedRecord),
    /// No DMARC record.
    None(Answer),
    /// More than one, which are discarded all.
    Several(usize),
    /// Exactly one DMARC record, which can be applied.
    Valid(PublishedRecord),
}

impl Published {
    /// RFC 9989 section 4.10 steps 2 and 6.
    fn new(reply: Result<Answer, LookupError>) -> Self {
        let answer = match reply {
            Ok(answer) => answer,
            Err(error) => return Self::Failed(error),
        };
        let mut first = None;
        let mut count = 0_usize;
        for (place, text) in answer.texts().enumerate() {
            if let Ok(record) = Record::parse(text.as_bytes()) {
                count = count.saturating_add(1);
                first.get_or_insert_with(|| (place, Outline::new(&record), record.is_valid()));
            }
        }
        match first {
            None => Self::None(answer),
            Some(_) if count > 1 => Self::Several(count),
            Some((place, outline, is_valid)) => {
                let record = PublishedRecord::new(answer, place, outline);
                if is_valid { Self::Valid(record) } else { Self::Invalid(record) }
            }
        }
    }

    /// What a trace says about it.
    pub(super) fn summary(&self) -> trace::Found {
        match self {
            Self::Failed(error) => trace::Found::Failed(error.clone()),
            Self::None(answer) => trace::Found::None(answer.outcome),
            Self::Several(count) => trace::Found::Several(*count),
            Self::Invalid(found) => trace::Found::Invalid(found.record().to_string()),
            Self::Valid(found) => trace::Found::Record(found.record().to_string()),
        }
    }
}

impl Step {
    pub(super) fn new(domain: Domain, published: Published) -> Self {
        Self { domain, published }
    }

    /// The record, if it is valid.
    pub(super) fn valid(&self) -> Option<&PublishedRecord> {
        match &self.published {
            Published::Valid(found) => Some(found),
            _ => None,
        }
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
    let name = Name::from_dotted(["_dmarc", domain.as_str()]).ok()?;
    Some(Question::new(name, RecordType::Txt))
}

/// What stands at a name; nothing without one.
pub(super) async fn ask<R: Resolver>(question: Option<&Question>, resolver: &R) -> Published {
    match question {
        Some(question) => Published::new(lookup(resolver, question).await),
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
        let mut domain = start.clone();
        let mut labels = start.label_count();
        let mut question = question(start);
        loop {
            let published = match known.and_then(|walk| walk.step(&domain)) {
                Some(step) => step.published.clone(),
                None => ask(question.as_ref(), resolver).await,
            };
            let is_end = match &published {
                Published::Invalid(found) | Published::Valid(found) => found.psd() != Psd::Unknown,
                // What did not come might have ended the walk: what stands above proves nothing.
                Published::Failed(_) => true,
                Published::None(_) | Published::Several(_) => false,
            };
            steps.push(Step::new(domain.clone(), published));
            let left = labels.saturating_sub(1).min(LABELS_BELOW_THE_START);
            if is_end || left == 0 {
                break;
            }
            let below = labels.saturating_sub(left);
            domain = domain.ancestor(below);
            match &mut question {
                Some(question) => question.name.remove_labels_behind_first(below),
                // The name was too long.
                None => question = self::question(&domain),
            }
            labels = left;
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
        let is_psd = |step: &&Step| step.valid().is_some_and(|found| found.psd() == Psd::Yes);
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
        let Some(found) = step.valid() else {
            continue;
        };
        match found.psd() {
            Psd::No => return step.domain.clone(),
            Psd::Yes if step.domain != *start => {
                return start.suffix(step.domain.label_count().saturating_add(1));
            }
            Psd::Yes | Psd::Unknown => fewest = Some(&step.domain),
        }
    }
    fewest.unwrap_or(start).clone()
}
