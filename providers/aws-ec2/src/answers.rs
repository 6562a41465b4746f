//! What EC2 answers, in our types. A field that must be there and is not, or cannot be read, is an error that names it.

use aws_sdk_ec2::types::{
    AvailabilityZone, GroupIdentifier, Instance as SdkInstance, InstanceNetworkInterface, NetworkInterface,
    Route, RouteState, RouteTable as SdkRouteTable, RouteTableAssociation, RouteTableAssociationStateCode,
    SecurityGroup as SdkSecurityGroup, Subnet as SdkSubnet, SubnetCidrBlockStateCode,
    SubnetIpv6CidrBlockAssociation, Tag, Vpc as SdkVpc, VpcCidrBlockState, VpcCidrBlockStateCode,
};
use ipnet::IpNet;
use landfall_aws::api::Tags;
use landfall_aws::api::ec2::{Instance, Interface, RouteTable, SecurityGroup, Subnet, Vpc, Zone};
use landfall_aws::api::ids::{InstanceId, SecurityGroupId, SubnetId, VpcId};
use landfall_aws::sdk::errors::{Thing, Unreadable};

use crate::rules;

/// Every item of a list, or the first that cannot be read.
pub(crate) fn all<S, T>(
    list: Option<Vec<S>>,
    read: impl Fn(S) -> Result<T, Unreadable>,
) -> Result<Vec<T>, Unreadable> {
    list.unwrap_or_default().into_iter().map(read).collect()
}

/// Where the next page begins. An empty token is none: asking with it would begin anew.
pub(crate) fn next(token: Option<String>) -> Option<String> {
    token.filter(|token| !token.is_empty())
}

pub(crate) fn subnet(sdk: SdkSubnet) -> Result<Subnet, Unreadable> {
    let id = Thing::new("Subnet", "").need("SubnetId", sdk.subnet_id)?;
    let of = Thing::new("Subnet", &id);
    let ipv6 = sdk.ipv6_cidr_block_association_set.into_iter().flatten().filter(is_usable);
    Ok(Subnet {
        vpc: VpcId::new(of.need("VpcId", sdk.vpc_id)?),
        zone: of.need("AvailabilityZone", sdk.availability_zone)?,
        // A subnet for IPv6 alone has none.
        cidr: sdk.cidr_block.map(|cidr| cidr.parse().map_err(|_| of.odd("CidrBlock", cidr))).transpose()?,
        ipv6_cidrs: ipv6
            .map(|one| of.need("Ipv6CidrBlock", one.ipv6_cidr_block))
            .map(|cidr| cidr.and_then(|cidr| cidr.parse().map_err(|_| of.odd("Ipv6CidrBlock", cidr))))
            .collect::<Result<_, _>>()?,
        free: of.number("AvailableIpAddressCount", sdk.available_ip_address_count)?,
        outpost: sdk.outpost_arn,
        tags: tags(of, sdk.tags)?,
        id: SubnetId::new(id.as_str()),
    })
}

/// Whether a subnet has this range: it is not on its way in or out. Asked by what it is not, because moto 5.2.1 tells
/// `{'State': 'associated'}` for `associated`.
fn is_usable(association: &SubnetIpv6CidrBlockAssociation) -> bool {
    use SubnetCidrBlockStateCode::{Associating, Disassociated, Disassociating, Failed, Failing};
    let state = association.ipv6_cidr_block_state.as_ref().and_then(|state| state.state.as_ref());
    state.is_some_and(|state| {
        !matches!(state, Associating | Disassociated | Disassociating | Failed | Failing)
    })
}

pub(crate) fn vpc(sdk: SdkVpc) -> Result<Vpc, Unreadable> {
    let id = Thing::new("Vpc", "").need("VpcId", sdk.vpc_id)?;
    let of = Thing::new("Vpc", &id);
    let associated = |state: Option<VpcCidrBlockState>| {
        state.and_then(|state| state.state) == Some(VpcCidrBlockStateCode::Associated)
    };
    let v4 = sdk.cidr_block_association_set.into_iter().flatten();
    let v4 = v4.map(|one| (one.cidr_block_state, "CidrBlock", one.cidr_block));
    let v6 = sdk.ipv6_cidr_block_association_set.into_iter().flatten();
    let v6 = v6.map(|one| (one.ipv6_cidr_block_state, "Ipv6CidrBlock", one.ipv6_cidr_block));
    let mut ranges: Vec<IpNet> = Vec::new();
    for (state, field, cidr) in v4.chain(v6) {
        if associated(state) {
            let cidr = of.need(field, cidr)?;
            ranges.push(cidr.parse().map_err(|_| of.odd(field, cidr))?);
        }
    }
    Ok(Vpc { ranges, id: VpcId::new(id.as_str()) })
}

