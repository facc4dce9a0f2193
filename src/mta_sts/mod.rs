//! MTA-STS, [RFC 8461](https://www.rfc-editor.org/rfc/rfc8461): may a message for this domain go to this
//! host, and how must TLS look?
//!
//! A sending mail server asks [`discover()`] before a delivery, with what it kept of the domain, and
//! keeps what it is told to keep ([`Store`]): in a [`Cache`], or as a [`CachedPolicy`] in a store of
//! its own. [`Decision::hosts`] then says host by host whether to deliver.
//!
//! - The policy domain is the domain of the recipient, or the smart host where mail goes through one.
//!   No domain above it is asked (RFC 8461 section 3.4). A recipient at an address literal has no
//!   policy domain, and there is nothing to ask.
//! - Hosts keep their order: a host that is skipped counts as one that cannot be reached (section 8.4).
//! - A message that no host may take is tried again later. [`discover()`] looks at the DNS each time, so
//!   that no message fails for good under a policy that has changed since (section 5).
//! - Certificates are the caller's: under an enforced policy a host has one that is valid for the name
//!   of the host by a DNS-ID, over TLS 1.2 or later, asked for with that name as SNI (sections 4.2, 7).
//! - A host that fails DANE is skipped, whatever the policy says (section 2).
//!
//! ```
//! use bonafide::mta_sts::{self, Action, Cache, FetchError, PolicyFetcher, PolicyUrl, Tls};
//! use bonafide::{Domain, UnixTime, block_on, dns::Zone};
//!
//! struct Fixed;
//!
//! impl PolicyFetcher for Fixed {
//!     async fn fetch(&self, url: &PolicyUrl) -> Result<Vec<u8>, FetchError> {
//!         assert_eq!(url.to_string(), "https://mta-sts.example.com/.well-known/mta-sts.txt");
//!         Ok(b"version: STSv1\nmode: enforce\nmx: *.example.com\nmax_age: 604800\n".to_vec())
//!     }
//! }
//!
//! let zone: Zone = "_mta-sts.example.com TXT \"v=STSv1; id=1\"".parse()?;
//! let [domain, mx, other] = ["example.com", "mx.example.com", "mx.example.net"]
//!     .map(|name| Domain::parse(name.as_bytes()).unwrap());
//! let (mut cache, now) = (Cache::new(64 << 20), UnixTime(1_795_478_400));
//!
//! let cached = cache.get(&domain);
//! let discovery = block_on(mta_sts::discover(&domain, cached, &zone, &Fixed, now));
//! cache.apply(&domain, discovery.store, now);
//! let hosts = discovery.decision.hosts(&domain, [&other, &mx], |_| Tls::Authenticated);
//! let actions: Vec<_> = hosts.map(|(_, host)| host.action).collect();
//! assert_eq!(actions, [Action::Skip, Action::Deliver]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod cache;
mod cached;
mod decision;
mod discover;
mod fetch;
mod policy;
mod record;

pub use cache::Cache;
pub use cached::{CachedPolicy, FailedFetch, FetchedPolicy};
pub use decision::{Action, Decision, HostDecision, Tls};
pub use discover::{Cause, Discovery, Store, discover};
pub use fetch::{FetchError, PolicyFetcher, PolicyUrl};
pub use policy::{MAXIMUM_MAX_AGE, MAXIMUM_POLICY_OCTETS, Mode, MxPattern, Policy, PolicyError};
pub use record::{Record, RecordError};

pub use crate::field_list::FieldError;
