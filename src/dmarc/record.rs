//! DMARC policy records, RFC 9989 sections 4.7 and 4.8.

use std::fmt;

use super::report_uri::ReportUris;
use crate::tag_list::{self, Tag, TagListError, Tags};

/// A DMARC policy record as it is published in the DNS,
/// [RFC 9989 section 4.7](https://www.rfc-editor.org/rfc/rfc9989#section-4.7).
///
/// Nothing is allocated for a record of up to 16 tags. A tag whose value is not valid has its default,
/// and of a tag that stands twice the first counts; [`Record::problems`] tells about both.
///
/// ```
/// use bonafide::dmarc::{Policy, Record, Request};
///
/// let record = Record::parse(b"v=DMARC1; p=reject; sp=none; rua=mailto:d@example.com!10m, https://x")?;
/// assert_eq!(record.policy, Request::Policy(Policy::Reject));
/// let uris: Vec<_> = record.rua.iter().map(|uri| uri.as_str()).collect();
/// assert_eq!(uris, ["mailto:d@example.com", "https://x"]);
/// assert_eq!(Record::parse(record.to_string().as_bytes())?, record);
/// # Ok::<(), bonafide::dmarc::RecordError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Record<'a> {
    /// p=: what is asked for messages of the domain itself.
    pub policy: Request,
    /// sp=: what is asked for messages of subdomains that exist.
    pub subdomain_policy: Request,
    /// np=: what is asked for messages of subdomains that do not exist.
    pub non_existent_policy: Request,
    /// adkim=: how a d= must agree with the author domain; relaxed if absent.
    pub dkim_alignment: AlignmentMode,
    /// aspf=: how MAIL FROM must agree with the author domain; relaxed if absent.
    pub spf_alignment: AlignmentMode,
    /// psd=: whether the domain is a public suffix.
    pub psd: Psd,
    /// t=y: the domain tests its policy, and asks to apply one of a level below.
    pub testing: bool,
    /// fo=: when failure reports are wanted; the default without a ruf= that holds a URI.
    pub failure_options: FailureOptions,
    /// rua=: where aggregate reports go.
    pub rua: ReportUris<'a>,
    /// ruf=: where failure reports go.
    pub ruf: ReportUris<'a>,
}

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
pub enum Request {
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

/// A TXT record that is no DMARC record: it does not begin with v=DMARC1.
///
/// A DMARC record, however broken, is always a [`Record`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("found {found:?} at the beginning of the record, expected v=DMARC1")]
#[non_exhaustive]
pub struct RecordError {
    /// How the record begins.
    pub found: String,
}

/// Something in a record that does not count, or not as its author may think.
///
/// Offsets count from the first octet of the record.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RecordProblem {
    /// A tag stands a second time; the first counts.
    #[error("tag {name}= stands a second time at offset {offset}")]
    DuplicateTag {
        /// The tag's name.
        name: String,
        /// Where the second one begins.
        offset: usize,
    },
    /// There is no p=.
    #[error("there is no p=")]
    NoPolicy,
    /// A tag of [RFC 7489](https://www.rfc-editor.org/rfc/rfc7489#section-6.3) that means nothing any more.
    #[error("tag {name}= at offset {offset} was retired by RFC 9989")]
    RetiredTag {
        /// The tag's name: pct, rf or ri.
        name: String,
        /// Where it begins.
        offset: usize,
    },
    /// A part that is no tag and is ignored.
    #[error(transparent)]
    TagList(#[from] TagListError),
    /// A tag that nobody knows.
    #[error("tag {name}= at offset {offset} is unknown")]
    UnknownTag {
        /// The tag's name.
        name: String,
        /// Where it begins.
        offset: usize,
    },
    /// Something in rua= or ruf= that is no URI for reports and is ignored.
    #[error(
        "found {found:?} in {name}= at offset {offset}, expected URIs such as mailto:user@example.com"
    )]
    Uri {
        /// The tag's name.
        name: &'static str,
        /// What is no URI.
        found: String,
        /// Where the value of the tag begins.
        offset: usize,
    },
    /// A value that is none of those the tag may have.
    #[error("found {name}={found} at offset {offset}, expected {expected}")]
    Value {
        /// The tag's name.
        name: &'static str,
        /// The value as found.
        found: String,
        /// Where the value begins.
        offset: usize,
        /// What would be right.
        expected: &'static str,
    },
}

/// Collects problems if anybody wants to know.
struct Problems(Option<Vec<RecordProblem>>);

impl Problems {
    fn note(&mut self, problem: impl FnOnce() -> RecordProblem) {
        if let Some(problems) = &mut self.0 {
            problems.push(problem());
        }
    }

