//! Which hosts the patterns of an MTA-STS policy stand for, RFC 8461 section 4.1.

use std::fmt::Write as _;

use bonafide::Domain;
use bonafide::mta_sts::Policy;

use super::naive;

/// The first line is a host, the others are patterns. The policy stands for the host exactly if one of
/// the patterns does, label by label.
pub fn holds(input: &[u8]) {
    if let Some((host, patterns)) = read(input) {
        check_matches(&host, &patterns, matches(&host, &patterns));
    }
}

/// The host and the patterns, if they are some.
pub fn read(input: &[u8]) -> Option<(Domain, Vec<&str>)> {
    let mut lines = str::from_utf8(input).ok()?.lines();
    let host = Domain::parse(lines.next()?.as_bytes()).ok()?;
    let patterns: Vec<_> = lines.collect();
    Policy::parse(text(&patterns).as_bytes()).is_ok().then_some((host, patterns))
}

fn text(patterns: &[&str]) -> String {
    let mut text = "version: STSv1\nmode: enforce\nmax_age: 1\n".to_owned();
    for pattern in patterns {
        writeln!(text, "mx:{pattern}").expect("a string takes everything");
    }
    text
}

/// What the library says.
pub fn matches(host: &Domain, patterns: &[&str]) -> bool {
    let text = text(patterns);
    Policy::parse(text.as_bytes()).expect("read before").matches(host)
}

pub fn check_matches(host: &Domain, patterns: &[&str], found: bool) {
    let expected = patterns.iter().any(|pattern| {
        let pattern = pattern.trim_matches([' ', '\t', '\r']);
        naive::matches_mx(pattern, host.as_str())
    });
    assert_eq!(found, expected, "{host}, {patterns:?}");
}
