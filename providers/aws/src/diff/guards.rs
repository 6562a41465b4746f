//! Security groups and their rules. Rules are added before others are removed, unless there is no room for both, and only
//! our own ever are.

use std::collections::{BTreeMap, BTreeSet};

use super::{Diff, stays, tags};
use crate::api::ec2::{Allow, NewSecurityGroup, Rule, SecurityGroup, Source};
use crate::api::ids::VpcId;
use crate::change::{Change, GuardChange, GuardRef, GuardRole};
use crate::marks;
use crate::resources::{Quotas, SecurityGroupWish};

/// The shared group, and the nodes that let it in. Nodes' groups that were not read are known to let it in.
pub(super) fn backend(diff: &Diff<'_>) -> Vec<Change> {
    let Some(wish) = &diff.wanted.backend else { return Vec::new() };
    let there = diff.observed.backend.as_ref();
    let from = reference(there, &wish.group.name);
    let mut changes = Vec::new();
    if there.is_none() {
        changes.push(create(GuardRole::Backend, &wish.group, &diff.wanted.vpc));
    }
    for id in &wish.node_groups {
        let read = diff.observed.node_groups.iter().find(|group| group.id == *id);
        let allow = match (there, read) {
            (Some(_), None) => continue,
            (Some(backend), Some(read)) => missing(&wish.allow, backend, read),
            (None, _) => wish.allow.clone(),
        };
        if !allow.is_empty() {
            let let_in = GuardChange::LetIn { from: from.clone(), allow, mark: wish.mark.clone() };
            changes.push(Change::Guard(GuardRef::Known(id.clone()), let_in));
        }
    }
    changes
}

fn missing(wanted: &BTreeSet<Allow>, backend: &SecurityGroup, nodes: &SecurityGroup) -> BTreeSet<Allow> {
    let from = Source::Group(backend.id.clone());
    let has = |allow: &Allow| nodes.ingress.iter().any(|rule| rule.allow == *allow && rule.source == from);
    wanted.iter().filter(|allow| !has(allow)).cloned().collect()
}

/// The load balancer's own group, with the rules that it lacks. A rule that passed from one member to another, or that
/// lost its description, is made anew: AWS takes rules for equal that differ in their description alone.
pub(super) fn frontend(diff: &Diff<'_>) -> Vec<Change> {
    let Some(wish) = &diff.wanted.frontend else { return Vec::new() };
    let there = wanted_frontend(diff);
    let made = there.is_none().then(|| create(GuardRole::Frontend, wish, &diff.wanted.vpc));
    let groups = std::iter::once(there).chain(elsewhere(diff).map(Some));
    let rules = groups.flat_map(|there| {
        let group = reference(there, &wish.name);
        let RuleChanges { first, add, .. } = rule_changes(diff, wish, there);
        let first = (!first.is_empty()).then_some(GuardChange::Revoke(first));
        let add = (!add.is_empty()).then_some(GuardChange::Authorise(add));
        first.into_iter().chain(add).map(move |change| Change::Guard(group.clone(), change))
    });
    made.into_iter().chain(rules).collect()
}

/// Rules that nobody wants any more.
pub(super) fn stale_rules(diff: &Diff<'_>) -> Vec<Change> {
    let Some(wish) = &diff.wanted.frontend else { return Vec::new() };
    let groups = wanted_frontend(diff).into_iter().chain(elsewhere(diff));
    let stale = groups.map(|there| (there, rule_changes(diff, wish, Some(there)).last));
    let stale = stale.filter(|(_, rules)| !rules.is_empty());
    stale
        .map(|(it, rules)| Change::Guard(GuardRef::Known(it.id.clone()), GuardChange::Revoke(rules)))
        .collect()
}

/// The same group in the networks of predecessors that stay: who may connect does not depend on the host name that
/// clients have.
fn elsewhere<'a>(diff: &'a Diff<'_>) -> impl Iterator<Item = &'a SecurityGroup> {
    let name = diff.wanted.frontend.as_ref().map(|wish| &wish.name);
    let is_meant = move |group: &&SecurityGroup| Some(&group.name) == name && group.vpc != diff.wanted.vpc;
    diff.observed.frontend.iter().filter(is_meant).filter(|group| is_carried(diff, group))
}

/// Rules that come and go.
struct RuleChanges {
    /// Go before others come: AWS takes those that come for equal to them, or has no room for both.
    first: Vec<Rule>,
    /// Come.
    add: Vec<Rule>,
    /// Go when all else is done.
    last: Vec<Rule>,
}

