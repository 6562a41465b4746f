//! Load balancers.

use std::collections::{BTreeMap, BTreeSet};
use std::mem;

use landfall_core::error::{Category, Classified as _, ErrorClass};
use landfall_core::outcome::Problem;

use super::{Done, World, is_in_use};
use crate::account::snapshot::is_gone;
use crate::api::Tags;
use crate::api::elb::{LoadBalancer, NewLoadBalancer, SubnetChange, SubnetMapping, ZoneMapping};
use crate::api::ids::{LoadBalancerArn, SecurityGroupId, SubnetId};
use crate::change::{BalancerChange, GuardRef, NewBalancer};
use crate::error::AwsError;
use crate::marks;
use crate::observe::{Balancer, BalancerDetails};

/// Whether a load balancer carries our marks when it is about to go.
enum Marks {
    There,
    /// AWS does not tell its tags yet.
    Late,
    Lost,
}

impl World<'_> {
    pub(super) async fn balancer(&mut self, name: &str, change: BalancerChange) -> Result<Done, AwsError> {
        let client = self.client;
        match change {
            BalancerChange::Create(new) => self.make_balancer(name, new).await?,
            BalancerChange::Subnets { from, to, zones, .. } => {
                return self.subnets(name, &from, to, &zones).await;
            }
            BalancerChange::AddressType { to, .. } => {
                let arn = self.find_balancer(name)?.it.arn.clone();
                let answer = client.set_address_type(&arn, to).await;
                self.reshaped(answer)?;
                self.find_balancer(name)?.it.address_type = to;
            }
            BalancerChange::Guards { only_if_let_in: true, .. } if self.closed => {
                return Ok(Done::With(Vec::new()));
            }
            BalancerChange::Guards { to, private_link_rules, .. } => {
                let to = self.guard_ids(&to)?;
                let balancer = self.find_balancer(name)?;
                client.set_security_groups(&balancer.it.arn, &to, private_link_rules).await?;
                balancer.it.security_groups = to;
                balancer.it.private_link_rules = private_link_rules.or(balancer.it.private_link_rules);
            }
            BalancerChange::Capacity { to, .. } => {
                let balancer = self.find_balancer(name)?;
                client.modify_capacity(&balancer.it.arn, to).await?;
                balancer.details.get_or_insert_default().capacity = to;
            }
            BalancerChange::Attributes(change) => {
                let balancer = self.find_balancer(name)?;
                client.modify_balancer_attributes(&balancer.it.arn, &change.set()).await?;
                balancer.details.get_or_insert_default().attributes.extend(change.set());
            }
            BalancerChange::Delete => return self.remove_balancer(name).await,
        }
        Ok(Done::Made)
    }

    /// Only IPv6 and source NAT have listeners depend on it: the rest goes on where AWS does not take the subnets, or not
    /// yet. What was to follow a change that was not made is not tried.
    async fn subnets(
        &mut self,
        name: &str,
        from: &BTreeSet<SubnetId>,
        to: SubnetChange,
        zones: &BTreeMap<SubnetId, String>,
    ) -> Result<Done, AwsError> {
        let client = self.client;
        let balancer = self.find_balancer(name)?;
        if balancer.it.zones.iter().map(|zone| &zone.subnet).collect::<BTreeSet<_>>() != from.iter().collect()
        {
            return Ok(Done::With(Vec::new()));
        }
        let depends = (balancer.it.address_type, balancer.it.source_nat) != (to.address_type, to.source_nat);
        let arn = balancer.it.arn.clone();
        match client.set_subnets(&arn, &to).await {
            Err(AwsError::Paced { .. }) if !depends => return Ok(Done::Postponed),
            Err(error) if !depends && error.class() == ErrorClass::Rejected => {
                return Ok(Done::With(vec![subnets_kept(name, &error)]));
            }
            answer => self.reshaped(answer)?,
        }
        move_to(&mut self.find_balancer(name)?.it, to, zones);
        Ok(Done::Made)
    }

    async fn make_balancer(&mut self, name: &str, new: NewBalancer) -> Result<(), AwsError> {
        let request = NewLoadBalancer {
            name: name.to_owned(),
            scheme: new.scheme,
            address_type: new.address_type,
            security_groups: self.guard_ids(&new.guards)?,
            subnets: new.subnets,
            source_nat: new.source_nat,
            tags: new.tags,
        };
        let it = self.client.create_balancer(&request).await?;
        self.unsure = true;
        self.check_ours(&it, &request.tags).await?;
        self.unsure = false;
        let details = Some(BalancerDetails::default());
        self.observed.balancers.push(Balancer { it, tags: request.tags, details });
        Ok(())
    }

    /// `CreateLoadBalancer` with the settings of one that is there answers that one, be it whose it may: only its tags
    /// tell.
    async fn check_ours(&self, it: &LoadBalancer, wanted: &Tags) -> Result<(), AwsError> {
        let answer = self.client.tags(&[it.arn.to_string()]).await?;
        let found: Tags = answer.into_iter().flat_map(|(_, tags)| tags).collect();
        if marks::carries(&found, &marks::ours(wanted)) {
            return Ok(());
        }
        Err(AwsError::Foreign {
            whom: self.client.whom().to_owned(),
            kind: "load balancer",
            name: it.name.clone(),
            owner: marks::mark(&found).map(|mark| mark.lb.to_string()),
        })
    }

    /// One that AWS protects, that backs an endpoint service, or that lost our marks since the lists were read, is a
    /// problem and no failure: the others serve.
    async fn remove_balancer(&mut self, name: &str) -> Result<Done, AwsError> {
        let arn = self.find_balancer(name)?.it.arn.clone();
        let done = match self.marks_on(name).await? {
            Marks::There => None,
            Marks::Late => Some(Done::Postponed),
            Marks::Lost => Some(Done::With(vec![left_alone(name)])),
        };
        if let Some(done) = done {
            self.kept.push(arn);
            return Ok(done);
        }
        match self.client.delete_balancer(&arn).await {
            Ok(()) => {
                self.forget_balancer(&arn);
                Ok(Done::Made)
            }
            Err(error) if is_in_use(&error) || matches!(error, AwsError::DeletionProtected { .. }) => {
                self.kept.push(arn);
                let (category, message) = (error.category(), error.to_string());
                Ok(Done::With(vec![Problem { member: None, port: None, category, message }]))
            }
            Err(error) => Err(error),
        }
    }

    /// Reads the tags once more, since the lists may be minutes old.
    async fn marks_on(&mut self, name: &str) -> Result<Marks, AwsError> {
        let (client, lately) = (self.client, self.lately);
        let balancer = self.find_balancer(name)?;
        let answer = match client.tags(&[balancer.it.arn.to_string()]).await {
            Err(error) if is_gone(&error) => return Ok(Marks::There),
            answer => answer?,
        };
        let now: Tags = answer.into_iter().flat_map(|(_, tags)| tags).collect();
        let owner = |tags: &Tags| marks::mark(tags).map(|mark| mark.lb);
        if now.is_empty() && balancer.it.created.is_some_and(|created| created > lately) {
            return Ok(Marks::Late);
        }
        let before = mem::replace(&mut balancer.tags, now);
        Ok(if owner(&before) == owner(&balancer.tags) { Marks::There } else { Marks::Lost })
    }

    fn forget_balancer(&mut self, arn: &LoadBalancerArn) {
        self.observed.balancers.retain(|balancer| balancer.it.arn != *arn);
        for group in &mut self.observed.groups {
            group.it.load_balancers.retain(|other| other != arn);
        }
    }

    fn guard_ids(&self, guards: &[GuardRef]) -> Result<Vec<SecurityGroupId>, AwsError> {
        guards.iter().map(|guard| self.guard_id(guard)).collect()
    }
}

