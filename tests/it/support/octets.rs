//! Octets that stand in a text file as characters: code points below 256 are single octets, others
//! their UTF-8.

pub(crate) fn octets(text: &str) -> Vec<u8> {
    let octets = text.chars().flat_map(|c| match u8::try_from(u32::from(c)) {
        Ok(octet) => vec![octet],
        Err(_) => c.to_string().into_bytes(),
    });
    octets.collect()
}

/// The octets of a text as they stand between quotes in the format of `dns::Zone`.
pub(crate) fn escape(text: &str) -> String {
    let escaped = octets(text).into_iter().map(|octet| match octet {
        b'"' | b'\\' => format!("\\{}", char::from(octet)),
        b' '..=b'~' => char::from(octet).to_string(),
        _ => format!("\\{octet:03}"),
    });
    escaped.collect()
}

/// The octets of a text of which some are written as `\xHH`.
pub(crate) fn unescape(text: &str) -> Vec<u8> {
    let mut pieces = text.split("\\x");
    let mut octets = pieces.next().unwrap().as_bytes().to_vec();
    for piece in pieces {
        octets.push(u8::from_str_radix(&piece[..2], 16).unwrap());
        octets.extend(&piece.as_bytes()[2..]);
    }
    octets
}
