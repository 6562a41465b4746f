//! Load balancers.

use std::time::Duration;

use landfall_aws::api::elb::{
    AddressType, BalancerState, Elb, HealthState, NewLoadBalancer, NewTargetGroup, NlbProtocol, SubnetChange,
    WhichBalancers,
};
use landfall_core::net::IpFamily;
use landfall_core::params::aws::Scheme;
use landfall_testkit::aws::fake::{Quota, Timing};
use rstest::rstest;

use crate::common::*;

#[tokio::test(start_paused = true)]
async fn making_the_same_again_answers_what_exists_and_anything_else_is_a_duplicate() {
    let aws = aws();
    let first = aws.create_balancer(&balancer("web")).await.unwrap();
    let mut turned = balancer("web");
    turned.subnets.reverse();
    turned.tags = tags(&[("owner", "them")]);
    assert_eq!(aws.create_balancer(&turned).await.unwrap(), first, "order and tags are no settings");
    assert_eq!(aws.balancers().len(), 1);
    assert_eq!(aws.balancers()[0].tags, tags(&[("owner", "us")]), "nor are the tags changed");
    let mut other = balancer("web");
    other.subnets.pop();
    assert_eq!(code(aws.create_balancer(&other).await), "DuplicateLoadBalancerName");
    aws.count_tags_as_settings(true);
    assert_eq!(code(aws.create_balancer(&turned).await), "DuplicateLoadBalancerName");
}

#[tokio::test(start_paused = true)]
async fn it_provisions_for_its_time_and_its_targets_wait_for_it() {
    let aws = aws();
    aws.slow_down(Duration::from_mins(3));
    let made = aws.create_balancer(&balancer("slow")).await.unwrap();
    assert_eq!(made.state, BalancerState::Provisioning);
    let serial = made.arn.as_str().rsplit('/').next().unwrap();
    assert_eq!(made.dns_name, format!("slow-{serial}.elb.eu-central-1.amazonaws.com"));
    let group = aws.create_group(&group("web")).await.unwrap();
    aws.create_listener(&listener(&made.arn, 80, &group.arn)).await.unwrap();
    aws.register(&group.arn, &[target("i-0001", 80)]).await.unwrap();
    assert_eq!(aws.groups()[0].targets[0].state, HealthState::Initial);
    tokio::time::advance(Duration::from_mins(3)).await;
    assert_eq!(aws.balancers()[0].it.state, BalancerState::Active);
    assert_eq!(aws.groups()[0].targets[0].state, HealthState::Healthy);
    let failed = BalancerState::Failed("no addresses".to_owned());
    aws.set_balancer_state(&made.arn, Some(failed.clone()));
    assert_eq!(aws.balancers()[0].it.state, failed);
}