fn left_alone(name: &str) -> Problem {
    let message = format!(
        "the load balancer {name:?} is no longer needed, but does not carry our marks any more, so it is left alone: \
         delete it yourself if nobody uses it"
    );
    Problem { member: None, port: None, category: Category::new("ForeignResource"), message }
}

/// The rest of the wish does not wait for AWS to take the subnets.
fn subnets_kept(name: &str, error: &AwsError) -> Problem {
    let message = format!(
        "the load balancer {name:?} keeps its subnets for now; AWS takes minutes to leave a zone, and leaves none that a \
         VPC endpoint service uses; it is tried again ({})",
        error.answer().map_or_else(|| error.to_string(), ToString::to_string)
    );
    Problem { member: None, port: None, category: Category::new("SubnetsNotChanged"), message }
}

fn move_to(it: &mut LoadBalancer, to: SubnetChange, zones: &BTreeMap<SubnetId, String>) {
    let kept: BTreeSet<_> = to.subnets.iter().map(|mapping| mapping.subnet.clone()).collect();
    it.zones.retain(|zone| kept.contains(&zone.subnet));
    for zone in &mut it.zones {
        let mapping = to.subnets.iter().find(|mapping| mapping.subnet == zone.subnet);
        if let Some(prefix) = mapping.and_then(SubnetMapping::fixed_source_nat) {
            zone.source_nat_prefixes = vec![prefix.to_owned()];
        }
    }
    let known: BTreeSet<_> = it.zones.iter().map(|zone| zone.subnet.clone()).collect();
    let new = to.subnets.into_iter().filter(|mapping| !known.contains(&mapping.subnet));
    it.zones.extend(new.map(|mapping| ZoneMapping {
        zone: zones.get(&mapping.subnet).cloned().unwrap_or_default(),
        source_nat_prefixes: mapping.fixed_source_nat().map(str::to_owned).into_iter().collect(),
        subnet: mapping.subnet,
        allocation: mapping.allocation,
        private_ipv4: mapping.private_ipv4,
        ipv6: mapping.ipv6,
    }));
    (it.address_type, it.source_nat) = (to.address_type, to.source_nat);
}
