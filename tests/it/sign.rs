//! Signing: what is refused, and that whatever is signed verifies until an octet of it changes.

use bonafide::canonicalization::{BodyCanonicalizer, Canonicalization, header_field};
use bonafide::dkim::{
    self, Expiration, FieldsToSign, KeyMismatch, KeyRecord, Signature, Signer, SigningError,
    SigningKey, SigningOptions, TagLayout,
};
use bonafide::dns::Zone;
use bonafide::message::Header;
use bonafide::{Domain, Selector, UnixTime, block_on};
use proptest::prelude::*;

use crate::support::project;
use crate::support::stanzas::{self, Stanza};

const NOW: UnixTime = UnixTime(1_795_478_400);
const DOMAIN: &str = "example.com";

fn key(file: &str) -> SigningKey {
    SigningKey::from_pem(&std::fs::read(project("test-vectors/keys").join(file)).unwrap()).unwrap()
}

fn signer(keys: &[(&str, SigningKey)], options: SigningOptions) -> Result<Signer, SigningError> {
    let keys = keys
        .iter()
        .map(|(selector, key)| (Selector::parse(selector.as_bytes()).unwrap(), key.clone()));
    Signer::new(Domain::parse(DOMAIN.as_bytes()).unwrap(), keys, options)
}

/// A zone that publishes keys as the library says that they are to be published.
fn zone(keys: &[(&str, SigningKey)]) -> Zone {
    let domain = Domain::parse(DOMAIN.as_bytes()).unwrap();
    let lines = keys.iter().map(|(selector, key)| {
        let selector = Selector::parse(selector.as_bytes()).unwrap();
        key.record().zone_line(&selector, &domain).replace(" IN ", " ") + "\n"
    });
    Zone::parse(lines.collect::<String>().as_bytes()).unwrap()
}

#[test]
fn refusals() {
    stanzas::run(&project("test-vectors/dkim/refusals.txt"), |case: &mut Stanza| {
        let message = unescape(&case.consume("Message"));
        let mut options = SigningOptions::default();
        for option in case.all("Option") {
            match option.as_str() {
                "long_lines" => options.long_lines = true,
                "no_eight_bit" => options.eight_bit = false,
                "expired" => options.expiration = Some(Expiration::At(NOW)),
                other => return Err(format!("unknown option {other}")),
            }
        }
        let keys = [("s", key("ed25519.pem"))];
        let found = signer(&keys, options).unwrap().sign(&message, NOW);
        let offset = case.optional("Offset").map(|offset| offset.parse::<u64>().unwrap());
        let name = match &found {
            Ok(_) => "signed".to_owned(),
            Err(error) => format!("{error:?}").split(' ').next().unwrap().to_owned(),
        };
        let found_offset = match found {
            Err(
                SigningError::BareCr { offset }
                | SigningError::BareLf { offset }
                | SigningError::EightBit { offset }
                | SigningError::LongLine { offset }
                | SigningError::Nul { offset }
                | SigningError::SeveralFrom { offset },
            ) => Some(offset),
            _ => None,
        };
        let expected = (case.consume("Result"), offset);
        if (&name, found_offset) == (&expected.0, expected.1) {
            return Ok(());
        }
        Err(format!("found {name} {found_offset:?}, expected {expected:?}"))
    });
}

fn unescape(text: &str) -> Vec<u8> {
    let mut octets = Vec::new();
    let mut pieces = text.split('\\');
    octets.extend(pieces.next().unwrap().bytes());
    for piece in pieces {
        let (escape, rest) = piece.split_at(piece.len().min(1));
        let rest = match escape {
            "r" => (b"\r".to_vec(), rest),
            "n" => (b"\n".to_vec(), rest),
            "0" => (vec![0], rest),
            "x" => (vec![u8::from_str_radix(&rest[..2], 16).unwrap()], &rest[2..]),
            "*" => {
                let digits =
                    rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
                (vec![b'x'; rest[..digits].parse().unwrap()], &rest[digits..])
            }
            other => panic!("escape {other:?}"),
        };
        octets.extend(rest.0);
        octets.extend(rest.1.bytes());
    }
    octets
}

/// RFC 8301 section 3.2, RFC 8463 section 6: keys that no signer should have.
#[test]
fn signers_that_are_not_made() {
    let (ed25519, rsa) = (key("ed25519.pem"), key("rsa2048.pem"));
    let refused = |keys: &[(&str, SigningKey)], change: fn(&mut SigningOptions)| {
        let mut options = SigningOptions::default();
        change(&mut options);
        signer(keys, options).unwrap_err()
    };
    assert_eq!(refused(&[], |_| ()), SigningError::NoKey);
    let same = refused(&[("s", ed25519.clone()), ("S", rsa.clone())], |_| ());
    assert!(matches!(same, SigningError::SameSelector { .. }));
    let short = refused(&[("s", rsa)], |options| options.minimum_rsa_bits = 2049);
    assert!(matches!(short, SigningError::ShortKey { bits: 2048, minimum: 2049, .. }));
    let keys = [("s", ed25519)];
    for names in [&["From", "a b"][..], &["From", ""], &["From", "a:b"], &["From", "a;b"]] {
        let fields = FieldsToSign::Exactly(names.iter().map(|&name| name.to_owned()).collect());
        let mut options = SigningOptions::default();
        options.fields = fields;
        assert!(matches!(signer(&keys, options), Err(SigningError::FieldName { .. })), "{names:?}");
    }
    let without = refused(&keys, |options| {
        options.fields = FieldsToSign::Exactly(vec!["Subject".to_owned()]);
    });
    assert_eq!(without, SigningError::FromNotSigned);
}

