//! One verdict, by its properties.

use std::ffi::{c_char, c_int};
use std::fmt::Display;

use super::boundary::{Text, from_c, guard, handle, slot};
use super::library::bonafide_status::{BONAFIDE_ABSENT, BONAFIDE_OK};
use super::library::{bonafide_status, bonafide_text};
use crate::arc::{self, ArcResult};
use crate::dkim::{self, DkimResult};
use crate::dmarc::{self, DmarcResult};
use crate::domain::Domain;
use crate::spf::{self, SpfResult};

/// What became of one thing that was checked, and why. It belongs to a report, and is not freed.
#[derive(Debug)]
pub struct bonafide_verdict {
    result: bonafide_result,
    line: Text,
    texts: Vec<(bonafide_property, Text)>,
    numbers: Vec<(bonafide_property, u64)>,
}

/// A result, in the words of RFC 8601. Not every method has each of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(C)]
#[non_exhaustive]
pub enum bonafide_result {
    /// There is nothing to check: no record, no signature.
    BONAFIDE_RESULT_NONE = 0,
    /// It is authentic.
    BONAFIDE_RESULT_PASS = 1,
    /// It is not.
    BONAFIDE_RESULT_FAIL = 2,
    /// SPF: probably not.
    BONAFIDE_RESULT_SOFTFAIL = 3,
    /// Nothing can be said of it.
    BONAFIDE_RESULT_NEUTRAL = 4,
    /// DKIM: a signature that verified or might have, and that local policy does not accept.
    BONAFIDE_RESULT_POLICY = 5,
    /// Nobody could say just now; a later attempt may give a result.
    BONAFIDE_RESULT_TEMPERROR = 6,
    /// It cannot be evaluated, and a later attempt will not help.
    BONAFIDE_RESULT_PERMERROR = 7,
}

use bonafide_result::{
    BONAFIDE_RESULT_FAIL, BONAFIDE_RESULT_NEUTRAL, BONAFIDE_RESULT_NONE, BONAFIDE_RESULT_PASS,
    BONAFIDE_RESULT_PERMERROR, BONAFIDE_RESULT_POLICY, BONAFIDE_RESULT_SOFTFAIL,
    BONAFIDE_RESULT_TEMPERROR,
};

from_c!(bonafide_result: BONAFIDE_RESULT_NONE, BONAFIDE_RESULT_PASS, BONAFIDE_RESULT_FAIL, BONAFIDE_RESULT_SOFTFAIL,
    BONAFIDE_RESULT_NEUTRAL, BONAFIDE_RESULT_POLICY, BONAFIDE_RESULT_TEMPERROR, BONAFIDE_RESULT_PERMERROR);

