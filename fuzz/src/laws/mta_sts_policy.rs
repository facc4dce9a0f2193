//! MTA-STS policies, RFC 8461 section 3.2.

use bonafide::Domain;
use bonafide::mta_sts::{MAXIMUM_MAX_AGE, Policy, PolicyError};

use super::naive;

/// A text is a policy exactly if each line is one of the grammar and every key that must be there is;
/// printed it is the same policy; and an error points into the text.
pub fn holds(text: &[u8]) {
    let expected = read(text);
    match Policy::parse(text) {
        Ok(policy) => {
            check_policy(&policy, &expected.expect("the text follows the grammar"));
            check_printed(&policy, &policy.to_string());
        }
        Err(error) => {
            assert_eq!(expected, None, "{error}");
            check_error(text, &error);
        }
    }
}

/// What a policy says: mode, max_age, and the patterns in lower case.
pub type Said = (String, u32, Vec<String>);

fn read(text: &[u8]) -> Option<Said> {
    let pairs = naive::policy_lines(str::from_utf8(text).ok()?)?;
    let first = |key: &str| pairs.iter().find(|(found, _)| *found == key).map(|(_, value)| *value);
    let (version, mode, max_age) = (first("version")?, first("mode")?, first("max_age")?);
    let mx: Vec<_> = pairs
        .iter()
        .filter(|(key, _)| *key == "mx")
        .map(|(_, value)| value.to_ascii_lowercase())
        .collect();
    let is_number = max_age.len() <= 10 && max_age.bytes().all(|octet| octet.is_ascii_digit());
    let is_policy = version == "STSv1"
        && ["enforce", "testing", "none"].contains(&mode)
        && is_number
        && mx.iter().all(|pattern| is_pattern(pattern))
        && (mode == "none" || !mx.is_empty());
    let seconds = max_age.parse::<u64>().ok()?.min(u64::from(MAXIMUM_MAX_AGE));
    is_policy.then(|| (mode.to_owned(), u32::try_from(seconds).expect("at most a year"), mx))
}

/// A domain as it stands in the DNS, perhaps behind `*.`.
fn is_pattern(pattern: &str) -> bool {
    let name = pattern.strip_prefix("*.").unwrap_or(pattern);
    let is_label = |label: &str| {
        let is_inner = |octet: u8| octet.is_ascii_alphanumeric() || matches!(octet, b'-' | b'_');
        (1..=63).contains(&label.len())
            && label.bytes().all(is_inner)
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    name.len() <= 253 && name.split('.').all(is_label)
}

pub fn check_policy(policy: &Policy<'_>, (mode, max_age, mx): &Said) {
    assert_eq!((&policy.mode.to_string(), &policy.max_age), (mode, max_age));
    assert_eq!(&policy.mx().map(|pattern| pattern.to_string()).collect::<Vec<_>>(), mx);
    // A host that a pattern names is one of the policy's.
    for pattern in mx {
        if let Ok(host) = Domain::parse(pattern.replace('*', "a").as_bytes()) {
            let is_as_written = host.as_str() == pattern.replace('*', "a");
            assert!(!is_as_written || policy.matches(&host), "{pattern}");
        }
    }
}

pub fn check_printed(policy: &Policy<'_>, text: &str) {
    assert_eq!(Policy::parse(text.as_bytes()).as_ref(), Ok(policy), "{text}");
    assert_eq!(Policy::parse(text.as_bytes()).map(|again| again.to_string()).as_deref(), Ok(text));
}

pub fn check_error(text: &[u8], error: &PolicyError) {
    super::check_message(&error.to_string());
    match error {
        PolicyError::Line { offset } => {
            assert!(*offset == 0 || text[..*offset].ends_with(b"\n"));
        }
        PolicyError::MaxAge { offset, .. }
        | PolicyError::Mode { offset, .. }
        | PolicyError::Mx { offset, .. }
        | PolicyError::Version { offset, .. } => {
            assert!(text[..*offset].trim_ascii_end().ends_with(b":"));
        }
        PolicyError::Value { offset } => assert!(*offset <= text.len()),
        _ => {}
    }
}
