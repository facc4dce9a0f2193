//! Laws of SPF, over records and zones that are made up.

use std::sync::atomic::{AtomicUsize, Ordering};

use bonafide::dns::{
    Answer, LookupError, Name, Question, RecordData, RecordType, Resolver, Text, Zone,
};
use bonafide::spf::{self, DomainSpec, MacroValues, Query, Record, SpfResult, Verdict};
use bonafide::{UnixTime, block_on};
use proptest::prelude::*;

const NOW: UnixTime = UnixTime(1_795_478_400);

/// Terms that are well-formed, about a handful of names.
fn term() -> impl Strategy<Value = String> {
    let qualifier = prop::sample::select(vec!["", "+", "-", "~", "?"]);
    let name = "[abc]\\.example|%\\{[dloihpv][1-3]?r?[-.+]?\\}\\.[abc]\\.example|%\\{d\\}";
    let mechanism = prop_oneof![
        Just("all".to_owned()),
        "(a|mx)(:[abc]\\.example)?(/[0-9]|/[12][0-9]|/3[0-2])?(//[1-9][0-9])?",
        "ptr(:[abc]\\.example)?",
        "ip4:192\\.0\\.2\\.[1-9](/2[0-9])?",
        "ip6:2001:db8::[1-9a-f](/[1-9][0-9])?",
        name.prop_map(|name: String| format!("include:{name}")),
        name.prop_map(|name: String| format!("exists:{name}")),
    ];
    let modifier = prop_oneof![
        "redirect=[abc]\\.example",
        "exp=e\\.[abc]\\.example",
        "[a-z][a-z0-9._-]{0,4}=(%\\{[sl]\\}|[!-$&-~]{0,6})",
    ];
    prop_oneof![6 => (qualifier, mechanism).prop_map(|(q, m)| format!("{q}{m}")), 1 => modifier]
}

fn record() -> impl Strategy<Value = String> {
    prop::collection::vec((term(), " {1,2}"), 0..8).prop_map(|terms| {
        terms.iter().fold("v=spf1".to_owned(), |text, (term, space)| text + space + term)
    })
}

/// A zone of three names that have everything.
fn zone() -> impl Strategy<Value = Zone> {
    let addresses = prop::collection::vec(1_u8..4, 0..3);
    let host = (record(), addresses, prop::collection::vec("[abcd]\\.example", 0..3));
    (prop::collection::vec(host, 3), 0_u8..4).prop_map(|(hosts, reverse)| {
        let mut zone = Zone::default();
        let name = |text: &str| Name::parse(text.as_bytes()).unwrap();
        for (host, (record, addresses, exchanges)) in ["a", "b", "c"].iter().zip(hosts) {
            let owner = name(&format!("{host}.example"));
            zone.insert(owner.clone(), RecordData::Txt(Text::new([record])));
            for last in addresses {
                zone.insert(owner.clone(), RecordData::A([192, 0, 2, last].into()));
            }
            for exchange in exchanges {
                let exchange = name(&exchange);
                zone.insert(owner.clone(), RecordData::Mx { preference: 1, exchange });
            }
            let explanation = RecordData::Txt(Text::new(["%{s} %{i} %{t} no"]));
            zone.insert(name(&format!("e.{host}.example")), explanation);
        }
        for host in ["a", "b", "c"].iter().take(reverse.into()) {
            let target = RecordData::Ptr(name(&format!("{host}.example")));
            zone.insert(name("1.2.0.192.in-addr.arpa"), target);
        }
        zone
    })
}

/// A zone of which one question fails, and which counts what it is asked.
struct Failing<'z> {
    zone: &'z Zone,
    failing: Option<Question>,
    asked: AtomicUsize,
}

impl Resolver for Failing<'_> {
    async fn lookup(&self, question: &Question) -> Result<Answer, LookupError> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        if self.failing.as_ref() == Some(question) {
            return Err(LookupError::ServFail);
        }
        self.zone.lookup(question).await
    }
}

fn check(zone: &Zone, failing: Option<Question>) -> (Verdict, usize) {
    let resolver = Failing { zone, failing, asked: AtomicUsize::new(0) };
    let query = Query::new([192, 0, 2, 1].into(), b"c.example", b"a-b+c@a.example");
    let mut options = spf::Options::default();
    options.trace = true;
    let verdict = block_on(spf::check_mail_from(&query, &options, &resolver, NOW));
    ((*verdict).clone(), resolver.asked.into_inner())
}

