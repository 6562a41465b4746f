//! How a change reads in a plan.

use std::collections::{BTreeMap, BTreeSet};

use landfall_core::plan::{Action, Step};

use super::{
    AttributeChange, BalancerChange, Change, GroupChange, GuardChange, GuardRef, ListenerChange,
    ListenerPlan, NewBalancer, Retag, TargetChange, kinds,
};
use crate::api::Tags;
use crate::api::elb::{HealthCheck, ListenerSpec, NewTargetGroup, SubnetMapping, Target};
use crate::marks;

impl Change {
    /// The change as people read it, one step per resource.
    pub(crate) fn steps(&self) -> Vec<Step> {
        match self {
            Self::Guard(guard, change) => vec![guard_step(guard, change)],
            Self::Group(name, change) => vec![group_step(name, change)],
            Self::Balancer(name, change) => vec![balancer_step(name, change)],
            Self::Listener(listener, change) => vec![listener_step(&listener.to_string(), change)],
            Self::Tags(retag) => tag_steps(retag),
        }
    }
}

fn guard_step(guard: &GuardRef, change: &GuardChange) -> Step {
    let update = || Step::new(Action::Update, kinds::GUARD, guard.to_string());
    match change {
        GuardChange::Create(_, new) => Step::new(Action::Create, kinds::GUARD, &new.name)
            .set("description", new.description.as_str())
            .set("vpc", new.vpc.as_str())
            .set("tags", tags_text(&new.tags)),
        GuardChange::Authorise(rules) => update().set("ingress", texts(rules)),
        GuardChange::LetIn { from, allow, .. } => {
            let rules: Vec<String> = allow.iter().map(|allow| format!("{allow} from {from}")).collect();
            update().set("ingress", rules)
        }
        GuardChange::Revoke(rules) => update().unset("ingress", texts(rules)),
        GuardChange::Delete => Step::new(Action::Delete, kinds::GUARD, guard.to_string()),
    }
}

fn group_step(name: &str, change: &GroupChange) -> Step {
    let update = || Step::new(Action::Update, kinds::GROUP, name);
    match change {
        GroupChange::Create(new) => group_created(new),
        GroupChange::Health { from, to } => {
            update().change("healthCheck", health_text(from), health_text(to))
        }
        GroupChange::Attributes(attributes) => attributes_changed(update(), attributes),
        GroupChange::Targets(targets) => targets_changed(update(), targets),
        GroupChange::Delete => Step::new(Action::Delete, kinds::GROUP, name),
    }
}

fn group_created(new: &NewTargetGroup) -> Step {
    Step::new(Action::Create, kinds::GROUP, &new.name)
        .set("protocol", new.protocol.as_str())
        .set("port", new.port)
        .set("targetType", new.targets.as_str())
        .set("ipAddressType", new.family.as_str().to_lowercase())
        .set("healthCheck", health_text(&new.health))
        .set("tags", tags_text(&new.tags))
}

fn targets_changed(mut step: Step, change: &TargetChange) -> Step {
    let names = |targets: &BTreeMap<Target, String>| -> Vec<String> {
        targets.iter().map(|(target, name)| target_text(target, name)).collect()
    };
    let gone: Vec<String> = names(&change.moved).into_iter().chain(names(&change.gone)).collect();
    if !gone.is_empty() {
        step = step.unset("targets", gone);
    }
    if !change.new.is_empty() {
        step = step.set("targets", names(&change.new));
    }
    step
}

fn balancer_step(name: &str, change: &BalancerChange) -> Step {
    let update = || Step::new(Action::Update, kinds::BALANCER, name);
    match change {
        BalancerChange::Create(new) => balancer_created(name, new),
        BalancerChange::Subnets { from, to, left, .. } => {
            let step = update().change("subnets", texts(from), subnet_texts(&to.subnets));
            let step = step.set("ipAddressType", to.address_type.as_str()).set("sourceNat", to.source_nat);
            if left.is_empty() { step } else { step.set("outOfService", out_of_service(left)) }
        }
        BalancerChange::AddressType { from, to } => {
            update().change("ipAddressType", from.as_str(), to.as_str())
        }
        BalancerChange::Guards { from, to, private_link_rules, .. } => {
            let (from, to) = (texts(from), texts(to));
            let step = if from == to { update() } else { update().change("securityGroups", from, to) };
            private_link_rules.iter().fold(step, |step, on| step.set("rulesOnPrivateLinkTraffic", *on))
        }
        BalancerChange::Capacity { from, to } => update().change("minimumCapacity", *from, *to),
        BalancerChange::Attributes(attributes) => attributes_changed(update(), attributes),
        BalancerChange::Delete => Step::new(Action::Delete, kinds::BALANCER, name),
    }
}

/// What becomes of zones that are left until another subnet is in use: whoever decides should know.
fn out_of_service(zones: &BTreeSet<String>) -> Vec<String> {
    let text = |zone| {
        format!("{zone}: its address and the connections to it are lost; it comes back with another one")
    };
    zones.iter().map(text).collect()
}

fn balancer_created(name: &str, new: &NewBalancer) -> Step {
    let step = Step::new(Action::Create, kinds::BALANCER, name)
        .set("scheme", new.scheme.as_str())
        .set("ipAddressType", new.address_type.as_str())
        .set("subnets", subnet_texts(&new.subnets))
        .set("securityGroups", texts(&new.guards));
    let step = if new.source_nat { step.set("sourceNat", true) } else { step };
    step.set("tags", tags_text(&new.tags))
}

