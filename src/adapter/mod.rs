//! Resolvers and fetchers on other people's crates, each behind a feature of its own.
//!
//! They use nothing but the public API of this crate: whatever they do, a caller's own
//! [`Resolver`](crate::dns::Resolver) or [`PolicyFetcher`](crate::mta_sts::PolicyFetcher) can do too.

#[cfg(feature = "hickory")]
pub mod hickory;
#[cfg(feature = "https")]
pub mod https;
