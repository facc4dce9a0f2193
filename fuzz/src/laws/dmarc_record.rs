//! DMARC policy records, RFC 9989 sections 4.7 and 4.8.

use bonafide::dmarc::{AlignmentMode, Policy, PolicyRequest, Psd, Record, RecordProblem};

use super::naive;

/// A text is a record exactly if it begins with v=DMARC1; its tags have the values of the grammar, or
/// their defaults; and printed it is the same record. What is told of its problems points into it.
pub fn holds(text: &[u8]) {
    let tags = naive::tag_specs(text);
    let is_version = |(name, value): (&[u8], &[u8])| {
        name.eq_ignore_ascii_case(b"v") && value == b"DMARC1" && !text[0].is_ascii_whitespace()
    };
    let is_record = tags.first().copied().flatten().is_some_and(is_version);
    match Record::parse(text) {
        Ok(record) => {
            assert!(is_record);
            check_tags(&tags[1..], &record);
            check_printed(&record, &record.to_string());
            Record::problems(text).iter().for_each(|problem| check_problem(text, problem));
        }
        Err(error) => {
            assert!(!is_record);
            super::check_message(&error.to_string());
            assert_eq!(Record::problems(text), []);
        }
    }
}

pub fn check_tags(tags: &[Option<(&[u8], &[u8])>], record: &Record<'_>) {
    // Of two tags the first counts.
    let find = |name: &str| {
        let value = tags.iter().flatten().find(|(found, _)| *found == name.as_bytes())?.1;
        Some(String::from_utf8_lossy(value).to_ascii_lowercase())
    };
    let request = |name: &str| match find(name).as_deref() {
        None => PolicyRequest::Absent,
        Some("none") => PolicyRequest::Policy(Policy::None),
        Some("quarantine") => PolicyRequest::Policy(Policy::Quarantine),
        Some("reject") => PolicyRequest::Policy(Policy::Reject),
        Some(_) => PolicyRequest::Invalid,
    };
    let is = |name: &str, value: &str| find(name).as_deref() == Some(value);
    assert_eq!(record.policy, request("p"));
    assert_eq!(record.subdomain_policy, request("sp"));
    assert_eq!(record.non_existent_policy, request("np"));
    assert_eq!(record.dkim_alignment == AlignmentMode::Strict, is("adkim", "s"));
    assert_eq!(record.spf_alignment == AlignmentMode::Strict, is("aspf", "s"));
    assert_eq!(record.psd == Psd::Yes, is("psd", "y"));
    assert_eq!(record.psd == Psd::No, is("psd", "n"));
    assert_eq!(record.testing, is("t", "y"));
    for (name, uris) in [("rua", record.rua), ("ruf", record.ruf)] {
        for uri in uris.iter() {
            let value = find(name).expect("a URI stands in a tag");
            assert!(value.contains(&uri.as_str().to_ascii_lowercase()));
            assert!(uri.as_str().bytes().all(|o| o.is_ascii_graphic() && !b",;!".contains(&o)));
        }
    }
}

pub fn check_printed(record: &Record<'_>, text: &str) {
    assert_eq!(Record::parse(text.as_bytes()).as_ref(), Ok(record), "{text}");
    assert_eq!(Record::parse(text.as_bytes()).map(|again| again.to_string()).as_deref(), Ok(text));
}

pub fn check_problem(text: &[u8], problem: &RecordProblem) {
    use RecordProblem as P;
    super::check_message(&problem.to_string());
    let begins = |offset: usize, part: &str| text[offset..].starts_with(part.as_bytes());
    match problem {
        P::DuplicateTag { name, offset }
        | P::RetiredTag { name, offset }
        | P::UnknownTag { name, offset } => {
            assert!(begins(*offset, name) || name.len() >= 64, "{problem:?}");
        }
        P::Uri { offset, .. } | P::Value { offset, .. } => assert!(*offset <= text.len()),
        _ => {}
    }
}
