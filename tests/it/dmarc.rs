//! DMARC against vectors, hostile records and its laws.

use std::sync::Mutex;

use bonafide::dmarc::{
    self, Candidates, Cause, DkimIdentifier, DmarcResult, IdentifierResult, Identifiers,
    PublishedRecord, Record, ReportKind, ReportUri, SpfIdentifier, Verdict, verify_destinations,
};
use bonafide::dns::{Answer, LookupError, Question, Resolver, Zone};
use bonafide::evaluation::{Evaluation, Request, Response};
use bonafide::message::{AuthorDomain, Header};
use bonafide::{Domain, block_on};
use proptest::prelude::*;

use crate::support::project;
use crate::support::stanzas::{self, Stanza};

/// A resolver that remembers what it was asked.
pub(crate) struct Asked(pub(crate) Zone, pub(crate) Mutex<Vec<String>>);

impl Asked {
    pub(crate) fn new(zone: Zone) -> Self {
        Self(zone, Mutex::default())
    }

    pub(crate) fn names(&self) -> Vec<String> {
        self.1.lock().unwrap().clone()
    }
}

impl Resolver for Asked {
    async fn lookup(&self, question: &Question) -> Result<Answer, LookupError> {
        self.1.lock().unwrap().push(question.name.to_string());
        self.0.lookup(question).await
    }
}

/// Every rule of RFC 9989 about messages.
#[test]
fn vectors() {
    stanzas::run(&project("test-vectors/dmarc/messages.txt"), check);
}

/// The examples of RFC 9989 sections 4.10 and 5.1.8 and of its appendix B.
#[test]
fn rfc_examples() {
    stanzas::run(&project("test-vectors/dmarc/rfc.txt"), check);
}

/// The rules of RFC 7489 for a public suffix list.
#[cfg(feature = "psl")]
#[test]
fn public_suffix_list() {
    let list = dmarc::PublicSuffixList::parse(b"example\nco.example\ncom\n").unwrap();
    let discovery = dmarc::Discovery::PublicSuffixList(list.into());
    stanzas::run(&project("test-vectors/dmarc/public_suffix.txt"), |case| {
        check_with(discovery.clone(), case)
    });
}

/// Every rule of RFC 9989 sections 4.7 and 4.8 about records.
#[test]
fn records() {
    stanzas::run(&project("test-vectors/dmarc/records.txt"), |case| {
        let text = case.consume("Text");
        let found = match Record::parse(unescape(&text).as_bytes()) {
            Ok(record) => {
                let printed = record.to_string();
                if Record::parse(printed.as_bytes()) != Ok(record) {
                    return Err(format!("{printed} is another record"));
                }
                let validity = if record.is_valid() { "" } else { "unfit " };
                format!("{validity}{printed}")
            }
            Err(_) => "no record".to_owned(),
        };
        expect("Record", &found, case.consume("Record"))
    });
}

/// The rules of RFC 9990 section 4.
#[test]
fn destinations() {
    stanzas::run(&project("test-vectors/dmarc/destinations.txt"), |case| {
        let zone: Zone = case.all("Zone").join("\n").parse().unwrap();
        let domain = Domain::parse(case.consume("Domain").as_bytes()).unwrap();
        let kind = match case.optional("Kind").as_deref() {
            Some("ruf") => ReportKind::Failure,
            _ => ReportKind::Aggregate,
        };
        let uris = case.all("Uri");
        let found = block_on(verify_destinations(&domain, &uris, kind, &zone));
        for destination in &found {
            let sent = match &destination.outcome {
                Ok(uris) => uris.join(" "),
                Err(error) => format!("! {error}"),
            };
            let expected = case.consume("Sent");
            let holds = match expected.strip_prefix('!') {
                Some(part) => sent.starts_with('!') && sent.contains(part.trim()),
                None => sent == expected,
            };
            if !holds {
                return Err(format!("{}: expected {expected}, found {sent}", destination.uri));
            }
        }
        Ok(())
    });
}

