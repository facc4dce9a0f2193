//! Stepping: the questions of an evaluation, and the answers to them.

use std::collections::BTreeMap;
use std::ffi::{c_int, c_void};
use std::sync::Arc;

use super::boundary::{
    self, Failure, Text, elements, from_c, guard, handle, handle_mut, octets, slot,
};
use super::library::bonafide_status::{
    BONAFIDE_ABSENT, BONAFIDE_FOREIGN, BONAFIDE_MALFORMED, BONAFIDE_NOT_ASKED, BONAFIDE_OK,
    BONAFIDE_TRUNCATED, BONAFIDE_WAITING, BONAFIDE_WRONG_KIND,
};
use super::library::{bonafide_status, bonafide_text};
use super::mta_sts::bonafide_mta_sts;
use super::report::bonafide_report;
use crate::authenticator::Lookups;
use crate::dkim;
use crate::dns::wire::{self, ResponseError};
use crate::dns::{self, Answer, LookupError, Name, Question, RecordData, RecordType};
use crate::evaluation::{AnswerError, Evaluation, Request, RequestId, Response};
use crate::mta_sts::FetchError;

/// Something that asks questions and has an outcome once they are answered.
///
/// Several questions may be open at once; answers come in any order. It does no I/O and reads no
/// clock: if answers do not come in time, say so with bonafide_evaluation_expire().
#[derive(Debug)]
pub struct bonafide_evaluation {
    evaluation: Evaluation<Outcome>,
    /// Which finish takes the outcome.
    kind: Kind,
    outcome: Option<Outcome>,
    is_finished: bool,
    /// The session that it belongs to.
    pub(super) owner: Arc<()>,
    /// Handed out and not yet answered, by the number that C knows.
    open: BTreeMap<u64, Open>,
    last: u64,
    /// What the questions that C has point into; no more of them than the limits of evaluators allow.
    texts: Vec<Text>,
}

/// What an evaluation finds out.
#[derive(Debug)]
pub(super) enum Outcome {
    Keys(dkim::Keys),
    Lookups(Box<Lookups>),
    MtaSts(Box<bonafide_mta_sts>),
    Spf(Box<bonafide_report>),
}

/// What kind of [`Outcome`] it will be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Keys,
    Lookups,
    MtaSts,
    Spf,
}

#[derive(Debug)]
struct Open {
    id: RequestId,
    request: Request,
    /// The id of the packet that was made for it, and the packet.
    query: Option<(u16, Text)>,
}

/// What kind of answer a question wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(C)]
#[non_exhaustive]
pub enum bonafide_question_kind {
    /// A question to the DNS, class IN: answer with a packet, with records or with a failure.
    BONAFIDE_QUESTION_DNS = 1,
    /// An MTA-STS policy, to be fetched over HTTPS: answer with bonafide_evaluation_answer_policy()
    /// or with a failure.
    BONAFIDE_QUESTION_POLICY = 2,
}

/// One question. Its text is valid until the evaluation is freed.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct bonafide_question {
    /// Its number, by which it is answered; never 0 and never used again in this evaluation.
    pub id: u64,
    /// What kind of answer it wants.
    pub kind: bonafide_question_kind,
    /// For the DNS: the type of the records, such as 16 for TXT (the numbers of IANA, of `ns_type`
    /// in arpa/nameser.h and of c-ares and libunbound). Else 0.
    pub record_type: u16,
    /// For the DNS: the name, fully qualified, without a dot at its end; octets that are no
    /// letters, digits, hyphens or underscores may be written \DDD as in zone files, which
    /// res_query() and others understand. For a policy: the URL.
    pub name: bonafide_text,
}

/// The data of one record, as in a packet (RDATA) and without compression of names: what ub_result
/// of libunbound holds. For TXT that is each string behind an octet with its length.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct bonafide_record {
    /// The octets.
    pub data: *const c_void,
    /// How many there are.
    pub length: usize,
}

