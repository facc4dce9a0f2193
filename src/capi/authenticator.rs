//! Configuration, and what is known of an SMTP transaction.

use std::ffi::{c_char, c_int, c_void};
use std::net::IpAddr;

use super::boundary::{self, Failure, from_c, give, guard, handle, handle_mut, octets, slot, text};
use super::library::bonafide_status;
use super::library::bonafide_status::BONAFIDE_OK;
use crate::authenticator::{Authenticator, Envelope, Options};
use crate::domain::Domain;

/// Configuration: who we are, and how messages are authenticated.
///
/// Made once, for any number of messages. Any number of threads may use it at the same time while
/// none of them changes or frees it; sessions do not need it any more once they are made.
#[derive(Debug)]
pub struct bonafide_authenticator {
    pub(super) authenticator: Authenticator,
}

/// What is known of the SMTP transaction that brought a message. Set what you do not know to 0. It
/// is copied.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct bonafide_envelope {
    /// The address of the client as octets in network order, such as `&sin->sin_addr`; an IPv4
    /// address that is mapped into IPv6 counts as IPv4.
    pub address: *const c_void,
    /// 4 for IPv4, 16 for IPv6; 0 if the address is not known, and then there is no SPF.
    pub address_length: usize,
    /// The argument of HELO or EHLO, as it came.
    pub helo: *const c_char,
    /// Octets of it.
    pub helo_length: usize,
    /// The reverse-path of MAIL FROM without angle brackets; empty for the null path.
    pub mail_from: *const c_char,
    /// Octets of it.
    pub mail_from_length: usize,
}

/// What can be set of an authenticator. The defaults are those of a careful postmaster.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(C)]
#[non_exhaustive]
pub enum bonafide_option {
    /// SPF: terms that ask the DNS, 10 by default (RFC 7208 section 4.6.4).
    BONAFIDE_OPTION_SPF_LOOKUPS = 1,
    /// SPF: terms whose question has no answer, 2 by default.
    BONAFIDE_OPTION_SPF_VOID_LOOKUPS = 2,
    /// SPF: questions in all for one identity, 111 by default.
    BONAFIDE_OPTION_SPF_QUESTIONS = 3,
    /// DKIM: signatures that are evaluated, from the top, 10 by default.
    BONAFIDE_OPTION_DKIM_SIGNATURES = 4,
    /// DKIM: octets of a header, 1 MiB by default. A message with a longer one has no author
    /// domain.
    BONAFIDE_OPTION_DKIM_HEADER_OCTETS = 5,
    /// DKIM: bits of the smallest RSA key, 1024 by default and at least.
    BONAFIDE_OPTION_DKIM_MINIMUM_RSA_BITS = 6,
    /// DKIM: bits of the largest RSA key, 4096 by default, 8192 at most.
    BONAFIDE_OPTION_DKIM_MAXIMUM_RSA_BITS = 7,
    /// DKIM: 1 if signatures may pass that leave a part of the body unsigned (l=); 0 by default.
    BONAFIDE_OPTION_DKIM_ACCEPT_UNSIGNED_BODY = 8,
    /// DKIM: seconds by which clocks may differ, 300 by default.
    BONAFIDE_OPTION_DKIM_CLOCK_SKEW = 9,
}

use bonafide_option::{
    BONAFIDE_OPTION_DKIM_ACCEPT_UNSIGNED_BODY, BONAFIDE_OPTION_DKIM_CLOCK_SKEW,
    BONAFIDE_OPTION_DKIM_HEADER_OCTETS, BONAFIDE_OPTION_DKIM_MAXIMUM_RSA_BITS,
    BONAFIDE_OPTION_DKIM_MINIMUM_RSA_BITS, BONAFIDE_OPTION_DKIM_SIGNATURES,
    BONAFIDE_OPTION_SPF_LOOKUPS, BONAFIDE_OPTION_SPF_QUESTIONS, BONAFIDE_OPTION_SPF_VOID_LOOKUPS,
};

from_c!(bonafide_option: BONAFIDE_OPTION_SPF_LOOKUPS, BONAFIDE_OPTION_SPF_VOID_LOOKUPS, BONAFIDE_OPTION_SPF_QUESTIONS,
    BONAFIDE_OPTION_DKIM_SIGNATURES, BONAFIDE_OPTION_DKIM_HEADER_OCTETS, BONAFIDE_OPTION_DKIM_MINIMUM_RSA_BITS,
    BONAFIDE_OPTION_DKIM_MAXIMUM_RSA_BITS, BONAFIDE_OPTION_DKIM_ACCEPT_UNSIGNED_BODY,
    BONAFIDE_OPTION_DKIM_CLOCK_SKEW);

