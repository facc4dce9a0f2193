//! Validation and sealing of chains, RFC 8617 section 5.

use std::sync::atomic::{AtomicUsize, Ordering};

use bonafide::arc::{self, ArcResult, Cause, Event, Options, Sealer, SealingOptions, Verdict};
use bonafide::authentication_results::{AuthenticationResults, Text};
use bonafide::dkim::SigningKey;
use bonafide::dns::{Answer, LookupError, Question, Resolver, Zone};
use bonafide::message::Header;
use bonafide::{Domain, Selector, block_on};

use super::arc_sets::is_arc;
use super::verify::{self, Replies};

const SEALER: &[u8] = b"sealer.example";

/// There is a verdict none exactly for a message without ARC fields, and a cause exactly for a fail. A pass
/// is earned:
///
/// - a failed lookup or a missing key takes it away, and only the first is temporary (section 5.2.1);
/// - so does an octet more in any field of a set, and in the body unless l= and an option allow it;
/// - a set on top that says that a broken chain was whole does not mend it, and one that is sealed
///   honestly says what was found: a chain that failed stays so (section 5.1.2).
///
/// What is wrong with the structure costs no question, and traces change nothing but themselves.
pub fn holds(input: &[u8]) {
    let case = Case::read(input);
    let replies = Counting(Replies::new(&case.0.replies), AtomicUsize::new(0));
    let verdict = case.verdict(case.0.message, &replies, false);
    check_verdict(&verdict, case.0.message, replies.1.into_inner());
    let replies = Replies::new(&case.0.replies);
    let mut traced = case.verdict(case.0.message, &replies, true);
    check_trace(&traced);
    traced.trace = None;
    assert_eq!(verdict, traced);
    if verdict.result == ArcResult::Pass {
        for reply in [Err(LookupError::ServFail), Ok(Answer::nx_domain())] {
            let is_error = reply.is_err();
            let without = case.verdict(case.0.message, &Replies::new(&[reply]), false);
            check_without_key(&without, is_error);
        }
        for changed in case.changed() {
            check_broken(&case.verdict(&changed, &replies, false));
        }
    }
    check_sealing(&case, &verdict);
}

/// As a case of [`verify`], of which the chain is looked at.
pub struct Case<'a>(pub verify::Case<'a>);

impl<'a> Case<'a> {
    pub fn read(input: &'a [u8]) -> Self {
        Self(verify::Case::read(input))
    }

    pub fn verdict(&self, message: &[u8], resolver: &impl Resolver, trace: bool) -> Verdict {
        let mut options = Options::default();
        options.signatures = self.0.options.clone();
        options.signatures.trace = trace;
        options.oldest_pass = true;
        block_on(arc::verify(message, &options, resolver, self.0.now))
    }

    /// The message with an `x` more at the end of each field of its sets, and at the end of its body.
    fn changed(&self) -> Vec<Vec<u8>> {
        let header = Header::parse(self.0.message);
        let (mut changed, mut end) = (Vec::new(), 0);
        let mut insert = |at: usize| {
            let (front, behind) = self.0.message.split_at(at);
            changed.push([front, b"x", behind].concat());
        };
        for field in header.fields() {
            let octets = field.as_bytes();
            end += octets.len();
            if is_arc(field) {
                insert(end - 2 * usize::from(octets.ends_with(b"\r\n")));
            }
        }
        if end < self.0.message.len() && !self.0.options.accept_unsigned_body {
            insert(self.0.message.len());
        }
        changed
    }
}

struct Counting<'r>(Replies<'r>, AtomicUsize);

impl Resolver for Counting<'_> {
    async fn lookup(&self, question: &Question) -> Result<Answer, LookupError> {
        self.1.fetch_add(1, Ordering::Relaxed);
        self.0.lookup(question).await
    }
}

