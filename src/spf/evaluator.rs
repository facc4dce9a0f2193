//! What a term needs: names, questions, and whether the answers match; RFC 7208 section 5.

use std::net::IpAddr;

use super::expansion::MacroValues;
use super::identity::Identity;
use super::macros::{DomainSpec, Letters, MacroString, start_of_name};
use super::names::{self, dotted, is_equal_or_below, reverse};
use super::network::{DualPrefix, Ip4Network, Ip6Network};
use super::options::{Options, Query};
use super::record::{Outline, Record};
use super::term::{Mechanism, Modifier, Qualifier};
use super::trace::{Event, Step};
use super::verdict::Cause;
use crate::dns::{
    Answer, Name, Outcome, Question, RecordData, RecordType, Reply, Resolver, join_all,
};
use crate::time::UnixTime;

/// The check of one identity: what it asks, and what it has spent.
pub(super) struct Evaluator<'e, R> {
    resolver: &'e R,
    pub(super) options: &'e Options,
    identity: &'e Identity<'e>,
    helo: &'e [u8],
    ip: IpAddr,
    now: UnixTime,
    pub(super) lookups: usize,
    pub(super) void_lookups: usize,
    pub(super) questions: usize,
    /// Every answer so far was authentic.
    authentic: bool,
    /// The least time to live of all answers so far.
    ttl: u32,
    /// The macros that were expanded.
    letters: Letters,
    /// The validated names of the client, once they are known.
    validated: Option<Validated>,
    pub(super) trace: Option<Vec<Event>>,
    /// Where in the tree of records the next event stands.
    pub(super) depth: usize,
}

/// A record under evaluation. It keeps the answer that holds the record, and its place in it.
pub(super) struct Level {
    pub(super) domain: Name,
    pub(super) answer: Answer,
    /// Which of the records in the answer it is.
    pub(super) chosen: usize,
    pub(super) outline: Outline,
    /// Where the next term may begin.
    pub(super) next: usize,
    /// What a match of the term means whose turn it was.
    pub(super) qualifier: Qualifier,
    pub(super) depth: usize,
}

/// A mechanism matched.
pub(super) struct Hit {
    /// The length of the prefix that was compared.
    pub(super) prefix: Option<u8>,
}

/// Why a domain spec gives no name.
pub(super) enum NoTarget {
    /// The local-part is not ASCII, and a macro would expand to it (RFC 8616 section 4).
    LocalPart,
    /// The DNS holds no such name.
    Malformed,
}

#[derive(Clone, Default)]
struct Validated {
    names: Vec<Name>,
    /// The question for the names had no answer.
    is_void: bool,
}

impl Level {
    pub(super) fn record(&self) -> Record<'_> {
        let text = match self.answer.records.get(self.chosen) {
            Some(RecordData::Txt(text)) => text.as_bytes(),
            _ => b"",
        };
        Record::resume(text, self.outline)
    }

    /// The term that begins at an offset.
    pub(super) fn term(&self, offset: usize) -> String {
        let term = self.record().terms_from(offset).next();
        term.map(|(term, _)| term.to_string()).unwrap_or_default()
    }

    /// The `redirect` of the record.
    pub(super) fn redirect(&self) -> String {
        let domain = self.record().redirect();
        domain.map(|domain| Modifier::Redirect(domain).to_string()).unwrap_or_default()
    }
}

impl<'e, R: Resolver> Evaluator<'e, R> {
    pub(super) fn new(
        identity: &'e Identity<'e>,
        query: &Query<'e>,
        options: &'e Options,
        resolver: &'e R,
        now: UnixTime,
    ) -> Self {
        Self {
            resolver,
            options,
            identity,
            helo: query.helo,
            ip: query.ip.to_canonical(),
            now,
            lookups: 0,
            void_lookups: 0,
            questions: 0,
            authentic: true,
            ttl: u32::MAX,
            letters: Letters::NONE,
            validated: None,
            trace: options.trace.then(Vec::new),
            depth: 0,
        }
    }

    /// Records a step, if steps are recorded.
    pub(super) fn note(&mut self, step: impl FnOnce() -> Step) {
        if let Some(trace) = &mut self.trace {
            trace.push(Event { depth: self.depth, step: step() });
        }
    }

    pub(super) fn unmatched(&mut self, why: impl FnOnce() -> String) -> Option<Hit> {
        self.note(|| Step::Unmatched { why: why() });
        None
    }

    /// Whether there were answers and every one was authentic.
    pub(super) fn authentic(&self) -> bool {
        self.authentic && self.questions > 0
    }

