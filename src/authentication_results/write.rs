//! Writes an Authentication-Results field.

use std::fmt::{self, Write as _};

use super::{AuthenticationResults, MethodResult, Text, Value, is_dot_atom, is_token_octet};
use crate::serialize::serialize_as_text;

/// The longest line that is made where it can be helped, RFC 5322 section 2.1.1.
const LINE_OCTETS: usize = 78;
const NAME: &str = "Authentication-Results: ";

impl AuthenticationResults<'_> {
    /// The whole field with its name, folds and final CRLF, to be put in front of a message
    /// ([RFC 8601 section 4.1](https://www.rfc-editor.org/rfc/rfc8601#section-4.1)).
    pub fn to_field(&self) -> String {
        format!("{NAME}{self}\r\n")
    }
}

#[cfg(feature = "arc")]
impl Text<'_> {
    /// As it stands in a field: a token, or a quoted string.
    pub(crate) fn to_word(&self) -> String {
        let mut word = String::new();
        push_text(&mut word, self);
        word
    }
}

impl fmt::Display for AuthenticationResults<'_> {
    /// The value of the field, which parses back to an equal one: each result on a line of its own, long
    /// ones folded. No line is over 998 octets, and CR and LF stand in folds only.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut piece = String::new();
        push_text(&mut piece, &self.authserv_id);
        if let Some(version) = self.version {
            write!(piece, " {version}")?;
        }
        f.write_str(&piece)?;
        if self.results.is_empty() {
            return f.write_str("; none");
        }
        for result in &self.results {
            f.write_str(";\r\n\t")?;
            write_result(f, result, &mut piece)?;
        }
        Ok(())
    }
}

fn write_result(
    f: &mut fmt::Formatter<'_>,
    result: &MethodResult<'_>,
    piece: &mut String,
) -> fmt::Result {
    piece.clear();
    piece.push_str(result.method.as_str());
    if let Some(version) = result.version {
        write!(piece, "/{version}")?;
    }
    write!(piece, "={}", result.result)?;
    f.write_str(piece)?;
    // The tab counts as one.
    let mut column = piece.len().saturating_add(1);
    if let Some(reason) = &result.reason {
        piece.clear();
        piece.push_str("reason=");
        push_text(piece, reason);
        write_piece(f, piece, &mut column)?;
    }
    for property in &result.properties {
        piece.clear();
        write!(piece, "{}.{}=", property.ptype, property.property)?;
        match &property.value {
            Value::Text(text) => push_text(piece, text),
            Value::Address { local_part, domain } => {
                match local_part {
                    Some(Text(text)) if !is_dot_atom(text.as_bytes()) => push_quoted(piece, text),
                    Some(Text(text)) => piece.push_str(text),
                    None => {}
                }
                write!(piece, "@{domain}")?;
            }
        }
        write_piece(f, piece, &mut column)?;
    }
    Ok(())
}

/// Writes a piece behind a space, or on a line of its own if it does not fit.
fn write_piece(f: &mut fmt::Formatter<'_>, piece: &str, column: &mut usize) -> fmt::Result {
    let behind = column.saturating_add(1).saturating_add(piece.len());
    if behind > LINE_OCTETS {
        *column = piece.len().saturating_add(2);
        f.write_str("\r\n\t ")?;
    } else {
        *column = behind;
        f.write_char(' ')?;
    }
    f.write_str(piece)
}

/// RFC 2045 section 5.1: a token as it is, anything else in quotes.
fn push_text(piece: &mut String, Text(text): &Text<'_>) {
    if !text.is_empty() && text.bytes().all(is_token_octet) {
        piece.push_str(text);
    } else {
        push_quoted(piece, text);
    }
}

fn push_quoted(piece: &mut String, text: &str) {
    piece.push('"');
    for character in text.chars() {
        if matches!(character, '"' | '\\') {
            piece.push('\\');
        }
        piece.push(character);
    }
    piece.push('"');
}

serialize_as_text!(AuthenticationResults<'_>);
