use super::Canonicalization::{Relaxed, Simple};
use super::header::{Text, unfold_with};
use super::{
    APART, BLOCK, BodyCanonicalizer, CAPACITY, CLEAN, CRLF, Canonicalization, ROOM, SHORT,
    SHORT_ROOM,
};
use super::{header_field, reduce_with, signature_field, signed_field};
use crate::message::Header;
use crate::octets::levels;
use fearless_simd::dispatch;

fn body_in_chunks<'a>(
    canonicalization: Canonicalization,
    chunks: impl IntoIterator<Item = &'a [u8]>,
) -> Vec<u8> {
    let mut out = Vec::new();
    let mut canonicalizer = BodyCanonicalizer::new(canonicalization);
    for chunk in chunks {
        canonicalizer.write(chunk, &mut |octets| out.extend_from_slice(octets));
    }
    canonicalizer.finish(&mut |octets| out.extend_from_slice(octets));
    out
}

fn body(canonicalization: Canonicalization, body: &[u8]) -> Vec<u8> {
    body_in_chunks(canonicalization, [body])
}

fn header(canonicalization: Canonicalization, field: &[u8]) -> Vec<u8> {
    let mut out = b"before".to_vec();
    header_field(canonicalization, field, &mut out);
    assert_eq!(&out[..6], b"before");
    out.split_off(6)
}

fn naive_body(canonicalization: Canonicalization, body: &[u8]) -> Vec<u8> {
    let mut lines = split_lines(body);
    if canonicalization == Relaxed {
        for line in &mut lines {
            *line = reduce_whitespace(line);
            if line.last() == Some(&b' ') {
                line.pop();
            }
        }
    }
    while lines.last().is_some_and(Vec::is_empty) {
        lines.pop();
    }
    if lines.is_empty() && canonicalization == Simple {
        lines.push(Vec::new());
    }
    lines.into_iter().flat_map(|line| [line, b"\r\n".to_vec()].concat()).collect()
}

fn split_lines(text: &[u8]) -> Vec<Vec<u8>> {
    let mut lines = vec![Vec::new()];
    let mut octets = text.iter().copied().peekable();
    while let Some(octet) = octets.next() {
        if octet == b'\r' && octets.next_if_eq(&b'\n').is_some() {
            lines.push(Vec::new());
        } else {
            lines.last_mut().unwrap().push(octet);
        }
    }
    lines
}

fn reduce_whitespace(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    for &octet in text {
        match octet {
            b' ' | b'\t' if out.last() == Some(&b' ') => {}
            b' ' | b'\t' => out.push(b' '),
            octet => out.push(octet),
        }
    }
    out
}

fn naive_header(field: &[u8]) -> Vec<u8> {
    let text = field.strip_suffix(b"\r\n").unwrap_or(field);
    let end = &field[text.len()..];
    let lines = split_lines(text);
    let mut unfolded = lines[0].clone();
    for line in &lines[1..] {
        if !line.starts_with(b" ") && !line.starts_with(b"\t") {
            unfolded.extend_from_slice(b"\r\n");
        }
        unfolded.extend_from_slice(line);
    }
    let reduced = reduce_whitespace(&unfolded);
    let trim = |text: &[u8]| {
        let text = text.strip_prefix(b" ").unwrap_or(text);
        text.strip_suffix(b" ").unwrap_or(text).to_vec()
    };
    match reduced.iter().position(|&octet| octet == b':') {
        None => [&trim(&reduced).to_ascii_lowercase(), end].concat(),
        Some(colon) => {
            let (name, value) = (&reduced[..colon], &reduced[colon..][1..]);
            let name = trim(name).to_ascii_lowercase();
            [&name, &b":"[..], &trim(value), end].concat()
        }
    }
}

/// Every text of at most `longest` octets of the alphabet.
fn each_text(alphabet: &[u8], longest: usize, check: &mut impl FnMut(&[u8])) {
    fn extend(text: &mut Vec<u8>, alphabet: &[u8], longest: usize, check: &mut impl FnMut(&[u8])) {
        check(text);
        if text.len() < longest {
            for &octet in alphabet {
                text.push(octet);
                extend(text, alphabet, longest, check);
                text.pop();
            }
        }
    }
    extend(&mut Vec::new(), alphabet, longest, check);
}

struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 24).unwrap().checked_rem(limit).unwrap()
    }

    /// A text of pieces, of which one in `sparsity` is not plain.
    fn text(&mut self, length: usize, sparsity: usize) -> Vec<u8> {
        const PIECES: [&[u8]; 11] = [
            b" ",
            b"\t",
            b"  ",
            b" \r\n",
            b"\r\n",
            b"\r\n ",
            b"\r\n\r\n",
            b"\r",
            b"\n",
            b":",
            b"\0",
        ];
        let mut text = Vec::new();
        while text.len() < length {
            if self.below(sparsity) == 0 {
                text.extend_from_slice(PIECES[self.below(PIECES.len())]);
            } else {
                text.push(b"abcXYZ\x89\xa0\xff"[self.below(9)]);
            }
        }
        text.truncate(length);
        text
    }
}

/// RFC 6376 section 3.4: an algorithm is named by a word.
#[test]
fn names() {
    for canonicalization in [Simple, Relaxed] {
        let name = canonicalization.to_string();
        assert_eq!(Canonicalization::parse(name.as_bytes()), Some(canonicalization));
    }
    assert_eq!(Simple.to_string(), "simple");
    assert_eq!(Relaxed.to_string(), "relaxed");
    for name in ["", "Simple", "RELAXED", "nowsp", "simple ", "relaxed/relaxed"] {
        assert_eq!(Canonicalization::parse(name.as_bytes()), None, "{name}");
    }
}

/// RFC 6376 section 3.4.5, examples 1 to 3.
#[test]
fn examples() {
    let a = b"A: X\r\n";
    let b = b"B : Y\t\r\n\tZ  \r\n";
    let text = b" C \r\nD \t E\r\n\r\n\r\n";
    assert_eq!(header(Relaxed, a), b"a:X\r\n");
    assert_eq!(header(Relaxed, b), b"b:Y Z\r\n");
    assert_eq!(body(Relaxed, text), b" C\r\nD E\r\n");
    assert_eq!(header(Simple, a), a);
    assert_eq!(header(Simple, b), b);
    assert_eq!(body(Simple, text), b" C \r\nD \t E\r\n");
}

/// RFC 6376 section 3.4.3: an empty or missing body is a single CRLF.
/// RFC 6376 section 3.4.4: it is a null input.
#[test]
fn empty_bodies() {
    assert_eq!(body_in_chunks(Simple, []), b"\r\n");
    assert_eq!(body_in_chunks(Relaxed, []), b"");
    for text in [&b""[..], b"\r\n", b"\r\n\r\n"] {
        assert_eq!(body(Simple, text), b"\r\n");
        assert_eq!(body(Relaxed, text), b"");
    }
    assert_eq!(body(Simple, b" \r\n"), b" \r\n");
    for text in [&b" "[..], b" \t", b" \r\n", b"\t\r\n  \r\n "] {
        assert_eq!(body(Relaxed, text), b"");
    }
}

/// RFC 6376 section 3.4.3 and section 3.4.4: a CRLF is added where there is none, and a CR or
/// LF of its own is none.
#[test]
fn missing_final_crlf() {
    for canonicalization in [Simple, Relaxed] {
        for text in ["a", "\r", "\n", "a\r", "a\n", "\r\na", "a\r\n\r", "a\r\r", "a\n\r"] {
            let expected = format!("{text}\r\n");
            assert_eq!(body(canonicalization, text.as_bytes()), expected.as_bytes());
        }
    }
}

/// RFC 6376 section 3.4.3 and section 3.4.4: every short body, in every two chunks.
#[test]
fn short_bodies() {
    each_text(b" \t\r\na", 7, &mut |text| {
        for canonicalization in [Simple, Relaxed] {
            let expected = naive_body(canonicalization, text);
            // A body in one chunk is the one split after all of it.
            let least = if text.len() < 7 { 0 } else { text.len() };
            for split in least..=text.len() {
                let (first, second) = text.split_at(split);
                let actual = body_in_chunks(canonicalization, [first, second]);
                assert_eq!(actual, expected, "{text:?} split at {split}, {canonicalization}");
            }
        }
    });
}

