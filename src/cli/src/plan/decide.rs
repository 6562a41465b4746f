//! The controller's decisions about what the manifests touch, stopped before anything is done.

use std::collections::{BTreeSet, HashMap};

use k8s_openapi::api::core::v1::Service;
use landfall_controller::cluster::{Group, Key, object_key};
use landfall_core::class::PREFIX;
use landfall_core::desired::{ServiceFacts, Snapshot, desired};
use landfall_core::ids::{LbId, ServiceKey};
use landfall_core::member;
use landfall_core::model::{DesiredLb, Member, MemberRef};
use landfall_core::plan::{Action, Plan, Step};
use landfall_core::provider::Provider;
use landfall_core::refusal::{Refusal, categories};
use landfall_core::report::shown;

use super::report::{Balancer, Failure, HeldPort, MemberLine, NotServed, Report};
use super::world::World;

/// Decides about everything that is touched.
pub(crate) async fn decide(world: &World) -> Report {
    let mut report = Report::new(world.notes.clone());
    for key in order(world) {
        match key {
            Key::Lb(id) => balancer(world, &id, &mut report).await,
            Key::Unplaced(service) => {
                let placement = world.cluster.placement(&service);
                report.refused.extend(placement.and_then(|placement| placement.refusal));
            }
        }
    }
    for key in &world.asked {
        report.not_served.extend(not_served(world, key));
    }
    report.refused.extend(world.refused.iter().cloned());
    report.finish();
    report
}

/// What already serves comes first, so that nothing new can take what it holds; then the order of the manifests.
fn order(world: &World) -> Vec<Key> {
    let mut places: HashMap<Key, usize> = HashMap::new();
    for (place, service) in world.asked.iter().enumerate() {
        let placement = world.cluster.placement(service);
        for key in placement.iter().flat_map(|placement| placement.keys(service)) {
            places.entry(key).or_insert(place);
        }
    }
    let serves = |key: &Key| match key {
        Key::Lb(id) => world.cluster.group(id).wanted.iter().any(|facts| !shown(&facts.service).is_empty()),
        Key::Unplaced(_) => false,
    };
    let place_of = |key: &Key| places.get(key).copied().unwrap_or(usize::MAX);
    let mut keys: Vec<_> =
        world.touched.iter().map(|key| (!serves(key), place_of(key), key.clone())).collect();
    keys.sort();
    keys.into_iter().map(|(.., key)| key).collect()
}

async fn balancer(world: &World, id: &LbId, report: &mut Report) {
    let group = world.cluster.group(id);
    let Some(provider) = world.providers.get(&id.provider) else {
        report.refused.extend(not_enabled(world, id, &group));
        return;
    };
    report.refused.extend(group.kept.iter().map(|(_, refusal)| refusal.clone()));
    if group.class.is_some() {
        report.balancers.extend(converge(world, id, &group, provider.as_ref(), &mut report.refused).await);
    } else if group.kept.is_empty() && !group.is_empty() {
        report.balancers.push(release(id, &group, provider.as_ref()).await);
    }
}

async fn converge(
    world: &World,
    id: &LbId,
    group: &Group,
    provider: &dyn Provider,
    refused: &mut Vec<Refusal>,
) -> Option<Balancer> {
    let class = group.class.clone()?;
    let (nodes, _) = world.cluster.node_set();
    let mut balancer = Balancer::new(id.clone(), Some(class.name.clone()));
    let snapshot = Snapshot { id: id.clone(), class, services: group.wanted.clone(), nodes };
    let mut wish = desired(&snapshot, provider);
    refused.append(&mut wish.refusals);
    let mut lb = wish.lb?;
    lb.retained.extend(group.kept.iter().filter_map(|(service, _)| reference(service)));
    balancer.members = lb.members.iter().map(|member| line(world, member)).collect();
    match provider.plan(&lb).await {
        Ok(plan) => balancer.plan = plan,
        Err(error) => {
            balancer.failure = Some(Failure {
                class: error.class().as_str(),
                category: error.category(),
                message: error.explain(),
            });
            return Some(balancer);
        }
    }
    reserve(provider, &lb, &mut balancer).await;
    Some(balancer)
}

