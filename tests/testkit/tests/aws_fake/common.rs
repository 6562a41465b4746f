//! Requests that are fine, for tests to change one thing about.

use landfall_aws::api::ec2::{Allow, Ec2, NewSecurityGroup, Rule, Source};
use landfall_aws::api::elb::{
    AddressType, Elb, GroupTargets, HealthCheck, ListenerSpec, LoadBalancer, NewListener, NewLoadBalancer,
    NewTargetGroup, NlbProtocol, SubnetMapping, Target, TargetGroup,
};
use landfall_aws::api::ids::{LoadBalancerArn, SecurityGroupId, TargetGroupArn};
use landfall_aws::api::{Answer, Tags};
use landfall_core::net::IpFamily;
use landfall_core::params::aws::{HealthProtocol, Scheme};
use landfall_testkit::aws::fake::{FakeAws, VPC};

/// A certificate that [`aws`] has.
pub(crate) const CERTIFICATE: &str = "arn:aws:acm:eu-central-1:123456789012:certificate/one";

/// An account with a certificate.
pub(crate) fn aws() -> FakeAws {
    let aws = FakeAws::new();
    aws.edit_network(|network| network.certificates.extend([CERTIFICATE.to_owned()]));
    aws
}

/// An account with load balancer `web`, target group `web` and a TCP listener on port 80.
pub(crate) async fn serving() -> (FakeAws, LoadBalancer, TargetGroup) {
    let aws = aws();
    let balancer = aws.create_balancer(&balancer("web")).await.unwrap();
    let group = aws.create_group(&group("web")).await.unwrap();
    aws.create_listener(&listener(&balancer.arn, 80, &group.arn)).await.unwrap();
    (aws, balancer, group)
}

pub(crate) fn balancer(name: &str) -> NewLoadBalancer {
    NewLoadBalancer {
        name: name.to_owned(),
        scheme: Scheme::Internal,
        address_type: AddressType::Ipv4,
        subnets: vec![mapping("private-a"), mapping("private-b")],
        security_groups: Vec::new(),
        source_nat: false,
        tags: tags(&[("owner", "us")]),
    }
}

/// A subnet of the fake: `private-a` to `public-c`.
pub(crate) fn mapping(name: &str) -> SubnetMapping {
    SubnetMapping {
        subnet: format!("subnet-{name}").as_str().into(),
        allocation: None,
        private_ipv4: None,
        ipv6: None,
        source_nat_prefix: None,
    }
}

pub(crate) fn group(name: &str) -> NewTargetGroup {
    NewTargetGroup {
        name: name.to_owned(),
        protocol: NlbProtocol::Tcp,
        port: 30_080,
        vpc: VPC.into(),
        targets: GroupTargets::Instance,
        family: IpFamily::V4,
        health: health(),
        tags: tags(&[("owner", "us")]),
    }
}

pub(crate) fn health() -> HealthCheck {
    HealthCheck {
        protocol: HealthProtocol::Http,
        port: Some(10_256),
        path: Some("/healthz".to_owned()),
        codes: None,
        interval: 10,
        timeout: 6,
        healthy: 2,
        unhealthy: 2,
    }
}

pub(crate) fn listener(balancer: &LoadBalancerArn, port: u16, group: &TargetGroupArn) -> NewListener {
    NewListener { balancer: balancer.clone(), port, spec: tcp(group), tags: Tags::new() }
}

pub(crate) fn tcp(group: &TargetGroupArn) -> ListenerSpec {
    let protocol = Some(NlbProtocol::Tcp);
    ListenerSpec { protocol, forward: Some(group.clone()), certificate: None, ssl_policy: None, alpn: None }
}

pub(crate) fn tls(group: &TargetGroupArn) -> ListenerSpec {
    let certificate = Some(CERTIFICATE.to_owned());
    let ssl_policy = Some("ELBSecurityPolicy-TLS13-1-2-2021-06".to_owned());
    ListenerSpec { protocol: Some(NlbProtocol::Tls), certificate, ssl_policy, ..tcp(group) }
}

pub(crate) fn target(id: &str, port: u16) -> Target {
    Target { id: id.to_owned(), port, zone: None }
}

pub(crate) async fn security_group(aws: &FakeAws, name: &str) -> SecurityGroupId {
    let new = NewSecurityGroup {
        name: name.to_owned(),
        description: "for a test".to_owned(),
        vpc: VPC.into(),
        tags: Tags::new(),
    };
    aws.create_security_group(&new).await.unwrap()
}

pub(crate) fn rule(port: u16, source: Source) -> Rule {
    Rule { allow: Allow::Tcp(port, port), source, description: String::new() }
}

pub(crate) fn tags(pairs: &[(&str, &str)]) -> Tags {
    pairs.iter().map(|&(key, value)| (key.to_owned(), value.to_owned())).collect()
}

/// Somebody stops an instance.
pub(crate) fn stop(aws: &FakeAws, id: &str) {
    aws.edit_network(|network| {
        let instance = network.instances.get_mut(&id.into()).unwrap();
        "stopped".clone_into(&mut instance.state);
    });
}

/// The error code of an answer that must be an error.
#[track_caller]
pub(crate) fn code<T: std::fmt::Debug>(answer: Answer<T>) -> String {
    answer.unwrap_err().code().unwrap().to_owned()
}
