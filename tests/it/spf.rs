//! SPF against the public suite, which lies outside the project, and against vectors.

use std::fmt::Write as _;
use std::fs;
use std::sync::Arc;

use bonafide::dns::{Resolver, Zone};
use bonafide::evaluation::{Evaluation, Request, Response};
use bonafide::spf::{self, MacroString, MacroValues, MailFromVerdict, Query, Record, SpfResult};
use bonafide::{UnixTime, block_on};
use saphyr::{LoadableYamlNode, Yaml};

use crate::support::octets::{escape, octets, unescape};
use crate::support::stanzas::{self, Stanza};
use crate::support::{outside, project};

pub(crate) const NOW: UnixTime = UnixTime(1_795_478_400);

/// A case of the suite of openspf.org for RFC 7208.
pub(crate) struct Case {
    pub(crate) name: String,
    /// The zone of the case's scenario, in the format of `dns::Zone`.
    pub(crate) zone: String,
    ip: String,
    helo: Vec<u8>,
    mail_from: Vec<u8>,
    results: Vec<String>,
    explanation: Option<String>,
}

/// All cases, or `None` if the suite is not there.
pub(crate) fn suite() -> Option<Vec<Case>> {
    let folder = outside("BONAFIDE_SUITES", "../shared/suites")?;
    let text = fs::read_to_string(folder.join("openspf/rfc7208-tests.yml")).unwrap();
    let mut cases = Vec::new();
    for scenario in Yaml::load_from_str(&text).unwrap() {
        let zone = zone(&scenario);
        for (name, case) in scenario.as_mapping_get("tests").unwrap().as_mapping().unwrap() {
            let text = |key: &str| case.as_mapping_get(key).map(scalar);
            let results = match case.as_mapping_get("result").unwrap().as_sequence() {
                Some(results) => results.iter().map(scalar).collect(),
                None => vec![text("result").unwrap()],
            };
            cases.push(Case {
                name: scalar(name),
                zone: zone.clone(),
                ip: text("host").unwrap(),
                helo: octets(&text("helo").unwrap()),
                mail_from: octets(&text("mailfrom").unwrap()),
                results,
                explanation: text("explanation"),
            });
        }
    }
    Some(cases)
}

fn scalar(value: &Yaml<'_>) -> String {
    match value.as_integer() {
        Some(number) => number.to_string(),
        None => value.as_str().unwrap_or_else(|| panic!("{value:?} is no text")).to_owned(),
    }
}

/// The `zonedata` of a scenario. A row of type SPF stands for one of type TXT, unless the name has
/// those; TIMEOUT answers the types that the name does not have.
fn zone(scenario: &Yaml<'_>) -> String {
    const TYPES: [&str; 5] = ["A", "AAAA", "MX", "PTR", "TXT"];
    let mut text = String::new();
    for (name, rows) in scenario.as_mapping_get("zonedata").unwrap().as_mapping().unwrap() {
        let name = escape(&scalar(name)).replace(' ', "\\032");
        let rows = rows.as_sequence().unwrap();
        let pairs = || {
            let pairs = rows.iter().filter_map(|row| row.as_mapping()?.iter().next());
            pairs.map(|(kind, value)| (scalar(kind), value))
        };
        let has_txt = pairs().any(|(kind, _)| kind == "TXT");
        let mut kinds = Vec::new();
        for (kind, value) in pairs() {
            let kind = match kind.as_str() {
                "SPF" if has_txt => continue,
                "SPF" => "TXT".to_owned(),
                "TXT" if value.as_str() == Some("NONE") => continue,
                _ => kind,
            };
            let data = match (kind.as_str(), value.as_sequence()) {
                ("TXT", None) => format!("\"{}\"", escape(&scalar(value))),
                ("TXT", Some(strings)) => {
                    let quoted = strings.iter().map(|s| format!("\"{}\"", escape(&scalar(s))));
                    quoted.collect::<Vec<_>>().join(" ")
                }
                ("MX", Some(parts)) => match scalar(&parts[1]).as_str() {
                    "" => format!("{} .", scalar(&parts[0])),
                    host => format!("{} {}", scalar(&parts[0]), escape(host).replace(' ', "\\032")),
                },
                _ => escape(&scalar(value)).replace(' ', "\\032"),
            };
            writeln!(text, "{name} {kind} {data}").unwrap();
            kinds.push(kind);
        }
        if rows.iter().any(|row| row.as_str() == Some("TIMEOUT")) {
            for kind in TYPES.iter().filter(|kind| !kinds.iter().any(|k| k == *kind)) {
                writeln!(text, "{name} !TIMEOUT {kind}").unwrap();
            }
        }
    }
    text
}

