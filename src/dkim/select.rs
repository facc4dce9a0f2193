//! Which header fields a signature covers, and the octets that it was made over.

use std::ops::Range;

use super::signature::Signature;
use super::trace::Event;
use super::verdict::Verdict;
use crate::canonicalization::{Canonicalization, header_field};
use crate::message::{Field, FieldIndex, Header};

/// Selects fields for the signatures of one header, and makes them canonical.
pub(super) struct Selector<'h, 'a> {
    header: &'h Header<'a>,
    index: FieldIndex<'a>,
    /// For the first entry of each name in the index, how many of its fields are taken.
    taken: Vec<usize>,
    /// The ranges of the index that the signature at hand has touched.
    touched: Vec<Range<usize>>,
}

impl<'h, 'a> Selector<'h, 'a> {
    pub(super) fn new(header: &'h Header<'a>) -> Self {
        let index = FieldIndex::new(header);
        let taken = vec![0; index.len()];
        Self { header, index, taken, touched: Vec::new() }
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
        for name in signature.signed_fields() {
            let position = self.take(name, verdict.position);
            match position.and_then(|position| self.header.field(position)) {
                Some(field) => {
                    verdict.signed_fields.push(name);
                    header_field(signature.header_canonicalization, field.as_bytes(), canonical);
                    // RFC 6376 section 3.7: each field ends in CRLF, the last one of a message
                    // that breaks off in its header too.
                    if !canonical.ends_with(b"\r\n") {
                        canonical.extend_from_slice(b"\r\n");
                    }
                }
                None => verdict.oversigned_fields.push(name),
            }
            if let Some(trace) = &mut verdict.trace {
                let name = String::from_utf8_lossy(name).into_owned();
                trace.push(Event::SignedField { name, position });
            }
        }
        self.note_duplicates(verdict);
        if let Some(field) = self.header.field(verdict.position) {
            append_without_signature(signature.header_canonicalization, field, hole, canonical);
        }
    }

    /// The lowest field of a name that is not taken yet (RFC 6376 section 5.4.2). The signature's
    /// own field is never covered by h= (section 3.7).
    fn take(&mut self, name: &[u8], own_position: usize) -> Option<usize> {
        let range = self.index.find(name);
        let taken = self.taken.get_mut(range.start).filter(|_| !range.is_empty())?;
        if *taken == 0 {
            self.touched.push(range.clone());
        }
        loop {
            let entry =
                range.end.checked_sub(taken.saturating_add(1)).filter(|at| range.contains(at))?;
            *taken = taken.saturating_add(1);
            let position = self.index.position(entry)?;
            if position != own_position {
                return Some(position);
            }
        }
    }

    fn note_duplicates(&mut self, verdict: &mut Verdict) {
        for range in self.touched.drain(..) {
            let Some(taken) = self.taken.get_mut(range.start) else {
                continue;
            };
            let left = range.start..range.end.saturating_sub(std::mem::take(taken));
            let mut positions = left.filter_map(|entry| self.index.position(entry));
            let duplicate = positions.find(|position| *position != verdict.position);
            if let Some(field) = duplicate.and_then(|position| self.header.field(position)) {
                verdict.unsigned_duplicates.push(field.name());
            }
        }
    }
}

fn append_without_signature(
    canonicalization: Canonicalization,
    field: Field<'_>,
    hole: Range<usize>,
    canonical: &mut Vec<u8>,
) {
    let [start, end] = [hole.start, hole.end].map(|at| field.value_offset().saturating_add(at));
    let octets = field.as_bytes();
    let halves = [octets.get(..start), octets.get(end..)].map(Option::unwrap_or_default);
    header_field(canonicalization, &halves.concat(), canonical);
    // RFC 6376 section 3.7: the signature's own field goes in without its final CRLF.
    if canonical.ends_with(b"\r\n") {
        canonical.truncate(canonical.len().saturating_sub(2));
    }
}
