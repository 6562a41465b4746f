//! What is known of one load balancer, and until when that is taken to be true. Plain data: no calls, no locks.

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::Duration;

use landfall_core::ids::LbId;
use tokio::time::Instant;

use super::freshness::Freshness;
use super::state::Moment;
use super::watch::Watch;
use crate::api::Tags;
use crate::api::ec2::SecurityGroup;
use crate::api::elb::{BalancerState, HealthState, LoadBalancer, TargetGroup};
use crate::api::ids::{LoadBalancerArn, SecurityGroupId, TargetGroupArn};
use crate::marks;
use crate::observe::{Balancer, Group, Observed};
use crate::resources::{TargetGroupWish, Wanted};

/// What is known of one load balancer.
#[derive(Debug)]
pub(crate) struct Known {
    pub(crate) balancers: Vec<Balancer>,
    pub(crate) groups: Vec<Group>,
    pub(crate) frontend: Vec<SecurityGroup>,
    /// Since when a change may have happened that is not written here.
    pub(crate) doubt: Option<u64>,
    /// Whether somebody is changing it.
    pub(crate) open: bool,
    /// When we last wrote here what we changed.
    changed: Option<Moment>,
    /// When the load balancers were last described.
    pub(crate) described: Instant,
    /// The backend group as it was handed out with the last look.
    pub(crate) lent: Option<SecurityGroupId>,
    /// By name of target groups whose targets are not known: the wish of the first look, as a hash. It is taken to be
    /// what is registered until that is read.
    assumed: BTreeMap<String, u64>,
    pub(crate) details_due: Instant,
    pub(crate) targets_due: Instant,
    watch: Option<Watch>,
}

/// What a list tells of one load balancer.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub(super) balancers: Vec<(LoadBalancer, Tags)>,
    pub(super) groups: Vec<(TargetGroup, Tags)>,
    pub(super) frontend: Vec<SecurityGroup>,
}

/// What has to be read before a wish can be compared.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Needs {
    /// Load balancers whose details are needed.
    pub(crate) balancers: Vec<LoadBalancerArn>,
    /// Target groups whose attributes are needed.
    pub(crate) attributes: Vec<TargetGroupArn>,
    /// Target groups whose targets are needed.
    pub(crate) targets: Vec<TargetGroupArn>,
    /// Everything is compared again: because it is due, or because of a doubt.
    verifies: bool,
    /// The mark on the load balancer says that all is as wished, and nothing contradicts it.
    trusted: bool,
}

impl Known {
    /// Of a load balancer that this process is about to make.
    pub(super) fn new(lb: &LbId, now: Instant, freshness: &Freshness) -> Self {
        let due = now + period(lb, freshness);
        Self {
            balancers: Vec::new(),
            groups: Vec::new(),
            frontend: Vec::new(),
            doubt: None,
            open: false,
            changed: None,
            described: now,
            lent: None,
            assumed: BTreeMap::new(),
            details_due: due,
            targets_due: due,
            watch: None,
        }
    }

    /// Whether nothing exists of it.
    pub(crate) fn is_empty(&self) -> bool {
        self.balancers.is_empty() && self.groups.is_empty() && self.frontend.is_empty()
    }

    /// Whether it may be forgotten.
    pub(super) fn is_over(&self) -> bool {
        self.is_empty() && self.doubt.is_none() && !self.open
    }

    /// Whether what is written here counts for more than a list that was begun then.
    pub(super) fn overrules(&self, began: Moment, settling: Duration) -> bool {
        let recent = || self.changed.is_some_and(|it| began.tick < it.tick || began.at < it.at + settling);
        self.open
            || match self.doubt {
                Some(doubt) => began.tick < doubt,
                None => recent(),
            }
    }

    /// Takes over what a list tells. If something that was there is gone, the rest is compared again at the next look.
    pub(super) fn take(&mut self, found: Found, began: Moment) {
        let before = self.links();
        let mut balancers = std::mem::take(&mut self.balancers);
        let mut groups = std::mem::take(&mut self.groups);
        for (it, tags) in found.balancers {
            let old = position(&balancers, |balancer| balancer.it.arn == it.arn);
            let details = old.and_then(|at| balancers.swap_remove(at).details);
            self.balancers.push(Balancer { it, tags, details });
        }
        for (it, tags) in found.groups {
            let old = position(&groups, |group| group.it.arn == it.arn).map(|at| groups.swap_remove(at));
            let (attributes, targets) = old.map_or((None, None), |old| (old.attributes, old.targets));
            self.groups.push(Group { it, tags, attributes, targets });
        }
        self.frontend = found.frontend;
        self.described = began.at;
        if !before.is_subset(&self.links()) {
            self.details_due = began.at;
        }
    }