impl Case {
    pub(crate) fn query(&self) -> Query<'_> {
        Query::new(self.ip.parse().unwrap(), &self.helo, &self.mail_from)
    }

    pub(crate) fn check(&self, verdict: &MailFromVerdict) -> Result<(), String> {
        let result = verdict.result.to_string();
        if !self.results.contains(&result) {
            return Err(format!("{}: expected {:?}, found {}", self.name, self.results, **verdict));
        }
        let Some(expected) = &self.explanation else {
            return Ok(());
        };
        // DEFAULT is the receiver's own text: none here.
        let expected = Some(expected.as_str()).filter(|text| *text != "DEFAULT");
        let found = verdict.explanation.as_ref().map(|explanation| explanation.text());
        // The suite prints nibbles in upper case, the RFC in lower case.
        let same = match (expected, found) {
            (Some(expected), Some(found)) if self.name == "v-macro-ip6" => {
                expected.eq_ignore_ascii_case(found)
            }
            (expected, found) => expected == found,
        };
        if same {
            return Ok(());
        }
        Err(format!("{}: expected explanation {expected:?}, found {found:?}", self.name))
    }
}

#[test]
fn suite_in_memory() {
    let Some(cases) = suite() else {
        println!("spf suite: NOT RUN (set BONAFIDE_SUITES)");
        return;
    };
    let mut failures = Vec::new();
    for case in &cases {
        let zone: Zone =
            case.zone.parse().unwrap_or_else(|error| panic!("{error} in {}", case.zone));
        let options = spf::Options::default();
        let query = case.query();
        let check = spf::check_mail_from(&query, &options, &zone, NOW);
        failures.extend(case.check(&block_on(check)).err());
    }
    println!("spf suite: {}/{}", cases.len() - failures.len(), cases.len());
    assert!(cases.len() >= 203 && failures.is_empty(), "{}", failures.join("\n"));
}

/// The same through packets and sockets. A TXT record without strings is nothing that a packet holds.
#[cfg(feature = "hickory")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn suite_over_dns() {
    use std::collections::HashMap;
    use std::time::Duration;

    use crate::support::dns_server::{DnsServer, Manners};

    let Some(cases) = suite() else {
        println!("spf suite over DNS: NOT RUN (set BONAFIDE_SUITES)");
        return;
    };
    let mut servers = HashMap::new();
    let mut checks = Vec::new();
    for case in cases.into_iter().filter(|case| case.name != "null-text") {
        let server = servers.entry(case.zone.clone()).or_insert_with_key(|zone| {
            let server = DnsServer::start(zone, Manners::default());
            let resolver = crate::hickory::resolver(server.address(), Duration::from_secs(2));
            (server, Arc::new(resolver))
        });
        let resolver = Arc::clone(&server.1);
        checks.push(tokio::spawn(async move {
            let options = spf::Options::default();
            case.check(&spf::check_mail_from(&case.query(), &options, &resolver, NOW).await)
        }));
    }
    let count = checks.len();
    let mut failures = Vec::new();
    for check in checks {
        failures.extend(check.await.unwrap().err());
    }
    println!("spf suite over DNS: {}/{count}", count - failures.len());
    assert!(count >= 202 && failures.is_empty(), "{}", failures.join("\n"));
}

