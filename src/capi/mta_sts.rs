//! MTA-STS: what holds for deliveries to a domain, and to one of its hosts.

use std::ffi::{c_char, c_int, c_void};
use std::sync::Arc;

use super::boundary::{
    self, Failure, Text, from_c, give, guard, handle, handle_mut, octets, slot, text,
};
use super::evaluation::{Kind, Outcome, bonafide_evaluation};
use super::library::bonafide_status::{BONAFIDE_ABSENT, BONAFIDE_OK, BONAFIDE_WAITING};
use super::library::{bonafide_status, bonafide_text};
use crate::domain::Domain;
use crate::evaluation::Evaluation;
use crate::mta_sts::{
    Action, CachedPolicy, Decision, Discovery, FetchedPolicy, Mode, Policy, Record, Store, Tls,
    discover,
};
use crate::time::UnixTime;
use crate::tls_rpt::ResultType;

/// What holds for deliveries to a domain, and what a sender keeps of it between deliveries.
///
/// It never changes: any number of threads may read it at the same time while none frees it.
#[derive(Debug)]
pub struct bonafide_mta_sts {
    decision: Decision,
    cached: Option<CachedPolicy>,
    id: Option<Text>,
    policy: Option<Text>,
    cause: Option<Text>,
    report: Option<ResultType>,
}

/// What a policy asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(C)]
#[non_exhaustive]
pub enum bonafide_mode {
    /// There is no policy, or it is withdrawn: deliver as if there were no MTA-STS.
    BONAFIDE_MODE_NONE = 0,
    /// Deliver, and report what failed.
    BONAFIDE_MODE_TESTING = 1,
    /// Do not deliver to a host that fails.
    BONAFIDE_MODE_ENFORCE = 2,
}

use bonafide_mode::{BONAFIDE_MODE_ENFORCE, BONAFIDE_MODE_NONE, BONAFIDE_MODE_TESTING};

/// What became of TLS with a host; those from 2 are the failures of RFC 8460 section 4.3.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(C)]
#[non_exhaustive]
pub enum bonafide_tls {
    /// Nobody has tried: what is asked is what holds if the host authenticates itself.
    BONAFIDE_TLS_UNTRIED = 0,
    /// The host offered STARTTLS and showed a certificate that is valid for its name.
    BONAFIDE_TLS_AUTHENTICATED = 1,
    /// starttls-not-supported
    BONAFIDE_TLS_NOT_SUPPORTED = 2,
    /// certificate-host-mismatch
    BONAFIDE_TLS_CERTIFICATE_HOST_MISMATCH = 3,
    /// certificate-expired
    BONAFIDE_TLS_CERTIFICATE_EXPIRED = 4,
    /// certificate-not-trusted
    BONAFIDE_TLS_CERTIFICATE_NOT_TRUSTED = 5,
    /// validation-failure
    BONAFIDE_TLS_VALIDATION_FAILURE = 6,
    /// tlsa-invalid: a host that fails DANE is skipped, whatever the policy says.
    BONAFIDE_TLS_TLSA_INVALID = 7,
    /// dnssec-invalid
    BONAFIDE_TLS_DNSSEC_INVALID = 8,
    /// dane-required
    BONAFIDE_TLS_DANE_REQUIRED = 9,
}

use bonafide_tls::{
    BONAFIDE_TLS_AUTHENTICATED, BONAFIDE_TLS_CERTIFICATE_EXPIRED,
    BONAFIDE_TLS_CERTIFICATE_HOST_MISMATCH, BONAFIDE_TLS_CERTIFICATE_NOT_TRUSTED,
    BONAFIDE_TLS_DANE_REQUIRED, BONAFIDE_TLS_DNSSEC_INVALID, BONAFIDE_TLS_NOT_SUPPORTED,
    BONAFIDE_TLS_TLSA_INVALID, BONAFIDE_TLS_UNTRIED, BONAFIDE_TLS_VALIDATION_FAILURE,
};

from_c!(bonafide_tls: BONAFIDE_TLS_UNTRIED, BONAFIDE_TLS_AUTHENTICATED, BONAFIDE_TLS_NOT_SUPPORTED,
    BONAFIDE_TLS_CERTIFICATE_HOST_MISMATCH, BONAFIDE_TLS_CERTIFICATE_EXPIRED, BONAFIDE_TLS_CERTIFICATE_NOT_TRUSTED,
    BONAFIDE_TLS_VALIDATION_FAILURE, BONAFIDE_TLS_TLSA_INVALID, BONAFIDE_TLS_DNSSEC_INVALID,
    BONAFIDE_TLS_DANE_REQUIRED);

