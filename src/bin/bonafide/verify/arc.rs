//! The chain of a message, for programs and for people.

use std::fmt::Write as _;

use bonafide::Domain;
use bonafide::arc::{ArcResult, Event, Verdict};
use bonafide::authenticator::PolicyOverride;
use serde::Serialize;

use crate::trace;

/// Every key is there, `null` where it does not apply.
#[derive(Serialize)]
pub(super) struct Arc<'v> {
    result: String,
    instances: u8,
    oldest_pass: Option<u8>,
    sealers: &'v [Domain],
    policy_override: Option<&'v PolicyOverride>,
    cause: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    trace: Option<&'v [Event]>,
}

impl<'v> Arc<'v> {
    pub(super) fn new(verdict: &'v Verdict, policy_override: Option<&'v PolicyOverride>) -> Self {
        Self {
            result: verdict.result.to_string(),
            instances: verdict.instances,
            oldest_pass: verdict.oldest_pass,
            sealers: &verdict.sealers,
            policy_override,
            cause: verdict.cause.as_ref().map(ToString::to_string),
            trace: verdict.trace.as_deref(),
        }
    }
}

/// Writes a verdict for people to read; nothing where there is no chain.
pub(super) fn describe(
    verdict: &Verdict,
    policy_override: Option<&PolicyOverride>,
    text: &mut String,
) -> std::fmt::Result {
    if verdict.result == ArcResult::None {
        return Ok(());
    }
    writeln!(text, "arc: {}", verdict.result)?;
    if let Some(cause) = &verdict.cause {
        writeln!(text, "  why         {cause}")?;
    }
    let sealers: Vec<_> = verdict.sealers.iter().map(Domain::as_str).collect();
    writeln!(text, "  sets        {}, sealed by {}", verdict.instances, sealers.join(", "))?;
    match verdict.oldest_pass {
        Some(0) => writeln!(text, "  unchanged   since the first set")?,
        Some(oldest) => writeln!(text, "  unchanged   since set {oldest}")?,
        None => {}
    }
    if let Some(offer) = policy_override {
        writeln!(text, "  override    offered by {}: {}", offer.sealer, offer.comment)?;
    }
    trace(verdict.trace.as_deref(), text)
}
