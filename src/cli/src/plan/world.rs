//! Puts the cluster and the manifests into the controller's indexes, in the order in which the controller would meet
//! them, and finds what the manifests touch.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use jiff::Timestamp;
use k8s_openapi::api::core::v1::{Namespace, Service};
use kube::Resource;
use landfall_controller::cluster::{Cluster, Key, object_key};
use landfall_controller::pools;
use landfall_controller::store::{Change, ObjectKey, Store};
use landfall_controller::work::Providers;
use landfall_core::class::Class;
use landfall_core::error::Category;
use landfall_core::ids::{ClassName, ProviderName, ServiceKey};
use landfall_core::member;
use landfall_core::pools::AddressBook;
use landfall_core::provider::Provider;
use landfall_core::refusal::{Refusal, categories};

use super::Objects;
use super::defaults::{Server, UNKNOWN_UID, applied};

/// Every namespace has it (KEP-2161).
const NAME_LABEL: &str = "kubernetes.io/metadata.name";

/// What a plan is made from.
pub(crate) struct Inputs {
    /// The manifests.
    pub(crate) manifests: Objects,
    /// The cluster; `None` if nothing is known but the manifests. They are then taken for a record of a cluster, with
    /// statuses and uids.
    pub(crate) live: Option<Objects>,
    /// The providers to ask. They must not be in use elsewhere: what is planned is reserved in their address books.
    pub(crate) providers: Vec<Arc<dyn Provider>>,
    /// The class for Services without one.
    pub(crate) default_class: Option<ClassName>,
    /// Creation time of what is new.
    pub(crate) now: Timestamp,
}

/// The cluster as it would be with the manifests applied.
pub(crate) struct World {
    /// The controller's indexes.
    pub(crate) cluster: Cluster,
    /// The providers by name.
    pub(crate) providers: Providers,
    /// The Services of the manifests, each once, in their order.
    pub(crate) asked: Vec<ServiceKey>,
    /// What a plan does not know about them.
    pub(crate) open: HashMap<ServiceKey, Open>,
    /// What the controller would look at.
    pub(crate) touched: BTreeSet<Key>,
    /// Classes and pools of the manifests that cannot be used.
    pub(crate) refused: Vec<Refusal>,
    /// Things worth knowing.
    pub(crate) notes: Vec<String>,
}

/// What a plan does not know about a Service of the manifests.
pub(crate) struct Open {
    /// Whether it does not exist yet.
    pub(crate) new: bool,
    /// The fields whose values are stand-ins.
    pub(crate) fields: Vec<String>,
}

/// Applies the manifests to the cluster.
pub(crate) fn build(inputs: Inputs) -> World {
    let names: Vec<ProviderName> = inputs.providers.iter().map(|provider| provider.name()).collect();
    let mut world = World {
        cluster: Cluster::new(names, inputs.default_class),
        providers: inputs.providers.into_iter().map(|one| (one.name(), one)).collect::<HashMap<_, _>>(),
        asked: Vec::new(),
        open: HashMap::new(),
        touched: BTreeSet::new(),
        refused: Vec::new(),
        notes: Vec::new(),
    };
    let given = Given::of(&inputs.manifests);
    let offline = inputs.live.is_none();
    let mut server = Server { now: inputs.now, family: "IPv4".to_owned(), created: 0 };
    if let Some(live) = inputs.live {
        server.family = primary_family(&live.services).unwrap_or(server.family);
        world.surroundings(&live);
        live.services.into_iter().for_each(|service| world.observe(service));
        // What the Services show is adopted before the manifests can ask for anything.
        pools::feed(&world.cluster, &world.providers, true);
        world.touched.clear();
    }
    world.surroundings(&inputs.manifests);
    for service in inputs.manifests.services {
        world.ask(service, &mut server, offline);
    }
    world.name_namespaces(offline);
    world.touched.extend(pools::feed(&world.cluster, &world.providers, offline));
    world.judge_classes(&given);
    world.judge_pools(&given);
    world
}

/// Names of the classes and pools in the manifests: what is wrong with them is a finding, not a note.
struct Given {
    classes: BTreeSet<String>,
    pools: BTreeSet<String>,
}

impl Given {
    fn of(manifests: &Objects) -> Self {
        Self {
            classes: manifests.classes.iter().filter_map(|class| class.metadata.name.clone()).collect(),
            pools: manifests.pools.iter().filter_map(|pool| pool.metadata.name.clone()).collect(),
        }
    }
}

/// The family of `default/kubernetes`, the Service that every cluster has.
fn primary_family(services: &[Service]) -> Option<String> {
    let meta = |service: &&Service| {
        service.metadata.name.as_deref() == Some("kubernetes")
            && service.metadata.namespace.as_deref() == Some("default")
    };
    services.iter().find(meta)?.spec.as_ref()?.ip_families.as_ref()?.first().cloned()
}

