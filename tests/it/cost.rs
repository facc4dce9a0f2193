//! What a verification and a check cost in memory and time.

use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use allocation_counter::measure;
use bonafide::UnixTime;
use bonafide::dkim::{Options, Verifier};
use bonafide::dns::{Name, Question, RecordData, RecordType, Resolver as _, Text, Zone};
use bonafide::message::Header;
use bonafide::spf::{self, Query, Record};

const NOW: UnixTime = UnixTime(1_795_478_400);

/// Memory does not grow with the body, whatever it consists of.
#[test]
fn a_large_body_streams_through_constant_memory() {
    let header = b"DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed; d=a.example; s=s; h=from; bh=frcCV1k9oG9oKj3dpUqdJg1PxRT2RSN/XKdLCPjaYaY=; b=AAAA\r\n\
        DKIM-Signature: v=1; a=rsa-sha256; c=simple/simple; d=a.example; s=s; l=5000; h=from; bh=frcCV1k9oG9oKj3dpUqdJg1PxRT2RSN/XKdLCPjaYaY=; b=AAAA\r\n\
        From: a@a.example\r\n\r\n";
    let header = Header::parse(header);
    // Prose for a whole GB, the odd ones for as long as it takes to see them grow.
    let lines = [
        (&b"text  with a change \r\n"[..], 1 << 30),
        (b"\r\n", 64 << 20),
        (b" ", 64 << 20),
        (b"\r", 64 << 20),
        (b"a", 64 << 20),
    ];
    for (line, octets) in lines {
        let chunk: Vec<u8> = line.iter().copied().cycle().take(1 << 16).collect();
        let info = measure(|| {
            let mut verifier = Verifier::new(&header, &Options::default(), NOW);
            for _ in 0..octets / chunk.len() {
                verifier.body(&chunk);
            }
            drop(verifier);
        });
        assert!(info.bytes_max < 1 << 20, "{:?}: {} octets", line.escape_ascii(), info.bytes_max);
    }
}

/// A hostile header costs memory in proportion to itself.
#[test]
fn memory_of_hostile_headers() {
    let signature = "DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed; d=a.example; s=s; h=from:to; bh=frcCV1k9oG9oKj3dpUqdJg1PxRT2RSN/XKdLCPjaYaY=; b=AAAA\r\n";
    let headers = [
        ("10 000 signatures", signature.repeat(10_000)),
        ("a field of 4 MB", format!("{signature}From: {}\r\n", "a ".repeat(2 << 20))),
        ("200 000 fields", format!("{signature}{}", "From: a\r\n".repeat(200_000))),
        ("a tag list of 4 MB", format!("DKIM-Signature: {}\r\n", "a=b; ".repeat(800_000))),
    ];
    for (name, text) in headers {
        let mut count = 0;
        let info = measure(|| {
            let header = Header::parse(text.as_bytes());
            let verifier = Verifier::new(&header, &Options::default(), NOW);
            count = text.matches("DKIM-Signature").count();
            drop(verifier);
        });
        let allowed = 8 * text.len() as u64 + (1 << 20);
        assert!(count > 0 && info.bytes_max < allowed, "{name}: {} octets", info.bytes_max);
    }
}

/// An answer from a zone is a clone of a pointer.
#[test]
fn answers_in_memory_allocate_nothing() {
    let zone: Zone = "a.example TXT \"text\"".parse().unwrap();
    let question = Question::new(Name::parse(b"a.example").unwrap(), RecordType::Txt);
    let info = measure(|| {
        let lookup = pin!(zone.lookup(&question));
        assert!(lookup.poll(&mut Context::from_waker(Waker::noop())).is_ready());
    });
    assert_eq!(info.count_total, 0);
}

/// A record that includes another, and so on: 9 records, 8 includes, 81 ip4 and 16 ip6, of which the
/// last ip4 matches.
fn nested_includes() -> Zone {
    let mut zone = String::new();
    for level in 0..9 {
        zone += &if level == 0 { "a.example".into() } else { format!("spf{level}.a.example") };
        zone += " TXT \"v=spf1";
        for network in 0..9 {
            let last = if (level, network) == (8, 8) { 7 } else { network * 16 };
            zone += &format!(" ip4:198.51.{level}.{last}/28");
        }
        if level < 8 {
            zone += &format!(" ip6:2001:db8:{level}::/48 ip6:2001:db8:{level}:1::/64");
            zone += &format!(" include:spf{}.a.example", level + 1);
        }
        zone += " ~all\"\n";
    }
    zone.parse().unwrap()
}

/// Records are read in place; of an evaluation only the verdict and the includes allocate.
#[test]
fn allocations_of_spf() {
    let record = "v=spf1 ip4:192.0.2.0/24 a:%{ir}.a.example/24 mx ptr ip6:2001:db8::/32 x=%{l} \
        include:a.example exists:%{l1r-}.a.example redirect=a.example exp=e.%{d}";
    let parsing = measure(|| {
        let record = Record::parse(record.as_bytes()).unwrap();
        assert_eq!(record.terms().count(), 10);
    });
    assert_eq!(parsing.count_total, 0);
    // Of the resolver nothing is counted: a zone answers with a clone of a pointer.
    let zone = nested_includes();
    let query = Query::new([198, 51, 8, 7].into(), b"mail.a.example", b"user@a.example");
    let options = spf::Options::default();
    let mut passed = false;
    let checking = measure(|| {
        let check = pin!(spf::check_mail_from(&query, &options, &zone, NOW));
        let Poll::Ready(verdict) = check.poll(&mut Context::from_waker(Waker::noop())) else {
            return;
        };
        passed = verdict.result == spf::SpfResult::Pass && verdict.lookups == 8;
    });
    assert!(passed);
    assert!(checking.count_total <= 12, "{} allocations", checking.count_total);
}

/// A hostile record costs memory in proportion to itself, and so does what it expands to.
#[test]
fn memory_of_hostile_spf_records() {
    let mut zone = Zone::default();
    let sender = "l".repeat(64 << 10) + ".";
    for (name, record) in [
        ("a.example", format!("v=spf1{}", " exists:%{l}.a.example".repeat(700))),
        ("b.example", format!("v=spf1 exists:{}.a.example", "%{l}".repeat(4000))),
        ("c.example", "v=spf1 -all exp=e.c.example".to_owned()),
        ("e.c.example", "%{l}".repeat(15_000)),
        ("d.example", format!("v=spf1{}", " a".repeat(8000))),
        // Each of these leaves nothing of a local-part that ends in a dot.
        ("f.example", format!("v=spf1 exists:{}.a.example", "%{l1}".repeat(3200))),
    ] {
        let text = RecordData::Txt(Text::new(record.as_bytes().chunks(255)));
        zone.insert(Name::parse(name.as_bytes()).unwrap(), text);
    }
    for domain in ["a.example", "b.example", "c.example", "d.example", "f.example"] {
        let mail_from = format!("{sender}@{domain}");
        let query = Query::new([192, 0, 2, 1].into(), b"mail.example", mail_from.as_bytes());
        let options = spf::Options::default();
        let started = Instant::now();
        let info = measure(|| {
            let check = spf::check_mail_from(&query, &options, &zone, NOW);
            assert!(pin!(check).poll(&mut Context::from_waker(Waker::noop())).is_ready());
        });
        assert!(info.bytes_max < 256 << 10, "{domain}: {} octets", info.bytes_max);
        assert!(started.elapsed() < Duration::from_secs(1), "{domain}: {:?}", started.elapsed());
    }
}
