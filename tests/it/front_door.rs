//! The front door: hostile messages, laws, and what an SMTP server does with a report.

use std::fs;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

#[cfg(feature = "arc")]
use bonafide::Domain;
#[cfg(feature = "arc")]
use bonafide::arc::ArcResult;
use bonafide::authenticator::Options;
use bonafide::dmarc::DmarcResult;
#[cfg(feature = "arc")]
use bonafide::dmarc::Policy;
use bonafide::dns::{Answer, LookupError, Question, Resolver, Zone};
use bonafide::{Authenticator, Envelope, Report, Session, UnixTime, block_on};
use serde_json::Value;

use crate::attacks::check_dkim;
use crate::dmarc::is_sound;
use crate::support::attacks::{Case, run};
use crate::support::octets::octets;

const NOW: UnixTime = UnixTime(1_795_478_400);

/// A resolver that counts what it is asked, and of that what DMARC asks.
struct Counting(Zone, AtomicUsize, AtomicUsize);

impl Counting {
    fn new(zone: Zone) -> Self {
        Self(zone, AtomicUsize::new(0), AtomicUsize::new(0))
    }
}

impl Resolver for Counting {
    async fn lookup(&self, question: &Question) -> Result<Answer, LookupError> {
        self.1.fetch_add(1, Ordering::Relaxed);
        if question.name.to_string().starts_with("_dmarc.") {
            self.2.fetch_add(1, Ordering::Relaxed);
        }
        self.0.lookup(question).await
    }
}

fn authenticator() -> Authenticator {
    Authenticator::new("mx.receiver.example").unwrap()
}

/// Every message of the areas that end in a verdict of DMARC or SPF, whole and in chunks.
#[test]
fn attacks() {
    let areas = [
        "from",
        "from-idn",
        "from-espoofer",
        "from-resource",
        "dkim",
        "dkim-key",
        "dkim-crypto",
        "dmarc",
        "spf",
        #[cfg(feature = "arc")]
        "arc",
    ];
    let least = if cfg!(feature = "arc") { 305 } else { 284 };
    run("front door", &areas, least, |case| {
        // The cases of SPF have a zone in place of a message.
        let spf_alone = &b"From: a@author.example\r\n\r\n"[..];
        let message = if case.area() == "spf" { spf_alone } else { &case.file };
        let text = |key: &str| match case.input(key) {
            // The character stands for a U-label there, which is UTF-8.
            text if case.area() == "from-idn" => text.as_bytes().to_vec(),
            text => octets(text),
        };
        let ip = case.input("ip").parse().unwrap();
        let envelope = Envelope::new(ip, text("helo"), text("mail_from"));
        let resolver = Counting::new(case.zone());
        let started = Instant::now();
        let authenticator = authenticator();
        let report = authenticator.authenticate(&resolver, &envelope, message, case.now);
        let report = block_on(report);
        let (asked, asked_by_dmarc) = (resolver.1.into_inner(), resolver.2.into_inner());
        // The limits are those of the standard that the area is about.
        let own = match case.area() {
            "spf" => 0,
            "from-resource" => asked_by_dmarc,
            _ => asked,
        };
        let mut found = case.exceeded(started, own);
        found.extend(check(case, &report));
        for length in [1, 7, 1000] {
            let mut session = authenticator.session(envelope.clone(), case.now);
            // Long messages take their time an octet at a time.
            let length = if message.len() > 20_000 { length * 1000 } else { length };
            message.chunks(length).for_each(|chunk| session.write(chunk));
            if finished(session, &resolver.0) != report {
                found.push(format!("another report in chunks of {length}"));
            }
        }
        found
    });
}

