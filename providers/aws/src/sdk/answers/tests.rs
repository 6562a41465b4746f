use aws_sdk_elasticloadbalancingv2::types::builders::{LoadBalancerBuilder, TargetGroupBuilder};
use aws_sdk_elasticloadbalancingv2::types::{
    ForwardActionConfig, LoadBalancerAddress, LoadBalancerTypeEnum, TargetDescription, TargetGroup,
    TargetGroupTuple, TargetHealth, TargetTypeEnum,
};
use landfall_core::params::aws::HealthProtocol;
use rstest::rstest;

use super::*;

fn said(error: Unreadable) -> String {
    super::super::errors::unreadable(crate::api::Action::DescribeTags)(error).to_string()
}

fn nlb() -> LoadBalancerBuilder {
    SdkLoadBalancer::builder()
        .load_balancer_arn("arn:lb")
        .load_balancer_name("web")
        .dns_name("web-1.elb.example")
        .r#type(LoadBalancerTypeEnum::Network)
        .scheme(LoadBalancerSchemeEnum::InternetFacing)
        .state(LoadBalancerState::builder().code(LoadBalancerStateEnum::Active).build())
        .vpc_id("vpc-1")
        .ip_address_type(IpAddressType::Dualstack)
}

#[test]
fn a_load_balancer_is_read() {
    let address = LoadBalancerAddress::builder()
        .allocation_id("eipalloc-1")
        .private_ipv4_address("10.0.0.9")
        .ipv6_address("2001:db8::9");
    let zone = AvailabilityZone::builder()
        .zone_name("us-east-1a")
        .subnet_id("subnet-1")
        .load_balancer_addresses(address.build());
    let sdk = nlb()
        .availability_zones(zone.build())
        .security_groups("sg-1")
        .enforce_security_group_inbound_rules_on_private_link_traffic("off")
        .enable_prefix_for_ipv6_source_nat(EnablePrefixForIpv6SourceNatEnum::On)
        .created_time(DateTime::from_secs(1_700_000_000));
    let read = balancer(sdk.build()).unwrap();
    assert_eq!(
        read,
        LoadBalancer {
            arn: "arn:lb".into(),
            name: "web".to_owned(),
            dns_name: "web-1.elb.example".to_owned(),
            kind: "network".to_owned(),
            scheme: Scheme::InternetFacing,
            state: BalancerState::Active,
            vpc: "vpc-1".into(),
            address_type: AddressType::Dualstack,
            security_groups: vec!["sg-1".into()],
            zones: vec![ZoneMapping {
                source_nat_prefixes: Vec::new(),
                zone: "us-east-1a".to_owned(),
                subnet: "subnet-1".into(),
                allocation: Some("eipalloc-1".to_owned()),
                private_ipv4: Some("10.0.0.9".parse().unwrap()),
                ipv6: Some("2001:db8::9".parse().unwrap()),
            }],
            private_link_rules: Some(false),
            source_nat: true,
            created: Some("2023-11-14T22:13:20Z".parse().unwrap()),
        }
    );
}

#[rstest]
#[case(nlb().set_load_balancer_arn(None), "LoadBalancerArn of a LoadBalancer is missing")]
#[case(nlb().set_dns_name(None), "DNSName of LoadBalancer arn:lb is missing")]
#[case(nlb().set_scheme(None), "Scheme of LoadBalancer arn:lb is missing")]
#[case(nlb().scheme("sideways".into()), "Scheme of LoadBalancer arn:lb is \"sideways\"")]
#[case(nlb().set_state(None), "State of LoadBalancer arn:lb is missing")]
#[case(nlb().set_vpc_id(None), "VpcId of LoadBalancer arn:lb is missing")]
#[case(nlb().ip_address_type("ipv8".into()), "IpAddressType of LoadBalancer arn:lb is \"ipv8\"")]
#[case(nlb().availability_zones(AvailabilityZone::builder().build()), "ZoneName of LoadBalancer arn:lb is missing")]
fn what_a_load_balancer_lacks_is_named(#[case] sdk: LoadBalancerBuilder, #[case] wanted: &str) {
    let text = said(balancer(sdk.build()).unwrap_err());
    assert!(text.contains(wanted), "{text}");
}

