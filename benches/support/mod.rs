//! Messages, keys and floors that the benchmarks share.
#![allow(dead_code, reason = "each benchmark uses its part")]

pub(crate) mod front_door;
#[cfg(feature = "arc")]
pub(crate) mod sealing;
pub(crate) mod signing;

use std::pin::pin;
use std::task::{Context, Poll, Waker};

#[cfg(feature = "aws-lc-rs")]
use aws_lc_rs as backend;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bonafide::UnixTime;
use bonafide::canonicalization::{BodyCanonicalizer, Canonicalization, header_field};
use bonafide::dkim::{Options, Verdict, Verifier};
use bonafide::dns::{Answer, LookupError, Question, RecordData, Resolver, Text};
use bonafide::message::Header;
#[cfg(not(feature = "aws-lc-rs"))]
use ring as backend;

pub(crate) const NOW: UnixTime = UnixTime(1_795_478_400);
pub(crate) const RSA_KEY: &str = include_str!("../../test-vectors/keys/rsa2048.pem");
/// RFC 8463 appendix A.2
pub(crate) const ED25519_SEED: &str = "nWGxne/9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A=";

pub(crate) use backend::digest::{Context as Digest, SHA256, digest};

/// Pseudo-random numbers, the same in every run (xorshift64*).
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 11) % limit
    }

    fn word(&mut self, text: &mut Vec<u8>) {
        for _ in 0..1 + self.below(5) + self.below(5) {
            text.push(b'a' + self.below(26) as u8);
        }
    }
}

/// The kinds of body that mail consists of.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Body {
    /// Lines of 76 characters.
    Base64,
    /// Indented by 2 to 16 spaces, or by tabs.
    Html,
    /// With some doubled and trailing spaces: a change each 100 octets.
    Prose,
}

impl Body {
    pub(crate) const ALL: [Self; 3] = [Self::Base64, Self::Prose, Self::Html];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Base64 => "base64",
            Self::Html => "html",
            Self::Prose => "prose",
        }
    }

    pub(crate) fn generate(self, octets: usize) -> Vec<u8> {
        let mut random = Random(0x9E37_79B9_7F4A_7C15);
        let mut body = Vec::with_capacity(octets + 100);
        while body.len() < octets {
            match self {
                Self::Base64 => {
                    let raw: Vec<u8> = (0..57).map(|_| random.below(256) as u8).collect();
                    body.extend_from_slice(STANDARD.encode(raw).as_bytes());
                }
                Self::Html => html_line(&mut random, &mut body),
                Self::Prose => prose_line(&mut random, &mut body),
            }
            body.extend_from_slice(b"\r\n");
        }
        body.truncate(octets.saturating_sub(2));
        body.extend_from_slice(b"\r\n");
        body
    }
}

fn prose_line(random: &mut Random, body: &mut Vec<u8>) {
    let end = body.len() + 60 + random.below(15) as usize;
    while body.len() < end {
        random.word(body);
        body.push(b' ');
        if random.below(23) == 0 {
            body.push(b' ');
        }
    }
    if random.below(3) > 0 {
        let text = body.trim_ascii_end().len();
        body.truncate(text);
    }
    if random.below(8) == 0 {
        body.extend_from_slice(b"\r\n");
    }
}

fn html_line(random: &mut Random, body: &mut Vec<u8>) {
    let end = body.len() + 35 + random.below(31) as usize;
    if random.below(6) == 0 {
        body.extend(std::iter::repeat_n(b'\t', 1 + random.below(4) as usize));
    } else {
        body.extend(std::iter::repeat_n(b' ', 2 + random.below(15) as usize));
    }
    body.extend_from_slice(b"<td class=\"");
    random.word(body);
    body.extend_from_slice(b"\">");
    while body.len() < end {
        random.word(body);
        body.push(b' ');
    }
    body.pop();
    body.extend_from_slice(b"</td>");
}

pub(crate) fn canonical_body(canonicalization: Canonicalization, body: &[u8]) -> Vec<u8> {
    let mut canonical = Vec::new();
    let mut canonicalizer = BodyCanonicalizer::new(canonicalization);
    canonicalizer.write(body, &mut |octets| canonical.extend_from_slice(octets));
    canonicalizer.finish(&mut |octets| canonical.extend_from_slice(octets));
    canonical
}

