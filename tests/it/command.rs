//! The `bonafide` command on real input, offline.

use std::io::Write as _;
use std::process::{Command, Output, Stdio};

use serde_json::Value;

use crate::dnssec::trusted;
use crate::support::dns_server::{DnsServer, Manners};
use crate::support::project;

const NOW: &str = "1528637909";

pub(crate) fn bonafide(arguments: &[&str], input: Option<&[u8]>) -> Output {
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

pub(crate) fn stdout(output: &Output) -> String {
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
    let object = report.as_object().unwrap();
    assert!(object.contains_key("arc") && object.contains_key("spf") && report["spf"].is_null());
    let dmarc = [
        ("result", Value::from("none")),
        ("author_domain", "football.example.com".into()),
        ("organizational_domain", "football.example.com".into()),
        ("policy", Value::Null),
        ("policy_tag", Value::Null),
        ("testing", false.into()),
        ("disposition", Value::Null),
        ("spf_aligned", false.into()),
        ("dkim_aligned", false.into()),
        ("record_domain", Value::Null),
        ("rua", Value::Array(Vec::new())),
        ("ruf", Value::Array(Vec::new())),
        ("authentic", false.into()),
        ("cause", "there is no DMARC record for football.example.com".into()),
    ];
    for (key, value) in dmarc {
        assert_eq!(report["dmarc"].get(key), Some(&value), "{key}");
    }
    let field = report["authentication_results"].as_str().unwrap();
    assert!(field.starts_with("Authentication-Results: localhost;\r\n\tdkim=pass "), "{field}");
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

/// The verdict first, then why; or the field alone.
#[test]
fn verify_says_what_follows() {
    let folder = scratch("dmarc");
    let zone = folder.join("zone");
    let records = "_dmarc.example.com TXT \"v=DMARC1; p=reject\"\n\
        example.com TXT \"v=spf1 ip4:192.0.2.1 -all\"\n\
        evil.example TXT \"v=spf1 +all\"";
    std::fs::write(&zone, records).unwrap();
    let run = |more: &[&str]| {
        let arguments =
            ["verify", "--zone", zone.to_str().unwrap(), "--ip", "192.0.2.1", "--helo", "h"];
        let message = b"From: a@example.com\r\n\r\nbody\r\n";
        stdout(&bonafide(&[&arguments, more].concat(), Some(message)))
    };
    let forged = run(&["--mail-from", "a@evil.example"]);
    let lines: Vec<_> = forged.lines().collect();
    assert_eq!(lines[0], "dmarc: fail  example.com", "{forged}");
    assert!(forged.contains("answer      550 5.7.1 Message rejected per DMARC policy"), "{forged}");
    assert!(forged.contains("spf: pass  evil.example"), "{forged}");
    assert!(!forged.contains('\x1b'), "{forged}");
    let genuine =
        run(&["--mail-from", "a@example.com", "--format", "header", "--authserv-id", "mx.example"]);
    let expected = "Authentication-Results: mx.example;\n\tspf=pass smtp.mailfrom=a@example.com;\n\
        \tdkim=none;\n\tdmarc=pass header.from=example.com policy.dmarc=none\n";
    assert_eq!(genuine, expected);
    std::fs::remove_dir_all(folder).unwrap();
}

fn spf(arguments: &[&str]) -> Output {
    let zone = ["--now", NOW, "--zone", "test-vectors/spf/appendix_a.zone"];
    bonafide(&[&["spf"], &zone[..], arguments].concat(), None)
}

/// `spf` prints the object for MAIL FROM, `verify` one for each identity.
#[test]
fn spf_json_has_the_promised_shape() {
    let envelope = ["--ip", "198.51.100.7", "--helo", "a", "--mail-from", "user@example.net"];
    let output = spf(&[&envelope[..], &["--format", "json"]].concat());
    let report: Value = serde_json::from_str(&stdout(&output)).unwrap();
    let expected = [
        ("result", Value::from("pass")),
        ("domain", "example.net".into()),
        ("cause", Value::Null),
        ("explanation", Value::Null),
        ("matched", "ip4:198.51.100.0/24".into()),
        ("matched_record", "example.net".into()),
        ("matched_prefix", 24.into()),
        ("lookups", 0.into()),
        ("void_lookups", 0.into()),
        ("authentic", false.into()),
        ("lifetime", 300.into()),
    ];
    for (key, value) in &expected {
        assert_eq!(report[key], *value, "{key}");
    }
    assert_eq!(report.as_object().unwrap().len(), expected.len(), "{report}");

    let zone = ["verify", "--zone", "test-vectors/spf/appendix_a.zone", "--format", "json"];
    let output = bonafide(&[&zone, &envelope[..]].concat(), Some(&message()));
    let report: Value = serde_json::from_str(&stdout(&output)).unwrap();
    assert_eq!(report["spf"]["mail_from"]["result"], "pass");
    assert_eq!(report["spf"]["helo"]["result"], "none");
    assert_eq!(report["spf"]["helo"]["domain"], "a");
    assert!(report["spf"]["helo"]["cause"].as_str().unwrap().contains("one label"));
    assert_eq!(report["spf"]["helo"].as_object().unwrap().len(), 3);
}

/// The tree of records, terms, questions and answers.
#[test]
fn spf_explains_each_step() {
    let arguments =
        ["--explain", "--ip", "203.0.113.9", "--mail-from", "eve@la.example.org", "--helo", "b.c"];
    let text = stdout(&spf(&arguments));
    let steps = [
        "spf: permerror  la.example.org",
        "why         redirect=example.org leads to example.org",
        "lookups     1, of them 1 without an answer",
        "| the record of la.example.org",
        "|   asked la.example.org TXT: 1 records",
        "|   record: v=spf1 redirect=example.org",
        "|   term redirect=example.org",
        "|     the record of example.org",
        "|       asked example.org TXT: no such record (NODATA)",
        "| permerror: redirect=example.org leads to",
    ];
    let mut rest = text.as_str();
    for step in steps {
        let at = rest.find(step).unwrap_or_else(|| panic!("{step} is not in {rest}"));
        rest = &rest[at..];
    }
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
    assert_eq!(status(&["spf", "--ip", "192.0.2.1"]), Some(2));
    assert_eq!(status(&["mta-sts", "--zone", "no-such-file", "a.example"]), Some(1));
    let zone = ["mta-sts", "--zone", "test-vectors/dkim/rfc8463.zone", "a.example"];
    assert_eq!(status(&zone), Some(0));
    assert_eq!(status(&[&zone[..], &["--policy", "no-such-file"]].concat()), Some(1));
    assert_eq!(status(&[&zone[..], &["--format", "header"]].concat()), Some(2));
    assert_eq!(status(&["mta-sts"]), Some(2));
    assert_eq!(status(&["mta-sts", "[192.0.2.1]"]), Some(2));
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

pub(crate) fn scratch(name: &str) -> std::path::PathBuf {
    let folder = std::env::temp_dir().join(format!("bonafide-{}-{name}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

/// The whole way of an operator: two keys, a signed message, both signatures verified.
#[test]
fn what_keygen_and_sign_make_verifies() {
    let folder = scratch("sign");
    let path = |name: &str| folder.join(name).to_str().unwrap().to_owned();
    let mut zone = String::new();
    for (selector, kind) in [("r1", "rsa"), ("e1", "ed25519")] {
        let (domain, key) = (["--domain", "example.com"], path(selector));
        let arguments = ["keygen", "--type", kind, "--selector", selector, "--key", &key];
        let output = bonafide(&[&arguments[..], &domain].concat(), None);
        zone += &stdout(&output).replace(" IN TXT", " TXT");
        // A key is never overwritten.
        let again = bonafide(&[&arguments[..], &domain].concat(), None);
        assert_eq!(again.status.code(), Some(1));
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            let mode = std::fs::metadata(&key).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
        }
    }
    std::fs::write(path("zone"), zone).unwrap();
    let arguments = [
        "sign",
        "--domain",
        "example.com",
        "--selector",
        "r1",
        "--key",
        &path("r1"),
        "--selector",
        "e1",
        "--key",
        &path("e1"),
        "--canonicalization",
        "simple/relaxed",
    ];
    let output = bonafide(&arguments, Some(b"From: a@example.com\nSubject: b\n\nbody\n\n"));
    let signed = stdout(&output);
    assert!(String::from_utf8_lossy(&output.stderr).contains("is written with CRLF"));
    assert!(signed.ends_with("From: a@example.com\r\nSubject: b\r\n\r\nbody\r\n\r\n"));
    let arguments = ["verify", "--zone", &path("zone"), "--format", "json"];
    let report = stdout(&bonafide(&arguments, Some(signed.as_bytes())));
    let report: Value = serde_json::from_str(&report).unwrap();
    let results: Vec<_> = report["dkim"].as_array().unwrap().iter().collect();
    assert_eq!(results.len(), 2);
    assert!(results.iter().all(|result| result["result"] == "pass"), "{report}");
    std::fs::remove_dir_all(folder).unwrap();
}

/// What is refused is said with its place, and nothing is written.
#[test]
fn sign_refuses_with_the_place() {
    let key = "test-vectors/keys/ed25519.pem";
    let arguments = ["sign", "--domain", "example.com", "--selector", "s", "--key", key];
    let output = bonafide(&arguments, Some(b"From: a\r\n\r\nbody\nbare\r\n"));
    assert_eq!((output.status.code(), output.stdout.len()), (Some(1), 0));
    let error = String::from_utf8(output.stderr).unwrap();
    assert!(error.contains("LF without CR at offset 15"), "{error}");
    let encrypted = arguments.map(|argument| argument.replace("ed25519", "rsa2048-encrypted"));
    let encrypted: Vec<_> = encrypted.iter().map(String::as_str).collect();
    let error = String::from_utf8(bonafide(&encrypted, Some(b"")).stderr).unwrap();
    assert!(error.contains("encrypted"), "{error}");
}

const STS_ZONE: &str = "_mta-sts.example.com TXT \"v=STSv1; id=20160831085700Z;\"\n\
    example.com MX 20 backup.example.net.\n\
    example.com MX 10 mx1.example.com.\n\
    null.example MX 0 .\n\
    _mta-sts.html.example TXT \"v=STSv1; id=1\"\n\
    html.example A 192.0.2.1\n";
const STS_POLICY: &str = "version: STSv1\nmode: enforce\nmx: *.example.com\nmax_age: 604800\n";

/// Record, policy, each host in the order in which it is tried, and what would happen.
#[test]
fn mta_sts_says_what_would_happen() {
    let folder = scratch("mta-sts");
    let path = |name: &str, text: &str| {
        let path = folder.join(name);
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let (zone, policy) = (path("zone", STS_ZONE), path("policy", STS_POLICY));
    let testing = path("testing", &STS_POLICY.replace("enforce", "testing"));
    let html = path("html", "<!DOCTYPE html>\n");
    let run = |arguments: &[&str]| {
        stdout(&bonafide(&[&["mta-sts", "--zone", &zone, "--now", NOW], arguments].concat(), None))
    };

    let expected = "record  _mta-sts.example.com, id=20160831085700Z\n\
        policy  mode enforce, to be kept for 604800 seconds\n        mx *.example.com\n\
        host    mx1.example.com: matches, deliver\n\
        host    backup.example.net: matches no pattern, skip\n";
    assert_eq!(run(&["--policy", &policy, "example.com"]), expected);
    let text = run(&["--policy", &testing, "example.com"]);
    assert!(
        text.ends_with("backup.example.net: matches no pattern, deliver-and-report\n"),
        "{text}"
    );

    // With --zone nothing is fetched, and it says so.
    let text = run(&["example.com"]);
    assert!(text.contains("policy  none") && text.contains("why     --zone uses no net"), "{text}");
    assert!(text.contains("host    mx1.example.com: deliver\n"), "{text}");
    // Without MX records the domain is its own host; a null MX is none.
    let text = run(&["--policy", &html, "html.example"]);
    assert!(text.contains("why     the policy is not valid"), "{text}");
    assert!(text.contains("host    html.example: deliver\n"), "{text}");
    assert!(run(&["null.example"]).ends_with("host    none\n"));

    let report = |arguments: &[&str]| -> Value {
        serde_json::from_str(&run(&[&["--format", "json"], arguments].concat())).unwrap()
    };
    let expected = serde_json::json!({
        "record": { "id": "20160831085700Z" },
        "policy": { "mode": "enforce", "max_age": 604_800, "mx": ["*.example.com"] },
        "mx": [
            { "host": "mx1.example.com", "matches": true, "action": "deliver" },
            { "host": "backup.example.net", "matches": false, "action": "skip" },
        ],
        "cause": null,
    });
    assert_eq!(report(&["--policy", &policy, "example.com"]), expected);
    let none = report(&["null.example"]);
    assert!(none["record"].is_null() && none["policy"].is_null(), "{none}");
    assert_eq!(none["mx"], serde_json::json!([]));
    assert!(none["cause"].as_str().unwrap().contains("v=STSv1;"), "{none}");

    // The same from a name server.
    let server = DnsServer::start(STS_ZONE, Manners::default());
    let address = server.address().to_string();
    let arguments = [
        "mta-sts",
        "--nameserver",
        &address,
        "--policy",
        &policy,
        "--format",
        "json",
        "example.com",
    ];
    let output = stdout(&bonafide(&arguments, None));
    assert_eq!(serde_json::from_str::<Value>(&output).unwrap(), expected);
    std::fs::remove_dir_all(folder).unwrap();
}

/// RFC 4035 section 4: nobody's word counts unless it is asked for; what no signature shows to be genuine
/// is not used where signatures are validated.
#[test]
fn it_is_said_whose_word_an_authentic_answer_is() {
    let server = trusted(false, Manners::default());
    let address = server.address().to_string();
    let spf = |options: &[&str]| {
        let arguments =
            ["spf", "--ip", "192.0.2.1", "--mail-from", "a@b.example", "--format", "json"];
        let arguments = [&arguments[..], &["--nameserver", &address], options].concat();
        let spf: Value = serde_json::from_str(&stdout(&bonafide(&arguments, None))).unwrap();
        (spf["result"].as_str().unwrap().to_owned(), spf["authentic"].as_bool().unwrap())
    };
    assert_eq!(spf(&[]), ("fail".to_owned(), false));
    assert_eq!(spf(&["--dnssec", "trust"]), ("fail".to_owned(), true));
    assert_eq!(spf(&["--dnssec", "validate"]), ("temperror".to_owned(), false));
}
