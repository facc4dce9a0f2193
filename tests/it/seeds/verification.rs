//! Seeds and laws of the targets `body_chunks` and `verify`.

use super::*;

#[test]
fn body_chunks_seeds_reach_every_outcome() {
    let found = reached("body_chunks", |input| {
        let case = laws::body_chunks::Case::read(input);
        let verdicts = case.verdicts(&Options::default(), case.chunks());
        let outcomes = case.wanted.iter().zip(verdicts).map(|(wanted, verdict)| {
            let length = match wanted.length {
                None => "",
                Some(0) => " l=0",
                Some(_) => " l=",
            };
            let cause = variants(&verdict.cause.unwrap()).concat();
            format!("{}{length} {cause}", wanted.canonicalization)
        });
        outcomes.collect()
    });
    let expected = [
        "relaxed BodyHash",
        "relaxed l= BodyHash",
        "relaxed l= BodyTooShort",
        "relaxed l=0 BodyHash",
        "simple BodyHash",
        "simple l= BodyHash",
        "simple l= BodyTooShort",
        "simple l=0 BodyHash",
    ];
    assert_reached(&found, &expected);
}

/// The verdicts of a seed.
fn verdicts(input: &[u8]) -> Vec<Verdict> {
    let case = laws::verify::Case::read(input);
    let replies = laws::verify::Replies::new(&case.replies);
    case.verdicts(&case.options, case.message, &replies)
}

#[test]
fn verify_seeds_reach_every_result_and_every_cause() {
    let found = reached("verify", |input| {
        let outcomes = verdicts(input).into_iter().flat_map(|verdict| {
            let mut found = vec![format!("result {:?}", verdict.result)];
            if verdict.testing {
                found.push("testing".to_owned());
            }
            match verdict.cause {
                None => found.extend(variants(&verdict.algorithm.unwrap())),
                Some(cause) => {
                    found.extend(variants(&cause));
                    // What these hold stands beside the question.
                    let inner = match &cause {
                        Cause::Lookup { error, .. } => variants(error),
                        Cause::NoKey { outcome, .. } => variants(outcome),
                        _ => vec![],
                    };
                    found.extend(
                        inner.iter().map(|inner| format!("{} {inner}", variants(&cause)[0])),
                    );
                }
            }
            found
        });
        outcomes.collect()
    });
    assert_all_reached(&found, "DkimResult", "result", &[]);
    assert_reached(&found, &["testing", "Ed25519Sha256", "RsaSha256"]);
    assert_all_reached(&found, "dkim::Cause", "", &[]);
    assert_all_reached(&found, "LookupError", "Lookup", &[]);
    assert_reached(&found, &["NoKey NoData", "NoKey NxDomain"]);
    assert_all_reached(&found, "KeyError", "Key", &[]);
    assert_all_reached(&found, "KeyEncodingError", "Key Encoding", &[]);
    assert_reached(&found, &["Key Record TooLong"]);
}

/// A seed of `verify` whose name begins with a result has a signature with that result.
#[test]
fn verify_seeds_are_what_they_are_called() {
    let results = ["pass", "fail", "policy", "neutral", "temperror", "permerror"];
    let mut wrong = Vec::new();
    for (name, input) in seeds("verify") {
        let found: Vec<_> = verdicts(&input).iter().map(|v| v.result.to_string()).collect();
        let called = name.split('_').next().unwrap();
        if results.contains(&called) && !found.iter().any(|result| result == called) {
            wrong.push(format!("{name}: {found:?}"));
        }
    }
    assert!(wrong.is_empty(), "{wrong:?}");
}

#[test]
fn the_laws_of_verdicts_refuse_wrong_answers() {
    let input = seeds("verify").into_iter().find(|(name, _)| name == "pass_ed25519");
    let input = input.unwrap().1;
    let case = laws::verify::Case::read(&input);
    let header = Header::parse(case.message);
    let value = header.field(0).unwrap().value();
    let passed = verdicts(&input);
    let [pass] = &passed[..] else { panic!("{passed:?}") };
    laws::verify::check_verdict(pass);
    laws::verify::check_pass(&case.options, pass, value);
    laws::verify::check_positions(&[(0, value)], &passed);
    assert_refused(|| laws::verify::check_positions(&[(1, value)], &passed));
    assert_refused(|| laws::verify::check_positions(&[], &passed));

    let cause = Cause::SignatureMismatch;
    let with = |change: &dyn Fn(&mut Verdict)| {
        let mut verdict = pass.clone();
        change(&mut verdict);
        verdict
    };
    let wrong = with(&|verdict| verdict.cause = Some(cause.clone()));
    assert_refused(|| laws::verify::check_verdict(&wrong));
    let wrong = with(&|verdict| verdict.result = DkimResult::Fail);
    assert_refused(|| laws::verify::check_verdict(&wrong));
    assert_refused(|| laws::verify::check_same(&passed, &[wrong]));
    let options = &case.options;
    let changes: [&dyn Fn(&mut Verdict); 4] = [
        &|verdict| verdict.unsigned_body_octets = 1,
        &|verdict| verdict.signed_fields = verdict.oversigned_fields.clone(),
        &|verdict| verdict.key_bits = None,
        &|verdict| verdict.domain = None,
    ];
    for change in changes {
        let wrong = with(change);
        assert_refused(|| laws::verify::check_pass(options, &wrong, value));
    }
    assert_refused(|| laws::verify::check_pass(options, pass, b"v=1"));
    assert_refused(|| laws::verify::check_without_key(pass, pass));
    assert_refused(|| laws::verify::check_lost(pass, pass));
    assert_refused(|| laws::verify::check_second_from(pass, pass));
    assert_refused(|| laws::verify::check_trace(pass));
    let question =
        Question::new(Name::parse(b"s._domainkey.example.com").unwrap(), RecordType::Txt);
    laws::verify::check_questions(options, &passed, std::slice::from_ref(&question));
    let twice = [question.clone(), question];
    assert_refused(|| laws::verify::check_questions(options, &passed, &twice));

    let mut case = laws::body_chunks::Case::read(b"\0\x02\0\0\x01\x01Hi.\r\n");
    let at_once = case.verdicts(options, [&case.body[..]]);
    laws::body_chunks::check_lengths(None, 5, &at_once[0]);
    assert_refused(|| laws::body_chunks::check_lengths(Some(4), 5, &at_once[0]));
    case.body.pop();
    let cut = case.verdicts(options, case.chunks());
    assert_refused(|| laws::body_chunks::check_same(&at_once, &cut));
}