/// What the signature is made with.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Kind {
    Ed25519,
    Rsa2048,
}

/// A signed message and all that its floor needs.
pub(crate) struct Signed {
    pub(crate) message: Vec<u8>,
    pub(crate) key: InMemory,
    pub(crate) canonical_body: Vec<u8>,
    pub(crate) canonical_header: Vec<u8>,
    pub(crate) signature: Vec<u8>,
    pub(crate) kind: Kind,
    public_key: Vec<u8>,
}

/// A resolver with one answer to every question.
#[derive(Clone)]
pub(crate) struct InMemory(pub(crate) Answer);

impl Resolver for InMemory {
    async fn lookup(&self, _question: &Question) -> Result<Answer, LookupError> {
        Ok(self.0.clone())
    }
}

const FIELDS: &str = "\
Received: from mail.example.org (mail.example.org [192.0.2.17])\r
\tby mx.example.net (Postfix) with ESMTPS id 4Xq1234567z9vQ\r
\tfor <alice@example.net>; Mon,  2 Nov 2026 10:11:12 +0000 (UTC)\r
Received: from [10.0.0.5] (client.example.org [198.51.100.23])\r
\t(using TLSv1.3 with cipher TLS_AES_256_GCM_SHA384 (256/256 bits))\r
\tby mail.example.org (Postfix) with ESMTPSA id 4Xq1111111z9vQ;\r
\tMon,  2 Nov 2026 10:11:10 +0000 (UTC)\r
Date: Mon, 2 Nov 2026 10:11:09 +0000\r
From: Bob Example <bob@example.org>\r
To: Alice Example <alice@example.net>, Carol Example <carol@example.net>,\r
 Dave Example <dave@example.net>\r
Subject: =?utf-8?q?Minutes_of_the_meeting_of_the_working_group_on?=\r
 =?utf-8?q?_mail_authentication=2C_second_session?=\r
Message-ID: <20261102101109.4Xq1234567@example.org>\r
MIME-Version: 1.0\r
Content-Type: text/plain; charset=utf-8\r
In-Reply-To: <CAF1234567890abcdefghijklmnop@mail.example.net>\r
References: <CAF1234567890abcdefghijklmnop@mail.example.net>\r
 <CAF0987654321zyxwvutsrqponmlk@mail.example.net>\r
X-Mailer: Example 1.0\r
Return-Path: <bob@example.org>\r
";

pub(crate) const SIGNED: [&str; 9] = [
    "Date",
    "From",
    "To",
    "Subject",
    "Message-ID",
    "MIME-Version",
    "Content-Type",
    "In-Reply-To",
    "References",
];

/// Signs a relaxed/relaxed message of 13 header fields, 9 of them signed.
pub(crate) fn sign(kind: Kind, body: &[u8]) -> Signed {
    let canonical_body = canonical_body(Canonicalization::Relaxed, body);
    let hash = STANDARD.encode(digest(&SHA256, &canonical_body));
    let algorithm = match kind {
        Kind::Ed25519 => "ed25519-sha256",
        Kind::Rsa2048 => "rsa-sha256",
    };
    let field = format!(
        "DKIM-Signature: v=1; a={algorithm}; c=relaxed/relaxed; d=example.org; s=2026;\r\n \
         t=1795478000; h={};\r\n bh={hash};\r\n b=",
        SIGNED.join(":")
    );
    let header = Header::parse(FIELDS.as_bytes());
    let mut canonical_header = Vec::new();
    for name in SIGNED {
        let named = header.fields().rfind(|field| field.name() == name.as_bytes()).unwrap();
        header_field(Canonicalization::Relaxed, named.as_bytes(), &mut canonical_header);
    }
    header_field(Canonicalization::Relaxed, field.as_bytes(), &mut canonical_header);
    let (signature, public_key, record) = match kind {
        Kind::Ed25519 => sign_ed25519(&canonical_header),
        Kind::Rsa2048 => sign_rsa(&canonical_header),
    };
    let folded = STANDARD.encode(&signature);
    let folded: Vec<_> = folded.as_bytes().chunks(72).map(|l| str::from_utf8(l).unwrap()).collect();
    let field = format!("{field}{}\r\n", folded.join("\r\n  "));
    let message = [field.as_bytes(), FIELDS.as_bytes(), b"\r\n", body].concat();
    let strings = record.as_bytes().chunks(255);
    let key = InMemory(Answer::found([RecordData::Txt(Text::new(strings))], 300));
    Signed { message, key, canonical_body, canonical_header, signature, kind, public_key }
}

