//! DMARC policy records, RFC 9989 sections 4.7 and 4.8.

use std::fmt;
use std::ops::Range;

use super::problem::{Problems, RecordProblem, useless};
use super::report_uri::ReportUris;
use super::values::{AlignmentMode, FailureOptions, Policy, PolicyRequest, PolicyTag, Psd, letter};
use crate::serialize::serialize_as_text;
use crate::tag_list::{self, Tag, Tags};

/// A DMARC policy record as it is published in the DNS,
/// [RFC 9989 section 4.7](https://www.rfc-editor.org/rfc/rfc9989#section-4.7).
///
/// Nothing is allocated for a record of up to 16 tags. A tag whose value is not valid has its default,
/// and of a tag that stands twice the first counts; [`Record::problems`] tells about both.
///
/// ```
/// use bonafide::dmarc::{Policy, Record, PolicyRequest};
///
/// let record = Record::parse(b"v=DMARC1; p=reject; sp=none; rua=mailto:d@example.com!10m, https://x")?;
/// assert_eq!(record.policy, PolicyRequest::Policy(Policy::Reject));
/// let uris: Vec<_> = record.rua.iter().map(|uri| uri.as_str()).collect();
/// assert_eq!(uris, ["mailto:d@example.com", "https://x"]);
/// assert_eq!(Record::parse(record.to_string().as_bytes())?, record);
/// # Ok::<(), bonafide::dmarc::RecordError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Record<'a> {
    /// p=: what is asked for messages of the domain itself.
    pub policy: PolicyRequest,
    /// sp=: what is asked for messages of subdomains that exist.
    pub subdomain_policy: PolicyRequest,
    /// np=: what is asked for messages of subdomains that do not exist.
    pub non_existent_policy: PolicyRequest,
    /// adkim=: how a d= must agree with the author domain; relaxed if absent.
    pub dkim_alignment: AlignmentMode,
    /// aspf=: how MAIL FROM must agree with the author domain; relaxed if absent.
    pub spf_alignment: AlignmentMode,
    /// psd=: whether the domain is a public suffix.
    pub psd: Psd,
    /// t=y: the domain tests its policy, and asks to apply one of a level below.
    pub testing: bool,
    failure_options: FailureOptions,
    /// rua=: where aggregate reports go.
    pub rua: ReportUris<'a>,
    /// ruf=: where failure reports go.
    pub ruf: ReportUris<'a>,
}

/// A record without its text, so that whoever keeps the text can go on with it. Small, because each step
/// of a walk holds one.
#[derive(Clone, Debug)]
pub(super) struct Outline {
    policy: PolicyRequest,
    subdomain_policy: PolicyRequest,
    non_existent_policy: PolicyRequest,
    dkim_alignment: AlignmentMode,
    spf_alignment: AlignmentMode,
    psd: Psd,
    testing: bool,
    failure_options: FailureOptions,
    /// Where the values of rua= and ruf= stand.
    rua: Range<usize>,
    ruf: Range<usize>,
}

impl Outline {
    pub(super) fn new(record: &Record<'_>) -> Self {
        Self {
            policy: record.policy,
            subdomain_policy: record.subdomain_policy,
            non_existent_policy: record.non_existent_policy,
            dkim_alignment: record.dkim_alignment,
            spf_alignment: record.spf_alignment,
            psd: record.psd,
            testing: record.testing,
            failure_options: record.failure_options,
            rua: record.rua.place(),
            ruf: record.ruf.place(),
        }
    }

    pub(super) fn psd(&self) -> Psd {
        self.psd
    }

    /// The record again, from its text.
    pub(super) fn resume<'a>(&self, text: &'a [u8]) -> Record<'a> {
        let uris = |place: &Range<usize>| {
            ReportUris::new(text.get(place.clone()).unwrap_or_default(), place.start)
        };
        Record {
            policy: self.policy,
            subdomain_policy: self.subdomain_policy,
            non_existent_policy: self.non_existent_policy,
            dkim_alignment: self.dkim_alignment,
            spf_alignment: self.spf_alignment,
            psd: self.psd,
            testing: self.testing,
            failure_options: self.failure_options,
            rua: uris(&self.rua),
            ruf: uris(&self.ruf),
        }
    }
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

