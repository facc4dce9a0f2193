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

#[cfg(feature = "arc")]
mod arc;
#[cfg(feature = "arc")]
mod arc_seal;
mod attacks;
mod author;
mod authres;
#[cfg(feature = "capi")]
mod capi;
#[cfg(feature = "cli")]
mod command;
#[cfg(feature = "cli")]
mod command_seal;
mod cost;
mod dkim;
mod dmarc;
mod dns;
#[cfg(feature = "hickory")]
mod dns_faults;
#[cfg(feature = "hickory")]
mod dnssec;
mod examples;
mod floors;
mod front_door;
#[cfg(feature = "hickory")]
mod hickory;
#[cfg(feature = "https")]
mod https;
mod mta_sts;
mod project;
mod received_spf;
mod seeds;
mod sign;
mod spf;
mod spf_laws;
mod support;
