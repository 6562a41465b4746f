//! Listeners, told apart by their port.

use std::collections::BTreeSet;

use landfall_core::ids::LbId;

use super::balancer::Shape;
use super::groups::attribute_change;
use super::{Diff, tags};
use crate::api::elb::{ListenerSpec, NlbProtocol};
use crate::api::{Attributes, Tags};
use crate::change::{
    AttributeChange, Change, Forward, ListenerChange, ListenerPlan, ListenerRef, Meanwhile, kinds,
};
use crate::defaults;
use crate::error::AwsError;
use crate::marks;
use crate::observe::{Group, ListenerDetails};
use crate::resources::ListenerWish;
use crate::roles;

/// What a TLS listener has that is made without a policy (`CreateListener`, and the page on security policies of the
/// user guide for Network Load Balancers).
const DEFAULT_SSL_POLICY: &str = "ELBSecurityPolicy-2016-08";

/// Changes before the load balancer gets its shape, and after. Listeners that differ are changed, those that nobody wants
/// go, and then new ones come: so the limit of listeners per load balancer is not in the way.
pub(super) fn listeners(diff: &Diff<'_>) -> Result<(Vec<Change>, Vec<Change>), AwsError> {
    let found: &[ListenerDetails] = match diff.roles.current {
        Some(current) => match &current.details {
            Some(details) => &details.listeners,
            None => return Ok((Vec::new(), Vec::new())),
        },
        None => &[],
    };
    let wanted: BTreeSet<u16> = diff.wanted.listeners.iter().map(|wish| wish.port).collect();
    let mut spare: Vec<&ListenerDetails> = found
        .iter()
        .filter(|listener| {
            !wanted.contains(&listener.it.port) && !roles::is_retained(&listener.tags, diff.wanted)
        })
        .collect();
    let (mut early, mut late) = (Slot::default(), Slot::default());
    for wish in diff.wanted.listeners.iter().filter(|wish| !waits(diff, wish)) {
        let there = found.iter().find(|listener| listener.it.port == wish.port);
        match (turn(diff, there, wish), there) {
            (_, Some(there)) if roles::is_retained(&there.tags, diff.wanted) => {}
            (Turn::Before, Some(there)) => early.adjusted.extend(adjust(diff, there, wish)?),
            (Turn::Before, None) => early.made.extend(create(diff, wish, None)),
            (Turn::After, Some(there)) => late.adjusted.extend(adjust(diff, there, wish)?),
            (Turn::After, None) => late.made.extend(create(diff, wish, meanwhile(diff, wish))),
            (Turn::Both, there) => {
                spare.extend(there);
                late.made.extend(create(diff, wish, None));
            }
        }
    }
    let gone = give_back(&diff.wanted.lb, diff.balancer_name(), spare);
    let early = early.adjusted.into_iter().chain(gone).chain(early.made);
    Ok((early.collect(), late.adjusted.into_iter().chain(late.made).collect()))
}

#[derive(Default)]
struct Slot {
    adjusted: Vec<Change>,
    made: Vec<Change>,
}

/// When a listener gets what it shall have.
enum Turn {
    /// Before the load balancer changes its shape.
    Before,
    /// After that.
    After,
    /// What it has goes before, and it is made anew after: neither shape has room for both. That is so for UDP when the
    /// load balancer gets a family or gives it up, as its targets then are of the other one.
    Both,
}

/// Whether another shape takes listeners away while it is tried, and all of them are there now: what is away comes back by
/// the next attempt.
pub(super) fn are_cut(diff: &Diff<'_>) -> bool {
    let details = diff.roles.current.and_then(|current| current.details.as_ref());
    let Some(details) = details else { return false };
    let mut is_cut = false;
    for wish in &diff.wanted.listeners {
        let there = details.listeners.iter().find(|listener| listener.it.port == wish.port);
        match turn(diff, there, wish) {
            Turn::After if there.is_none() && meanwhile(diff, wish).is_some() => return false,
            Turn::Both => is_cut = true,
            Turn::Before | Turn::After => {}
        }
    }
    is_cut
}

/// Whether a listener stays as it is because what it shall do needs a shape that is left alone for now.
fn waits(diff: &Diff<'_>, wish: &ListenerWish) -> bool {
    let (now, _) = Shape::of(diff);
    let group = diff.wanted.groups.iter().find(|group| group.name == wish.group);
    diff.waits.is_some() && group.is_some_and(|group| !now.takes(wish.protocol, group.family))
}

