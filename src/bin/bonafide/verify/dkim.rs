//! The signatures of a message, for programs and for people.

use std::fmt::Write as _;

use bonafide::UnixTime;
use bonafide::dkim::{Event, FieldNames, Verdict};
use serde::Serialize;

use crate::trace;

/// Every key is there, `null` where it does not apply.
#[derive(Serialize)]
pub(super) struct Dkim<'v> {
    result: String,
    domain: Option<String>,
    selector: Option<String>,
    identity: Option<String>,
    algorithm: Option<String>,
    key_bits: Option<u32>,
    testing: bool,
    unsigned_body_bytes: u64,
    signed_fields: &'v FieldNames,
    oversigned_fields: &'v FieldNames,
    unsigned_duplicates: &'v FieldNames,
    timestamp: Option<UnixTime>,
    expiration: Option<UnixTime>,
    cause: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    trace: Option<&'v [Event]>,
}

impl<'v> From<&'v Verdict> for Dkim<'v> {
    fn from(verdict: &'v Verdict) -> Self {
        Self {
            result: verdict.result.to_string(),
            domain: verdict.domain.as_ref().map(ToString::to_string),
            selector: verdict.selector.as_ref().map(ToString::to_string),
            identity: identity(verdict),
            algorithm: verdict.algorithm.map(|algorithm| algorithm.to_string()),
            key_bits: verdict.key_bits,
            testing: verdict.testing,
            unsigned_body_bytes: verdict.unsigned_body_octets,
            signed_fields: &verdict.signed_fields,
            oversigned_fields: &verdict.oversigned_fields,
            unsigned_duplicates: &verdict.unsigned_duplicates,
            timestamp: verdict.timestamp,
            expiration: verdict.expiration,
            cause: verdict.cause.as_ref().map(ToString::to_string),
            trace: verdict.trace.as_deref(),
        }
    }
}

/// i=, or what its absence means (RFC 6376 section 3.5).
fn identity(verdict: &Verdict) -> Option<String> {
    match (&verdict.identity, &verdict.domain) {
        (Some(identity), _) => Some(identity.to_string()),
        (None, Some(domain)) => Some(format!("@{domain}")),
        (None, None) => None,
    }
}

/// Writes a verdict for people to read.
pub(super) fn describe(verdict: &Verdict, text: &mut String) -> std::fmt::Result {
    write!(text, "dkim: {}", verdict.result)?;
    if let Some(domain) = &verdict.domain {
        write!(text, "  {domain}")?;
    }
    writeln!(text)?;
    if let Some(cause) = &verdict.cause {
        writeln!(text, "  why         {cause}")?;
    }
    let field = verdict.position.saturating_add(1);
    write!(text, "  signature   field {field} of the header")?;
    if let Some(selector) = &verdict.selector {
        write!(text, ", s={selector}")?;
    }
    if let Some(algorithm) = verdict.algorithm {
        write!(text, ", a={algorithm}")?;
    }
    if let Some(identity) = identity(verdict) {
        write!(text, ", i={identity}")?;
    }
    writeln!(text)?;
    if let Some(bits) = verdict.key_bits {
        let testing = if verdict.testing {
            ", and the domain says that it is only testing (t=y)"
        } else {
            ""
        };
        writeln!(text, "  key         {bits} bits{testing}")?;
    }
    if let (Some(from), until) = (verdict.timestamp, verdict.expiration) {
        write!(text, "  made        t={from}")?;
        until.map_or(Ok(()), |until| write!(text, ", to expire x={until}"))?;
        writeln!(text)?;
    }
    let lists = [
        ("signed", &verdict.signed_fields),
        ("oversigned", &verdict.oversigned_fields),
        ("unsigned", &verdict.unsigned_duplicates),
    ];
    for (label, names) in lists {
        if !names.is_empty() {
            let names: Vec<_> = names.iter().collect();
            let further = if label == "unsigned" { "further instances of " } else { "" };
            writeln!(text, "  {label:<11} {further}{}", names.join(", "))?;
        }
    }
    if verdict.unsigned_body_octets > 0 {
        writeln!(
            text,
            "  unsigned    {} octets at the end of the body",
            verdict.unsigned_body_octets
        )?;
    }
    trace(verdict.trace.as_deref(), text)
}
