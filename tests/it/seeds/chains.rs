//! Seeds and laws of the targets `arc_sets` and `arc_chain`.

use bonafide::arc::{ArcResult, Cause, Seal, Sets, StructureError, Verdict};
use bonafide::message::Header;

use super::{assert_all_reached, assert_reached, assert_refused, laws, reached, seeds, variants};

#[test]
fn arc_sets_seeds_reach_every_error() {
    let found = reached("arc_sets", |input| match Sets::collect(&Header::parse(input)).check() {
        Ok(chain) => vec![format!("{} sets", chain.len())],
        Err(error) => {
            let inside = match &error {
                StructureError::Seal { error, .. } => variants(error),
                StructureError::Instance { error, .. } => variants(error),
                _ => Vec::new(),
            };
            variants(&error).into_iter().chain(inside).collect()
        }
    });
    assert_reached(&found, &["0 sets", "1 sets", "2 sets", "Signature DuplicateTag"]);
    assert_all_reached(&found, "StructureError", "", &[]);
    assert_reached(&found, &["Missing", "Number"]);
    // That a seal's i= is none was found before the seal was read.
    assert_all_reached(&found, "SealError", "", &["Instance"]);
}

#[test]
fn arc_chain_seeds_reach_every_result() {
    let found = reached("arc_chain", |input| {
        let case = laws::arc_chain::Case::read(input);
        let replies = laws::verify::Replies::new(&case.0.replies);
        let verdict = case.verdict(case.0.message, &replies, false);
        let cause = verdict.cause.iter().flat_map(variants);
        variants(&verdict.result).into_iter().chain(cause).collect()
    });
    assert_all_reached(&found, "ArcResult", "", &[]);
    assert_all_reached(&found, "arc::Cause", "", &[]);
}

#[test]
fn laws_of_chains_refuse_wrong_answers() {
    use laws::arc_chain::*;
    use laws::arc_sets::{check_chain, check_error, check_printed};

    let seed = |target, name| seeds(target).into_iter().find(|(seed, _)| seed == name).unwrap().1;
    let header = seed("arc_sets", "chain_2");
    let mut chain = Sets::collect(&Header::parse(&header)).check().unwrap();
    let seal: Seal = chain[0].seal.clone();
    check_printed(&seal, &seal.to_string());
    assert_refused(|| check_printed(&seal, &chain[1].seal.to_string()));
    check_chain(&chain);
    chain.reverse();
    assert_refused(|| check_chain(&chain));
    assert_refused(|| check_error(&StructureError::AlreadyFailed { instance: 51 }));

    let octets = seed("arc_chain", "pass_1");
    let case = Case::read(&octets);
    let replies = laws::verify::Replies::new(&case.0.replies);
    let pass = case.verdict(case.0.message, &replies, false);
    check_verdict(&pass, case.0.message, 1);
    assert_refused(|| check_verdict(&pass, case.0.message, 3));
    assert_refused(|| check_verdict(&pass, b"From: a\r\n\r\n", 1));
    assert_refused(|| check_trace(&pass));
    assert_refused(|| check_broken(&pass));
    assert_refused(|| check_without_key(&pass, true));
    assert_refused(|| check_sealed(&pass, &pass));
    let mut failed: Verdict = pass.clone();
    failed.result = ArcResult::Fail;
    assert_refused(|| check_verdict(&failed, case.0.message, 1));
    failed.cause = Some(Cause::Structure(StructureError::AlreadyFailed { instance: 1 }));
    assert_refused(|| check_verdict(&failed, case.0.message, 1));
    let mut longer = pass;
    longer.instances = 2;
    assert_refused(|| check_sealed(&failed, &longer));
}
