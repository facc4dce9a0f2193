//! The fields of MTA-STS and TLS reporting records, whose grammar is one:
//! [RFC 8461 section 3.1](https://www.rfc-editor.org/rfc/rfc8461#section-3.1) and
//! [RFC 8460 section 3](https://www.rfc-editor.org/rfc/rfc8460#section-3).
//!
//! ```text
//! record      = version 1*(field-delim field) [field-delim]
//! field-delim = *WSP ";" *WSP
//! field       = name "=" value
//! name        = (ALPHA / DIGIT) *31(ALPHA / DIGIT / "_" / "-" / ".")
//! value       = 1*(%x21-3A / %x3C / %x3E-7E)
//! ```
//!
//! It is no tag list of RFC 6376: names may begin with a digit and hold hyphens and dots, and nothing
//! folds.

use crate::tag_list;

/// Why the fields of a record do not follow the grammar.
///
/// Offsets count from the first octet of the record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum FieldError {
    /// Nothing between two semicolons, or no field at all.
    #[error("found no field at offset {offset}, expected name=value")]
    Empty {
        /// Where the field would begin.
        offset: usize,
    },
    /// No equals sign behind the name.
    #[error("found no '=' in the field at offset {offset}")]
    NoEqualsSign {
        /// Where the field begins.
        offset: usize,
    },
    /// Not a name of 1 to 32 letters, digits, '_', '-' and '.'.
    #[error(
        "found no field name at offset {offset}, expected 1 to 32 letters, digits, '_', '-', '.'"
    )]
    Name {
        /// Where the name begins.
        offset: usize,
    },
    /// A value that is empty.
    #[error("found an empty value at offset {offset}")]
    NoValue {
        /// Where the value would begin.
        offset: usize,
    },
    /// An octet that no value holds: white space, control characters, `=`, or beyond ASCII.
    #[error("found octet {found:#04x} at offset {offset} in a value")]
    Value {
        /// The octet.
        found: u8,
        /// Where it stands.
        offset: usize,
    },
}

/// A field whose name is in order; its value is checked by whoever knows the name, or by
/// [`Field::check_unknown`].
#[derive(Clone, Copy, Debug)]
pub(crate) struct Field<'a> {
    pub(crate) name: &'a [u8],
    pub(crate) value: &'a [u8],
    pub(crate) value_offset: usize,
}

impl Field<'_> {
    /// A field that nobody knows is ignored if it follows the grammar.
    pub(crate) fn check_unknown(&self) -> Result<(), FieldError> {
        if self.value.is_empty() {
            return Err(FieldError::NoValue { offset: self.value_offset });
        }
        let is_stray = |octet: &u8| !octet.is_ascii_graphic() || *octet == b'=';
        match self.value.iter().enumerate().find(|(_, octet)| is_stray(octet)) {
            None => Ok(()),
            Some((at, &found)) => {
                Err(FieldError::Value { found, offset: self.value_offset.saturating_add(at) })
            }
        }
    }
}

/// The one record among the TXT records of a name that begins with its version; else how many do. Both
/// RFCs name the version with its semicolon, without the white space that the grammar has between.
pub(crate) fn select<'a>(
    texts: impl IntoIterator<Item = &'a [u8]>,
    version: &[u8],
) -> Result<&'a [u8], usize> {
    let is_record =
        |text: &&[u8]| text.strip_prefix(version).is_some_and(|behind| behind.starts_with(b";"));
    let mut records = texts.into_iter().filter(is_record);
    let first = records.next().ok_or(0_usize)?;
    match records.count() {
        0 => Ok(first),
        further => Err(further.saturating_add(1)),
    }
}

/// The fields behind the version; `None` where the record does not begin with the version and the end
/// of it, which is a semicolon.
pub(crate) fn fields<'a>(record: &'a [u8], version: &[u8]) -> Option<Fields<'a>> {
    let rest = record.strip_prefix(version)?;
    let white = white_space(rest.iter());
    matches!(rest.get(white), Some(b';')).then(|| Fields {
        record,
        next: record.len().checked_sub(rest.len()),
        is_first: true,
    })
}

/// Reads field after field; a malformed one ends the list.
#[derive(Clone, Debug)]
pub(crate) struct Fields<'a> {
    record: &'a [u8],
    /// Where the delimiter in front of the next field begins.
    next: Option<usize>,
    is_first: bool,
}

impl<'a> Iterator for Fields<'a> {
    type Item = Result<Field<'a>, FieldError>;

