//! TLS reporting records, RFC 8460 section 3.

use bonafide::tls_rpt::{Record, RecordError, UriScheme};

use super::mta_sts_record::check_field_error;
use super::naive;

/// A text is a record exactly if it follows the grammar and has URIs to report to; printed it is the
/// same record; an error points into it; and of two records none is chosen.
pub fn holds(text: &[u8]) {
    let rua = naive::record_fields(text, b"v=TLSRPTv1").and_then(|fields| rua(&fields));
    match Record::parse(text) {
        Ok(record) => {
            check_uris(&record, &rua.expect("the record follows the grammar"));
            check_printed(&record, &record.to_string());
        }
        Err(error) => {
            assert_eq!(rua, None, "{error}");
            check_error(text, &error);
        }
    }
    check_selected(text);
}

/// The URIs of the first rua=. What further ones hold nobody looks at.
fn rua<'a>(fields: &[(&[u8], &'a [u8])]) -> Option<Vec<&'a [u8]>> {
    let (_, value) = fields.iter().find(|(name, _)| *name == b"rua")?;
    let mut others = fields.iter().filter(|(name, _)| *name != b"rua");
    let has_ends = |octet: Option<&u8>| matches!(octet, Some(b' ' | b'\t'));
    if has_ends(value.first()) || has_ends(value.last()) {
        return None;
    }
    let uris: Vec<_> = value.split(|octet| *octet == b',').map(naive::trim_wsp).collect();
    let is_whole = uris.iter().all(|uri| is_uri(uri));
    (is_whole && others.all(|(_, value)| naive::is_field_value(value))).then_some(uris)
}

/// RFC 3986 appendix A, as far as it says which octets stand where.
fn is_uri(uri: &[u8]) -> bool {
    let Some(colon) = uri.iter().position(|octet| *octet == b':') else {
        return false;
    };
    let (scheme, rest) = (uri[..colon].to_ascii_lowercase(), &uri[colon + 1..]);
    let is_scheme = scheme.first().is_some_and(u8::is_ascii_alphabetic)
        && scheme.iter().all(|octet| octet.is_ascii_alphanumeric() || b"+-.".contains(octet));
    let is_octet = |(at, octet): (usize, &u8)| match octet {
        b'%' => rest.get(at + 1..at + 3).is_some_and(|two| two.iter().all(u8::is_ascii_hexdigit)),
        octet => octet.is_ascii_alphanumeric() || b"-._~:/?#[]@$&'()*+=".contains(octet),
    };
    let begins = |rest: &[u8], none: &[u8]| rest.first().is_some_and(|octet| !none.contains(octet));
    let is_whole = match &scheme[..] {
        b"https" => rest.strip_prefix(b"//").is_some_and(|rest| begins(rest, b"/?#")),
        b"mailto" => begins(rest, b"?#"),
        _ => true,
    };
    is_scheme && is_whole && rest.iter().enumerate().all(is_octet)
}

pub fn check_uris(record: &Record<'_>, expected: &[&[u8]]) {
    let found: Vec<_> = record.rua.iter().map(|uri| uri.as_str().as_bytes()).collect();
    assert_eq!(found, expected);
    for uri in &record.rua {
        let (scheme, _) = uri.as_str().split_once(':').expect("a URI has a scheme");
        let expected = match scheme.to_ascii_lowercase().as_str() {
            "https" => UriScheme::Https,
            "mailto" => UriScheme::Mailto,
            _ => UriScheme::Other,
        };
        assert_eq!(uri.scheme, expected, "{uri}");
    }
}

pub fn check_printed(record: &Record<'_>, text: &str) {
    assert_eq!(Record::parse(text.as_bytes()).as_ref(), Ok(record), "{text}");
    assert_eq!(Record::parse(text.as_bytes()).map(|again| again.to_string()).as_deref(), Ok(text));
}

pub fn check_error(text: &[u8], error: &RecordError) {
    super::check_message(&error.to_string());
    match error {
        RecordError::Field(error) => check_field_error(text, *error),
        RecordError::Uri { offset, .. } => {
            let before = text[..*offset].trim_ascii_end();
            assert!(before.ends_with(b"rua=") || before.ends_with(b","));
        }
        _ => {}
    }
}

/// RFC 8460 section 3: what does not begin with `v=TLSRPTv1;` is discarded, and one must be left.
fn check_selected(text: &[u8]) {
    let other = &b"v=spf1 -all"[..];
    let found = Record::select([other, text, other]);
    if text.starts_with(b"v=TLSRPTv1;") {
        assert_eq!(found, Record::parse(text));
        let several = Err(RecordError::SeveralRecords { found: 2 });
        assert_eq!(Record::select([text, other, text]), several);
    } else {
        assert_eq!(found, Err(RecordError::NoRecord));
    }
}
