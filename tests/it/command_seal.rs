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
