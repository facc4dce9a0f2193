//! One message as it arrives.

use std::ffi::{c_char, c_void};
use std::sync::Arc;

use super::authenticator::{bonafide_authenticator, bonafide_envelope, envelope};
use super::boundary::{self, Failure, give, guard, handle, handle_mut, octets, slot, text};
use super::evaluation::{Kind, Outcome, bonafide_evaluation};
use super::library::bonafide_status;
use super::library::bonafide_status::{BONAFIDE_OK, BONAFIDE_WAITING};
use super::report::bonafide_report;
use crate::authenticator::{HeaderReader, Session, field_octets};
use crate::dkim::{self, Verifier};
use crate::evaluation::Evaluation;
use crate::message::Header;
use crate::time::UnixTime;

/// One message that is authenticated, from its first octet to its report.
#[derive(Debug)]
pub struct bonafide_session {
    stage: Stage,
    /// What its evaluations are known by.
    own: Arc<()>,
}

#[derive(Debug)]
enum Stage {
    /// Everything.
    Whole(Box<Session>),
    /// DKIM alone, and the header is being read.
    Header {
        reader: HeaderReader,
        options: dkim::Options,
        now: UnixTime,
    },
    /// DKIM alone, and the body arrives.
    Body(Box<Verifier>),
    Finished,
}

impl bonafide_session {
    fn write(&mut self, chunk: &[u8]) -> Result<(), Failure> {
        match &mut self.stage {
            Stage::Whole(session) => session.write(chunk),
            Stage::Body(verifier) => verifier.body(chunk),
            Stage::Header { reader, .. } => {
                let end = reader.write(chunk);
                if reader.is_at_end {
                    self.end_header()?;
                    return self.write(chunk.get(end..).unwrap_or_default());
                }
            }
            Stage::Finished => return Err(finished()),
        }
        Ok(())
    }

    fn field(&mut self, name: &[u8], value: &[u8]) -> Result<(), Failure> {
        if self.is_header_complete()? {
            return Err(Failure::order("the header is complete already"));
        }
        match &mut self.stage {
            Stage::Whole(session) => {
                session.field(name, value);
                Ok(())
            }
            _ => self.write(&field_octets(name, value)),
        }
    }

    fn end_header(&mut self) -> Result<(), Failure> {
        match &mut self.stage {
            Stage::Whole(session) => session.end_header(),
            Stage::Header { reader, options, now } => {
                let header = Header::parse(&reader.octets);
                let verifier = Verifier::new(&header, options, *now);
                self.stage = Stage::Body(Box::new(verifier));
            }
            Stage::Body(_) => {}
            Stage::Finished => return Err(finished()),
        }
        Ok(())
    }

    fn is_header_complete(&self) -> Result<bool, Failure> {
        match &self.stage {
            Stage::Whole(session) => Ok(session.header_complete()),
            Stage::Header { .. } => Ok(false),
            Stage::Body(_) => Ok(true),
            Stage::Finished => Err(finished()),
        }
    }

    fn lookups(&self) -> Result<bonafide_evaluation, Failure> {
        let (kind, evaluation) = match &self.stage {
            Stage::Whole(session) if session.header_complete() => {
                let make = |io| {
                    let lookups = session.lookups(io);
                    async { Outcome::Lookups(Box::new(lookups.await)) }
                };
                (Kind::Lookups, Evaluation::new(make))
            }
            Stage::Body(verifier) => {
                let make = |io| {
                    let keys = verifier.keys(io);
                    async { Outcome::Keys(keys.await) }
                };
                (Kind::Keys, Evaluation::new(make))
            }
            Stage::Whole(_) | Stage::Header { .. } => {
                return Err(Failure::order("the header is not complete"));
            }
            Stage::Finished => return Err(finished()),
        };
        Ok(bonafide_evaluation::new(kind, Arc::clone(&self.own), evaluation))
    }

    /// `None` while answers are missing.
    fn finish(
        &mut self,
        evaluation: &mut bonafide_evaluation,
    ) -> Result<Option<bonafide_report>, Failure> {
        let kind = match &self.stage {
            Stage::Whole(_) => Kind::Lookups,
            Stage::Header { .. } | Stage::Body(_) => Kind::Keys,
            Stage::Finished => return Err(finished()),
        };
        if !Arc::ptr_eq(&self.own, &evaluation.owner) {
            return Err(foreign());
        }
        let Some(outcome) = evaluation.finish(kind)? else { return Ok(None) };
        match (std::mem::replace(&mut self.stage, Stage::Finished), outcome) {
            (Stage::Whole(session), Outcome::Lookups(lookups)) => {
                let report = session.finish(*lookups).map_err(|_| foreign())?;
                Ok(Some(bonafide_report::whole(&report)))
            }
            (Stage::Body(verifier), Outcome::Keys(keys)) => {
                let verdicts = verifier.finish(keys).map_err(|_| foreign())?;
                Ok(Some(bonafide_report::dkim(&verdicts)))
            }
            _ => Err(foreign()),
        }
    }
}

fn finished() -> Failure {
    Failure::order("the session is finished already")
}

fn foreign() -> Failure {
    Failure::order("the evaluation is another session's")
}

