//! Target groups and their health checks.

use aws_sdk_elasticloadbalancingv2::types::{
    ProtocolEnum, TargetGroup as SdkTargetGroup, TargetGroupIpAddressTypeEnum, TargetTypeEnum,
};
use landfall_core::net::IpFamily;
use landfall_core::params::aws::HealthProtocol;

use crate::api::elb::{GroupTargets, HealthCheck, TargetGroup};
use crate::api::ids::{LoadBalancerArn, TargetGroupArn, VpcId};
use crate::sdk::errors::{Thing, Unreadable};
use crate::sdk::questions::TRAFFIC_PORT;

const KIND: &str = "TargetGroup";

pub(in crate::sdk) fn group(mut sdk: SdkTargetGroup) -> Result<TargetGroup, Unreadable> {
    let arn = Thing::new(KIND, "").need("TargetGroupArn", sdk.target_group_arn.take())?;
    let of = Thing::new(KIND, &arn);
    let targets = match of.need("TargetType", sdk.target_type.take())? {
        TargetTypeEnum::Instance => Some(GroupTargets::Instance),
        TargetTypeEnum::Ip => Some(GroupTargets::Ip),
        _ => None,
    };
    Ok(TargetGroup {
        name: of.need("TargetGroupName", sdk.target_group_name.take())?,
        protocol: sdk.protocol.as_ref().and_then(super::protocol),
        // Groups of functions have no port.
        port: if targets.is_some() { of.number("Port", sdk.port)? } else { 0 },
        vpc: sdk.vpc_id.take().map(VpcId::new),
        family: match sdk.ip_address_type.take() {
            Some(TargetGroupIpAddressTypeEnum::Ipv6) => IpFamily::V6,
            Some(TargetGroupIpAddressTypeEnum::Ipv4) | None => IpFamily::V4,
            Some(other) => return Err(of.odd("IpAddressType", other)),
        },
        load_balancers: sdk
            .load_balancer_arns
            .take()
            .into_iter()
            .flatten()
            .map(LoadBalancerArn::new)
            .collect(),
        health: match health(of, sdk) {
            Err(_) if targets.is_none() => absent_check(),
            health => health?,
        },
        targets,
        arn: TargetGroupArn::new(arn.as_str()),
    })
}

fn health(of: Thing<'_>, sdk: SdkTargetGroup) -> Result<HealthCheck, Unreadable> {
    Ok(HealthCheck {
        protocol: match of.need("HealthCheckProtocol", sdk.health_check_protocol)? {
            ProtocolEnum::Tcp => HealthProtocol::Tcp,
            ProtocolEnum::Http => HealthProtocol::Http,
            ProtocolEnum::Https => HealthProtocol::Https,
            other => return Err(of.odd("HealthCheckProtocol", other)),
        },
        port: match of.need("HealthCheckPort", sdk.health_check_port)? {
            word if word == TRAFFIC_PORT => None,
            number => Some(number.parse().map_err(|_| of.odd("HealthCheckPort", number))?),
        },
        path: sdk.health_check_path,
        codes: sdk.matcher.and_then(|matcher| matcher.http_code),
        interval: of.number("HealthCheckIntervalSeconds", sdk.health_check_interval_seconds)?,
        timeout: of.number("HealthCheckTimeoutSeconds", sdk.health_check_timeout_seconds)?,
        healthy: of.number("HealthyThresholdCount", sdk.healthy_threshold_count)?,
        unhealthy: of.number("UnhealthyThresholdCount", sdk.unhealthy_threshold_count)?,
    })
}

/// What stands for the check of a group of functions, which may have none: nothing reads it.
fn absent_check() -> HealthCheck {
    HealthCheck {
        protocol: HealthProtocol::Http,
        port: None,
        path: None,
        codes: None,
        interval: 0,
        timeout: 0,
        healthy: 0,
        unhealthy: 0,
    }
}
