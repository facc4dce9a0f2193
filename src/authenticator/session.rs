//! One message as it arrives.

use std::sync::Arc;

use super::deadline;
use super::lookups::{Answers, ForeignLookups, Lookups, Plan};
#[cfg(feature = "arc")]
use super::policy_override::PolicyOverride;
use super::report::Report;
use super::{Configuration, Envelope};
#[cfg(feature = "arc")]
use crate::arc;
use crate::dkim;
use crate::dmarc::{Candidates, DkimIdentifier, IdentifierResult, Identifiers, SpfIdentifier};
use crate::dns::Resolver;
use crate::message::{AuthorDomain, AuthorError, DefectScanner, Header, PIECE};
use crate::spf::{MailFromVerdict, SpfResult};
use crate::time::UnixTime;

/// One message on its way through the front door.
///
/// Write the message in chunks of any size; or, as a milter gets it, field by field and then the body.
/// Once the header is complete, [`Session::lookups`] may run while the body arrives. In the end
/// [`Session::finish`] computes the report from both, without waiting for anything. Memory does not grow
/// with the body.
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use bonafide::{Authenticator, Envelope, UnixTime, dns::Zone};
///
/// let dns = Zone::default(); // or your own Resolver
/// let authenticator = Authenticator::new("mx.example.org")?;
/// let envelope = Envelope::new([192, 0, 2, 1].into(), "mail.example.com", "joe@example.com");
/// let mut session = authenticator.session(envelope, UnixTime(1795478400));
/// session.write(b"From: joe@example.com\r\n\r");
/// assert!(!session.header_complete());
/// session.write(b"\nIs dinner ");
/// assert!(session.header_complete());
/// let lookups = session.lookups(&dns); // spawn it, or await it now or later
/// session.write(b"ready?\r\n");
/// let report = session.finish(bonafide::block_on(lookups))?;
/// assert_eq!(report.dmarc.to_string(), "none: from=example.com (there is no DMARC record for example.com)");
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Session {
    arrival: Arrival,
    stage: Stage,
}

/// What is known of a message beside its octets, and what is counted while they pass.
#[derive(Debug)]
pub(super) struct Arrival {
    configuration: Arc<Configuration>,
    now: UnixTime,
    scanner: DefectScanner,
    /// The empty line was seen, or the fields came one by one.
    has_header_end: bool,
}

#[derive(Debug)]
enum Stage {
    Header(HeaderReader, Envelope),
    Body(Box<Body>),
}

/// A message whose header is read.
#[derive(Debug)]
pub(super) struct Body {
    verifier: dkim::Verifier,
    /// Leaves the body to the verifier; `None` for a message without a chain.
    #[cfg(feature = "arc")]
    chain: Option<Box<arc::Verifier>>,
    pub(super) plan: Arc<Plan>,
}

impl Session {
    pub(super) fn new(
        configuration: Arc<Configuration>,
        envelope: Envelope,
        now: UnixTime,
    ) -> Self {
        let reader = HeaderReader::new(configuration.options.dkim.limits.header_octets);
        let arrival = Arrival::new(configuration, now);
        Self { arrival, stage: Stage::Header(reader, envelope) }
    }

    /// The next octets of the message, in any split.
    pub fn write(&mut self, chunk: &[u8]) {
        let mut body = chunk;
        if let Stage::Header(reader, _) = &mut self.stage {
            let end = reader.write(chunk);
            let (header, behind) = chunk.split_at_checked(end).unwrap_or((chunk, &[]));
            self.arrival.scanner.write(header);
            if reader.is_at_end {
                self.arrival.has_header_end = true;
                self.end_header();
            }
            body = behind;
        }
        if let Stage::Body(open) = &mut self.stage {
            self.arrival.body(open, body);
        }
    }

    /// The next field of the header, as a milter gets it: the value with all that stands behind the colon,
    /// a space in front of it too, and with LF or CRLF in its folds. Then call [`Session::end_header`].
    pub fn field(&mut self, name: &[u8], value: &[u8]) {
        let field = field_octets(name, value);
        self.arrival.has_header_end = true;
        self.write(&field);
    }

    /// The end of the header, for callers of [`Session::field`], and for messages that end before their
    /// header does. Where the header is complete already, nothing happens.
    pub fn end_header(&mut self) {
        if let Stage::Header(reader, envelope) = &mut self.stage {
            let envelope = std::mem::replace(envelope, Envelope::unknown());
            let octets = std::mem::take(&mut reader.octets);
            let body = self.arrival.open(&Header::parse(&octets), envelope);
            self.stage = Stage::Body(body);
        }
    }