    /// A value that was read, or its default.
    fn value<T>(
        &mut self,
        read: Option<T>,
        default: T,
        tag: &Tag<'_>,
        (name, expected): (&'static str, &'static str),
    ) -> T {
        read.unwrap_or_else(|| {
            let (found, offset) = (tag.value, tag.value_offset);
            self.note(|| {
                let found = tag_list::quote(found);
                RecordProblem::Value { name, found, offset, expected }
            });
            default
        })
    }
}

impl<'a> Record<'a> {
    /// Reads a record from the joined strings of a TXT record.
    ///
    /// # Errors
    ///
    /// [`RecordError`] for what is no DMARC record at all.
    pub fn parse(text: &'a [u8]) -> Result<Self, RecordError> {
        Self::read(text, &mut Problems(None))
    }

    /// What is wrong or useless in a DMARC record, in its order; nothing for what is no DMARC record.
    pub fn problems(text: &[u8]) -> Vec<RecordProblem> {
        let mut problems = Problems(Some(Vec::new()));
        let found = Record::read(text, &mut problems);
        found.map_or_else(|_| Vec::new(), |_| problems.0.unwrap_or_default())
    }

    fn read(text: &'a [u8], problems: &mut Problems) -> Result<Self, RecordError> {
        let mut tags = Tags::new(text);
        // RFC 9989 section 4.8: nothing stands in front of the version, and only its name may be in
        // upper case.
        let is_version =
            |tag: &Tag<'_>| tag.name.eq_ignore_ascii_case(b"v") && tag.value == b"DMARC1";
        let first = tags.next().and_then(Result::ok).filter(is_version);
        if first.is_none_or(|tag| tag.name_offset > 0) {
            return Err(RecordError { found: tag_list::quote(text.get(..16).unwrap_or(text)) });
        }
        let mut record = Self::default();
        for tag in tags {
            match tag {
                Ok(tag) => record.set(&tag, problems),
                // RFC 9989 section 4.8: what is malformed is ignored.
                Err(error) => problems.note(|| error.into()),
            }
        }
        if record.policy == Request::Absent {
            problems.note(|| RecordProblem::NoPolicy);
        }
        // RFC 9989 section 4.7: without ruf= this tag is ignored.
        if record.ruf.is_empty() {
            record.failure_options = FailureOptions::default();
        }
        Ok(record)
    }

    fn set(&mut self, tag: &Tag<'a>, problems: &mut Problems) {
        if tag.is_duplicate {
            problems.note(|| RecordProblem::DuplicateTag {
                name: tag_list::quote(tag.name),
                offset: tag.name_offset,
            });
            return;
        }
        let policies = "none, quarantine or reject";
        let mut request = |name| {
            let read = Policy::parse(tag.value).map(Request::Policy);
            problems.value(read, Request::Invalid, tag, (name, policies))
        };
        match tag.name {
            b"p" => self.policy = request("p"),
            b"sp" => self.subdomain_policy = request("sp"),
            b"np" => self.non_existent_policy = request("np"),
            b"adkim" => self.dkim_alignment = AlignmentMode::read(tag, "adkim", problems),
            b"aspf" => self.spf_alignment = AlignmentMode::read(tag, "aspf", problems),
            b"psd" => {
                let read = Psd::parse(tag.value);
                self.psd = problems.value(read, Psd::Unknown, tag, ("psd", "y, n or u"));
            }
            b"t" => {
                let read = letter(tag.value, [(b'y', true), (b'n', false)]);
                self.testing = problems.value(read, false, tag, ("t", "y or n"));
            }
            b"fo" => {
                let read = FailureOptions::parse(tag.value);
                let default = FailureOptions::default();
                let expected = "0 or 1, d and s with colons between them";
                self.failure_options = problems.value(read, default, tag, ("fo", expected));
            }
            b"rua" => self.rua = read_uris(tag, "rua", problems),
            b"ruf" => self.ruf = read_uris(tag, "ruf", problems),
            b"pct" | b"rf" | b"ri" => problems.note(|| RecordProblem::RetiredTag {
                name: tag_list::quote(tag.name),
                offset: tag.name_offset,
            }),
            _ => problems.note(|| RecordProblem::UnknownTag {
                name: tag_list::quote(tag.name),
                offset: tag.name_offset,
            }),
        }
    }

    /// Whether the record can be applied: p= is valid, sp= and np= are valid or absent; or reports are
    /// asked for, so that the record counts as p=none
    /// ([RFC 9989 section 4.10.1](https://www.rfc-editor.org/rfc/rfc9989#section-4.10.1)).
    pub fn is_valid(&self) -> bool {
        self.has_valid_policies() || !self.rua.is_empty()
    }

    fn has_valid_policies(&self) -> bool {
        matches!(self.policy, Request::Policy(_))
            && self.subdomain_policy != Request::Invalid
            && self.non_existent_policy != Request::Invalid
    }