/// RFC 8617 section 7.2: what trusted sealers found is offered against a policy, and only if all are trusted.
#[cfg(feature = "arc")]
#[test]
fn trusted_sealers_offer_an_override() {
    run("override", &["arc"], 21, |case| {
        let offer = |trusted: &[&str]| {
            let mut options = Options::default();
            let sealers = trusted.iter().map(|sealer| Domain::parse(sealer.as_bytes()).unwrap());
            options.trusted_sealers.extend(sealers);
            let authenticator = authenticator().with_options(options);
            let envelope =
                Envelope::new([203, 0, 113, 66].into(), "mx.relay.example", "b@relay.example");
            let zone = case.zone();
            block_on(authenticator.authenticate(&zone, &envelope, &case.file, case.now))
        };
        let all = offer(&["arc.example", "hop2.example"]);
        let sealers = &all.arc.sealers;
        let is_trusted = sealers.iter().all(|sealer| sealer.as_str() != "evil.example");
        let is_due = all.arc.result == ArcResult::Pass
            && is_trusted
            && all.arc.first_results.ends_with(b"dmarc=pass header.from=bank.example");
        let mut failures = Vec::new();
        if all.policy_override.is_some() != is_due {
            failures.push(format!("override is {:?}", all.policy_override));
        }
        if all.dmarc.result != DmarcResult::Fail || all.smtp_reply().is_none() {
            failures.push(format!("dmarc is {}", all.dmarc));
        }
        if offer(&[]).policy_override.is_some() {
            failures.push("nobody is trusted".to_owned());
        }
        if sealers.iter().any(|d| d.as_str() != "arc.example")
            && offer(&["arc.example"]).policy_override.is_some()
        {
            failures.push("not all are trusted".to_owned());
        }
        if let (Some(offer), Some(mut row)) = (&all.policy_override, all.aggregate_row()) {
            offer.apply(&mut row);
            let comment = &offer.comment;
            let names_all =
                (1..).zip(sealers).all(|(n, d)| comment.contains(&format!("as[{n}].d={d} ")));
            let expected = vec![("local_policy".to_owned(), Some(comment.clone()))];
            if !names_all || row.reasons != expected || row.disposition != Policy::None {
                failures.push(format!("the row is {row:?}"));
            }
        }
        failures
    });
}

fn finished(mut session: Session, resolver: &impl Resolver) -> Report {
    session.end_header();
    let lookups = block_on(session.lookups(resolver));
    session.finish(lookups).unwrap()
}

fn check(case: &Case, report: &Report) -> Vec<String> {
    let expected = case.expected();
    let mut failures: Vec<_> = is_sound(&report.dmarc).err().into_iter().collect();
    let spf = report.spf.as_ref().unwrap().mail_from.result.to_string();
    let dmarc = report.dmarc.result.to_string();
    let policy = report.dmarc.policy.map(|policy| policy.to_string());
    let author = report.dmarc.author_domain.as_ref().map(ToString::to_string);
    let facts = [
        ("spf", Some(spf)),
        ("dmarc", Some(dmarc)),
        ("policy", policy),
        // In from-resource that is the name of the organizational domain.
        ("author_domain", author.filter(|_| case.area() != "from-resource")),
    ];
    for (key, found) in facts {
        let found = Value::from(found);
        let list = |suffix: &str| expected[format!("{key}_{suffix}")].as_array();
        let is_exact = expected[key].is_null()
            || expected[key] == found
            || (key == "author_domain" && case.area() == "from-resource");
        let is_allowed = list("in").is_none_or(|list| list.contains(&found));
        let is_forbidden = list("never").is_some_and(|list| list.contains(&found));
        let recommended = &expected[format!("{key}_recommended")];
        let is_as_recommended = recommended.is_null() || *recommended == found;
        if !(is_exact && is_allowed && !is_forbidden && is_as_recommended) {
            failures.push(format!("{key} is {found}: {}", report.dmarc));
        }
    }
    #[cfg(feature = "arc")]
    failures.extend(crate::arc::check(expected, &report.arc));
    if case.area().starts_with("dkim") {
        failures.extend(check_dkim(expected, &report.dkim));
    }
    // Whatever it was, the field is one, reads back, and names the results.
    let field = report.authentication_results().to_field();
    let header = bonafide::message::Header::parse(field.as_bytes());
    let value = header.field(0).unwrap().value();
    let parsed = bonafide::authentication_results::AuthenticationResults::parse(value);
    if header.fields().len() != 1 || parsed.as_ref() != Ok(&report.authentication_results()) {
        failures.push(format!("a field that does not read back: {field}"));
    }
    failures
}