/// What can be asked of a verdict: those from 1 with bonafide_verdict_text(), those from 100 with
/// bonafide_verdict_number().
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(C)]
#[non_exhaustive]
pub enum bonafide_property {
    /// Why the result is no pass, in English. What strangers wrote is quoted.
    BONAFIDE_PROPERTY_CAUSE = 1,
    /// The domain that the verdict is about: of MAIL FROM or HELO, d=, the last sealer, or that of
    /// the author.
    BONAFIDE_PROPERTY_DOMAIN = 2,
    /// SPF: the term that decided, and the record that it stands in.
    BONAFIDE_PROPERTY_MATCHED = 3,
    /// SPF: what the domain says about a fail, one line of printable ASCII; the words of a
    /// stranger.
    BONAFIDE_PROPERTY_EXPLANATION = 4,
    /// SPF: the enhanced status code for a reply, if the receiver refuses for this result (RFC
    /// 7372).
    BONAFIDE_PROPERTY_SMTP_ENHANCED = 5,
    /// DKIM: s=.
    BONAFIDE_PROPERTY_SELECTOR = 6,
    /// DKIM: i=.
    BONAFIDE_PROPERTY_IDENTITY = 7,
    /// DKIM: a=.
    BONAFIDE_PROPERTY_ALGORITHM = 8,
    /// DKIM: the names of the fields that are signed, in lower case, with colons between them.
    BONAFIDE_PROPERTY_SIGNED_FIELDS = 9,
    /// DMARC: what is asked for messages that fail, "none", "quarantine" or "reject", before t=.
    BONAFIDE_PROPERTY_POLICY = 10,
    /// DMARC: what is asked for this message: "none", "quarantine" or "reject".
    BONAFIDE_PROPERTY_DISPOSITION = 11,
    /// DMARC: the organizational domain of the author.
    BONAFIDE_PROPERTY_ORGANIZATIONAL_DOMAIN = 12,
    /// DMARC: the domain whose record applies.
    BONAFIDE_PROPERTY_RECORD_DOMAIN = 13,
    /// DMARC: the record.
    BONAFIDE_PROPERTY_RECORD = 14,
    /// ARC: d= of the seals, the first set first, with spaces between them.
    BONAFIDE_PROPERTY_SEALERS = 15,
    /// 1 if DNSSEC authenticated what the verdict rests on; SPF and DMARC.
    BONAFIDE_PROPERTY_AUTHENTIC = 100,
    /// SPF: terms that asked the DNS.
    BONAFIDE_PROPERTY_LOOKUPS = 101,
    /// SPF: terms whose question had no answer.
    BONAFIDE_PROPERTY_VOID_LOOKUPS = 102,
    /// SPF: the code for a reply, if the receiver refuses for this result: 550 or 451.
    BONAFIDE_PROPERTY_SMTP_CODE = 103,
    /// SPF: seconds for which the same client and domain have the same verdict.
    BONAFIDE_PROPERTY_LIFETIME = 104,
    /// DKIM: the place of the field in the header, from the top, the first being 0.
    BONAFIDE_PROPERTY_POSITION = 105,
    /// DKIM: bits of the key.
    BONAFIDE_PROPERTY_KEY_BITS = 106,
    /// DKIM and DMARC: 1 if the domain says that it is testing (t=y).
    BONAFIDE_PROPERTY_TESTING = 107,
    /// DKIM: t=, seconds since 1970.
    BONAFIDE_PROPERTY_TIMESTAMP = 108,
    /// DKIM: x=, seconds since 1970.
    BONAFIDE_PROPERTY_EXPIRATION = 109,
    /// DKIM: octets of the canonical body behind the end of l=, which anybody may have put there.
    BONAFIDE_PROPERTY_UNSIGNED_BODY_OCTETS = 110,
    /// DMARC: 1 if SPF passed for an aligned domain.
    BONAFIDE_PROPERTY_SPF_ALIGNED = 111,
    /// DMARC: 1 if a signature passed for an aligned domain.
    BONAFIDE_PROPERTY_DKIM_ALIGNED = 112,
    /// ARC: the number of sets, which is the highest instance.
    BONAFIDE_PROPERTY_INSTANCES = 113,
    /// ARC: 1 if a failed lookup broke the chain, so that a later attempt may give another result.
    BONAFIDE_PROPERTY_TEMPORARY = 114,
}

#[allow(clippy::enum_glob_use, reason = "all of them are named below")]
use bonafide_property::*;

