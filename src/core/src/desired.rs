//! From a snapshot of the cluster to one desired load balancer.

use std::sync::Arc;

use k8s_openapi::api::core::v1::Service;
use k8s_openapi::api::discovery::v1::EndpointSlice;
use sha2::{Digest, Sha256};

use crate::annotations;
use crate::class::Class;
use crate::group;
use crate::ids::{LbId, ServiceKey};
use crate::member::{self, MemberInput};
use crate::model::{DesiredLb, FamilyPolicy, Member, NodeSet, TargetKind};
use crate::net::Protocol;
use crate::provider::{Capabilities, Provider};
use crate::refusal::{Refusal, categories};
use crate::selector::{self, Labels};

/// What the cluster knows about one Service of a load balancer.
#[derive(Debug, Clone)]
pub struct ServiceFacts {
    /// The Service.
    pub service: Arc<Service>,
    /// Its `EndpointSlice` objects.
    pub slices: Vec<Arc<EndpointSlice>>,
    /// Labels of its namespace; `None` while they are not known.
    pub namespace_labels: Option<Arc<Labels>>,
}

/// Everything that a decision about one load balancer may read.
#[derive(Debug, Clone)]
pub struct Snapshot {
    /// The load balancer.
    pub id: LbId,
    /// The class of its members.
    pub class: Arc<Class>,
    /// The Services that want to be on it.
    pub services: Vec<ServiceFacts>,
    /// The nodes.
    pub nodes: Arc<NodeSet>,
}

/// The decision.
#[derive(Debug, Clone, PartialEq)]
pub struct Desired {
    /// What to ask the provider for; `None` if every member is refused.
    pub lb: Option<DesiredLb>,
    /// Why which member is refused.
    pub refusals: Vec<Refusal>,
}

impl Desired {
    /// The refusals that concern one member: its own and those of the load balancer as a whole.
    pub fn refusals_of<'a>(&'a self, member: &'a ServiceKey) -> impl Iterator<Item = &'a Refusal> {
        self.refusals.iter().filter(move |refusal| refusal.member.as_ref().is_none_or(|key| key == member))
    }

    /// A stable fingerprint of everything that the provider's answer may depend on. `nodes` is the fingerprint of the
    /// node set, computed once per change of the nodes and not once per Service.
    ///
    /// Services carry no `metadata.generation`, so this is what "observed" means. What the controller itself writes
    /// (the published addresses) is left out: its own writes are no change of the wish.
    pub fn fingerprint(&self, nodes: u64) -> u64 {
        let wish = self.lb.as_ref().map(|lb| {
            let nodes = if lb.nodes.eligible.is_empty() && lb.nodes.excluded.is_empty() { 0 } else { nodes };
            (&lb.id, &lb.class, &lb.params, &lb.sharing, &lb.members, &lb.retained, nodes)
        });
        fingerprint(&(wish, &self.refusals))
    }
}

/// The first 64 bits of the SHA-256 of a value's JSON text.
pub fn fingerprint(value: &impl serde::Serialize) -> u64 {
    let mut sink = DigestSink(Sha256::new());
    // Serialising plain data into a sink that cannot fail does not fail; if it ever did, the fingerprint would
    // be the same for all such values and a change would be acted on at the next resync.
    if serde_json::to_writer(&mut sink, value).is_err() {
        sink.0.update(b"unserialisable");
    }
    sink.0.finalize().iter().take(8).fold(0, |sum, byte| sum << 8 | u64::from(*byte))
}

/// Decides what one load balancer should be.
///
/// Each member that cannot be served is left out with all its reasons and listed as retained; the others are served.
pub fn desired(snapshot: &Snapshot, provider: &dyn Provider) -> Desired {
    let (mut members, mut refusals, mut retained) = (Vec::new(), Vec::new(), Vec::new());
    let params = &snapshot.class.params;
    for facts in &snapshot.services {
        let input =
            MemberInput { service: &facts.service, namespace_labels: facts.namespace_labels.as_ref() };
        let Some((mut member, mut reasons)) = member::read(input) else { continue };
        reasons.extend(not_allowed(&snapshot.class, &member));
        let kind = provider.target_kind(params, &member);
        fit_capabilities(provider.capabilities(), kind, &mut member, &mut reasons);
        if reasons.is_empty() {
            member::add_endpoints(&mut member, kind, &facts.slices.iter().map(AsRef::as_ref));
            members.push(member);
        } else {
            retained.push(member.as_ref());
            refusals.append(&mut reasons);
        }
    }
    let before: Vec<_> = members.iter().map(Member::as_ref).collect();
    refusals.extend(group::settle(&mut members));
    refusals.extend(one_protocol_where_mixing_is_unknown(provider.capabilities(), &mut members));
    retained.extend(before.into_iter().filter(|one| members.iter().all(|member| member.uid != one.uid)));

    let needs_nodes = members.iter().any(|member| provider.target_kind(params, member).needs_nodes());
    let lb = DesiredLb {
        id: snapshot.id.clone(),
        class: snapshot.class.name.clone(),
        params: params.clone(),
        sharing: snapshot.class.sharing,
        members,
        retained,
        nodes: if needs_nodes { Arc::clone(&snapshot.nodes) } else { Arc::default() },
    };
    ask_provider(provider, lb, refusals)
}