fn report(zone: &str, envelope: &Envelope, message: &[u8]) -> Report {
    let zone: Zone = zone.parse().unwrap();
    block_on(authenticator().authenticate(&zone, envelope, message, NOW))
}

fn envelope() -> Envelope {
    Envelope::new([192, 0, 2, 1].into(), "mail.example.com", "joe@example.com")
}

/// RFC 9989 section 7.2: what is asked for becomes a reply.
#[test]
fn replies_follow_from_what_is_asked_for() {
    let reply = |zone: &str, message: &[u8]| {
        let reply = report(zone, &envelope(), message).smtp_reply();
        reply.map(|reply| reply.to_string())
    };
    let message = b"From: joe@example.com\r\n\r\nbody\r\n";
    let policy = |policy: &str| format!("_dmarc.example.com TXT \"v=DMARC1; p={policy}\"");
    let expected = "550 5.7.1 Message rejected per DMARC policy for example.com";
    assert_eq!(reply(&policy("reject"), message).unwrap(), expected);
    assert_eq!(reply(&policy("reject; t=y"), message), None);
    assert_eq!(reply(&policy("quarantine"), message), None);
    assert_eq!(reply("", message), None);
    let deferred = reply("_dmarc.example.com !SERVFAIL", message).unwrap();
    assert!(deferred.starts_with("451 4.7.1 "), "{deferred}");
    for doubtful in ["", "From: a@b.example, c@d.example\r\n", "From: a\r\nFrom: b@c.example\r\n"] {
        let refused = reply("", format!("{doubtful}\r\nbody\r\n").as_bytes()).unwrap();
        assert!(refused.starts_with("550 5.7.1 "), "{refused}");
    }
}

/// A pass by SPF that every client has is a pass; one for HELO alone is none for DMARC
/// (RFC 9989 section 4.4.2).
#[test]
fn helo_alone_authenticates_nobody() {
    let zone = "mail.example.com TXT \"v=spf1 ip4:192.0.2.1 -all\"\n\
        _dmarc.example.com TXT \"v=DMARC1; p=reject\"";
    let message = b"From: joe@example.com\r\n\r\n";
    let found = report(zone, &envelope(), message);
    assert_eq!(found.spf.as_ref().unwrap().helo.result.to_string(), "pass");
    assert_eq!(found.dmarc.result, DmarcResult::Fail);
    // For the null path the identity is postmaster at HELO (RFC 7208 section 2.4).
    let null = Envelope::new([192, 0, 2, 1].into(), "mail.example.com", "");
    let found = report(zone, &null, message);
    assert_eq!(found.dmarc.result, DmarcResult::Pass);
    let field = found.authentication_results().to_string();
    assert!(field.contains("spf=pass smtp.helo=mail.example.com"), "{field}");
}

/// Without a client address SPF is not evaluated, and a fail says so.
#[test]
fn messages_without_an_envelope() {
    let zone = "_dmarc.example.com TXT \"v=DMARC1; p=reject\"";
    let found = report(zone, &Envelope::unknown(), b"From: joe@example.com\r\n\r\n");
    assert!(found.spf.is_none());
    assert!(found.dmarc.to_string().contains("SPF was not evaluated"), "{}", found.dmarc);
}

