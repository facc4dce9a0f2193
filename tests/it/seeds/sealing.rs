//! Seeds and laws of the target `seal`.

use bonafide::arc::SealingError;
use bonafide::dkim::SigningError;

use super::{assert_all_reached, assert_reached, assert_refused, laws, reached, variants};

#[test]
fn seal_seeds_reach_every_refusal() {
    let found = reached("seal", |input| {
        let case = laws::seal::Case::read(input);
        let sealer = laws::seal::sealer(case.options.clone());
        let message = case.message(&sealer);
        let chain = laws::seal::verify(&message);
        match laws::seal::seal(&sealer, &message, &chain) {
            Ok(_) => vec![chain.result.to_string()],
            Err(error) => variants(&error),
        }
    });
    assert_reached(&found, &["none", "pass", "fail"]);
    // The target seals what it has validated, with the default list of fields.
    assert_all_reached(&found, "SealingError", "", &["FieldToSign", "OtherChain"]);
}

#[test]
fn laws_of_sealing_refuse_wrong_answers() {
    use laws::seal::{check_refused, check_set, check_verdict, verify};

    let message = b"From: a@a.example\r\n\r\n";
    let none = verify(message);
    let sealer = laws::seal::sealer(bonafide::arc::SealingOptions::default());
    let set = laws::seal::seal(&sealer, message, &none).unwrap();
    let pass = verify(&[set.as_bytes(), message].concat());
    let fail = verify(b"ARC-Seal: i=1; cv=fail\r\nFrom: a@a.example\r\n\r\n");
    check_set(&set, message, &none);
    check_verdict(&none, &pass);
    assert_refused(|| check_set(&set, message, &pass));
    assert_refused(|| check_set(&set.replace("i=1; mx", "mx"), message, &none));
    assert_refused(|| check_set(&(set.clone() + "To: a\r\n"), message, &none));
    let results = b"Authentication-Results: mx.example; spf=pass\r\nFrom: a@a.example\r\n\r\n";
    assert_refused(|| check_set(&set, results, &none));
    assert_refused(|| check_verdict(&none, &none));
    assert_refused(|| check_verdict(&none, &fail));
    assert_refused(|| check_verdict(&fail, &pass));
    assert_refused(|| check_refused(message, &none, &SealingError::NoInstance));
    assert_refused(|| check_refused(message, &pass, &SealingError::TooManySets));
    let failed = SealingError::AlreadyFailed { instance: 1 };
    check_refused(message, &fail, &failed);
    assert_refused(|| check_refused(message, &pass, &failed));
    assert_refused(|| check_refused(message, &none, &SigningError::NoFrom.into()));
    let other = SealingError::OtherChain { verified: 1, found: 0 };
    assert_refused(|| check_refused(message, &none, &other));
}
