//! Seeds and laws of the targets of MTA-STS and TLS reporting.

use bonafide::mta_sts::{FieldError, Policy, PolicyError, Record, RecordError};
use bonafide::tls_rpt;

use super::{assert_all_reached, assert_reached, assert_refused, laws, reached, variants};

#[test]
fn mta_sts_record_seeds_reach_every_error() {
    let found = reached("mta_sts_record", |text| match Record::parse(text) {
        Ok(_) => vec!["ok".to_owned()],
        Err(error) => variants(&error),
    });
    assert_reached(&found, &["ok"]);
    // These the law makes itself.
    assert_all_reached(&found, "mta_sts::RecordError", "", &["NoRecord", "SeveralRecords"]);
    assert_all_reached(&found, "FieldError", "Field", &[]);
}

#[test]
fn tls_rpt_record_seeds_reach_every_error_and_every_scheme() {
    let found = reached("tls_rpt_record", |text| match tls_rpt::Record::parse(text) {
        Ok(record) => record.rua.iter().flat_map(|uri| variants(&uri.scheme)).collect(),
        Err(error) => variants(&error),
    });
    assert_all_reached(&found, "UriScheme", "", &[]);
    assert_all_reached(&found, "tls_rpt::RecordError", "", &["NoRecord", "SeveralRecords"]);
    assert_all_reached(&found, "FieldError", "Field", &[]);
}

#[test]
fn mta_sts_policy_seeds_reach_every_error_and_every_mode() {
    let found = reached("mta_sts_policy", |text| match Policy::parse(text) {
        Ok(policy) => vec![format!("mode {:?}", policy.mode)],
        Err(error) => {
            let inner = match &error {
                PolicyError::Mx { error, .. } => variants(error),
                _ => vec![],
            };
            let inner = inner.iter().map(|inner| format!("Mx {inner}"));
            variants(&error).into_iter().chain(inner).collect()
        }
    });
    assert_all_reached(&found, "mta_sts::Mode", "mode", &[]);
    // How much is read, the discovery says.
    assert_all_reached(&found, "PolicyError", "", &[]);
    assert_reached(&found, &["Mx EmptyLabel", "Mx Hyphen", "Mx LabelTooLong", "Mx Octet"]);
    assert_reached(&found, &["Mx TooLong"]);
}

#[test]
fn mta_sts_matching_seeds_reach_both_answers() {
    let found = reached("mta_sts_matching", |input| match laws::mta_sts_matching::read(input) {
        None => vec!["none".to_owned()],
        Some((host, patterns)) => {
            vec![laws::mta_sts_matching::matches(&host, &patterns).to_string()]
        }
    });
    assert_reached(&found, &["none", "true", "false"]);
}

#[test]
fn laws_of_transport_refuse_wrong_answers() {
    let text = b"v=STSv1; id=1";
    let record = Record::parse(text).unwrap();
    laws::mta_sts_record::check_printed(&record, "v=STSv1; id=1;");
    assert_refused(|| laws::mta_sts_record::check_printed(&record, "v=STSv1; id=2;"));
    assert_refused(|| laws::mta_sts_record::check_printed(&record, "v=STSv1; id=1"));
    let error = RecordError::Id { found: String::new(), offset: 11 };
    assert_refused(|| laws::mta_sts_record::check_error(text, &error));
    let errors = [
        FieldError::Empty { offset: 9 },
        FieldError::Name { offset: 10 },
        FieldError::NoEqualsSign { offset: 12 },
        FieldError::NoValue { offset: 9 },
        FieldError::Value { found: b'2', offset: 12 },
    ];
    for error in errors {
        assert_refused(|| laws::mta_sts_record::check_field_error(text, error));
    }

    let text = b"v=TLSRPTv1; rua=mailto:a@b";
    let record = tls_rpt::Record::parse(text).unwrap();
    laws::tls_rpt_record::check_uris(&record, &[b"mailto:a@b"]);
    assert_refused(|| laws::tls_rpt_record::check_uris(&record, &[b"mailto:a@b", b"mailto:c@b"]));
    assert_refused(|| laws::tls_rpt_record::check_printed(&record, "v=TLSRPTv1; rua=a:b;"));
    let error = tls_rpt::RecordError::Uri { found: String::new(), offset: 17 };
    assert_refused(|| laws::tls_rpt_record::check_error(text, &error));

    let text = b"version: STSv1\nmode: none\nmax_age: 1\n";
    let policy = Policy::parse(text).unwrap();
    laws::mta_sts_policy::check_policy(&policy, &("none".to_owned(), 1, vec![]));
    let wrong = ("none".to_owned(), 1, vec!["a".to_owned()]);
    assert_refused(|| laws::mta_sts_policy::check_policy(&policy, &wrong));
    let wrong = "version: STSv1\r\nmode: none\r\nmax_age: 2\r\n";
    assert_refused(|| laws::mta_sts_policy::check_printed(&policy, wrong));
    assert_refused(|| {
        laws::mta_sts_policy::check_error(text, &PolicyError::Line { offset: 1 });
    });

    let host = bonafide::Domain::parse(b"a.b").unwrap();
    laws::mta_sts_matching::check_matches(&host, &["*.b"], true);
    assert_refused(|| laws::mta_sts_matching::check_matches(&host, &["*.b"], false));
    assert_refused(|| laws::mta_sts_matching::check_matches(&host, &["b", "*.a.b"], true));
}