/// Bad input of every kind has one complete report.
#[test]
fn odd_messages_and_envelopes_have_a_report() {
    let many_fields = format!("From: a@example.com\r\n{}\r\nbody", "X:\r\n".repeat(200_000));
    let long_header = format!("X: {}\r\nFrom: a@example.com\r\n\r\n", "y".repeat(2 << 20));
    let messages = [
        &b""[..],
        b"\r\n",
        b"\r\nbody",
        b"From: a@example.com",
        b"From: a@example.com\r\n",
        b"body without header",
        b"\0\xff\r\r\n\n",
        many_fields.as_bytes(),
        long_header.as_bytes(),
    ];
    let ip4_mapped = "::ffff:192.0.2.1".parse().unwrap();
    let ip6 = "2001:db8::1".parse().unwrap();
    let envelopes = [
        Envelope::unknown(),
        Envelope::new(ip4_mapped, "[192.0.2.1]", ""),
        Envelope::new(ip6, b"\0\xff garbage", b"\r\n@\xc3\xa9@@"),
        Envelope::new(ip6, "", "a@"),
        Envelope::new(ip6, "x".repeat(70_000), "y".repeat(70_000)),
    ];
    for message in messages {
        for envelope in &envelopes {
            let found = report("example.com TXT \"v=spf1 +all\"", envelope, message);
            assert_ne!(found.dmarc.result, DmarcResult::Pass);
            let field = found.authentication_results().to_field();
            assert!(!field.contains('\0') && field.is_ascii());
            assert!(
                field.split("\r\n").all(|line| !line.contains(['\r', '\n']) && line.len() < 998)
            );
        }
    }
    let found = report("", &envelope(), long_header.as_bytes());
    assert!(found.dmarc.to_string().contains("over 1048576 octets"), "{}", found.dmarc);
    assert!(report("", &envelope(), many_fields.as_bytes()).dmarc.author_domain.is_some());
}

/// What smuggling needs is counted, with the place of the first.
#[test]
fn defects_are_counted() {
    let message = b"From: a@example.com\r\nX: a\nb\r\n\r\n.\r\n\n.\r\nbody\r";
    let defects = report("", &envelope(), message).defects;
    assert_eq!((defects.bare_lf.count, defects.bare_lf.first), (2, Some(25)));
    assert_eq!((defects.bare_cr.count, defects.bare_cr.first), (1, Some(42)));
    assert!(!defects.no_header_end && !defects.is_clean());
    assert!(report("", &envelope(), b"From: a@example.com\r\n").defects.no_header_end);
}

/// As a milter has it: fields with LF in their folds, then the body.
#[test]
fn fields_one_by_one_are_the_same_message() {
    let message = fs::read(crate::support::project("test-vectors/dkim/rfc8463.eml")).unwrap();
    let zone = fs::read(crate::support::project("test-vectors/dkim/rfc8463.zone")).unwrap();
    let zone = Zone::parse(&zone).unwrap();
    let now = UnixTime(1_528_637_909);
    let authenticator = authenticator();
    let whole = block_on(authenticator.authenticate(&zone, &Envelope::unknown(), &message, now));
    assert_eq!(whole.dkim.len(), 2);
    let header = bonafide::message::Header::parse(&message);
    let mut session = authenticator.session(Envelope::unknown(), now);
    for field in header.fields() {
        let value = String::from_utf8_lossy(field.value()).replace("\r\n", "\n");
        session.field(field.name(), value.as_bytes());
    }
    assert!(!session.header_complete());
    session.end_header();
    session.write(header.body());
    let found = finished(session, &zone);
    assert_eq!((found.dkim, found.dmarc), (whole.dkim, whole.dmarc));
    assert!(!found.defects.no_header_end);
}

/// Lookups are taken by the session that asked, and by no other.
#[test]
fn lookups_are_not_mixed_up() {
    let authenticator = authenticator();
    let zone = Zone::default();
    let session = |message: &[u8]| {
        let mut session = authenticator.session(envelope(), NOW);
        session.write(message);
        session
    };
    let (one, other) =
        (session(b"From: a@b.example\r\n\r\n"), session(b"From: c@d.example\r\n\r\n"));
    let lookups = block_on(one.lookups(&zone));
    assert!(other.finish(lookups.clone()).is_err());
    assert!(one.finish(lookups).is_ok());
    let mut early = session(b"From: a@b.example\r\n");
    let lookups = block_on(early.lookups(&zone));
    early.end_header();
    assert!(early.finish(lookups).is_err());
}

