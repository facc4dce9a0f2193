//! One message asks each question once.

use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Wake, Waker};

use super::resolver::{BoxFuture, Reply};
use super::{LookupError, Question, Resolver};

/// A resolver that passes each question on once and remembers the reply, errors too.
///
/// It lives as long as the evaluation of one message; caching across messages is the affair of the
/// resolver behind it. The memo owns the lookups under way: when one asker is dropped, the others
/// still get their answer, whatever task they run in.
///
/// ```
/// use bonafide::dns::{Memo, Name, Question, RecordType, Resolver, Zone};
///
/// let zone = Zone::default();
/// let memo = Memo::new(&zone);
/// let question = Question::new(Name::parse(b"example.com")?, RecordType::Txt);
/// bonafide::block_on(async {
///     let (first, second) = (memo.lookup(&question).await, memo.lookup(&question).await);
///     assert_eq!(first, second);
/// });
/// # Ok::<(), bonafide::dns::NameError>(())
/// ```
pub struct Memo<'r, R> {
    resolver: &'r R,
    /// Sorted by their questions: however many a message asks, each is found in logarithmic time.
    flights: Mutex<Vec<Flight<'r>>>,
    waiters: Arc<Waiters>,
    /// Wakes all of them.
    everybody: Waker,
}

/// As many as a message asks that has one signature.
const USUAL_QUESTIONS: usize = 8;

/// One question under way or answered.
struct Flight<'r> {
    question: Question,
    state: State<'r>,
}

enum State<'r> {
    UnderWay {
        lookup: BoxFuture<'r, Reply>,
        /// Whether anybody was told to wait.
        awaited: bool,
    },
    Landed(Reply),
}

/// Everybody who waits for a lookup; each of them must hear of its progress, since each may be the
/// only one left to poll it. Mostly all are of one task, which waits for all lookups at once.
#[derive(Default)]
struct Waiters {
    wakers: Mutex<Vec<Waker>>,
    /// How often they were woken.
    calls: AtomicUsize,
}

impl Waiters {
    fn calls(&self) -> usize {
        self.calls.load(Ordering::SeqCst)
    }

    /// Adds one that saw so many calls before the progress was looked at. A call that came since may have
    /// been for that progress, and is not lost.
    fn register(&self, waker: &Waker, calls: usize) {
        let mut wakers = lock(&self.wakers);
        if !wakers.iter().any(|waiter| waiter.will_wake(waker)) {
            wakers.push(waker.clone());
        }
        drop(wakers);
        if self.calls() != calls {
            waker.wake_by_ref();
        }
    }
}

impl Wake for Waiters {
    fn wake(self: Arc<Self>) {
        self.calls.fetch_add(1, Ordering::SeqCst);
        for waiter in std::mem::take(&mut *lock(&self.wakers)) {
            waiter.wake();
        }
    }
}

/// A panic elsewhere leaves these values whole: nothing here is changed in two steps.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl<'r, R: Resolver> Memo<'r, R> {
    /// A memo in front of a resolver.
    pub fn new(resolver: &'r R) -> Self {
        let waiters = Arc::<Waiters>::default();
        let everybody = Waker::from(Arc::clone(&waiters));
        Self { resolver, flights: Mutex::default(), waiters, everybody }
    }

    fn flight(&self, question: &Question) -> Flight<'r> {
        let (resolver, asked) = (self.resolver, question.clone());
        let lookup = Box::pin(async move { resolver.lookup(&asked).await });
        Flight { question: question.clone(), state: State::UnderWay { lookup, awaited: false } }
    }

    /// Goes on with the lookup of a question, which begins when it is first asked.
    fn poll(&self, question: &Question, context: &Context<'_>) -> Poll<Reply> {
        let mut flights = lock(&self.flights);
        let place = match flights.binary_search_by(|flight| flight.question.cmp(question)) {
            Ok(place) => place,
            Err(place) => {
                if flights.is_empty() {
                    flights.reserve(USUAL_QUESTIONS);
                }
                flights.insert(place, self.flight(question));
                place
            }
        };
        let Some(Flight { state, .. }) = flights.get_mut(place) else {
            // There is one at the place.
            return Poll::Ready(Err(LookupError::Timeout));
        };
        let (lookup, awaited) = match state {
            State::Landed(reply) => return Poll::Ready(reply.clone()),
            State::UnderWay { lookup, awaited } => (lookup, awaited),
        };
        // Whoever is answered at once, from a cache perhaps, need not be woken.
        let calls = self.waiters.calls();
        let mut everybody = Context::from_waker(&self.everybody);
        let Poll::Ready(reply) = lookup.as_mut().poll(&mut everybody) else {
            *awaited = true;
            self.waiters.register(context.waker(), calls);
            return Poll::Pending;
        };
        let awaited = *awaited;
        *state = State::Landed(reply.clone());
        drop(flights);
        if awaited {
            self.everybody.wake_by_ref();
        }
        Poll::Ready(reply)
    }
}

impl<R: Resolver> Resolver for Memo<'_, R> {
    fn lookup(&self, question: &Question) -> impl Future<Output = Reply> + Send {
        std::future::poll_fn(move |context| self.poll(question, context))
    }
}

impl<R> fmt::Debug for Memo<'_, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Memo")
    }
}
