//! The `bonafide` command on real input, offline.

use std::io::Write as _;
use std::process::{Command, Output, Stdio};

use serde_json::Value;

use crate::support::project;

const NOW: &str = "1528637909";

fn bonafide(arguments: &[&str], input: Option<&[u8]>) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_bonafide"))
        .args(arguments)
        .current_dir(project(""))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // The command may end before it has read everything.
    let _ = child.stdin.take().unwrap().write_all(input.unwrap_or_default());
    child.wait_with_output().unwrap()
}

fn verify(arguments: &[&str], input: Option<&[u8]>) -> Output {
    let zone = ["verify", "--now", NOW, "--zone", "test-vectors/dkim/rfc8463.zone"];
    bonafide(&[&zone, arguments].concat(), input)
}

fn stdout(output: &Output) -> String {
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn message() -> Vec<u8> {
    std::fs::read(project("test-vectors/dkim/rfc8463.eml")).unwrap()
}

/// Every key is there, `null` where it does not apply.
#[test]
fn json_has_the_promised_shape() {
    let output = verify(&["--format", "json", "test-vectors/dkim/rfc8463.eml"], None);
    let report: Value = serde_json::from_str(&stdout(&output)).unwrap();
    for key in ["spf", "arc", "dmarc", "authentication_results"] {
        assert!(report.as_object().unwrap().contains_key(key) && report[key].is_null(), "{key}");
    }
    let first = &report["dkim"][0];
    let expected = [
        ("result", Value::from("pass")),
        ("domain", "football.example.com".into()),
        ("selector", "brisbane".into()),
        ("identity", "@football.example.com".into()),
        ("algorithm", "ed25519-sha256".into()),
        ("key_bits", 256.into()),
        ("testing", false.into()),
        ("unsigned_body_bytes", 0.into()),
        ("signed_fields", ["from", "to", "subject", "date", "message-id"][..].into()),
        ("unsigned_duplicates", Value::Array(Vec::new())),
        ("cause", Value::Null),
    ];
    for (key, value) in expected {
        assert_eq!(first[key], value, "{key}");
    }
    assert!(!first.as_object().unwrap().contains_key("trace"));
    assert_eq!(report["dkim"][1]["algorithm"], "rsa-sha256");
}

/// Each check in order; for a changed body the signed hash and the one that was found.
#[test]
fn explain_shows_each_check() {
    let text = stdout(&verify(&["--explain"], Some(&message())));
    let steps = [
        "signature read",
        "h=from covers field",
        "signed header",
        "asked brisbane",
        "key record",
        "body, relaxed",
        "signature verified",
    ];
    let mut rest = text.as_str();
    for step in steps {
        let at = rest.find(step).unwrap_or_else(|| panic!("{step} is not in {rest}"));
        rest = &rest[at..];
    }
    let changed = [&message()[..], b"PS\r\n"].concat();
    let output = verify(&["--explain", "--format", "json", "-"], Some(&changed));
    let report: Value = serde_json::from_str(&stdout(&output)).unwrap();
    let signature = &report["dkim"][0];
    assert_eq!(signature["result"], "fail");
    let cause = signature["cause"].as_str().unwrap();
    assert!(
        cause.contains("signed 2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=, found "),
        "{cause}"
    );
    let trace = signature["trace"].as_array().unwrap();
    // The signed header is whole, which tells a changed body from a wrong key.
    assert!(trace.iter().any(|event| event == "signature verified"), "{trace:?}");
}

/// A file with LF line ends only is read as if it had CRLF, and the output says so.
#[test]
fn line_feeds_are_converted_and_said() {
    let text = String::from_utf8(message()).unwrap().replace("\r\n", "\n");
    let output = stdout(&verify(&[], Some(text.as_bytes())));
    assert!(output.starts_with("note: the message has LF line ends only"), "{output}");
    assert_eq!(output.matches("dkim: pass").count(), 2, "{output}");
    // One CR anywhere, and the message is taken as it is.
    let mixed = text.replacen('\n', "\r\n", 1);
    assert!(!stdout(&verify(&[], Some(mixed.as_bytes()))).contains("note:"));
}

#[test]
fn messages_without_signatures_and_without_sense_have_a_verdict() {
    for input in [&b"From: a@example.com\r\n\r\nbody"[..], b"", b"\r\n", b"\xff\0\n"] {
        assert!(stdout(&verify(&[], Some(input))).contains("dkim: none"));
    }
}

/// What a stranger wrote does not steer the terminal.
#[test]
fn text_is_made_printable() {
    let input =
        "DKIM-Signature: v=1; a=\u{9b}31m\u{202e}x; b=; bh=; d=a.example; h=from; s=s\r\n\r\n";
    let text = stdout(&verify(&[], Some(input.as_bytes())));
    assert!(text.contains("\\u{9b}31m\\u{202e}x") && text.is_ascii(), "{text}");
}

#[test]
fn exit_status_says_whether_it_ran() {
    let status = |arguments: &[&str]| bonafide(arguments, None).status.code();
    assert_eq!(status(&["--help"]), Some(0));
    assert_eq!(status(&["--version"]), Some(0));
    assert_eq!(
        status(&["verify", "--zone", "test-vectors/dkim/rfc8463.zone", "no-such-file"]),
        Some(1)
    );
    assert_eq!(status(&["verify", "--zone", "no-such-file"]), Some(1));
    assert_eq!(status(&["verify", "--zone", "Cargo.toml"]), Some(1));
    assert_eq!(status(&["verify", "--wrong"]), Some(2));
    assert_eq!(status(&[]), Some(2));
}

/// The command that the README gives runs as it stands there.
#[test]
fn readme_command_runs() {
    let readme = std::fs::read_to_string(project("README.md")).unwrap();
    let (_, command) = readme.split_once("--features cli -- ").unwrap();
    let (command, _) = command.split_once("```").unwrap();
    let arguments: Vec<_> = command.split_whitespace().filter(|word| *word != "\\").collect();
    assert_eq!(stdout(&bonafide(&arguments, None)).matches("dkim: pass").count(), 2);
}
