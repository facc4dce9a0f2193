//! What became of a chain, and why.

use std::fmt;

use super::set::{ArcField, StructureError};
use crate::dkim;
use crate::domain::{Domain, Selector};
use crate::serialize::serialize_as_text;

/// Chain Validation Status, [RFC 8617 section 4.4](https://www.rfc-editor.org/rfc/rfc8617#section-4.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "RFC 8617 section 4.4 has three")]
pub enum ArcResult {
    /// There is no chain.
    None,
    /// The chain is whole, and the message is as its last sealer left it.
    Pass,
    /// There is a chain, and it is worth as much as none.
    Fail,
}

/// What became of the chain of a message, and why.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct Verdict {
    /// The result.
    pub result: ArcResult,
    /// What broke the chain; `None` exactly when nothing did.
    pub cause: Option<Cause>,
    /// The highest instance that a field belongs to: of a whole chain, the number of its sets.
    pub instances: u8,
    /// The oldest set of which the message still is as signed, or 0 if it is as signed in every set
    /// ([RFC 8617 section 5.2](https://www.rfc-editor.org/rfc/rfc8617#section-5.2) step 5); `None` unless
    /// the chain passes and [`Options::oldest_pass`](super::Options::oldest_pass) is on.
    pub oldest_pass: Option<u8>,
    /// d= of the seals, i=1 first. Of a chain that fails anybody may have written them.
    pub sealers: Vec<Domain>,
    /// s= of the seals, i=1 first; empty unless the sets make a chain.
    pub selectors: Vec<Selector>,
    /// What the first sealer found when the message came to it: the value of an Authentication-Results field.
    /// Empty unless the sets make a chain; worth as much as the sealers, all of them, are trusted.
    #[cfg_attr(feature = "serde", serde(skip))]
    pub first_results: Vec<u8>,
    /// Each check in order; `None` unless the trace is on.
    pub trace: Option<Vec<Event>>,
}

/// What broke a chain.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Cause {
    /// The message is not as the newest set signed it, or that cannot be found out.
    #[error("the message signature of set {instance}: {cause}")]
    MessageSignature {
        /// Of which set.
        instance: u8,
        /// Why it did not verify.
        cause: dkim::Cause,
    },
    /// The newest message signature covers ARC-Seal, which changes with each set.
    #[error("the message signature of set {instance} covers ARC-Seal")]
    SealCovered {
        /// Of which set.
        instance: u8,
    },
    /// A seal did not verify.
    #[error("the seal of set {instance}: {cause}")]
    Seal {
        /// Of which set.
        instance: u8,
        /// Why it did not verify.
        cause: dkim::Cause,
    },
    /// The sets make no chain.
    #[error(transparent)]
    Structure(#[from] StructureError),
}

/// One step of the verification of a chain.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Event {
    /// The sets make a chain.
    Chain {
        /// How many sets.
        instances: u8,
    },
    /// A step of the check of one signature. Of seals that follow each other by one key, the first has the
    /// steps in which the key was read.
    Step {
        /// Whether it is a message signature or a seal.
        field: ArcField,
        /// Of which set.
        instance: u8,
        /// The step.
        event: dkim::Event,
    },
    /// The verification ended here.
    Stopped {
        /// Why.
        cause: Cause,
    },
}

impl Cause {
    /// The set that broke; `None` for a field that belongs to none.
    pub fn instance(&self) -> Option<u8> {
        match self {
            Self::MessageSignature { instance, .. }
            | Self::Seal { instance, .. }
            | Self::SealCovered { instance }
            | Self::Structure(
                StructureError::AlreadyFailed { instance }
                | StructureError::ChainValidation { instance, .. }
                | StructureError::Duplicate { instance, .. }
                | StructureError::Missing { instance, .. }
                | StructureError::Seal { instance, .. },
            ) => Some(*instance),
            Self::Structure(StructureError::Instance { .. }) => None,
        }
    }

    /// Whether a lookup failed that might give an answer later. The chain fails all the same
    /// ([RFC 8617 section 5.2.1](https://www.rfc-editor.org/rfc/rfc8617#section-5.2.1)); who has not
    /// accepted the message yet may ask for it again.
    pub fn is_temporary(&self) -> bool {
        match self {
            Self::MessageSignature { cause, .. } | Self::Seal { cause, .. } => {
                cause.result() == dkim::DkimResult::TempError
            }
            Self::SealCovered { .. } | Self::Structure(_) => false,
        }
    }
}

impl Verdict {
    pub(crate) fn new(trace: bool) -> Self {
        Self {
            result: ArcResult::None,
            cause: None,
            instances: 0,
            oldest_pass: None,
            sealers: Vec::new(),
            selectors: Vec::new(),
            first_results: Vec::new(),
            trace: trace.then(Vec::new),
        }
    }

    pub(super) fn fail(&mut self, cause: Cause) {
        self.result = ArcResult::Fail;
        self.note(|| Event::Stopped { cause: cause.clone() });
        self.cause = Some(cause);
    }

    pub(super) fn note(&mut self, event: impl FnOnce() -> Event) {
        if let Some(trace) = &mut self.trace {
            trace.push(event());
        }
    }

    /// Takes over the steps of one signature.
    pub(super) fn note_all(
        &mut self,
        field: ArcField,
        instance: u8,
        steps: Option<Vec<dkim::Event>>,
    ) {
        if let (Some(trace), Some(steps)) = (&mut self.trace, steps) {
            trace.extend(steps.into_iter().map(|event| Event::Step { field, instance, event }));
        }
    }
}

impl fmt::Display for ArcResult {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::None => "none",
            Self::Pass => "pass",
            Self::Fail => "fail",
        })
    }
}

impl fmt::Display for Verdict {
    /// One line: the result, how many sets there are, and the cause.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {} sets", self.result, self.instances)?;
        match &self.cause {
            Some(cause) => write!(f, " ({cause})"),
            None => Ok(()),
        }
    }
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Chain { instances } => write!(f, "a chain of {instances} sets"),
            Self::Step { field, instance, event } => write!(f, "{field} {instance}: {event}"),
            Self::Stopped { cause } => write!(f, "stopped: {cause}"),
        }
    }
}

serialize_as_text!(ArcResult, Cause, Event);