/// The lookups run in tasks of any runtime, and step by step without one.
#[test]
fn lookups_are_a_future_like_any_other() {
    fn sent<T: Send + 'static>(future: T) -> T {
        future
    }
    let lookups = |resolver| {
        let author = AuthorDomain::of(&Header::parse(b"From: a@x.example\r\n"));
        let (candidates, options) = (Candidates::default(), dmarc::Options::default());
        sent(async move { dmarc::lookups(author, &candidates, &options, &resolver).await })
    };
    let mut evaluation = Evaluation::new(lookups);
    let mut asked = Vec::new();
    while let Some((id, Request::Dns(question))) = evaluation.request() {
        asked.push(question.to_string());
        evaluation.answer(id, Response::Dns(Ok(Answer::nx_domain()))).unwrap();
    }
    assert_eq!(asked, ["_dmarc.x.example TXT", "_dmarc.example TXT"]);
    let verdict = sent(evaluation.outcome().unwrap()).evaluate(&Identifiers::default());
    assert_eq!(sent(verdict).result, DmarcResult::None);
}

/// The names that `bonafide verify --format json` prints.
#[cfg(feature = "serde")]
#[test]
fn verdicts_serialize_by_name() {
    let zone = zone_of(&[(2, 0)], &PLAIN, None);
    let (verdict, _) = evaluate(zone, &Identifiers::default());
    let json = serde_json::to_value(&verdict).unwrap();
    let expected = serde_json::json!({
        "result": "fail", "author_domain": AUTHOR, "organizational_domain": "victim.co.example",
        "policy": "quarantine", "policy_tag": "np", "testing": false, "disposition": "quarantine",
        "spf_aligned": false, "dkim_aligned": false, "record_domain": "victim.co.example",
        "rua": [], "ruf": [], "authentic": false, "discovery": "treewalk", "alignments": [],
        "record": PLAIN[0], "trace": null,
        "cause": verdict.cause.as_ref().unwrap().to_string(),
    });
    assert_eq!(json, expected);
}

fn unescape(text: &str) -> String {
    text.replace("\\t", "\t").replace("\\0", "\0").replace("\\_", " ")
}

fn check(case: &mut Stanza) -> Result<(), String> {
    check_with(dmarc::Discovery::TreeWalk, case)
}

fn check_with(discovery: dmarc::Discovery, case: &mut Stanza) -> Result<(), String> {
    let zone: Zone = case.all("Zone").join("\n").parse().map_err(|error| format!("{error}"))?;
    let header = format!("From: {}\r\n", case.consume("From"));
    let author = AuthorDomain::of(&Header::parse(header.as_bytes()));
    let identifiers = identifiers(case);
    let mut options = dmarc::Options::default();
    options.trace = true;
    options.discovery = discovery;
    for option in case.all("Option") {
        match option.as_str() {
            "testing_keys_count" => options.testing_keys_count = true,
            "identifiers=1" => options.limits.identifiers = 1,
            other => return Err(format!("unknown option {other}")),
        }
    }
    let resolver = Asked::new(zone);
    let lookups = block_on(dmarc::lookups(author, &candidates(&identifiers), &options, &resolver));
    let verdict = lookups.evaluate(&identifiers);
    let asked = resolver.names();
    if verdict != lookups.evaluate(&identifiers) {
        return Err("the same evaluation has two verdicts".to_owned());
    }
    is_sound(&verdict)?;
    expect("Result", &verdict.result.to_string(), case.consume("Result"))?;
    let policy = verdict.policy_tag.zip(verdict.policy).map(|(tag, p)| format!("{tag}={p}"));
    let aligned = [(verdict.spf_aligned, "spf"), (verdict.dkim_aligned, "dkim")];
    let aligned: Vec<_> = aligned.into_iter().filter(|(is, _)| *is).map(|(_, name)| name).collect();
    let near = verdict.alignments.iter().filter(|alignment| alignment.is_near_miss());
    let near: Vec<_> = near.map(|alignment| alignment.domain.as_str()).collect();
    let rua: Vec<_> = verdict.record.iter().flat_map(PublishedRecord::rua).collect();
    let rua: Vec<_> = rua.iter().map(ReportUri::as_str).collect();
    let text = |value: Option<String>| value.unwrap_or_default();
    let facts = [
        ("Policy", text(policy)),
        ("Disposition", text(verdict.disposition.map(|d| d.to_string()))),
        ("Organization", text(verdict.organizational_domain.as_ref().map(Domain::to_string))),
        ("Record", text(verdict.record_domain.as_ref().map(Domain::to_string))),
        ("Aligned", aligned.join(" ")),
        ("Near", near.join(" ")),
        ("Authentic", verdict.authentic.to_string()),
        ("Testing", verdict.testing.to_string()),
        ("Rua", rua.join(" ")),
        ("Asked", asked.join(" ")),
    ];
    for (key, found) in facts {
        if let Some(expected) = case.optional(key) {
            expect(key, &found, expected)?;
        }
    }
    // Part of the text of the cause: it names what was found.
    if let Some(expected) = case.optional("Cause") {
        let found = verdict.cause.as_ref().map(ToString::to_string).unwrap_or_default();
        if !found.contains(&expected) {
            return Err(format!("cause: expected {expected:?} in {found:?}"));
        }
    }
    Ok(())
}

