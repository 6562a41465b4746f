//! Tags: ours and those that the user wants on everything. What others tag stays.
//!
//! A tag that is wanted no longer is removed only if we set it. So each resource carries, in one more tag, short hashes
//! of the keys that we set besides our own; hashes because values allow few characters and keys allow many.

use std::collections::{BTreeMap, BTreeSet};

use landfall_core::names::hash_of;

use super::Diff;
use crate::adopt;
use crate::api::Tags;
use crate::change::{Change, ListenerRef, Retag, TagRef};
use crate::marks;
use crate::observe::{Balancer, ListenerDetails};
use crate::resources::ListenerWish;
use crate::roles;

/// Characters of a hash. With the 50 tags that a resource can have, two keys meet once in 27,000 resources, and then a
/// tag of another that is named just so would be removed.
const SHORT: usize = 5;
/// Hashes that fit in the value of a tag, with a separator each: more than there is room for tags.
const AT_MOST: usize = 256 / (SHORT + 1);

/// Tags to make a resource with: those wanted, and the memory of which they are.
pub(super) fn with_memory(wanted: &Tags) -> Tags {
    let mut tags = wanted.clone();
    let keys = additional(wanted).map(|key| short(key)).take(AT_MOST).collect::<BTreeSet<_>>();
    if !keys.is_empty() {
        let text = keys.into_iter().collect::<Vec<_>>().join(".");
        tags.insert(marks::ADDITIONAL.to_owned(), text);
    }
    tags
}

/// Keys that are none of ours.
fn additional(tags: &Tags) -> impl Iterator<Item = &String> {
    tags.keys().filter(|key| !key.starts_with(marks::PREFIX))
}

/// Makes the tags of everything that is there what they should be, equal changes in one.
pub(super) fn tags(diff: &Diff<'_>) -> Vec<Change> {
    let mut alike = BTreeMap::<(Tags, BTreeSet<String>), Vec<TagRef>>::new();
    for (of, found, wanted) in tagged(diff) {
        let (set, removed) = change(found, &wanted);
        if !set.is_empty() || !removed.is_empty() {
            alike.entry((set, removed)).or_default().push(of);
        }
    }
    alike.into_iter().map(|((set, removed), of)| Change::Tags(Retag { of, set, removed })).collect()
}

/// Marks a load balancer that is taken over before anything is done to it, so that nothing can be forgotten.
pub(super) fn claim(diff: &Diff<'_>) -> Option<Change> {
    let current = diff.roles.current.filter(|current| is_unclaimed(diff, current))?;
    let (set, removed) = change(&current.tags, &of_balancer(diff));
    Some(Change::Tags(Retag { of: vec![TagRef::Balancer(current.it.name.clone())], set, removed }))
}

fn is_unclaimed(diff: &Diff<'_>, current: &Balancer) -> bool {
    diff.is_adopted() && !adopt::is_taken_over(current, diff.wanted)
}

fn of_balancer(diff: &Diff<'_>) -> Tags {
    let mut wanted = with_memory(&diff.wanted.balancer.tags);
    if diff.is_adopted() {
        let has = diff.roles.current.map(|current| &current.tags).filter(|tags| marks::is_adopted(tags));
        wanted.extend(has.map_or_else(|| marks::adopted(diff.now), marks::adoption_of));
    }
    wanted
}

/// Marks a listener that was there before us, with where it forwards to now and what else of it may change.
pub(super) fn take_over(diff: &Diff<'_>, there: &ListenerDetails, wish: &ListenerWish) -> Change {
    let of = ListenerRef { balancer: diff.balancer_name().to_owned(), port: wish.port };
    let mut wanted = with_memory(&wish.tags);
    if let Some(group) = &there.it.spec.forward {
        wanted.extend(marks::original(group));
    }
    wanted.extend(marks::original_tls(&there.it.spec).unwrap_or_default());
    let (set, removed) = change(&there.tags, &wanted);
    Change::Tags(Retag { of: vec![TagRef::Listener(of)], set, removed })
}

/// Removes from a listener everything that we tagged.
pub(super) fn unmark_listener(listener: ListenerRef, found: &Tags) -> Change {
    unmark(TagRef::Listener(listener), found)
}

/// Removes from a resource everything that we tagged.
pub(super) fn unmark(of: TagRef, found: &Tags) -> Change {
    let remembered = remembered(found);
    let ours = found.keys().filter(|key| key.starts_with(marks::PREFIX) || remembered.contains(&short(key)));
    Change::Tags(Retag { of: vec![of], set: Tags::new(), removed: ours.cloned().collect() })
}

/// Everything that is there and stays, with the tags found and wanted. Tags of what members share are not compared
/// while one of them may have asked for more.
fn tagged<'a>(diff: &Diff<'a>) -> Vec<(TagRef, &'a Tags, Tags)> {
    let mut all = Vec::new();
    if let Some(current) = diff.roles.current {
        if !is_unclaimed(diff, current) && !diff.is_partial() {
            all.push((TagRef::Balancer(current.it.name.clone()), &current.tags, of_balancer(diff)));
        }
        let listeners = current.details.iter().flat_map(|details| &details.listeners);
        all.extend(listeners.filter_map(|listener| {
            let wish = diff.wanted.listeners.iter().find(|wish| wish.port == listener.it.port)?;
            let ours = marks::mark(&listener.tags).is_some_and(|mark| mark.lb == diff.wanted.lb);
            let of = ListenerRef { balancer: current.it.name.clone(), port: wish.port };
            (ours && !roles::is_retained(&listener.tags, diff.wanted))
                .then(|| (TagRef::Listener(of), &listener.tags, with_memory(&wish.tags)))
        }));
    }
    all.extend(diff.wanted.groups.iter().filter_map(|wish| {
        let there = diff.group(&wish.name)?;
        Some((TagRef::Group(wish.name.clone()), &there.tags, with_memory(&wish.tags)))
    }));
    if !diff.is_partial() {
        all.extend(guards(diff));
    }
    all
}

fn guards<'a>(diff: &Diff<'a>) -> Vec<(TagRef, &'a Tags, Tags)> {
    let frontend = super::guards::wanted_frontend(diff).zip(diff.wanted.frontend.as_ref());
    let backend = diff.observed.backend.as_ref().zip(diff.wanted.backend.as_ref().map(|wish| &wish.group));
    let pairs = frontend.into_iter().chain(backend);
    pairs
        .map(|(there, wish)| {
            let of = TagRef::Guard(crate::change::GuardRef::Known(there.id.clone()));
            (of, &there.tags, with_memory(&wish.tags))
        })
        .collect()
}

/// Tags to set, and keys to remove: those that we remember to have set and that nobody wants any more.
fn change(found: &Tags, wanted: &Tags) -> (Tags, BTreeSet<String>) {
    let set = wanted.iter().filter(|(key, value)| found.get(*key) != Some(*value));
    let remembered = remembered(found);
    let forgotten = |key: &&String| {
        !wanted.contains_key(*key) && (remembered.contains(&short(key)) || *key == marks::ADDITIONAL)
    };
    (
        set.map(|(key, value)| (key.clone(), value.clone())).collect(),
        found.keys().filter(forgotten).cloned().collect(),
    )
}

fn remembered(found: &Tags) -> BTreeSet<String> {
    let text = found.get(marks::ADDITIONAL).map_or("", String::as_str);
    text.split('.').filter(|hash| !hash.is_empty()).map(str::to_owned).collect()
}

fn short(key: &str) -> String {
    hash_of(&[key]).chars().take(SHORT).collect()
}
