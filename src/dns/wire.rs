//! DNS packets in and out, for callers that keep their own sockets.
//!
//! [`query`] builds the packet for a [`Question`]; [`response`] reads a packet that came back and
//! gives the reply to hand to the evaluator. Sockets, time limits and retries stay the caller's.
//!
//! - **UDP**: bind a fresh port for each server and `connect` the socket to it, so that nobody else's
//!   datagrams arrive; take an unpredictable id for every query
//!   ([RFC 5452 section 9.2](https://www.rfc-editor.org/rfc/rfc5452#section-9.2)). The query says that
//!   responses of up to 1232 octets are welcome, which pass without fragments nearly everywhere.
//! - **TCP**: the same packets, each behind its length in two octets, high octet first
//!   ([RFC 1035 section 4.2.2](https://www.rfc-editor.org/rfc/rfc1035#section-4.2.2)). Those two octets
//!   are the caller's to write and to read.
//! - **DNSSEC** is not asked for, and the server's AD bit is not believed: `authentic` is false in
//!   every answer. A caller that reaches a validating resolver over a path that it trusts may set
//!   AD in the query and say [`Answer::with_authentic`] by what comes back.
//!
//! ```
//! use bonafide::dns::wire::{self, ResponseError};
//! use bonafide::dns::{Answer, Name, Question, RecordType};
//!
//! let question = Question::new(Name::parse(b"example.com")?, RecordType::Txt);
//! let mut packet = wire::query(&question, 4711);
//! assert_eq!(wire::response(&packet, &question, 4711), Err(ResponseError::NotAResponse));
//!
//! packet[2] |= 0x80; // The same packet as a response: no error, and no records.
//! assert_eq!(wire::response(&packet, &question, 4711), Ok(Ok(Answer::no_data())));
//! # Ok::<(), bonafide::dns::NameError>(())
//! ```

use std::net::{Ipv4Addr, Ipv6Addr};
use std::sync::Arc;

use hickory_proto::ProtoError;
use hickory_proto::op::{Edns, Header, Message, MessageType, OpCode, Query, ResponseCode};
use hickory_proto::rr;
use hickory_proto::serialize::binary::{BinDecodable, BinDecoder, DecodeError, Restrict};

use super::resolver::Reply;
use super::{Answer, LookupError, Name, Question, RecordData, RecordType, Text};

/// Longest chain of CNAMEs that is followed; one link more is SERVFAIL.
const MAXIMUM_CNAME_LINKS: usize = 16;

/// Labels and pointers read for one name. A name has at most 127 labels and the root, and a pointer
/// before each of them is as much as compression can use.
const MAXIMUM_NAME_STEPS: usize = 256;

/// What fits into one datagram over nearly every path without fragments.
const UDP_PAYLOAD_OCTETS: u16 = 1232;

/// RFC 2181 section 8: a time to live with the highest bit set counts as zero.
const MAXIMUM_TTL: u32 = 0x7fff_ffff;

const CLASS_IN: u16 = 1;
const TYPE_CNAME: u16 = 5;
const TYPE_OPT: u16 = 41;

/// Why a packet is no reply to the question.
///
/// Anybody can send a datagram that belongs to something else ([`ResponseError::is_foreign`]), so a
/// UDP caller ignores it and keeps waiting until its time limit. Whatever ends the lookup becomes a
/// [`LookupError::Other`] by `into()`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum ResponseError {
    /// The packet has the right id and question, and cannot be read: give up, or ask another server.
    #[error("the response is malformed near octet {offset}")]
    Malformed {
        /// Where reading stopped, in octets from the beginning of the packet.
        offset: usize,
    },
    /// Too short for a header, or not a response to a query: ignore it and keep waiting.
    #[error("the packet is not a response to a query")]
    NotAResponse,
    /// The server had more to say than the packet holds
    /// ([RFC 2181 section 9](https://www.rfc-editor.org/rfc/rfc2181#section-9)): ask again over TCP,
    /// and where it came over TCP, give up.
    #[error("the response is truncated: ask over TCP")]
    Truncated,
    /// A response to another query: ignore it and keep waiting.
    #[error("found the id {found}, expected {expected}")]
    WrongId {
        /// The id of the packet.
        found: u16,
        /// The id of the query.
        expected: u16,
    },
    /// The id is right by accident or guess, the question is another one or cannot be read: ignore
    /// it and keep waiting.
    #[error("the response is to another question")]
    WrongQuestion,
}

