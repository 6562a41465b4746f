//! The ELBv2 adapter on moto: every call arrives as it is meant, answers and errors are read.
//!
//! What moto gets wrong or does not know is asked for all the same, and looked at in the proxy.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "helpers of tests, outside of the test functions that clippy exempts"
)]

use landfall_aws::api::elb::{
    AddressType, BalancerState, Elb, GroupTargets, HealthCheck, HealthState, ListenerSpec, LoadBalancer,
    NewListener, NewLoadBalancer, NewTargetGroup, NlbProtocol, SubnetChange, SubnetMapping, Target,
    TargetGroup, WhichBalancers, WhichGroups,
};
use landfall_aws::api::error::Failure;
use landfall_aws::api::ids::{SubnetId, TargetGroupArn};
use landfall_aws::api::{ApiError, Tags};
use landfall_aws::sdk::ElbClient;
use landfall_core::net::IpFamily;
use landfall_core::params::aws::{HealthProtocol, Scheme};
use landfall_testkit::aws::moto::Moto;
use landfall_testkit::aws::proxy::{Fault, Proxy};
use landfall_testkit::aws::seed::Seed;

const ARN: &str = "arn:aws:elasticloadbalancing:us-east-1:1:x/net/y/1";

struct World {
    proxy: Proxy,
    elb: ElbClient,
    seed: Seed,
}

impl World {
    async fn new() -> Self {
        let account = Moto::shared().await.unwrap_or_else(|error| panic!("{error}")).account();
        let proxy = Proxy::start(&account).await.unwrap();
        let elb = ElbClient::new(&proxy.config().await.unwrap());
        let seed = Seed::plant(&account, "test", 3).await.unwrap();
        Self { proxy, elb, seed }
    }

    fn new_balancer(&self, name: &str) -> NewLoadBalancer {
        NewLoadBalancer {
            name: name.to_owned(),
            scheme: Scheme::Internal,
            address_type: AddressType::Ipv4,
            subnets: mappings(&self.seed.private),
            security_groups: vec![self.seed.node_group.clone()],
            source_nat: false,
            tags: tags(&[("kind", "test")]),
        }
    }

    async fn balancer(&self, name: &str) -> LoadBalancer {
        self.elb.create_balancer(&self.new_balancer(name)).await.unwrap()
    }

    fn new_group(&self, name: &str) -> NewTargetGroup {
        NewTargetGroup {
            name: name.to_owned(),
            protocol: NlbProtocol::Tcp,
            port: 30080,
            vpc: self.seed.vpc.clone(),
            targets: GroupTargets::Instance,
            family: IpFamily::V4,
            health: node_check(),
            tags: Tags::new(),
        }
    }

    async fn group(&self, name: &str) -> TargetGroup {
        self.elb.create_group(&self.new_group(name)).await.unwrap()
    }

    /// The parameters of the last call, by name.
    fn sent<const N: usize>(&self, keys: [&str; N]) -> [Option<String>; N] {
        let calls = self.proxy.calls();
        keys.map(|key| calls.last().unwrap().parameter(key))
    }
}

fn node_check() -> HealthCheck {
    HealthCheck {
        protocol: HealthProtocol::Http,
        port: Some(10256),
        path: Some("/healthz".to_owned()),
        codes: None,
        interval: 10,
        timeout: 6,
        healthy: 2,
        unhealthy: 2,
    }
}

fn mappings(subnets: &[SubnetId]) -> Vec<SubnetMapping> {
    let plain = |subnet: &SubnetId| SubnetMapping {
        subnet: subnet.clone(),
        allocation: None,
        private_ipv4: None,
        ipv6: None,
        source_nat_prefix: None,
    };
    subnets.iter().map(plain).collect()
}

fn forward(group: &TargetGroupArn) -> ListenerSpec {
    ListenerSpec {
        protocol: Some(NlbProtocol::Tcp),
        forward: Some(group.clone()),
        certificate: None,
        ssl_policy: None,
        alpn: None,
    }
}