    /// For how long the outcome may be kept for the same client and domain (RFC 7208 section 7.3).
    pub(super) fn lifetime(&self) -> Option<u32> {
        let is_personal = self.letters.intersects(Letters::of(b"slooht"));
        (self.questions > 0 && self.ttl > 0 && !is_personal).then_some(self.ttl)
    }

    /// RFC 7208 section 4.6.4: a term that asks the DNS; one with `%{p}` asks for that too.
    pub(super) fn count_lookup(&mut self, domain: Option<DomainSpec<'_>>) -> Result<(), Cause> {
        let names = domain.is_some_and(|domain| domain.letters().intersects(Letters::of(b"p")));
        self.lookups = self.lookups.saturating_add(if names { 2 } else { 1 });
        let limit = self.options.limits.lookups;
        if self.lookups > limit { Err(Cause::LookupLimit { limit }) } else { Ok(()) }
    }

    /// RFC 7208 section 4.6.4: the question of a term itself counts if it has no answer.
    pub(super) fn count_void(&mut self, is_void: bool) -> Result<(), Cause> {
        if is_void {
            self.void_lookups = self.void_lookups.saturating_add(1);
        }
        let limit = self.options.limits.void_lookups;
        if self.void_lookups > limit { Err(Cause::VoidLookupLimit { limit }) } else { Ok(()) }
    }

    pub(super) async fn ask(&mut self, question: &Question) -> Result<Answer, Cause> {
        let limit = self.options.limits.questions;
        if self.questions >= limit {
            return Err(Cause::QuestionLimit { limit });
        }
        self.questions = self.questions.saturating_add(1);
        let reply = lookup(self.resolver, question).await;
        self.take(question, reply)
    }

    fn take(&mut self, question: &Question, reply: Reply) -> Result<Answer, Cause> {
        self.note(|| Step::Lookup { question: Box::new(question.clone()), reply: reply.clone() });
        match reply {
            Ok(answer) => {
                self.authentic &= answer.authentic;
                self.ttl = self.ttl.min(answer.ttl);
                Ok(answer)
            }
            Err(error) => {
                self.authentic = false;
                self.ttl = 0;
                Err(Cause::Lookup { question: Box::new(question.clone()), error })
            }
        }
    }

    /// Asks for the addresses of several hosts at once, as far as the limit on questions allows. The
    /// replies come in the order of the hosts; none was taken into account yet.
    async fn addresses(&mut self, hosts: impl Iterator<Item = Name>) -> Vec<(Question, Reply)> {
        let left = self.options.limits.questions.saturating_sub(self.questions);
        let record_type = self.address_type();
        let resolver = self.resolver;
        let lookups = hosts.take(left).map(|host| async move {
            let question = Question::new(host, record_type);
            let reply = lookup(resolver, &question).await;
            (question, reply)
        });
        let replies = join_all(lookups.collect::<Vec<_>>()).await;
        self.questions = self.questions.saturating_add(replies.len());
        replies
    }

    fn address_type(&self) -> RecordType {
        match self.ip {
            IpAddr::V4(_) => RecordType::A,
            IpAddr::V6(_) => RecordType::Aaaa,
        }
    }

    /// Whether the client has, or is near, one of the addresses in an answer.
    fn is_among(&self, answer: &Answer, prefix: DualPrefix) -> bool {
        answer.records.iter().any(|record| match record {
            RecordData::A(address) => prefix.equal(self.ip, (*address).into()),
            RecordData::Aaaa(address) => prefix.equal(self.ip, (*address).into()),
            _ => false,
        })
    }

    /// The name that a term is about: the domain itself, or what the domain spec expands to (RFC 7208
    /// section 4.8). What `%{p}` stands for must be known by then.
    pub(super) fn target(
        &mut self,
        domain: Option<DomainSpec<'_>>,
        level: &Level,
    ) -> Result<Name, NoTarget> {
        let Some(spec) = domain else {
            return Ok(level.domain.clone());
        };
        if let Some(literal) = spec.literal() {
            let start = start_of_name(literal).ok_or(NoTarget::Malformed)?;
            let literal = literal.get(start..).unwrap_or_default();
            return names::parse(literal).ok_or(NoTarget::Malformed);
        }
        self.letters = self.letters.and(spec.letters());
        if !self.identity.local_part.is_ascii() && spec.letters().intersects(Letters::of(b"sl")) {
            return Err(NoTarget::LocalPart);
        }
        let domain = dotted(&level.domain);
        let validated = self.validated_name(&level.domain);
        let expanded = spec.expand(&self.macro_values(&domain, &validated));
        expanded.and_then(|expanded| names::parse(&expanded)).ok_or(NoTarget::Malformed)
    }