/// RFC 8301 section 3.2: 1024 bits only by option, and only where a backend signs with them.
#[cfg(feature = "rust-crypto")]
#[test]
fn short_keys_are_used_when_asked() {
    let keys = [("s", key("rsa1024.pem"))];
    let refused = signer(&keys, SigningOptions::default());
    assert!(matches!(refused, Err(SigningError::ShortKey { bits: 1024, minimum: 2048, .. })));
    let mut options = SigningOptions::default();
    options.minimum_rsa_bits = 1024;
    let message = b"From: a@example.com\r\n\r\n";
    let field = signer(&keys, options).unwrap().sign(message, NOW).unwrap();
    let signed = [field.as_bytes(), message].concat();
    assert_eq!(results(&signed, &zone(&keys)), ["pass"]);
}

/// Whether a published record goes with a private key.
#[test]
fn records_are_checked_against_keys() {
    let (rsa, ed25519) = (key("rsa2048.pem"), key("ed25519.pem"));
    let check = |record: &str| rsa.check(&KeyRecord::parse(record.as_bytes()).unwrap());
    let published = rsa.record().to_string();
    assert_eq!(check(&published), Ok(()));
    assert_eq!(check(&published.replace("k=rsa", "k=rsa; t=s; s=*; h=sha256:sha1")), Ok(()));
    // RFC 6376 section 3.6.1 before erratum 3017: a bare RSAPublicKey.
    let spki = rsa.record().public_key;
    let mut bare = rsa.record();
    bare.public_key = spki[24..].to_vec();
    assert_eq!(rsa.check(&bare), Ok(()));

    let refused = |record: &str| check(record).unwrap_err().to_string();
    assert!(refused("v=DKIM1; p=").contains("revoked"));
    assert!(refused(&published.replace("k=rsa", "k=rsa; h=sha1")).contains("h=sha1"));
    assert!(refused(&published.replace("k=rsa", "k=rsa; s=other")).contains("s=other"));
    assert!(refused(&ed25519.record().to_string()).contains("ed25519"));
    let other = key("rsa4096.pem").record().to_string();
    assert!(matches!(
        check(&other),
        Err(KeyMismatch::OtherKey { key_type: dkim::KeyType::Rsa, bits: 4096 })
    ));
}

/// RFC 6376 section 3.6.2.2, RFC 1035 section 3.3: a key of 4096 bits takes several strings.
#[test]
fn records_are_cut_into_strings() {
    let record = key("rsa4096.pem").record();
    let strings = record.strings();
    assert!(strings.len() > 2 && strings.iter().all(|string| string.len() <= 255));
    let joined = strings.concat();
    assert_eq!(KeyRecord::parse(&joined), Ok(record));
}

fn results(message: &[u8], zone: &Zone) -> Vec<String> {
    let verdicts = block_on(dkim::verify(message, &dkim::Options::default(), zone, NOW));
    verdicts.iter().map(|verdict| verdict.result.to_string()).collect()
}

const NAMES: [&str; 8] =
    ["From", "To", "Subject", "Date", "X-Other", "list-unsubscribe", "Cc", "Message-ID"];

/// Values of fields and bodies: words, white space, folds, and octets of any kind.
fn text(line_end: &'static str) -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        8 => "[a-zA-Z0-9@<>.,=:;-]{1,12}".prop_map(String::into_bytes),
        3 => "[ \t]{1,3}".prop_map(String::into_bytes),
        2 => Just(line_end.as_bytes().to_vec()),
        1 => prop::collection::vec(0x80_u8..=0xff, 1..4),
    ];
    prop::collection::vec(piece, 0..20).prop_map(|pieces| pieces.concat())
}

fn header() -> impl Strategy<Value = Vec<u8>> {
    let name = prop::sample::select(&NAMES[1..]);
    let fields = prop::collection::vec((name, text("\r\n ")), 0..8);
    (fields, text("\r\n "), any::<prop::sample::Index>()).prop_map(|(mut fields, from, at)| {
        fields.insert(at.index(fields.len() + 1), ("From", from));
        let lines =
            fields.iter().map(|(name, value)| [name.as_bytes(), b":", value, b"\r\n"].concat());
        lines.collect::<Vec<_>>().concat()
    })
}

fn body() -> impl Strategy<Value = Vec<u8>> {
    // With and without an end of the last line; often with empty lines behind it.
    (text("\r\n"), 0_usize..4).prop_map(|(text, ends)| [text, b"\r\n".repeat(ends)].concat())
}

