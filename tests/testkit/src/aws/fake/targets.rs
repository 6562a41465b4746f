//! Targets: registration, draining, health.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use landfall_aws::api::elb::{BalancerState, GroupTargets, HealthState, Target, TargetState};
use landfall_aws::api::ids::{InstanceId, LoadBalancerArn, TargetGroupArn};
use landfall_core::net::IpFamily;
use tokio::time::Instant;

use super::attributes::{CROSS_ZONE, DELAY};
use super::groups::GroupRecord;
use super::quotas::Quota;
use super::refused::{Done, refuse};
use super::state::State;

/// A target of a group.
#[derive(Debug, Clone)]
pub(super) struct TargetRecord {
    /// The zone given at registration.
    zone: Option<String>,
    registered_at: Instant,
    /// When it is gone, once it is deregistered.
    pub(super) drained_at: Option<Instant>,
}

/// What the health checks say, with reason code and text.
type Health = (HealthState, Option<(&'static str, &'static str)>);

impl State {
    /// All or none: one target that is not valid refuses the whole request.
    pub(super) fn register(&mut self, arn: &TargetGroupArn, targets: &[Target]) -> Done<()> {
        if targets.is_empty() {
            return refuse("ValidationError", "At least one target must be specified");
        }
        let group = self.group(arn)?;
        for target in targets {
            self.check_target(group, target)?;
        }
        let mut all = group.targets.clone();
        for target in targets {
            let fresh = TargetRecord { zone: target.zone.clone(), registered_at: self.now, drained_at: None };
            let there = all.entry((target.id.clone(), target.port)).or_insert_with(|| fresh.clone());
            if there.drained_at.is_some() {
                *there = fresh;
            }
        }
        self.quotas.check(Quota::TargetsPerGroup, in_use(&all))?;
        let before = std::mem::replace(&mut self.group_mut(arn)?.targets, all);
        let over = self.user_of(arn).cloned().map_or(Ok(()), |balancer| self.check_target_quotas(&balancer));
        if over.is_err() {
            self.group_mut(arn)?.targets = before;
        }
        over
    }

    /// What is not registered is none to deregister. The others drain if something forwards to the group.
    pub(super) fn deregister(&mut self, arn: &TargetGroupArn, targets: &[Target]) -> Done<()> {
        if targets.is_empty() {
            return refuse("ValidationError", "At least one target must be specified");
        }
        let drains = self.user_of(arn).is_some();
        let now = self.now;
        let group = self.group_mut(arn)?;
        let delay = group.attributes.get(DELAY).and_then(|value| value.parse().ok()).unwrap_or_default();
        let until = now + Duration::from_secs(if drains { delay } else { 0 });
        for target in targets {
            let there = group.targets.get_mut(&(target.id.clone(), target.port));
            if let Some(record) = there.filter(|record| record.drained_at.is_none()) {
                record.drained_at = Some(until);
            }
        }
        self.ends_at(until);
        self.advance();
        Ok(())
    }

    pub(super) fn target_health(&self, arn: &TargetGroupArn) -> Done<Vec<TargetState>> {
        let group = self.group(arn)?;
        let state = |((id, port), record): (&(String, u16), &TargetRecord)| {
            let (state, why) = self.health(group, id, record);
            TargetState {
                target: Target { id: id.clone(), port: *port, zone: record.zone.clone() },
                state,
                reason: why.map(|(reason, _)| reason.to_owned()),
                description: why.map(|(_, text)| text.to_owned()),
            }
        };
        Ok(group.targets.iter().map(state).collect())
    }

    fn health(&self, group: &GroupRecord, id: &str, record: &TargetRecord) -> Health {
        const UNUSED: &str = "Target.NotInUse";
        if record.drained_at.is_some() {
            let why = ("Target.DeregistrationInProgress", "Target deregistration is in progress");
            return (HealthState::Draining, Some(why));
        }
        let balancer = self.user_of(&group.it.arn).and_then(|arn| self.balancers.get(arn));
        let Some((balancer, used)) = balancer.zip(group.used_since) else {
            let text = "Target group is not configured to receive traffic from the load balancer";
            return (HealthState::Unused, Some((UNUSED, text)));
        };
        let instance = self.network.instances.get(&InstanceId::from(id));
        if group.is_of(GroupTargets::Instance) && instance.is_none_or(|one| one.state != "running") {
            return (HealthState::Unused, Some(("Target.InvalidState", "Target is in the stopped state")));
        }
        let enabled = |zone: &str| balancer.it.zones.iter().any(|one| one.zone == zone);
        if self.zone_of_target(group, id, record).is_some_and(|zone| !enabled(&zone)) {
            let text = "Target is in an Availability Zone that is not enabled for the load balancer";
            return (HealthState::Unused, Some((UNUSED, text)));
        }
        let since = record.registered_at.max(used).max(balancer.ready_at);
        if self.now < since + self.timing.first_checks
            || balancer.read(self.now).state == BalancerState::Provisioning
        {
            let why = ("Elb.RegistrationInProgress", "Target registration is in progress");
            return (HealthState::Initial, Some(why));
        }
        if self.unhealthy.contains(id) {
            return (HealthState::Unhealthy, Some(("Target.FailedHealthChecks", "Health checks failed")));
        }
        (HealthState::Healthy, None)
    }

