use proptest::prelude::*;

use super::*;
use crate::crypto;
use crate::dkim::{self, Event, PrivateKeyPem, Signature, SigningKeyError};
use crate::dns::{Zone, ready};

const NOW: UnixTime = UnixTime(1_795_478_400);

fn key_file(name: &str) -> Vec<u8> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/test-vectors/keys/");
    std::fs::read(format!("{folder}{name}")).unwrap()
}

fn ed25519() -> SigningKey {
    // RFC 8463 appendix A.2
    let seed = tag_list::decode_base64(b"nWGxne/9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A=").unwrap();
    SigningKey::from_ed25519_seed(&seed.try_into().unwrap()).unwrap()
}

fn signer(options: SigningOptions) -> Signer {
    let domain = Domain::parse(b"example.com").unwrap();
    Signer::new(domain, [(Selector::parse(b"s1").unwrap(), ed25519())], options).unwrap()
}

/// RFC 8463 appendix A.3: both keys make the signatures of the example, octet for octet.
#[test]
fn the_signatures_of_rfc8463_are_reproduced() {
    let vector = |name: &str| {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/test-vectors/dkim/");
        std::fs::read(format!("{folder}{name}")).unwrap()
    };
    let zone = Zone::parse(&vector("rfc8463.zone")).unwrap();
    let options = dkim::Options { trace: true, ..dkim::Options::default() };
    let message = vector("rfc8463.eml");
    let verdicts = ready(dkim::verify(&message, &options, &zone, UnixTime(1_528_637_909)));
    assert_eq!(verdicts.len(), 2);
    for verdict in verdicts {
        let input = verdict.trace.iter().flatten().find_map(|event| match event {
            Event::SignedHeader { canonical, .. } => Some(canonical),
            _ => None,
        });
        let key = match verdict.algorithm.unwrap() {
            Algorithm::Ed25519Sha256 => Ok(ed25519()),
            Algorithm::RsaSha256 => SigningKey::from_pem(&key_file("rfc8463-rsa.pem")),
        };
        match key {
            Ok(key) => assert_eq!(key.sign(input.unwrap()).unwrap(), verdict.signature),
            // Without `rust-crypto` nobody signs with 1024 bits.
            Err(error) => {
                let expected = matches!(error, SigningKeyError::Unsupported { bits: 1024, .. });
                assert!(expected && !cfg!(feature = "rust-crypto"), "{error}");
            }
        }
    }
}

/// RFC 6376 section 5.4.1: what is signed by default, and of what the absence is.
#[test]
fn the_default_list_is_signed_and_oversigned() {
    let message = b"Received: x\r\nTo: a\r\nFrom: b\r\nTo: c\r\nX-Other: d\r\nComments: e\r\n\
        List-Unsubscribe: <https://example.com/u>\r\nReturn-Path: <>\r\n\
        List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n\r\n";
    let field = signer(SigningOptions::default()).sign(message, NOW).unwrap();
    let header = Header::parse(field.as_bytes());
    let signature = Signature::parse(header.field(0).unwrap().value()).unwrap();
    let names: Vec<_> =
        signature.signed_fields().map(|name| str::from_utf8(name).unwrap()).collect();
    let expected = "From From Reply-To Subject Date To To To Cc List-Unsubscribe \
        List-Unsubscribe-Post MIME-Version Content-Type";
    assert_eq!(names.join(" "), expected);
    assert_eq!((signature.timestamp, signature.expiration), (Some(NOW), None));
    assert_eq!(signature.body_length, None);
}

/// The whole field, as a person reads it.
#[test]
fn the_conventional_layout() {
    let identity = Identity {
        local_part: b"joe; x".to_vec().into(),
        domain: Domain::parse(b"mail.example.com").unwrap(),
    };
    let options = SigningOptions {
        expiration: Some(Expiration::After(600)),
        body_canonicalization: Canonicalization::Simple,
        identity: Some(identity),
        ..SigningOptions::default()
    };
    let field = signer(options).sign(b"From: a\r\n\r\n", NOW).unwrap();
    let expected = "DKIM-Signature: v=1; a=ed25519-sha256; c=relaxed/simple; d=example.com;\r\n \
        s=s1; i=joe=3B=20x@mail.example.com; t=1795478400; x=1795479000;\r\n \
        h=From:From:Reply-To:Subject:Date:To:Cc:MIME-Version:Content-Type;\r\n \
        bh=frcCV1k9oG9oKj3dpUqdJg1PxRT2RSN/XKdLCPjaYaY=;\r\n b=";
    assert_eq!(&field[..expected.len()], expected);
    assert!(field.lines().all(|line| line.len() <= 78), "{field}");
}

#[test]
fn the_sorted_layout() {
    let options = SigningOptions { layout: TagLayout::Sorted, ..SigningOptions::default() };
    let field = signer(options).sign(b"From: a\r\n\r\n", NOW).unwrap();
    let header = Header::parse(field.as_bytes());
    let tags = tag_list::Tags::new(header.field(0).unwrap().value());
    let names: Vec<_> = tags.map(|tag| tag.unwrap().name).collect();
    assert!(names.is_sorted(), "{field}");
    let signature = field.split("\r\n ").find(|line| line.starts_with("b=")).unwrap();
    assert_eq!(signature.len(), 2 + 88 + 1, "{field}");
}