fn options() -> impl Strategy<Value = SigningOptions> {
    let canonicalization =
        || prop::sample::select(vec![Canonicalization::Simple, Canonicalization::Relaxed]);
    let names = prop::collection::vec(prop::sample::select(&NAMES[..]), 0..10);
    let fields = prop_oneof![
        Just(FieldsToSign::default()),
        names.prop_map(|names| {
            let names = names.into_iter().chain(["From"]).map(str::to_owned);
            FieldsToSign::Exactly(names.collect())
        }),
    ];
    let layout = prop::sample::select(vec![TagLayout::Conventional, TagLayout::Sorted]);
    let expiration = prop::option::of((1_u64..1000).prop_map(Expiration::After));
    (canonicalization(), canonicalization(), fields, layout, expiration).prop_map(
        |(header, body, fields, layout, expiration)| {
            let mut options = SigningOptions::default();
            options.header_canonicalization = header;
            options.body_canonicalization = body;
            (options.fields, options.layout, options.expiration) = (fields, layout, expiration);
            options
        },
    )
}

fn keys() -> impl Strategy<Value = Vec<(&'static str, SigningKey)>> {
    let (ed25519, rsa) = (("ed", key("ed25519.pem")), ("rsa", key("rsa2048.pem")));
    prop_oneof![
        4 => Just(vec![ed25519.clone()]),
        1 => Just(vec![rsa.clone()]),
        1 => Just(vec![rsa, ed25519]),
    ]
}

/// What the signature of a message covers beside its own field, by the definitions: the fields
/// that h= names from the bottom up, and the body.
fn signed_content(field: &[u8], message: &[u8]) -> (Vec<u8>, Vec<u8>) {
    let own = Header::parse(field);
    let signature = Signature::parse(own.field(0).unwrap().value()).unwrap();
    let header = Header::parse(message);
    let mut left: Vec<_> = header.fields().collect();
    let mut canonical = Vec::new();
    for name in signature.signed_fields() {
        if let Some(at) = left.iter().rposition(|field| field.name().eq_ignore_ascii_case(name)) {
            let field = left.remove(at);
            header_field(signature.header_canonicalization, field.as_bytes(), &mut canonical);
        } else {
            canonical.push(0);
        }
    }
    let mut body = Vec::new();
    let mut canonicalizer = BodyCanonicalizer::new(signature.body_canonicalization);
    canonicalizer.write(header.body(), &mut |octets| body.extend_from_slice(octets));
    canonicalizer.finish(&mut |octets| body.extend_from_slice(octets));
    (canonical, body)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    /// What is signed verifies, in whatever chunks it came. With any one octet changed it verifies
    /// exactly if the canonical form of all that is signed is as it was.
    #[test]
    fn what_is_signed_verifies_until_it_changes(
        header in header(),
        body in body(),
        options in options(),
        keys in keys(),
        chunk in 1_usize..100,
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 4),
    ) {
        let message = [&header[..], b"\r\n", &body].concat();
        let signer = signer(&keys, options).unwrap();
        let parsed = Header::parse(&message);
        let mut signing = signer.start(&parsed, NOW).unwrap();
        body.chunks(chunk).for_each(|chunk| signing.body(chunk));
        let field = signing.finish().unwrap();
        prop_assert_eq!(&field, &signer.sign(&message, NOW).unwrap());

        let zone = zone(&keys);
        let signed = [field.as_bytes(), &message].concat();
        prop_assert_eq!(results(&signed, &zone), vec!["pass"; keys.len()], "{}", field);

        let content = signed_content(field.as_bytes(), &message);
        for (at, octet) in changes {
            let mut changed = message.clone();
            *at.get_mut(&mut changed) = octet;
            let is_same = signed_content(field.as_bytes(), &changed) == content;
            // RFC 5322 section 2.2.3: white space in front of the message continues the last signature.
            let continues = matches!(changed[..], [b' ' | b'\t', ..]);
            let signed = [field.as_bytes(), &changed].concat();
            for (nth, result) in results(&signed, &zone).iter().enumerate() {
                let expected = is_same && !(continues && nth + 1 == keys.len());
                prop_assert_eq!(*result == "pass", expected, "{:?}", String::from_utf8_lossy(&signed));
            }
        }
    }

    /// Any octet of the signature field changed that is not white space, and it does not verify.
    #[test]
    fn the_field_itself_is_signed(at in any::<prop::sample::Index>(), octet in b'!'..=b'~') {
        let keys = [("ed", key("ed25519.pem"))];
        let message = b"From: a@example.com\r\nSubject: b\r\n\r\nbody\r\n";
        let field = signer(&keys, SigningOptions::default()).unwrap().sign(message, NOW).unwrap();
        let mut changed = field.into_bytes();
        let place = at.get_mut(&mut changed);
        prop_assume!(!place.is_ascii_whitespace() && !place.eq_ignore_ascii_case(&octet));
        *place = octet;
        let signed = [&changed[..], message].concat();
        prop_assert!(results(&signed, &zone(&keys)).iter().all(|result| result != "pass"));
    }
}
