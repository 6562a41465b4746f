//! What is kept of an object: the stores hold every Service, node and slice of the cluster, so what no decision
//! reads is dropped before it gets there.

use k8s_openapi::api::core::v1::{Namespace, Node, NodeStatus, Service};
use k8s_openapi::api::discovery::v1::EndpointSlice;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use landfall_api::v1alpha1::{AddressPool, LoadBalancerClass};

/// An annotation that repeats the whole object.
const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";

/// Objects that know what of them is needed.
pub trait Slim {
    /// Drops the rest.
    fn slim(&mut self);
}

fn slim_meta(meta: &mut ObjectMeta) {
    meta.managed_fields = None;
    meta.owner_references = None;
    if let Some(annotations) = &mut meta.annotations {
        annotations.remove(LAST_APPLIED);
    }
    tight(&mut meta.finalizers);
}

impl Slim for Service {
    fn slim(&mut self) {
        slim_meta(&mut self.metadata);
        if let Some(spec) = &mut self.spec {
            spec.cluster_ip = None;
            spec.cluster_ips = None;
            spec.external_ips = None;
            spec.internal_traffic_policy = None;
            tight(&mut spec.ports);
            tight(&mut spec.ip_families);
            tight(&mut spec.load_balancer_source_ranges);
        }
        if let Some(status) = &mut self.status {
            tight(&mut status.conditions);
            if let Some(balancer) = &mut status.load_balancer {
                tight(&mut balancer.ingress);
            }
        }
    }
}

/// A list read from JSON has room for four elements or more; with thousands of objects that adds up.
fn tight<T>(list: &mut Option<Vec<T>>) {
    if let Some(list) = list {
        list.shrink_to_fit();
    }
}

impl Slim for Node {
    fn slim(&mut self) {
        slim_meta(&mut self.metadata);
        self.metadata.annotations = None;
        if let Some(spec) = &mut self.spec {
            spec.pod_cidrs = None;
            spec.pod_cidr = None;
        }
        if let Some(status) = self.status.take() {
            self.status = Some(NodeStatus { addresses: status.addresses, ..NodeStatus::default() });
        }
    }
}

impl Slim for EndpointSlice {
    fn slim(&mut self) {
        slim_meta(&mut self.metadata);
        self.metadata.annotations = None;
        for endpoint in &mut self.endpoints {
            endpoint.target_ref = None;
            endpoint.hostname = None;
            endpoint.hints = None;
            endpoint.deprecated_topology = None;
        }
    }
}

impl Slim for Namespace {
    fn slim(&mut self) {
        slim_meta(&mut self.metadata);
        self.metadata.annotations = None;
        self.spec = None;
        self.status = None;
    }
}

impl Slim for LoadBalancerClass {
    fn slim(&mut self) {
        slim_meta(&mut self.metadata);
    }
}

impl Slim for AddressPool {
    fn slim(&mut self) {
        slim_meta(&mut self.metadata);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_node_keeps_labels_taints_and_addresses() {
        let mut node: Node = serde_json::from_value(json!({
            "metadata": {"name": "n1", "labels": {"a": "b"}, "annotations": {"big": "x"}, "managedFields": [{}]},
            "spec": {"providerID": "p", "taints": [{"key": "k", "effect": "NoSchedule"}], "podCIDR": "10.0.0.0/24"},
            "status": {"addresses": [{"type": "InternalIP", "address": "10.0.0.1"}],
                       "images": [{"names": ["x"]}], "conditions": [{"type": "Ready", "status": "True"}]},
        }))
        .unwrap();
        node.slim();
        let kept = serde_json::to_value(&node).unwrap();
        assert_eq!(kept["status"], json!({"addresses": [{"type": "InternalIP", "address": "10.0.0.1"}]}));
        assert_eq!(kept["metadata"], json!({"name": "n1", "labels": {"a": "b"}}));
        assert_eq!(
            kept["spec"],
            json!({"providerID": "p", "taints": [{"key": "k", "effect": "NoSchedule"}]})
        );
    }

    #[test]
    fn a_service_keeps_what_decisions_read() {
        let mut service: Service = serde_json::from_value(json!({
            "metadata": {"name": "web", "finalizers": ["f"], "annotations": {LAST_APPLIED: "{}", "a": "b"}},
            "spec": {"ports": [{"port": 80}], "clusterIP": "10.0.0.1", "clusterIPs": ["10.0.0.1"]},
            "status": {"loadBalancer": {"ingress": [{"ip": "192.0.2.1"}]}},
        }))
        .unwrap();
        let status = service.status.clone();
        service.slim();
        assert_eq!(service.status, status);
        assert_eq!(serde_json::to_value(&service.spec).unwrap(), json!({"ports": [{"port": 80}]}));
        assert_eq!(service.metadata.finalizers.unwrap(), ["f"]);
        assert_eq!(service.metadata.annotations.unwrap().into_keys().collect::<Vec<_>>(), ["a"]);
    }
}
