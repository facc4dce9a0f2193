use super::*;
use crate::message::Header;

fn read(value: &str) -> Result<String, ParseError> {
    AuthenticationResults::parse(value.as_bytes()).map(|results| results.to_string())
}

/// RFC 8601 section 2.2 and the examples of appendix B.
#[test]
fn fields_are_read_and_written() {
    for (value, written) in [
        ("example.org 1; none", "example.org 1; none"),
        ("example.com; NONE ;", "example.com; none"),
        (
            " example.com;\r\n          spf=pass smtp.mailfrom=example.net",
            "example.com;\r\n\tspf=pass smtp.mailfrom=example.net",
        ),
        (
            "example.com; auth=pass (cram-md5) smtp.auth=sender@example.net; spf=pass smtp.mailfrom=example.net",
            "example.com;\r\n\tauth=pass smtp.auth=sender@example.net;\r\n\tspf=pass smtp.mailfrom=example.net",
        ),
        (
            "example.com;\r\n dkim=pass reason=\"good signature\"\r\n header.i=@mail-router.example.net;\r\n dkim=fail reason=\"bad signature\" header.i=@newyork.example.com",
            "example.com;\r\n\tdkim=pass reason=\"good signature\" header.i=@mail-router.example.net;\r\n\tdkim=fail reason=\"bad signature\" header.i=@newyork.example.com",
        ),
        (
            "foo.example.net (foobar) 1 (baz);\r\n dkim (Because I like it) / 1 (One yay) = (wait for it) fail\r\n policy (A dot can go here) . (like that) expired\r\n (this surprised me) = (as I wasn't expecting it) 1362471462",
            "foo.example.net 1;\r\n\tdkim/1=fail policy.expired=1362471462",
        ),
        ("a;b=c", "a;\r\n\tb=c"),
        ("\"a b\";\tx=y;", "\"a b\";\r\n\tx=y"),
        (
            "a; x=y reason=\"b\\\"\\\\(\r\n c\"d.e=\"f\"@g.example",
            "a;\r\n\tx=y reason=\"b\\\"\\\\( c\" d.e=f@g.example",
        ),
        ("a; none=pass", "a;\r\n\tnone=pass"),
        ("b\u{fc}cher.example; x=y", "b\u{fc}cher.example;\r\n\tx=y"),
        ("a 99999999999; x=y", "a 4294967295;\r\n\tx=y"),
    ] {
        assert_eq!(read(value).as_deref(), Ok(written), "{value:?}");
        assert_eq!(read(written).as_deref(), Ok(written));
    }
}

#[test]
fn what_is_not_of_the_grammar_is_an_error() {
    use ParseError as E;
    let unexpected = |found: &str, offset, expected| {
        Err(E::Unexpected { found: found.to_owned(), offset, expected })
    };
    assert_eq!(read(""), unexpected("", 0, "a token or a quoted string"));
    assert_eq!(read("a"), unexpected("", 1, "';'"));
    assert_eq!(read("a;"), unexpected("", 2, "a keyword"));
    assert_eq!(read("spf=pass x.y=z"), unexpected("=pass x.y=z", 3, "';'"));
    assert_eq!(read("a;;b=c"), unexpected(";b=c", 2, "a keyword"));
    assert_eq!(read("a; none; b=c"), unexpected("b=c", 9, "the end"));
    assert_eq!(read("a; b=c; none"), unexpected("", 12, "'='"));
    assert_eq!(read("a; b=c x=y"), unexpected("=y", 8, "'.'"));
    assert_eq!(read("a; b=c x.y=z reason=w"), unexpected("=w", 19, "'.'"));
    assert_eq!(read("a; b=c x.y=p/q"), unexpected("p/q", 11, "a token or a quoted string"));
    assert_eq!(read("a; b=c x.y=p..q@z"), unexpected("p..q@z", 11, "a local-part"));
    assert_eq!(read("a; b/=c"), unexpected("=c", 5, "a version"));
    assert_eq!(read("a (b; c=d"), Err(E::Unclosed { opening: b'(', offset: 2 }));
    assert_eq!(read("a; b=c x.y=\"z"), Err(E::Unclosed { opening: b'"', offset: 11 }));
    assert_eq!(read("a;\r\nb=c"), Err(E::Octet { found: b'\r', offset: 2 }));
    assert!(matches!(read("a; b=c x.y=@z..example"), Err(E::Domain { offset: 12, .. })));
    assert!(matches!(read("a; b-=c"), Err(E::Value { offset: 3, .. })));
    assert!(matches!(
        AuthenticationResults::parse(b"\"\xff\"; b=c"),
        Err(E::Value { offset: 0, error: ValueError::Utf8 { .. } })
    ));
}

/// RFC 8601 sections 2.3 and 2.6.
#[test]
fn versions_say_whether_to_read_on() {
    let supported = |value: &'static str| {
        AuthenticationResults::parse(value.as_bytes()).unwrap().is_supported()
    };
    assert!(supported("a; none") && supported("a 1; none") && supported("a 01; none"));
    assert!(!supported("a 2; none"));
}

