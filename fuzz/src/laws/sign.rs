//! Signing of messages, RFC 6376 section 5.

use bonafide::canonicalization::Canonicalization;
use bonafide::dkim::{
    self, DkimResult, Expiration, FieldsToSign, Signature, Signer, SigningError, SigningKey,
    SigningOptions, TagLayout,
};
use bonafide::dns::Zone;
use bonafide::message::Header;
use bonafide::{Domain, Selector, UnixTime, block_on};

use super::Choices;

const NOW: UnixTime = UnixTime(1_795_478_400);
const SELECTOR: &[u8] = b"sel";
const DOMAIN: &[u8] = b"example.com";

/// What is signed verifies, in whatever chunks it came, and is a message without defects; the field
/// has short lines and no l=. What is refused has the defect that is named, where it is said to be.
pub fn holds(input: &[u8]) {
    let case = Case::read(input);
    let signer = match case.signer() {
        Ok(signer) => signer,
        Err(error) => return check_signer_refused(&case.options, &error),
    };
    match signer.sign(case.message, NOW) {
        Ok(field) => {
            check_clean(&case.options, case.message);
            check_field(&field);
            check_verifies(&field, case.message);
            assert_eq!(case.in_chunks(&signer).as_deref(), Ok(field.as_str()));
        }
        Err(error) => {
            check_refused(case.message, &error);
            assert_eq!(case.in_chunks(&signer), Err(error));
        }
    }
}

/// A message and how it is to be signed.
pub struct Case<'a> {
    pub options: SigningOptions,
    chunk: usize,
    pub message: &'a [u8],
}

impl<'a> Case<'a> {
    /// An octet of options, one for the length of chunks, and one that says how many lines follow
    /// that are the names of fields to sign; none means the default list.
    pub fn read(input: &'a [u8]) -> Self {
        let mut choices = Choices::new(input);
        let bits = choices.octet();
        let chunk = usize::from(choices.octet()).max(1);
        let names = choices.octet() % 8;
        let mut message = choices.rest();
        let mut options = SigningOptions::default();
        let canonicalization = |is_simple| {
            if is_simple { Canonicalization::Simple } else { Canonicalization::Relaxed }
        };
        options.header_canonicalization = canonicalization(bits & 1 != 0);
        options.body_canonicalization = canonicalization(bits & 2 != 0);
        options.long_lines = bits & 4 != 0;
        options.eight_bit = bits & 8 == 0;
        options.layout = if bits & 16 != 0 { TagLayout::Sorted } else { TagLayout::Conventional };
        options.expiration = match bits >> 5 {
            0..4 => None,
            4 => Some(Expiration::At(UnixTime(NOW.0 - 1))),
            more => Some(Expiration::After(u64::from(more - 5))),
        };
        if names > 0 {
            let mut list = Vec::new();
            for _ in 0..names {
                let end = message.iter().position(|octet| *octet == b'\n');
                let (line, rest) = message.split_at(end.unwrap_or(message.len()));
                list.push(String::from_utf8_lossy(line).into_owned());
                message = rest.get(1..).unwrap_or_default();
            }
            options.fields = FieldsToSign::Exactly(list);
        }
        Self { options, chunk, message }
    }

    pub fn signer(&self) -> Result<Signer, SigningError> {
        let keys = [(Selector::parse(SELECTOR).expect("a selector"), key())];
        Signer::new(Domain::parse(DOMAIN).expect("a domain"), keys, self.options.clone())
    }

    fn in_chunks(&self, signer: &Signer) -> Result<String, SigningError> {
        let header = Header::parse(self.message);
        let mut signing = signer.start(&header, NOW)?;
        header.body().chunks(self.chunk).for_each(|chunk| signing.body(chunk));
        signing.finish()
    }
}

fn key() -> SigningKey {
    SigningKey::from_ed25519_seed(&[7; 32]).expect("every seed is a key")
}