/// A resolver that never answers.
struct Silent;

impl Resolver for Silent {
    async fn lookup(&self, _question: &Question) -> Result<Answer, LookupError> {
        std::future::pending().await
    }
}

/// A deadline costs no verdict: what is not answered counts as a timeout, and the rest is evaluated.
#[test]
fn a_deadline_ends_the_wait_with_a_report() {
    let authenticator = authenticator();
    let mut session = authenticator.session(envelope(), NOW);
    session.write(b"From: joe@example.com\r\n\r\nbody");
    let mut polls = 0;
    let timer = std::future::poll_fn(|context| {
        polls += 1;
        context.waker().wake_by_ref();
        if polls < 3 { std::task::Poll::Pending } else { std::task::Poll::Ready(()) }
    });
    let lookups = block_on(session.lookups_until(Silent, timer));
    let found = session.finish(lookups).unwrap();
    assert_eq!(found.dmarc.result, DmarcResult::TempError);
    assert_eq!(found.spf.unwrap().mail_from.result.to_string(), "temperror");
}

/// What an aggregate report says of a message.
#[test]
fn rows_for_aggregate_reports() {
    let zone = "_dmarc.example.com TXT \"v=DMARC1; p=reject; sp=quarantine; aspf=s; t=y\"\n\
        example.com TXT \"v=spf1 -all\"";
    let found = report(zone, &envelope(), b"From: joe@sub.example.com\r\n\r\n");
    let row = found.aggregate_row().unwrap();
    assert_eq!(row.policy_published.domain.as_str(), "example.com");
    assert_eq!(row.policy_published.sp.map(|p| p.to_string()).as_deref(), Some("quarantine"));
    assert!(row.policy_published.testing && row.policy_published.aspf_strict);
    assert_eq!(
        (row.disposition.to_string(), row.header_from.as_str()),
        ("none".into(), "sub.example.com")
    );
    assert_eq!(row.envelope_from.as_deref(), Some("example.com"));
    assert_eq!(row.spf.unwrap().result.to_string(), "fail");
    assert!(report("", &envelope(), b"From: joe@example.com\r\n\r\n").aggregate_row().is_none());

    // A mapped address is that of an IPv4 client, and a null path is empty.
    let mapped = Envelope::new("::ffff:192.0.2.1".parse().unwrap(), "mail.example.com", "");
    let row = report(zone, &mapped, b"From: joe@example.com\r\n\r\n").aggregate_row().unwrap();
    assert_eq!(row.source_ip, Some([192, 0, 2, 1].into()));
    assert_eq!(row.envelope_from.as_deref(), Some(""));
    #[cfg(feature = "serde")]
    {
        let row = serde_json::to_value(&row).unwrap();
        assert_eq!(row["source_ip"], "192.0.2.1");
        assert_eq!(row["policy_published"]["domain"], "example.com");
        // Testing makes the next weaker one of p=reject.
        assert_eq!(row["disposition"], "quarantine");
    }
}

/// With traces each verdict tells its steps, and is otherwise the same.
#[test]
fn traces_change_nothing_but_themselves() {
    let message = fs::read(crate::support::project("test-vectors/dkim/rfc8463.eml")).unwrap();
    let zone = fs::read(crate::support::project("test-vectors/dkim/rfc8463.zone")).unwrap();
    let zone = Zone::parse(&zone).unwrap();
    let now = UnixTime(1_528_637_909);
    let plain = authenticator();
    let traced = plain.with_options(Options::default().with_trace(true));
    let plain = block_on(plain.authenticate(&zone, &envelope(), &message, now));
    let mut traced = block_on(traced.authenticate(&zone, &envelope(), &message, now));
    assert!(traced.dmarc.trace.take().is_some());
    assert!(traced.dkim.iter_mut().all(|verdict| verdict.trace.take().is_some()));
    assert_eq!((plain.dmarc, plain.dkim), (traced.dmarc, traced.dkim));
    assert!(traced.spf.unwrap().mail_from.trace.is_some());
}
