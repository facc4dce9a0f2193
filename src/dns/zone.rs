//! A zone in memory: DNS for tests, for examples, and for `bonafide verify --zone`.

use std::collections::BTreeMap;
use std::str::FromStr;
use std::sync::Arc;

use nom::branch::alt;
use nom::bytes::complete::{tag, take, take_while, take_while_m_n, take_while1};
use nom::character::complete::{char, u8 as decimal_u8, u16 as decimal_u16};
use nom::combinator::{all_consuming, map, map_opt, opt, verify};
use nom::multi::{fold_many0, many0, separated_list1};
use nom::sequence::{delimited, preceded, terminated};
use nom::{IResult, Parser};

use super::resolver::Reply;
use super::{Answer, LookupError, Name, Question, RecordData, RecordType, Resolver, Text};

/// Longest chain of CNAMEs that is followed; one link more is SERVFAIL.
const MAXIMUM_CNAME_LINKS: usize = 16;

/// A [`Resolver`] whose answers come from a text, without any network.
///
/// One record a line; a line that begins with `#` or `;` is a comment:
///
/// ```text
/// NAME [TTL] TYPE RDATA             TYPE is A AAAA MX PTR TXT CNAME or TLSA; TTL is 300 if absent
/// sel._domainkey.example.com TXT "v=DKIM1; k=rsa; " "p=MIGf..."
/// *.wild.example.com         TXT "v=spf1 -all"
/// broken.example.com         !SERVFAIL [TYPE]
/// ```
///
/// - Names are fully qualified, with or without a dot at the end. `\DDD` (an octet in decimal) and
///   `\X` stand for octets in names and in quoted strings (RFC 1035 section 5.1).
/// - A TXT record has any number of quoted strings; one of over 255 octets is split. `MX 0 .` is a
///   null MX. Equal records are kept.
/// - Faults: `!SERVFAIL`, `!TIMEOUT`, `!REFUSED`, `!NXDOMAIN`, `!EMPTY` (no records of that type) and
///   `!AD` (the answer counts as authenticated), for one type or for all types of the name.
/// - A name that is not there is NXDOMAIN; one that has no record of the type, or only names below
///   it, is NODATA. A wildcard covers only names that do not exist (RFC 4592).
/// - CNAMEs are followed; the answer is the target's. A loop, or more than 16 links, is SERVFAIL.
///
/// ```
/// use bonafide::dns::{Name, Question, RecordType, Resolver, Zone};
///
/// let zone: Zone = r#"example.com TXT "v=spf1 -all""#.parse()?;
/// let question = Question::new(Name::parse(b"example.com")?, RecordType::Txt);
/// let answer = bonafide::block_on(zone.lookup(&question))?;
/// assert_eq!(answer.texts().next().unwrap().as_bytes(), b"v=spf1 -all");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct Zone {
    /// Every name that exists, with what stands there; empty for names that only have names below.
    nodes: BTreeMap<Name, Node>,
}

#[derive(Clone, Debug, Default)]
struct Node {
    cname: Option<(Name, u32)>,
    faults: Vec<(Fault, Option<RecordType>)>,
    /// In the order of [`RecordType`]; built once, so that an answer is a clone of a pointer.
    answers: BTreeMap<RecordType, Answer>,
    /// Only faults stand here: they do not make the name exist.
    only_faults: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    Authentic,
    Empty,
    NxDomain,
    Refused,
    ServFail,
    Timeout,
}

/// Why a text is not a zone.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {kind}")]
#[non_exhaustive]
pub struct ZoneError {
    /// The line, counted from 1.
    pub line: usize,
    /// What is wrong with it.
    pub kind: ZoneErrorKind,
}

