//! DMARC: whether a message comes from its author's domain, and what that domain asks for if not,
//! [RFC 9989](https://www.rfc-editor.org/rfc/rfc9989).
//!
//! [`lookups`] asks the DNS for all that can be known after the header of a message; it may run while
//! the body arrives. [`Lookups::evaluate`] combines that with what SPF and DKIM found, without asking
//! anything. A message has exactly one [`Verdict`], which always says why.
//!
//! ```
//! use bonafide::dmarc::{self, Candidates, DkimIdentifier, DmarcResult, IdentifierResult, Identifiers};
//! use bonafide::message::{AuthorDomain, Header};
//! use bonafide::{Domain, dns::Zone};
//!
//! let zone: Zone = r#"_dmarc.example.com TXT "v=DMARC1; p=reject""#.parse()?;
//! let author = AuthorDomain::of(&Header::parse(b"From: a@news.example.com\r\n"));
//! let signer = Domain::parse(b"example.com")?;
//!
//! let candidates = Candidates { spf: None, dkim: vec![signer.clone()] };
//! let options = dmarc::Options::default();
//! let lookups = bonafide::block_on(dmarc::lookups(author, &candidates, &options, &zone));
//!
//! let signature = DkimIdentifier { domain: signer, result: IdentifierResult::Pass, testing: false };
//! let mut identifiers = Identifiers { spf: None, dkim: vec![signature] };
//! assert_eq!(lookups.evaluate(&identifiers).result, DmarcResult::Pass);
//! identifiers.dkim.clear();
//! assert_eq!(lookups.evaluate(&identifiers).disposition, Some(dmarc::Policy::Reject));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod align;
mod destination;
mod discover;
mod evaluate;
mod problem;
#[cfg(feature = "psl")]
mod psl;
mod published;
mod record;
mod report_uri;
mod trace;
mod values;
mod verdict;
mod walk;

pub use align::{Agreement, Alignment, IdentifierResult, Mechanism};
pub use destination::{Destination, DestinationError, ReportKind, verify_destinations};
pub use discover::{Candidates, Discovery, Limits, Lookups, Options, lookups};
pub use evaluate::{DkimIdentifier, Identifiers, SpfIdentifier};
pub use problem::RecordProblem;
#[cfg(feature = "psl")]
pub use psl::{PublicSuffixList, PublicSuffixListError};
pub use published::PublishedRecord;
pub use record::{Record, RecordError};
pub use report_uri::{ReportUri, ReportUris};
pub use trace::{Event, Found};
pub use values::{AlignmentMode, FailureOptions, Policy, PolicyRequest, PolicyTag, Psd};
pub use verdict::{Cause, DiscoveryMethod, DmarcResult, Verdict};
