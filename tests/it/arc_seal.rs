//! Sealing: the public suite, what is refused, and that what is sealed validates.

use bonafide::arc::{
    self, ArcResult, AuthresPayload, Sealer, SealingError, SealingOptions, Verdict,
};
use bonafide::authentication_results::{AuthenticationResults, Text};
use bonafide::canonicalization::Canonicalization;
use bonafide::dkim::{FieldsToSign, SigningError, SigningKey, TagLayout};
use bonafide::dns::Zone;
use bonafide::message::Header;
use bonafide::{Authenticator, Domain, Envelope, Selector, UnixTime, block_on};
use ed25519_dalek::Signer as _;
use proptest::prelude::*;

use crate::support::project;
use crate::support::stanzas::{self, Stanza};

const NOW: UnixTime = UnixTime(1_795_478_400);
const SEED: [u8; 32] = [7; 32];

fn key(file: &str) -> SigningKey {
    SigningKey::from_pem(&std::fs::read(project("test-vectors/keys").join(file)).unwrap()).unwrap()
}

fn domain() -> Domain {
    Domain::parse(b"lists.example").unwrap()
}

/// The selectors `rsa` and `ed` of one domain.
fn sealer(selector: &str, options: SealingOptions) -> Result<Sealer, SealingError> {
    let key = match selector {
        "rsa" => key("rsa2048.pem"),
        _ => SigningKey::from_ed25519_seed(&SEED).unwrap(),
    };
    Sealer::new(domain(), Selector::parse(selector.as_bytes()).unwrap(), key, options)
}

fn zone() -> Zone {
    let keys = [("rsa", key("rsa2048.pem")), ("ed", SigningKey::from_ed25519_seed(&SEED).unwrap())];
    let lines = keys.iter().map(|(selector, key)| {
        let selector = Selector::parse(selector.as_bytes()).unwrap();
        key.record().zone_line(&selector, &domain()).replace(" IN ", " ") + "\n"
    });
    lines.collect::<String>().parse().unwrap()
}

fn verify(message: &[u8], zone: &Zone) -> Verdict {
    block_on(arc::verify(message, &arc::Options::default(), zone, NOW))
}

fn results(id: &str) -> AuthenticationResults<'_> {
    AuthenticationResults::new(Text::parse(id.as_bytes()).unwrap())
}

fn name_of(error: &SealingError) -> String {
    format!("{error:?}").split([' ', '(']).next().unwrap().to_owned()
}

/// RFC 8617 section 5.1: which set is added to what, and when none is.
#[test]
fn decisions() {
    let (sealer, zone) = (sealer("ed", SealingOptions::default()).unwrap(), zone());
    stanzas::run(&project("test-vectors/arc/sealing.txt"), |case: &mut Stanza| {
        let mut header = String::new();
        for set in case.all("Set") {
            let (i, cv) = set.split_once(' ').unwrap();
            header += &format!(
                "ARC-Seal: i={i}; a=rsa-sha256; cv={cv}; d=a.example; s=s; b=AAAA\r\n\
                 ARC-Message-Signature: i={i}; a=rsa-sha256; c=relaxed/relaxed; d=a.example; s=s; h=from; \
                 bh=frcCV1k9oG9oKj3dpUqdJg1PxRT2RSN/XKdLCPjaYaY=; b=AAAA\r\n\
                 ARC-Authentication-Results: i={i}; a.example; none\r\n"
            );
        }
        for field in case.all("Field") {
            header += &format!("{field}\r\n");
        }
        let message = header + "From: a@a.example\r\n\r\nbody\r\n";
        let chain = verify(message.as_bytes(), &zone);
        let parsed = Header::parse(message.as_bytes());
        let found = match sealer.start(&parsed, results("mx.example"), &chain, NOW) {
            Ok(sealing) => format!("i={} cv={}", sealing.instance(), sealing.chain_validation()),
            Err(error) => name_of(&error),
        };
        if !found.starts_with("i=") {
            let expected = case.consume("Result");
            return if found == expected { Ok(()) } else { Err(format!("found {found}")) };
        }
        let set = sealer.seal(message.as_bytes(), results("mx.example"), &chain, NOW).unwrap();
        let again = verify(&[set.as_bytes(), message.as_bytes()].concat(), &zone);
        let expected = if found == "i=1 cv=none" { ArcResult::Pass } else { ArcResult::Fail };
        assert_eq!(again.result, expected, "{}: {again}", case.place);
        let expected = case.consume("Result");
        if found == expected { Ok(()) } else { Err(format!("found {found}")) }
    });
}

