//! The library itself: versions, statuses, the last error.

use std::cell::RefCell;
use std::ffi::{c_char, c_int};

use super::boundary::{Text, from_c};

/// What became of a call. Zero is success; a positive status is a piece of news that a correct
/// program meets; a negative one says that the call was wrong, and changed nothing.
///
/// The numbers never change their meaning. Later versions may add some: treat a positive one that
/// you do not know as `BONAFIDE_ABSENT`, and a negative one as `BONAFIDE_INVALID`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(C)]
#[non_exhaustive]
pub enum bonafide_status {
    /// Done; results are written.
    BONAFIDE_OK = 0,
    /// There is no such thing: no further question, no such property, nothing to reply.
    BONAFIDE_ABSENT = 1,
    /// Not yet: answers, or the end of the header, are still missing.
    BONAFIDE_WAITING = 2,
    /// The packet belongs to something else: ignore it and keep waiting. The question is open.
    BONAFIDE_FOREIGN = 3,
    /// The packet is truncated: ask over TCP. The question is open.
    BONAFIDE_TRUNCATED = 4,
    /// The packet is the reply and cannot be read: ask another server, or answer with a failure.
    /// The question is open.
    BONAFIDE_MALFORMED = 5,
    /// The message must not be signed, and bonafide_last_error() says why.
    BONAFIDE_REFUSED = 6,
    /// A pointer is NULL that must not be.
    BONAFIDE_NULL = -1,
    /// An argument is not what it must be, and bonafide_last_error() says what is wrong with it.
    BONAFIDE_INVALID = -2,
    /// The call comes too early or too late, or the handles do not belong together.
    BONAFIDE_ORDER = -3,
    /// No such question is open: it was never asked, is answered already, or nobody wants to know
    /// any more. Answers that come late meet this, and it may be ignored.
    BONAFIDE_NOT_ASKED = -4,
    /// The answer is of another kind than the question, which is open.
    BONAFIDE_WRONG_KIND = -5,
    /// A length that no memory has.
    BONAFIDE_TOO_LARGE = -6,
    /// A bug in the library, which was caught. Free the handles of the call; do nothing else with
    /// them.
    BONAFIDE_PANIC = -7,
}

use bonafide_status::{
    BONAFIDE_ABSENT, BONAFIDE_FOREIGN, BONAFIDE_INVALID, BONAFIDE_MALFORMED, BONAFIDE_NOT_ASKED,
    BONAFIDE_NULL, BONAFIDE_OK, BONAFIDE_ORDER, BONAFIDE_PANIC, BONAFIDE_REFUSED,
    BONAFIDE_TOO_LARGE, BONAFIDE_TRUNCATED, BONAFIDE_WAITING, BONAFIDE_WRONG_KIND,
};

from_c!(bonafide_status: BONAFIDE_OK, BONAFIDE_ABSENT, BONAFIDE_WAITING, BONAFIDE_FOREIGN, BONAFIDE_TRUNCATED,
    BONAFIDE_MALFORMED, BONAFIDE_REFUSED, BONAFIDE_NULL, BONAFIDE_INVALID, BONAFIDE_ORDER, BONAFIDE_NOT_ASKED,
    BONAFIDE_WRONG_KIND, BONAFIDE_TOO_LARGE, BONAFIDE_PANIC);

/// A text, or any octets, that a handle keeps. Nothing of it is to be freed.
///
/// Each function says how long it is valid.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct bonafide_text {
    /// Never NULL. Behind the last octet stands a NUL, so that a text can be printed with `%s`.
    pub data: *const c_char,
    /// Octets, without that NUL.
    pub length: usize,
}

const ABI_VERSION: u32 = 1;

thread_local! {
    static LAST_ERROR: RefCell<Text> = RefCell::new(Text::new(""));
}

/// Keeps the text of an error for this thread.
pub(super) fn remember(text: &str) {
    // What C takes for the end of the text must not stand in it.
    let text = Text::new(text.replace('\0', "?"));
    let _ = LAST_ERROR.try_with(|last| last.replace(text));
}

/// LIBRARY: versions, statuses, the last error. Every thread may call these at any time.
///
/// The version of the library, such as "0.1.0"; BONAFIDE_VERSION is that of the header.
#[unsafe(no_mangle)]
pub extern "C" fn bonafide_version() -> *const c_char {
    concat!(env!("CARGO_PKG_VERSION"), "\0").as_ptr().cast()
}

/// The version of the binary interface. A program that loads the library at run time compares it
/// with BONAFIDE_ABI_VERSION; it changes when programs must be compiled again.
#[unsafe(no_mangle)]
pub extern "C" fn bonafide_abi_version() -> u32 {
    ABI_VERSION
}

/// What a status means, in English; never NULL, for numbers that are no status too.
#[unsafe(no_mangle)]
pub extern "C" fn bonafide_status_text(status: c_int) -> *const c_char {
    let text = match bonafide_status::from_c(status) {
        Ok(BONAFIDE_OK) => c"done",
        Ok(BONAFIDE_ABSENT) => c"there is no such thing",
        Ok(BONAFIDE_WAITING) => c"answers, or the end of the header, are missing",
        Ok(BONAFIDE_FOREIGN) => c"the packet belongs to something else",
        Ok(BONAFIDE_TRUNCATED) => c"the packet is truncated: ask over TCP",
        Ok(BONAFIDE_MALFORMED) => c"the packet cannot be read",
        Ok(BONAFIDE_REFUSED) => c"the message must not be signed",
        Ok(BONAFIDE_NULL) => c"a pointer is NULL that must not be",
        Ok(BONAFIDE_INVALID) => c"an argument is not what it must be",
        Ok(BONAFIDE_ORDER) => c"the call comes too early or too late",
        Ok(BONAFIDE_NOT_ASKED) => c"no such question is open",
        Ok(BONAFIDE_WRONG_KIND) => c"the answer is of another kind than the question",
        Ok(BONAFIDE_TOO_LARGE) => c"a length that no memory has",
        Ok(BONAFIDE_PANIC) => c"a bug in the library",
        Err(_) => c"no status of this version",
    };
    text.as_ptr()
}

/// What went wrong in the last call of this thread that did not give BONAFIDE_OK, BONAFIDE_ABSENT
/// or BONAFIDE_WAITING; empty if there was none. Never NULL; valid until the next such call of this
/// thread.
#[unsafe(no_mangle)]
pub extern "C" fn bonafide_last_error() -> *const c_char {
    let last = LAST_ERROR.try_with(|last| last.borrow().view().data);
    last.unwrap_or_else(|_| c"".as_ptr())
}
