//! Load balancer classes: which provider serves a Service, with which defaults.

use std::collections::BTreeMap;
use std::sync::Arc;

use k8s_openapi::api::core::v1::Service;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::ids::{ClassName, ProviderName};
use crate::params::ClassParams;

/// What stands before the class name in `spec.loadBalancerClass`.
pub const PREFIX: &str = "landfall.dev/";

/// A class as the decisions see it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Class {
    /// Its short name.
    pub name: ClassName,
    /// Who provides.
    pub provider: ProviderName,
    /// Parameters for the provider.
    pub params: ClassParams,
    /// Whether it serves Services without a class.
    pub default: bool,
    /// Who may share.
    pub sharing: Sharing,
    /// Namespaces it serves; `None` for all.
    pub allowed_namespaces: Option<LabelSelector>,
    /// Whether it exists without a `LoadBalancerClass` object.
    pub built_in: bool,
}

impl Class {
    /// The class that exists for every provider without an object of its own.
    pub fn built_in(provider: ProviderName) -> Option<Self> {
        Some(Self {
            name: ClassName::new(provider.as_str()).ok()?,
            provider,
            params: ClassParams::Defaults,
            default: false,
            sharing: Sharing::default(),
            allowed_namespaces: None,
            built_in: true,
        })
    }
}

/// Which Services of a class may share a load balancer.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
pub enum Sharing {
    /// Nobody shares.
    None,
    /// Services of one namespace.
    #[default]
    Namespace,
    /// Services of all namespaces.
    Cluster,
}

/// Every class, and the one for Services without a class.
#[derive(Debug, Clone, Default)]
pub struct ClassSet {
    classes: BTreeMap<ClassName, Arc<Class>>,
    default: Option<ClassName>,
    by_flag: bool,
    rival_defaults: Vec<ClassName>,
}

impl ClassSet {
    /// Puts the built-in classes and those of `LoadBalancerClass` objects together.
    ///
    /// An object with the name of a built-in class takes its place. `flag` is the class that the process was
    /// started with as its default and beats `spec.default`; among several objects with `spec.default` the
    /// first by name counts and the others are reported by [`ClassSet::rival_defaults`].
    pub fn new(
        built_in: impl IntoIterator<Item = ProviderName>,
        objects: impl IntoIterator<Item = Class>,
        flag: Option<ClassName>,
    ) -> Self {
        let mut classes: BTreeMap<ClassName, Arc<Class>> = built_in
            .into_iter()
            .filter_map(Class::built_in)
            .map(|class| (class.name.clone(), Arc::new(class)))
            .collect();
        classes.extend(objects.into_iter().map(|class| (class.name.clone(), Arc::new(class))));
        let by_flag = flag.is_some();
        let mut marked = classes.values().filter(|class| class.default).map(|class| class.name.clone());
        let (default, rival_defaults) = match flag {
            Some(name) => (Some(name), Vec::new()),
            None => (marked.next(), marked.collect()),
        };
        Self { classes, default, by_flag, rival_defaults }
    }

    /// Takes out classes whose objects cannot be read, with their `spec.default`. They are unknown and not absent: a
    /// built-in class of the same name does not step in, and an unreadable default class keeps its Services.
    pub fn without(mut self, unreadable: impl IntoIterator<Item = (ClassName, bool)>) -> Self {
        for (name, default) in unreadable {
            self.classes.remove(&name);
            if default && !self.by_flag && self.default.is_none() {
                self.default = Some(name);
            }
        }
        self
    }

    /// A class by its short name.
    pub fn get(&self, name: &ClassName) -> Option<&Arc<Class>> {
        self.classes.get(name)
    }

    /// All names, sorted.
    pub fn names(&self) -> impl Iterator<Item = &ClassName> {
        self.classes.keys()
    }

    /// The class for Services without one.
    pub fn default_class(&self) -> Option<&ClassName> {
        self.default.as_ref()
    }

    /// Classes marked as default that are not, because another one is.
    pub fn rival_defaults(&self) -> &[ClassName] {
        &self.rival_defaults
    }

    /// Decides whether a Service is ours, and by which class.
    pub fn select(&self, service: &Service) -> Selection {
        let spec = service.spec.as_ref();
        if spec.and_then(|spec| spec.type_.as_deref()) != Some("LoadBalancer") {
            return Selection::NotOurs;
        }
        let asked = spec.and_then(|spec| spec.load_balancer_class.as_deref());
        let name = match asked {
            None => match &self.default {
                Some(name) => name.as_str(),
                None => return Selection::NotOurs,
            },
            Some(class) => match class.strip_prefix(PREFIX) {
                Some(name) => name,
                None => return Selection::NotOurs,
            },
        };
        match ClassName::new(name).ok().and_then(|name| self.classes.get(&name)) {
            Some(class) => Selection::Ours(Arc::clone(class)),
            None => Selection::Unknown(name.to_owned()),
        }
    }
}