/// What the types admit, the writer can write on lines of a good length.
#[test]
fn values_are_written_so_that_they_read_back() {
    let long = "\"".repeat(MAXIMUM_TEXT_OCTETS);
    let domain = Domain::parse(b"x.example").unwrap();
    let mut results = AuthenticationResults::new(Text::parse(long.as_bytes()).unwrap());
    for text in ["", "a", "a b", "a@b", "a;b", "(", "\\", "\t", "\u{e9}", "a/b", "\u{202e}", &long]
    {
        let text = Text::parse(text.as_bytes()).unwrap();
        let address = Value::address(Some(text.clone()), domain.clone());
        let mut result = MethodResult::new(Keyword::SPF, Keyword::PASS)
            .with_reason(text.clone())
            .with_property(Keyword::SMTP, Keyword::HELO, text);
        if let Ok(address) = address {
            result = result.with_property(Keyword::SMTP, Keyword::MAILFROM, address);
        }
        results.results.push(result.with_property(Keyword::HEADER, Keyword::D, &domain));
    }
    results.version = Some(7);
    let written = results.to_string();
    assert_eq!(AuthenticationResults::parse(written.as_bytes()).as_ref(), Ok(&results));
    let field = results.to_field();
    assert!(field.lines().all(|line| line.len() < 998));
    assert_eq!(Header::parse(field.as_bytes()).fields().len(), 1);
    let value = Header::parse(field.as_bytes()).field(0).unwrap().value();
    assert_eq!(AuthenticationResults::parse(value), Ok(results));
}

#[test]
fn values_that_no_field_carries_are_refused() {
    for text in ["a\r\nX: y", "a\0", "\u{7f}", "\u{85}", "\u{2028}"] {
        assert!(matches!(Text::parse(text.as_bytes()), Err(ValueError::Character { .. })));
    }
    assert_eq!(Text::parse(b"a\xff"), Err(ValueError::Utf8 { offset: 1 }));
    assert_eq!(Text::parse(&[b'a'; 401]), Err(ValueError::TooLong { found: 401, limit: 400 }));
    assert_eq!(Keyword::parse(b""), Err(ValueError::Empty));
    assert_eq!(Keyword::parse(b"a b"), Err(ValueError::Character { found: ' ', offset: 1 }));
    assert_eq!(Keyword::parse(&[b'a'; 33]), Err(ValueError::TooLong { found: 33, limit: 32 }));
    let local_part = Text::parse(&[b'a'; 256]).ok();
    let domain = Domain::parse(b"x.example").unwrap();
    assert_eq!(
        Value::address(local_part, domain),
        Err(ValueError::TooLong { found: 256, limit: 255 })
    );
}

/// RFC 8601 section 5: what bears our name and is not ours goes, whatever it wears.
#[test]
fn claims_are_found_however_they_are_dressed() {
    let strips = |name: &str, value: &str| {
        let field = format!("{name}: {value}\r\n");
        strip(&Header::parse(field.as_bytes()), "mx.b\u{fc}cher.example") == [0]
    };
    let name = "Authentication-Results";
    for value in [
        "mx.b\u{fc}cher.example; x=y",
        "mx.xn--bcher-kva.example; x=y",
        "MX.XN--BCHER-KVA.EXAMPLE;x=y",
        "mx.xn--bcher-kva.example.; x=y",
        "mx.xn--bcher-kva.example",
        "(a) \"mx.xn--bcher-kva.example\" 2; x=y",
        "\"mx.xn--\\bcher-kva.example\"; x=y",
        "\"mx\".xn--bcher-kva.example; x=y",
        "mx.xn--bcher-kva.example(c)2; x=y",
        "mx.(c)xn--bcher-kva.example; x=y",
        "\r\n\t(c\r\n (d\\))) mx.xn--bcher-kva.example\r\n ; x=y",
        "(a mx.xn--bcher-kva.example; x=y",
        "\"mx.xn--bcher-kva.example; x=y",
        "mx.xn--bcher-kva.example\0x; x=y",
        "mx.xn--bcher-kva.example/1; x=y",
        "<mx.xn--bcher-kva.example>; x=y",
    ] {
        assert!(strips(name, value), "{value:?}");
    }
    for value in [
        "mx.xn--bcher-kva.example.evil.example; x=y",
        "evilmx.xn--bcher-kva.example; x=y",
        "other.example; x=y reason=\"mx.xn--bcher-kva.example\"",
        "(mx.xn--bcher-kva.example) other.example; x=y",
        "; mx.xn--bcher-kva.example",
        "a; (mx.xn--bcher-kva.example",
        "",
    ] {
        assert!(!strips(name, value), "{value:?}");
    }
    for name in
        ["authentication-results ", "AUTHENTICATION-RESULTS\r\n\t", "Authentication\0-Results"]
    {
        assert!(strips(name, "mx.xn--bcher-kva.example; x=y"), "{name:?}");
    }
    assert!(!strips("ARC-Authentication-Results", "mx.xn--bcher-kva.example; x=y"));
}
