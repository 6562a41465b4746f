//! What exists, and the time.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jiff::Timestamp;
use landfall_aws::api::Tags;
use landfall_aws::api::ec2::SecurityGroup;
use landfall_aws::api::ids::{ListenerArn, LoadBalancerArn, SecurityGroupId, TargetGroupArn};
use tokio::time::Instant;

use super::balancers::BalancerRecord;
use super::buckets::Buckets;
use super::groups::GroupRecord;
use super::interfaces::InterfaceRecord;
use super::listeners::ListenerRecord;
use super::network::Network;
use super::quotas::Quotas;
use super::tags::LateTags;

/// Account and region in every ARN.
const PLACE: &str = "eu-central-1:123456789012";
/// When the account was opened, in seconds after the epoch: 2026-01-01.
const OPENED: i64 = 1_767_225_600;
/// The largest page that a list can have.
pub(super) const PAGE: usize = 400;

/// How long things take. By default nothing takes any time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Timing {
    /// From the creation of a load balancer until it is active; minutes in reality.
    pub provisioning: Duration,
    /// For which a target group counts as used after the last listener that forwards to it is gone.
    pub group_release: Duration,
    /// For which the interfaces of a load balancer stay, with their addresses and security groups, after it or its
    /// zone is gone.
    pub interface_release: Duration,
    /// From the removal of a zone until another subnet of it can be added; up to three minutes in reality.
    pub zone_release: Duration,
    /// From the registration of a target until it is healthy.
    pub first_checks: Duration,
    /// Until a capacity reservation is provisioned.
    pub capacity: Duration,
}

/// One account in one region.
#[derive(Debug)]
pub(super) struct State {
    /// The time of the call that is being answered.
    pub(super) now: Instant,
    opened: Instant,
    /// When the next interface or target is over; `None` if none is to end.
    next_end: Option<Instant>,
    serial: u64,
    pub(super) timing: Timing,
    pub(super) page: usize,
    pub(super) quotas: Quotas,
    pub(super) buckets: Option<Buckets>,
    /// Whether tags are among the settings that must be equal for a repeated create.
    pub(super) tags_are_settings: bool,
    pub(super) network: Network,
    /// Ids and addresses of targets that fail their health checks.
    pub(super) unhealthy: BTreeSet<String>,
    pub(super) security_groups: BTreeMap<SecurityGroupId, SecurityGroup>,
    pub(super) interfaces: BTreeMap<String, InterfaceRecord>,
    pub(super) balancers: BTreeMap<LoadBalancerArn, BalancerRecord>,
    pub(super) groups: BTreeMap<TargetGroupArn, GroupRecord>,
    pub(super) listeners: BTreeMap<ListenerArn, ListenerRecord>,
    /// Tags of load balancers, target groups and listeners, by ARN. Whatever exists has an entry.
    pub(super) tags: BTreeMap<String, Tags>,
    /// How reads tell the tags of some ARNs for now.
    pub(super) late_tags: BTreeMap<String, LateTags>,
}

impl State {
    /// An account with nothing in it but a network.
    pub(super) fn new(network: Network) -> Self {
        let now = Instant::now();
        Self {
            now,
            opened: now,
            next_end: None,
            serial: 0,
            timing: Timing::default(),
            page: PAGE,
            quotas: Quotas::default(),
            buckets: None,
            tags_are_settings: false,
            network,
            unhealthy: BTreeSet::new(),
            security_groups: BTreeMap::new(),
            interfaces: BTreeMap::new(),
            balancers: BTreeMap::new(),
            groups: BTreeMap::new(),
            listeners: BTreeMap::new(),
            tags: BTreeMap::new(),
            late_tags: BTreeMap::new(),
        }
    }

    /// Sets the time, and lets go what is over by then.
    pub(super) fn advance(&mut self) {
        let now = Instant::now();
        self.now = now;
        if self.next_end.is_none_or(|at| at > now) {
            return;
        }
        self.interfaces.retain(|_, interface| interface.gone_at.is_none_or(|at| at > now));
        for group in self.groups.values_mut() {
            group.targets.retain(|_, target| target.drained_at.is_none_or(|at| at > now));
        }
        let interfaces = self.interfaces.values().filter_map(|interface| interface.gone_at);
        let targets = self.groups.values().flat_map(|group| group.targets.values());
        self.next_end = interfaces.chain(targets.filter_map(|target| target.drained_at)).min();
    }

    /// Notes that an interface or a target is over then.
    pub(super) fn ends_at(&mut self, at: Instant) {
        self.next_end = Some(self.next_end.map_or(at, |next| next.min(at)));
    }

    /// A number that nothing else has, as 17 hexadecimal digits.
    pub(super) fn fresh(&mut self) -> String {
        self.serial += 1;
        format!("{:017x}", self.serial)
    }

    /// The ARN of something new of ELBv2.
    pub(super) fn arn(&mut self, path: &str) -> String {
        let serial = &self.fresh()[1..];
        format!("arn:aws:elasticloadbalancing:{PLACE}:{path}/{serial}")
    }

    /// The time of the call that is being answered, as clocks show it.
    pub(super) fn timestamp(&self) -> Timestamp {
        self.timestamp_at(self.now)
    }

    /// A time as clocks show it.
    pub(super) fn timestamp_at(&self, at: Instant) -> Timestamp {
        let elapsed = i64::try_from((at - self.opened).as_secs()).unwrap_or(i64::MAX - OPENED);
        Timestamp::from_second(OPENED + elapsed).unwrap_or(Timestamp::MAX)
    }
}
