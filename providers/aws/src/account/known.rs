//! What is known of one load balancer, and until when that is taken to be true. Plain data: no calls, no locks.

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::mem;
use std::time::Duration;

use landfall_core::ids::LbId;
use tokio::time::Instant;

use super::freshness::Freshness;
use super::heard::Moment;
use super::refused::Refused;
use super::roster::{Pool, Roster};
use super::watch::{Over, Turns, Watch};
use crate::api::ec2::SecurityGroup;
use crate::api::elb::{BalancerState, HealthState, LoadBalancer, TargetGroup};
use crate::api::ids::{LoadBalancerArn, SecurityGroupId, TargetGroupArn};
use crate::api::{Attributes, Tags};
use crate::marks;
use crate::observe::{Balancer, Group, Observed};
use crate::resources::{BalancerWish, Wanted};

/// What is known of one load balancer.
#[derive(Debug)]
pub(crate) struct Known {
    pub(crate) balancers: Vec<Balancer>,
    pub(crate) groups: Vec<KnownGroup>,
    pub(crate) frontend: Vec<SecurityGroup>,
    /// Since when a change may have happened that is not written here.
    pub(super) doubt: Option<Moment>,
    /// Whether somebody is changing it.
    pub(super) open: bool,
    /// When we last wrote here what we changed.
    changed: Option<Moment>,
    /// When the load balancers were last described.
    pub(super) described: Instant,
    /// The backend group as it was handed out with the last look.
    pub(crate) lent: Option<SecurityGroupId>,
    /// By name of target groups whose targets are not known: the wish of the first look, as a hash. It is taken to be
    /// what is registered until that is read.
    pub(super) assumed: BTreeMap<String, u64>,
    pub(super) details_due: Instant,
    /// Whether details are due because something showed that they may be wrong, and not by the clock alone.
    pub(super) closely: bool,
    /// When details that were due by the clock were first put off.
    put_off: Option<Instant>,
    pub(super) targets_due: Instant,
    pub(super) watch: Option<Watch>,
    /// A successor waits for healthy targets, and those of its predecessor were read since it takes traffic.
    pub(super) waits: bool,
    /// The shape that AWS refused last.
    pub(super) refused: Option<Refused>,
}

/// How much later a verification is that is put off.
const PUT_OFF: Duration = Duration::from_mins(1);
/// How late it is at most because of that.
const PUT_OFF_AT_MOST: Duration = Duration::from_hours(1);

/// A target group. See [`Group`] for the meaning of what is `None`.
#[derive(Debug)]
pub(crate) struct KnownGroup {
    pub(crate) it: TargetGroup,
    pub(crate) tags: Tags,
    pub(super) attributes: Option<Attributes>,
    pub(super) targets: Option<Roster>,
    /// When the targets were read.
    pub(super) read: Option<Instant>,
}

/// What a list tells of one load balancer.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub(super) balancers: Vec<(LoadBalancer, Tags)>,
    pub(super) groups: Vec<(TargetGroup, Tags)>,
    pub(super) frontend: Vec<SecurityGroup>,
}

