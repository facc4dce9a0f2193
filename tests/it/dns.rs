//! The zone in memory, the memo, and stepping by hand.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Wake, Waker};

use bonafide::block_on;
use bonafide::dns::{
    Answer, LookupError, Memo, Name, Outcome, Question, RecordData, RecordType, Resolver, Zone,
    ZoneError,
};
use bonafide::evaluation::{AnswerError, Evaluation, Request, Response};

use crate::support::project;
use crate::support::stanzas;

fn question(name: &str, record_type: RecordType) -> Question {
    Question::new(Name::parse(name.as_bytes()).unwrap(), record_type)
}

fn txt(name: &str) -> Question {
    question(name, RecordType::Txt)
}

/// The rules of RFC 1034, RFC 4592 and RFC 8020 that a zone in memory keeps.
#[test]
fn zone_vectors() {
    let path = project("test-vectors/dns");
    let zone = Zone::parse(&std::fs::read(path.join("example.zone")).unwrap()).unwrap();
    stanzas::run(&path.join("zone.txt"), |case| {
        let (name, record_type) = (case.consume("Name"), case.consume("Type"));
        let record_type = match record_type.as_str() {
            "A" => RecordType::A,
            "AAAA" => RecordType::Aaaa,
            "MX" => RecordType::Mx,
            "PTR" => RecordType::Ptr,
            "TLSA" => RecordType::Tlsa,
            "TXT" => RecordType::Txt,
            other => return Err(format!("unknown type {other}")),
        };
        let found = match block_on(zone.lookup(&question(&name, record_type))) {
            Ok(answer) => show(&answer),
            Err(error) => format!("{error:?}"),
        };
        let expected = case.consume("Result");
        if found == expected { Ok(()) } else { Err(format!("expected {expected}, found {found}")) }
    });
}

fn show(answer: &Answer) -> String {
    let records = answer.records.iter().map(|record| match record {
        RecordData::A(address) => address.to_string(),
        RecordData::Aaaa(address) => address.to_string(),
        RecordData::Mx { preference, exchange } => format!("{preference} {exchange}"),
        RecordData::Ptr(name) => name.to_string(),
        RecordData::Tlsa { usage, selector, matching, data } => {
            format!("{usage} {selector} {matching} {data:02x?}")
        }
        RecordData::Txt(text) => {
            let strings: Vec<_> = text.strings().map(|s| s.escape_ascii().to_string()).collect();
            format!("{strings:?}")
        }
        other => format!("{other:?}"),
    });
    let records: Vec<_> = records.collect();
    let authentic = if answer.authentic { " authentic" } else { "" };
    match answer.outcome {
        Outcome::Found => format!("{} ttl {}{authentic}", records.join(", "), answer.ttl),
        outcome => format!("{outcome:?}{authentic}"),
    }
}

#[test]
fn zone_errors_name_line_and_text() {
    for (text, expected) in [
        ("\na.example FOO x", "line 2: found \"FOO\", expected A, AAAA"),
        ("a.example A 1.2.3", "line 1: found \"1.2.3\", expected the data of A: an IPv4 address"),
        ("a..example A 1.2.3.4", "line 1: found \"a..example\", expected a name"),
        ("a.example TXT \"unclosed", "expected the data of TXT: quoted strings"),
        ("a.example MX mail.example", "expected the data of MX"),
        ("a.example TXT \"\\300\"", "expected the data of TXT"),
        ("a.example !WRONG", "line 1: found \"!WRONG\""),
        ("a.example !TIMEOUT FOO", "line 1: found \"FOO\""),
        ("a.example", "line 1: found \"\""),
    ] {
        let error: ZoneError = text.parse::<Zone>().unwrap_err();
        assert!(error.to_string().contains(expected), "{error} does not say {expected}");
    }
}

