//! What lists tell, and of when they are.

use std::time::Duration;

use tokio::time::Instant;

use crate::api::Tags;
use crate::api::ec2::SecurityGroup;
use crate::api::elb::{LoadBalancer, TargetGroup};

/// A point in time, told apart from others at the same time.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Moment {
    pub(crate) tick: u64,
    pub(crate) at: Instant,
}

/// How much is to be listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Extent {
    /// All, with all tags.
    Full,
    /// All, with the tags of what was not seen before.
    Light,
}

/// What the lists told. Tags are `None` where those known are good.
#[derive(Debug)]
pub(super) struct Listing {
    pub(super) extent: Extent,
    pub(super) began: Moment,
    pub(super) balancers: Vec<(LoadBalancer, Option<Tags>)>,
    pub(super) groups: Vec<(TargetGroup, Option<Tags>)>,
    pub(super) security: Vec<SecurityGroup>,
}

impl Moment {
    /// Whether what we wrote at this moment counts for more than a list that was begun at the other: it began before,
    /// or so soon after that it may not tell of it.
    pub(super) fn overrules(self, began: Self, settling: Duration) -> bool {
        began.tick < self.tick || began.at < self.at + settling
    }
}

/// When the last lists that succeeded were begun.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Heard {
    pub(super) lists: Option<Moment>,
    /// The last with all tags.
    pub(super) all: Option<Moment>,
}

impl Heard {
    /// As if lists of this extent that were begun then had succeeded as well.
    pub(super) fn and(self, extent: Extent, began: Moment) -> Self {
        let all = if extent == Extent::Full { Some(began) } else { self.all };
        Self { lists: Some(began), all }
    }

    /// Whether everything was listed, be it without all tags, after this moment.
    pub(super) fn lists_since(self, moment: Moment) -> bool {
        self.lists.is_some_and(|lists| lists.tick > moment.tick)
    }

    /// Whether everything was listed with all tags after this moment.
    pub(super) fn all_since(self, moment: Moment) -> bool {
        self.all.is_some_and(|all| all.tick > moment.tick)
    }
}