/// What to do with a host.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(C)]
#[non_exhaustive]
pub enum bonafide_action {
    /// Deliver.
    BONAFIDE_ACTION_DELIVER = 0,
    /// Deliver, and report the failure: the domain is testing.
    BONAFIDE_ACTION_DELIVER_AND_REPORT = 1,
    /// Do not deliver to this host, report the failure, and go to the next.
    BONAFIDE_ACTION_SKIP = 2,
}

impl bonafide_mta_sts {
    fn new(decision: Decision, cached: Option<CachedPolicy>) -> Self {
        let policy = match &decision {
            Decision::NoPolicy => None,
            Decision::Policy(policy) => Some(policy),
        };
        let id = policy.map(|policy| Text::new(&*policy.id));
        let text = policy.map(|policy| Text::new(policy.as_str()));
        Self { id, policy: text, decision, cached, cause: None, report: None }
    }

    fn discovered(discovery: Discovery, cached: Option<CachedPolicy>) -> Self {
        let report = discovery.report();
        let cause = discovery.cause.map(|cause| Text::new(cause.to_string()));
        let cached = match discovery.store {
            Store::Keep => cached,
            Store::Remove => None,
            Store::Replace(cached) => Some(cached),
        };
        Self { cause, report, ..Self::new(discovery.decision, cached) }
    }

    fn fetched(&self) -> Option<&FetchedPolicy> {
        match &self.decision {
            Decision::NoPolicy => None,
            Decision::Policy(policy) => Some(policy),
        }
    }
}

/// MTA-STS: may a message for a domain go to a host, and how must TLS look (RFC 8461)?
///
/// Makes the evaluation that finds out what holds for deliveries to `domain`: it asks the DNS for
/// one TXT record, and for a policy over HTTPS where none is kept or the kept one is due. `kept` is
/// what bonafide_mta_sts_finish() gave for the domain the last time, or NULL; it is copied. `now`
/// is the time in seconds since 1970. Free it with bonafide_evaluation_free().
///
/// BONAFIDE_INVALID: it is no domain.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bonafide_mta_sts_discover(
    domain: *const c_char,
    domain_length: usize,
    kept: *const bonafide_mta_sts,
    now: u64,
    evaluation: *mut *mut bonafide_evaluation,
) -> bonafide_status {
    guard(|| {
        // SAFETY: a text, a handle or NULL, and a result, as the rules say.
        let (domain, cached, slot) = unsafe {
            let kept = handle(kept, "kept").ok();
            let slot = slot(evaluation, "evaluation")?;
            (text(domain, domain_length, "domain")?, kept.and_then(|k| k.cached.clone()), slot)
        };
        let domain = Domain::parse(domain).map_err(Failure::invalid)?;
        let evaluation = Evaluation::new(|io| async move {
            let discovery = discover(&domain, cached.as_ref(), &io, &io, UnixTime(now)).await;
            Outcome::MtaSts(Box::new(bonafide_mta_sts::discovered(discovery, cached)))
        });
        give(slot, bonafide_evaluation::new(Kind::MtaSts, Arc::new(()), evaluation))
    })
}

/// What an evaluation that bonafide_mta_sts_discover() made has found out. Keep it for the next
/// delivery to the domain, and free it with bonafide_mta_sts_free(). The evaluation is finished by
/// it.
///
/// BONAFIDE_WAITING: answers are missing; nothing has changed. BONAFIDE_ORDER: the evaluation is of
/// another kind, or was finished already.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bonafide_mta_sts_finish(
    evaluation: *mut bonafide_evaluation,
    mta_sts: *mut *mut bonafide_mta_sts,
) -> bonafide_status {
    guard(|| {
        // SAFETY: a handle and a result, as the rules say.
        let (evaluation, slot) =
            unsafe { (handle_mut(evaluation, "evaluation")?, slot(mta_sts, "mta_sts")?) };
        match evaluation.finish(Kind::MtaSts)? {
            Some(Outcome::MtaSts(found)) => give(slot, *found),
            Some(_) => Err(Failure::order("the evaluation is of another kind")),
            None => Ok(BONAFIDE_WAITING),
        }
    })
}

