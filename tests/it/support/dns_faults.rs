//! What goes wrong with an answer of the DNS, done to the packet that a
//! [`DnsServer`](super::dns_server::DnsServer) is about to send.

use bonafide::dns::{Name, Question, RecordType};

use super::dns_server::{Hook, Query, Transport, encode_name, record};

const CNAME: u16 = 5;

/// Every fault by its name in the vectors.
pub(crate) const FAULTS: [&str; 15] = [
    "nxdomain",
    "nodata",
    "servfail",
    "refused",
    "formerr",
    "timeout",
    "truncated",
    "tcp failure",
    "wrong name",
    "cname loop",
    "64 kB",
    "garbage rdata",
    "empty rdata",
    "1000 records",
    "flipped case",
];

/// Of those the ones after which nobody knows what the records are.
pub(crate) const FAILURES: [&str; 7] =
    ["servfail", "refused", "formerr", "timeout", "tcp failure", "cname loop", "garbage rdata"];

/// Does this to every answer to one question.
pub(crate) fn hook(fault: &str, at: Question) -> Hook {
    let fault = fault.to_owned();
    let twin = Name::from_labels(std::iter::once(&b"loop"[..]).chain(at.name.labels())).unwrap();
    Box::new(move |packet, transport, of_zone| {
        let query = Query::read(packet)?;
        let answer = of_zone();
        let (name, code) = (&query.name, at.record_type.code());
        if fault == "cname loop" && [code, CNAME].contains(&query.code) {
            let link = |owner, to| record(owner, CNAME, 60, &encode_name(to));
            if [&at.name, &twin].contains(&name) {
                let records = [link(&at.name, &twin), link(&twin, &at.name)];
                return Some(query.reply(0, &records, false));
            }
        }
        if *name != at.name || query.code != code {
            return answer;
        }
        let over_tcp = transport == Transport::Tcp;
        let answer = answer?;
        let records = Packet::split(&answer).records;
        let wholly = |records: &[Vec<u8>]| {
            Some(query.reply(0, if over_tcp { records } else { &[] }, !over_tcp))
        };
        match fault.as_str() {
            "nxdomain" => Some(query.reply(3, &[], false)),
            "nodata" => Some(query.reply(0, &[], false)),
            "servfail" => Some(query.reply(2, &[], false)),
            "refused" => Some(query.reply(5, &[], false)),
            "formerr" => Some(query.reply(1, &[], false)),
            "timeout" => None,
            "truncated" if over_tcp => Some(answer),
            "tcp failure" if over_tcp => None,
            "truncated" | "tcp failure" => Some(query.reply(0, &[], true)),
            "wrong name" => {
                let records = records.iter().map(|(_, data)| [&encode_name(&twin), *data].concat());
                Some(query.reply(0, &records.collect::<Vec<_>>(), false))
            }
            "64 kB" => {
                let mut all = Vec::new();
                let mut octets: usize =
                    records.iter().map(|(owner, data)| owner.len() + data.len()).sum();
                for filler in (0..).map(|n| filler(name, at.record_type, n)) {
                    octets += filler.len();
                    if octets > 65_000 {
                        break;
                    }
                    all.push(filler);
                }
                all.extend(records.iter().map(|(owner, data)| [*owner, *data].concat()));
                wholly(&all)
            }
            "1000 records" => {
                let mut all: Vec<_> = (0..1000).map(|n| filler(name, at.record_type, n)).collect();
                all.extend(records.iter().map(|(owner, data)| [*owner, *data].concat()));
                wholly(&all)
            }
            "garbage rdata" => {
                let garbage: &[u8] = match at.record_type {
                    RecordType::A => &[192, 0, 2],
                    RecordType::Mx => &[0],
                    RecordType::Ptr => &[63, b'a'],
                    _ => &[200, b'v', b'='],
                };
                Some(query.reply(0, &[record(name, code, 60, garbage)], false))
            }
            "empty rdata" => {
                let empty: &[u8] = if code == RecordType::Txt.code() { &[0] } else { &[] };
                Some(query.reply(0, &[record(name, code, 60, empty)], false))
            }
            "flipped case" => Some(flipped(&answer)),
            other => panic!("there is no fault {other:?}"),
        }
    })
}

/// A record of the type that means nothing.
fn filler(owner: &Name, record_type: RecordType, n: u16) -> Vec<u8> {
    let [high, low] = n.to_be_bytes();
    let host = Name::parse(format!("h{n}.filler.example").as_bytes()).unwrap();
    let data = match record_type {
        RecordType::A => vec![198, 18, high, low],
        RecordType::Mx => [&[0, 0], encode_name(&host).as_slice()].concat(),
        RecordType::Ptr => encode_name(&host),
        RecordType::Txt => [&[20], format!("{n:020}").as_bytes()].concat(),
        other => panic!("no filler of type {other}"),
    };
    // A thousand whole names may not fit: each is a pointer to the question's.
    let record = record(owner, record_type.code(), 60, &data);
    [&[0xc0, 12], &record[encode_name(owner).len()..]].concat()
}

/// The server writes names without compression.
struct Packet<'a> {
    header: &'a [u8],
    question: (&'a [u8], &'a [u8]),
    /// Owners, and all that follows them.
    records: Vec<(&'a [u8], &'a [u8])>,
}

impl<'a> Packet<'a> {
    fn split(packet: &'a [u8]) -> Self {
        let (header, mut rest) = packet.split_at(12);
        let take = |rest: &mut &'a [u8], octets| {
            let (taken, behind) = rest.split_at(octets);
            *rest = behind;
            taken
        };
        let name = take(&mut rest, name_length(&packet[12..]));
        let question = (name, take(&mut rest, 4));
        let mut records = Vec::new();
        while !rest.is_empty() {
            let length = name_length(rest);
            let owner = take(&mut rest, length);
            let data = usize::from(u16::from_be_bytes([rest[8], rest[9]]));
            records.push((owner, take(&mut rest, 10 + data)));
        }
        Self { header, question, records }
    }
}

fn name_length(octets: &[u8]) -> usize {
    let mut at = 0;
    while octets[at] != 0 {
        at += 1 + usize::from(octets[at]);
    }
    at + 1
}

fn flipped(answer: &[u8]) -> Vec<u8> {
    // No length of a label is a letter here.
    let flip = |name: &[u8]| -> Vec<u8> {
        let flip = |octet: &u8| if octet.is_ascii_alphabetic() { octet ^ 0x20 } else { *octet };
        name.iter().map(flip).collect()
    };
    let Packet { header, question, records } = Packet::split(answer);
    let mut flipped = [header, &flip(question.0), question.1].concat();
    for (owner, data) in records {
        flipped.extend(flip(owner));
        flipped.extend(data);
    }
    flipped
}
