//! Settings of one member.

use landfall_core::params::aws::{AwsParams, Scheme};

use super::group_attributes::preserves;
use super::model::{BalancerSettings, MemberSettings};
use super::parse::{self, Parsed};
use super::said::{Findings, Source, problem};
use super::{keys, listeners, targets};
use crate::api::elb::GroupTargets;

/// Reads them. `class` has been checked.
pub(super) fn read(
    source: Source<'_>,
    class: &AwsParams,
    balancer: &BalancerSettings,
    findings: &mut Findings,
) -> MemberSettings {
    not_served(source, findings);
    let kind = targets::read(source, class.target_type, findings);
    let prefix_lists = source.read(keys::PREFIX_LISTS, |text| parse::list(text, prefix_list), findings);
    let path_mtu = source.read(keys::PATH_MTU, parse::switch, findings);
    let settings = MemberSettings {
        targets: kind,
        node_labels: targets::node_labels(source, kind, &class.target_node_labels, findings),
        prefix_lists: prefix_lists.map(|said| said.value).unwrap_or_default(),
        path_mtu: path_mtu.is_some_and(|said| said.value),
        listeners: listeners::read(source, kind, class, balancer.address_type, findings),
    };
    hairpin(source, class, balancer, &settings, findings);
    settings
}

fn prefix_list(text: &str) -> Parsed<String> {
    parse::aws_id(text, "pl-")
}

/// What we refuse on purpose.
fn not_served(source: Source<'_>, findings: &mut Findings) {
    let several = source.read(keys::MULTI_CLUSTER, parse::boolean, findings);
    if let Some(several) = several.filter(|several| several.value) {
        let message = "target groups are not shared between clusters: every target of a group must be known to one \
                       cluster, or none could be removed safely; must be false";
        findings.unsupported(&several.by, message);
    }
    let ports = source.text(keys::QUIC_PORTS).filter(|text| !text.trim().is_empty());
    if let Some(ports) = ports {
        let message = "QUIC is not served: it needs server ids out of annotations of the pods; serve the port as UDP \
                       and remove the annotation";
        findings.unsupported(&source.by(keys::QUIC_PORTS, ports), message);
    }
    for (key, text) in &source.member.annotations {
        if keys::ACTIONS.iter().any(|prefix| key.starts_with(prefix)) {
            let message = "weighted forwarding to several target groups is not served: a Service's listener forwards \
                           to its own targets; remove the annotation";
            findings.unsupported(&source.by(key, text), message);
        }
    }
    let address = source.member.requested.first();
    if let Some(address) = address {
        let message = format!(
            "AWS takes addresses by {} or {}",
            keys::short(keys::ALLOCATIONS),
            keys::short(keys::PRIVATE_IPV4)
        );
        findings.unsupported(&source.by(landfall_core::annotations::ADDRESSES, address.to_string()), message);
    }
}

/// A node that connects to itself through the load balancer sees its own address as the source, and drops the packet.
/// Told where the operator chose one of the causes: by default nobody on the nodes is expected to connect this way.
fn hairpin(
    source: Source<'_>,
    class: &AwsParams,
    balancer: &BalancerSettings,
    settings: &MemberSettings,
    findings: &mut Findings,
) {
    let chosen = class.scheme.is_some()
        || [keys::SCHEME, keys::INTERNAL].into_iter().any(|key| source.text(key).is_some())
        || settings
            .listeners
            .iter()
            .any(|listener| listener.group_attributes.contains_key(super::attributes::PRESERVE_CLIENT_IP));
    let nodes = settings.targets == GroupTargets::Instance;
    if balancer.scheme != Scheme::Internal || !nodes || !chosen {
        return;
    }
    let preserved: Vec<String> = settings
        .listeners
        .iter()
        .filter(|listener| preserves(&listener.group_attributes, nodes, listener.group_protocol))
        .map(|listener| listener.port.to_string())
        .collect();
    if !preserved.is_empty() {
        let message = format!(
            "clients on the nodes behind the load balancer may fail to connect through it, since it keeps their address \
             (ports {}); where that matters set preserve_client_ip.enabled=false, or send traffic to pods",
            preserved.join(", ")
        );
        findings.tell(source, None, problem::HAIRPIN, message);
    }
}