    /// The policy for messages of the domain itself, and the tag it comes from.
    pub fn policy_of_domain(&self) -> (Policy, PolicyTag) {
        match self.policy {
            Request::Policy(policy) if self.has_valid_policies() => (policy, PolicyTag::P),
            _ => (Policy::None, PolicyTag::P),
        }
    }

    /// The policy for messages of a subdomain, and the tag it comes from.
    pub fn policy_of_subdomain(&self, exists: bool) -> (Policy, PolicyTag) {
        let (np, sp) = (self.non_existent_policy, self.subdomain_policy);
        match (np, sp) {
            _ if !self.has_valid_policies() => (Policy::None, PolicyTag::P),
            (Request::Policy(policy), _) if !exists => (policy, PolicyTag::Np),
            (_, Request::Policy(policy)) => (policy, PolicyTag::Sp),
            _ => self.policy_of_domain(),
        }
    }
}

impl Default for Record<'_> {
    /// The record that says nothing but its version.
    fn default() -> Self {
        Self {
            policy: Request::Absent,
            subdomain_policy: Request::Absent,
            non_existent_policy: Request::Absent,
            dkim_alignment: AlignmentMode::Relaxed,
            spf_alignment: AlignmentMode::Relaxed,
            psd: Psd::Unknown,
            testing: false,
            failure_options: FailureOptions::default(),
            rua: ReportUris::default(),
            ruf: ReportUris::default(),
        }
    }
}

/// A value of one letter, whose case does not matter (RFC 5234 section 2.3).
fn letter<T: Copy, const N: usize>(value: &[u8], meanings: [(u8, T); N]) -> Option<T> {
    let [letter] = value else {
        return None;
    };
    let meaning = meanings.iter().find(|(known, _)| letter.eq_ignore_ascii_case(known));
    meaning.map(|(_, meaning)| *meaning)
}

fn read_uris<'a>(tag: &Tag<'a>, name: &'static str, problems: &mut Problems) -> ReportUris<'a> {
    let uris = ReportUris::new(tag.value);
    if problems.0.is_some() {
        for stray in uris.strays() {
            problems.note(|| {
                let found = tag_list::quote(stray);
                RecordProblem::Uri { name, found, offset: tag.value_offset }
            });
        }
    }
    uris
}

impl Policy {
    fn parse(value: &[u8]) -> Option<Self> {
        [Self::None, Self::Quarantine, Self::Reject]
            .into_iter()
            .find(|policy| value.eq_ignore_ascii_case(policy.as_str().as_bytes()))
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
    fn read(tag: &Tag<'_>, name: &'static str, problems: &mut Problems) -> Self {
        let read = letter(tag.value, [(b'r', Self::Relaxed), (b's', Self::Strict)]);
        problems.value(read, Self::Relaxed, tag, (name, "r or s"))
    }
}

impl Psd {
    fn parse(value: &[u8]) -> Option<Self> {
        letter(value, [(b'y', Self::Yes), (b'n', Self::No), (b'u', Self::Unknown)])
    }
}

impl FailureOptions {
    fn parse(value: &[u8]) -> Option<Self> {
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

impl fmt::Display for Record<'_> {
    /// As a tag list that parses back to the same record: without what was ignored, and with `?` for a
    /// policy that is not valid.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("v=DMARC1")?;
        let requests =
            [("p", self.policy), ("sp", self.subdomain_policy), ("np", self.non_existent_policy)];
        for (name, request) in requests {
            match request {
                Request::Absent => {}
                Request::Invalid => write!(f, "; {name}=?")?,
                Request::Policy(policy) => write!(f, "; {name}={policy}")?,
            }
        }
        if self.dkim_alignment == AlignmentMode::Strict {
            f.write_str("; adkim=s")?;
        }
        if self.spf_alignment == AlignmentMode::Strict {
            f.write_str("; aspf=s")?;
        }
        match self.psd {
            Psd::No => f.write_str("; psd=n")?,
            Psd::Unknown => {}
            Psd::Yes => f.write_str("; psd=y")?,
        }
        if self.testing {
            f.write_str("; t=y")?;
        }
        if !self.rua.is_empty() {
            write!(f, "; rua={}", self.rua)?;
        }
        if !self.ruf.is_empty() {
            write!(f, "; ruf={}", self.ruf)?;
        }
        if self.failure_options != FailureOptions::default() {
            write!(f, "; fo={}", self.failure_options)?;
        }
        Ok(())
    }
}

#[cfg(feature = "serde")]
macro_rules! serialize_as_text {
    ($($name:ty),*) => {$(
        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }
    )*};
}

#[cfg(feature = "serde")]
serialize_as_text!(AlignmentMode, FailureOptions, Policy, PolicyTag, Record<'_>);

#[cfg(test)]
mod tests;