/// What is wrong with a line of a zone.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ZoneErrorKind {
    /// The data does not fit the record type.
    #[error("found {found:?}, expected the data of {expected}")]
    Data {
        /// The data as found.
        found: String,
        /// The form that the type asks for.
        expected: &'static str,
    },
    /// The owner is not a name.
    #[error("found {found:?}, expected a name of labels of 1 to 63 octets")]
    Name {
        /// The name as found.
        found: String,
    },
    /// Neither a record type nor a fault.
    #[error(
        "found {found:?}, expected A, AAAA, CNAME, MX, PTR, TLSA, TXT or a fault such as !SERVFAIL"
    )]
    Type {
        /// The word as found.
        found: String,
    },
}

impl FromStr for Zone {
    type Err = ZoneError;

    fn from_str(text: &str) -> Result<Self, ZoneError> {
        Self::parse(text.as_bytes())
    }
}

impl Zone {
    /// Reads a zone; see [`Zone`] for the format.
    ///
    /// # Errors
    ///
    /// For the first line that cannot be read, with its number.
    pub fn parse(text: &[u8]) -> Result<Self, ZoneError> {
        let mut zone = Self::default();
        for (index, line) in text.split(|octet| *octet == b'\n').enumerate() {
            let line = line.trim_ascii();
            if line.is_empty() || line.starts_with(b"#") || line.starts_with(b";") {
                continue;
            }
            zone.read_line(line)
                .map_err(|kind| ZoneError { line: index.saturating_add(1), kind })?;
        }
        Ok(zone)
    }

    /// Adds a record with a time to live of 300 seconds.
    pub fn insert(&mut self, name: Name, record: RecordData) {
        self.insert_with_ttl(name, record, 300);
    }

    fn insert_with_ttl(&mut self, name: Name, record: RecordData, ttl: u32) {
        let answers = &mut self.node(name).answers;
        let answer = answers.entry(record.record_type()).or_insert_with(Answer::no_data);
        let least = if answer.records.is_empty() { ttl } else { answer.ttl.min(ttl) };
        let records = answer.records.iter().cloned().chain([record]).collect::<Vec<_>>();
        *answer = Answer::found(records, least);
    }

    /// The node of a name that exists from now on, and all names above it with it.
    fn node(&mut self, name: Name) -> &mut Node {
        for above in std::iter::successors(name.parent(), Name::parent) {
            self.nodes.entry(above).or_default().only_faults = false;
        }
        let node = self.nodes.entry(name).or_default();
        node.only_faults = false;
        node
    }

    fn read_line(&mut self, line: &[u8]) -> Result<(), ZoneErrorKind> {
        let (owner, rest) = word(line);
        let name = parse_name(owner).ok_or_else(|| ZoneErrorKind::Name { found: lossy(owner) })?;
        let (first, mut rest) = word(rest);
        if let Some(fault) = first.strip_prefix(b"!") {
            let bad_type = |found| ZoneErrorKind::Type { found: lossy(found) };
            let fault = Fault::parse(fault).ok_or_else(|| bad_type(first))?;
            let record_type = match rest {
                b"" => None,
                _ => Some(RecordType::from_mnemonic(rest).ok_or_else(|| bad_type(rest))?),
            };
            let node = self
                .nodes
                .entry(name)
                .or_insert_with(|| Node { only_faults: true, ..Node::default() });
            node.faults.push((fault, record_type));
            return Ok(());
        }
        let mut mnemonic = first;
        let mut ttl = 300;
        if let Some(seconds) = str::from_utf8(first).ok().and_then(|word| word.parse().ok()) {
            ttl = seconds;
            (mnemonic, rest) = word(rest);
        }
        if mnemonic.eq_ignore_ascii_case(b"CNAME") {
            let target = parse_name(rest).ok_or_else(|| ZoneErrorKind::Data {
                found: lossy(rest),
                expected: "CNAME: a name",
            })?;
            self.node(name).cname = Some((target, ttl));
            return Ok(());
        }
        let record_type = RecordType::from_mnemonic(mnemonic)
            .ok_or_else(|| ZoneErrorKind::Type { found: lossy(mnemonic) })?;
        let (record, expected) = match record_type {
            RecordType::A => (parse_address(rest).map(RecordData::A), "A: an IPv4 address"),
            RecordType::Aaaa => {
                (parse_address(rest).map(RecordData::Aaaa), "AAAA: an IPv6 address")
            }
            RecordType::Mx => (finish(mx(rest)), "MX: a preference and a name"),
            RecordType::Ptr => (parse_name(rest).map(RecordData::Ptr), "PTR: a name"),
            RecordType::Tlsa => (finish(tlsa(rest)), "TLSA: three numbers and hexadecimal digits"),
            RecordType::Txt => (finish(txt(rest)), "TXT: quoted strings"),
        };
        let record = record.ok_or_else(|| ZoneErrorKind::Data { found: lossy(rest), expected })?;
        self.insert_with_ttl(name, record, ttl);
        Ok(())
    }

