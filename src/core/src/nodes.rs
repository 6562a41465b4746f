//! Which nodes may be targets.
//!
//! The rules are those of the upstream service controller (KEP-3458, stable node set): readiness is left to the
//! load balancer's health checks, so a restarting kubelet never empties a target group.

use std::net::IpAddr;

use k8s_openapi::api::core::v1::Node;

use crate::model::{ExcludedNode, Exclusion, NodeSet, NodeTarget};

/// Keeps a node out of every load balancer unless its value is a boolean false.
pub const EXCLUDE_LABEL: &str = "node.kubernetes.io/exclude-from-external-load-balancers";

/// Taints of programs that are about to remove the node: cluster-autoscaler, Karpenter (v1, and before v1).
pub const DRAIN_TAINTS: [&str; 3] =
    ["ToBeDeletedByClusterAutoscaler", "karpenter.sh/disrupted", "karpenter.sh/disruption"];

const ZONE_LABEL: &str = "topology.kubernetes.io/zone";

/// Sorts nodes into targets and others, both by name.
pub fn node_set<'a>(nodes: impl IntoIterator<Item = &'a Node>) -> NodeSet {
    let mut set = NodeSet::default();
    for node in nodes {
        let Some(name) = node.metadata.name.clone() else { continue };
        match exclusion(node) {
            Some(reason) => set.excluded.push(ExcludedNode { name, reason }),
            None => set.eligible.push(target(name, node)),
        }
    }
    set.eligible.sort_by(|a, b| a.name.cmp(&b.name));
    set.excluded.sort_by(|a, b| a.name.cmp(&b.name));
    set
}

/// Why a node takes no traffic, if it takes none.
pub fn exclusion(node: &Node) -> Option<Exclusion> {
    let label = node.metadata.labels.as_ref().and_then(|labels| labels.get(EXCLUDE_LABEL));
    let mut taints = node.spec.iter().flat_map(|spec| spec.taints.iter().flatten());
    if label.is_some_and(|value| !is_false(value)) {
        Some(Exclusion::Label)
    } else if node.metadata.deletion_timestamp.is_some() {
        Some(Exclusion::Deleting)
    } else if taints.any(|taint| DRAIN_TAINTS.contains(&taint.key.as_str())) {
        Some(Exclusion::Draining)
    } else {
        None
    }
}

/// The words that the upstream controller reads as false since Kubernetes 1.34; everything else excludes.
fn is_false(value: &str) -> bool {
    matches!(value, "0" | "f" | "F" | "false" | "FALSE" | "False")
}

fn target(name: String, node: &Node) -> NodeTarget {
    let labels = node.metadata.labels.clone().unwrap_or_default();
    let provider_id =
        node.spec.as_ref().and_then(|spec| spec.provider_id.clone()).filter(|id| !id.is_empty());
    let addresses: Vec<IpAddr> = node
        .status
        .iter()
        .flat_map(|status| status.addresses.iter().flatten())
        .filter(|address| address.type_ == "InternalIP")
        .filter_map(|address| address.address.parse().ok())
        .collect();
    NodeTarget { name, provider_id, addresses, zone: labels.get(ZONE_LABEL).cloned(), labels }
}

#[cfg(test)]
mod tests {
    use super::*;
    use k8s_openapi::api::core::v1::{NodeAddress, NodeSpec, NodeStatus, Taint};
    use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
    use rstest::rstest;

    fn node(name: &str) -> Node {
        let mut node = Node::default();
        node.metadata.name = Some(name.into());
        node.metadata.labels = Some([(ZONE_LABEL.to_owned(), "a".to_owned())].into());
        let address = |kind: &str, text: &str| NodeAddress { type_: kind.into(), address: text.into() };
        node.status = Some(NodeStatus {
            addresses: Some(vec![
                address("Hostname", "n1"),
                address("InternalIP", "10.0.0.1"),
                address("InternalIP", "not an address"),
                address("ExternalIP", "192.0.2.1"),
            ]),
            ..NodeStatus::default()
        });
        node
    }

    #[rstest]
    #[case(None, false)]
    #[case(Some(""), true)]
    #[case(Some("true"), true)]
    #[case(Some("no"), true)]
    #[case(Some("false"), false)]
    #[case(Some("0"), false)]
    #[case(Some("F"), false)]
    #[case(Some("fAlse"), true)]
    fn the_exclusion_label(#[case] value: Option<&str>, #[case] excluded: bool) {
        let mut node = node("n1");
        if let Some(value) = value {
            node.metadata.labels.get_or_insert_default().insert(EXCLUDE_LABEL.into(), value.into());
        }
        assert_eq!(exclusion(&node), excluded.then_some(Exclusion::Label));
    }

    #[rstest]
    #[case("ToBeDeletedByClusterAutoscaler", true)]
    #[case("karpenter.sh/disrupted", true)]
    #[case("karpenter.sh/disruption", true)]
    #[case("node.kubernetes.io/unreachable", false)]
    fn taints(#[case] key: &str, #[case] excluded: bool) {
        let mut node = node("n1");
        let taint = Taint { key: key.into(), effect: "NoSchedule".into(), ..Taint::default() };
        node.spec = Some(NodeSpec { taints: Some(vec![taint]), ..NodeSpec::default() });
        assert_eq!(exclusion(&node), excluded.then_some(Exclusion::Draining));
    }

    #[test]
    fn a_node_being_deleted_takes_no_traffic() {
        let mut node = node("n1");
        node.metadata.deletion_timestamp = Some(Time(jiff::Timestamp::UNIX_EPOCH));
        assert_eq!(exclusion(&node), Some(Exclusion::Deleting));
    }

    #[test]
    fn targets_carry_what_providers_need_and_are_sorted() {
        let mut second = node("n2");
        second.spec = Some(NodeSpec { provider_id: Some(String::new()), ..NodeSpec::default() });
        let mut first = node("n1");
        first.spec = Some(NodeSpec { provider_id: Some("aws:///a/i-1".into()), ..NodeSpec::default() });
        let set = node_set([&second, &first]);
        assert_eq!(set.eligible.iter().map(|node| node.name.as_str()).collect::<Vec<_>>(), ["n1", "n2"]);
        assert_eq!(set.eligible[0].provider_id.as_deref(), Some("aws:///a/i-1"));
        assert_eq!(set.eligible[1].provider_id, None, "an empty providerID is none");
        assert_eq!(set.eligible[0].addresses, ["10.0.0.1".parse::<IpAddr>().unwrap()]);
        assert_eq!(set.eligible[0].zone.as_deref(), Some("a"));
    }
}