pub(crate) fn route_table(sdk: SdkRouteTable) -> RouteTable {
    let associations: Vec<RouteTableAssociation> =
        sdk.associations.into_iter().flatten().filter(in_force).collect();
    RouteTable {
        main: associations.iter().any(|one| one.main == Some(true)),
        subnets: associations.into_iter().filter_map(|one| one.subnet_id).map(SubnetId::new).collect(),
        internet: sdk.routes.into_iter().flatten().any(|route| is_internet(&route)),
    }
}

/// Associations without a state are taken as they stand: not every implementation of the API tells it.
fn in_force(association: &RouteTableAssociation) -> bool {
    let state = association.association_state.as_ref().and_then(|state| state.state.as_ref());
    state.is_none_or(|state| *state == RouteTableAssociationStateCode::Associated)
}

fn is_internet(route: &Route) -> bool {
    let gateway = route.gateway_id.as_deref().is_some_and(|id| id.starts_with("igw-"));
    gateway && route.state == Some(RouteState::Active)
}

pub(crate) fn zone(sdk: AvailabilityZone) -> Result<Zone, Unreadable> {
    let name = Thing::new("AvailabilityZone", "").need("ZoneName", sdk.zone_name)?;
    let kind = Thing::new("AvailabilityZone", &name).need("ZoneType", sdk.zone_type)?;
    Ok(Zone { name, kind })
}

pub(crate) fn instance(sdk: SdkInstance) -> Result<Instance, Unreadable> {
    let id = Thing::new("Instance", "").need("InstanceId", sdk.instance_id)?;
    let of = Thing::new("Instance", &id);
    let state = of.need("State.Name", sdk.state.and_then(|state| state.name))?;
    let groups = first_interface(sdk.network_interfaces).or(sdk.security_groups);
    Ok(Instance {
        state: state.as_str().to_owned(),
        vpc: sdk.vpc_id.map(VpcId::new),
        zone: of
            .need("Placement.AvailabilityZone", sdk.placement.and_then(|place| place.availability_zone))?,
        security_groups: all(groups, |group| of.need("GroupId", group.group_id).map(SecurityGroupId::new))?,
        tags: tags(of, sdk.tags)?,
        id: InstanceId::new(id.as_str()),
    })
}

/// The groups of the interface that came with the instance: device 0 of network card 0.
fn first_interface(interfaces: Option<Vec<InstanceNetworkInterface>>) -> Option<Vec<GroupIdentifier>> {
    let is_first = |one: &InstanceNetworkInterface| {
        one.attachment.as_ref().is_some_and(|attachment| {
            attachment.device_index == Some(0) && attachment.network_card_index.unwrap_or_default() == 0
        })
    };
    interfaces?.into_iter().find(is_first)?.groups
}

pub(crate) fn interface(sdk: NetworkInterface) -> Result<Interface, Unreadable> {
    let id = Thing::new("NetworkInterface", "").need("NetworkInterfaceId", sdk.network_interface_id)?;
    let status = Thing::new("NetworkInterface", &id).need("Status", sdk.status)?;
    Ok(Interface { description: sdk.description.unwrap_or_default(), status: status.as_str().to_owned(), id })
}

pub(crate) fn security_group(sdk: SdkSecurityGroup) -> Result<SecurityGroup, Unreadable> {
    let id = Thing::new("SecurityGroup", "").need("GroupId", sdk.group_id)?;
    let of = Thing::new("SecurityGroup", &id);
    let rules = all(sdk.ip_permissions, |permission| rules::flatten(of, permission))?;
    Ok(SecurityGroup {
        name: of.need("GroupName", sdk.group_name)?,
        description: sdk.description.unwrap_or_default(),
        vpc: VpcId::new(of.need("VpcId", sdk.vpc_id)?),
        ingress: rules.into_iter().flatten().collect(),
        tags: tags(of, sdk.tags)?,
        id: SecurityGroupId::new(id.as_str()),
    })
}

/// Tags; one without a value has the empty one.
fn tags(of: Thing<'_>, list: Option<Vec<Tag>>) -> Result<Tags, Unreadable> {
    let read = |tag: Tag| Ok((of.need("Tags.Key", tag.key)?, tag.value.unwrap_or_default()));
    list.into_iter().flatten().map(read).collect()
}

#[cfg(test)]
mod tests;