impl ResponseError {
    /// Whether the packet belongs to something else: over UDP it is ignored, over TCP it ends the
    /// lookup, since nobody else could have sent it.
    pub fn is_foreign(self) -> bool {
        match self {
            Self::NotAResponse | Self::WrongId { .. } | Self::WrongQuestion => true,
            Self::Malformed { .. } | Self::Truncated => false,
        }
    }
}

impl From<ResponseError> for LookupError {
    fn from(error: ResponseError) -> Self {
        Self::Other(error.to_string().into())
    }
}

/// The packet that asks a question: one query with recursion desired and EDNS for 1232 octets.
///
/// The octets of the name are sent as they are, without IDNA and without escapes. The id should be
/// unpredictable; a response has the same one. Over TCP the caller writes the packet's length
/// before it.
pub fn query(question: &Question, id: u16) -> Vec<u8> {
    // A `Name` is a name for every encoder, so nobody sees the empty packet.
    encode(question, id).unwrap_or_default()
}

fn encode(question: &Question, id: u16) -> Result<Vec<u8>, ProtoError> {
    let name = rr::Name::from_labels(question.name.labels())?;
    let record_type = rr::RecordType::from(question.record_type.code());
    let mut edns = Edns::new();
    edns.set_max_payload(UDP_PAYLOAD_OCTETS);
    let mut message = Message::new(id, MessageType::Query, OpCode::Query);
    message.metadata.recursion_desired = true;
    message.add_query(Query::query(name, record_type)).set_edns(edns);
    message.to_vec()
}

/// Reads the packet that came back: the inner result is the reply to hand to the evaluator.
///
/// Over TCP, `packet` is without the two octets of its length.
///
/// - CNAMEs in the answer section are followed from the question's name, in whatever order they
///   stand. More than 16 links, or a loop, is [`LookupError::ServFail`]. Records of names that are
///   not on the way are ignored, and so are records of another class or type.
/// - Without a record of the type at the end of the chain the answer is
///   [`Outcome::NoData`](super::Outcome::NoData); with NXDOMAIN it is
///   [`Outcome::NxDomain`](super::Outcome::NxDomain), behind CNAMEs too.
/// - The ttl of an answer with records is the least of theirs and of the CNAMEs that lead to them;
///   other answers have a ttl of 0, as no SOA record is read.
/// - Other response codes than NOERROR and NXDOMAIN are a [`LookupError`]. A server that cannot make
///   sense of a query may send them without its question
///   ([RFC 1035 section 4.1.1](https://www.rfc-editor.org/rfc/rfc1035#section-4.1.1)); nothing else is
///   read from such a packet.
/// - Octets behind the last record are ignored.
///
/// Work and memory are bounded by the size of the packet.
///
/// # Errors
///
/// When the packet is no reply to this question; [`ResponseError`] says what the caller does then.
pub fn response(
    packet: &[u8],
    question: &Question,
    id: u16,
) -> Result<Result<Answer, LookupError>, ResponseError> {
    let mut reader = Reader(BinDecoder::new(packet));
    let header = Header::read(&mut reader.0).map_err(|_| ResponseError::NotAResponse)?;
    if header.id != id {
        return Err(ResponseError::WrongId { found: header.id, expected: id });
    }
    if header.message_type != MessageType::Response || header.op_code != OpCode::Query {
        return Err(ResponseError::NotAResponse);
    }
    let failed = !matches!(header.response_code, ResponseCode::NoError | ResponseCode::NXDomain);
    let matches = match header.counts.queries {
        0 => failed,
        1 => reader.is_at_question(question).unwrap_or(false),
        _ => false,
    };
    if !matches {
        return Err(ResponseError::WrongQuestion);
    }
    if header.truncation {
        return Err(ResponseError::Truncated);
    }

    let mut records = Vec::new();
    for _ in 0..header.counts.answers {
        records.extend(reader.answer(question.record_type)?);
    }
    let mut response_code = header.response_code;
    for count in [header.counts.authorities, header.counts.additionals] {
        for _ in 0..count {
            if let Some(high) = reader.extended_response_code()? {
                response_code = ResponseCode::from(high, header.response_code.low());
            }
        }
    }

    Ok(match response_code {
        ResponseCode::NoError => follow(question, &records),
        ResponseCode::NXDomain => Ok(Answer::nx_domain()),
        ResponseCode::Refused => Err(LookupError::Refused),
        ResponseCode::ServFail => Err(LookupError::ServFail),
        ResponseCode::Unknown(code) => Err(other(&format!("response code {code}"))),
        // RFC 6895 section 2.3: 16 is BADSIG in a TSIG record, and BADVERS in the OPT record.
        ResponseCode::BADSIG => Err(other("BADVERS")),
        // The names of the variants are the names of the codes in the same place.
        known => Err(other(&format!("{known:?}").to_ascii_uppercase())),
    })
}

