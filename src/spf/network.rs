//! Networks of ip4 and ip6, and the prefix lengths of a and mx, RFC 7208 section 5.6.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The network of an `ip4` mechanism. The bits behind the prefix are kept, and never compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Ip4Network {
    address: Ipv4Addr,
    prefix: u8,
}

/// The network of an `ip6` mechanism. The bits behind the prefix are kept, and never compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Ip6Network {
    address: Ipv6Addr,
    prefix: u8,
}

/// The prefix lengths behind an `a` or `mx` mechanism.
///
/// ```text
/// dual-cidr-length = [ ip4-cidr-length ] [ "/" ip6-cidr-length ]
/// ip4-cidr-length  = "/" ("0" / %x31-39 0*1DIGIT) ; value range 0-32
/// ip6-cidr-length  = "/" ("0" / %x31-39 0*2DIGIT) ; value range 0-128
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct DualPrefix {
    ip4: u8,
    ip6: u8,
}

/// What is wrong with a network: where, and what was expected.
pub(super) type Fault = (usize, &'static str);

const IP4: &str = "an IPv4 address of four numbers from 0 to 255 without leading zeros";
const IP4_PREFIX: &str = "a prefix length from 0 to 32 without leading zeros";
const IP6: &str = "an IPv6 address as in RFC 4291 section 2.2";
const IP6_PREFIX: &str = "a prefix length from 0 to 128 without leading zeros";

impl Ip4Network {
    /// The address as it was published.
    pub fn address(&self) -> Ipv4Addr {
        self.address
    }

    /// The length of the prefix in bits, from 0 to 32.
    pub fn prefix(&self) -> u8 {
        self.prefix
    }

    /// Whether an address is in the network.
    pub fn contains(&self, address: Ipv4Addr) -> bool {
        equal_ip4(self.address, address, self.prefix)
    }

    #[inline(always)]
    pub(super) fn parse(text: &[u8]) -> Result<Self, Fault> {
        let (address, rest) = ip4(text).ok_or((0, IP4))?;
        let at = text.len().saturating_sub(rest.len());
        let prefix = match rest {
            [] => 32,
            [b'/', digits @ ..] => {
                length(digits, 32).ok_or_else(|| (at.saturating_add(1), IP4_PREFIX))?
            }
            _ => return Err((at, IP4)),
        };
        Ok(Self { address, prefix })
    }
}

impl Ip6Network {
    /// The address as it was published.
    pub fn address(&self) -> Ipv6Addr {
        self.address
    }

    /// The length of the prefix in bits, from 0 to 128.
    pub fn prefix(&self) -> u8 {
        self.prefix
    }

    /// Whether an address is in the network.
    pub fn contains(&self, address: Ipv6Addr) -> bool {
        equal_ip6(self.address, address, self.prefix)
    }

    #[inline]
    pub(super) fn parse(text: &[u8]) -> Result<Self, Fault> {
        let (address, rest) = ip6(text).ok_or((0, IP6))?;
        let at = text.len().saturating_sub(rest.len());
        let prefix = match rest {
            [] => 128,
            [b'/', digits @ ..] => {
                length(digits, 128).ok_or_else(|| (at.saturating_add(1), IP6_PREFIX))?
            }
            _ => return Err((0, IP6)),
        };
        Ok(Self { address, prefix })
    }
}

impl DualPrefix {
    /// Single addresses: what is meant where no prefix is published.
    pub const WHOLE: Self = Self { ip4: 32, ip6: 128 };

    /// The prefix length for IPv4, from 0 to 32.
    pub fn ip4(&self) -> u8 {
        self.ip4
    }

    /// The prefix length for IPv6, from 0 to 128.
    pub fn ip6(&self) -> u8 {
        self.ip6
    }

    /// The prefix length for the family of an address.
    pub fn of(&self, ip: IpAddr) -> u8 {
        match ip {
            IpAddr::V4(_) => self.ip4,
            IpAddr::V6(_) => self.ip6,
        }
    }

    /// Whether two addresses of one family have the same prefix.
    pub fn equal(&self, one: IpAddr, other: IpAddr) -> bool {
        match (one, other) {
            (IpAddr::V4(one), IpAddr::V4(other)) => equal_ip4(one, other, self.ip4),
            (IpAddr::V6(one), IpAddr::V6(other)) => equal_ip6(one, other, self.ip6),
            _ => false,
        }
    }

    /// Splits the prefixes off the end of an argument: a slash with digits behind it begins them.
    pub(super) fn split(text: &[u8]) -> Result<(&[u8], Self), Fault> {
        let mut found = Self::WHOLE;
        let (mut rest, digits) = split_digits(text);
        if digits.is_empty() || rest.last() != Some(&b'/') {
            return Ok((text, found));
        }
        rest = rest.strip_suffix(b"/").unwrap_or(rest);
        if let Some(before) = rest.strip_suffix(b"/") {
            found.ip6 =
                length(digits, 128).ok_or_else(|| (rest.len().saturating_add(1), IP6_PREFIX))?;
            let (outer, digits) = split_digits(before);
            match outer.strip_suffix(b"/") {
                Some(outer) if !digits.is_empty() => {
                    let at = outer.len().saturating_add(1);
                    found.ip4 = length(digits, 32).ok_or((at, IP4_PREFIX))?;
                    rest = outer;
                }
                _ => rest = before,
            }
        } else {
            found.ip4 =
                length(digits, 32).ok_or_else(|| (rest.len().saturating_add(1), IP4_PREFIX))?;
        }
        Ok((rest, found))
    }
}

fn split_digits(text: &[u8]) -> (&[u8], &[u8]) {
    let digits = text.iter().rev().take_while(|octet| octet.is_ascii_digit()).count();
    text.split_at_checked(text.len().saturating_sub(digits)).unwrap_or((text, b""))
}

/// A prefix length of at most three digits.
#[inline]
fn length(digits: &[u8], most: u8) -> Option<u8> {
    let (value, rest) = number(digits)?;
    u8::try_from(value).ok().filter(|value| rest.is_empty() && *value <= most)
}

/// A number of one to three digits without leading zeros.
#[inline]
fn number(text: &[u8]) -> Option<(u16, &[u8])> {
    let digit = |octet: &u8| u16::from(octet.wrapping_sub(b'0'));
    let two = |a, b| digit(a).wrapping_mul(10).wrapping_add(digit(b));
    Some(match text {
        [a @ b'1'..=b'9', b @ b'0'..=b'9', c @ b'0'..=b'9', rest @ ..] => {
            (two(a, b).wrapping_mul(10).wrapping_add(digit(c)), rest)
        }
        [a @ b'1'..=b'9', b @ b'0'..=b'9', rest @ ..] => (two(a, b), rest),
        [a @ b'0'..=b'9', rest @ ..] => (digit(a), rest),
        _ => return None,
    })
}

#[inline(always)]
fn ip4(text: &[u8]) -> Option<(Ipv4Addr, &[u8])> {
    let mut bits = 0;
    let mut rest = text;
    for is_last in [false, false, false, true] {
        let (value, behind) = number(rest)?;
        bits = bits << 8 | u32::from(u8::try_from(value).ok()?);
        rest = if is_last { behind } else { behind.strip_prefix(b".")? };
    }
    Some((Ipv4Addr::from(bits), rest))
}

/// An address in one of the forms of RFC 4291 section 2.2, up to a slash or the end.
fn ip6(text: &[u8]) -> Option<(Ipv6Addr, &[u8])> {
    // What stands before the double colon, and how many groups that is.
    let mut head = None;
    // What was read since, and how many groups there are in all.
    let mut bits = 0_u128;
    let mut count = 0_u32;
    let mut rest = text;
    if let Some(behind) = rest.strip_prefix(b"::") {
        head = Some((0, 0));
        rest = behind;
    }
    while !matches!(rest, [] | [b'/', ..]) {
        let (group, behind) = hexadecimal(rest)?;
        if behind.first() == Some(&b'.') {
            let (tail, behind) = ip4(rest)?;
            bits = (bits << 32) | u128::from(u32::from(tail));
            count = count.saturating_add(2);
            rest = behind;
            break;
        }
        bits = (bits << 16) | u128::from(group);
        count = count.saturating_add(1);
        rest = match behind {
            [b':', b':', behind @ ..] if head.is_none() => {
                head = Some((bits, count));
                bits = 0;
                behind
            }
            // A single colon stands between two groups.
            [b':', behind @ ..] if count < 8 && !matches!(behind, [] | [b'/', ..]) => behind,
            [] | [b'/', ..] => behind,
            _ => return None,
        };
    }
    let address = match head {
        None if count == 8 => bits,
        Some((head, before)) if count < 8 => {
            let shift = 8_u32.saturating_sub(before).saturating_mul(16);
            u128::checked_shl(head, shift).unwrap_or(0) | bits
        }
        _ => return None,
    };
    Some((Ipv6Addr::from(address), rest))
}

/// One to four hexadecimal digits.
#[inline]
fn hexadecimal(text: &[u8]) -> Option<(u16, &[u8])> {
    let mut value = 0_u16;
    let mut rest = text;
    for _ in 0..4 {
        let Some((octet, behind)) = rest.split_first() else {
            break;
        };
        let digit = match octet {
            b'0'..=b'9' => octet.wrapping_sub(b'0'),
            b'a'..=b'f' => octet.wrapping_sub(b'a').wrapping_add(10),
            b'A'..=b'F' => octet.wrapping_sub(b'A').wrapping_add(10),
            _ => break,
        };
        value = (value << 4) | u16::from(digit);
        rest = behind;
    }
    (rest.len() < text.len()).then_some((value, rest))
}

fn equal_ip4(one: Ipv4Addr, other: Ipv4Addr, prefix: u8) -> bool {
    let different = u32::from(one) ^ u32::from(other);
    let shift = 32_u32.saturating_sub(u32::from(prefix));
    different.checked_shr(shift).unwrap_or(0) == 0
}

fn equal_ip6(one: Ipv6Addr, other: Ipv6Addr, prefix: u8) -> bool {
    let different = u128::from(one) ^ u128::from(other);
    let shift = 128_u32.saturating_sub(u32::from(prefix));
    different.checked_shr(shift).unwrap_or(0) == 0
}

impl fmt::Display for Ip4Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.address.fmt(f)?;
        if self.prefix < 32 { write!(f, "/{}", self.prefix) } else { Ok(()) }
    }
}

