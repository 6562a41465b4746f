//! Load balancers that carry our marks and belong to no Service: reported always, deleted only when asked for.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use landfall_core::ids::LbId;
use tokio::time::Instant;

/// What is known about orphans, over several inventories.
#[derive(Debug, Default)]
pub struct Orphans {
    since: BTreeMap<LbId, Instant>,
}

/// What one inventory led to.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Findings {
    /// Orphans seen for the first time.
    pub new: Vec<LbId>,
    /// Orphans for longer than the grace period.
    pub overdue: Vec<LbId>,
    /// All orphans.
    pub count: usize,
}

impl Orphans {
    /// Takes an inventory in. `is_known` says whether a Service wants or holds a load balancer. Whoever is known
    /// again, or gone, starts anew if it becomes an orphan once more.
    pub fn update(
        &mut self,
        inventory: &BTreeSet<LbId>,
        is_known: impl Fn(&LbId) -> bool,
        now: Instant,
        grace: Duration,
    ) -> Findings {
        let orphans: BTreeSet<&LbId> = inventory.iter().filter(|id| !is_known(id)).collect();
        self.since.retain(|id, _| orphans.contains(id));
        let mut findings = Findings { count: orphans.len(), ..Findings::default() };
        for id in orphans {
            let since = *self.since.entry(id.clone()).or_insert_with(|| {
                findings.new.push(id.clone());
                now
            });
            if now.saturating_duration_since(since) >= grace {
                findings.overdue.push(id.clone());
            }
        }
        findings
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GRACE: Duration = Duration::from_mins(1);

    fn ids(names: &[&str]) -> BTreeSet<LbId> {
        names.iter().map(|name| format!("memory:service/default/{name}/u").parse().unwrap()).collect()
    }

    #[test]
    fn orphans_are_told_once_and_are_overdue_after_the_grace_period() {
        let (mut orphans, start) = (Orphans::default(), Instant::now());
        let known = ids(&["a"]);
        let update = |orphans: &mut Orphans, seen: &[&str], after: u64| {
            let now = start + Duration::from_secs(after);
            orphans.update(&ids(seen), |id| known.contains(id), now, GRACE)
        };
        let first = update(&mut orphans, &["a", "b"], 0);
        assert_eq!((first.new.len(), first.overdue.len(), first.count), (1, 0, 1));
        let second = update(&mut orphans, &["a", "b"], 59);
        assert_eq!((second.new.len(), second.overdue.len()), (0, 0));
        assert_eq!(update(&mut orphans, &["a", "b"], 60).overdue.len(), 1);
        assert_eq!(update(&mut orphans, &["a"], 61), Findings::default());
        assert_eq!(update(&mut orphans, &["b"], 62).overdue.len(), 0, "the period starts anew");
    }
}
