//! Writes signature fields: tag lists in header fields, folded, with room for b=.

use crate::canonicalization::{Canonicalization, header_field};
use crate::tag_list::Base64;

/// Octets of a line that are not exceeded where a fold is possible; RFC 5322 section 2.1.1 has 78.
const LINE: usize = 76;
/// RFC 5322 section 2.1.1 has 998 without the CRLF; a mark of room is left for b= and a semicolon.
const LONGEST_LINE: usize = 990;

/// How the tags of a generated field are laid out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TagLayout {
    /// v= or i= first and b= last, as people expect them; b= is folded, but not in ARC fields.
    #[default]
    Conventional,
    /// In the order of the names' octets; b= is folded only where a line would pass 998 octets.
    Sorted,
}

/// A signature field whose b= is still empty.
#[derive(Clone, Debug)]
pub(crate) struct UnsignedField {
    /// From the name to `b=`.
    before: String,
    /// Behind the value of b=, without the final CRLF.
    after: String,
    /// Octets of a line at which b= is folded.
    width: usize,
}

impl UnsignedField {
    /// Writes a field. `tags` has all but b=, which is last among them in the conventional layout.
    ///
    /// The value of h= is folded at its colons, no other value is folded.
    pub(crate) fn new(
        name: &str,
        mut tags: Vec<(&'static str, String)>,
        layout: TagLayout,
    ) -> Self {
        tags.push(("b", String::new()));
        if layout == TagLayout::Sorted {
            tags.sort_unstable_by_key(|(name, _)| *name);
        }
        let mut before = Lines::new(format!("{name}:"));
        let mut after = None;
        let last = tags.len().saturating_sub(1);
        for (position, (tag, value)) in tags.iter().enumerate() {
            let end = if position == last { "" } else { ";" };
            let is_signature = *tag == "b";
            let lines = after.as_mut().unwrap_or(&mut before);
            // How long b= gets, its line does not depend on: it begins one and ends one.
            let length = tag.len().saturating_add(value.len()).saturating_add(2);
            lines.separate(if is_signature { LINE } else { length });
            lines.push(tag);
            lines.push("=");
            if is_signature {
                let mut behind = Lines::new(end.to_owned());
                behind.column = LINE;
                after = Some(behind);
            } else {
                // White space around the colons of h= means nothing.
                if *tag == "h" {
                    lines.push_list(value)
                } else {
                    lines.push(value)
                }
                lines.push(end);
            }
        }
        let after = after.map(|lines| lines.text).unwrap_or_default();
        let width = match layout {
            TagLayout::Conventional => LINE,
            TagLayout::Sorted => LONGEST_LINE,
        };
        Self { before: before.text, after, width }
    }

    /// The same field, whose b= is folded only where a line would pass 998 octets.
    #[cfg(feature = "arc")]
    pub(crate) fn with_long_line(self) -> Self {
        Self { width: LONGEST_LINE, ..self }
    }

    /// Appends the field as it is signed: canonical, with an empty b= and without the final CRLF
    /// (RFC 6376 section 3.7).
    pub(crate) fn append_canonical(
        &self,
        canonicalization: Canonicalization,
        canonical: &mut Vec<u8>,
    ) {
        let field = [self.before.as_bytes(), self.after.as_bytes()].concat();
        header_field(canonicalization, &field, canonical);
    }

    /// The field with its signature, ending in CRLF.
    pub(crate) fn complete(self, signature: &[u8]) -> String {
        let base64 = Base64(signature).to_string();
        let mut field = self.before;
        let column = field.rsplit("\r\n").next().map_or(0, str::len);
        let width = self.width;
        let (first, rest) = base64.split_at(width.saturating_sub(column).min(base64.len()));
        field.push_str(first);
        let mut rest = rest;
        while !rest.is_empty() {
            let (line, behind) = rest.split_at(width.saturating_sub(1).min(rest.len()));
            field.push_str("\r\n ");
            field.push_str(line);
            rest = behind;
        }
        field.push_str(&self.after);
        field.push_str("\r\n");
        field
    }
}

/// Text in folded lines.
struct Lines {
    text: String,
    column: usize,
}

impl Lines {
    fn new(text: String) -> Self {
        Self { column: text.len(), text }
    }

    /// One space, or a fold where less than `length` octets fit into the line.
    fn separate(&mut self, length: usize) {
        if self.column.saturating_add(1).saturating_add(length) > LINE && self.column > 1 {
            self.fold();
        } else {
            self.push(" ");
        }
    }

    fn fold(&mut self) {
        self.text.push_str("\r\n ");
        self.column = 1;
    }

    fn push(&mut self, text: &str) {
        self.text.push_str(text);
        self.column = self.column.saturating_add(text.len());
    }

    /// Elements that colons separate, with a fold behind a colon where one is needed.
    fn push_list(&mut self, list: &str) {
        for element in list.split_inclusive(':') {
            if self.column.saturating_add(element.len()) > LINE && self.column > 3 {
                self.fold();
            }
            self.push(element);
        }
    }
}
