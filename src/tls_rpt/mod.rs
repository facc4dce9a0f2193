//! TLS reporting, [RFC 8460](https://www.rfc-editor.org/rfc/rfc8460): who wants to hear of failures, and
//! what they are called.
//!
//! ```
//! use bonafide::dns::{Resolver, Zone};
//! use bonafide::{Domain, block_on, tls_rpt};
//!
//! let zone: Zone = "_smtp._tls.example.com TXT \"v=TLSRPTv1; rua=mailto:tls@example.com\"".parse()?;
//! let question = tls_rpt::question(&Domain::parse(b"example.com")?)?;
//! let answer = block_on(zone.lookup(&question))?;
//! let record = tls_rpt::Record::select(answer.texts().map(|text| text.as_bytes()))?;
//! assert_eq!(record.rua[0].as_str(), "mailto:tls@example.com");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod record;
mod result_type;

pub use record::{Record, RecordError, ReportUri, UriScheme};
pub use result_type::ResultType;

use crate::dns::{Name, NameError, Question, RecordType};
use crate::domain::Domain;
pub use crate::field_list::FieldError;

/// The question whose answer [`Record::select`] reads: TXT records at `_smtp._tls.<domain>`,
/// [RFC 8460 section 3](https://www.rfc-editor.org/rfc/rfc8460#section-3).
///
/// # Errors
///
/// When the name would be too long for the DNS.
pub fn question(domain: &Domain) -> Result<Question, NameError> {
    let name = Name::from_dotted(["_smtp._tls", domain.as_str()])?;
    Ok(Question::new(name, RecordType::Txt))
}
