//! The Received-SPF header field, RFC 7208 section 9.1.

use bonafide::dns::Zone;
use bonafide::spf::{Options, Query, ReceivedSpf, ReceivedSpfError, SpfResult, check_host};
use bonafide::{UnixTime, block_on};
use proptest::prelude::*;

fn value(field: &ReceivedSpf) -> String {
    let written = field.to_string();
    written.strip_prefix("Received-SPF:").unwrap().to_owned()
}

/// RFC 7208 section 9.1: the examples, with what they hold.
#[test]
fn examples_are_read() {
    let text = b" pass (mybox.example.org: domain of\r\n myname@example.com designates 192.0.2.1 as permitted sender)\r\n    \
        receiver=mybox.example.org; client-ip=192.0.2.1;\r\n    mechanism=ip4:192.0.2.1; envelope-from=\"myname@example.com\";\r\n    helo=foo.example.com;";
    let field = ReceivedSpf::parse(text).unwrap();
    assert_eq!(field.result, SpfResult::Pass);
    assert_eq!(field.client_ip(), Some([192, 0, 2, 1].into()));
    assert_eq!(field.value("Mechanism"), Some("ip4:192.0.2.1"));
    assert_eq!(field.value("envelope-from"), Some("myname@example.com"));
    assert_eq!(field.pairs.len(), 5);
    // Erratum 5436: nothing has to stand behind the result.
    assert_eq!(ReceivedSpf::parse(b"softfail").unwrap().pairs, []);
    assert_eq!(ReceivedSpf::parse(b" (a) none").unwrap().comment, None);
}

#[test]
fn errors_say_where() {
    let parse = |text: &str| ReceivedSpf::parse(text.as_bytes()).unwrap_err();
    assert_eq!(parse("passed"), ReceivedSpfError::Result { found: "passed".into() });
    assert_eq!(parse("pass (a(b)"), ReceivedSpfError::Open { offset: 5 });
    assert_eq!(parse("pass a=\"b"), ReceivedSpfError::Open { offset: 7 });
    assert_eq!(parse("pass a b"), ReceivedSpfError::Pair { found: "a b".into(), offset: 5 });
    assert_eq!(parse("pass a=b c=d"), ReceivedSpfError::Pair { found: "c=d".into(), offset: 9 });
    let long = "pass ".repeat(4000);
    assert_eq!(parse(&long), ReceivedSpfError::TooLong { found: 20_000 });
}

proptest! {
    /// Whatever the sender says: lines are short, nothing leaves its value, and it reads back.
    #[test]
    fn senders_cannot_write_fields(helo in prop::collection::vec(any::<u8>(), 0..400), mail_from in prop::collection::vec(any::<u8>(), 0..400)) {
        let zone: Zone = "example.com TXT \"v=spf1 foo\"".parse().unwrap();
        let mail_from = [&mail_from[..], b"@example.com"].concat();
        let query = Query::new([192, 0, 2, 1].into(), &helo, &mail_from);
        let options = Options::default();
        let verdicts = block_on(check_host(&query, &options, &zone, UnixTime(0)));
        for (field, count) in [
            (ReceivedSpf::for_helo(&verdicts.helo, &query, "mx.example.org"), 6),
            (ReceivedSpf::for_mail_from(&verdicts.mail_from, &query, "mx.example.org"), 7),
        ] {
            let written = field.to_string();
            for (position, line) in written.split("\r\n").enumerate() {
                prop_assert!(line.len() <= 998 && line.bytes().all(|o| (b' '..=b'~').contains(&o)));
                prop_assert!(position == 0 || line.starts_with(' '));
            }
            let again = ReceivedSpf::parse(value(&field).as_bytes()).unwrap();
            prop_assert_eq!(&again, &field);
            prop_assert_eq!(again.pairs.len(), count);
            prop_assert_eq!(again.result, field.result);
        }
    }
}
