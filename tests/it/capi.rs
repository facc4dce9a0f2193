//! The C ABI as far as it can be seen from Rust; `tests/c` has the rest.

use std::collections::BTreeSet;
use std::fs;

use bonafide::capi::*;

use crate::support::project;

fn header() -> String {
    fs::read_to_string(project("include/bonafide.h")).unwrap()
}

/// The version of the header is the crate's.
#[test]
fn version_macros_are_those_of_the_crate() {
    let header = header();
    let version = env!("CARGO_PKG_VERSION");
    let parts = [
        ("VERSION", format!("\"{version}\"")),
        ("VERSION_MAJOR", env!("CARGO_PKG_VERSION_MAJOR").to_owned()),
        ("VERSION_MINOR", env!("CARGO_PKG_VERSION_MINOR").to_owned()),
        ("VERSION_PATCH", env!("CARGO_PKG_VERSION_PATCH").to_owned()),
        ("ABI_VERSION", bonafide_abi_version().to_string()),
    ];
    for (name, value) in parts {
        let line = format!("#define BONAFIDE_{name} {value}\n");
        assert!(header.contains(&line), "expected {line}");
    }
}

/// The header has each function of the library, each enumeration and each of its numbers.
#[test]
fn the_header_has_all_that_the_library_has() {
    let header = header();
    let mut functions = BTreeSet::new();
    for entry in fs::read_dir(project("src/capi")).unwrap() {
        let text = fs::read_to_string(entry.unwrap().path()).unwrap();
        for line in text.lines() {
            if let Some((_, rest)) = line.split_once("extern \"C\" fn ") {
                functions.insert(rest.split('(').next().unwrap().to_owned());
            }
            let is_number = line.split_once(" = ").is_some_and(|(_, value)| {
                value.strip_suffix(',').is_some_and(|value| value.parse::<i32>().is_ok())
            });
            if is_number {
                let number = format!("  {}\n", line.trim());
                assert!(header.contains(&number), "{number} is absent");
            }
        }
    }
    assert!(functions.len() > 60, "only {functions:?}");
    for function in functions {
        assert!(header.contains(&format!("{function}(")), "{function} is absent");
    }
}

/// Handles may go from thread to thread, and those that say so may be read by several at once.
#[test]
fn handles_keep_the_thread_rules() {
    fn send<T: Send>() {}
    fn sync<T: Sync>() {}
    send::<bonafide_authenticator>();
    send::<bonafide_evaluation>();
    send::<bonafide_mta_sts>();
    send::<bonafide_report>();
    send::<bonafide_session>();
    send::<bonafide_signer>();
    send::<bonafide_signing>();
    send::<bonafide_strip>();
    sync::<bonafide_authenticator>();
    sync::<bonafide_mta_sts>();
    sync::<bonafide_signer>();
}
