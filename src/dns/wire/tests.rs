//! Packets are built by `hickory_proto`'s encoder, or octet by octet where it would not build them.

use std::time::{Duration, Instant};

use hickory_proto::rr::rdata::{A, AAAA, CNAME, MX, PTR, SOA, TLSA, TXT, tlsa};
use hickory_proto::rr::{DNSClass, RData};

use super::*;
use crate::dns::Outcome;

const ID: u16 = 0xbeef;

fn name(dotted: &str) -> Name {
    Name::parse(dotted.as_bytes()).unwrap()
}

fn question(record_type: RecordType) -> Question {
    Question::new(name("q.example"), record_type)
}

fn foreign(dotted: &str) -> rr::Name {
    rr::Name::from_labels(name(dotted).labels()).unwrap()
}

fn record(owner: &str, ttl: u32, data: RData) -> rr::Record {
    rr::Record::from_rdata(foreign(owner), ttl, data)
}

fn cname(owner: &str, ttl: u32, target: &str) -> rr::Record {
    record(owner, ttl, RData::CNAME(CNAME(foreign(target))))
}

fn txt(owner: &str, ttl: u32, strings: &[&[u8]]) -> rr::Record {
    record(owner, ttl, RData::TXT(TXT::from_bytes(strings.to_vec())))
}

fn message(question: &Question, code: ResponseCode, answers: Vec<rr::Record>) -> Message {
    let mut message = Message::response(ID, OpCode::Query);
    message.metadata.response_code = code;
    let record_type = rr::RecordType::from(question.record_type.code());
    message.add_query(Query::query(foreign(&question.name.to_string()), record_type));
    message.insert_answers(answers);
    message
}

fn read(question: &Question, message: &Message) -> Result<Reply, ResponseError> {
    response(&message.to_vec().unwrap(), question, ID)
}

fn answered(code: ResponseCode, answers: Vec<rr::Record>) -> Reply {
    let question = question(RecordType::Txt);
    read(&question, &message(&question, code, answers)).unwrap()
}

fn text(string: &[u8]) -> RecordData {
    RecordData::Txt(Text::new([string]))
}

/// RFC 1035 section 4.1: header with RD, one question, and the OPT record of RFC 6891.
#[test]
fn a_query_is_exact_to_the_octet() {
    let odd = Name::from_labels([&b"a b./%:\xff"[..], b"Example"]).unwrap();
    let mut expected = b"\xbe\xef\x01\x00\0\x01\0\0\0\0\0\x01".to_vec();
    expected.extend_from_slice(b"\x08a b./%:\xff\x07example\0\0\x10\0\x01");
    expected.extend_from_slice(b"\0\0\x29\x04\xd0\0\0\0\0\0\0");
    assert_eq!(query(&Question::new(odd, RecordType::Txt), ID), expected);

    let root = query(&Question::new(Name::ROOT, RecordType::A), 0);
    assert_eq!(&root[12..17], b"\0\0\x01\0\x01");

    let label = [b'x'; 63];
    let longest = Name::from_labels([&label[..], &label, &label, &label[..61]]).unwrap();
    let packet = query(&Question::new(longest, RecordType::A), 0);
    assert_eq!(packet.len(), 12 + 255 + 4 + 11);
}

#[test]
fn every_record_type_is_read() {
    let certificate = TLSA::new(
        tlsa::CertUsage::from(3),
        tlsa::Selector::from(1),
        tlsa::Matching::from(1),
        vec![1, 2, 255],
    );
    let cases = [
        (RData::A(A::new(192, 0, 2, 1)), RecordData::A([192, 0, 2, 1].into())),
        (
            RData::AAAA(AAAA::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1)),
            RecordData::Aaaa("2001:db8::1".parse().unwrap()),
        ),
        (
            RData::MX(MX::new(10, foreign("mx.q.example"))),
            RecordData::Mx { preference: 10, exchange: name("mx.q.example") },
        ),
        (RData::PTR(PTR(foreign("host.q.example"))), RecordData::Ptr(name("host.q.example"))),
        (
            RData::TLSA(certificate),
            RecordData::Tlsa { usage: 3, selector: 1, matching: 1, data: Arc::from([1, 2, 255]) },
        ),
    ];
    for (theirs, ours) in cases {
        let question = question(ours.record_type());
        let answers = vec![record("q.example", 300, theirs)];
        let found = read(&question, &message(&question, ResponseCode::NoError, answers));
        assert_eq!(found, Ok(Ok(Answer::found([ours], 300))));
    }
}

