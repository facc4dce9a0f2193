//! Domains, RFC 5321 section 4.1.2, and their IDNA, RFC 8616 section 4.

use bonafide::dns::Name;
use bonafide::{Domain, DomainError, Selector};

/// A domain that can be read is a name in lower case of letters, digits, hyphens and underscores, which
/// every mail header and the DNS can hold; read again it is itself. Selectors are the same names.
pub fn holds(text: &[u8]) {
    let parsed = Domain::parse(text);
    let selector = Selector::parse(text).map(|selector| selector.as_str().to_owned());
    let domain_text = parsed.as_ref().map(|domain| domain.as_str().to_owned());
    assert_eq!(selector, domain_text.map_err(|error| *error));
    match parsed {
        Ok(domain) => {
            check_text(domain.as_str());
            check_domain(&domain);
            if text.is_ascii() {
                assert_eq!(Domain::parse(&text.to_ascii_uppercase()).as_ref(), Ok(&domain));
                assert!(domain.as_str().as_bytes().eq_ignore_ascii_case(text));
            }
        }
        Err(error) => check_error(text, error),
    }
}

pub fn check_text(text: &str) {
    assert!(text.len() <= 253);
    for label in text.split('.') {
        assert!((1..=63).contains(&label.len()), "{text}");
        assert!(!label.starts_with('-') && !label.ends_with('-'), "{text}");
        let is_stray = |octet: u8| !matches!(octet, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_');
        assert!(!label.bytes().any(is_stray), "{text}");
    }
    assert_eq!(Domain::parse(text.as_bytes()).as_ref().map(Domain::as_str), Ok(text));
}

pub fn check_domain(domain: &Domain) {
    let text = domain.as_str();
    assert_eq!(domain.to_string(), text);
    assert_eq!(domain.labels().collect::<Vec<_>>().join("."), text);
    assert_eq!(Name::parse(text.as_bytes()).map(|name| name.to_string()).as_deref(), Ok(text));
    assert!(domain.is_equal_or_below(domain));
    if let Some((_, above)) = text.split_once('.') {
        let above = Domain::parse(above.as_bytes()).expect("what is above a domain is a domain");
        assert!(domain.is_equal_or_below(&above) && !above.is_equal_or_below(domain));
    }
    // A name that only ends in the same letters is not below.
    if let Ok(longer) = Domain::parse(format!("a{text}").as_bytes()) {
        assert!(!longer.is_equal_or_below(domain));
    }
}

pub fn check_error(text: &[u8], error: DomainError) {
    super::check_message(&error.to_string());
    // Behind IDNA the offsets count in the A-label form, which nobody sees.
    let is_plain = text.is_ascii() && !text.to_ascii_lowercase().windows(4).any(|at| at == b"xn--");
    match error {
        DomainError::Octet { found, offset } if is_plain => {
            assert_eq!(text.get(offset), Some(&found));
        }
        DomainError::Hyphen { offset } if is_plain => assert_eq!(text.get(offset), Some(&b'-')),
        DomainError::EmptyLabel { offset } if is_plain => {
            assert!(matches!(text.get(offset), None | Some(b'.')));
        }
        DomainError::LabelTooLong { offset } if is_plain => assert!(text.len() - offset > 63),
        DomainError::TooLong { found } if is_plain => assert_eq!(text.len(), found),
        _ => {}
    }
}
