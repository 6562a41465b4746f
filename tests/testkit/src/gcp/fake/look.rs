//! Looking inside, and what happens to a project without a call of its API: for tests. None of it is in a journal.

use landfall_gcp::api::{Kind, Place, Reference};
use serde_json::Value;

use super::FakeCompute;
use super::json::Fields;
use super::seed::{HOST_PROJECT, NewInstance, PROJECT, REGION, SHARED_NETWORK};
use super::store::Record;
use super::validate::{self, Body};

impl FakeCompute {
    /// A subnet of [`PROJECT`] in [`REGION`].
    pub fn subnet(name: &str) -> Reference {
        Place::region(PROJECT, REGION).at(Kind::Subnetwork, name)
    }

    /// The subnet of the shared network.
    pub fn shared_subnet() -> Reference {
        Place::region(HOST_PROJECT, REGION).at(Kind::Subnetwork, SHARED_NETWORK)
    }

    /// A resource as `get` tells it; `None` if there is none.
    pub fn read(&self, what: &Reference) -> Option<Value> {
        let state = self.state();
        state.store.get(what).map(|record| state.view(what, record))
    }

    /// Every resource of a kind, of all projects and places, as `get` tells it.
    pub fn all(&self, kind: Kind) -> Vec<Value> {
        let state = self.state();
        let of_kind = state.store.all().filter(|(what, _)| what.kind == kind);
        of_kind.map(|(what, record)| state.view(what, record)).collect()
    }

    /// The names of the instances in a group of either kind, in order.
    pub fn members_of(&self, group: &Reference) -> Vec<String> {
        let state = self.state();
        let members = state.store.get(group).map(|record| record.members.as_slice()).unwrap_or_default();
        let mut names: Vec<String> = members.iter().map(|member| member.instance.name.clone()).collect();
        names.sort();
        names
    }

    /// What is left of all that was made over the API.
    pub fn leaks(&self) -> Vec<Reference> {
        let state = self.state();
        state.store.all().filter(|(_, record)| !record.seeded).map(|(what, _)| what.clone()).collect()
    }

    /// Adds an instance.
    pub fn add_instance(&self, new: &NewInstance) {
        self.state().seed_instance(new);
    }

    /// Adds instances until there are `node-0` to `node-(count - 1)`.
    pub fn add_nodes(&self, count: usize) {
        let mut state = self.state();
        for node in (0..count).map(NewInstance::node) {
            if state.store.get(&node.reference()).is_none() {
                state.seed_instance(&node);
            }
        }
    }

    /// Sets whether an instance fails its health checks, behind one backend service, or behind all.
    pub fn set_unhealthy(&self, backend_service: Option<&str>, instance: &str, unhealthy: bool) {
        let key = (backend_service.map(str::to_owned), instance.to_owned());
        let mut state = self.state();
        if unhealthy {
            state.unhealthy.insert(key);
        } else {
            state.unhealthy.remove(&key);
        }
    }

    /// Somebody makes a resource, or puts another one in its place. No rule is asked, but what the API knows is known.
    /// It is not among the [leaks](Self::leaks). Fails with the field that the API does not know.
    pub fn put(&self, what: &Reference, body: Value) -> Result<(), String> {
        check(what.kind, &body)?;
        self.state().seed(what.clone(), body);
        Ok(())
    }

    /// Somebody changes a resource in place. `false` if there is none. Fails with the field that the API does not
    /// know; then nothing has changed.
    pub fn edit(&self, what: &Reference, change: impl FnOnce(&mut Fields)) -> Result<bool, String> {
        let mut state = self.state();
        let Some(record) = state.store.get(what).cloned() else { return Ok(false) };
        let Record { mut body, .. } = record;
        change(&mut body);
        check(what.kind, &Value::from(body.clone()))?;
        if super::view::has_fingerprint(what.kind) {
            body.insert("fingerprint".to_owned(), state.fingerprint());
        }
        state.store.put(what.clone(), Record { body, ..record });
        Ok(true)
    }

    /// Somebody removes a resource, whatever uses it. An instance leaves its groups. `false` if there was none.
    pub fn remove(&self, what: &Reference) -> bool {
        let mut state = self.state();
        if what.kind == Kind::Instance {
            state.store.drop_member(what);
        }
        state.store.remove(what).is_some()
    }

    /// Somebody takes an instance out of a group of either kind. `false` if it was not in there.
    pub fn remove_member(&self, group: &Reference, instance: &str) -> bool {
        let mut state = self.state();
        let Some(members) = state.store.members_mut(group) else { return false };
        let before = members.len();
        members.retain(|member| member.instance.name != instance);
        members.len() < before
    }
}

fn check(kind: Kind, body: &Value) -> Result<(), String> {
    validate::body(schema(kind), body, Body::Anything).map_err(|refused| refused.message)
}

/// The schema of a kind.
fn schema(kind: Kind) -> &'static str {
    match kind {
        Kind::Address => "Address",
        Kind::BackendService => "BackendService",
        Kind::EndpointGroup => "NetworkEndpointGroup",
        Kind::Firewall => "Firewall",
        Kind::ForwardingRule => "ForwardingRule",
        Kind::HealthCheck => "HealthCheck",
        Kind::Instance => "Instance",
        Kind::InstanceGroup => "InstanceGroup",
        Kind::Network => "Network",
        Kind::Region => "Region",
        Kind::Subnetwork => "Subnetwork",
    }
}
