//! Target groups and their health checks.

use std::collections::BTreeMap;

use landfall_aws::api::elb::{GroupTargets, HealthCheck, NewTargetGroup, TargetGroup, WhichGroups};
use landfall_aws::api::ids::{LoadBalancerArn, TargetGroupArn};
use landfall_aws::api::{Attributes, Page};
use landfall_core::net::IpFamily;
use landfall_core::params::aws::HealthProtocol;
use tokio::time::Instant;

use super::attributes;
use super::names;
use super::page::page;
use super::quotas::Quota;
use super::refused::{Done, refuse};
use super::state::State;
use super::targets::TargetRecord;

/// Most names in one request.
const AT_ONCE: usize = 20;

/// A target group.
#[derive(Debug)]
pub(super) struct GroupRecord {
    /// As described, but for the load balancers.
    pub(super) it: TargetGroup,
    pub(super) attributes: Attributes,
    /// Targets by id and port.
    pub(super) targets: BTreeMap<(String, u16), TargetRecord>,
    /// Since when a listener has forwarded to it.
    pub(super) used_since: Option<Instant>,
    /// Until when it counts as used although nothing forwards to it any more.
    pub(super) busy_until: Instant,
}

impl State {
    pub(super) fn group(&self, arn: &TargetGroupArn) -> Done<&GroupRecord> {
        match self.groups.get(arn) {
            Some(record) => Ok(record),
            None => refuse("TargetGroupNotFound", format!("Target group '{arn}' not found")),
        }
    }

    pub(super) fn group_mut(&mut self, arn: &TargetGroupArn) -> Done<&mut GroupRecord> {
        match self.groups.get_mut(arn) {
            Some(record) => Ok(record),
            None => refuse("TargetGroupNotFound", format!("Target group '{arn}' not found")),
        }
    }

    /// The load balancer whose listeners forward to a group.
    pub(super) fn user_of(&self, group: &TargetGroupArn) -> Option<&LoadBalancerArn> {
        let forwards = self.listeners.values().find(|one| one.it.spec.forward.as_ref() == Some(group));
        forwards.map(|listener| &listener.balancer)
    }

    /// A group as described now.
    pub(super) fn read_group(&self, record: &GroupRecord) -> TargetGroup {
        let load_balancers = self.user_of(&record.it.arn).into_iter().cloned().collect();
        TargetGroup { load_balancers, ..record.it.clone() }
    }

    pub(super) fn list_groups(&self, which: &WhichGroups, marker: Option<&str>) -> Done<Page<TargetGroup>> {
        let all = self.groups.iter();
        let of_these: Vec<_> = match which {
            WhichGroups::All => all.collect(),
            WhichGroups::Named(names) => {
                if names.len() > AT_ONCE {
                    let text = format!("{} target groups asked for, at most {AT_ONCE}", names.len());
                    return refuse("ValidationError", text);
                }
                let found: Vec<_> = all.filter(|(_, record)| names.contains(&record.it.name)).collect();
                if found.len() < names.len() {
                    return refuse("TargetGroupNotFound", "One or more target groups not found");
                }
                found
            }
            WhichGroups::Of(balancer) => {
                self.balancer(balancer)?;
                all.filter(|(arn, _)| self.user_of(arn) == Some(balancer)).collect()
            }
        };
        let read = of_these.into_iter().map(|(arn, record)| (arn, self.read_group(record)));
        Ok(page(read, marker, self.page))
    }

    pub(super) fn create_group(&mut self, new: &NewTargetGroup) -> Done<TargetGroup> {
        names::resource(&new.name)?;
        names::tags(&new.tags, "TooManyTags")?;
        let health = checked(&new.health)?;
        if new.port == 0 {
            return refuse("ValidationError", "The port must be from 1 to 65535");
        }
        let v6 = |vpc: &landfall_aws::api::ec2::Vpc| vpc.ranges.iter().any(|range| range.addr().is_ipv6());
        match self.network.vpcs.get(&new.vpc) {
            None => return refuse("ValidationError", format!("The VPC ID '{}' is not found", new.vpc)),
            Some(vpc) if new.family == IpFamily::V6 && !v6(vpc) => {
                return refuse("ValidationError", format!("The VPC '{}' has no IPv6 range", new.vpc));
            }
            Some(_) => {}
        }
        if let Some(there) = self.groups.values().find(|there| there.it.name == new.name) {
            let same_tags = self.tags.get(there.it.arn.as_str()) == Some(&new.tags);
            if there.is_as(new, &health) && (same_tags || !self.tags_are_settings) {
                return Ok(self.read_group(there));
            }
            let text =
                format!("A target group with the name '{}' exists, but with different settings", new.name);
            return refuse("DuplicateTargetGroupName", text);
        }
        self.quotas.check(Quota::Groups, self.groups.len() + 1)?;
        Ok(self.make_group(new, health))
    }

