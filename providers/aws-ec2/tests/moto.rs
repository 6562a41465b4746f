//! The EC2 adapter on moto: every call arrives as it is meant, answers and errors are read.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "helpers of tests, outside of the test functions that clippy exempts"
)]

use landfall_aws::api::ec2::{Allow, Ec2, NewSecurityGroup, Rule, Source, WhichSecurityGroups};
use landfall_aws::api::error::Failure;
use landfall_aws::api::ids::{InstanceId, SecurityGroupId, SubnetId, VpcId};
use landfall_aws::api::{Action, ApiError, Tags};
use landfall_aws_ec2::Ec2Client;
use landfall_testkit::aws::moto::Moto;
use landfall_testkit::aws::proxy::{Fault, Proxy, Service};
use landfall_testkit::aws::seed::Seed;

struct World {
    proxy: Proxy,
    ec2: Ec2Client,
    seed: Seed,
}

impl World {
    async fn new() -> Self {
        let account = Moto::shared().await.unwrap_or_else(|error| panic!("{error}")).account();
        let proxy = Proxy::start(&account).await.unwrap();
        let ec2 = Ec2Client::new(&proxy.config().await.unwrap());
        let seed = Seed::plant(&account, "test", 4).await.unwrap();
        Self { proxy, ec2, seed }
    }

    fn new_group(&self, name: &str) -> NewSecurityGroup {
        NewSecurityGroup {
            name: name.to_owned(),
            description: "A group of a test.".to_owned(),
            vpc: self.seed.vpc.clone(),
            tags: tags(&[("landfall.dev/cluster", "test"), ("name", name)]),
        }
    }

    async fn group(&self, name: &str) -> SecurityGroupId {
        self.ec2.create_security_group(&self.new_group(name)).await.unwrap()
    }

    async fn names(&self, which: WhichSecurityGroups) -> Vec<String> {
        let page = self.ec2.security_groups(&which, None).await.unwrap();
        let mut names: Vec<String> = page.items.into_iter().map(|group| group.name).collect();
        names.sort();
        names
    }
}

fn tags(pairs: &[(&str, &str)]) -> Tags {
    pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}

fn rule(allow: Allow, source: Source) -> Rule {
    Rule { allow, source, description: "landfall.dev/member=a/b".to_owned() }
}

#[track_caller]
fn assert_answered<T: std::fmt::Debug>(answer: Result<T, ApiError>, wanted: &str, wanted_status: u16) {
    let error = answer.unwrap_err();
    let Failure::Answered { code, status, .. } = &error.kind else { panic!("{error}") };
    assert_eq!((code.as_str(), *status), (wanted, wanted_status), "{error}");
}

#[tokio::test]
async fn the_network_is_read() {
    let world = World::new().await;
    let subnets = world.ec2.subnets(&world.seed.vpc, None).await.unwrap();
    assert_eq!((subnets.items.len(), subnets.next), (6, None));
    let public = subnets.items.iter().find(|subnet| subnet.id == world.seed.public[1]).unwrap();
    assert_eq!((&public.vpc, &public.zone), (&world.seed.vpc, &world.seed.zones[1]));
    assert_eq!(public.cidr, Some("10.20.16.0/20".parse().unwrap()));
    assert_eq!(public.ipv6_cidrs.len(), 1);
    assert!(public.free > 4000, "{}", public.free);
    assert_eq!(public.tags.get("kubernetes.io/role/elb").map(String::as_str), Some("1"));

    let vpc = world.ec2.vpc(&world.seed.vpc).await.unwrap();
    assert_eq!(vpc.ranges.len(), 2);
    assert!(vpc.ranges.contains(&"10.20.0.0/16".parse().unwrap()));

    let tables = world.ec2.route_tables(&world.seed.vpc, None).await.unwrap().items;
    let (main, other): (Vec<_>, Vec<_>) = tables.into_iter().partition(|table| table.main);
    assert!(main.iter().all(|table| !table.internet) && main.len() == 1);
    let mut public: Vec<SubnetId> = other.iter().flat_map(|table| table.subnets.clone()).collect();
    public.sort();
    let mut wanted = world.seed.public.clone();
    wanted.sort();
    assert_eq!(public, wanted);
    assert!(other.iter().all(|table| table.internet));

    let zones = world.ec2.zones().await.unwrap();
    assert!(zones.iter().any(|zone| zone.name == world.seed.zones[0] && zone.kind == "availability-zone"));
}

