//! The right to write, as a value.

use std::future::{Future, pending, poll_fn};
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Poll;

use thiserror::Error;
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// The right to write, for one term of leadership. Cheap to clone; all clones end together.
///
/// A claim that was lost stays lost: if this process becomes leader again, it gets a new one. So work that slept
/// through a change of leader and back cannot go on under its old claim.
///
/// It compares with the monotonic clock itself, so it ends in time even if the task that renews the lease is stalled.
/// The one thing it cannot see is a suspended machine, whose monotonic clock stands still: the first renewal after
/// the wake-up ends the claim then.
#[derive(Clone, Debug)]
pub struct Claim(Kind);

#[derive(Clone, Debug)]
enum Kind {
    Always,
    Held(Arc<Term>),
}

/// The leader lease is not held (any more): the write was not started, or was dropped before its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("this process no longer holds the leader lease")]
pub struct LostClaim;

impl Claim {
    /// A claim that is never lost, for programs that run without leader election.
    pub fn always() -> Self {
        Self(Kind::Always)
    }

    pub(super) fn held(term: Arc<Term>) -> Self {
        Self(Kind::Held(term))
    }

    /// Whether a write may start now. Takes a lock for an instant and does no I/O: ask before every write.
    ///
    /// A write that started must end within lease duration minus renew deadline (5 s by default), else it may
    /// overlap with the next holder's: bound it by a timeout, or run it in [`Claim::guard`].
    pub fn check(&self) -> Result<(), LostClaim> {
        match &self.0 {
            Kind::Held(term) if term.is_over() => Err(LostClaim),
            Kind::Always | Kind::Held(_) => Ok(()),
        }
    }

    /// Resolves when the claim is lost; never for [`Claim::always`]. Cancel safe.
    pub async fn lost(&self) {
        match &self.0 {
            Kind::Always => pending().await,
            Kind::Held(term) => term.lost().await,
        }
    }

    /// Runs `work` while the claim lasts, and drops it the moment the claim is lost.
    ///
    /// A request that was already sent may still take effect at the other side. The release of the lease waits
    /// until guarded work has ended or was dropped. Cancel safe if `work` is.
    pub async fn guard<F: Future>(&self, work: F) -> Result<F::Output, LostClaim> {
        let _in_flight = match &self.0 {
            Kind::Always => None,
            Kind::Held(term) => Some(term.guards.token()),
        };
        let mut lost = pin!(self.lost());
        let mut work = pin!(work);
        poll_fn(|cx| {
            // The clock is asked at each poll: a late timer must not let the work take another step.
            if self.check().is_err() || lost.as_mut().poll(cx).is_ready() {
                return Poll::Ready(Err(LostClaim));
            }
            work.as_mut().poll(cx).map(Ok)
        })
        .await
    }
}

/// One uninterrupted time of holding the lease.
#[derive(Debug)]
pub(super) struct Term {
    valid_until: Mutex<Instant>,
    over: CancellationToken,
    guards: TaskTracker,
}

impl Term {
    /// A term valid until then. Its guarded work is counted in `guards`.
    pub(super) fn new(valid_until: Instant, guards: TaskTracker) -> Arc<Self> {
        Arc::new(Self { valid_until: Mutex::new(valid_until), over: CancellationToken::new(), guards })
    }

    /// Moves the end. False if the term is over: it cannot be revived.
    pub(super) fn extend(&self, until: Instant) -> bool {
        let mut valid_until = self.lock();
        if self.over.is_cancelled() || Instant::now() >= *valid_until {
            self.over.cancel();
            return false;
        }
        *valid_until = until.max(*valid_until);
        true
    }

    /// Ends the term now.
    pub(super) fn end(&self) {
        self.over.cancel();
    }

    pub(super) fn is_over(&self) -> bool {
        if self.over.is_cancelled() {
            return true;
        }
        let valid_until = self.lock();
        let over = Instant::now() >= *valid_until;
        if over {
            self.over.cancel();
        }
        over
    }

    pub(super) fn valid_until(&self) -> Instant {
        *self.lock()
    }

