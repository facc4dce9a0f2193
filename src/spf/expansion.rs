//! What macros expand to, RFC 7208 sections 7.2 and 7.3.

use std::fmt::{self, Write as _};
use std::net::IpAddr;

use super::macros::{Macro, delimiter_bit};
use crate::time::UnixTime;

/// Octets of values that are looked at for one expansion, whatever is kept of them.
const MAXIMUM_VALUE_OCTETS: usize = 1 << 18;

/// What macros expand to, [RFC 7208 section 7.2](https://www.rfc-editor.org/rfc/rfc7208#section-7.2).
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct MacroValues<'a> {
    /// `%{l}`: the local-part of the sender.
    pub local_part: &'a [u8],
    /// `%{o}`: the domain of the sender.
    pub sender_domain: &'a [u8],
    /// `%{d}`: the domain whose record is evaluated.
    pub domain: &'a [u8],
    /// `%{i}`, `%{c}` and `%{v}`: the address of the client.
    pub ip: IpAddr,
    /// `%{p}`: a validated name of the client, or `unknown`.
    pub validated_name: &'a [u8],
    /// `%{h}`: what the client said in HELO or EHLO.
    pub helo: &'a [u8],
    /// `%{r}`: the host that checks, or `unknown`.
    pub receiver: &'a [u8],
    /// `%{t}`: the time of the check.
    pub now: UnixTime,
}

impl<'a> MacroValues<'a> {
    /// The values for a sender and a client: the domain is the sender's, its host name, the receiver
    /// and the validated name are `unknown`, and the time is 0.
    pub fn new(local_part: &'a [u8], sender_domain: &'a [u8], ip: IpAddr) -> Self {
        Self {
            local_part,
            sender_domain,
            domain: sender_domain,
            ip,
            validated_name: b"unknown",
            helo: b"unknown",
            receiver: b"unknown",
            now: UnixTime(0),
        }
    }
}

impl Macro {
    pub(super) fn expand(&self, values: &MacroValues<'_>, expansion: &mut Expansion) {
        let mut text = String::new();
        let value = match self.letter {
            b's' => &[values.local_part, b"@", values.sender_domain].concat(),
            b'l' => values.local_part,
            b'o' => values.sender_domain,
            b'd' => values.domain,
            b'i' => nibbles(values.ip, &mut text),
            b'p' => values.validated_name,
            b'v' => match values.ip {
                IpAddr::V4(_) => b"in-addr",
                IpAddr::V6(_) => &b"ip6"[..],
            },
            b'h' => values.helo,
            b'r' => values.receiver,
            b'c' => print(&values.ip, &mut text),
            _ => print(&values.now, &mut text),
        };
        expansion.left = expansion.left.saturating_sub(value.len());
        if self.parts.is_none() && !self.is_reversed && self.delimiters == 0 {
            return expansion.push(value, self.is_escaped);
        }
        let delimiters = if self.delimiters == 0 { delimiter_bit(b'.') } else { self.delimiters };
        let parts = value.split(|octet| delimiter_bit(*octet) & delimiters != 0);
        let count = parts.clone().count();
        let kept = self.parts.and_then(|parts| usize::try_from(parts).ok()).unwrap_or(count);
        let skipped = count.saturating_sub(kept);
        if self.is_reversed {
            expansion.join(parts.rev().skip(skipped), self.is_escaped);
        } else {
            expansion.join(parts.skip(skipped), self.is_escaped);
        }
    }
}

fn print<'t>(value: &impl fmt::Display, text: &'t mut String) -> &'t [u8] {
    // A string takes everything.
    let _ = write!(text, "{value}");
    text.as_bytes()
}

/// Dotted quads, or 32 nibbles with dots between them.
fn nibbles(ip: IpAddr, text: &mut String) -> &[u8] {
    let IpAddr::V6(ip) = ip else {
        return print(&ip, text);
    };
    for octet in ip.octets() {
        let _ = write!(text, "{:x}.{:x}.", octet >> 4, octet & 15);
    }
    text.pop();
    text.as_bytes()
}

/// Octets up to a limit.
pub(super) struct Expansion {
    pub(super) octets: Vec<u8>,
    limit: usize,
    /// Octets of values that may still be looked at.
    left: usize,
}

impl Expansion {
    pub(super) fn new(limit: usize) -> Self {
        Self { octets: Vec::new(), limit, left: MAXIMUM_VALUE_OCTETS }
    }

    pub(super) fn is_cut(&self) -> bool {
        self.octets.len() >= self.limit || self.left == 0
    }

    pub(super) fn push(&mut self, value: &[u8], is_escaped: bool) {
        let room = self.limit.saturating_sub(self.octets.len());
        let value = value.get(..room).unwrap_or(value);
        if !is_escaped {
            return self.octets.extend_from_slice(value);
        }
        for &octet in value {
            // RFC 3986 section 2.3: unreserved.
            if octet.is_ascii_alphanumeric() || b"-._~".contains(&octet) {
                self.octets.push(octet);
            } else {
                const HEX: &[u8; 16] = b"0123456789ABCDEF";
                let digit = |nibble: u8| HEX.get(usize::from(nibble)).copied().unwrap_or_default();
                self.octets.extend([b'%', digit(octet >> 4), digit(octet & 15)]);
            }
        }
        self.octets.truncate(self.limit);
    }

    fn join<'v>(&mut self, parts: impl Iterator<Item = &'v [u8]>, is_escaped: bool) {
        for (position, part) in parts.enumerate() {
            if position > 0 {
                self.push(b".", is_escaped);
            }
            self.push(part, is_escaped);
        }
    }
}