fn unescape(text: &str) -> Vec<u8> {
    let mut octets = Vec::new();
    let mut rest = text.bytes();
    while let Some(octet) = rest.next() {
        octets.push(match (octet, octet == b'\\') {
            (_, false) => octet,
            (_, true) => match rest.next().unwrap() {
                b'r' => b'\r',
                b'n' => b'\n',
                b't' => b'\t',
                b'x' => {
                    let digits = [rest.next().unwrap(), rest.next().unwrap()];
                    u8::from_str_radix(str::from_utf8(&digits).unwrap(), 16).unwrap()
                }
                other => panic!("escape {other:?}"),
            },
        });
    }
    octets
}

/// RFC 8617 section 4.1.1: the results of one administration in one text, which reads back.
#[test]
fn payloads() {
    stanzas::run(&project("test-vectors/arc/payload.txt"), |case: &mut Stanza| {
        let mut header = Vec::new();
        for field in case.all("Field") {
            header.extend(b"Authentication-Results: ");
            header.extend(unescape(&field));
            header.extend(b"\r\n");
        }
        let found = AuthresPayload::from_header(&Header::parse(&header), "mx.example");
        if let Some(payload) = &found {
            AuthenticationResults::parse(payload.as_str().as_bytes()).unwrap();
        }
        let expected = match case.consume("Result").as_str() {
            "none" => None,
            text => Some(String::from_utf8(unescape(text)).unwrap()),
        };
        match found.as_ref().map(AuthresPayload::as_str) == expected.as_deref() {
            true => Ok(()),
            false => Err(format!("found {found:?}")),
        }
    });
}

/// RFC 5322 section 2.1.1: no line is over 998 octets, whatever the lines of the message's own fields, the
/// identifier and the key.
#[test]
fn lines_are_short() {
    let id = "x".repeat(400);
    for comment in [700, 920, 955, 956] {
        let header = format!(
            "Authentication-Results: {id};\r\n spf=pass ({})\r\n smtp.mailfrom=a.example\r\n\
             Authentication-Results: {id};\r\n dkim=none ({0})\r\n\
             From: a@a.example\r\n\r\n",
            "c".repeat(comment)
        );
        let payload = AuthresPayload::from_header(&Header::parse(header.as_bytes()), &id).unwrap();
        let key = key("rsa4096.pem");
        let mut options = SealingOptions::default();
        for layout in [TagLayout::Conventional, TagLayout::Sorted] {
            options.layout = layout;
            let selector = Selector::parse(b"s").unwrap();
            let sealer = Sealer::new(domain(), selector, key.clone(), options.clone()).unwrap();
            let chain = verify(b"From: a@a.example\r\n\r\n", &Zone::default());
            let set = sealer.seal(header.as_bytes(), &payload, &chain, NOW).unwrap();
            assert!(set.split("\r\n").all(|line| line.len() <= 998), "{set}");
            // RFC 8617 section 4.2: one of each.
            assert_eq!(Header::parse(set.as_bytes()).fields().len(), 3);
        }
    }
}

/// The whole set, as a person reads it: i= stands first, as the ABNF of RFC 8617 section 4.1 has it, and
/// nothing is folded within b=.
#[test]
fn the_conventional_layout() {
    let sealer = sealer("rsa", SealingOptions::default()).unwrap();
    let message = b"DKIM-Signature: x\r\nFrom: a@a.example\r\nDKIM-Signature: y\r\n\
        Authentication-Results: mx.example; none\r\nReceived: z\r\n\r\nbody\r\n";
    let chain = verify(message, &Zone::default());
    let set = sealer.seal(message, results("mx.example"), &chain, NOW).unwrap();
    let without = |line: &str| match line.strip_prefix(" b=") {
        Some(signature) => {
            assert_eq!(signature.len(), 344);
            " b=".to_owned()
        }
        None => line.to_owned(),
    };
    let found: Vec<_> = set.split_terminator("\r\n").map(without).collect();
    let expected = [
        "ARC-Seal: i=1; a=rsa-sha256; cv=none; d=lists.example; s=rsa; t=1795478400;",
        " b=",
        "ARC-Message-Signature: i=1; a=rsa-sha256; c=relaxed/relaxed;",
        " d=lists.example; s=rsa; t=1795478400;",
        " h=From:From:Reply-To:Subject:Date:To:Cc:MIME-Version:Content-Type:",
        " DKIM-Signature:DKIM-Signature;",
        " bh=Ck5SoRNWUpSR4X0COv7R5ub2pUTtl6xz4dTFz++ji4M=;",
        " b=",
        "ARC-Authentication-Results: i=1; mx.example; none",
    ];
    assert_eq!(found, expected);
}