/// AUTHENTICATOR: configuration.
///
/// Makes an authenticator whose reports are by `authserv_id`, mostly the name of the host or of the
/// organization (RFC 8601 section 2.5). Free it with bonafide_authenticator_free().
///
/// BONAFIDE_INVALID: an Authentication-Results field could not carry the authserv-id.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bonafide_authenticator_new(
    authserv_id: *const c_char,
    authserv_id_length: usize,
    authenticator: *mut *mut bonafide_authenticator,
) -> bonafide_status {
    guard(|| {
        // SAFETY: a text and a result, as the rules say.
        let (id, slot) = unsafe {
            let id = text(authserv_id, authserv_id_length, "authserv_id")?;
            (id, slot(authenticator, "authenticator")?)
        };
        let id = str::from_utf8(id).map_err(Failure::invalid)?;
        if id.is_empty() {
            return Err(Failure::invalid("the authserv-id is empty"));
        }
        let authenticator = Authenticator::new(id).map_err(Failure::invalid)?;
        give(slot, bonafide_authenticator { authenticator })
    })
}

/// Sets an option, one of bonafide_option, for sessions that are made from now on.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bonafide_authenticator_set(
    authenticator: *mut bonafide_authenticator,
    option: c_int,
    value: u64,
) -> bonafide_status {
    guard(|| {
        // SAFETY: a handle, as the rules say.
        let handle = unsafe { handle_mut(authenticator, "authenticator")? };
        let option = bonafide_option::from_c(option)?;
        let mut options = handle.authenticator.options().clone();
        set(&mut options, option, value)?;
        handle.authenticator = handle.authenticator.with_options(options);
        Ok(BONAFIDE_OK)
    })
}

/// Believes what a domain has sealed (ARC), for sessions that are made from now on: see
/// bonafide_report_policy_override(). Nobody is believed by default.
///
/// BONAFIDE_INVALID: it is no domain.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bonafide_authenticator_trust_sealer(
    authenticator: *mut bonafide_authenticator,
    domain: *const c_char,
    domain_length: usize,
) -> bonafide_status {
    guard(|| {
        // SAFETY: a handle and a text, as the rules say.
        let (handle, domain) = unsafe {
            let domain = text(domain, domain_length, "domain")?;
            (handle_mut(authenticator, "authenticator")?, domain)
        };
        let mut options = handle.authenticator.options().clone();
        options.trusted_sealers.push(Domain::parse(domain).map_err(Failure::invalid)?);
        handle.authenticator = handle.authenticator.with_options(options);
        Ok(BONAFIDE_OK)
    })
}

/// Frees an authenticator; NULL is none. Sessions that it made live on.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bonafide_authenticator_free(authenticator: *mut bonafide_authenticator) {
    // SAFETY: a handle whose last use this is.
    unsafe { boundary::free(authenticator) }
}

fn set(options: &mut Options, option: bonafide_option, value: u64) -> Result<(), Failure> {
    let count = usize::try_from(value).map_err(Failure::invalid);
    let bits = u32::try_from(value).map_err(Failure::invalid);
    let (spf, dkim) = (&mut options.spf, &mut options.dkim);
    match option {
        BONAFIDE_OPTION_SPF_LOOKUPS => spf.limits.lookups = count?,
        BONAFIDE_OPTION_SPF_VOID_LOOKUPS => spf.limits.void_lookups = count?,
        BONAFIDE_OPTION_SPF_QUESTIONS => spf.limits.questions = count?,
        BONAFIDE_OPTION_DKIM_SIGNATURES => dkim.limits.signatures = count?,
        BONAFIDE_OPTION_DKIM_HEADER_OCTETS => dkim.limits.header_octets = count?,
        BONAFIDE_OPTION_DKIM_MINIMUM_RSA_BITS => dkim.limits.minimum_rsa_bits = bits?,
        BONAFIDE_OPTION_DKIM_MAXIMUM_RSA_BITS => dkim.limits.maximum_rsa_bits = bits?,
        BONAFIDE_OPTION_DKIM_ACCEPT_UNSIGNED_BODY => match value {
            0 | 1 => dkim.accept_unsigned_body = value == 1,
            _ => return Err(Failure::invalid(format_args!("found {value}, expected 0 or 1"))),
        },
        BONAFIDE_OPTION_DKIM_CLOCK_SKEW => dkim.clock_skew = value,
    }
    Ok(())
}

/// Reads an envelope; NULL is one of which nothing is known.
///
/// # Safety
///
/// As the rules of `capi` say of octets, for each pair in it.
pub(super) unsafe fn envelope(pointer: *const bonafide_envelope) -> Result<Envelope, Failure> {
    // SAFETY: it is NULL or an envelope.
    let Ok(envelope) = (unsafe { handle(pointer, "envelope") }) else {
        return Ok(Envelope::unknown());
    };
    // SAFETY: octets, as the rules say.
    let (address, helo, mail_from) = unsafe {
        (
            octets(envelope.address, envelope.address_length, "address")?,
            text(envelope.helo, envelope.helo_length, "helo")?,
            text(envelope.mail_from, envelope.mail_from_length, "mail_from")?,
        )
    };
    let ip = match address.len() {
        0 => None,
        4 => <[u8; 4]>::try_from(address).ok().map(IpAddr::from),
        16 => <[u8; 16]>::try_from(address).ok().map(IpAddr::from),
        found => {
            let text = format_args!("found an address of {found} octets, expected 4, 16 or 0");
            return Err(Failure::invalid(text));
        }
    };
    let mut read = Envelope::unknown();
    (read.ip, read.helo, read.mail_from) = (ip, helo.into(), mail_from.into());
    Ok(read)
}