/// What is no record, and where.
#[test]
fn records() {
    stanzas::run(&project("test-vectors/spf/records.txt"), |case| {
        let text = unescape(&case.consume("Record"));
        match Record::parse(&text) {
            Ok(record) => {
                let printed = record.to_string();
                expect("Terms", printed.strip_prefix("v=spf1").unwrap().trim(), case)?;
                let report = record.report_request().map_or_else(
                    || "none".to_owned(),
                    |request| {
                        format!("{} {} {}", request.local_part, request.percent, request.results)
                    },
                );
                expect_if_there("Report", &report, case)?;
                match Record::parse(printed.as_bytes()) {
                    Ok(again) if again == record => Ok(()),
                    other => Err(format!("{printed} reads as {other:?}")),
                }
            }
            Err(error) => {
                let kind = format!("{:?}", error.kind).replace(['(', ')'], " ");
                let kind = kind.split(" {").next().unwrap().trim().to_owned();
                expect("Error", &kind, case).map_err(|text| format!("{text}: {error}"))?;
                expect("Offset", &error.offset.to_string(), case)
            }
        }
    });
}

/// The examples of RFC 7208 section 7.4, and the rules of section 7.3.
#[test]
fn macros() {
    stanzas::run(&project("test-vectors/spf/macros.txt"), |case| {
        let local_part =
            case.optional("LocalPart").map_or_else(|| b"strong-bad".to_vec(), |l| unescape(&l));
        let ip = case.optional("Ip").unwrap_or_else(|| "192.0.2.3".to_owned());
        let mut values = MacroValues::new(&local_part, b"email.example.com", ip.parse().unwrap());
        values.validated_name = b"mx.example.org";
        values.helo = b"mail.example.org";
        values.receiver = b"mx.example.net";
        values.now = NOW;
        let text = case.consume("Macro");
        let parsed = match case.optional("Explanation") {
            Some(_) => MacroString::parse_explanation(text.as_bytes()),
            None => MacroString::parse(text.as_bytes()),
        };
        let parsed = parsed.map_err(|error| error.to_string())?;
        let expanded = String::from_utf8(parsed.expand(&values, 1000)).unwrap();
        expect("Expansion", &expanded, case)
    });
}

#[test]
fn cases() {
    stanzas::run(&project("test-vectors/spf/cases.txt"), check);
}

/// The examples of RFC 7208 appendix A.
#[test]
fn appendix_a() {
    stanzas::run(&project("test-vectors/spf/appendix_a.txt"), check);
}

fn check(case: &mut Stanza) -> Result<(), String> {
    let mut zone = case.optional("Zone").map_or_else(String::new, |name| {
        fs::read_to_string(project("test-vectors/spf").join(name)).unwrap()
    });
    for row in case.all("Row") {
        zone = zone + &row + "\n";
    }
    let zone: Zone = zone.parse().unwrap_or_else(|error| panic!("{error} in {zone}"));
    let ip = case.optional("Ip").unwrap_or_else(|| "192.0.2.1".to_owned());
    let octets =
        |value: Option<String>, default: &str| unescape(&value.unwrap_or_else(|| default.into()));
    let helo = octets(case.optional("Helo"), "mail.example.com");
    let mail_from = octets(case.optional("MailFrom"), "user@example.com");
    let query = Query::new(ip.parse().unwrap(), &helo, &mail_from);
    let mut options = spf::Options::default();
    for option in case.all("Option") {
        let (name, value) = option.split_once('=').unwrap();
        let limits = &mut options.limits;
        let limit = match name {
            "receiver" => {
                options.receiver = Some(value.to_owned());
                continue;
            }
            "explanation_octets" => &mut limits.explanation_octets,
            "lookups" => &mut limits.lookups,
            "mx" => &mut limits.mx,
            "ptr" => &mut limits.ptr,
            "questions" => &mut limits.questions,
            "record_octets" => &mut limits.record_octets,
            "void_lookups" => &mut limits.void_lookups,
            other => return Err(format!("unknown option {other}")),
        };
        *limit = value.parse().unwrap();
    }
    let verdicts = block_on(spf::check_host(&query, &options, &zone, NOW));
    let verdict = &verdicts.mail_from;
    expect("Result", &verdict.result.to_string(), case)
        .map_err(|text| format!("{text}: {}", **verdict))?;
    let matched = verdict.matched.as_ref();
    let names = |names: &[bonafide::dns::Name]| {
        names.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
    };
    let number = |number: Option<u32>| number.map_or_else(|| "none".to_owned(), |n| n.to_string());
    let facts = [
        ("Authentic", verdict.authentic.to_string()),
        ("Domain", verdict.domain.as_ref().map(ToString::to_string).unwrap_or_default()),
        (
            "Explanation",
            verdict.explanation.as_ref().map(|e| e.text().to_owned()).unwrap_or_default(),
        ),
        ("IncludedBy", matched.map(|m| names(&m.included_by)).unwrap_or_default()),
        ("Lifetime", number(verdict.lifetime)),
        ("Lookups", verdict.lookups.to_string()),
        ("Matched", matched.map(|m| m.term.clone()).unwrap_or_default()),
        ("PassesEveryone", verdict.passes_everyone().to_string()),
        ("Prefix", number(matched.and_then(|m| m.prefix).map(u32::from))),
        ("Questions", verdict.questions.to_string()),
        ("Record", matched.map(|m| m.record.to_string()).unwrap_or_default()),
        ("VoidLookups", verdict.void_lookups.to_string()),
    ];
    for (key, found) in facts {
        expect_if_there(key, &found, case)?;
    }
    // Part of the text of the cause: it names what was found.
    if let Some(expected) = case.optional("Cause") {
        let found = verdict.cause.as_ref().map(ToString::to_string).unwrap_or_default();
        if !found.contains(&expected) {
            return Err(format!("cause: expected {expected:?} in {found:?}"));
        }
    }
    if verdict.cause.is_some() == verdict.matched.is_some() {
        return Err(format!("either a term matched or there is a cause: {}", **verdict));
    }
    if verdict.cause.as_ref().is_some_and(|cause| cause.result() == SpfResult::Pass) {
        return Err("a pass has no cause".to_owned());
    }
    // A trace shows every step and changes nothing.
    options.trace = true;
    let traced = block_on(spf::check_mail_from(&query, &options, &zone, NOW));
    let asked = traced.trace.iter().flatten();
    let asked = asked.filter(|event| matches!(event.step, spf::Step::Lookup { .. })).count();
    if traced.to_string() != verdict.to_string() || asked > verdict.questions {
        return Err(format!("with a trace: {}", *traced));
    }
    Ok(())
}

