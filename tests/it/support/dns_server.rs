//! A DNS server on 127.0.0.1 that answers from a [`Zone`], for tests of resolvers that use sockets.
//!
//! Its packets are read and written here octet by octet, so that it works in every build and agrees
//! with the code under test only where both agree with RFC 1035.

use std::fmt;
use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use bonafide::dns::{
    Answer, LookupError, Name, Outcome, Question, RecordData, RecordType, Resolver, Zone,
};

const CNAME: u16 = 5;

const NOERROR: u8 = 0;
const SERVFAIL: u8 = 2;
const NXDOMAIN: u8 = 3;
const NOTIMP: u8 = 4;
const REFUSED: u8 = 5;

const RECORD_TYPES: [RecordType; 6] = [
    RecordType::A,
    RecordType::Aaaa,
    RecordType::Mx,
    RecordType::Ptr,
    RecordType::Tlsa,
    RecordType::Txt,
];

/// What the server does beside answering; by default nothing.
///
/// Failures need no manners: `!SERVFAIL`, `!REFUSED` and `!TIMEOUT` of the zone do what they say.
#[derive(Clone, Debug, Default)]
pub(crate) struct Manners {
    /// CNAMEs that the answer shows link by link before the zone is asked for the last target.
    pub(crate) aliases: Vec<(Name, Name)>,
    /// Keeps the first question over UDP until there is a second, and answers that one first.
    pub(crate) answer_in_reverse: bool,
    /// Sends a forged packet with another id before each answer over UDP.
    pub(crate) forged_ids_first: bool,
    /// Understands no query.
    pub(crate) not_implemented: bool,
    /// Shows one CNAME in an answer and leaves the rest to the client.
    pub(crate) one_alias_at_a_time: bool,
    /// Truncates every answer over UDP, whatever its size.
    pub(crate) truncate: bool,
}

/// How a question came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Transport {
    Tcp,
    Udp,
}

/// Answers in place of the zone: the query, how it came, and what the zone would answer.
pub(crate) type Hook = Box<dyn Fn(&[u8], Transport, OfZone<'_>) -> Option<Vec<u8>> + Send + Sync>;
pub(crate) type OfZone<'a> = &'a dyn Fn() -> Option<Vec<u8>>;

/// The server; it stops when it is dropped.
#[derive(Debug)]
pub(crate) struct DnsServer {
    address: SocketAddr,
    shared: Arc<Shared>,
    threads: Vec<JoinHandle<()>>,
}

struct Shared {
    zone: Zone,
    manners: Manners,
    hook: Hook,
    asked: Mutex<Vec<(Transport, Question)>>,
    stopped: AtomicBool,
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.manners)
    }
}

impl DnsServer {
    /// Serves a zone over UDP and TCP at the same port.
    pub(crate) fn start(zone: &str, manners: Manners) -> Self {
        Self::start_with(zone, manners, Box::new(|_, _, of_zone| of_zone()))
    }

    /// As [`DnsServer::start`], with a hand on every answer.
    pub(crate) fn start_with(zone: &str, manners: Manners, hook: Hook) -> Self {
        let (udp, tcp) = bind();
        let address = udp.local_addr().unwrap();
        let shared = Arc::new(Shared {
            zone: zone.parse().unwrap(),
            manners,
            hook,
            asked: Mutex::default(),
            stopped: AtomicBool::new(false),
        });
        let (for_udp, for_tcp) = (Arc::clone(&shared), Arc::clone(&shared));
        let threads = vec![
            thread::spawn(move || for_udp.serve_udp(&udp)),
            thread::spawn(move || serve_tcp(&for_tcp, &tcp)),
        ];
        Self { address, shared, threads }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Every question so far, in the order of arrival.
    pub(crate) fn asked(&self) -> Vec<(Transport, Question)> {
        self.shared.asked().clone()
    }
}

impl Drop for DnsServer {
    fn drop(&mut self) {
        self.shared.stopped.store(true, Ordering::SeqCst);
        // Both threads wait for something to arrive.
        if let Ok(socket) = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)) {
            let _ = socket.send_to(b"", self.address);
        }
        let _ = TcpStream::connect(self.address);
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}

