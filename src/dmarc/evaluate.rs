//! Pass or fail, and what is asked for the message: RFC 9989 section 5.3.

use super::align::{Agreement, Alignment, IdentifierResult, Mechanism, asked};
use super::discover::{Discovery, Lookups};
use super::published::PublishedRecord;
use super::record::Record;
use super::trace::Event;
use super::values::AlignmentMode;
use super::verdict::{Cause, DiscoveryMethod, DmarcResult, Verdict};
use super::walk::{Published, Step, Walk};
use crate::dkim;
use crate::dns::{Name, Question, RecordType};
use crate::domain::Domain;
use crate::message::AuthorDomain;

/// What SPF and DKIM found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "RFC 9989 section 4.3 has two mechanisms")]
pub struct Identifiers {
    /// The domain of MAIL FROM, or of HELO for a null sender; `None` if SPF was not evaluated or the
    /// envelope has no domain.
    pub spf: Option<SpfIdentifier>,
    /// One for each signature.
    pub dkim: Vec<DkimIdentifier>,
}

/// The domain that SPF was evaluated for. A separate check of HELO makes none
/// ([RFC 9989 section 4.4.2](https://www.rfc-editor.org/rfc/rfc9989#section-4.4.2)).
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "made by callers")]
pub struct SpfIdentifier {
    /// The domain.
    pub domain: Domain,
    /// What became of it.
    pub result: IdentifierResult,
}

/// The d= of a signature.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "made by callers")]
pub struct DkimIdentifier {
    /// The domain.
    pub domain: Domain,
    /// What became of the signature.
    pub result: IdentifierResult,
    /// Whether the key record has t=y.
    pub testing: bool,
}

impl DkimIdentifier {
    /// The identifier of a signature; `None` if its d= could not be read.
    pub fn of(verdict: &dkim::Verdict) -> Option<Self> {
        let result = match verdict.result {
            dkim::DkimResult::Pass => IdentifierResult::Pass,
            dkim::DkimResult::TempError => IdentifierResult::TempError,
            _ => IdentifierResult::NoPass,
        };
        Some(Self { domain: verdict.domain.clone()?, result, testing: verdict.testing })
    }
}

impl Lookups {
    /// The verdict on the message. Nothing is asked, and the same identifiers always give the same.
    pub fn evaluate(&self, identifiers: &Identifiers) -> Verdict {
        let method = match &self.options.discovery {
            Discovery::TreeWalk => DiscoveryMethod::TreeWalk,
            #[cfg(feature = "psl")]
            Discovery::PublicSuffixList(_) => DiscoveryMethod::Psl,
        };
        let mut verdict = Verdict::new(method, self.options.trace);
        let (author, walk) = match (&self.author, &self.walk) {
            (Ok(author), Some(walk)) => (author, walk),
            (Err(error), _) => return verdict.stop(error.clone().into()),
            (Ok(author), None) => {
                let domain = author.as_domain().clone();
                return verdict.stop(Cause::NotLookedUp { domain });
            }
        };
        verdict.author_domain = Some(author.clone());
        note_walk(walk, &mut verdict);
        if let Some(outcome) = &self.existence {
            verdict.note(|| Event::Existence { outcome: outcome.clone() });
        }
        let failure = walk.failure().map(|(step, error)| Cause::Lookup {
            question: asked(&step.domain),
            error: error.clone(),
        });
        if failure.is_none() {
            verdict.organizational_domain = Some(walk.organizational.clone());
        }
        let Some((step, found)) = walk.policy().and_then(|step| Some((step, step.valid()?))) else {
            return verdict.stop(failure.unwrap_or_else(|| why_none(author, walk)));
        };
        let record = found.record();
        adopt(step, found, &record, &mut verdict);
        // A record at the author domain applies whatever stands above; any other may be overruled by
        // what a failed lookup did not show.
        let is_own = step.domain == *author.as_domain();
        let doubt = failure.filter(|_| !is_own).or_else(|| self.doubt_of_existence(author));
        if doubt.is_none() {
            let (policy, tag) = match &self.existence {
                _ if is_own => record.policy_of_domain(),
                Some(Ok(false)) => record.policy_of_subdomain(false),
                _ => record.policy_of_subdomain(true),
            };
            (verdict.policy, verdict.policy_tag) = (Some(policy), Some(tag));
            let testing = record.testing;
            verdict.note(|| Event::Policy { policy, tag, testing });
        }
        self.identifiers.iter().for_each(|walk| note_walk(walk, &mut verdict));
        self.align(identifiers, author.as_domain(), walk, &record, &mut verdict);
        let decision = decide(author, identifiers, &verdict.alignments, doubt);
        for alignment in verdict.alignments.iter().filter(|alignment| alignment.is_aligned_pass()) {
            match alignment.mechanism {
                Mechanism::Dkim => verdict.dkim_aligned = true,
                Mechanism::Spf => verdict.spf_aligned = true,
            }
        }
        match decision {
            Some(cause) => verdict.stop(cause),
            None => {
                verdict.result = DmarcResult::Pass;
                verdict.disposition = Some(super::Policy::None);
                verdict
            }
        }
    }