impl<'a> Record<'a> {
    /// Reads a record from the joined strings of a TXT record.
    ///
    /// # Errors
    ///
    /// [`RecordError`] for what is no DMARC record at all.
    pub fn parse(text: &'a [u8]) -> Result<Self, RecordError> {
        // Hardly a record holds a control character, and without one a spec is what stands between two
        // semicolons, with spaces around its parts.
        if tag_list::first_control(text).is_some() {
            return Self::read(text, &mut Problems(None));
        }
        Self::read_plain(text)
    }

    /// As [`Record::read`], for texts without control characters and without telling of problems.
    fn read_plain(text: &'a [u8]) -> Result<Self, RecordError> {
        let mut ends = memchr::memchr_iter(b';', text).chain(std::iter::once(text.len()));
        let first = ends.next().unwrap_or_default();
        let is_version = |(name, value): (&[u8], &[u8])| {
            matches!(name.trim_ascii_end(), b"v" | b"V") && value.trim_ascii() == b"DMARC1"
        };
        let version = text.get(..first).unwrap_or_default();
        if !split_spec(version).is_some_and(is_version) {
            return Err(RecordError::new(text));
        }
        let mut record = Self::default();
        let mut seen = 0;
        let mut start = first.saturating_add(1);
        for end in ends {
            let spec = text.get(start..end).unwrap_or_default();
            start = end.saturating_add(1);
            if let Some((name, value)) = split_spec(spec)
                && let Some(tag) = KnownTag::parse(name.trim_ascii())
                && seen & tag.bit() == 0
            {
                seen |= tag.bit();
                let value = value.trim_ascii_start();
                let offset = end.saturating_sub(value.len());
                record.set(tag, value.trim_ascii_end(), offset, &mut Problems(None));
            }
        }
        Ok(record)
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
            return Err(RecordError::new(text));
        }
        let mut record = Self::default();
        for tag in tags {
            match tag {
                Ok(tag) if tag.is_duplicate => problems.note(|| RecordProblem::DuplicateTag {
                    name: tag_list::quote(tag.name),
                    offset: tag.name_offset,
                }),
                Ok(tag) => match KnownTag::parse(tag.name) {
                    Some(known) => record.set(known, tag.value, tag.value_offset, problems),
                    None => problems.note(|| useless(&tag)),
                },
                // RFC 9989 section 4.8: what is malformed is ignored.
                Err(error) => problems.note(|| error.into()),
            }
        }
        if record.policy == PolicyRequest::Absent {
            problems.note(|| RecordProblem::NoPolicy);
        }
        Ok(record)
    }

    fn set(&mut self, tag: KnownTag, value: &'a [u8], offset: usize, problems: &mut Problems) {
        let found = (value, offset);
        match tag {
            KnownTag::P => self.policy = PolicyRequest::read(found, "p", problems),
            KnownTag::Sp => self.subdomain_policy = PolicyRequest::read(found, "sp", problems),
            KnownTag::Np => self.non_existent_policy = PolicyRequest::read(found, "np", problems),
            KnownTag::Adkim => self.dkim_alignment = AlignmentMode::read(found, "adkim", problems),
            KnownTag::Aspf => self.spf_alignment = AlignmentMode::read(found, "aspf", problems),
            KnownTag::Psd => {
                let read = Psd::parse(value);
                self.psd = problems.value(read, Psd::Unknown, found, ("psd", "y, n or u"));
            }
            KnownTag::T => {
                let read = letter(value, [(b'y', true), (b'n', false)]);
                self.testing = problems.value(read, false, found, ("t", "y or n"));
            }
            KnownTag::Fo => {
                let read = FailureOptions::parse(value);
                let default = FailureOptions::default();
                let expected = "0 or 1, d and s with colons between them";
                self.failure_options = problems.value(read, default, found, ("fo", expected));
            }
            KnownTag::Rua => self.rua = read_uris(found, "rua", problems),
            KnownTag::Ruf => self.ruf = read_uris(found, "ruf", problems),
        }
    }

    /// fo=: when failure reports are wanted; the default if ruf= holds no URI, since the tag is ignored
    /// then.
    pub fn failure_options(&self) -> FailureOptions {
        if self.ruf.is_empty() { FailureOptions::default() } else { self.failure_options }
    }

    /// Whether the record can be applied: p= is valid, sp= and np= are valid or absent; or reports are
    /// asked for, so that the record counts as p=none
    /// ([RFC 9989 section 4.10.1](https://www.rfc-editor.org/rfc/rfc9989#section-4.10.1)).
    pub fn is_valid(&self) -> bool {
        self.has_valid_policies() || !self.rua.is_empty()
    }

    fn has_valid_policies(&self) -> bool {
        matches!(self.policy, PolicyRequest::Policy(_))
            && self.subdomain_policy != PolicyRequest::Invalid
            && self.non_existent_policy != PolicyRequest::Invalid
    }

    /// The policy for messages of the domain itself, and the tag it comes from.
    pub fn policy_of_domain(&self) -> (Policy, PolicyTag) {
        match self.policy {
            PolicyRequest::Policy(policy) if self.has_valid_policies() => (policy, PolicyTag::P),
            _ => (Policy::None, PolicyTag::P),
        }
    }

    /// The policy for messages of a subdomain, and the tag it comes from.
    pub fn policy_of_subdomain(&self, exists: bool) -> (Policy, PolicyTag) {
        let (np, sp) = (self.non_existent_policy, self.subdomain_policy);
        match (np, sp) {
            _ if !self.has_valid_policies() => (Policy::None, PolicyTag::P),
            (PolicyRequest::Policy(policy), _) if !exists => (policy, PolicyTag::Np),
            (_, PolicyRequest::Policy(policy)) => (policy, PolicyTag::Sp),
            _ => self.policy_of_domain(),
        }
    }
}