#[rstest]
#[case(LoadBalancerStateEnum::Provisioning, BalancerState::Provisioning)]
#[case(LoadBalancerStateEnum::ActiveImpaired, BalancerState::ActiveImpaired("why".to_owned()))]
#[case(LoadBalancerStateEnum::Failed, BalancerState::Failed("why".to_owned()))]
fn states_keep_their_reason(#[case] code: LoadBalancerStateEnum, #[case] wanted: BalancerState) {
    let sdk = nlb().state(LoadBalancerState::builder().code(code).reason("why").build());
    assert_eq!(balancer(sdk.build()).unwrap().state, wanted);
}

#[test]
fn a_gateway_load_balancer_does_not_spoil_the_list() {
    let gateway = nlb()
        .r#type(LoadBalancerTypeEnum::Gateway)
        .set_dns_name(None)
        .set_scheme(None)
        .set_state(Some(LoadBalancerState::builder().code("resting".into()).build()));
    let read = all(Some(vec![gateway.build(), nlb().build()]), balancer).unwrap();
    assert_eq!(read[0].kind, "gateway");
    assert_eq!(read[1].kind, "network");
}

fn tcp_group() -> TargetGroupBuilder {
    TargetGroup::builder()
        .target_group_arn("arn:tg")
        .target_group_name("web")
        .target_type(TargetTypeEnum::Instance)
        .protocol(ProtocolEnum::TcpUdp)
        .port(30080)
        .vpc_id("vpc-1")
        .health_check_protocol(ProtocolEnum::Http)
        .health_check_port("10256")
        .health_check_path("/healthz")
        .health_check_interval_seconds(10)
        .health_check_timeout_seconds(6)
        .healthy_threshold_count(2)
        .unhealthy_threshold_count(2)
}

#[test]
fn a_target_group_is_read() {
    let read = group(tcp_group().build()).unwrap();
    assert_eq!(read.protocol, Some(NlbProtocol::TcpUdp));
    assert_eq!(
        (read.port, read.health.port, read.health.protocol),
        (30080, Some(10256), HealthProtocol::Http)
    );
    let traffic = group(tcp_group().health_check_port("traffic-port").build()).unwrap();
    assert_eq!(traffic.health.port, None);
}

#[rstest]
#[case(tcp_group().set_port(None), "Port of TargetGroup arn:tg is missing")]
#[case(tcp_group().port(70_000), "Port of TargetGroup arn:tg is \"70000\"")]
#[case(tcp_group().health_check_port("all"), "HealthCheckPort of TargetGroup arn:tg is \"all\"")]
#[case(tcp_group().health_check_protocol(ProtocolEnum::Udp), "HealthCheckProtocol of TargetGroup arn:tg is \"UDP\"")]
#[case(tcp_group().set_healthy_threshold_count(None), "HealthyThresholdCount of TargetGroup arn:tg is missing")]
fn what_a_target_group_lacks_is_named(#[case] sdk: TargetGroupBuilder, #[case] wanted: &str) {
    let text = said(group(sdk.build()).unwrap_err());
    assert!(text.contains(wanted), "{text}");
}

#[test]
fn a_group_of_functions_does_not_spoil_the_list() {
    let function = TargetGroup::builder()
        .target_group_arn("arn:fn")
        .target_group_name("fn")
        .target_type(TargetTypeEnum::Lambda)
        .build();
    let read = all(Some(vec![function, tcp_group().build()]), group).unwrap();
    assert_eq!((read[0].targets, read[0].protocol, read[0].port), (None, None, 0));
}

fn forwarding(groups: &[&str]) -> Action {
    let groups =
        groups.iter().map(|arn| TargetGroupTuple::builder().target_group_arn(*arn).build()).collect();
    let config = ForwardActionConfig::builder().set_target_groups(Some(groups)).build();
    Action::builder().r#type(ActionTypeEnum::Forward).forward_config(config).build()
}

