//! Target groups and listeners.

use landfall_core::outcome::Problem;

use super::model::{ListenerWish, TargetGroupWish};
use super::{Inputs, Served, tags, targets};
use crate::api::Tags;
use crate::marks;
use crate::names::GroupIdentity;

/// The target group behind a listener, with all its targets.
pub(super) fn target_group(
    inputs: &Inputs<'_>,
    balancer: &str,
    served: &Served<'_>,
    problems: &mut Vec<Problem>,
) -> TargetGroupWish {
    let Served { member, settings, listener } = *served;
    let owner = member.as_ref();
    let family = listener.family;
    let name = inputs.names().group(&GroupIdentity {
        balancer,
        member: &owner,
        port: listener.port,
        listener: listener.protocol,
        protocol: listener.group_protocol,
        targets: settings.targets,
        family,
    });
    let (registered, problem) = targets::of(inputs, served, family);
    problems.extend(problem);
    TargetGroupWish {
        name,
        member: owner,
        protocol: listener.group_protocol,
        // A node port may change; the port of a target group cannot.
        port: listener.port,
        targets: settings.targets,
        family,
        health: listener.health.clone(),
        attributes: listener.group_attributes.clone(),
        tags: member_tags(inputs, served),
        registered,
    }
}

/// A listener that forwards to a target group.
pub(super) fn listener(inputs: &Inputs<'_>, served: &Served<'_>, group: &str) -> ListenerWish {
    let listener = served.listener;
    let tls = listener.tls.as_ref();
    ListenerWish {
        member: served.member.as_ref(),
        serves: listener.serves.clone(),
        port: listener.port,
        protocol: listener.protocol,
        group: group.to_owned(),
        certificates: tls.map(|tls| tls.certificates.clone()).unwrap_or_default(),
        ssl_policy: tls.and_then(|tls| tls.policy.clone()),
        alpn: tls.and_then(|tls| tls.alpn.clone()),
        attributes: listener.attributes.clone(),
        tags: member_tags(inputs, served),
    }
}

fn member_tags(inputs: &Inputs<'_>, served: &Served<'_>) -> Tags {
    let marks = marks::of_member(inputs.cluster, &inputs.desired.id, &served.member.as_ref());
    tags::with(&inputs.settings.balancer.tags, marks)
}
