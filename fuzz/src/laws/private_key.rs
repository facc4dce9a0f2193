//! Private keys in PEM and DER, RFC 5958, RFC 8017 appendix A.1.2 and RFC 8410.

use bonafide::dkim::{KeyRecord, SigningKey, SigningKeyError};

/// Octets are read as PEM, and as DER if they do not look like it. A key that is read goes with the
/// record that is made for it, which prints as itself; an error says what is wrong and where.
pub fn holds(input: &[u8]) {
    match read(input) {
        Ok(key) => check_key(&key),
        Err(error) => check_error(input, &error),
    }
}

pub fn read(input: &[u8]) -> Result<SigningKey, SigningKeyError> {
    if input.starts_with(b"0") { SigningKey::from_der(input) } else { SigningKey::from_pem(input) }
}

pub fn check_key(key: &SigningKey) {
    let record = key.record();
    assert_eq!(key.check(&record), Ok(()));
    assert!(key.bits() == 256 || key.bits() >= 1024);
    let text = record.to_string();
    assert_eq!(KeyRecord::parse(text.as_bytes()).as_ref(), Ok(&record));
    let strings = record.strings();
    assert!(strings.iter().all(|string| string.len() <= 255));
    assert_eq!(strings.concat(), text.as_bytes());
}

pub fn check_error(input: &[u8], error: &SigningKeyError) {
    super::check_message(&error.to_string());
    let offset = match error {
        SigningKeyError::Base64 { offset }
        | SigningKeyError::Der { offset, .. }
        | SigningKeyError::SeveralKeys { offset } => *offset,
        _ => 0,
    };
    assert!(offset <= input.len(), "{error}");
}
