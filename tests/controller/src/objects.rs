//! Builders for the objects of tests.

use serde_json::{Value, json};

/// The built-in class of bare metal.
pub const METAL: &str = "landfall.dev/metal";
/// The built-in class of the in-memory cloud.
pub const MEMORY: &str = "landfall.dev/memory";

/// A Service of type `LoadBalancer` with TCP port 80 and a class, changed by a merge patch.
pub fn service(name: &str, class: &str, patch: &Value) -> Value {
    let base = json!({
        "apiVersion": "v1", "kind": "Service", "metadata": {"name": name},
        "spec": {"type": "LoadBalancer", "loadBalancerClass": class, "selector": {"app": name},
                 "ports": [{"name": "http", "port": 80, "protocol": "TCP"}]},
    });
    with(base, patch)
}

/// The same with these TCP ports, in a share group.
pub fn shared(name: &str, class: &str, key: &str, numbers: &[u16]) -> Value {
    let patch =
        json!({"metadata": {"annotations": {"landfall.dev/share": key}}, "spec": {"ports": ports(numbers)}});
    service(name, class, &patch)
}

/// TCP ports by number.
pub fn ports(numbers: &[u16]) -> Value {
    numbers.iter().map(|port| json!({"name": format!("p{port}"), "port": port, "protocol": "TCP"})).collect()
}

/// A `LoadBalancerClass` of a provider, changed by a merge patch.
pub fn class(name: &str, provider: &str, patch: &Value) -> Value {
    let base = json!({
        "apiVersion": "landfall.dev/v1alpha1", "kind": "LoadBalancerClass", "metadata": {"name": name},
        "spec": {"provider": provider},
    });
    with(base, patch)
}

/// An `AddressPool`.
pub fn pool(name: &str, addresses: &[&str]) -> Value {
    json!({
        "apiVersion": "landfall.dev/v1alpha1", "kind": "AddressPool", "metadata": {"name": name},
        "spec": {"addresses": addresses},
    })
}

/// A node with a provider id `test://NAME` and no address, changed by a merge patch.
pub fn node(name: &str, patch: &Value) -> Value {
    let base = json!({
        "apiVersion": "v1", "kind": "Node", "metadata": {"name": name},
        "spec": {"providerID": format!("test://{name}")},
    });
    with(base, patch)
}

/// An `EndpointSlice` of a Service's port `http`: addresses with their conditions, all on pod port 8080.
pub fn endpoints(name: &str, service: &str, pods: &[(&str, Value)]) -> Value {
    let endpoint =
        |(address, conditions): &(&str, Value)| json!({"addresses": [address], "conditions": conditions});
    json!({
        "apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice",
        "metadata": {"name": name, "labels": {"kubernetes.io/service-name": service}},
        "addressType": "IPv4",
        "ports": [{"name": "http", "port": 8080, "protocol": "TCP"}],
        "endpoints": pods.iter().map(endpoint).collect::<Vec<_>>(),
    })
}

/// Applies a merge patch (RFC 7386).
pub fn with(mut base: Value, patch: &Value) -> Value {
    merge(&mut base, patch);
    base
}

fn merge(base: &mut Value, patch: &Value) {
    let Value::Object(changes) = patch else {
        *base = patch.clone();
        return;
    };
    if !base.is_object() {
        *base = json!({});
    }
    for (key, change) in changes {
        if change.is_null() {
            if let Some(map) = base.as_object_mut() {
                map.remove(key);
            }
        } else {
            merge(&mut base[key.as_str()], change);
        }
    }
}
