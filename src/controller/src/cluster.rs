//! The stores together, and what follows from them: who belongs to which load balancer.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use k8s_openapi::api::core::v1::{Namespace, Node, Service};
use k8s_openapi::api::discovery::v1::EndpointSlice;
use landfall_api::v1alpha1::{AddressPool, LoadBalancerClass};
use landfall_core::class::{Class, ClassSet};
use landfall_core::desired::{ServiceFacts, fingerprint};
use landfall_core::endpoints::SERVICE_LABEL;
use landfall_core::ids::{ClassName, LbId, ProviderName, ServiceKey};
use landfall_core::member;
use landfall_core::model::NodeSet;
use landfall_core::nodes::node_set;
use landfall_core::pools::Holding;
use landfall_core::refusal::Refusal;
use landfall_core::selector::Labels;

use crate::placement::{Placement, place};
use crate::store::{Change, ObjectKey, Store};

/// What a look is about.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Key {
    /// A load balancer.
    Lb(LbId),
    /// A Service that is ours but belongs to no load balancer, because its class or share key is refused.
    Unplaced(ServiceKey),
}

/// Everything that is known about the cluster.
#[derive(Debug)]
pub struct Cluster {
    /// Services.
    pub services: Arc<Store<Service>>,
    /// Nodes.
    pub nodes: Arc<Store<Node>>,
    /// Endpoint slices.
    pub slices: Arc<Store<EndpointSlice>>,
    /// Namespaces.
    pub namespaces: Arc<Store<Namespace>>,
    /// Classes.
    pub classes: Arc<Store<LoadBalancerClass>>,
    /// Address pools.
    pub pools: Arc<Store<AddressPool>>,
    providers: Vec<ProviderName>,
    default_class: Option<ClassName>,
    view: RwLock<View>,
    labels: Mutex<HashMap<String, KnownLabels>>,
}

/// The labels of a namespace, and the version they were read from.
type KnownLabels = (Arc<Namespace>, Arc<Labels>);

/// What is derived from the stores, kept current change by change.
#[derive(Debug, Default)]
struct View {
    classes: Arc<ClassSet>,
    nodes: Arc<NodeSet>,
    nodes_fingerprint: u64,
    placements: HashMap<ServiceKey, Placement>,
    members: HashMap<LbId, Vec<ServiceKey>>,
    slices: HashMap<ServiceKey, BTreeSet<ObjectKey>>,
}

/// The Services around one load balancer.
#[derive(Debug, Default)]
pub struct Group {
    /// The class of those that want to be on it; `None` if nobody does.
    pub class: Option<Arc<Class>>,
    /// Services that want to be on it, or are still on it while their next one is being made.
    pub wanted: Vec<ServiceFacts>,
    /// Services that are on it and stay as they are, because what they ask for now is refused.
    pub kept: Vec<(Arc<Service>, Refusal)>,
    /// Services that are on it and leave.
    pub departing: Vec<Arc<Service>>,
}

impl Group {
    /// Whether nobody has anything to do with the load balancer.
    pub fn is_empty(&self) -> bool {
        self.wanted.is_empty() && self.kept.is_empty() && self.departing.is_empty()
    }
}

impl Cluster {
    /// Empty stores. `providers` are those that run in this controller.
    pub fn new(providers: Vec<ProviderName>, default_class: Option<ClassName>) -> Self {
        let cluster = Self {
            services: Arc::default(),
            nodes: Arc::default(),
            slices: Arc::default(),
            namespaces: Arc::default(),
            classes: Arc::default(),
            pools: Arc::default(),
            providers,
            default_class,
            view: RwLock::default(),
            labels: Mutex::default(),
        };
        cluster.classes_changed();
        cluster
    }

    /// Takes a change of a Service into the indexes; returns what has to be looked at: where it was and where it is.
    ///
    /// What counts is what the store holds now: two changes of one Service may get here in the wrong order.
    pub fn service_changed(&self, change: &Change<Service>) -> BTreeSet<Key> {
        let Some(key) = change.new.as_deref().or(change.old.as_deref()).and_then(member::key_of) else {
            return BTreeSet::new();
        };
        let mut view = self.write();
        let current = self.services.get(&object_key(&key));
        view.replace_placement(&key, current.as_deref(), &self.providers)
    }

    /// The same for a write of our own: it only concerns others if it moves the Service, or if the Service has
    /// arrived by it. Else the looks at two load balancers of one Service would wake each other for ever.
    pub fn service_written(&self, change: &Change<Service>) -> BTreeSet<Key> {
        let moving = |service: &Option<Arc<Service>>, placement: &Option<Placement>| {
            service.as_ref().zip(placement.as_ref()).is_some_and(|(service, place)| place.is_moving(service))
        };
        let Some(key) = change.new.as_deref().or(change.old.as_deref()).and_then(member::key_of) else {
            return BTreeSet::new();
        };
        let before = self.placement(&key);
        let touched = self.service_changed(change);
        let after = self.placement(&key);
        let same = before == after && moving(&change.old, &before) == moving(&change.new, &after);
        if same { BTreeSet::new() } else { touched }
    }

