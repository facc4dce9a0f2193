//! Fields as others write them, RFC 8601 section 2.2.

use bonafide::Domain;
use bonafide::authentication_results::{AuthenticationResults, ParseError, strip};
use bonafide::message::Header;

/// What can be read is written so that it reads back equal, and is found under its own name; an error
/// points into the value.
pub fn holds(value: &[u8]) {
    match AuthenticationResults::parse(value) {
        Ok(results) => check_written(&results, &results.to_field()),
        Err(error) => check_error(value, &error),
    }
}

/// One field whose lines have at most 998 octets, with CR and LF in folds alone, that reads back equal.
pub fn check_written(results: &AuthenticationResults<'_>, written: &str) {
    let header = Header::parse(written.as_bytes());
    assert_eq!(header.fields().len(), 1, "{written:?}");
    assert_eq!(header.as_bytes(), written.as_bytes());
    let field = header.field(0).expect("there is one");
    assert_eq!(field.name(), b"Authentication-Results");
    for line in written.split("\r\n") {
        assert!(line.len() <= 998 && !line.chars().any(|c| c.is_control() && c != '\t'));
    }
    assert_eq!(AuthenticationResults::parse(field.value()).as_ref(), Ok(results), "{written:?}");
    let id = results.authserv_id.as_str();
    if id.contains(char::is_alphanumeric) {
        assert_eq!(strip(&header, id), [0], "{written:?}");
    }
    // Whoever that is, unless the field says that it is by them.
    let other = "mx.other-than-all.example";
    let shown: String = id.chars().filter(|c| *c > ' ' && *c != '\\').collect();
    let domain = Domain::parse(shown.trim_end_matches('.').as_bytes());
    let is_other = shown.to_lowercase().contains(other)
        || domain.is_ok_and(|domain| domain.as_str().contains(other));
    assert!(is_other || strip(&header, other).is_empty(), "{written:?}");
}

pub fn check_error(value: &[u8], error: &ParseError) {
    super::check_message(&error.to_string());
    match *error {
        ParseError::Octet { found, offset } | ParseError::Unclosed { opening: found, offset } => {
            assert_eq!(value.get(offset), Some(&found));
        }
        ParseError::Domain { offset, .. }
        | ParseError::Unexpected { offset, .. }
        | ParseError::Value { offset, .. } => assert!(offset <= value.len()),
        _ => {}
    }
}