fn expect(key: &str, found: &str, expected: String) -> Result<(), String> {
    if found == expected {
        Ok(())
    } else {
        Err(format!("{key}: expected {expected}, found {found}"))
    }
}

/// `Spf = DOMAIN RESULT` and `Dkim = DOMAIN RESULT [testing]`.
fn identifiers(case: &mut Stanza) -> Identifiers {
    let read = |line: &str| {
        let mut words = line.split(' ');
        let domain = Domain::parse(words.next().unwrap().as_bytes()).unwrap();
        let result = match words.next().unwrap() {
            "pass" => IdentifierResult::Pass,
            "temperror" => IdentifierResult::TempError,
            "fail" => IdentifierResult::NoPass,
            other => panic!("{}: unknown result {other}", line),
        };
        (domain, result, words.next() == Some("testing"))
    };
    let spf = case.optional("Spf").map(|line| {
        let (domain, result, _) = read(&line);
        SpfIdentifier { domain, result }
    });
    let dkim = case.all("Dkim").into_iter().map(|line| {
        let (domain, result, testing) = read(&line);
        DkimIdentifier { domain, result, testing }
    });
    Identifiers { spf, dkim: dkim.collect() }
}

pub(crate) fn candidates(identifiers: &Identifiers) -> Candidates {
    Candidates {
        spf: identifiers.spf.as_ref().map(|spf| spf.domain.clone()),
        dkim: identifiers.dkim.iter().map(|dkim| dkim.domain.clone()).collect(),
    }
}

