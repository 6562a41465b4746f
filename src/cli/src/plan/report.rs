//! What a plan found, as values. [`Report`] serialises to what `-o json` prints; `schemaVersion` grows when a field
//! changes its meaning or goes, not when one is added.

use landfall_core::error::Category;
use landfall_core::ids::{ClassName, LbId, ServiceKey};
use landfall_core::outcome::Ingress;
use landfall_core::plan::Plan;
use landfall_core::refusal::Refusal;
use serde::Serialize;

/// The whole finding.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Report {
    /// Version of this schema.
    schema_version: u32,
    /// What was counted.
    pub(crate) summary: Summary,
    /// Load balancers that the manifests concern.
    #[serde(rename = "loadBalancers")]
    pub(crate) balancers: Vec<Balancer>,
    /// Wishes that cannot be served until somebody changes something.
    pub(crate) refused: Vec<Refusal>,
    /// Services of the manifests that are none of ours.
    pub(crate) not_served: Vec<NotServed>,
    /// Other things worth knowing.
    pub(crate) notes: Vec<String>,
}

/// Counts of a [`Report`].
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Summary {
    /// Load balancers with something to do.
    pub(crate) changes: usize,
    /// Load balancers with nothing to do.
    pub(crate) unchanged: usize,
    /// Refusals, failures, and Services of which only some ports are served.
    pub(crate) refused: usize,
    /// Services that are none of ours.
    pub(crate) not_served: usize,
}

/// One load balancer.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Balancer {
    /// Its class; none if it is to be deleted.
    pub(crate) class: Option<ClassName>,
    /// Who it is, and the steps.
    #[serde(flatten)]
    pub(crate) plan: Plan,
    /// The Services on it, oldest first.
    pub(crate) members: Vec<MemberLine>,
    /// The addresses that it would have, where the provider can tell beforehand.
    pub(crate) ingress: Vec<Ingress>,
    /// Why the provider cannot plan it.
    pub(crate) failure: Option<Failure>,
    /// Other things worth knowing about it.
    pub(crate) notes: Vec<String>,
}

/// One Service on a load balancer.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct MemberLine {
    /// Its name.
    pub(crate) service: ServiceKey,
    /// Whether it does not exist yet.
    pub(crate) new: bool,
    /// The ports it is served on.
    pub(crate) ports: Vec<String>,
    /// The ports that an older Service of the group holds.
    pub(crate) held_ports: Vec<HeldPort>,
    /// Fields that the API server fills in, planned with a stand-in.
    pub(crate) unknown: Vec<String>,
}

/// A port that somebody else has.
#[derive(Debug, Serialize)]
pub(crate) struct HeldPort {
    /// Number and protocol.
    pub(crate) port: String,
    /// Who has it.
    pub(crate) holder: ServiceKey,
}

/// The provider cannot plan.
#[derive(Debug, Serialize)]
pub(crate) struct Failure {
    /// What it means for the next step.
    pub(crate) class: &'static str,
    /// What the condition's reason would be.
    pub(crate) category: Category,
    /// A sentence.
    pub(crate) message: String,
}

/// A Service that is none of ours.
#[derive(Debug, Serialize)]
pub(crate) struct NotServed {
    /// Its name.
    pub(crate) service: ServiceKey,
    /// Why.
    pub(crate) reason: String,
}

impl Balancer {
    /// Nothing to do yet.
    pub(crate) fn new(id: LbId, class: Option<ClassName>) -> Self {
        let (members, ingress, failure, notes) = Default::default();
        Self { class, plan: Plan { lb: id, steps: Vec::new() }, members, ingress, failure, notes }
    }
}

impl Report {
    /// Nothing found yet.
    pub(crate) fn new(notes: Vec<String>) -> Self {
        let (summary, balancers, refused, not_served) = Default::default();
        Self { schema_version: 1, summary, balancers, refused, not_served, notes }
    }

    /// Counts, and removes what is said twice.
    pub(crate) fn finish(&mut self) {
        let mut seen = std::collections::HashSet::new();
        self.refused.retain(|refusal| seen.insert(refusal.clone()));
        let failures = self.balancers.iter().filter(|one| one.failure.is_some()).count();
        let changes =
            self.balancers.iter().filter(|one| one.failure.is_none() && !one.plan.is_empty()).count();
        let held = |one: &&MemberLine| !one.held_ports.is_empty();
        let partly = self.balancers.iter().flat_map(|one| &one.members).filter(held).count();
        self.summary = Summary {
            changes,
            unchanged: self.balancers.len() - changes - failures,
            refused: self.refused.len() + failures + partly,
            not_served: self.not_served.len(),
        };
    }

    /// Whether every wish can be served.
    pub(crate) fn is_fine(&self) -> bool {
        self.summary.refused == 0
    }
}
