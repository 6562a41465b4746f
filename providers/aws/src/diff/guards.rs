//! Security groups and their rules. Rules are added before others are removed, and only our own ever are.

use std::collections::{BTreeMap, BTreeSet};

use super::{Diff, stays, tags};
use crate::api::ec2::{Allow, NewSecurityGroup, Rule, SecurityGroup, Source};
use crate::api::ids::VpcId;
use crate::change::{Change, GuardChange, GuardRef, GuardRole};
use crate::marks;
use crate::resources::SecurityGroupWish;

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
    let mut changes = Vec::new();
    if there.is_none() {
        changes.push(create(GuardRole::Frontend, wish, &diff.wanted.vpc));
    }
    let group = reference(there, &wish.name);
    let has: BTreeMap<_, &Rule> =
        there.iter().flat_map(|group| &group.ingress).map(|rule| (key(rule), rule)).collect();
    let (mut add, mut passed) = (Vec::new(), Vec::new());
    for (key, rules) in by_key(&wish.rules) {
        match has.get(&key) {
            None => add.extend(rules.first().map(|rule| (*rule).clone())),
            Some(found) if rules.iter().any(|rule| rule.description == found.description) => {}
            Some(found) => {
                passed.push((*found).clone());
                add.extend(rules.first().map(|rule| (*rule).clone()));
            }
        }
    }
    if !passed.is_empty() {
        changes.push(Change::Guard(group.clone(), GuardChange::Revoke(passed)));
    }
    if !add.is_empty() {
        changes.push(Change::Guard(group, GuardChange::Authorise(add)));
    }
    changes
}

/// Rules that nobody wants any more.
pub(super) fn stale_rules(diff: &Diff<'_>) -> Option<Change> {
    let wish = diff.wanted.frontend.as_ref()?;
    let there = wanted_frontend(diff)?;
    let wanted = by_key(&wish.rules);
    let is_stale = |rule: &&Rule| {
        let member = marks::member_of_rule(&rule.description);
        !wanted.contains_key(&key(rule))
            && member.is_some_and(|member| !diff.wanted.retained.contains(&member))
    };
    let stale: Vec<Rule> = there.ingress.iter().filter(is_stale).cloned().collect();
    (!stale.is_empty()).then(|| Change::Guard(GuardRef::Known(there.id.clone()), GuardChange::Revoke(stale)))
}

/// Groups of this load balancer that no load balancer carries any more.
pub(super) fn stale_groups(diff: &Diff<'_>) -> Vec<Change> {
    if !diff.wanted.retained.is_empty() {
        return Vec::new();
    }
    let wanted = wanted_frontend(diff).map(|group| &group.id);
    let carried = |group: &SecurityGroup| {
        let predecessors = diff.roles.predecessors.iter().filter(|balancer| stays(diff, balancer));
        predecessors.into_iter().any(|balancer| balancer.it.security_groups.contains(&group.id))
    };
    let spare = diff.observed.frontend.iter().filter(|group| Some(&group.id) != wanted && !carried(group));
    spare.map(|group| Change::Guard(GuardRef::Known(group.id.clone()), GuardChange::Delete)).collect()
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
