//! SPF: which hosts may use a domain in HELO and MAIL FROM,
//! [RFC 7208](https://www.rfc-editor.org/rfc/rfc7208), with
//! [RFC 6652](https://www.rfc-editor.org/rfc/rfc6652),
//! [RFC 7372](https://www.rfc-editor.org/rfc/rfc7372) and
//! [RFC 8616](https://www.rfc-editor.org/rfc/rfc8616).
//!
//! [`check_host()`] checks both identities of a session. Each has a [`Verdict`] that says what was
//! decided, and by which term or why by none. [`Record`] reads a record without evaluating it.

mod check_host;
mod evaluator;
mod expansion;
mod explanation;
mod identity;
mod macros;
mod names;
mod network;
mod options;
mod received_spf;
mod record;
mod record_error;
mod term;
mod trace;
mod verdict;

pub use check_host::{check_helo, check_host, check_mail_from};
pub use expansion::MacroValues;
pub use explanation::Explanation;
pub use macros::{DomainSpec, MacroError, MacroErrorKind, MacroString};
pub use network::{DualPrefix, Ip4Network, Ip6Network};
pub use options::{Limits, Options, Query};
pub use received_spf::{ReceivedSpf, ReceivedSpfError};
pub use record::{Record, ReportRequest};
pub use record_error::{RecordError, RecordErrorKind};
pub use term::{Directive, Mechanism, Modifier, Qualifier, Term};
pub use trace::{Event, Step};
pub use verdict::{Cause, HeloVerdict, MailFromVerdict, Match, SpfResult, Verdict, Verdicts};
