//! Seeds and laws of the targets `zone`, `domain` and `wire`.

use super::*;

#[test]
fn zone_seeds_reach_every_error_and_every_answer() {
    let names = ["a.example", "b.example", "d.example", "example.com", "x.example", "c.example"];
    let found = reached("zone", |text| match Zone::parse(text) {
        Ok(zone) => {
            let mut found = Vec::new();
            for name in names {
                let name = Name::parse(name.as_bytes()).unwrap();
                for record_type in [RecordType::A, RecordType::Txt] {
                    match block_on(zone.lookup(&Question::new(name.clone(), record_type))) {
                        Ok(answer) => found.extend(variants(&answer.outcome)),
                        Err(error) => found.extend(variants(&error)),
                    }
                }
            }
            found
        }
        Err(error) => variants(&error.kind),
    });
    assert_all_reached(&found, "ZoneErrorKind", "", &[]);
    assert_all_reached(&found, "Outcome", "", &[]);
    // A zone knows no other faults.
    assert_all_reached(&found, "LookupError", "", &["Bogus", "Other"]);
}

#[test]
fn domain_seeds_reach_every_error() {
    let found = reached("domain", |text| match Domain::parse(text) {
        Ok(_) => vec!["ok".to_owned()],
        Err(error) => variants(&error),
    });
    assert_reached(&found, &["ok"]);
    assert_all_reached(&found, "DomainError", "", &[]);
}

#[cfg(feature = "wire")]
#[test]
fn wire_seeds_reach_every_error_and_every_answer() {
    let found = reached("wire", |input| match laws::wire::Case::read(input).response() {
        Ok(Ok(answer)) => {
            let types = answer.records.iter().flat_map(|record| variants(&record.record_type()));
            variants(&answer.outcome).into_iter().chain(types).collect()
        }
        Ok(Err(error)) => variants(&error),
        Err(error) => variants(&error),
    });
    assert_all_reached(&found, "ResponseError", "", &[]);
    assert_all_reached(&found, "Outcome", "", &[]);
    assert_all_reached(&found, "RecordType", "", &[]);
    // No response says of itself that it is forged or late.
    assert_all_reached(&found, "LookupError", "", &["Bogus", "Timeout"]);
}

#[test]
fn the_laws_of_dns_refuse_wrong_answers() {
    let question = Question::new(Name::parse(b"example.com").unwrap(), RecordType::Txt);
    let address = RecordData::A([192, 0, 2, 1].into());
    let wrong = Answer::found([address], 60);
    assert_refused(|| laws::check_answer(&question, &wrong));
    let mut empty = Answer::no_data();
    laws::check_answer(&question, &empty);
    empty.outcome = bonafide::dns::Outcome::Found;
    assert_refused(|| laws::check_answer(&question, &empty));
    assert_refused(|| laws::zone::check_text(&Ok(Answer::no_data()), b"text"));
    let error = Zone::parse(b"\nx").unwrap_err();
    laws::zone::check_error(2, &error);
    assert_refused(|| laws::zone::check_error(1, &error));

    #[cfg(feature = "wire")]
    {
        let packet = bonafide::dns::wire::query(&question, 1);
        let case = laws::wire::Case { question, id: 1, packet: &packet };
        // A query is no response, whatever reads it as one.
        assert_refused(|| laws::wire::check_found(&case, &Answer::no_data()));
        let offset = packet.len() + 1;
        let error = bonafide::dns::wire::ResponseError::Malformed { offset };
        assert_refused(|| laws::wire::check_error(&case, error));
    }
}
