//! Targets in zones that the load balancer is not in.

use std::collections::{BTreeMap, BTreeSet};

use landfall_core::error::Category;
use landfall_core::outcome::Problem;

use super::model::TargetGroupWish;
use super::{Inputs, Served};
use crate::defaults::CROSS_ZONE;
use crate::text::some_of;

/// The zone of each target by its id, as far as it is known.
pub(super) fn of_targets<'a>(inputs: &Inputs<'a>) -> BTreeMap<String, &'a str> {
    let instances = inputs.facts.instances.values();
    let nodes = instances.map(|instance| (instance.id.to_string(), instance.zone.as_str()));
    let listeners = inputs.desired.listeners();
    let pods = listeners.flat_map(|(_, listener)| &listener.endpoints);
    let pods = pods.filter_map(|pod| Some((pod.address.to_string(), pod.zone.as_deref()?)));
    nodes.chain(pods).collect()
}

/// Whether traffic to a group crosses zones: its own attribute, else that of the load balancer.
pub(super) fn is_crossed(inputs: &Inputs<'_>, group: &TargetGroupWish) -> bool {
    let own = group.attributes.get(CROSS_ZONE).map(String::as_str);
    let balancer = inputs.settings.balancer.attributes.get(CROSS_ZONE).map(String::as_str);
    match own {
        Some("true") => true,
        Some("false") => false,
        _ => balancer == Some("true"),
    }
}

/// Tells which targets get no traffic because the load balancer is not in their zone and traffic does not cross zones.
/// AWS calls them unused with the reason `Target.NotInUse`.
pub(super) fn explain_unused(
    inputs: &Inputs<'_>,
    served: &[Served<'_>],
    groups: &[TargetGroupWish],
    problems: &mut Vec<Problem>,
) {
    let zones = of_targets(inputs);
    let mut unused: BTreeMap<(&str, _), BTreeSet<&str>> = BTreeMap::new();
    for (each, group) in served.iter().zip(groups).filter(|(_, group)| !is_crossed(inputs, group)) {
        for (target, name) in &group.registered {
            let zone = zones
                .get(&target.id)
                .filter(|zone| !inputs.facts.zones.values().any(|served| served == **zone));
            if let Some(zone) = zone {
                unused.entry((*zone, &each.member.service)).or_default().insert(name.as_str());
            }
        }
    }
    if inputs.facts.zones.is_empty() {
        return;
    }
    problems.extend(unused.into_iter().map(|((zone, service), names)| Problem {
        member: Some(service.clone()),
        port: None,
        category: Category::new("ZoneNotEnabled"),
        message: format!(
            "no traffic reaches {} in zone {zone} (Target.NotInUse): the load balancer has no subnet there; \
             give it one, or set {CROSS_ZONE}=true",
            some_of(&names)
        ),
    }));
}
