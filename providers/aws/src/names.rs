//! Names of what we make: deterministic, readable, unique over clusters, load balancers and members.
//!
//! What a resource cannot change in place is hashed into its name, so that its successor can stand next to it.

use landfall_core::ids::{ClusterId, LbId};
use landfall_core::model::MemberRef;
use landfall_core::names::{HASH_LENGTH, NameRule, hash_of};
use landfall_core::net::IpFamily;
use landfall_core::params::aws::Scheme;

use crate::api::elb::{GroupTargets, NlbProtocol, SubnetMapping};

/// Load balancers and target groups: 32 letters, digits and hyphens, none of these in front or at the end, and load
/// balancers may not begin with `internal-` (`CreateLoadBalancer`, `CreateTargetGroup`).
const ELB: NameRule = NameRule { prefix: "lf", limit: 32 };

/// Security groups: 255 characters, not beginning with `sg-` (`CreateSecurityGroup`).
const SECURITY_GROUP: NameRule = NameRule { prefix: "lf", limit: 255 };

/// What a load balancer is made with and cannot change.
#[derive(Debug, Clone, Copy)]
pub struct Fixed<'a> {
    /// Who can reach it.
    pub scheme: Scheme,
    /// Whether it has security groups: one that is made without any can never have one.
    pub guarded: bool,
    /// Its subnets: their fixed addresses stay as they are.
    pub subnets: &'a [SubnetMapping],
    /// Whether all of its subnets belong to what it cannot change: it succeeds one that can be told apart by nothing else.
    pub settled: bool,
}

/// What a target group is made with and cannot change. The port of its targets is not part of it: each has its own.
#[derive(Debug, Clone, Copy)]
pub struct GroupIdentity<'a> {
    /// Name of the load balancer: a target group serves one alone.
    pub balancer: &'a str,
    /// Whose it is.
    pub member: &'a MemberRef,
    /// Port of the listener.
    pub port: u16,
    /// Protocol of the listener.
    pub listener: NlbProtocol,
    /// Protocol of the target group.
    pub protocol: NlbProtocol,
    /// What its targets are.
    pub targets: GroupTargets,
    /// Family of their addresses.
    pub family: IpFamily,
}

/// Names of one load balancer's resources.
#[derive(Debug, Clone, Copy)]
pub struct Names<'a> {
    /// The cluster.
    pub cluster: &'a ClusterId,
    /// The load balancer.
    pub lb: &'a LbId,
}

impl Names<'_> {
    /// A load balancer nobody gave a name to.
    pub fn balancer(&self, fixed: Fixed<'_>) -> String {
        let (id, traits) = (self.lb.to_string(), fixed.text());
        ELB.labelled(self.lb.label(), &[self.cluster.as_str(), &id, &traits])
    }

    /// The name of a load balancer that was asked to be called `asked`, for when its own predecessor still is.
    pub fn beside(&self, asked: &str, fixed: Fixed<'_>) -> String {
        let (id, traits) = (self.lb.to_string(), fixed.text());
        let hash = hash_of(&[self.cluster.as_str(), &id, asked, &traits]);
        let shown: String = asked.chars().take(ELB.limit - HASH_LENGTH - 1).collect();
        format!("{}-{hash}", shown.trim_end_matches('-'))
    }

    /// A target group.
    pub fn group(&self, of: &GroupIdentity<'_>) -> String {
        let targets = match of.targets {
            GroupTargets::Instance => "instance",
            GroupTargets::Ip => "ip",
        };
        let port = of.port.to_string();
        let (id, service) = (self.lb.to_string(), of.member.service.to_string());
        ELB.labelled(
            (&of.member.service.name, &port),
            &[
                self.cluster.as_str(),
                &id,
                of.balancer,
                &service,
                of.member.uid.as_str(),
                &port,
                of.listener.as_str(),
                of.protocol.as_str(),
                targets,
                of.family.as_str(),
            ],
        )
    }

    /// The security group that clients pass.
    pub fn frontend(&self) -> String {
        SECURITY_GROUP.name(self.cluster, self.lb, "")
    }
}

