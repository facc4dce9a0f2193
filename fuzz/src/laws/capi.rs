//! The C ABI, driven by random sequences of calls.

#![allow(unsafe_code, reason = "the functions of the C ABI take pointers")]

use std::collections::BTreeSet;
use std::ffi::{CStr, c_char, c_int, c_void};
use std::ptr::{null, null_mut};

use bonafide::capi::*;

use super::Choices;

const KEY: &[u8] = include_bytes!("../../../test-vectors/keys/ed25519.pem");
const NOW: u64 = 1_795_478_400;

/// Whatever is called in whatever order with whatever handles: no call panics, a result is written only
/// with `BONAFIDE_OK`, each text is as long as it says with a NUL behind it, and each handle can be freed.
///
/// The input is a program: each operation is an octet, behind which its arguments stand.
pub fn holds(input: &[u8]) {
    run(input);
}

/// Runs a program, and gives the statuses that it met.
pub fn run(program: &[u8]) -> BTreeSet<String> {
    let mut machine = Machine { input: Choices::new(program), ..Machine::default() };
    for _ in 0..256 {
        if !machine.step() {
            break;
        }
    }
    std::mem::take(&mut machine.statuses)
}

/// Few, so that handles meet again, and of which NULL is one as long as nothing was made there.
const SLOTS: usize = 3;

#[derive(Default)]
struct Machine<'a> {
    input: Choices<'a>,
    authenticator: Handle<bonafide_authenticator>,
    sessions: [Handle<bonafide_session>; SLOTS],
    evaluations: [Handle<bonafide_evaluation>; SLOTS],
    reports: [Handle<bonafide_report>; SLOTS],
    strips: [Handle<bonafide_strip>; SLOTS],
    signers: [Handle<bonafide_signer>; SLOTS],
    sealers: [Handle<bonafide_sealer>; SLOTS],
    signings: [Handle<bonafide_signing>; SLOTS],
    found: [Handle<bonafide_mta_sts>; SLOTS],
    statuses: BTreeSet<String>,
}

/// A handle that is freed with its slot.
struct Handle<T: Free>(*mut T);

trait Free {
    const FREE: unsafe extern "C" fn(*mut Self);
}

macro_rules! free {
    ($($type:ident $free:ident),* $(,)?) => {
        $(impl Free for $type { const FREE: unsafe extern "C" fn(*mut Self) = $free; })*
    };
}

free!(
    bonafide_authenticator bonafide_authenticator_free,
    bonafide_session bonafide_session_free,
    bonafide_evaluation bonafide_evaluation_free,
    bonafide_report bonafide_report_free,
    bonafide_strip bonafide_strip_free,
    bonafide_signer bonafide_signer_free,
    bonafide_sealer bonafide_sealer_free,
    bonafide_signing bonafide_signing_free,
    bonafide_mta_sts bonafide_mta_sts_free,
);

impl<T: Free> Default for Handle<T> {
    fn default() -> Self {
        Self(null_mut())
    }
}

impl<T: Free> Drop for Handle<T> {
    fn drop(&mut self) {
        // SAFETY: it is NULL or was made by the library, and nothing else has it.
        unsafe { T::FREE(self.0) }
    }
}

impl<T: Free> Handle<T> {
    /// Puts another handle here, which the call makes exactly when it gives `BONAFIDE_OK`.
    fn make(&mut self, call: impl FnOnce(*mut *mut T) -> bonafide_status) -> bonafide_status {
        let mut made = null_mut();
        let status = call(&raw mut made);
        assert_eq!(status == bonafide_status::BONAFIDE_OK, !made.is_null(), "{status:?}");
        if !made.is_null() {
            *self = Self(made);
        }
        status
    }
}

/// A pointer and a length, as C has octets.
#[derive(Clone, Copy)]
struct Octets(*const c_void, usize);

impl Octets {
    fn text(self) -> *const c_char {
        self.0.cast()
    }
}