/// Whether a listener that [stays as it is](waits) forwards to a target group.
pub(super) fn is_left(diff: &Diff<'_>, group: &Group) -> bool {
    let details = diff.roles.current.and_then(|current| current.details.as_ref());
    let mut listeners = details.into_iter().flat_map(|details| &details.listeners);
    listeners.any(|listener| {
        let mut wishes = diff.wanted.listeners.iter().filter(|wish| wish.port == listener.it.port);
        listener.it.spec.forward.as_ref() == Some(&group.it.arn) && wishes.any(|wish| waits(diff, wish))
    })
}

fn turn(diff: &Diff<'_>, there: Option<&ListenerDetails>, wish: &ListenerWish) -> Turn {
    let (now, after) = Shape::of(diff);
    let group = diff.wanted.groups.iter().find(|group| group.name == wish.group);
    if now == after || group.is_none_or(|group| now.takes(wish.protocol, group.family)) {
        return Turn::Before;
    }
    let stays = |there: &ListenerDetails| {
        let forward = there.it.spec.forward.as_ref();
        let group = diff.observed.groups.iter().find(|group| Some(&group.it.arn) == forward);
        let fits =
            there.it.spec.protocol.zip(group).is_none_or(|(it, group)| after.takes(it, group.it.family));
        // What was there before us is not deleted: AWS says what it thinks of the change.
        fits || !is_ours(&there.tags, &diff.wanted.lb) || marks::original_of(&there.tags).is_some()
    };
    if there.is_none_or(stays) { Turn::After } else { Turn::Both }
}

/// Removes our listeners from a load balancer. One that was there before us forwards again to where it did, with the
/// certificate and policies that it had; what does not carry our marks is left alone.
pub(super) fn give_back<'a>(
    lb: &LbId,
    balancer: &str,
    listeners: impl IntoIterator<Item = &'a ListenerDetails>,
) -> Vec<Change> {
    let ours = listeners.into_iter().filter(|listener| is_ours(&listener.tags, lb));
    ours.flat_map(|listener| {
        let of = ListenerRef { balancer: balancer.to_owned(), port: listener.it.port };
        match marks::original_of(&listener.tags).zip(listener.it.spec.protocol) {
            None => vec![Change::Listener(of, ListenerChange::Delete)],
            Some((original, protocol)) => {
                let spec = &listener.it.spec;
                let mut before = marks::with_original_tls(spec, &listener.tags);
                before.forward = Some(original.clone());
                let unmark = tags::unmark_listener(of.clone(), &listener.tags);
                if *spec == before {
                    return vec![unmark];
                }
                let to = ListenerPlan {
                    protocol,
                    forward: Forward::Original(original),
                    certificate: before.certificate,
                    ssl_policy: before.ssl_policy,
                    alpn: before.alpn,
                };
                let modify = ListenerChange::Modify { from: spec.clone(), from_group: None, to };
                vec![Change::Listener(of, modify), unmark]
            }
        }
    })
    .collect()
}

/// What a listener for UDP did that went for another shape of the load balancer and did not come back: the target group
/// that it forwarded to is left, with targets of the family that the shape takes.
fn meanwhile(diff: &Diff<'_>, wish: &ListenerWish) -> Option<Meanwhile> {
    let (now, _) = Shape::of(diff);
    let left = diff.observed.groups.iter().filter(|group| {
        group.it.load_balancers.is_empty()
            && (marks::member(&group.tags).as_ref(), group.it.port) == (Some(&wish.member), wish.port)
    });
    let mut left = left.filter_map(|group| Some((group.it.protocol?, group)));
    let (protocol, group) = left.find(|(protocol, group)| {
        wish.protocol.has_udp() && protocol.has_udp() && now.takes(*protocol, group.it.family)
    })?;
    // One that is for UDP alone has none.
    let attributes = if protocol == wish.protocol { wish.attributes.clone() } else { Attributes::new() };
    let spec = ListenerSpec {
        protocol: Some(protocol),
        forward: Some(group.it.arn.clone()),
        certificate: None,
        ssl_policy: None,
        alpn: None,
    };
    Some(Meanwhile { spec, attributes, tags: tags::with_memory(&wish.tags) })
}

fn create(diff: &Diff<'_>, wish: &ListenerWish, meanwhile: Option<Meanwhile>) -> Vec<Change> {
    let (plan, tags) = (plan(wish), tags::with_memory(&wish.tags));
    let mut changes = vec![ListenerChange::Create { plan, tags, meanwhile }];
    changes.extend(wish.certificates.iter().skip(1).cloned().map(ListenerChange::AddCertificate));
    changes.extend(attributes(wish, &Attributes::new(), false).map(ListenerChange::Attributes));
    named(diff, wish, changes)
}