/// The security group that the nodes of a cluster let in.
pub fn backend(cluster: &ClusterId) -> String {
    SECURITY_GROUP.labelled(("backend", cluster.as_str()), &[cluster.as_str(), "backend"])
}

/// Whether a name is like those that we give. Target groups of ours all have such; a load balancer may have one that
/// somebody chose.
pub(crate) fn may_be_ours(name: &str) -> bool {
    name.strip_prefix(ELB.prefix).is_some_and(|rest| rest.starts_with('-'))
}

/// A generated name up to its hash. One that somebody chose has no such.
pub(crate) fn label(name: &str) -> &str {
    name.get(..name.len().saturating_sub(HASH_LENGTH)).unwrap_or(name)
}

impl Fixed<'_> {
    fn text(&self) -> String {
        let mut addresses: Vec<String> = self.subnets.iter().filter_map(address).collect();
        addresses.sort_unstable();
        let guarded = if self.guarded { "guarded" } else { "open" };
        let mut text = format!("{} {guarded} {}", self.scheme.as_str(), addresses.join(" "));
        if self.settled {
            let mut subnets: Vec<&str> = self.subnets.iter().map(|it| it.subnet.as_str()).collect();
            subnets.sort_unstable();
            text.extend([" in ", &subnets.join(",")]);
        }
        text
    }
}

