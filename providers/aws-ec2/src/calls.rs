//! One request per method.

use async_trait::async_trait;
use aws_sdk_ec2::types::{Filter, ResourceType, Tag, TagSpecification};
use landfall_aws::api::ec2::{
    Ec2, Instance, Interface, NewSecurityGroup, RouteTable, Rule, SecurityGroup, Subnet, Vpc,
    WhichSecurityGroups, Zone,
};
use landfall_aws::api::ids::{InstanceId, SecurityGroupId, VpcId};
use landfall_aws::api::{Action, Answer, Page, Tags};
use landfall_aws::sdk::errors::{Thing, failed, unreadable};

use crate::{Ec2Client, answers, rules};

/// The most that the API puts on a page.
const PAGE_SIZE: i32 = 1000;
/// The most route tables that the API puts on a page.
const ROUTE_TABLES: i32 = 100;

#[async_trait]
impl Ec2 for Ec2Client {
    async fn subnets(&self, vpc: &VpcId, token: Option<&str>) -> Answer<Page<Subnet>> {
        let action = Action::DescribeSubnets;
        let request = self.sdk.describe_subnets().filters(one("vpc-id", vpc.as_str())).max_results(PAGE_SIZE);
        let output = request.set_next_token(token.map(str::to_owned)).send().await.map_err(failed(action))?;
        let items = answers::all(output.subnets, answers::subnet).map_err(unreadable(action))?;
        Ok(Page { items, next: answers::next(output.next_token) })
    }

    async fn vpc(&self, id: &VpcId) -> Answer<Vpc> {
        let action = Action::DescribeVpcs;
        let output = self.sdk.describe_vpcs().vpc_ids(id.as_str()).send().await.map_err(failed(action))?;
        let vpcs = output.vpcs.unwrap_or_default();
        let vpc = vpcs.into_iter().find(|vpc| vpc.vpc_id.as_deref() == Some(id.as_str()));
        let vpc = Thing::new("Vpcs", id.as_str()).need("entry", vpc);
        vpc.and_then(answers::vpc).map_err(unreadable(action))
    }

    async fn route_tables(&self, vpc: &VpcId, token: Option<&str>) -> Answer<Page<RouteTable>> {
        let filter = one("vpc-id", vpc.as_str());
        let request = self.sdk.describe_route_tables().filters(filter).max_results(ROUTE_TABLES);
        let request = request.set_next_token(token.map(str::to_owned));
        let output = request.send().await.map_err(failed(Action::DescribeRouteTables))?;
        let items = output.route_tables.into_iter().flatten().map(answers::route_table).collect();
        Ok(Page { items, next: answers::next(output.next_token) })
    }

    async fn zones(&self) -> Answer<Vec<Zone>> {
        let action = Action::DescribeAvailabilityZones;
        let output = self.sdk.describe_availability_zones().send().await.map_err(failed(action))?;
        answers::all(output.availability_zones, answers::zone).map_err(unreadable(action))
    }

    async fn instances(&self, ids: &[InstanceId], token: Option<&str>) -> Answer<Page<Instance>> {
        let action = Action::DescribeInstances;
        let filter = any_of("instance-id", ids.iter().map(InstanceId::as_str));
        let request = self.sdk.describe_instances().filters(filter).max_results(PAGE_SIZE);
        let output = request.set_next_token(token.map(str::to_owned)).send().await.map_err(failed(action))?;
        let reservations = output.reservations.into_iter().flatten();
        let instances = reservations.flat_map(|reservation| reservation.instances.unwrap_or_default());
        let items = answers::all(Some(instances.collect()), answers::instance).map_err(unreadable(action))?;
        Ok(Page { items, next: answers::next(output.next_token) })
    }

    async fn security_groups(
        &self,
        which: &WhichSecurityGroups,
        token: Option<&str>,
    ) -> Answer<Page<SecurityGroup>> {
        let action = Action::DescribeSecurityGroups;
        let request = self.sdk.describe_security_groups().max_results(PAGE_SIZE);
        let request = request.set_filters(Some(filters(which))).set_next_token(token.map(str::to_owned));
        let output = request.send().await.map_err(failed(action))?;
        let mut items =
            answers::all(output.security_groups, answers::security_group).map_err(unreadable(action))?;
        items.retain(|group| is_meant(group, which));
        Ok(Page { items, next: answers::next(output.next_token) })
    }

    async fn interfaces(&self, group: &SecurityGroupId, token: Option<&str>) -> Answer<Page<Interface>> {
        let action = Action::DescribeNetworkInterfaces;
        let filter = one("group-id", group.as_str());
        let request = self.sdk.describe_network_interfaces().filters(filter).max_results(PAGE_SIZE);
        let output = request.set_next_token(token.map(str::to_owned)).send().await.map_err(failed(action))?;
        let items =
            answers::all(output.network_interfaces, answers::interface).map_err(unreadable(action))?;
        Ok(Page { items, next: answers::next(output.next_token) })
    }

