//! Changes of which nobody knows how they ended: the answer was lost, or the wait for the end was cut short.

use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

use landfall_core::ids::LbId;
use tokio::time::Instant;

use super::moment::Moment;
use super::parts::{collection_of, is_in};
use super::{Collection, Lists};
use crate::api::{OperationRef, Reference, Verb};

/// How long an operation that had not ended is taken not to have ended.
const LOOK: Duration = Duration::from_secs(5);

/// How long Google may refuse to tell the state of an operation before it is given up to ask for it.
const SIGHT: Duration = Duration::from_mins(5);

/// What may have been changed in a way that is not known.
#[derive(Debug, Default)]
pub(crate) struct Doubts {
    by_reference: HashMap<Reference, Doubt>,
}

/// Something may have been changed in a way that is not known.
#[derive(Debug)]
struct Doubt {
    /// By whom.
    lb: LbId,
    /// What is known from before then is too old.
    since: Moment,
    /// Lists that are begun from then on tell what became of it, unless an operation runs.
    settled: Instant,
    /// The change is under way: whoever makes it will tell.
    open: bool,
    /// An earlier change of which nobody knows how it ended: since when, and until when it settles.
    before: Option<(Moment, Instant)>,
    /// What of it Google accepted and had not ended when somebody looked last.
    running: Option<Running>,
}

#[derive(Debug)]
struct Running {
    operation: OperationRef,
    /// When it was first known to go on.
    since: Instant,
    /// When somebody looked last, or began to.
    looked: Instant,
}

/// Why lists may yet lack what a load balancer made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Unsettled {
    /// Google is still making or changing this.
    Running(Reference, OperationRef),
    /// A request whose answer was lost may still take effect for so long.
    For(Duration),
}

impl Doubts {
    /// Notes that something is about to be changed.
    pub(super) fn open(&mut self, lb: &LbId, reference: &Reference, now: Moment) {
        let earlier = self.by_reference.remove(reference);
        let before = earlier.as_ref().map(|doubt| (doubt.since, doubt.settled));
        let doubt = Doubt {
            lb: lb.clone(),
            since: now,
            settled: now.at,
            open: true,
            before,
            running: earlier.and_then(|doubt| doubt.running),
        };
        self.by_reference.insert(reference.clone(), doubt);
    }

    /// Notes that nobody knows how the change ended that is under way: what it began may be running.
    pub(super) fn leave(
        &mut self,
        reference: &Reference,
        running: Option<OperationRef>,
        now: Moment,
        settling: Duration,
    ) {
        let Some(doubt) = self.by_reference.get_mut(reference) else { return };
        (doubt.since, doubt.settled, doubt.open) = (now, now.at + settling, false);
        let running = running.map(|operation| Running { operation, since: now.at, looked: now.at });
        doubt.running = running.or(doubt.running.take());
    }

    /// Notes that the change that is under way surely had no effect. An earlier one may yet have some.
    pub(super) fn unchanged(&mut self, reference: &Reference) {
        let Some(doubt) = self.by_reference.remove(reference) else { return };
        if let Some((since, settled)) = doubt.before {
            let doubt = Doubt { since, settled, open: false, before: None, ..doubt };
            self.by_reference.insert(reference.clone(), doubt);
        }
    }

    /// Notes that it is known what is there.
    pub(super) fn remove(&mut self, reference: &Reference) {
        self.by_reference.remove(reference);
    }

    /// The operation that had not ended when somebody looked last at what changes this.
    pub(crate) fn running(&self, reference: &Reference) -> Option<&OperationRef> {
        self.by_reference.get(reference)?.running.as_ref().map(|running| &running.operation)
    }