/// RFC 6376 section 3.4.3 and section 3.4.4: longer bodies, in chunks of any size.
#[test]
fn long_bodies() {
    let mut random = Random(0x6376);
    for round in 0..2_000 {
        let length = if round % 500 == 0 { 30_000 } else { random.below(1000) };
        let sparsity = [1, 2, 5, 20, 80, 500][round % 6];
        let text = random.text(length, sparsity);
        let largest = [1, 3, 70, 300, 40_000][random.below(5)];
        for canonicalization in [Simple, Relaxed] {
            let mut chunks = Vec::new();
            let mut rest = &text[..];
            while !rest.is_empty() {
                let (chunk, after) = rest.split_at(random.below(largest + 1).min(rest.len()));
                chunks.push(chunk);
                rest = after;
            }
            assert!(
                body_in_chunks(canonicalization, chunks) == naive_body(canonicalization, &text),
                "{canonicalization}, chunks up to {largest}: {}",
                text.escape_ascii()
            );
        }
    }
}

/// RFC 6376 section 3.4.4: nothing is lost where one filling of the buffer ends, or where octets are
/// handed on where they stand.
#[test]
fn full_buffers() {
    for spacing in [1, 63, 64, 500, CLEAN - 1, CLEAN] {
        let line = [&b"a".repeat(spacing)[..], b"  "].concat();
        for length in
            [1, 2, 3].map(|fillings| fillings * (CAPACITY - BLOCK)).into_iter().chain([SHORT])
        {
            for length in length - 66..length + 131 {
                let text: Vec<u8> = line.iter().copied().cycle().take(length).collect();
                assert!(
                    body(Relaxed, &text) == naive_body(Relaxed, &text),
                    "{length} octets, spaces after {spacing}"
                );
            }
        }
    }
}

/// What is kept of a body does not depend on the vectors that the machine has.
#[test]
fn each_width_of_vectors_keeps_the_same() {
    let mut random = Random(0x6376);
    for round in 0..1_000 {
        let text = random.text(10 + 5 * round, [1, 2, 5, 20, 80, 500][round % 6]);
        let kept = levels().into_iter().map(|level| {
            let mut kept = Vec::new();
            let mut sink = |octets: &[u8]| kept.extend_from_slice(octets);
            let taken = dispatch!(level, simd => {
                if text.len() <= SHORT {
                    reduce_with::<SHORT_ROOM, 0>(simd, &text, &mut sink)
                } else {
                    reduce_with::<ROOM, APART>(simd, &text, &mut sink)
                }
            });
            (kept, taken)
        });
        let kept: Vec<_> = kept.collect();
        assert!(kept.iter().all(|other| *other == kept[0]), "{}", text.escape_ascii());
    }
}

/// Nor does what is kept of a header field.
#[test]
fn each_width_of_vectors_unfolds_the_same() {
    let mut random = Random(0x6376);
    for round in 0..1_000 {
        let octets = random.text(1 + round % 300, [1, 2, 5, 20, 80][round % 5]);
        let (end, leading) = (random.below(octets.len() + 1), 1 << random.below(64));
        let unfolded = levels().into_iter().map(|level| {
            let text = Text { octets: &octets, length: octets.len() };
            let mut unfolded = b"before".to_vec();
            dispatch!(level, simd => unfold_with(simd, text, end, leading, &mut unfolded));
            unfolded
        });
        let unfolded: Vec<_> = unfolded.collect();
        assert!(unfolded.iter().all(|other| *other == unfolded[0]), "{}", octets.escape_ascii());
    }
}

/// RFC 6376 section 3.4.4: what is held back comes out whole once content follows.
#[test]
fn long_blanks() {
    for canonicalization in [Simple, Relaxed] {
        for count in [1, 63, 64, 65, 5_000, 50_000] {
            for piece in [&b"\r\n"[..], b" ", b"\t\r\n", b"\r", b"\n"] {
                let text = [b"a", &piece.repeat(count)[..], b"b", &piece.repeat(count)].concat();
                let expected = naive_body(canonicalization, &text);
                assert!(body(canonicalization, &text) == expected);
                assert!(body_in_chunks(canonicalization, text.chunks(1)) == expected);
            }
        }
    }
}