fn expect(key: &str, found: &str, case: &mut Stanza) -> Result<(), String> {
    let expected = case.consume(key);
    if found == expected {
        Ok(())
    } else {
        Err(format!("{key}: expected {expected}, found {found}"))
    }
}

fn expect_if_there(key: &str, found: &str, case: &mut Stanza) -> Result<(), String> {
    match case.optional(key) {
        Some(expected) if found != expected => {
            Err(format!("{key}: expected {expected}, found {found}"))
        }
        _ => Ok(()),
    }
}

/// Whatever the resolver, the future may move between threads.
#[expect(clippy::manual_async_fn, reason = "an async fn says nothing of Send")]
fn check_anywhere<R: Resolver>(
    query: &Query<'_>,
    options: &spf::Options,
    resolver: &R,
) -> impl Future<Output = MailFromVerdict> + Send {
    async { spf::check_host(query, options, resolver, NOW).await.mail_from }
}

/// The same without a runtime: the check asks, and is answered in any order.
#[test]
fn suite_in_steps() {
    let Some(cases) = suite() else {
        println!("spf suite in steps: NOT RUN (set BONAFIDE_SUITES)");
        return;
    };
    let count = cases.len();
    let mut failures = Vec::new();
    for case in cases {
        let case = Arc::new(case);
        let zone: Zone = case.zone.parse().unwrap();
        let inner = Arc::clone(&case);
        let mut evaluation = Evaluation::new(|mailbox| async move {
            check_anywhere(&inner.query(), &spf::Options::default(), &mailbox).await
        });
        loop {
            let mut open: Vec<_> = std::iter::from_fn(|| evaluation.request()).collect();
            if open.is_empty() {
                break;
            }
            open.reverse();
            for (id, request) in open {
                let Request::Dns(question) = request else { panic!("{request:?}") };
                let reply = block_on(zone.lookup(&question));
                evaluation.answer(id, Response::Dns(reply)).unwrap();
            }
        }
        failures.extend(case.check(&evaluation.outcome().unwrap()).err());
    }
    println!("spf suite in steps: {}/{count}", count - failures.len());
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}
