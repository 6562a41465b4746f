//! An account with load balancers in it, and somebody who looks at them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use landfall_aws::account::{Account, Freshness};
use landfall_aws::api::elb::{
    AddressType, Elb, GroupTargets, HealthCheck, ListenerSpec, LoadBalancer, NewListener, NewLoadBalancer,
    NewTargetGroup, NlbProtocol, SubnetMapping, Target, TargetGroup,
};
use landfall_aws::api::ids::VpcId;
use landfall_aws::api::{Action, Attributes, Tags};
use landfall_aws::calls::Calls;
use landfall_aws::client::Client;
use landfall_aws::error::AwsError;
use landfall_aws::marks;
use landfall_aws::observe::{Look, observe};
use landfall_aws::observer::Unobserved;
use landfall_aws::pace::Limits;
use landfall_aws::resources::{BalancerWish, ListenerWish, TargetGroupWish, Wanted};
use landfall_core::ids::{ClusterId, LbId, ProviderName, ServiceKey, Uid};
use landfall_core::model::MemberRef;
use landfall_core::net::{IpFamily, PortKey, Protocol};
use landfall_core::params::aws::{HealthProtocol, Publish, Scheme};
use landfall_testkit::aws::fake::{FakeAws, Quota, VPC};

pub(crate) struct World {
    pub(crate) aws: FakeAws,
    pub(crate) account: Account,
    calls: Arc<Calls>,
}

impl World {
    /// Even one load balancer is too many to be read at once after a start.
    pub(crate) fn new() -> Self {
        Self::with(Freshness { few: 0, ..Freshness::default() })
    }

    pub(crate) fn with(freshness: Freshness) -> Self {
        let aws = FakeAws::new();
        aws.set_quota(Quota::Balancers, 5_000);
        Self::over(aws, freshness)
    }

    fn over(aws: FakeAws, freshness: Freshness) -> Self {
        let (elb, ec2) = (Arc::new(aws.clone()), Arc::new(aws.clone()));
        let calls = Arc::new(Calls::new(elb, ec2, &Limits::none(), Arc::new(Unobserved)));
        Self { aws, account: Account::new(cluster(), freshness), calls }
    }

    /// The same account seen by a new process; what the old one called is not counted.
    pub(crate) fn restarted(&self) -> Self {
        Self::over(self.aws.console(), *self.account.freshness())
    }

    pub(crate) fn client(&self) -> Client {
        Client::new(&self.calls, "default/web")
    }

    pub(crate) async fn look(&self, wanted: &Wanted) -> Result<Look, AwsError> {
        observe(&self.client(), &self.account, &wanted.lb, Some(wanted)).await
    }

    pub(crate) async fn look_for_release(&self, lb: &LbId) -> Look {
        observe(&self.client(), &self.account, lb, None).await.unwrap()
    }

    /// Makes all that is wished, as another process did it. Not counted.
    pub(crate) async fn make(&self, wanted: &Wanted) -> LoadBalancer {
        let aws = self.aws.console();
        let balancer = aws.create_balancer(&new_balancer(&wanted.balancer)).await.unwrap();
        for (wish, listener) in wanted.groups.iter().zip(&wanted.listeners) {
            let group = make_group(&aws, wish).await;
            let targets: Vec<Target> = wish.registered.keys().cloned().collect();
            aws.register(&group.arn, &targets).await.unwrap();
            aws.create_listener(&new_listener(&balancer, listener, &group)).await.unwrap();
        }
        let applied = marks::applied(&wanted.fingerprint());
        aws.add_tags(&[balancer.arn.to_string()], &applied).await.unwrap();
        balancer
    }

    /// How many calls of ELBv2 were made.
    pub(crate) fn elb_calls(&self) -> usize {
        let journal = self.aws.journal();
        journal.iter().filter(|call| call.action.service() == "elasticloadbalancing").count()
    }

    pub(crate) fn count(&self, action: Action) -> usize {
        self.aws.count(action)
    }
}