/// RFC 1035 section 3.3.14: strings of any octets; here also none, which some zones have.
#[test]
fn strings_of_text_stay_apart_and_hold_any_octet() {
    let answers =
        vec![txt("q.example", 9, &[b"v=DK", b"", b"IM1\0\xff"]), txt("q.example", 8, &[b""])];
    let answer = answered(ResponseCode::NoError, answers).unwrap();
    let texts: Vec<_> = answer.texts().cloned().collect();
    assert_eq!(texts, [Text::new([&b"v=DK"[..], b"", b"IM1\0\xff"]), Text::new([""])]);
    assert_eq!(answer.ttl, 8);

    let mut packet =
        message(&question(RecordType::Txt), ResponseCode::NoError, vec![]).to_vec().unwrap();
    packet[7] = 1;
    packet.extend_from_slice(b"\xc0\x0c\0\x10\0\x01\0\0\0\x05\0\0");
    let none = RecordData::Txt(Text::new([""; 0]));
    assert_eq!(response(&packet, &question(RecordType::Txt), ID), Ok(Ok(Answer::found([none], 5))));
}

/// RFC 1034 section 3.6.2: the answer stands at the end of the chain, whatever the order.
#[test]
fn aliases_are_followed_and_their_ttl_counts() {
    let mut answers = vec![
        txt("c.example", 300, &[b"right"]),
        cname("b.example", 20, "C.example"),
        txt("elsewhere.example", 1, &[b"wrong"]),
        cname("Q.example", 30, "b.example"),
        cname("elsewhere.example", 1, "c.example"),
    ];
    let expected = Ok(Answer::found([text(b"right")], 20));
    assert_eq!(answered(ResponseCode::NoError, answers.clone()), expected);
    answers.reverse();
    assert_eq!(answered(ResponseCode::NoError, answers), expected);
}

#[test]
fn a_chain_without_records_at_its_end_is_no_data_or_nx_domain() {
    let chain = vec![cname("q.example", 30, "b.example")];
    assert_eq!(answered(ResponseCode::NoError, chain.clone()), Ok(Answer::no_data()));
    assert_eq!(answered(ResponseCode::NXDomain, chain), Ok(Answer::nx_domain()));
    let others = vec![txt("elsewhere.example", 30, &[b"wrong"])];
    assert_eq!(answered(ResponseCode::NoError, others), Ok(Answer::no_data()));
    assert_eq!(answered(ResponseCode::NoError, vec![]), Ok(Answer::no_data()));
}

#[test]
fn sixteen_links_are_followed_and_loops_end() {
    let chain = |links: usize| {
        let owner = |link| match link {
            0 => "q.example".to_owned(),
            _ => format!("n{link}.example"),
        };
        let mut answers: Vec<_> =
            (0..links).map(|link| cname(&owner(link), 60, &owner(link + 1))).collect();
        answers.push(txt(&owner(links), 60, &[b"end"]));
        answered(ResponseCode::NoError, answers)
    };
    assert_eq!(chain(16), Ok(Answer::found([text(b"end")], 60)));
    assert_eq!(chain(17), Err(LookupError::ServFail));
    let circle = vec![cname("q.example", 60, "b.example"), cname("b.example", 60, "q.example")];
    assert_eq!(answered(ResponseCode::NoError, circle), Err(LookupError::ServFail));
}

#[test]
fn response_codes_are_kept_apart() {
    let failure = |code| answered(code, vec![]).unwrap_err();
    assert_eq!(failure(ResponseCode::ServFail), LookupError::ServFail);
    assert_eq!(failure(ResponseCode::Refused), LookupError::Refused);
    for (code, text) in [
        (ResponseCode::FormErr, "(FORMERR)"),
        (ResponseCode::NotImp, "(NOTIMP)"),
        (ResponseCode::Unknown(12), "(response code 12)"),
    ] {
        let LookupError::Other(found) = failure(code) else {
            panic!("{code:?} is one of the others");
        };
        assert!(found.contains(text), "{found}");
    }
}

/// RFC 6891 section 6.1.3: BADVERS is NOERROR in the header, and 1 in the OPT record.
#[test]
fn the_extended_response_code_counts() {
    let question = question(RecordType::Txt);
    let mut message = message(&question, ResponseCode::BADVERS, vec![]);
    message.set_edns(Edns::new());
    let Ok(Err(LookupError::Other(found))) = read(&question, &message) else {
        panic!("BADVERS is a failure");
    };
    assert!(found.contains("(BADVERS)"), "{found}");
}

