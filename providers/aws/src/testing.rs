//! Builders for tests of the pure parts: a small wish, and a world that is as it wants.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use landfall_core::ids::{ClusterId, LbId, ProviderName, ServiceKey, Uid};
use landfall_core::model::MemberRef;
use landfall_core::net::{IpFamily, PortKey, Protocol};
use landfall_core::params::aws::{HealthProtocol, Publish, Scheme};

use crate::api::ec2::{Allow, Rule, SecurityGroup, Source};
use crate::api::elb::{
    AddressType, BalancerState, GroupTargets, HealthCheck, HealthState, Listener, ListenerSpec, LoadBalancer,
    NlbProtocol, SubnetMapping, Target, TargetGroup, TargetState, ZoneMapping,
};
use crate::api::ids::{ListenerArn, LoadBalancerArn, SecurityGroupId, SubnetId, TargetGroupArn, VpcId};
use crate::api::{Attributes, Tags};
use crate::marks;
use crate::observe::{Balancer, BalancerDetails, Group, ListenerDetails, Observed};
use crate::resources::{BackendWish, BalancerWish, ListenerWish, SecurityGroupWish, TargetGroupWish, Wanted};

pub(crate) fn cluster() -> ClusterId {
    ClusterId::new("test").unwrap()
}

/// A time of day.
pub(crate) fn noon() -> Timestamp {
    "2026-03-01T12:00:00Z".parse().unwrap()
}

pub(crate) fn member(name: &str) -> MemberRef {
    MemberRef { service: ServiceKey::new("default", name), uid: Uid::new(format!("uid-{name}")).unwrap() }
}

pub(crate) fn lb() -> LbId {
    LbId::service(ProviderName::Aws, member("web").service, member("web").uid)
}

/// A load balancer `nlb` of the Service `default/web` with TCP port 80, served by node `n1` at port 30080.
pub(crate) fn wish() -> Wanted {
    Wanted {
        lb: lb(),
        vpc: VpcId::from("vpc-1"),
        balancer: BalancerWish {
            name: "nlb".to_owned(),
            beside: None,
            scheme: Scheme::Internal,
            address_type: AddressType::Ipv4,
            subnets: vec![subnet("a")],
            zones: BTreeMap::new(),
            source_nat: false,
            given_groups: Vec::new(),
            private_link_rules: None,
            attributes: Attributes::new(),
            capacity: None,
            tags: marks::of_lb(&cluster(), &lb()),
            adopt: None,
            publish: Publish::Created,
        },
        frontend: Some(SecurityGroupWish {
            name: "front".to_owned(),
            description: "clients".to_owned(),
            rules: BTreeSet::from([rule("web", 80, "10.0.0.0/8")]),
            tags: marks::of_lb(&cluster(), &lb()),
        }),
        backend: Some(BackendWish {
            group: SecurityGroupWish {
                name: "back".to_owned(),
                description: "load balancers".to_owned(),
                rules: BTreeSet::new(),
                tags: marks::of_backend(&cluster()),
            },
            node_groups: BTreeSet::from([SecurityGroupId::from("sg-nodes")]),
            allow: BTreeSet::from([Allow::Tcp(30_000, 32_767)]),
            mark: marks::backend_rule(&cluster()),
        }),
        groups: vec![group("web", 80)],
        listeners: vec![listener("web", 80)],
        retained: BTreeSet::new(),
        problems: Vec::new(),
    }
}

pub(crate) fn subnet(zone: &str) -> SubnetMapping {
    SubnetMapping {
        subnet: SubnetId::new(format!("subnet-{zone}")),
        allocation: None,
        private_ipv4: None,
        ipv6: None,
        source_nat_prefix: None,
    }
}

pub(crate) fn rule(of: &str, port: u16, range: &str) -> Rule {
    let (allow, source) = (Allow::Tcp(port, port), Source::V4(range.parse().unwrap()));
    Rule { allow, source, description: marks::rule_of(&member(of)) }
}

/// The target group `{member}-{port}`.
pub(crate) fn group(of: &str, port: u16) -> TargetGroupWish {
    TargetGroupWish {
        name: format!("{of}-{port}"),
        member: member(of),
        protocol: NlbProtocol::Tcp,
        port,
        targets: GroupTargets::Instance,
        family: IpFamily::V4,
        health: HealthCheck {
            protocol: HealthProtocol::Http,
            port: Some(10_256),
            path: Some("/healthz".to_owned()),
            codes: None,
            interval: 10,
            timeout: 6,
            healthy: 2,
            unhealthy: 2,
        },
        attributes: Attributes::new(),
        tags: marks::of_member(&cluster(), &lb(), &member(of)),
        registered: BTreeMap::from([(target("i-1", 30_000 + port), "n1".to_owned())]),
    }
}

/// A TCP listener that forwards to the target group `{member}-{port}`.
pub(crate) fn listener(of: &str, port: u16) -> ListenerWish {
    ListenerWish {
        member: member(of),
        serves: vec![PortKey { port, protocol: Protocol::Tcp }],
        port,
        protocol: NlbProtocol::Tcp,
        group: format!("{of}-{port}"),
        certificates: Vec::new(),
        ssl_policy: None,
        alpn: None,
        attributes: Attributes::new(),
        tags: marks::of_member(&cluster(), &lb(), &member(of)),
    }
}

