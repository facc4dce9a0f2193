//! SPF alone.

use std::sync::Arc;

use super::authenticator::{bonafide_authenticator, bonafide_envelope, envelope};
use super::boundary::{Failure, give, guard, handle, handle_mut, slot};
use super::evaluation::{Kind, Outcome, bonafide_evaluation};
use super::library::bonafide_status;
use super::library::bonafide_status::BONAFIDE_WAITING;
use super::report::bonafide_report;
use crate::authenticator::Envelope;
use crate::evaluation::Evaluation;
use crate::spf::{self, Query};
use crate::time::UnixTime;

/// SPF: the envelope alone, as soon as MAIL FROM is known.
///
/// Makes the evaluation of HELO and MAIL FROM (RFC 7208). Step it, take the report with
/// bonafide_spf_finish(), and free it with bonafide_evaluation_free(). `now` is the time in seconds
/// since 1970.
///
/// BONAFIDE_INVALID: the envelope has no address of 4 or 16 octets.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bonafide_spf_check(
    authenticator: *const bonafide_authenticator,
    envelope: *const bonafide_envelope,
    now: u64,
    evaluation: *mut *mut bonafide_evaluation,
) -> bonafide_status {
    guard(|| {
        // SAFETY: two handles, an envelope and a result, as the rules say.
        let (authenticator, envelope, slot) = unsafe {
            let authenticator = handle(authenticator, "authenticator")?;
            handle(envelope, "envelope")?;
            (authenticator, self::envelope(envelope)?, slot(evaluation, "evaluation")?)
        };
        let Envelope { ip: Some(ip), helo, mail_from } = envelope else {
            return Err(Failure::invalid("the address of the client is not known"));
        };
        let authserv_id = authenticator.authenticator.authserv_id().to_owned();
        let options = authenticator.authenticator.options().spf.clone();
        let make = |io| async move {
            let query = Query::new(ip, &helo, &mail_from);
            let verdicts = spf::check_host(&query, &options, &io, UnixTime(now)).await;
            let report = bonafide_report::spf(&verdicts, &query, &authserv_id);
            Outcome::Spf(Box::new(report))
        };
        let evaluation = Evaluation::new(make);
        give(slot, bonafide_evaluation::new(Kind::Spf, Arc::new(()), evaluation))
    })
}

/// The report of an evaluation that bonafide_spf_check() made, with the two verdicts of SPF and
/// Received-SPF. Free it with bonafide_report_free(). The evaluation is finished by it.
///
/// BONAFIDE_WAITING: answers are missing; nothing has changed. BONAFIDE_ORDER: the evaluation is of
/// another kind, or was finished already.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bonafide_spf_finish(
    evaluation: *mut bonafide_evaluation,
    report: *mut *mut bonafide_report,
) -> bonafide_status {
    guard(|| {
        // SAFETY: a handle and a result, as the rules say.
        let (evaluation, slot) =
            unsafe { (handle_mut(evaluation, "evaluation")?, slot(report, "report")?) };
        match evaluation.finish(Kind::Spf)? {
            Some(Outcome::Spf(report)) => give(slot, *report),
            Some(_) => Err(Failure::order("the evaluation is of another kind")),
            None => Ok(BONAFIDE_WAITING),
        }
    })
}