/// RFC 8617 section 4.1.2: what a message signature must not cover; RFC 8301 section 3.2: short keys.
#[test]
fn sealers_that_are_not_made() {
    let with = |names: &[&str]| {
        let mut options = SealingOptions::default();
        options.fields = FieldsToSign::Exactly(names.iter().map(|&name| name.to_owned()).collect());
        sealer("ed", options).map(drop)
    };
    for name in ["ARC-Seal", "arc-message-signature", "ARC-Authentication-Results"] {
        assert!(matches!(with(&["From", name]), Err(SealingError::FieldToSign { .. })), "{name}");
    }
    let name = "Authentication-Results";
    assert_eq!(with(&["From", name]), Err(SealingError::FieldToSign { name }));
    assert_eq!(with(&["To"]), Err(SealingError::Signing(SigningError::FromNotSigned)));
    let mut options = SealingOptions::default();
    options.fields = FieldsToSign::Exactly(vec!["From".to_owned()]);
    options.minimum_rsa_bits = 2049;
    let short = sealer("rsa", options);
    assert!(matches!(short, Err(SealingError::Signing(SigningError::ShortKey { .. }))));
}

/// A message that must not be signed is not sealed.
#[test]
fn messages_that_are_not_sealed() {
    let sealer = sealer("ed", SealingOptions::default()).unwrap();
    let seal = |message: &[u8]| {
        let chain = verify(message, &Zone::default());
        sealer.seal(message, results("mx.example"), &chain, NOW)
    };
    for (message, expected) in [
        (&b"To: a@a.example\r\n\r\n"[..], SigningError::NoFrom),
        (b"From: a@a.example\r\n\r\na\nb", SigningError::BareLf { offset: 22 }),
        (b"From: a@a.\nexample\r\n\r\n", SigningError::BareLf { offset: 10 }),
    ] {
        assert_eq!(seal(message), Err(SealingError::Signing(expected)));
    }
}

/// A verdict about another chain is no ground for a seal.
#[test]
fn verdicts_belong_to_the_message() {
    let (sealer, zone) = (sealer("ed", SealingOptions::default()).unwrap(), zone());
    let seal = |message: &[u8], chain: &Verdict| {
        let set = sealer.seal(message, results("mx.example"), chain, NOW)?;
        Ok([set.as_bytes(), message].concat())
    };
    let plain = b"From: a@a.example\r\n\r\nbody\r\n".to_vec();
    let none = verify(&plain, &zone);
    let once = seal(&plain, &none).unwrap();
    let pass = verify(&once, &zone);
    let other = |verified, found| Err(SealingError::OtherChain { verified, found });
    assert_eq!(seal(&once, &none), other(0, 1));
    assert_eq!(seal(&plain, &pass), other(1, 0));
    let twice = seal(&once, &pass).unwrap();
    assert_eq!(seal(&twice, &pass), other(1, 2));
    // What was broken stays so where the chain is taken out.
    let fail = verify(&[&once[..], b"more"].concat(), &zone);
    assert_eq!(fail.result, ArcResult::Fail);
    assert_eq!(seal(&plain, &fail), Err(SealingError::NoInstance));
}