/// Negative answers bring an SOA record, other sections anything.
#[test]
fn other_sections_classes_and_types_do_not_count() {
    let question = question(RecordType::Txt);
    let mut of_chaos = txt("q.example", 5, &[b"chaos"]);
    of_chaos.dns_class = DNSClass::CH;
    let address = record("q.example", 5, RData::A(A::new(192, 0, 2, 1)));
    let mut message = message(&question, ResponseCode::NoError, vec![of_chaos, address]);
    let soa = SOA::new(foreign("ns.example"), foreign("h.example"), 1, 2, 3, 4, 5);
    message.add_authority(record("example", 60, RData::SOA(soa)));
    message.add_additional(txt("q.example", 5, &[b"additional"]));
    message.metadata.authentic_data = true;
    assert_eq!(read(&question, &message), Ok(Ok(Answer::no_data())));
}

/// RFC 2181 section 8.
#[test]
fn a_ttl_with_the_highest_bit_is_zero() {
    for (ttl, expected) in [(0x7fff_ffff, 0x7fff_ffff), (0x8000_0000, 0), (0xffff_ffff, 0)] {
        let answer = answered(ResponseCode::NoError, vec![txt("q.example", ttl, &[b"text"])]);
        assert_eq!(answer.unwrap().ttl, expected);
    }
}

#[test]
fn a_packet_for_somebody_else_is_told_apart() {
    let question = question(RecordType::Txt);
    let sent = query(&question, ID);
    assert_eq!(response(&sent, &question, ID), Err(ResponseError::NotAResponse));
    assert_eq!(response(&sent[..11], &question, ID), Err(ResponseError::NotAResponse));

    let mut message = message(&question, ResponseCode::NoError, vec![]);
    let packet = message.to_vec().unwrap();
    assert_eq!(
        response(&packet, &question, 1),
        Err(ResponseError::WrongId { found: ID, expected: 1 })
    );
    assert!(response(&packet, &question, 1).unwrap_err().is_foreign());
    for other in [
        Question::new(name("x.example"), RecordType::Txt),
        Question::new(name("q.example"), RecordType::A),
    ] {
        assert_eq!(response(&packet, &other, ID), Err(ResponseError::WrongQuestion));
    }
    message.metadata.op_code = OpCode::Notify;
    assert_eq!(read(&question, &message), Err(ResponseError::NotAResponse));
    message.metadata.op_code = OpCode::Query;
    message.metadata.truncation = true;
    assert_eq!(read(&question, &message), Err(ResponseError::Truncated));
    assert!(!ResponseError::Truncated.is_foreign());
    message.add_query(Query::query(foreign("q.example"), rr::RecordType::TXT));
    assert_eq!(read(&question, &message), Err(ResponseError::WrongQuestion));
}

/// RFC 1035 section 2.3.3: servers may return the question in another case.
#[test]
fn case_of_the_question_does_not_matter() {
    let question = question(RecordType::Txt);
    let answers = vec![txt("q.example", 5, &[b"text"])];
    let mut packet = message(&question, ResponseCode::NoError, answers).to_vec().unwrap();
    packet[12..22].make_ascii_uppercase();
    assert_eq!(response(&packet, &question, ID), Ok(Ok(Answer::found([text(b"text")], 5))));
}

/// A header alone may report a failure, and nothing else.
#[test]
fn without_a_question_only_failures_count() {
    let question = question(RecordType::Txt);
    for (code, expected) in [
        (5, Ok(Err(LookupError::Refused))),
        (0, Err(ResponseError::WrongQuestion)),
        (3, Err(ResponseError::WrongQuestion)),
    ] {
        let packet = [0xbe, 0xef, 0x81, code, 0, 0, 0, 0, 0, 0, 0, 0];
        assert_eq!(response(&packet, &question, ID), expected);
    }
}

/// RFC 1035 section 4.1.4: a pointer leads to a prior occurrence, and data has the length it says.
#[test]
fn broken_names_and_data_are_malformed() {
    let question = question(RecordType::Txt);
    let header = b"\xbe\xef\x81\0\0\x01\0\x01\0\0\0\0\x01q\x07example\0\0\x10\0\x01";
    let rest = b"\0\x10\0\x01\0\0\0\x05";
    let cases: [(&[u8], &[u8]); 8] = [
        (b"\xc0\x1b", b"\0\x02\x01t"),      // points at itself
        (b"\xc0\xff", b"\0\x02\x01t"),      // points ahead
        (b"\x80", b"\0\x02\x01t"),          // reserved label type
        (b"\x01a\xc0\x1b", b"\0\x02\x01t"), // points at its own beginning
        (b"\xc0\x0c", b"\0\x02\x02tt"),     // string longer than the data
        (b"\xc0\x0c", b"\0\x03\x01t"),      // data longer than the packet
        (b"\xc0\x0c", b"\0"),               // cut off
        (b"\xc0", b""),
    ];
    for (owner, data) in cases {
        let rest: &[u8] = if data.is_empty() { b"" } else { rest };
        let packet = [header, owner, rest, data].concat();
        let found = response(&packet, &question, ID);
        assert!(
            matches!(found, Err(ResponseError::Malformed { offset }) if offset >= header.len()),
            "{owner:?} {data:?} {found:?}"
        );
    }
    let whole = [&header[..], b"\xc0\x0c", rest, b"\0\x02\x01t and more"].concat();
    assert!(matches!(response(&whole, &question, ID), Ok(Ok(_))));
}

