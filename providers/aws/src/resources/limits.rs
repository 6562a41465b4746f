//! Quotas of AWS, kept before AWS refuses: what does not fit is left out in a stable and fair way, and told.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use landfall_core::error::Category;
use landfall_core::names::hash_of;
use landfall_core::outcome::Problem;

use super::model::TargetGroupWish;
use super::{Inputs, Served, zones};
use crate::api::elb::Target;

/// The listeners that fit on one load balancer, those of older members first; the others are told.
pub(super) fn listeners<'a>(inputs: &Inputs<'a>, problems: &mut Vec<Problem>) -> Vec<Served<'a>> {
    let members = inputs.members().into_iter();
    let mut served: Vec<Served<'a>> = members
        .flat_map(|(member, settings)| {
            settings.listeners.iter().map(move |listener| Served { member, settings, listener })
        })
        .collect();
    let (quota, asked) = (inputs.facts.quotas.listeners, served.len());
    for beyond in served.drain(quota.min(asked)..) {
        let ports = beyond.listener.serves.iter();
        problems.extend(ports.map(|key| Problem {
            member: Some(beyond.member.service.clone()),
            port: Some(*key),
            category: Category::new("TooManyListeners"),
            message: format!(
                "{key} is not served: {asked} listeners are asked for and a Network Load Balancer has at most {quota}; \
                 use another load balancer for some of the ports"
            ),
        }));
    }
    served
}

/// Takes out the targets that are beyond the quotas and tells the figures.
pub(super) fn targets(inputs: &Inputs<'_>, groups: &mut [TargetGroupWish]) -> Option<Problem> {
    let quotas = inputs.facts.quotas;
    let wanted: usize = groups.iter().map(|group| group.registered.len()).sum();
    let crossed = groups.iter().any(|group| zones::is_crossed(inputs, group));
    let mut cells = Cells::of(inputs, groups);
    for group in 0..groups.len() {
        cells.limit(quotas.targets_per_group, |cell| cell.group == group);
    }
    if crossed {
        cells.limit(quotas.targets_per_zone, |_| true);
    } else {
        for zone in cells.zones() {
            cells.limit(quotas.targets_per_zone, |cell| cell.zone == zone);
        }
        cells.limit(quotas.targets, |_| true);
    }
    let kept: usize = cells.room.values().sum();
    (kept < wanted).then(|| {
        cells.cut(inputs, groups);
        too_many(inputs, wanted, kept, crossed)
    })
}

/// Targets of one group in one zone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Cell<'a> {
    group: usize,
    zone: &'a str,
}

/// How many targets of each group and zone are registered.
struct Cells<'a> {
    zone_of: BTreeMap<String, &'a str>,
    room: BTreeMap<Cell<'a>, usize>,
}

impl<'a> Cells<'a> {
    fn of(inputs: &Inputs<'a>, groups: &[TargetGroupWish]) -> Self {
        let mut cells = Self { zone_of: zones::of_targets(inputs), room: BTreeMap::new() };
        for (group, wish) in groups.iter().enumerate() {
            for target in wish.registered.keys() {
                let zone = cells.zone(target);
                *cells.room.entry(Cell { group, zone }).or_default() += 1;
            }
        }
        cells
    }

    /// The zone of a target; all whose zone is not known count as one zone.
    fn zone(&self, target: &Target) -> &'a str {
        self.zone_of.get(&target.id).copied().unwrap_or_default()
    }

    fn zones(&self) -> Vec<&'a str> {
        let mut zones: Vec<&str> = self.room.keys().map(|cell| cell.zone).collect();
        zones.sort_unstable();
        zones.dedup();
        zones
    }

    /// Shares a quota among the cells that it is for.
    fn limit(&mut self, quota: usize, is_meant: impl Fn(&Cell<'_>) -> bool) {
        let mut meant: Vec<&mut usize> =
            self.room.iter_mut().filter(|(cell, _)| is_meant(cell)).map(|(_, room)| room).collect();
        share(&mut meant, quota);
    }

    /// Leaves in every cell the targets with the best ranks. A rank depends on nothing but load balancer and target
    /// (rendezvous hashing), so that targets that come and go do not move the others.
    fn cut(&self, inputs: &Inputs<'_>, groups: &mut [TargetGroupWish]) {
        let lb = inputs.desired.id.to_string();
        for (group, wish) in groups.iter_mut().enumerate() {
            let mut room = self.room.clone();
            let mut ranked: Vec<(Reverse<String>, Target)> = wish
                .registered
                .keys()
                .map(|target| (Reverse(hash_of(&[&lb, &target.id])), target.clone()))
                .collect();
            ranked.sort();
            for (_, target) in ranked {
                let zone = self.zone(&target);
                match room.get_mut(&Cell { group, zone }) {
                    Some(left) if *left > 0 => *left -= 1,
                    _ => drop(wish.registered.remove(&target)),
                }
            }
        }
    }
}

/// Lowers the largest figures until their sum is at most `quota`: nobody is cut while somebody else has more.
fn share(figures: &mut [&mut usize], quota: usize) {
    figures.sort_by_key(|figure| **figure);
    let mut left = quota;
    let mut others = figures.len();
    for figure in figures {
        let fair = left.div_ceil(others);
        **figure = (**figure).min(fair).min(left);
        left -= **figure;
        others -= 1;
    }
}

fn too_many(inputs: &Inputs<'_>, wanted: usize, kept: usize, crossed: bool) -> Problem {
    let quotas = inputs.facts.quotas;
    let rule = if crossed {
        format!("{} in all with cross-zone load balancing", quotas.targets_per_zone)
    } else {
        format!("{} per zone and {} in all", quotas.targets_per_zone, quotas.targets)
    };
    Problem {
        member: None,
        port: None,
        category: Category::new("TargetsLimited"),
        message: format!(
            "{kept} of {wanted} targets are registered, evenly over ports and zones: a load balancer takes {rule}, \
             and a target group {}, where a target counts once per port; select fewer nodes, switch cross-zone \
             load balancing off, or have the quotas raised",
            quotas.targets_per_group
        ),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    fn shared(mut figures: Vec<usize>, quota: usize) -> Vec<usize> {
        share(&mut figures.iter_mut().collect::<Vec<_>>(), quota);
        figures
    }

    #[rstest]
    #[case::enough(&[3, 4], 10, &[3, 4])]
    #[case::even(&[10, 10], 10, &[5, 5])]
    #[case::small_ones_stay(&[2, 10, 10], 12, &[2, 5, 5])]
    #[case::the_rest_goes_somewhere(&[10, 10, 10], 10, &[4, 3, 3])]
    #[case::nothing(&[10, 1], 0, &[0, 0])]
    fn quotas_are_shared_fairly(#[case] figures: &[usize], #[case] quota: usize, #[case] shares: &[usize]) {
        assert_eq!(shared(figures.to_vec(), quota), shares);
    }

    proptest! {
        #[test]
        fn shares_use_the_quota_and_never_exceed_it(figures in prop::collection::vec(0usize..50, 0..8), quota in 0usize..200) {
            let total: usize = figures.iter().sum();
            let shares = shared(figures.clone(), quota);
            prop_assert_eq!(shares.iter().sum::<usize>(), total.min(quota));
            for (share, figure) in shares.iter().zip(&figures) {
                prop_assert!(share <= figure);
                let cut = share < figure;
                prop_assert!(!cut || shares.iter().all(|other| *other <= share + 1));
            }
        }
    }
}
