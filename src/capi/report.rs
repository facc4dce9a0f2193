//! What is known of a message in the end.

use std::ffi::c_int;

use super::boundary::{self, Failure, Text, from_c, guard, handle, slot};
use super::library::bonafide_status::{BONAFIDE_ABSENT, BONAFIDE_OK};
use super::library::{bonafide_status, bonafide_text};
use super::verdict::bonafide_verdict;
use crate::arc::{self, AuthresPayload};
use crate::authenticator::Report;
use crate::dkim;
use crate::message::Defects;
use crate::spf::{Query, ReceivedSpf, Verdicts};

/// What is known of a message in the end: a verdict for each thing that was checked.
///
/// It never changes. All that it gives is valid until it is freed.
#[derive(Debug, Default)]
pub struct bonafide_report {
    spf: Option<bonafide_verdict>,
    spf_helo: Option<bonafide_verdict>,
    dkim: Vec<bonafide_verdict>,
    arc: Option<bonafide_verdict>,
    dmarc: Option<bonafide_verdict>,
    policy_override: Option<Text>,
    pub(super) findings: Option<Box<Findings>>,
    reply: Option<(c_int, Text)>,
    authentication_results: Option<GeneratedField>,
    received_spf: Option<GeneratedField>,
    defects: Option<Defects>,
}

/// What a sealer says of a message.
#[derive(Clone, Debug)]
pub(super) struct Findings {
    pub(super) results: AuthresPayload,
    pub(super) chain: arc::Verdict,
}

/// A field that the library made, in both kinds of line ends.
#[derive(Debug)]
pub(super) struct GeneratedField {
    name: Text,
    /// With the space behind the colon, without the last line end.
    crlf: Text,
    lf: Text,
}

/// The line ends in the folds of a field that the library gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(C)]
#[non_exhaustive]
pub enum bonafide_line_end {
    /// CRLF, as in a message on the wire.
    BONAFIDE_LINE_END_CRLF = 0,
    /// LF, as milters want it.
    BONAFIDE_LINE_END_LF = 1,
}

use bonafide_line_end::{BONAFIDE_LINE_END_CRLF, BONAFIDE_LINE_END_LF};

from_c!(bonafide_line_end: BONAFIDE_LINE_END_CRLF, BONAFIDE_LINE_END_LF);

/// What may be wrong with the octets of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(C)]
#[non_exhaustive]
pub enum bonafide_defect {
    /// CR without LF.
    BONAFIDE_DEFECT_BARE_CR = 1,
    /// LF without CR: with the former, what SMTP smuggling needs (RFC 5321 section 2.3.8).
    BONAFIDE_DEFECT_BARE_LF = 2,
    /// NUL.
    BONAFIDE_DEFECT_NUL = 3,
    /// Lines of over 998 octets.
    BONAFIDE_DEFECT_LONG_LINES = 4,
    /// 1 if there is no empty line that ends the header.
    BONAFIDE_DEFECT_NO_HEADER_END = 5,
}

use bonafide_defect::{
    BONAFIDE_DEFECT_BARE_CR, BONAFIDE_DEFECT_BARE_LF, BONAFIDE_DEFECT_LONG_LINES,
    BONAFIDE_DEFECT_NO_HEADER_END, BONAFIDE_DEFECT_NUL,
};

from_c!(bonafide_defect: BONAFIDE_DEFECT_BARE_CR, BONAFIDE_DEFECT_BARE_LF, BONAFIDE_DEFECT_NUL,
    BONAFIDE_DEFECT_LONG_LINES, BONAFIDE_DEFECT_NO_HEADER_END);

impl GeneratedField {
    /// Takes a whole field, with CRLF in its folds.
    pub(super) fn new(field: &str) -> Self {
        let field = field.strip_suffix("\r\n").unwrap_or(field);
        let (name, value) = field.split_once(':').unwrap_or((field, ""));
        let lf = Text::new(value.replace("\r\n", "\n"));
        Self { name: Text::new(name), crlf: Text::new(value), lf }
    }

    pub(super) fn value(&self, line_end: bonafide_line_end) -> bonafide_text {
        match line_end {
            BONAFIDE_LINE_END_CRLF => self.crlf.view(),
            BONAFIDE_LINE_END_LF => self.lf.view(),
        }
    }

    pub(super) fn name(&self) -> bonafide_text {
        self.name.view()
    }
}

