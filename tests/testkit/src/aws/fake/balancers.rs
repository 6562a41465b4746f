//! Network Load Balancers.

use ipnet::Ipv6Net;
use landfall_aws::api::ec2::Subnet;
use landfall_aws::api::elb::{
    BalancerState, LoadBalancer, NewLoadBalancer, SubnetMapping, WhichBalancers, ZoneMapping,
};
use landfall_aws::api::ids::{LoadBalancerArn, SecurityGroupId, VpcId};
use landfall_aws::api::{Attributes, Page};
use tokio::time::Instant;

use super::attributes;
use super::names;
use super::page::page;
use super::placement::{INVALID, Placement};
use super::quotas::Quota;
use super::refused::{Done, refuse};
use super::state::State;

/// Most ARNs or names in one request.
const AT_ONCE: usize = 20;

/// A load balancer.
#[derive(Debug)]
pub(super) struct BalancerRecord {
    /// As described, but for the state.
    pub(super) it: LoadBalancer,
    pub(super) mappings: Vec<SubnetMapping>,
    pub(super) attributes: Attributes,
    pub(super) ready_at: Instant,
    /// A state other than the usual ones.
    pub(super) fate: Option<BalancerState>,
    /// Whether a VPC endpoint service is in front of it.
    pub(super) endpoint_service: bool,
    pub(super) capacity: Option<u32>,
    /// When the last capacity reservation is provisioned.
    pub(super) capacity_at: Instant,
    /// Zones that were left lately, and until when they cannot be entered again.
    pub(super) left: Vec<(String, Instant)>,
}

impl BalancerRecord {
    /// As described at a time.
    pub(super) fn read(&self, now: Instant) -> LoadBalancer {
        let usual = if self.ready_at > now { BalancerState::Provisioning } else { BalancerState::Active };
        LoadBalancer { state: self.fate.clone().unwrap_or(usual), ..self.it.clone() }
    }

    /// Whether it could have been made by this request.
    fn is_as(&self, new: &NewLoadBalancer) -> bool {
        let sorted = |groups: &[SecurityGroupId]| {
            let mut groups = groups.to_vec();
            groups.sort();
            groups
        };
        let mut wanted = new.subnets.clone();
        wanted.sort();
        let LoadBalancer { kind, scheme, address_type, security_groups, source_nat, .. } = &self.it;
        kind == "network"
            && (*scheme, *address_type, *source_nat) == (new.scheme, new.address_type, new.source_nat)
            && sorted(security_groups) == sorted(&new.security_groups)
            && self.mappings == wanted
    }
}

impl State {
    pub(super) fn balancer(&self, arn: &LoadBalancerArn) -> Done<&BalancerRecord> {
        match self.balancers.get(arn) {
            Some(record) => Ok(record),
            None => refuse("LoadBalancerNotFound", format!("Load balancer '{arn}' not found")),
        }
    }

    pub(super) fn balancer_mut(&mut self, arn: &LoadBalancerArn) -> Done<&mut BalancerRecord> {
        match self.balancers.get_mut(arn) {
            Some(record) => Ok(record),
            None => refuse("LoadBalancerNotFound", format!("Load balancer '{arn}' not found")),
        }
    }

    pub(super) fn list_balancers(
        &self,
        which: &WhichBalancers,
        marker: Option<&str>,
    ) -> Done<Page<LoadBalancer>> {
        let all = self.balancers.iter();
        let (asked, of_these): (usize, Vec<_>) = match which {
            WhichBalancers::All => (0, all.collect()),
            WhichBalancers::Named(names) => {
                (names.len(), all.filter(|(_, record)| names.contains(&record.it.name)).collect())
            }
            WhichBalancers::Known(arns) => (arns.len(), all.filter(|(arn, _)| arns.contains(arn)).collect()),
        };
        if asked > AT_ONCE {
            return refuse("ValidationError", format!("{asked} load balancers asked for, at most {AT_ONCE}"));
        }
        if asked > of_these.len() {
            return refuse("LoadBalancerNotFound", "One or more load balancers not found");
        }
        let read = of_these.into_iter().map(|(arn, record)| (arn, record.read(self.now)));
        Ok(page(read, marker, self.page))
    }

    pub(super) fn create_balancer(&mut self, new: &NewLoadBalancer) -> Done<LoadBalancer> {
        names::balancer(&new.name)?;
        names::tags(&new.tags, "TooManyTags")?;
        if let Some((arn, there)) = self.balancers.iter().find(|(_, there)| there.it.name == new.name) {
            let same_tags = self.tags.get(arn.as_str()) == Some(&new.tags);
            if there.is_as(new) && (same_tags || !self.tags_are_settings) {
                return Ok(there.read(self.now));
            }
            let text =
                format!("A load balancer with the name '{}' exists, but with different settings", new.name);
            return refuse("DuplicateLoadBalancerName", text);
        }
        let placement = Placement {
            scheme: new.scheme,
            address_type: new.address_type,
            source_nat: new.source_nat,
            subnets: &new.subnets,
        };
        let vpc = self.check_placement(&placement, &[])?;
        self.check_groups_of_balancer(&new.security_groups, &vpc)?;
        let networks = self.balancers.values().filter(|record| record.it.kind == "network").count();
        self.quotas.check(Quota::Balancers, networks + 1)?;
        Ok(self.make_balancer(new, vpc))
    }

