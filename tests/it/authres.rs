//! Authentication-Results under attack: forged fields, hostile values, and fields of any size.

use std::time::Instant;

use bonafide::Domain;
use bonafide::authentication_results::{
    AuthenticationResults, Keyword, MethodResult, Text, Value as PropertyValue, strip,
};
use bonafide::message::Header;
use proptest::prelude::*;
use serde_json::Value;

use crate::support::attacks::run;

#[test]
fn authres_area() {
    run("authres", &["authres"], 16, |case| {
        let started = Instant::now();
        let failure = check(&case.json, &case.file).err();
        failure.into_iter().chain(case.exceeded(started, 0)).collect()
    });
}

fn check(case: &Value, file: &[u8]) -> Result<(), String> {
    let (inputs, expected) = (&case["inputs"], &case["expected"]);
    let own = inputs["authserv_id"].as_str().unwrap();
    let header = Header::parse(file);
    let value = header.field(0).map(|field| field.value()).unwrap_or_default();
    if let Some(removed) = expected["authres_remove"].as_array() {
        let mut found = strip(&header, own);
        if !found.is_sorted_by(|a, b| a > b) {
            return Err(format!("not from the bottom up: {found:?}"));
        }
        found.reverse();
        let removed: Vec<_> = removed.iter().map(|at| at.as_u64().unwrap() as usize).collect();
        return if found == removed { Ok(()) } else { Err(format!("found {found:?}")) };
    }
    if inputs["values"].is_object() {
        return check_written(own, &inputs["values"], expected);
    }
    let parsed = AuthenticationResults::parse(value);
    if expected["authres_trusted"] == false {
        return if parsed.is_err() { Ok(()) } else { Err(format!("found {parsed:?}")) };
    }
    let results = parsed.map_err(|error| error.to_string())?.results;
    let lines = value.split(|octet| *octet == b'\n').count() - 1;
    let expected_count = expected["authres_results"].as_u64().map_or(lines, |n| n as usize);
    if results.len() != expected_count {
        return Err(format!("found {} results", results.len()));
    }
    if let Some(first) = expected["authres_result_0"].as_array() {
        let found = [results[0].method.as_str(), results[0].result.as_str()];
        return if *first == found { Ok(()) } else { Err(format!("found {found:?}")) };
    }
    Ok(())
}

/// Writes what the types admit of the values, as a server would that has them from a message.
fn check_written(own: &str, values: &Value, expected: &Value) -> Result<(), String> {
    let keyword = |value: &'static str| Keyword::parse(value.as_bytes()).unwrap();
    let mut field = AuthenticationResults::new(Text::parse(own.as_bytes()).unwrap());
    for dkim in values["dkim"].as_array().into_iter().flatten() {
        let mut result =
            MethodResult::new(Keyword::DKIM, Keyword::parse(bytes(&dkim["result"])).unwrap());
        if let Ok(domain) = Text::parse(bytes(&dkim["d"])) {
            result = result.with_property(Keyword::HEADER, Keyword::D, domain);
        }
        if let Ok(selector) = Text::parse(bytes(&dkim["s"])) {
            result = result.with_property(Keyword::HEADER, Keyword::S, selector);
        }
        if let Some(identity) = address(&dkim["i"]) {
            result = result.with_property(Keyword::HEADER, Keyword::I, identity);
        }
        field.results.push(result);
    }
    if values["spf"].is_object() {
        let spf = &values["spf"];
        let mut result =
            MethodResult::new(Keyword::SPF, Keyword::parse(bytes(&spf["result"])).unwrap());
        if let Some(reason) = spf["explanation"].as_str() {
            result = result.with_reason(Text::parse(reason.as_bytes()).unwrap());
        }
        if let Some(mail_from) = address(&spf["mail_from"]) {
            result = result.with_property(Keyword::SMTP, keyword("MailFrom"), mail_from);
        }
        if let Ok(helo) = Text::parse(bytes(&spf["helo"])) {
            result = result.with_property(Keyword::SMTP, Keyword::HELO, helo);
        }
        field.results.push(result);
    }
    let written = field.to_field();
    if Header::parse(written.as_bytes()).fields().len() != 1 {
        return Err(format!("more than one field: {written:?}"));
    }
    let value = Header::parse(written.as_bytes()).field(0).unwrap().value();
    if AuthenticationResults::parse(value).as_ref() != Ok(&field) {
        return Err(format!("reads back as something else: {written:?}"));
    }
    let outside_quotes: String = written.split('"').step_by(2).collect();
    for injected in expected["authres_must_not_contain"].as_array().unwrap() {
        if outside_quotes.contains(injected.as_str().unwrap()) {
            return Err(format!("{injected} is in {written:?}"));
        }
    }
    Ok(())
}