    /// Operations to look at again: of this load balancer, and of what concerns it. It is the caller's turn to do so;
    /// others are told to do it only later.
    pub(super) fn take_due(
        &mut self,
        lb: &LbId,
        concerns: impl Fn(&Reference) -> bool,
    ) -> Vec<(Reference, OperationRef)> {
        let now = Instant::now();
        let due = self.by_reference.iter_mut().filter_map(|(reference, doubt)| {
            let running = doubt.running.as_mut().filter(|running| now >= running.looked + LOOK)?;
            let concerned = doubt.lb == *lb || concerns(reference);
            (concerned && !doubt.open).then(|| {
                running.looked = now;
                (reference.clone(), running.operation.clone())
            })
        });
        due.collect()
    }

    /// Notes that an operation had not ended just now.
    pub(super) fn runs(&mut self, reference: &Reference, operation: &OperationRef) {
        if let Some(running) =
            self.of_operation(reference, operation).and_then(|doubt| doubt.running.as_mut())
        {
            running.looked = Instant::now();
        }
    }

    /// Whether an operation has gone on for so long that one cannot go on asking in vain.
    pub(super) fn is_out_of_sight(&mut self, reference: &Reference, operation: &OperationRef) -> bool {
        let running = self.of_operation(reference, operation).and_then(|doubt| doubt.running.as_ref());
        running.is_some_and(|running| Instant::now() >= running.since + SIGHT)
    }

    /// Notes that an operation has ended, or that nobody can tell whether: lists tell what became of it that are begun
    /// so long after now.
    pub(super) fn ended(
        &mut self,
        reference: &Reference,
        operation: &OperationRef,
        now: Moment,
        settling: Duration,
    ) {
        if let Some(doubt) = self.of_operation(reference, operation) {
            (doubt.since, doubt.settled) = (now, doubt.settled.max(now.at + settling));
            doubt.running = None;
        }
    }

    fn of_operation(&mut self, reference: &Reference, operation: &OperationRef) -> Option<&mut Doubt> {
        let doubt = self.by_reference.get_mut(reference)?;
        let is_it = doubt.running.as_ref().is_some_and(|running| running.operation == *operation);
        is_it.then_some(doubt)
    }

    /// Collections to list again for a look at a load balancer: what may have been changed since then in a way that
    /// concerns it.
    pub(super) fn lacks(
        &self,
        lb: &LbId,
        listed: &Lists,
        concerns: impl Fn(&Reference) -> bool,
    ) -> Vec<Collection> {
        let doubted = self.by_reference.iter().filter(|(reference, doubt)| {
            let last = listed.get(&collection_of(reference)).map_or(0, |listed| listed.tick);
            let concerned = doubt.lb == *lb || concerns(reference);
            concerned && !doubt.open && last <= doubt.since.tick
        });
        doubted.map(|(reference, _)| collection_of(reference)).collect()
    }

    /// Collections to list again because what a load balancer may have made in doubt can be told only now.
    pub(super) fn ripe(&self, lb: &LbId, listed: &Lists) -> Vec<Collection> {
        let now = Instant::now();
        let ripe = self.by_reference.iter().filter(|(reference, doubt)| {
            let listed = listed.get(&collection_of(reference));
            let is_told = listed.is_some_and(|listed| doubt.is_told_by(*listed));
            doubt.lb == *lb && doubt.running.is_none() && now >= doubt.settled && !is_told
        });
        ripe.map(|(reference, _)| collection_of(reference)).collect::<BTreeSet<_>>().into_iter().collect()
    }

    /// Whether lists may yet lack what a load balancer made without seeing how it ended, and why.
    pub(super) fn unsettled(&self, lb: &LbId) -> Option<Unsettled> {
        let now = Instant::now();
        let of_lb = || self.by_reference.iter().filter(|(_, doubt)| doubt.lb == *lb && doubt.may_make());
        let running = of_lb().filter_map(|(reference, doubt)| {
            let running = doubt.running.as_ref()?;
            Some((reference, &running.operation))
        });
        // What may come to be is told before what may go.
        let running = running.min_by_key(|(_, operation)| operation.verb == Verb::Delete);
        let running =
            running.map(|(reference, operation)| Unsettled::Running(reference.clone(), operation.clone()));
        let rest = of_lb().map(|(_, doubt)| doubt.settled.saturating_duration_since(now));
        running.or_else(|| rest.filter(|rest| !rest.is_zero()).max().map(Unsettled::For))
    }