fn adjust(diff: &Diff<'_>, there: &ListenerDetails, wish: &ListenerWish) -> Result<Vec<Change>, AwsError> {
    let ours = is_ours(&there.tags, &diff.wanted.lb);
    if !ours && !diff.is_adopted() {
        let name = format!("{}:{}", diff.balancer_name(), wish.port);
        let owner = marks::mark(&there.tags).map(|mark| mark.lb.to_string());
        return Err(AwsError::Foreign {
            whom: diff.wanted.lb.to_string(),
            kind: kinds::LISTENER,
            name,
            owner,
        });
    }
    let found_before_us = !ours || marks::original_of(&there.tags).is_some();
    let mut changes = Vec::new();
    if !ours {
        // Before it is re-pointed, so that nothing can be forgotten in between.
        changes.push(tags::take_over(diff, there, wish));
    }
    let mut own = Vec::new();
    if differs(diff, &there.it.spec, wish) {
        let group = there.it.spec.forward.as_ref().and_then(|arn| {
            let same = diff.observed.groups.iter().find(|group| group.it.arn == *arn)?;
            Some(same.it.name.clone())
        });
        let from = there.it.spec.clone();
        own.push(ListenerChange::Modify { from, from_group: group, to: plan(wish) });
    }
    own.extend(certificates(there, wish, found_before_us));
    own.extend(attributes(wish, &there.attributes, found_before_us).map(ListenerChange::Attributes));
    changes.extend(named(diff, wish, own));
    Ok(changes)
}

/// `ModifyListener` leaves what it is not told as it is, so the policy is always told.
fn plan(wish: &ListenerWish) -> ListenerPlan {
    let ssl_policy = wish.ssl_policy.as_deref().unwrap_or(DEFAULT_SSL_POLICY);
    ListenerPlan {
        protocol: wish.protocol,
        forward: Forward::Ours(wish.group.clone()),
        certificate: wish.certificates.first().cloned(),
        ssl_policy: (wish.protocol == NlbProtocol::Tls).then(|| ssl_policy.to_owned()),
        alpn: wish.alpn.clone(),
    }
}

fn differs(diff: &Diff<'_>, spec: &ListenerSpec, wish: &ListenerWish) -> bool {
    let group = diff.group(&wish.group).map(|group| &group.it.arn);
    spec.protocol != Some(wish.protocol)
        || group.is_none()
        || spec.forward.as_ref() != group
        || (wish.protocol == NlbProtocol::Tls && tls_differs(spec, wish))
}

fn tls_differs(spec: &ListenerSpec, wish: &ListenerWish) -> bool {
    let policy = |name: &Option<String>| name.clone().unwrap_or_else(|| DEFAULT_SSL_POLICY.to_owned());
    spec.certificate.as_ref() != wish.certificates.first()
        || spec.alpn != wish.alpn
        || policy(&spec.ssl_policy) != policy(&wish.ssl_policy)
}

/// Those that are missing before those that nobody wants: a name is never without its certificate. The limit of
/// certificates leaves room for that unless it is nearly reached. A listener that was there before us keeps those that
/// it had: nobody could put them back later.
fn certificates(there: &ListenerDetails, wish: &ListenerWish, keep: bool) -> Vec<ListenerChange> {
    if wish.protocol != NlbProtocol::Tls {
        return Vec::new();
    }
    let wanted: BTreeSet<&String> = wish.certificates.iter().skip(1).collect();
    let default = wish.certificates.first();
    let missing = wanted.iter().filter(|arn| !there.certificates.contains(**arn));
    let missing = missing.map(|arn| ListenerChange::AddCertificate((*arn).clone()));
    let spare =
        there.certificates.iter().filter(|arn| !keep && !wanted.contains(arn) && Some(*arn) != default);
    missing.chain(spare.map(|arn| ListenerChange::RemoveCertificate(arn.clone()))).collect()
}

fn attributes(wish: &ListenerWish, found: &Attributes, only_asked: bool) -> Option<AttributeChange> {
    let default = |key: &str| if only_asked { None } else { defaults::listener(wish.protocol, key) };
    attribute_change(&wish.attributes, found, default)
}

fn is_ours(tags: &Tags, lb: &LbId) -> bool {
    marks::mark(tags).is_some_and(|mark| mark.lb == *lb)
}

fn named(diff: &Diff<'_>, wish: &ListenerWish, changes: Vec<ListenerChange>) -> Vec<Change> {
    let of = ListenerRef { balancer: diff.balancer_name().to_owned(), port: wish.port };
    changes.into_iter().map(|change| Change::Listener(of.clone(), change)).collect()
}
