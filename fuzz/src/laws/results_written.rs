//! Fields as we write them, of whatever values there are: RFC 8601 sections 2.2 and 7.1.

use bonafide::Domain;
use bonafide::authentication_results::{AuthenticationResults, Keyword, MethodResult, Text, Value};

use super::authentication_results::check_written;

/// What the types admit is written so that it reads back equal.
///
/// The first line of the input is the authserv-id; of the others the first octet says what follows: `m`
/// a method and its result, `r` a reason, `t` a property with a text, `a` one with an address, `v` the
/// version. What is admitted nowhere is left out.
pub fn holds(input: &[u8]) {
    if let Some(results) = read(input) {
        check_written(&results, &results.to_field());
    }
}

pub fn read(input: &[u8]) -> Option<AuthenticationResults<'_>> {
    let mut lines = input.split(|octet| *octet == b'\n');
    let mut field = AuthenticationResults::new(Text::parse(lines.next()?).ok()?);
    for line in lines {
        // What cannot be written is left out.
        let _ = add(line, &mut field);
    }
    Some(field)
}

fn add<'a>(line: &'a [u8], field: &mut AuthenticationResults<'a>) -> Option<()> {
    let (kind, text) = line.split_first()?;
    if *kind == b'v' {
        field.version = Some(str::from_utf8(text).ok()?.parse().ok()?);
        return Some(());
    }
    if *kind == b'm' {
        let (method, result) = split(text, b'=')?;
        let (method, version) = match split(method, b'/') {
            Some((method, version)) => (method, Some(str::from_utf8(version).ok()?.parse().ok()?)),
            None => (method, None),
        };
        let mut result =
            MethodResult::new(Keyword::parse(method).ok()?, Keyword::parse(result).ok()?);
        result.version = version;
        field.results.push(result);
        return Some(());
    }
    let result = field.results.last_mut()?;
    if *kind == b'r' {
        result.reason = Some(Text::parse(text).ok()?);
        return Some(());
    }
    let (name, value) = split(text, b'=')?;
    let (ptype, property) = split(name, b'.')?;
    let value = if *kind == b'a' {
        let at = value.iter().rposition(|octet| *octet == b'@')?;
        let domain = Domain::parse(&value[at + 1..]).ok()?;
        let local_part = match &value[..at] {
            [] => None,
            local_part => Some(Text::parse(local_part).ok()?),
        };
        Value::address(local_part, domain).ok()?
    } else {
        Text::parse(value).ok()?.into()
    };
    let (ptype, property) = (Keyword::parse(ptype).ok()?, Keyword::parse(property).ok()?);
    *result = result.clone().with_property(ptype, property, value);
    Some(())
}

fn split(text: &[u8], separator: u8) -> Option<(&[u8], &[u8])> {
    let at = text.iter().position(|octet| *octet == separator)?;
    Some((&text[..at], &text[at + 1..]))
}
