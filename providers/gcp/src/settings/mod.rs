//! Class parameters and annotations become [`Settings`]. Pure.
//!
//! Settings are computed afresh every time, so that taking an annotation away restores its default.

use std::collections::BTreeMap;

use landfall_core::model::DesiredLb;
use landfall_core::outcome::Problem;
use landfall_core::refusal::Refusal;

mod addresses;
mod affinity;
mod balancer;
mod class;
mod firewall;
mod health;
pub(crate) mod keys;
mod known;
mod labels;
mod member;
mod model;
mod parse;
mod said;
mod targets;

pub use health::shared_check;
pub use model::{
    BackendProtocol, BalancerSettings, FirewallSettings, HealthSettings, MemberSettings, Settings,
};
use said::{Findings, Group};
pub use targets::target_kind;

/// What was read, and everything that is wrong with it.
#[derive(Debug, Clone, PartialEq)]
pub struct Reading {
    /// The settings, as far as they could be read: they are complete if there are no refusals.
    pub settings: Settings,
    /// Every reason why the wish cannot be served.
    pub refusals: Vec<Refusal>,
    /// What the operator should know although it can.
    pub problems: Vec<Problem>,
}

/// Reads the class and the annotations of all members; all mistakes at once.
pub fn read(desired: &DesiredLb) -> Reading {
    let group = Group::new(desired);
    let mut findings = Findings::new(&group);
    let class = class::read(desired, &mut findings);
    let scheme = balancer::scheme(&group, &class, &mut findings);
    let balancer = balancer::read(&group, &class, &scheme, &mut findings);
    let mut members = BTreeMap::new();
    for source in group.sources() {
        known::check(source, &mut findings);
        let settings = member::read(source, &class, &scheme, &mut findings);
        members.insert(source.member.service.clone(), settings);
    }
    let Findings { refusals, problems, .. } = findings;
    Reading { settings: Settings { balancer, members }, refusals, problems }
}

#[cfg(test)]
mod tests;
