//! DKIM-Signature fields, RFC 6376 section 3.5.

use std::collections::BTreeSet;

use bonafide::dkim::{Cause, DkimResult, Signature, SignatureError};

use super::naive;

/// A signature that can be read keeps the rules of sections 3.2, 3.5 and 6.1.1, and printed it is the
/// same signature. One that cannot be read has an error that points into the field, and is no pass.
pub fn holds(value: &[u8]) {
    match Signature::parse(value) {
        Ok(signature) => {
            check_tags(value);
            check_signature(&signature);
            check_printed(&signature, &signature.to_string());
        }
        Err(error) => check_error(value, error),
    }
}

/// All specs are well-formed, no name stands twice, and what is required is there.
pub fn check_tags(value: &[u8]) {
    let mut names = BTreeSet::new();
    for spec in naive::tag_specs(value) {
        let (name, _) = spec.expect("a signature is a tag list");
        assert!(names.insert(name), "{name:?} stands twice");
    }
    for required in ["v", "a", "b", "bh", "d", "h", "s"] {
        assert!(names.contains(required.as_bytes()), "no {required}=");
    }
}

pub fn check_signature(signature: &Signature<'_>) {
    // RFC 6376 section 5.4: From must be signed.
    let mut names = signature.signed_fields();
    assert!(names.any(|name| name.eq_ignore_ascii_case(b"from")));
    assert!(signature.domain.as_str().contains('.'));
    if let Some(identity) = &signature.identity {
        assert!(identity.domain.is_equal_or_below(&signature.domain));
    }
    if let (Some(timestamp), Some(expiration)) = (signature.timestamp, signature.expiration) {
        assert!(timestamp < expiration);
    }
}

pub fn check_printed(signature: &Signature<'_>, text: &str) {
    let again = Signature::parse(text.as_bytes());
    assert_eq!(again.as_ref(), Ok(signature), "{text}");
    assert_eq!(again.map(|again| again.to_string()).as_deref(), Ok(text));
}

pub fn check_error(value: &[u8], error: SignatureError) {
    super::check_message(&error.to_string());
    assert!(offset(&error).is_none_or(|offset| offset <= value.len()), "{error:?}");
    // RFC 6376 sections 3.3.4, 3.4 and 3.5: the unknown is ignored, all else is a permanent error.
    let is_unknown = matches!(
        error,
        SignatureError::Algorithm { .. }
            | SignatureError::Canonicalization { .. }
            | SignatureError::QueryMethod { .. }
    );
    check_result(Cause::from(error).result(), is_unknown);
}

pub fn check_result(result: DkimResult, is_unknown: bool) {
    let expected = if is_unknown { DkimResult::Neutral } else { DkimResult::PermError };
    assert_eq!(result, expected);
}

fn offset(error: &SignatureError) -> Option<usize> {
    use SignatureError as E;
    match *error {
        E::Algorithm { offset, .. }
        | E::Base64 { offset, .. }
        | E::BodyHashLength { offset, .. }
        | E::Canonicalization { offset, .. }
        | E::Domain { offset, .. }
        | E::DuplicateTag { offset, .. }
        | E::ExpiresBeforeSigned { offset, .. }
        | E::FieldName { offset, .. }
        | E::FromNotSigned { offset }
        | E::Identity { offset }
        | E::IdentityDomain { offset, .. }
        | E::Number { offset, .. }
        | E::QueryMethod { offset, .. }
        | E::RsaSha1 { offset }
        | E::Syntax { offset, .. }
        | E::Version { offset, .. } => Some(offset),
        // Where a tag list goes wrong is the affair of the target `tag_list`.
        _ => None,
    }
}
