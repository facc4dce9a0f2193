//! Seeds of the target `capi`.

use super::*;

#[test]
fn capi_seeds_reach_every_status() {
    let found = reached("capi", |program| laws::capi::run(program).into_iter().collect());
    // All but BONAFIDE_PANIC, which nothing reaches.
    let statuses = [
        "OK",
        "ABSENT",
        "WAITING",
        "FOREIGN",
        "TRUNCATED",
        "MALFORMED",
        "REFUSED",
        "NULL",
        "INVALID",
        "ORDER",
        "NOT_ASKED",
        "WRONG_KIND",
        "TOO_LARGE",
    ];
    let statuses = statuses.map(|status| format!("BONAFIDE_{status}"));
    assert_reached(&found, &statuses.each_ref().map(String::as_str));
}
