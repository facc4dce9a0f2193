//! What DMARC says of a message, for programs and for people.

use std::fmt::Write as _;

use bonafide::Report;
use bonafide::dmarc::{Event, ReportUri, Verdict};
use serde::Serialize;

use crate::trace;

/// Every key is there, `null` where it does not apply.
#[derive(Serialize)]
pub(super) struct Dmarc<'v> {
    result: String,
    author_domain: Option<String>,
    organizational_domain: Option<String>,
    policy: Option<String>,
    policy_tag: Option<String>,
    testing: bool,
    disposition: Option<String>,
    spf_aligned: bool,
    dkim_aligned: bool,
    record_domain: Option<String>,
    record: Option<String>,
    rua: Vec<&'v str>,
    ruf: Vec<&'v str>,
    authentic: bool,
    cause: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    trace: Option<&'v [Event]>,
}

impl<'v> From<&'v Verdict> for Dmarc<'v> {
    fn from(verdict: &'v Verdict) -> Self {
        let record = verdict.record.as_ref();
        let uri = |uri: ReportUri<'v>| uri.as_str();
        Self {
            result: verdict.result.to_string(),
            author_domain: verdict.author_domain.as_ref().map(ToString::to_string),
            organizational_domain: verdict.organizational_domain.as_ref().map(ToString::to_string),
            policy: verdict.policy.map(|policy| policy.to_string()),
            policy_tag: verdict.policy_tag.map(|tag| tag.to_string()),
            testing: verdict.testing,
            disposition: verdict.disposition.map(|disposition| disposition.to_string()),
            spf_aligned: verdict.spf_aligned,
            dkim_aligned: verdict.dkim_aligned,
            record_domain: verdict.record_domain.as_ref().map(ToString::to_string),
            record: record.map(ToString::to_string),
            rua: record.into_iter().flat_map(|record| record.rua()).map(uri).collect(),
            ruf: record.into_iter().flat_map(|record| record.ruf()).map(uri).collect(),
            authentic: verdict.authentic,
            cause: verdict.cause.as_ref().map(ToString::to_string),
            trace: verdict.trace.as_deref(),
        }
    }
}

/// Writes the verdict on the whole message, and what follows from it.
pub(super) fn describe(report: &Report, text: &mut String) -> std::fmt::Result {
    let verdict = &report.dmarc;
    write!(text, "dmarc: {}", verdict.result)?;
    if let Some(author) = &verdict.author_domain {
        write!(text, "  {author}")?;
    }
    writeln!(text)?;
    if let Some(cause) = &verdict.cause {
        writeln!(text, "  why         {cause}")?;
    }
    for alignment in verdict.alignments.iter().filter(|alignment| alignment.is_aligned_pass()) {
        writeln!(text, "  why         {alignment}")?;
    }
    for alignment in verdict.alignments.iter().filter(|alignment| alignment.is_near_miss()) {
        writeln!(text, "  nearly      {alignment}")?;
    }
    if let (Some(tag), Some(policy), Some(domain)) =
        (&verdict.policy_tag, &verdict.policy, &verdict.record_domain)
    {
        let testing = if verdict.testing { ", and t=y: it is only testing" } else { "" };
        writeln!(text, "  asked for   {tag}={policy} in the record of {domain}{testing}")?;
    }
    match report.smtp_reply() {
        Some(reply) => writeln!(text, "  answer      {reply}")?,
        None => writeln!(
            text,
            "  answer      accept{}",
            match &verdict.disposition {
                Some(disposition) => format!(", disposition {disposition}"),
                None => String::new(),
            }
        )?,
    }
    trace(verdict.trace.as_deref(), text)
}
