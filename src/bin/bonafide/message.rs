//! A message in a file.

use std::borrow::Cow;
use std::io::{Read as _, Write as _};
use std::path::Path;

use bonafide::message::Header;

use crate::Failure;

/// Octets that are handed on at a time.
const CHUNK: usize = 1 << 16;

/// A message as it was read, held in memory once.
pub(crate) struct Message {
    octets: Vec<u8>,
    /// Where the body begins.
    body: usize,
    /// The file has LF line ends only and is read as if it had CRLF.
    pub(crate) has_bare_line_feeds: bool,
}

impl Message {
    pub(crate) fn read(file: Option<&Path>) -> Result<Self, Failure> {
        let (octets, name) = match file {
            Some(path) => (std::fs::read(path), path.display().to_string()),
            None => {
                let mut octets = Vec::new();
                (
                    std::io::stdin().read_to_end(&mut octets).map(|_| octets),
                    "standard input".to_owned(),
                )
            }
        };
        let octets = octets.map_err(|error| Failure::Io(format!("cannot read {name}: {error}")))?;
        Ok(Self::new(octets))
    }

    fn new(octets: Vec<u8>) -> Self {
        let has = |octet| memchr::memchr(octet, &octets).is_some();
        let has_bare_line_feeds = has(b'\n') && !has(b'\r');
        let body = if has_bare_line_feeds {
            let empty_line = memchr::memmem::find(&octets, b"\n\n").map(|at| at.saturating_add(2));
            if octets.starts_with(b"\n") { 1 } else { empty_line.unwrap_or(octets.len()) }
        } else {
            octets.len().saturating_sub(Header::parse(&octets).body().len())
        };
        Self { octets, body, has_bare_line_feeds }
    }

    /// The header block with the empty line behind it, in CRLF.
    pub(crate) fn header(&self) -> Cow<'_, [u8]> {
        let header = self.octets.get(..self.body).unwrap_or_default();
        if !self.has_bare_line_feeds {
            return Cow::Borrowed(header);
        }
        let mut converted = Vec::with_capacity(header.len().saturating_mul(2));
        convert(header, &mut converted);
        Cow::Owned(converted)
    }

    /// The body in CRLF, a piece at a time.
    pub(crate) fn body(&self, mut sink: impl FnMut(&[u8])) {
        let body = self.octets.get(self.body..).unwrap_or_default();
        let mut converted = Vec::new();
        for chunk in body.chunks(CHUNK) {
            if self.has_bare_line_feeds {
                converted.clear();
                convert(chunk, &mut converted);
                sink(&converted);
            } else {
                sink(chunk);
            }
        }
    }

    /// Says on standard error that what is written is not what was read, where it is not.
    pub(crate) fn say_what_is_converted(&self) {
        if self.has_bare_line_feeds {
            let note = "note: the message has LF line ends only and is written with CRLF";
            // Where standard error is closed there is nobody left to tell.
            let _ = writeln!(std::io::stderr(), "bonafide: {note}");
        }
    }

    /// Writes the message to standard output, in CRLF, behind some fields.
    pub(crate) fn write_behind(&self, fields: &str) -> Result<(), Failure> {
        crate::write(|out| {
            out.write_all(fields.as_bytes())?;
            out.write_all(&self.header())?;
            let mut outcome = Ok(());
            self.body(|chunk| {
                if outcome.is_ok() {
                    outcome = out.write_all(chunk);
                }
            });
            outcome
        })
    }
}

fn convert(octets: &[u8], converted: &mut Vec<u8>) {
    for line in octets.split_inclusive(|octet| *octet == b'\n') {
        match line.strip_suffix(b"\n") {
            Some(line) => {
                converted.extend_from_slice(line);
                converted.extend_from_slice(b"\r\n");
            }
            None => converted.extend_from_slice(line),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(octets: &[u8]) -> (Vec<u8>, Vec<u8>, bool) {
        let message = Message::new(octets.to_vec());
        let mut body = Vec::new();
        message.body(|chunk| body.extend_from_slice(chunk));
        (message.header().into_owned(), body, message.has_bare_line_feeds)
    }

    /// A file that has only LF line ends is read as if it had CRLF; any CR, and it is read as it is.
    #[test]
    fn line_feeds_alone_are_converted() {
        let crlf = (b"A: 1\r\n b\r\n\r\n".to_vec(), b"x\r\n\r\ny".to_vec());
        assert_eq!(parts(b"A: 1\n b\n\nx\n\ny"), (crlf.0.clone(), crlf.1.clone(), true));
        assert_eq!(parts(b"A: 1\r\n b\r\n\r\nx\r\n\r\ny"), (crlf.0, crlf.1, false));
        assert_eq!(parts(b"A: 1\r\n\r\nx\ny"), (b"A: 1\r\n\r\n".to_vec(), b"x\ny".to_vec(), false));
        assert_eq!(parts(b"\nx"), (b"\r\n".to_vec(), b"x".to_vec(), true));
        assert_eq!(parts(b"A: 1\n"), (b"A: 1\r\n".to_vec(), Vec::new(), true));
        assert_eq!(parts(b""), (Vec::new(), Vec::new(), false));
    }
}