    /// What stands at a name: its own node, or the wildcard that covers it.
    fn find(&self, name: &Name) -> Option<&Node> {
        if let Some(node) = self.nodes.get(name).filter(|node| !node.only_faults) {
            return Some(node);
        }
        // RFC 4592 section 3.3.1: only the wildcard right below the closest encloser counts.
        let encloser = std::iter::successors(name.parent(), Name::parent)
            .find(|above| self.nodes.get(above).is_some_and(|node| !node.only_faults))?;
        self.nodes.get(&wildcard(&encloser)?)
    }

    fn faults(&self, name: &Name, record_type: RecordType) -> impl Iterator<Item = Fault> {
        let covering = std::iter::successors(name.parent(), Name::parent)
            .filter_map(|above| self.nodes.get(&wildcard(&above)?))
            .find(|node| !node.faults.is_empty());
        let node = self.nodes.get(name).or(covering);
        node.into_iter()
            .flat_map(|node| &node.faults)
            .filter(move |(_, only)| only.is_none_or(|only| only == record_type))
            .map(|(fault, _)| *fault)
    }

    fn answer(&self, question: &Question) -> Reply {
        let mut name = &question.name;
        let mut ttl = u32::MAX;
        let mut authentic = false;
        for _ in 0..=MAXIMUM_CNAME_LINKS {
            let mut empty = false;
            for fault in self.faults(name, question.record_type) {
                match fault {
                    Fault::Authentic => authentic = true,
                    Fault::Empty => empty = true,
                    Fault::NxDomain => return Ok(Answer::nx_domain().with_authentic(authentic)),
                    Fault::Refused => return Err(LookupError::Refused),
                    Fault::ServFail => return Err(LookupError::ServFail),
                    Fault::Timeout => return Err(LookupError::Timeout),
                }
            }
            if empty {
                return Ok(Answer::no_data().with_authentic(authentic));
            }
            let Some(node) = self.find(name) else {
                return Ok(Answer::nx_domain().with_authentic(authentic));
            };
            if let Some(answer) = node.answers.get(&question.record_type) {
                return Ok(answer.clone().with_ttl(answer.ttl.min(ttl)).with_authentic(authentic));
            }
            let Some((target, cname_ttl)) = &node.cname else {
                return Ok(Answer::no_data().with_authentic(authentic));
            };
            name = target;
            ttl = ttl.min(*cname_ttl);
        }
        Err(LookupError::ServFail)
    }
}

impl Resolver for Zone {
    async fn lookup(&self, question: &Question) -> Reply {
        self.answer(question)
    }
}

impl Fault {
    fn parse(word: &[u8]) -> Option<Self> {
        Some(match word.to_ascii_uppercase().as_slice() {
            b"AD" => Self::Authentic,
            b"EMPTY" => Self::Empty,
            b"NXDOMAIN" => Self::NxDomain,
            b"REFUSED" => Self::Refused,
            b"SERVFAIL" => Self::ServFail,
            b"TIMEOUT" => Self::Timeout,
            _ => return None,
        })
    }
}

fn wildcard(encloser: &Name) -> Option<Name> {
    Name::from_labels([&b"*"[..]].into_iter().chain(encloser.labels())).ok()
}

