//! SPF records, RFC 7208 sections 4.5 and 4.6.

use std::fmt;
use std::ops::Range;

use super::macros::DomainSpec;
use super::record_error::{RecordError, RecordErrorKind};
use super::term::{Directive, Fault, Mechanism, Modifier, Term};
use crate::octets::{Octet, Positions};
use crate::tag_list;

const VERSION: &[u8] = b"v=spf1";

/// An SPF record, [RFC 7208 section 4.5](https://www.rfc-editor.org/rfc/rfc7208#section-4.5), of which
/// every term is known to be well-formed.
///
/// Nothing is copied and nothing is allocated: the terms are read again from the text whenever
/// they are iterated.
///
/// ```
/// use bonafide::spf::{Mechanism, Record, Term};
///
/// let record = Record::parse(b"v=spf1 ip4:192.0.2.0/24 include:_spf.example.com -all")?;
/// assert_eq!(record.terms().count(), 3);
/// assert!(record.terms().any(|term| matches!(term, Term::Directive(d) if d.mechanism == Mechanism::All)));
/// assert_eq!(Record::parse(record.to_string().as_bytes())?, record);
///
/// let error = Record::parse(b"v=spf1 ip4:192.0.2.0/33 -all").unwrap_err();
/// assert_eq!(error.offset, 21);
/// # Ok::<(), bonafide::spf::RecordError>(())
/// ```
#[derive(Clone, Copy)]
pub struct Record<'a> {
    text: &'a [u8],
    outline: Outline,
}

/// What is known of a record beside its text, so that whoever keeps the text can go on with it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Outline {
    /// Where `redirect` begins.
    redirect: Option<usize>,
    /// Where `exp` begins.
    explanation: Option<usize>,
    has_all: bool,
}

/// What a domain wants to hear of failures,
/// [RFC 6652 section 3](https://www.rfc-editor.org/rfc/rfc6652#section-3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ReportRequest<'a> {
    /// `ra`: the local-part, at the domain of the record, that reports go to.
    pub local_part: &'a str,
    /// `rp`: how many of a hundred failures are to be reported; 100 if absent.
    pub percent: u8,
    /// `rr`: which results are to be reported, separated by colons: `all`, `e` (permerror or
    /// temperror), `f` (fail), `s` (softfail), `n` (neutral or none); `all` if absent.
    pub results: &'a str,
}

impl<'a> Record<'a> {
    /// Reads a record from the joined strings of a TXT record. Every term is checked
    /// ([RFC 7208 section 4.6](https://www.rfc-editor.org/rfc/rfc7208#section-4.6)).
    ///
    /// # Errors
    ///
    /// For the first term that is none, with its offset.
    pub fn parse(text: &'a [u8]) -> Result<Self, RecordError> {
        Self::read(text, |_, _| {})
    }

    /// Reads a record, and shows each directive and its offset on the way.
    pub(super) fn read(
        text: &'a [u8],
        mut directive_at: impl FnMut(&Directive<'a>, usize),
    ) -> Result<Self, RecordError> {
        if !is_record(text) {
            return Err(error(text, text, (0, RecordErrorKind::Version)));
        }
        let mut outline = Outline { redirect: None, explanation: None, has_all: false };
        for (start, span) in Spans::new(text, VERSION.len()) {
            // Terms are large: they stay where they are.
            let place = match &Term::parse(span) {
                Ok(Term::Directive(directive)) => {
                    outline.has_all |= matches!(directive.mechanism, Mechanism::All);
                    directive_at(directive, start);
                    continue;
                }
                Ok(Term::Modifier(Modifier::Explanation(_))) => &mut outline.explanation,
                Ok(Term::Modifier(Modifier::Redirect(_))) => &mut outline.redirect,
                Ok(Term::Modifier(Modifier::Unknown { .. })) => continue,
                Err(fault) => return Err(error(text, span, within(start, *fault))),
            };
            // RFC 7208 section 6: these MUST NOT appear more than once.
            if place.replace(start).is_some() {
                let fault = within(start, (0, RecordErrorKind::SecondModifier));
                return Err(error(text, span, fault));
            }
        }
        Ok(Self { text, outline })
    }

    /// The terms from left to right.
    pub fn terms(&self) -> impl Iterator<Item = Term<'a>> + Clone + use<'a> {
        self.terms_from(VERSION.len()).map(|(term, _)| term)
    }

    /// `redirect`: whose record decides if nothing matches
    /// ([RFC 7208 section 6.1](https://www.rfc-editor.org/rfc/rfc7208#section-6.1)). `None` also in a
    /// record with `all`, where it means nothing.
    pub fn redirect(&self) -> Option<DomainSpec<'a>> {
        match self.term_at(self.outline.redirect.filter(|_| !self.outline.has_all)?)? {
            Term::Modifier(Modifier::Redirect(domain)) => Some(domain),
            _ => None,
        }
    }

