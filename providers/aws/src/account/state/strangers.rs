//! What has a name that somebody needs and is somebody else's, or seems so.

use std::collections::{BTreeSet, HashMap};

use landfall_core::ids::LbId;

use super::State;
use crate::account::heard::{Heard, Moment};
use crate::api::Tags;
use crate::change::kinds;
use crate::marks;
use crate::observe::Foreign;
use crate::resources::Wanted;

impl State {
    /// What has a name that the wish needs and is not this load balancer's.
    pub(crate) fn foreign(&self, lb: &LbId, wanted: &Wanted) -> Vec<Foreign> {
        let groups = wanted.groups.iter().map(|wish| (kinds::GROUP, wish.name.clone()));
        let balancer = self.name_needed(lb, wanted).map(|name| (kinds::BALANCER, name.to_owned()));
        let needed: BTreeSet<_> = balancer.into_iter().chain(groups).collect();
        let foreign = needed.into_iter().filter_map(|(kind, name)| {
            let owner = self.names.get(&(kind, name.clone()))?.owner.clone();
            (owner.as_ref() != Some(lb)).then_some(Foreign { kind, name, owner })
        });
        foreign.collect()
    }

    /// The name that a load balancer may have to be made with.
    fn name_needed<'a>(&self, lb: &LbId, wanted: &'a Wanted) -> Option<&'a str> {
        let wish = &wanted.balancer;
        let has = |name: &String| {
            let holder = self.names.get(&(kinds::BALANCER, name.clone()));
            holder.is_some_and(|holder| holder.owner.as_ref() == Some(lb))
        };
        match &wish.beside {
            _ if wish.adopt.is_some() => None,
            Some(beside) if has(beside) => None,
            Some(beside) if has(&wish.name) => Some(beside),
            _ => Some(&wish.name),
        }
    }

    /// Whether the lists are too old for a look that began then to hold a conflict against somebody that may be over.
    pub(in crate::account) fn is_conflict_old(
        &self,
        lb: &LbId,
        wanted: &Wanted,
        look: Moment,
        heard: Heard,
    ) -> bool {
        let old = |lists: Moment| look.at >= lists.at + self.freshness.settling;
        !heard.lists_since(look) && heard.lists.is_none_or(old) && !self.foreign(lb, wanted).is_empty()
    }

    /// The ARNs of what is in the way of a wish and nobody's of this cluster, unless it was listed after that moment.
    pub(in crate::account) fn strangers_since(
        &self,
        lb: &LbId,
        wanted: &Wanted,
        look: Moment,
    ) -> Vec<String> {
        if self.heard.lists_since(look) {
            return Vec::new();
        }
        let strangers = self.foreign(lb, wanted).into_iter().filter(|foreign| foreign.owner.is_none());
        let holders = strangers.filter_map(|Foreign { kind, name, .. }| self.names.get(&(kind, name)));
        holders.map(|holder| holder.arn.clone()).collect()
    }

    /// Takes those for never seen that are gone, or whose tags are this cluster's after all. Tells whether there are any.
    pub(in crate::account) fn unsee_those_of_ours(&mut self, tags: &HashMap<String, Option<Tags>>) -> bool {
        let is_wrong = |tags: &Option<Tags>| tags.as_ref().is_none_or(|tags| self.owner(tags).is_some());
        let wrong: Vec<&String> =
            tags.iter().filter(|(_, tags)| is_wrong(tags)).map(|(arn, _)| arn).collect();
        for arn in &wrong {
            self.owners.remove(*arn);
        }
        !wrong.is_empty()
    }
}

/// Whether tags are somebody's marks. Those of a stranger who has none may be ours that AWS does not tell yet.
pub(super) fn is_clear(tags: &Tags) -> bool {
    !marks::ours(tags).is_empty()
}