from_c!(bonafide_property: BONAFIDE_PROPERTY_CAUSE, BONAFIDE_PROPERTY_DOMAIN, BONAFIDE_PROPERTY_MATCHED,
    BONAFIDE_PROPERTY_EXPLANATION, BONAFIDE_PROPERTY_SMTP_ENHANCED, BONAFIDE_PROPERTY_SELECTOR,
    BONAFIDE_PROPERTY_IDENTITY, BONAFIDE_PROPERTY_ALGORITHM, BONAFIDE_PROPERTY_SIGNED_FIELDS,
    BONAFIDE_PROPERTY_POLICY, BONAFIDE_PROPERTY_DISPOSITION, BONAFIDE_PROPERTY_ORGANIZATIONAL_DOMAIN,
    BONAFIDE_PROPERTY_RECORD_DOMAIN, BONAFIDE_PROPERTY_RECORD, BONAFIDE_PROPERTY_AUTHENTIC,
    BONAFIDE_PROPERTY_LOOKUPS, BONAFIDE_PROPERTY_VOID_LOOKUPS, BONAFIDE_PROPERTY_SMTP_CODE,
    BONAFIDE_PROPERTY_LIFETIME, BONAFIDE_PROPERTY_POSITION, BONAFIDE_PROPERTY_KEY_BITS,
    BONAFIDE_PROPERTY_TESTING, BONAFIDE_PROPERTY_TIMESTAMP, BONAFIDE_PROPERTY_EXPIRATION,
    BONAFIDE_PROPERTY_UNSIGNED_BODY_OCTETS, BONAFIDE_PROPERTY_SPF_ALIGNED, BONAFIDE_PROPERTY_DKIM_ALIGNED,
    BONAFIDE_PROPERTY_SEALERS, BONAFIDE_PROPERTY_INSTANCES, BONAFIDE_PROPERTY_TEMPORARY);

impl bonafide_verdict {
    fn new(result: bonafide_result, line: impl Display) -> Self {
        let line = Text::new(line.to_string());
        Self { result, line, texts: Vec::new(), numbers: Vec::new() }
    }

    fn text(mut self, property: bonafide_property, value: Option<impl Display>) -> Self {
        self.texts.extend(value.map(|value| (property, Text::new(value.to_string()))));
        self
    }

    fn number(mut self, property: bonafide_property, value: Option<u64>) -> Self {
        self.numbers.extend(value.map(|value| (property, value)));
        self
    }

    pub(super) fn spf(verdict: &spf::Verdict) -> Self {
        let result = match verdict.result {
            SpfResult::None => BONAFIDE_RESULT_NONE,
            SpfResult::Neutral => BONAFIDE_RESULT_NEUTRAL,
            SpfResult::Pass => BONAFIDE_RESULT_PASS,
            SpfResult::Fail => BONAFIDE_RESULT_FAIL,
            SpfResult::SoftFail => BONAFIDE_RESULT_SOFTFAIL,
            SpfResult::TempError => BONAFIDE_RESULT_TEMPERROR,
            SpfResult::PermError => BONAFIDE_RESULT_PERMERROR,
        };
        let codes = verdict.result.smtp_codes();
        let explanation = verdict.explanation.as_ref().map(|explanation| explanation.text());
        Self::new(result, verdict)
            .text(BONAFIDE_PROPERTY_CAUSE, verdict.cause.as_ref())
            .text(BONAFIDE_PROPERTY_DOMAIN, verdict.domain.as_ref())
            .text(BONAFIDE_PROPERTY_MATCHED, verdict.matched.as_ref())
            .text(BONAFIDE_PROPERTY_EXPLANATION, explanation)
            .text(BONAFIDE_PROPERTY_SMTP_ENHANCED, codes.map(|(_, enhanced)| enhanced))
            .number(BONAFIDE_PROPERTY_AUTHENTIC, Some(verdict.authentic.into()))
            .number(BONAFIDE_PROPERTY_LOOKUPS, u64::try_from(verdict.lookups).ok())
            .number(BONAFIDE_PROPERTY_VOID_LOOKUPS, u64::try_from(verdict.void_lookups).ok())
            .number(BONAFIDE_PROPERTY_SMTP_CODE, codes.map(|(code, _)| code.into()))
            .number(BONAFIDE_PROPERTY_LIFETIME, verdict.lifetime.map(u64::from))
    }

