//! Key records, RFC 6376 section 3.6.1.

use std::collections::BTreeSet;

use bonafide::dkim::{Cause, DkimResult, KeyError, KeyRecord, KeyRecordError};

use super::naive;

/// A key record that can be read keeps the rules of sections 3.2 and 3.6.1, and printed it is the same
/// record. One that cannot be read has an error that points into the record, and is no pass.
pub fn holds(text: &[u8]) {
    match KeyRecord::parse(text) {
        Ok(record) => {
            check_tags(text);
            check_printed(&record, &record.to_string());
        }
        Err(error) => check_error(text, error),
    }
}

/// All specs are well-formed, no name stands twice, v= is first and DKIM1 if it is there, and p= is there.
pub fn check_tags(text: &[u8]) {
    let mut names = BTreeSet::new();
    for (position, spec) in naive::tag_specs(text).into_iter().enumerate() {
        let (name, value) = spec.expect("a key record is a tag list");
        assert!(names.insert(name), "{name:?} stands twice");
        assert!(name != b"v" || (position == 0 && value == b"DKIM1"));
    }
    assert!(names.contains(&b"p"[..]));
}

pub fn check_printed(record: &KeyRecord<'_>, text: &str) {
    let again = KeyRecord::parse(text.as_bytes());
    assert_eq!(again.as_ref(), Ok(record), "{text}");
    assert_eq!(again.map(|again| again.to_string()).as_deref(), Ok(text));
}

pub fn check_error(text: &[u8], error: KeyRecordError) {
    super::check_message(&error.to_string());
    assert!(offset(&error).is_none_or(|offset| offset <= text.len()), "{error:?}");
    let cause = Cause::from(KeyError::from(error));
    assert_eq!(cause.result(), DkimResult::PermError);
}

fn offset(error: &KeyRecordError) -> Option<usize> {
    use KeyRecordError as E;
    match *error {
        E::Base64 { offset }
        | E::DuplicateTag { offset, .. }
        | E::KeyType { offset, .. }
        | E::Version { offset, .. } => Some(offset),
        _ => None,
    }
}
