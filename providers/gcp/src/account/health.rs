//! When the health of a backend service's nodes is asked for, and what was told last.
//!
//! Each question costs a call per group of nodes, so a service is asked for only while its nodes become healthy after a
//! change, and slowly from then on: what the nodes do without us is the health checks' business.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::Freshness;
use crate::api::Reference;
use crate::api::types::{HealthState, TargetHealth};

/// What is known of the health of nodes, by backend service.
#[derive(Debug, Default)]
pub(crate) struct Watches {
    known: HashMap<Reference, Watch>,
}

#[derive(Debug)]
struct Watch {
    due: Instant,
    /// How long to wait before the next question but one; `None` while all is well.
    pause: Option<Duration>,
    /// Until when a node that does not become healthy is asked for.
    patience: Instant,
    told: Option<Arc<[TargetHealth]>>,
}

impl Watches {
    /// A service was made, or changed in a way that its nodes may feel.
    pub(crate) fn changed(&mut self, service: &Reference, now: Instant, freshness: &Freshness) {
        let told = self.known.remove(service).and_then(|watch| watch.told);
        let (due, patience) = (now + freshness.health, now + freshness.health_patience);
        let watch = Watch { due, pause: Some(freshness.health * 2), patience, told };
        self.known.insert(service.clone(), watch);
    }

    /// How long until it is to be asked for again. One that is new to this process has its turn in good time.
    pub(crate) fn due_in(&mut self, service: &Reference, now: Instant, freshness: &Freshness) -> Duration {
        let slowly = now + freshness.details_of(&service.name).max(freshness.health);
        let watch = self.known.entry(service.clone()).or_insert(Watch {
            due: slowly,
            pause: None,
            patience: now,
            told: None,
        });
        watch.due.saturating_duration_since(now)
    }

    /// Notes what was told.
    pub(crate) fn learn(
        &mut self,
        service: &Reference,
        told: Vec<TargetHealth>,
        now: Instant,
        freshness: &Freshness,
    ) {
        let well = !told.is_empty() && told.iter().all(|node| node.state() == Some(&HealthState::Healthy));
        let slowly = freshness.details_of(&service.name).max(freshness.health);
        let Some(watch) = self.known.get_mut(service) else { return };
        let pause = watch.pause.filter(|_| !well && now < watch.patience);
        watch.due = now + pause.unwrap_or(slowly);
        watch.pause = pause.map(|pause| pause * 2);
        watch.told = Some(told.into());
    }

    /// What was told last.
    pub(crate) fn told(&self, service: &Reference) -> Option<Arc<[TargetHealth]>> {
        self.known.get(service)?.told.clone()
    }

    /// A service is gone.
    pub(crate) fn forget(&mut self, service: &Reference) {
        self.known.remove(service);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::{Kind, Place};
    use rstest::rstest;

    fn nodes(states: &[&str]) -> Vec<TargetHealth> {
        let node = |state: &&str| TargetHealth {
            health_state: Some(HealthState::from((*state).to_owned())),
            ..TargetHealth::default()
        };
        states.iter().map(node).collect()
    }

    #[rstest]
    #[case::all_well(&["HEALTHY", "HEALTHY"], false)]
    #[case::one_is_not(&["HEALTHY", "UNHEALTHY"], true)]
    #[case::not_checked_yet(&[], true)]
    #[tokio::test(start_paused = true)]
    async fn nodes_that_are_not_well_are_asked_for_again(#[case] states: &[&str], #[case] soon: bool) {
        let freshness = Freshness::default();
        let service = Place::region("p", "r").at(Kind::BackendService, "b");
        let mut watches = Watches::default();
        let now = Instant::now();
        watches.changed(&service, now, &freshness);
        assert_eq!(watches.due_in(&service, now, &freshness), freshness.health);
        watches.learn(&service, nodes(states), now, &freshness);
        let due = watches.due_in(&service, now, &freshness);
        assert_eq!(due == freshness.health * 2, soon, "{due:?}");
        let late = now + freshness.health_patience;
        watches.learn(&service, nodes(states), late, &freshness);
        let due = watches.due_in(&service, late, &freshness);
        assert!(due >= freshness.details / 2, "patience is over: {due:?}");
    }
}
