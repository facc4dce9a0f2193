//! The hostile corpus, which lies outside the project: `BONAFIDE_ATTACKS` or `../shared/attacks`.

use std::fs;
use std::time::Instant;

use bonafide::UnixTime;
use bonafide::dns::Zone;
use serde_json::Value;

use super::octets::escape;
use super::outside;

/// One case of the corpus.
pub(crate) struct Case {
    /// What the manifest says of it.
    pub(crate) json: Value,
    pub(crate) file: Vec<u8>,
    pub(crate) now: UnixTime,
}

impl Case {
    pub(crate) fn area(&self) -> &str {
        self.json["area"].as_str().unwrap()
    }

    pub(crate) fn expected(&self) -> &Value {
        &self.json["expected"]
    }

    pub(crate) fn input(&self, key: &str) -> &str {
        self.json["inputs"][key].as_str().unwrap()
    }

    /// What the DNS says, in the format of [`Zone`].
    pub(crate) fn zone(&self) -> Zone {
        zone(&self.json["inputs"]["dns"])
    }

    /// The limits of the case that were exceeded; those of time are for a release build on a machine of
    /// its own.
    pub(crate) fn exceeded(&self, started: Instant, questions: usize) -> Vec<String> {
        let limits = &self.json["limits"];
        let mut exceeded = Vec::new();
        for limit in ["max_dns_queries", "max_dmarc_queries"] {
            if limits[limit].as_u64().is_some_and(|most| questions as u64 > most) {
                exceeded
                    .push(format!("asked {questions} times, expected {limit} {}", limits[limit]));
            }
        }
        let allowance = if cfg!(debug_assertions) { 20 } else { 2 };
        let most = u128::from(limits["max_ms"].as_u64().unwrap_or(1000) * allowance);
        let milliseconds = started.elapsed().as_millis();
        if milliseconds > most {
            exceeded.push(format!("took {milliseconds} ms, expected at most {most}"));
        }
        exceeded
    }
}

/// Checks every case of some areas, prints the score and fails unless all are right; fewer than `least`
/// are a mistake of the test. Without the corpus it says that it did not run.
pub(crate) fn run(
    name: &str,
    areas: &[&str],
    least: usize,
    mut check: impl FnMut(&Case) -> Vec<String>,
) {
    let Some(folder) = outside("BONAFIDE_ATTACKS", "../shared/attacks") else {
        println!("attacks {name}: NOT RUN (set BONAFIDE_ATTACKS)");
        return;
    };
    let manifest = fs::read(folder.join("manifest.json")).unwrap();
    let manifest: Value = serde_json::from_slice(&manifest).unwrap();
    let (mut count, mut wrong, mut failures) = (0, 0, Vec::new());
    for json in manifest["cases"].as_array().unwrap() {
        if !areas.contains(&json["area"].as_str().unwrap()) {
            continue;
        }
        count += 1;
        let file = fs::read(folder.join(json["file"].as_str().unwrap())).unwrap();
        let now = json["inputs"]["now"].as_u64().or_else(|| manifest["now_default"].as_u64());
        let found = check(&Case { json: json.clone(), file, now: UnixTime(now.unwrap()) });
        wrong += usize::from(!found.is_empty());
        failures.extend(found.iter().map(|f| format!("{}: {f} ({})", json["id"], json["why"])));
    }
    println!("attacks {name}: {}/{count}", count - wrong);
    assert!(count >= least && failures.is_empty(), "{}", failures.join("\n"));
}

fn zone(rows: &Value) -> Zone {
    let mut text = String::new();
    for row in rows.as_array().unwrap() {
        let (name, kind) = (row[0].as_str().unwrap(), row[1].as_str().unwrap());
        let name = escape(name).replace(' ', "\\032");
        match kind {
            "SERVFAIL" | "TIMEOUT" | "NXDOMAIN" => text += &format!("{name} !{kind}\n"),
            "TXT" => {
                let strings = match &row[2] {
                    Value::String(string) => vec![string.as_str()],
                    list => list.as_array().unwrap().iter().map(|s| s.as_str().unwrap()).collect(),
                };
                let quoted: Vec<_> = strings.iter().map(|s| format!("\"{}\"", escape(s))).collect();
                text += &format!("{name} TXT {}\n", quoted.join(" "));
            }
            _ => text += &format!("{name} {kind} {}\n", row[2].as_str().unwrap()),
        }
    }
    text.parse().unwrap_or_else(|error| panic!("{error} in {text}"))
}
