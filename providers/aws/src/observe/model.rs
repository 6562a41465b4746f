//! What exists of one load balancer, as values.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use landfall_core::ids::LbId;

use crate::api::ec2::SecurityGroup;
use crate::api::elb::{Listener, LoadBalancer, Target, TargetGroup, TargetState};
use crate::api::ids::TargetGroupArn;
use crate::api::{Attributes, Tags};

/// Everything with a load balancer's marks, and strangers in its way.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Observed {
    /// Load balancers with the marks, and the one to be adopted.
    pub balancers: Vec<Balancer>,
    /// Target groups with the marks.
    pub groups: Vec<Group>,
    /// Security groups with the marks.
    pub frontend: Vec<SecurityGroup>,
    /// The cluster's shared backend group. Load balancers carry it; whether it may go is not told here.
    pub backend: Option<SecurityGroup>,
    /// Security groups of the nodes, with their rules: those that are not known to let the backend group in already, and
    /// none for a release.
    pub node_groups: Vec<SecurityGroup>,
    /// Target groups of which it was read too long ago how their targets are for that to be told.
    pub stale: BTreeSet<TargetGroupArn>,
    /// AWS refused the shape that is wished, and it is too soon to try it again if ports have to go for that.
    pub refused_shape: Option<RefusedShape>,
    /// Resources without our marks that have a name that we need; for a release, those that have lost the marks.
    pub foreign: Vec<Foreign>,
}

/// Subnets, source NAT or address families that AWS refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefusedShape {
    /// AWS's reason.
    pub why: String,
    /// How long until it is tried again.
    pub left: Duration,
}

/// Something that is not this load balancer's and has a name that it needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Foreign {
    /// `load balancer` or `target group`.
    pub kind: &'static str,
    /// Its name.
    pub name: String,
    /// The load balancer of this cluster that it belongs to, if it belongs to one.
    pub owner: Option<LbId>,
}

/// A load balancer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Balancer {
    /// As described.
    pub it: LoadBalancer,
    /// Its tags.
    pub tags: Tags,
    /// What no list tells. `None` if it was not read because the mark of what was applied last is the one of the wish:
    /// then it is taken to be as wanted.
    pub details: Option<BalancerDetails>,
}

/// What only calls about one load balancer tell.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BalancerDetails {
    /// Its attributes.
    pub attributes: Attributes,
    /// Minimum capacity, if it was asked for.
    pub capacity: Option<u32>,
    /// Its listeners.
    pub listeners: Vec<ListenerDetails>,
}

/// A listener.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListenerDetails {
    /// As described.
    pub it: Listener,
    /// Certificates besides the default one.
    pub certificates: BTreeSet<String>,
    /// Its attributes.
    pub attributes: Attributes,
    /// Its tags.
    pub tags: Tags,
}

/// A target group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// As described.
    pub it: TargetGroup,
    /// Its tags.
    pub tags: Tags,
    /// Its attributes; `None` if they were not read, as for [`Balancer::details`].
    pub attributes: Option<Attributes>,
    /// What is registered; `None` if it is not known and not to be compared now.
    pub targets: Option<BTreeMap<Target, TargetState>>,
}