    /// Forgets what a list tells for sure that was begun then.
    pub(super) fn settle(&mut self, collection: &Collection, began: Moment) {
        self.by_reference.retain(|reference, doubt| {
            let is_told = !doubt.open && doubt.running.is_none() && doubt.is_told_by(began);
            !is_told || !is_in(reference, collection)
        });
    }

    /// Whether somebody is changing this.
    pub(super) fn is_open(&self, reference: &Reference) -> bool {
        self.by_reference.get(reference).is_some_and(|doubt| doubt.open)
    }

    /// Every load balancer that may have made something.
    pub(super) fn lbs(&self) -> impl Iterator<Item = &LbId> {
        self.by_reference.values().filter(|doubt| doubt.may_make()).map(|doubt| &doubt.lb)
    }
}

impl Doubt {
    /// Whether something may come to be by it. Members of a group make nothing.
    fn may_make(&self) -> bool {
        !self.running.as_ref().is_some_and(|running| running.operation.verb.is_of_members())
    }

    /// Whether a list that was begun then tells what became of it, if nothing runs.
    fn is_told_by(&self, began: Moment) -> bool {
        began.tick > self.since.tick && began.at >= self.settled
    }
}

#[cfg(test)]
mod tests {
    use landfall_core::ids::ProviderName;
    use landfall_core::testing;
    use rstest::rstest;

    use super::*;
    use crate::api::{Kind, Place};

    const SETTLING: Duration = Duration::from_secs(30);

    fn now(tick: u64) -> Moment {
        Moment { tick, at: Instant::now() }
    }

    fn operation(what: &Reference) -> OperationRef {
        let (place, name) = (what.place.clone(), "operation-1".to_owned());
        OperationRef { place, name, kind: what.kind, verb: Verb::Insert }
    }

    #[rstest]
    #[case::answer_lost(false, false)]
    #[case::operation_cut_short(true, false)]
    #[case::another_change_had_no_effect(true, true)]
    #[tokio::test(start_paused = true)]
    async fn lists_settle_a_doubt_in_time(#[case] runs: bool, #[case] again: bool) {
        let lb = testing::lb(ProviderName::Gcp, "web").id;
        let what = Place::region("p", "r").at(Kind::Address, "a");
        let collection = collection_of(&what);
        let mut doubts = Doubts::default();
        doubts.open(&lb, &what, now(1));
        doubts.leave(&what, runs.then(|| operation(&what)), now(2), SETTLING);
        if again {
            doubts.open(&lb, &what, now(3));
            doubts.unchanged(&what);
        }
        doubts.settle(&collection, now(4));
        assert!(doubts.unsettled(&lb).is_some(), "too early");
        tokio::time::advance(SETTLING).await;
        if runs {
            doubts.settle(&collection, now(5));
            let running = Unsettled::Running(what.clone(), operation(&what));
            assert_eq!(doubts.unsettled(&lb), Some(running), "however late");
            assert_eq!(doubts.take_due(&lb, |_| false), [(what.clone(), operation(&what))]);
            doubts.ended(&what, &operation(&what), now(6), Duration::ZERO);
            doubts.settle(&collection, now(5));
            assert_eq!(doubts.lbs().count(), 1, "the list was begun before the end");
        }
        assert_eq!(doubts.ripe(&lb, &Lists::new()), std::slice::from_ref(&collection));
        doubts.settle(&collection, now(7));
        assert_eq!((doubts.unsettled(&lb), doubts.lbs().count()), (None, 0));
    }
}