    /// Whether the header is complete, so that [`Session::lookups`] may begin.
    pub fn header_complete(&self) -> bool {
        matches!(self.stage, Stage::Body(_))
    }

    /// Asks for all that the DNS must answer, everything at once and each question once. Call it once
    /// the header is complete.
    ///
    /// The future borrows nothing from the session and may run while the body arrives; dropping it cancels
    /// the lookups.
    pub fn lookups<R: Resolver>(
        &self,
        resolver: R,
    ) -> impl Future<Output = Lookups> + Send + use<R> {
        Lookups::run(self.plan(), resolver)
    }

    /// As [`Session::lookups`], up to a deadline: when `timer` completes, every open and every later
    /// question is answered with a timeout, and the evaluation runs to its end. No verdict is lost by it.
    pub fn lookups_until<R: Resolver, T: Future + Send>(
        &self,
        resolver: R,
        timer: T,
    ) -> impl Future<Output = Lookups> + Send + use<R, T> {
        let plan = self.plan();
        deadline::until(resolver, timer, |resolver| Lookups::run(plan, resolver))
    }

    fn plan(&self) -> Option<Arc<Plan>> {
        match &self.stage {
            Stage::Header(..) => None,
            Stage::Body(body) => Some(Arc::clone(&body.plan)),
        }
    }

    /// The report. Nothing is asked and nothing is waited for.
    ///
    /// # Errors
    ///
    /// [`ForeignLookups`] when the lookups are not this session's, or were begun before the header was
    /// complete.
    pub fn finish(self, lookups: Lookups) -> Result<Report, ForeignLookups> {
        match (self.stage, lookups.planned) {
            (Stage::Body(body), Some((plan, answers))) if Arc::ptr_eq(&body.plan, &plan) => {
                drop(plan);
                Ok(self.arrival.report(*body, answers))
            }
            _ => Err(ForeignLookups),
        }
    }
}

impl Arrival {
    pub(super) fn new(configuration: Arc<Configuration>, now: UnixTime) -> Self {
        Self { configuration, now, scanner: DefectScanner::new(), has_header_end: false }
    }

    /// A message that is there as a whole. Its header is read where it lies.
    pub(super) fn whole(&mut self, envelope: Envelope, message: &[u8]) -> Box<Body> {
        let mut reader = HeaderReader::new(self.configuration.options.dkim.limits.header_octets);
        let header = Header::parse(reader.kept(message));
        let end = match header.with_empty_line() {
            Some(header) => {
                reader.is_at_end = true;
                header.len()
            }
            // It is longer than what is kept of it, or there is none.
            None => reader.find_end(message),
        };
        self.has_header_end = reader.is_at_end;
        let mut body = self.open(&header, envelope);
        let first = end.saturating_add(PIECE);
        let (first, behind) = message.split_at_checked(first).unwrap_or((message, &[]));
        self.scanner.write(first);
        body.verifier.body(first.get(end..).unwrap_or_default());
        self.body(&mut body, behind);
        body
    }

    /// The next octets behind the header.
    fn body(&mut self, body: &mut Body, chunk: &[u8]) {
        for piece in chunk.chunks(PIECE) {
            self.scanner.write(piece);
            body.verifier.body(piece);
        }
    }

    /// Evaluates what is kept of the header.
    fn open(&self, header: &Header<'_>, envelope: Envelope) -> Box<Body> {
        let options = &self.configuration.options;
        let verifier = dkim::Verifier::new(header, &options.dkim, self.now);
        #[cfg(feature = "arc")]
        let (chain, verifier) = {
            let mut dkim = verifier;
            let mut chain = arc::Verifier::of_chain(header, &options.arc, self.now).map(Box::new);
            if let Some(chain) = &mut chain {
                chain.leave_body_to(&mut dkim);
            }
            (chain, dkim)
        };
        let limit = options.dkim.limits.header_octets;
        let author = if header.as_bytes().len() > limit {
            Err(AuthorError::HeaderTooLong { limit })
        } else {
            AuthorDomain::of(header)
        };
        let mail_from = envelope.query().and_then(|query| query.mail_from_domain());
        let plan = Arc::new(Plan {
            configuration: Arc::clone(&self.configuration),
            envelope,
            now: self.now,
            author,
            keys: verifier.questions(),
            #[cfg(feature = "arc")]
            chain_keys: chain.as_ref().map(|chain| chain.questions()).unwrap_or_default(),
            #[cfg(not(feature = "arc"))]
            chain_keys: Arc::default(),
            candidates: Candidates { spf: mail_from, dkim: verifier.domains().cloned().collect() },
        });
        Box::new(Body {
            verifier,
            #[cfg(feature = "arc")]
            chain,
            plan,
        })
    }

