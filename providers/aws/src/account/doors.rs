//! Which security groups of nodes are known to let the backend group in.

use std::collections::{BTreeSet, HashMap};

use tokio::time::Instant;

use crate::api::ec2::{Allow, SecurityGroup, Source};
use crate::api::ids::SecurityGroupId;

/// What groups of nodes let in from the backend group, each until when that is taken to be true. Every load balancer of
/// the cluster needs the same few groups, so they are not read for each.
#[derive(Debug, Default)]
pub(crate) struct Doors {
    /// Whom they let in.
    backend: Option<SecurityGroupId>,
    open: HashMap<SecurityGroupId, (BTreeSet<Allow>, Instant)>,
}

impl Doors {
    /// Takes over the rules of groups.
    pub(crate) fn learn(&mut self, backend: &SecurityGroupId, groups: &[SecurityGroup], until: Instant) {
        if self.backend.as_ref() != Some(backend) {
            self.forget();
            self.backend = Some(backend.clone());
        }
        let source = Source::Group(backend.clone());
        for group in groups {
            let rules = group.ingress.iter().filter(|rule| rule.source == source);
            let allows = rules.map(|rule| rule.allow.clone()).collect();
            self.open.insert(group.id.clone(), (allows, until));
        }
    }

    /// Those groups that are not known to let all of this in from the backend group.
    pub(crate) fn unknown(
        &self,
        backend: Option<&SecurityGroupId>,
        groups: &BTreeSet<SecurityGroupId>,
        allow: &BTreeSet<Allow>,
        now: Instant,
    ) -> Vec<SecurityGroupId> {
        let same = backend.is_some() && self.backend.as_ref() == backend;
        let known = |group: &SecurityGroupId| {
            same && self
                .open
                .get(group)
                .is_some_and(|(allows, until)| now < *until && allow.is_subset(allows))
        };
        groups.iter().filter(|group| !known(group)).cloned().collect()
    }

    /// Forgets all: they are about to be closed.
    pub(crate) fn forget(&mut self) {
        self.open.clear();
    }
}
