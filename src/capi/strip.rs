//! Authentication-Results fields that somebody else has written our name on.

use std::collections::HashMap;
use std::ffi::{c_char, c_void};

use super::boundary::{self, Failure, Text, give, guard, handle, handle_mut, octets, slot, text};
use super::library::bonafide_status::{BONAFIDE_ABSENT, BONAFIDE_OK};
use super::library::{bonafide_status, bonafide_text};
use crate::authentication_results::strip;
use crate::authenticator::field_octets;
use crate::message::Header;

/// Looks for fields that claim to be by an authserv-id, and tells how to remove them.
#[derive(Debug)]
pub struct bonafide_strip {
    authserv_id: String,
    /// How many fields of a name there were, by the name in lower case.
    seen: HashMap<Vec<u8>, usize>,
    fields: usize,
    /// From the top of the header to its end.
    claims: Vec<Claim>,
}

#[derive(Debug)]
struct Claim {
    name: Text,
    occurrence: usize,
    position: usize,
}

/// A field that claims to be by the authserv-id.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct bonafide_claim {
    /// Its name as it came; valid until the bonafide_strip is freed.
    pub name: bonafide_text,
    /// Which of the fields of that name it is, in any case of letters, counted from the top, the
    /// first being 1: what smfi_chgheader() takes.
    pub occurrence: usize,
    /// Its place in the header, counted from the top, the first being 0.
    pub position: usize,
}

impl bonafide_strip {
    fn field(&mut self, name: &[u8], field: &[u8]) {
        let position = self.fields;
        self.fields = position.saturating_add(1);
        // No shorter name looks like it.
        if name.len() < "Authentication-Results".len() {
            return;
        }
        let seen = self.seen.entry(name.to_ascii_lowercase()).or_default();
        *seen = seen.saturating_add(1);
        if !strip(&Header::parse(field), &self.authserv_id).is_empty() {
            self.claims.push(Claim { name: Text::new(name), occurrence: *seen, position });
        }
    }
}

/// STRIP: a border server removes Authentication-Results fields that claim to be its own before it
/// adds one (RFC 8601 section 5).
///
/// Makes a search for the fields that claim to be by `authserv_id`, however they are dressed. Give
/// it the fields with bonafide_strip_field() or bonafide_strip_header(), then take the claims. Free
/// it with bonafide_strip_free().
///
/// BONAFIDE_INVALID: the authserv-id is empty or not UTF-8.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bonafide_strip_new(
    authserv_id: *const c_char,
    authserv_id_length: usize,
    strip: *mut *mut bonafide_strip,
) -> bonafide_status {
    guard(|| {
        // SAFETY: a text and a result, as the rules say.
        let (id, slot) = unsafe {
            let id = text(authserv_id, authserv_id_length, "authserv_id")?;
            (id, slot(strip, "strip")?)
        };
        let id = str::from_utf8(id).map_err(Failure::invalid)?;
        if id.is_empty() {
            return Err(Failure::invalid("the authserv-id is empty"));
        }
        let (authserv_id, seen) = (id.to_owned(), HashMap::new());
        give(slot, bonafide_strip { authserv_id, seen, fields: 0, claims: Vec::new() })
    })
}

/// The next field of the header, as for bonafide_session_field(): all of them, from the top.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bonafide_strip_field(
    strip: *mut bonafide_strip,
    name: *const c_char,
    name_length: usize,
    value: *const c_char,
    value_length: usize,
) -> bonafide_status {
    guard(|| {
        // SAFETY: a handle and texts, as the rules say.
        let (strip, name, value) = unsafe {
            let name = text(name, name_length, "name")?;
            (handle_mut(strip, "strip")?, name, text(value, value_length, "value")?)
        };
        strip.field(name, &field_octets(name, value));
        Ok(BONAFIDE_OK)
    })
}

/// A whole header, or a whole message, with CRLF line ends.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bonafide_strip_header(
    strip: *mut bonafide_strip,
    data: *const c_void,
    length: usize,
) -> bonafide_status {
    guard(|| {
        // SAFETY: a handle and octets, as the rules say.
        let (strip, data) = unsafe { (handle_mut(strip, "strip")?, octets(data, length, "data")?) };
        for field in Header::parse(data).fields() {
            // With all that stands before the colon: white space may hide a name.
            let colon = field.value_offset().saturating_sub(1);
            let name = field.as_bytes().get(..colon).unwrap_or_default();
            strip.field(name.trim_ascii_end(), field.as_bytes());
        }
        Ok(BONAFIDE_OK)
    })
}

/// A field to remove, for index 0, 1 and so on, the lowest field of the header first: removed in
/// this order, no removal moves a field that is still to be removed. BONAFIDE_ABSENT: there is no
/// further one.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bonafide_strip_claim(
    strip: *const bonafide_strip,
    index: usize,
    claim: *mut bonafide_claim,
) -> bonafide_status {
    guard(|| {
        // SAFETY: a handle and a result, as the rules say.
        let (strip, slot) = unsafe { (handle(strip, "strip")?, slot(claim, "claim")?) };
        let Some(claim) = strip.claims.iter().rev().nth(index) else {
            return Ok(BONAFIDE_ABSENT);
        };
        let Claim { name, occurrence, position } = claim;
        let (occurrence, position) = (*occurrence, *position);
        slot.write(bonafide_claim { name: name.view(), occurrence, position });
        Ok(BONAFIDE_OK)
    })
}

/// Frees a search and all that it gave; NULL is none.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bonafide_strip_free(strip: *mut bonafide_strip) {
    // SAFETY: a handle whose last use this is.
    unsafe { boundary::free(strip) }
}
