//! The cluster and the network around a wish.
//!
//! The usual world: nodes `n1`, `n2`, `n3` are running instances in `eu-west-1a`, `b` and `c`; each zone has a subnet
//! `public-…` with a route to an internet gateway and a subnet `private-…` without, tagged with their roles, with IPv4
//! and IPv6 ranges: `subnet-0a1` with `10.0.1.0/24` and `2001:db8:0:1::/64` is `public-a`, `subnet-0b1` with those of
//! number 11 is `private-a`, and so on.

use std::collections::BTreeMap;
use std::sync::Arc;

use landfall_aws::api::Tags;
use landfall_aws::api::ec2::{Instance, RouteTable, SecurityGroup, Subnet, Vpc, Zone};
use landfall_aws::api::elb::ZoneMapping;
use landfall_aws::api::ids::{InstanceId, SecurityGroupId, SubnetId, VpcId};
use landfall_aws::network::Known;
use landfall_aws::resources::Quotas;
use landfall_core::ids::Uid;
use landfall_core::model::{ExcludedNode, Exclusion, MemberRef, NodeSet, NodeTarget};
use serde::Deserialize;

const REGION: &str = "eu-west-1";
const VPC: &str = "vpc-1";
const OWN_TAG: &str = "kubernetes.io/cluster/prod";

