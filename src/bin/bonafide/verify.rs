//! `bonafide verify`: what became of each signature of a message, and why.

use std::fmt::Write as _;

use bonafide::UnixTime;
use bonafide::dkim::{self, Event, FieldNames, Verdict, Verifier};
use bonafide::message::Header;
use serde::Serialize;

use crate::arguments::{Format, Verify};
use crate::message::Message;
use crate::{Failure, print, resolver};

pub(crate) fn run(arguments: &Verify) -> Result<(), Failure> {
    let message = Message::read(arguments.file.as_deref())?;
    let now = arguments.now.unwrap_or_else(|| std::time::SystemTime::now().into());
    let mut options = dkim::Options::default();
    options.trace = arguments.explain;
    let octets = message.header();
    let header = Header::parse(&octets);
    let mut verifier = Verifier::new(&header, &options, now);
    // hickory finds its runtime when it is made.
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::Io(format!("cannot start the runtime: {error}")))?;
    let resolver = {
        let _guard = runtime.enter();
        resolver::open(&arguments.dns)?
    };
    let keys = runtime.block_on(verifier.keys(resolver));
    message.body(|chunk| verifier.body(chunk));
    let verdicts =
        verifier.finish(keys).map_err(|error| Failure::Io(format!("cannot verify: {error}")))?;
    print(&match arguments.format {
        Format::Json => json(&verdicts)?,
        Format::Text => text(&message, &header, &verdicts),
    })
}

/// The object that programs read. Every key is there, `null` where it does not apply.
#[derive(Serialize)]
struct Report<'v> {
    spf: Option<()>,
    dkim: Vec<Dkim<'v>>,
    arc: Option<()>,
    dmarc: Option<()>,
    authentication_results: Option<()>,
}

#[derive(Serialize)]
struct Dkim<'v> {
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

fn json(verdicts: &[Verdict]) -> Result<String, Failure> {
    let dkim = verdicts.iter().map(Dkim::from).collect();
    let report = Report { spf: None, dkim, arc: None, dmarc: None, authentication_results: None };
    let text = serde_json::to_string_pretty(&report);
    text.map(|text| text + "\n").map_err(|error| Failure::Io(format!("cannot print: {error}")))
}

fn text(message: &Message, header: &Header<'_>, verdicts: &[Verdict]) -> String {
    let mut text = String::new();
    if message.has_bare_line_feeds {
        text += "note: the message has LF line ends only and was read as if it had CRLF\n";
    }
    if verdicts.is_empty() {
        let _ = writeln!(
            text,
            "dkim: none ({} header fields, no DKIM-Signature)",
            header.fields().len()
        );
    }
    for verdict in verdicts {
        let _ = describe(verdict, &mut text);
    }
    printable(&text)
}

/// The text without what could steer a terminal: the message's words are a stranger's.
pub(crate) fn printable(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '\n' | ' '..='~' => safe.push(character),
            _ if character.is_alphanumeric() => safe.push(character),
            _ => safe.extend(character.escape_unicode()),
        }
    }
    safe
}

fn describe(verdict: &Verdict, text: &mut String) -> std::fmt::Result {
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
    for event in verdict.trace.iter().flatten() {
        writeln!(text, "  | {}", event.to_string().replace('\n', "\n  | "))?;
    }
    Ok(())
}