    fn macro_values<'v>(&'v self, domain: &'v [u8], validated: &'v [u8]) -> MacroValues<'v> {
        let receiver = self.options.receiver.as_deref().unwrap_or("unknown");
        MacroValues {
            domain,
            validated_name: validated,
            helo: self.helo,
            receiver: receiver.as_bytes(),
            now: self.now,
            ..MacroValues::new(self.identity.local_part, &self.identity.sender_domain, self.ip)
        }
    }

    /// Expands the text of an explanation.
    pub(super) async fn expand_explanation(
        &mut self,
        text: MacroString<'_>,
        domain: &Name,
    ) -> Result<Vec<u8>, Cause> {
        self.letters = self.letters.and(text.letters());
        self.validate(text.letters()).await?;
        let validated = self.validated_name(domain);
        let dotted = dotted(domain);
        let limit = self.options.limits.explanation_octets;
        Ok(text.expand(&self.macro_values(&dotted, &validated), limit))
    }

    /// Whether a mechanism is a network that the client is not in.
    pub(super) fn is_outside(&self, mechanism: &Mechanism<'_>) -> bool {
        match (mechanism, self.ip) {
            (Mechanism::Ip4(network), IpAddr::V4(ip)) => !network.contains(ip),
            (Mechanism::Ip6(network), IpAddr::V6(ip)) => !network.contains(ip),
            (Mechanism::Ip4(_) | Mechanism::Ip6(_), _) => true,
            _ => false,
        }
    }

    /// RFC 7208 section 5.6.
    pub(super) fn ip4(&mut self, network: Ip4Network) -> Option<Hit> {
        match self.ip {
            IpAddr::V4(ip) if network.contains(ip) => Some(Hit { prefix: Some(network.prefix()) }),
            ip => self.unmatched(|| format!("{ip} is not in the network")),
        }
    }

    /// RFC 7208 section 5.6.
    pub(super) fn ip6(&mut self, network: Ip6Network) -> Option<Hit> {
        match self.ip {
            IpAddr::V6(ip) if network.contains(ip) => Some(Hit { prefix: Some(network.prefix()) }),
            ip => self.unmatched(|| format!("{ip} is not in the network")),
        }
    }

    /// Whether a mechanism matches that asks for addresses; RFC 7208 sections 5.3 to 5.5
    /// and 5.7.
    pub(super) async fn matches(
        &mut self,
        mechanism: &Mechanism<'_>,
        level: &Level,
    ) -> Result<Option<Hit>, Cause> {
        let domain = match *mechanism {
            Mechanism::A { domain, .. } | Mechanism::Mx { domain, .. } => domain,
            Mechanism::Ptr(domain) => domain,
            Mechanism::Exists(domain) => Some(domain),
            // These ask for no addresses.
            Mechanism::All | Mechanism::Include(_) | Mechanism::Ip4(_) | Mechanism::Ip6(_) => {
                return Ok(None);
            }
        };
        self.count_lookup(domain)?;
        let letters = domain.map_or(Letters::NONE, |domain| domain.letters());
        self.validate(letters).await?;
        let target = match self.target(domain, level) {
            Ok(target) => target,
            Err(why) => return Ok(self.unmatched(|| why.to_string())),
        };
        match mechanism {
            Mechanism::A { prefix, .. } => self.a(target, *prefix).await,
            Mechanism::Mx { prefix, .. } => self.mx(target, *prefix).await,
            Mechanism::Exists(_) => self.exists(target).await,
            _ => self.ptr(target).await,
        }
    }

    /// RFC 7208 section 5.3.
    async fn a(&mut self, target: Name, prefix: DualPrefix) -> Result<Option<Hit>, Cause> {
        let question = Question::new(target, self.address_type());
        let answer = self.ask(&question).await?;
        self.count_void(answer.outcome != Outcome::Found)?;
        if self.is_among(&answer, prefix) {
            return Ok(Some(Hit { prefix: Some(prefix.of(self.ip)) }));
        }
        Ok(self.unmatched(|| format!("the client has no address of {}", question.name)))
    }

    /// RFC 7208 section 5.4.
    async fn mx(&mut self, target: Name, prefix: DualPrefix) -> Result<Option<Hit>, Cause> {
        let question = Question::new(target, RecordType::Mx);
        let answer = self.ask(&question).await?;
        self.count_void(answer.outcome != Outcome::Found)?;
        let limit = self.options.limits.mx;
        let found = answer.records.len();
        if found > limit {
            return Err(Cause::MxLimit { domain: Box::new(question.name), found, limit });
        }
        // RFC 7505 section 3: a null MX names no host.
        let hosts = || {
            answer.records.iter().filter_map(|record| match record {
                RecordData::Mx { exchange, .. } => (!exchange.is_root()).then(|| exchange.clone()),
                _ => None,
            })
        };
        let replies = self.addresses(hosts()).await;
        let is_cut = replies.len() < hosts().count();
        // In this order, and no further than the match: as if they were asked one after the other.
        for (question, reply) in replies {
            let answer = self.take(&question, reply)?;
            if self.is_among(&answer, prefix) {
                return Ok(Some(Hit { prefix: Some(prefix.of(self.ip)) }));
            }
        }
        if is_cut {
            return Err(Cause::QuestionLimit { limit: self.options.limits.questions });
        }
        Ok(self.unmatched(|| format!("none of {found} mail exchangers has the client's address")))
    }

    /// RFC 7208 section 5.5.
    async fn ptr(&mut self, target: Name) -> Result<Option<Hit>, Cause> {
        let validated = Box::pin(self.validated()).await?;
        self.count_void(validated.is_void)?;
        if validated.names.iter().any(|name| is_equal_or_below(name, &target)) {
            return Ok(Some(Hit { prefix: None }));
        }
        let count = validated.names.len();
        Ok(self.unmatched(|| format!("none of {count} validated names is in {target}")))
    }

    /// RFC 7208 section 5.7: always by IPv4, whatever the client has.
    async fn exists(&mut self, target: Name) -> Result<Option<Hit>, Cause> {
        let question = Question::new(target, RecordType::A);
        let answer = self.ask(&question).await?;
        self.count_void(answer.outcome != Outcome::Found)?;
        if answer.outcome == Outcome::Found {
            return Ok(Some(Hit { prefix: None }));
        }
        Ok(self.unmatched(|| format!("{} has no IPv4 address", question.name)))
    }

    /// The names of the client whose addresses are the client's, in the order of the DNS. A failed
    /// lookup gives no name; it is no error (RFC 7208 section 5.5).
    async fn validated(&mut self) -> Result<Validated, Cause> {
        if let Some(validated) = &self.validated {
            return Ok(validated.clone());
        }
        let mut found = Validated::default();
        match self.ask(&Question::new(reverse(self.ip), RecordType::Ptr)).await {
            Err(Cause::Lookup { .. }) => {}
            Err(cause) => return Err(cause),
            Ok(answer) => {
                found.is_void = answer.outcome != Outcome::Found;
                let names = answer.records.iter().filter_map(|record| match record {
                    RecordData::Ptr(name) => Some(name.clone()),
                    _ => None,
                });
                let limit = self.options.limits.ptr;
                let count = names.clone().count();
                if count > limit {
                    let why = || format!("all but the first {limit} of {count} names");
                    self.note(|| Step::Omitted { why: why() });
                }
                let replies = self.addresses(names.take(limit)).await;
                if replies.len() < count.min(limit) {
                    return Err(Cause::QuestionLimit { limit: self.options.limits.questions });
                }
                for (question, reply) in replies {
                    let answer = self.take(&question, reply);
                    if answer.is_ok_and(|answer| self.is_among(&answer, DualPrefix::WHOLE)) {
                        found.names.push(question.name);
                    }
                }
            }
        }
        self.validated = Some(found.clone());
        Ok(found)
    }

    /// Finds out what `%{p}` stands for, if a text has it.
    pub(super) async fn validate(&mut self, letters: Letters) -> Result<(), Cause> {
        if letters.intersects(Letters::of(b"p")) {
            // Seldom needed and large: in a box, it does not make every check large.
            Box::pin(self.validated()).await?;
        }
        Ok(())
    }

    /// What `%{p}` expands to (RFC 7208 section 7.3).
    fn validated_name(&self, domain: &Name) -> Vec<u8> {
        let names = self.validated.as_ref().map(|validated| &*validated.names).unwrap_or_default();
        let best = names
            .iter()
            .find(|name| *name == domain)
            .or_else(|| names.iter().find(|name| is_equal_or_below(name, domain)))
            .or_else(|| names.first());
        best.map_or_else(|| b"unknown".to_vec(), dotted)
    }
}

impl std::fmt::Display for NoTarget {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::LocalPart => "the local-part is not ASCII, and the term would expand to it",
            Self::Malformed => "the term gives no name that the DNS could hold",
        })
    }
}

#[cfg(not(feature = "tracing"))]
async fn lookup<R: Resolver>(resolver: &R, question: &Question) -> Reply {
    resolver.lookup(question).await
}

#[cfg(feature = "tracing")]
async fn lookup<R: Resolver>(resolver: &R, question: &Question) -> Reply {
    use tracing::Instrument as _;

    let span = tracing::debug_span!("spf_term", question = %question);
    resolver.lookup(question).instrument(span).await
}