    /// `exp`: where the explanation of a fail stands
    /// ([RFC 7208 section 6.2](https://www.rfc-editor.org/rfc/rfc7208#section-6.2)).
    pub fn explanation(&self) -> Option<DomainSpec<'a>> {
        match self.term_at(self.outline.explanation?)? {
            Term::Modifier(Modifier::Explanation(domain)) => Some(domain),
            _ => None,
        }
    }

    /// What the domain wants to hear of failures; `None` unless `ra`, `rp` and `rr` stand at most once
    /// each, and `ra` is there, and `rp` is a number up to 100.
    pub fn report_request(&self) -> Option<ReportRequest<'a>> {
        let value = |wanted: &str| {
            let mut values = self.terms().filter_map(|term| match term {
                Term::Modifier(Modifier::Unknown { name, value })
                    if name.eq_ignore_ascii_case(wanted) =>
                {
                    str::from_utf8(value.as_bytes()).ok()
                }
                _ => None,
            });
            let first = values.next();
            if values.next().is_some() { Err(()) } else { Ok(first) }
        };
        let percent = match value("rp").ok()? {
            Some(text) => u8::try_from(tag_list::decimal(text.as_bytes())?).ok()?,
            None => 100,
        };
        let local_part = value("ra").ok()?.filter(|text| !text.is_empty())?;
        let results = value("rr").ok()?.unwrap_or("all");
        (percent <= 100).then_some(ReportRequest { local_part, percent, results })
    }

    pub(super) fn outline(&self) -> Outline {
        self.outline
    }

    /// A record again, from a text that was parsed before.
    pub(super) fn resume(text: &'a [u8], outline: Outline) -> Self {
        Self { text, outline }
    }

    /// The terms from an offset on, each with where it stands.
    pub(super) fn terms_from(
        &self,
        offset: usize,
    ) -> impl Iterator<Item = (Term<'a>, Range<usize>)> + Clone + use<'a> {
        let mut spans = Spans::new(self.text, offset);
        std::iter::from_fn(move || {
            let (start, span) = spans.next()?;
            // Every term was read when the record was parsed.
            Some((Term::parse(span).ok()?, start..start.saturating_add(span.len())))
        })
    }

    fn term_at(&self, offset: usize) -> Option<Term<'a>> {
        self.terms_from(offset).next().map(|(term, _)| term)
    }
}

/// Whether a text is meant to be an SPF record: it begins with the version, and then a space or the
/// end ([RFC 7208 section 4.5](https://www.rfc-editor.org/rfc/rfc7208#section-4.5)). The version is read
/// without regard to case, as the grammar has it.
pub(super) fn is_record(text: &[u8]) -> bool {
    text.split_at_checked(VERSION.len()).is_some_and(|(version, rest)| {
        version.eq_ignore_ascii_case(VERSION) && matches!(rest, [] | [b' ', ..])
    })
}

/// Cuts a record at its spaces.
#[derive(Clone)]
struct Spans<'a> {
    text: &'a [u8],
    spaces: Positions<'a, Octet>,
    /// Where the next span may begin, from the first octet of the text.
    next: usize,
    /// Where the search for spaces began.
    offset: usize,
}

impl<'a> Spans<'a> {
    fn new(text: &'a [u8], offset: usize) -> Self {
        let rest = text.get(offset..).unwrap_or_default();
        Self { text, spaces: Positions::new(Octet(b' '), rest), next: offset, offset }
    }
}

impl<'a> Iterator for Spans<'a> {
    type Item = (usize, &'a [u8]);

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let start = self.next;
            let space = self.spaces.next().map(|space| space.saturating_add(self.offset));
            let end = space.unwrap_or(self.text.len());
            self.next = end.saturating_add(1);
            let span = self.text.get(start..end)?;
            if !span.is_empty() {
                return Some((start, span));
            }
        }
    }
}

fn within(start: usize, (at, kind): Fault) -> Fault {
    (start.saturating_add(at), kind)
}

#[cold]
fn error(text: &[u8], term: &[u8], (offset, kind): Fault) -> RecordError {
    let offset = offset.min(text.len());
    RecordError { term: tag_list::quote(term), offset, kind }
}

impl PartialEq for Record<'_> {
    /// By terms, not by spaces and the case of names.
    fn eq(&self, other: &Self) -> bool {
        self.terms().eq(other.terms())
    }
}

impl Eq for Record<'_> {}

impl fmt::Display for Record<'_> {
    /// As a record that parses back to the same.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("v=spf1")?;
        self.terms().try_for_each(|term| write!(f, " {term}"))
    }
}

impl fmt::Debug for Record<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Record({self})")
    }
}