/// What holds for every verdict.
pub(crate) fn is_sound(verdict: &Verdict) -> Result<(), String> {
    use DmarcResult::{Fail, None, Pass, PermError, TempError};
    let passed = verdict.result == Pass;
    let rules = [
        ("a pass has no cause and all else has one", passed == verdict.cause.is_none()),
        (
            "the cause gives the result",
            verdict.cause.as_ref().is_none_or(|c| c.result() == verdict.result),
        ),
        ("a pass is aligned", passed == (verdict.spf_aligned || verdict.dkim_aligned)),
        ("a pass is left alone", !passed || verdict.disposition == Some(dmarc::Policy::None)),
        (
            "no policy without a decision",
            !matches!(verdict.result, None | TempError | PermError)
                || (verdict.policy.is_none() && verdict.disposition.is_none()),
        ),
        (
            "a fail has a policy and asks for no more",
            verdict.result != Fail
                || verdict.disposition.is_some_and(|d| Some(d) <= verdict.policy),
        ),
        ("a policy has its tag", verdict.policy.is_some() == verdict.policy_tag.is_some()),
        (
            "the record is one, and so is what is shown of it",
            verdict.record.as_ref().is_none_or(|published| {
                let shown = published.to_string();
                [published.as_bytes(), shown.as_bytes()]
                    .iter()
                    .all(|text| Record::parse(text) == Ok(published.record()))
            }),
        ),
        (
            "doubt about the author is never none",
            !matches!(verdict.cause, Some(Cause::Author(_))) || verdict.result == PermError,
        ),
    ];
    match rules.into_iter().find(|(_, holds)| !holds) {
        Some((rule, _)) => Err(format!("broken: {rule}: {verdict:?}")),
        Option::None => Ok(()),
    }
}

const AUTHOR: &str = "b.a.victim.co.example";
const DOMAINS: [&str; 7] = [
    AUTHOR,
    "a.victim.co.example",
    "victim.co.example",
    "c.victim.co.example",
    "d.b.a.victim.co.example",
    "co.example",
    "other.co.example",
];

/// Records that keep a removal from raising anything: all relaxed, without psd=.
const PLAIN: [&str; 4] = [
    "v=DMARC1; p=reject; sp=none; np=quarantine",
    "v=DMARC1; p=none; rua=mailto:a@x.example",
    "v=DMARC1; p=bad",
    "v=spf1 -all",
];

const ALL: [&str; 9] = [
    PLAIN[0],
    PLAIN[1],
    PLAIN[2],
    PLAIN[3],
    "v=DMARC1; p=reject; psd=y",
    "v=DMARC1; p=quarantine; psd=n; t=y",
    "v=DMARC1; p=reject; adkim=s; aspf=s",
    "v=DMARC1; p=bad; psd=y",
    "v=DMARC1; p=reject\"\n_dmarc.NAME TXT \"v=DMARC1; p=none",
];

/// The zone with the records at the names of their places.
fn zone_of(records: &[(usize, usize)], texts: &[&str], failed: Option<&str>) -> Zone {
    let names = [
        "example",
        "co.example",
        "victim.co.example",
        "a.victim.co.example",
        AUTHOR,
        "d.b.a.victim.co.example",
        "c.victim.co.example",
    ];
    let mut lines = Vec::new();
    for (name, text) in records {
        let name = names[name % names.len()];
        lines.push(format!(
            "_dmarc.{name} TXT \"{}\"",
            texts[text % texts.len()].replace("NAME", name)
        ));
    }
    lines.extend(failed.map(|name| format!("{name} !SERVFAIL")));
    lines.join("\n").parse().unwrap()
}

fn evaluate(zone: Zone, identifiers: &Identifiers) -> (Verdict, Vec<String>) {
    let author = AuthorDomain::of(&Header::parse(format!("From: a@{AUTHOR}\r\n").as_bytes()));
    let resolver = Asked::new(zone);
    let options = dmarc::Options::default();
    let lookups = block_on(dmarc::lookups(author, &candidates(identifiers), &options, &resolver));
    let verdict = lookups.evaluate(identifiers);
    is_sound(&verdict).unwrap();
    (verdict, resolver.names())
}

fn identifier() -> impl Strategy<Value = (Domain, IdentifierResult)> {
    let results = [IdentifierResult::Pass, IdentifierResult::NoPass, IdentifierResult::TempError];
    (prop::sample::select(&DOMAINS), prop::sample::select(results.to_vec()))
        .prop_map(|(domain, result)| (Domain::parse(domain.as_bytes()).unwrap(), result))
}

