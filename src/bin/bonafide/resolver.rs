//! Where the command's answers come from.

use std::path::Path;
use std::sync::Arc;

use bonafide::adapter::hickory::{Dnssec, Hickory};
use bonafide::dns::{AnyResolver, Zone};
use tokio::runtime::Runtime;

use crate::Failure;
use crate::arguments::{self, Dns, Source};

/// The resolver, and the runtime that it lives on.
pub(crate) fn start(dns: &Dns) -> Result<(Runtime, AnyResolver), Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::Io(format!("cannot start the runtime: {error}")))?;
    // hickory finds its runtime when it is made.
    let guard = runtime.enter();
    let resolver = open(dns)?;
    drop(guard);
    Ok((runtime, resolver))
}

fn open(dns: &Dns) -> Result<AnyResolver, Failure> {
    let dnssec = match dns.dnssec {
        arguments::Dnssec::Trust => Dnssec::TrustServer,
        arguments::Dnssec::Unused => Dnssec::Unused,
        arguments::Dnssec::Validate => Dnssec::Validate(Arc::default()),
    };
    match &dns.source {
        Source::Zone(path) => zone(path).map(AnyResolver::new),
        Source::Server(address) => Hickory::for_server_with(*address, dnssec)
            .map(AnyResolver::new)
            .map_err(|error| Failure::Io(format!("cannot use the DNS server {address}: {error}"))),
        Source::System => Hickory::from_system_conf_with(dnssec)
            .map(AnyResolver::new)
            .map_err(|error| Failure::Io(format!("cannot use the DNS of the system: {error}"))),
    }
}

fn zone(path: &Path) -> Result<Zone, Failure> {
    let name = path.display();
    let text =
        std::fs::read(path).map_err(|error| Failure::Io(format!("cannot read {name}: {error}")))?;
    Zone::parse(&text).map_err(|error| Failure::Io(format!("cannot read {name}: {error}")))
}