#[rstest]
#[case::long(|new: &mut NewLoadBalancer| new.name = "x".repeat(33), "ValidationError")]
#[case::charset(|new: &mut NewLoadBalancer| new.name = "a_b".to_owned(), "ValidationError")]
#[case::hyphen(|new: &mut NewLoadBalancer| new.name = "a-".to_owned(), "ValidationError")]
#[case::internal(|new: &mut NewLoadBalancer| new.name = "internal-a".to_owned(), "ValidationError")]
#[case::no_subnets(|new: &mut NewLoadBalancer| new.subnets.clear(), "ValidationError")]
#[case::unknown_subnet(|new: &mut NewLoadBalancer| new.subnets = vec![mapping("none")], "SubnetNotFound")]
#[case::one_zone(|new: &mut NewLoadBalancer| new.subnets = vec![mapping("private-a"), mapping("public-a")], "InvalidConfigurationRequest")]
#[case::unknown_group(|new: &mut NewLoadBalancer| new.security_groups = vec!["sg-none".into()], "InvalidSecurityGroup")]
#[case::address_elsewhere(|new: &mut NewLoadBalancer| new.subnets[0].private_ipv4 = Some([10, 9, 9, 9].into()), "InvalidConfigurationRequest")]
#[case::address_public(
    |new: &mut NewLoadBalancer| {
        new.scheme = Scheme::InternetFacing;
        new.subnets[0].private_ipv4 = Some([10, 0, 0, 9].into());
    },
    "InvalidConfigurationRequest"
)]
#[case::elastic_ip_internal(|new: &mut NewLoadBalancer| allocate(new), "InvalidConfigurationRequest")]
#[case::elastic_ip_unknown(
    |new: &mut NewLoadBalancer| {
        new.scheme = Scheme::InternetFacing;
        allocate(new);
    },
    "AllocationIdNotFound"
)]
#[case::source_nat_without_ipv6(|new: &mut NewLoadBalancer| new.source_nat = true, "InvalidConfigurationRequest")]
#[case::ipv6_on_ipv4(
    |new: &mut NewLoadBalancer| new.subnets[0].ipv6 = Some("2001:db8:1::9".parse().unwrap()),
    "InvalidConfigurationRequest"
)]
#[case::own_tags(|new: &mut NewLoadBalancer| new.tags = tags(&[("aws:x", "")]), "ValidationError")]
#[case::tags(|new: &mut NewLoadBalancer| new.tags = (0..51).map(|i| (i.to_string(), String::new())).collect(), "TooManyTags")]
#[tokio::test(start_paused = true)]
async fn what_is_wrong_is_refused(#[case] change: fn(&mut NewLoadBalancer), #[case] expected: &str) {
    let aws = aws();
    let mut new = balancer("web");
    change(&mut new);
    assert_eq!(code(aws.create_balancer(&new).await), expected);
    assert_eq!(aws.balancers(), []);
}

fn allocate(new: &mut NewLoadBalancer) {
    for mapping in &mut new.subnets {
        mapping.allocation = Some(format!("eipalloc-{}", mapping.subnet));
    }
}

#[tokio::test(start_paused = true)]
async fn dualstack_needs_ipv6_ranges_and_the_internet_needs_a_gateway() {
    let aws = aws();
    let id = mapping("private-a").subnet;
    aws.edit_network(|network| network.subnets.get_mut(&id).unwrap().ipv6_cidrs.clear());
    let dual = NewLoadBalancer { address_type: AddressType::Dualstack, ..balancer("web") };
    assert_eq!(code(aws.create_balancer(&dual).await), "InvalidSubnet");
    aws.edit_network(|network| network.route_tables.retain(|(_, table)| !table.internet));
    let public = NewLoadBalancer { scheme: Scheme::InternetFacing, ..balancer("web") };
    assert_eq!(code(aws.create_balancer(&public).await), "InvalidSubnet");
}