impl bonafide_report {
    pub(super) fn whole(report: &Report) -> Self {
        let reply = report.smtp_reply();
        let envelope = &report.envelope;
        let receiver = &report.authserv_id;
        let query = envelope.ip.map(|ip| Query::new(ip, &envelope.helo, &envelope.mail_from));
        let spf = report.spf.as_ref().zip(query);
        Self {
            dkim: report.dkim.iter().map(bonafide_verdict::dkim).collect(),
            arc: Some(bonafide_verdict::arc(&report.arc)),
            dmarc: Some(bonafide_verdict::dmarc(&report.dmarc)),
            policy_override: report
                .policy_override
                .as_ref()
                .map(|offer| Text::new(offer.comment.as_str())),
            findings: Some(Box::new(Findings {
                results: report.authentication_results().into(),
                chain: report.arc.clone(),
            })),
            reply: reply.map(|reply| (c_int::from(reply.code), Text::new(reply.to_string()))),
            authentication_results: {
                let field = report.authentication_results().to_field();
                Some(GeneratedField::new(&field))
            },
            defects: Some(report.defects),
            ..spf.map(|(spf, query)| Self::spf(spf, &query, receiver)).unwrap_or_default()
        }
    }

    pub(super) fn spf(verdicts: &Verdicts, query: &Query<'_>, receiver: &str) -> Self {
        let field = match query.mail_from {
            [] => ReceivedSpf::for_helo(&verdicts.helo, query, receiver),
            _ => ReceivedSpf::for_mail_from(&verdicts.mail_from, query, receiver),
        };
        Self {
            spf: Some(bonafide_verdict::spf(&verdicts.mail_from)),
            spf_helo: Some(bonafide_verdict::spf(&verdicts.helo)),
            received_spf: Some(GeneratedField::new(&field.to_string())),
            ..Self::default()
        }
    }

    pub(super) fn dkim(verdicts: &[dkim::Verdict]) -> Self {
        let dkim = verdicts.iter().map(bonafide_verdict::dkim).collect();
        Self { dkim, ..Self::default() }
    }
}

/// Writes one part of a report, if it has it.
///
/// # Safety
///
/// As the rules of `capi` say of handles and results.
unsafe fn part<T>(
    report: *const bonafide_report,
    result: *mut T,
    name: &str,
    find: impl FnOnce(&bonafide_report) -> Result<Option<T>, Failure>,
) -> bonafide_status {
    guard(|| {
        // SAFETY: a handle and a result, as the rules say.
        let (report, slot) = unsafe { (handle(report, "report")?, slot(result, name)?) };
        let Some(found) = find(report)? else { return Ok(BONAFIDE_ABSENT) };
        slot.write(found);
        Ok(BONAFIDE_OK)
    })
}

/// REPORT: what is known of a message in the end, and what follows from it.
///
/// The verdict of SPF about MAIL FROM, or about HELO for the null path. BONAFIDE_ABSENT: it was not
/// checked.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bonafide_report_spf(
    report: *const bonafide_report,
    verdict: *mut *const bonafide_verdict,
) -> bonafide_status {
    // SAFETY: as the rules say.
    unsafe { part(report, verdict, "verdict", |report| Ok(pointer(report.spf.as_ref()))) }
}

/// The verdict of SPF about HELO. BONAFIDE_ABSENT: it was not checked.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bonafide_report_spf_helo(
    report: *const bonafide_report,
    verdict: *mut *const bonafide_verdict,
) -> bonafide_status {
    // SAFETY: as the rules say.
    unsafe { part(report, verdict, "verdict", |report| Ok(pointer(report.spf_helo.as_ref()))) }
}

/// The verdict about a DKIM signature, the first of the header being 0. BONAFIDE_ABSENT: there is
/// no further one.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bonafide_report_dkim(
    report: *const bonafide_report,
    index: usize,
    verdict: *mut *const bonafide_verdict,
) -> bonafide_status {
    // SAFETY: as the rules say.
    unsafe { part(report, verdict, "verdict", |report| Ok(pointer(report.dkim.get(index)))) }
}

/// The verdict about the chain of those who handled the message before (ARC). A pass says who
/// vouches for what, and nothing by itself. BONAFIDE_ABSENT: it was not evaluated.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bonafide_report_arc(
    report: *const bonafide_report,
    verdict: *mut *const bonafide_verdict,
) -> bonafide_status {
    // SAFETY: as the rules say.
    unsafe { part(report, verdict, "verdict", |report| Ok(pointer(report.arc.as_ref()))) }
}

/// What trusted sealers say in favour of a message that DMARC fails, as a comment for aggregate
/// reports with the reason "local_policy" (RFC 8617 section 7.2): who takes that as its policy accepts
/// the message, whatever bonafide_report_smtp_code() says. BONAFIDE_ABSENT: there is no such offer,
/// as there never is without bonafide_authenticator_trust_sealer().
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bonafide_report_policy_override(
    report: *const bonafide_report,
    comment: *mut bonafide_text,
) -> bonafide_status {
    let find = |report: &bonafide_report| Ok(report.policy_override.as_ref().map(Text::view));
    // SAFETY: as the rules say.
    unsafe { part(report, comment, "comment", find) }
}