/// Why a question has no answer. A name or a record that does not exist is an answer, not a
/// failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(C)]
#[non_exhaustive]
pub enum bonafide_failure {
    /// No answer came in time.
    BONAFIDE_FAILURE_TIMEOUT = 1,
    /// DNS: SERVFAIL.
    BONAFIDE_FAILURE_SERVFAIL = 2,
    /// DNS: REFUSED.
    BONAFIDE_FAILURE_REFUSED = 3,
    /// DNS: the answer failed DNSSEC validation.
    BONAFIDE_FAILURE_BOGUS = 4,
    /// Policy: no connection to the host.
    BONAFIDE_FAILURE_CONNECTION = 5,
    /// Policy: TLS failed before there was a certificate.
    BONAFIDE_FAILURE_TLS = 6,
    /// Policy: the certificate is not valid for the host.
    BONAFIDE_FAILURE_CERTIFICATE = 7,
    /// Anything else.
    BONAFIDE_FAILURE_OTHER = 8,
}

use bonafide_failure::{
    BONAFIDE_FAILURE_BOGUS, BONAFIDE_FAILURE_CERTIFICATE, BONAFIDE_FAILURE_CONNECTION,
    BONAFIDE_FAILURE_OTHER, BONAFIDE_FAILURE_REFUSED, BONAFIDE_FAILURE_SERVFAIL,
    BONAFIDE_FAILURE_TIMEOUT, BONAFIDE_FAILURE_TLS,
};

from_c!(bonafide_failure: BONAFIDE_FAILURE_TIMEOUT, BONAFIDE_FAILURE_SERVFAIL, BONAFIDE_FAILURE_REFUSED,
    BONAFIDE_FAILURE_BOGUS, BONAFIDE_FAILURE_CONNECTION, BONAFIDE_FAILURE_TLS, BONAFIDE_FAILURE_CERTIFICATE,
    BONAFIDE_FAILURE_OTHER);

impl bonafide_evaluation {
    pub(super) fn new(kind: Kind, owner: Arc<()>, mut evaluation: Evaluation<Outcome>) -> Self {
        let outcome = evaluation.outcome();
        let open = BTreeMap::new();
        let texts = Vec::new();
        Self { evaluation, kind, outcome, is_finished: false, owner, open, last: 0, texts }
    }

    /// Takes the outcome, if it is of this kind; `None` while answers are missing.
    pub(super) fn finish(&mut self, kind: Kind) -> Result<Option<Outcome>, Failure> {
        if self.kind != kind {
            return Err(Failure::order("the evaluation is of another kind"));
        }
        if self.is_finished {
            return Err(Failure::order("the evaluation is finished already"));
        }
        let outcome = self.outcome.take();
        self.is_finished = outcome.is_some();
        Ok(outcome)
    }

    fn open(&self, id: u64) -> Result<&Open, Failure> {
        self.open.get(&id).ok_or_else(|| not_asked(id))
    }

    fn question(&self, id: u64) -> Result<&Question, Failure> {
        match &self.open(id)?.request {
            Request::Dns(question) => Ok(question),
            Request::Policy(_) => Err(wrong_kind(id)),
        }
    }

    fn answer(&mut self, id: u64, response: Response) -> boundary::Outcome {
        let request = self.open(id)?.id;
        match self.evaluation.answer(request, response) {
            Ok(()) => {}
            Err(AnswerError::WrongKind(_)) => return Err(wrong_kind(id)),
            Err(AnswerError::NotAsked(_)) => {
                self.open.remove(&id);
                return Err(not_asked(id));
            }
        }
        self.open.remove(&id);
        self.outcome = self.outcome.take().or_else(|| self.evaluation.outcome());
        Ok(BONAFIDE_OK)
    }
}

fn not_asked(id: u64) -> Failure {
    Failure::new(BONAFIDE_NOT_ASKED, format_args!("no question {id} is open"))
}

fn wrong_kind(id: u64) -> Failure {
    Failure::new(BONAFIDE_WRONG_KIND, format_args!("question {id} wants an answer of another kind"))
}