/// What comes from elsewhere is checked before it is sent; the seal is asked for once the message signature
/// is there.
#[test]
fn keys_that_are_elsewhere() {
    let key =
        SigningKey::elsewhere(&SigningKey::from_ed25519_seed(&SEED).unwrap().record()).unwrap();
    let selector = Selector::parse(b"ed").unwrap();
    let sealer = Sealer::new(domain(), selector, key, SealingOptions::default()).unwrap();
    let message = b"From: a@a.example\r\n\r\nbody\r\n";
    let chain = verify(message, &Zone::default());
    let start = || {
        let header = Header::parse(message);
        let mut sealing = sealer.start(&header, results("mx.example"), &chain, NOW).unwrap();
        sealing.body(header.body());
        sealing
    };
    let device = ed25519_dalek::SigningKey::from_bytes(&SEED);
    let mut asked = Vec::new();
    let set = block_on(start().finish_with(async |request| {
        asked.push(request.input.to_vec());
        Some(device.sign(&request.digest()).to_bytes().to_vec())
    }));
    let set = set.unwrap();
    assert_eq!(verify(&[set.as_bytes(), message].concat(), &zone()).result, ArcResult::Pass);
    assert!(asked[0].starts_with(b"from:") && asked.len() == 2);
    assert!(asked[1].starts_with(b"arc-authentication-results:i=1; mx.example; none\r\n"));

    let mut prepared = start().prepare().unwrap();
    let mut rounds = 0;
    while let Some(request) = prepared.request() {
        let signature = device.sign(&request.digest()).to_bytes().to_vec();
        prepared = prepared.answer(signature).unwrap();
        rounds += 1;
    }
    assert_eq!((prepared.finish().unwrap(), rounds), (set, 2));

    let wrong = start().prepare().unwrap().answer(vec![0; 64]).unwrap_err();
    assert!(matches!(wrong, SealingError::Signing(SigningError::Signature { .. })));
    let none = start().finish().unwrap_err();
    assert!(matches!(none, SealingError::Signing(SigningError::KeyElsewhere { .. })));
    let none = block_on(start().finish_with(async |_| None)).unwrap_err();
    assert!(matches!(none, SealingError::Signing(SigningError::KeyElsewhere { .. })));
}

/// A forwarder's day: a message comes, is authenticated, changed and sealed; what the report says of it and of
/// its chain stands in the set.
#[test]
fn reports_seal_their_message() {
    let (sealer, zone) = (sealer("rsa", SealingOptions::default()).unwrap(), zone());
    let authenticator = Authenticator::new("lists.example").unwrap();
    let envelope = Envelope::new("192.0.2.1".parse().unwrap(), b"mx.a.example", b"a@a.example");
    let forwarded = |received: &[u8]| {
        let report = authenticator.authenticate(&zone, &envelope, received, NOW);
        let report = block_on(report);
        let leaving =
            [b"List-Id: <l.lists.example>\r\n", received, b"-- \r\nThe list\r\n"].concat();
        let set = report.seal(&sealer, &leaving, NOW).unwrap();
        let payload = AuthresPayload::from(report.authentication_results());
        assert!(set.ends_with(&format!("; {payload}\r\n")), "{set}");
        ([set.as_bytes(), &leaving].concat(), set)
    };
    let (once, _) = forwarded(b"From: a@a.example\r\n\r\nbody\r\n");
    let (twice, set) = forwarded(&once);
    assert!(set.contains("cv=pass") && set.contains("arc=pass"), "{set}");
    assert_eq!(verify(&twice, &zone).result, ArcResult::Pass);
    let (broken, set) = forwarded(&[&twice[..], b"more\r\n"].concat());
    assert!(set.contains("cv=fail") && set.contains("arc=fail"), "{set}");
    assert_eq!(verify(&broken, &zone).result, ArcResult::Fail);
}

/// One hop: how it changes the message, and how it seals.
#[derive(Clone, Debug)]
struct Hop {
    change: u8,
    selector: &'static str,
    options: SealingOptions,
    chunk: usize,
}

fn hop() -> impl Strategy<Value = Hop> {
    let canonicalization =
        || prop::sample::select(vec![Canonicalization::Simple, Canonicalization::Relaxed]);
    let layout = prop::sample::select(vec![TagLayout::Conventional, TagLayout::Sorted]);
    let selector = prop::sample::select(vec!["ed", "ed", "rsa"]);
    (0_u8..6, selector, canonicalization(), canonicalization(), layout, 1_usize..100).prop_map(
        |(change, selector, header, body, layout, chunk)| {
            let mut options = SealingOptions::default();
            options.header_canonicalization = header;
            options.body_canonicalization = body;
            options.layout = layout;
            Hop { change, selector, options, chunk }
        },
    )
}

