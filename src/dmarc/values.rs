//! The values that the tags of a policy record have, RFC 9989 sections 4.7 and 4.8.

use std::fmt;

use crate::serialize::serialize_as_text;

use super::problem::Problems;
use crate::tag_list;

/// What a domain owner asks for messages that fail.
///
/// Ordered by severity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(
    clippy::exhaustive_enums,
    reason = "RFC 9989 section 4.7 has three, and a new one would be a new version"
)]
pub enum Policy {
    /// No preference.
    None,
    /// The message is suspicious.
    Quarantine,
    /// The domain name is not used rightly.
    Reject,
}

/// The value of p=, sp= or np=.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "RFC 9989 section 4.10.1 tells these three apart")]
pub enum PolicyRequest {
    /// The tag is not there.
    Absent,
    /// The tag is there, and its value is no policy.
    Invalid,
    /// A policy.
    Policy(Policy),
}

/// How an identifier must agree with the author domain,
/// [RFC 9989 section 3.2.10](https://www.rfc-editor.org/rfc/rfc9989#section-3.2.10).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "RFC 9989 section 4.7 has two")]
pub enum AlignmentMode {
    /// Both have the same organizational domain.
    Relaxed,
    /// Both are the same domain.
    Strict,
}

/// Whether a domain is a public suffix, psd=.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "RFC 9989 section 4.7 has three")]
pub enum Psd {
    /// It is not, and it is the organizational domain of all below it.
    No,
    /// It is not; whether it is an organizational domain, the tree walk says.
    Unknown,
    /// It is.
    Yes,
}

/// When failure reports are wanted, fo=.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct FailureOptions {
    /// `0`: when all mechanisms fail to give an aligned pass.
    pub all: bool,
    /// `1`: when any mechanism fails to give an aligned pass.
    pub any: bool,
    /// `d`: when a DKIM signature fails, aligned or not.
    pub dkim: bool,
    /// `s`: when SPF fails, aligned or not.
    pub spf: bool,
}

/// The tag that a policy was taken from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "RFC 9989 section 4.7 has three")]
pub enum PolicyTag {
    /// np=, for subdomains that do not exist.
    Np,
    /// p=, for the domain itself and for subdomains without a policy of their own.
    P,
    /// sp=, for subdomains.
    Sp,
}

/// A value of one letter, whose case does not matter (RFC 5234 section 2.3).
pub(super) fn letter<T: Copy, const N: usize>(value: &[u8], meanings: [(u8, T); N]) -> Option<T> {
    let [letter] = value else {
        return None;
    };
    let meaning = meanings.iter().find(|(known, _)| letter.eq_ignore_ascii_case(known));
    meaning.map(|(_, meaning)| *meaning)
}

impl PolicyRequest {
    pub(super) fn read(found: (&[u8], usize), name: &'static str, problems: &mut Problems) -> Self {
        let read = Policy::parse(found.0).map(Self::Policy);
        problems.value(read, Self::Invalid, found, (name, "none, quarantine or reject"))
    }
}

impl Policy {
    pub(super) fn parse(value: &[u8]) -> Option<Self> {
        let policy = match value.len() {
            4 => Self::None,
            6 => Self::Reject,
            10 => Self::Quarantine,
            _ => return None,
        };
        value.eq_ignore_ascii_case(policy.as_str().as_bytes()).then_some(policy)
    }

    fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Quarantine => "quarantine",
            Self::Reject => "reject",
        }
    }

    /// The policy of one level below, which t=y asks for.
    pub(super) fn lowered(self) -> Self {
        match self {
            Self::None | Self::Quarantine => Self::None,
            Self::Reject => Self::Quarantine,
        }
    }
}

impl AlignmentMode {
    pub(super) fn read(found: (&[u8], usize), name: &'static str, problems: &mut Problems) -> Self {
        let read = letter(found.0, [(b'r', Self::Relaxed), (b's', Self::Strict)]);
        problems.value(read, Self::Relaxed, found, (name, "r or s"))
    }
}

impl Psd {
    pub(super) fn parse(value: &[u8]) -> Option<Self> {
        letter(value, [(b'y', Self::Yes), (b'n', Self::No), (b'u', Self::Unknown)])
    }
}

impl FailureOptions {
    pub(super) fn parse(value: &[u8]) -> Option<Self> {
        let mut found = Self { all: false, any: false, dkim: false, spf: false };
        for option in tag_list::colon_separated(value) {
            let slot = match option {
                b"0" => &mut found.all,
                b"1" => &mut found.any,
                b"d" | b"D" => &mut found.dkim,
                b"s" | b"S" => &mut found.spf,
                _ => return None,
            };
            // RFC 9989 section 4.8: each may appear once.
            if std::mem::replace(slot, true) {
                return None;
            }
        }
        (!(found.all && found.any)).then_some(found)
    }
}

impl Default for FailureOptions {
    /// `0`.
    fn default() -> Self {
        Self { all: true, any: false, dkim: false, spf: false }
    }
}

impl fmt::Display for Policy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl fmt::Display for PolicyTag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Np => "np",
            Self::P => "p",
            Self::Sp => "sp",
        })
    }
}

impl fmt::Display for AlignmentMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Relaxed => "relaxed",
            Self::Strict => "strict",
        })
    }
}

impl fmt::Display for FailureOptions {
    /// As the value of fo=.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let options = [(self.all, "0"), (self.any, "1"), (self.dkim, "d"), (self.spf, "s")];
        let mut separator = "";
        for (_, option) in options.into_iter().filter(|(is_set, _)| *is_set) {
            write!(f, "{separator}{option}")?;
            separator = ":";
        }
        Ok(())
    }
}

serialize_as_text!(AlignmentMode, FailureOptions, Policy, PolicyTag);