fn bytes(value: &Value) -> &[u8] {
    value.as_str().unwrap_or_default().as_bytes()
}

fn address(value: &Value) -> Option<PropertyValue<'_>> {
    let (local_part, domain) = value.as_str()?.rsplit_once('@')?;
    let domain = Domain::parse(domain.as_bytes()).ok()?;
    let local_part =
        local_part.strip_prefix('"').and_then(|l| l.strip_suffix('"')).unwrap_or(local_part);
    PropertyValue::address(Some(Text::parse(local_part.as_bytes()).ok()?), domain).ok()
}

/// What a field may hold, in all its forms.
fn text() -> impl Strategy<Value = String> {
    prop_oneof!["[a-z.0-9-]{1,12}", "[ -~\u{e9}\u{4e00}\t]{0,40}", "[\"\\\\@;()]{0,10}"]
}

fn value() -> impl Strategy<Value = (Option<Option<String>>, String)> {
    (prop::option::of(prop::option::of(text())), text())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..Default::default() })]

    /// What is written reads back equal, on one field whose lines are of a good length.
    #[test]
    fn written_fields_read_back(
        id in text(),
        version in prop::option::of(any::<u32>()),
        results in prop::collection::vec((
            "[A-Za-z0-9-]{0,10}[a-z]", prop::option::of(any::<u32>()), "[a-z]{1,9}", prop::option::of(text()),
            prop::collection::vec(("[a-z]{1,8}", "[a-z0-9-]{0,8}[0-9]", value()), 0..5),
        ), 0..6),
    ) {
        let mut field = AuthenticationResults::new(Text::parse(id.as_bytes()).unwrap());
        field.version = version;
        for (method, version, word, reason, properties) in &results {
            let [method, word] = [method, word].map(|word| Keyword::parse(word.as_bytes()).unwrap());
            let mut result = MethodResult::new(method, word);
            result.version = *version;
            result.reason = reason.as_ref().map(|reason| Text::parse(reason.as_bytes()).unwrap());
            for (ptype, property, (address, text)) in properties {
                let [ptype, property] = [ptype, property].map(|word| Keyword::parse(word.as_bytes()).unwrap());
                let value = match address {
                    None => PropertyValue::from(Text::parse(text.as_bytes()).unwrap()),
                    Some(local_part) => {
                        let local_part = local_part.as_ref().map(|l| Text::parse(l.as_bytes()).unwrap());
                        let domain = Domain::parse(b"x-1.example").unwrap();
                        PropertyValue::address(local_part, domain).unwrap()
                    }
                };
                result = result.with_property(ptype, property, value);
            }
            field.results.push(result);
        }
        let written = field.to_field();
        let header = Header::parse(written.as_bytes());
        prop_assert_eq!(header.fields().len(), 1);
        let value = header.field(0).unwrap().value();
        prop_assert_eq!(AuthenticationResults::parse(value), Ok(field), "{}", written);
        prop_assert!(written.split("\r\n").all(|line| line.len() < 998 && !line.contains(['\r', '\n', '\0'])));
        prop_assert!(!id.contains(char::is_alphanumeric) || strip(&header, &id) == [0]);
    }
}