#[tokio::test]
async fn instances_are_found_by_id_and_unknown_ones_left_out() {
    let world = World::new().await;
    let mut ids: Vec<InstanceId> = world.seed.instances.iter().map(|one| one.id.clone()).collect();
    ids.push("i-00000000000000000".into());
    let found = world.ec2.instances(&ids, None).await.unwrap();
    assert_eq!((found.items.len(), found.next), (4, None));
    let first = found.items.iter().find(|one| one.id == ids[0]).unwrap();
    assert_eq!((first.state.as_str(), &first.zone), ("running", &world.seed.zones[0]));
    assert_eq!(
        (first.vpc.as_ref(), first.security_groups.as_slice()),
        (Some(&world.seed.vpc), std::slice::from_ref(&world.seed.node_group))
    );
    assert_eq!(first.tags.get("kubernetes.io/cluster/test").map(String::as_str), Some("owned"));
}

#[tokio::test]
async fn security_groups_are_found() {
    let world = World::new().await;
    let one = world.group("one").await;
    world.group("two").await;
    let tagged = |pairs: &[(&str, &str)]| WhichSecurityGroups::Tagged(tags(pairs));
    assert_eq!(world.names(tagged(&[("landfall.dev/cluster", "test")])).await, ["one", "two"]);
    assert_eq!(world.names(tagged(&[("landfall.dev/cluster", "test"), ("name", "two")])).await, ["two"]);
    // A value is no pattern.
    assert_eq!(world.names(tagged(&[("name", "*")])).await, [""; 0]);
    let known = vec![one, SecurityGroupId::from("sg-00000000000000000")];
    assert_eq!(world.names(WhichSecurityGroups::Known(known)).await, ["one"]);
    // By group name, and by the tag `Name` that the seed gave.
    let names = vec!["two".to_owned(), "test-nodes".to_owned(), "none".to_owned()];
    let by_name = WhichSecurityGroups::Named { vpc: world.seed.vpc.clone(), names };
    assert_eq!(world.names(by_name).await, ["test-nodes", "two"]);
}

#[tokio::test]
async fn a_security_group_from_creation_to_deletion() {
    let world = World::new().await;
    let id = world.group("web").await;
    assert_answered(
        world.ec2.create_security_group(&world.new_group("web")).await,
        "InvalidGroup.Duplicate",
        400,
    );
    let which = WhichSecurityGroups::Known(vec![id.clone()]);
    let read = world.ec2.security_groups(&which, None).await.unwrap().items.remove(0);
    assert_eq!((read.id, read.name.as_str(), &read.vpc), (id.clone(), "web", &world.seed.vpc));
    assert_eq!((read.description.as_str(), read.tags), ("A group of a test.", world.new_group("web").tags));
    assert_eq!(read.ingress, []);

    world.ec2.create_tags(&id, &tags(&[("name", "new"), ("more", "")])).await.unwrap();
    world.ec2.delete_tags(&id, &["landfall.dev/cluster".to_owned()]).await.unwrap();
    let read = world.ec2.security_groups(&which, None).await.unwrap().items.remove(0);
    assert_eq!(read.tags, tags(&[("name", "new"), ("more", "")]));

    world.ec2.delete_security_group(&id).await.unwrap();
    assert_eq!(world.ec2.security_groups(&which, None).await.unwrap().items, []);
    assert_answered(world.ec2.delete_security_group(&id).await, "InvalidGroup.NotFound", 400);
}

