//! What an update inherits from the stored Service, and what it loses with its old type.
//!
//! Clients may send back a manifest without the values the server once allocated; that must not read as a wish to
//! give them up. On the other hand a changed type makes some values meaningless; they go, unless the same write
//! changed them too (then validation says no).

use std::collections::{BTreeMap, BTreeSet};

use k8s_openapi::api::core::v1::ServiceSpec;

use super::model::{Facets, LOAD_BALANCER};

/// Fills allocated values that `new` leaves out.
pub(super) fn allocated(old: &ServiceSpec, new: &mut ServiceSpec) {
    if old.needs_cluster_ip() && new.needs_cluster_ip() {
        if new.cluster_ip.is_none() {
            new.cluster_ip.clone_from(&old.cluster_ip);
        }
        if new.cluster_ips.is_none() {
            new.cluster_ips.clone_from(&old.cluster_ips);
        }
    }
    // With allocation switched off, a missing node port is a wish to give it back.
    if old.uses_node_ports() && new.allocates_node_ports() {
        node_ports(old, new);
    }
    if old.needs_health_check() && new.needs_health_check() && new.health_check_node_port.is_none() {
        new.health_check_node_port = old.health_check_node_port;
    }
}

/// Keeps the single and the plural field in step: clients may know only one of them.
pub(super) fn sync_cluster_ips(old: Option<&ServiceSpec>, new: &mut ServiceSpec) {
    let Some(old) = old else {
        if let (Some(ip), None) = (&new.cluster_ip, &new.cluster_ips) {
            new.cluster_ips = Some(vec![ip.clone()]);
        }
        return;
    };
    if old.cluster_ip != new.cluster_ip && old.cluster_ips == new.cluster_ips {
        new.cluster_ips = new.cluster_ip.clone().map(|ip| vec![ip]);
    }
}

/// Drops unchanged values that the new type has no use for.
pub(super) fn wipe(old: &ServiceSpec, new: &mut ServiceSpec) {
    if old.needs_cluster_ip() && !new.needs_cluster_ip() {
        if old.cluster_ips == new.cluster_ips {
            (new.cluster_ip, new.cluster_ips) = (None, None);
        }
        clear_if_same(old.ip_families.as_ref(), &mut new.ip_families);
        clear_if_same(old.ip_family_policy.as_ref(), &mut new.ip_family_policy);
    }
    if old.uses_node_ports() && !new.uses_node_ports() && numbers(old) == numbers(new) {
        new.ports.iter_mut().flatten().for_each(|port| port.node_port = None);
    }
    if old.needs_health_check() && !new.needs_health_check() {
        clear_if_same(old.health_check_node_port.as_ref(), &mut new.health_check_node_port);
    }
    if old.kind() == LOAD_BALANCER && new.kind() != LOAD_BALANCER {
        clear_if_same(
            old.allocate_load_balancer_node_ports.as_ref(),
            &mut new.allocate_load_balancer_node_ports,
        );
        clear_if_same(old.load_balancer_class.as_ref(), &mut new.load_balancer_class);
    }
    if old.externally_accessible() && !new.externally_accessible() {
        clear_if_same(old.external_traffic_policy.as_ref(), &mut new.external_traffic_policy);
    }
}

fn clear_if_same<T: PartialEq>(old: Option<&T>, new: &mut Option<T>) {
    if old == new.as_ref() {
        *new = None;
    }
}

fn node_ports(old: &ServiceSpec, new: &mut ServiceSpec) {
    // Two ports that shared a node port go on sharing it; one that the client gave to another port is lost.
    let taken: BTreeSet<i32> = numbers(new).into_iter().flatten().collect();
    let by_name: BTreeMap<_, _> =
        old.ports.iter().flatten().map(|port| (&port.name, port.node_port)).collect();
    for port in new.ports.iter_mut().flatten().filter(|port| port.node_port.is_none()) {
        port.node_port = by_name.get(&port.name).copied().flatten().filter(|number| !taken.contains(number));
    }
}

fn numbers(spec: &ServiceSpec) -> Vec<Option<i32>> {
    spec.ports.iter().flatten().map(|port| port.node_port).collect()
}
