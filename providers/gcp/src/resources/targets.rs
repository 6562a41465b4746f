//! Which instances firewall rules are for.

use std::collections::BTreeSet;

use landfall_core::error::Category;
use landfall_core::outcome::Problem;

use super::model::{Facts, NodeFact};
use crate::settings::FirewallSettings;

/// The instances that a firewall rule is for; all of the network if neither says anything.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Targets {
    pub(super) tags: Vec<String>,
    pub(super) service_accounts: Vec<String>,
    /// No node tells anything: the other fields mean nothing.
    pub(super) unknown: bool,
}

impl Targets {
    /// Instances with these tags.
    fn tagged(tags: impl IntoIterator<Item = String>) -> Self {
        Self { tags: tags.into_iter().collect(), ..Self::default() }
    }

    /// Instances of these service accounts.
    fn of_accounts(accounts: impl IntoIterator<Item = String>) -> Self {
        Self { service_accounts: accounts.into_iter().collect(), ..Self::default() }
    }
}

/// What the settings say; `None` if somebody else makes the rules.
pub(super) fn of(settings: &FirewallSettings, facts: &Facts) -> Option<Targets> {
    Some(match settings {
        FirewallSettings::Unmanaged => return None,
        FirewallSettings::Found => found(facts),
        FirewallSettings::Tags(tags) => Targets::tagged(tags.iter().cloned()),
        FirewallSettings::ServiceAccounts(accounts) => Targets::of_accounts(accounts.iter().cloned()),
    })
}

/// A tag that all nodes have, else their service account if they have the same, else all instances. Where there is no
/// node, nothing is known: that all instances are meant must not follow from an outage or from a pool that is replaced.
pub(super) fn found(facts: &Facts) -> Targets {
    let nodes: Vec<&NodeFact> = facts.nodes.values().collect();
    let Some((first, others)) = nodes.split_first() else {
        return Targets { unknown: true, ..Targets::default() };
    };
    let everywhere = |tag: &&String| others.iter().all(|node| node.tags.contains(*tag));
    let tags: BTreeSet<&String> = first.tags.iter().filter(everywhere).collect();
    let by_fit = tags.into_iter().max_by_key(|tag| (fit(tag, &nodes), std::cmp::Reverse(*tag)));
    if let Some(tag) = by_fit {
        return Targets::tagged([tag.clone()]);
    }
    let same = first.service_account.as_ref();
    let same =
        same.filter(|account| others.iter().all(|node| node.service_account.as_ref() == Some(*account)));
    Targets::of_accounts(same.cloned())
}

/// How much a tag says about the nodes: tools that make clusters give instances a tag that their names begin with, and
/// other tags may be on any instance.
fn fit(tag: &str, nodes: &[&NodeFact]) -> usize {
    if nodes.iter().all(|node| node.instance.name.starts_with(tag)) { tag.len() } else { 0 }
}

/// Tells that rules are for all instances of the network because nodes have nothing in common.
pub(super) fn none_found() -> Problem {
    Problem {
        member: None,
        port: None,
        category: Category::new("NoCommonNodeTag"),
        message: "firewall rules let clients and health checks in to all instances of the network: there is neither a \
                  network tag nor a service account that all nodes have; give the nodes one, or name some with \
                  targetTags or targetServiceAccounts in the LoadBalancerClass"
            .to_owned(),
    }
}
