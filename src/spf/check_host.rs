//! The check_host() function, RFC 7208 section 4.

use std::ops::Range;

use super::evaluator::{Evaluator, Hit, Level, NoTarget};
use super::explanation::Explanation;
use super::identity::Identity;
use super::macros::{DomainSpec, MacroString};
use super::options::{Options, Query};
use super::record::{Record, is_record};
use super::term::{Directive, Mechanism, Modifier, Qualifier, Term};
use super::trace::Step;
use super::verdict::{Cause, HeloVerdict, MailFromVerdict, Match, SpfResult, Verdict, Verdicts};
use crate::dns::{Name, Outcome, Question, RecordData, RecordType, Resolver};
use crate::time::UnixTime;

/// Checks both identities of a session, HELO first
/// ([RFC 7208 section 2.3](https://www.rfc-editor.org/rfc/rfc7208#section-2.3)).
///
/// For the null path both are the same, and are checked once. Each identity has all limits of
/// [`Limits`](super::Limits) for itself. A limit on time is the caller's: a resolver that from some moment
/// on answers [`LookupError::Timeout`](crate::dns::LookupError::Timeout) ends a check with a temperror,
/// as [`Evaluation::expire`](crate::evaluation::Evaluation::expire) does
/// ([RFC 7208 section 4.6.4](https://www.rfc-editor.org/rfc/rfc7208#section-4.6.4)).
///
/// ```
/// use bonafide::spf::{self, Options, Query, SpfResult};
/// use bonafide::{UnixTime, dns::Zone};
///
/// let zone: Zone = r#"
///     example.com      TXT "v=spf1 include:_spf.example.com -all"
///     _spf.example.com TXT "v=spf1 ip4:192.0.2.0/24 -all"
/// "#.parse()?;
/// let query = Query::new([192, 0, 2, 1].into(), b"mail.example.com", b"user@example.com");
/// let (options, now) = (Options::default(), UnixTime(1_795_478_400));
/// let verdicts = bonafide::block_on(spf::check_host(&query, &options, &zone, now));
/// assert_eq!(verdicts.mail_from.result, SpfResult::Pass);
/// let matched = verdicts.mail_from.matched.as_ref().unwrap();
/// assert_eq!(matched.to_string(), "ip4:192.0.2.0/24 in the record of _spf.example.com");
/// assert_eq!(verdicts.helo.result, SpfResult::None);
/// # Ok::<(), bonafide::dns::ZoneError>(())
/// ```
pub async fn check_host<R: Resolver>(
    query: &Query<'_>,
    options: &Options,
    resolver: &R,
    now: UnixTime,
) -> Verdicts {
    let helo = check_helo(query, options, resolver, now).await;
    let mail_from = if query.mail_from.is_empty() {
        MailFromVerdict(helo.0.clone())
    } else {
        check_mail_from(query, options, resolver, now).await
    };
    Verdicts { helo, mail_from }
}

/// Checks HELO alone.
pub async fn check_helo<R: Resolver>(
    query: &Query<'_>,
    options: &Options,
    resolver: &R,
    now: UnixTime,
) -> HeloVerdict {
    HeloVerdict(check(&Identity::helo(query), query, options, resolver, now).await)
}

/// Checks MAIL FROM alone; for the null path that is `postmaster` at HELO
/// ([RFC 7208 section 2.4](https://www.rfc-editor.org/rfc/rfc7208#section-2.4)).
pub async fn check_mail_from<R: Resolver>(
    query: &Query<'_>,
    options: &Options,
    resolver: &R,
    now: UnixTime,
) -> MailFromVerdict {
    MailFromVerdict(check(&Identity::mail_from(query), query, options, resolver, now).await)
}

async fn check<R: Resolver>(
    identity: &Identity<'_>,
    query: &Query<'_>,
    options: &Options,
    resolver: &R,
    now: UnixTime,
) -> Verdict {
    let mut evaluator = Evaluator::new(identity, query, options, resolver, now);
    let decision = match &identity.domain {
        Ok(domain) => {
            // A domain is a name.
            let name = Name::parse(domain.as_str().as_bytes()).unwrap_or(Name::ROOT);
            evaluator.decide(name).await
        }
        Err(cause) => Err(cause.clone()),
    };
    let domain = match (&identity.domain, &decision) {
        (Ok(domain), _) | (_, Err(Cause::SingleLabel { domain })) => Some(domain.clone()),
        _ => None,
    };
    let (result, cause, matched, explanation) = match decision {
        Ok(decision) => {
            (decision.qualifier.result(), None, Some(decision.matched), decision.explanation)
        }
        Err(cause) => {
            evaluator.depth = 0;
            evaluator.note(|| Step::Stopped { cause: cause.clone() });
            (cause.result(), Some(cause), None, None)
        }
    };
    Verdict {
        result,
        cause,
        domain,
        matched,
        explanation,
        lookups: evaluator.lookups,
        void_lookups: evaluator.void_lookups,
        questions: evaluator.questions,
        authentic: evaluator.authentic(),
        lifetime: evaluator.lifetime(),
        trace: evaluator.trace,
    }
}

