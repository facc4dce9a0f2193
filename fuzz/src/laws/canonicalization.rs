//! Canonical forms, RFC 6376 section 3.4.

use bonafide::canonicalization::Canonicalization::{Relaxed, Simple};
use bonafide::canonicalization::{BodyCanonicalizer, Canonicalization, header_field};
use bonafide::message::Header;

use super::{Choices, naive, repeated};

/// Both forms of fields and bodies are what the RFC says word by word, whatever the chunks; and what
/// is canonical stays as it is.
///
/// The first octet of the input is the size of the chunks less one, the second says how often the rest
/// is repeated; the rest is the text.
pub fn holds(input: &[u8]) {
    let mut choices = Choices::new(input);
    let chunk = usize::from(choices.octet()) + 1;
    let times = choices.octet();
    let text = repeated(choices.rest(), times);
    // A thousand chunks are enough.
    let chunk = chunk.max(text.len() / 1000);

    check(&field(Simple, &text), &text);
    check(&field(Relaxed, &text), &naive::relaxed_field(&text));
    for received in Header::parse(&text).fields() {
        let canonical = field(Relaxed, received.as_bytes());
        check(&field(Relaxed, &canonical), &canonical);
    }

    let simple = body(Simple, &text, chunk);
    check(&simple, &naive::simple_body(&text));
    let relaxed = body(Relaxed, &text, chunk);
    check(&relaxed, &naive::relaxed_body(&text));
    check(&body(Simple, &simple, chunk), &simple);
    check(&body(Relaxed, &relaxed, chunk), &relaxed);
    check(&body(Relaxed, &simple, chunk), &relaxed);
}

pub fn check(actual: &[u8], expected: &[u8]) {
    assert!(
        actual == expected,
        "\"{}\" is not \"{}\"",
        actual.escape_ascii(),
        expected.escape_ascii()
    );
}

fn field(canonicalization: Canonicalization, text: &[u8]) -> Vec<u8> {
    // What stands there before is not touched: a SP at its end is none of the field's.
    const BEFORE: &[u8] = b"before ";
    let mut out = BEFORE.to_vec();
    header_field(canonicalization, text, &mut out);
    let canonical = out.strip_prefix(BEFORE);
    canonical.expect("a field is appended").to_vec()
}

fn body(canonicalization: Canonicalization, text: &[u8], chunk: usize) -> Vec<u8> {
    let mut canonical = Vec::new();
    let mut sink = |octets: &[u8]| canonical.extend_from_slice(octets);
    let mut canonicalizer = BodyCanonicalizer::new(canonicalization);
    for chunk in text.chunks(chunk) {
        canonicalizer.write(chunk, &mut sink);
    }
    canonicalizer.finish(&mut sink);
    canonical
}