    pub(super) fn dkim(verdict: &dkim::Verdict) -> Self {
        let result = match verdict.result {
            DkimResult::Pass => BONAFIDE_RESULT_PASS,
            DkimResult::Fail => BONAFIDE_RESULT_FAIL,
            DkimResult::Policy => BONAFIDE_RESULT_POLICY,
            DkimResult::Neutral => BONAFIDE_RESULT_NEUTRAL,
            DkimResult::TempError => BONAFIDE_RESULT_TEMPERROR,
            DkimResult::PermError => BONAFIDE_RESULT_PERMERROR,
        };
        let fields = Some(&verdict.signed_fields).filter(|fields| !fields.is_empty());
        Self::new(result, verdict)
            .text(BONAFIDE_PROPERTY_CAUSE, verdict.cause.as_ref())
            .text(BONAFIDE_PROPERTY_DOMAIN, verdict.domain.as_ref())
            .text(BONAFIDE_PROPERTY_SELECTOR, verdict.selector.as_ref())
            .text(BONAFIDE_PROPERTY_IDENTITY, verdict.identity.as_ref())
            .text(BONAFIDE_PROPERTY_ALGORITHM, verdict.algorithm.as_ref())
            .text(BONAFIDE_PROPERTY_SIGNED_FIELDS, fields)
            .number(BONAFIDE_PROPERTY_POSITION, u64::try_from(verdict.position).ok())
            .number(BONAFIDE_PROPERTY_KEY_BITS, verdict.key_bits.map(u64::from))
            .number(BONAFIDE_PROPERTY_TESTING, Some(verdict.testing.into()))
            .number(BONAFIDE_PROPERTY_TIMESTAMP, verdict.timestamp.map(|time| time.0))
            .number(BONAFIDE_PROPERTY_EXPIRATION, verdict.expiration.map(|time| time.0))
            .number(BONAFIDE_PROPERTY_UNSIGNED_BODY_OCTETS, Some(verdict.unsigned_body_octets))
    }

    pub(super) fn arc(verdict: &arc::Verdict) -> Self {
        let result = match verdict.result {
            ArcResult::None => BONAFIDE_RESULT_NONE,
            ArcResult::Pass => BONAFIDE_RESULT_PASS,
            ArcResult::Fail => BONAFIDE_RESULT_FAIL,
        };
        let sealers: Vec<_> = verdict.sealers.iter().map(Domain::as_str).collect();
        let cause = verdict.cause.as_ref();
        Self::new(result, verdict)
            .text(BONAFIDE_PROPERTY_CAUSE, cause)
            .text(BONAFIDE_PROPERTY_DOMAIN, verdict.sealers.last())
            .text(BONAFIDE_PROPERTY_SEALERS, Some(sealers.join(" ")).filter(|all| !all.is_empty()))
            .number(BONAFIDE_PROPERTY_INSTANCES, Some(verdict.instances.into()))
            .number(BONAFIDE_PROPERTY_TEMPORARY, cause.map(|cause| cause.is_temporary().into()))
    }

    pub(super) fn dmarc(verdict: &dmarc::Verdict) -> Self {
        let result = match verdict.result {
            DmarcResult::Fail => BONAFIDE_RESULT_FAIL,
            DmarcResult::None => BONAFIDE_RESULT_NONE,
            DmarcResult::Pass => BONAFIDE_RESULT_PASS,
            DmarcResult::PermError => BONAFIDE_RESULT_PERMERROR,
            DmarcResult::TempError => BONAFIDE_RESULT_TEMPERROR,
        };
        let organizational = verdict.organizational_domain.as_ref();
        Self::new(result, verdict)
            .text(BONAFIDE_PROPERTY_CAUSE, verdict.cause.as_ref())
            .text(BONAFIDE_PROPERTY_DOMAIN, verdict.author_domain.as_ref())
            .text(BONAFIDE_PROPERTY_POLICY, verdict.policy)
            .text(BONAFIDE_PROPERTY_DISPOSITION, verdict.disposition)
            .text(BONAFIDE_PROPERTY_ORGANIZATIONAL_DOMAIN, organizational)
            .text(BONAFIDE_PROPERTY_RECORD_DOMAIN, verdict.record_domain.as_ref())
            .text(BONAFIDE_PROPERTY_RECORD, verdict.record.as_ref())
            .number(BONAFIDE_PROPERTY_AUTHENTIC, Some(verdict.authentic.into()))
            .number(BONAFIDE_PROPERTY_TESTING, Some(verdict.testing.into()))
            .number(BONAFIDE_PROPERTY_SPF_ALIGNED, Some(verdict.spf_aligned.into()))
            .number(BONAFIDE_PROPERTY_DKIM_ALIGNED, Some(verdict.dkim_aligned.into()))
    }
}