fn some_identifiers() -> impl Strategy<Value = Identifiers> {
    let dkim = prop::collection::vec((identifier(), any::<bool>()), 0..4);
    (prop::option::of(identifier()), dkim).prop_map(|(spf, dkim)| Identifiers {
        spf: spf.map(|(domain, result)| SpfIdentifier { domain, result }),
        dkim: dkim
            .into_iter()
            .map(|((domain, result), testing)| DkimIdentifier { domain, result, testing })
            .collect(),
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..Default::default() })]

    /// An answer that did not come never turns anything into a pass, and never into none.
    #[test]
    fn a_lookup_error_raises_nothing(
        records in prop::collection::vec((0_usize..7, 0_usize..9), 0..6),
        identifiers in some_identifiers(),
        failed in 0_usize..16,
    ) {
        let (before, asked) = evaluate(zone_of(&records, &ALL, None), &identifiers);
        prop_assume!(!asked.is_empty());
        let failed = &asked[failed % asked.len()];
        let (after, _) = evaluate(zone_of(&records, &ALL, Some(failed)), &identifiers);
        prop_assert!(after.result != DmarcResult::Pass || before.result == DmarcResult::Pass);
        prop_assert!(after.result != DmarcResult::None || before.result == DmarcResult::None);
    }

    /// A record that is taken away never turns anything into a pass. (One with psd= or strict alignment
    /// keeps domains apart, which RFC 9989 wants to end with it.)
    #[test]
    fn a_removed_record_raises_nothing(
        records in prop::collection::hash_map(0_usize..7, 0_usize..4, 1..6),
        identifiers in some_identifiers(),
        removed in 0_usize..6,
    ) {
        let mut records: Vec<_> = records.into_iter().collect();
        let (before, _) = evaluate(zone_of(&records, &PLAIN, None), &identifiers);
        records.swap_remove(removed % records.len());
        let (after, _) = evaluate(zone_of(&records, &PLAIN, None), &identifiers);
        prop_assert!(after.result != DmarcResult::Pass || before.result == DmarcResult::Pass);
    }

    /// RFC 9989 section 4.10: at most 8 questions for a walk, and one for np=.
    #[test]
    fn questions_are_as_few_as_promised(
        records in prop::collection::vec((0_usize..7, 0_usize..9), 0..6),
        identifiers in some_identifiers(),
    ) {
        let (verdict, asked) = evaluate(zone_of(&records, &ALL, None), &identifiers);
        let mut walked: Vec<_> =
            verdict.alignments.iter().filter(|a| a.domain.as_str() != AUTHOR).map(|a| &a.domain).collect();
        walked.sort();
        walked.dedup();
        prop_assert!(asked.len() <= 9 + 8 * walked.len());
        // Without identifiers only the author's own walk is made: here of 5 labels.
        let (_, alone) = evaluate(zone_of(&records, &ALL, None), &Identifiers::default());
        prop_assert!(alone.len() <= 6);
    }

    /// A printed record is the same record.
    #[test]
    fn records_print_and_parse_back(
        tags in prop::collection::vec((
            prop::sample::select(&["p", "sp", "np", "adkim", "aspf", "psd", "t", "fo", "rua", "ruf", "pct", "x", "v"]),
            prop::sample::select(&[
                "none", "Quarantine", "reject", "r", "S", "y", "n", "U", "0", "1:d:s", "d", "0:1", "",
                "mailto:a@x.example", "mailto:a@x.example!10m, https://y", "mailto:,,a b", "\u{e9}",
            ]),
        ), 0..8),
        tail in "[ -~]{0,20}",
    ) {
        let tags: Vec<_> = tags.iter().map(|(name, value)| format!("; {name}={value}")).collect();
        let text = format!("v=DMARC1{}{}", tags.concat(), tail);
        if let Ok(record) = Record::parse(text.as_bytes()) {
            let printed = record.to_string();
            prop_assert_eq!(Record::parse(printed.as_bytes()), Ok(record));
            prop_assert_eq!(Record::parse(printed.as_bytes()).unwrap().to_string(), printed);
        }
    }
}
