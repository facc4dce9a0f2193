//! DNS packets, RFC 1035 section 4.

use bonafide::dns::wire::{self, ResponseError};
use bonafide::dns::{Answer, Name, Outcome, Question, RecordType};

use super::{Choices, Reply, check_answer};

/// A packet is the reply to a question only if it has its id and is a response without an error; its
/// records are of the type asked for and no more than fit into it; what follows them changes nothing.
/// A query is its question, octet for octet.
///
/// Bit 0 of the input's first octet asks for the question that stands in the packet, bit 1 for an id
/// of its own; the rest is the packet.
pub fn holds(input: &[u8]) {
    let case = Case::read(input);
    let response = case.response();
    check_query(&case.question, case.id);
    match &response {
        Ok(Ok(answer)) => {
            check_found(&case, answer);
            let longer = [case.packet, b"\0\xffmore"].concat();
            assert_eq!(wire::response(&longer, &case.question, case.id), response);
        }
        Ok(Err(error)) => assert!(!error.to_string().is_empty()),
        Err(error) => check_error(&case, *error),
    }
}

pub struct Case<'a> {
    pub question: Question,
    pub id: u16,
    pub packet: &'a [u8],
}

impl<'a> Case<'a> {
    pub fn read(input: &'a [u8]) -> Self {
        let mut choices = Choices::new(input);
        let kind = choices.octet();
        let packet = choices.rest();
        let own = || Name::parse(b"example.com").map(|name| Question::new(name, RecordType::Txt));
        let found = Some(packet).filter(|_| kind & 1 == 1).and_then(question);
        let id = packet.first_chunk().map_or(0, |id| u16::from_be_bytes(*id));
        Self {
            question: found.unwrap_or_else(|| own().expect("a name")),
            id: if kind & 2 == 0 { id } else { 0x1234 },
            packet,
        }
    }

    pub fn response(&self) -> Result<Reply, ResponseError> {
        wire::response(self.packet, &self.question, self.id)
    }
}

/// The question of a packet, if it is written without compression.
fn question(packet: &[u8]) -> Option<Question> {
    let mut rest = packet.get(12..)?;
    let mut labels = Vec::new();
    loop {
        let (length, behind) = rest.split_first()?;
        let (label, behind) = behind.split_at_checked(usize::from(*length))?;
        rest = behind;
        if label.is_empty() {
            break;
        }
        labels.push(label);
    }
    let types = [
        RecordType::A,
        RecordType::Aaaa,
        RecordType::Mx,
        RecordType::Ptr,
        RecordType::Tlsa,
        RecordType::Txt,
    ];
    let code = u16::from_be_bytes(*rest.first_chunk()?);
    let record_type = types.into_iter().find(|known| known.code() == code)?;
    Some(Question::new(Name::from_labels(labels).ok()?, record_type))
}

pub fn check_found(case: &Case<'_>, answer: &Answer) {
    check_answer(&case.question, answer);
    // RFC 1035 section 4.1.3: a record is a name, ten octets and its data.
    assert!(answer.records.len() <= case.packet.len() / 11);
    // RFC 2181 section 8
    assert!(answer.ttl <= 0x7fff_ffff && !answer.authentic);
    let [high, low, flags, code, ..] = case.packet else {
        panic!("a response has a header");
    };
    assert_eq!(u16::from_be_bytes([*high, *low]), case.id);
    let (is_response, is_truncated) = (flags & 0x80 != 0, flags & 0x02 != 0);
    assert!(is_response && !is_truncated);
    let expected = if answer.outcome == Outcome::NxDomain { 3 } else { 0 };
    assert_eq!(code & 0x0f, expected);
}

pub fn check_error(case: &Case<'_>, error: ResponseError) {
    super::check_message(&error.to_string());
    match error {
        ResponseError::Malformed { offset } => assert!(offset <= case.packet.len()),
        ResponseError::Truncated => assert!(case.packet[2] & 0x02 != 0),
        ResponseError::WrongId { found, expected } => {
            assert_eq!(expected, case.id);
            assert_ne!(found, expected);
        }
        _ => assert!(error.is_foreign()),
    }
}

/// A query asks what it was made of, and as a response it says that there is nothing.
pub fn check_query(asked: &Question, id: u16) {
    let mut packet = wire::query(asked, id);
    // RFC 1035 section 2.3.4 and RFC 6891 section 6.1.2: header, name, type, class, OPT record.
    assert!(packet.len() <= 12 + 255 + 4 + 11);
    assert_eq!(packet[..2], id.to_be_bytes());
    assert_eq!(question(&packet).as_ref(), Some(asked));
    assert_eq!(wire::response(&packet, asked, id), Err(ResponseError::NotAResponse));
    packet[2] |= 0x80;
    assert_eq!(wire::response(&packet, asked, id), Ok(Ok(Answer::no_data())));
    let other = id.wrapping_add(1);
    let wrong = ResponseError::WrongId { found: id, expected: other };
    assert_eq!(wire::response(&packet, asked, other), Err(wrong));
}
