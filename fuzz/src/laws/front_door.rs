//! Whole messages through the front door.

use bonafide::authentication_results::AuthenticationResults;
use bonafide::dmarc::DmarcResult;
use bonafide::dns::{Answer, LookupError, Question, Resolver, Zone};
use bonafide::message::Header;
use bonafide::{Authenticator, Envelope, Report, UnixTime, block_on};

use super::Choices;

/// The report is the same in whatever chunks the message came. Its field is one, carries no raw CR, LF or
/// NUL, and reads back equal. A pass is earned by a domain that passed and is aligned, and a DNS that
/// fails gives none.
pub fn holds(input: &[u8]) {
    let case = Case::read(input);
    let report = case.whole(&case.zone);
    check_chunks(&report, &case.in_chunks());
    check_field(&report);
    check_pass(&report);
    check_without_dns(&case.whole(&Failing));
}

/// A message, its envelope and a zone.
pub struct Case<'a> {
    authenticator: Authenticator,
    envelope: Envelope,
    zone: Zone,
    chunk: usize,
    message: &'a [u8],
}

impl<'a> Case<'a> {
    /// An octet for the client, one for the length of chunks; then lines that end in LF: HELO, MAIL FROM,
    /// the zone up to an empty line, and the message. A zone that is none is empty.
    pub fn read(input: &'a [u8]) -> Self {
        let mut choices = Choices::new(input);
        let (client, chunk) = (choices.octet(), choices.octet());
        let (helo, rest) = line(choices.rest());
        let (mail_from, mut rest) = line(rest);
        let mut zone = Vec::new();
        while !rest.is_empty() {
            let (record, behind) = line(rest);
            rest = behind;
            if record.is_empty() {
                break;
            }
            zone.extend_from_slice(record);
            zone.push(b'\n');
        }
        let envelope = match client {
            0 => Envelope::unknown(),
            1..128 => Envelope::new([192, 0, 2, client].into(), helo, mail_from),
            _ => Envelope::new(
                [0x2001, 0xdb8, 0, 0, 0, 0, 0, u16::from(client)].into(),
                helo,
                mail_from,
            ),
        };
        Self {
            authenticator: Authenticator::new("mx.example.org").expect("a name"),
            envelope,
            zone: Zone::parse(&zone).unwrap_or_default(),
            chunk: usize::from(chunk).max(1),
            message: rest,
        }
    }

    pub fn whole(&self, resolver: &impl Resolver) -> Report {
        let (envelope, now) = (&self.envelope, UnixTime(1_795_478_400));
        block_on(self.authenticator.authenticate(resolver, envelope, self.message, now))
    }

    pub fn report(&self) -> Report {
        self.whole(&self.zone)
    }

    fn in_chunks(&self) -> Report {
        let now = UnixTime(1_795_478_400);
        let mut session = self.authenticator.session(self.envelope.clone(), now);
        self.message.chunks(self.chunk).for_each(|chunk| session.write(chunk));
        session.end_header();
        let lookups = block_on(session.lookups(&self.zone));
        session.finish(lookups).expect("the lookups are its own")
    }
}

fn line(text: &[u8]) -> (&[u8], &[u8]) {
    let end = text.iter().position(|octet| *octet == b'\n');
    end.map_or((text, &[]), |end| (&text[..end], &text[end + 1..]))
}

/// A DNS that never answers.
struct Failing;

impl Resolver for Failing {
    async fn lookup(&self, _question: &Question) -> Result<Answer, LookupError> {
        Err(LookupError::Timeout)
    }
}

pub fn check_chunks(whole: &Report, chunks: &Report) {
    assert_eq!(whole, chunks);
}

/// RFC 8601 section 7: nothing of a message or of the DNS gets out of its place in the field.
pub fn check_field(report: &Report) {
    let results = report.authentication_results();
    let field = results.to_field();
    assert!(!field.contains('\0'));
    let unfolded = field.replace("\r\n\t", "").replace("\r\n ", "");
    let text = unfolded.strip_suffix("\r\n").expect("a line end");
    assert!(!text.contains(['\r', '\n']), "{field:?}");
    let header = Header::parse(field.as_bytes());
    assert_eq!(header.fields().len(), 1);
    let value = header.field(0).expect("there is one").value();
    assert_eq!(AuthenticationResults::parse(value).as_ref(), Ok(&results), "{field:?}");
}

/// What must be so wherever a message passes, and what follows from it.
pub fn check_pass(report: &Report) {
    let dmarc = &report.dmarc;
    let passes = dmarc.result == DmarcResult::Pass;
    assert_eq!(passes, dmarc.spf_aligned || dmarc.dkim_aligned);
    assert_eq!(passes, dmarc.cause.is_none());
    if passes {
        assert!(dmarc.author_domain.is_some() && report.smtp_reply().is_none());
        let spf = report.spf.as_ref().is_some_and(|verdicts| verdicts.mail_from.cause.is_none());
        let dkim = report.dkim.iter().any(|verdict| verdict.cause.is_none());
        assert!((!dmarc.spf_aligned || spf) && (!dmarc.dkim_aligned || dkim));
    }
    if let Some(row) = report.aggregate_row() {
        assert_eq!((row.spf_aligned, row.dkim_aligned), (dmarc.spf_aligned, dmarc.dkim_aligned));
    }
}

/// Without the DNS nothing passes, and no author domain has no policy.
pub fn check_without_dns(report: &Report) {
    let result = report.dmarc.result;
    assert!(matches!(result, DmarcResult::PermError | DmarcResult::TempError), "{}", report.dmarc);
}