/// VERDICT: what became of one thing that was checked.
///
/// Writes the result.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bonafide_verdict_result(
    verdict: *const bonafide_verdict,
    result: *mut bonafide_result,
) -> bonafide_status {
    guard(|| {
        // SAFETY: a part of a report and a result, as the rules say.
        let (verdict, slot) = unsafe { (handle(verdict, "verdict")?, slot(result, "result")?) };
        slot.write(verdict.result);
        Ok(BONAFIDE_OK)
    })
}

/// The word for a result, such as "pass"; never NULL, for numbers that are no result too.
#[unsafe(no_mangle)]
pub extern "C" fn bonafide_result_text(result: c_int) -> *const c_char {
    let text = match bonafide_result::from_c(result) {
        Ok(BONAFIDE_RESULT_NONE) => c"none",
        Ok(BONAFIDE_RESULT_PASS) => c"pass",
        Ok(BONAFIDE_RESULT_FAIL) => c"fail",
        Ok(BONAFIDE_RESULT_SOFTFAIL) => c"softfail",
        Ok(BONAFIDE_RESULT_NEUTRAL) => c"neutral",
        Ok(BONAFIDE_RESULT_POLICY) => c"policy",
        Ok(BONAFIDE_RESULT_TEMPERROR) => c"temperror",
        Ok(BONAFIDE_RESULT_PERMERROR) => c"permerror",
        Err(_) => c"unknown",
    };
    text.as_ptr()
}

/// The whole verdict in one line, for logs.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bonafide_verdict_line(
    verdict: *const bonafide_verdict,
    line: *mut bonafide_text,
) -> bonafide_status {
    guard(|| {
        // SAFETY: a part of a report and a result, as the rules say.
        let (verdict, slot) = unsafe { (handle(verdict, "verdict")?, slot(line, "line")?) };
        slot.write(verdict.line.view());
        Ok(BONAFIDE_OK)
    })
}

/// A property that is a text. BONAFIDE_ABSENT: this verdict has none. BONAFIDE_INVALID: no property
/// is known by that number.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bonafide_verdict_text(
    verdict: *const bonafide_verdict,
    property: c_int,
    value: *mut bonafide_text,
) -> bonafide_status {
    guard(|| {
        // SAFETY: a part of a report and a result, as the rules say.
        let (verdict, slot) = unsafe { (handle(verdict, "verdict")?, slot(value, "value")?) };
        let property = bonafide_property::from_c(property)?;
        let Some((_, text)) = verdict.texts.iter().find(|(known, _)| *known == property) else {
            return Ok(BONAFIDE_ABSENT);
        };
        slot.write(text.view());
        Ok(BONAFIDE_OK)
    })
}

/// A property that is a number. BONAFIDE_ABSENT: this verdict has none. BONAFIDE_INVALID: no
/// property is known by that number.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bonafide_verdict_number(
    verdict: *const bonafide_verdict,
    property: c_int,
    value: *mut u64,
) -> bonafide_status {
    guard(|| {
        // SAFETY: a part of a report and a result, as the rules say.
        let (verdict, slot) = unsafe { (handle(verdict, "verdict")?, slot(value, "value")?) };
        let property = bonafide_property::from_c(property)?;
        let Some((_, number)) = verdict.numbers.iter().find(|(known, _)| *known == property) else {
            return Ok(BONAFIDE_ABSENT);
        };
        slot.write(*number);
        Ok(BONAFIDE_OK)
    })
}