/// How the world differs from the usual one.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct World {
    /// How many nodes there are instead of three; further ones are in the zones in turn.
    nodes: Option<u16>,
    /// What is different about single nodes.
    node: BTreeMap<String, NodeChange>,
    /// What is different about single subnets.
    subnet: BTreeMap<String, SubnetChange>,
    /// Subnets carry no role tags.
    without_roles: bool,
    /// Subnets that the load balancer has.
    current: Vec<String>,
    /// Services that belong to the load balancer and are refused at the moment.
    retained: Vec<String>,
    /// The account's quota of targets per zone, where it is not the usual one.
    targets_per_zone: Option<usize>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct NodeChange {
    /// `spec.providerID`; empty for none.
    provider_id: Option<String>,
    labels: BTreeMap<String, String>,
    /// State of the instance; `unknown` if AWS does not know it.
    state: Option<String>,
    groups: Option<Vec<String>>,
    zone: Option<String>,
    /// It is about to be removed.
    draining: bool,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct SubnetChange {
    free: Option<u32>,
    without_ipv6: bool,
    tags: BTreeMap<String, String>,
    zone: Option<String>,
    /// It is not there.
    gone: bool,
}

impl World {
    fn names(&self) -> impl Iterator<Item = (u16, String)> {
        (1..=self.nodes.unwrap_or(3)).map(|number| (number, format!("n{number}")))
    }

    fn zone(&self, number: u16) -> String {
        let letter = ["a", "b", "c"][usize::from((number - 1) % 3)];
        let changed = self.node.get(&format!("n{number}")).and_then(|change| change.zone.clone());
        changed.unwrap_or_else(|| format!("{REGION}{letter}"))
    }

    /// The nodes as Kubernetes knows them.
    pub(crate) fn node_set(&self) -> NodeSet {
        let mut set = NodeSet::default();
        for (number, name) in self.names() {
            let change = self.node.get(&name);
            if change.is_some_and(|change| change.draining) {
                set.excluded.push(ExcludedNode { name, reason: Exclusion::Draining });
                continue;
            }
            let usual = format!("aws:///{}/i-{number}", self.zone(number));
            let provider_id = change.and_then(|change| change.provider_id.clone()).unwrap_or(usual);
            set.eligible.push(NodeTarget {
                provider_id: (!provider_id.is_empty()).then_some(provider_id),
                addresses: Vec::new(),
                zone: Some(self.zone(number)),
                labels: change.map(|change| change.labels.clone()).unwrap_or_default(),
                name,
            });
        }
        set
    }

    /// The members that are retained.
    pub(crate) fn retained(&self) -> Result<Vec<MemberRef>, String> {
        let read = |text: &String| {
            let service = text.parse().map_err(|error| format!("{error}"))?;
            Ok(MemberRef { service, uid: Uid::new("uid-retained").map_err(|error| error.to_string())? })
        };
        self.retained.iter().map(read).collect()
    }

    /// The zones of the load balancer.
    pub(crate) fn current(&self) -> Vec<ZoneMapping> {
        let subnets = self.subnets();
        let used = subnets.iter().filter(|subnet| self.current.contains(&subnet.tags["Name"]));
        used.map(|subnet| ZoneMapping {
            source_nat_prefixes: Vec::new(),
            zone: subnet.zone.clone(),
            subnet: subnet.id.clone(),
            allocation: None,
            private_ipv4: None,
            ipv6: None,
        })
        .collect()
    }

    /// The network as EC2 knows it.
    pub(crate) fn known(&self) -> Known {
        let zone = |(name, kind): (&str, &str)| Zone { name: format!("{REGION}{name}"), kind: kind.into() };
        let zones = [("a", "availability-zone"), ("b", "availability-zone"), ("c", "availability-zone")];
        let public = [1, 2, 3].map(|number| SubnetId::new(format!("subnet-0a{number}")));
        Known {
            vpc: Arc::new(Vpc {
                id: VpcId::from(VPC),
                ranges: ["10.0.0.0/16", "2001:db8::/48"].map(|range| range.parse().unwrap()).to_vec(),
            }),
            subnets: Arc::new(self.subnets()),
            tables: Arc::new(vec![
                RouteTable { main: true, subnets: Vec::new(), internet: false },
                RouteTable { main: false, subnets: public.to_vec(), internet: true },
            ]),
            zones: Arc::new(zones.into_iter().chain([("-lax-1a", "local-zone")]).map(zone).collect()),
            instances: self.names().filter_map(|(number, name)| self.instance(number, &name)).collect(),
            groups: groups(),
            cluster_tag: None,
            quotas: self.quotas(),
        }
    }

    fn quotas(&self) -> Quotas {
        let usual = Quotas::default();
        Quotas { targets_per_zone: self.targets_per_zone.unwrap_or(usual.targets_per_zone), ..usual }
    }

    fn instance(&self, number: u16, name: &str) -> Option<Arc<Instance>> {
        let change = self.node.get(name);
        let state = change.and_then(|change| change.state.clone()).unwrap_or_else(|| "running".into());
        let groups = change.and_then(|change| change.groups.clone());
        let groups = groups.unwrap_or_else(|| vec!["sg-0d1".into()]);
        (state != "unknown").then(|| {
            Arc::new(Instance {
                id: InstanceId::new(format!("i-{number}")),
                state,
                vpc: Some(VpcId::from(VPC)),
                zone: self.zone(number),
                security_groups: groups.into_iter().map(SecurityGroupId::new).collect(),
                tags: tags(&[(OWN_TAG, "owned")]),
            })
        })
    }

    fn subnets(&self) -> Vec<Subnet> {
        let kinds = [
            ("public", "0a", 0u8, "kubernetes.io/role/elb"),
            ("private", "0b", 10, "kubernetes.io/role/internal-elb"),
        ];
        let all =
            kinds.into_iter().flat_map(|kind| [("a", 1u8), ("b", 2), ("c", 3)].map(|zone| (kind, zone)));
        all.filter_map(|((kind, id, base, role), (letter, offset))| {
            let name = format!("{kind}-{letter}");
            let number = base + offset;
            let change = self.subnet.get(&name);
            let mut tags = tags(&[("Name", &name)]);
            if !self.without_roles {
                tags.insert(role.to_owned(), "1".to_owned());
            }
            tags.extend(change.map(|change| change.tags.clone()).unwrap_or_default());
            let ipv6 = format!("2001:db8:0:{number}::/64").parse().unwrap();
            let usual_zone = format!("{REGION}{letter}");
            let gone = change.is_some_and(|change| change.gone);
            (!gone).then(|| Subnet {
                id: SubnetId::new(format!("subnet-{id}{offset}")),
                vpc: VpcId::from(VPC),
                zone: change.and_then(|change| change.zone.clone()).unwrap_or(usual_zone),
                cidr: Some(format!("10.0.{number}.0/24").parse().unwrap()),
                ipv6_cidrs: if change.is_some_and(|change| change.without_ipv6) {
                    Vec::new()
                } else {
                    vec![ipv6]
                },
                free: change.and_then(|change| change.free).unwrap_or(250),
                outpost: None,
                tags,
            })
        })
        .collect()
    }
}

/// `sg-0d1` and `sg-0d2` are on nodes, the first with the cluster's tag; `sg-0f1` is named `front` and `sg-0f2`
/// has that `Name` tag.
fn groups() -> Vec<Arc<SecurityGroup>> {
    let group = |id: &str, name: &str, pairs: &[(&str, &str)]| {
        Arc::new(SecurityGroup {
            id: SecurityGroupId::from(id),
            name: name.into(),
            description: String::new(),
            vpc: VpcId::from(VPC),
            ingress: Vec::new(),
            tags: tags(pairs),
        })
    };
    vec![
        group("sg-0d1", "nodes", &[(OWN_TAG, "owned")]),
        group("sg-0d2", "extra", &[]),
        group("sg-0d3", "other", &[]),
        group("sg-0f1", "front", &[]),
        group("sg-0f2", "e", &[("Name", "edge")]),
        group("sg-0c1", "twin", &[]),
        group("sg-0c2", "t", &[("Name", "twin")]),
    ]
}

fn tags(pairs: &[(&str, &str)]) -> Tags {
    pairs.iter().map(|&(key, value)| (key.to_owned(), value.to_owned())).collect()
}
