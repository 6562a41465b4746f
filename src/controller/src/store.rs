//! A plain store: the last known version of every object of one kind.
//!
//! Short critical sections under a std mutex; nothing awaits while it is held. Versions only move forward: what we
//! wrote ourselves is put in at once ([`Store::observe`]), and the watch event that tells it again changes nothing.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::Resource;

/// Namespace (empty for cluster-wide kinds) and name.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ObjectKey {
    /// Namespace; empty for cluster-wide kinds.
    pub namespace: String,
    /// Name.
    pub name: String,
}

impl ObjectKey {
    /// The key of an object; `None` if it has no name.
    pub fn of<K: Resource>(object: &K) -> Option<Self> {
        Self::named(object.meta())
    }

    /// The key of an object of which only the metadata is known.
    pub fn named(meta: &ObjectMeta) -> Option<Self> {
        Some(Self { namespace: meta.namespace.clone().unwrap_or_default(), name: meta.name.clone()? })
    }
}

/// What happened to one object.
#[derive(Debug, Clone)]
pub struct Change<K> {
    /// The version before; `None` if it is new.
    pub old: Option<Arc<K>>,
    /// The version now; `None` if it is gone.
    pub new: Option<Arc<K>>,
}

/// Every object of one kind.
#[derive(Debug)]
pub struct Store<K> {
    state: Mutex<State<K>>,
}

#[derive(Debug)]
struct State<K> {
    objects: HashMap<ObjectKey, Arc<K>>,
    /// Uids of those that our own write removed, until the watch has told it too: what it tells until then is
    /// from before.
    buried: HashMap<ObjectKey, Option<String>>,
    /// Those of which the present version cannot be read.
    unreadable: HashSet<ObjectKey>,
}

impl<K> Default for Store<K> {
    fn default() -> Self {
        Self { state: Mutex::default() }
    }
}

impl<K> Default for State<K> {
    fn default() -> Self {
        Self { objects: HashMap::new(), buried: HashMap::new(), unreadable: HashSet::new() }
    }
}

impl<K: Resource> Store<K> {
    /// Takes a version in. `None` if it is older than or the same as the one that is known.
    pub fn observe(&self, object: K) -> Option<Change<K>> {
        let key = ObjectKey::of(&object)?;
        let mut state = self.lock();
        state.unreadable.remove(&key);
        if state.buried.get(&key) == Some(&object.meta().uid) {
            return None;
        }
        state.put(key, object)
    }

    /// Takes in the answer to a write of our own, unless the object is gone meanwhile: the watch may have told its end
    /// before the answer was here.
    pub fn observe_own(&self, object: K) -> Option<Change<K>> {
        let key = ObjectKey::of(&object)?;
        let mut state = self.lock();
        let known = state.objects.get(&key).is_some_and(|known| known.meta().uid == object.meta().uid);
        if known { state.put(key, object) } else { None }
    }

    /// Takes note of a version that cannot be read. The last one that could stays.
    pub fn unreadable(&self, meta: &ObjectMeta) {
        self.lock().unreadable.extend(ObjectKey::named(meta));
    }

    /// Whether there are objects of which the present version is not known.
    pub fn has_unreadable(&self) -> bool {
        !self.lock().unreadable.is_empty()
    }

    /// Forgets an object that the watch says is gone. `None` if it is not known, or if another one of the same name
    /// has taken its place.
    pub fn forget(&self, meta: &ObjectMeta) -> Option<Change<K>> {
        let key = ObjectKey::named(meta)?;
        let mut state = self.lock();
        if state.buried.get(&key) == Some(&meta.uid) {
            state.buried.remove(&key);
        }
        state.unreadable.remove(&key);
        state.remove(&key, meta)
    }

    /// Forgets an object that our own write removed. Older versions that the watch may still tell are ignored.
    pub fn bury(&self, meta: &ObjectMeta) -> Option<Change<K>> {
        let key = ObjectKey::named(meta)?;
        let mut state = self.lock();
        let change = state.remove(&key, meta)?;
        state.buried.insert(key, meta.uid.clone());
        Some(change)
    }

    /// Forgets every object that is not in a complete list, and tells which.
    pub fn retain(&self, listed: &HashSet<ObjectKey>) -> Vec<Change<K>> {
        let mut state = self.lock();
        state.buried.clear();
        state.unreadable.retain(|key| listed.contains(key));
        let gone: Vec<ObjectKey> =
            state.objects.keys().filter(|key| !listed.contains(key)).cloned().collect();
        gone.into_iter().map(|key| Change { old: state.objects.remove(&key), new: None }).collect()
    }

    /// One object.
    pub fn get(&self, key: &ObjectKey) -> Option<Arc<K>> {
        self.lock().objects.get(key).cloned()
    }