fn other(code: &str) -> LookupError {
    LookupError::Other(format!("the DNS server failed to answer ({code})").into())
}

/// The records at the end of the chain of CNAMEs that begins at the question's name.
fn follow(question: &Question, records: &[Record]) -> Reply {
    let mut name = &question.name;
    let mut ttl = MAXIMUM_TTL;
    for _ in 0..=MAXIMUM_CNAME_LINKS {
        let mut found = Vec::new();
        let mut alias = None;
        for record in records.iter().filter(|record| record.owner == *name) {
            match &record.data {
                Data::Alias(target) => alias = alias.or(Some((target, record.ttl))),
                Data::Asked(data) => {
                    found.push(data.clone());
                    ttl = ttl.min(record.ttl);
                }
            }
        }
        match alias {
            _ if !found.is_empty() => return Ok(Answer::found(found, ttl)),
            None => return Ok(Answer::no_data()),
            Some((target, alias_ttl)) => {
                name = target;
                ttl = ttl.min(alias_ttl);
            }
        }
    }
    Err(LookupError::ServFail)
}

/// A record of the answer section that may bear on the question.
struct Record {
    owner: Name,
    ttl: u32,
    data: Data,
}

enum Data {
    Alias(Name),
    Asked(RecordData),
}

/// What stands before the data of every record, RFC 1035 section 4.1.3.
struct Preamble {
    owner: Name,
    record_type: u16,
    class: u16,
    ttl: u32,
    length: usize,
}

/// Reads a packet from front to back; every failure knows where it happened.
struct Reader<'a>(BinDecoder<'a>);

impl<'a> Reader<'a> {
    fn malformed(&self) -> ResponseError {
        ResponseError::Malformed { offset: self.0.index() }
    }

    fn checked<T>(&self, read: Result<Restrict<T>, DecodeError>) -> Result<T, ResponseError> {
        read.map(Restrict::unverified).map_err(|_| self.malformed())
    }

    fn octet(&mut self) -> Result<u8, ResponseError> {
        let read = self.0.read_u8();
        self.checked(read)
    }

    fn u16(&mut self) -> Result<u16, ResponseError> {
        let read = self.0.read_u16();
        self.checked(read)
    }

    fn u32(&mut self) -> Result<u32, ResponseError> {
        let read = self.0.read_u32();
        self.checked(read)
    }