pub(crate) async fn make_group(aws: &FakeAws, wish: &TargetGroupWish) -> TargetGroup {
    let new = NewTargetGroup {
        name: wish.name.clone(),
        protocol: wish.protocol,
        port: wish.port,
        vpc: VpcId::from(VPC),
        targets: wish.targets,
        family: wish.family,
        health: wish.health.clone(),
        tags: wish.tags.clone(),
    };
    aws.create_group(&new).await.unwrap()
}

pub(crate) fn new_balancer(wish: &BalancerWish) -> NewLoadBalancer {
    NewLoadBalancer {
        name: wish.name.clone(),
        scheme: wish.scheme,
        address_type: wish.address_type,
        subnets: wish.subnets.clone(),
        security_groups: Vec::new(),
        source_nat: false,
        tags: wish.tags.clone(),
    }
}

fn new_listener(balancer: &LoadBalancer, wish: &ListenerWish, group: &TargetGroup) -> NewListener {
    let spec = ListenerSpec {
        protocol: Some(wish.protocol),
        forward: Some(group.arn.clone()),
        certificate: None,
        ssl_policy: None,
        alpn: None,
    };
    NewListener { balancer: balancer.arn.clone(), port: wish.port, spec, tags: wish.tags.clone() }
}

pub(crate) fn cluster() -> ClusterId {
    ClusterId::new("test").unwrap()
}

pub(crate) fn lb(n: usize) -> LbId {
    let member = member(n);
    LbId::service(ProviderName::Aws, member.service, member.uid)
}

fn member(n: usize) -> MemberRef {
    let service = ServiceKey::new("default", format!("web-{n}"));
    MemberRef { service, uid: Uid::new(format!("uid-{n}")).unwrap() }
}

/// A load balancer in one zone with one port and two nodes of that zone.
pub(crate) fn wanted(n: usize) -> Wanted {
    let (lb, member) = (lb(n), member(n));
    let tags = marks::of_member(&cluster(), &lb, &member);
    let nodes = ["i-0003", "i-0006"].map(|node| (target(node), node.to_owned()));
    let group = TargetGroupWish {
        name: format!("lf-tg-{n}"),
        member: member.clone(),
        protocol: NlbProtocol::Tcp,
        port: 30_080,
        targets: GroupTargets::Instance,
        family: IpFamily::V4,
        health: health(),
        attributes: Attributes::new(),
        tags: tags.clone(),
        registered: BTreeMap::from(nodes),
    };
    let listener = ListenerWish {
        member,
        serves: vec![PortKey { port: 80, protocol: Protocol::Tcp }],
        port: 80,
        protocol: NlbProtocol::Tcp,
        group: group.name.clone(),
        certificates: Vec::new(),
        ssl_policy: None,
        alpn: None,
        attributes: Attributes::new(),
        tags,
    };
    Wanted {
        vpc: VpcId::from(VPC),
        balancer: balancer(format!("lb-{n}"), marks::of_lb(&cluster(), &lb)),
        frontend: None,
        backend: None,
        groups: vec![group],
        listeners: vec![listener],
        retained: BTreeSet::new(),
        problems: Vec::new(),
        lb,
    }
}

fn balancer(name: String, tags: Tags) -> BalancerWish {
    let subnet = SubnetMapping {
        subnet: "subnet-private-a".into(),
        allocation: None,
        private_ipv4: None,
        ipv6: None,
        source_nat_prefix: None,
    };
    BalancerWish {
        name,
        beside: None,
        scheme: Scheme::Internal,
        address_type: AddressType::Ipv4,
        subnets: vec![subnet],
        zones: BTreeMap::new(),
        source_nat: false,
        given_groups: Vec::new(),
        private_link_rules: None,
        attributes: Attributes::new(),
        capacity: None,
        tags,
        adopt: None,
        publish: Publish::Created,
    }
}

fn health() -> HealthCheck {
    HealthCheck {
        protocol: HealthProtocol::Tcp,
        port: None,
        path: None,
        codes: None,
        interval: 10,
        timeout: 10,
        healthy: 3,
        unhealthy: 3,
    }
}

pub(crate) fn target(id: &str) -> Target {
    Target { id: id.to_owned(), port: 30_080, zone: None }
}