    /// All objects, in no order.
    pub fn all(&self) -> Vec<Arc<K>> {
        self.lock().objects.values().cloned().collect()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.lock().objects.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn lock(&self) -> MutexGuard<'_, State<K>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<K: Resource> State<K> {
    fn put(&mut self, key: ObjectKey, object: K) -> Option<Change<K>> {
        let old = self.objects.get(&key).cloned();
        if old.as_deref().is_some_and(|old| !is_newer(&object, old)) {
            return None;
        }
        let new = Arc::new(object);
        self.objects.insert(key, Arc::clone(&new));
        Some(Change { old, new: Some(new) })
    }

    fn remove(&mut self, key: &ObjectKey, meta: &ObjectMeta) -> Option<Change<K>> {
        let same = self.objects.get(key).is_some_and(|known| known.meta().uid == meta.uid);
        same.then(|| Change { old: self.objects.remove(key), new: None })
    }
}

/// Whether `new` is a later version than `old`. Resource versions of one object can be compared as numbers
/// (KEP-5504); where they are not numbers, anything different counts as later.
fn is_newer<K: Resource>(new: &K, old: &K) -> bool {
    let (new, old) = (new.meta(), old.meta());
    if new.uid != old.uid {
        return true;
    }
    let number = |version: &Option<String>| version.as_deref().and_then(|text| text.parse::<u64>().ok());
    match (number(&new.resource_version), number(&old.resource_version)) {
        (Some(new), Some(old)) => new > old,
        _ => new.resource_version != old.resource_version,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use k8s_openapi::api::core::v1::Namespace;

    fn object(name: &str, uid: &str, version: &str) -> Namespace {
        let mut object = Namespace::default();
        object.metadata.name = Some(name.into());
        object.metadata.uid = Some(uid.into());
        object.metadata.resource_version = Some(version.into());
        object
    }

    #[test]
    fn versions_only_move_forward() {
        let store = Store::default();
        assert!(store.observe(object("a", "1", "9")).is_some());
        assert!(store.observe(object("a", "1", "9")).is_none());
        assert!(store.observe(object("a", "1", "8")).is_none());
        let change = store.observe(object("a", "1", "10")).unwrap();
        assert_eq!(change.old.unwrap().metadata.resource_version.as_deref(), Some("9"));
        assert!(store.observe(object("a", "2", "3")).is_some(), "another object of the same name");
    }

    #[test]
    fn the_answer_to_a_write_does_not_bring_back_what_is_gone() {
        let store = Store::default();
        let (first, second) = (object("a", "1", "5"), object("a", "2", "9"));
        assert!(store.observe_own(first.clone()).is_none(), "not known any more");
        store.observe(second);
        assert!(store.observe_own(object("a", "1", "10")).is_none(), "another one has taken its place");
        assert!(store.observe_own(object("a", "2", "10")).is_some());
    }

    #[test]
    fn a_late_deletion_does_not_remove_the_successor() {
        let store = Store::default();
        store.observe(object("a", "2", "5"));
        assert!(store.forget(&object("a", "1", "9").metadata).is_none());
        assert_eq!(store.len(), 1);
        assert!(store.forget(&object("a", "2", "9").metadata).is_some());
        assert!(store.is_empty());
    }

    #[test]
    fn what_our_own_write_removed_is_not_called_back_by_a_watch_that_lags() {
        let store = Store::default();
        store.observe(object("a", "1", "5"));
        assert!(store.bury(&object("a", "1", "7").metadata).is_some());
        assert!(store.observe(object("a", "1", "6")).is_none(), "from before");
        assert!(store.forget(&object("a", "1", "7").metadata).is_none(), "known already");
        assert!(store.observe(object("a", "2", "8")).is_some(), "a successor");
        store.bury(&object("a", "2", "9").metadata);
        store.retain(&HashSet::new());
        assert!(store.state.lock().unwrap().buried.is_empty(), "a complete list leaves no doubt");
    }

    #[test]
    fn an_unreadable_version_is_known_of_until_it_is_read_or_gone() {
        let store = Store::default();
        store.observe(object("a", "1", "1"));
        for version in ["2", "4"] {
            store.unreadable(&object("a", "1", version).metadata);
            assert!(store.has_unreadable() && store.len() == 1);
            if version == "2" {
                store.observe(object("a", "1", "3"));
            } else {
                store.forget(&object("a", "1", version).metadata);
            }
            assert!(!store.has_unreadable());
        }
        assert!(store.is_empty());
    }

    #[test]
    fn a_list_tells_what_is_gone() {
        let store = Store::default();
        store.observe(object("a", "1", "1"));
        store.observe(object("b", "2", "2"));
        let listed = HashSet::from([ObjectKey { namespace: String::new(), name: "b".into() }]);
        let gone = store.retain(&listed);
        assert_eq!(gone.len(), 1);
        assert_eq!(gone[0].old.as_ref().unwrap().metadata.name.as_deref(), Some("a"));
    }
}