/// A UDP and a TCP socket at the same port, which another process may hold for one of them.
fn bind() -> (UdpSocket, TcpListener) {
    for _ in 0..100 {
        let udp = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        if let Ok(tcp) = TcpListener::bind(udp.local_addr().unwrap()) {
            return (udp, tcp);
        }
    }
    panic!("no port of 127.0.0.1 is free for UDP and TCP");
}

fn serve_tcp(shared: &Arc<Shared>, listener: &TcpListener) {
    for stream in listener.incoming() {
        if shared.stopped() {
            return;
        }
        // A client may keep its connection; the thread ends when that is closed.
        let shared = Arc::clone(shared);
        thread::spawn(move || stream.and_then(|stream| shared.serve_connection(stream)));
    }
}

impl Shared {
    fn stopped(&self) -> bool {
        self.stopped.load(Ordering::SeqCst)
    }

    fn asked(&self) -> MutexGuard<'_, Vec<(Transport, Question)>> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn serve_udp(&self, socket: &UdpSocket) {
        let mut buffer = [0; 4096];
        let mut kept = None;
        let mut first = true;
        while let Ok((length, client)) = socket.recv_from(&mut buffer) {
            if self.stopped() {
                return;
            }
            let Some(answer) = self.answer(&buffer[..length], Transport::Udp) else {
                continue;
            };
            if std::mem::take(&mut first) && self.manners.answer_in_reverse {
                kept = Some((answer, client));
                continue;
            }
            for (answer, client) in [(answer, client)].into_iter().chain(kept.take()) {
                if self.manners.forged_ids_first {
                    let mut forged = answer.clone();
                    forged[0] ^= 0xff;
                    let _ = socket.send_to(&forged, client);
                }
                let _ = socket.send_to(&answer, client);
            }
        }
    }

    fn serve_connection(&self, mut stream: TcpStream) -> io::Result<()> {
        stream.set_read_timeout(Some(Duration::from_secs(10)))?;
        loop {
            let mut length = [0; 2];
            stream.read_exact(&mut length)?;
            let mut packet = vec![0; usize::from(u16::from_be_bytes(length))];
            stream.read_exact(&mut packet)?;
            // Silence over TCP is to hang up.
            let Some(answer) = self.answer(&packet, Transport::Tcp) else { return Ok(()) };
            let length = u16::try_from(answer.len()).unwrap();
            stream.write_all(&[&length.to_be_bytes(), answer.as_slice()].concat())?;
        }
    }

    /// The packet to send back, if any.
    fn answer(&self, packet: &[u8], transport: Transport) -> Option<Vec<u8>> {
        (self.hook)(packet, transport, &|| self.answer_of_zone(packet, transport))
    }

    /// None when the zone says so, or when the query cannot be read.
    fn answer_of_zone(&self, packet: &[u8], transport: Transport) -> Option<Vec<u8>> {
        let query = Query::read(packet)?;
        let Some(record_type) = query.record_type else {
            let alias = self.alias(&query.name).filter(|_| query.code == CNAME);
            let alias = alias.map(|(owner, to)| record(owner, CNAME, 30, &encode_name(to)));
            return Some(query.reply(NOERROR, alias.as_slice(), false));
        };
        let mut last = Question::new(query.name.clone(), record_type);
        self.asked().push((transport, last.clone()));
        if self.manners.not_implemented {
            return Some(query.reply(NOTIMP, &[], false));
        }

        let mut records = Vec::new();
        while let Some((owner, target)) = self.alias(&last.name) {
            records.push(record(owner, CNAME, 30, &encode_name(target)));
            last.name = target.clone();
            if self.manners.one_alias_at_a_time || records.len() > 20 {
                return Some(query.reply(NOERROR, &records, false));
            }
        }
        let (code, answer) = match bonafide::block_on(self.zone.lookup(&last)) {
            Ok(answer) if answer.outcome == Outcome::NxDomain => (NXDOMAIN, answer),
            Ok(answer) => (NOERROR, answer),
            Err(LookupError::Timeout) => return None,
            Err(LookupError::Refused) => (REFUSED, Answer::no_data()),
            Err(_) => (SERVFAIL, Answer::no_data()),
        };
        let data = answer.records.iter().map(encode_data);
        let code_of_type = last.record_type.code();
        records.extend(data.map(|data| record(&last.name, code_of_type, answer.ttl, &data)));

        let whole = query.reply(code, &records, false);
        let fits =
            transport == Transport::Tcp || (whole.len() <= query.payload && !self.manners.truncate);
        Some(if fits { whole } else { query.reply(code, &[], true) })
    }

    fn alias(&self, name: &Name) -> Option<&(Name, Name)> {
        self.manners.aliases.iter().find(|(owner, _)| owner == name)
    }
}

