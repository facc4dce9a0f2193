//! Zones in memory: names and quoted strings as in RFC 1035 section 5.1, wildcards as in RFC 4592.

use std::fmt::Write as _;

use bonafide::block_on;
use bonafide::dns::{Name, Question, RecordType, Resolver, Zone, ZoneError};

use super::{Reply, check_answer};

const TYPES: [RecordType; 6] = [
    RecordType::A,
    RecordType::Aaaa,
    RecordType::Mx,
    RecordType::Ptr,
    RecordType::Tlsa,
    RecordType::Txt,
];

/// A text is a zone, or an error names one of its lines. Every name and type has an answer or an error,
/// with no more records than there are lines; comments change none. A name and a text are found again
/// under what they print as, whatever their octets.
pub fn holds(text: &[u8]) {
    let lines = text.split(|octet| *octet == b'\n').count();
    let commented = [b"# comment\n\n", text].concat();
    match (Zone::parse(text), Zone::parse(&commented)) {
        (Ok(zone), Ok(commented)) => {
            for name in names(text) {
                for record_type in TYPES {
                    let question = Question::new(name.clone(), record_type);
                    let reply = lookup(&zone, &question);
                    assert_eq!(reply, lookup(&commented, &question));
                    if let Ok(answer) = reply {
                        check_answer(&question, &answer);
                        assert!(answer.records.len() <= lines);
                    }
                }
            }
        }
        (Err(error), Err(commented)) => {
            check_error(lines, &error);
            assert_eq!((commented.line, commented.kind), (error.line + 2, error.kind));
        }
        (zone, _) => panic!("with a comment before it, the text is read differently: {zone:?}"),
    }
    printed_names(text);
}

pub fn check_error(lines: usize, error: &ZoneError) {
    assert!((1..=lines).contains(&error.line));
    assert!(!error.to_string().is_empty());
}

/// The first words of the lines, and the names below and above them.
fn names(text: &[u8]) -> Vec<Name> {
    let words = text
        .split(|octet| *octet == b'\n')
        .filter_map(|line| line.split(u8::is_ascii_whitespace).find(|word| !word.is_empty()));
    let mut names = vec![Name::ROOT];
    // The time of a lookup is the zone's affair, their number is not.
    for name in words.filter_map(|word| Name::parse(word).ok()).take(32) {
        let below = Name::from_labels([b"a"]).and_then(|label| label.join(&name));
        names.extend(name.parent());
        names.extend(below);
        names.push(name);
    }
    names
}

fn lookup(zone: &Zone, question: &Question) -> Reply {
    block_on(zone.lookup(question))
}

/// A line with any octets for a name and for a text, the one as it prints, the other in escapes.
fn printed_names(octets: &[u8]) {
    let labels = octets.chunks(5).take(8).filter(|label| !label.is_empty());
    let name = Name::from_labels(labels).expect("a few short labels are a name");
    let text = &octets[..octets.len().min(300)];
    let mut line = format!("{name} TXT \"");
    for octet in text {
        write!(line, "\\{octet:03}").expect("a string takes everything");
    }
    line.push('"');
    let zone = Zone::parse(line.as_bytes()).expect("a printed name is a name");
    check_text(&lookup(&zone, &Question::new(name, RecordType::Txt)), text);
}

pub fn check_text(reply: &Reply, expected: &[u8]) {
    let answer = reply.as_ref().expect("the name is in the zone");
    let texts: Vec<_> = answer.texts().map(|text| text.as_bytes()).collect();
    assert_eq!(texts, [expected]);
}
