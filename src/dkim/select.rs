//! Which header fields a signature covers, and the octets that it was made over.

use std::ops::Range;

use super::signature::Signature;
use super::trace::Event;
use super::verdict::{FieldNames, Verdict};
use crate::canonicalization::{signature_field, signed_field};
use crate::message::{FieldIndex, Header};

/// Selects fields for the signatures of one header, and makes them canonical.
pub(super) struct Selector<'h, 'a> {
    index: FieldIndex<'h, 'a>,
}

impl<'h, 'a> Selector<'h, 'a> {
    pub(super) fn new(header: &'h Header<'a>) -> Self {
        Self { index: FieldIndex::new(header) }
    }

    /// Appends to `canonical` what a signature was made over: the fields that h= names, then the
    /// DKIM-Signature field itself without the value of b= (RFC 6376 section 3.7), which stands at
    /// `hole` in the field's value. Notes in the verdict what is covered and what is not.
    pub(super) fn select(
        &mut self,
        signature: &Signature<'_>,
        hole: Range<usize>,
        verdict: &mut Verdict,
        canonical: &mut Vec<u8>,
    ) {
        let header = self.index.header();
        let mut signed = Vec::with_capacity(signature.fields_length());
        let mut oversigned = Vec::new();
        for name in signature.signed_fields() {
            // RFC 6376 section 3.7: the signature's own field is never covered by h=.
            let position = self.index.take(name, verdict.position);
            let names = match position.and_then(|position| header.field(position)) {
                Some(field) => {
                    signed_field(signature.header_canonicalization, &field, canonical);
                    &mut signed
                }
                None => &mut oversigned,
            };
            FieldNames::append(names, name);
            if let Some(trace) = &mut verdict.trace {
                let name = String::from_utf8_lossy(name).into_owned();
                trace.push(Event::SignedField { name, position });
            }
        }
        let mut duplicates = Vec::new();
        self.index.give_back(verdict.position, |position| {
            let name = header.field(position).map(|field| field.name()).unwrap_or_default();
            FieldNames::append(&mut duplicates, name);
        });
        verdict.signed_fields = FieldNames::new(signed);
        verdict.oversigned_fields = FieldNames::new(oversigned);
        verdict.unsigned_duplicates = FieldNames::new(duplicates);
        if let Some(field) = header.field(verdict.position) {
            signature_field(signature.header_canonicalization, &field, hole, canonical);
        }
    }
}
