//! `bonafide`: the library for people. It says which check of a message failed, and why.

mod arguments;
mod keygen;
mod message;
mod mta_sts;
mod resolver;
mod seal;
mod sign;
mod spf;
mod verify;

use std::io::Write as _;
use std::process::ExitCode;

use arguments::{Command, Misuse};

/// Why the command did not run.
#[derive(Debug)]
enum Failure {
    /// The input could not be read, or the output not be written: exit status 1.
    Io(String),
    /// The command line makes no sense: exit status 2.
    Misuse(Misuse),
}

fn main() -> ExitCode {
    let outcome = arguments::parse(std::env::args_os().skip(1)).map_err(Failure::Misuse).and_then(
        |command| match command {
            Command::Help => print(arguments::HELP),
            Command::Keygen(arguments) => keygen::run(&arguments),
            Command::MtaSts(arguments) => mta_sts::run(&arguments),
            Command::Seal(arguments) => seal::run(&arguments),
            Command::Sign(arguments) => sign::run(&arguments),
            Command::Version => print(concat!("bonafide ", env!("CARGO_PKG_VERSION"), "\n")),
            Command::Spf(arguments) => spf::run(&arguments),
            Command::Verify(arguments) => verify::run(&arguments),
        },
    );
    let (text, status) = match outcome {
        Ok(()) => return ExitCode::SUCCESS,
        Err(Failure::Io(text)) => (text, 1),
        Err(Failure::Misuse(misuse)) => (format!("{misuse}\n\n{}", arguments::USAGE), 2),
    };
    // Where standard error is closed there is nobody left to tell.
    let _ = writeln!(std::io::stderr(), "bonafide: {text}");
    ExitCode::from(status)
}

fn print(text: &str) -> Result<(), Failure> {
    write(|out| out.write_all(text.as_bytes()))
}

/// Writes to standard output.
fn write(
    write: impl FnOnce(&mut dyn std::io::Write) -> std::io::Result<()>,
) -> Result<(), Failure> {
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    match write(&mut out).and_then(|()| out.flush()) {
        // Whoever reads has seen enough.
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
        written => written.map_err(|error| Failure::Io(format!("cannot write: {error}"))),
    }
}

fn print_json(value: &impl serde::Serialize) -> Result<(), Failure> {
    let text = serde_json::to_string_pretty(value);
    let text = text.map_err(|error| Failure::Io(format!("cannot print: {error}")))?;
    print(&(text + "\n"))
}

/// The text without what could steer a terminal: the words of messages and of the DNS are a
/// stranger's.
fn printable(text: &str) -> String {
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

/// Writes the steps of a verdict, if they were recorded.
fn trace<E: std::fmt::Display>(events: Option<&[E]>, text: &mut String) -> std::fmt::Result {
    use std::fmt::Write as _;

    for event in events.unwrap_or_default() {
        writeln!(text, "  | {}", event.to_string().replace('\n', "\n  | "))?;
    }
    Ok(())
}