    fn make_balancer(&mut self, new: &NewLoadBalancer, vpc: VpcId) -> LoadBalancer {
        let arn = LoadBalancerArn::new(self.arn(&format!("loadbalancer/net/{}", new.name)));
        let serial = arn.as_str().rsplit('/').next().unwrap_or_default().to_owned();
        let it = LoadBalancer {
            arn: arn.clone(),
            name: new.name.clone(),
            dns_name: format!("{}-{serial}.elb.eu-central-1.amazonaws.com", new.name),
            kind: "network".to_owned(),
            scheme: new.scheme,
            state: BalancerState::Provisioning,
            vpc,
            address_type: new.address_type,
            security_groups: new.security_groups.clone(),
            zones: self.zones(&new.subnets),
            private_link_rules: (!new.security_groups.is_empty()).then_some(true),
            source_nat: new.source_nat,
            created: Some(self.timestamp()),
        };
        let mut mappings = new.subnets.clone();
        mappings.sort();
        for mapping in &mappings {
            self.attach(&arn, &new.security_groups, mapping);
        }
        let record = BalancerRecord {
            attributes: attributes::of_balancer(new.scheme, new.address_type, &Attributes::new()),
            ready_at: self.now + self.timing.provisioning,
            fate: None,
            endpoint_service: false,
            capacity: None,
            capacity_at: self.now,
            left: Vec::new(),
            mappings,
            it,
        };
        let answer = record.read(self.now);
        self.tags.insert(arn.to_string(), new.tags.clone());
        self.balancers.insert(arn, record);
        answer
    }

    pub(super) fn delete_balancer(&mut self, arn: &LoadBalancerArn) -> Done<()> {
        let Some(record) = self.balancers.get(arn) else { return Ok(()) };
        if record.attributes.get(attributes::PROTECTION).is_some_and(|value| value == "true") {
            let text =
                format!("Load balancer '{arn}' cannot be deleted because deletion protection is enabled");
            return refuse("OperationNotPermitted", text);
        }
        if record.endpoint_service {
            let text = format!("Load balancer '{arn}' is associated with a VPC endpoint service");
            return refuse("ResourceInUse", text);
        }
        self.balancers.remove(arn);
        self.tags.remove(arn.as_str());
        let of_it = self.listeners.iter().filter(|(_, listener)| listener.balancer == *arn);
        for listener in of_it.map(|(arn, _)| arn.clone()).collect::<Vec<_>>() {
            self.drop_listener(&listener);
        }
        self.detach(arn, &[]);
        Ok(())
    }

    /// Groups that exist, once each, in the load balancer's network, and not too many.
    pub(super) fn check_groups_of_balancer(&self, groups: &[SecurityGroupId], vpc: &VpcId) -> Done<()> {
        for (at, id) in groups.iter().enumerate() {
            let Some(group) = self.security_groups.get(id) else {
                return refuse("InvalidSecurityGroup", format!("Security group '{id}' does not exist"));
            };
            if group.vpc != *vpc || groups[..at].contains(id) {
                return refuse(INVALID, format!("Security group '{id}' is given twice or not in {vpc}"));
            }
        }
        self.quotas.check(Quota::SecurityGroupsPerInterface, groups.len())
    }

    pub(super) fn zones(&self, mappings: &[SubnetMapping]) -> Vec<ZoneMapping> {
        let zone = |mapping: &SubnetMapping| {
            let subnet = self.network.subnets.get(&mapping.subnet)?;
            Some(ZoneMapping {
                source_nat_prefixes: mapping
                    .source_nat_prefix
                    .iter()
                    .map(|asked| prefix(asked, subnet))
                    .collect(),
                zone: subnet.zone.clone(),
                subnet: mapping.subnet.clone(),
                allocation: mapping.allocation.clone(),
                private_ipv4: mapping.private_ipv4,
                ipv6: mapping.ipv6,
            })
        };
        mappings.iter().filter_map(zone).collect()
    }
}

/// The prefix for source NAT: that asked for, or the first of the subnet.
fn prefix(asked: &str, subnet: &Subnet) -> String {
    let first = subnet.ipv6_cidrs.iter().find_map(|range| Ipv6Net::new(range.network(), 80).ok());
    match first.filter(|_| asked == SubnetMapping::AUTO_ASSIGNED) {
        Some(first) => first.to_string(),
        None => asked.to_owned(),
    }
}
