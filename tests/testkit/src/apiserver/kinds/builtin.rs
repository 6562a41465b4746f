//! The table of built-in kinds.

use super::{Kind, NameRule, Rules, StatusMetadata, View};

/// What most built-in kinds do.
const PLAIN: Rules = Rules {
    generation: false,
    unconditional_update: true,
    create_on_update: false,
    clears_status_on_create: false,
    status_metadata: StatusMetadata::Open,
    returns_deleted: false,
    names: NameRule::Subdomain,
};

/// Custom resources, in every group.
pub(crate) const CUSTOM: Rules = Rules {
    generation: true,
    unconditional_update: false,
    clears_status_on_create: true,
    status_metadata: StatusMetadata::Kept,
    ..PLAIN
};

const WORKLOAD: Rules = Rules { generation: true, clears_status_on_create: true, ..PLAIN };
const RBAC: Rules = Rules { names: NameRule::PathSegment, ..PLAIN };

pub(super) fn kinds() -> Vec<Kind> {
    let mut all = core();
    all.extend(grouped());
    all
}

fn core() -> Vec<Kind> {
    let label = Rules { names: NameRule::Label, ..PLAIN };
    vec![
        Entry::new("", "v1", "Service", "services")
            .short(&["svc"])
            .all()
            .status()
            .rules(Rules {
                create_on_update: true,
                clears_status_on_create: true,
                returns_deleted: true,
                names: NameRule::Label,
                ..PLAIN
            })
            .done(),
        Entry::new("", "v1", "Node", "nodes").short(&["no"]).cluster().status().done(),
        Entry::new("", "v1", "Namespace", "namespaces").short(&["ns"]).cluster().status().rules(label).done(),
        Entry::new("", "v1", "Event", "events")
            .short(&["ev"])
            .rules(Rules { create_on_update: true, ..PLAIN })
            .done(),
        Entry::new("", "v1", "Secret", "secrets").done(),
        Entry::new("", "v1", "ConfigMap", "configmaps").short(&["cm"]).done(),
        Entry::new("", "v1", "ServiceAccount", "serviceaccounts")
            .short(&["sa"])
            .rules(Rules { returns_deleted: true, ..PLAIN })
            .done(),
        Entry::new("", "v1", "Pod", "pods")
            .short(&["po"])
            .all()
            .status()
            .rules(Rules { returns_deleted: true, ..PLAIN })
            .done(),
        Entry::new("", "v1", "Endpoints", "endpoints").short(&["ep"]).singular("endpoints").done(),
    ]
}

fn grouped() -> Vec<Kind> {
    let rbac = "rbac.authorization.k8s.io";
    vec![
        Entry::new("events.k8s.io", "v1", "Event", "events")
            .short(&["ev"])
            .rules(Rules { create_on_update: true, ..PLAIN })
            .stored("events", View::EventsV1)
            .done(),
        Entry::new("discovery.k8s.io", "v1", "EndpointSlice", "endpointslices")
            .rules(Rules { generation: true, ..PLAIN })
            .done(),
        Entry::new("coordination.k8s.io", "v1", "Lease", "leases")
            .rules(Rules { unconditional_update: false, create_on_update: true, ..PLAIN })
            .done(),
        Entry::new("apps", "v1", "Deployment", "deployments")
            .short(&["deploy"])
            .all()
            .status()
            .rules(WORKLOAD)
            .done(),
        Entry::new("apps", "v1", "DaemonSet", "daemonsets")
            .short(&["ds"])
            .all()
            .status()
            .rules(WORKLOAD)
            .done(),
        Entry::new(rbac, "v1", "Role", "roles").rules(RBAC).done(),
        Entry::new(rbac, "v1", "RoleBinding", "rolebindings").rules(RBAC).done(),
        Entry::new(rbac, "v1", "ClusterRole", "clusterroles").cluster().rules(RBAC).done(),
        Entry::new(rbac, "v1", "ClusterRoleBinding", "clusterrolebindings").cluster().rules(RBAC).done(),
        Entry::new("apiextensions.k8s.io", "v1", "CustomResourceDefinition", "customresourcedefinitions")
            .short(&["crd", "crds"])
            .cluster()
            .status()
            .rules(CUSTOM)
            .done(),
    ]
}

/// A row of the table while it is written.
struct Entry(Kind);

impl Entry {
    fn new(group: &str, version: &str, kind: &str, plural: &str) -> Self {
        let table = if group.is_empty() { plural.to_owned() } else { format!("{plural}.{group}") };
        Self(Kind {
            group: group.into(),
            version: version.into(),
            kind: kind.into(),
            plural: plural.into(),
            singular: kind.to_lowercase(),
            short_names: Vec::new(),
            categories: Vec::new(),
            namespaced: true,
            has_status: false,
            rules: PLAIN,
            table,
            view: View::Stored,
            custom: None,
        })
    }

    fn short(mut self, names: &[&str]) -> Self {
        self.0.short_names = names.iter().map(|n| (*n).to_owned()).collect();
        self
    }

    fn singular(mut self, name: &str) -> Self {
        self.0.singular = name.into();
        self
    }

    fn all(mut self) -> Self {
        self.0.categories = vec!["all".into()];
        self
    }

    fn cluster(mut self) -> Self {
        self.0.namespaced = false;
        self
    }

    fn status(mut self) -> Self {
        self.0.has_status = true;
        self
    }

    fn rules(mut self, rules: Rules) -> Self {
        self.0.rules = rules;
        self
    }

    fn stored(mut self, table: &str, view: View) -> Self {
        self.0.table = table.into();
        self.0.view = view;
        self
    }

    fn done(self) -> Kind {
        self.0
    }
}
