//! One binary for all integration tests, to link once.
#![allow(
    clippy::arithmetic_side_effects,
    clippy::as_conversions,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::unreachable,
    clippy::unwrap_used
)]

mod attacks;
#[cfg(feature = "cli")]
mod command;
mod cost;
mod dkim;
mod dns;
mod examples;
mod floors;
#[cfg(feature = "hickory")]
mod hickory;
#[cfg(feature = "https")]
mod https;
mod mta_sts;
mod project;
mod seeds;
mod sign;
mod support;
