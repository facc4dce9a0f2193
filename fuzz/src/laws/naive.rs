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