impl World {
    /// Takes in everything but Services.
    fn surroundings(&mut self, objects: &Objects) {
        let cluster = &self.cluster;
        objects.namespaces.iter().cloned().map(with_name_label).for_each(|namespace| {
            let name = namespace.metadata.name.clone().unwrap_or_default();
            put(&cluster.namespaces, namespace);
            self.touched.extend(cluster.keys_in(&name));
        });
        objects.pools.iter().for_each(|pool| put(&cluster.pools, pool.clone()));
        objects.nodes.iter().for_each(|node| put(&cluster.nodes, node.clone()));
        if cluster.nodes_changed() {
            self.touched.extend(cluster.keys());
        }
        objects.classes.iter().for_each(|class| put(&cluster.classes, class.clone()));
        self.touched.extend(cluster.classes_changed());
        for slice in &objects.slices {
            let change = overwrite(&cluster.slices, slice.clone());
            for service in change.iter().flat_map(|change| cluster.slice_changed(change)) {
                let placement = cluster.placement(&service);
                self.touched.extend(placement.iter().flat_map(|placement| placement.keys(&service)));
            }
        }
    }

    fn observe(&mut self, service: Service) {
        if let Some(change) = overwrite(&self.cluster.services, service) {
            self.touched.extend(self.cluster.service_changed(&change));
        }
    }

    /// Takes in a Service of the manifests.
    fn ask(&mut self, mut service: Service, server: &mut Server, offline: bool) {
        let Some(key) = member::key_of(&service) else { return };
        let live = self.cluster.services.get(&object_key(&key));
        if !offline {
            // The server ignores what a manifest says about these.
            service.metadata.uid = None;
            service.metadata.creation_timestamp = None;
            service.metadata.deletion_timestamp = None;
            service.status = None;
        }
        let (service, fields) = applied(service, live.as_deref(), server);
        let new = service.metadata.uid.as_deref().is_some_and(|uid| uid.starts_with(UNKNOWN_UID));
        self.observe(service);
        let placement = self.cluster.placement(&key);
        self.touched.extend(placement.iter().flat_map(|placement| placement.keys(&key)));
        if self.open.insert(key.clone(), Open { new, fields }).is_some() {
            self.notes.push(format!("Service {key} is given more than once; the last one counts"));
        } else {
            self.asked.push(key);
        }
    }

    fn judge_classes(&mut self, given: &Given) {
        let mut classes = self.cluster.classes.all();
        classes.sort_by(|a, b| a.metadata.name.cmp(&b.metadata.name));
        for class in classes {
            let Err(error) = Class::try_from(&*class) else { continue };
            let name = class.metadata.name.clone().unwrap_or_default();
            self.unusable(
                "LoadBalancerClass",
                &name,
                given.classes.contains(&name),
                categories::INVALID_VALUE,
                &error.to_string(),
            );
        }
        let set = self.cluster.class_set();
        if let (Some(default), [_, ..]) = (set.default_class(), set.rival_defaults()) {
            let rivals: Vec<&str> = set.rival_defaults().iter().map(ClassName::as_str).collect();
            self.notes.push(format!(
                "several classes have spec.default: {default} is it, not {}",
                rivals.join(", ")
            ));
        }
    }

    fn judge_pools(&mut self, given: &Given) {
        let books = self.providers.values().filter_map(|provider| provider.address_book());
        let usage: Vec<_> = books.flat_map(AddressBook::usage).collect();
        for pool in usage {
            if let Err(problem) = pool.verdict {
                let given = given.pools.contains(&pool.name);
                self.unusable("AddressPool", &pool.name, given, problem.category, &problem.message);
            }
        }
    }

    /// Tells that an object cannot be used: as a finding if a manifest gives it, as a note if it is in the cluster.
    fn unusable(&mut self, kind: &str, name: &str, given: bool, category: Category, message: &str) {
        if !given {
            self.notes.push(format!("{kind} {name} of the cluster cannot be used: {message}"));
            return;
        }
        let field = format!("{kind} {name}");
        self.refused.push(Refusal {
            member: None,
            category,
            field,
            value: String::new(),
            message: message.to_owned(),
        });
    }

    /// Makes up the namespaces that nobody gave: their name is a label that selectors use.
    fn name_namespaces(&mut self, offline: bool) {
        let names: BTreeSet<String> = self.asked.iter().map(|key| key.namespace.clone()).collect();
        for name in names {
            let key = ObjectKey { namespace: String::new(), name: name.clone() };
            if self.cluster.namespaces.get(&key).is_some() {
                continue;
            }
            if !offline {
                self.notes.push(format!(
                    "namespace {name} does not exist in the cluster or the manifests; planned without further labels"
                ));
            }
            let mut namespace = Namespace::default();
            namespace.metadata.name = Some(name);
            put(&self.cluster.namespaces, with_name_label(namespace));
        }
    }
}

fn with_name_label(mut namespace: Namespace) -> Namespace {
    if let Some(name) = namespace.metadata.name.clone() {
        namespace.metadata.labels.get_or_insert_with(BTreeMap::new).insert(NAME_LABEL.to_owned(), name);
    }
    namespace
}

fn put<K: Resource>(store: &Store<K>, object: K) {
    overwrite(store, object);
}

/// Puts an object into a store whatever version it has: a manifest has none, or an old one.
fn overwrite<K: Resource>(store: &Store<K>, object: K) -> Option<Change<K>> {
    let old = ObjectKey::of(&object).and_then(|key| store.get(&key));
    if let Some(old) = &old {
        store.forget(old.meta());
    }
    let change = store.observe(object)?;
    Some(Change { old, new: change.new })
}
