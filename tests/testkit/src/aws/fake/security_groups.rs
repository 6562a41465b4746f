//! Security groups, and the instances in them.

use std::collections::BTreeSet;

use landfall_aws::api::ec2::{Instance, NewSecurityGroup, Rule, SecurityGroup, Source, WhichSecurityGroups};
use landfall_aws::api::ids::{InstanceId, SecurityGroupId};
use landfall_aws::api::{Page, Tags};

use super::names;
use super::page::page;
use super::quotas::Quota;
use super::refused::{Done, refuse};
use super::state::State;

/// Most values of a filter.
const FILTER_VALUES: usize = 200;

impl State {
    pub(super) fn list_security_groups(
        &self,
        which: &WhichSecurityGroups,
        token: Option<&str>,
    ) -> Done<Page<SecurityGroup>> {
        let takes = |group: &SecurityGroup| match which {
            WhichSecurityGroups::Tagged(tags) => {
                tags.iter().all(|(key, value)| group.tags.get(key) == Some(value))
            }
            WhichSecurityGroups::Known(ids) => ids.contains(&group.id),
            WhichSecurityGroups::Named { vpc, names } => {
                let named = group.tags.get("Name").is_some_and(|name| names.contains(name));
                group.vpc == *vpc && (named || names.contains(&group.name))
            }
            WhichSecurityGroups::LettingIn(id) => {
                group.ingress.iter().any(|rule| rule.source == Source::Group(id.clone()))
            }
        };
        let values = match which {
            WhichSecurityGroups::Tagged(_) | WhichSecurityGroups::LettingIn(_) => 1,
            WhichSecurityGroups::Known(ids) => ids.len(),
            WhichSecurityGroups::Named { names, .. } => names.len(),
        };
        check_filter(values)?;
        let listed = self.security_groups.values().filter(|group| takes(group));
        Ok(page(listed.map(|group| (&group.id, group.clone())), token, self.page))
    }

    pub(super) fn create_security_group(&mut self, new: &NewSecurityGroup) -> Done<SecurityGroupId> {
        names::ec2_text("GroupName", &new.name)?;
        names::ec2_text("GroupDescription", &new.description)?;
        names::tags(&new.tags, "TagLimitExceeded")?;
        if new.name.is_empty() || new.description.is_empty() || new.name.starts_with("sg-") {
            return refuse("InvalidParameterValue", format!("Group name '{}' or description", new.name));
        }
        self.network.vpc(&new.vpc)?;
        if self.security_groups.values().any(|group| group.vpc == new.vpc && group.name == new.name) {
            let text = format!("The security group '{}' already exists for VPC '{}'", new.name, new.vpc);
            return refuse("InvalidGroup.Duplicate", text);
        }
        self.quotas.check(Quota::SecurityGroups, self.security_groups.len() + 1)?;
        let id = SecurityGroupId::new(format!("sg-{}", self.fresh()));
        let group = SecurityGroup {
            id: id.clone(),
            name: new.name.clone(),
            description: new.description.clone(),
            vpc: new.vpc.clone(),
            ingress: Vec::new(),
            tags: new.tags.clone(),
        };
        self.security_groups.insert(id.clone(), group);
        Ok(id)
    }

    pub(super) fn delete_security_group(&mut self, id: &SecurityGroupId) -> Done<()> {
        self.security_group(id)?;
        let held = !self.interfaces_in(id, None).items.is_empty();
        let from_it = |rule: &Rule| rule.source == Source::Group(id.clone());
        let mut others = self.security_groups.values().filter(|group| group.id != *id);
        if held || others.any(|group| group.ingress.iter().any(from_it)) {
            return refuse("DependencyViolation", format!("resource {id} has a dependent object"));
        }
        self.security_groups.remove(id);
        Ok(())
    }

    pub(super) fn create_tags(&mut self, id: &SecurityGroupId, tags: &Tags) -> Done<()> {
        let group = self.security_group_mut(id)?;
        let mut all = group.tags.clone();
        all.extend(tags.clone());
        names::tags(&all, "TagLimitExceeded")?;
        group.tags = all;
        Ok(())
    }

    pub(super) fn delete_tags(&mut self, id: &SecurityGroupId, keys: &[String]) -> Done<()> {
        self.security_group_mut(id)?.tags.retain(|key, _| !keys.contains(key));
        Ok(())
    }

    pub(super) fn security_group(&self, id: &SecurityGroupId) -> Done<&SecurityGroup> {
        match self.security_groups.get(id) {
            Some(group) => Ok(group),
            None => refuse("InvalidGroup.NotFound", format!("The security group '{id}' does not exist")),
        }
    }

    pub(super) fn security_group_mut(&mut self, id: &SecurityGroupId) -> Done<&mut SecurityGroup> {
        match self.security_groups.get_mut(id) {
            Some(group) => Ok(group),
            None => refuse("InvalidGroup.NotFound", format!("The security group '{id}' does not exist")),
        }
    }

    /// Ids that exist among these, so that what was asked for by filter is left out silently.
    pub(super) fn list_instances(&self, ids: &[InstanceId], token: Option<&str>) -> Done<Page<Instance>> {
        check_filter(ids.len())?;
        let ids: BTreeSet<_> = ids.iter().collect();
        let found = self.network.instances.iter().filter(|(id, _)| ids.contains(id));
        Ok(page(found.map(|(id, one)| (id, one.clone())), token, self.page))
    }
}

fn check_filter(values: usize) -> Done<()> {
    if values > FILTER_VALUES {
        return refuse("FilterLimitExceeded", format!("{values} filter values, at most {FILTER_VALUES}"));
    }
    Ok(())
}