/// What exists of one load balancer after we changed it.
#[derive(Debug)]
pub(super) struct Written {
    balancers: Vec<Balancer>,
    groups: Vec<KnownGroup>,
    frontend: Vec<SecurityGroup>,
    /// All that was to be changed is. A mark that was put on in doing so stands for the details from now on.
    complete: bool,
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
            closely: false,
            put_off: None,
            targets_due: due,
            watch: None,
            waits: false,
            refused: None,
        }
    }

    /// What is known, as a look shows it.
    pub(crate) fn observed(&self) -> Observed {
        Observed {
            balancers: self.balancers.clone(),
            groups: self.groups.iter().map(KnownGroup::observed).collect(),
            frontend: self.frontend.clone(),
            refused_shape: self.refused.as_ref().and_then(|refused| refused.shown(Instant::now())),
            ..Observed::default()
        }
    }

    /// Whether it may be forgotten.
    pub(super) fn is_over(&self) -> bool {
        let is_empty = self.balancers.is_empty() && self.groups.is_empty() && self.frontend.is_empty();
        is_empty && self.doubt.is_none() && !self.open
    }

    /// How long lists may yet lack what a change in doubt made.
    pub(super) fn unsettled(&self, now: Instant, freshness: &Freshness) -> Option<Duration> {
        let left = (self.doubt?.at + freshness.settling).saturating_duration_since(now);
        (!left.is_zero()).then_some(left)
    }

    /// How long tags and lists may yet lack what we changed last.
    pub(super) fn settling(&self, now: Instant, freshness: &Freshness) -> Option<Duration> {
        let left = (self.changed?.at + freshness.settling).saturating_duration_since(now);
        (!left.is_zero()).then_some(left)
    }

    /// Whether one of its load balancers is being set up.
    pub(super) fn is_provisioning(&self) -> bool {
        self.balancers.iter().any(|balancer| balancer.it.state == BalancerState::Provisioning)
    }

    /// Whether what is written here counts for more than a list that was begun then.
    pub(super) fn overrules(&self, began: Moment, settling: Duration) -> bool {
        if self.open {
            return true;
        }
        match self.doubt {
            Some(doubt) => began.tick < doubt.tick,
            None => self.changed.is_some_and(|changed| changed.overrules(began, settling)),
        }
    }

    /// Takes over what a list tells. If something that was there is gone, the rest is compared again at the next look.
    pub(super) fn take(&mut self, found: Found, began: Moment) {
        let before = self.links();
        let mut balancers = mem::take(&mut self.balancers);
        let mut groups = mem::take(&mut self.groups);
        for (it, tags) in found.balancers {
            let old = balancers.iter().position(|old| old.it.arn == it.arn);
            let details = old.and_then(|at| balancers.swap_remove(at).details);
            self.balancers.push(Balancer { it, tags, details });
        }
        for (it, tags) in found.groups {
            let old = groups.iter().position(|old| old.it.arn == it.arn).map(|at| groups.swap_remove(at));
            let (attributes, targets, read) =
                old.map_or((None, None, None), |old| (old.attributes, old.targets, old.read));
            self.groups.push(KnownGroup { it, tags, attributes, targets, read });
        }
        self.frontend = found.frontend;
        self.described = began.at;
        if !before.is_subset(&self.links()) {
            self.look_closely(began.at);
        }
    }

    /// Everything is compared again at the next look.
    pub(super) fn look_closely(&mut self, now: Instant) {
        (self.details_due, self.closely) = (now, true);
    }

    /// Puts off what is due by the clock alone, for a while and not again and again: AWS throttles reads, and what it
    /// lets through is for changes.
    pub(crate) fn put_off(&mut self, now: Instant) {
        let first = self.put_off.unwrap_or(now);
        if self.details_due <= now && !self.closely && now < first + PUT_OFF_AT_MOST {
            (self.details_due, self.put_off) = (now + PUT_OFF, Some(first));
        }
    }

    /// Details were read: when to read them next.
    pub(super) fn verified(&mut self, next: Instant) {
        (self.details_due, self.closely, self.put_off) = (next, false, None);
    }

    /// Forgets what was refused of another wish.
    pub(crate) fn expect(&mut self, wanted: &Wanted) {
        self.refused.take_if(|refused| !refused.is_of(&wanted.balancer));
    }

    /// AWS took the shape wished, or told why it does not.
    pub(super) fn shape_answered(&mut self, wish: &BalancerWish, answer: Result<(), String>, now: Instant) {
        let before = self.refused.take();
        self.refused = answer.err().map(|why| Refused::again(before, wish, why, now));
    }

    /// Everything that exists, and which load balancers forward to which target groups.
    fn links(&self) -> BTreeSet<(String, Option<LoadBalancerArn>)> {
        let balancers = self.balancers.iter().map(|balancer| (balancer.it.arn.to_string(), None));
        let groups = self.groups.iter().flat_map(|group| {
            let arn = group.it.arn.to_string();
            let by = group.it.load_balancers.iter().map(|by| Some(by.clone()));
            std::iter::once(None).chain(by).map(move |by| (arn.clone(), by))
        });
        balancers.chain(groups).collect()
    }

    /// Takes over what we changed.
    pub(super) fn settle(&mut self, mut written: Written, at: Moment) {
        if written.complete && written.balancers.iter().any(|it| self.is_newly_marked(it)) {
            written.balancers.iter_mut().for_each(|it| it.details = None);
            written.groups.iter_mut().for_each(|it| it.attributes = None);
        }
        let initial = self.initial();
        let is_new = |it: &Balancer| self.balancers.iter().all(|old| old.it.arn != it.it.arn);
        if written.balancers.iter().any(is_new) {
            self.described = at.at;
        }
        for group in &mut written.groups {
            let before = self.groups.iter().find(|before| before.it.arn == group.it.arn);
            group.read = before.map_or(Some(at.at), |before| before.read);
        }
        (self.balancers, self.groups, self.frontend) = (written.balancers, written.groups, written.frontend);
        (self.doubt, self.open, self.changed) = (None, false, Some(at));
        if !self.initial().is_subset(&initial) {
            self.watch = None;
        }
    }

    /// Whether a load balancer has a mark of what was applied that it had not before.
    fn is_newly_marked(&self, balancer: &Balancer) -> bool {
        let before = self.balancers.iter().find(|before| before.it.arn == balancer.it.arn);
        let mark = balancer.tags.get(marks::APPLIED);
        mark.is_some() && mark != before.and_then(|before| before.tags.get(marks::APPLIED))
    }

    /// Targets whose first checks run.
    fn initial(&self) -> BTreeSet<(TargetGroupArn, String, u16)> {
        let targets = self.groups.iter().flat_map(|group| {
            let targets = group.targets.iter().flat_map(Roster::iter);
            let initial = targets.filter(|it| it.state == HealthState::Initial);
            initial.map(|it| (group.it.arn.clone(), it.target.id, it.target.port))
        });
        targets.collect()
    }

    /// Goes on asking for the health of targets. `read` tells whether somebody just did.
    pub(super) fn watch_health(
        &mut self,
        read: bool,
        now: Instant,
        freshness: &Freshness,
        turns: &mut Turns,
    ) {
        let groups = self.groups.iter().filter(|group| group.targets.is_some()).count();
        let has_initial = self.groups.iter().any(KnownGroup::has_initial);
        let before = self.watch.take();
        let over = Over { groups, has_initial, waits: self.waits, read };
        self.watch = (groups > 0).then(|| Watch::go_on(before, over, now, freshness, turns));
    }

    /// Target groups whose health was read too long ago to be told.
    pub(crate) fn stale(&self, now: Instant, freshness: &Freshness) -> BTreeSet<TargetGroupArn> {
        let is_old = |read: Instant| now.saturating_duration_since(read) > freshness.health_told;
        let stale = self.groups.iter().filter(|group| group.read.is_some_and(is_old));
        stale.map(|group| group.it.arn.clone()).collect()
    }

    /// How long until somebody should look again.
    pub(crate) fn look_again(&self, now: Instant, freshness: &Freshness) -> Duration {
        let provisioning = self.is_provisioning().then(|| self.described + freshness.provisioning);
        let health = self.watch.as_ref().map(Watch::next);
        let due = self.details_due.min(self.targets_due);
        let next = [provisioning, health].into_iter().flatten().fold(due, Instant::min);
        next.saturating_duration_since(now)
    }
}