#[rstest]
#[case(vec![], None)]
#[case(vec![Action::builder().r#type(ActionTypeEnum::Forward).target_group_arn("a").build()], Some("a"))]
#[case(vec![forwarding(&["a"])], Some("a"))]
#[case(vec![forwarding(&["a", "b"])], None)]
#[case(vec![forwarding(&["a"]), forwarding(&["a"])], None)]
#[case(vec![Action::builder().r#type(ActionTypeEnum::Redirect).build()], None)]
fn only_one_group_is_forwarded_to(#[case] actions: Vec<Action>, #[case] wanted: Option<&str>) {
    assert_eq!(forward(actions), wanted.map(TargetGroupArn::from));
}

#[rstest]
#[case(ProtocolEnum::Tls, Some(NlbProtocol::Tls))]
#[case(ProtocolEnum::Quic, None)]
#[case(ProtocolEnum::Http, None)]
fn protocols_that_we_never_use_are_none(#[case] sdk: ProtocolEnum, #[case] wanted: Option<NlbProtocol>) {
    let sdk = SdkListener::builder()
        .listener_arn("arn:l")
        .port(443)
        .protocol(sdk)
        .alpn_policy("None")
        .ssl_policy("p");
    let read = listener(sdk.build()).unwrap();
    assert_eq!((read.spec.protocol, read.spec.alpn), (wanted, None));
    assert_eq!(read.spec.ssl_policy.is_some(), wanted == Some(NlbProtocol::Tls));
}

#[rstest]
#[case(TargetHealthStateEnum::UnhealthyDraining, Some(HealthState::Draining))]
#[case(TargetHealthStateEnum::Unused, Some(HealthState::Unused))]
#[case("asleep".into(), None)]
fn health_is_read(#[case] state: TargetHealthStateEnum, #[case] wanted: Option<HealthState>) {
    let sdk = TargetHealthDescription::builder()
        .target(TargetDescription::builder().id("i-1").port(30080).build())
        .target_health(TargetHealth::builder().state(state).build());
    match (target_state(sdk.build()), wanted) {
        (Ok(read), Some(wanted)) => assert_eq!((read.state, read.target.port), (wanted, 30080)),
        (Err(error), None) => assert!(said(error).contains("State of Target i-1 is \"asleep\"")),
        (read, wanted) => panic!("{read:?} instead of {wanted:?}"),
    }
}

#[test]
fn the_default_certificate_is_no_extra_one() {
    let default = Certificate::builder().certificate_arn("arn:a").is_default(true).build();
    let extra = Certificate::builder().certificate_arn("arn:b").build();
    assert_eq!(extra_certificates(Some(vec![default, extra])).unwrap(), ["arn:b"]);
}

#[rstest]
#[case(None, Ok(None))]
#[case(Some(0), Ok(None))]
#[case(Some(500), Ok(Some(500)))]
#[case(Some(-1), Err(()))]
fn capacity_is_read(#[case] units: Option<i32>, #[case] wanted: Result<Option<u32>, ()>) {
    let minimum = MinimumLoadBalancerCapacity::builder().set_capacity_units(units).build();
    assert_eq!(capacity("arn:lb", Some(minimum)).map_err(drop), wanted);
    assert_eq!(capacity("arn:lb", None), Ok(None));
}

#[test]
fn a_creation_has_one_result() {
    assert_eq!(the_one("Listener", Some(vec![7])), Ok(7));
    assert!(said(the_one::<i32>("Listener", None).unwrap_err()).contains("number of a Listener is \"0\""));
    assert!(the_one("Listener", Some(vec![7, 8])).is_err());
}

#[test]
fn an_empty_marker_ends_the_list() {
    assert_eq!(next(Some(String::new())), None);
    assert_eq!(next(Some("m".to_owned())).as_deref(), Some("m"));
}
