#![doc = include_str!("../README.md")]
#![cfg_attr(not(feature = "capi"), forbid(unsafe_code))]
#![cfg_attr(test, allow(clippy::arithmetic_side_effects, clippy::as_conversions))]

#[cfg(not(any(feature = "ring", feature = "aws-lc-rs", feature = "rust-crypto")))]
compile_error!(
    "bonafide needs a backend for RSA and SHA-256: enable the feature `ring` (the default), `aws-lc-rs` or `rust-crypto`"
);

#[cfg(any(feature = "hickory", feature = "https"))]
pub mod adapter;
#[cfg(feature = "arc")]
pub mod arc;
pub mod authentication_results;
pub mod authenticator;
pub mod canonicalization;
#[cfg(feature = "capi")]
pub mod capi;
mod crypto;
pub mod dkim;
pub mod dmarc;
pub mod dns;
mod domain;
pub mod evaluation;
mod field_list;
pub mod message;
pub mod mta_sts;
mod octets;
mod serialize;
pub mod spf;
pub mod tag_list;
mod time;
pub mod tls_rpt;

pub use authenticator::{Authenticator, Envelope, Report, Session};
pub use domain::{Domain, DomainError, Selector};
#[cfg(not(target_family = "wasm"))]
pub use evaluation::block_on;
pub use time::UnixTime;