impl KnownGroup {
    fn new(group: &Group, pool: &mut Pool) -> Self {
        Self {
            it: group.it.clone(),
            tags: group.tags.clone(),
            attributes: group.attributes.clone(),
            targets: group.targets.as_ref().map(|targets| Roster::new(targets, pool)),
            read: None,
        }
    }

    fn observed(&self) -> Group {
        Group {
            it: self.it.clone(),
            tags: self.tags.clone(),
            attributes: self.attributes.clone(),
            targets: self.targets.as_ref().map(Roster::targets),
        }
    }

    pub(super) fn has_initial(&self) -> bool {
        self.targets.as_ref().is_some_and(Roster::has_initial)
    }
}

impl Written {
    /// What of `observed` carries the marks `ours`.
    pub(super) fn new(ours: &Tags, observed: &Observed, complete: bool, pool: &mut Pool) -> Self {
        let marked = |tags: &Tags| marks::carries(tags, ours);
        let balancers = observed.balancers.iter().filter(|it| marked(&it.tags)).cloned();
        let groups = observed.groups.iter().filter(|it| marked(&it.tags));
        let frontend = observed.frontend.iter().filter(|it| marked(&it.tags)).cloned();
        Self {
            balancers: balancers.collect(),
            groups: groups.map(|group| KnownGroup::new(group, pool)).collect(),
            frontend: frontend.collect(),
            complete,
        }
    }
}

/// How long the details of a load balancer are good: up to a quarter shorter than allowed, each its own.
pub(super) fn period(lb: &LbId, freshness: &Freshness) -> Duration {
    let share = u32::try_from(rank(lb) % 256).unwrap_or_default();
    (freshness.details / 1024) * (1024 - share)
}

/// A number that orders load balancers without regard to their names.
pub(super) fn rank(lb: &LbId) -> u64 {
    let mut hasher = DefaultHasher::new();
    lb.hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests;