    async fn create_security_group(&self, new: &NewSecurityGroup) -> Answer<SecurityGroupId> {
        let action = Action::CreateSecurityGroup;
        let specification = TagSpecification::builder()
            .resource_type(ResourceType::SecurityGroup)
            .set_tags(Some(tags(&new.tags)))
            .build();
        let request = self
            .sdk
            .create_security_group()
            .group_name(&new.name)
            .description(&new.description)
            .vpc_id(new.vpc.as_str())
            .set_tag_specifications((!new.tags.is_empty()).then(|| vec![specification]));
        let output = request.send().await.map_err(failed(action))?;
        let id = Thing::new("SecurityGroup", "").need("GroupId", output.group_id);
        id.map(SecurityGroupId::new).map_err(unreadable(action))
    }

    async fn delete_security_group(&self, id: &SecurityGroupId) -> Answer<()> {
        let request = self.sdk.delete_security_group().group_id(id.as_str());
        request.send().await.map(drop).map_err(failed(Action::DeleteSecurityGroup))
    }

    async fn authorize(&self, id: &SecurityGroupId, rules: &[Rule]) -> Answer<()> {
        let permissions = rules.iter().map(rules::permission).collect();
        let request = self.sdk.authorize_security_group_ingress().group_id(id.as_str());
        let request = request.set_ip_permissions(Some(permissions));
        request.send().await.map(drop).map_err(failed(Action::AuthorizeSecurityGroupIngress))
    }

    async fn revoke(&self, id: &SecurityGroupId, rules: &[Rule]) -> Answer<()> {
        let permissions = rules.iter().map(rules::permission).collect();
        let request = self.sdk.revoke_security_group_ingress().group_id(id.as_str());
        let request = request.set_ip_permissions(Some(permissions));
        request.send().await.map(drop).map_err(failed(Action::RevokeSecurityGroupIngress))
    }

    async fn create_tags(&self, id: &SecurityGroupId, set: &Tags) -> Answer<()> {
        let request = self.sdk.create_tags().resources(id.as_str()).set_tags(Some(tags(set)));
        request.send().await.map(drop).map_err(failed(Action::CreateTags))
    }

    async fn delete_tags(&self, id: &SecurityGroupId, keys: &[String]) -> Answer<()> {
        // A tag without a value is deleted whatever its value is.
        let tags = keys.iter().map(|key| Tag::builder().key(key).build()).collect();
        let request = self.sdk.delete_tags().resources(id.as_str()).set_tags(Some(tags));
        request.send().await.map(drop).map_err(failed(Action::DeleteTags))
    }
}

/// What EC2 can filter by. Names are not among it: filters are joined by "and", and a name is that of the group or of
/// its tag.
fn filters(which: &WhichSecurityGroups) -> Vec<Filter> {
    match which {
        WhichSecurityGroups::Tagged(tags) => {
            tags.iter().map(|(key, value)| one(&format!("tag:{key}"), value)).collect()
        }
        WhichSecurityGroups::Known(ids) => vec![any_of("group-id", ids.iter().map(SecurityGroupId::as_str))],
        WhichSecurityGroups::LettingIn(id) => vec![one("ip-permission.group-id", id.as_str())],
        WhichSecurityGroups::Named { vpc, .. } => vec![one("vpc-id", vpc.as_str())],
    }
}

fn is_meant(group: &SecurityGroup, which: &WhichSecurityGroups) -> bool {
    let WhichSecurityGroups::Named { names, .. } = which else { return true };
    names.iter().any(|name| group.name == *name || group.tags.get("Name") == Some(name))
}

fn one(name: &str, value: &str) -> Filter {
    any_of(name, [value].into_iter())
}

/// A filter that any of the values passes. In values `*`, `?` and `\` are patterns to EC2, and are not to us.
fn any_of<'a>(name: &str, values: impl Iterator<Item = &'a str>) -> Filter {
    Filter::builder().name(name).set_values(Some(values.map(escaped).collect())).build()
}

fn escaped(value: &str) -> String {
    let mut text = String::with_capacity(value.len());
    for letter in value.chars() {
        if matches!(letter, '*' | '?' | '\\') {
            text.push('\\');
        }
        text.push(letter);
    }
    text
}

fn tags(tags: &Tags) -> Vec<Tag> {
    tags.iter().map(|(key, value)| Tag::builder().key(key).value(value).build()).collect()
}
