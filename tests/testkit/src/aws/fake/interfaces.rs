//! Network interfaces: what load balancers take of subnets, and what holds security groups.

use std::net::Ipv4Addr;

use landfall_aws::api::Page;
use landfall_aws::api::ec2::{Interface, Subnet};
use landfall_aws::api::elb::SubnetMapping;
use landfall_aws::api::ids::{LoadBalancerArn, SecurityGroupId, SubnetId};
use tokio::time::Instant;

use super::page::page;
use super::state::State;

/// An interface of a load balancer in one zone.
#[derive(Debug)]
pub(super) struct InterfaceRecord {
    pub(super) balancer: LoadBalancerArn,
    pub(super) subnet: SubnetId,
    pub(super) groups: Vec<SecurityGroupId>,
    /// A fixed address; any other is only counted.
    pub(super) address: Option<Ipv4Addr>,
    /// Elastic IP.
    pub(super) allocation: Option<String>,
    /// When it disappears, once its load balancer has left the zone.
    pub(super) gone_at: Option<Instant>,
}

impl State {
    /// Gives a load balancer an interface in a subnet.
    pub(super) fn attach(
        &mut self,
        balancer: &LoadBalancerArn,
        groups: &[SecurityGroupId],
        to: &SubnetMapping,
    ) {
        let id = format!("eni-{}", self.fresh());
        let record = InterfaceRecord {
            balancer: balancer.clone(),
            subnet: to.subnet.clone(),
            groups: groups.to_vec(),
            address: to.private_ipv4,
            allocation: to.allocation.clone(),
            gone_at: None,
        };
        self.interfaces.insert(id, record);
    }

    /// Takes a load balancer's interfaces away, in their time, from all subnets but these.
    pub(super) fn detach(&mut self, balancer: &LoadBalancerArn, but: &[SubnetMapping]) {
        let gone_at = self.now + self.timing.interface_release;
        for interface in self.interfaces.values_mut().filter(|interface| interface.balancer == *balancer) {
            if !but.iter().any(|kept| kept.subnet == interface.subnet) {
                interface.gone_at = interface.gone_at.or(Some(gone_at));
            }
        }
        self.ends_at(gone_at);
        self.advance();
    }

    /// Free addresses of a subnet.
    pub(super) fn free(&self, subnet: &Subnet) -> u32 {
        let taken = self.interfaces.values().filter(|interface| interface.subnet == subnet.id).count();
        subnet.free.saturating_sub(u32::try_from(taken).unwrap_or(u32::MAX))
    }

    /// `DescribeNetworkInterfaces`: those of load balancers and instances that are in a group.
    pub(super) fn interfaces_in(&self, group: &SecurityGroupId, token: Option<&str>) -> Page<Interface> {
        let of_balancers = self.interfaces.iter().filter(|(_, interface)| interface.groups.contains(group));
        let of_balancers = of_balancers.map(|(id, interface)| (id.clone(), interface.description()));
        let instances = self.network.instances.values().filter(|one| one.security_groups.contains(group));
        let of_instances = instances.map(|one| (format!("eni-of-{}", one.id), String::new()));
        let interface = |(id, description): (String, String)| {
            (id.clone(), Interface { id, description, status: "in-use".to_owned() })
        };
        let mut all: Vec<_> = of_balancers.chain(of_instances).map(interface).collect();
        all.sort_by(|a, b| a.0.cmp(&b.0));
        page(all, token, self.page)
    }
}

impl InterfaceRecord {
    /// What AWS writes on it: `ELB net/name/id`.
    fn description(&self) -> String {
        let path = self.balancer.as_str().split_once("loadbalancer/").map_or("", |(_, path)| path);
        format!("ELB {path}")
    }
}