/// A policy from a store of the caller: what bonafide_mta_sts_id(), bonafide_mta_sts_policy() and
/// bonafide_mta_sts_fetched() gave. Free it with bonafide_mta_sts_free().
///
/// BONAFIDE_INVALID: the id or the policy is none; forget it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bonafide_mta_sts_restore(
    id: *const c_char,
    id_length: usize,
    policy: *const c_void,
    policy_length: usize,
    fetched: u64,
    now: u64,
    mta_sts: *mut *mut bonafide_mta_sts,
) -> bonafide_status {
    guard(|| {
        // SAFETY: octets and a result, as the rules say.
        let (id, policy, slot) = unsafe {
            let policy = octets(policy, policy_length, "policy")?;
            (text(id, id_length, "id")?, policy, slot(mta_sts, "mta_sts")?)
        };
        let record = [b"v=STSv1; id=", id, b";"].concat();
        let record = Record::parse(&record).map_err(Failure::invalid)?;
        let policy = Policy::parse(policy).map_err(Failure::invalid)?;
        let policy = FetchedPolicy::new(&record, &policy, UnixTime(fetched));
        let cached = CachedPolicy::new(Some(policy), None);
        give(slot, bonafide_mta_sts::new(cached.decision(UnixTime(now)), Some(cached)))
    })
}

/// What the policy asks for.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bonafide_mta_sts_mode(
    mta_sts: *const bonafide_mta_sts,
    mode: *mut bonafide_mode,
) -> bonafide_status {
    guard(|| {
        // SAFETY: a handle and a result, as the rules say.
        let (mta_sts, slot) = unsafe { (handle(mta_sts, "mta_sts")?, slot(mode, "mode")?) };
        slot.write(match mta_sts.decision.mode() {
            None | Some(Mode::None) => BONAFIDE_MODE_NONE,
            Some(Mode::Testing) => BONAFIDE_MODE_TESTING,
            Some(Mode::Enforce) => BONAFIDE_MODE_ENFORCE,
        });
        Ok(BONAFIDE_OK)
    })
}

/// What holds for a host of the domain: `mx` is its name as the MX record gives it, `tls` one of
/// bonafide_tls. Writes what to do, and what to report of it in the words of RFC 8460; an empty
/// text where nothing failed. The text is valid for ever.
///
/// Hosts keep their order: one that is skipped counts as one that cannot be reached.
/// BONAFIDE_INVALID: it is no host.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bonafide_mta_sts_host(
    mta_sts: *const bonafide_mta_sts,
    mx: *const c_char,
    mx_length: usize,
    tls: c_int,
    action: *mut bonafide_action,
    failure: *mut bonafide_text,
) -> bonafide_status {
    guard(|| {
        // SAFETY: a handle, a text and results, as the rules say.
        let (mta_sts, mx, action, failure) = unsafe {
            let (mta_sts, mx) = (handle(mta_sts, "mta_sts")?, text(mx, mx_length, "mx")?);
            (mta_sts, mx, slot(action, "action")?, slot(failure, "failure")?)
        };
        let tls = read_tls(bonafide_tls::from_c(tls)?);
        let mx = mx.strip_suffix(b".").unwrap_or(mx);
        let host = mta_sts.decision.host(&Domain::parse(mx).map_err(Failure::invalid)?, tls);
        action.write(match host.action {
            Action::Deliver => bonafide_action::BONAFIDE_ACTION_DELIVER,
            Action::DeliverAndReport => bonafide_action::BONAFIDE_ACTION_DELIVER_AND_REPORT,
            Action::Skip => bonafide_action::BONAFIDE_ACTION_SKIP,
        });
        failure.write(words(host.failure));
        Ok(BONAFIDE_OK)
    })
}

/// What to report of the discovery itself, in the words of RFC 8460, valid for ever.
/// BONAFIDE_ABSENT: nothing.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bonafide_mta_sts_report(
    mta_sts: *const bonafide_mta_sts,
    failure: *mut bonafide_text,
) -> bonafide_status {
    let find = |mta_sts: &bonafide_mta_sts| mta_sts.report.map(|report| words(Some(report)));
    // SAFETY: as the rules say.
    unsafe { part(mta_sts, failure, find) }
}

/// Why there is no policy, or none but a kept one, in English; valid until the handle is freed.
/// BONAFIDE_ABSENT: there is nothing to say.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bonafide_mta_sts_cause(
    mta_sts: *const bonafide_mta_sts,
    cause: *mut bonafide_text,
) -> bonafide_status {
    // SAFETY: as the rules say.
    unsafe { part(mta_sts, cause, |mta_sts| mta_sts.cause.as_ref().map(Text::view)) }
}

