//! A record that applies, where it was published.

use std::fmt;

use super::record::{Outline, Record};
use super::report_uri::ReportUri;
use super::values::Psd;
use crate::dns::{Answer, Text};
use crate::serialize::serialize_as_text;
use crate::tag_list::first_control;

/// A DMARC record in the answer of the DNS that holds it, which is shared, not copied.
///
/// Two are equal if they were published with the same octets.
#[derive(Clone)]
pub struct PublishedRecord {
    answer: Answer,
    /// Which of the texts of the answer it is.
    place: usize,
    outline: Outline,
}

impl PublishedRecord {
    pub(super) fn new(answer: Answer, place: usize, outline: Outline) -> Self {
        Self { answer, place, outline }
    }

    /// The octets as published, which may be any.
    pub fn as_bytes(&self) -> &[u8] {
        self.answer.texts().nth(self.place).map(Text::as_bytes).unwrap_or_default()
    }

    /// The record as it was understood.
    pub fn record(&self) -> Record<'_> {
        self.outline.resume(self.as_bytes())
    }

    /// Where aggregate reports are wanted, before [`verify_destinations`](super::verify_destinations).
    pub fn rua(&self) -> impl Iterator<Item = ReportUri<'_>> + Clone {
        self.record().rua.iter()
    }

    /// Where failure reports are wanted, before [`verify_destinations`](super::verify_destinations).
    pub fn ruf(&self) -> impl Iterator<Item = ReportUri<'_>> + Clone {
        self.record().ruf.iter()
    }

    /// psd= of the record.
    pub(super) fn psd(&self) -> Psd {
        self.outline.psd()
    }

    /// Whether the answer was authenticated by DNSSEC.
    pub(super) fn is_authentic(&self) -> bool {
        self.answer.authentic
    }
}

impl PartialEq for PublishedRecord {
    fn eq(&self, other: &Self) -> bool {
        self.as_bytes() == other.as_bytes()
    }
}

impl Eq for PublishedRecord {}

impl fmt::Display for PublishedRecord {
    /// The record as published; if it holds other octets than printable ASCII, as it was understood.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // What is not printable does not get into a log.
        let is_printable =
            |text: &&str| text.is_ascii() && first_control(text.as_bytes()).is_none();
        match str::from_utf8(self.as_bytes()).ok().filter(is_printable) {
            Some(published) => f.pad(published),
            None => self.record().fmt(f),
        }
    }
}

impl fmt::Debug for PublishedRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("PublishedRecord").field(&self.to_string()).finish()
    }
}

serialize_as_text!(PublishedRecord);

/// As the fields `record`, `rua` and `ruf` of a verdict.
#[cfg(feature = "serde")]
pub(super) fn serialize<S: serde::Serializer>(
    published: &Option<PublishedRecord>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    use serde::ser::SerializeStruct as _;

    let record = published.as_ref().map(PublishedRecord::record).unwrap_or_default();
    let [rua, ruf] = [record.rua, record.ruf]
        .map(|uris| uris.iter().map(|uri| uri.as_str()).collect::<Vec<_>>());
    let mut fields = serializer.serialize_struct("PublishedRecord", 3)?;
    fields.serialize_field("record", published)?;
    fields.serialize_field("rua", &rua)?;
    fields.serialize_field("ruf", &ruf)?;
    fields.end()
}
