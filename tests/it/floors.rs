//! No room uses one on a floor above its own.

use std::fs;
use std::path::{Path, PathBuf};

use crate::support::project;

/// The floor of a module by its path below the crate, as ARCHITECTURE.md draws the house; the
/// longest prefix counts. The crate's root only declares and re-exports.
const FLOORS: &[(&str, usize)] = &[
    ("adapter", 4),
    ("arc", 2),
    ("arc::payload", 0),
    ("arc::set", 0),
    ("authentication_results", 0),
    ("authenticator", 3),
    ("bin", 4),
    ("canonicalization", 0),
    ("capi", 4),
    ("crypto", 1),
    ("dkim", 2),
    ("dkim::identity", 0),
    ("dkim::key", 0),
    ("dkim::signature", 0),
    ("dkim::signature_error", 0),
    ("dmarc", 2),
    ("dmarc::problem", 0),
    ("dmarc::record", 0),
    ("dmarc::report_uri", 0),
    ("dmarc::values", 0),
    ("dns", 1),
    ("domain", 0),
    ("evaluation", 3),
    ("field_list", 0),
    ("lib", 5),
    ("message", 0),
    ("octets", 0),
    ("serialize", 0),
    ("spf", 2),
    ("spf::expansion", 0),
    ("spf::macros", 0),
    ("spf::network", 0),
    ("spf::record", 0),
    ("spf::record_error", 0),
    ("spf::term", 0),
    ("mta_sts", 2),
    ("mta_sts::policy", 0),
    ("mta_sts::record", 0),
    ("tag_list", 0),
    ("time", 0),
    ("tls_rpt", 2),
    ("tls_rpt::record", 0),
    ("tls_rpt::result_type", 0),
];

/// What the root re-exports, and where it comes from: a path through the root is no way round.
const REEXPORTS: &[(&str, &str)] = &[
    ("Authenticator", "authenticator"),
    ("Domain", "domain"),
    ("DomainError", "domain"),
    ("Envelope", "authenticator"),
    ("Report", "authenticator"),
    ("Selector", "domain"),
    ("Session", "authenticator"),
    ("UnixTime", "time"),
    ("block_on", "evaluation"),
];

#[test]
fn nothing_imports_from_a_floor_above_its_own() {
    let source = project("src");
    let mut climbing = Vec::new();
    let mut paths_seen = 0;
    for file in rust_files(&source) {
        let module = module_of(file.strip_prefix(&source).unwrap());
        let floor = floor_of(&module).unwrap_or_else(|| panic!("{module} is on no floor"));
        let text = without_comments(&fs::read_to_string(&file).unwrap());
        for path in paths(&text, &module) {
            paths_seen += 1;
            if let Some(other) = floor_of(&path).filter(|other| *other > floor) {
                climbing.push(format!("{module} (floor {floor}) uses {path} (floor {other})"));
            }
            // What cryptography there is stays behind the evaluators.
            if floor == 4 && path.starts_with("crypto") {
                climbing.push(format!("{module} uses {path}, which is private"));
            }
        }
    }
    assert!(paths_seen > 50, "only {paths_seen} paths found: the test has gone blind");
    assert!(climbing.is_empty(), "{}", climbing.join("\n"));
}

/// The test sees `use` lists, paths in expressions, `super`, and re-exports of the root.
#[test]
fn paths_are_found_wherever_they_stand() {
    let text =
        "use crate::{dns::{Name, memo}, UnixTime};\nfn f() { super::key::g(); crate::block_on(h) }";
    let found: Vec<_> = paths(text, "dkim::verify").collect();
    for expected in ["dns::Name", "dns::memo", "time", "dkim::key::g", "evaluation"] {
        assert!(found.iter().any(|path| path == expected), "{expected} not in {found:?}");
    }
    assert_eq!(floor_of("dkim::signature::tests"), Some(0));
}

fn floor_of(module: &str) -> Option<usize> {
    let covers = |prefix: &str| {
        module.strip_prefix(prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
    };
    let covering = FLOORS.iter().filter(|(prefix, _)| covers(prefix));
    covering.max_by_key(|(prefix, _)| prefix.len()).map(|(_, floor)| *floor)
}

fn rust_files(directory: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(rust_files(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    files
}

fn module_of(path: &Path) -> String {
    let path = path.with_extension("");
    let mut parts: Vec<_> = path.iter().map(|part| part.to_str().unwrap()).collect();
    if parts.last() == Some(&"mod") {
        parts.pop();
    }
    parts.join("::")
}

fn without_comments(text: &str) -> String {
    let code = |line: &str| line.split("//").next().unwrap_or_default().to_owned();
    text.lines().map(code).collect::<Vec<_>>().join("\n")
}

/// Every path of the text that begins with `crate::` or `super::`, from the root of the crate.
fn paths(text: &str, module: &str) -> impl Iterator<Item = String> {
    let mut found = Vec::new();
    for (start, word) in text.match_indices("crate::").chain(text.match_indices("super::")) {
        let before = text[..start].chars().next_back();
        // The second `super` of `super::super::` belongs to the first.
        if before.is_some_and(|c| c.is_alphanumeric() || c == '_' || c == ':' || c == '$') {
            continue;
        }
        let mut base = Vec::new();
        let mut rest = &text[start..];
        if word == "super::" {
            base = module.split("::").collect();
            // A path in a module within the file stays in the file at the least.
            while let Some(behind) = rest.strip_prefix("super::") {
                base.pop();
                rest = behind;
            }
        } else {
            rest = &rest["crate::".len()..];
        }
        expand(&base.join("::"), rest, &mut found);
    }
    found.into_iter().map(|path| {
        let first = path.split("::").next().unwrap_or_default();
        let source = REEXPORTS.iter().find(|(name, _)| *name == first);
        source.map_or_else(|| path.clone(), |(_, module)| (*module).to_owned())
    })
}

/// Adds a path, or all paths of a braced list; gives back what follows.
fn expand<'t>(base: &str, text: &'t str, found: &mut Vec<String>) -> &'t str {
    let join = |base: &str, part: &str| {
        if base.is_empty() { part.to_owned() } else { format!("{base}::{part}") }
    };
    if let Some(mut rest) = text.strip_prefix('{') {
        loop {
            rest = expand(base, rest.trim_start(), found).trim_start();
            match rest.strip_prefix(',') {
                Some(behind) => rest = behind,
                None => return rest.strip_prefix('}').unwrap_or(rest),
            }
        }
    }
    let end = text.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(text.len());
    let (part, rest) = text.split_at(end);
    if part.is_empty() {
        return rest;
    }
    match rest.strip_prefix("::") {
        Some(behind) if behind.starts_with(|c: char| c.is_alphabetic() || c == '_' || c == '{') => {
            expand(&join(base, part), behind, found)
        }
        _ => {
            found.push(join(base, part));
            rest
        }
    }
}