/// What forwarders do to a message between its validation and its seal.
fn changed(message: &[u8], change: u8) -> Vec<u8> {
    match change {
        0 => [b"Received: by lists.example\r\n", message].concat(),
        1 => [b"List-Id: <l.lists.example>\r\n\tfolded \r\n", message].concat(),
        2 => [message, b"-- \r\nThe list\r\n"].concat(),
        3 => [b"Authentication-Results: lists.example; none\r\n", message].concat(),
        4 => [b"DKIM-Signature: v=1\r\n", message].concat(),
        _ => message.to_vec(),
    }
}

fn sealed(message: &[u8], hop: &Hop, chain: &Verdict) -> Vec<u8> {
    let sealer = sealer(hop.selector, hop.options.clone()).unwrap();
    let message = changed(message, hop.change);
    let header = Header::parse(&message);
    let mut sealing = sealer.start(&header, results("lists.example"), chain, NOW).unwrap();
    header.body().chunks(hop.chunk).for_each(|chunk| sealing.body(chunk));
    let set = sealing.finish().unwrap();
    assert_eq!(set, sealer.seal(&message, results("lists.example"), chain, NOW).unwrap());
    [set.as_bytes(), &message].concat()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, ..ProptestConfig::default() })]

    /// A chain of honest hops validates at each of them, whatever they change before they seal and however
    /// the body is split. Any octet of an ARC field changed, and it does not; sealed then, it says so, and
    /// nothing makes it pass again.
    #[test]
    fn chains_validate_until_they_change(
        hops in prop::collection::vec(hop(), 1..=10),
        last in hop(),
        body in prop::collection::vec(prop::sample::select(&b"ab \t=."[..]), 0..200),
        lines in 0_usize..4,
        changes in prop::collection::vec((any::<prop::sample::Index>(), b'!'..=b'~'), 3),
    ) {
        let zone = zone();
        let mut message = b"From: a@a.example\r\nSubject: a  b\r\n\r\n".to_vec();
        message.extend(body);
        message.extend(b"\r\n".repeat(lines));
        let mut chain = verify(&message, &zone);
        for (count, hop) in (1..).zip(&hops) {
            if hop.change == 2 && !message.ends_with(b"\r\n") {
                message.extend(b"\r\n");
            }
            message = sealed(&message, hop, &chain);
            let verdict = verify(&message, &zone);
            prop_assert_eq!((verdict.result, verdict.instances), (ArcResult::Pass, count), "{}", verdict);
            chain = verdict;
        }
        for (at, octet) in changes {
            let header = Header::parse(&message);
            let mut start = 0;
            let mut places = Vec::new();
            for field in header.fields() {
                let end = start + field.as_bytes().len();
                if field.name().starts_with(b"ARC-") {
                    places.extend(start..end);
                }
                start = end;
            }
            let mut broken = message.clone();
            let place = &mut broken[*at.get(&places)];
            prop_assume!(!place.is_ascii_whitespace() && !place.eq_ignore_ascii_case(&octet));
            *place = octet;
            let verdict = verify(&broken, &zone);
            prop_assert_ne!(verdict.result, ArcResult::Pass, "{}", String::from_utf8_lossy(&broken));
            // A field of the only set under another name, and there is less of a chain.
            let set = sealer(last.selector, last.options.clone()).unwrap();
            let set = set.seal(&broken, results("lists.example"), &verdict, NOW);
            match set {
                Ok(set) => {
                    prop_assert!(set.contains("cv=fail"), "{}", set);
                    let sealed = [set.as_bytes(), &broken].concat();
                    let verdict = verify(&sealed, &zone);
                    prop_assert_eq!(verdict.result, ArcResult::Fail);
                    let again = sealer("ed", SealingOptions::default()).unwrap();
                    let again = again.seal(&sealed, results("lists.example"), &verdict, NOW);
                    let is_refused = matches!(again, Err(SealingError::AlreadyFailed { .. }));
                    prop_assert!(is_refused);
                }
                Err(SealingError::AlreadyFailed { .. }) => {}
                Err(error) => prop_assert!(false, "{error}"),
            }
        }
    }
}