fn reference(service: &Service) -> Option<MemberRef> {
    Some(MemberRef { service: member::key_of(service)?, uid: member::uid_of(service)? })
}

/// Takes what was planned, where that changes nothing but the provider's own memory: the next load balancer must not
/// be planned with the same address.
async fn reserve(provider: &dyn Provider, lb: &DesiredLb, balancer: &mut Balancer) {
    if provider.capabilities().external_state {
        return;
    }
    if let Ok(outcome) = provider.ensure(lb).await {
        balancer.ingress = outcome.ingress;
        balancer.notes.extend(outcome.problems.into_iter().map(|problem| problem.message));
    }
}

/// Nobody wants it any more. It stays until those that move away are served by their next one.
async fn release(id: &LbId, group: &Group, provider: &dyn Provider) -> Balancer {
    let mut balancer = Balancer::new(id.clone(), None);
    let (namespace, name) = id.label();
    let mut step = Step::new(Action::Delete, "load-balancer", format!("{namespace}/{name}"));
    let services = group.departing.iter().chain(group.wanted.iter().map(|facts| &facts.service));
    let shown: Vec<String> =
        services.flat_map(|service| member::published(service)).map(|address| address.to_string()).collect();
    if !shown.is_empty() {
        step = step.unset("addresses", shown.join(", "));
    }
    balancer.plan = Plan { lb: id.clone(), steps: vec![step] };
    let moving: Vec<String> =
        group.wanted.iter().filter_map(|facts| Some(member::key_of(&facts.service)?.to_string())).collect();
    if !moving.is_empty() {
        balancer
            .notes
            .push(format!("deleted when {} is served by its next load balancer", moving.join(", ")));
    } else if !provider.capabilities().external_state && provider.release(id).await.is_err() {
        balancer.notes.push("what it holds could not be given free in the plan".to_owned());
    }
    balancer
}

fn line(world: &World, member: &Member) -> MemberLine {
    let open = world.open.get(&member.service);
    MemberLine {
        service: member.service.clone(),
        new: open.is_some_and(|open| open.new),
        ports: member.ports().map(|port| port.to_string()).collect(),
        held_ports: member
            .refused_ports
            .iter()
            .map(|port| HeldPort { port: port.key.to_string(), holder: port.holder.clone() })
            .collect(),
        unknown: open.map(|open| open.fields.clone()).unwrap_or_default(),
    }
}

fn not_enabled(world: &World, id: &LbId, group: &Group) -> Vec<Refusal> {
    let running: BTreeSet<&str> = world.providers.keys().map(|name| name.as_str()).collect();
    let running: Vec<&str> = running.into_iter().collect();
    let message = format!("not one of the providers of this plan, which are {}", running.join(", "));
    let refusal = |facts: &ServiceFacts| {
        let key = member::key_of(&facts.service)?;
        let category = categories::PROVIDER_NOT_ENABLED;
        Some(Refusal::of(&key, category, "--providers", id.provider.as_str(), message.clone()))
    };
    group.wanted.iter().filter_map(refusal).collect()
}

/// Why a Service of the manifests is none of ours.
fn not_served(world: &World, key: &ServiceKey) -> Option<NotServed> {
    let placement = world.cluster.placement(key);
    if placement.is_some_and(|placement| placement.wanted.is_some() || placement.refusal.is_some()) {
        return None;
    }
    let service = world.cluster.services.get(&object_key(key))?;
    let spec = service.spec.as_ref();
    let kind = spec.and_then(|spec| spec.type_.as_deref()).unwrap_or_default();
    let class = spec.and_then(|spec| spec.load_balancer_class.as_deref());
    let reason = match class {
        _ if service.metadata.deletion_timestamp.is_some() => "it is being deleted".to_owned(),
        _ if kind != "LoadBalancer" => format!("spec.type is {kind}, not LoadBalancer"),
        Some(class) => format!("spec.loadBalancerClass {class} is another controller's; ours begin with {PREFIX}"),
        None => "it names no spec.loadBalancerClass, and there is no default class (--default-class, or spec.default \
                 of a LoadBalancerClass)"
            .to_owned(),
    };
    Some(NotServed { service: key.clone(), reason })
}