#[tokio::test(start_paused = true)]
async fn each_zone_takes_an_address_and_eight_must_be_free() {
    use landfall_aws::api::ec2::Ec2;
    let aws = aws();
    let id = mapping("private-a").subnet;
    aws.edit_network(|network| network.subnets.get_mut(&id).unwrap().free = 8);
    let one = aws.create_balancer(&balancer("one")).await.unwrap();
    let subnets = Ec2::subnets(&aws, &one.vpc, None).await.unwrap().items;
    assert_eq!(subnets.iter().find(|subnet| subnet.id == id).unwrap().free, 7);
    assert_eq!(aws.create_balancer(&balancer("one")).await.unwrap(), one, "it takes no more of its own");
    assert_eq!(code(aws.create_balancer(&balancer("two")).await), "InvalidSubnet");
    aws.delete_balancer(&one.arn).await.unwrap();
    aws.create_balancer(&balancer("two")).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn addresses_and_elastic_ips_are_given_once() {
    let aws = aws();
    let mut fixed = balancer("one");
    fixed.subnets[0].private_ipv4 = Some([10, 0, 0, 9].into());
    aws.create_balancer(&fixed).await.unwrap();
    "two".clone_into(&mut fixed.name);
    assert_eq!(code(aws.create_balancer(&fixed).await), "InvalidConfigurationRequest");
    let mut elastic = NewLoadBalancer { scheme: Scheme::InternetFacing, ..balancer("three") };
    allocate(&mut elastic);
    let ids: Vec<String> = elastic.subnets.iter().filter_map(|one| one.allocation.clone()).collect();
    aws.edit_network(|network| network.allocations.extend(ids));
    let made = aws.create_balancer(&elastic).await.unwrap();
    assert_eq!(made.zones[0].allocation, elastic.subnets[0].allocation);
    "four".clone_into(&mut elastic.name);
    assert_eq!(code(aws.create_balancer(&elastic).await), "ResourceInUse");
}

#[tokio::test(start_paused = true)]
async fn quotas_hold_and_are_told() {
    let aws = aws();
    aws.set_quota(Quota::Balancers, 1);
    aws.create_balancer(&balancer("one")).await.unwrap();
    assert_eq!(code(aws.create_balancer(&balancer("two")).await), "TooManyLoadBalancers");
    let limits = aws.limits(None).await.unwrap().items;
    assert!(limits.contains(&("network-load-balancers".to_owned(), "1".to_owned())), "{limits:?}");
    assert!(limits.contains(&("targets-per-target-group".to_owned(), "1000".to_owned())), "{limits:?}");
}

#[tokio::test(start_paused = true)]
async fn what_is_protected_or_behind_a_service_is_not_deleted_and_what_is_gone_is_no_error() {
    let (aws, balancer, _) = serving().await;
    let protect = |on: &str| tags(&[("deletion_protection.enabled", on)]);
    aws.modify_balancer_attributes(&balancer.arn, &protect("true")).await.unwrap();
    assert_eq!(code(aws.delete_balancer(&balancer.arn).await), "OperationNotPermitted");
    aws.modify_balancer_attributes(&balancer.arn, &protect("false")).await.unwrap();
    aws.set_endpoint_service(&balancer.arn, true);
    assert_eq!(code(aws.delete_balancer(&balancer.arn).await), "ResourceInUse");
    aws.set_endpoint_service(&balancer.arn, false);
    aws.delete_balancer(&balancer.arn).await.unwrap();
    assert_eq!(code(aws.listeners(&balancer.arn, None).await), "LoadBalancerNotFound");
    aws.delete_balancer(&balancer.arn).await.expect("what does not exist can be deleted");
}

#[tokio::test(start_paused = true)]
async fn asking_for_one_that_does_not_exist_is_an_error() {
    let (aws, balancer, _) = serving().await;
    let named = |names: &[&str]| WhichBalancers::Named(names.iter().map(|&name| name.to_owned()).collect());
    assert_eq!(
        aws.load_balancers(&named(&["web"]), None).await.unwrap().items,
        std::slice::from_ref(&balancer)
    );
    assert_eq!(code(aws.load_balancers(&named(&["web", "none"]), None).await), "LoadBalancerNotFound");
    let known = WhichBalancers::Known(vec![balancer.arn, "arn:none".into()]);
    assert_eq!(code(aws.load_balancers(&known, None).await), "LoadBalancerNotFound");
}

#[tokio::test(start_paused = true)]
async fn zones_come_and_go_but_a_zone_keeps_its_subnet() {
    let (aws, balancer, _) = serving().await;
    let to = |names: &[&str]| SubnetChange {
        subnets: names.iter().map(|name| mapping(name)).collect(),
        address_type: AddressType::Ipv4,
        source_nat: false,
    };
    aws.set_subnets(&balancer.arn, &to(&["private-b", "private-c"])).await.unwrap();
    let zones: Vec<String> = aws.balancers()[0].it.zones.iter().map(|zone| zone.zone.clone()).collect();
    assert_eq!(zones, ["eu-central-1b", "eu-central-1c"]);
    let swapped = to(&["public-b", "private-c"]);
    assert_eq!(code(aws.set_subnets(&balancer.arn, &swapped).await), "InvalidConfigurationRequest");
}

#[tokio::test(start_paused = true)]
async fn a_zone_is_left_before_it_is_entered_again() {
    let (aws, balancer, _) = serving().await;
    aws.set_timing(Timing { zone_release: Duration::from_mins(3), ..Timing::default() });
    let to = |names: &[&str]| SubnetChange {
        subnets: names.iter().map(|name| mapping(name)).collect(),
        address_type: AddressType::Ipv4,
        source_nat: false,
    };
    aws.set_subnets(&balancer.arn, &to(&["private-a", "private-b"])).await.unwrap();
    aws.set_subnets(&balancer.arn, &to(&["private-b"])).await.unwrap();
    let again = to(&["public-a", "private-b"]);
    assert_eq!(code(aws.set_subnets(&balancer.arn, &again).await), "InvalidConfigurationRequest");
    tokio::time::sleep(Duration::from_mins(3)).await;
    aws.set_subnets(&balancer.arn, &again).await.unwrap();
    aws.set_endpoint_service(&balancer.arn, true);
    let fewer = to(&["private-b"]);
    assert_eq!(code(aws.set_subnets(&balancer.arn, &fewer).await), "InvalidConfigurationRequest");
}

#[tokio::test(start_paused = true)]
async fn one_made_without_security_groups_never_gets_any() {
    let (aws, without, _) = serving().await;
    let group = security_group(&aws, "one").await;
    let set = aws.set_security_groups(&without.arn, std::slice::from_ref(&group), None).await;
    assert_eq!(code(set), "InvalidConfigurationRequest");
    let with = NewLoadBalancer { security_groups: vec![group.clone()], ..balancer("with") };
    let with = aws.create_balancer(&with).await.unwrap();
    assert_eq!(with.private_link_rules, Some(true));
    assert_eq!(code(aws.set_security_groups(&with.arn, &[], None).await), "InvalidConfigurationRequest");
    aws.set_security_groups(&with.arn, &[group], Some(false)).await.unwrap();
    let flags: Vec<_> = aws.balancers().into_iter().map(|one| one.it.private_link_rules).collect();
    assert_eq!(flags, [None, Some(false)]);
}

#[tokio::test(start_paused = true)]
async fn datagrams_over_ipv6_need_source_nat() {
    let aws = aws();
    let made = aws.create_balancer(&balancer("web")).await.unwrap();
    let mut udp = group("udp");
    udp.protocol = NlbProtocol::Udp;
    let udp = aws.create_group(&udp).await.unwrap();
    let mut on_udp = listener(&made.arn, 53, &udp.arn);
    on_udp.spec.protocol = Some(NlbProtocol::Udp);
    let on_udp = aws.create_listener(&on_udp).await.unwrap();
    let dual = aws.set_address_type(&made.arn, AddressType::Dualstack).await;
    assert_eq!(code(dual), "InvalidConfigurationRequest");
    let subnets = balancer("web").subnets;
    let change = SubnetChange { subnets, address_type: AddressType::Dualstack, source_nat: true };
    let with_ipv4_targets = aws.set_subnets(&made.arn, &change).await;
    assert_eq!(code(with_ipv4_targets), "InvalidConfigurationRequest");
    aws.delete_listener(&on_udp.arn).await.unwrap();
    aws.set_subnets(&made.arn, &change).await.unwrap();
    let back = aws.set_address_type(&made.arn, AddressType::Ipv4).await;
    assert_eq!(code(back), "InvalidConfigurationRequest");
}

#[tokio::test(start_paused = true)]
async fn dualstack_load_balancers_forward_datagrams_to_ipv6() {
    let aws = aws();
    let mut dual = balancer("web");
    (dual.address_type, dual.source_nat) = (AddressType::Dualstack, true);
    let dual = aws.create_balancer(&dual).await.unwrap();
    for (port, protocol) in [(53, NlbProtocol::Udp), (54, NlbProtocol::TcpUdp)] {
        for (family, fits) in [(IpFamily::V4, false), (IpFamily::V6, true)] {
            let name = format!("to-{port}-{family}");
            let to = aws.create_group(&NewTargetGroup { protocol, family, ..group(&name) }).await.unwrap();
            let mut new = listener(&dual.arn, port, &to.arn);
            new.spec.protocol = Some(protocol);
            let made = aws.create_listener(&new).await;
            assert_eq!(made.is_ok(), fits, "{protocol} to {family}: {made:?}");
        }
    }
    let streams = aws.create_group(&group("streams")).await.unwrap();
    aws.create_listener(&listener(&dual.arn, 80, &streams.arn)).await.expect("TCP has the choice");
}

#[tokio::test(start_paused = true)]
async fn gateways_for_ipv6_concern_dualstack_alone() {
    let (aws, balancer, _) = serving().await;
    let set = tags(&[("ipv6.deny_all_igw_traffic", "false")]);
    let found = async || {
        aws.balancer_attributes(&balancer.arn).await.unwrap().get("ipv6.deny_all_igw_traffic").cloned()
    };
    assert_eq!(found().await, None);
    let refused = aws.modify_balancer_attributes(&balancer.arn, &set).await;
    assert_eq!(code(refused), "InvalidConfigurationRequest");
    aws.set_address_type(&balancer.arn, AddressType::Dualstack).await.unwrap();
    assert_eq!(found().await.as_deref(), Some("true"), "the default of an internal one");
    aws.modify_balancer_attributes(&balancer.arn, &set).await.unwrap();
    assert_eq!(found().await.as_deref(), Some("false"));
}

#[tokio::test(start_paused = true)]
async fn one_capacity_request_at_a_time() {
    let (aws, balancer, _) = serving().await;
    aws.set_timing(Timing { capacity: Duration::from_mins(2), ..Timing::default() });
    aws.modify_capacity(&balancer.arn, Some(3_000)).await.unwrap();
    assert_eq!(code(aws.modify_capacity(&balancer.arn, None).await), "PriorRequestNotComplete");
    let change = SubnetChange {
        subnets: vec![mapping("private-a")],
        address_type: AddressType::Ipv4,
        source_nat: false,
    };
    assert_eq!(code(aws.set_subnets(&balancer.arn, &change).await), "CapacityReservationPending");
    tokio::time::advance(Duration::from_mins(2)).await;
    assert_eq!(aws.capacity(&balancer.arn).await.unwrap(), Some(3_000));
    aws.modify_capacity(&balancer.arn, None).await.unwrap();
    aws.set_quota(Quota::CapacityUnits, 10);
    tokio::time::advance(Duration::from_mins(2)).await;
    assert_eq!(code(aws.modify_capacity(&balancer.arn, Some(11)).await), "CapacityUnitsLimitExceeded");
}

#[rstest]
#[case::unknown_key(&[("load_balancing.cross_zone", "true")], "ValidationError")]
#[case::value(&[("load_balancing.cross_zone.enabled", "yes")], "ValidationError")]
#[case::no_bucket(&[("access_logs.s3.enabled", "true")], "InvalidConfigurationRequest")]
#[case::fewer(&[("secondary_ips.auto_assigned.per_subnet", "1")], "InvalidConfigurationRequest")]
#[tokio::test(start_paused = true)]
async fn attributes_are_checked(#[case] set: &[(&str, &str)], #[case] expected: &str) {
    let (aws, balancer, _) = serving().await;
    let more = tags(&[("secondary_ips.auto_assigned.per_subnet", "2")]);
    aws.modify_balancer_attributes(&balancer.arn, &more).await.unwrap();
    let before = aws.balancer_attributes(&balancer.arn).await.unwrap();
    assert_eq!(code(aws.modify_balancer_attributes(&balancer.arn, &tags(set)).await), expected);
    assert_eq!(aws.balancer_attributes(&balancer.arn).await.unwrap(), before);
}
