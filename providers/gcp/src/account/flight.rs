//! One reader for many who need the same.

use std::future::Future;
use std::sync::{Mutex as Plain, PoisonError};

use tokio::sync::Mutex;

/// Lets one of those who need something read it while the others wait. All who waited for an attempt that failed fail
/// with it, or a thousand would fail one after the other; an attempt whose future was dropped is somebody else's turn.
#[derive(Debug)]
pub(super) struct Flight<E> {
    turn: Mutex<()>,
    attempts: Plain<Attempts<E>>,
}

#[derive(Debug)]
struct Attempts<E> {
    /// How many have ended.
    ended: u64,
    /// The last one that failed, by its number, and why.
    failed: Option<(u64, E)>,
}

impl<E: Clone> Flight<E> {
    pub(super) fn new() -> Self {
        Self { turn: Mutex::new(()), attempts: Plain::new(Attempts { ended: 0, failed: None }) }
    }

    /// Reads, or waits for who reads, until `lacks` tells that nothing is lacking.
    pub(super) async fn until<K, F>(
        &self,
        lacks: impl Fn() -> Option<K>,
        read: impl Fn(K) -> F,
    ) -> Result<(), E>
    where
        F: Future<Output = Result<(), E>>,
    {
        if lacks().is_none() {
            return Ok(());
        }
        let arrived = self.ended();
        let _turn = self.turn.lock().await;
        if let Some(error) = self.failed_since(arrived) {
            return Err(error);
        }
        let Some(lacking) = lacks() else { return Ok(()) };
        let result = read(lacking).await;
        self.end(result.as_ref().err());
        result
    }

    fn ended(&self) -> u64 {
        self.attempts.lock().unwrap_or_else(PoisonError::into_inner).ended
    }

    fn failed_since(&self, arrived: u64) -> Option<E> {
        let attempts = self.attempts.lock().unwrap_or_else(PoisonError::into_inner);
        let failed = attempts.failed.as_ref().filter(|(number, _)| *number > arrived);
        failed.map(|(_, error)| error.clone())
    }

    fn end(&self, error: Option<&E>) {
        let mut attempts = self.attempts.lock().unwrap_or_else(PoisonError::into_inner);
        attempts.ended += 1;
        let number = attempts.ended;
        attempts.failed = error.map(|error| (number, error.clone()));
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::Duration;

    use futures::future::join_all;
    use rstest::rstest;
    use tokio::time::{sleep, timeout};

    use super::*;

    /// Something that takes a second to read.
    #[derive(Default)]
    struct Source {
        reads: AtomicUsize,
        done: AtomicUsize,
    }

    impl Source {
        async fn ask(
            &self,
            flight: &Flight<&'static str>,
            answer: Result<(), &'static str>,
        ) -> Result<(), &'static str> {
            let lacks = || (self.done.load(Ordering::SeqCst) == 0).then_some(());
            let read = |()| async {
                self.reads.fetch_add(1, Ordering::SeqCst);
                sleep(Duration::from_secs(1)).await;
                self.done.fetch_add(usize::from(answer.is_ok()), Ordering::SeqCst);
                answer
            };
            flight.until(lacks, read).await
        }
    }

    #[rstest]
    #[case::all_are_served_by_one(Ok(()))]
    #[case::all_fail_with_one(Err("no"))]
    #[tokio::test(start_paused = true)]
    async fn many_read_once(#[case] answer: Result<(), &'static str>) {
        let (flight, source) = (Flight::new(), Source::default());
        let all = join_all((0..50).map(|_| source.ask(&flight, answer))).await;
        assert!(all.into_iter().all(|got| got == answer));
        assert_eq!(source.reads.load(Ordering::SeqCst), 1);
        source.ask(&flight, Ok(())).await.unwrap();
        let more = usize::from(answer.is_err());
        assert_eq!(source.reads.load(Ordering::SeqCst), 1 + more, "read again only if it failed");
    }

    #[tokio::test(start_paused = true)]
    async fn a_reader_that_is_dropped_is_followed_by_another() {
        let (flight, source) = (Flight::new(), Source::default());
        let dropped = timeout(Duration::from_millis(500), source.ask(&flight, Ok(())));
        let others = join_all((0..9).map(|_| source.ask(&flight, Ok(()))));
        let (dropped, others) = tokio::join!(dropped, others);
        assert!(dropped.is_err());
        assert!(others.into_iter().all(|result| result.is_ok()));
        assert_eq!(source.reads.load(Ordering::SeqCst), 2);
    }
}