/// Reading a name follows a bounded number of pointers, so the work stays linear in the packet.
#[test]
fn a_packet_full_of_pointers_is_read_or_refused_quickly() {
    let read = |pointers: usize| {
        let mut packet = b"\xbe\xef\x81\0\0\x01\0\0\0\0\0\0\x01q\x07example\0\0\x10\0\x01".to_vec();
        // A record of a type that nobody reads, whose data is a chain of pointers to the question.
        packet.extend_from_slice(b"\xc0\x0c\0\x0a\0\x01\0\0\0\x05");
        packet.extend_from_slice(&u16::try_from(2 * pointers).unwrap().to_be_bytes());
        let mut target = 12;
        for _ in 0..pointers {
            let pointer = 0xc000 | target;
            target = u16::try_from(packet.len()).unwrap();
            packet.extend_from_slice(&pointer.to_be_bytes());
        }
        let mut records: u16 = 1;
        while packet.len() < 65_000 {
            packet.extend_from_slice(&(0xc000 | target).to_be_bytes());
            packet.extend_from_slice(b"\0\x10\0\x01\0\0\0\x05\0\0");
            records += 1;
        }
        packet[6..8].copy_from_slice(&records.to_be_bytes());
        let begin = Instant::now();
        let found = response(&packet, &question(RecordType::Txt), ID);
        assert!(begin.elapsed() < Duration::from_secs(2));
        found.map(|reply| reply.unwrap().records.len())
    };
    assert!(read(250).unwrap() > 5_000);
    assert!(matches!(read(8_000), Err(ResponseError::Malformed { .. })));
}

/// Pseudo-random numbers, the same in every run.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % u64::try_from(limit).unwrap()).unwrap()
    }

    fn octet(&mut self) -> u8 {
        u8::try_from(self.below(256)).unwrap()
    }
}

/// Whatever arrives is read or refused: no panic, and no record that was not asked for.
#[test]
fn hostile_packets_are_read_or_refused() {
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    let types = [
        RecordType::A,
        RecordType::Aaaa,
        RecordType::Mx,
        RecordType::Ptr,
        RecordType::Tlsa,
        RecordType::Txt,
    ];
    let answers = vec![
        cname("q.example", 30, "b.example"),
        txt("b.example", 300, &[b"v=DKIM1; p=", b"abc"]),
        record("b.example", 30, RData::MX(MX::new(1, foreign("m.example")))),
        record("b.example", 30, RData::A(A::new(192, 0, 2, 1))),
    ];
    let (mut refused, mut found) = (0, 0);
    for round in 0..30_000 {
        let question = question(types[round % types.len()]);
        let mut packet = match round % 5 {
            0 => (0..random.below(600)).map(|_| random.octet()).collect(),
            _ => {
                let mut message = message(&question, ResponseCode::NoError, answers.clone());
                message.set_edns(Edns::new());
                message.to_vec().unwrap()
            }
        };
        for _ in 0..random.below(4) {
            if !packet.is_empty() {
                // Mostly behind the header and the question, where more is read.
                let at = random.below(packet.len());
                packet[at] = random.octet();
            }
        }
        if random.below(3) == 0 {
            packet.truncate(random.below(packet.len() + 1));
        }
        match response(&packet, &question, ID) {
            Err(_) => refused += 1,
            Ok(Err(_)) => {}
            Ok(Ok(answer)) => {
                let asked = |data: &RecordData| data.record_type() == question.record_type;
                assert!(answer.records.iter().all(asked));
                assert_eq!(answer.outcome == Outcome::Found, !answer.records.is_empty());
                assert!(!answer.authentic);
                found += 1;
            }
        }
    }
    assert!(refused > 5_000 && found > 5_000, "{refused} {found}");
}
