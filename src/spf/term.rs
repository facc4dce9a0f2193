//! Terms of a record: directives and modifiers, RFC 7208 section 4.6.1.

use std::fmt;

use super::macros::{DomainSpec, MacroError, MacroString};
use super::network::{DualPrefix, Ip4Network, Ip6Network};
use super::record_error::RecordErrorKind;

/// A term of a record,
/// [RFC 7208 section 4.6.1](https://www.rfc-editor.org/rfc/rfc7208#section-4.6.1).
///
/// ```text
/// terms      = *( 1*SP ( directive / modifier ) )
/// directive  = [ qualifier ] mechanism
/// qualifier  = "+" / "-" / "?" / "~"
/// modifier   = redirect / explanation / unknown-modifier
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "the grammar of RFC 7208 is closed")]
pub enum Term<'a> {
    /// A mechanism with what a match means.
    Directive(Directive<'a>),
    /// Something that is no mechanism.
    Modifier(Modifier<'a>),
}

/// A mechanism with what a match means.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Directive<'a> {
    /// What a match means; [`Qualifier::Pass`] if none is published.
    pub qualifier: Qualifier,
    /// What has to match.
    pub mechanism: Mechanism<'a>,
}

/// What a match of a mechanism means,
/// [RFC 7208 section 4.6.2](https://www.rfc-editor.org/rfc/rfc7208#section-4.6.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "the grammar of RFC 7208 is closed")]
pub enum Qualifier {
    /// `+`: the client may send for the domain.
    Pass,
    /// `-`: it may not.
    Fail,
    /// `~`: it probably may not.
    SoftFail,
    /// `?`: nothing is said.
    Neutral,
}