fn tags(pairs: &[(&str, &str)]) -> Tags {
    pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}

fn some<const N: usize>(values: [&str; N]) -> [Option<String>; N] {
    values.map(|value| Some(value.to_owned()))
}

#[track_caller]
fn assert_answered<T: std::fmt::Debug>(answer: Result<T, ApiError>, wanted: &str, wanted_status: u16) {
    let error = answer.unwrap_err();
    let Failure::Answered { code, status, .. } = &error.kind else { panic!("{error}") };
    assert_eq!((code.as_str(), *status), (wanted, wanted_status), "{error}");
}

#[tokio::test]
async fn a_load_balancer_from_creation_to_deletion() {
    let world = World::new().await;
    let new = world.new_balancer("web");
    let made = world.elb.create_balancer(&new).await.unwrap();
    assert_eq!((made.name.as_str(), made.kind.as_str(), made.scheme), ("web", "network", Scheme::Internal));
    assert_eq!((&made.state, made.address_type), (&BalancerState::Provisioning, AddressType::Ipv4));
    assert_eq!((&made.vpc, &made.security_groups), (&world.seed.vpc, &new.security_groups));
    assert_eq!(
        made.zones.iter().map(|zone| &zone.zone).collect::<Vec<_>>(),
        world.seed.zones.iter().collect::<Vec<_>>()
    );
    assert!(made.created.is_some() && !made.dns_name.is_empty());

    let listed = world.elb.load_balancers(&WhichBalancers::All, None).await.unwrap();
    assert_eq!((listed.items.len(), listed.next), (1, None));
    assert_eq!(listed.items[0].state, BalancerState::Active);
    for which in
        [WhichBalancers::Named(vec!["web".to_owned()]), WhichBalancers::Known(vec![made.arn.clone()])]
    {
        let found = world.elb.load_balancers(&which, None).await.unwrap().items;
        assert_eq!(found.iter().map(|one| &one.arn).collect::<Vec<_>>(), [&made.arn]);
    }
    assert_answered(
        world.elb.load_balancers(&WhichBalancers::Named(vec!["none".to_owned()]), None).await,
        "LoadBalancerNotFound",
        400,
    );
    world.elb.delete_balancer(&made.arn).await.unwrap();
    assert_eq!(world.elb.load_balancers(&WhichBalancers::All, None).await.unwrap().items, []);
    world.elb.delete_balancer(&made.arn).await.unwrap();
}

#[tokio::test]
async fn a_list_goes_on_at_its_marker() {
    let world = World::new().await;
    for name in ["a", "b", "c"] {
        world.balancer(name).await;
    }
    let rest = world.elb.load_balancers(&WhichBalancers::All, Some("a")).await.unwrap();
    assert_eq!(rest.items.iter().map(|one| one.name.as_str()).collect::<Vec<_>>(), ["b", "c"]);
    assert_eq!(world.sent(["PageSize", "Marker"]), some(["400", "a"]));
}

#[tokio::test]
async fn a_load_balancer_is_changed() {
    let world = World::new().await;
    let made = world.balancer("web").await;
    let now = async || world.elb.load_balancers(&WhichBalancers::All, None).await.unwrap().items.remove(0);

    world.elb.set_address_type(&made.arn, AddressType::Dualstack).await.unwrap();
    assert_eq!(now().await.address_type, AddressType::Dualstack);

    let two = mappings(&world.seed.private[..2]);
    let change = SubnetChange { subnets: two, address_type: AddressType::Ipv4, source_nat: false };
    world.elb.set_subnets(&made.arn, &change).await.unwrap();
    let sent =
        world.sent(["SubnetMappings.member.2.SubnetId", "IpAddressType", "EnablePrefixForIpv6SourceNat"]);
    assert_eq!(sent, some([world.seed.private[1].as_str(), "ipv4", "off"]));
    let subnets: Vec<SubnetId> = now().await.zones.into_iter().map(|zone| zone.subnet).collect();
    assert_eq!(subnets, world.seed.private[..2]);

    world
        .elb
        .set_security_groups(&made.arn, &world.new_balancer("").security_groups, Some(false))
        .await
        .unwrap();
    let sent = world.sent(["EnforceSecurityGroupInboundRulesOnPrivateLinkTraffic"]);
    assert_eq!(sent, some(["off"]));
    world.elb.set_security_groups(&made.arn, &[], None).await.unwrap();
    assert_eq!(world.sent(["EnforceSecurityGroupInboundRulesOnPrivateLinkTraffic"]), [None]);

    let wanted = tags(&[("load_balancing.cross_zone.enabled", "true")]);
    world.elb.modify_balancer_attributes(&made.arn, &wanted).await.unwrap();
    let attributes = world.elb.balancer_attributes(&made.arn).await.unwrap();
    assert_eq!(attributes.get("load_balancing.cross_zone.enabled").map(String::as_str), Some("true"));
    assert_eq!(world.elb.capacity(&made.arn).await.unwrap(), None);
}