    /// Everything that exists, and which target groups load balancers forward to.
    fn links(&self) -> BTreeSet<(String, Option<LoadBalancerArn>)> {
        let balancers = self.balancers.iter().map(|balancer| (balancer.it.arn.to_string(), None));
        let groups = self.groups.iter().flat_map(|group| {
            let arn = group.it.arn.to_string();
            let by = group.it.load_balancers.iter().map(|by| Some(by.clone()));
            std::iter::once(None).chain(by).map(move |by| (arn.clone(), by))
        });
        balancers.chain(groups).collect()
    }

    /// Takes over what was changed. With `complete`, what the mark of what was applied stands for is not kept.
    pub(super) fn settle(
        &mut self,
        ours: &Tags,
        observed: &Observed,
        complete: bool,
        at: Moment,
        of: &Freshness,
    ) {
        let initial = self.initial();
        let known: BTreeSet<_> = self.balancers.iter().map(|balancer| balancer.it.arn.clone()).collect();
        let marked = |tags: &Tags| marks::carries(tags, ours);
        self.balancers = observed.balancers.iter().filter(|it| marked(&it.tags)).cloned().collect();
        self.groups = observed.groups.iter().filter(|it| marked(&it.tags)).cloned().collect();
        self.frontend = observed.frontend.iter().filter(|it| marked(&it.tags)).cloned().collect();
        if complete && self.balancers.iter().any(|balancer| balancer.tags.contains_key(marks::APPLIED)) {
            self.balancers.iter_mut().for_each(|balancer| balancer.details = None);
            self.groups.iter_mut().for_each(|group| group.attributes = None);
        }
        if self.balancers.iter().any(|balancer| !known.contains(&balancer.it.arn)) {
            self.described = at.at;
        }
        (self.doubt, self.open, self.changed) = (None, false, Some(at));
        if !self.initial().is_subset(&initial) {
            self.watch = None;
        }
        self.watch_initial(at.at, of);
    }

    /// What is known, as a look shows it.
    pub(crate) fn observed(&self) -> Observed {
        Observed {
            balancers: self.balancers.clone(),
            groups: self.groups.clone(),
            frontend: self.frontend.clone(),
            ..Observed::default()
        }
    }

    /// What has to be read before the wish can be compared.
    pub(crate) fn needs(&self, wanted: &Wanted, fingerprint: &str, now: Instant) -> Needs {
        let verifies = self.doubt.is_some() || now >= self.details_due;
        let applied = |balancer: &Balancer| {
            balancer.tags.get(marks::APPLIED).is_some_and(|applied| applied == fingerprint)
        };
        let group = |wish: &TargetGroupWish| self.groups.iter().find(|group| group.it.name == wish.name);
        let trusted =
            self.balancers.iter().any(applied) && wanted.groups.iter().all(|wish| group(wish).is_some());
        let details = self
            .balancers
            .iter()
            .filter(|balancer| verifies || (balancer.details.is_none() && !(trusted && applied(balancer))));
        let groups = || wanted.groups.iter().filter_map(|wish| Some((wish, group(wish)?)));
        let attributes = groups().filter(|(_, group)| verifies || (group.attributes.is_none() && !trusted));
        let check = self.watch.as_ref().is_some_and(|watch| watch.is_due(now));
        let targets = groups().filter(|(wish, group)| match &group.targets {
            _ if verifies || now >= self.targets_due => true,
            None => !trusted || self.assumed.get(&wish.name).is_some_and(|hash| *hash != hash_of(wish)),
            Some(_) => check && has_initial(group),
        });
        Needs {
            balancers: details.map(|balancer| balancer.it.arn.clone()).collect(),
            attributes: attributes.map(|(_, group)| group.it.arn.clone()).collect(),
            targets: targets.map(|(_, group)| group.it.arn.clone()).collect(),
            verifies,
            trusted,
        }
    }