/// RFC 5322 section 2.1.1: whatever the names and keys, no line has over 998 octets; where it can
/// be avoided none has over 78.
#[test]
fn lines_are_short() {
    let long = |octet: char| format!("{}.example", octet.to_string().repeat(60));
    let names: Vec<_> = (0..400).map(|n| format!("X-Field-{n}")).chain(["From".into()]).collect();
    for layout in [TagLayout::Conventional, TagLayout::Sorted] {
        let mut options = SigningOptions { layout, ..SigningOptions::default() };
        options.fields = FieldsToSign::Exactly(names.clone());
        let domain = Domain::parse(long('a').as_bytes()).unwrap();
        let key = SigningKey::from_pem(&key_file("rsa4096.pem")).unwrap();
        let keys = [(Selector::parse(long('b').as_bytes()).unwrap(), key)];
        let field = Signer::new(domain, keys, options).unwrap();
        let field = field.sign(b"From: a\r\n\r\n", NOW).unwrap();
        let longest = field.split("\r\n").map(str::len).max().unwrap();
        assert!(longest <= if layout == TagLayout::Sorted { 998 } else { 78 }, "{longest}");
        let header = Header::parse(field.as_bytes());
        assert_eq!(header.fields().len(), 1);
        Signature::parse(header.field(0).unwrap().value()).unwrap();
    }
}

proptest! {
    /// A field of any length of names and of signature reads back as what was meant.
    #[test]
    fn fields_read_back(
        names in prop::collection::vec("[A-Za-z0-9!#$%&'*+.^_`|~-]{1,120}", 0..40),
        octets in prop::collection::vec(any::<u8>(), 1..1100),
        layout in prop::sample::select(vec![TagLayout::Conventional, TagLayout::Sorted]),
    ) {
        let mut names = names;
        names.push("From".to_owned());
        let tags = [
            ("v", "1".to_owned()),
            ("a", "rsa-sha256".to_owned()),
            ("d", "example.com".to_owned()),
            ("s", "s".to_owned()),
            ("h", names.join(":")),
            ("bh", Base64(&[0; 32]).to_string()),
        ];
        let field = UnsignedField::new("DKIM-Signature", tags.to_vec(), layout).complete(&octets);
        prop_assert!(field.split("\r\n").all(|line| line.len() <= 998));
        let header = Header::parse(field.as_bytes());
        let signature = Signature::parse(header.field(0).unwrap().value()).unwrap();
        prop_assert_eq!(&signature.signature, &octets);
        let expected: Vec<_> = names.iter().map(|name| name.as_bytes()).collect();
        prop_assert_eq!(signature.signed_fields().collect::<Vec<_>>(), expected);
    }
}

/// A signature that comes from elsewhere is checked before it is sent.
#[test]
fn keys_that_are_elsewhere() {
    let key = ed25519();
    let record = key.record();
    let keys = [
        (
            Selector::parse(b"here").unwrap(),
            SigningKey::from_pem(&key_file("rsa2048.pem")).unwrap(),
        ),
        (Selector::parse(b"there").unwrap(), SigningKey::elsewhere(&record).unwrap()),
    ];
    let domain = Domain::parse(b"example.com").unwrap();
    let signer = Signer::new(domain, keys, SigningOptions::default()).unwrap();
    let start = || signer.start(&Header::parse(b"From: a\r\n\r\n"), NOW).unwrap();
    let field = ready(start().finish_with(async |request| {
        assert_eq!(request.selector.as_str(), "there");
        assert_eq!(request.digest(), crypto::sha256(request.input));
        key.sign(request.input)
    }))
    .unwrap();
    assert_eq!(field.matches("DKIM-Signature:").count(), 2);

    let wrong = ready(start().finish_with(async |_| Some(vec![0; 64])));
    assert!(
        matches!(wrong, Err(SigningError::Signature { selector, .. }) if selector.as_str() == "there")
    );
    let none = start().finish();
    assert!(
        matches!(none, Err(SigningError::KeyElsewhere { selector }) if selector.as_str() == "there")
    );
}

/// No part of a private key shows in what is printed for people to debug.
#[test]
fn debug_shows_no_key() {
    let pem = PrivateKeyPem::ed25519(&[0xAB; 32]);
    let key = SigningKey::from_pem(pem.as_bytes()).unwrap();
    for shown in [format!("{pem:?}"), format!("{key:?}"), format!("{:?}", signer_of(key))] {
        assert!(!shown.contains("171") && !shown.to_lowercase().contains("abab"), "{shown}");
        assert!(!shown.contains("q6ur"), "{shown}");
    }
}

fn signer_of(key: SigningKey) -> Signer {
    let domain = Domain::parse(b"example.com").unwrap();
    Signer::new(domain, [(Selector::parse(b"s").unwrap(), key)], SigningOptions::default()).unwrap()
}
