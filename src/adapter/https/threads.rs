//! Work that blocks, on threads that come and go.

use std::collections::VecDeque;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::task::{Context, Poll, Waker};
use std::thread;

use crate::mta_sts::FetchError;

type Outcome = Result<Vec<u8>, FetchError>;
type Work = Box<dyn FnOnce() -> Outcome + Send>;

/// At most so many threads; each takes jobs as long as there are any, and ends then.
#[derive(Clone)]
pub(super) struct Threads(Arc<Pool>);

struct Pool {
    most: usize,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    running: usize,
    queue: VecDeque<Job>,
}

struct Job {
    work: Work,
    /// Gone when nobody waits for the outcome any more.
    waiting: Weak<Mutex<Slot>>,
}

#[derive(Default)]
struct Slot {
    outcome: Option<Outcome>,
    waker: Option<Waker>,
}

/// Nothing is done under a lock that could leave a value half changed.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Threads {
    pub(super) fn new(most: usize) -> Self {
        Self(Arc::new(Pool { most, state: Mutex::default() }))
    }

    /// Queues some work, whose outcome the future gives.
    pub(super) fn run(&self, work: impl FnOnce() -> Outcome + Send + 'static) -> Wait {
        let slot = Arc::default();
        let job = Job { work: Box::new(work), waiting: Arc::downgrade(&slot) };
        let mut state = lock(&self.0.state);
        // What was given up takes no room in the queue.
        state.queue.retain(|job| job.waiting.strong_count() > 0);
        state.queue.push_back(job);
        if state.running < self.0.most {
            let pool = Arc::clone(&self.0);
            let thread = thread::Builder::new().name("bonafide-https".to_owned());
            match thread.spawn(move || pool.work()) {
                Ok(_) => state.running = state.running.saturating_add(1),
                // A thread that runs will come to it.
                Err(_) if state.running > 0 => {}
                Err(error) => {
                    let why = format!("there is no thread to fetch with: {error}");
                    let failure = FetchError::Other(why.into());
                    for job in state.queue.drain(..) {
                        finish(&job.waiting, Err(failure.clone()));
                    }
                }
            }
        }
        Wait(slot)
    }
}

impl Pool {
    fn work(&self) {
        while let Some(job) = self.next() {
            job.run();
        }
    }

    /// The next job; without one the thread ends, and that is noted in the same step: no job is queued
    /// for a thread that is on its way out.
    fn next(&self) -> Option<Job> {
        let mut state = lock(&self.state);
        let job = state.queue.pop_front();
        if job.is_none() {
            state.running = state.running.saturating_sub(1);
        }
        job
    }
}

impl Job {
    fn run(self) {
        if self.waiting.strong_count() > 0 {
            // Whatever happens in the client, whoever waits hears of it.
            let outcome = catch_unwind(AssertUnwindSafe(self.work))
                .unwrap_or_else(|_| Err(FetchError::Other("the HTTPS client failed".into())));
            finish(&self.waiting, outcome);
        }
    }
}

fn finish(waiting: &Weak<Mutex<Slot>>, outcome: Outcome) {
    let Some(slot) = waiting.upgrade() else {
        return;
    };
    let waker = {
        let mut slot = lock(&slot);
        slot.outcome = Some(outcome);
        slot.waker.take()
    };
    if let Some(waker) = waker {
        waker.wake();
    }
}

/// The outcome of some work, once it is there.
pub(super) struct Wait(Arc<Mutex<Slot>>);

impl Future for Wait {
    type Output = Outcome;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Outcome> {
        let mut slot = lock(&self.0);
        match slot.outcome.take() {
            Some(outcome) => Poll::Ready(outcome),
            None => {
                slot.waker = Some(context.waker().clone());
                Poll::Pending
            }
        }
    }
}

impl fmt::Debug for Threads {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Threads")
    }
}