/// What an SPF macro builds reaches the DNS exactly: names hold any octet.
#[test]
fn zone_names_hold_any_octet() {
    let zone: Zone = "a\\032b\\046c\\.d\\000.example TXT \"x\\255\\\"\"".parse().unwrap();
    let name = Name::from_labels([&b"a b.c.d\0"[..], b"example"]).unwrap();
    let answer = block_on(zone.lookup(&Question::new(name, RecordType::Txt))).unwrap();
    assert_eq!(answer.texts().next().unwrap().as_bytes(), b"x\xff\"");
}

struct Counting(AtomicUsize);

impl Resolver for Counting {
    async fn lookup(&self, _question: &Question) -> Result<Answer, LookupError> {
        self.0.fetch_add(1, Ordering::Relaxed);
        Err(LookupError::ServFail)
    }
}

#[test]
fn memo_asks_each_question_once_and_remembers_errors() {
    let resolver = Counting(AtomicUsize::new(0));
    let memo = Memo::new(&resolver);
    block_on(async {
        for name in ["a.example", "b.example", "A.example."] {
            assert_eq!(memo.lookup(&txt(name)).await, Err(LookupError::ServFail));
        }
        let other = question("a.example", RecordType::A);
        assert_eq!(memo.lookup(&other).await, Err(LookupError::ServFail));
    });
    assert_eq!(resolver.0.load(Ordering::Relaxed), 3);
}

/// The memo owns the lookup: the asker that began it may go, and the others are still answered.
#[test]
fn memo_strands_nobody() {
    let mut evaluation = Evaluation::new(|io| async move {
        let memo = Memo::new(&io);
        let question = txt("a.example");
        let mut first = Box::pin(memo.lookup(&question));
        std::future::poll_fn(|context| {
            assert!(first.as_mut().poll(context).is_pending());
            Poll::Ready(())
        })
        .await;
        let second = memo.lookup(&question);
        drop(first);
        second.await
    });
    let (id, _) = evaluation.request().unwrap();
    assert!(evaluation.request().is_none());
    evaluation.answer(id, Response::Dns(Ok(Answer::no_data()))).unwrap();
    assert_eq!(evaluation.outcome(), Some(Ok(Answer::no_data())));
}

/// Askers in different tasks are all woken, not only the one that polled last.
#[test]
fn memo_wakes_everybody() {
    struct Flag(AtomicUsize);
    impl Wake for Flag {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }
    struct Once(std::sync::Mutex<(bool, Option<Waker>)>);
    impl Resolver for Once {
        async fn lookup(&self, _question: &Question) -> Result<Answer, LookupError> {
            std::future::poll_fn(|context| {
                let mut state = self.0.lock().unwrap();
                state.1 = Some(context.waker().clone());
                if state.0 { Poll::Ready(Ok(Answer::no_data())) } else { Poll::Pending }
            })
            .await
        }
    }
    let resolver = Once(std::sync::Mutex::new((false, None)));
    let memo = Memo::new(&resolver);
    let question = txt("a.example");
    let flags = [(); 2].map(|()| Arc::new(Flag(AtomicUsize::new(0))));
    let wakers = flags.clone().map(Waker::from);
    let mut askers = [(); 2].map(|()| Box::pin(memo.lookup(&question)));
    for (asker, waker) in askers.iter_mut().zip(&wakers) {
        assert!(asker.as_mut().poll(&mut Context::from_waker(waker)).is_pending());
    }
    let waker = {
        let mut state = resolver.0.lock().unwrap();
        state.0 = true;
        state.1.take().unwrap()
    };
    waker.wake();
    assert!(flags.iter().all(|flag| flag.0.load(Ordering::Relaxed) == 1));
    for (asker, waker) in askers.iter_mut().zip(&wakers) {
        assert!(asker.as_mut().poll(&mut Context::from_waker(waker)).is_ready());
    }

    // Whoever is told to wait hears of progress that came while that was found out.
    struct Hasty(AtomicUsize);
    impl Resolver for Hasty {
        async fn lookup(&self, _question: &Question) -> Result<Answer, LookupError> {
            std::future::poll_fn(|context| {
                if self.0.fetch_add(1, Ordering::Relaxed) > 0 {
                    return Poll::Ready(Ok(Answer::no_data()));
                }
                context.waker().wake_by_ref();
                Poll::Pending
            })
            .await
        }
    }
    let hasty = Hasty(AtomicUsize::new(0));
    let of_hasty = Memo::new(&hasty);
    let woken = Arc::new(Flag(AtomicUsize::new(0)));
    let waker = Waker::from(Arc::clone(&woken));
    let mut context = Context::from_waker(&waker);
    let mut asker = Box::pin(of_hasty.lookup(&question));
    assert!(asker.as_mut().poll(&mut context).is_pending());
    assert_eq!(woken.0.load(Ordering::Relaxed), 1);
    assert!(asker.as_mut().poll(&mut context).is_ready());

    // Whoever is told to wait hears of a reply that another was there to take.
    resolver.0.lock().unwrap().0 = false;
    let question = txt("b.example");
    let mut askers = [(); 2].map(|()| Box::pin(memo.lookup(&question)));
    let [mut waiting, mut taking] = wakers.each_ref().map(Context::from_waker);
    assert!(askers[0].as_mut().poll(&mut waiting).is_pending());
    resolver.0.lock().unwrap().0 = true;
    let before = flags[0].0.load(Ordering::Relaxed);
    assert!(askers[1].as_mut().poll(&mut taking).is_ready());
    assert!(flags[0].0.load(Ordering::Relaxed) > before);
}