pub fn check_verdict(verdict: &Verdict, message: &[u8], questions: usize) {
    let has_chain = Header::parse(message).fields().any(is_arc);
    assert_eq!(verdict.result == ArcResult::None, !has_chain, "{verdict}");
    assert_eq!(verdict.result == ArcResult::Fail, verdict.cause.is_some(), "{verdict}");
    assert!(!verdict.to_string().is_empty());
    // A key for each seal, and one for the message signature of each set.
    assert!(questions <= 2 * usize::from(verdict.instances));
    if matches!(verdict.cause, None | Some(Cause::Structure(_))) {
        let is_free = verdict.result != ArcResult::Pass;
        assert_eq!(questions == 0, is_free, "{questions} questions: {verdict}");
    }
    let instances = usize::from(verdict.instances);
    if verdict.result == ArcResult::Pass {
        assert_eq!((verdict.sealers.len(), verdict.selectors.len()), (instances, instances));
        assert!(verdict.oldest_pass.is_some_and(|oldest| oldest <= verdict.instances));
    } else {
        assert_eq!(verdict.oldest_pass, None);
    }
}

pub fn check_trace(verdict: &Verdict) {
    let trace = verdict.trace.as_deref().expect("the trace was on");
    assert!(trace.iter().all(|event| !event.to_string().is_empty()));
    if let Some(found) = &verdict.cause {
        assert!(matches!(trace.last(), Some(Event::Stopped { cause }) if cause == found));
    }
}

pub fn check_without_key(verdict: &Verdict, is_error: bool) {
    assert_eq!(verdict.result, ArcResult::Fail);
    assert_eq!(verdict.cause.as_ref().map(Cause::is_temporary), Some(is_error), "{verdict}");
}

pub fn check_broken(verdict: &Verdict) {
    assert_eq!(verdict.result, ArcResult::Fail, "{verdict}");
}

/// What a sealer adds, one that tells the truth and one that does not.
fn check_sealing(case: &Case<'_>, verdict: &Verdict) {
    // A first line that begins with white space would continue the field put before it.
    if case.0.message.starts_with(b" ") || case.0.message.starts_with(b"\t") {
        return;
    }
    let key = SigningKey::from_ed25519_seed(&[7; 32]).expect("any 32 octets are a key");
    let (domain, selector) =
        (Domain::parse(SEALER).expect("a domain"), Selector::parse(b"sel").expect("a selector"));
    let record = key.record().zone_line(&selector, &domain).replace(" IN ", " ");
    let resolver = WithSealer {
        replies: Replies::new(&case.0.replies),
        zone: record.parse().expect("a line of a zone"),
    };
    let sealer = Sealer::new(domain, selector, key, SealingOptions::default()).expect("a sealer");
    let after = |chain: &Verdict| {
        let text = Text::parse(SEALER).expect("a text");
        let results = AuthenticationResults::new(text);
        let set = sealer.seal(case.0.message, results, chain, case.0.now).ok()?;
        let sealed = [set.as_bytes(), case.0.message].concat();
        Some(case.verdict(&sealed, &resolver, false))
    };
    if let Some(after) = after(verdict) {
        check_sealed(verdict, &after);
    }
    if let Some(Cause::Seal { .. }) = verdict.cause {
        let mut claimed = verdict.clone();
        (claimed.result, claimed.cause) = (ArcResult::Pass, None);
        if let Some(after) = after(&claimed) {
            check_broken(&after);
        }
    }
}

/// RFC 8617 section 5.1: the chain is one set longer and worth what it was.
pub fn check_sealed(before: &Verdict, after: &Verdict) {
    assert_eq!(after.instances, before.instances + 1, "{after}");
    let expected = match before.result {
        ArcResult::Fail => ArcResult::Fail,
        ArcResult::None | ArcResult::Pass => ArcResult::Pass,
    };
    // A limit may be what the new set goes over.
    let has_limit = matches!(after.cause, Some(Cause::MessageSignature { .. }));
    assert!(after.result == expected || has_limit, "{after}");
}

/// The replies of a case, and the key of the sealer.
struct WithSealer<'r> {
    replies: Replies<'r>,
    zone: Zone,
}

impl Resolver for WithSealer<'_> {
    async fn lookup(&self, question: &Question) -> Result<Answer, LookupError> {
        match self.zone.lookup(question).await {
            Ok(answer) if !answer.records.is_empty() => Ok(answer),
            _ => self.replies.lookup(question).await,
        }
    }
}
