//! SPF and DMARC records that the benchmarks share, and a resolver that has them.
#![allow(dead_code, reason = "each benchmark uses its part")]

use std::collections::HashMap;
use std::fmt::Write as _;

use bonafide::dns::{Answer, LookupError, Name, Question, RecordData, Resolver, Text};

/// Twelve networks and an `include`.
pub(crate) const SPF: &str = "v=spf1 ip4:192.0.2.0/24 ip4:198.51.100.17 ip4:203.0.113.0/25 ip4:192.0.2.128/28 \
    ip4:198.51.100.64/26 ip4:203.0.113.200 ip4:192.0.2.9 ip4:198.51.100.0/23 ip4:203.0.113.4/30 \
    ip6:2001:db8::/32 ip6:2001:db8:1:2::/64 ip6:2001:db8:a::1 include:_spf.example.com";

pub(crate) const DMARC: &str = "v=DMARC1; p=reject; sp=quarantine; adkim=r; aspf=r; \
    rua=mailto:dmarc-feedback@example.com; ruf=mailto:auth-reports@example.com; fo=1";

/// The client that [`nested`] lets pass, and what it says.
pub(crate) const CLIENT: [u8; 4] = [198, 51, 8, 7];
pub(crate) const HELO: &str = "mail.example.com";
pub(crate) const MAIL_FROM: &str = "user@example.com";

/// A message whose author is below the domain that publishes [`DMARC`], and that this domain signs.
pub(crate) const MESSAGE: &str = "From: a@sub.example.com\r\n\r\n";
pub(crate) const SIGNER: &str = "example.com";
/// The names that are asked for its record: only the second has one.
pub(crate) const WALK: [&str; 3] = ["_dmarc.sub.example.com", "_dmarc.example.com", "_dmarc.com"];

/// Answers from a table: no search, no text to read.
pub(crate) struct Table(HashMap<Name, Answer>);

impl Table {
    /// Has one TXT record for each name.
    pub(crate) fn new<'t>(texts: impl IntoIterator<Item = (&'t str, &'t str)>) -> Self {
        let record = |(name, text): (&str, &str)| {
            let answer = Answer::found([RecordData::Txt(Text::new([text]))], 300);
            (Name::parse(name.as_bytes()).unwrap(), answer)
        };
        Self(texts.into_iter().map(record).collect())
    }

    pub(crate) fn get(&self, name: &Name) -> Option<&Answer> {
        self.0.get(name)
    }
}

impl Resolver for Table {
    async fn lookup(&self, question: &Question) -> Result<Answer, LookupError> {
        Ok(self.get(&question.name).map_or_else(Answer::nx_domain, Answer::clone))
    }
}

/// A record that includes another, and so on, each with its name: 9 records, 8 includes, 81 ip4 and
/// 16 ip6, of which the last ip4 matches.
pub(crate) fn nested() -> Vec<(String, String)> {
    let record = |level: usize| {
        let mut text = "v=spf1".to_owned();
        for network in 0..9 {
            let last = if (level, network) == (8, 8) { 7 } else { network * 16 };
            write!(text, " ip4:198.51.{level}.{last}/28").unwrap();
        }
        if level < 8 {
            write!(text, " ip6:2001:db8:{level}::/48 ip6:2001:db8:{level}:1::/64").unwrap();
            write!(text, " include:_spf{}.example.com", level + 1).unwrap();
        }
        (name(level), text + " ~all")
    };
    (0..9).map(record).collect()
}

fn name(level: usize) -> String {
    if level == 0 { "example.com".into() } else { format!("_spf{level}.example.com") }
}

/// Pairs of slices.
pub(crate) fn borrowed(texts: &[(String, String)]) -> impl Iterator<Item = (&str, &str)> {
    texts.iter().map(|(name, text)| (name.as_str(), text.as_str()))
}
