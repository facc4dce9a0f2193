//! SPF records, RFC 7208 sections 4.5 and 4.6.1.

use bonafide::spf::{Directive, Mechanism, Modifier, Record, RecordError, Term};

/// A record that can be read keeps the rules that can be seen without a grammar, and printed it is the
/// same record. One that cannot be read has an error that points into it.
pub fn holds(text: &[u8]) {
    match Record::parse(text) {
        Ok(record) => {
            check_terms(text, &record);
            check_printed(&record, &record.to_string());
        }
        Err(error) => check_error(text, &error),
    }
}

/// As many terms as there are words behind the version, all of visible US-ASCII; redirect= and exp= once
/// at most, and with a domain; prefix lengths in range.
pub fn check_terms(text: &[u8], record: &Record<'_>) {
    let words = text.split(|octet| *octet == b' ').filter(|word| !word.is_empty());
    let words: Vec<_> = words.collect();
    assert!(words[0].eq_ignore_ascii_case(b"v=spf1") && text.len() > 5);
    assert!(words.iter().all(|word| word.iter().all(u8::is_ascii_graphic)));
    let terms: Vec<_> = record.terms().collect();
    assert_eq!(terms.len(), words.len() - 1);
    let count = |is: fn(&Term<'_>) -> bool| terms.iter().filter(|term| is(term)).count();
    let redirects = count(|term| matches!(term, Term::Modifier(Modifier::Redirect(_))));
    let explanations = count(|term| matches!(term, Term::Modifier(Modifier::Explanation(_))));
    assert!(redirects <= 1 && explanations == usize::from(record.explanation().is_some()));
    let has_all = terms
        .iter()
        .any(|term| matches!(term, Term::Directive(Directive { mechanism: Mechanism::All, .. })));
    assert_eq!(record.redirect().is_some(), redirects == 1 && !has_all);
    for term in terms {
        let Term::Directive(Directive { mechanism, .. }) = term else {
            continue;
        };
        match mechanism {
            Mechanism::A { prefix, .. } | Mechanism::Mx { prefix, .. } => {
                assert!(prefix.ip4() <= 32 && prefix.ip6() <= 128);
            }
            Mechanism::Ip4(network) => {
                assert!(network.prefix() <= 32 && network.contains(network.address()));
            }
            Mechanism::Ip6(network) => {
                assert!(network.prefix() <= 128 && network.contains(network.address()));
            }
            _ => {}
        }
    }
}

pub fn check_printed(record: &Record<'_>, text: &str) {
    let again = Record::parse(text.as_bytes());
    assert_eq!(again.as_ref(), Ok(record), "{text}");
    assert_eq!(again.map(|again| again.to_string()).as_deref(), Ok(text));
}

pub fn check_error(text: &[u8], error: &RecordError) {
    super::check_message(&error.to_string());
    assert!(error.offset <= text.len(), "{error:?}");
}