/// As many records as a domain may have with the usual limit on lookups.
const USUAL_LEVELS: usize = 11;

/// A term matched, and nothing is left to evaluate.
struct Decision {
    qualifier: Qualifier,
    matched: Match,
    explanation: Option<Explanation>,
}

/// How the evaluation of a record goes on.
enum Next<'l> {
    /// Into another record, of which only a pass matters.
    Include { term: Range<usize>, domain: DomainSpec<'l>, qualifier: Qualifier },
    /// A term matched.
    Match { term: Range<usize>, qualifier: Qualifier, prefix: Option<u8> },
    /// No term matched, and there is no other record.
    NoMatch,
    /// To another record instead.
    Redirect { domain: DomainSpec<'l> },
}

impl<R: Resolver> Evaluator<'_, R> {
    /// Evaluates the record of a domain, and those that it includes or is redirected to. All of
    /// them together are no more than there may be lookups, which bounds the stack.
    async fn decide(&mut self, domain: Name) -> Result<Decision, Cause> {
        // For whose record is asked, one domain after the other.
        let mut question = Question::new(domain, RecordType::Txt);
        // The record that is evaluated, above those that include it.
        let mut levels = Vec::with_capacity(USUAL_LEVELS);
        if let Some(outcome) = self.record(&question, false, &mut levels).await? {
            return Err(Cause::NoRecord { domain: Box::new(question.name), outcome });
        }
        while let Some(level) = levels.last_mut() {
            let result = match self.evaluate(level).await? {
                Next::Include { term, domain, qualifier } => {
                    self.count_lookup(Some(domain))?;
                    self.validate(domain.letters()).await?;
                    let target = self.target(Some(domain), level);
                    (level.next, level.qualifier) = (term.end, qualifier);
                    match target {
                        Ok(target) => question.name = target,
                        Err(NoTarget::LocalPart) => {
                            self.unmatched(|| NoTarget::LocalPart.to_string());
                            continue;
                        }
                        // RFC 7208 section 5.2: as if there were no record.
                        Err(NoTarget::Malformed) => {
                            return Err(Cause::TargetName { term: level.term(term.start) });
                        }
                    }
                    if let Some(outcome) = self.record(&question, true, &mut levels).await? {
                        let term = levels.last().map(|level| level.term(term.start));
                        return Err(without_record(term, question.name, outcome));
                    }
                    continue;
                }
                Next::Redirect { domain } => {
                    // RFC 7208 section 6.1.
                    self.count_lookup(Some(domain))?;
                    self.validate(domain.letters()).await?;
                    let Ok(target) = self.target(Some(domain), level) else {
                        return Err(Cause::TargetName { term: level.redirect() });
                    };
                    question.name = target;
                    if let Some(outcome) = self.record(&question, true, &mut levels).await? {
                        let term = levels.last().map(Level::redirect);
                        return Err(without_record(term, question.name, outcome));
                    }
                    levels.swap_remove(levels.len().saturating_sub(2));
                    continue;
                }
                Next::Match { term, prefix, qualifier } => {
                    level.qualifier = qualifier;
                    let (last, qualifier) = unwind(&levels);
                    if last == 0 {
                        let matched = matched(&levels, term.start, prefix);
                        let explanation = match (qualifier, levels.first()) {
                            // RFC 7208 section 6.2: never that of an included record. Seldom needed and
                            // large: in a box, it does not make every check large.
                            (Qualifier::Fail, Some(first)) => {
                                Box::pin(self.explanation(first)).await
                            }
                            _ => None,
                        };
                        return Ok(Decision { qualifier, matched, explanation });
                    }
                    levels.truncate(last.saturating_add(1));
                    qualifier.result()
                }
                Next::NoMatch => SpfResult::Neutral,
            };
            levels.pop();
            if let Some(level) = levels.last() {
                self.depth = level.depth.saturating_add(1);
                self.unmatched(|| format!("the included record gives {result}"));
            }
        }
        Err(Cause::NoMatch)
    }

    /// Puts the record of a domain on the stack (RFC 7208 sections 4.4 and 4.5), or tells what the DNS
    /// said instead.
    async fn record(
        &mut self,
        question: &Question,
        is_for_term: bool,
        levels: &mut Vec<Level>,
    ) -> Result<Option<Outcome>, Cause> {
        let domain = &question.name;
        self.note(|| Step::Domain { domain: Box::new(domain.clone()) });
        self.depth = self.depth.saturating_add(1);
        let answer = self.ask(question).await?;
        if is_for_term {
            self.count_void(answer.outcome != Outcome::Found)?;
        }
        let mut records = answer.records.iter().enumerate().filter_map(|(at, data)| match data {
            RecordData::Txt(text) if is_record(text.as_bytes()) => Some((at, text.as_bytes())),
            _ => None,
        });
        let Some((chosen, text)) = records.next() else {
            return Ok(Some(answer.outcome));
        };
        let others = records.count();
        if others > 0 {
            let found = others.saturating_add(1);
            return Err(Cause::SeveralRecords { domain: Box::new(domain.clone()), found });
        }
        let limit = self.options.limits.record_octets;
        if text.len() > limit {
            let (domain, found) = (Box::new(domain.clone()), text.len());
            return Err(Cause::RecordTooLong { domain, found, limit });
        }
        // Where terms begin that need more than a comparison; a trace shows the others too.
        let mut first = None;
        let record = Record::read(text, |directive, at| {
            if first.is_none() && (self.trace.is_some() || !self.is_outside(&directive.mechanism)) {
                first = Some(at);
            }
        });
        let record =
            record.map_err(|error| Cause::Record { domain: Box::new(domain.clone()), error })?;
        self.note(|| Step::Record { text: record.to_string() });
        levels.push(Level {
            domain: domain.clone(),
            outline: record.outline(),
            next: first.unwrap_or(text.len()),
            qualifier: Qualifier::Pass,
            depth: self.depth,
            chosen,
            answer,
        });
        Ok(None)
    }

    /// Evaluates the terms of a record from where it was left (RFC 7208 sections 4.6 and 4.7).
    async fn evaluate<'l>(&mut self, level: &'l Level) -> Result<Next<'l>, Cause> {
        let record = level.record();
        for (term, place) in record.terms_from(level.next) {
            let Term::Directive(directive) = term else {
                continue;
            };
            self.depth = level.depth;
            self.note(|| Step::Term { term: directive.to_string() });
            self.depth = level.depth.saturating_add(1);
            let Directive { qualifier, mechanism } = directive;
            let hit = match mechanism {
                Mechanism::All => Some(Hit { prefix: Some(0) }),
                Mechanism::Ip4(network) => self.ip4(network),
                Mechanism::Ip6(network) => self.ip6(network),
                Mechanism::Include(domain) => {
                    return Ok(Next::Include { term: place, domain, qualifier });
                }
                _ => self.matches(&mechanism, level).await?,
            };
            if let Some(Hit { prefix }) = hit {
                self.note(|| Step::Matched { qualifier, prefix });
                return Ok(Next::Match { term: place, qualifier, prefix });
            }
        }
        let Some(domain) = record.redirect() else {
            return Ok(Next::NoMatch);
        };
        self.depth = level.depth;
        self.note(|| Step::Term { term: level.redirect() });
        self.depth = level.depth.saturating_add(1);
        Ok(Next::Redirect { domain })
    }

    /// What the domain says about a fail; whatever goes wrong, there is none (RFC 7208 section 6.2).
    async fn explanation(&mut self, level: &Level) -> Option<Explanation> {
        let domain = level.record().explanation()?;
        self.depth = level.depth;
        self.note(|| Step::Term { term: Modifier::Explanation(domain).to_string() });
        self.depth = level.depth.saturating_add(1);
        let explained = self.explain(domain, level).await;
        if explained.is_none() {
            self.note(|| Step::Omitted { why: "the explanation cannot be had".to_owned() });
        }
        explained
    }

    async fn explain(&mut self, domain: DomainSpec<'_>, level: &Level) -> Option<Explanation> {
        self.validate(domain.letters()).await.ok()?;
        let question = Question::new(self.target(Some(domain), level).ok()?, RecordType::Txt);
        let answer = self.ask(&question).await.ok()?;
        let mut texts = answer.texts();
        let (Some(text), None) = (texts.next(), texts.next()) else {
            return None;
        };
        let text = MacroString::parse_explanation(text.as_bytes()).ok()?;
        let expanded = self.expand_explanation(text, &level.domain).await.ok()?;
        let limit = self.options.limits.explanation_octets;
        let explanation = Explanation::new(level.domain.clone(), &expanded, limit);
        (!explanation.text().is_empty()).then_some(explanation)
    }
}

/// RFC 7208 section 5.2: an `include` matches if what it includes passes, and means what its own
/// qualifier says. Up to which record a match in the last one counts, and what it means there.
fn unwind(levels: &[Level]) -> (usize, Qualifier) {
    let mut last = levels.len();
    let mut qualifier = Qualifier::Pass;
    for level in levels.iter().rev() {
        if qualifier != Qualifier::Pass {
            break;
        }
        qualifier = level.qualifier;
        last = last.saturating_sub(1);
    }
    (last, qualifier)
}

/// The term of the last record that begins at an offset.
fn matched(levels: &[Level], offset: usize, prefix: Option<u8>) -> Match {
    let mut domains = levels.iter().map(|level| level.domain.clone());
    let record = domains.next_back().unwrap_or(Name::ROOT);
    let term = levels.last().map(|level| level.term(offset)).unwrap_or_default();
    Match { term, prefix, record, included_by: domains.collect() }
}

fn without_record(term: Option<String>, domain: Name, outcome: Outcome) -> Cause {
    let term = term.unwrap_or_default();
    Cause::TargetWithoutRecord { term, domain: Box::new(domain), outcome }
}
