//! Plans: what would be done, as values that can be printed, compared and serialised.

use std::fmt;

use serde::Serialize;
use serde_json::Value;

use crate::ids::LbId;

/// Ordered steps that turn the world as observed into the world as desired.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Plan {
    /// The load balancer.
    pub lb: LbId,
    /// Steps in the order in which they are applied.
    pub steps: Vec<Step>,
}

impl Plan {
    /// Whether there is nothing to do.
    pub fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }
}

/// One call or one inseparable sequence of calls.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Step {
    /// What is done.
    pub action: Action,
    /// To what.
    pub resource: Resource,
    /// What changes. Empty for deletions.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub diff: Vec<FieldDiff>,
}

impl Step {
    /// A step without details.
    pub fn new(action: Action, kind: &'static str, name: impl Into<String>) -> Self {
        Self { action, resource: Resource { kind, name: name.into() }, diff: Vec::new() }
    }

    /// Adds a field that goes from one value to another.
    pub fn change(mut self, field: impl Into<String>, from: impl Into<Value>, to: impl Into<Value>) -> Self {
        self.diff.push(FieldDiff { field: field.into(), from: Some(from.into()), to: Some(to.into()) });
        self
    }

    /// Adds a field that appears.
    pub fn set(mut self, field: impl Into<String>, to: impl Into<Value>) -> Self {
        self.diff.push(FieldDiff { field: field.into(), from: None, to: Some(to.into()) });
        self
    }

    /// Adds a field that disappears.
    pub fn unset(mut self, field: impl Into<String>, from: impl Into<Value>) -> Self {
        self.diff.push(FieldDiff { field: field.into(), from: Some(from.into()), to: None });
        self
    }
}

/// What a step does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Action {
    /// Makes a resource.
    Create,
    /// Changes a resource in place.
    Update,
    /// Makes a successor, then removes the resource.
    Replace,
    /// Removes a resource.
    Delete,
}

/// A resource on the provider's side.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
pub struct Resource {
    /// The provider's word for it, e.g. `target-group`, `forwarding-rule`, `address`.
    pub kind: &'static str,
    /// Its name or id.
    pub name: String,
}

/// One field that changes.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct FieldDiff {
    /// Path inside the resource.
    pub field: String,
    /// The value now; `None` if there is none.
    pub from: Option<Value>,
    /// The value afterwards; `None` if there will be none.
    pub to: Option<Value>,
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_empty() {
            return write!(f, "{}: nothing to do", self.lb);
        }
        write!(f, "{}:", self.lb)?;
        for step in &self.steps {
            write!(f, "\n{step}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = match self.action {
            Action::Create => "+",
            Action::Update => "~",
            Action::Replace => "±",
            Action::Delete => "-",
        };
        write!(f, "  {sign} {} {}", self.resource.kind, self.resource.name)?;
        for field in &self.diff {
            write!(f, "\n      {field}")?;
        }
        Ok(())
    }
}

impl fmt::Display for FieldDiff {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.from, &self.to) {
            (Some(from), Some(to)) => write!(f, "{}: {} → {}", self.field, plain(from), plain(to)),
            (None, Some(to)) => write!(f, "{}: {}", self.field, plain(to)),
            (Some(from), None) => write!(f, "{}: {} → (none)", self.field, plain(from)),
            (None, None) => write!(f, "{}", self.field),
        }
    }
}

/// JSON without the quotes around a lone text.
fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::{ProviderName, ServiceKey, Uid};

    #[test]
    fn a_plan_reads_as_a_diff() {
        let lb =
            LbId::service(ProviderName::Metal, ServiceKey::new("default", "web"), Uid::new("u1").unwrap());
        let mut plan = Plan { lb, steps: Vec::new() };
        assert_eq!(plan.to_string(), "metal:service/default/web/u1: nothing to do");
        plan.steps.push(Step::new(Action::Create, "address", "192.0.2.1").set("pool", "public"));
        plan.steps.push(Step::new(Action::Update, "listener", "80/TCP").change("nodePort", 30080, 30081));
        assert_eq!(
            plan.to_string(),
            "metal:service/default/web/u1:\n  + address 192.0.2.1\n      pool: public\n  ~ listener 80/TCP\n      nodePort: 30080 → 30081"
        );
    }
}
