//! `bonafide verify`: what became of a message, and why.

mod arc;
mod dkim;
mod dmarc;

use std::fmt::Write as _;
use std::io::IsTerminal as _;

use bonafide::authenticator::{Authenticator, Envelope, Options, Report};
use bonafide::message::{Defects, Header, Occurrences};
use serde::Serialize;

use crate::arguments::{Format, Verify};
use crate::message::Message;
use crate::{Failure, print, print_json, printable, resolver, spf};

pub(crate) fn run(arguments: &Verify) -> Result<(), Failure> {
    let message = Message::read(arguments.file.as_deref())?;
    let octets = message.header();
    let report = authenticate(arguments, &message, &octets)?;
    match arguments.common.format {
        Format::Header => print(&report.authentication_results().to_field().replace("\r\n", "\n")),
        Format::Json => print_json(&Json::from(&report)),
        Format::Text => {
            let text = printable(&text(&message, &Header::parse(&octets), &report));
            print(&if has_colour() { coloured(&text) } else { text })
        }
    }
}

fn authenticate(arguments: &Verify, message: &Message, header: &[u8]) -> Result<Report, Failure> {
    let Verify { envelope, authserv_id, trusted_sealers, common, .. } = arguments;
    let failure = |error: &dyn std::fmt::Display| Failure::Io(format!("cannot verify: {error}"));
    let mut options = Options::default().with_trace(common.explain);
    options.arc.oldest_pass = true;
    options.trusted_sealers.clone_from(trusted_sealers);
    let authenticator = Authenticator::new(authserv_id.as_deref().unwrap_or("localhost"))
        .map_err(|error| failure(&error))?
        .with_options(options);
    let now = common.now.unwrap_or_else(|| std::time::SystemTime::now().into());
    let envelope = match envelope {
        Some(known) => Envelope::new(known.ip, &known.helo, &known.mail_from),
        None => Envelope::unknown(),
    };
    let mut session = authenticator.session(envelope, now);
    session.write(header);
    session.end_header();
    let (runtime, resolver) = resolver::start(&common.dns)?;
    let lookups = runtime.block_on(session.lookups(resolver));
    message.body(|chunk| session.write(chunk));
    session.finish(lookups).map_err(|error| failure(&error))
}

/// The object that programs read. Every key is there, `null` where it does not apply.
#[derive(Serialize)]
struct Json<'r> {
    spf: Option<spf::Spf<'r>>,
    dkim: Vec<dkim::Dkim<'r>>,
    arc: arc::Arc<'r>,
    dmarc: dmarc::Dmarc<'r>,
    authentication_results: String,
    defects: &'r Defects,
}

impl<'r> From<&'r Report> for Json<'r> {
    fn from(report: &'r Report) -> Self {
        let field = report.authentication_results().to_field();
        Self {
            spf: report.spf.as_ref().map(spf::Spf::from),
            dkim: report.dkim.iter().map(dkim::Dkim::from).collect(),
            arc: arc::Arc::new(&report.arc, report.policy_override.as_ref()),
            dmarc: dmarc::Dmarc::from(&report.dmarc),
            authentication_results: field.trim_end().to_owned(),
            defects: &report.defects,
        }
    }
}

/// One screen, the verdict first.
fn text(message: &Message, header: &Header<'_>, report: &Report) -> String {
    let mut text = String::new();
    if message.has_bare_line_feeds {
        text += "note: the message has LF line ends only and was read as if it had CRLF\n";
    }
    let _ = dmarc::describe(report, &mut text);
    match &report.spf {
        Some(verdicts) => {
            let _ = spf::describe("spf", &verdicts.mail_from, &mut text);
            let _ = spf::describe("spf helo", &verdicts.helo, &mut text);
        }
        None => text += "spf: not evaluated (no --ip, --helo and --mail-from)\n",
    }
    if report.dkim.is_empty() {
        let fields = header.fields().len();
        let _ = writeln!(text, "dkim: none ({fields} header fields, no DKIM-Signature)");
    }
    for verdict in &report.dkim {
        let _ = dkim::describe(verdict, &mut text);
    }
    let _ = arc::describe(&report.arc, report.policy_override.as_ref(), &mut text);
    let _ = describe_defects(&report.defects, &mut text);
    text
}

fn describe_defects(defects: &Defects, text: &mut String) -> std::fmt::Result {
    let counted = [
        ("bare CR", defects.bare_cr),
        ("bare LF", defects.bare_lf),
        ("NUL", defects.nul),
        ("lines over 998 octets", defects.long_lines),
    ];
    for (what, Occurrences { count, first, .. }) in counted {
        if let Some(first) = first {
            writeln!(text, "defect: {count} {what}, the first at offset {first}")?;
        }
    }
    if defects.no_header_end {
        writeln!(text, "defect: no empty line ends the header")?;
    }
    Ok(())
}

fn has_colour() -> bool {
    std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|no| no.is_empty())
}

/// The text with the results in colour. What stands in it was made printable before.
fn coloured(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for line in text.split_inclusive('\n') {
        match line.split_once(": ") {
            Some((label, rest)) if !line.starts_with(' ') => {
                let end = rest.find(|c: char| !c.is_alphanumeric()).unwrap_or(rest.len());
                let (word, behind) = rest.split_at_checked(end).unwrap_or((rest, ""));
                let colour = match word {
                    "pass" => "32",
                    "fail" | "permerror" | "policy" => "31",
                    _ => "33",
                };
                let _ = write!(out, "{label}: \x1b[1;{colour}m{word}\x1b[0m{behind}");
            }
            _ => out.push_str(line),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_are_coloured_and_nothing_else() {
        let text = "dmarc: fail  a.example\n  why: x\nspf helo: none\n";
        let expected =
            "dmarc: \x1b[1;31mfail\x1b[0m  a.example\n  why: x\nspf helo: \x1b[1;33mnone\x1b[0m\n";
        assert_eq!(coloured(text), expected);
    }
}
