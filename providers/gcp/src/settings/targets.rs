//! Which changes in the cluster concern a member.

use landfall_core::annotations::SHARE;
use landfall_core::model::{Member, TargetKind, TrafficPolicy};
use landfall_core::params::ClassParams;
use landfall_core::params::gcp::Backends;

use super::said::{Findings, Origin, Source};
use super::{balancer, keys, parse};

/// What the member's backends are made of.
///
/// With `externalTrafficPolicy: Local` the groups of a large cluster have the nodes with pods only. Instance groups have
/// all nodes in any case; but of a Service that shares a load balancer, an older member may decide about them.
pub fn target_kind(params: &ClassParams, member: &Member) -> TargetKind {
    let source = Source { member, origin: Origin::Member(0) };
    let said =
        source.read(keys::BACKENDS, |text| parse::word(text, &balancer::BACKENDS), &mut Findings::default());
    let backends = said.map(|said| said.value).or(params.gcp().backends);
    let all_nodes = backends == Some(Backends::InstanceGroup) && source.text(SHARE).is_none();
    match member.traffic {
        TrafficPolicy::Local { .. } if !all_nodes => TargetKind::NodesWithEndpoints,
        TrafficPolicy::Local { .. } | TrafficPolicy::Cluster => TargetKind::Nodes,
    }
}
