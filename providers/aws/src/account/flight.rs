//! One reader for many who need the same.

use std::future::Future;
use std::sync::Mutex;

use tokio::sync::watch;

use super::locked;

/// Lets one of those who need something read it while the others wait for its result. All who waited for an attempt
/// that failed fail with it; an attempt whose future was dropped is taken over by one of those who waited.
#[derive(Debug)]
pub(super) struct Flight<E> {
    current: Mutex<Option<watch::Receiver<Told<E>>>>,
}

/// What the reader tells; `None` until it is done.
type Told<E> = Option<Result<(), E>>;

impl<E: Clone> Flight<E> {
    pub(super) fn new() -> Self {
        Self { current: Mutex::new(None) }
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
        while let Some(lacking) = lacks() {
            match self.board() {
                Seat::Reader(tell) => {
                    let result = read(lacking).await;
                    tell.send_replace(Some(result.clone()));
                    return result;
                }
                Seat::Waiter(mut told) => {
                    // An error of the channel means that the reader was dropped: somebody else's turn, perhaps ours.
                    if let Ok(result) = told.wait_for(Option::is_some).await {
                        result.clone().unwrap_or(Ok(()))?;
                    }
                }
            }
        }
        Ok(())
    }

    fn board(&self) -> Seat<E> {
        let mut current = locked(&self.current);
        match current.as_ref() {
            // Neither told nor dropped.
            Some(told) if told.has_changed().is_ok() && told.borrow().is_none() => Seat::Waiter(told.clone()),
            _ => {
                let (tell, told) = watch::channel(None);
                *current = Some(told);
                Seat::Reader(tell)
            }
        }
    }
}

enum Seat<E> {
    Reader(watch::Sender<Told<E>>),
    Waiter(watch::Receiver<Told<E>>),
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::Duration;

    use futures::future::join_all;
    use tokio::time::{sleep, timeout};

    use super::*;

    /// Something that takes a second to read, once.
    #[derive(Default)]
    struct Source {
        reads: AtomicUsize,
        done: AtomicUsize,
    }

    impl Source {
        fn lacks(&self) -> Option<()> {
            (self.done.load(Ordering::SeqCst) == 0).then_some(())
        }

        async fn read(&self, answer: Result<(), &'static str>) -> Result<(), &'static str> {
            self.reads.fetch_add(1, Ordering::SeqCst);
            sleep(Duration::from_secs(1)).await;
            if answer.is_ok() {
                self.done.fetch_add(1, Ordering::SeqCst);
            }
            answer
        }
    }

    #[tokio::test(start_paused = true)]
    async fn many_who_need_it_read_once() {
        let (flight, source) = (Flight::new(), Source::default());
        let all = join_all((0..50).map(|_| flight.until(|| source.lacks(), |()| source.read(Ok(()))))).await;
        assert!(all.into_iter().all(|result| result.is_ok()));
        assert_eq!(source.reads.load(Ordering::SeqCst), 1);
        flight.until(|| source.lacks(), |()| source.read(Ok(()))).await.unwrap();
        assert_eq!(source.reads.load(Ordering::SeqCst), 1, "nothing is lacking any more");
    }

    #[tokio::test(start_paused = true)]
    async fn all_who_waited_fail_and_the_next_reads_again() {
        let (flight, source) = (Flight::new(), Source::default());
        let all =
            join_all((0..50).map(|_| flight.until(|| source.lacks(), |()| source.read(Err("no"))))).await;
        assert!(all.into_iter().all(|result| result == Err("no")));
        assert_eq!(source.reads.load(Ordering::SeqCst), 1);
        flight.until(|| source.lacks(), |()| source.read(Ok(()))).await.unwrap();
        assert_eq!(source.reads.load(Ordering::SeqCst), 2);
    }

    #[tokio::test(start_paused = true)]
    async fn a_reader_that_is_dropped_is_followed_by_a_waiter() {
        let (flight, source) = (Flight::new(), Source::default());
        let read = || flight.until(|| source.lacks(), |()| source.read(Ok(())));
        let dropped = timeout(Duration::from_millis(500), read());
        let (dropped, others) = tokio::join!(dropped, join_all((0..9).map(|_| read())));
        assert!(dropped.is_err());
        assert!(others.into_iter().all(|result| result.is_ok()));
        assert_eq!(source.reads.load(Ordering::SeqCst), 2);
    }
}