fn rule_changes(diff: &Diff<'_>, wish: &SecurityGroupWish, there: Option<&SecurityGroup>) -> RuleChanges {
    let ingress = there.map(|group| group.ingress.as_slice()).unwrap_or_default();
    let has: BTreeMap<_, &Rule> = ingress.iter().map(|rule| (key(rule), rule)).collect();
    let wanted = by_key(&wish.rules);
    let (mut first, mut add) = (Vec::new(), Vec::new());
    for (key, rules) in &wanted {
        match has.get(key) {
            Some(found) if rules.iter().any(|rule| rule.description == found.description) => continue,
            Some(found) => first.push((*found).clone()),
            None => {}
        }
        add.extend(rules.first().map(|rule| (*rule).clone()));
    }
    let is_stale = |rule: &&Rule| {
        let member = marks::member_of_rule(&rule.description);
        !wanted.contains_key(&key(rule))
            && member.is_some_and(|member| !diff.wanted.retained.contains(&member))
    };
    let mut last: Vec<Rule> = ingress.iter().filter(is_stale).cloned().collect();
    make_room(ingress, &add, &mut first, &mut last);
    RuleChanges { first, add, last }
}

/// Has as many rules go first as it takes to have room for those that come. AWS counts IPv4 and IPv6 apart, and a rule
/// about a prefix list or another group for both.
fn make_room(there: &[Rule], add: &[Rule], first: &mut Vec<Rule>, last: &mut Vec<Rule>) {
    let quota = Quotas::default().rules;
    let families: [fn(&Rule) -> bool; 2] =
        [|rule| !matches!(rule.source, Source::V6(_)), |rule| !matches!(rule.source, Source::V4(_))];
    for is_counted in families {
        let count = |rules: &[Rule]| rules.iter().filter(|rule| is_counted(rule)).count();
        let mut excess = (count(there) + count(add)).saturating_sub(count(first) + quota);
        last.retain(|rule| {
            let goes = excess > 0 && is_counted(rule);
            if goes {
                excess -= 1;
                first.push(rule.clone());
            }
            !goes
        });
    }
}

/// Groups of this load balancer that no load balancer carries any more.
pub(super) fn stale_groups(diff: &Diff<'_>) -> Vec<Change> {
    if !diff.wanted.retained.is_empty() {
        return Vec::new();
    }
    let wanted = wanted_frontend(diff).map(|group| &group.id);
    let spare =
        diff.observed.frontend.iter().filter(|group| Some(&group.id) != wanted && !is_carried(diff, group));
    spare.map(|group| Change::Guard(GuardRef::Known(group.id.clone()), GuardChange::Delete)).collect()
}

/// Whether a predecessor that stays has the group.
fn is_carried(diff: &Diff<'_>, group: &SecurityGroup) -> bool {
    let mut predecessors = diff.roles.predecessors.iter().filter(|balancer| stays(diff, balancer));
    predecessors.any(|balancer| balancer.it.security_groups.contains(&group.id))
}

/// The groups that the load balancer wanted has.
pub(super) fn on_balancer(diff: &Diff<'_>) -> Vec<GuardRef> {
    let given = diff.wanted.balancer.given_groups.iter().cloned().map(GuardRef::Known);
    let frontend = diff.wanted.frontend.as_ref().map(|wish| reference(wanted_frontend(diff), &wish.name));
    let backend =
        diff.wanted.backend.as_ref().map(|wish| reference(diff.observed.backend.as_ref(), &wish.group.name));
    given.chain(frontend).chain(backend).collect()
}

/// The frontend group wanted, if it is there.
pub(super) fn wanted_frontend<'a>(diff: &Diff<'a>) -> Option<&'a SecurityGroup> {
    let wish = diff.wanted.frontend.as_ref()?;
    let fits = |group: &&SecurityGroup| group.name == wish.name && group.vpc == diff.wanted.vpc;
    diff.observed.frontend.iter().find(fits)
}

fn create(role: GuardRole, wish: &SecurityGroupWish, vpc: &VpcId) -> Change {
    let new = NewSecurityGroup {
        name: wish.name.clone(),
        description: wish.description.clone(),
        vpc: vpc.clone(),
        tags: tags::with_memory(&wish.tags),
    };
    Change::Guard(GuardRef::Named(wish.name.clone()), GuardChange::Create(role, new))
}

fn reference(there: Option<&SecurityGroup>, name: &str) -> GuardRef {
    there.map_or_else(|| GuardRef::Named(name.to_owned()), |group| GuardRef::Known(group.id.clone()))
}

/// What AWS tells rules apart by.
fn key(rule: &Rule) -> (&Allow, &Source) {
    (&rule.allow, &rule.source)
}

fn by_key(rules: &BTreeSet<Rule>) -> BTreeMap<(&Allow, &Source), Vec<&Rule>> {
    let mut by_key = BTreeMap::<_, Vec<&Rule>>::new();
    for rule in rules {
        by_key.entry(key(rule)).or_default().push(rule);
    }
    by_key
}
