//! Waits for several lookups at once.

use std::pin::Pin;
use std::task::Poll;

enum Slot<F: Future> {
    UnderWay(Pin<Box<F>>),
    Done(F::Output),
}

// The future is boxed: nothing else in a slot is pinned.
impl<F: Future> Unpin for Slot<F> {}

/// Runs futures side by side in one task; the outputs come in the order of the futures.
pub(crate) async fn join_all<F: Future>(futures: impl IntoIterator<Item = F>) -> Vec<F::Output> {
    let mut slots: Vec<_> =
        futures.into_iter().map(|future| Slot::UnderWay(Box::pin(future))).collect();
    std::future::poll_fn(move |context| {
        let mut pending = false;
        for slot in &mut slots {
            if let Slot::UnderWay(future) = slot {
                match future.as_mut().poll(context) {
                    Poll::Ready(output) => *slot = Slot::Done(output),
                    Poll::Pending => pending = true,
                }
            }
        }
        if pending {
            return Poll::Pending;
        }
        let outputs = std::mem::take(&mut slots).into_iter().filter_map(|slot| match slot {
            Slot::Done(output) => Some(output),
            Slot::UnderWay(_) => None,
        });
        Poll::Ready(outputs.collect())
    })
    .await
}

/// Runs different futures side by side in one task, for what they do. They stay where the caller pinned
/// them: kept here they would be twice in the state of an `async fn`.
pub(crate) async fn join<const COUNT: usize>(
    futures: [Pin<&mut (dyn Future<Output = ()> + Send)>; COUNT],
) {
    let mut futures = futures.map(Some);
    std::future::poll_fn(move |context| {
        let mut all = Poll::Ready(());
        for slot in &mut futures {
            if let Some(future) = slot {
                match future.as_mut().poll(context) {
                    Poll::Ready(()) => *slot = None,
                    Poll::Pending => all = Poll::Pending,
                }
            }
        }
        all
    })
    .await;
}

/// Waits, in a test, for what is there already, as an answer from a zone in memory is.
#[cfg(test)]
pub(crate) fn ready<T>(future: impl Future<Output = T>) -> T {
    use std::pin::pin;
    use std::task::{Context, Waker};

    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("the answer is in memory"),
    }
}
