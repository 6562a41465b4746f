//! Whether a wish can be served: every reason at once, each with what would be accepted. Pure.

use std::collections::{BTreeMap, BTreeSet};

use landfall_core::annotations;
use landfall_core::ids::ServiceKey;
use landfall_core::model::{DesiredLb, FamilyPolicy, IpMode, Member, TargetKind};
use landfall_core::net::{IpFamily, PortKey, Protocol};
use landfall_core::provider::Capabilities;
use landfall_core::refusal::{Refusal, categories};

use crate::resources::families;
use crate::settings;

/// Every reason against the wish; none if it can be served.
pub(crate) fn validate(capabilities: &Capabilities, desired: &DesiredLb) -> Vec<Refusal> {
    let mut refusals = Vec::new();
    refusals.extend(class(desired));
    refusals.extend(sharing(capabilities, desired));
    let mut group = Group::default();
    let served = families(capabilities, desired);
    for member in &desired.members {
        refusals.extend(settings::targets(member).err().map(|refusal| *refusal));
        refusals.extend(ports(capabilities, member));
        refusals.extend(stack(capabilities, member, &served));
        refusals.extend(addresses(capabilities, member));
        refusals.extend(group.join(capabilities, member));
    }
    refusals
}

fn class(desired: &DesiredLb) -> Option<Refusal> {
    let other = desired.params.block()?;
    Some(Refusal::whole(
        categories::CONFLICTING_VALUES,
        "spec.loadBalancerClass",
        desired.class.to_string(),
        format!("the class has parameters for {other}; the memory provider takes none"),
    ))
}

fn sharing(capabilities: &Capabilities, desired: &DesiredLb) -> Option<Refusal> {
    if capabilities.sharing || desired.members.len() + desired.retained.len() <= 1 {
        return None;
    }
    Some(Refusal::whole(
        categories::UNSUPPORTED,
        annotations::SHARE,
        desired.id.label().1,
        "this provider serves one Service per load balancer: remove the annotation",
    ))
}

fn ports(capabilities: &Capabilities, member: &Member) -> Vec<Refusal> {
    let mut refusals = Vec::new();
    if member.listeners.is_empty() && member.refused_ports.is_empty() {
        let message = "at least one port is needed";
        refusals.push(Refusal::of(&member.service, categories::NO_PORTS, "spec.ports", "", message));
    }
    let to_nodes = settings::targets(member) == Ok(TargetKind::Nodes);
    let accepted: Vec<&str> = capabilities.protocols.iter().map(|protocol| protocol.as_str()).collect();
    for (index, listener) in member.listeners.iter().enumerate() {
        if !capabilities.protocols.contains(&listener.protocol) {
            refusals.push(Refusal::of(
                &member.service,
                categories::UNSUPPORTED,
                format!("spec.ports[{index}].protocol"),
                listener.protocol.as_str(),
                format!("must be one of {}", accepted.join(", ")),
            ));
        }
        if capabilities.needs_node_ports && to_nodes && listener.node_port.is_none() {
            refusals.push(Refusal::of(
                &member.service,
                categories::NO_NODE_PORT,
                format!("spec.ports[{index}].nodePort"),
                "",
                format!(
                    "port {} has no node port: set allocateLoadBalancerNodePorts: true, or {}: pods",
                    listener.key(),
                    annotations::TARGETS
                ),
            ));
        }
    }
    refusals
}

fn stack(capabilities: &Capabilities, member: &Member, served: &[IpFamily]) -> Option<Refusal> {
    let given: Vec<&str> = member.families.iter().map(|family| family.as_str()).collect();
    if !capabilities.dual_stack && member.family_policy == FamilyPolicy::RequireDualStack {
        let message = "this provider gives one address: use PreferDualStack or SingleStack";
        let field = "spec.ipFamilyPolicy";
        return Some(Refusal::of(
            &member.service,
            categories::UNSUPPORTED,
            field,
            "RequireDualStack",
            message,
        ));
    }
    if member.families.iter().any(|family| served.contains(family)) {
        return None;
    }
    let accepted: Vec<&str> = served.iter().map(|family| family.as_str()).collect();
    Some(Refusal::of(
        &member.service,
        categories::UNSUPPORTED,
        "spec.ipFamilies",
        given.join(","),
        format!("this load balancer has an address of {} only", accepted.join(" and ")),
    ))
}

