//! Looking inside, and what happens to an account without a call of its API: for tests. None of it is in a journal.

use std::collections::BTreeSet;

use landfall_aws::api::ec2::{Interface, SecurityGroup};
use landfall_aws::api::elb::{BalancerState, Listener, LoadBalancer, TargetGroup, TargetState};
use landfall_aws::api::ids::{LoadBalancerArn, SecurityGroupId};
use landfall_aws::api::{Attributes, Tags};

use super::FakeAws;
use super::network::{NODES, Network, VPC};
use super::state::State;

/// A load balancer with everything that belongs to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BalancerView {
    /// As described.
    pub it: LoadBalancer,
    /// Its tags.
    pub tags: Tags,
    /// Its attributes.
    pub attributes: Attributes,
    /// Minimum capacity, if any.
    pub capacity: Option<u32>,
    /// Its listeners, by port.
    pub listeners: Vec<ListenerView>,
}

/// A listener.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListenerView {
    /// As described.
    pub it: Listener,
    /// Its tags.
    pub tags: Tags,
    /// Its attributes.
    pub attributes: Attributes,
    /// Certificates besides the default one.
    pub certificates: BTreeSet<String>,
}

/// A target group with its targets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupView {
    /// As described.
    pub it: TargetGroup,
    /// Its tags.
    pub tags: Tags,
    /// Its attributes.
    pub attributes: Attributes,
    /// Its targets, those that drain included.
    pub targets: Vec<TargetState>,
}

impl FakeAws {
    /// Every load balancer, by name.
    pub fn balancers(&self) -> Vec<BalancerView> {
        let state = self.state();
        let view = |record: &super::balancers::BalancerRecord| BalancerView {
            it: record.read(state.now),
            tags: state.tags.get(record.it.arn.as_str()).cloned().unwrap_or_default(),
            attributes: record.attributes.clone(),
            capacity: record.capacity,
            listeners: state.listeners_of(&record.it.arn),
        };
        let mut all: Vec<BalancerView> = state.balancers.values().map(view).collect();
        all.sort_by(|a, b| a.it.name.cmp(&b.it.name));
        all
    }

    /// Every target group, by name.
    pub fn groups(&self) -> Vec<GroupView> {
        let state = self.state();
        let view = |record: &super::groups::GroupRecord| GroupView {
            it: state.read_group(record),
            tags: state.tags.get(record.it.arn.as_str()).cloned().unwrap_or_default(),
            attributes: record.attributes.clone(),
            targets: state.target_health(&record.it.arn).unwrap_or_default(),
        };
        let mut all: Vec<GroupView> = state.groups.values().map(view).collect();
        all.sort_by(|a, b| a.it.name.cmp(&b.it.name));
        all
    }

    /// Every security group, by id, with its rules in order.
    pub fn groups_of_rules(&self) -> Vec<SecurityGroup> {
        let sorted = |group: &SecurityGroup| {
            let mut group = group.clone();
            group.ingress.sort();
            group
        };
        self.state().security_groups.values().map(sorted).collect()
    }

    /// The network interfaces that hold a security group.
    pub fn interfaces_of(&self, group: &SecurityGroupId) -> Vec<Interface> {
        let mut state = self.state();
        let size = std::mem::replace(&mut state.page, usize::MAX);
        let all = state.interfaces_in(group, None).items;
        state.page = size;
        all
    }

    /// Changes what load balancers find in place: subnets, instances, certificates, …
    pub fn edit_network(&self, change: impl FnOnce(&mut Network)) {
        change(&mut self.state().network);
    }

    /// Sets whether a target fails its health checks, by instance id or address, in every group.
    pub fn set_unhealthy(&self, target: &str, unhealthy: bool) {
        let mut state = self.state();
        if unhealthy {
            state.unhealthy.insert(target.to_owned());
        } else {
            state.unhealthy.remove(target);
        }
    }

    /// Gives a load balancer a state other than what follows from its age, or takes that back. `false` if there is
    /// none with that ARN.
    pub fn set_balancer_state(&self, arn: &LoadBalancerArn, fate: Option<BalancerState>) -> bool {
        self.state().balancers.get_mut(arn).map(|record| record.fate = fate).is_some()
    }

    /// Puts a VPC endpoint service in front of a load balancer, or takes it away. `false` if there is none with that
    /// ARN.
    pub fn set_endpoint_service(&self, arn: &LoadBalancerArn, there: bool) -> bool {
        self.state().balancers.get_mut(arn).map(|record| record.endpoint_service = there).is_some()
    }

    /// Makes a load balancer be of another kind than `network`, as if it had been made so. `false` if there is none
    /// with that ARN.
    pub fn set_balancer_kind(&self, arn: &LoadBalancerArn, kind: &str) -> bool {
        self.state().balancers.get_mut(arn).map(|record| kind.clone_into(&mut record.it.kind)).is_some()
    }
}

impl State {
    /// The group that instances are in.
    pub(super) fn add_node_group(&mut self) {
        let group = SecurityGroup {
            id: NODES.into(),
            name: "nodes".to_owned(),
            description: "What nodes are in".to_owned(),
            vpc: VPC.into(),
            ingress: Vec::new(),
            tags: Tags::new(),
        };
        self.security_groups.insert(group.id.clone(), group);
    }

    fn listeners_of(&self, balancer: &LoadBalancerArn) -> Vec<ListenerView> {
        let view = |record: &super::listeners::ListenerRecord| ListenerView {
            it: record.it.clone(),
            tags: self.tags.get(record.it.arn.as_str()).cloned().unwrap_or_default(),
            attributes: record.attributes.clone(),
            certificates: record.certificates.clone(),
        };
        let of_it = self.listeners.values().filter(|record| record.balancer == *balancer);
        let mut all: Vec<ListenerView> = of_it.map(view).collect();
        all.sort_by_key(|listener| listener.it.port);
        all
    }
}
