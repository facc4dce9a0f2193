//! A deadline that costs no verdict: what is not answered by then counts as a timeout.

use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Poll;

use crate::dns::{Answer, LookupError, Question, Resolver};

/// Runs `work` with a resolver that answers every open and every later question with a timeout once
/// `timer` has completed.
pub(super) async fn until<R, T, W, F>(resolver: R, timer: T, work: W) -> F::Output
where
    R: Resolver,
    T: Future,
    W: FnOnce(Expiring<R>) -> F,
    F: Future,
{
    let expired = Expired::default();
    let resolver = Expiring { resolver, expired: expired.clone() };
    let (mut timer, mut work) = (pin!(timer), pin!(work(resolver)));
    std::future::poll_fn(|context| {
        if !expired.is_set() && timer.as_mut().poll(context).is_ready() {
            expired.set();
        }
        // Whatever waits is polled with the work, and sees the deadline then.
        work.as_mut().poll(context)
    })
    .await
}

#[derive(Clone, Default)]
struct Expired(std::sync::Arc<AtomicBool>);

impl Expired {
    fn is_set(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    fn set(&self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// A resolver up to a deadline.
pub(super) struct Expiring<R> {
    resolver: R,
    expired: Expired,
}

impl<R: Resolver> Resolver for Expiring<R> {
    async fn lookup(&self, question: &Question) -> Result<Answer, LookupError> {
        let mut lookup = pin!(self.resolver.lookup(question));
        std::future::poll_fn(|context| {
            if self.expired.is_set() {
                return Poll::Ready(Err(LookupError::Timeout));
            }
            lookup.as_mut().poll(context)
        })
        .await
    }
}