/// Splits off the first word; an escaped space belongs to it.
fn word(line: &[u8]) -> (&[u8], &[u8]) {
    let mut escaped = false;
    let end = line.iter().position(|octet| {
        let ends = !escaped && octet.is_ascii_whitespace();
        escaped = !escaped && *octet == b'\\';
        ends
    });
    let (word, rest) = line.split_at(end.unwrap_or(line.len()));
    (word, rest.trim_ascii())
}

fn lossy(found: &[u8]) -> String {
    String::from_utf8_lossy(found).into_owned()
}

fn finish<T>(parsed: IResult<&[u8], T>) -> Option<T> {
    parsed.ok().filter(|(rest, _)| rest.is_empty()).map(|(_, value)| value)
}

fn parse_address<T: FromStr>(text: &[u8]) -> Option<T> {
    str::from_utf8(text).ok()?.parse().ok()
}

fn parse_name(text: &[u8]) -> Option<Name> {
    finish(all_consuming(name).parse(text))
}

fn name(input: &[u8]) -> IResult<&[u8], Name> {
    let label = |input| octets(|octet| octet == b'.' || octet.is_ascii_whitespace(), input);
    alt((
        map(terminated(tag("."), nom::combinator::eof), |_| Name::ROOT),
        map_opt(
            terminated(
                separated_list1(char('.'), verify(label, |label: &Vec<u8>| !label.is_empty())),
                opt(char('.')),
            ),
            |labels| Name::from_labels(labels).ok(),
        ),
    ))
    .parse(input)
}

/// Octets up to one that `ends` them, escapes resolved (RFC 1035 section 5.1).
fn octets(ends: impl Fn(u8) -> bool, input: &[u8]) -> IResult<&[u8], Vec<u8>> {
    let digits = take_while_m_n(3, 3, |octet: u8| octet.is_ascii_digit());
    let decimal = map_opt(digits, |digits: &[u8]| str::from_utf8(digits).ok()?.parse::<u8>().ok());
    let literal = map_opt(
        verify(take(1_usize), |octet: &[u8]| !octet.iter().any(u8::is_ascii_digit)),
        |octet: &[u8]| octet.first().copied(),
    );
    let escape = preceded(char('\\'), alt((decimal, literal)));
    let plain = take_while1(|octet| octet != b'\\' && !ends(octet));
    fold_many0(
        alt((map(plain, |plain: &[u8]| plain.to_vec()), map(escape, |octet| vec![octet]))),
        Vec::new,
        |mut octets, piece| {
            octets.extend(piece);
            octets
        },
    )
    .parse(input)
}

fn spaces(input: &[u8]) -> IResult<&[u8], &[u8]> {
    take_while(|octet: u8| octet.is_ascii_whitespace()).parse(input)
}

fn mx(input: &[u8]) -> IResult<&[u8], RecordData> {
    map((decimal_u16, spaces, name), |(preference, _, exchange)| RecordData::Mx {
        preference,
        exchange,
    })
    .parse(input)
}

fn txt(input: &[u8]) -> IResult<&[u8], RecordData> {
    let string = delimited(char('"'), |input| octets(|octet| octet == b'"', input), char('"'));
    map(many0(terminated(string, spaces)), |strings: Vec<Vec<u8>>| {
        let pieces = strings.iter().flat_map(|string| {
            let empty = string.is_empty().then_some(&[][..]);
            string.chunks(255).chain(empty)
        });
        RecordData::Txt(Text::new(pieces))
    })
    .parse(input)
}

fn tlsa(input: &[u8]) -> IResult<&[u8], RecordData> {
    let number = || terminated(decimal_u8, spaces);
    let octet = map_opt(take(2_usize), |digits: &[u8]| {
        u8::from_str_radix(str::from_utf8(digits).ok()?, 16).ok()
    });
    map(
        (number(), number(), number(), many0(terminated(octet, spaces))),
        |(usage, selector, matching, data)| RecordData::Tlsa {
            usage,
            selector,
            matching,
            data: Arc::from(data),
        },
    )
    .parse(input)
}