impl Machine<'_> {
    fn slot(&mut self) -> usize {
        usize::from(self.input.octet()) % SLOTS
    }

    /// Octets of the input; NULL, or a length that no memory has, for two lengths.
    fn octets(&mut self, kept: &mut Vec<u8>) -> Octets {
        match self.input.octet() {
            254 => Octets(null(), 1),
            255 => Octets(KEY.as_ptr().cast(), usize::MAX),
            length => {
                *kept = (0..length).map(|_| self.input.octet()).collect();
                Octets(kept.as_ptr().cast(), kept.len())
            }
        }
    }

    fn met(&mut self, status: bonafide_status) {
        assert_ne!(status, bonafide_status::BONAFIDE_PANIC);
        self.statuses.insert(format!("{status:?}"));
    }

    /// Whether there was another operation.
    fn step(&mut self) -> bool {
        let operation = self.input.octet();
        let (one, two) = (self.slot(), self.slot());
        let (mut first, mut second) = (Vec::new(), Vec::new());
        // SAFETY: handles are NULL or live, each in use once; octets are as long as they say, or NULL, or of a
        // length that is refused before they are looked at.
        let status = unsafe {
            match operation {
                1 => {
                    let id = self.octets(&mut first);
                    let new = |made| bonafide_authenticator_new(id.text(), id.1, made);
                    self.authenticator.make(new)
                }
                2 => {
                    let (option, value) = (self.input.octet(), self.input.octet());
                    bonafide_authenticator_set(self.authenticator.0, option.into(), value.into())
                }
                3 => {
                    let by = self.authenticator.0;
                    self.sessions[one].make(|made| bonafide_session_new_dkim(by, NOW, made))
                }
                4 | 5 => self.with_envelope(operation == 5, one),
                6 => {
                    let data = self.octets(&mut first);
                    bonafide_session_write(self.sessions[one].0, data.0, data.1)
                }
                7 => {
                    let (name, value) = (self.octets(&mut first), self.octets(&mut second));
                    let session = self.sessions[one].0;
                    bonafide_session_field(session, name.text(), name.1, value.text(), value.1)
                }
                8 => bonafide_session_end_header(self.sessions[one].0),
                9 => bonafide_session_header_complete(self.sessions[one].0),
                10 => {
                    let session = self.sessions[one].0;
                    self.evaluations[two].make(|made| bonafide_session_lookups(session, made))
                }
                11 => {
                    let (session, evaluation) = (self.sessions[one].0, self.evaluations[two].0);
                    let finish = |made| bonafide_session_finish(session, evaluation, made);
                    self.reports[one].make(finish)
                }
                12 => {
                    let evaluation = self.evaluations[one].0;
                    self.reports[two].make(|made| bonafide_spf_finish(evaluation, made))
                }
                13..=22 => self.evaluation(operation, one),
                23 => self.report(one),
                24..=28 => self.strip(operation, one),
                29..=32 => self.signer(operation, one),
                33..=38 => self.signing(operation, one, two),
                39 => {
                    let domain = self.octets(&mut first);
                    let kept = self.found[two].0;
                    self.evaluations[one].make(|made| {
                        bonafide_mta_sts_discover(domain.text(), domain.1, kept, NOW, made)
                    })
                }
                40 => {
                    let evaluation = self.evaluations[one].0;
                    self.found[two].make(|made| bonafide_mta_sts_finish(evaluation, made))
                }
                41 => {
                    let (id, policy) = (self.octets(&mut first), self.octets(&mut second));
                    self.found[one].make(|made| {
                        let (id, length) = (id.text(), id.1);
                        bonafide_mta_sts_restore(id, length, policy.0, policy.1, NOW, NOW, made)
                    })
                }
                42 => self.found(one),
                43 => {
                    // Freed early, as far as nothing depends on it.
                    self.sessions[one] = Handle::default();
                    self.evaluations[two] = Handle::default();
                    bonafide_status::BONAFIDE_OK
                }
                44 => {
                    self.reports[one] = Handle::default();
                    self.signers[two] = Handle::default();
                    self.sealers[two] = Handle::default();
                    self.authenticator = Handle::default();
                    bonafide_status::BONAFIDE_OK
                }
                45 => {
                    let domain = self.octets(&mut first);
                    bonafide_authenticator_trust_sealer(
                        self.authenticator.0,
                        domain.text(),
                        domain.1,
                    )
                }
                46 => {
                    let (domain, selector) = (self.octets(&mut first), self.octets(&mut second));
                    self.sealers[one].make(|made| {
                        let (selector, length) = (selector.text(), selector.1);
                        let (key, key_length) = (KEY.as_ptr().cast(), KEY.len());
                        let (domain, domain_length) = (domain.text(), domain.1);
                        bonafide_sealer_new(
                            domain,
                            domain_length,
                            selector,
                            length,
                            key,
                            key_length,
                            made,
                        )
                    })
                }
                47 => {
                    let (sealer, report) = (self.sealers[one].0, self.reports[two].0);
                    let start = |made| bonafide_sealer_start(sealer, report, NOW, made);
                    self.signings[one].make(start)
                }
                _ => return false,
            }
        };
        self.met(status);
        let status = format!("{status:?}");
        assert!(
            !status.starts_with("BONAFIDE_NULL")
                // SAFETY: the text of the last error is never NULL.
                || unsafe { CStr::from_ptr(bonafide_last_error()) }.to_bytes().ends_with(b"is NULL")
        );
        true
    }

    /// A session, or an evaluation of SPF alone.
    unsafe fn with_envelope(&mut self, is_spf: bool, slot: usize) -> bonafide_status {
        let (mut a, mut b, mut c) = (Vec::new(), Vec::new(), Vec::new());
        let (address, helo) = (self.octets(&mut a), self.octets(&mut b));
        let mail_from = self.octets(&mut c);
        let envelope = bonafide_envelope {
            address: address.0,
            address_length: address.1,
            helo: helo.text(),
            helo_length: helo.1,
            mail_from: mail_from.text(),
            mail_from_length: mail_from.1,
        };
        let by = self.authenticator.0;
        // SAFETY: as in `step`.
        unsafe {
            if is_spf {
                let check = |made| bonafide_spf_check(by, &raw const envelope, NOW, made);
                return self.evaluations[slot].make(check);
            }
            self.sessions[slot]
                .make(|made| bonafide_session_new(by, &raw const envelope, NOW, made))
        }
    }

    unsafe fn evaluation(&mut self, operation: u8, slot: usize) -> bonafide_status {
        let evaluation = self.evaluations[slot].0;
        let (mut first, mut second) = (Vec::new(), Vec::new());
        let id = if operation > 14 { self.input.octet().into() } else { 0 };
        let mut text = bonafide_text { data: null(), length: 0 };
        // SAFETY: as in `step`.
        unsafe {
            match operation {
                13 => {
                    let mut question = std::mem::MaybeUninit::<bonafide_question>::uninit();
                    let status = bonafide_evaluation_next(evaluation, question.as_mut_ptr());
                    if status == bonafide_status::BONAFIDE_OK {
                        check_text(question.assume_init().name);
                    }
                    status
                }
                14 => bonafide_evaluation_is_done(evaluation),
                15 => {
                    let data = self.octets(&mut first);
                    bonafide_evaluation_answer_packet(evaluation, id, data.0, data.1, 0)
                }
                16 => {
                    // The query made a reply: as it is, truncated, or with more records than there are; a TXT
                    // record may follow.
                    let (change, data) = (self.input.octet(), self.octets(&mut first));
                    let status = bonafide_evaluation_query(evaluation, id, 4711, &raw mut text);
                    if status != bonafide_status::BONAFIDE_OK {
                        return status;
                    }
                    let query = std::slice::from_raw_parts(text.data.cast::<u8>(), text.length);
                    let mut packet = query.to_vec();
                    packet[2] |= 0x80 | (change & 2);
                    packet[3] |= change >> 4;
                    packet[7] = change & 1;
                    if change & 4 != 0 {
                        packet.truncate(packet.len() - 11);
                        packet[11] = 0;
                        packet[7] = 1;
                        packet.extend(b"\xc0\x0c\0\x10\0\x01\0\0\x01\x2c\0");
                        let length = u8::try_from(first.len()).unwrap();
                        packet.extend([length + 1, length]);
                        packet.extend(&first);
                    }
                    let _ = data;
                    let (data, length) = (packet.as_ptr().cast(), packet.len());
                    bonafide_evaluation_answer_packet(evaluation, id, data, length, 1)
                }
                17 => {
                    let (one, two) = (self.octets(&mut first), self.octets(&mut second));
                    let records = [one, two].map(|o| bonafide_record { data: o.0, length: o.1 });
                    let count = usize::from(self.input.octet()) % 3;
                    let data = records.as_ptr();
                    bonafide_evaluation_answer_records(evaluation, id, data, count, 60, 0)
                }
                18 => bonafide_evaluation_answer_nxdomain(evaluation, id, 0),
                19 => {
                    let (media, body) = (self.octets(&mut first), self.octets(&mut second));
                    let status = if self.input.octet() == 0 { 200 } else { 404 };
                    let (media, length) = (media.text(), media.1);
                    bonafide_evaluation_answer_policy(
                        evaluation, id, status, media, length, body.0, body.1,
                    )
                }
                20 => {
                    let failure = c_int::from(self.input.octet());
                    bonafide_evaluation_answer_failure(evaluation, id, failure)
                }
                21 => bonafide_evaluation_query(evaluation, id, 1, &raw mut text),
                _ => bonafide_evaluation_expire(evaluation),
            }
        }
    }

    /// All that a report says.
    unsafe fn report(&mut self, slot: usize) -> bonafide_status {
        let report: *const bonafide_report = self.reports[slot].0;
        let index = usize::from(self.input.octet());
        let which = c_int::from(self.input.octet());
        let (mut verdict, mut code, mut count) = (null(), 0, 0);
        // SAFETY: as in `step`; what the report gives lives as long as it does.
        unsafe {
            let asks = [
                bonafide_report_spf,
                bonafide_report_spf_helo,
                bonafide_report_arc,
                bonafide_report_dmarc,
            ];
            for ask in asks {
                self.verdict(ask(report, &raw mut verdict), verdict, which);
            }
            self.text(|text| bonafide_report_policy_override(report, text));
            self.verdict(bonafide_report_dkim(report, index, &raw mut verdict), verdict, which);
            let status = bonafide_report_defect(report, which, &raw mut count);
            self.met(status);
            let status = bonafide_report_smtp_code(report, &raw mut code);
            self.met(status);
            self.text(|text| bonafide_report_smtp_reply(report, text));
            self.text(|text| bonafide_report_received_spf(report, which, text));
            self.text(|text| bonafide_report_authentication_results(report, which, text))
        }
    }

    unsafe fn verdict(
        &mut self,
        status: bonafide_status,
        verdict: *const bonafide_verdict,
        which: c_int,
    ) {
        self.met(status);
        if status != bonafide_status::BONAFIDE_OK {
            return;
        }
        let (mut result, mut number) = (bonafide_result::BONAFIDE_RESULT_NONE, 0);
        // SAFETY: it is a part of a report that lives.
        unsafe {
            let status = bonafide_verdict_result(verdict, &raw mut result);
            self.met(status);
            let status = bonafide_verdict_number(verdict, which, &raw mut number);
            self.met(status);
            self.text(|text| bonafide_verdict_line(verdict, text));
            for property in 1..16 {
                self.text(|text| bonafide_verdict_text(verdict, property, text));
            }
        }
    }

    unsafe fn strip(&mut self, operation: u8, slot: usize) -> bonafide_status {
        let (mut first, mut second) = (Vec::new(), Vec::new());
        let strip = self.strips[slot].0;
        // SAFETY: as in `step`.
        unsafe {
            match operation {
                24 => {
                    let id = self.octets(&mut first);
                    self.strips[slot].make(|made| bonafide_strip_new(id.text(), id.1, made))
                }
                25 => {
                    let (name, value) = (self.octets(&mut first), self.octets(&mut second));
                    bonafide_strip_field(strip, name.text(), name.1, value.text(), value.1)
                }
                26 => {
                    let data = self.octets(&mut first);
                    bonafide_strip_header(strip, data.0, data.1)
                }
                _ => {
                    let mut claim = std::mem::MaybeUninit::<bonafide_claim>::uninit();
                    let index = usize::from(self.input.octet());
                    let status = bonafide_strip_claim(strip, index, claim.as_mut_ptr());
                    if status == bonafide_status::BONAFIDE_OK {
                        let claim = claim.assume_init();
                        check_text(claim.name);
                        assert!(claim.occurrence > 0 && claim.occurrence <= claim.position + 1);
                    }
                    status
                }
            }
        }
    }

    unsafe fn signer(&mut self, operation: u8, slot: usize) -> bonafide_status {
        let (mut first, mut second) = (Vec::new(), Vec::new());
        let signer = self.signers[slot].0;
        let one = self.octets(&mut first);
        // SAFETY: as in `step`.
        unsafe {
            match operation {
                29 => self.signers[slot].make(|made| bonafide_signer_new(one.text(), one.1, made)),
                30 => {
                    // No octets stand for a key that is one.
                    let key = self.octets(&mut second);
                    let (key, length) = match key.1 {
                        0 => (KEY.as_ptr().cast(), KEY.len()),
                        _ => (key.0, key.1),
                    };
                    bonafide_signer_add_key(signer, one.text(), one.1, key, length)
                }
                31 => {
                    let (option, value) = (self.input.octet(), self.input.octet());
                    bonafide_signer_set(signer, option.into(), value.into())
                }
                _ => bonafide_signer_set_fields(signer, one.text(), one.1),
            }
        }
    }

    unsafe fn signing(&mut self, operation: u8, slot: usize, other: usize) -> bonafide_status {
        let (mut first, mut second) = (Vec::new(), Vec::new());
        let signing = self.signings[slot].0;
        // SAFETY: as in `step`.
        unsafe {
            match operation {
                33 => {
                    let signer = self.signers[other].0;
                    self.signings[slot].make(|made| bonafide_signing_new(signer, NOW, made))
                }
                34 => {
                    let data = self.octets(&mut first);
                    bonafide_signing_write(signing, data.0, data.1)
                }
                35 => {
                    let (name, value) = (self.octets(&mut first), self.octets(&mut second));
                    bonafide_signing_field(signing, name.text(), name.1, value.text(), value.1)
                }
                36 => bonafide_signing_end_header(signing),
                37 => bonafide_signing_finish(signing),
                _ => {
                    let (index, line_end) = (self.slot(), self.input.octet().into());
                    let mut name = bonafide_text { data: null(), length: 0 };
                    self.text(|value| {
                        let name = &raw mut name;
                        bonafide_signing_result(signing, index, line_end, name, value)
                    })
                }
            }
        }
    }

    /// All that is known of MTA-STS.
    unsafe fn found(&mut self, slot: usize) -> bonafide_status {
        let found: *const bonafide_mta_sts = self.found[slot].0;
        let mut kept = Vec::new();
        let (mx, tls) = (self.octets(&mut kept), c_int::from(self.input.octet()));
        let mut mode = bonafide_mode::BONAFIDE_MODE_NONE;
        let mut action = bonafide_action::BONAFIDE_ACTION_SKIP;
        let mut fetched = 0;
        // SAFETY: as in `step`.
        unsafe {
            let status = bonafide_mta_sts_mode(found, &raw mut mode);
            self.met(status);
            let status = bonafide_mta_sts_fetched(found, &raw mut fetched);
            self.met(status);
            for ask in [
                bonafide_mta_sts_report,
                bonafide_mta_sts_cause,
                bonafide_mta_sts_id,
                bonafide_mta_sts_policy,
            ] {
                self.text(|text| ask(found, text));
            }
            self.text(|text| {
                bonafide_mta_sts_host(found, mx.text(), mx.1, tls, &raw mut action, text)
            })
        }
    }

    /// A text, which is written exactly with `BONAFIDE_OK`.
    fn text(&mut self, ask: impl FnOnce(*mut bonafide_text) -> bonafide_status) -> bonafide_status {
        let mut text = bonafide_text { data: null(), length: 0 };
        let status = ask(&raw mut text);
        assert_eq!(status == bonafide_status::BONAFIDE_OK, !text.data.is_null(), "{status:?}");
        if !text.data.is_null() {
            // SAFETY: the library has just written it.
            unsafe { check_text(text) };
        }
        self.met(status);
        status
    }
}

/// # Safety
///
/// The text is the library's, and valid.
unsafe fn check_text(text: bonafide_text) {
    // SAFETY: so many octets and a NUL behind them are there.
    let octets = unsafe { std::slice::from_raw_parts(text.data.cast::<u8>(), text.length + 1) };
    assert_eq!(octets.last(), Some(&0));
}
