//! What AWS answers, in our types. A field that must be there and is not, or cannot be read, is an error that names it.
//!
//! Lists of an account hold the load balancers and target groups of others too, of all kinds. Of kinds that a Network
//! Load Balancer never is or has, only the identity must be readable: a stranger must not blind us.

use aws_sdk_elasticloadbalancingv2::primitives::DateTime;
use aws_sdk_elasticloadbalancingv2::types::{
    Action, ActionTypeEnum, AvailabilityZone, Certificate, EnablePrefixForIpv6SourceNatEnum, IpAddressType,
    Limit, Listener as SdkListener, LoadBalancer as SdkLoadBalancer, LoadBalancerSchemeEnum,
    LoadBalancerState, LoadBalancerStateEnum, MinimumLoadBalancerCapacity, ProtocolEnum, Tag, TagDescription,
    TargetHealthDescription, TargetHealthStateEnum,
};
use jiff::Timestamp;
use landfall_core::params::aws::Scheme;

use super::errors::{Thing, Unreadable};
use super::questions::NO_ALPN;
use crate::api::elb::{
    AddressType, BalancerState, HealthState, Listener, ListenerSpec, LoadBalancer, NlbProtocol, Target,
    TargetState, ZoneMapping,
};
use crate::api::ids::{ListenerArn, LoadBalancerArn, SecurityGroupId, SubnetId, TargetGroupArn, VpcId};
use crate::api::{Attributes, Tags};

mod group;

pub(super) use group::group;

/// Every item of a list, or the first that cannot be read.
pub(super) fn all<S, T>(
    list: Option<Vec<S>>,
    read: impl Fn(S) -> Result<T, Unreadable>,
) -> Result<Vec<T>, Unreadable> {
    list.unwrap_or_default().into_iter().map(read).collect()
}

/// The one thing that the answer to a creation holds.
pub(super) fn the_one<S>(kind: &'static str, list: Option<Vec<S>>) -> Result<S, Unreadable> {
    let mut list = list.unwrap_or_default();
    match list.len() {
        1 => Ok(list.remove(0)),
        count => Err(Thing::new(kind, "").odd("number", count)),
    }
}

/// Where the next page begins. An empty marker is none: asking with it would begin anew.
pub(super) fn next(marker: Option<String>) -> Option<String> {
    marker.filter(|marker| !marker.is_empty())
}