    fn doubt_of_existence(&self, author: &AuthorDomain) -> Option<Cause> {
        let error = self.existence.as_ref()?.as_ref().err()?.clone();
        let name = Name::parse(author.as_str().as_bytes()).unwrap_or(Name::ROOT);
        let question = Box::new(Question::new(name, RecordType::Txt));
        Some(Cause::Lookup { question, error })
    }

    /// Puts each identifier beside the author domain.
    fn align(
        &self,
        identifiers: &Identifiers,
        author: &Domain,
        walk: &Walk,
        record: &Record<'_>,
        verdict: &mut Verdict,
    ) {
        verdict.alignments.reserve(identifiers.dkim.len().saturating_add(1));
        let mut align = |mechanism, domain: &Domain, mode: AlignmentMode, result, testing| {
            let agreement = self.agreement(domain, author, walk, mode);
            let domain = domain.clone();
            let alignment = Alignment { mechanism, domain, mode, agreement, result, testing };
            verdict.note(|| Event::Alignment(alignment.clone()));
            verdict.alignments.push(alignment);
        };
        if let Some(SpfIdentifier { domain, result }) = &identifiers.spf {
            align(Mechanism::Spf, domain, record.spf_alignment, *result, false);
        }
        for DkimIdentifier { domain, result, testing } in &identifiers.dkim {
            // RFC 6376 section 3.6.1: as if the signature were not there.
            let ignored =
                *testing && *result == IdentifierResult::Pass && !self.options.testing_keys_count;
            let result = if ignored { IdentifierResult::NoPass } else { *result };
            align(Mechanism::Dkim, domain, record.dkim_alignment, result, ignored);
        }
    }
}

/// Why a message does not pass; `None` if it does.
fn decide(
    author: &AuthorDomain,
    identifiers: &Identifiers,
    alignments: &[Alignment],
    doubt: Option<Cause>,
) -> Option<Cause> {
    if alignments.iter().any(Alignment::is_aligned_pass) {
        return None;
    }
    // RFC 9989 section 5.3.6: what might still have made it pass makes it neither pass nor fail.
    for Alignment { mechanism, domain, result, agreement, .. } in alignments {
        match (result, agreement) {
            (IdentifierResult::Pass, Agreement::Unknown { question, error }) => {
                let (question, error) = (question.clone(), error.clone());
                return Some(Cause::Lookup { question, error });
            }
            (
                IdentifierResult::TempError,
                Agreement::Equal | Agreement::SameOrganization | Agreement::Unknown { .. },
            ) => {
                return Some(Cause::Identifier { mechanism: *mechanism, domain: domain.clone() });
            }
            _ => {}
        }
    }
    let is_open = |alignment: &&Alignment| {
        alignment.passed() && alignment.agreement == Agreement::NotLookedUp
    };
    if let Some(alignment) = alignments.iter().find(is_open) {
        return Some(Cause::NotLookedUp { domain: alignment.domain.clone() });
    }
    doubt.or_else(|| {
        Some(Cause::NotAligned {
            author: author.clone(),
            passed: alignments.iter().filter(|alignment| alignment.passed()).count(),
            spf_evaluated: identifiers.spf.is_some(),
        })
    })
}

/// Takes over the record that applies.
fn adopt(step: &Step, found: &PublishedRecord, record: &Record<'_>, verdict: &mut Verdict) {
    verdict.record = Some(found.clone());
    verdict.record_domain = Some(step.domain.clone());
    verdict.authentic = found.is_authentic();
    verdict.testing = record.testing;
    verdict.note(|| Event::Record { domain: step.domain.clone(), record: record.to_string() });
}

/// Why no record applies.
fn why_none(author: &AuthorDomain, walk: &Walk) -> Cause {
    let unfit = walk.steps.iter().find_map(|step| {
        let domain = step.domain.clone();
        match &step.published {
            Published::Invalid(found) | Published::Valid(found) => {
                let record = found.record().to_string();
                Some(Cause::InvalidRecord { domain, record })
            }
            Published::Several(count) => Some(Cause::SeveralRecords { domain, count: *count }),
            Published::Failed(_) | Published::None(_) => None,
        }
    });
    unfit.unwrap_or_else(|| Cause::NoRecord { author: author.clone() })
}

fn note_walk(walk: &Walk, verdict: &mut Verdict) {
    if verdict.trace.is_some() {
        for step in &walk.steps {
            let found = step.published.summary();
            verdict.note(|| Event::Lookup { question: asked(&step.domain), found });
        }
        if walk.failure().is_none() {
            let (domain, organizational) = (walk.start.clone(), walk.organizational.clone());
            verdict.note(|| Event::OrganizationalDomain { domain, organizational });
        }
    }
}