/// Whether a Service is ours.
#[derive(Debug, Clone, PartialEq)]
pub enum Selection {
    /// Served by this class.
    Ours(Arc<Class>),
    /// It names a class under our prefix that does not exist, or the default class does not.
    Unknown(
        /// The name asked for.
        String,
    ),
    /// Not of type `LoadBalancer`, of a foreign class, or without a class while no default is set.
    NotOurs,
}

#[cfg(test)]
mod tests {
    use super::*;
    use k8s_openapi::api::core::v1::ServiceSpec;
    use rstest::rstest;

    fn service(kind: &str, class: Option<&str>) -> Service {
        let spec = ServiceSpec {
            type_: Some(kind.into()),
            load_balancer_class: class.map(Into::into),
            ..ServiceSpec::default()
        };
        Service { spec: Some(spec), ..Service::default() }
    }

    fn class(name: &str, default: bool) -> Class {
        let mut class = Class::built_in(ProviderName::Metal).unwrap();
        class.name = ClassName::new(name).unwrap();
        class.default = default;
        class.built_in = false;
        class
    }

    fn outcome(set: &ClassSet, service: &Service) -> String {
        match set.select(service) {
            Selection::Ours(class) => format!("ours {}", class.name),
            Selection::Unknown(name) => format!("unknown {name}"),
            Selection::NotOurs => "not ours".into(),
        }
    }

    #[rstest]
    #[case("LoadBalancer", Some("landfall.dev/metal"), None, "ours metal")]
    #[case("LoadBalancer", Some("landfall.dev/gold"), None, "ours gold")]
    #[case("LoadBalancer", Some("landfall.dev/nope"), None, "unknown nope")]
    #[case("LoadBalancer", Some("landfall.dev/No/pe"), None, "unknown No/pe")]
    #[case("LoadBalancer", Some("service.k8s.aws/nlb"), Some("gold"), "not ours")]
    #[case("LoadBalancer", Some("metal"), Some("gold"), "not ours")]
    #[case("LoadBalancer", None, None, "not ours")]
    #[case("LoadBalancer", None, Some("gold"), "ours gold")]
    #[case("LoadBalancer", None, Some("gone"), "unknown gone")]
    #[case("ClusterIP", None, Some("gold"), "not ours")]
    fn selection(
        #[case] kind: &str,
        #[case] asked: Option<&str>,
        #[case] flag: Option<&str>,
        #[case] want: &str,
    ) {
        let set = ClassSet::new(
            [ProviderName::Metal],
            [class("gold", false)],
            flag.map(|name| ClassName::new(name).unwrap()),
        );
        assert_eq!(outcome(&set, &service(kind, asked)), want);
    }

    #[test]
    fn a_class_that_cannot_be_read_is_unknown_and_not_absent() {
        let broken = || [(ClassName::new("metal").unwrap(), true)];
        let set = ClassSet::new([ProviderName::Metal], [], None).without(broken());
        assert_eq!(outcome(&set, &service("LoadBalancer", Some("landfall.dev/metal"))), "unknown metal");
        assert_eq!(outcome(&set, &service("LoadBalancer", None)), "unknown metal", "its Services are kept");
        let set = ClassSet::new([ProviderName::Metal], [class("gold", true)], None).without(broken());
        assert_eq!(outcome(&set, &service("LoadBalancer", None)), "ours gold");
        let set = ClassSet::new([], [class("gold", false)], ClassName::new("gold").ok()).without(broken());
        assert_eq!(outcome(&set, &service("LoadBalancer", None)), "ours gold", "the flag wins");
    }

    #[test]
    fn an_object_replaces_a_built_in_class_and_rivals_are_told() {
        let set = ClassSet::new(
            [ProviderName::Metal],
            [class("metal", true), class("gold", true), class("zinc", true)],
            None,
        );
        assert_eq!(set.default_class().unwrap().as_str(), "gold");
        assert_eq!(set.rival_defaults().iter().map(ClassName::as_str).collect::<Vec<_>>(), ["metal", "zinc"]);
        assert!(!set.get(&ClassName::new("metal").unwrap()).unwrap().built_in);
        let flagged = ClassSet::new([], [class("gold", true)], ClassName::new("other").ok());
        assert_eq!(flagged.default_class().unwrap().as_str(), "other");
    }
}
