//! What is asked, and what may be spent on the answer.

use std::net::IpAddr;

use super::identity::Identity;
use crate::domain::Domain;

/// What is known of an SMTP session when a message begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Query<'a> {
    /// The address of the client. An IPv4 address that is mapped into IPv6 counts as IPv4
    /// ([RFC 7208 section 5](https://www.rfc-editor.org/rfc/rfc7208#section-5)).
    pub ip: IpAddr,
    /// The argument of the last HELO or EHLO, as octets.
    pub helo: &'a [u8],
    /// The reverse-path of MAIL FROM without its angle brackets, as octets; empty for the null path.
    pub mail_from: &'a [u8],
}

impl<'a> Query<'a> {
    /// A query for a client, its HELO and its MAIL FROM.
    pub fn new(ip: IpAddr, helo: &'a [u8], mail_from: &'a [u8]) -> Self {
        Self { ip, helo, mail_from }
    }

    /// The domain that a check of MAIL FROM is about, if there is one.
    pub(crate) fn mail_from_domain(&self) -> Option<Domain> {
        Identity::mail_from(self).domain.ok()
    }
}

/// How a domain is checked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Options {
    /// Bounds on what a record may cost.
    pub limits: Limits,
    /// The name of the host that checks, for `%{r}` in explanations; `unknown` if `None`, as by default.
    pub receiver: Option<String>,
    /// Whether verdicts record each step; off by default.
    pub trace: bool,
}

/// Bounds on what records may cost, for each identity that is checked.
///
/// The sum of all questions of one check is [`Limits::questions`], whatever the others are.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// Terms that ask the DNS: `include`, `a`, `mx`, `ptr`, `exists`, `redirect`, and terms with `%{p}` once
    /// more; 10 by default. One more is a permerror
    /// ([RFC 7208 section 4.6.4](https://www.rfc-editor.org/rfc/rfc7208#section-4.6.4)).
    pub lookups: usize,
    /// Terms whose question has no answer; 2 by default. One more is a permerror.
    pub void_lookups: usize,
    /// Mail exchangers of one `mx` term; 10 by default. One more is a permerror.
    pub mx: usize,
    /// Names of the client that are looked at for `ptr` and `%{p}`; 10 by default. The rest are ignored.
    pub ptr: usize,
    /// Octets of a record; 16 384 by default. A longer one is a permerror.
    pub record_octets: usize,
    /// Questions in all; 111 by default, which is what 10 `mx` terms of 10 hosts need. One more is a
    /// permerror, except for explanations, which are then left out.
    pub questions: usize,
    /// Octets of an explanation; 400 by default, which leaves room in a reply line of 512
    /// ([RFC 5321 section 4.5.3.1.5](https://www.rfc-editor.org/rfc/rfc5321#section-4.5.3.1.5)). What is
    /// longer is cut off.
    pub explanation_octets: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            lookups: 10,
            void_lookups: 2,
            mx: 10,
            ptr: 10,
            record_octets: 1 << 14,
            questions: 111,
            explanation_octets: 400,
        }
    }
}