fn sign_rsa(canonical_header: &[u8]) -> (Vec<u8>, Vec<u8>, String) {
    use backend::signature::{KeyPair as _, RSA_PKCS1_SHA256, RsaKeyPair};

    let lines: String = RSA_KEY.lines().filter(|line| !line.starts_with('-')).collect();
    let pair = RsaKeyPair::from_pkcs8(&STANDARD.decode(lines).unwrap()).unwrap();
    let mut signature = vec![0; 256];
    let random = backend::rand::SystemRandom::new();
    pair.sign(&RSA_PKCS1_SHA256, &random, canonical_header, &mut signature).unwrap();
    let public_key = pair.public_key().as_ref().to_vec();
    let record = format!("v=DKIM1; k=rsa; p={}", STANDARD.encode(&public_key));
    (signature, public_key, record)
}

fn sign_ed25519(canonical_header: &[u8]) -> (Vec<u8>, Vec<u8>, String) {
    use ed25519_dalek::{Signer as _, SigningKey};

    let seed: [u8; 32] = STANDARD.decode(ED25519_SEED).unwrap().try_into().unwrap();
    let key = SigningKey::from_bytes(&seed);
    let signature = key.sign(digest(&SHA256, canonical_header).as_ref()).to_bytes().to_vec();
    let public_key = key.verifying_key().to_bytes().to_vec();
    let record = format!("v=DKIM1; k=ed25519; p={}", STANDARD.encode(&public_key));
    (signature, public_key, record)
}

impl Signed {
    /// What no verifier can do without: the hash of the canonical body, and the check of the
    /// signature over the canonical header, by the same backend.
    pub(crate) fn floor(&self) -> bool {
        std::hint::black_box(digest(&SHA256, &self.canonical_body));
        self.check(&self.canonical_header, &self.signature)
    }

    /// The check of a signature by the key that signed the message.
    pub(crate) fn check(&self, canonical: &[u8], signature: &[u8]) -> bool {
        match self.kind {
            Kind::Rsa2048 => {
                let algorithm = &backend::signature::RSA_PKCS1_1024_8192_SHA256_FOR_LEGACY_USE_ONLY;
                backend::signature::UnparsedPublicKey::new(algorithm, &self.public_key)
                    .verify(canonical, signature)
                    .is_ok()
            }
            Kind::Ed25519 => {
                let key = self.public_key.as_slice().try_into().unwrap();
                let key = ed25519_dalek::VerifyingKey::from_bytes(key).unwrap();
                let signature = ed25519_dalek::Signature::from_slice(signature).unwrap();
                key.verify_strict(digest(&SHA256, canonical).as_ref(), &signature).is_ok()
            }
        }
    }

    /// The whole verification, parse and all, from a TXT answer in memory.
    pub(crate) fn verify(&self) -> Vec<Verdict> {
        verify(&self.message, &self.key)
    }
}

pub(crate) fn verify(message: &[u8], resolver: &InMemory) -> Vec<Verdict> {
    let header = Header::parse(message);
    let mut verifier = Verifier::new(&header, &Options::default(), NOW);
    let keys = pin!(verifier.keys(resolver));
    let Poll::Ready(keys) = keys.poll(&mut Context::from_waker(Waker::noop())) else {
        unreachable!("the answer is in memory");
    };
    verifier.body(header.body());
    verifier.finish(keys).unwrap()
}

/// Canonicalizes a body in chunks and hashes it.
pub(crate) fn hash_body(canonicalization: Canonicalization, body: &[u8], chunk: usize) {
    let mut context = Digest::new(&SHA256);
    let mut canonicalizer = BodyCanonicalizer::new(canonicalization);
    for piece in body.chunks(chunk) {
        canonicalizer.write(piece, &mut |octets| context.update(octets));
    }
    canonicalizer.finish(&mut |octets| context.update(octets));
    std::hint::black_box(context.finish());
}
