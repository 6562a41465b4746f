//! Registered targets as they are kept in memory: a thousand nodes behind a thousand target groups are a million
//! targets, and nearly all of those groups have the same nodes.

use std::collections::{BTreeMap, HashMap};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Arc, Weak};

use crate::api::elb::{HealthState, Target, TargetState};

/// The targets of one group with their health.
#[derive(Debug, Clone)]
pub(crate) struct Roster {
    runs: Vec<Run>,
}

/// Targets that differ in nothing but their id. Load balancers share the list of ids where theirs are equal.
#[derive(Debug, Clone)]
struct Run {
    port: u16,
    zone: Option<String>,
    ids: Arc<[Box<str>]>,
    /// What the checks say, in the order of the ids, with how many in a row it says that of.
    verdicts: Vec<(usize, Verdict)>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Verdict {
    state: HealthState,
    reason: Option<String>,
    description: Option<String>,
}

/// The lists of ids that are in use.
#[derive(Debug, Default)]
pub(crate) struct Pool {
    lists: HashMap<u64, Weak<[Box<str>]>>,
    /// How many there may be before those that are no longer in use are thrown away.
    roomy: usize,
}

impl Roster {
    /// Keeps these targets.
    pub(crate) fn new(targets: &BTreeMap<Target, TargetState>, pool: &mut Pool) -> Self {
        let mut runs: BTreeMap<_, Vec<(&Target, &TargetState)>> = BTreeMap::new();
        for member in targets {
            runs.entry((member.0.port, &member.0.zone)).or_default().push(member);
        }
        let runs = runs.into_iter().map(|((port, zone), members)| Run {
            port,
            zone: zone.clone(),
            ids: pool.share(members.iter().map(|(target, _)| Box::from(target.id.as_str())).collect()),
            verdicts: verdicts(members.iter().map(|(_, state)| *state)),
        });
        Self { runs: runs.collect() }
    }

    /// The targets as AWS describes them.
    pub(crate) fn targets(&self) -> BTreeMap<Target, TargetState> {
        self.iter().map(|state| (state.target.clone(), state)).collect()
    }

    /// Whether the first checks of a target still run.
    pub(crate) fn has_initial(&self) -> bool {
        let mut verdicts = self.runs.iter().flat_map(|run| &run.verdicts);
        verdicts.any(|(_, verdict)| verdict.state == HealthState::Initial)
    }

    /// Every target.
    pub(crate) fn iter(&self) -> impl Iterator<Item = TargetState> + '_ {
        self.runs.iter().flat_map(|run| {
            let verdicts =
                run.verdicts.iter().flat_map(|(count, verdict)| std::iter::repeat_n(verdict, *count));
            run.ids.iter().zip(verdicts).map(|(id, verdict)| TargetState {
                target: Target { id: id.to_string(), port: run.port, zone: run.zone.clone() },
                state: verdict.state,
                reason: verdict.reason.clone(),
                description: verdict.description.clone(),
            })
        })
    }
}

fn verdicts<'a>(states: impl Iterator<Item = &'a TargetState>) -> Vec<(usize, Verdict)> {
    let mut all: Vec<(usize, Verdict)> = Vec::new();
    for TargetState { state, reason, description, .. } in states {
        let verdict = Verdict { state: *state, reason: reason.clone(), description: description.clone() };
        match all.last_mut() {
            Some((count, last)) if *last == verdict => *count += 1,
            _ => all.push((1, verdict)),
        }
    }
    all.shrink_to_fit();
    all
}

impl Pool {
    fn share(&mut self, ids: Vec<Box<str>>) -> Arc<[Box<str>]> {
        let mut hasher = DefaultHasher::new();
        ids.hash(&mut hasher);
        let hash = hasher.finish();
        if let Some(known) = self.lists.get(&hash).and_then(Weak::upgrade).filter(|known| **known == *ids) {
            return known;
        }
        if self.lists.len() >= self.roomy {
            self.lists.retain(|_, list| list.strong_count() > 0);
            self.roomy = 2 * self.lists.len() + 16;
        }
        let ids: Arc<[Box<str>]> = ids.into();
        self.lists.insert(hash, Arc::downgrade(&ids));
        ids
    }
}

#[cfg(test)]
mod tests {
    use proptest::collection::btree_map;
    use proptest::prelude::*;

    use super::*;

    fn any_target() -> impl Strategy<Value = Target> {
        let zone = prop_oneof![Just(None), Just(Some("all".to_owned()))];
        ("[a-c]{1,2}", 1u16..4, zone).prop_map(|(id, port, zone)| Target { id, port, zone })
    }

    fn any_verdict() -> impl Strategy<Value = (HealthState, Option<String>)> {
        prop_oneof![
            Just((HealthState::Healthy, None)),
            Just((HealthState::Initial, None)),
            Just((HealthState::Unhealthy, Some("Target.Timeout".to_owned()))),
        ]
    }

    fn described(targets: BTreeMap<Target, (HealthState, Option<String>)>) -> BTreeMap<Target, TargetState> {
        let state = |target: &Target, (state, reason)| TargetState {
            target: target.clone(),
            state,
            reason,
            description: None,
        };
        targets.into_iter().map(|(target, verdict)| (target.clone(), state(&target, verdict))).collect()
    }

    proptest! {
        #[test]
        fn what_is_kept_is_what_was_given(targets in btree_map(any_target(), any_verdict(), 0..12)) {
            let targets = described(targets);
            let roster = Roster::new(&targets, &mut Pool::default());
            let initial = targets.values().any(|state| state.state == HealthState::Initial);
            prop_assert_eq!(roster.targets(), targets);
            prop_assert_eq!(roster.has_initial(), initial);
        }
    }

    fn nodes(count: usize, port: u16) -> BTreeMap<Target, TargetState> {
        let target = |n| Target { id: format!("i-{n:04}"), port, zone: None };
        described((0..count).map(|n| (target(n), (HealthState::Healthy, None))).collect())
    }

    #[test]
    fn groups_with_the_same_nodes_share_them() {
        let mut pool = Pool::default();
        let one = Roster::new(&nodes(1000, 30_001), &mut pool);
        let other = Roster::new(&nodes(1000, 30_002), &mut pool);
        assert!(Arc::ptr_eq(&one.runs[0].ids, &other.runs[0].ids));
        assert_eq!(other.runs[0].verdicts.len(), 1, "all are healthy");
    }

    #[test]
    fn lists_that_nobody_uses_are_thrown_away() {
        let mut pool = Pool::default();
        for count in 0..1000 {
            Roster::new(&nodes(count, 1), &mut pool);
        }
        assert!(pool.lists.len() <= 32, "{} lists are kept", pool.lists.len());
    }
}
