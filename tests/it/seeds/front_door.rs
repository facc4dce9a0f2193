//! Seeds and laws of the target `front_door`.

use super::{assert_all_reached, assert_reached, assert_refused, laws, reached};

#[test]
fn front_door_seeds_reach_every_result() {
    let found = reached("front_door", |input| {
        let report = laws::front_door::Case::read(input).report();
        let mut found = vec![format!("dmarc {:?}", report.dmarc.result)];
        found.extend(report.dkim.iter().map(|verdict| format!("dkim {}", verdict.result)));
        let spf = report.spf.as_ref().map(|verdicts| verdicts.mail_from.result.to_string());
        found.push(format!("spf {}", spf.as_deref().unwrap_or("not evaluated")));
        let code = report.smtp_reply().map_or(250, |reply| reply.code);
        found.push(format!("reply {code}"));
        found.push(format!("clean {}", report.defects.is_clean()));
        found.push(format!("row {}", report.aggregate_row().is_some()));
        found
    });
    assert_all_reached(&found, "DmarcResult", "dmarc", &[]);
    let expected = [
        "dkim pass",
        "dkim fail",
        "dkim temperror",
        "spf pass",
        "spf fail",
        "spf none",
        "spf not evaluated",
        "reply 250",
        "reply 451",
        "reply 550",
        "clean true",
        "clean false",
        "row true",
        "row false",
    ];
    assert_reached(&found, &expected);
}

#[test]
fn laws_of_the_front_door_refuse_wrong_answers() {
    use laws::front_door::{Case, check_chunks, check_pass, check_without_dns};

    let fail = Case::read(b"\x01\x01h\na@example.com\n\nFrom: a@example.com\r\n\r\n").report();
    check_pass(&fail);
    let mut wrong = fail.clone();
    wrong.dmarc.spf_aligned = true;
    assert_refused(|| check_pass(&wrong));
    assert_refused(|| check_chunks(&fail, &wrong));
    assert_refused(|| check_without_dns(&fail));
}