    fn make_group(&mut self, new: &NewTargetGroup, health: HealthCheck) -> TargetGroup {
        let arn = TargetGroupArn::new(self.arn(&format!("targetgroup/{}", new.name)));
        let it = TargetGroup {
            arn: arn.clone(),
            name: new.name.clone(),
            protocol: Some(new.protocol),
            port: new.port,
            vpc: Some(new.vpc.clone()),
            targets: Some(new.targets),
            family: new.family,
            health,
            load_balancers: Vec::new(),
        };
        let record = GroupRecord {
            it: it.clone(),
            attributes: attributes::of_group(new.protocol, new.targets),
            targets: BTreeMap::new(),
            used_since: None,
            busy_until: self.now,
        };
        self.tags.insert(arn.to_string(), new.tags.clone());
        self.groups.insert(arn, record);
        it
    }

    pub(super) fn modify_group(&mut self, arn: &TargetGroupArn, health: &HealthCheck) -> Done<()> {
        let health = checked(health)?;
        self.group_mut(arn)?.it.health = health;
        Ok(())
    }

    /// No error is documented for a group that does not exist.
    pub(super) fn delete_group(&mut self, arn: &TargetGroupArn) -> Done<()> {
        let Some(record) = self.groups.get(arn) else { return Ok(()) };
        if self.user_of(arn).is_some() || record.busy_until > self.now {
            let text = format!("Target group '{arn}' is currently in use by a listener or a rule");
            return refuse("ResourceInUse", text);
        }
        self.groups.remove(arn);
        self.tags.remove(arn.as_str());
        Ok(())
    }

    /// Keeps the record of use after a listener came, went or was changed.
    pub(super) fn note_use(&mut self, group: &TargetGroupArn) {
        let used = self.user_of(group).is_some();
        let (now, release) = (self.now, self.timing.group_release);
        let Some(record) = self.groups.get_mut(group) else { return };
        if used {
            record.used_since.get_or_insert(now);
        } else if record.used_since.take().is_some() {
            record.busy_until = now + release;
        }
    }
}

impl GroupRecord {
    /// Whether it could have been made by this request.
    fn is_as(&self, new: &NewTargetGroup, health: &HealthCheck) -> bool {
        let TargetGroup { protocol, port, vpc, targets, family, .. } = &self.it;
        (*protocol, *port, *targets) == (Some(new.protocol), new.port, Some(new.targets))
            && vpc.as_ref() == Some(&new.vpc)
            && *family == new.family
            && self.it.health == *health
    }

    pub(super) fn is_of(&self, kind: GroupTargets) -> bool {
        self.it.targets == Some(kind)
    }
}

/// A health check with AWS's defaults filled in; see the API page of `CreateTargetGroup`.
fn checked(health: &HealthCheck) -> Done<HealthCheck> {
    let ranges = [
        ("interval", health.interval, 5..=300),
        ("timeout", health.timeout, 2..=120),
        ("healthy threshold", health.healthy, 2..=10),
        ("unhealthy threshold", health.unhealthy, 2..=10),
    ];
    for (what, value, range) in ranges {
        if !range.contains(&value) {
            return refuse("ValidationError", format!("Health check {what} {value} is not in {range:?}"));
        }
    }
    if health.timeout > health.interval {
        return refuse("ValidationError", "Health check timeout must not be greater than the interval");
    }
    if health.port == Some(0) {
        return refuse("ValidationError", "Health check port must be from 1 to 65535");
    }
    let mut full = health.clone();
    if health.protocol == HealthProtocol::Tcp {
        if health.path.is_some() || health.codes.is_some() {
            return refuse("ValidationError", "Path and codes are not supported for TCP health checks");
        }
        return Ok(full);
    }
    let path = full.path.get_or_insert_with(|| "/".to_owned());
    if !path.starts_with('/') || path.len() > 1_024 {
        return refuse("ValidationError", format!("Health check path '{path}' is not valid"));
    }
    let codes = full.codes.get_or_insert_with(|| "200-399".to_owned());
    if !are_codes(codes) {
        return refuse("ValidationError", format!("Health check matcher '{codes}' is not valid"));
    }
    Ok(full)
}

/// A list of codes, or one range, from 200 to 599.
fn are_codes(codes: &str) -> bool {
    let code = |text: &str| text.parse::<u16>().ok().filter(|code| (200..=599).contains(code));
    match codes.split_once('-') {
        Some((from, to)) => code(from).zip(code(to)).is_some_and(|(from, to)| from <= to),
        None => codes.split(',').all(|one| code(one).is_some()),
    }
}