impl Default for Record<'_> {
    /// The record that says nothing but its version.
    fn default() -> Self {
        Self {
            policy: PolicyRequest::Absent,
            subdomain_policy: PolicyRequest::Absent,
            non_existent_policy: PolicyRequest::Absent,
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

/// What stands around the first equals sign.
fn split_spec(spec: &[u8]) -> Option<(&[u8], &[u8])> {
    // Names are short.
    let equals = spec.iter().position(|octet| *octet == b'=')?;
    Some((spec.get(..equals)?, spec.get(equals.saturating_add(1)..)?))
}

/// A tag that means something.
#[derive(Clone, Copy)]
enum KnownTag {
    Adkim,
    Aspf,
    Fo,
    Np,
    P,
    Psd,
    Rua,
    Ruf,
    Sp,
    T,
}

impl KnownTag {
    fn parse(name: &[u8]) -> Option<Self> {
        Some(match *name {
            [b'p'] => Self::P,
            [b't'] => Self::T,
            [b'f', b'o'] => Self::Fo,
            [b'n', b'p'] => Self::Np,
            [b's', b'p'] => Self::Sp,
            [b'p', b's', b'd'] => Self::Psd,
            [b'r', b'u', b'a'] => Self::Rua,
            [b'r', b'u', b'f'] => Self::Ruf,
            [b'a', b's', b'p', b'f'] => Self::Aspf,
            [b'a', b'd', b'k', b'i', b'm'] => Self::Adkim,
            _ => return None,
        })
    }

    /// A bit of its own.
    fn bit(self) -> u16 {
        match self {
            Self::Adkim => 1,
            Self::Aspf => 1 << 1,
            Self::Fo => 1 << 2,
            Self::Np => 1 << 3,
            Self::P => 1 << 4,
            Self::Psd => 1 << 5,
            Self::Rua => 1 << 6,
            Self::Ruf => 1 << 7,
            Self::Sp => 1 << 8,
            Self::T => 1 << 9,
        }
    }
}

fn read_uris<'a>(
    (value, offset): (&'a [u8], usize),
    name: &'static str,
    problems: &mut Problems,
) -> ReportUris<'a> {
    let uris = ReportUris::new(value, offset);
    if problems.0.is_some() {
        for stray in uris.strays() {
            let found = tag_list::quote(stray);
            problems.note(|| RecordProblem::Uri { name, found, offset });
        }
    }
    uris
}

impl RecordError {
    #[cold]
    fn new(text: &[u8]) -> Self {
        Self { found: tag_list::quote(text.get(..16).unwrap_or(text)) }
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
                PolicyRequest::Absent => {}
                PolicyRequest::Invalid => write!(f, "; {name}=?")?,
                PolicyRequest::Policy(policy) => write!(f, "; {name}={policy}")?,
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

serialize_as_text!(Record<'_>);

#[cfg(test)]
mod tests;
