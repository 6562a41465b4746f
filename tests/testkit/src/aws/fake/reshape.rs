//! Changes of a load balancer in place, and what cannot be changed.

use landfall_aws::api::elb::{AddressType, NlbProtocol, SubnetChange, SubnetMapping};
use landfall_aws::api::ids::{LoadBalancerArn, SecurityGroupId};
use landfall_core::net::IpFamily;

use tokio::time::Instant;

use super::attributes;
use super::balancers::BalancerRecord;
use super::interfaces::InterfaceRecord;
use super::listeners::udp_needs_v6;
use super::placement::{INVALID, Placement};
use super::quotas::Quota;
use super::refused::{Done, refuse};
use super::state::State;

impl State {
    pub(super) fn set_subnets(&mut self, arn: &LoadBalancerArn, to: &SubnetChange) -> Done<()> {
        let record = self.balancer(arn)?;
        if record.capacity_at > self.now {
            let text = format!("A capacity reservation of '{arn}' is pending");
            return refuse("CapacityReservationPending", text);
        }
        let placement = Placement {
            scheme: record.it.scheme,
            address_type: to.address_type,
            source_nat: to.source_nat,
            subnets: &to.subnets,
        };
        if self.check_placement(&placement, &record.mappings)? != record.it.vpc {
            return refuse(INVALID, "The subnets belong to another VPC");
        }
        self.check_family(arn, to.address_type, to.source_nat)?;
        let left = self.check_zones_left(record, to)?;
        let groups = record.it.security_groups.clone();
        let is_new =
            |mapping: &&SubnetMapping| !record.mappings.iter().any(|one| one.subnet == mapping.subnet);
        for mapping in to.subnets.iter().filter(is_new).cloned().collect::<Vec<_>>() {
            self.attach(arn, &groups, &mapping);
        }
        self.detach(arn, &to.subnets);
        let zones = self.zones(&to.subnets);
        let record = self.balancer_mut(arn)?;
        record.mappings.clone_from(&to.subnets);
        record.mappings.sort();
        record.it.zones = zones;
        record.left = left;
        record.it.address_type = to.address_type;
        record.it.source_nat = to.source_nat;
        record.attributes = attributes::of_balancer(record.it.scheme, to.address_type, &record.attributes);
        Ok(())
    }

    /// A zone is not entered before it has been left, which takes its time, and not left while an endpoint service uses it
    /// ("Update the Availability Zones for your Network Load Balancer"). Answers the zones that are being left.
    fn check_zones_left(&self, record: &BalancerRecord, to: &SubnetChange) -> Done<Vec<(String, Instant)>> {
        let has = |zone: &String| record.it.zones.iter().any(|one| one.zone == *zone);
        let wanted: Vec<String> = self.zones(&to.subnets).into_iter().map(|one| one.zone).collect();
        let mut left = record.left.clone();
        left.retain(|(_, until)| *until > self.now);
        if let Some((zone, _)) = left.iter().find(|(zone, _)| wanted.contains(zone) && !has(zone)) {
            return refuse(INVALID, format!("{zone} is being removed from the load balancer"));
        }
        let until = self.now + self.timing.zone_release;
        let gone = record.it.zones.iter().filter(|one| !wanted.contains(&one.zone));
        left.extend(gone.map(|one| (one.zone.clone(), until)));
        if record.endpoint_service && record.it.zones.iter().any(|one| !wanted.contains(&one.zone)) {
            return refuse(
                INVALID,
                "A subnet cannot be removed from a load balancer with VPC endpoint associations",
            );
        }
        Ok(left)
    }