    async fn lost(&self) {
        while !self.is_over() {
            tokio::select! {
                () = self.over.cancelled() => {}
                () = sleep_until(self.valid_until()) => {}
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Instant> {
        // The lock guards one plain value, which a panic cannot leave half written.
        self.valid_until.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::sync::oneshot;
    use tokio::time::{advance, sleep};

    use super::*;

    fn term(seconds: u64) -> (Arc<Term>, Claim) {
        let term = Term::new(Instant::now() + Duration::from_secs(seconds), TaskTracker::new());
        (Arc::clone(&term), Claim::held(term))
    }

    #[tokio::test(start_paused = true)]
    async fn a_claim_ends_by_the_clock_alone() {
        let (_term, claim) = term(10);
        advance(Duration::from_millis(9_999)).await;
        assert_eq!(claim.check(), Ok(()));
        advance(Duration::from_millis(1)).await;
        assert_eq!(claim.check(), Err(LostClaim));
    }

    #[tokio::test(start_paused = true)]
    async fn an_extension_after_the_end_does_not_revive_it() {
        let (term, claim) = term(10);
        assert!(term.extend(Instant::now() + Duration::from_secs(20)));
        advance(Duration::from_secs(20)).await;
        assert!(!term.extend(Instant::now() + Duration::from_secs(20)));
        assert_eq!(claim.check(), Err(LostClaim));
    }

    #[tokio::test(start_paused = true)]
    async fn an_extension_never_shortens() {
        let (term, claim) = term(10);
        assert!(term.extend(Instant::now() + Duration::from_secs(1)));
        advance(Duration::from_secs(9)).await;
        assert_eq!(claim.check(), Ok(()));
    }

    #[tokio::test(start_paused = true)]
    async fn guarded_work_is_dropped_at_the_deadline() {
        let (_term, claim) = term(10);
        let started = Instant::now();
        let (alive, dropped) = oneshot::channel::<()>();
        let work = async move {
            let _alive = alive;
            sleep(Duration::from_mins(1)).await;
        };
        assert_eq!(claim.guard(work).await, Err(LostClaim));
        assert_eq!(started.elapsed(), Duration::from_secs(10));
        assert!(dropped.await.is_err());
    }

    #[tokio::test(start_paused = true)]
    async fn guarded_work_outlives_the_first_deadline_when_renewed() {
        let (term, claim) = term(10);
        let renewing = async {
            sleep(Duration::from_secs(5)).await;
            assert!(term.extend(Instant::now() + Duration::from_secs(10)));
            std::future::pending::<()>().await;
        };
        let work = async {
            sleep(Duration::from_secs(14)).await;
            7
        };
        tokio::select! {
            () = renewing => unreachable!("it never ends"),
            done = claim.guard(work) => assert_eq!(done, Ok(7)),
        }
    }

    #[tokio::test(start_paused = true)]
    async fn ending_the_term_stops_guarded_work_at_once() {
        let (term, claim) = term(10);
        let (result, ()) = tokio::join!(claim.guard(sleep(Duration::from_secs(5))), async { term.end() });
        assert_eq!(result, Err(LostClaim));
    }

    #[tokio::test(start_paused = true)]
    async fn work_is_not_polled_once_the_clock_has_passed() {
        let (_term, claim) = term(10);
        let (wake, woken) = oneshot::channel::<()>();
        let mut guarded = pin!(claim.guard(async { woken.await.is_ok() }));
        assert!(futures_poll(guarded.as_mut()).await.is_none());
        // The work becomes ready in the same instant in which the claim runs out.
        advance(Duration::from_secs(10)).await;
        wake.send(()).unwrap();
        assert_eq!(guarded.await, Err(LostClaim));
    }

    /// Polls once.
    async fn futures_poll<F: Future>(mut future: std::pin::Pin<&mut F>) -> Option<F::Output> {
        poll_fn(|cx| match future.as_mut().poll(cx) {
            Poll::Ready(out) => Poll::Ready(Some(out)),
            Poll::Pending => Poll::Ready(None),
        })
        .await
    }

    #[tokio::test(start_paused = true)]
    async fn nothing_starts_under_a_lost_claim() {
        let (term, claim) = term(10);
        term.end();
        assert_eq!(claim.guard(async { panic!("started") }).await, Err::<(), _>(LostClaim));
    }

    #[tokio::test(start_paused = true)]
    async fn always_is_never_lost() {
        let claim = Claim::always();
        advance(Duration::from_hours(1_000)).await;
        assert_eq!(claim.check(), Ok(()));
        assert_eq!(claim.guard(async { 1 }).await, Ok(1));
        tokio::time::timeout(Duration::from_hours(1), claim.lost()).await.unwrap_err();
    }
}