    fn next(&mut self) -> Option<Self::Item> {
        let at = self.next.take()?;
        let rest = self.record.get(at..)?;
        let semicolon = at.saturating_add(white_space(rest.iter()));
        let behind = self.record.get(semicolon.saturating_add(1)..)?;
        let start = semicolon.saturating_add(1).saturating_add(white_space(behind.iter()));
        let text = self.record.get(start..)?;
        if text.is_empty() && !self.is_first {
            return None;
        }
        self.is_first = false;
        let end = memchr::memchr(b';', text);
        let field = text.get(..end.unwrap_or(text.len()))?;
        // White space belongs to the delimiter, and behind the last field there is none.
        let white = if end.is_some() { white_space(field.iter().rev()) } else { 0 };
        let field = field.get(..field.len().saturating_sub(white))?;
        let read = read(field, start);
        self.next = end.filter(|_| read.is_ok()).map(|_| start.saturating_add(field.len()));
        Some(read)
    }
}

fn read(field: &[u8], start: usize) -> Result<Field<'_>, FieldError> {
    if field.is_empty() {
        return Err(FieldError::Empty { offset: start });
    }
    let Some((name, value)) = memchr::memchr(b'=', field)
        .and_then(|at| Some((field.get(..at)?, field.get(at..)?.get(1..)?)))
    else {
        return Err(FieldError::NoEqualsSign { offset: start });
    };
    if !is_name(name) {
        return Err(FieldError::Name { offset: start });
    }
    let value_offset = start.saturating_add(name.len()).saturating_add(1);
    Ok(Field { name, value, value_offset })
}

/// The names of fields, in records and in policies: at most 32 octets.
pub(crate) fn is_name(name: &[u8]) -> bool {
    let is_inner =
        |octet: &u8| octet.is_ascii_alphanumeric() || matches!(octet, b'_' | b'-' | b'.');
    name.first().is_some_and(u8::is_ascii_alphanumeric)
        && name.len() <= 32
        && name.iter().all(is_inner)
}

/// How many octets of white space come first.
pub(crate) fn white_space<'o>(octets: impl Iterator<Item = &'o u8>) -> usize {
    octets.take_while(|octet| matches!(octet, b' ' | b'\t')).count()
}

/// What a record begins with instead of its version, for messages.
pub(crate) fn quote_version(record: &[u8]) -> String {
    let end = memchr::memchr(b';', record).unwrap_or(record.len());
    tag_list::quote(record.get(..end).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_all(record: &str) -> Option<Result<Vec<String>, FieldError>> {
        let fields = fields(record.as_bytes(), b"v=X1")?;
        let text = |field: Field<'_>| {
            let both = [field.name, field.value].map(String::from_utf8_lossy);
            field.check_unknown().map(|()| both.join("="))
        };
        Some(fields.map(|field| field.and_then(text)).collect())
    }

    #[test]
    fn fields_are_between_semicolons() {
        let expected = Some(Ok(vec!["a=1".to_owned(), "b-.=2".to_owned()]));
        assert_eq!(read_all("v=X1;a=1;b-.=2"), expected);
        assert_eq!(read_all("v=X1 \t; a=1 ;\tb-.=2 ; "), expected);
        assert_eq!(read_all("v=X1a;a=1"), None);
        assert_eq!(read_all("v=X1"), None);
        assert_eq!(read_all(" v=X1;a=1"), None);
    }

    #[test]
    fn errors_point_at_the_fault() {
        let error = |record| read_all(record).unwrap().unwrap_err();
        assert_eq!(error("v=X1;"), FieldError::Empty { offset: 5 });
        assert_eq!(error("v=X1; "), FieldError::Empty { offset: 6 });
        assert_eq!(error("v=X1;;a=1"), FieldError::Empty { offset: 5 });
        assert_eq!(error("v=X1;a=1;;"), FieldError::Empty { offset: 9 });
        assert_eq!(error("v=X1;a"), FieldError::NoEqualsSign { offset: 5 });
        assert_eq!(error("v=X1;=1"), FieldError::Name { offset: 5 });
        assert_eq!(error("v=X1;-a=1"), FieldError::Name { offset: 5 });
        assert_eq!(error("v=X1;a =1"), FieldError::Name { offset: 5 });
        assert_eq!(error("v=X1;a="), FieldError::NoValue { offset: 7 });
        assert_eq!(error("v=X1;a= 1"), FieldError::Value { found: b' ', offset: 7 });
        // White space behind the last field belongs to no delimiter.
        assert_eq!(error("v=X1;a=1 "), FieldError::Value { found: b' ', offset: 8 });
        assert_eq!(error("v=X1;a=1=2"), FieldError::Value { found: b'=', offset: 8 });
        let name = "n".repeat(32);
        assert!(read_all(&format!("v=X1;{name}=1")).unwrap().is_ok());
        assert_eq!(error(&format!("v=X1;{name}n=1")), FieldError::Name { offset: 5 });
    }
}
