//! What a verification costs in memory.

use std::pin::pin;
use std::task::{Context, Waker};

use allocation_counter::measure;
use bonafide::UnixTime;
use bonafide::dkim::{Options, Verifier};
use bonafide::dns::{Name, Question, RecordType, Resolver as _, Zone};
use bonafide::message::Header;

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
