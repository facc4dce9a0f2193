//! Seeds and laws of the targets of SPF.

use bonafide::spf;

use super::*;

#[test]
fn spf_record_seeds_reach_every_error_and_every_term() {
    let found = reached("spf_record", |text| match spf::Record::parse(text) {
        Ok(record) => {
            let found = record.terms().flat_map(|term| match term {
                spf::Term::Directive(directive) => {
                    [variants(&directive.qualifier), variants(&directive.mechanism)].concat()
                }
                spf::Term::Modifier(modifier) => variants(&modifier),
            });
            found.collect()
        }
        Err(error) => variants(&error.kind),
    });
    assert_all_reached(&found, "RecordErrorKind", "", &[]);
    assert_all_reached(&found, "MacroErrorKind", "Macro", &[]);
    assert_all_reached(&found, "Mechanism", "", &[]);
    assert_all_reached(&found, "Modifier", "", &[]);
    assert_all_reached(&found, "Qualifier", "", &[]);
}

#[test]
fn spf_macros_seeds_reach_every_error() {
    let found = reached("spf_macros", |input| {
        let case = laws::spf_macros::Case::read(input);
        let name = match spf::DomainSpec::parse(case.text) {
            Ok(spec) => match spec.expand(&case.values()) {
                Some(_) => vec!["name".to_owned()],
                None => vec!["no name".to_owned()],
            },
            Err(error) => variants(&error.kind),
        };
        let text = match spf::MacroString::parse_explanation(case.text) {
            Ok(_) => "explanation",
            Err(_) => "no explanation",
        };
        [name, vec![text.to_owned()]].concat()
    });
    assert_all_reached(&found, "MacroErrorKind", "", &[]);
    assert_reached(&found, &["name", "no name", "explanation", "no explanation"]);
}

/// The verdict on MAIL FROM of a seed.
fn spf_verdict(input: &[u8]) -> spf::Verdict {
    let case = laws::spf_check::Case::read(input);
    (*case.verdicts(&case.options, &case.zone()).mail_from).clone()
}

#[test]
fn spf_check_seeds_reach_every_result_and_every_cause() {
    let found = reached("spf_check", |input| {
        let verdict = spf_verdict(input);
        let mut found = vec![format!("result {:?}", verdict.result)];
        found.extend(verdict.explanation.map(|_| "explanation".to_owned()));
        found.extend(verdict.cause.iter().flat_map(variants));
        found
    });
    assert_all_reached(&found, "SpfResult", "result", &[]);
    assert_reached(&found, &["explanation"]);
    assert_all_reached(&found, "spf::Cause", "", &[]);
}

/// A seed of `spf_check` whose name begins with a result has that result.
#[test]
fn spf_check_seeds_are_what_they_are_called() {
    let mut wrong = Vec::new();
    for (name, input) in seeds("spf_check") {
        let verdict = spf_verdict(&input);
        let called = name.split('_').next().unwrap();
        if called != "empty" && verdict.result.to_string() != called {
            wrong.push(format!("{name}: {verdict}"));
        }
    }
    assert!(wrong.is_empty(), "{wrong:?}");
}

#[test]
fn the_laws_of_spf_refuse_wrong_answers() {
    let text = b"v=spf1 a -all";
    let record = spf::Record::parse(text).unwrap();
    laws::spf_record::check_printed(&record, "v=spf1 a -all");
    assert_refused(|| laws::spf_record::check_printed(&record, "v=spf1 a  -all"));
    assert_refused(|| laws::spf_record::check_printed(&record, "v=spf1 a"));
    assert_refused(|| laws::spf_record::check_terms(b"v=spf1 a", &record));
    let error = spf::Record::parse(b"v=spf1 a ?").unwrap_err();
    laws::spf_record::check_error(b"v=spf1 a ?", &error);
    assert_refused(|| laws::spf_record::check_error(b"v=spf1", &error));

    laws::spf_macros::check_expansion(b"a.b", b"a.b");
    assert_refused(|| laws::spf_macros::check_expansion(b"a.b", b"a."));
    laws::spf_macros::check_name(b"a.b.", Some(b"a.b"));
    assert_refused(|| laws::spf_macros::check_name(b"a.b", Some(b"b")));
    assert_refused(|| laws::spf_macros::check_name(b"a.b", None));

    let seed = |wanted: &str| seeds("spf_check").into_iter().find(|(n, _)| n.starts_with(wanted));
    let pass = spf_verdict(&seed("pass").unwrap().1);
    let fail = spf_verdict(&seed("fail_of_the_explanation").or_else(|| seed("fail")).unwrap().1);
    let limits = spf::Limits::default();
    laws::spf_check::check_verdict(&pass, &limits);
    laws::spf_check::check_failed(&pass, &[], &fail);
    assert_refused(|| laws::spf_check::check_failed(&fail, &[], &pass));
    assert_refused(|| laws::spf_check::check_trace(&pass, &pass));
    let mut wrong = pass.clone();
    wrong.matched = None;
    assert_refused(|| laws::spf_check::check_verdict(&wrong, &limits));
    let mut wrong = pass.clone();
    (wrong.matched, wrong.cause) = (None, Some(spf::Cause::NoMatch));
    assert_refused(|| laws::spf_check::check_verdict(&wrong, &limits));
    let mut wrong = pass;
    wrong.questions = 112;
    assert_refused(|| laws::spf_check::check_verdict(&wrong, &limits));
    let field = spf::ReceivedSpf::parse(b"pass a=b").unwrap();
    laws::spf_check::check_field(&field, "Received-SPF: pass\r\n a=b");
    assert_refused(|| laws::spf_check::check_field(&field, "Received-SPF: pass\r\na=b"));
    assert_refused(|| laws::spf_check::check_field(&field, "Received-SPF: pass\r\n a=c"));
}
