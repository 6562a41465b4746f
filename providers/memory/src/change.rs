//! One decided change, and how it reads in a plan.

use landfall_core::plan::{Action, Step};
use serde::Serialize;
use serde_json::{Map, Value};

use crate::cloud::{BalancerSpec, Draft, Kind, ListenerSpec, PoolSpec, RuleSpec, Spec, Target};

/// One call that changes something.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Change {
    Balancer(Edit<BalancerSpec>),
    Listener(Edit<ListenerSpec>),
    Pool(Edit<PoolSpec>),
    Rule(Edit<RuleSpec>),
    Register { pool: String, targets: Vec<Target> },
    Deregister { pool: String, targets: Vec<Target> },
}

/// What happens to one object.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Edit<S> {
    Create(Draft<S>),
    Update { from: Draft<S>, to: Draft<S> },
    Delete(String),
}

impl Change {
    /// The change as people read it.
    pub(crate) fn step(&self) -> Step {
        match self {
            Self::Balancer(edit) => edit.step(),
            Self::Listener(edit) => edit.step(),
            Self::Pool(edit) => edit.step(),
            Self::Rule(edit) => edit.step(),
            Self::Register { pool, targets } => {
                Step::new(Action::Update, Kind::Pool.as_str(), pool).set("targets", texts(targets))
            }
            Self::Deregister { pool, targets } => {
                Step::new(Action::Update, Kind::Pool.as_str(), pool).unset("targets", texts(targets))
            }
        }
    }
}

impl<S: Spec + Serialize> Edit<S> {
    fn step(&self) -> Step {
        let kind = S::KIND.as_str();
        match self {
            Self::Create(draft) => fields(&draft.spec)
                .into_iter()
                .filter(|(_, value)| !is_nothing(value))
                .fold(Step::new(Action::Create, kind, &draft.name), |step, (field, to)| step.set(field, to)),
            Self::Update { from, to } => {
                let step =
                    changed(Step::new(Action::Update, kind, &to.name), fields(&from.spec), &fields(&to.spec));
                if from.tags == to.tags {
                    return step;
                }
                step.change("tags", Value::from_iter(from.tags.clone()), Value::from_iter(to.tags.clone()))
            }
            Self::Delete(name) => Step::new(Action::Delete, kind, name),
        }
    }
}

fn changed(step: Step, from: Map<String, Value>, to: &Map<String, Value>) -> Step {
    from.into_iter().fold(step, |step, (field, old)| match to.get(&field) {
        Some(new) if *new != old => step.change(field, old, new.clone()),
        _ => step,
    })
}

/// The settings by name. All of them serialise as structs, so there is always a map.
fn fields<S: Serialize>(spec: &S) -> Map<String, Value> {
    match serde_json::to_value(spec) {
        Ok(Value::Object(fields)) => fields,
        _ => Map::new(),
    }
}

fn is_nothing(value: &Value) -> bool {
    value.is_null() || value.as_array().is_some_and(Vec::is_empty)
}

fn texts(targets: &[Target]) -> Vec<String> {
    targets.iter().map(ToString::to_string).collect()
}