/// A query, RFC 1035 section 4.1.
pub(crate) struct Query<'a> {
    id: &'a [u8],
    /// The question section as it came, since resolvers may look at its case.
    section: &'a [u8],
    pub(crate) name: Name,
    pub(crate) code: u16,
    /// None if it is one that the crate has no use for.
    record_type: Option<RecordType>,
    /// How much the client takes over UDP, RFC 6891 section 6.2.3.
    payload: usize,
}

impl<'a> Query<'a> {
    pub(crate) fn read(packet: &'a [u8]) -> Option<Self> {
        let (header, body) = packet.split_at_checked(12)?;
        if header[2] & 0xf8 != 0 || header[4..6] != [0, 1] {
            return None;
        }
        let mut labels = Vec::new();
        let mut rest = body;
        loop {
            let (length, tail) = rest.split_first()?;
            let (label, tail) = tail.split_at_checked(usize::from(*length))?;
            rest = tail;
            if label.is_empty() {
                break;
            }
            labels.push(label);
        }
        let (code, rest) = rest.split_at_checked(2)?;
        let (class, rest) = rest.split_at_checked(2)?;
        let code = u16::from_be_bytes(code.try_into().ok()?);
        let record_type = RECORD_TYPES.into_iter().find(|record_type| record_type.code() == code);
        let payload = match rest {
            [0, 0, 41, high, low, ..] => u16::from_be_bytes([*high, *low]).max(512),
            _ => 512,
        };
        (class == [0, 1]).then_some(Self {
            id: &header[..2],
            section: &body[..body.len() - rest.len()],
            name: Name::from_labels(labels).ok()?,
            code,
            record_type,
            payload: usize::from(payload),
        })
    }

    pub(crate) fn reply(&self, code: u8, answers: &[Vec<u8>], truncated: bool) -> Vec<u8> {
        let count = u16::try_from(answers.len()).unwrap().to_be_bytes();
        // A response with recursion desired and available.
        let flags = [0x81 | (u8::from(truncated) << 1), 0x80 | code];
        let counts = [0, 1, count[0], count[1], 0, 0, 0, 0];
        let header = [self.id, &flags, &counts, self.section].concat();
        [header, answers.concat()].concat()
    }
}

pub(crate) fn record(owner: &Name, code: u16, ttl: u32, data: &[u8]) -> Vec<u8> {
    let length = u16::try_from(data.len()).unwrap();
    [
        encode_name(owner).as_slice(),
        &code.to_be_bytes(),
        &[0, 1],
        &ttl.to_be_bytes(),
        &length.to_be_bytes(),
        data,
    ]
    .concat()
}

pub(crate) fn encode_string(string: &[u8]) -> Vec<u8> {
    [&[u8::try_from(string.len()).unwrap()], string].concat()
}

pub(crate) fn encode_name(name: &Name) -> Vec<u8> {
    let labels: Vec<_> = name.labels().map(encode_string).collect();
    [labels.concat(), vec![0]].concat()
}

fn encode_data(data: &RecordData) -> Vec<u8> {
    match data {
        RecordData::A(address) => address.octets().to_vec(),
        RecordData::Aaaa(address) => address.octets().to_vec(),
        RecordData::Mx { preference, exchange } => {
            [&preference.to_be_bytes()[..], &encode_name(exchange)].concat()
        }
        RecordData::Ptr(name) => encode_name(name),
        RecordData::Tlsa { usage, selector, matching, data } => {
            [&[*usage, *selector, *matching], &data[..]].concat()
        }
        RecordData::Txt(text) => text.strings().flat_map(encode_string).collect(),
        _ => panic!("{data:?} has no encoding here"),
    }
}