/// STEPPING: every evaluation asks questions, and the caller answers them as it can: from an event
/// loop, or one after the other from a blocking resolver.
///
/// Call it until it gives BONAFIDE_ABSENT, at the beginning and after each answer: it writes a
/// question that was not handed out before. BONAFIDE_ABSENT: there is nothing to ask now.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bonafide_evaluation_next(
    evaluation: *mut bonafide_evaluation,
    question: *mut bonafide_question,
) -> bonafide_status {
    guard(|| {
        // SAFETY: a handle and a result, as the rules say.
        let (evaluation, question) =
            unsafe { (handle_mut(evaluation, "evaluation")?, slot(question, "question")?) };
        let Some((id, request)) = evaluation.evaluation.request() else {
            return Ok(BONAFIDE_ABSENT);
        };
        let (kind, record_type, text) = match &request {
            Request::Dns(asked) => {
                let kind = bonafide_question_kind::BONAFIDE_QUESTION_DNS;
                (kind, asked.record_type.code(), asked.name.to_string())
            }
            Request::Policy(url) => {
                (bonafide_question_kind::BONAFIDE_QUESTION_POLICY, 0, url.to_string())
            }
        };
        let text = Text::new(text);
        let name = text.view();
        evaluation.texts.push(text);
        evaluation.last = evaluation.last.saturating_add(1);
        evaluation.open.insert(evaluation.last, Open { id, request, query: None });
        question.write(bonafide_question { id: evaluation.last, kind, record_type, name });
        Ok(BONAFIDE_OK)
    })
}

/// Whether all that must be known is known: BONAFIDE_OK, and the finish of whatever the evaluation
/// is for will have a result; else BONAFIDE_WAITING.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bonafide_evaluation_is_done(
    evaluation: *const bonafide_evaluation,
) -> bonafide_status {
    guard(|| {
        // SAFETY: a handle, as the rules say.
        let evaluation = unsafe { handle(evaluation, "evaluation")? };
        let is_done = evaluation.is_finished || evaluation.outcome.is_some();
        Ok(if is_done { BONAFIDE_OK } else { BONAFIDE_WAITING })
    })
}

/// Makes the packet that asks a question of the DNS, for callers with sockets of their own.
///
/// `packet_id` should be unpredictable; the packet that answers must have the same, which
/// bonafide_evaluation_answer_packet() then checks. The packet is valid until this is called again
/// for the question, or the question is answered, or the evaluation freed. Over TCP, send its
/// length in two octets before it, high octet first.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bonafide_evaluation_query(
    evaluation: *mut bonafide_evaluation,
    id: u64,
    packet_id: u16,
    packet: *mut bonafide_text,
) -> bonafide_status {
    guard(|| {
        // SAFETY: a handle and a result, as the rules say.
        let (evaluation, packet) =
            unsafe { (handle_mut(evaluation, "evaluation")?, slot(packet, "packet")?) };
        let query = Text::new(wire::query(evaluation.question(id)?, packet_id));
        packet.write(query.view());
        if let Some(open) = evaluation.open.get_mut(&id) {
            open.query = Some((packet_id, query));
        }
        Ok(BONAFIDE_OK)
    })
}

/// Answers a question with the packet that came back from the DNS, as res_query(), ares_query() or
/// a socket of the caller gives it, without the two octets of its length that TCP has.
///
/// CNAMEs in it are followed; NXDOMAIN, SERVFAIL and so on are read from it. The question of the
/// packet is checked, and its id if bonafide_evaluation_query() made the query. `authentic` is not
/// 0 if the caller knows that DNSSEC authenticated the answer; the packet is not believed.
///
/// BONAFIDE_OK: answered. BONAFIDE_FOREIGN, BONAFIDE_TRUNCATED and BONAFIDE_MALFORMED leave the
/// question open.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bonafide_evaluation_answer_packet(
    evaluation: *mut bonafide_evaluation,
    id: u64,
    packet: *const c_void,
    length: usize,
    authentic: c_int,
) -> bonafide_status {
    guard(|| {
        // SAFETY: a handle and octets, as the rules say.
        let (evaluation, packet) =
            unsafe { (handle_mut(evaluation, "evaluation")?, octets(packet, length, "packet")?) };
        let question = evaluation.question(id)?;
        let sent = evaluation.open(id)?.query.as_ref().map(|(packet_id, _)| *packet_id);
        // Without a query of ours the caller's library has looked at the id.
        let own = packet.first_chunk().map_or(0, |id| u16::from_be_bytes(*id));
        match wire::response(packet, question, sent.unwrap_or(own)) {
            Ok(reply) => {
                let reply = reply.map(|answer| answer.with_authentic(authentic != 0));
                evaluation.answer(id, Response::Dns(reply))
            }
            Err(error) => Err(Failure::new(
                match error {
                    ResponseError::Truncated => BONAFIDE_TRUNCATED,
                    error if error.is_foreign() => BONAFIDE_FOREIGN,
                    _ => BONAFIDE_MALFORMED,
                },
                error,
            )),
        }
    })
}