#[cfg(feature = "rust-crypto")]
mod suite {
    use std::collections::BTreeMap;

    use saphyr::{LoadableYamlNode, Yaml};

    use super::*;
    use crate::support::octets::escape;
    use crate::support::outside;

    /// Without white space, which the suite does not compare.
    fn dense(text: &str) -> String {
        text.chars().filter(|c| !c.is_whitespace()).collect()
    }

    fn tags(text: &str) -> BTreeMap<String, String> {
        let dense = dense(text);
        let pairs = dense.split(';').filter(|pair| !pair.is_empty());
        pairs.map(|pair| pair.split_once('=').unwrap()).map(|(k, v)| (k.into(), v.into())).collect()
    }

    /// The set that is expected against the one that is made, field by field and tag by tag.
    fn compare(case: &Yaml<'_>, found: &Result<String, SealingError>) -> Result<(), String> {
        let text = |key: &str| case[key].as_str().unwrap_or_default();
        let expected = ["AS", "AMS", "AAR"].map(text);
        let set = match found {
            Ok(set) => set,
            Err(SealingError::AlreadyFailed { .. }) if expected.iter().all(|e| e.is_empty()) => {
                return Ok(());
            }
            Err(error) => return Err(error.to_string()),
        };
        let header = Header::parse(set.as_bytes());
        let values: Vec<_> =
            header.fields().map(|f| str::from_utf8(f.value()).unwrap().to_owned()).collect();
        let [seal, signature, results] = &values[..] else { return Err("three fields".into()) };
        if tags(seal) != tags(expected[0]) {
            return Err(format!("AS {seal}"));
        }
        if tags(signature) != tags(expected[1]) {
            return Err(format!("AMS {signature}"));
        }
        if dense(results) != dense(expected[2]) {
            return Err(format!("AAR {results}"));
        }
        Ok(())
    }

    #[test]
    fn suite_signing() {
        let Some(file) = outside("BONAFIDE_SUITES", "../shared/suites")
            .map(|folder| folder.join("arc/arc-draft-sign-tests.yml"))
        else {
            println!("arc suite signing: NOT RUN (set BONAFIDE_SUITES)");
            return;
        };
        let (mut count, mut failures) = (0, Vec::new());
        for scenario in Yaml::load_from_str(&std::fs::read_to_string(file).unwrap()).unwrap() {
            let mut zone = String::new();
            for (name, record) in scenario["txt-records"].as_mapping().unwrap() {
                let record = record.as_str().unwrap().replace('\n', "");
                zone += &format!("{} TXT \"{}\"\n", name.as_str().unwrap(), escape(&record));
            }
            let zone: Zone = zone.parse().unwrap();
            let text = |key: &str| scenario[key].as_str().unwrap();
            for (name, case) in scenario["tests"].as_mapping().unwrap() {
                count += 1;
                let mut options = SealingOptions::default();
                options.minimum_rsa_bits = 1024;
                options.layout = TagLayout::Sorted;
                let names = case["sig-headers"].as_str().unwrap().split(':');
                options.fields = FieldsToSign::Exactly(names.map(str::to_owned).collect());
                let sealer = Sealer::new(
                    Domain::parse(text("domain").as_bytes()).unwrap(),
                    Selector::parse(text("sel").as_bytes()).unwrap(),
                    SigningKey::from_pem(text("privatekey").as_bytes()).unwrap(),
                    options,
                );
                let message = case["message"].as_str().unwrap().replace('\n', "\r\n");
                let now = UnixTime(case["t"].as_integer().unwrap().try_into().unwrap());
                let options = arc::Options::default();
                let chain = block_on(arc::verify(message.as_bytes(), &options, &zone, now));
                let header = Header::parse(message.as_bytes());
                let id = case["srv-id"].as_str().unwrap();
                let payload = AuthresPayload::from_header(&header, id).unwrap();
                let found = sealer.unwrap().seal(message.as_bytes(), payload, &chain, now);
                if let Err(failure) = compare(case, &found) {
                    failures.push(format!("{}: {failure}", name.as_str().unwrap()));
                }
            }
        }
        println!("arc suite signing: {}/{count}", count - failures.len());
        assert!(count == 17 && failures.is_empty(), "{}", failures.join("\n"));
    }
}
