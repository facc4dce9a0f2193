//! Seeds and laws of the targets `sign` and `private_key`.

use bonafide::dkim::{SigningError, SigningKeyError, SigningOptions};

use super::{assert_all_reached, assert_reached, assert_refused, laws, reached, variants};

#[test]
fn sign_seeds_reach_every_refusal() {
    let found = reached("sign", |input| {
        let case = laws::sign::Case::read(input);
        let signed = case
            .signer()
            .and_then(|signer| signer.sign(case.message, bonafide::UnixTime(1_795_478_400)));
        signed.map_or_else(|error| variants(&error), |_| vec!["signed".to_owned()])
    });
    assert_reached(&found, &["signed"]);
    // The target has one good key, which is at hand.
    let others =
        ["IdentityDomain", "KeyElsewhere", "NoKey", "SameSelector", "ShortKey", "Signature"];
    assert_all_reached(&found, "SigningError", "", &others);
}

#[test]
fn private_key_seeds_reach_every_error() {
    let found = reached("private_key", |input| match laws::private_key::read(input) {
        Ok(key) => variants(&key.algorithm()),
        // Without `rust-crypto` nobody signs with 1024 bits, and otherwise nobody with over 8192.
        Err(SigningKeyError::Unsupported { .. }) => vec![],
        Err(error) => variants(&error),
    });
    assert_reached(&found, &["Ed25519Sha256", "RsaSha256"]);
    assert_all_reached(&found, "SigningKeyError", "", &["Unsupported"]);
}

#[test]
fn laws_of_signing_refuse_wrong_answers() {
    use laws::sign::{check_clean, check_field, check_refused, check_verifies};

    let clean = SigningOptions::default();
    assert_refused(|| check_clean(&clean, b"From: a\r\n\r\na\nb"));
    assert_refused(|| check_clean(&clean, b"From: a\r\n\r\na\rb"));
    assert_refused(|| check_clean(&clean, b"To: a\r\n\r\n"));
    assert_refused(|| check_field("DKIM-Signature: v=1; b=\r\n"));
    assert_refused(|| {
        check_verifies("DKIM-Signature: v=1; a=ed25519-sha256; b=AAAA\r\n", b"From: a\r\n")
    });
    assert_refused(|| check_refused(b"From: a\r\n\r\n", &SigningError::BareLf { offset: 8 }));
    assert_refused(|| check_refused(b"From: a\r\n\r\n", &SigningError::BareCr { offset: 7 }));
    assert_refused(|| check_refused(b"From: a\r\n\r\n", &SigningError::NoFrom));
    assert_refused(|| check_refused(b"From: a\r\n\r\n", &SigningError::LongLine { offset: 0 }));
    assert_refused(|| laws::private_key::check_error(b"", &SigningKeyError::Base64 { offset: 1 }));
}
