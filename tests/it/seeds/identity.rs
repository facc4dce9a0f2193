//! Seeds of the targets that say whose message it is: `author`, `dmarc_record`, Authentication-Results.

use super::*;

#[test]
fn author_seeds_reach_every_error() {
    let found = reached("author", |message| match AuthorDomain::of(&Header::parse(message)) {
        Ok(_) => vec!["ok".to_owned()],
        Err(error) => variants(&error),
    });
    assert_reached(&found, &["ok"]);
    // How much of a header is kept, the front door says.
    assert_all_reached(&found, "AuthorError", "", &["HeaderTooLong"]);
}

#[test]
fn dmarc_record_seeds_reach_every_problem_and_every_value() {
    let found = reached("dmarc_record", |text| match dmarc::Record::parse(text) {
        Ok(record) => {
            let mut found: Vec<_> =
                dmarc::Record::problems(text).iter().flat_map(variants).collect();
            found.extend([record.policy, record.subdomain_policy].iter().flat_map(variants));
            found.push(format!("psd {:?}", record.psd));
            found.push(format!("valid {}", record.is_valid()));
            found.extend(record.testing.then(|| "t=y".to_owned()));
            found.extend((!record.ruf.is_empty()).then(|| "ruf=".to_owned()));
            found
        }
        Err(_) => vec!["no record".to_owned()],
    });
    assert_all_reached(&found, "RecordProblem", "", &[]);
    assert_all_reached(&found, "TagListError", "TagList", &[]);
    assert_all_reached(&found, "Policy", "Policy", &[]);
    assert_all_reached(&found, "PolicyRequest", "", &[]);
    assert_all_reached(&found, "Psd", "psd", &[]);
    assert_reached(&found, &["no record", "valid true", "valid false", "t=y", "ruf="]);
}

#[test]
fn authentication_results_seeds_reach_every_error_and_every_value() {
    let found =
        reached("authentication_results", |value| match AuthenticationResults::parse(value) {
            Ok(field) if field.results.is_empty() => vec![format!("none {}", field.is_supported())],
            Ok(field) => {
                let properties = field.results.iter().flat_map(|result| &result.properties);
                properties.flat_map(|property| variants(&property.value)).collect()
            }
            Err(error) => {
                let inner = match &error {
                    ParseError::Value { error, .. } => variants(error),
                    _ => vec![],
                };
                let inner = inner.iter().map(|inner| format!("Value {inner}"));
                variants(&error).into_iter().chain(inner).collect()
            }
        });
    assert_all_reached(&found, "ParseError", "", &[]);
    // No keyword of no octets is ever read.
    assert_all_reached(&found, "ValueError", "Value", &["Empty"]);
    assert_reached(&found, &["none true", "none false", "Address", "Text"]);
}

#[test]
fn results_written_seeds_reach_every_value() {
    let found = reached("results_written", |input| match laws::results_written::read(input) {
        None => vec![],
        Some(field) => {
            let written = field.to_string();
            let shapes = [
                ("none", field.results.is_empty()),
                ("reason", written.contains("reason=")),
                ("quoted", written.contains("=\"")),
                ("quoted local-part", written.contains("\"@")),
                ("long", written.lines().any(|line| line.len() > 78)),
                ("folded", written.contains("\r\n\t ")),
                ("version", field.version.is_some()),
            ];
            let shapes = shapes.into_iter().filter(|(_, is_so)| *is_so);
            shapes.map(|(shape, _)| shape.to_owned()).collect()
        }
    });
    let expected = ["none", "reason", "quoted", "quoted local-part", "long", "folded", "version"];
    assert_reached(&found, &expected);
}
