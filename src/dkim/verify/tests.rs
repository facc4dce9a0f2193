use allocation_counter::measure;

use super::*;
use crate::dns::{Zone, ready};

const NOW: UnixTime = UnixTime(1_795_478_400);

fn vector(name: &str) -> Vec<u8> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/test-vectors/dkim");
    std::fs::read(format!("{folder}/{name}")).unwrap()
}

/// A verification makes at most 16 allocations beyond those of the backend.
#[test]
fn allocations_of_a_verification() {
    let zone = Zone::parse(&vector("keys.zone")).unwrap();
    for name in ["canon_relaxed_relaxed.eml", "algorithm_ed25519.eml"] {
        let message = vector(&format!("cases/{name}"));
        let options = Options::default();
        let header = Header::parse(&message);
        let verifier = Verifier::new(&header, &options, NOW);
        let keys = ready(verifier.keys(&zone));
        let text = keys.get(0).unwrap().1.as_ref().unwrap().texts().next().unwrap();
        let record = KeyRecord::parse(text.as_bytes()).unwrap();
        let key = PublicKey::read(&record, &options.limits).unwrap();
        let signature = verifier.verdicts[0].signature.clone();
        let mut verified = false;
        let backend = measure(|| verified = key.verify(&verifier.signed_headers, &signature));
        assert!(verified, "{name}");
        let mut verdicts = Vec::new();
        let all = measure(|| {
            let header = Header::parse(&message);
            let mut verifier = Verifier::new(&header, &options, NOW);
            let keys = ready(verifier.keys(&zone));
            verifier.body(header.body());
            verdicts = verifier.finish(keys).unwrap();
        });
        assert_eq!(verdicts[0].result, DkimResult::Pass, "{}", verdicts[0]);
        let own = all.count_total - backend.count_total;
        assert!(own <= 16, "{name}: {own} allocations, and {} of the backend", backend.count_total);
    }
}

/// A reply that is not there never lets a signature pass.
#[test]
fn nothing_passes_without_a_reply() {
    let message = vector("cases/canon_relaxed_relaxed.eml");
    let header = Header::parse(&message);
    let mut verifier = Verifier::new(&header, &Options::default(), NOW);
    verifier.body(header.body());
    let keys = Keys::unanswered(Arc::clone(&verifier.questions));
    let verdicts = verifier.finish(keys).unwrap();
    assert_eq!(verdicts[0].result, DkimResult::TempError);
    assert!(verdicts[0].cause.is_some());
}

#[test]
fn keys_of_another_message_are_refused() {
    let message = vector("cases/canon_relaxed_relaxed.eml");
    let header = Header::parse(&message);
    let [one, other] = [(); 2].map(|()| Verifier::new(&header, &Options::default(), NOW));
    let keys = ready(other.keys(&Zone::default()));
    assert_eq!(one.finish(keys), Err(ForeignKeys));
}
