//! Names of what we make: deterministic, readable, unique over clusters, load balancers and members.
//!
//! What a resource cannot change in place is hashed into its name, so that its successor can stand next to it. The kind
//! is not part of a name: each kind has names of its own. All begin with `lf-`, so lists can be filtered.

use std::iter;
use std::net::IpAddr;

use landfall_core::ids::{ClusterId, LbId};
use landfall_core::model::MemberRef;
use landfall_core::names::NameRule;
use landfall_core::net::IpFamily;
use landfall_core::params::gcp::Scheme;

use crate::api::types::{Address, ForwardingRule};

/// 63 characters, as RFC 1035 has it.
const GCE: NameRule = NameRule { prefix: "lf", limit: 63 };

/// The filter for lists that leaves out what cannot be ours.
pub const FILTER: &str = r#"name eq "lf-.*""#;

/// Names of one load balancer's resources.
#[derive(Debug, Clone, Copy)]
pub struct Names<'a> {
    /// The cluster.
    pub cluster: &'a ClusterId,
    /// The load balancer.
    pub lb: &'a LbId,
}

impl Names<'_> {
    /// The backend service of a member. Its protocol can be changed, its scheme cannot.
    pub fn backend_service(&self, member: &MemberRef, scheme: Scheme) -> String {
        self.of_member(member, &["backend-service", scheme.as_str()])
    }

    /// The network endpoint groups of a member, one per zone.
    pub fn endpoints(&self, member: &MemberRef, scheme: Scheme, subnetwork: &str) -> String {
        self.of_member(member, &["endpoints", scheme.as_str(), subnetwork])
    }

    /// The health check of a member.
    pub fn health_check(&self, member: &MemberRef) -> String {
        self.of_member(member, &["health-check"])
    }

    /// The firewall rule that lets the clients of a member in, of one family and to this network. `part` counts the
    /// rules of a member that has more ports than fit in one.
    pub fn firewall(&self, member: &MemberRef, network: &str, family: IpFamily, part: usize) -> String {
        self.of_member(member, &["firewall", network, family.as_str(), &part.to_string()])
    }

    /// The firewall rule that lets the health check of a member in.
    pub fn health_firewall(&self, member: &MemberRef, network: &str, family: IpFamily) -> String {
        self.of_member(member, &["health-firewall", network, family.as_str()])
    }

    /// A forwarding rule of a member. `address` tells which address was asked for.
    pub fn forwarding_rule(&self, member: &MemberRef, rule: &ForwardingRule, address: &str) -> String {
        let ports = if rule.all_ports == Some(true) { "all".to_owned() } else { rule.ports.join(",") };
        let text = |field: &Option<String>| field.clone().unwrap_or_default();
        let scheme = rule.load_balancing_scheme.as_ref().map(ToString::to_string);
        let fixed = [
            text(&scheme),
            text(&rule.ip_version),
            text(&rule.ip_protocol),
            ports,
            text(&rule.backend_service),
            text(&rule.network),
            text(&rule.subnetwork),
            text(&rule.network_tier),
            text(&rule.ip_collection),
            address.to_owned(),
        ];
        let what: Vec<&str> = iter::once("forwarding-rule").chain(fixed.iter().map(String::as_str)).collect();
        self.of_member(member, &what)
    }

    /// How the address of a load balancer is reserved; `asked` is the address that was asked for. Nothing about a
    /// reservation can be changed but its labels.
    pub fn address(&self, reservation: &Address, asked: Option<IpAddr>) -> String {
        let text = |field: &Option<String>| field.clone().unwrap_or_default();
        let fixed = [
            reservation.address_type.as_ref().map(ToString::to_string).unwrap_or_default(),
            text(&reservation.ip_version),
            text(&reservation.network_tier),
            text(&reservation.subnetwork),
            reservation.purpose.as_ref().map(ToString::to_string).unwrap_or_default(),
            reservation.rest.get("ipCollection").map(ToString::to_string).unwrap_or_default(),
            asked.as_ref().map(ToString::to_string).unwrap_or_default(),
        ];
        let id = self.lb.to_string();
        let mut parts = vec![self.cluster.as_str(), id.as_str(), "address"];
        parts.extend(fixed.iter().map(String::as_str));
        GCE.labelled(self.lb.label(), &parts)
    }

    fn of_member(&self, member: &MemberRef, what: &[&str]) -> String {
        let (id, service) = (self.lb.to_string(), member.service.to_string());
        let mut parts = vec![self.cluster.as_str(), &id, &service, member.uid.as_str()];
        parts.extend(what);
        GCE.labelled((&member.service.namespace, &member.service.name), &parts)
    }
}

