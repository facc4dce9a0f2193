//! What a signature covers of a message: fields of its header, canonical, and the hash of its body.

use super::body_hash::{BodyHashRequest, BodyHasher};
use super::sign::{FieldsToSign, SigningOptions};
use super::signing_error::SigningError;
use crate::canonicalization::signed_field;
use crate::message::{DefectScanner, Defects, FieldIndex, Header, PIECE};

/// A message that is to be signed: the fields are taken, the body arrives.
#[derive(Debug)]
pub(crate) struct Covering {
    names: String,
    header: Vec<u8>,
    body: BodyHasher,
    scanner: DefectScanner,
    body_offset: u64,
}

/// What a signature covers, but for its own field.
#[derive(Debug)]
pub(crate) struct Covered {
    /// h=.
    pub(crate) names: String,
    /// The fields of h=, canonical.
    pub(crate) header: Vec<u8>,
    /// bh=.
    pub(crate) body_hash: [u8; 32],
}

impl Covering {
    /// # Errors
    ///
    /// When the header must not be signed.
    pub(crate) fn new(options: &SigningOptions, header: &Header<'_>) -> Result<Self, SigningError> {
        let mut scanner = DefectScanner::new();
        scanner.write(header.as_bytes());
        options.check(&scanner.finish(), 0)?;
        if let [b' ' | b'\t', ..] = header.as_bytes() {
            return Err(SigningError::LeadingWhiteSpace);
        }
        check_from(header)?;

        let mut canonical = Vec::with_capacity(header.as_bytes().len().saturating_add(1024));
        let names = select(options, header, &mut canonical);
        Ok(Self {
            names,
            header: canonical,
            body: BodyHasher::new([options.body_hash()]),
            scanner: DefectScanner::new(),
            body_offset: header.body_offset(),
        })
    }

    /// The next octets of the body, in any split.
    pub(crate) fn body(&mut self, chunk: &[u8]) {
        for piece in chunk.chunks(PIECE) {
            self.scanner.write(piece);
            self.body.write(piece);
        }
    }

    /// The end of the body.
    ///
    /// # Errors
    ///
    /// When the body must not be signed.
    pub(crate) fn finish(self, options: &SigningOptions) -> Result<Covered, SigningError> {
        options.check(&self.scanner.finish(), self.body_offset)?;
        let body_hash = self.body.finish().get(options.body_hash()).hash.unwrap_or_default();
        Ok(Covered { names: self.names, header: self.header, body_hash })
    }
}

impl SigningOptions {
    fn body_hash(&self) -> BodyHashRequest {
        BodyHashRequest { canonicalization: self.body_canonicalization, length: None }
    }

    /// Refuses what the options do not allow; offsets are counted from `start`.
    fn check(&self, defects: &Defects, start: u64) -> Result<(), SigningError> {
        let at = |first: Option<u64>| first.map(|offset| offset.saturating_add(start));
        if let Some(offset) = at(defects.nul.first) {
            return Err(SigningError::Nul { offset });
        }
        if let Some(offset) = at(defects.bare_cr.first) {
            return Err(SigningError::BareCr { offset });
        }
        if let Some(offset) = at(defects.bare_lf.first) {
            return Err(SigningError::BareLf { offset });
        }
        if let Some(offset) = at(defects.long_lines.first).filter(|_| !self.long_lines) {
            return Err(SigningError::LongLine { offset });
        }
        if let Some(offset) = at(defects.first_eight_bit).filter(|_| !self.eight_bit) {
            return Err(SigningError::EightBit { offset });
        }
        Ok(())
    }
}

fn check_from(header: &Header<'_>) -> Result<(), SigningError> {
    let mut found = 0_usize;
    let mut offset = 0_usize;
    for field in header.fields() {
        if field.name().eq_ignore_ascii_case(b"From") {
            found = found.saturating_add(1);
            if found > 1 {
                let offset = u64::try_from(offset).unwrap_or(u64::MAX);
                return Err(SigningError::SeveralFrom { offset });
            }
        }
        offset = offset.saturating_add(field.as_bytes().len());
    }
    if found == 0 { Err(SigningError::NoFrom) } else { Ok(()) }
}

/// Appends the fields to sign to `canonical` and returns h=.
fn select(options: &SigningOptions, header: &Header<'_>, canonical: &mut Vec<u8>) -> String {
    let mut index = FieldIndex::new(header);
    let mut names = String::with_capacity(256);
    let mut take = |name: &str, is_absence_signed: bool| {
        let position = index.take(name.as_bytes(), usize::MAX);
        let field = position.and_then(|position| header.field(position));
        if field.is_some() || is_absence_signed {
            if !names.is_empty() {
                names.push(':');
            }
            names.push_str(name);
        }
        if let Some(field) = field {
            signed_field(options.header_canonicalization, &field, canonical);
        }
        field.is_some()
    };
    match &options.fields {
        FieldsToSign::Exactly(names) => names.iter().for_each(|name| {
            take(name, true);
        }),
        FieldsToSign::Present { signed, oversigned } => {
            for name in signed {
                let is_oversigned = oversigned.iter().any(|other| other.eq_ignore_ascii_case(name));
                while take(name, is_oversigned) {}
            }
        }
    }
    names
}
