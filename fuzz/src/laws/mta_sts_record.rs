//! MTA-STS records, RFC 8461 section 3.1.

use bonafide::mta_sts::{FieldError, Record, RecordError};

use super::naive;

/// A text is a record exactly if it follows the grammar and has an id; printed it is the same record;
/// an error points into it; and of two records none is chosen.
pub fn holds(text: &[u8]) {
    let id = naive::record_fields(text, b"v=STSv1").and_then(|fields| id(&fields));
    match Record::parse(text) {
        Ok(record) => {
            assert_eq!(Some(record.id.as_bytes()), id);
            check_printed(&record, &record.to_string());
        }
        Err(error) => {
            assert_eq!(id, None, "{error}");
            check_error(text, &error);
        }
    }
    check_selected(text);
}

/// Of two fields with one name the first counts; what is not known follows the grammar all the same.
fn id<'a>(fields: &[(&[u8], &'a [u8])]) -> Option<&'a [u8]> {
    let at = fields.iter().position(|(name, _)| *name == b"id")?;
    let (_, id) = fields[at];
    let is_id = (1..=32).contains(&id.len()) && id.iter().all(u8::is_ascii_alphanumeric);
    let mut others = fields.iter().enumerate().filter(|(other, _)| *other != at);
    (is_id && others.all(|(_, (_, value))| naive::is_field_value(value))).then_some(id)
}

pub fn check_printed(record: &Record<'_>, text: &str) {
    assert_eq!(Record::parse(text.as_bytes()).as_ref(), Ok(record), "{text}");
    assert_eq!(Record::parse(text.as_bytes()).map(|again| again.to_string()).as_deref(), Ok(text));
}

pub fn check_error(text: &[u8], error: &RecordError) {
    super::check_message(&error.to_string());
    match error {
        RecordError::Field(error) => check_field_error(text, *error),
        RecordError::Id { offset, .. } => assert!(text[..*offset].ends_with(b"id=")),
        _ => {}
    }
}

pub fn check_field_error(text: &[u8], error: FieldError) {
    match error {
        FieldError::Value { found, offset } => assert_eq!(text.get(offset), Some(&found)),
        FieldError::NoValue { offset } => assert!(text[..offset].ends_with(b"=")),
        FieldError::Empty { offset } => assert!(matches!(text.get(offset), None | Some(b';'))),
        FieldError::Name { offset } | FieldError::NoEqualsSign { offset } => {
            let before = text[..offset].trim_ascii_end();
            assert!(before.ends_with(b";"));
        }
        _ => {}
    }
}

/// RFC 8461 section 3.1: what does not begin with `v=STSv1;` is discarded, and one must be left.
fn check_selected(text: &[u8]) {
    let other = &b"v=spf1 -all"[..];
    let found = Record::select([other, text, other]);
    if text.starts_with(b"v=STSv1;") {
        assert_eq!(found, Record::parse(text));
        let several = Err(RecordError::SeveralRecords { found: 2 });
        assert_eq!(Record::select([text, other, text]), several);
    } else {
        assert_eq!(found, Err(RecordError::NoRecord));
    }
}
