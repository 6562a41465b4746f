use aws_sdk_ec2::types::{
    InstanceNetworkInterfaceAttachment, InstanceState, InstanceStateName, Placement,
    RouteTableAssociationState, SubnetCidrBlockState, VpcCidrBlockAssociation,
};
use rstest::rstest;

use super::*;

fn associated(cidr: &str, state: SubnetCidrBlockStateCode) -> SubnetIpv6CidrBlockAssociation {
    SubnetIpv6CidrBlockAssociation::builder()
        .ipv6_cidr_block(cidr)
        .ipv6_cidr_block_state(SubnetCidrBlockState::builder().state(state).build())
        .build()
}

#[test]
fn only_associated_ranges_of_a_subnet_count() {
    let sdk = SdkSubnet::builder()
        .subnet_id("subnet-1")
        .vpc_id("vpc-1")
        .availability_zone("us-east-1a")
        .available_ip_address_count(11)
        .ipv6_cidr_block_association_set(associated("2001:db8:1::/64", SubnetCidrBlockStateCode::Associated))
        .ipv6_cidr_block_association_set(associated(
            "2001:db8:2::/64",
            SubnetCidrBlockStateCode::Disassociated,
        ))
        .tags(Tag::builder().key("Name").build())
        .build();
    let read = subnet(sdk).unwrap();
    assert_eq!(read.ipv6_cidrs, ["2001:db8:1::/64".parse().unwrap()]);
    assert_eq!((read.cidr, read.free), (None, 11));
    assert_eq!(read.tags.get("Name").map(String::as_str), Some(""));
}

#[test]
fn only_associated_ranges_of_a_network_count() {
    let range = |cidr: &str, state: VpcCidrBlockStateCode| {
        let state = VpcCidrBlockState::builder().state(state).build();
        VpcCidrBlockAssociation::builder().cidr_block(cidr).cidr_block_state(state).build()
    };
    let sdk = SdkVpc::builder()
        .vpc_id("vpc-1")
        .cidr_block_association_set(range("10.0.0.0/16", VpcCidrBlockStateCode::Associated))
        .cidr_block_association_set(range("10.1.0.0/16", VpcCidrBlockStateCode::Failing));
    assert_eq!(vpc(sdk.build()).unwrap().ranges, ["10.0.0.0/16".parse().unwrap()]);
}

#[rstest]
#[case("igw-1", RouteState::Active, true)]
#[case("igw-1", RouteState::Blackhole, false)]
#[case("nat-1", RouteState::Active, false)]
#[case("local", RouteState::Active, false)]
fn the_internet_is_an_active_internet_gateway(
    #[case] gateway: &str,
    #[case] state: RouteState,
    #[case] wanted: bool,
) {
    let route = Route::builder().gateway_id(gateway).state(state).build();
    assert_eq!(route_table(SdkRouteTable::builder().routes(route).build()).internet, wanted);
}

#[test]
fn associations_that_ended_do_not_count() {
    let association = |subnet: &str, state: RouteTableAssociationStateCode| {
        RouteTableAssociation::builder()
            .subnet_id(subnet)
            .association_state(RouteTableAssociationState::builder().state(state).build())
            .build()
    };
    let sdk = SdkRouteTable::builder()
        .associations(association("subnet-1", RouteTableAssociationStateCode::Associated))
        .associations(association("subnet-2", RouteTableAssociationStateCode::Disassociating))
        .associations(RouteTableAssociation::builder().main(true).build());
    let read = route_table(sdk.build());
    assert_eq!((read.subnets, read.main), (vec!["subnet-1".into()], true));
}

fn interface_at(device: i32, card: i32, group: &str) -> InstanceNetworkInterface {
    let attachment =
        InstanceNetworkInterfaceAttachment::builder().device_index(device).network_card_index(card).build();
    let group = GroupIdentifier::builder().group_id(group).build();
    InstanceNetworkInterface::builder().attachment(attachment).groups(group).build()
}

#[test]
fn the_groups_are_those_of_the_first_interface() {
    let sdk = SdkInstance::builder()
        .instance_id("i-1")
        .state(InstanceState::builder().name(InstanceStateName::Running).build())
        .placement(Placement::builder().availability_zone("us-east-1a").build())
        .network_interfaces(interface_at(1, 0, "sg-second"))
        .network_interfaces(interface_at(0, 1, "sg-card"))
        .network_interfaces(interface_at(0, 0, "sg-first"));
    let read = instance(sdk.build()).unwrap();
    assert_eq!(read.security_groups, ["sg-first".into()]);
    assert_eq!((read.state.as_str(), read.vpc), ("running", None));
}

#[test]
fn what_an_instance_lacks_is_named() {
    let error = instance(SdkInstance::builder().instance_id("i-1").build()).unwrap_err();
    assert_eq!(format!("{error:?}"), "Unreadable(\"State.Name of Instance i-1 is missing\")");
}