impl fmt::Display for Ip6Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.address.fmt(f)?;
        if self.prefix < 128 { write!(f, "/{}", self.prefix) } else { Ok(()) }
    }
}

impl fmt::Display for DualPrefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.ip4 < 32 {
            write!(f, "/{}", self.ip4)?;
        }
        if self.ip6 < 128 { write!(f, "//{}", self.ip6) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// RFC 4291 section 2.2: what is an address the standard library knows too.
        #[test]
        fn addresses_are_those_of_the_standard_library(text in "[0-9a-fA-F:.]{0,24}|([0-9a-f]{0,3}:){2,8}([0-9a-f]{1,4}|1\\.2\\.3\\.4)?") {
            let whole = |rest: &[u8]| rest.is_empty();
            let found = ip6(text.as_bytes()).filter(|(_, rest)| whole(rest));
            prop_assert_eq!(found.map(|(address, _)| address), text.parse().ok(), "{}", text);
            let found = ip4(text.as_bytes()).filter(|(_, rest)| whole(rest));
            prop_assert_eq!(found.map(|(address, _)| address), text.parse().ok(), "{}", text);
        }

        #[test]
        fn every_address_reads_back(groups: [u16; 8], zeros in 0_u8..) {
            let groups = std::array::from_fn::<u16, 8, _>(|at| if zeros >> at & 1 == 1 { 0 } else { groups[at] });
            let address = Ipv6Addr::from(groups);
            let text = address.to_string();
            prop_assert_eq!(ip6(text.as_bytes()), Some((address, &b""[..])));
        }

        /// RFC 7208 section 5.6: a prefix of 0 is every address, one of all bits is one address.
        #[test]
        fn prefixes_compare_that_many_bits(one: u128, other: u128, prefix in 0_u8..=128) {
            let same = (0..prefix).all(|bit| (one ^ other) >> (127 - bit) & 1 == 0);
            prop_assert_eq!(equal_ip6(one.into(), other.into(), prefix), same);
            let [one, other] = [one, other].map(|bits| bits as u32);
            let prefix = prefix / 4;
            let same = (0..prefix).all(|bit| (one ^ other) >> (31 - bit) & 1 == 0);
            prop_assert_eq!(equal_ip4(one.into(), other.into(), prefix), same);
        }
    }

    #[test]
    fn prefixes_are_split_off_the_end() {
        let split = |text: &'static str| DualPrefix::split(text.as_bytes());
        let whole = DualPrefix::WHOLE;
        assert_eq!(split(""), Ok((&b""[..], whole)));
        assert_eq!(split("/24"), Ok((&b""[..], DualPrefix { ip4: 24, ..whole })));
        assert_eq!(split("a//64"), Ok((&b"a"[..], DualPrefix { ip6: 64, ..whole })));
        assert_eq!(split("a/b/0//128"), Ok((&b"a/b"[..], DualPrefix { ip4: 0, ip6: 128 })));
        // What is left is no domain spec.
        assert_eq!(split("a/"), Ok((&b"a/"[..], whole)));
        assert_eq!(split("/24/32"), Ok((&b"/24"[..], DualPrefix { ip4: 32, ..whole })));
        for (text, at) in [("/33", 1), ("/08", 1), ("/00", 1), ("//129", 2), ("/33//64", 1)] {
            assert_eq!(split(text).unwrap_err().0, at, "{text}");
        }
    }
}