    pub(super) fn report(self, mut body: Body, answers: Answers) -> Report {
        let Answers { spf, keys, dmarc, .. } = answers;
        let mut defects = self.scanner.finish();
        defects.no_header_end = !self.has_header_end;
        let bodies = body.verifier.take_bodies();
        let dkim = body.verifier.conclude(&keys, &bodies);
        #[cfg(feature = "arc")]
        let arc = match body.chain {
            Some(chain) => chain.conclude(&answers.chain_keys, &bodies),
            None => arc::Verdict::new(self.configuration.options.arc.signatures.trace),
        };
        let identifiers = Identifiers {
            spf: spf.as_ref().and_then(|verdicts| spf_identifier(&verdicts.mail_from)),
            dkim: dkim.iter().filter_map(DkimIdentifier::of).collect(),
        };
        let dmarc = dmarc.evaluate(&identifiers);
        // Lookups that were cloned share the plan.
        let envelope = match Arc::try_unwrap(body.plan) {
            Ok(plan) => plan.envelope,
            Err(plan) => plan.envelope.clone(),
        };
        Report {
            authserv_id: self.configuration.authserv_id.clone(),
            envelope,
            spf,
            dkim,
            #[cfg(feature = "arc")]
            policy_override: PolicyOverride::of(
                &dmarc,
                &arc,
                &self.configuration.options.trusted_sealers,
            ),
            #[cfg(feature = "arc")]
            arc,
            dmarc,
            defects,
        }
    }
}

/// A field as it stands in a message, of which a milter gets the name and the value.
pub(crate) fn field_octets(name: &[u8], value: &[u8]) -> Vec<u8> {
    let octets = name.len().saturating_add(value.len()).saturating_add(16);
    let mut field = Vec::with_capacity(octets);
    field.extend_from_slice(name);
    field.push(b':');
    for line in value.split_inclusive(|octet| *octet == b'\n') {
        match line.strip_suffix(b"\n") {
            Some(line) => {
                field.extend_from_slice(line.strip_suffix(b"\r").unwrap_or(line));
                field.extend_from_slice(b"\r\n");
            }
            None => field.extend_from_slice(line),
        }
    }
    field.extend_from_slice(b"\r\n");
    field
}

/// Keeps a header up to a limit, and finds its end however long it is.
#[derive(Debug)]
pub(crate) struct HeaderReader {
    /// With the empty line behind it; at most three octets over the limit, which show that there were more.
    pub(crate) octets: Vec<u8>,
    limit: usize,
    /// The last three octets that were read; a line end before the first.
    last: [u8; 3],
    pub(crate) is_at_end: bool,
}

impl HeaderReader {
    pub(crate) fn new(limit: usize) -> Self {
        Self { octets: Vec::new(), limit, last: *b"\0\r\n", is_at_end: false }
    }

    /// Reads on to the end of the header or of the chunk, and says how far it came.
    pub(crate) fn write(&mut self, chunk: &[u8]) -> usize {
        let end = self.find_end(chunk);
        let header = chunk.get(..end).unwrap_or(chunk);
        self.octets.extend_from_slice(self.kept(header));
        end
    }

    /// As [`HeaderReader::write`], but keeps nothing.
    fn find_end(&mut self, chunk: &[u8]) -> usize {
        let mut end = chunk.len();
        for at in memchr::memchr_iter(b'\n', chunk) {
            let before = chunk.get(at.saturating_sub(3)..at).unwrap_or_default();
            let gone = self.last.get(before.len()..).unwrap_or_default();
            if gone.iter().chain(before).eq(b"\r\n\r") {
                self.is_at_end = true;
                end = at.saturating_add(1);
                break;
            }
        }
        let header = chunk.get(..end).unwrap_or(chunk);
        for octet in header.get(header.len().saturating_sub(3)..).unwrap_or_default() {
            let [_, second, third] = self.last;
            self.last = [second, third, *octet];
        }
        end
    }

    /// What of a further piece of the header there is room for.
    fn kept<'c>(&self, piece: &'c [u8]) -> &'c [u8] {
        let room = self.limit.saturating_add(3).saturating_sub(self.octets.len());
        piece.get(..room).unwrap_or(piece)
    }
}

/// The identifier of SPF: what MAIL FROM says, never what HELO alone does.
fn spf_identifier(verdict: &MailFromVerdict) -> Option<SpfIdentifier> {
    let result = match verdict.result {
        SpfResult::Pass => IdentifierResult::Pass,
        SpfResult::TempError => IdentifierResult::TempError,
        _ => IdentifierResult::NoPass,
    };
    Some(SpfIdentifier { domain: verdict.domain.clone()?, result })
}