/// A mechanism, [RFC 7208 section 5](https://www.rfc-editor.org/rfc/rfc7208#section-5).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "the grammar of RFC 7208 is closed")]
pub enum Mechanism<'a> {
    /// `a`: the client's address is one of a name, or near one.
    A {
        /// The name; `None` for the domain itself.
        domain: Option<DomainSpec<'a>>,
        /// How near.
        prefix: DualPrefix,
    },
    /// `all`: always.
    All,
    /// `exists`: a name that is built from macros has an IPv4 address.
    Exists(DomainSpec<'a>),
    /// `include`: another domain's record gives a pass.
    Include(DomainSpec<'a>),
    /// `ip4`: the client's address is in a network.
    Ip4(Ip4Network),
    /// `ip6`: the client's address is in a network.
    Ip6(Ip6Network),
    /// `mx`: the client's address is one of a mail exchanger, or near one.
    Mx {
        /// Whose mail exchangers; `None` for those of the domain itself.
        domain: Option<DomainSpec<'a>>,
        /// How near.
        prefix: DualPrefix,
    },
    /// `ptr`: a validated name of the client is in a domain; `None` for the domain itself.
    Ptr(Option<DomainSpec<'a>>),
}

/// A modifier, [RFC 7208 section 6](https://www.rfc-editor.org/rfc/rfc7208#section-6).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "the grammar of RFC 7208 is closed")]
pub enum Modifier<'a> {
    /// `exp`: where the explanation of a fail stands.
    Explanation(DomainSpec<'a>),
    /// `redirect`: whose record decides if nothing matches.
    Redirect(DomainSpec<'a>),
    /// Any other, without meaning for the result.
    Unknown {
        /// The name as it was published.
        name: &'a str,
        /// What stands behind the equals sign.
        value: MacroString<'a>,
    },
}

/// What is wrong with a term, and where from its first octet.
pub(super) type Fault = (usize, RecordErrorKind);

impl<'a> Term<'a> {
    /// Reads one term, which holds no space.
    #[inline(always)]
    pub(super) fn parse(text: &'a [u8]) -> Result<Self, Fault> {
        let (qualifier, text, at) = match text {
            [b'+', rest @ ..] => (Qualifier::Pass, rest, 1),
            [b'-', rest @ ..] => (Qualifier::Fail, rest, 1),
            [b'~', rest @ ..] => (Qualifier::SoftFail, rest, 1),
            [b'?', rest @ ..] => (Qualifier::Neutral, rest, 1),
            _ => (Qualifier::Pass, text, 0),
        };
        // By far the commonest terms, and the same in every spelling but for case.
        let network = match text {
            [b'i' | b'I', b'p' | b'P', b'4', b':', network @ ..] => {
                Ip4Network::parse(network).map(Mechanism::Ip4)
            }
            [b'i' | b'I', b'p' | b'P', b'6', b':', network @ ..] => {
                Ip6Network::parse(network).map(Mechanism::Ip6)
            }
            _ => return Self::parse_other(qualifier, text, at),
        };
        match network {
            Ok(mechanism) => Ok(Self::Directive(Directive { qualifier, mechanism })),
            Err(fault) => Err(within(at)(within(4)(network_fault(fault)))),
        }
    }

    /// Reads what stands behind the qualifier, at an offset, and is no network.
    fn parse_other(qualifier: Qualifier, text: &'a [u8], at: usize) -> Result<Self, Fault> {
        let end = text.iter().position(|octet| !is_name(*octet)).unwrap_or(text.len());
        let (name, rest) = text.split_at_checked(end).unwrap_or((text, b""));
        let parsed = match rest {
            [b'=', value @ ..] => {
                if at > 0 || !name.first().is_some_and(u8::is_ascii_alphabetic) {
                    return Err((0, RecordErrorKind::ModifierName));
                }
                Modifier::parse(name, value)
                    .map(Self::Modifier)
                    .map_err(within(end.saturating_add(1)))
            }
            _ => Mechanism::parse(name, rest)
                .map(|mechanism| Self::Directive(Directive { qualifier, mechanism }))
                .map_err(|fault| match fault {
                    (_, RecordErrorKind::Mechanism) => fault,
                    _ => within(end)(fault),
                }),
        };
        parsed.map_err(within(at))
    }
}

fn is_name(octet: u8) -> bool {
    octet.is_ascii_alphanumeric() || matches!(octet, b'-' | b'_' | b'.')
}

/// Moves a fault by where the text begins in which it was found.
fn within(start: usize) -> impl Fn(Fault) -> Fault {
    move |(at, kind)| (start.saturating_add(at), kind)
}

fn macro_fault(error: MacroError) -> Fault {
    (error.offset, error.kind.into())
}

fn network_fault((at, expected): (usize, &'static str)) -> Fault {
    (at, RecordErrorKind::Network { expected })
}

impl<'a> Mechanism<'a> {
    /// Reads a mechanism of its name and what stands behind.
    fn parse(name: &[u8], rest: &'a [u8]) -> Result<Self, Fault> {
        let is = |known: &[u8]| name.eq_ignore_ascii_case(known);
        if is(b"ip4") || is(b"ip6") {
            // With a colon behind it was read before.
            Err((0, RecordErrorKind::MissingArgument))
        } else if is(b"include") {
            required_domain(rest).map(Self::Include)
        } else if is(b"all") {
            if rest.is_empty() { Ok(Self::All) } else { Err((0, RecordErrorKind::Argument)) }
        } else if is(b"a") {
            domain_and_prefix(rest).map(|(domain, prefix)| Self::A { domain, prefix })
        } else if is(b"mx") {
            domain_and_prefix(rest).map(|(domain, prefix)| Self::Mx { domain, prefix })
        } else if is(b"exists") {
            required_domain(rest).map(Self::Exists)
        } else if is(b"ptr") {
            optional_domain(rest).map(Self::Ptr)
        } else {
            Err((0, RecordErrorKind::Mechanism))
        }
    }
}

/// What stands behind the colon.
fn argument(rest: &[u8]) -> Result<&[u8], Fault> {
    rest.strip_prefix(b":").ok_or((0, RecordErrorKind::MissingArgument))
}

fn required_domain(rest: &[u8]) -> Result<DomainSpec<'_>, Fault> {
    DomainSpec::parse(argument(rest)?).map_err(|error| within(1)(macro_fault(error)))
}

fn optional_domain(rest: &[u8]) -> Result<Option<DomainSpec<'_>>, Fault> {
    match rest {
        [] => Ok(None),
        [b':', ..] => required_domain(rest).map(Some),
        _ => Err((0, RecordErrorKind::Argument)),
    }
}

fn domain_and_prefix(rest: &[u8]) -> Result<(Option<DomainSpec<'_>>, DualPrefix), Fault> {
    let (domain, prefix) = DualPrefix::split(rest).map_err(network_fault)?;
    Ok((optional_domain(domain)?, prefix))
}

impl<'a> Modifier<'a> {
    fn parse(name: &'a [u8], value: &'a [u8]) -> Result<Self, Fault> {
        let domain = || DomainSpec::parse(value).map_err(macro_fault);
        if name.eq_ignore_ascii_case(b"redirect") {
            domain().map(Self::Redirect)
        } else if name.eq_ignore_ascii_case(b"exp") {
            domain().map(Self::Explanation)
        } else {
            // The octets of a name are ASCII.
            let name = str::from_utf8(name).unwrap_or_default();
            let value = MacroString::parse(value).map_err(macro_fault)?;
            Ok(Self::Unknown { name, value })
        }
    }
}

impl fmt::Display for Term<'_> {
    /// As it stands in a record.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Directive(directive) => directive.fmt(f),
            Self::Modifier(modifier) => modifier.fmt(f),
        }
    }
}

impl fmt::Display for Directive<'_> {
    /// As it stands in a record; `+` is left out.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.qualifier {
            Qualifier::Pass => "",
            Qualifier::Fail => "-",
            Qualifier::SoftFail => "~",
            Qualifier::Neutral => "?",
        })?;
        self.mechanism.fmt(f)
    }
}

impl fmt::Display for Mechanism<'_> {
    /// As it stands in a record; prefix lengths that change nothing are left out.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut with = |name: &str, domain: &Option<DomainSpec<'_>>| {
            f.write_str(name)?;
            domain.map_or(Ok(()), |domain| write!(f, ":{domain}"))
        };
        match self {
            Self::A { domain, prefix } => {
                with("a", domain)?;
                prefix.fmt(f)
            }
            Self::All => f.write_str("all"),
            Self::Exists(domain) => write!(f, "exists:{domain}"),
            Self::Include(domain) => write!(f, "include:{domain}"),
            Self::Ip4(network) => write!(f, "ip4:{network}"),
            Self::Ip6(network) => write!(f, "ip6:{network}"),
            Self::Mx { domain, prefix } => {
                with("mx", domain)?;
                prefix.fmt(f)
            }
            Self::Ptr(domain) => with("ptr", domain),
        }
    }
}

impl fmt::Display for Modifier<'_> {
    /// As it stands in a record.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Explanation(domain) => write!(f, "exp={domain}"),
            Self::Redirect(domain) => write!(f, "redirect={domain}"),
            Self::Unknown { name, value } => write!(f, "{name}={value}"),
        }
    }
}
