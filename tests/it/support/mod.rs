//! What several tests share.

#[cfg(any(feature = "hickory", feature = "wire"))]
pub(crate) mod dns_server;
#[cfg(feature = "https")]
pub(crate) mod https_server;
pub(crate) mod octets;
pub(crate) mod stanzas;

use std::path::{Path, PathBuf};

use bonafide::dns::Zone;
use serde_json::Value;

use octets::escape;

/// A file of the project, by its path from the root.
pub(crate) fn project(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// Material that lies outside the project: where the variable points, or beside the project.
/// Without it the caller says that its test was skipped; the gate counts that as a failure.
pub(crate) fn outside(variable: &str, beside: &str) -> Option<PathBuf> {
    let path = std::env::var_os(variable).map_or_else(|| project(beside), PathBuf::from);
    path.exists().then_some(path)
}

/// The `dns` of a case of the hostile corpus in the format of [`Zone`].
pub(crate) fn attack_zone(rows: &Value) -> Zone {
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
