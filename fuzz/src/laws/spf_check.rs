//! The check of a sender, RFC 7208 section 4.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::{Mutex, PoisonError};

use bonafide::dns::{LookupError, Question, RecordType, Resolver, Zone};
use bonafide::spf::Verdict;
use bonafide::spf::{self, Limits, Options, Query, ReceivedSpf, SpfResult, Step, Verdicts};
use bonafide::{UnixTime, block_on};

use super::Reply;

/// Either a term matched or there is a cause, which has the result. The limits hold. An explanation is one
/// printable line, of a fail. Traces change nothing but themselves. A Received-SPF field reads back. A
/// question that fails makes no pass, unless names of the client were asked for, whose failure is no
/// error (section 5.5).
pub fn holds(input: &[u8]) {
    let case = Case::read(input);
    let Ok(zone) = Zone::parse(case.zone) else {
        return;
    };
    let resolver = Asked::new(&zone, None);
    let verdicts = case.verdicts(&case.options, &resolver);
    let asked = resolver.asked();
    let (helo, mail_from) = (&*verdicts.helo, &*verdicts.mail_from);
    check_verdict(helo, &case.options.limits);
    check_verdict(mail_from, &case.options.limits);
    let both = if case.mail_from.is_empty() { 0 } else { mail_from.questions };
    assert_eq!(asked.len(), helo.questions + both);

    let mut traced = case.options.clone();
    traced.trace = true;
    let traced = case.verdicts(&traced, &zone);
    check_trace(mail_from, &traced.mail_from);

    let field = ReceivedSpf::for_mail_from(&verdicts.mail_from, &case.query(), "mx.example");
    check_field(&field, &field.to_string());

    // Each question takes its time.
    for question in asked.iter().take(16) {
        let failed = case.verdicts(&case.options, &Asked::new(&zone, Some(question)));
        check_failed(mail_from, &asked, &failed.mail_from);
    }
}

/// A session, what the DNS says, and what may be spent.
pub struct Case<'a> {
    pub options: Options,
    ip: IpAddr,
    helo: &'a [u8],
    mail_from: &'a [u8],
    zone: &'a [u8],
}

impl<'a> Case<'a> {
    /// Three lines that end in LF: an address with letters behind it that set limits, HELO, and MAIL FROM.
    /// Then the zone.
    pub fn read(input: &'a [u8]) -> Self {
        let mut parts = input.splitn(4, |octet| *octet == b'\n');
        let mut next = || parts.next().unwrap_or_default();
        let (first, helo, mail_from, zone) = (next(), next(), next(), next());
        let mut words = first.split(|octet| *octet == b' ');
        let ip = words.next().and_then(|ip| str::from_utf8(ip).ok()?.parse().ok());
        let mut options = Options::default();
        let limits = &mut options.limits;
        for letter in words.flatten() {
            match letter {
                b'e' => limits.explanation_octets = 15,
                b'l' => limits.lookups = 1,
                b'm' => limits.mx = 1,
                b'p' => limits.ptr = 1,
                b'q' => limits.questions = 3,
                b'r' => limits.record_octets = 20,
                b'v' => limits.void_lookups = 0,
                _ => {}
            }
        }
        Self {
            options,
            ip: ip.unwrap_or(IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1))),
            helo,
            mail_from,
            zone,
        }
    }

    pub fn zone(&self) -> Zone {
        Zone::parse(self.zone).unwrap_or_default()
    }

    pub fn query(&self) -> Query<'a> {
        Query::new(self.ip, self.helo, self.mail_from)
    }

    pub fn verdicts(&self, options: &Options, resolver: &impl Resolver) -> Verdicts {
        block_on(spf::check_host(&self.query(), options, resolver, UnixTime(1_795_478_400)))
    }
}

/// A zone that remembers what it was asked, and fails for one question.
pub struct Asked<'z> {
    zone: &'z Zone,
    failing: Option<&'z Question>,
    asked: Mutex<Vec<Question>>,
}

impl<'z> Asked<'z> {
    pub fn new(zone: &'z Zone, failing: Option<&'z Question>) -> Self {
        Self { zone, failing, asked: Mutex::default() }
    }

    pub fn asked(&self) -> Vec<Question> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Resolver for Asked<'_> {
    async fn lookup(&self, question: &Question) -> Reply {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner).push(question.clone());
        if self.failing == Some(question) {
            return Err(LookupError::ServFail);
        }
        self.zone.lookup(question).await
    }
}

pub fn check_verdict(verdict: &Verdict, limits: &Limits) {
    match (&verdict.cause, &verdict.matched) {
        (Some(cause), None) => {
            assert_eq!(cause.result(), verdict.result);
            assert!(!cause.to_string().is_empty() && verdict.result != SpfResult::Pass);
        }
        (None, Some(matched)) => {
            assert!(!matched.term.is_empty() && verdict.domain.is_some());
            assert!(verdict.lookups <= limits.lookups && verdict.questions > 0);
            assert!(verdict.void_lookups <= limits.void_lookups);
        }
        both => panic!("a term and a cause, or neither: {both:?}"),
    }
    assert!(verdict.questions <= limits.questions);
    // The lookup that is over the limit ends it; `%{p}` makes two of one term.
    assert!(
        verdict.lookups <= limits.lookups + 2 && verdict.void_lookups <= limits.void_lookups + 1
    );
    if let Some(explanation) = &verdict.explanation {
        assert_eq!(verdict.result, SpfResult::Fail);
        let text = explanation.text();
        assert!(!text.is_empty() && text.len() <= limits.explanation_octets);
        assert!(explanation.to_string().bytes().all(|octet| (b' '..=b'~').contains(&octet)));
    }
}

pub fn check_trace(verdict: &Verdict, traced: &Verdict) {
    let mut without = traced.clone();
    let events = without.trace.take().expect("there is a trace");
    assert_eq!(verdict, &without);
    let last = events.iter().rev().find(|event| event.depth == 0).map(|event| &event.step);
    match &verdict.cause {
        Some(cause) => assert_eq!(last, Some(&Step::Stopped { cause: cause.clone() })),
        None => assert!(events.iter().any(|event| matches!(event.step, Step::Matched { .. }))),
    }
    assert!(events.iter().all(|event| !event.to_string().is_empty()));
}

pub fn check_field(field: &ReceivedSpf, written: &str) {
    let lines: Vec<_> = written.split("\r\n").collect();
    assert!(lines[1..].iter().all(|line| line.starts_with(' ') && line.len() <= 998));
    assert!(lines.concat().bytes().all(|octet| (b' '..=b'~').contains(&octet)));
    let value = written.strip_prefix("Received-SPF:").expect("the name of the field");
    assert_eq!(ReceivedSpf::parse(value.as_bytes()).as_ref(), Ok(field));
}

pub fn check_failed(verdict: &Verdict, asked: &[Question], failed: &Verdict) {
    let names = asked.iter().any(|question| question.record_type == RecordType::Ptr);
    let passed = failed.result == SpfResult::Pass && verdict.result != SpfResult::Pass;
    assert!(!passed || names, "{verdict} became {failed}");
}