#[tokio::test]
async fn rules_are_added_and_taken_away() {
    let world = World::new().await;
    let (id, source) = (world.group("nodes").await, world.group("source").await);
    let mut rules = vec![
        rule(Allow::Tcp(80, 80), Source::V4("0.0.0.0/0".parse().unwrap())),
        rule(Allow::Tcp(80, 80), Source::V4("10.0.0.0/8".parse().unwrap())),
        rule(Allow::Udp(30000, 32767), Source::V6("2001:db8::/32".parse().unwrap())),
        rule(Allow::Icmp(3, 4), Source::V4("0.0.0.0/0".parse().unwrap())),
        rule(Allow::Tcp(10256, 10256), Source::Group(source.clone())),
    ];
    rules.sort();
    world.ec2.authorize(&id, &rules).await.unwrap();
    let which = WhichSecurityGroups::Known(vec![id.clone()]);
    let now = async || {
        let mut rules = world.ec2.security_groups(&which, None).await.unwrap().items.remove(0).ingress;
        rules.sort();
        rules
    };
    assert_eq!(now().await, rules);
    assert_eq!(world.names(WhichSecurityGroups::LettingIn(source)).await, ["nodes"]);
    assert_answered(world.ec2.authorize(&id, &rules[..1]).await, "InvalidPermission.Duplicate", 400);
    world.ec2.revoke(&id, &rules[1..]).await.unwrap();
    assert_eq!(now().await, rules[..1]);
    assert_answered(world.ec2.revoke(&id, &rules[1..2]).await, "InvalidPermission.NotFound", 400);
}

#[tokio::test]
async fn interfaces_in_a_group_are_read() {
    let world = World::new().await;
    let interfaces = world.ec2.interfaces(&world.seed.node_group, None).await.unwrap();
    assert_eq!((interfaces.items.len(), interfaces.next), (4, None));
    assert!(interfaces.items.iter().all(|one| one.status == "in-use" && one.id.starts_with("eni-")));
    let unused = world.group("unused").await;
    assert_eq!(world.ec2.interfaces(&unused, None).await.unwrap().items, []);
}

#[tokio::test]
async fn lists_are_filtered_and_go_on_at_their_token() {
    let world = World::new().await;
    world.proxy.fault_all(Fault::code("InvalidParameterValue"));
    let vpc: &VpcId = &world.seed.vpc;
    let group = &world.seed.node_group;
    assert_answered(world.ec2.subnets(vpc, Some("t")).await, "InvalidParameterValue", 400);
    assert_answered(world.ec2.route_tables(vpc, Some("t")).await, "InvalidParameterValue", 400);
    assert_answered(world.ec2.instances(&["i-1".into()], Some("t")).await, "InvalidParameterValue", 400);
    assert_answered(world.ec2.interfaces(group, Some("t")).await, "InvalidParameterValue", 400);
    let known = WhichSecurityGroups::Known(vec![group.clone()]);
    assert_answered(world.ec2.security_groups(&known, Some("t")).await, "InvalidParameterValue", 400);
    for call in world.proxy.calls() {
        assert_eq!(call.service, Service::Ec2);
        assert_eq!(call.parameter("NextToken").as_deref(), Some("t"), "{}", call.action);
        assert!(
            call.parameter("MaxResults").is_some() && call.parameter("Filter.1.Name").is_some(),
            "{}",
            call.action
        );
    }
}

#[tokio::test]
async fn errors_are_read() {
    let world = World::new().await;
    assert_answered(world.ec2.vpc(&"vpc-00000000".into()).await, "InvalidVpcID.NotFound", 400);
    world.proxy.fault_on(Action::DescribeVpcs, 1, Fault::code("RequestLimitExceeded"));
    let error = world.ec2.vpc(&world.seed.vpc).await.unwrap_err();
    let Failure::Answered { code, status, request_id, .. } = &error.kind else { panic!("{error}") };
    assert_eq!((code.as_str(), *status, request_id.is_some()), ("RequestLimitExceeded", 503, true));
    world.proxy.fault_at(1, Fault::LoseAnswer);
    let error = world.ec2.create_security_group(&world.new_group("web")).await.unwrap_err();
    assert!(matches!(error.kind, Failure::NoAnswer { .. }) && error.is_in_doubt(), "{error}");
    // It was made all the same.
    assert_answered(
        world.ec2.create_security_group(&world.new_group("web")).await,
        "InvalidGroup.Duplicate",
        400,
    );
}
