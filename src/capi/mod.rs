//! The C ABI, whose documentation for callers is `include/bonafide.h`.
//!
//! One header, one library, and nothing that calls back: the caller steps an evaluation by answering its
//! questions. The rules that hold for every function, and on which each `unsafe` here relies:
//!
//! - A pointer to a handle is NULL or came from the function that makes such handles, and was not freed. One
//!   thread at a time uses a handle.
//! - A pointer to octets is readable for the length that stands beside it; NULL with a length of 0 is empty.
//! - A pointer for a result is NULL or writable; it need not be initialized, and nothing is written to it
//!   unless the function says that it is.
//! - NULL, where something must stand, is [`BONAFIDE_NULL`](bonafide_status::BONAFIDE_NULL) and changes
//!   nothing.
//!
//! Every body runs in one `guard`, where a panic ends and becomes a status.

#![allow(unsafe_code, reason = "this is where C comes in")]
#![allow(non_camel_case_types, reason = "the names are those of the header")]
#![allow(clippy::missing_safety_doc, reason = "the rules above hold for every function")]
#![deny(unsafe_op_in_unsafe_fn, clippy::undocumented_unsafe_blocks)]

mod boundary;

// In the order of the header, which the empty lines keep.
mod library;

mod evaluation;

mod authenticator;

mod session;

mod report;

mod verdict;

mod spf;

mod strip;

mod sign;

mod seal;

mod mta_sts;

pub use authenticator::*;
pub use evaluation::*;
pub use library::*;
pub use mta_sts::*;
pub use report::*;
pub use seal::*;
pub use session::*;
pub use sign::*;
pub use spf::*;
pub use strip::*;
pub use verdict::*;