pub(super) fn balancer(sdk: SdkLoadBalancer) -> Result<LoadBalancer, Unreadable> {
    const KIND: &str = "LoadBalancer";
    let arn = Thing::new(KIND, "").need("LoadBalancerArn", sdk.load_balancer_arn)?;
    let of = Thing::new(KIND, &arn);
    let kind = of.need("Type", sdk.r#type)?.as_str().to_owned();
    let known =
        |result: Result<_, _>, otherwise| if kind == "network" { result } else { result.or(Ok(otherwise)) };
    let private_link = sdk.enforce_security_group_inbound_rules_on_private_link_traffic;
    Ok(LoadBalancer {
        name: of.need("LoadBalancerName", sdk.load_balancer_name)?,
        // Gateway load balancers have neither host name nor scheme; they are reached within networks only.
        dns_name: match sdk.dns_name {
            None if kind != "network" => String::new(),
            name => of.need("DNSName", name)?,
        },
        scheme: match sdk.scheme {
            Some(LoadBalancerSchemeEnum::InternetFacing) => Scheme::InternetFacing,
            Some(LoadBalancerSchemeEnum::Internal) => Scheme::Internal,
            _ if kind != "network" => Scheme::Internal,
            other => return Err(of.odd("Scheme", of.need("Scheme", other)?)),
        },
        state: known(state(of, sdk.state), BalancerState::Active)?,
        vpc: VpcId::new(of.need("VpcId", sdk.vpc_id)?),
        address_type: match of.need("IpAddressType", sdk.ip_address_type)? {
            IpAddressType::Ipv4 => AddressType::Ipv4,
            IpAddressType::Dualstack => AddressType::Dualstack,
            _ if kind != "network" => AddressType::Dualstack,
            other => return Err(of.odd("IpAddressType", other)),
        },
        security_groups: sdk.security_groups.into_iter().flatten().map(SecurityGroupId::new).collect(),
        zones: all(sdk.availability_zones, |zone| self::zone(of, zone))?,
        private_link_rules: private_link.map(|word| on_or_off(of, &word)).transpose()?,
        source_nat: sdk.enable_prefix_for_ipv6_source_nat == Some(EnablePrefixForIpv6SourceNatEnum::On),
        created: sdk.created_time.map(|time| timestamp(of, time)).transpose()?,
        kind,
        arn: LoadBalancerArn::new(arn.as_str()),
    })
}

fn state(of: Thing<'_>, state: Option<LoadBalancerState>) -> Result<BalancerState, Unreadable> {
    let state = of.need("State", state)?;
    let reason = state.reason.unwrap_or_default();
    match of.need("State.Code", state.code)? {
        LoadBalancerStateEnum::Provisioning => Ok(BalancerState::Provisioning),
        LoadBalancerStateEnum::Active => Ok(BalancerState::Active),
        LoadBalancerStateEnum::ActiveImpaired => Ok(BalancerState::ActiveImpaired(reason)),
        LoadBalancerStateEnum::Failed => Ok(BalancerState::Failed(reason)),
        other => Err(of.odd("State.Code", other)),
    }
}

fn on_or_off(of: Thing<'_>, word: &str) -> Result<bool, Unreadable> {
    match word {
        "on" => Ok(true),
        "off" => Ok(false),
        other => Err(of.odd("EnforceSecurityGroupInboundRulesOnPrivateLinkTraffic", other)),
    }
}

fn timestamp(of: Thing<'_>, time: DateTime) -> Result<Timestamp, Unreadable> {
    let nanos = i32::try_from(time.subsec_nanos()).unwrap_or_default();
    Timestamp::new(time.secs(), nanos).map_err(|_| of.odd("CreatedTime", time.secs()))
}

fn zone(of: Thing<'_>, zone: AvailabilityZone) -> Result<ZoneMapping, Unreadable> {
    let mut mapping = ZoneMapping {
        zone: of.need("AvailabilityZones.ZoneName", zone.zone_name)?,
        subnet: SubnetId::new(of.need("AvailabilityZones.SubnetId", zone.subnet_id)?),
        allocation: None,
        private_ipv4: None,
        ipv6: None,
        source_nat_prefixes: zone.source_nat_ipv6_prefixes.unwrap_or_default(),
    };
    for address in zone.load_balancer_addresses.into_iter().flatten() {
        mapping.allocation = mapping.allocation.or(address.allocation_id);
        if let Some(text) = address.private_ipv4_address {
            mapping.private_ipv4 = Some(text.parse().map_err(|_| of.odd("PrivateIPv4Address", text))?);
        }
        if let Some(text) = address.ipv6_address {
            mapping.ipv6 = Some(text.parse().map_err(|_| of.odd("IPv6Address", text))?);
        }
    }
    Ok(mapping)
}

/// The protocol, if it is one that we use.
pub(super) fn protocol(sdk: &ProtocolEnum) -> Option<NlbProtocol> {
    NlbProtocol::ALL.into_iter().find(|protocol| protocol.as_str() == sdk.as_str())
}

pub(super) fn listener(sdk: SdkListener) -> Result<Listener, Unreadable> {
    const KIND: &str = "Listener";
    let arn = Thing::new(KIND, "").need("ListenerArn", sdk.listener_arn)?;
    let of = Thing::new(KIND, &arn);
    let protocol = protocol(&of.need("Protocol", sdk.protocol)?);
    // What is told for TLS is nothing elsewhere; emulators tell it anyway.
    let is_tls = protocol == Some(NlbProtocol::Tls);
    let alpn = sdk.alpn_policy.into_iter().flatten().next();
    Ok(Listener {
        port: of.number("Port", sdk.port)?,
        spec: ListenerSpec {
            protocol,
            forward: forward(sdk.default_actions.unwrap_or_default()),
            certificate: sdk.certificates.into_iter().flatten().find_map(|one| one.certificate_arn),
            ssl_policy: sdk.ssl_policy.filter(|_| is_tls),
            alpn: alpn.filter(|policy| is_tls && policy != NO_ALPN),
        },
        arn: ListenerArn::new(arn.as_str()),
    })
}

/// The group, if forwarding to one group is all that is done. The API tells it in one of two ways, or in both.
fn forward(actions: Vec<Action>) -> Option<TargetGroupArn> {
    let [action] = <[Action; 1]>::try_from(actions).ok()?;
    if action.r#type != Some(ActionTypeEnum::Forward) {
        return None;
    }
    let groups = action.forward_config.and_then(|config| config.target_groups).unwrap_or_default();
    match groups.as_slice() {
        [] => action.target_group_arn.map(TargetGroupArn::new),
        [group] => group.target_group_arn.as_deref().map(TargetGroupArn::from),
        _ => None,
    }
}