/// Answers a question to the DNS with its records, after CNAMEs; none at all means that the name
/// exists without records of that type. The records are copied.
///
/// `ttl` is the least time to live of all of them in seconds. `authentic` as for packets.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bonafide_evaluation_answer_records(
    evaluation: *mut bonafide_evaluation,
    id: u64,
    records: *const bonafide_record,
    count: usize,
    ttl: u32,
    authentic: c_int,
) -> bonafide_status {
    guard(|| {
        // SAFETY: a handle and an array, as the rules say.
        let (evaluation, records) = unsafe {
            (handle_mut(evaluation, "evaluation")?, elements(records, count, "records")?)
        };
        let record_type = evaluation.question(id)?.record_type;
        let read = records.iter().map(|record| {
            // SAFETY: octets, as the rules say.
            let data = unsafe { octets(record.data, record.length, "the data of a record")? };
            record_data(record_type, data)
                .ok_or_else(|| Failure::invalid(format_args!("found no data of {record_type}")))
        });
        let records = read.collect::<Result<Vec<_>, _>>()?;
        let answer = Answer::found(records, ttl).with_authentic(authentic != 0);
        evaluation.answer(id, Response::Dns(Ok(answer)))
    })
}

/// Answers a question to the DNS: the name does not exist (NXDOMAIN). `authentic` as for packets.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bonafide_evaluation_answer_nxdomain(
    evaluation: *mut bonafide_evaluation,
    id: u64,
    authentic: c_int,
) -> bonafide_status {
    guard(|| {
        // SAFETY: a handle, as the rules say.
        let evaluation = unsafe { handle_mut(evaluation, "evaluation")? };
        let answer = Answer::nx_domain().with_authentic(authentic != 0);
        evaluation.answer(id, Response::Dns(Ok(answer)))
    })
}

/// Answers a question for a policy with what the host sent: the status of HTTP, the media type and
/// the body.
///
/// The caller fetches as RFC 8461 section 3.3 says: the certificate is valid for the host of the
/// URL, redirects are not followed, no HTTP cache is asked, it ends after a minute and after 64
/// KiB. Another status than 200 counts as a failure, and so does another media type than
/// text/plain; where `media_type` is NULL the caller has looked at it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bonafide_evaluation_answer_policy(
    evaluation: *mut bonafide_evaluation,
    id: u64,
    http_status: c_int,
    media_type: *const std::ffi::c_char,
    media_type_length: usize,
    body: *const c_void,
    length: usize,
) -> bonafide_status {
    guard(|| {
        // SAFETY: a handle and octets, as the rules say.
        let (evaluation, media_type, body) = unsafe {
            let media_type = match media_type.is_null() {
                true => None,
                false => Some(boundary::text(media_type, media_type_length, "media_type")?),
            };
            let evaluation = handle_mut(evaluation, "evaluation")?;
            (evaluation, media_type, octets(body, length, "body")?)
        };
        let is_text = media_type.is_none_or(|media_type| {
            let essence = media_type.split(|octet| *octet == b';').next().unwrap_or_default();
            essence.trim_ascii().eq_ignore_ascii_case(b"text/plain")
        });
        let reply = if http_status != 200 {
            Err(FetchError::Status { found: u16::try_from(http_status).unwrap_or(0) })
        } else if !is_text {
            let found = media_type.unwrap_or_default();
            let found = found.get(..64).unwrap_or(found);
            Err(FetchError::MediaType { found: String::from_utf8_lossy(found).into_owned() })
        } else {
            Ok(body.to_vec())
        };
        evaluation.answer(id, Response::Policy(reply))
    })
}

/// Answers a question of either kind: nobody could say. `failure` is a bonafide_failure that fits
/// the kind of the question.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bonafide_evaluation_answer_failure(
    evaluation: *mut bonafide_evaluation,
    id: u64,
    failure: c_int,
) -> bonafide_status {
    guard(|| {
        // SAFETY: a handle, as the rules say.
        let evaluation = unsafe { handle_mut(evaluation, "evaluation")? };
        let failure = bonafide_failure::from_c(failure)?;
        let response = match &evaluation.open(id)?.request {
            Request::Dns(_) => Response::Dns(Err(lookup_error(failure))),
            Request::Policy(_) => Response::Policy(Err(fetch_error(failure))),
        };
        evaluation.answer(id, response)
    })
}