/// The health check that load balancers of a cluster share in a region.
pub fn shared_health_check(cluster: &ClusterId, region: &str) -> String {
    GCE.labelled(("health", cluster.as_str()), &[cluster.as_str(), "shared-health-check", region])
}

/// The firewall rule that lets it in to the nodes in this network.
pub fn shared_health_firewall(cluster: &ClusterId, network: &str, family: IpFamily) -> String {
    let parts = [cluster.as_str(), "shared-health-firewall", network, family.as_str()];
    GCE.labelled(("health", cluster.as_str()), &parts)
}

/// The network endpoint groups of a shard of a cluster's nodes, one per zone.
pub fn shared_endpoints(cluster: &ClusterId, scheme: Scheme, subnetwork: &str, shard: usize) -> String {
    let shard = shard.to_string();
    let parts = [cluster.as_str(), "shared-endpoints", scheme.as_str(), subnetwork, &shard];
    GCE.labelled(("nodes", cluster.as_str()), &parts)
}

/// The instance groups of a cluster's nodes, one per zone. They serve both schemes, as an instance can be in one only.
pub fn shared_instances(cluster: &ClusterId, subnetwork: &str) -> String {
    GCE.labelled(("nodes", cluster.as_str()), &[cluster.as_str(), "shared-instances", subnetwork])
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use landfall_core::ids::{ProviderName, ServiceKey, Uid};
    use landfall_core::names::HASH_LENGTH;
    use proptest::prelude::*;

    use super::*;
    use crate::api::types::{self, AddressType, Purpose};

    fn member(namespace: &str, name: &str) -> MemberRef {
        MemberRef { service: ServiceKey::new(namespace, name), uid: Uid::new("u1").unwrap() }
    }

    fn lb(member: &MemberRef) -> LbId {
        LbId::service(ProviderName::Gcp, member.service.clone(), member.uid.clone())
    }

    fn rule() -> ForwardingRule {
        ForwardingRule {
            ip_protocol: Some("TCP".into()),
            ports: vec!["80".to_owned()],
            ip_version: Some("IPV4".into()),
            ..ForwardingRule::default()
        }
    }

    /// Every name that a load balancer and its cluster have.
    fn all(cluster: &ClusterId, member: &MemberRef) -> Vec<String> {
        let id = lb(member);
        let names = Names { cluster, lb: &id };
        let subnet = "projects/p/regions/r/subnetworks/s";
        vec![
            names.backend_service(member, Scheme::External),
            names.backend_service(member, Scheme::Internal),
            names.endpoints(member, Scheme::External, subnet),
            names.endpoints(member, Scheme::Internal, subnet),
            names.endpoints(member, Scheme::Internal, "other"),
            names.health_check(member),
            names.firewall(member, "n", IpFamily::V4, 0),
            names.firewall(member, "n", IpFamily::V4, 1),
            names.firewall(member, "n", IpFamily::V6, 0),
            names.firewall(member, "m", IpFamily::V4, 0),
            names.health_firewall(member, "n", IpFamily::V4),
            names.health_firewall(member, "n", IpFamily::V6),
            names.forwarding_rule(member, &rule(), ""),
            names.address(&Address::default(), None),
            shared_health_check(cluster, "r"),
            shared_health_firewall(cluster, "n", IpFamily::V4),
            shared_health_firewall(cluster, "n", IpFamily::V6),
            shared_endpoints(cluster, Scheme::External, subnet, 0),
            shared_endpoints(cluster, Scheme::External, subnet, 1),
            shared_endpoints(cluster, Scheme::Internal, subnet, 0),
            shared_endpoints(cluster, Scheme::Internal, "other", 0),
            shared_instances(cluster, subnet),
        ]
    }

    #[test]
    fn names_are_readable_and_pass_the_filter() {
        let (cluster, web) = (ClusterId::new("prod").unwrap(), member("default", "web"));
        let id = lb(&web);
        let names = Names { cluster: &cluster, lb: &id };
        assert!(names.health_check(&web).starts_with("lf-default-web-"));
        assert!(names.address(&Address::default(), None).starts_with("lf-default-web-"));
        assert!(shared_instances(&cluster, "s").starts_with("lf-nodes-prod-"));
        assert_eq!(FILTER, r#"name eq "lf-.*""#);
    }

    #[test]
    fn what_cannot_be_changed_changes_the_name_of_a_forwarding_rule() {
        let (cluster, web) = (ClusterId::new("prod").unwrap(), member("default", "web"));
        let id = lb(&web);
        let names = Names { cluster: &cluster, lb: &id };
        let fixed = [
            rule(),
            ForwardingRule { ip_protocol: Some("UDP".into()), ..rule() },
            ForwardingRule { ports: vec!["80".into(), "81".into()], ..rule() },
            ForwardingRule { ports: Vec::new(), all_ports: Some(true), ..rule() },
            ForwardingRule { ip_version: Some("IPV6".into()), ..rule() },
            ForwardingRule { load_balancing_scheme: Some(types::Scheme::Internal), ..rule() },
            ForwardingRule { network: Some("n".into()), ..rule() },
            ForwardingRule { subnetwork: Some("n".into()), ..rule() },
            ForwardingRule { network_tier: Some("STANDARD".into()), ..rule() },
            ForwardingRule { backend_service: Some("b".into()), ..rule() },
            ForwardingRule { ip_collection: Some("c".into()), ..rule() },
        ];
        let mut found: BTreeSet<String> =
            fixed.iter().map(|rule| names.forwarding_rule(&web, rule, "")).collect();
        found.insert(names.forwarding_rule(&web, &rule(), "192.0.2.1"));
        assert_eq!(found.len(), fixed.len() + 1);

        let changeable = ForwardingRule {
            labels: [("team".to_owned(), "shop".to_owned())].into(),
            allow_global_access: Some(true),
            ip_address: Some("192.0.2.1".into()),
            fingerprint: Some("abc".into()),
            ..rule()
        };
        assert_eq!(names.forwarding_rule(&web, &changeable, ""), names.forwarding_rule(&web, &rule(), ""));
    }

    #[test]
    fn what_cannot_be_changed_changes_the_name_of_an_address() {
        let (cluster, web) = (ClusterId::new("prod").unwrap(), member("default", "web"));
        let id = lb(&web);
        let names = Names { cluster: &cluster, lb: &id };
        let plain = Address::default;
        let fixed = [
            plain(),
            Address { address_type: Some(AddressType::Internal), ..plain() },
            Address { ip_version: Some("IPV6".into()), ..plain() },
            Address { network_tier: Some("STANDARD".into()), ..plain() },
            Address { subnetwork: Some("s".into()), ..plain() },
            Address { purpose: Some(Purpose::SharedVip), ..plain() },
            Address { rest: [("ipCollection".to_owned(), "c".into())].into_iter().collect(), ..plain() },
        ];
        let mut found: BTreeSet<String> = fixed.iter().map(|it| names.address(it, None)).collect();
        found.insert(names.address(&plain(), Some("192.0.2.1".parse().unwrap())));
        assert_eq!(found.len(), fixed.len() + 1);
        let filled = Address { address: Some("192.0.2.1".into()), ..plain() };
        assert_eq!(names.address(&filled, None), names.address(&plain(), None));
    }

    /// `[a-z]([-a-z0-9]*[a-z0-9])?`, at most 63 (the pattern of the discovery document).
    fn is_gce_name(name: &str) -> bool {
        name.len() <= 63
            && name.starts_with("lf-")
            && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
            && !name.ends_with('-')
    }

    proptest! {
        #[test]
        fn names_are_accepted_and_differ_in_their_hash(
            namespace in "[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?",
            name in "[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?",
            cluster in "[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?",
        ) {
            let cluster = ClusterId::new(cluster).unwrap();
            let made = all(&cluster, &member(&namespace, &name));
            for name in &made {
                prop_assert!(is_gce_name(name), "{}", name);
            }
            let hashes: BTreeSet<&str> = made.iter().map(|name| &name[name.len() - HASH_LENGTH..]).collect();
            prop_assert_eq!(hashes.len(), made.len(), "a hash was cut: {:?}", made);
        }

        #[test]
        fn services_that_look_alike_have_names_of_their_own(name in "[a-z]{60}") {
            let cluster = ClusterId::new("prod").unwrap();
            let (one, other) = (format!("{name}-one"), format!("{name}-two"));
            let namespace = "n".repeat(63);
            let first = all(&cluster, &member(&namespace, &one));
            let second = all(&cluster, &member(&namespace, &other));
            let of_both = first.iter().zip(&second).filter(|(a, b)| a == b).count();
            // Those of the cluster.
            prop_assert_eq!(of_both, 8);
        }
    }
}