/// The certificates of a listener beyond its default one.
pub(super) fn extra_certificates(list: Option<Vec<Certificate>>) -> Result<Vec<String>, Unreadable> {
    let extra = list.into_iter().flatten().filter(|certificate| certificate.is_default != Some(true));
    extra.map(|one| Thing::new("Certificate", "").need("CertificateArn", one.certificate_arn)).collect()
}

pub(super) fn target_state(sdk: TargetHealthDescription) -> Result<TargetState, Unreadable> {
    const KIND: &str = "Target";
    let target = Thing::new(KIND, "").need("Target", sdk.target)?;
    let id = Thing::new(KIND, "").need("Id", target.id)?;
    let of = Thing::new(KIND, &id);
    let health = of.need("TargetHealth", sdk.target_health)?;
    Ok(TargetState {
        state: health_state(of, of.need("TargetHealth.State", health.state)?)?,
        reason: health.reason.map(|reason| reason.as_str().to_owned()),
        description: health.description,
        target: Target {
            port: of.number("Port", target.port)?,
            zone: target.availability_zone,
            id: id.clone(),
        },
    })
}

fn health_state(of: Thing<'_>, state: TargetHealthStateEnum) -> Result<HealthState, Unreadable> {
    match state {
        TargetHealthStateEnum::Initial => Ok(HealthState::Initial),
        TargetHealthStateEnum::Healthy => Ok(HealthState::Healthy),
        TargetHealthStateEnum::Unhealthy => Ok(HealthState::Unhealthy),
        TargetHealthStateEnum::Unused => Ok(HealthState::Unused),
        TargetHealthStateEnum::Draining | TargetHealthStateEnum::UnhealthyDraining => {
            Ok(HealthState::Draining)
        }
        TargetHealthStateEnum::Unavailable => Ok(HealthState::Unavailable),
        other => Err(of.odd("TargetHealth.State", other)),
    }
}

pub(super) fn limit(sdk: Limit) -> Result<(String, String), Unreadable> {
    let name = Thing::new("Limit", "").need("Name", sdk.name)?;
    let max = Thing::new("Limit", &name).need("Max", sdk.max)?;
    Ok((name, max))
}

/// The reservation in force; none and one of zero units are the same.
pub(super) fn capacity(
    arn: &str,
    minimum: Option<MinimumLoadBalancerCapacity>,
) -> Result<Option<u32>, Unreadable> {
    let Some(units) = minimum.and_then(|minimum| minimum.capacity_units) else { return Ok(None) };
    let units: u32 = Thing::new("LoadBalancer", arn).number("CapacityUnits", Some(units))?;
    Ok((units > 0).then_some(units))
}

pub(super) fn tags_of_one(sdk: TagDescription) -> Result<(String, Tags), Unreadable> {
    let arn = Thing::new("TagDescription", "").need("ResourceArn", sdk.resource_arn)?;
    let tags = all(sdk.tags, |tag| self::tag(Thing::new("TagDescription", &arn), tag))?;
    Ok((arn, tags.into_iter().collect()))
}

/// A tag without a value has the empty one.
fn tag(of: Thing<'_>, tag: Tag) -> Result<(String, String), Unreadable> {
    Ok((of.need("Tags.Key", tag.key)?, tag.value.unwrap_or_default()))
}

/// Attributes; one without a value has the empty one.
pub(super) fn attributes(
    of: &str,
    pairs: impl Iterator<Item = (Option<String>, Option<String>)>,
) -> Result<Attributes, Unreadable> {
    let read = |(key, value): (_, Option<String>)| {
        Ok((Thing::new("Attribute", of).need("Key", key)?, value.unwrap_or_default()))
    };
    pairs.map(read).collect()
}

#[cfg(test)]
mod tests;
