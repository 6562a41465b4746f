//! The contract between the controller and everything that can make load balancers.

use async_trait::async_trait;
use jiff::Timestamp;
use serde::Serialize;

use crate::error::ProviderError;
use crate::ids::{LbId, ProviderName};
use crate::model::{DesiredLb, Member, MemberRef, TargetKind};
use crate::net::Protocol;
use crate::outcome::Outcome;
use crate::params::ClassParams;
use crate::plan::{Plan, Resource};
use crate::pools::AddressBook;
use crate::refusal::Refusal;

/// Something that makes load balancers.
///
/// Promises of an implementation, each of them tested by the contract suite in `tests/contract`:
///
/// - Dropping any future at any await, or killing the process there, leaves a state from which the next
///   `ensure` or `release` converges without leaks and without duplicates.
/// - Only resources that carry this cluster's ownership marks are changed or deleted; a foreign resource in the
///   way is an error that names it.
/// - A failed read never counts as "absent".
/// - When a change forces a replacement, the successor serves before the predecessor goes.
/// - An unchanged world causes no write.
///
/// The controller never calls `ensure` or `release` twice at the same time for one load balancer.
#[async_trait]
pub trait Provider: Send + Sync + 'static {
    /// Its name in classes, flags and metrics.
    fn name(&self) -> ProviderName;

    /// What it can do.
    fn capabilities(&self) -> &Capabilities;

    /// Called when this process begins to lead, before anything else of that term and while no other call is under way.
    /// Others may have led meanwhile: what the provider remembers of the resources that carry this cluster's marks is
    /// not to be relied on any more.
    fn begin_term(&self) {}

    /// Where this member's traffic goes under the parameters of its class: decides which changes in the cluster
    /// concern it.
    fn target_kind(&self, params: &ClassParams, member: &Member) -> TargetKind;

    /// Pure: every reason why this cannot be served, all at once. Members named in a refusal are taken out by
    /// the controller and the rest is served; a refusal without a member refuses the load balancer as a whole.
    fn validate(&self, desired: &DesiredLb) -> Vec<Refusal>;

    /// Reads only: the steps that `ensure` would take.
    async fn plan(&self, desired: &DesiredLb) -> Result<Plan, ProviderError>;

    /// Converges. Idempotent.
    async fn ensure(&self, desired: &DesiredLb) -> Result<Outcome, ProviderError>;

    /// Removes everything that carries this load balancer's marks. Idempotent; succeeds only when nothing is
    /// left. Finds leftovers by their marks, not by remembered ids.
    async fn release(&self, id: &LbId) -> Result<(), ProviderError>;

    /// Everything that carries this cluster's marks, read in bulk.
    async fn inventory(&self) -> Result<Vec<Owned>, ProviderError>;

    /// The side that hands out addresses from `AddressPool` objects, if the provider has one.
    fn address_book(&self) -> Option<&dyn AddressBook> {
        None
    }
}

/// What a provider can do. Wishes for protocols, node ports, families, addresses or adoption beyond it are refused before
/// the provider is asked; what else it cannot do it refuses itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[expect(clippy::struct_excessive_bools, reason = "independent facts about a provider, not states")]
pub struct Capabilities {
    /// Protocols it serves.
    pub protocols: Vec<Protocol>,
    /// Different protocols on one load balancer.
    pub mixed_protocols: bool,
    /// TCP and UDP on one port number.
    pub same_port_protocols: bool,
    /// One load balancer with an IPv4 and an IPv6 address.
    pub dual_stack: bool,
    /// Several Services on one load balancer.
    pub sharing: bool,
    /// It filters by source range itself; where `false`, kube-proxy does.
    pub source_ranges: bool,
    /// `sessionAffinity: ClientIP` is honoured in front of the nodes; where `false`, kube-proxy does it on the node.
    pub session_affinity: bool,
    /// Particular addresses may be asked for.
    pub requested_addresses: bool,
    /// It needs a node port for targets of kind `Nodes`.
    pub needs_node_ports: bool,
    /// It can take over a load balancer that exists (`landfall.dev/adopt`).
    pub adoption: bool,
    /// Something outside Kubernetes is left behind if `release` never runs. Where `false`, the finalizer and the
    /// address may be written in one request.
    pub external_state: bool,
}

/// The ownership mark on everything that a provider makes.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
pub struct Mark {
    /// The load balancer it belongs to.
    pub lb: LbId,
    /// The member it serves; `None` for what all members use.
    pub member: Option<MemberRef>,
}

/// One resource that carries this cluster's marks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Owned {
    /// Whose it is.
    pub mark: Mark,
    /// What it is.
    pub resource: Resource,
    /// When it was made, where the provider tells.
    pub created: Option<Timestamp>,
}
