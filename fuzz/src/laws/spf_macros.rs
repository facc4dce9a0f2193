//! Macro strings, RFC 7208 section 7.

use std::net::IpAddr;

use bonafide::UnixTime;
use bonafide::spf::{DomainSpec, MacroError, MacroString, MacroValues};

const LIMIT: usize = 1000;

/// What a macro string expands to is what a naive reading of section 7.3 gives, cut off at the limit.
/// A domain spec is a macro string, and expands to the labels on the right of that which fit into a name.
/// One that cannot be read has an error that points into it.
pub fn holds(input: &[u8]) {
    let case = Case::read(input);
    let values = case.values();
    match MacroString::parse_explanation(case.text) {
        Ok(text) => {
            let naive = naive(case.text, &values);
            check_expansion(&naive, &text.expand(&values, LIMIT));
            match DomainSpec::parse(case.text) {
                Ok(spec) => check_name(&naive, spec.expand(&values).as_deref()),
                Err(error) => check_error(case.text, error),
            }
        }
        Err(error) => {
            check_error(case.text, error);
            assert!(
                MacroString::parse(case.text).is_err() && DomainSpec::parse(case.text).is_err()
            );
        }
    }
}

/// Values and a text.
pub struct Case<'a> {
    ip: IpAddr,
    local_part: &'a [u8],
    domain: &'a [u8],
    helo: &'a [u8],
    pub text: &'a [u8],
}

impl<'a> Case<'a> {
    /// Four lines that end in LF, the local-part, the domain, HELO, and `4` or `6`; then the text.
    pub fn read(input: &'a [u8]) -> Self {
        let mut parts = input.splitn(5, |octet| *octet == b'\n');
        let mut next = || parts.next().unwrap_or_default();
        let (local_part, domain, helo, family) = (next(), next(), next(), next());
        let ip = match family {
            b"6" => "2001:db8::cb01".parse().expect("an address"),
            _ => [192, 0, 2, 3].into(),
        };
        Self { ip, local_part, domain, helo, text: next() }
    }

    pub fn values(&self) -> MacroValues<'a> {
        let mut values = MacroValues::new(self.local_part, self.domain, self.ip);
        values.helo = self.helo;
        values.now = UnixTime(1_795_478_400);
        values
    }
}

pub fn check_expansion(naive: &[u8], found: &[u8]) {
    assert_eq!(found, &naive[..naive.len().min(LIMIT)]);
}

/// The longest end of the expansion that begins with a label and has 253 octets at most.
pub fn check_name(naive: &[u8], found: Option<&[u8]>) {
    let whole = naive.strip_suffix(b".").unwrap_or(naive);
    let starts = std::iter::once(0)
        .chain(whole.iter().enumerate().filter(|(_, o)| **o == b'.').map(|(at, _)| at + 1));
    let fitting = starts.map(|start| &whole[start..]).find(|name| name.len() <= 253);
    let fitting = fitting.filter(|name| !name.is_empty());
    // A longer expansion is none.
    if naive.len() <= 16 << 10 {
        assert_eq!(found, fitting);
    }
}

pub fn check_error(text: &[u8], error: MacroError) {
    super::check_message(&error.to_string());
    assert!(error.offset <= text.len(), "{error:?}");
}

/// Section 7.3, step by step: split, reverse, keep the right-hand parts, join, escape.
pub fn naive(text: &[u8], values: &MacroValues<'_>) -> Vec<u8> {
    let mut expanded = Vec::new();
    let mut rest = text;
    while let Some((first, behind)) = rest.split_first() {
        rest = behind;
        if *first != b'%' {
            expanded.push(*first);
            continue;
        }
        let (second, behind) = rest.split_first().expect("something stands behind a percent sign");
        rest = behind;
        match second {
            b'%' => expanded.push(b'%'),
            b'_' => expanded.push(b' '),
            b'-' => expanded.extend(b"%20"),
            _ => {
                let end = rest.iter().position(|octet| *octet == b'}').expect("a brace");
                let inside = String::from_utf8(rest[..end].to_vec()).expect("ASCII");
                rest = &rest[end + 1..];
                expanded.extend(naive_macro(&inside, values));
            }
        }
    }
    expanded
}

fn naive_macro(inside: &str, values: &MacroValues<'_>) -> Vec<u8> {
    let (letter, transformers) = inside.split_at(1);
    let value = match letter.to_ascii_lowercase().as_str() {
        "s" => [values.local_part, b"@", values.sender_domain].concat(),
        "l" => values.local_part.to_vec(),
        "o" => values.sender_domain.to_vec(),
        "d" => values.domain.to_vec(),
        "i" => match values.ip {
            IpAddr::V4(ip) => ip.to_string().into_bytes(),
            IpAddr::V6(ip) => {
                let digits = format!("{:032x}", u128::from(ip));
                digits.chars().map(String::from).collect::<Vec<_>>().join(".").into_bytes()
            }
        },
        "p" => values.validated_name.to_vec(),
        "v" => if values.ip.is_ipv4() { "in-addr" } else { "ip6" }.into(),
        "h" => values.helo.to_vec(),
        "r" => values.receiver.to_vec(),
        "c" => values.ip.to_string().into_bytes(),
        _ => values.now.to_string().into_bytes(),
    };
    let digits: String = transformers.chars().take_while(char::is_ascii_digit).collect();
    let behind = &transformers[digits.len()..];
    let is_reversed = behind.starts_with(['r', 'R']);
    let delimiters = behind.trim_start_matches(['r', 'R']).as_bytes();
    let delimiters = if delimiters.is_empty() { b"." } else { delimiters };
    let mut parts: Vec<_> = value.split(|octet| delimiters.contains(octet)).collect();
    if is_reversed {
        parts.reverse();
    }
    let kept = digits.parse::<u128>().unwrap_or(u128::MAX).min(parts.len() as u128) as usize;
    let joined = parts[parts.len() - kept..].join(&b'.');
    if letter.to_ascii_lowercase() == letter {
        return joined;
    }
    let escape = |octet: &u8| match octet {
        b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => vec![*octet],
        _ => format!("%{octet:02X}").into_bytes(),
    };
    joined.iter().flat_map(escape).collect()
}
