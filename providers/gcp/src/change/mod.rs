//! One decided change. Addresses may not be known yet: what needs one names its family, and gets it when it is applied.

use std::collections::BTreeMap;

use landfall_core::net::IpFamily;
use landfall_core::plan::{Action, FieldDiff, Resource, Step};
use serde_json::{Value, json};

use crate::api::types::Endpoint;
use crate::api::{Kind, Method, Reference, Scope, Verb};
use crate::observe::Thing;

/// When a change is made. The changes of one stage do not depend on each other; each stage depends on those before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Stage {
    /// What refers to nothing: health checks, groups, what lets checks in, and the reservations that hold addresses.
    Base,
    /// Members of groups: nobody leads to a new group before it has them.
    Members,
    /// Backend services.
    Backends,
    /// Forwarding rules go that stand in the way of their successors.
    Clear,
    /// Backend services change that could not while those were there.
    Services,
    /// Forwarding rules are made.
    Rules,
    /// Clients are let in.
    Firewall,
    /// Forwarding rules and firewall rules go that nobody wants any more.
    SpareRules,
    /// What they referred to goes: backend services and reservations.
    SpareServices,
    /// What those referred to goes: health checks and groups.
    SpareRest,
}

/// One change of one resource. One call mostly; an update reads first what it changes, and members go in batches.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Change {
    /// When.
    pub(crate) stage: Stage,
    /// Of what.
    pub(crate) reference: Reference,
    /// Whether all load balancers of the cluster use it.
    pub(crate) shared: bool,
    /// What.
    pub(crate) what: What,
    /// The family of the address that is to be filled in.
    pub(crate) towards: Option<IpFamily>,
    /// What differs, for people.
    pub(crate) fields: Vec<FieldDiff>,
}

/// What happens to a resource.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum What {
    /// It is made.
    Insert(Box<Thing>),
    /// It becomes like this, and keeps what we have no say in.
    Update(Box<Thing>),
    /// Whether clients of other regions reach a forwarding rule.
    GlobalAccess(bool),
    /// Its labels become these.
    Labels(BTreeMap<String, String>),
    /// Members of a group come and go, each with the name of its node, where it is known.
    Members(Members),
    /// It goes.
    Delete,
}

/// Members that come and go.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Members {
    /// To be added, with the names of their nodes.
    pub(crate) new: BTreeMap<Endpoint, String>,
    /// To be taken out.
    pub(crate) gone: Vec<Endpoint>,
}

impl Change {
    /// A change of a resource.
    pub(crate) fn new(stage: Stage, reference: &Reference, what: What) -> Self {
        let reference = reference.clone();
        Self { stage, reference, shared: false, what, towards: None, fields: Vec::new() }
    }

    /// All load balancers of the cluster use the resource, or only this one does.
    pub(crate) fn shared(self, shared: bool) -> Self {
        Self { shared, ..self }
    }

    /// The address of this family is to be filled in.
    pub(crate) fn towards(self, towards: Option<IpFamily>) -> Self {
        Self { towards, ..self }
    }

    /// What differs, for people.
    pub(crate) fn telling(self, fields: Vec<FieldDiff>) -> Self {
        Self { fields, ..self }
    }

    /// The method that makes it; of members, that which adds some.
    pub(crate) fn method(&self) -> Method {
        let verb = match (&self.what, self.reference.kind) {
            (What::Insert(_), _) => Verb::Insert,
            (What::Update(_), _) => Verb::Update,
            (What::GlobalAccess(_), _) => Verb::Patch,
            (What::Labels(_), _) => Verb::SetLabels,
            (What::Members(_), Kind::InstanceGroup) => Verb::AddInstances,
            (What::Members(_), _) => Verb::AttachEndpoints,
            (What::Delete, _) => Verb::Delete,
        };
        Method::new(self.reference.kind, verb)
    }

    /// The step of the plan that this is.
    pub(crate) fn step(&self) -> Step {
        let (action, diff) = match &self.what {
            What::Insert(it) => (Action::Create, told(it, self.towards)),
            What::Update(_) => (Action::Update, self.fields.clone()),
            What::GlobalAccess(to) => {
                (Action::Update, vec![field("allowGlobalAccess", Some(json!(!to)), json!(to))])
            }
            What::Labels(labels) => (Action::Update, vec![field("labels", None, json!(labels))]),
            What::Members(members) => (Action::Update, members.told()),
            What::Delete => (Action::Delete, Vec::new()),
        };
        let resource = Resource { kind: self.reference.kind.word(), name: local_name(&self.reference) };
        Step { action, resource, diff }
    }
}

impl Members {
    /// Whether there is nothing to do.
    pub(crate) fn is_empty(&self) -> bool {
        self.new.is_empty() && self.gone.is_empty()
    }

    fn told(&self) -> Vec<FieldDiff> {
        let come = self.new.values().map(|node| field("members", None, json!(node)));
        let gone = self.gone.iter().map(|endpoint| FieldDiff {
            field: "members".to_owned(),
            from: Some(json!(endpoint.instance)),
            to: None,
        });
        come.chain(gone).collect()
    }
}

/// What is set on something new, but for what says nothing to people.
fn told(it: &Thing, towards: Option<IpFamily>) -> Vec<FieldDiff> {
    let Ok(Value::Object(fields)) = it.to_json() else { return Vec::new() };
    let silent = ["name", "description"];
    let told = fields.into_iter().filter(|(key, _)| !silent.contains(&key.as_str()));
    let mut told: Vec<FieldDiff> = told.map(|(key, value)| field(&key, None, short(value))).collect();
    if let Some(family) = towards {
        let key = if matches!(it, Thing::ForwardingRule(_)) { "IPAddress" } else { "destinationRanges" };
        let text = format!("the {family} address of the load balancer");
        told.push(field(key, None, json!(text)));
    }
    told
}

/// URLs of resources as `kind/name`, which is what people look for, and as `kind/zone/name` of what is in a zone.
pub(crate) fn short(value: Value) -> Value {
    match value {
        Value::String(text) => match Reference::parse(&text) {
            Some(it) if it.kind != Kind::Region => json!(format!("{}/{}", it.kind, local_name(&it))),
            _ => Value::String(text),
        },
        Value::Array(items) => Value::Array(items.into_iter().map(short).collect()),
        Value::Object(fields) => {
            Value::Object(fields.into_iter().map(|(key, value)| (key, short(value))).collect())
        }
        other => other,
    }
}

/// The name of a resource, behind its zone if it is in one: the groups of several zones have the same name.
fn local_name(reference: &Reference) -> String {
    match &reference.place.scope {
        Scope::Zone(zone) => format!("{zone}/{}", reference.name),
        Scope::Global | Scope::Region(_) => reference.name.clone(),
    }
}

fn field(name: &str, from: Option<Value>, to: Value) -> FieldDiff {
    FieldDiff { field: name.to_owned(), from, to: Some(to) }
}
