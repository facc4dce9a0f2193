//! The agent or user identifier, i= of RFC 6376 section 3.5.

use std::fmt::{self, Write as _};

use crate::domain::Domain;
use crate::tag_list;

/// On whose behalf a message is signed: the agent or user identifier of i=.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Identity {
    /// The part before the last `@`, any octets; often empty.
    pub local_part: Box<[u8]>,
    /// The part behind it, equal to d= or below it.
    pub domain: Domain,
}

impl Identity {
    /// Reads the dkim-quoted-printable of i=, RFC 6376 section 2.11.
    pub(super) fn parse(value: &[u8]) -> Option<Self> {
        // RFC 8616 section 5: what is not ASCII is UTF-8.
        str::from_utf8(value).ok()?;
        let text = decode_quoted_printable(value)?;
        let at = memchr::memrchr(b'@', &text)?;
        let domain = Domain::parse(text.get(at.checked_add(1)?..)?).ok()?;
        Some(Self { local_part: text.get(..at)?.into(), domain })
    }
}

fn decode_quoted_printable(value: &[u8]) -> Option<Vec<u8>> {
    let hexadecimal = |octet: u8| match octet {
        b'0'..=b'9' => Some(octet.wrapping_sub(b'0')),
        b'A'..=b'F' => Some(octet.wrapping_sub(b'A').wrapping_add(10)),
        _ => None,
    };
    let mut octets = value.iter().copied();
    let mut decoded = Vec::with_capacity(value.len());
    while let Some(octet) = octets.next() {
        decoded.push(match octet {
            b'=' => {
                let (high, low) = (hexadecimal(octets.next()?)?, hexadecimal(octets.next()?)?);
                high.wrapping_shl(4) | low
            }
            octet if tag_list::is_white_space(octet) => continue,
            b'!'..=b'~' | 0x80.. => octet,
            _ => return None,
        });
    }
    Some(decoded)
}

impl fmt::Display for Identity {
    /// As i= has it, in dkim-quoted-printable: printable ASCII only.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for &octet in &*self.local_part {
            match octet {
                b'!'..=b'~' if !matches!(octet, b';' | b'=') => f.write_char(char::from(octet))?,
                _ => write!(f, "={octet:02X}")?,
            }
        }
        write!(f, "@{}", self.domain)
    }
}
