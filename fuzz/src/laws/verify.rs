//! Verification of messages, RFC 6376 section 6.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

use bonafide::dkim::{self, Algorithm, Cause, DkimResult, Event, Options, Signature, Verdict};
use bonafide::dns::{Answer, LookupError, Question, RecordData, RecordType, Resolver, Text};
use bonafide::message::Header;
use bonafide::{UnixTime, block_on};

use super::Reply;

/// Each DKIM-Signature field has one verdict, a pass exactly when there is no cause. A pass is earned:
///
/// - the field is a signature, From is signed, and no unsigned octets of the body go unnoticed;
/// - a failed lookup or a missing key takes it away, and gives none to others (section 6.1.2);
/// - an octet more in the body takes it away, unless l= and an option allow it (section 8.2);
/// - so does an octet more in the lowest From, which every signature covers (section 5.4);
/// - a second From takes it away or is reported (section 8.15); a field that is not signed changes
///   nothing (section 5.4.2).
///
/// Traces change nothing but themselves, and no key is asked for twice or beyond the limit.
pub fn holds(input: &[u8]) {
    let case = Case::read(input);
    let replies = Replies::new(&case.replies);
    let verdicts = case.verdicts(&case.options, case.message, &replies);
    check_questions(&case.options, &verdicts, &replies.asked());
    let signatures = signatures(case.message);
    check_positions(&signatures, &verdicts);
    for (verdict, (_, value)) in verdicts.iter().zip(&signatures) {
        check_verdict(verdict);
        if verdict.result == DkimResult::Pass {
            check_pass(&case.options, verdict, value);
        }
    }
    if verdicts.is_empty() {
        return;
    }

    let mut traced = case.options.clone();
    traced.trace = true;
    let traced = case.verdicts(&traced, case.message, &replies);
    traced.iter().for_each(check_trace);
    check_same(&verdicts, &without_trace(traced));

    for reply in [Err(LookupError::ServFail), Ok(Answer::nx_domain())] {
        let others = [reply];
        let others = case.verdicts(&case.options, case.message, &Replies::new(&others));
        assert_eq!(others.len(), verdicts.len());
        for (before, after) in verdicts.iter().zip(&others) {
            check_without_key(before, after);
        }
    }

    check_additions(&case, &verdicts, &signatures);
}

/// A message, what the DNS says about its keys, and what the verifier accepts.
pub struct Case<'a> {
    pub options: Options,
    pub now: UnixTime,
    pub replies: Vec<Reply>,
    pub message: &'a [u8],
}

impl<'a> Case<'a> {
    /// First a line of options: digits are the time, letters set an option. Then a line for each reply
    /// of the DNS: `!` and a letter is an error, `-` is NODATA, `-N` is NXDOMAIN, all else are the TXT
    /// records, with `|` between them. Then an empty line and the message. These lines end in LF.
    pub fn read(input: &'a [u8]) -> Self {
        let (first, mut rest) = line(input);
        let (options, now) = options(first);
        let mut replies = Vec::new();
        while !rest.is_empty() {
            let (head, behind) = line(rest);
            rest = behind;
            if head.is_empty() {
                break;
            }
            replies.push(reply(head));
        }
        Self { options, now, replies, message: rest }
    }

    pub fn verdicts(
        &self,
        options: &Options,
        message: &[u8],
        resolver: &impl Resolver,
    ) -> Vec<Verdict> {
        block_on(dkim::verify(message, options, resolver, self.now))
    }
}

fn line(text: &[u8]) -> (&[u8], &[u8]) {
    let end = text.iter().position(|octet| *octet == b'\n');
    end.map_or((text, &[]), |end| (&text[..end], &text[end + 1..]))
}

fn options(line: &[u8]) -> (Options, UnixTime) {
    let mut options = Options::default();
    let mut now = 0_u64;
    for octet in line {
        match octet {
            b'0'..=b'9' => now = now.saturating_mul(10).saturating_add(u64::from(octet - b'0')),
            b'a' => options.accept_unsigned_body = true,
            b'c' => options.clock_skew = 0,
            b'f' => options.limits.header_fields = 3,
            b'k' => options.limits.key_record_octets = 64,
            b'm' => options.limits.minimum_rsa_bits = 2048,
            b'o' => options.limits.header_octets = 256,
            b's' => options.limits.signatures = 1,
            b'x' => options.limits.maximum_rsa_bits = 1024,
            _ => {}
        }
    }
    (options, UnixTime(now))
}

