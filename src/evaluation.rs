//! Steps an evaluator without a runtime: it asks, the caller answers, in any order.

use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use crate::dns::{Answer, LookupError, Question, Resolver};
use crate::mta_sts::{FetchError, PolicyFetcher, PolicyUrl};

/// An evaluator whose questions the caller answers by hand, from an event loop of its own.
///
/// Every evaluator of this crate is a future that waits for nothing but its [`Resolver`] and its
/// [`PolicyFetcher`]. Here both are a mailbox: [`Evaluation::request`] takes the questions out, [`Evaluation::answer`]
/// puts a reply in and runs the evaluator as far as it goes. Several questions may be open at once
/// and their replies may come in any order, late or never ([`Evaluation::expire`]). It is the same
/// code that runs under a runtime, so the outcome is the same.
///
/// ```
/// use bonafide::dns::{Answer, Name, Question, RecordType, Resolver};
/// use bonafide::evaluation::{Evaluation, Request, Response};
///
/// let question = Question::new(Name::parse(b"example.com")?, RecordType::Txt);
/// let mut evaluation = Evaluation::new(|io| async move { io.lookup(&question).await });
/// while let Some((id, Request::Dns(question))) = evaluation.request() {
///     assert_eq!(question.to_string(), "example.com TXT"); // send it; later, when the reply is there:
///     evaluation.answer(id, Response::Dns(Ok(Answer::no_data())))?;
/// }
/// assert_eq!(evaluation.outcome(), Some(Ok(Answer::no_data())));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Evaluation<T> {
    future: Option<Pin<Box<dyn Future<Output = T> + Send>>>,
    mailbox: Mailbox,
    outcome: Option<T>,
}

/// Names one request of one [`Evaluation`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RequestId(u64);

/// What an evaluator wants to know.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Request {
    /// A question to the DNS.
    Dns(Question),
    /// An MTA-STS policy, to be fetched over HTTPS as [`PolicyFetcher`] says.
    Policy(PolicyUrl),
}

/// What the caller found out.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Response {
    /// What the DNS said, or why it could not.
    Dns(Result<Answer, LookupError>),
    /// The octets of the policy, or why there are none.
    Policy(Result<Vec<u8>, FetchError>),
}

/// Why a reply was not taken; nothing has changed then.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AnswerError {
    /// The request is not open: it was never made, is answered already, or is no longer wanted.
    #[error("request {} is not open: it was never made, is answered already, or is no longer wanted", .0.0)]
    NotAsked(RequestId),
    /// The reply is of another kind than the request, which is still open.
    #[error("request {} is open, and the reply is of another kind", .0.0)]
    WrongKind(RequestId),
}

/// The resolver and fetcher that an [`Evaluation`] hands to its evaluator.
#[derive(Clone, Default)]
pub struct Mailbox(Arc<Mutex<Slots>>);

#[derive(Default)]
struct Slots {
    last: u64,
    expired: bool,
    /// Made and not yet handed to the caller.
    fresh: VecDeque<RequestId>,
    /// Made and not yet answered.
    open: BTreeMap<RequestId, Request>,
    /// Answered and not yet taken by the evaluator.
    answered: BTreeMap<RequestId, Response>,
}

impl<T> Evaluation<T> {
    /// Starts an evaluator and runs it up to its first questions.
    pub fn new<F, E>(evaluator: E) -> Self
    where
        E: FnOnce(Mailbox) -> F,
        F: Future<Output = T> + Send + 'static,
    {
        let mailbox = Mailbox::default();
        let future = Box::pin(evaluator(mailbox.clone()));
        let mut evaluation = Self { future: Some(future), mailbox, outcome: None };
        evaluation.run();
        evaluation
    }

    /// The next question that was not handed out yet; `None` when there is nothing to ask now.
    #[must_use = "a request that is dropped is never answered"]
    pub fn request(&mut self) -> Option<(RequestId, Request)> {
        let mut slots = self.mailbox.slots();
        while let Some(id) = slots.fresh.pop_front() {
            if let Some(request) = slots.open.get(&id) {
                return Some((id, request.clone()));
            }
        }
        None
    }

    /// Answers a request and runs the evaluator as far as it goes.
    ///
    /// # Errors
    ///
    /// When the request is not open, or is of another kind; nothing has changed then. A late reply
    /// after [`Evaluation::expire`] is such a case and may be ignored.
    pub fn answer(&mut self, id: RequestId, response: Response) -> Result<(), AnswerError> {
        {
            let mut slots = self.mailbox.slots();
            let request = slots.open.get(&id).ok_or(AnswerError::NotAsked(id))?;
            if !request.takes(&response) {
                return Err(AnswerError::WrongKind(id));
            }
            slots.open.remove(&id);
            slots.answered.insert(id, response);
        }
        self.run();
        Ok(())
    }