/// SESSION: one message, as it arrives. Header first; then what the DNS must answer is known, and
/// can be asked while the body arrives; then the report, which waits for nothing. Memory does not
/// grow with the body.
///
/// Begins with a message that is authenticated by everything: SPF, DKIM and DMARC. `envelope` may
/// be NULL if nothing is known of the transaction. `now` is the time in seconds since 1970,
/// time(NULL). Free the session with bonafide_session_free(), finished or not.
///
/// BONAFIDE_INVALID: the address has neither 4 nor 16 octets.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bonafide_session_new(
    authenticator: *const bonafide_authenticator,
    envelope: *const bonafide_envelope,
    now: u64,
    session: *mut *mut bonafide_session,
) -> bonafide_status {
    guard(|| {
        // SAFETY: a handle, an envelope and a result, as the rules say.
        let (authenticator, slot, envelope) = unsafe {
            let authenticator = handle(authenticator, "authenticator")?;
            (authenticator, slot(session, "session")?, self::envelope(envelope)?)
        };
        let session = authenticator.authenticator.session(envelope, UnixTime(now));
        let stage = Stage::Whole(Box::new(session));
        give(slot, bonafide_session { stage, own: Arc::new(()) })
    })
}

/// Begins with a message of which only the DKIM signatures are verified: the report has nothing but
/// them.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bonafide_session_new_dkim(
    authenticator: *const bonafide_authenticator,
    now: u64,
    session: *mut *mut bonafide_session,
) -> bonafide_status {
    guard(|| {
        // SAFETY: a handle and a result, as the rules say.
        let (authenticator, slot) =
            unsafe { (handle(authenticator, "authenticator")?, slot(session, "session")?) };
        let options = authenticator.authenticator.options().dkim.clone();
        let reader = HeaderReader::new(options.limits.header_octets);
        let stage = Stage::Header { reader, options, now: UnixTime(now) };
        give(slot, bonafide_session { stage, own: Arc::new(()) })
    })
}

/// The next octets of the message in any split, header and body, with CRLF line ends and without
/// the dots of SMTP; the end of the header is found. For callers of bonafide_session_field(): the
/// next octets of the body, behind bonafide_session_end_header().
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bonafide_session_write(
    session: *mut bonafide_session,
    data: *const c_void,
    length: usize,
) -> bonafide_status {
    guard(|| {
        // SAFETY: a handle and octets, as the rules say.
        let (session, data) =
            unsafe { (handle_mut(session, "session")?, octets(data, length, "data")?) };
        session.write(data)?;
        Ok(BONAFIDE_OK)
    })
}

/// The next field of the header, as a milter gets it: `value` is everything behind the colon, the
/// space in front of it too if there is one, folds with LF or CRLF, without the line end behind it.
/// Signatures may depend on that space: a milter asks its server to leave it (SMFIP_HDR_LEADSPC).
///
/// BONAFIDE_ORDER: the header is complete already.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bonafide_session_field(
    session: *mut bonafide_session,
    name: *const c_char,
    name_length: usize,
    value: *const c_char,
    value_length: usize,
) -> bonafide_status {
    guard(|| {
        // SAFETY: a handle and texts, as the rules say.
        let (session, name, value) = unsafe {
            let name = text(name, name_length, "name")?;
            (handle_mut(session, "session")?, name, text(value, value_length, "value")?)
        };
        session.field(name, value)?;
        Ok(BONAFIDE_OK)
    })
}

/// The end of the header, for callers of bonafide_session_field(), and for messages that end before
/// their header does. Where the header is complete already, nothing happens.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bonafide_session_end_header(
    session: *mut bonafide_session,
) -> bonafide_status {
    guard(|| {
        // SAFETY: a handle, as the rules say.
        unsafe { handle_mut(session, "session")? }.end_header()?;
        Ok(BONAFIDE_OK)
    })
}

/// Whether the header is complete, so that bonafide_session_lookups() may be called: BONAFIDE_OK,
/// or BONAFIDE_WAITING.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bonafide_session_header_complete(
    session: *const bonafide_session,
) -> bonafide_status {
    guard(|| {
        // SAFETY: a handle, as the rules say.
        let is_complete = unsafe { handle(session, "session")? }.is_header_complete()?;
        Ok(if is_complete { BONAFIDE_OK } else { BONAFIDE_WAITING })
    })
}

/// Makes the evaluation that asks for all that the DNS must answer, everything at once and each
/// question once. It can be stepped while the body arrives, and by another thread. Free it with
/// bonafide_evaluation_free().
///
/// BONAFIDE_ORDER: the header is not complete.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bonafide_session_lookups(
    session: *const bonafide_session,
    evaluation: *mut *mut bonafide_evaluation,
) -> bonafide_status {
    guard(|| {
        // SAFETY: a handle and a result, as the rules say.
        let (session, slot) =
            unsafe { (handle(session, "session")?, slot(evaluation, "evaluation")?) };
        give(slot, session.lookups()?)
    })
}

/// The report, when the message is written and its evaluation is done. Free it with
/// bonafide_report_free(). The session and the evaluation are finished by it, and are only to be
/// freed.
///
/// BONAFIDE_WAITING: answers are missing; nothing has changed. BONAFIDE_ORDER: the evaluation is
/// not of this session, or was finished already.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bonafide_session_finish(
    session: *mut bonafide_session,
    evaluation: *mut bonafide_evaluation,
    report: *mut *mut bonafide_report,
) -> bonafide_status {
    guard(|| {
        // SAFETY: two handles and a result, as the rules say.
        let (session, evaluation, slot) = unsafe {
            let evaluation = handle_mut(evaluation, "evaluation")?;
            (handle_mut(session, "session")?, evaluation, slot(report, "report")?)
        };
        match session.finish(evaluation)? {
            Some(report) => give(slot, report),
            None => Ok(BONAFIDE_WAITING),
        }
    })
}

/// Frees a session, finished or not; NULL is none.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bonafide_session_free(session: *mut bonafide_session) {
    // SAFETY: a handle whose last use this is.
    unsafe { boundary::free(session) }
}
