//! What several tests share.

pub(crate) mod attacks;
#[cfg(feature = "hickory")]
pub(crate) mod dns_faults;
#[cfg(any(feature = "hickory", feature = "wire"))]
pub(crate) mod dns_server;
#[cfg(feature = "https")]
pub(crate) mod https_server;
pub(crate) mod octets;
#[cfg(feature = "hickory")]
pub(crate) mod signed_dns;
pub(crate) mod stanzas;

use std::path::{Path, PathBuf};

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
