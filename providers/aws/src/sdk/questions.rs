//! What we ask for, in the SDK's types.

use aws_sdk_elasticloadbalancingv2::types::{
    Action as ListenerAction, ActionTypeEnum, Certificate, EnablePrefixForIpv6SourceNatEnum,
    EnforceSecurityGroupInboundRulesOnPrivateLinkTrafficEnum as PrivateLinkRules, IpAddressType,
    ListenerAttribute, LoadBalancerAttribute, LoadBalancerSchemeEnum, Matcher, ProtocolEnum,
    SubnetMapping as SdkSubnetMapping, Tag, TargetDescription, TargetGroupAttribute,
    TargetGroupIpAddressTypeEnum, TargetTypeEnum,
};
use landfall_core::net::IpFamily;
use landfall_core::params::aws::{HealthProtocol, Scheme};

use crate::api::elb::{
    AddressType, GroupTargets, HealthCheck, ListenerSpec, NlbProtocol, SubnetMapping, Target,
};
use crate::api::{Attributes, Tags};

/// The word of the API for a target's own port.
pub(super) const TRAFFIC_PORT: &str = "traffic-port";
/// The ALPN policy that offers no protocol.
pub(super) const NO_ALPN: &str = "None";

/// Tags, or `None`: the API refuses an empty list.
pub(super) fn tags(tags: &Tags) -> Option<Vec<Tag>> {
    let list: Vec<Tag> =
        tags.iter().map(|(key, value)| Tag::builder().key(key).value(value).build()).collect();
    (!list.is_empty()).then_some(list)
}

pub(super) fn scheme(scheme: Scheme) -> LoadBalancerSchemeEnum {
    match scheme {
        Scheme::Internal => LoadBalancerSchemeEnum::Internal,
        Scheme::InternetFacing => LoadBalancerSchemeEnum::InternetFacing,
    }
}

pub(super) fn address_type(of: AddressType) -> IpAddressType {
    match of {
        AddressType::Ipv4 => IpAddressType::Ipv4,
        AddressType::Dualstack => IpAddressType::Dualstack,
    }
}

pub(super) fn source_nat(on: bool) -> EnablePrefixForIpv6SourceNatEnum {
    if on { EnablePrefixForIpv6SourceNatEnum::On } else { EnablePrefixForIpv6SourceNatEnum::Off }
}

pub(super) fn private_link(on: bool) -> PrivateLinkRules {
    if on { PrivateLinkRules::On } else { PrivateLinkRules::Off }
}

pub(super) fn subnets(mappings: &[SubnetMapping]) -> Vec<SdkSubnetMapping> {
    mappings.iter().map(subnet).collect()
}

fn subnet(mapping: &SubnetMapping) -> SdkSubnetMapping {
    SdkSubnetMapping::builder()
        .subnet_id(mapping.subnet.as_str())
        .set_allocation_id(mapping.allocation.clone())
        .set_private_ipv4_address(mapping.private_ipv4.map(|address| address.to_string()))
        .set_ipv6_address(mapping.ipv6.map(|address| address.to_string()))
        .set_source_nat_ipv6_prefix(mapping.source_nat_prefix.clone())
        .build()
}

pub(super) fn protocol(of: NlbProtocol) -> ProtocolEnum {
    match of {
        NlbProtocol::Tcp => ProtocolEnum::Tcp,
        NlbProtocol::Udp => ProtocolEnum::Udp,
        NlbProtocol::TcpUdp => ProtocolEnum::TcpUdp,
        NlbProtocol::Tls => ProtocolEnum::Tls,
    }
}

pub(super) fn target_type(of: GroupTargets) -> TargetTypeEnum {
    match of {
        GroupTargets::Instance => TargetTypeEnum::Instance,
        GroupTargets::Ip => TargetTypeEnum::Ip,
    }
}

pub(super) fn family(of: IpFamily) -> TargetGroupIpAddressTypeEnum {
    match of {
        IpFamily::V4 => TargetGroupIpAddressTypeEnum::Ipv4,
        IpFamily::V6 => TargetGroupIpAddressTypeEnum::Ipv6,
    }
}

pub(super) fn health_protocol(of: HealthProtocol) -> ProtocolEnum {
    match of {
        HealthProtocol::Tcp => ProtocolEnum::Tcp,
        HealthProtocol::Http => ProtocolEnum::Http,
        HealthProtocol::Https => ProtocolEnum::Https,
    }
}

pub(super) fn health_port(check: &HealthCheck) -> String {
    check.port.map_or_else(|| TRAFFIC_PORT.to_owned(), |port| port.to_string())
}

pub(super) fn matcher(check: &HealthCheck) -> Option<Matcher> {
    check.codes.as_ref().map(|codes| Matcher::builder().http_code(codes).build())
}

pub(super) fn targets(targets: &[Target]) -> Vec<TargetDescription> {
    targets.iter().map(target).collect()
}

fn target(target: &Target) -> TargetDescription {
    TargetDescription::builder()
        .id(&target.id)
        .port(target.port.into())
        .set_availability_zone(target.zone.clone())
        .build()
}

/// The one action of a listener that we make.
pub(super) fn forward(spec: &ListenerSpec) -> Option<Vec<ListenerAction>> {
    let group = spec.forward.as_ref()?;
    Some(vec![
        ListenerAction::builder().r#type(ActionTypeEnum::Forward).target_group_arn(group.as_str()).build(),
    ])
}

pub(super) fn certificate(arn: &str) -> Certificate {
    Certificate::builder().certificate_arn(arn).build()
}

/// ALPN policy of a TLS listener, said even if it is none: leaving it out would keep the present one.
pub(super) fn alpn(spec: &ListenerSpec) -> Option<Vec<String>> {
    let policy = || spec.alpn.as_deref().unwrap_or(NO_ALPN).to_owned();
    (spec.protocol == Some(NlbProtocol::Tls)).then(|| vec![policy()])
}

pub(super) fn balancer_attributes(set: &Attributes) -> Vec<LoadBalancerAttribute> {
    set.iter().map(|(key, value)| LoadBalancerAttribute::builder().key(key).value(value).build()).collect()
}

pub(super) fn group_attributes(set: &Attributes) -> Vec<TargetGroupAttribute> {
    set.iter().map(|(key, value)| TargetGroupAttribute::builder().key(key).value(value).build()).collect()
}

pub(super) fn listener_attributes(set: &Attributes) -> Vec<ListenerAttribute> {
    set.iter().map(|(key, value)| ListenerAttribute::builder().key(key).value(value).build()).collect()
}
