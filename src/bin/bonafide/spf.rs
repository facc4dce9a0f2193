//! `bonafide spf`: whether a client may send for a sender, and why.

use std::fmt::Write as _;

use bonafide::spf::{self, Event, Options, Query, ReceivedSpf, Verdict, Verdicts};
use serde::Serialize;

use crate::arguments::{self, Format};
use crate::{Failure, print, print_json, printable, resolver, trace};

pub(crate) fn run(arguments: &arguments::Spf) -> Result<(), Failure> {
    let arguments::Spf { envelope, common } = arguments;
    let now = common.now.unwrap_or_else(|| std::time::SystemTime::now().into());
    let (runtime, resolver) = resolver::start(&common.dns)?;
    let query = Query::new(envelope.ip, &envelope.helo, &envelope.mail_from);
    let mut options = Options::default();
    options.trace = common.explain;
    let verdict = runtime.block_on(spf::check_mail_from(&query, &options, &resolver, now));
    match common.format {
        Format::Header => {
            let field = ReceivedSpf::for_mail_from(&verdict, &query, "localhost").to_string();
            print(&format!("Received-SPF: {}\n", field.replace("\r\n", "\n")))
        }
        Format::Json => print_json(&MailFrom::from(&*verdict)),
        Format::Text => {
            let mut text = String::new();
            let _ = describe("spf", &verdict, &mut text);
            print(&printable(&text))
        }
    }
}

/// Both identities of a session. Every key is there, `null` where it does not apply.
#[derive(Serialize)]
pub(crate) struct Spf<'v> {
    helo: Helo<'v>,
    mail_from: MailFrom<'v>,
}

#[derive(Serialize)]
struct Helo<'v> {
    result: String,
    domain: Option<String>,
    cause: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    trace: Option<&'v [Event]>,
}

#[derive(Serialize)]
struct MailFrom<'v> {
    result: String,
    domain: Option<String>,
    cause: Option<String>,
    explanation: Option<&'v str>,
    matched: Option<&'v str>,
    matched_record: Option<String>,
    matched_prefix: Option<u8>,
    lookups: usize,
    void_lookups: usize,
    authentic: bool,
    lifetime: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    trace: Option<&'v [Event]>,
}

impl<'v> From<&'v Verdicts> for Spf<'v> {
    fn from(verdicts: &'v Verdicts) -> Self {
        let Verdict { result, cause, domain, trace, .. } = &*verdicts.helo;
        let helo = Helo {
            result: result.to_string(),
            domain: domain.as_ref().map(ToString::to_string),
            cause: cause.as_ref().map(ToString::to_string),
            trace: trace.as_deref(),
        };
        Self { helo, mail_from: MailFrom::from(&*verdicts.mail_from) }
    }
}

impl<'v> From<&'v Verdict> for MailFrom<'v> {
    fn from(verdict: &'v Verdict) -> Self {
        let matched = verdict.matched.as_ref();
        Self {
            result: verdict.result.to_string(),
            domain: verdict.domain.as_ref().map(ToString::to_string),
            cause: verdict.cause.as_ref().map(ToString::to_string),
            explanation: verdict.explanation.as_ref().map(|explanation| explanation.text()),
            matched: matched.map(|matched| matched.term.as_str()),
            matched_record: matched.map(|matched| matched.record.to_string()),
            matched_prefix: matched.and_then(|matched| matched.prefix),
            lookups: verdict.lookups,
            void_lookups: verdict.void_lookups,
            authentic: verdict.authentic,
            lifetime: verdict.lifetime,
            trace: verdict.trace.as_deref(),
        }
    }
}

/// Writes a verdict for people to read.
pub(crate) fn describe(label: &str, verdict: &Verdict, text: &mut String) -> std::fmt::Result {
    write!(text, "{label}: {}", verdict.result)?;
    if let Some(domain) = &verdict.domain {
        write!(text, "  {domain}")?;
    }
    writeln!(text)?;
    if let Some(cause) = &verdict.cause {
        writeln!(text, "  why         {cause}")?;
    }
    if let Some(matched) = &verdict.matched {
        writeln!(text, "  why         {matched}")?;
        for name in matched.included_by.iter().rev() {
            writeln!(text, "              which {name} includes")?;
        }
    }
    if verdict.passes_everyone() {
        writeln!(text, "  note        every client passes, so that this says nothing")?;
    }
    if let Some(explanation) = &verdict.explanation {
        writeln!(text, "  explained   {explanation}")?;
    }
    let (lookups, void) = (verdict.lookups, verdict.void_lookups);
    if lookups > 0 {
        writeln!(text, "  lookups     {lookups}, of them {void} without an answer")?;
    }
    trace(verdict.trace.as_deref(), text)
}
