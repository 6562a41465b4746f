//! Class parameters and annotations become [`Settings`]. Pure.
//!
//! Settings are computed afresh every time, so that taking an annotation away restores its default.

use std::collections::BTreeMap;

use landfall_core::ids::ServiceKey;
use landfall_core::model::DesiredLb;
use landfall_core::outcome::Problem;
use landfall_core::refusal::{Refusal, categories};

mod addresses;
mod attributes;
mod balancer;
mod class;
mod group_attributes;
mod health;
pub(crate) mod keys;
mod known;
mod listeners;
mod member;
mod model;
mod parse;
mod said;
mod security;
mod tags;
mod targets;
mod tls;

pub use model::{BalancerSettings, ListenerSettings, MemberSettings, Security, Settings, Tls};
use said::{Findings, Group};
pub use targets::target_kind;

/// What was read, and everything that is wrong with it.
#[derive(Debug, Clone, PartialEq, Eq)]
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
    let balancer = balancer::read(&group, &class, &mut findings);
    let mut members = BTreeMap::new();
    for source in group.sources() {
        known::check(source, &mut findings);
        let settings = member::read(source, &class, &balancer, &mut findings);
        members.insert(source.member.service.clone(), settings);
    }
    one_listener_per_number(&group, &mut findings);
    let Findings { refusals, problems, .. } = findings;
    Reading { settings: Settings { balancer, members }, refusals, problems }
}

/// Listeners of a load balancer differ by number, whatever their protocol. The older member keeps it.
fn one_listener_per_number(group: &Group<'_>, findings: &mut Findings) {
    let mut holders: BTreeMap<u16, &ServiceKey> = BTreeMap::new();
    for source in group.sources() {
        for (index, listener) in source.member.listeners.iter().enumerate() {
            let holder = *holders.entry(listener.port).or_insert(&source.member.service);
            if *holder != source.member.service {
                let by = source.by(format!("spec.ports[{index}]"), listener.key().to_string());
                let message = format!(
                    "Service {holder} holds the number: TCP and UDP of one number must be of one Service; choose another"
                );
                findings.refuse(&by, categories::PORT_CONFLICT, message);
            }
        }
    }
}

#[cfg(test)]
mod tests;
