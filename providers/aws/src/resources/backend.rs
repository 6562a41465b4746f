//! The group that the nodes let in. The cluster has one, so a node's group takes a fixed number of rules for it.

use std::collections::BTreeSet;

use landfall_core::model::TrafficPolicy;

use super::model::{BackendWish, SecurityGroupWish};
use super::{Inputs, Served};
use crate::api::ec2::Allow;
use crate::api::elb::GroupTargets;
use crate::settings::Security;
use crate::{marks, names};

/// The API server's default range of node ports.
const NODE_PORTS: (u16, u16) = (30_000, 32_767);

/// The backend group, if the load balancer carries it.
pub(super) fn wish(inputs: &Inputs<'_>, served: &[Served<'_>]) -> Option<BackendWish> {
    let carried = match inputs.settings.balancer.security {
        Security::None => false,
        Security::Given { backend, .. } | Security::Managed { backend } => backend,
    };
    carried.then(|| BackendWish {
        group: SecurityGroupWish {
            name: names::backend(inputs.cluster),
            description: format!("Load balancers of cluster {}, managed by Landfall", inputs.cluster),
            rules: BTreeSet::new(),
            tags: marks::of_backend(inputs.cluster),
        },
        node_groups: inputs.facts.node_groups.clone(),
        allow: allow(served),
        mark: marks::backend_rule(inputs.cluster),
    })
}

/// What the nodes let in: for pods every port; for nodes the node ports and kube-proxy's health port, and those
/// ports that are outside of the usual ranges.
fn allow(served: &[Served<'_>]) -> BTreeSet<Allow> {
    if served.iter().any(|each| each.settings.targets == GroupTargets::Ip) {
        return BTreeSet::from([Allow::Tcp(1, u16::MAX), Allow::Udp(1, u16::MAX)]);
    }
    let (first, last) = NODE_PORTS;
    let health = TrafficPolicy::KUBE_PROXY_PORT;
    let mut allow =
        BTreeSet::from([Allow::Tcp(first, last), Allow::Udp(first, last), Allow::Tcp(health, health)]);
    let unusual = |port: &u16| *port != health && !(first..=last).contains(port);
    for each in served {
        let checks = each.listener.health.port.into_iter().filter(unusual);
        allow.extend(checks.map(|port| Allow::Tcp(port, port)));
        let node_ports = each.member.listeners.iter().filter_map(|listener| listener.node_port);
        for port in node_ports.filter(unusual) {
            allow.extend([Allow::Tcp(port, port), Allow::Udp(port, port)]);
        }
    }
    allow
}