    fn octets(&mut self, length: usize) -> Result<&'a [u8], ResponseError> {
        let read = self.0.read_slice(length);
        self.checked(read)
    }

    fn array<const LENGTH: usize>(&mut self) -> Result<[u8; LENGTH], ResponseError> {
        let octets = self.octets(LENGTH)?;
        octets.try_into().map_err(|_| self.malformed())
    }

    /// A name, RFC 1035 section 4.1.4: labels, then the root or a pointer to a prior occurrence.
    fn name(&mut self) -> Result<Name, ResponseError> {
        let mut labels = Vec::new();
        let mut start = self.0.index();
        let mut elsewhere: Option<Self> = None;
        for _ in 0..MAXIMUM_NAME_STEPS {
            let reader = elsewhere.as_mut().unwrap_or(&mut *self);
            match reader.octet()? {
                0 => return Name::from_labels(labels).map_err(|_| self.malformed()),
                length @ 1..=0x3f => labels.push(reader.octets(usize::from(length))?),
                high @ 0xc0.. => {
                    let pointer = u16::from_be_bytes([high & 0x3f, reader.octet()?]);
                    // "Prior": each pointer leads before the piece that it ends, so none loops.
                    if usize::from(pointer) >= start {
                        return Err(reader.malformed());
                    }
                    start = usize::from(pointer);
                    elsewhere = Some(Self(reader.0.clone(pointer)));
                }
                _ => return Err(reader.malformed()),
            }
        }
        Err(self.malformed())
    }

    fn is_at_question(&mut self, question: &Question) -> Result<bool, ResponseError> {
        let name = self.name()?;
        let (record_type, class) = (self.u16()?, self.u16()?);
        Ok(name == question.name && record_type == question.record_type.code() && class == CLASS_IN)
    }

    fn preamble(&mut self) -> Result<Preamble, ResponseError> {
        Ok(Preamble {
            owner: self.name()?,
            record_type: self.u16()?,
            class: self.u16()?,
            ttl: self.u32()?,
            length: usize::from(self.u16()?),
        })
    }

    /// A record of the answer section; `None` when it is of another type or class.
    fn answer(&mut self, asked: RecordType) -> Result<Option<Record>, ResponseError> {
        let preamble = self.preamble()?;
        let end = self.0.index().saturating_add(preamble.length);
        let data = match preamble.record_type {
            code if preamble.class == CLASS_IN && code == asked.code() => {
                Data::Asked(self.data(asked, end)?)
            }
            TYPE_CNAME if preamble.class == CLASS_IN => Data::Alias(self.name()?),
            _ => {
                self.octets(preamble.length)?;
                return Ok(None);
            }
        };
        if self.0.index() != end {
            return Err(self.malformed());
        }
        let ttl = Some(preamble.ttl).filter(|ttl| *ttl <= MAXIMUM_TTL);
        Ok(Some(Record { owner: preamble.owner, ttl: ttl.unwrap_or(0), data }))
    }

    /// The data of a record, up to `end` as far as the data itself does not say its length.
    fn data(&mut self, record_type: RecordType, end: usize) -> Result<RecordData, ResponseError> {
        Ok(match record_type {
            RecordType::A => RecordData::A(Ipv4Addr::from(self.array::<4>()?)),
            RecordType::Aaaa => RecordData::Aaaa(Ipv6Addr::from(self.array::<16>()?)),
            RecordType::Mx => RecordData::Mx { preference: self.u16()?, exchange: self.name()? },
            RecordType::Ptr => RecordData::Ptr(self.name()?),
            RecordType::Tlsa => RecordData::Tlsa {
                usage: self.octet()?,
                selector: self.octet()?,
                matching: self.octet()?,
                data: Arc::from(self.octets(end.saturating_sub(self.0.index()))?),
            },
            RecordType::Txt => {
                let mut strings = Vec::new();
                while self.0.index() < end {
                    let length = self.octet()?;
                    strings.push(self.octets(usize::from(length))?);
                }
                RecordData::Txt(Text::new(strings))
            }
        })
    }

    /// Passes over a record; an OPT record has the high octet of the response code,
    /// RFC 6891 section 6.1.3.
    fn extended_response_code(&mut self) -> Result<Option<u8>, ResponseError> {
        let preamble = self.preamble()?;
        self.octets(preamble.length)?;
        let [high, ..] = preamble.ttl.to_be_bytes();
        Ok(Some(high).filter(|_| preamble.record_type == TYPE_OPT))
    }
}

#[cfg(test)]
mod tests;