    /// Takes over what was read because of `needs`; `observed` holds it.
    pub(crate) fn learn(
        &mut self,
        lb: &LbId,
        wanted: &Wanted,
        needs: &Needs,
        observed: &Observed,
        of: &Freshness,
    ) {
        let now = Instant::now();
        // What a verification finds as the mark says need not be kept; what it finds otherwise is about to be changed.
        let keep = !needs.trusted || self.doubt.is_some();
        for balancer in &mut self.balancers {
            let read = observed.balancers.iter().find(|it| it.it.arn == balancer.it.arn);
            if let Some(read) = read.filter(|_| keep) {
                balancer.details.clone_from(&read.details);
            }
        }
        for group in &mut self.groups {
            let Some(read) = observed.groups.iter().find(|it| it.it.arn == group.it.arn) else { continue };
            if keep {
                group.attributes.clone_from(&read.attributes);
            }
            group.targets.clone_from(&read.targets);
        }
        let unknown = wanted.groups.iter().filter(|wish| {
            self.groups.iter().any(|group| group.it.name == wish.name && group.targets.is_none())
        });
        let assumed = std::mem::take(&mut self.assumed);
        self.assumed = unknown
            .map(|wish| {
                (wish.name.clone(), assumed.get(&wish.name).copied().unwrap_or_else(|| hash_of(wish)))
            })
            .collect();
        if needs.verifies {
            self.details_due = now + period(lb, of);
        }
        if needs.verifies || now >= self.targets_due {
            self.targets_due = now + period(lb, of);
        }
        self.doubt = None;
        if !needs.targets.is_empty() {
            self.watch.iter_mut().for_each(|watch| watch.looked(now));
            self.watch_initial(now, of);
        }
    }

    /// When to look again.
    pub(crate) fn look_again(&self, now: Instant, of: &Freshness) -> Duration {
        let provisioning = self.is_provisioning().then(|| self.described + of.provisioning);
        let health = self.watch.as_ref().and_then(Watch::next);
        let due = self.details_due.min(self.targets_due);
        let next = [provisioning, health].into_iter().flatten().fold(due, Instant::min);
        next.saturating_duration_since(now)
    }

    /// Whether one of its load balancers is being set up.
    pub(crate) fn is_provisioning(&self) -> bool {
        self.balancers.iter().any(|balancer| balancer.it.state == BalancerState::Provisioning)
    }

    fn initial(&self) -> BTreeSet<(TargetGroupArn, String, u16)> {
        let targets = self.groups.iter().flat_map(|group| {
            let states = group.targets.iter().flat_map(BTreeMap::values);
            let initial = states.filter(|it| it.state == HealthState::Initial);
            initial.map(|it| (group.it.arn.clone(), it.target.id.clone(), it.target.port))
        });
        targets.collect()
    }

    fn watch_initial(&mut self, now: Instant, of: &Freshness) {
        if self.groups.iter().any(has_initial) {
            self.watch.get_or_insert_with(|| Watch::new(now, of));
        } else {
            self.watch = None;
        }
    }
}

fn has_initial(group: &Group) -> bool {
    let mut states = group.targets.iter().flat_map(BTreeMap::values);
    states.any(|it| it.state == HealthState::Initial)
}

fn position<T>(of: &[T], is: impl FnMut(&T) -> bool) -> Option<usize> {
    of.iter().position(is)
}

/// How long the details of a load balancer are good: up to a quarter shorter than allowed, each its own.
pub(super) fn period(lb: &LbId, freshness: &Freshness) -> Duration {
    let share = u32::try_from(rank(lb) % 256).unwrap_or_default();
    freshness.details - freshness.details / 4 * share / 256
}

/// A number that orders load balancers without regard to their names.
pub(super) fn rank(lb: &LbId) -> u64 {
    let mut hasher = DefaultHasher::new();
    lb.hash(&mut hasher);
    hasher.finish()
}

fn hash_of(wish: &TargetGroupWish) -> u64 {
    let mut hasher = DefaultHasher::new();
    wish.registered.keys().for_each(|target| target.hash(&mut hasher));
    hasher.finish()
}