/// RFC 6376 section 3.4.2: names, folding and whitespace.
#[test]
fn relaxed_header_fields() {
    for (field, expected) in [
        ("SUBJect: AbC\r\n", "subject:AbC\r\n"),
        ("Subject \t:\t AbC", "subject:AbC"),
        ("Subject:AbC\r\n \r\n\tdE:F \r\n", "subject:AbC dE:F\r\n"),
        ("Subject:\r\n AbC\r\n", "subject:AbC\r\n"),
        ("Subject\r\n : AbC\r\n", "subject:AbC\r\n"),
        ("Subject: \t\r\n", "subject:\r\n"),
        ("Subject:\r\n \r\n", "subject:\r\n"),
        ("Subject:", "subject:"),
        ("Subject: a\rb\nc\r\nd", "subject:a\rb\nc\r\nd"),
        ("No Colon\r\n", "no colon\r\n"),
        (": a\r\n", ":a\r\n"),
        ("\r\n", "\r\n"),
        ("", ""),
    ] {
        assert_eq!(header(Relaxed, field.as_bytes()), expected.as_bytes(), "{field:?}");
    }
}

/// RFC 6376 section 3.7: each field ends in CRLF, that of a message that breaks off too; what follows it in
/// the message is no part of it, nor is the value of b= part of the signature's own.
#[test]
fn signed_header_fields() {
    let signed = |canonicalization, message: &[u8]| {
        let (mut covered, mut own) = (Vec::new(), Vec::new());
        let field = Header::parse(message).field(0).unwrap();
        signed_field(canonicalization, &field, &mut covered);
        let middle = field.value().len() / 2;
        signature_field(canonicalization, &field, middle..middle, &mut own);
        (covered, own)
    };
    each_text(b" \t\r\nA:", 6, &mut |value| {
        let whole = [b"A:", value, b"\r\n"].concat();
        for canonicalization in [Simple, Relaxed] {
            let field = Header::parse(&whole).field(0).unwrap().as_bytes();
            let (covered, own) = signed(canonicalization, field);
            assert_eq!(covered, header(canonicalization, field), "{}", whole.escape_ascii());
            for behind in [&b"\r\n  b"[..], b"B: \r\n"] {
                let message = [&whole, behind].concat();
                let found = signed(canonicalization, &message);
                assert_eq!(found, (covered.clone(), own.clone()), "{}", message.escape_ascii());
            }
            if canonicalization == Simple {
                assert_eq!([&own, CRLF].concat(), field);
            }
            // Whoever breaks off behind a CRLF has ended the field.
            if !field[..field.len() - 2].ends_with(CRLF) {
                let (broken, _) = signed(canonicalization, &field[..field.len() - 2]);
                assert_eq!(broken, covered, "{}", whole.escape_ascii());
            }
        }
    });
    for (value, hole, expected) in [
        ("b= x y ; c=  d", 2..7, "a:b=; c= d"),
        ("b=", 2..2, "a:b="),
        ("  b=x\r\n\ty", 4..9, "a:b="),
    ] {
        let message = format!("A:{value}\r\nB: c\r\n\r\n  d");
        let header = Header::parse(message.as_bytes());
        let mut out = Vec::new();
        signature_field(Relaxed, &header.field(0).unwrap(), hole, &mut out);
        assert_eq!(out, expected.as_bytes(), "{value}");
    }
}

/// RFC 6376 section 3.4.2: every short header field.
#[test]
fn short_header_fields() {
    each_text(b" \t\r\nA:", 7, &mut |field| {
        assert_eq!(header(Relaxed, field), naive_header(field), "{}", field.escape_ascii());
    });
}

/// RFC 6376 section 3.4.1 and section 3.4.2: longer header fields.
#[test]
fn long_header_fields() {
    let mut random = Random(0x5322);
    for round in 0..3_000 {
        let length = random.below(1000);
        let field = random.text(length, [1, 2, 5, 20, 80, 500][round % 6]);
        for field in [&field[..], &[b"Name: ", &field[..], b"\r\n"].concat()] {
            assert_eq!(header(Simple, field), field);
            let (actual, expected) = (header(Relaxed, field), naive_header(field));
            assert!(actual == expected, "{}", field.escape_ascii());
        }
    }
}