#[tokio::test]
async fn tags_are_added_read_and_removed() {
    let world = World::new().await;
    let made = world.balancer("web").await;
    let arns = [made.arn.as_str().to_owned()];
    world.elb.add_tags(&arns, &tags(&[("kind", "other"), ("a b/c=d&e", "é <&> \"+\"")])).await.unwrap();
    let read = world.elb.tags(&arns).await.unwrap();
    let wanted = tags(&[("kind", "other"), ("a b/c=d&e", "é <&> \"+\"")]);
    assert_eq!(read, [(arns[0].clone(), wanted)]);
    world.elb.remove_tags(&arns, &["kind".to_owned(), "never".to_owned()]).await.unwrap();
    assert_eq!(world.elb.tags(&arns).await.unwrap()[0].1.len(), 1);
}

#[tokio::test]
async fn a_target_group_from_creation_to_deletion() {
    let world = World::new().await;
    let new = world.new_group("web");
    let made = world.elb.create_group(&new).await.unwrap();
    assert_eq!((made.name.as_str(), made.protocol, made.port), ("web", Some(NlbProtocol::Tcp), 30080));
    assert_eq!(
        (made.vpc.as_ref(), made.targets, made.family),
        (Some(&new.vpc), Some(GroupTargets::Instance), IpFamily::V4)
    );
    assert_eq!((made.health.path.as_deref(), made.health.port), (Some("/healthz"), Some(10256)));
    assert_answered(world.elb.create_group(&new).await, "DuplicateTargetGroupName", 400);

    let check = HealthCheck {
        protocol: HealthProtocol::Tcp,
        port: None,
        path: None,
        codes: None,
        interval: 30,
        timeout: 10,
        healthy: 3,
        unhealthy: 3,
    };
    world.elb.modify_group(&made.arn, &check).await.unwrap();
    assert_eq!(world.sent(["HealthCheckPort", "HealthCheckPath"]), [Some("traffic-port".to_owned()), None]);
    let named = WhichGroups::Named(vec!["web".to_owned()]);
    let now = world.elb.target_groups(&named, None).await.unwrap().items.remove(0);
    assert_eq!((now.health.protocol, now.health.port), (HealthProtocol::Tcp, None));
    assert_eq!(
        (now.health.interval, now.health.timeout, now.health.healthy, now.health.unhealthy),
        (30, 10, 3, 3)
    );

    world
        .elb
        .modify_group_attributes(&made.arn, &tags(&[("preserve_client_ip.enabled", "false")]))
        .await
        .unwrap();
    let attributes = world.elb.group_attributes(&made.arn).await.unwrap();
    assert_eq!(attributes.get("preserve_client_ip.enabled").map(String::as_str), Some("false"));

    world.elb.delete_group(&made.arn).await.unwrap();
    assert_eq!(world.elb.target_groups(&WhichGroups::All, None).await.unwrap().items, []);
    assert_answered(world.elb.target_groups(&named, None).await, "TargetGroupNotFound", 400);
}

