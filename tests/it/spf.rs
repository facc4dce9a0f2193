//! SPF against the public suite, which lies outside the project, and against vectors.

use std::fmt::Write as _;
use std::fs;

use bonafide::spf::{self, MailFromVerdict, Query};
use bonafide::{UnixTime, block_on};
use saphyr::{LoadableYamlNode, Yaml};

use crate::support::octets::{escape, octets};
use crate::support::outside;

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
        let zone: bonafide::dns::Zone =
            case.zone.parse().unwrap_or_else(|error| panic!("{error} in {}", case.zone));
        let options = spf::Options::default();
        let query = case.query();
        let check = spf::check_mail_from(&query, &options, &zone, NOW);
        failures.extend(case.check(&block_on(check)).err());
    }
    println!("spf suite: {}/{}", cases.len() - failures.len(), cases.len());
    assert!(cases.len() >= 203 && failures.is_empty(), "{}", failures.join("\n"));
}
