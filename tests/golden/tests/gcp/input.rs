//! Manifests as inputs.

use std::sync::Arc;

use k8s_openapi::api::core::v1::Service;
use k8s_openapi::api::discovery::v1::EndpointSlice;
use landfall_core::annotations::SHARE;
use landfall_core::class::Sharing;
use landfall_core::endpoints::SERVICE_LABEL;
use landfall_core::ids::{ClassName, ClusterId, LbId, ProviderName, ShareKey};
use landfall_core::member::{self, MemberInput};
use landfall_core::model::{DesiredLb, Listener, Member};
use landfall_core::params::ClassParams;
use landfall_core::params::gcp::GcpParams;
use landfall_core::refusal::Refusal;
use landfall_gcp::network::{self, NetworkError};
use landfall_gcp::resources::{Wanted, wanted};
use landfall_gcp::settings::{self, Reading};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::world::World;

/// A wish in a world.
pub(crate) struct Input {
    desired: DesiredLb,
    /// What core itself refuses.
    refusals: Vec<Refusal>,
    world: World,
}

/// Why there is no graph.
pub(crate) enum NoGraph {
    /// The wish is refused.
    Refused(Vec<Refusal>),
    /// The network does not fit it.
    Network(NetworkError),
}

impl Input {
    /// Reads the documents of a file.
    pub(crate) fn read(text: &str) -> Result<Self, String> {
        let documents: Vec<Value> = serde_saphyr::from_multiple(text).map_err(|error| error.to_string())?;
        let mut services: Vec<Service> = Vec::new();
        let mut slices: Vec<EndpointSlice> = Vec::new();
        let mut params = ClassParams::Defaults;
        let mut world = World::default();
        for mut document in documents {
            match document["kind"].as_str() {
                Some("Service") => {
                    allocate(&mut document, services.len());
                    services.push(parse(document)?);
                }
                Some("EndpointSlice") => slices.push(parse(document)?),
                Some("LoadBalancerClass") => {
                    params = ClassParams::Gcp(Box::new(parse::<GcpParams>(document["spec"]["gcp"].take())?));
                }
                Some("World") => world = parse(document["spec"].take())?,
                other => return Err(format!("kind {other:?}")),
            }
        }
        let (members, refusals) = members(&services, &slices, &params)?;
        let desired = DesiredLb {
            id: id(&members)?,
            class: ClassName::new("gcp").map_err(|error| error.to_string())?,
            params,
            sharing: Sharing::Namespace,
            retained: world.retained()?,
            members,
            nodes: Arc::new(world.node_set()),
        };
        Ok(Self { desired, refusals, world })
    }

    /// What the settings are.
    pub(crate) fn reading(&self) -> Reading {
        settings::read(&self.desired)
    }

    /// What becomes of it.
    pub(crate) fn graph(&self) -> Result<Wanted, NoGraph> {
        self.graph_of(&self.desired, &self.world.before(self))
    }

    /// What became of it when the first Service had these ports, and nothing was there.
    pub(crate) fn graph_with_ports(&self, ports: &[u16]) -> Result<Wanted, NoGraph> {
        let mut desired = self.desired.clone();
        let first = desired.members[0].listeners[0].clone();
        let listeners = ports.iter().map(|port| Listener { port: *port, ..first.clone() });
        desired.members[0].listeners = listeners.collect();
        self.graph_of(&desired, &[])
    }

    fn graph_of(
        &self,
        desired: &DesiredLb,
        rules: &[landfall_gcp::api::types::ForwardingRule],
    ) -> Result<Wanted, NoGraph> {
        let reading = settings::read(desired);
        let refusals: Vec<Refusal> = self.refusals.iter().cloned().chain(reading.refusals).collect();
        if !refusals.is_empty() {
            return Err(NoGraph::Refused(refusals));
        }
        let known = self.world.known(rules);
        let facts = network::facts(desired, &reading.settings, &known).map_err(NoGraph::Network)?;
        let facts = self.world.with_groups(facts);
        let cluster = ClusterId::new("prod").unwrap();
        Ok(wanted(&cluster, desired, &reading.settings, &facts))
    }
}

fn parse<T: DeserializeOwned>(value: Value) -> Result<T, String> {
    serde_json::from_value(value).map_err(|error| error.to_string())
}

/// What the API server fills in: namespace, uid, time of creation, and node ports, which are 30000 and the port.
fn allocate(service: &mut Value, number: usize) {
    let fill = |at: &mut Value, with: Value| {
        if at.is_null() {
            *at = with;
        }
    };
    let metadata = &mut service["metadata"];
    fill(&mut metadata["namespace"], json!("default"));
    let uid = format!("uid-{}", metadata["name"].as_str().unwrap_or_default());
    fill(&mut metadata["uid"], json!(uid));
    fill(&mut metadata["creationTimestamp"], json!(format!("2026-01-01T00:00:{number:02}Z")));
    let spec = &mut service["spec"];
    fill(&mut spec["type"], json!("LoadBalancer"));
    let local = spec["externalTrafficPolicy"] == json!("Local");
    fill(&mut spec["healthCheckNodePort"], if local { json!(32_000) } else { Value::Null });
    let without = spec["allocateLoadBalancerNodePorts"] == json!(false);
    for port in spec["ports"].as_array_mut().into_iter().flatten() {
        let node_port = 30_000 + port["port"].as_u64().unwrap_or_default() % 2_768;
        fill(&mut port["nodePort"], if without { Value::Null } else { json!(node_port) });
    }
}

fn members(
    services: &[Service],
    slices: &[EndpointSlice],
    class: &ClassParams,
) -> Result<(Vec<Member>, Vec<Refusal>), String> {
    let (mut members, mut refusals) = (Vec::new(), Vec::new());
    for service in services {
        let read = member::read(MemberInput { service, namespace_labels: None });
        let (mut member, wrong) = read.ok_or("a Service without name, uid or spec")?;
        let name = member.service.name.clone();
        let own = slices.iter().filter(|slice| of_service(slice) == Some(name.as_str()));
        let kind = settings::target_kind(class, &member);
        member::add_endpoints(&mut member, kind, &own);
        members.push(member);
        refusals.extend(wrong);
    }
    Ok((members, refusals))
}

fn of_service(slice: &EndpointSlice) -> Option<&str> {
    slice.metadata.labels.as_ref()?.get(SERVICE_LABEL).map(String::as_str)
}

fn id(members: &[Member]) -> Result<LbId, String> {
    let first = members.first().ok_or("no Service")?;
    let Some(key) = first.annotations.get(SHARE) else {
        return Ok(LbId::service(ProviderName::Gcp, first.service.clone(), first.uid.clone()));
    };
    let class = ClassName::new("gcp").map_err(|error| error.to_string())?;
    let key = ShareKey::new(key.as_str()).map_err(|error| error.to_string())?;
    Ok(LbId::share(ProviderName::Gcp, class, Some(first.service.namespace.clone()), key))
}
