//! `bonafide seal` on real input, offline.

use serde_json::Value;

use crate::command::{bonafide, scratch, stdout};

const MESSAGE: &[u8] = b"Authentication-Results: lists.example; spf=pass (it is)\n\
    From: a@a.example\nSubject: b\n\nbody\n";

/// What is sealed validates, again and again; a chain that was broken is sealed once to say so.
#[test]
fn what_seal_makes_validates() {
    let folder = scratch("seal");
    let path = |name: &str| folder.join(name).to_str().unwrap().to_owned();
    let name = ["--domain", "lists.example", "--selector", "s", "--key", &path("key")];
    let zone = stdout(&bonafide(&[&["keygen"], &name[..]].concat(), None));
    std::fs::write(path("zone"), zone.replace(" IN TXT", " TXT")).unwrap();
    let zone = ["--zone", &path("zone"), "--now", "1795478400"];
    let id = ["--authserv-id", "lists.example"];
    let seal = |results: &[&str], message: &[u8]| {
        bonafide(&[&["seal"], &name[..], &zone, results].concat(), Some(message))
    };
    let arc = |message: &str| {
        let verify = [&["verify", "--format", "json"], &zone[..]].concat();
        let report = stdout(&bonafide(&verify, Some(message.as_bytes())));
        let arc = serde_json::from_str::<Value>(&report).unwrap()["arc"].clone();
        (arc["result"].as_str().unwrap().to_owned(), arc["instances"].as_u64().unwrap())
    };

    let output = seal(&id, MESSAGE);
    let mut message = stdout(&output);
    assert!(String::from_utf8_lossy(&output.stderr).contains("is written with CRLF"));
    assert!(message.ends_with("\r\nSubject: b\r\n\r\nbody\r\n"), "{message}");
    let results = "ARC-Authentication-Results: i=1; lists.example;\r\n\tspf=pass (it is)\r\n";
    assert!(message.contains(results), "{message}");
    assert_eq!(arc(&message), ("pass".to_owned(), 1));
    message = stdout(&seal(&["--results", "mx.example; none"], message.as_bytes()));
    assert!(message.contains("i=2; mx.example; none\r\n") && message.contains("cv=pass"));
    assert_eq!(arc(&message), ("pass".to_owned(), 2));

    // Changed since it came, and said so.
    let received = path("received");
    std::fs::write(&received, &message).unwrap();
    message += "more\r\n";
    let changed = [&id[..], &["--received", &received]].concat();
    message = stdout(&seal(&changed, message.as_bytes()));
    assert_eq!(arc(&message), ("pass".to_owned(), 3));

    message += "more\r\n";
    message = stdout(&seal(&id, message.as_bytes()));
    assert!(message.starts_with("ARC-Seal: i=4; a=rsa-sha256; cv=fail;"), "{message}");
    assert_eq!(arc(&message), ("fail".to_owned(), 4));
    let refused = seal(&id, message.as_bytes());
    assert_eq!((refused.status.code(), refused.stdout.len()), (Some(1), 0));
    let error = String::from_utf8(refused.stderr).unwrap();
    assert!(error.contains("cannot seal: the seal of set 4 says already"), "{error}");

    let refused = seal(&["--authserv-id", "other.example"], MESSAGE);
    assert_eq!((refused.status.code(), refused.stdout.len()), (Some(1), 0));
    let error = String::from_utf8(refused.stderr).unwrap();
    assert!(error.contains("no Authentication-Results field by other.example"), "{error}");
    std::fs::remove_dir_all(folder).unwrap();
}

/// What became of a chain, and what a trusted sealer says against the policy of the author's domain.
#[test]
fn verify_tells_of_chains() {
    let folder = scratch("chain");
    let path = |name: &str| folder.join(name).to_str().unwrap().to_owned();
    let name = ["--domain", "lists.example", "--selector", "s", "--key", &path("key")];
    let zone = stdout(&bonafide(&[&["keygen"], &name[..]].concat(), None));
    let policy = "_dmarc.a.example TXT \"v=DMARC1; p=reject\"\n";
    std::fs::write(path("zone"), zone.replace(" IN TXT", " TXT") + policy).unwrap();
    let zone = ["--zone", &path("zone"), "--now", "1795478400"];
    let results = ["--results", "mx.example; dmarc=pass header.from=a.example"];
    let sealed = bonafide(&[&["seal"], &name[..], &zone, &results].concat(), Some(MESSAGE));
    let sealed = stdout(&sealed);
    let verify = |options: &[&str], message: &str| {
        stdout(&bonafide(&[&["verify"], &zone[..], options].concat(), Some(message.as_bytes())))
    };

    let text = verify(&[], &sealed);
    assert!(text.starts_with("dmarc: fail  a.example\n"), "{text}");
    let chain =
        "arc: pass\n  sets        1, sealed by lists.example\n  unchanged   since the first set\n";
    assert!(text.contains(chain) && !text.contains("override"), "{text}");
    let text = verify(&["--trusted-sealer", "lists.example"], &sealed);
    let offer =
        "  override    offered by lists.example: arc=pass as[1].d=lists.example as[1].s=s\n";
    assert!(text.contains(offer), "{text}");
    let json = verify(&["--trusted-sealer", "lists.example", "--format", "json"], &sealed);
    let arc = serde_json::from_str::<Value>(&json).unwrap()["arc"].clone();
    assert_eq!(arc["sealers"], Value::from(vec!["lists.example"]));
    assert_eq!((&arc["oldest_pass"], &arc["cause"]), (&Value::from(0), &Value::Null));
    assert_eq!(arc["policy_override"]["sealer"], "lists.example");

    let changed = sealed + "more\r\n";
    let text = verify(&["--explain"], &changed);
    assert!(text.contains("arc: fail\n  why         the message signature of set 1: "), "{text}");
    assert!(text.contains("| ARC-Message-Signature 1: signature read: a=rsa-sha256;"), "{text}");
    assert!(
        text.contains("| ARC-Message-Signature 1: body, relaxed, 12 of 12 octets signed:"),
        "{text}"
    );
    let header = verify(&["--format", "header"], &changed);
    assert!(header.contains("arc=fail\n") && header.contains("of set 1: "), "{header}");
    let misused = bonafide(&["verify", "--trusted-sealer", "not a domain"], None);
    assert_eq!(misused.status.code(), Some(2));
    std::fs::remove_dir_all(folder).unwrap();
}