fn listener_step(name: &str, change: &ListenerChange) -> Step {
    let update = || Step::new(Action::Update, kinds::LISTENER, name);
    match change {
        ListenerChange::Create { plan, tags, .. } => listener_created(name, plan, tags),
        ListenerChange::Modify { from, from_group, to } => {
            listener_changed(update(), from, from_group.as_deref(), to)
        }
        ListenerChange::AddCertificate(arn) => update().set("certificates", arn.as_str()),
        ListenerChange::RemoveCertificate(arn) => update().unset("certificates", arn.as_str()),
        ListenerChange::Attributes(attributes) => attributes_changed(update(), attributes),
        ListenerChange::Delete => Step::new(Action::Delete, kinds::LISTENER, name),
    }
}

fn listener_created(name: &str, plan: &ListenerPlan, tags: &Tags) -> Step {
    let step = Step::new(Action::Create, kinds::LISTENER, name)
        .set("protocol", plan.protocol.as_str())
        .set("targetGroup", plan.forward.to_string());
    let tls =
        [("certificate", &plan.certificate), ("sslPolicy", &plan.ssl_policy), ("alpnPolicy", &plan.alpn)];
    let given = tls.into_iter().filter_map(|(field, value)| Some((field, value.as_deref()?)));
    given.fold(step, |step, (field, value)| step.set(field, value)).set("tags", tags_text(tags))
}

fn listener_changed(step: Step, from: &ListenerSpec, group: Option<&str>, to: &ListenerPlan) -> Step {
    let had_group = group.map(str::to_owned).or_else(|| from.forward.as_ref().map(ToString::to_string));
    let fields = [
        ("protocol", from.protocol.map(|p| p.to_string()), Some(to.protocol.to_string())),
        ("targetGroup", had_group, Some(to.forward.to_string())),
        ("certificate", from.certificate.clone(), to.certificate.clone()),
        ("sslPolicy", from.ssl_policy.clone(), to.ssl_policy.clone()),
        ("alpnPolicy", from.alpn.clone(), to.alpn.clone()),
    ];
    fields.into_iter().fold(step, |step, (field, from, to)| match (from, to) {
        (from, to) if from == to => step,
        (Some(from), Some(to)) => step.change(field, from, to),
        (None, Some(to)) => step.set(field, to),
        (Some(from), None) => step.unset(field, from),
        (None, None) => step,
    })
}

fn attributes_changed(step: Step, attributes: &AttributeChange) -> Step {
    attributes.0.iter().fold(step, |step, (key, (from, to))| match from {
        Some(from) => step.change(key, from.as_str(), to.as_str()),
        None => step.set(key, to.as_str()),
    })
}

fn tag_steps(retag: &Retag) -> Vec<Step> {
    let step = |of: &super::TagRef| {
        let mut step = Step::new(Action::Update, of.kind(), of.to_string());
        if !retag.set.is_empty() {
            step = step.set("tags", timeless_text(&retag.set));
        }
        if !retag.removed.is_empty() {
            step = step.unset("tags", texts(&retag.removed));
        }
        step
    };
    retag.of.iter().map(step).collect()
}

/// A health check in one line.
pub(crate) fn health_text(health: &HealthCheck) -> String {
    let port = health.port.map_or_else(|| "traffic-port".to_owned(), |port| port.to_string());
    let path = health.path.as_deref().unwrap_or_default();
    let codes = health.codes.as_deref().map(|codes| format!(" expecting {codes}")).unwrap_or_default();
    format!(
        "{} {port}{path}{codes} every {} s within {} s, {} up, {} down",
        health.protocol.as_str(),
        health.interval,
        health.timeout,
        health.healthy,
        health.unhealthy
    )
}

fn target_text(target: &Target, name: &str) -> String {
    let zone = target.zone.as_ref().map(|zone| format!(" in zone {zone}")).unwrap_or_default();
    if name == target.id || name.is_empty() {
        format!("{}:{}{zone}", target.id, target.port)
    } else {
        format!("{}:{} ({name}){zone}", target.id, target.port)
    }
}

fn tags_text(tags: &Tags) -> Vec<String> {
    tags.iter().map(|(key, value)| format!("{key}={value}")).collect()
}

/// A time that is told by a tag is that of the run that sets it, so a plan, which may wait for somebody's word, does not
/// tell it.
fn timeless_text(tags: &Tags) -> Vec<String> {
    let (times, others): (Tags, Tags) = tags.clone().into_iter().partition(|(key, _)| marks::is_time(key));
    times.into_keys().chain(tags_text(&others)).collect()
}

fn subnet_texts(subnets: &[SubnetMapping]) -> Vec<String> {
    let text = |mapping: &SubnetMapping| {
        let mut text = mapping.subnet.to_string();
        text.extend(mapping.allocation.iter().map(|id| format!(" with {id}")));
        text.extend(mapping.private_ipv4.iter().map(|address| format!(" at {address}")));
        text.extend(mapping.ipv6.iter().map(|address| format!(" at {address}")));
        text.extend(mapping.source_nat_prefix.iter().map(|prefix| format!(" source NAT {prefix}")));
        text
    };
    subnets.iter().map(text).collect()
}

fn texts<T: ToString>(items: impl IntoIterator<Item = T>) -> Vec<String> {
    items.into_iter().map(|item| item.to_string()).collect()
}
