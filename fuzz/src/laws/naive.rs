//! The standards again, as slowly and as literally as can be: nothing here is clever, so that it
//! can be compared with the text of the RFC by eye.

/// Where `\r\n` stands first.
fn crlf(text: &[u8]) -> Option<usize> {
    text.windows(2).position(|pair| pair == b"\r\n")
}

fn is_wsp(octet: u8) -> bool {
    octet == b' ' || octet == b'\t'
}

/// The lines of a text, each with its CRLF; the last one may have none.
fn lines(mut text: &[u8]) -> Vec<&[u8]> {
    let mut lines = Vec::new();
    while !text.is_empty() {
        let end = crlf(text).map_or(text.len(), |at| at + 2);
        lines.push(&text[..end]);
        text = &text[end..];
    }
    lines
}

/// Every run of WSP becomes a single SP.
fn reduce(text: &[u8]) -> Vec<u8> {
    let mut reduced = Vec::new();
    for &octet in text {
        if !is_wsp(octet) {
            reduced.push(octet);
        } else if reduced.last() != Some(&b' ') {
            reduced.push(b' ');
        }
    }
    reduced
}

/// Without the single SP that [`reduce`] may leave at either end.
fn trim(text: &[u8]) -> &[u8] {
    let text = text.strip_prefix(b" ").unwrap_or(text);
    text.strip_suffix(b" ").unwrap_or(text)
}

/// RFC 6376 section 3.4.2: the name in lower case, the value unfolded, WSP reduced, and none around
/// the colon or at the end. White space before the name, which no field has, goes too; a field
/// without a colon is all name; the final CRLF stays if there is one.
pub fn relaxed_field(field: &[u8]) -> Vec<u8> {
    let (text, end) = match field.strip_suffix(b"\r\n") {
        Some(text) => (text, &b"\r\n"[..]),
        None => (field, &b""[..]),
    };
    let mut unfolded = Vec::new();
    for (at, &octet) in text.iter().enumerate() {
        let before = &text[at.saturating_sub(1)..];
        let is_fold = |text: &[u8]| text.starts_with(b"\r\n ") || text.starts_with(b"\r\n\t");
        let in_fold = is_fold(&text[at..]) || (octet == b'\n' && is_fold(before));
        if !in_fold {
            unfolded.push(octet);
        }
    }
    let colon = unfolded.iter().position(|octet| *octet == b':');
    let (name, value) = unfolded.split_at(colon.unwrap_or(unfolded.len()));
    let mut canonical = trim(&reduce(name)).to_ascii_lowercase();
    if let Some(value) = value.strip_prefix(b":") {
        canonical.push(b':');
        canonical.extend_from_slice(trim(&reduce(value)));
    }
    canonical.extend_from_slice(end);
    canonical
}

/// RFC 6376 section 3.4.3: all empty lines at the end become one CRLF, which stands at the end of
/// every body, also of an empty one.
pub fn simple_body(body: &[u8]) -> Vec<u8> {
    let mut body = body;
    while let Some(shorter) = body.strip_suffix(b"\r\n") {
        body = shorter;
    }
    [body, b"\r\n"].concat()
}

/// RFC 6376 section 3.4.4: WSP is reduced within lines and dropped at their ends, then empty lines at
/// the end are dropped; a body that is not empty ends in CRLF.
pub fn relaxed_body(body: &[u8]) -> Vec<u8> {
    let mut canonical: Vec<Vec<u8>> = Vec::new();
    for line in lines(body) {
        let reduced = reduce(line.strip_suffix(b"\r\n").unwrap_or(line));
        canonical.push(reduced.strip_suffix(b" ").unwrap_or(&reduced).to_vec());
    }
    while canonical.last().is_some_and(Vec::is_empty) {
        canonical.pop();
    }
    for line in &mut canonical {
        line.extend_from_slice(b"\r\n");
    }
    canonical.concat()
}

/// RFC 5322 section 2.2: the fields of a message, and its body behind the first empty line. A line
/// that begins with WSP continues the field above it, if there is one.
pub fn message(message: &[u8]) -> (Vec<Vec<u8>>, Vec<u8>) {
    let mut fields: Vec<Vec<u8>> = Vec::new();
    let mut lines = lines(message).into_iter();
    for line in lines.by_ref() {
        match fields.last_mut() {
            _ if line == b"\r\n" => break,
            Some(field) if is_wsp(line[0]) => field.extend_from_slice(line),
            _ => fields.push(line.to_vec()),
        }
    }
    (fields, lines.collect::<Vec<_>>().concat())
}

/// RFC 6376 section 3.2: the tag-specs of a list, each as name and value, or `None` if it breaks the
/// grammar. Behind a final semicolon there may be white space, which is no tag-spec.
pub fn tag_specs(list: &[u8]) -> Vec<Option<(&[u8], &[u8])>> {
    let mut specs: Vec<&[u8]> = list.split(|octet| *octet == b';').collect();
    let is_blank = |spec: &[u8]| spec.trim_ascii().is_empty() && has_whole_folds(spec);
    if specs.len() > 1 && specs.last().is_some_and(|last| is_blank(last)) {
        specs.pop();
    }
    specs.into_iter().map(tag_spec).collect()
}