    /// Reads the classes again; returns what has to be looked at: every Service whose place or class is another now.
    pub fn classes_changed(&self) -> BTreeSet<Key> {
        let built_in = [ProviderName::Aws, ProviderName::Gcp, ProviderName::Metal].into_iter();
        let built_in = built_in.chain(self.providers.iter().copied());
        let mut view = self.write();
        let (mut usable, mut unusable) = (Vec::new(), Vec::new());
        for object in self.classes.all() {
            match (
                Class::try_from(&*object),
                ClassName::new(object.metadata.name.as_deref().unwrap_or_default()),
            ) {
                (Ok(class), _) => usable.push(class),
                (Err(_), Ok(name)) => unusable.push((name, object.spec.default)),
                (Err(_), Err(_)) => {}
            }
        }
        let classes = ClassSet::new(built_in, usable, self.default_class.clone()).without(unusable);
        let services = self.services.all();
        view.classes = Arc::new(classes);
        let mut due = BTreeSet::new();
        for service in services {
            let Some(key) = member::key_of(&service) else { continue };
            let before = view.placements.get(&key).cloned();
            let touched = view.replace_placement(&key, Some(&service), &self.providers);
            if view.placements.get(&key) != before.as_ref() {
                due.extend(touched);
            }
        }
        due
    }

    /// Reads the nodes again; returns whether the set of targets is another now.
    pub fn nodes_changed(&self) -> bool {
        let nodes = self.nodes.all();
        let set = node_set(nodes.iter().map(AsRef::as_ref));
        let mut view = self.write();
        if *view.nodes == set {
            return false;
        }
        view.nodes_fingerprint = fingerprint(&set);
        view.nodes = Arc::new(set);
        true
    }

    /// Takes a change of a slice into the index; returns the Services concerned.
    pub fn slice_changed(&self, change: &Change<EndpointSlice>) -> BTreeSet<ServiceKey> {
        let mut view = self.write();
        let mut touched = BTreeSet::new();
        for (slice, present) in [(&change.old, false), (&change.new, true)] {
            let Some((service, key)) =
                slice.as_deref().and_then(|s| Some((service_of(s)?, ObjectKey::of(s)?)))
            else {
                continue;
            };
            let known = view.slices.entry(service.clone()).or_default();
            if present {
                known.insert(key);
            } else {
                known.remove(&key);
            }
            if known.is_empty() {
                view.slices.remove(&service);
            }
            touched.insert(service);
        }
        touched
    }

    /// Where a Service belongs, if it is ours.
    pub fn placement(&self, key: &ServiceKey) -> Option<Placement> {
        self.read().placements.get(key).cloned()
    }

    /// Every key there is something to do for.
    pub fn keys(&self) -> BTreeSet<Key> {
        self.read().placements.iter().flat_map(|(service, placement)| placement.keys(service)).collect()
    }

    /// The keys of the Services of one namespace.
    pub fn keys_in(&self, namespace: &str) -> BTreeSet<Key> {
        let view = self.read();
        let inside = view.placements.iter().filter(|(service, _)| service.namespace == namespace);
        inside.flat_map(|(service, placement)| placement.keys(service)).collect()
    }

    /// Whether some Service wants or holds this load balancer.
    pub fn is_known(&self, id: &LbId) -> bool {
        self.read().members.contains_key(id)
    }

    /// The node set and its fingerprint.
    pub fn node_set(&self) -> (Arc<NodeSet>, u64) {
        let view = self.read();
        (Arc::clone(&view.nodes), view.nodes_fingerprint)
    }

    /// The classes.
    pub fn class_set(&self) -> Arc<ClassSet> {
        Arc::clone(&self.read().classes)
    }

    /// How many Services each class serves.
    pub fn users(&self) -> HashMap<ClassName, i64> {
        let mut users = HashMap::new();
        for class in self.read().placements.values().filter_map(|placement| placement.class.as_ref()) {
            *users.entry(class.name.clone()).or_default() += 1;
        }
        users
    }

    /// The Services around a load balancer, by name.
    pub fn group(&self, id: &LbId) -> Group {
        let mut group = Group::default();
        for (service, placement) in self.members_of(id) {
            let wants_this = placement.wanted.as_ref() == Some(id);
            if let Some(refusal) = &placement.refusal {
                group.kept.push((service, refusal.clone()));
            } else if wants_this || placement.is_moving(&service) {
                if wants_this {
                    group.class.clone_from(&placement.class);
                }
                group.wanted.push(self.facts(service));
            } else {
                group.departing.push(service);
            }
        }
        group
    }