#[tokio::test]
async fn targets_come_and_go() {
    let world = World::new().await;
    let group = world.group("web").await.arn;
    let target =
        |n: usize| Target { id: world.seed.instances[n].id.as_str().to_owned(), port: 30080, zone: None };
    let all = [target(0), target(1), target(2)];
    world.elb.register(&group, &all).await.unwrap();
    assert_eq!(world.sent(["Targets.member.3.Id", "Targets.member.3.Port"]), some([&all[2].id, "30080"]));
    let health = world.elb.target_health(&group).await.unwrap();
    assert_eq!(health.len(), 3);
    assert!(health.iter().all(|one| one.state == HealthState::Healthy && one.target.port == 30080));

    world.elb.deregister(&group, &all[..1]).await.unwrap();
    let health = world.elb.target_health(&group).await.unwrap();
    let left: Vec<&str> = health.iter().map(|one| one.target.id.as_str()).collect();
    assert!(!left.contains(&all[0].id.as_str()), "{left:?}");
    let outside = Target { id: "192.0.2.7".to_owned(), port: 80, zone: Some("all".to_owned()) };
    world.proxy.fault_at(1, Fault::code("TooManyTargets"));
    assert_answered(world.elb.register(&group, &[outside]).await, "TooManyTargets", 400);
    assert_eq!(world.sent(["Targets.member.1.AvailabilityZone"]), some(["all"]));
}

#[tokio::test]
async fn a_listener_from_creation_to_deletion() {
    let world = World::new().await;
    let (balancer, one, other) =
        (world.balancer("web").await.arn, world.group("one").await.arn, world.group("other").await.arn);
    let new =
        NewListener { balancer: balancer.clone(), port: 80, spec: forward(&one), tags: tags(&[("m", "1")]) };
    let made = world.elb.create_listener(&new).await.unwrap();
    assert_eq!((made.port, &made.spec), (80, &new.spec));
    let listed = world.elb.listeners(&balancer, None).await.unwrap();
    assert_eq!((listed.items, listed.next), (vec![made.clone()], None));
    let groups = world.elb.target_groups(&WhichGroups::Of(balancer.clone()), None).await.unwrap().items;
    assert_eq!(groups.iter().map(|group| &group.arn).collect::<Vec<_>>(), [&one]);
    assert_eq!(groups[0].load_balancers, std::slice::from_ref(&balancer));

    world.elb.modify_listener(&made.arn, &forward(&other)).await.unwrap();
    let now = world.elb.listeners(&balancer, None).await.unwrap().items.remove(0);
    assert_eq!(now.spec.forward, Some(other));

    world
        .elb
        .modify_listener_attributes(&made.arn, &tags(&[("tcp.idle_timeout.seconds", "400")]))
        .await
        .unwrap();
    let attributes = world.elb.listener_attributes(&made.arn).await.unwrap();
    assert_eq!(attributes.get("tcp.idle_timeout.seconds").map(String::as_str), Some("400"));
    assert_eq!(world.elb.certificates(&made.arn, None).await.unwrap().items, [""; 0]);

    world.elb.delete_listener(&made.arn).await.unwrap();
    assert_eq!(world.elb.listeners(&balancer, None).await.unwrap().items, []);
    assert_answered(world.elb.delete_listener(&made.arn).await, "ListenerNotFound", 400);
}

#[tokio::test]
async fn limits_are_read() {
    let world = World::new().await;
    let limits = world.elb.limits(None).await.unwrap().items;
    assert!(
        limits.iter().any(|(name, max)| name == "network-load-balancers" && max.parse::<u32>().is_ok()),
        "{limits:?}"
    );
}

