//! ARC sets of our own.

use std::ffi::{c_char, c_void};
use std::sync::Arc;

use super::boundary::{self, Failure, give, guard, handle, octets, slot, text};
use super::library::bonafide_status;
use super::report::bonafide_report;
use super::sign::{Purpose, begin, bonafide_signing, read_key};
use crate::arc::{Sealer, SealingOptions};
use crate::domain::{Domain, Selector};

/// Seals messages that are forwarded, in the name of one domain.
///
/// Made once, for any number of messages. Any number of threads may use it at the same time while
/// none of them frees it; signings do not need it any more once they are made.
#[derive(Debug)]
pub struct bonafide_sealer {
    sealer: Arc<Sealer>,
}

/// SEAL: ARC sets of our own (RFC 8617), for those who forward.
///
/// Makes a sealer for `domain`, which is d=, with the private key whose public part is published at
/// `selector`, which is s=, as for DKIM: PEM or DER of PKCS#8 or PKCS#1, RSA of 2048 bits or more, or
/// Ed25519, which few validators take. Free it with bonafide_sealer_free().
///
/// BONAFIDE_INVALID: it is no domain, no selector or no such key.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bonafide_sealer_new(
    domain: *const c_char,
    domain_length: usize,
    selector: *const c_char,
    selector_length: usize,
    key: *const c_void,
    key_length: usize,
    sealer: *mut *mut bonafide_sealer,
) -> bonafide_status {
    guard(|| {
        // SAFETY: texts, octets and a result, as the rules say.
        let (domain, selector, key, slot) = unsafe {
            let domain = text(domain, domain_length, "domain")?;
            let selector = text(selector, selector_length, "selector")?;
            (domain, selector, octets(key, key_length, "key")?, slot(sealer, "sealer")?)
        };
        let domain = Domain::parse(domain).map_err(Failure::invalid)?;
        let selector = Selector::parse(selector).map_err(Failure::invalid)?;
        let sealer = Sealer::new(domain, selector, read_key(key)?, SealingOptions::default());
        give(slot, bonafide_sealer { sealer: Arc::new(sealer.map_err(Failure::invalid)?) })
    })
}

/// Frees a sealer; NULL is none. Signings that it made live on.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bonafide_sealer_free(sealer: *mut bonafide_sealer) {
    // SAFETY: a handle whose last use this is.
    unsafe { boundary::free(sealer) }
}

/// Begins to seal a message as it leaves, whatever was changed of it since it came; `report` is what
/// was found when it came. What follows is as for bonafide_signing_new(): write the message as it is
/// sent, with the ARC fields that it came with, finish, and take the three fields of the set with
/// bonafide_signing_result(). DKIM signatures of one's own come before.
///
/// A chain that is broken is sealed once more, to say so. The header is refused, with
/// BONAFIDE_REFUSED, where no set may be added: the chain says already that it was broken, it has 50
/// sets, or the message has another chain than the report is about.
///
/// BONAFIDE_ORDER: the report is of SPF or of DKIM alone.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bonafide_sealer_start(
    sealer: *const bonafide_sealer,
    report: *const bonafide_report,
    now: u64,
    signing: *mut *mut bonafide_signing,
) -> bonafide_status {
    guard(|| {
        // SAFETY: two handles and a result, as the rules say.
        let (sealer, report, slot) = unsafe {
            let sealer = handle(sealer, "sealer")?;
            (sealer, handle(report, "report")?, slot(signing, "signing")?)
        };
        let Some(findings) = report.findings.clone() else {
            return Err(Failure::order("the report is not about a whole message"));
        };
        give(slot, begin(Purpose::Seal(Arc::clone(&sealer.sealer), findings), now))
    })
}