/// The id of the policy, for bonafide_mta_sts_restore(); valid until the handle is freed.
/// BONAFIDE_ABSENT: no policy holds.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bonafide_mta_sts_id(
    mta_sts: *const bonafide_mta_sts,
    id: *mut bonafide_text,
) -> bonafide_status {
    // SAFETY: as the rules say.
    unsafe { part(mta_sts, id, |mta_sts| mta_sts.id.as_ref().map(Text::view)) }
}

/// The text of the policy, for bonafide_mta_sts_restore(); valid until the handle is freed.
/// BONAFIDE_ABSENT: no policy holds.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bonafide_mta_sts_policy(
    mta_sts: *const bonafide_mta_sts,
    policy: *mut bonafide_text,
) -> bonafide_status {
    // SAFETY: as the rules say.
    unsafe { part(mta_sts, policy, |mta_sts| mta_sts.policy.as_ref().map(Text::view)) }
}

/// When the policy was fetched, in seconds since 1970, for bonafide_mta_sts_restore().
/// BONAFIDE_ABSENT: no policy holds.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bonafide_mta_sts_fetched(
    mta_sts: *const bonafide_mta_sts,
    fetched: *mut u64,
) -> bonafide_status {
    let find = |mta_sts: &bonafide_mta_sts| mta_sts.fetched().map(|policy| policy.fetched.0);
    // SAFETY: as the rules say.
    unsafe { part(mta_sts, fetched, find) }
}

/// Frees what was found out about a domain, and all that it gave; NULL is none.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bonafide_mta_sts_free(mta_sts: *mut bonafide_mta_sts) {
    // SAFETY: a handle whose last use this is.
    unsafe { boundary::free(mta_sts) }
}

/// Writes one part, if it is there.
///
/// # Safety
///
/// As the rules of `capi` say of handles and results.
unsafe fn part<T>(
    mta_sts: *const bonafide_mta_sts,
    result: *mut T,
    find: impl FnOnce(&bonafide_mta_sts) -> Option<T>,
) -> bonafide_status {
    guard(|| {
        // SAFETY: a handle and a result, as the rules say.
        let (mta_sts, slot) = unsafe { (handle(mta_sts, "mta_sts")?, slot(result, "result")?) };
        let Some(found) = find(mta_sts) else { return Ok(BONAFIDE_ABSENT) };
        slot.write(found);
        Ok(BONAFIDE_OK)
    })
}

fn read_tls(tls: bonafide_tls) -> Tls {
    Tls::Failed(match tls {
        BONAFIDE_TLS_UNTRIED => return Tls::Untried,
        BONAFIDE_TLS_AUTHENTICATED => return Tls::Authenticated,
        BONAFIDE_TLS_NOT_SUPPORTED => ResultType::StarttlsNotSupported,
        BONAFIDE_TLS_CERTIFICATE_HOST_MISMATCH => ResultType::CertificateHostMismatch,
        BONAFIDE_TLS_CERTIFICATE_EXPIRED => ResultType::CertificateExpired,
        BONAFIDE_TLS_CERTIFICATE_NOT_TRUSTED => ResultType::CertificateNotTrusted,
        BONAFIDE_TLS_VALIDATION_FAILURE => ResultType::ValidationFailure,
        BONAFIDE_TLS_TLSA_INVALID => ResultType::TlsaInvalid,
        BONAFIDE_TLS_DNSSEC_INVALID => ResultType::DnssecInvalid,
        BONAFIDE_TLS_DANE_REQUIRED => ResultType::DaneRequired,
    })
}

fn words(failure: Option<ResultType>) -> bonafide_text {
    let text = match failure {
        None => c"",
        Some(ResultType::CertificateExpired) => c"certificate-expired",
        Some(ResultType::CertificateHostMismatch) => c"certificate-host-mismatch",
        Some(ResultType::CertificateNotTrusted) => c"certificate-not-trusted",
        Some(ResultType::DaneRequired) => c"dane-required",
        Some(ResultType::DnssecInvalid) => c"dnssec-invalid",
        Some(ResultType::StarttlsNotSupported) => c"starttls-not-supported",
        Some(ResultType::StsPolicyFetchError) => c"sts-policy-fetch-error",
        Some(ResultType::StsPolicyInvalid) => c"sts-policy-invalid",
        Some(ResultType::StsWebpkiInvalid) => c"sts-webpki-invalid",
        Some(ResultType::TlsaInvalid) => c"tlsa-invalid",
        Some(ResultType::ValidationFailure) => c"validation-failure",
    };
    bonafide_text { data: text.as_ptr(), length: text.count_bytes() }
}