#[tokio::test]
async fn addresses_are_sent() {
    let world = World::new().await;
    let mut new = world.new_balancer("web");
    new.subnets[0].allocation = Some("eipalloc-1".to_owned());
    new.subnets[1].private_ipv4 = Some("10.20.0.9".parse().unwrap());
    new.subnets[1].ipv6 = Some("2001:db8::9".parse().unwrap());
    new.subnets[2].source_nat_prefix = Some("auto_assigned".to_owned());
    new.source_nat = true;
    new.security_groups.clear();
    new.tags.clear();
    world.proxy.fault_at(1, Fault::code("InvalidSubnet"));
    assert_answered(world.elb.create_balancer(&new).await, "InvalidSubnet", 400);
    let sent = world.sent([
        "Type",
        "Scheme",
        "SubnetMappings.member.1.AllocationId",
        "SubnetMappings.member.2.PrivateIPv4Address",
        "SubnetMappings.member.2.IPv6Address",
        "SubnetMappings.member.3.SourceNatIpv6Prefix",
        "EnablePrefixForIpv6SourceNat",
    ]);
    assert_eq!(
        sent,
        some(["network", "internal", "eipalloc-1", "10.20.0.9", "2001:db8::9", "auto_assigned", "on"])
    );
    // An empty list is an error to AWS, and no list at all is none.
    assert_eq!(world.sent(["SecurityGroups", "Tags", "SecurityGroups.member.1"]), [None, None, None]);
}

#[tokio::test]
async fn tls_is_sent() {
    let world = World::new().await;
    let mut spec = forward(&ARN.into());
    spec.protocol = Some(NlbProtocol::Tls);
    spec.certificate = Some("arn:cert".to_owned());
    spec.ssl_policy = Some("ELBSecurityPolicy-TLS13-1-2-2021-06".to_owned());
    let keys = ["Protocol", "Certificates.member.1.CertificateArn", "SslPolicy", "AlpnPolicy.member.1"];
    world.proxy.fault_all(Fault::code("CertificateNotFound"));
    let new = NewListener { balancer: ARN.into(), port: 443, spec: spec.clone(), tags: Tags::new() };
    assert_answered(world.elb.create_listener(&new).await, "CertificateNotFound", 400);
    assert_eq!(world.sent(keys), some(["TLS", "arn:cert", "ELBSecurityPolicy-TLS13-1-2-2021-06", "None"]));
    spec.alpn = Some("HTTP2Preferred".to_owned());
    assert_answered(world.elb.modify_listener(&ARN.into(), &spec).await, "CertificateNotFound", 400);
    assert_eq!(world.sent(keys)[3].as_deref(), Some("HTTP2Preferred"));

    let certificate = ["Certificates.member.1.CertificateArn", "ListenerArn"];
    assert_answered(world.elb.add_certificate(&ARN.into(), "arn:more").await, "CertificateNotFound", 400);
    assert_eq!(world.sent(certificate), some(["arn:more", ARN]));
    assert_answered(world.elb.remove_certificate(&ARN.into(), "arn:less").await, "CertificateNotFound", 400);
    assert_eq!(world.sent(certificate), some(["arn:less", ARN]));
}

#[tokio::test]
async fn capacity_is_sent_and_an_answer_that_is_no_xml_is_an_error() {
    let world = World::new().await;
    // moto does not know the action: HTTP 500 with a page for people.
    let error = world.elb.modify_capacity(&ARN.into(), Some(500)).await.unwrap_err();
    assert_eq!(world.sent(["MinimumLoadBalancerCapacity.CapacityUnits"]), some(["500"]));
    assert!(matches!(&error.kind, Failure::Answered { code, status: 500, .. } if code.is_empty()), "{error}");
    assert!(error.is_in_doubt());
    world.elb.modify_capacity(&ARN.into(), None).await.unwrap_err();
    assert_eq!(world.sent(["ResetCapacityReservation"]), some(["true"]));
}

#[tokio::test]
async fn a_lost_answer_takes_effect() {
    let world = World::new().await;
    world.proxy.fault_at(1, Fault::LoseAnswer);
    let error = world.elb.create_balancer(&world.new_balancer("web")).await.unwrap_err();
    assert!(matches!(error.kind, Failure::NoAnswer { .. }) && error.is_in_doubt(), "{error}");
    assert_eq!(world.elb.load_balancers(&WhichBalancers::All, None).await.unwrap().items.len(), 1);
}
