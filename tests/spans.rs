//! The spans of feature `tracing`: one around the lookups of a message, and in it one for each question. A
//! binary of its own, since whether a span is wanted is kept for the whole process.
#![allow(clippy::arithmetic_side_effects, clippy::indexing_slicing, clippy::unwrap_used)]

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use bonafide::dns::Zone;
use bonafide::{Authenticator, Envelope, UnixTime, block_on};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

/// Keeps the spans that were made, each with the one that it was made in.
#[derive(Clone, Default)]
struct Spans {
    count: Arc<AtomicU64>,
    made: Arc<Mutex<Vec<String>>>,
    entered: Arc<Mutex<Vec<u64>>>,
}

impl Subscriber for Spans {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target().starts_with("bonafide")
    }

    fn new_span(&self, attributes: &Attributes<'_>) -> Id {
        let mut text = String::new();
        if let Some(parent) = self.entered.lock().unwrap().last() {
            let made = self.made.lock().unwrap();
            let parent = &made[usize::try_from(*parent).unwrap() - 1];
            text = format!("{} > ", parent.split(' ').next().unwrap());
        }
        text += attributes.metadata().name();
        attributes.record(&mut Fields(&mut text));
        self.made.lock().unwrap().push(text);
        Id::from_u64(self.count.fetch_add(1, Ordering::Relaxed) + 1)
    }

    fn enter(&self, span: &Id) {
        self.entered.lock().unwrap().push(span.into_u64());
    }

    fn exit(&self, span: &Id) {
        assert_eq!(self.entered.lock().unwrap().pop(), Some(span.into_u64()));
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}
    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn event(&self, _: &Event<'_>) {}
}

struct Fields<'t>(&'t mut String);

impl Visit for Fields<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        *self.0 += &format!(" {}={value:?}", field.name());
    }
}

#[test]
fn one_span_for_a_message_and_one_for_each_question() {
    let zone: Zone = r#"
        a.example        TXT "v=spf1 -all"
        _dmarc.a.example TXT "v=DMARC1; p=reject"
    "#
    .parse()
    .unwrap();
    let message = "DKIM-Signature: v=1; a=ed25519-sha256; d=a.example; s=s; h=from;\r\n \
        bh=frcCV1k9oG9oKj3dpUqdJg1PxRT2RSN/XKdLCPjaYaY=; b=AAAA\r\n\
        From: a@a.example\r\n\r\n";
    let envelope = Envelope::new([192, 0, 2, 1].into(), "mail.a.example", "a@a.example");
    let spans = Spans::default();
    tracing::subscriber::with_default(spans.clone(), || {
        let authenticator = Authenticator::new("mx.receiver.example").unwrap();
        let now = UnixTime(1_795_478_400);
        block_on(authenticator.authenticate(&zone, &envelope, message.as_bytes(), now))
    });
    let mut made = spans.made.lock().unwrap().clone();
    assert_eq!(made.remove(0), "lookups author=\"a.example\"");
    made.sort();
    assert_eq!(
        made,
        [
            "lookups > dkim_key name=s._domainkey.a.example",
            "lookups > dmarc name=_dmarc.a.example",
            "lookups > dmarc name=_dmarc.example",
            "lookups > spf_term question=a.example TXT",
            "lookups > spf_term question=mail.a.example TXT",
        ]
    );
}
