//! The rights that `deploy/base/rbac.yaml` grants.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::tap::Permission;

const RBAC: &str = include_str!("../../../deploy/base/rbac.yaml");

/// Every right that the roles of the file grant.
pub fn granted() -> BTreeSet<Permission> {
    let documents = RBAC.split("\n---\n").map(|text| serde_saphyr::from_str::<Value>(text).expect("YAML"));
    let roles =
        documents.filter(|document| matches!(document["kind"].as_str(), Some("Role" | "ClusterRole")));
    roles
        .flat_map(|role| role["rules"].as_array().cloned().unwrap_or_default())
        .flat_map(|rule| of_rule(&rule))
        .collect()
}

fn of_rule(rule: &Value) -> Vec<Permission> {
    let list = |field: &str| -> Vec<String> {
        let items = rule[field].as_array().into_iter().flatten();
        items.filter_map(|item| item.as_str().map(str::to_owned)).collect()
    };
    let mut all = Vec::new();
    for group in list("apiGroups") {
        for resource in list("resources") {
            for verb in list("verbs") {
                all.push(Permission { group: group.clone(), resource: resource.clone(), verb });
            }
        }
    }
    all
}