/// Several questions are open at once, and their replies come in any order.
#[test]
fn stepping_takes_answers_out_of_order() {
    let names = ["a.example", "b.example", "c.example"];
    let mut evaluation = Evaluation::new(|io| async move {
        let questions = names.map(txt);
        let mut lookups = questions.each_ref().map(|question| Some(Box::pin(io.lookup(question))));
        let mut replies = Vec::new();
        std::future::poll_fn(|context| {
            for slot in &mut lookups {
                if let Some(Poll::Ready(reply)) = slot.as_mut().map(|l| l.as_mut().poll(context)) {
                    replies.push(reply.map(|answer| answer.ttl));
                    *slot = None;
                }
            }
            if lookups.iter().any(Option::is_some) { Poll::Pending } else { Poll::Ready(()) }
        })
        .await;
        replies
    });
    let mut open = Vec::new();
    while let Some((id, Request::Dns(question))) = evaluation.request() {
        open.push((id, question));
    }
    assert_eq!(open.len(), 3);
    for (ttl, position) in [(1, 2), (2, 0), (3, 1)] {
        assert_eq!(evaluation.outcome(), None);
        let (id, _) = &open[position];
        let reply = Response::Dns(Ok(Answer::no_data().with_ttl(ttl)));
        evaluation.answer(*id, reply.clone()).unwrap();
        assert_eq!(evaluation.answer(*id, reply), Err(AnswerError::NotAsked(*id)));
    }
    assert_eq!(evaluation.outcome(), Some(vec![Ok(1), Ok(2), Ok(3)]));
    assert_eq!(evaluation.outcome(), None);
}

/// At the deadline open and later questions are answered with a timeout, and late replies ignored.
#[test]
fn stepping_expires() {
    let mut evaluation = Evaluation::new(|io| async move {
        let first = io.lookup(&txt("a.example")).await;
        (first, io.lookup(&txt("b.example")).await)
    });
    let (id, _) = evaluation.request().unwrap();
    evaluation.expire();
    let timeout = Err(LookupError::Timeout);
    assert_eq!(evaluation.outcome(), Some((timeout.clone(), timeout)));
    assert_eq!(
        evaluation.answer(id, Response::Dns(Ok(Answer::no_data()))),
        Err(AnswerError::NotAsked(id))
    );
    assert!(evaluation.request().is_none());
}
