//! Where the command's answers come from.

use std::path::Path;

use bonafide::adapter::hickory::Hickory;
use bonafide::dns::{AnyResolver, Zone};

use crate::Failure;
use crate::arguments::Dns;

pub(crate) fn open(dns: &Dns) -> Result<AnyResolver, Failure> {
    match dns {
        Dns::Zone(path) => zone(path).map(AnyResolver::new),
        Dns::Server(address) => Hickory::for_server(*address)
            .map(AnyResolver::new)
            .map_err(|error| Failure::Io(format!("cannot use the DNS server {address}: {error}"))),
        Dns::System => Hickory::from_system_conf()
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