    /// What the statuses say about the addresses of one provider: input for its address book.
    pub fn holdings(&self, provider: ProviderName) -> Vec<Holding> {
        let ids: Vec<LbId> =
            self.read().members.keys().filter(|id| id.provider == provider).cloned().collect();
        ids.into_iter()
            .filter_map(|id| {
                let mut sharing = None;
                let members = self.members_of(&id).into_iter().filter_map(|(service, placement)| {
                    // What a Service shows belongs to the load balancer it was on last.
                    let current = placement.held.first().or(placement.wanted.as_ref());
                    let here = current == Some(&id);
                    let facts = self.facts(service);
                    let input = member::MemberInput {
                        service: &facts.service,
                        namespace_labels: facts.namespace_labels.as_ref(),
                    };
                    let (member, _) = member::read(input)?;
                    if !here || member.published.is_empty() {
                        return None;
                    }
                    sharing = sharing.or(placement.class.map(|class| class.sharing));
                    Some(member)
                });
                let mut members: Vec<_> = members.collect();
                members.sort_by(|a, b| (a.created, &a.service).cmp(&(b.created, &b.service)));
                (!members.is_empty()).then_some(Holding { id, members, sharing: sharing.unwrap_or_default() })
            })
            .collect()
    }

    fn members_of(&self, id: &LbId) -> Vec<(Arc<Service>, Placement)> {
        let view = self.read();
        let keys = view.members.get(id).into_iter().flatten();
        keys.filter_map(|key| Some((self.services.get(&object_key(key))?, view.placements.get(key)?.clone())))
            .collect()
    }

    fn facts(&self, service: Arc<Service>) -> ServiceFacts {
        let key = member::key_of(&service);
        let slice_keys: Vec<ObjectKey> = {
            let view = self.read();
            key.as_ref().and_then(|key| view.slices.get(key)).into_iter().flatten().cloned().collect()
        };
        ServiceFacts {
            slices: slice_keys.iter().filter_map(|key| self.slices.get(key)).collect(),
            namespace_labels: service.metadata.namespace.as_deref().and_then(|name| self.labels_of(name)),
            service,
        }
    }

    /// The labels of a namespace: one map for all its Services, as long as the namespace does not change.
    fn labels_of(&self, name: &str) -> Option<Arc<Labels>> {
        let key = ObjectKey { namespace: String::new(), name: name.to_owned() };
        let current = self.namespaces.get(&key);
        let mut known = self.labels.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(current) = current else {
            known.remove(name);
            return None;
        };
        if let Some((_, labels)) = known.get(name).filter(|(version, _)| Arc::ptr_eq(version, &current)) {
            return Some(Arc::clone(labels));
        }
        let labels = Arc::new(current.metadata.labels.clone().unwrap_or_default());
        known.insert(key.name, (current, Arc::clone(&labels)));
        Some(labels)
    }

    fn read(&self) -> RwLockReadGuard<'_, View> {
        self.view.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, View> {
        self.view.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl View {
    fn replace_placement(
        &mut self,
        key: &ServiceKey,
        service: Option<&Service>,
        providers: &[ProviderName],
    ) -> BTreeSet<Key> {
        let new = service.and_then(|service| place(service, &self.classes, providers));
        let old = self.placements.remove(key);
        let mut touched = BTreeSet::new();
        if let Some(old) = &old {
            touched.extend(old.keys(key));
            for id in old.ids() {
                if let Some(members) = self.members.get_mut(id) {
                    members.retain(|member| member != key);
                    if members.is_empty() {
                        self.members.remove(id);
                    }
                }
            }
        }
        if let Some(new) = new {
            touched.extend(new.keys(key));
            for id in new.ids() {
                let members = self.members.entry(id.clone()).or_insert_with(|| Vec::with_capacity(1));
                if let Err(place) = members.binary_search(key) {
                    members.insert(place, key.clone());
                }
            }
            self.placements.insert(key.clone(), new);
        }
        touched
    }
}

/// The key of a Service in its store.
pub fn object_key(key: &ServiceKey) -> ObjectKey {
    ObjectKey { namespace: key.namespace.clone(), name: key.name.clone() }
}

fn service_of(slice: &EndpointSlice) -> Option<ServiceKey> {
    let name = slice.metadata.labels.as_ref()?.get(SERVICE_LABEL)?;
    Some(ServiceKey::new(slice.metadata.namespace.as_deref()?, name))
}

#[cfg(test)]
mod tests;