/// The deadline: every open and every later question counts as timed out, and the evaluation is
/// done. No verdict is lost by it. Answers that come later meet BONAFIDE_NOT_ASKED.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bonafide_evaluation_expire(
    evaluation: *mut bonafide_evaluation,
) -> bonafide_status {
    guard(|| {
        // SAFETY: a handle, as the rules say.
        let evaluation = unsafe { handle_mut(evaluation, "evaluation")? };
        evaluation.evaluation.expire();
        evaluation.open.clear();
        evaluation.outcome = evaluation.outcome.take().or_else(|| evaluation.evaluation.outcome());
        Ok(BONAFIDE_OK)
    })
}

/// Frees an evaluation, done or not; NULL is none.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bonafide_evaluation_free(evaluation: *mut bonafide_evaluation) {
    // SAFETY: a handle whose last use this is.
    unsafe { boundary::free(evaluation) }
}

fn lookup_error(failure: bonafide_failure) -> LookupError {
    match failure {
        BONAFIDE_FAILURE_TIMEOUT => LookupError::Timeout,
        BONAFIDE_FAILURE_SERVFAIL => LookupError::ServFail,
        BONAFIDE_FAILURE_REFUSED => LookupError::Refused,
        BONAFIDE_FAILURE_BOGUS => LookupError::Bogus,
        BONAFIDE_FAILURE_CONNECTION
        | BONAFIDE_FAILURE_TLS
        | BONAFIDE_FAILURE_CERTIFICATE
        | BONAFIDE_FAILURE_OTHER => LookupError::Other("the resolver failed".into()),
    }
}

fn fetch_error(failure: bonafide_failure) -> FetchError {
    match failure {
        BONAFIDE_FAILURE_TIMEOUT => FetchError::Timeout,
        BONAFIDE_FAILURE_CONNECTION => FetchError::Connection("the caller says so".into()),
        BONAFIDE_FAILURE_TLS => FetchError::Tls("the caller says so".into()),
        BONAFIDE_FAILURE_CERTIFICATE => FetchError::Certificate("the caller says so".into()),
        BONAFIDE_FAILURE_SERVFAIL
        | BONAFIDE_FAILURE_REFUSED
        | BONAFIDE_FAILURE_BOGUS
        | BONAFIDE_FAILURE_OTHER => FetchError::Other("the fetcher failed".into()),
    }
}

/// Reads RDATA whose names are not compressed; `None` if it is not of the type.
fn record_data(record_type: RecordType, data: &[u8]) -> Option<RecordData> {
    Some(match record_type {
        RecordType::A => RecordData::A(<[u8; 4]>::try_from(data).ok()?.into()),
        RecordType::Aaaa => RecordData::Aaaa(<[u8; 16]>::try_from(data).ok()?.into()),
        RecordType::Mx => {
            let (preference, exchange) = data.split_first_chunk()?;
            let preference = u16::from_be_bytes(*preference);
            RecordData::Mx { preference, exchange: name(exchange)? }
        }
        RecordType::Ptr => RecordData::Ptr(name(data)?),
        RecordType::Tlsa => {
            let ([usage, selector, matching], data) = data.split_first_chunk()?;
            let (usage, selector, matching) = (*usage, *selector, *matching);
            RecordData::Tlsa { usage, selector, matching, data: data.into() }
        }
        RecordType::Txt => RecordData::Txt(dns::Text::new(counted(data)?)),
    })
}

/// The labels of a name up to its root.
fn name(data: &[u8]) -> Option<Name> {
    let mut labels = counted(data)?;
    labels.pop().filter(|root| root.is_empty())?;
    Name::from_labels(labels).ok()
}

/// Strings, each behind an octet with its length.
fn counted(mut data: &[u8]) -> Option<Vec<&[u8]>> {
    let mut strings = Vec::new();
    while let Some((length, rest)) = data.split_first() {
        let (string, behind) = rest.split_at_checked(usize::from(*length))?;
        strings.push(string);
        data = behind;
    }
    Some(strings)
}
