//! Names of the DNS, made and compared as RFC 7208 has it.

use std::net::IpAddr;

use crate::dns::Name;

/// The name of a text, which the root is not.
pub(super) fn parse(dotted: &[u8]) -> Option<Name> {
    Name::parse(dotted).ok().filter(|name| !name.is_root())
}

/// The labels with dots between them, as macros take them.
pub(super) fn dotted(name: &Name) -> Vec<u8> {
    let mut text = Vec::new();
    for label in name.labels() {
        if !text.is_empty() {
            text.push(b'.');
        }
        text.extend_from_slice(label);
    }
    text
}

pub(super) fn is_equal_or_below(name: &Name, other: &Name) -> bool {
    let more = name.labels().count().checked_sub(other.labels().count());
    more.is_some_and(|more| name.labels().skip(more).eq(other.labels()))
}

/// The name below which the names of an address stand (RFC 1035 section 3.5, RFC 3596 section 2.5).
pub(super) fn reverse(ip: IpAddr) -> Name {
    let text = match ip {
        IpAddr::V4(ip) => {
            let [a, b, c, d] = ip.octets();
            format!("{d}.{c}.{b}.{a}.in-addr.arpa")
        }
        IpAddr::V6(ip) => {
            let octets = ip.octets();
            let nibbles = octets.iter().rev().flat_map(|octet| [octet & 15, octet >> 4]);
            nibbles.map(|nibble| format!("{nibble:x}.")).collect::<String>() + "ip6.arpa"
        }
    };
    // Such a name always fits.
    Name::parse(text.as_bytes()).unwrap_or(Name::ROOT)
}