/// Lets the provider refuse members until it has nothing left to refuse.
fn ask_provider(provider: &dyn Provider, mut lb: DesiredLb, mut refusals: Vec<Refusal>) -> Desired {
    while !lb.members.is_empty() {
        let reasons = provider.validate(&lb);
        if reasons.is_empty() {
            return Desired { lb: Some(lb), refusals };
        }
        let whole = reasons.iter().any(|reason| {
            // A refusal that names nobody here would be asked for again for ever.
            reason.member.as_ref().is_none_or(|key| lb.members.iter().all(|member| member.service != *key))
        });
        let refused = |member: &Member| {
            whole || reasons.iter().any(|reason| reason.member.as_ref() == Some(&member.service))
        };
        let (out, members): (Vec<_>, Vec<_>) = lb.members.into_iter().partition(refused);
        lb.members = members;
        lb.retained.extend(out.iter().map(Member::as_ref));
        refusals.extend(reasons);
    }
    Desired { lb: None, refusals }
}

fn not_allowed(class: &Class, member: &Member) -> Option<Refusal> {
    let allowed = class.allowed_namespaces.as_ref()?;
    let message = match selector::fits(allowed, &member.namespace_labels) {
        Ok(true) => return None,
        Ok(false) => format!(
            "class {} does not serve namespace {}: its labels do not fit spec.allowedNamespaces",
            class.name, member.service.namespace
        ),
        Err(error) => format!("class {} cannot be used: spec.allowedNamespaces: {error}", class.name),
    };
    let category = categories::NAMESPACE_NOT_ALLOWED;
    Some(Refusal::of(&member.service, category, "spec.loadBalancerClass", class.name.as_str(), message))
}

/// Refuses what the provider cannot do, and trims what is only preferred.
fn fit_capabilities(can: &Capabilities, kind: TargetKind, member: &mut Member, reasons: &mut Vec<Refusal>) {
    let key = member.service.clone();
    let mut refuse = |category, field: String, value: String, message: String| {
        reasons.push(Refusal::of(&key, category, field, value, message));
    };
    for (index, listener) in member.listeners.iter().enumerate() {
        if !can.protocols.contains(&listener.protocol) {
            let known: Vec<&str> = can.protocols.iter().map(|p| p.as_str()).collect();
            let message = format!("the provider serves {}", known.join(", "));
            let field = format!("spec.ports[{index}].protocol");
            refuse(categories::UNSUPPORTED, field, listener.protocol.to_string(), message);
        }
        if kind.needs_nodes() && can.needs_node_ports && listener.node_port.is_none() {
            let message = "the provider sends traffic to node ports and none is allocated: remove \
                           allocateLoadBalancerNodePorts: false, or set a node port";
            let field = format!("spec.ports[{index}].nodePort");
            refuse(categories::NO_NODE_PORT, field, String::new(), message.into());
        }
    }
    if !can.dual_stack && member.families.len() > 1 {
        if member.family_policy == FamilyPolicy::RequireDualStack {
            let message = "the provider has no dual-stack load balancers; use SingleStack or PreferDualStack";
            let field = "spec.ipFamilyPolicy".to_owned();
            refuse(categories::UNSUPPORTED, field, "RequireDualStack".into(), message.into());
        } else {
            member.families.truncate(1);
        }
    }
    if !can.requested_addresses && !member.requested.is_empty() {
        let message = "the provider does not let Services ask for an address";
        let field = annotations::ADDRESSES.to_owned();
        refuse(categories::UNSUPPORTED, field, member.requested[0].to_string(), message.into());
    }
    for key in [annotations::ADOPT, annotations::ADOPT_CONFIRM] {
        if let Some(value) = member.annotations.get(key).filter(|_| !can.adoption) {
            let message = "the provider takes over no existing load balancers: remove the annotation";
            refuse(categories::UNSUPPORTED, key.to_owned(), value.clone(), message.into());
        }
    }
}

/// For providers that cannot mix: the oldest listener's protocol stays, members with another one are refused.
fn one_protocol_where_mixing_is_unknown(can: &Capabilities, members: &mut Vec<Member>) -> Vec<Refusal> {
    let Some(first) = members.first().and_then(|member| member.listeners.first()).map(|l| l.protocol) else {
        return Vec::new();
    };
    let mut refusals = Vec::new();
    let mut taken: Vec<(u16, Protocol)> = Vec::new();
    members.retain(|member| {
        let clash = member.listeners.iter().enumerate().find_map(|(index, listener)| {
            let rival =
                taken.iter().find(|(port, other)| *port == listener.port && *other != listener.protocol);
            let own = member.listeners[..index]
                .iter()
                .find(|other| other.port == listener.port && other.protocol != listener.protocol);
            if !can.mixed_protocols && listener.protocol != first {
                Some((
                    index,
                    format!(
                        "the provider cannot mix {} with {first} on one load balancer",
                        listener.protocol
                    ),
                ))
            } else if !can.same_port_protocols && (rival.is_some() || own.is_some()) {
                Some((index, format!("the provider cannot serve two protocols on port {}", listener.port)))
            } else {
                None
            }
        });
        if let Some((index, message)) = clash {
            let field = format!("spec.ports[{index}].protocol");
            let value = member.listeners[index].protocol.to_string();
            refusals.push(Refusal::of(&member.service, categories::UNSUPPORTED, field, value, message));
            return false;
        }
        taken.extend(member.listeners.iter().map(|listener| (listener.port, listener.protocol)));
        true
    });
    refusals
}

/// Feeds a serialised value into SHA-256 without building the text.
struct DigestSink(Sha256);

impl std::io::Write for DigestSink {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests;