fn addresses(capabilities: &Capabilities, member: &Member) -> Vec<Refusal> {
    let refuse = |value: String, category, message: &str| {
        Refusal::of(&member.service, category, addresses_field(member), value, message)
    };
    let mut refusals = Vec::new();
    for address in &member.requested {
        if !capabilities.requested_addresses {
            let message = "this provider chooses addresses itself: ask for none";
            refusals.push(refuse(address.to_string(), categories::UNSUPPORTED, message));
        } else if !member.families.contains(&IpFamily::of(address)) {
            let message = "must be of a family in spec.ipFamilies";
            refusals.push(refuse(address.to_string(), categories::CONFLICTING_VALUES, message));
        }
    }
    refusals
}

/// Where the requested addresses of a member were found.
fn addresses_field(member: &Member) -> &'static str {
    if member.annotations.contains_key(annotations::ADDRESSES) {
        annotations::ADDRESSES
    } else {
        "spec.loadBalancerIP"
    }
}

/// What the members before have taken.
#[derive(Default)]
struct Group {
    ports: BTreeMap<PortKey, ServiceKey>,
    addresses: BTreeMap<IpFamily, std::net::IpAddr>,
    mode: Option<IpMode>,
}

impl Group {
    /// What keeps the member out of the group so far. What is refused takes nothing.
    fn join(&mut self, capabilities: &Capabilities, member: &Member) -> Vec<Refusal> {
        let mut refusals = self.take_ports(capabilities, member);
        refusals.extend(self.take_addresses(member));
        refusals.extend(self.take_mode(member));
        refusals
    }

    fn take_ports(&mut self, capabilities: &Capabilities, member: &Member) -> Vec<Refusal> {
        let mut refusals = Vec::new();
        for (index, key) in member.ports().enumerate() {
            let protocols: BTreeSet<Protocol> = self.ports.keys().map(|taken| taken.protocol).collect();
            let mixes = protocols.iter().any(|protocol| *protocol != key.protocol);
            let same_port =
                self.ports.keys().any(|taken| taken.port == key.port && taken.protocol != key.protocol);
            let refusal = if let Some(holder) = self.ports.get(&key) {
                Some((
                    categories::PORT_CONFLICT,
                    format!("the port is held by Service {holder}: choose another"),
                ))
            } else if !capabilities.mixed_protocols && mixes {
                let message = "this provider serves one protocol per load balancer: split the Service";
                Some((categories::UNSUPPORTED, message.to_owned()))
            } else if !capabilities.same_port_protocols && same_port {
                let message = "this provider serves one protocol per port number: choose another port";
                Some((categories::UNSUPPORTED, message.to_owned()))
            } else {
                None
            };
            match refusal {
                Some((category, message)) => {
                    let field = format!("spec.ports[{index}]");
                    refusals.push(Refusal::of(&member.service, category, field, key.to_string(), message));
                }
                None => {
                    self.ports.insert(key, member.service.clone());
                }
            }
        }
        refusals
    }

    fn take_addresses(&mut self, member: &Member) -> Vec<Refusal> {
        let mut refusals = Vec::new();
        for address in &member.requested {
            let taken = *self.addresses.entry(IpFamily::of(address)).or_insert(*address);
            if taken != *address {
                refusals.push(Refusal::of(
                    &member.service,
                    categories::CONFLICTING_VALUES,
                    addresses_field(member),
                    address.to_string(),
                    format!(
                        "the Services of the load balancer ask for {taken} already: ask for that or for none"
                    ),
                ));
            }
        }
        refusals
    }

    fn take_mode(&mut self, member: &Member) -> Option<Refusal> {
        let mode = member.ip_mode?;
        let taken = *self.mode.get_or_insert(mode);
        (taken != mode).then(|| {
            Refusal::of(
                &member.service,
                categories::CONFLICTING_VALUES,
                annotations::IP_MODE,
                mode.as_str(),
                format!("the Services of the load balancer ask for {} already", taken.as_str()),
            )
        })
    }
}

#[cfg(test)]
mod tests;
