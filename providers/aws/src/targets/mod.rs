//! Targets: which come and go, and how to make AWS take them.

use std::collections::{BTreeMap, BTreeSet};

use crate::api::elb::{HealthState, Target, TargetState};
use crate::change::TargetChange;

mod register;

pub(crate) use register::{LeftOut, carry_out};

/// Which targets come and go. A target is told by id and port; what its checks say plays no part: with all of them
/// unhealthy AWS sends traffic to all, and taking them out would only make it worse.
pub(crate) fn plan(
    wanted: &BTreeMap<Target, String>,
    registered: &BTreeMap<Target, TargetState>,
) -> TargetChange {
    // One that is being deregistered is gone for us, and must be registered again if it is wanted.
    let stays = |state: &&TargetState| state.state != HealthState::Draining;
    let there: BTreeSet<(&str, u16)> =
        registered.values().filter(stays).map(|state| key(&state.target)).collect();
    let asked: BTreeSet<(&str, u16)> = wanted.keys().map(key).collect();
    let ids: BTreeMap<&str, &String> =
        wanted.iter().map(|(target, name)| (target.id.as_str(), name)).collect();
    let mut change = TargetChange::default();
    for (target, name) in wanted.iter().filter(|(target, _)| !there.contains(&key(target))) {
        change.new.insert(target.clone(), name.clone());
    }
    for target in registered.values().filter(stays).map(|state| &state.target) {
        if asked.contains(&key(target)) {
            continue;
        }
        match ids.get(target.id.as_str()) {
            Some(name) => change.moved.insert(target.clone(), (*name).clone()),
            None => change.gone.insert(target.clone(), target.id.clone()),
        };
    }
    change
}

fn key(target: &Target) -> (&str, u16) {
    (&target.id, target.port)
}

#[cfg(test)]
mod tests;