/// The fixed addresses of a subnet with the subnet's id, if it has any. A subnet whose addresses AWS chooses can come
/// and go in place.
fn address(subnet: &SubnetMapping) -> Option<String> {
    let of = |text: Option<String>| text.unwrap_or_default();
    let fixed = [
        of(subnet.allocation.clone()),
        of(subnet.private_ipv4.map(|ip| ip.to_string())),
        of(subnet.ipv6.map(|ip| ip.to_string())),
    ];
    fixed.iter().any(|text| !text.is_empty()).then(|| format!("{}={}", subnet.subnet, fixed.join(",")))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use landfall_core::ids::{ProviderName, ServiceKey, Uid};
    use proptest::prelude::*;

    use super::*;
    use crate::api::ids::SubnetId;

    fn lb(namespace: &str, name: &str) -> LbId {
        LbId::service(ProviderName::Aws, ServiceKey::new(namespace, name), Uid::new("u1").unwrap())
    }

    fn mapping(subnet: &str, allocation: Option<&str>) -> SubnetMapping {
        SubnetMapping {
            subnet: SubnetId::from(subnet),
            allocation: allocation.map(str::to_owned),
            private_ipv4: None,
            ipv6: None,
            source_nat_prefix: None,
        }
    }

    fn internal(subnets: &[SubnetMapping]) -> Fixed<'_> {
        Fixed { scheme: Scheme::Internal, guarded: true, subnets, settled: false }
    }

    fn is_elb_name(name: &str) -> bool {
        name.len() <= 32
            && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
            && !name.starts_with('-')
            && !name.ends_with('-')
            && !name.starts_with("internal-")
    }

    #[test]
    fn a_load_balancer_keeps_its_name_while_subnets_come_and_go() {
        let (cluster, id) = (ClusterId::new("prod").unwrap(), lb("default", "web"));
        let names = Names { cluster: &cluster, lb: &id };
        let one = [mapping("subnet-a", None)];
        let two = [mapping("subnet-a", None), mapping("subnet-b", None)];
        assert_eq!(names.balancer(internal(&one)), names.balancer(internal(&two)));
        assert!(names.balancer(internal(&one)).starts_with("lf-default-web-"));
    }

    #[test]
    fn what_cannot_be_changed_changes_the_name() {
        let (cluster, id) = (ClusterId::new("prod").unwrap(), lb("default", "web"));
        let names = Names { cluster: &cluster, lb: &id };
        let (plain, with_ip) = ([mapping("subnet-a", None)], [mapping("subnet-a", Some("eipalloc-1"))]);
        let other = [mapping("subnet-b", None)];
        let other_ip = [mapping("subnet-a", Some("eipalloc-2"))];
        let base = internal(&plain);
        let all = [
            base,
            Fixed { scheme: Scheme::InternetFacing, ..base },
            Fixed { guarded: false, ..base },
            Fixed { subnets: &with_ip, ..base },
            Fixed { subnets: &other_ip, ..base },
            Fixed { settled: true, ..base },
            Fixed { settled: true, subnets: &other, ..base },
        ];
        let generated: BTreeSet<String> = all.iter().map(|fixed| names.balancer(*fixed)).collect();
        let beside: BTreeSet<String> = all.iter().map(|fixed| names.beside("shop", *fixed)).collect();
        assert_eq!((generated.len(), beside.len()), (all.len(), all.len()));
    }

    #[test]
    fn target_groups_differ_in_everything_that_cannot_be_changed() {
        let (cluster, id) = (ClusterId::new("prod").unwrap(), lb("default", "web"));
        let names = Names { cluster: &cluster, lb: &id };
        let member =
            |uid: &str| MemberRef { service: ServiceKey::new("default", "web"), uid: Uid::new(uid).unwrap() };
        let (first, second) = (member("u1"), member("u2"));
        let base = GroupIdentity {
            balancer: "lf-a",
            member: &first,
            port: 80,
            listener: NlbProtocol::Tcp,
            protocol: NlbProtocol::Tcp,
            targets: GroupTargets::Instance,
            family: IpFamily::V4,
        };
        let all = [
            base,
            GroupIdentity { balancer: "lf-b", ..base },
            GroupIdentity { member: &second, ..base },
            GroupIdentity { port: 81, ..base },
            GroupIdentity { listener: NlbProtocol::Tls, ..base },
            GroupIdentity { protocol: NlbProtocol::Tls, ..base },
            GroupIdentity { targets: GroupTargets::Ip, ..base },
            GroupIdentity { family: IpFamily::V6, ..base },
        ];
        let distinct: BTreeSet<String> = all.iter().map(|of| names.group(of)).collect();
        assert_eq!(distinct.len(), all.len());
        assert!(names.group(&base).starts_with("lf-web-80-"), "{}", names.group(&base));
        assert!(may_be_ours(&names.group(&base)) && !may_be_ours("lfx") && !may_be_ours("k8s-web"));
    }

    proptest! {
        #[test]
        fn names_are_accepted_by_aws(
            cluster in "[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?",
            namespace in "[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?",
            name in "[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?",
            asked in "[a-zA-Z0-9]([a-zA-Z0-9-]{0,30}[a-zA-Z0-9])?",
            port in 1u16..,
        ) {
            let (cluster, id) = (ClusterId::new(cluster).unwrap(), lb(&namespace, &name));
            let names = Names { cluster: &cluster, lb: &id };
            let member = MemberRef { service: ServiceKey::new(&namespace, &name), uid: Uid::new("u1").unwrap() };
            let balancer = names.balancer(internal(&[]));
            let beside = names.beside(&asked, internal(&[]));
            let group = names.group(&GroupIdentity {
                balancer: &balancer,
                member: &member,
                port,
                listener: NlbProtocol::TcpUdp,
                protocol: NlbProtocol::TcpUdp,
                targets: GroupTargets::Ip,
                family: IpFamily::V6,
            });
            prop_assert!(is_elb_name(&balancer), "{}", balancer);
            prop_assert!(is_elb_name(&group), "{}", group);
            prop_assert!(is_elb_name(&beside) || asked.starts_with("internal-"), "{}", beside);
            prop_assert_ne!(&beside, &asked);
            for text in [names.frontend(), backend(&cluster)] {
                prop_assert!(text.len() <= 255 && !text.starts_with("sg-"), "{}", text);
            }
        }
    }
}