    /// The deadline: every open and every later question is answered with a timeout, and the
    /// evaluator runs to its end. No verdict is lost by it.
    pub fn expire(&mut self) {
        {
            let mut slots = self.mailbox.slots();
            slots.expired = true;
            for (id, request) in std::mem::take(&mut slots.open) {
                slots.answered.insert(id, request.timed_out());
            }
        }
        self.run();
    }

    /// Takes the outcome, once it is there.
    pub fn outcome(&mut self) -> Option<T> {
        self.outcome.take()
    }

    fn run(&mut self) {
        let Some(future) = &mut self.future else {
            return;
        };
        // Nothing but an answer makes progress, and an answer runs the evaluator at once: there is
        // nobody to wake.
        if let Poll::Ready(outcome) = future.as_mut().poll(&mut Context::from_waker(Waker::noop()))
        {
            self.outcome = Some(outcome);
            self.future = None;
        }
    }
}

impl<T> fmt::Debug for Evaluation<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let open = self.mailbox.slots().open.len();
        f.debug_struct("Evaluation").field("open", &open).finish_non_exhaustive()
    }
}

impl Request {
    fn timed_out(&self) -> Response {
        match self {
            Self::Dns(_) => Response::Dns(Err(LookupError::Timeout)),
            Self::Policy(_) => Response::Policy(Err(FetchError::Timeout)),
        }
    }

    fn takes(&self, response: &Response) -> bool {
        match self {
            Self::Dns(_) => matches!(response, Response::Dns(_)),
            Self::Policy(_) => matches!(response, Response::Policy(_)),
        }
    }
}

impl Mailbox {
    fn slots(&self) -> MutexGuard<'_, Slots> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn ask(&self, request: Request) -> Wait {
        let mut slots = self.slots();
        slots.last = slots.last.saturating_add(1);
        let id = RequestId(slots.last);
        if slots.expired {
            slots.answered.insert(id, request.timed_out());
        } else {
            slots.fresh.push_back(id);
            slots.open.insert(id, request);
        }
        Wait { mailbox: self.clone(), id }
    }
}

impl Resolver for Mailbox {
    async fn lookup(&self, question: &Question) -> Result<Answer, LookupError> {
        match self.ask(Request::Dns(question.clone())).await {
            Response::Dns(reply) => reply,
            // No reply of another kind is ever taken.
            Response::Policy(_) => Err(LookupError::Timeout),
        }
    }
}

impl PolicyFetcher for Mailbox {
    async fn fetch(&self, url: &PolicyUrl) -> Result<Vec<u8>, FetchError> {
        match self.ask(Request::Policy(url.clone())).await {
            Response::Policy(reply) => reply,
            // As above.
            Response::Dns(_) => Err(FetchError::Timeout),
        }
    }
}

impl fmt::Debug for Mailbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Mailbox")
    }
}

/// Waits for one answer; dropped, it withdraws the question.
struct Wait {
    mailbox: Mailbox,
    id: RequestId,
}

impl Future for Wait {
    type Output = Response;

    fn poll(self: Pin<&mut Self>, _context: &mut Context<'_>) -> Poll<Response> {
        match self.mailbox.slots().answered.remove(&self.id) {
            Some(response) => Poll::Ready(response),
            None => Poll::Pending,
        }
    }
}

impl Drop for Wait {
    fn drop(&mut self) {
        let mut slots = self.mailbox.slots();
        slots.open.remove(&self.id);
        slots.answered.remove(&self.id);
    }
}

/// Runs a future to its end on the current thread, for callers without a runtime.
///
/// The thread is parked while the future waits, so whatever answers it must run elsewhere or answer
/// at once: a blocking resolver does, and so does a [`Zone`](crate::dns::Zone).
///
/// ```
/// assert_eq!(bonafide::block_on(async { 6 * 7 }), 42);
/// ```
#[cfg(not(target_family = "wasm"))]
pub fn block_on<F: Future>(future: F) -> F::Output {
    struct Unpark(std::thread::Thread);

    impl std::task::Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }

    let waker = Waker::from(Arc::new(Unpark(std::thread::current())));
    let mut future = std::pin::pin!(future);
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut Context::from_waker(&waker)) {
            return output;
        }
        std::thread::park();
    }
}