pub(crate) fn target(id: &str, port: u16) -> Target {
    Target { id: id.to_owned(), port, zone: None }
}

pub(crate) fn state(target: &Target, state: HealthState, reason: Option<&str>) -> TargetState {
    TargetState { target: target.clone(), state, reason: reason.map(str::to_owned), description: None }
}

/// The world after everything wanted was made and is active.
pub(crate) fn made(wanted: &Wanted) -> Observed {
    let arn = LoadBalancerArn::new(format!("arn:lb/{}", wanted.balancer.name));
    let backend = wanted.backend.as_ref();
    Observed {
        stale: BTreeSet::new(),
        refused_shape: None,
        balancers: vec![made_balancer(wanted, &arn)],
        groups: wanted.groups.iter().map(|wish| made_group(wish, &arn)).collect(),
        frontend: wanted.frontend.iter().map(|wish| made_guard(wish, "sg-front")).collect(),
        backend: backend.map(|wish| made_guard(&wish.group, "sg-back")),
        node_groups: backend.map(made_nodes).into_iter().collect(),
        foreign: Vec::new(),
    }
}

fn made_balancer(wanted: &Wanted, arn: &LoadBalancerArn) -> Balancer {
    let wish = &wanted.balancer;
    let zone = |mapping: &SubnetMapping| ZoneMapping {
        source_nat_prefixes: mapping.fixed_source_nat().map(str::to_owned).into_iter().collect(),
        zone: mapping.subnet.to_string(),
        subnet: mapping.subnet.clone(),
        allocation: mapping.allocation.clone(),
        private_ipv4: mapping.private_ipv4,
        ipv6: mapping.ipv6,
    };
    let it = LoadBalancer {
        arn: arn.clone(),
        name: wish.name.clone(),
        dns_name: format!("{}.example", wish.name),
        kind: "network".to_owned(),
        scheme: wish.scheme,
        state: BalancerState::Active,
        vpc: wanted.vpc.clone(),
        address_type: wish.address_type,
        security_groups: guards(wanted),
        zones: wish.subnets.iter().map(zone).collect(),
        private_link_rules: Some(wish.private_link_rules.unwrap_or(true)),
        source_nat: wish.source_nat,
        created: None,
    };
    let mut tags = wish.tags.clone();
    tags.extend(marks::applied(&wanted.fingerprint()));
    let listeners = wanted.listeners.iter().map(made_listener).collect();
    let attributes = wish.attributes.clone();
    Balancer { it, tags, details: Some(BalancerDetails { attributes, capacity: wish.capacity, listeners }) }
}

fn guards(wanted: &Wanted) -> Vec<SecurityGroupId> {
    let mut all = wanted.balancer.given_groups.clone();
    all.extend(wanted.frontend.iter().map(|_| SecurityGroupId::from("sg-front")));
    all.extend(wanted.backend.iter().map(|_| SecurityGroupId::from("sg-back")));
    all
}

pub(crate) fn made_listener(wish: &ListenerWish) -> ListenerDetails {
    let spec = ListenerSpec {
        protocol: Some(wish.protocol),
        forward: Some(arn_of(&wish.group)),
        certificate: wish.certificates.first().cloned(),
        ssl_policy: wish.ssl_policy.clone(),
        alpn: wish.alpn.clone(),
    };
    ListenerDetails {
        it: Listener { arn: ListenerArn::new(format!("arn:listener/{}", wish.port)), port: wish.port, spec },
        certificates: wish.certificates.iter().skip(1).cloned().collect(),
        attributes: wish.attributes.clone(),
        tags: wish.tags.clone(),
    }
}

pub(crate) fn made_group(wish: &TargetGroupWish, behind: &LoadBalancerArn) -> Group {
    let it = TargetGroup {
        arn: arn_of(&wish.name),
        name: wish.name.clone(),
        protocol: Some(wish.protocol),
        port: wish.port,
        vpc: Some(VpcId::from("vpc-1")),
        targets: Some(wish.targets),
        family: wish.family,
        health: wish.health.clone(),
        load_balancers: vec![behind.clone()],
    };
    let healthy = |target: &Target| (target.clone(), state(target, HealthState::Healthy, None));
    let targets = Some(wish.registered.keys().map(healthy).collect());
    Group { it, tags: wish.tags.clone(), attributes: Some(wish.attributes.clone()), targets }
}

fn made_guard(wish: &SecurityGroupWish, id: &str) -> SecurityGroup {
    SecurityGroup {
        id: SecurityGroupId::from(id),
        name: wish.name.clone(),
        description: wish.description.clone(),
        vpc: VpcId::from("vpc-1"),
        ingress: wish.rules.iter().cloned().collect(),
        tags: wish.tags.clone(),
    }
}

fn made_nodes(wish: &BackendWish) -> SecurityGroup {
    let source = Source::Group(SecurityGroupId::from("sg-back"));
    let let_in =
        |allow: &Allow| Rule { allow: allow.clone(), source: source.clone(), description: wish.mark.clone() };
    SecurityGroup {
        id: SecurityGroupId::from("sg-nodes"),
        name: "nodes".to_owned(),
        description: String::new(),
        vpc: VpcId::from("vpc-1"),
        ingress: wish.allow.iter().map(let_in).collect(),
        tags: Tags::new(),
    }
}

pub(crate) fn arn_of(group: &str) -> TargetGroupArn {
    TargetGroupArn::new(format!("arn:tg/{group}"))
}