    /// The zone that a target counts for; `None` for one that belongs to all.
    fn zone_of_target(&self, group: &GroupRecord, id: &str, record: &TargetRecord) -> Option<String> {
        if group.is_of(GroupTargets::Instance) {
            return self.network.instances.get(&InstanceId::from(id)).map(|one| one.zone.clone());
        }
        let given = record.zone.clone().filter(|zone| zone != "all");
        let vpc = group.it.vpc.as_ref()?;
        let found = || self.network.zone_of(vpc, id.parse().ok()?).map(str::to_owned);
        if record.zone.is_some() { given } else { found() }
    }

    fn check_target(&self, group: &GroupRecord, target: &Target) -> Done<()> {
        if target.port == 0 {
            return refuse("ValidationError", format!("Port 0 of target '{}' is not valid", target.id));
        }
        if !group.is_of(GroupTargets::Instance) {
            return self.check_address(group, target);
        }
        if target.zone.is_some() {
            return refuse("ValidationError", "A zone cannot be given for a target of type instance");
        }
        let instance = self.network.instances.get(&InstanceId::from(target.id.as_str()));
        match instance {
            None => refuse(
                "InvalidTarget",
                format!("The following targets are not valid instances: '{}'", target.id),
            ),
            Some(one) if one.state != "running" => refuse(
                "InvalidTarget",
                format!("The following targets are not in a running state: '{}'", target.id),
            ),
            Some(one) if one.vpc != group.it.vpc => {
                refuse("InvalidTarget", format!("The following targets are in another VPC: '{}'", target.id))
            }
            Some(_) => Ok(()),
        }
    }

    /// An address of the group's family: of the network, or a private one outside of it with the zone `all`.
    fn check_address(&self, group: &GroupRecord, target: &Target) -> Done<()> {
        let invalid = |why: &str| refuse("InvalidTarget", format!("The IP address '{}' {why}", target.id));
        let Ok(address) = target.id.parse::<IpAddr>() else { return invalid("cannot be parsed") };
        if IpFamily::of(&address) != group.it.family {
            return invalid("is not of the target group's family");
        }
        let vpc = group.it.vpc.as_ref().and_then(|id| self.network.vpcs.get(id));
        let inside = vpc.is_some_and(|vpc| vpc.ranges.iter().any(|range| range.contains(&address)));
        let all = target.zone.as_deref() == Some("all");
        match address {
            _ if inside && all => invalid("is in the VPC: the zone must not be all"),
            _ if inside => Ok(()),
            _ if !all => invalid("is outside of the VPC: the zone must be all"),
            IpAddr::V4(v4) if is_private(v4) => Ok(()),
            _ => invalid("is not a private address"),
        }
    }

    /// How many targets a load balancer has, in all and by zone.
    pub(super) fn check_target_quotas(&self, balancer: &LoadBalancerArn) -> Done<()> {
        let record = self.balancer(balancer)?;
        let mut zones = BTreeMap::<String, usize>::new();
        let (mut all, mut crossing) = (0, 0);
        let listeners = self.listeners.values().filter(|listener| listener.balancer == *balancer);
        let groups: BTreeSet<_> =
            listeners.filter_map(|listener| listener.it.spec.forward.as_ref()).collect();
        for group in groups.into_iter().filter_map(|arn| self.groups.get(arn)) {
            let count = in_use(&group.targets);
            all += count;
            let own =
                group.attributes.get(CROSS_ZONE).filter(|value| *value != "use_load_balancer_configuration");
            if own.or(record.attributes.get(CROSS_ZONE)).is_some_and(|value| value == "true") {
                crossing += count;
            }
            for ((id, _), target) in group.targets.iter().filter(|(_, target)| target.drained_at.is_none()) {
                *zones.entry(self.zone_of_target(group, id, target).unwrap_or_default()).or_default() += 1;
            }
        }
        self.quotas.check(Quota::TargetsPerBalancer, all)?;
        self.quotas.check(Quota::TargetsPerZone, crossing)?;
        zones.into_values().try_for_each(|count| self.quotas.check(Quota::TargetsPerZone, count))
    }
}

/// Targets that count: those that drain do not.
fn in_use(targets: &BTreeMap<(String, u16), TargetRecord>) -> usize {
    targets.values().filter(|target| target.drained_at.is_none()).count()
}

/// RFC 1918 and RFC 6598: what ELBv2 takes from outside of the VPC.
fn is_private(address: Ipv4Addr) -> bool {
    let [first, second, ..] = address.octets();
    address.is_private() || (first == 100 && (64..128).contains(&second))
}