fn tag_spec(spec: &[u8]) -> Option<(&[u8], &[u8])> {
    let equals = spec.iter().position(|octet| *octet == b'=')?;
    // The form feed, which this trims too, has been refused by then.
    let (name, value) = (spec[..equals].trim_ascii(), spec[equals + 1..].trim_ascii());
    let is_name = name.first().is_some_and(u8::is_ascii_alphabetic)
        && name.iter().all(|octet| octet.is_ascii_alphanumeric() || *octet == b'_');
    (has_whole_folds(spec) && is_name).then_some((name, value))
}

/// Whether the only control characters are HTAB, and CR and LF as parts of CRLF WSP.
fn has_whole_folds(spec: &[u8]) -> bool {
    spec.iter().enumerate().all(|(at, octet)| match octet {
        b'\t' => true,
        b'\r' => spec[at..].starts_with(b"\r\n ") || spec[at..].starts_with(b"\r\n\t"),
        b'\n' => at > 0 && spec[at - 1] == b'\r',
        _ => !octet.is_ascii_control(),
    })
}

/// Without the spaces and tabs at both ends.
pub fn trim_wsp(mut text: &[u8]) -> &[u8] {
    while let [first, rest @ ..] = text
        && is_wsp(*first)
    {
        text = rest;
    }
    while let [rest @ .., last] = text
        && is_wsp(*last)
    {
        text = rest;
    }
    text
}

/// RFC 8461 section 3.1 and RFC 8460 section 3: the fields behind the version, each as name and value, or
/// `None` if the names break the grammar. White space stands around semicolons only.
pub fn record_fields<'a>(text: &'a [u8], version: &[u8]) -> Option<Vec<(&'a [u8], &'a [u8])>> {
    let mut parts: Vec<&[u8]> = text.split(|octet| *octet == b';').collect();
    let count = parts.len();
    for (at, part) in parts.iter_mut().enumerate() {
        let whole = *part;
        *part = trim_wsp(whole);
        // In front of the version there is no semicolon, and behind the last field neither.
        let is_stray = |octet: Option<&u8>| octet.is_some_and(|octet| is_wsp(*octet));
        if at == 0 && is_stray(whole.first()) {
            *part = whole;
        }
        if at + 1 == count && !part.is_empty() && is_stray(whole.last()) {
            let start = whole.iter().position(|octet| !is_wsp(*octet)).unwrap_or(0);
            *part = if at == 0 { whole } else { &whole[start..] };
        }
    }
    if parts.remove(0) != version {
        return None;
    }
    // A semicolon may end the record.
    if parts.len() > 1 && parts.last().is_some_and(|last| last.is_empty()) {
        parts.pop();
    }
    let fields: Option<Vec<_>> = parts.into_iter().map(field).collect();
    fields.filter(|fields| !fields.is_empty())
}

fn field(part: &[u8]) -> Option<(&[u8], &[u8])> {
    let equals = part.iter().position(|octet| *octet == b'=')?;
    let (name, value) = (&part[..equals], &part[equals + 1..]);
    is_field_name(name).then_some((name, value))
}

fn is_field_name(name: &[u8]) -> bool {
    (1..=32).contains(&name.len())
        && name[0].is_ascii_alphanumeric()
        && name.iter().all(|octet| octet.is_ascii_alphanumeric() || b"_-.".contains(octet))
}

/// `1*(%x21-3A / %x3C / %x3E-7E)`
pub fn is_field_value(value: &[u8]) -> bool {
    let is_allowed = |octet: &u8| matches!(octet, 0x21..=0x3a | 0x3c | 0x3e..=0x7e);
    !value.is_empty() && value.iter().all(is_allowed)
}

/// RFC 8461 section 3.2: the lines of a policy, each as key and value, or `None` if one breaks the
/// grammar.
pub fn policy_lines(text: &str) -> Option<Vec<(&str, &str)>> {
    let mut lines: Vec<&str> = text.split('\n').collect();
    // What is behind the end of the last line; a last line without an end has no CR either.
    let last = lines.pop()?;
    for line in &mut lines {
        *line = line.strip_suffix('\r').unwrap_or(line);
    }
    if !last.is_empty() || lines.is_empty() {
        lines.push(last);
    }
    lines.into_iter().map(policy_line).collect()
}

fn policy_line(line: &str) -> Option<(&str, &str)> {
    let (key, value) = line.split_once(':')?;
    let value = value.trim_matches([' ', '\t']);
    let is_value = !value.is_empty() && !value.chars().any(|c| c.is_ascii_control());
    (is_field_name(key.as_bytes()) && is_value).then_some((key, value))
}

/// RFC 8461 section 4.1, label by label: a wildcard is one label, and the first.
pub fn matches_mx(pattern: &str, host: &str) -> bool {
    let labels = |name: &str| name.split('.').map(str::to_lowercase).collect::<Vec<_>>();
    let (pattern, host) = (labels(pattern), labels(host));
    pattern.len() == host.len()
        && pattern.iter().zip(&host).enumerate().all(|(position, (pattern, label))| {
            pattern == label || (position == 0 && pattern == "*")
        })
}
