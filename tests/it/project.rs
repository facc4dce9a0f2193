//! What the project says of itself is true.

use std::fs;
use std::process::Command;

use serde_json::Value;

use crate::support::project;

/// No dependency of the library asks for a newer Rust than the crate itself.
#[test]
fn dependencies_keep_the_minimum_rust_version() {
    let version = Command::new("rustc").arg("-vV").output().unwrap();
    let version = String::from_utf8(version.stdout).unwrap();
    let host = version.lines().find_map(|line| line.strip_prefix("host: ")).unwrap();
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version=1", "--locked", "--all-features"])
        .args(["--filter-platform", host])
        .current_dir(project(""))
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: Value = serde_json::from_slice(&output.stdout).unwrap();
    let version = |package: &Value| -> [u32; 3] {
        let text = package["rust_version"].as_str().unwrap_or("0");
        let mut parts = text.split('.').map(|part| part.parse().unwrap());
        [(); 3].map(|()| parts.next().unwrap_or(0))
    };
    let packages = metadata["packages"].as_array().unwrap();
    let own = packages.iter().find(|package| package["name"] == "bonafide").unwrap();
    let used = used_by_the_library(&metadata, own["id"].as_str().unwrap());
    assert!(used.len() > 40, "only {} packages found", used.len());
    for package in packages.iter().filter(|package| used.contains(&package["id"].as_str().unwrap()))
    {
        assert!(
            version(package) <= version(own),
            "{} {}",
            package["name"],
            package["rust_version"]
        );
    }
    let readme = fs::read_to_string(project("README.md")).unwrap();
    let stated = format!("version is {}", own["rust_version"].as_str().unwrap());
    assert!(readme.contains(&stated), "the README does not say: {stated}");
}

fn used_by_the_library<'m>(metadata: &'m Value, root: &'m str) -> Vec<&'m str> {
    let nodes = metadata["resolve"]["nodes"].as_array().unwrap();
    let mut used = vec![root];
    let mut next = 0;
    while let Some(id) = used.get(next) {
        let node = nodes.iter().find(|node| node["id"] == *id).unwrap();
        for dependency in node["deps"].as_array().unwrap() {
            let kinds = dependency["dep_kinds"].as_array().unwrap();
            let id = dependency["pkg"].as_str().unwrap();
            if kinds.iter().any(|kind| kind["kind"].is_null()) && !used.contains(&id) {
                used.push(id);
            }
        }
        next += 1;
    }
    used
}

/// The README lists every feature, and no other.
#[test]
fn readme_lists_the_features() {
    let manifest = fs::read_to_string(project("Cargo.toml")).unwrap();
    let (_, features) = manifest.split_once("[features]\n").unwrap();
    let (features, _) = features.split_once("\n[").unwrap();
    let names = features.lines().filter_map(|line| Some(line.split_once(" = ")?.0));
    let mut names: Vec<_> =
        names.filter(|name| *name != "default" && !name.starts_with('#')).collect();
    let readme = fs::read_to_string(project("README.md")).unwrap();
    let rows = readme.lines().filter_map(|line| line.strip_prefix("| `")?.split_once('`'));
    let mut listed: Vec<_> = rows.map(|(name, _)| name).collect();
    names.sort_unstable();
    listed.sort_unstable();
    assert_eq!(names, listed);
}

#[test]
fn the_map_fits_on_a_few_screens() {
    assert!(fs::read_to_string(project("ARCHITECTURE.md")).unwrap().lines().count() < 150);
    for example in fs::read_dir(project("examples")).unwrap() {
        let path = example.unwrap().path();
        // Those in C are longer: they handle each error by hand.
        if path.is_dir() {
            continue;
        }
        assert!(fs::read_to_string(path).unwrap().lines().count() < 80);
    }
}
