use super::*;

fn author(value: &str) -> Result<String, AuthorError> {
    let field = format!("From: {value}\r\n");
    AuthorDomain::of(&Header::parse(field.as_bytes())).map(|author| author.to_string())
}

/// RFC 5322 sections 3.4 and 4.4: mailboxes in all their forms.
#[test]
fn mailboxes_have_one_domain() {
    for value in [
        "a@x.example",
        "<a@X.EXAMPLE>",
        "A B. <a@x.example>",
        "A. <a@x.example>",
        "\"b@y.example\" <a@x.example>",
        "(b@y.example) a@x.example (c\\) (d))",
        "\"<b@y.example>\"@x.example",
        "a . b @ x . (c) example",
        ", ,a@x.example,, b@x.Example ,",
        "=?utf-8?B?YkB5LmV4YW1wbGU=?= <a@x.example>",
        "\u{e9}\u{e8} <\u{e9}@x.example>",
        "\r\n\ta@x.example",
    ] {
        assert_eq!(author(value).as_deref(), Ok("x.example"), "{value:?}");
    }
}

#[test]
fn doubt_has_a_name() {
    use AuthorError as E;
    let unexpected =
        |found: u8, offset, expected| Err(E::Unexpected { found: Some(found), offset, expected });
    assert_eq!(author(""), Err(E::NoMailbox));
    assert_eq!(author(", (c),"), Err(E::NoMailbox));
    assert_eq!(author("<>"), Err(E::NoAtSign { offset: 7 }));
    assert_eq!(author("a"), Err(E::NoAtSign { offset: 7 }));
    assert_eq!(author("<a@>"), unexpected(b'>', 9, "a domain"));
    assert_eq!(author("@x.example"), unexpected(b'@', 6, "a mailbox"));
    assert_eq!(author("a@b@x.example"), unexpected(b'@', 9, "',' or the end"));
    assert_eq!(author("a b@x.example"), unexpected(b'@', 9, "a mailbox"));
    assert_eq!(author("a@x y"), unexpected(b'y', 10, "',' or the end"));
    assert_eq!(author("<a@x.example> y"), unexpected(b'y', 20, "',' or the end"));
    assert_eq!(author("<a@x.example\\>"), unexpected(b'\\', 18, "'>'"));
    assert_eq!(author("g:a@x.example;"), Err(E::Group { offset: 7 }));
    assert_eq!(author("<@y:a@x.example>"), Err(E::SourceRoute { offset: 7 }));
    assert_eq!(author("a@[192.0.2.1]"), Err(E::AddressLiteral { offset: 8 }));
    assert_eq!(author("a@192.0.2.1"), Err(E::AddressLiteral { offset: 8 }));
    assert_eq!(author("(a"), Err(E::Unclosed { opening: b'(', offset: 6 }));
    assert_eq!(author("\"a\\"), Err(E::Unclosed { opening: b'"', offset: 6 }));
    assert_eq!(author("a\0@x"), Err(E::Octet { found: 0, offset: 7 }));
    assert_eq!(author("a\n@x"), Err(E::Octet { found: b'\n', offset: 7 }));
    assert!(matches!(author("a@x.example."), Err(E::Domain { offset: 8, .. })));
    assert!(matches!(author("a@x.example,b@y.example"), Err(E::SeveralDomains { .. })));
}

/// RFC 5322 section 3.6: From stands once, and nothing may look like a second one.
#[test]
fn one_field_is_from() {
    use AuthorError as E;
    let author = |header: &str| {
        AuthorDomain::of(&Header::parse(header.as_bytes())).map(|author| author.to_string())
    };
    assert_eq!(author("To: a@x\r\n"), Err(E::NoField));
    assert_eq!(author("from : a@x\r\n").as_deref(), Ok("x"));
    assert_eq!(author("From: a@x\r\nFROM: a@x\r\n"), Err(E::SeveralFields { found: 2 }));
    assert_eq!(author(" From: a@x\r\n"), Err(E::FieldName { position: 0 }));
    assert_eq!(author("From\r\n : a@x\r\n"), Err(E::FieldName { position: 0 }));
    assert_eq!(
        author("A: b\r\n\u{feff}From: a@x\r\nFrom: a@x\r\n"),
        Err(E::SeveralFields { found: 2 })
    );
    for end in ["\r", "\n", "\r\r\n", "\n\r"] {
        let hidden = format!("From: a@x\r\nSubject: b{end}from\t: c@y\r\n");
        let expected = if end == "\r\r\n" {
            Err(E::SeveralFields { found: 2 })
        } else {
            Err(E::HiddenField { position: 1 })
        };
        assert_eq!(author(&hidden), expected, "{end:?}");
    }
}

/// Nesting, pairs and lists of any size are read in one pass.
#[test]
fn depth_costs_nothing() {
    let deep = format!("{}{}a@x.example", "(".repeat(100_000), ")".repeat(100_000));
    assert_eq!(author(&deep).as_deref(), Ok("x.example"));
    let many = "a@x.example,".repeat(20_000);
    assert_eq!(author(&many).as_deref(), Ok("x.example"));
}