/// A signer is refused for its list of fields, here, and for nothing else.
pub fn check_signer_refused(options: &SigningOptions, error: &SigningError) {
    super::check_message(&error.to_string());
    let FieldsToSign::Exactly(names) = &options.fields else {
        panic!("the default list is good: {error}");
    };
    match error {
        SigningError::FieldName { .. } => {
            let is_good = |name: &String| {
                !name.is_empty()
                    && name.bytes().all(|o| o.is_ascii_graphic() && !b":;".contains(&o))
            };
            assert!(!names.iter().all(is_good), "{names:?}");
        }
        SigningError::FromNotSigned => {
            assert!(!names.iter().any(|name| name.eq_ignore_ascii_case("from")), "{names:?}");
        }
        other => panic!("{other}"),
    }
}

/// What is signed has none of the defects that the options do not allow.
pub fn check_clean(options: &SigningOptions, message: &[u8]) {
    assert!(!message.contains(&0));
    let mut lines = message.split(|octet| *octet == b'\n').peekable();
    while let Some(line) = lines.next() {
        let is_last = lines.peek().is_none();
        let text = line.strip_suffix(b"\r").filter(|_| !is_last);
        assert!(is_last || text.is_some(), "a bare LF");
        let text = text.unwrap_or(line);
        assert!(!text.contains(&b'\r'), "a bare CR");
        assert!(options.long_lines || text.len() <= 998);
        assert!(options.eight_bit || text.is_ascii());
    }
    assert_eq!(from_fields(message), 1);
}

fn from_fields(message: &[u8]) -> usize {
    let header = Header::parse(message);
    header.fields().filter(|field| field.name().eq_ignore_ascii_case(b"from")).count()
}

/// One field that is short and to the rules of section 3.5.
pub fn check_field(field: &str) {
    assert!(field.ends_with("\r\n") && field.split("\r\n").all(|line| line.len() <= 998));
    let header = Header::parse(field.as_bytes());
    assert_eq!(header.fields().len(), 1, "{field}");
    let value = header.field(0).expect("there is one").value();
    let signature = Signature::parse(value).expect("what is written is read");
    assert!(signature.body_length.is_none() && signature.timestamp == Some(NOW), "{field}");
}

pub fn check_verifies(field: &str, message: &[u8]) {
    let domain = Domain::parse(DOMAIN).expect("a domain");
    let selector = Selector::parse(SELECTOR).expect("a selector");
    let line = key().record().zone_line(&selector, &domain).replace(" IN ", " ");
    let zone = Zone::parse(line.as_bytes()).expect("a zone");
    let signed = [field.as_bytes(), message].concat();
    let mut options = dkim::Options::default();
    options.limits.header_octets = usize::MAX;
    let verdicts = block_on(dkim::verify(&signed, &options, &zone, NOW));
    let verdict = verdicts.first().expect("the field is on top");
    assert_eq!(verdict.result, DkimResult::Pass, "{verdict}");
}

/// The defect is there, and it is the first of its kind.
pub fn check_refused(message: &[u8], error: &SigningError) {
    super::check_message(&error.to_string());
    let at = |offset: &u64| usize::try_from(*offset).expect("an offset into the message");
    let octet = |offset: &u64| message.get(at(offset)).copied();
    match error {
        SigningError::BareCr { offset } => {
            assert_eq!(octet(offset), Some(b'\r'));
            assert_ne!(octet(&(offset + 1)), Some(b'\n'));
        }
        SigningError::BareLf { offset } => {
            assert_eq!(octet(offset), Some(b'\n'));
            assert!(*offset == 0 || octet(&(offset - 1)) != Some(b'\r'));
        }
        SigningError::EightBit { offset } => assert!(octet(offset) >= Some(128)),
        SigningError::Expired { timestamp, expiration } => assert!(expiration <= timestamp),
        SigningError::LeadingWhiteSpace => {
            assert!(matches!(message.first(), Some(b' ' | b'\t')));
        }
        SigningError::LongLine { offset } => {
            let line = &message[at(offset)..];
            let end = line.iter().position(|octet| *octet == b'\n').unwrap_or(line.len());
            assert!(end > 998, "{end}");
        }
        SigningError::NoFrom => assert_eq!(from_fields(message), 0),
        SigningError::Nul { offset } => assert_eq!(octet(offset), Some(0)),
        SigningError::SeveralFrom { offset } => {
            let name = message[at(offset)..].get(..4);
            assert!(name.is_some_and(|name| name.eq_ignore_ascii_case(b"from")));
            assert!(from_fields(message) > 1);
        }
        other => panic!("{other}"),
    }
}
