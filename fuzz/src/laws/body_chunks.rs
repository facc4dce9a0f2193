//! Body hashes, RFC 6376 sections 3.4.3, 3.4.4 and 3.7.

use std::fmt::Write as _;

use bonafide::canonicalization::Canonicalization;
use bonafide::canonicalization::Canonicalization::{Relaxed, Simple};
use bonafide::dkim::{Cause, Options, Verdict, Verifier};
use bonafide::dns::{Answer, LookupError, Question, RecordData, Resolver, Text};
use bonafide::message::Header;
use bonafide::{UnixTime, block_on};

use super::{Choices, Reply, naive, repeated};

/// A body has the same verdicts and the same hashes whatever chunks it arrives in; and what is hashed
/// is the canonical form up to l=.
///
/// The input says how many signatures there are and what each is like, the sizes of the chunks, and
/// how often the rest is repeated to be the body.
pub fn holds(input: &[u8]) {
    let case = Case::read(input);
    let options = Options::default();
    let at_once = case.verdicts(&options, [&case.body[..]]);
    assert_eq!(at_once.len(), case.wanted.len());
    check_same(&at_once, &case.verdicts(&options, case.chunks()));
    if case.body.len() < 256 {
        check_same(&at_once, &case.verdicts(&options, case.body.chunks(1)));
    }
    for (wanted, verdict) in case.wanted.iter().zip(&at_once) {
        let canonical = match wanted.canonicalization {
            Simple => naive::simple_body(&case.body),
            Relaxed => naive::relaxed_body(&case.body),
        };
        check_lengths(wanted.length, canonical.len(), verdict);
        // The simple form of a canonical body is that body, so that its hash up to the same l= must
        // be the same; but the simple form of an empty body is not empty.
        if !canonical.is_empty() {
            let length = wanted.length;
            let simple = Wanted { canonicalization: Simple, length };
            let other = Case { wanted: vec![simple], sizes: vec![0], body: canonical };
            let other = other.verdicts(&options, [&other.body[..]]);
            assert_eq!(found(verdict), found(&other[0]));
        }
    }
}

/// What one signature asks for.
pub struct Wanted {
    pub canonicalization: Canonicalization,
    pub length: Option<u64>,
}

pub struct Case {
    pub wanted: Vec<Wanted>,
    pub sizes: Vec<u8>,
    pub body: Vec<u8>,
}

impl Case {
    pub fn read(input: &[u8]) -> Self {
        let mut choices = Choices::new(input);
        let signatures = choices.octet() % 4 + 1;
        let wanted = (0..signatures)
            .map(|_| {
                let (kind, length) = (choices.octet(), u64::from(choices.octet()));
                let scale = [1, 16, 256, u64::MAX][usize::from(kind >> 4 & 3)];
                Wanted {
                    canonicalization: if kind & 1 == 0 { Simple } else { Relaxed },
                    length: (kind & 2 == 0).then(|| length.saturating_mul(scale)),
                }
            })
            .collect();
        let sizes = choices.octet() % 8 + 1;
        let sizes = (0..sizes).map(|_| choices.octet()).collect();
        let times = choices.octet();
        Self { wanted, sizes, body: repeated(choices.rest(), times) }
    }

    /// The body cut by the sizes in turn; from 200 on they are steps of 64 octets, so that chunks may be
    /// longer than buffers; behind an empty chunk there is one of a single octet. The last of a thousand
    /// is the rest.
    pub fn chunks(&self) -> Vec<&[u8]> {
        let mut chunks = Vec::new();
        let mut rest = &self.body[..];
        for size in self.sizes.iter().cycle().take(1000) {
            let size = match usize::from(*size) {
                0 => {
                    chunks.push(&rest[..0]);
                    1
                }
                size @ 1..200 => size,
                size => (size - 199) * 64,
            };
            let (chunk, behind) = rest.split_at(size.min(rest.len()));
            chunks.push(chunk);
            rest = behind;
            if rest.is_empty() {
                return chunks;
            }
        }
        chunks.push(rest);
        chunks
    }

    pub fn header(&self) -> String {
        let mut header = String::new();
        for Wanted { canonicalization, length } in &self.wanted {
            let tags = "DKIM-Signature: v=1; a=rsa-sha256; d=example.com; s=s; h=from; b=AAAA";
            write!(header, "{tags}; bh={}=; c=simple/{canonicalization}", "A".repeat(43))
                .expect("a string takes everything");
            if let Some(length) = length {
                write!(header, "; l={length}").expect("a string takes everything");
            }
            header.push_str("\r\n");
        }
        header + "From: a@example.com\r\n"
    }

    pub fn verdicts<'a>(
        &self,
        options: &Options,
        chunks: impl IntoIterator<Item = &'a [u8]>,
    ) -> Vec<Verdict> {
        let header = self.header();
        let header = Header::parse(header.as_bytes());
        let mut verifier = Verifier::new(&header, options, UnixTime(0));
        let keys = block_on(verifier.keys(SameKey));
        for chunk in chunks {
            verifier.body(chunk);
        }
        verifier.finish(keys).expect("the keys are this verifier's own")
    }
}

/// The RSA key of RFC 8463 appendix A, whatever the name. No signature here fits it, but a body is hashed
/// and compared before the signature is checked, and an RSA key costs nothing until then.
struct SameKey;

impl Resolver for SameKey {
    async fn lookup(&self, _question: &Question) -> Result<Answer, LookupError> {
        let text = "v=DKIM1; k=rsa; p=MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDkHlOQoBTzWRiGs5V6NpP3id\
                    Y6Wk08a5qhdR6wy5bdOKb2jLQiY/J16JYi0Qvx/byYzCNb3W91y3FutACDfzwQ/BC/e/8uBsCR+yz1Lx\
                    j+PL6lHvqMKrM3rG4hstT5QjvHO9PzoxZyVYLzBfO2EeC3Ip3G+2kryOTIKT+l/K4w3QIDAQAB";
        let reply: Reply = Ok(Answer::found([RecordData::Txt(Text::new([text]))], 60));
        reply
    }
}

pub fn check_same(at_once: &[Verdict], in_chunks: &[Verdict]) {
    assert_eq!(at_once, in_chunks);
}

/// How long the canonical body is, and how much of it l= leaves unsigned.
pub fn check_lengths(length: Option<u64>, canonical: usize, verdict: &Verdict) {
    let canonical = u64::try_from(canonical).expect("a length is a u64");
    match (length, &verdict.cause) {
        (Some(signed), Some(Cause::BodyTooShort { signed: said, found })) => {
            assert!(signed > canonical);
            assert_eq!((*said, *found), (signed, canonical));
        }
        (_, Some(Cause::BodyHash { .. })) => {
            let signed = length.unwrap_or(canonical);
            assert!(signed <= canonical);
            assert_eq!(verdict.unsigned_body_octets, canonical - signed);
        }
        (_, cause) => panic!("expected a wrong body hash or too short a body, found {cause:?}"),
    }
}

/// The hash of the signed part of the body, if the body is as long as that.
fn found(verdict: &Verdict) -> Option<[u8; 32]> {
    match verdict.cause {
        Some(Cause::BodyHash { found, .. }) => Some(found),
        _ => None,
    }
}
