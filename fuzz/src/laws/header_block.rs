//! Header blocks, RFC 5322 section 2.2.

use bonafide::message::{Field, Header};

use super::naive;

/// Fields, empty line and body are the message, octet for octet, cut where RFC 5322 cuts it; and the
/// fields do not depend on what follows the header block.
pub fn holds(message: &[u8]) {
    let header = Header::parse(message);
    let fields: Vec<_> = header.fields().collect();
    let block: Vec<_> = fields.iter().map(|field| field.as_bytes()).collect();
    check_whole(message, &block, header.body());
    assert_eq!(header.as_bytes(), block.concat());
    assert_eq!(naive::message(message), (owned(&block), header.body().to_vec()));
    for (position, field) in fields.iter().enumerate() {
        check_field(field);
        assert_eq!(header.field(position).as_ref(), Some(field));
    }
    assert_eq!(header.field(fields.len()), None);

    let alone = Header::parse(header.as_bytes());
    assert!(alone.fields().eq(fields.iter().copied()));
    assert_eq!(alone.body(), b"");
    if header.as_bytes().is_empty() || header.as_bytes().ends_with(b"\r\n") {
        let other = [header.as_bytes(), b"\r\nOther: body\r\n\r\n"].concat();
        let other = Header::parse(&other);
        assert!(other.fields().eq(fields.iter().copied()));
        assert_eq!(other.body(), b"Other: body\r\n\r\n");
    }
}

fn owned(fields: &[&[u8]]) -> Vec<Vec<u8>> {
    fields.iter().map(|field| field.to_vec()).collect()
}

/// Between the fields and the body stands an empty line or nothing, and nothing only if there is no body.
pub fn check_whole(message: &[u8], fields: &[&[u8]], body: &[u8]) {
    let rest = message.strip_prefix(&*fields.concat());
    let rest = rest.expect("the message begins with its fields");
    match rest.strip_prefix(b"\r\n") {
        Some(behind) => assert_eq!(behind, body),
        None => assert_eq!((rest, body), (&b""[..], &b""[..])),
    }
}

/// Name, colon and value are the field, except for blanks before the colon and the final CRLF.
pub fn check_field(field: &Field<'_>) {
    let bytes = field.as_bytes();
    assert!(!bytes.is_empty());
    let (front, value) = bytes.split_at(field.value_offset());
    assert_eq!(value.strip_suffix(b"\r\n").unwrap_or(value), field.value());
    match front.strip_suffix(b":") {
        Some(name) => {
            let blanks = name.strip_prefix(field.name()).expect("the name is in front");
            assert!(blanks.iter().all(|octet| matches!(octet, b' ' | b'\t')));
            assert!(!name.contains(&b':'));
        }
        None => {
            assert_eq!((front, field.name()), (bytes, &b""[..]));
            assert!(!bytes.contains(&b':'));
        }
    }
    assert!(!field.name().ends_with(b" ") && !field.name().ends_with(b"\t"));
}