    pub(super) fn set_address_type(&mut self, arn: &LoadBalancerArn, to: AddressType) -> Done<()> {
        let record = self.balancer(arn)?;
        for mapping in &record.mappings {
            let subnet = self.network.subnet(&mapping.subnet)?;
            if to == AddressType::Dualstack && subnet.ipv6_cidrs.is_empty() {
                let text = format!("{} has no associated IPv6 CIDR block", subnet.id);
                return refuse("InvalidSubnet", text);
            }
        }
        self.check_family(arn, to, record.it.source_nat)?;
        let record = self.balancer_mut(arn)?;
        record.it.address_type = to;
        record.attributes = attributes::of_balancer(record.it.scheme, to, &record.attributes);
        for zone in record.it.zones.iter_mut().filter(|_| to == AddressType::Ipv4) {
            zone.ipv6 = None;
        }
        for mapping in record.mappings.iter_mut().filter(|_| to == AddressType::Ipv4) {
            mapping.ipv6 = None;
        }
        Ok(())
    }

    /// Whether a load balancer's listeners can live with these families.
    fn check_family(&self, arn: &LoadBalancerArn, to: AddressType, source_nat: bool) -> Done<()> {
        if to == AddressType::Ipv4 && source_nat {
            return refuse(INVALID, "Source NAT for IPv6 must be off before the type can be ipv4");
        }
        for listener in self.listeners.values().filter(|listener| listener.balancer == *arn) {
            check_protocol(listener.it.spec.protocol, to, source_nat)?;
            let group = listener.it.spec.forward.as_ref().and_then(|group| self.groups.get(group));
            let v6 = group.is_some_and(|group| group.it.family == IpFamily::V6);
            if to == AddressType::Ipv4 && v6 {
                return refuse(INVALID, "A listener forwards to a target group of type ipv6");
            }
            if listener.it.spec.protocol.is_some_and(|it| udp_needs_v6(it, to)) && !v6 {
                return refuse(INVALID, "A UDP listener forwards to a target group of type ipv4");
            }
        }
        Ok(())
    }

    pub(super) fn set_security_groups(
        &mut self,
        arn: &LoadBalancerArn,
        groups: &[SecurityGroupId],
        private_link_rules: Option<bool>,
    ) -> Done<()> {
        let record = self.balancer(arn)?;
        if record.it.security_groups.is_empty() {
            let text = "You cannot set security groups on a load balancer that was made without any";
            return refuse(INVALID, text);
        }
        if groups.is_empty() {
            return refuse(INVALID, "You must specify at least one security group");
        }
        self.check_groups_of_balancer(groups, &record.it.vpc.clone())?;
        let record = self.balancer_mut(arn)?;
        record.it.security_groups = groups.to_vec();
        record.it.private_link_rules = private_link_rules.or(record.it.private_link_rules);
        let attached =
            |interface: &&mut InterfaceRecord| interface.balancer == *arn && interface.gone_at.is_none();
        for interface in self.interfaces.values_mut().filter(attached) {
            interface.groups = groups.to_vec();
        }
        Ok(())
    }

    pub(super) fn modify_capacity(&mut self, arn: &LoadBalancerArn, units: Option<u32>) -> Done<()> {
        let (now, pending) = (self.now, self.timing.capacity);
        if self.balancer(arn)?.capacity_at > now {
            return refuse("PriorRequestNotComplete", format!("A capacity request of '{arn}' is pending"));
        }
        if units == Some(0) {
            return refuse("ValidationError", "The capacity must be greater than zero");
        }
        self.quotas.check(Quota::CapacityUnits, units.unwrap_or_default() as usize)?;
        let record = self.balancer_mut(arn)?;
        record.capacity = units;
        record.capacity_at = now + pending;
        Ok(())
    }
}

/// UDP over IPv6 needs source NAT.
pub(super) fn check_protocol(
    protocol: Option<NlbProtocol>,
    address_type: AddressType,
    source_nat: bool,
) -> Done<()> {
    let udp = matches!(protocol, Some(NlbProtocol::Udp | NlbProtocol::TcpUdp));
    if udp && address_type == AddressType::Dualstack && !source_nat {
        return refuse(INVALID, "UDP on a dualstack load balancer needs source NAT for IPv6");
    }
    Ok(())
}