fn reply(line: &[u8]) -> Reply {
    match line {
        [b'!', error @ ..] => Err(match error {
            b"B" => LookupError::Bogus,
            b"R" => LookupError::Refused,
            b"S" => LookupError::ServFail,
            b"T" => LookupError::Timeout,
            _ => LookupError::Other(String::from_utf8_lossy(error).into()),
        }),
        b"-" => Ok(Answer::no_data()),
        b"-N" => Ok(Answer::nx_domain()),
        texts => {
            let texts = texts.split(|octet| *octet == b'|');
            let records = texts.map(|text| RecordData::Txt(Text::new(text.chunks(255))));
            Ok(Answer::found(records.collect::<Vec<_>>(), 300))
        }
    }
}

/// Gives each name one of the replies; the last octet of its first label says which.
pub struct Replies<'r> {
    replies: &'r [Reply],
    asked: Mutex<Vec<Question>>,
}

impl<'r> Replies<'r> {
    pub fn new(replies: &'r [Reply]) -> Self {
        Self { replies, asked: Mutex::default() }
    }

    /// Takes out what was asked so far.
    fn asked(&self) -> Vec<Question> {
        std::mem::take(&mut *self.asked.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Resolver for Replies<'_> {
    async fn lookup(&self, question: &Question) -> Result<Answer, LookupError> {
        let mut asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        asked.push(question.clone());
        let octet = question.name.labels().next().and_then(|label| label.last());
        let at = octet.map_or(0, |octet| usize::from(*octet)) % self.replies.len().max(1);
        self.replies.get(at).cloned().unwrap_or_else(|| Ok(Answer::nx_domain()))
    }
}

/// The DKIM-Signature fields of a message: where each stands in the header, and its value.
fn signatures(message: &[u8]) -> Vec<(usize, &[u8])> {
    let header = Header::parse(message);
    let fields = header.fields().enumerate();
    let signatures =
        fields.filter(|(_, field)| field.name().eq_ignore_ascii_case(b"dkim-signature"));
    signatures.map(|(position, field)| (position, field.value())).collect()
}

/// RFC 6376 section 3.6.2.1: a key is a TXT record below `_domainkey`.
pub fn check_questions(options: &Options, verdicts: &[Verdict], asked: &[Question]) {
    assert!(asked.len() <= options.limits.signatures.min(verdicts.len()));
    assert_eq!(asked.iter().collect::<BTreeSet<_>>().len(), asked.len());
    for question in asked {
        assert_eq!(question.record_type, RecordType::Txt);
        assert!(question.name.labels().any(|label| label == b"_domainkey"));
    }
}

pub fn check_positions(signatures: &[(usize, &[u8])], verdicts: &[Verdict]) {
    let fields = signatures.iter().map(|(position, _)| *position);
    assert!(verdicts.iter().map(|verdict| verdict.position).eq(fields));
}

pub fn check_verdict(verdict: &Verdict) {
    let result = verdict.cause.as_ref().map_or(DkimResult::Pass, Cause::result);
    assert_eq!(verdict.result, result, "{verdict}");
    assert_eq!(result == DkimResult::Pass, verdict.cause.is_none());
    assert!(!verdict.to_string().is_empty());
}

/// What must be so wherever a signature passes.
pub fn check_pass(options: &Options, verdict: &Verdict, value: &[u8]) {
    let signature = Signature::parse(value).expect("what passes is a signature");
    assert_eq!(verdict.domain.as_ref(), Some(&signature.domain));
    assert_eq!(verdict.selector.as_ref(), Some(&signature.selector));
    assert_eq!(verdict.identity, signature.identity);
    assert_eq!(verdict.algorithm, Some(signature.algorithm));
    // RFC 8301 section 3.2
    match signature.algorithm {
        Algorithm::Ed25519Sha256 => assert_eq!(verdict.key_bits, Some(256)),
        _ => assert!(verdict.key_bits >= Some(options.limits.minimum_rsa_bits.max(1024))),
    }
    assert!(verdict.signed_fields.contains("from") || verdict.oversigned_fields.contains("from"));
    let signed = verdict.signed_fields.iter().count() + verdict.oversigned_fields.iter().count();
    assert_eq!(signed, signature.signed_fields().count());
    assert!(verdict.unsigned_body_octets == 0 || options.accept_unsigned_body);
    assert!(verdict.unsigned_body_octets == 0 || signature.body_length.is_some());
}

/// A trace tells how it ended, and every event has a text.
pub fn check_trace(verdict: &Verdict) {
    let trace = verdict.trace.as_deref().expect("the trace was on");
    let end = trace.last().expect("a trace is not empty");
    match &verdict.cause {
        Some(found) => assert!(matches!(end, Event::Stopped { cause } if cause == found)),
        None => assert_eq!(*end, Event::SignatureCheck { verified: true }),
    }
    assert!(trace.iter().all(|event| !event.to_string().is_empty()));
}

fn without_trace(mut verdicts: Vec<Verdict>) -> Vec<Verdict> {
    for verdict in &mut verdicts {
        verdict.trace = None;
    }
    verdicts
}

pub fn check_same(verdicts: &[Verdict], others: &[Verdict]) {
    assert_eq!(verdicts, others);
}

/// Without a key nothing passes; what was decided without one stays so.
pub fn check_without_key(before: &Verdict, after: &Verdict) {
    match after.cause {
        Some(Cause::Lookup { .. }) => assert_eq!(after.result, DkimResult::TempError),
        Some(Cause::NoKey { .. }) => assert_eq!(after.result, DkimResult::PermError),
        _ => assert_eq!(before, after),
    }
    assert_ne!(after.result, DkimResult::Pass);
}

/// What somebody adds on the way: to the body, and on top of the header.
fn check_additions(case: &Case<'_>, verdicts: &[Verdict], signatures: &[(usize, &[u8])]) {
    let replies = Replies::new(&case.replies);
    let header = Header::parse(case.message);
    let passes = |verdict: &Verdict| verdict.result == DkimResult::Pass;
    let has_body = header.as_bytes().len() < case.message.len();
    if has_body && verdicts.iter().any(passes) {
        let longer = [case.message, b"x"].concat();
        let longer = case.verdicts(&case.options, &longer, &replies);
        for ((before, after), (_, value)) in verdicts.iter().zip(&longer).zip(signatures) {
            let may_grow = case.options.accept_unsigned_body
                && Signature::parse(value).is_ok_and(|signature| signature.body_length.is_some());
            if !may_grow {
                check_lost(before, after);
            }
        }
    }

    if let Some(changed) = with_changed_from(case.message).filter(|_| verdicts.iter().any(passes)) {
        let changed = case.verdicts(&case.options, &changed, &replies);
        for (before, after) in verdicts.iter().zip(&changed) {
            check_lost(before, after);
        }
    }

    // A first line that begins with white space would continue the field put before it; and an
    // addition may be what goes over a limit.
    let is_near_limit = case.options.limits != Options::default().limits;
    if case.message.starts_with(b" ") || case.message.starts_with(b"\t") || is_near_limit {
        return;
    }
    let unsigned = [b"Bonafide-Unsigned: x\r\n", case.message].concat();
    let unsigned = case.verdicts(&case.options, &unsigned, &replies);
    assert_eq!(verdicts.len(), unsigned.len());
    for ((before, mut after), (_, value)) in verdicts.iter().zip(unsigned).zip(signatures) {
        after.position -= 1;
        if !names(value, b"bonafide-unsigned") {
            assert_eq!(*before, after);
        }
    }
    if verdicts.iter().any(passes) {
        let second = [b"From: a second author <a@example.com>\r\n", case.message].concat();
        let second = case.verdicts(&case.options, &second, &replies);
        for (before, after) in verdicts.iter().zip(&second) {
            check_second_from(before, after);
        }
    }
}

/// The message with an `x` in front of the value of its lowest From.
fn with_changed_from(message: &[u8]) -> Option<Vec<u8>> {
    let header = Header::parse(message);
    let mut start = 0;
    let mut value = None;
    for field in header.fields() {
        if field.name().eq_ignore_ascii_case(b"from") {
            value = Some(start + field.value_offset());
        }
        start += field.as_bytes().len();
    }
    let (front, behind) = message.split_at(value?);
    Some([front, b"x", behind].concat())
}

/// What passed before a change does not pass after it.
pub fn check_lost(before: &Verdict, after: &Verdict) {
    let still_passes = before.result == DkimResult::Pass && after.result == DkimResult::Pass;
    assert!(!still_passes, "{after}");
}

pub fn check_second_from(before: &Verdict, after: &Verdict) {
    let goes_unnoticed = before.result == DkimResult::Pass
        && after.result == DkimResult::Pass
        && !after.unsigned_duplicates.contains("from");
    assert!(!goes_unnoticed, "{after}");
}

fn names(value: &[u8], field: &[u8]) -> bool {
    Signature::parse(value).is_ok_and(|signature| {
        signature.signed_fields().any(|name| name.eq_ignore_ascii_case(field))
    })
}