proptest! {
    /// What is printed reads back as the same.
    #[test]
    fn records_read_back(text in record()) {
        if let Ok(record) = Record::parse(text.as_bytes()) {
            let printed = record.to_string();
            let again = Record::parse(printed.as_bytes());
            prop_assert_eq!(again.as_ref(), Ok(&record));
            prop_assert_eq!(again.unwrap().to_string(), printed);
        }
    }

    /// RFC 7208 section 7.3: labels go as a whole, from the left, and no more than must.
    #[test]
    fn expansion_cuts_no_label(
        spec in "(%\\{[slodhp]r?\\}|[a-z]{1,9}|\\.){0,9}(%\\{[lo]\\}\\.){0,9}\\.example",
        local_part in "[a-z.]{0,80}",
        domain in "[a-z]{1,60}(\\.[a-z]{1,60}){0,2}",
    ) {
        let mut values =
            MacroValues::new(local_part.as_bytes(), domain.as_bytes(), [192, 0, 2, 1].into());
        values.helo = local_part.as_bytes();
        let spec = DomainSpec::parse(spec.as_bytes()).unwrap();
        let whole = spf::MacroString::parse(spec.as_bytes()).unwrap();
        let whole = whole.expand(&values, 1 << 16);
        let found = spec.expand(&values).expect("\"example\" is left");
        prop_assert!(found.len() <= 253 && whole.ends_with(&found));
        let dropped = &whole[..whole.len() - found.len()];
        prop_assert!(dropped.is_empty() || dropped.ends_with(b"."));
        // With the label before it, it would be too long.
        let label = dropped.split(|octet| *octet == b'.').rev().nth(1).unwrap_or_default();
        prop_assert!(dropped.is_empty() || found.len() + label.len() + 1 > 253);
    }

    /// RFC 7208 section 4.6.4, and the sum of all questions.
    #[test]
    fn no_check_asks_more_than_its_limits(zone in zone()) {
        let (verdict, asked) = check(&zone, None);
        prop_assert_eq!(verdict.questions, asked);
        prop_assert!(asked <= 111 && verdict.lookups <= 12 && verdict.void_lookups <= 3);
        let over = verdict.lookups > 10 || verdict.void_lookups > 2;
        prop_assert_eq!(over, over && verdict.result == SpfResult::PermError);
        prop_assert_eq!(verdict.cause.is_none(), verdict.matched.is_some());
        prop_assert!(verdict.explanation.is_none() || verdict.result == SpfResult::Fail);
    }

    /// In doubt, not pass: whatever lookup fails, what did not pass does not pass then.
    #[test]
    fn no_failed_lookup_makes_a_pass(zone in zone()) {
        let (verdict, _) = check(&zone, None);
        let asked = verdict.trace.iter().flatten().filter_map(|event| match &event.step {
            spf::Step::Lookup { question, .. } => Some((**question).clone()),
            _ => None,
        });
        for question in asked {
            // RFC 7208 section 5.5: but for names of the client, whose failure is no error.
            let is_validation = question.record_type == RecordType::Ptr;
            let (failed, _) = check(&zone, Some(question.clone()));
            let passes = failed.result == SpfResult::Pass && verdict.result != SpfResult::Pass;
            prop_assert!(!passes || is_validation || asks_names(&verdict), "{}: {}", question, failed);
        }
    }
}

/// Whether names of the client were looked for.
fn asks_names(verdict: &Verdict) -> bool {
    verdict.trace.iter().flatten().any(|event| match &event.step {
        spf::Step::Lookup { question, .. } => question.record_type == RecordType::Ptr,
        _ => false,
    })
}

/// Ten includes of ten includes, as deep as it goes: the limits hold, whatever they are.
#[test]
fn limits_hold_on_a_zone_built_to_multiply() {
    let includes: String = (0..10).map(|n| format!(" include:{n}.%{{d}}")).collect();
    let zone: Zone =
        format!("*.example TXT \"v=spf1{includes} ?all\"\na.example TXT \"v=spf1{includes} ?all\"")
            .parse()
            .unwrap();
    for lookups in [0, 1, 10, 100] {
        let resolver = Failing { zone: &zone, failing: None, asked: AtomicUsize::new(0) };
        let query = Query::new([192, 0, 2, 1].into(), b"c.example", b"a@a.example");
        let mut options = spf::Options::default();
        options.limits.lookups = lookups;
        let verdict = block_on(spf::check_mail_from(&query, &options, &resolver, NOW));
        assert_eq!(verdict.result, SpfResult::PermError, "{}", *verdict);
        assert!(resolver.asked.into_inner() <= lookups + 1);
    }
}

/// Ten times the terms take about ten times the time.
#[test]
fn time_is_linear_in_terms() {
    let time = |count: usize| {
        let record = format!("v=spf1{}", " ip4:192.0.2.1 x=%{l}.y".repeat(count));
        let runs = (0..5).map(|_| {
            let started = std::time::Instant::now();
            assert!(Record::parse(record.as_bytes()).is_ok());
            started.elapsed()
        });
        runs.min().unwrap()
    };
    let (once, tenfold) = (time(2000), time(20_000));
    assert!(tenfold < once * 30, "{once:?}, {tenfold:?}");
}