/// The verdict of DMARC. BONAFIDE_ABSENT: it was not evaluated.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bonafide_report_dmarc(
    report: *const bonafide_report,
    verdict: *mut *const bonafide_verdict,
) -> bonafide_status {
    // SAFETY: as the rules say.
    unsafe { part(report, verdict, "verdict", |report| Ok(pointer(report.dmarc.as_ref()))) }
}

/// The reply to the end of DATA that the policy of the author's domain leads to: its code, 550 to
/// refuse or 451 to defer. BONAFIDE_ABSENT: nothing stands against accepting the message. Whether
/// to send it is the caller's choice.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bonafide_report_smtp_code(
    report: *const bonafide_report,
    code: *mut c_int,
) -> bonafide_status {
    // SAFETY: as the rules say.
    unsafe { part(report, code, "code", |report| Ok(report.reply.as_ref().map(|(code, _)| *code))) }
}

/// That reply as it is sent, without the line end: "550 5.7.1 Message rejected per DMARC policy for
/// example.com". It is printable ASCII. BONAFIDE_ABSENT: as above.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bonafide_report_smtp_reply(
    report: *const bonafide_report,
    reply: *mut bonafide_text,
) -> bonafide_status {
    let find = |report: &bonafide_report| Ok(report.reply.as_ref().map(|(_, text)| text.view()));
    // SAFETY: as the rules say.
    unsafe { part(report, reply, "reply", find) }
}

/// The Authentication-Results field (RFC 8601): put it above all other fields, after those that
/// claim to be by the same authserv-id were removed (bonafide_strip_new()).
///
/// `line_end` is one of bonafide_line_end. The name is "Authentication-Results"; the value is
/// everything behind the colon, the space in front of it too, without the line end behind it.
/// BONAFIDE_ABSENT: the report is of SPF or of DKIM alone.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bonafide_report_authentication_results(
    report: *const bonafide_report,
    line_end: c_int,
    value: *mut bonafide_text,
) -> bonafide_status {
    let find = |report: &bonafide_report| {
        let line_end = bonafide_line_end::from_c(line_end)?;
        Ok(report.authentication_results.as_ref().map(|field| field.value(line_end)))
    };
    // SAFETY: as the rules say.
    unsafe { part(report, value, "value", find) }
}

/// The Received-SPF field (RFC 7208 section 9.1), for those who still want it; its name is
/// "Received-SPF". The value as for bonafide_report_authentication_results(). BONAFIDE_ABSENT: SPF
/// was not checked.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bonafide_report_received_spf(
    report: *const bonafide_report,
    line_end: c_int,
    value: *mut bonafide_text,
) -> bonafide_status {
    let find = |report: &bonafide_report| {
        let line_end = bonafide_line_end::from_c(line_end)?;
        Ok(report.received_spf.as_ref().map(|field| field.value(line_end)))
    };
    // SAFETY: as the rules say.
    unsafe { part(report, value, "value", find) }
}

/// How often a defect, one of bonafide_defect, stands in the message. A strict server refuses
/// messages with bare CR or LF. BONAFIDE_ABSENT: nobody has looked, for the report is of SPF or of
/// DKIM alone.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bonafide_report_defect(
    report: *const bonafide_report,
    defect: c_int,
    count: *mut u64,
) -> bonafide_status {
    let find = |report: &bonafide_report| {
        let defect = bonafide_defect::from_c(defect)?;
        Ok(report.defects.as_ref().map(|defects| match defect {
            BONAFIDE_DEFECT_BARE_CR => defects.bare_cr.count,
            BONAFIDE_DEFECT_BARE_LF => defects.bare_lf.count,
            BONAFIDE_DEFECT_NUL => defects.nul.count,
            BONAFIDE_DEFECT_LONG_LINES => defects.long_lines.count,
            BONAFIDE_DEFECT_NO_HEADER_END => u64::from(defects.no_header_end),
        }))
    };
    // SAFETY: as the rules say.
    unsafe { part(report, count, "count", find) }
}

/// Frees a report and all that it gave; NULL is none.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bonafide_report_free(report: *mut bonafide_report) {
    // SAFETY: a handle whose last use this is.
    unsafe { boundary::free(report) }
}

/// Valid as long as the report is.
fn pointer(verdict: Option<&bonafide_verdict>) -> Option<*const bonafide_verdict> {
    verdict.map(std::ptr::from_ref)
}
