//! Where C ends and Rust begins: pointers are checked, panics caught, and errors made statuses.

use std::ffi::{c_char, c_void};
use std::fmt;
use std::mem::MaybeUninit;
use std::panic::{AssertUnwindSafe, catch_unwind};

use super::library::{bonafide_status, bonafide_text, remember};

/// Why a function did not do what it was called for.
#[derive(Debug)]
pub(super) struct Failure {
    status: bonafide_status,
    text: String,
}

impl Failure {
    pub(super) fn new(status: bonafide_status, text: impl fmt::Display) -> Self {
        Self { status, text: text.to_string() }
    }

    /// An argument that is not what it must be.
    pub(super) fn invalid(text: impl fmt::Display) -> Self {
        Self::new(bonafide_status::BONAFIDE_INVALID, text)
    }

    /// A call that comes too early or too late.
    pub(super) fn order(text: &str) -> Self {
        Self::new(bonafide_status::BONAFIDE_ORDER, text)
    }
}

/// What the body of a function gives.
pub(super) type Outcome = Result<bonafide_status, Failure>;

/// Runs the body of a function: no panic leaves it, and the text of a failure is kept for the thread.
pub(super) fn guard(body: impl FnOnce() -> Outcome) -> bonafide_status {
    let failure = match catch_unwind(AssertUnwindSafe(body)) {
        Ok(Ok(status)) => return status,
        Ok(Err(failure)) => failure,
        Err(_) => Failure::new(
            bonafide_status::BONAFIDE_PANIC,
            "a bug in the library: the handles of this call are fit for nothing but to be freed",
        ),
    };
    // Nor does one on the way out.
    let _ = catch_unwind(AssertUnwindSafe(|| remember(&failure.text)));
    failure.status
}

/// A handle to read from.
///
/// # Safety
///
/// As the rules of `capi` say of handles.
pub(super) unsafe fn handle<'h, T>(pointer: *const T, name: &str) -> Result<&'h T, Failure> {
    // SAFETY: it is NULL or a handle that nobody changes meanwhile.
    unsafe { pointer.as_ref() }.ok_or_else(|| null(name))
}

/// A handle to change.
///
/// # Safety
///
/// As the rules of `capi` say of handles.
pub(super) unsafe fn handle_mut<'h, T>(pointer: *mut T, name: &str) -> Result<&'h mut T, Failure> {
    // SAFETY: it is NULL or a handle that nobody else uses meanwhile.
    unsafe { pointer.as_mut() }.ok_or_else(|| null(name))
}

/// Where a result goes.
///
/// # Safety
///
/// As the rules of `capi` say of results.
pub(super) unsafe fn slot<'o, T>(
    pointer: *mut T,
    name: &str,
) -> Result<&'o mut MaybeUninit<T>, Failure> {
    // SAFETY: it is NULL or writable, and need not be initialized.
    unsafe { pointer.cast::<MaybeUninit<T>>().as_mut() }.ok_or_else(|| null(name))
}

/// Octets of the caller.
///
/// # Safety
///
/// As the rules of `capi` say of octets.
pub(super) unsafe fn octets<'o>(
    data: *const c_void,
    length: usize,
    name: &str,
) -> Result<&'o [u8], Failure> {
    // SAFETY: what holds of octets holds of elements of one octet.
    unsafe { elements(data.cast::<u8>(), length, name) }
}

/// As [`octets`], of a text.
///
/// # Safety
///
/// As the rules of `capi` say of octets.
pub(super) unsafe fn text<'o>(
    data: *const c_char,
    length: usize,
    name: &str,
) -> Result<&'o [u8], Failure> {
    // SAFETY: a `char` is an octet.
    unsafe { octets(data.cast(), length, name) }
}

/// An array of the caller.
///
/// # Safety
///
/// `data` is NULL, or so many elements are readable there.
pub(super) unsafe fn elements<'o, T>(
    data: *const T,
    count: usize,
    name: &str,
) -> Result<&'o [T], Failure> {
    if count == 0 {
        return Ok(&[]);
    }
    if data.is_null() {
        return Err(null(name));
    }
    let is_possible =
        count.checked_mul(size_of::<T>()).is_some_and(|size| isize::try_from(size).is_ok());
    if !is_possible {
        let text = format_args!("{name} has a length of {count}, which no memory has");
        return Err(Failure::new(bonafide_status::BONAFIDE_TOO_LARGE, text));
    }
    // SAFETY: it is not NULL, readable for that many elements, and no larger than an object can be.
    Ok(unsafe { std::slice::from_raw_parts(data, count) })
}

/// Makes a handle.
pub(super) fn give<T>(slot: &mut MaybeUninit<*mut T>, value: T) -> Outcome {
    slot.write(Box::into_raw(Box::new(value)));
    Ok(bonafide_status::BONAFIDE_OK)
}

/// Frees a handle; NULL is none.
///
/// # Safety
///
/// It is NULL or came from [`give`], and nothing uses it any more.
pub(super) unsafe fn free<T>(handle: *mut T) {
    if !handle.is_null() {
        // SAFETY: it came from `Box::into_raw`, and this is the last use.
        let handle = unsafe { Box::from_raw(handle) };
        let _ = catch_unwind(AssertUnwindSafe(|| drop(handle)));
    }
}

fn null(name: &str) -> Failure {
    Failure::new(bonafide_status::BONAFIDE_NULL, format_args!("{name} is NULL"))
}

/// A text that C may read: behind it stands a NUL that does not count.
#[derive(Clone, Debug)]
pub(super) struct Text(Box<[u8]>);

impl Text {
    pub(super) fn new(text: impl AsRef<[u8]>) -> Self {
        let text = text.as_ref();
        let mut octets = Vec::with_capacity(text.len().saturating_add(1));
        octets.extend_from_slice(text);
        octets.push(0);
        Self(octets.into())
    }

    /// Valid as long as this text is.
    pub(super) fn view(&self) -> bonafide_text {
        let length = self.0.len().saturating_sub(1);
        bonafide_text { data: self.0.as_ptr().cast(), length }
    }
}

/// Reads an enumeration that comes from C as a number.
macro_rules! from_c {
    ($type:ident: $($variant:ident),* $(,)?) => {
        impl $type {
            pub(super) fn from_c(value: std::ffi::c_int) -> Result<Self, $crate::capi::boundary::Failure> {
                #[expect(clippy::as_conversions, reason = "there is no other way to the number of a variant")]
                let found = [$(Self::$variant),*].into_iter().find(|known| *known as i32 == value);
                found.ok_or_else(|| {
                    let name = stringify!($type);
                    $crate::capi::boundary::Failure::invalid(format_args!("{value} is no {name}"))
                })
            }
        }
    };
}
pub(super) use from_c;
