//! Which subnets, addresses, groups and nodes a wish gets.

use landfall_core::error::Classified;
use landfall_core::ids::ProviderName;
use landfall_core::model::{DesiredLb, NodeSet, NodeTarget};
use landfall_core::params::aws::{Publish, Scheme};
use landfall_core::testing;
use rstest::rstest;

use super::*;
use crate::api::Tags;
use crate::api::elb::AddressType;
use crate::api::ids::{InstanceId, SecurityGroupId, SubnetId, VpcId};
use crate::settings::MemberSettings;

const ELB: &str = "kubernetes.io/role/elb";
const INTERNAL: &str = "kubernetes.io/role/internal-elb";
const OWN: &str = "kubernetes.io/cluster/prod";
const OTHER: &str = "kubernetes.io/cluster/dev";

/// `10.0.{number}.0/24` in zone `eu-1{zone}`.
fn subnet(zone: &str, number: u8, tags: &[&str]) -> Subnet {
    Subnet {
        id: SubnetId::new(format!("subnet-{number}")),
        vpc: VpcId::from("vpc-1"),
        zone: format!("eu-1{zone}"),
        cidr: Some(format!("10.0.{number}.0/24").parse().unwrap()),
        ipv6_cidrs: Vec::new(),
        free: 200,
        outpost: None,
        tags: tags.iter().map(|tag| tag.split_once('=').unwrap_or((tag, "1"))).map(owned).collect(),
    }
}

fn owned((key, value): (&str, &str)) -> (String, String) {
    (key.to_owned(), value.to_owned())
}

fn instance(number: u8, zone: &str, groups: &[&str]) -> Arc<Instance> {
    Arc::new(Instance {
        id: InstanceId::new(format!("i-{number}")),
        state: "running".into(),
        vpc: Some(VpcId::from("vpc-1")),
        zone: format!("eu-1{zone}"),
        security_groups: groups.iter().map(|id| SecurityGroupId::from(*id)).collect(),
        tags: Tags::from([owned((OWN, "owned"))]),
    })
}

fn group(id: &str, name: &str, tags: &[(&str, &str)]) -> Arc<SecurityGroup> {
    Arc::new(SecurityGroup {
        id: SecurityGroupId::from(id),
        name: name.into(),
        description: String::new(),
        vpc: VpcId::from("vpc-1"),
        ingress: Vec::new(),
        tags: tags.iter().copied().map(owned).collect(),
    })
}

fn known(subnets: Vec<Subnet>) -> Known {
    let zone = |name: &str, kind: &str| Zone { name: name.into(), kind: kind.into() };
    let plain = ["eu-1a", "eu-1b", "eu-1c"].map(|name| zone(name, "availability-zone"));
    Known {
        vpc: Arc::new(Vpc { id: VpcId::from("vpc-1"), ranges: vec!["10.0.0.0/16".parse().unwrap()] }),
        subnets: Arc::new(subnets),
        tables: Arc::default(),
        zones: Arc::new(plain.into_iter().chain([zone("eu-1x", "local-zone")]).collect()),
        instances: vec![instance(1, "a", &["sg-nodes"])],
        groups: Vec::new(),
        cluster_tag: None,
        quotas: Quotas::default(),
    }
}

fn balancer(scheme: Scheme) -> BalancerSettings {
    BalancerSettings {
        name: None,
        scheme,
        address_type: AddressType::Ipv4,
        subnets: Vec::new(),
        allocations: Vec::new(),
        private_ipv4: Vec::new(),
        ipv6: Vec::new(),
        source_nat: false,
        source_nat_prefixes: Vec::new(),
        security: Security::Managed { backend: true },
        private_link_rules: None,
        attributes: Tags::new(),
        capacity: None,
        tags: Tags::new(),
        adopt: None,
        adopt_confirm: None,
        publish: Publish::Created,
    }
}

fn settings(balancer: BalancerSettings) -> Settings {
    let member = MemberSettings {
        targets: GroupTargets::Instance,
        node_labels: BTreeMap::new(),
        prefix_lists: Vec::new(),
        path_mtu: false,
        listeners: Vec::new(),
    };
    Settings { balancer, members: BTreeMap::from([(testing::member("web").service, member)]) }
}

fn node(name: &str, provider_id: Option<&str>) -> NodeTarget {
    NodeTarget {
        name: name.into(),
        provider_id: provider_id.map(str::to_owned),
        addresses: Vec::new(),
        zone: None,
        labels: BTreeMap::new(),
    }
}

fn web(nodes: Vec<NodeTarget>) -> DesiredLb {
    let nodes = NodeSet { eligible: nodes, excluded: Vec::new() };
    testing::lb(ProviderName::Aws, "web").on(Arc::new(nodes))
}

fn current(zone: &str, number: u8) -> ZoneMapping {
    ZoneMapping {
        source_nat_prefixes: Vec::new(),
        zone: format!("eu-1{zone}"),
        subnet: SubnetId::new(format!("subnet-{number}")),
        allocation: None,
        private_ipv4: None,
        ipv6: None,
    }
}

fn ask(balancer: BalancerSettings, current: &[ZoneMapping], known: &Known) -> Result<Facts, NetworkError> {
    let nodes = vec![node("n1", Some("aws:///eu-1a/i-1"))];
    facts(&web(nodes), &settings(balancer), current, known)
}

fn ids(facts: &Facts) -> Vec<&str> {
    facts.subnets.iter().map(|mapping| mapping.subnet.as_str()).collect()
}

fn categories(facts: &Facts) -> Vec<&str> {
    facts.problems.iter().map(|problem| problem.category.as_str()).collect()
}

fn table(main: bool, internet: bool, subnets: &[u8]) -> RouteTable {
    let subnets = subnets.iter().map(|number| SubnetId::new(format!("subnet-{number}"))).collect();
    RouteTable { main, subnets, internet }
}

#[rstest]
#[case::role_tag(Scheme::InternetFacing, &["subnet-1", "subnet-3"])]
#[case::role_tag_without_value(Scheme::Internal, &["subnet-2", "subnet-4"])]
fn role_tags_choose_one_subnet_per_zone(#[case] scheme: Scheme, #[case] expected: &[&str]) {
    let internal = format!("{INTERNAL}=");
    let subnets = vec![
        subnet("a", 1, &[ELB]),
        subnet("a", 2, &[&internal]),
        subnet("b", 3, &[ELB]),
        subnet("b", 4, &[&internal]),
        subnet("b", 5, &[ELB, INTERNAL]),
        subnet("c", 6, &["kubernetes.io/role/elb=0", "kubernetes.io/role/internal-elb=no"]),
    ];
    let facts = ask(balancer(scheme), &[], &known(subnets)).unwrap();
    assert_eq!(ids(&facts), expected);
    assert_eq!(facts.zones.values().collect::<Vec<_>>(), ["eu-1a", "eu-1b"]);
}

#[test]
fn own_subnets_come_first_and_those_of_other_clusters_not_at_all() {
    let subnets = vec![
        subnet("a", 1, &[]),
        subnet("a", 2, &[OWN]),
        subnet("b", 3, &[OTHER]),
        subnet("b", 4, &[OTHER, OWN]),
        subnet("c", 5, &[OTHER]),
    ];
    let facts = ask(balancer(Scheme::Internal), &[], &known(subnets)).unwrap();
    assert_eq!(ids(&facts), ["subnet-2", "subnet-4"]);
}

#[rstest]
#[case::internet_facing(Scheme::InternetFacing, &["subnet-2"])]
#[case::internal(Scheme::Internal, &["subnet-1", "subnet-3"])]
fn without_role_tags_routes_decide(#[case] scheme: Scheme, #[case] expected: &[&str]) {
    let subnets = vec![subnet("a", 1, &[]), subnet("a", 2, &[]), subnet("b", 3, &[])];
    let mut known = known(subnets);
    known.tables = Arc::new(vec![table(true, false, &[]), table(false, true, &[2])]);
    assert_eq!(ids(&ask(balancer(scheme), &[], &known).unwrap()), expected);
}

#[test]
fn an_internal_load_balancer_takes_public_subnets_if_there_are_no_others() {
    let mut known = known(vec![subnet("a", 1, &[]), subnet("b", 2, &[])]);
    known.tables = Arc::new(vec![table(true, true, &[])]);
    assert_eq!(ids(&ask(balancer(Scheme::Internal), &[], &known).unwrap()), ["subnet-1", "subnet-2"]);
}

#[test]
fn every_subnet_passed_over_is_explained() {
    let mut crowded = subnet("a", 1, &[ELB]);
    crowded.free = 7;
    let mut v6_only = subnet("b", 2, &[ELB]);
    v6_only.cidr = None;
    let subnets =
        vec![crowded, v6_only, subnet("b", 3, &[ELB, OTHER]), subnet("c", 4, &[]), subnet("x", 5, &[ELB])];
    let error = ask(balancer(Scheme::InternetFacing), &[], &known(subnets)).unwrap_err();
    assert_eq!(
        (error.category().as_str(), error.class()),
        ("NoSubnets", landfall_core::error::ErrorClass::Quota)
    );
    let text = error.to_string();
    for part in [
        "subnet-1 in eu-1a: it has 7 free addresses, AWS wants 8",
        "subnet-2 in eu-1b: it has no IPv4 range",
        "subnet-3 in eu-1b: it is tagged kubernetes.io/cluster/dev, another cluster's",
        "subnet-4 in eu-1c: it is not tagged kubernetes.io/role/elb and others are",
        "subnet-5 in eu-1x: it is in a local-zone",
        "tag them kubernetes.io/role/elb=1",
    ] {
        assert!(text.contains(part), "{part:?} is not in {text}");
    }
}

#[test]
fn a_zone_with_nodes_that_is_left_out_is_a_problem() {
    let mut crowded = subnet("a", 1, &[]);
    crowded.free = 0;
    let facts = ask(balancer(Scheme::Internal), &[], &known(vec![crowded, subnet("b", 2, &[])])).unwrap();
    assert_eq!(ids(&facts), ["subnet-2"]);
    assert_eq!(categories(&facts), ["ZoneLeftOut"]);
    assert!(facts.problems[0].message.contains("zone eu-1a"), "{:?}", facts.problems);
}

#[test]
fn zones_in_use_keep_their_subnet_and_new_zones_are_added() {
    let mut used = subnet("a", 2, &[OTHER]);
    used.free = 0;
    let subnets = vec![subnet("a", 1, &[ELB, OWN]), used, subnet("b", 3, &[ELB])];
    let facts = ask(balancer(Scheme::InternetFacing), &[current("a", 2)], &known(subnets)).unwrap();
    assert_eq!(ids(&facts), ["subnet-2", "subnet-3"]);
}

#[test]
fn dual_stack_needs_ipv6_ranges() {
    let mut v6 = subnet("a", 2, &[]);
    v6.ipv6_cidrs = vec!["2001:db8::/64".parse().unwrap()];
    let known = known(vec![subnet("a", 1, &[]), v6, subnet("b", 3, &[])]);
    let dual = BalancerSettings { address_type: AddressType::Dualstack, ..balancer(Scheme::Internal) };
    assert_eq!(ids(&ask(dual.clone(), &[], &known).unwrap()), ["subnet-2"]);
    // A zone in use is not given up because of it.
    let error = ask(dual, &[current("b", 3)], &known).unwrap_err();
    let reason = Reason::NoIpv6;
    assert_eq!(error, NetworkError::UnfitSubnet { subnet: SubnetId::from("subnet-3"), reason });
}

#[test]
fn subnets_asked_for_keep_their_order() {
    let known = known(vec![
        subnet("a", 1, &["Name=front"]),
        subnet("b", 2, &["Name=front"]),
        subnet("c", 3, &[OTHER]),
    ]);
    let asked = |subnets: &[&str]| BalancerSettings {
        subnets: subnets.iter().map(|name| (*name).to_owned()).collect(),
        ..balancer(Scheme::Internal)
    };
    let facts = ask(asked(&["subnet-3", "front"]), &[], &known).unwrap();
    assert_eq!(ids(&facts), ["subnet-3", "subnet-1", "subnet-2"]);
    assert_eq!(categories(&facts), Vec::<&str>::new());
}

#[rstest]
#[case::unknown_id(&["subnet-9"], "SubnetNotFound", "the id \"subnet-9\"")]
#[case::unknown_name(&["back"], "SubnetNotFound", "the Name tag \"back\"")]
#[case::ambiguous(&["front"], "AmbiguousSubnet", "subnet-1, subnet-2")]
#[case::same_zone(&["subnet-1", "subnet-2"], "TwoSubnetsInZone", "subnet-1, subnet-2 are all in zone eu-1a")]
#[case::twice(&["subnet-1", "subnet-1"], "TwoSubnetsInZone", "eu-1a")]
#[case::locales(&["subnet-1", "subnet-3"], "MixedLocales", "subnet-3 (local-zone)")]
#[case::crowded(&["subnet-4"], "UnfitSubnet", "it has 3 free addresses")]
#[case::outpost(&["subnet-5"], "UnfitSubnet", "it is on an Outpost")]
fn subnets_asked_for_that_do_not_fit_are_refused(
    #[case] subnets: &[&str],
    #[case] category: &str,
    #[case] text: &str,
) {
    let mut crowded = subnet("b", 4, &[]);
    crowded.free = 3;
    let known = known(vec![
        subnet("a", 1, &["Name=front"]),
        subnet("a", 2, &["Name=front"]),
        subnet("x", 3, &[]),
        crowded,
        Subnet { outpost: Some("arn:outpost".to_owned()), ..subnet("c", 5, &[]) },
    ]);
    let subnets = subnets.iter().map(|name| (*name).to_owned()).collect();
    let error = ask(BalancerSettings { subnets, ..balancer(Scheme::Internal) }, &[], &known).unwrap_err();
    assert_eq!(error.category().as_str(), category);
    assert!(error.to_string().contains(text), "{error}");
}

fn two_subnets() -> Known {
    let with_v6 = |zone: &str, number: u8| Subnet {
        ipv6_cidrs: vec![format!("2001:db8:0:{number}::/64").parse().unwrap()],
        ..subnet(zone, number, &[])
    };
    known(vec![with_v6("a", 1), with_v6("b", 2)])
}

#[test]
fn addresses_find_their_subnets() {
    let fixed = BalancerSettings {
        address_type: AddressType::Dualstack,
        private_ipv4: vec!["10.0.2.9".parse().unwrap(), "10.0.1.9".parse().unwrap()],
        ipv6: vec!["2001:db8:0:2::9".parse().unwrap(), "2001:db8:0:1::9".parse().unwrap()],
        source_nat_prefixes: vec!["2001:db8:0:1:5::/80".into(), "auto_assigned".into()],
        ..balancer(Scheme::Internal)
    };
    let facts = ask(fixed, &[], &two_subnets()).unwrap();
    let v4: Vec<String> =
        facts.subnets.iter().map(|mapping| mapping.private_ipv4.unwrap().to_string()).collect();
    let v6: Vec<String> = facts.subnets.iter().map(|mapping| mapping.ipv6.unwrap().to_string()).collect();
    assert_eq!(v4, ["10.0.1.9", "10.0.2.9"]);
    assert_eq!(v6, ["2001:db8:0:1::9", "2001:db8:0:2::9"]);
    assert_eq!(facts.subnets[0].source_nat_prefix.as_deref(), Some("2001:db8:0:1:5::/80"));
}

#[test]
fn allocations_go_by_position() {
    let fixed = BalancerSettings {
        subnets: vec!["subnet-2".into(), "subnet-1".into()],
        allocations: vec!["eipalloc-x".into(), "eipalloc-y".into()],
        ..balancer(Scheme::InternetFacing)
    };
    let facts = ask(fixed, &[], &two_subnets()).unwrap();
    let pairs: Vec<(&str, Option<&str>)> = facts
        .subnets
        .iter()
        .map(|mapping| (mapping.subnet.as_str(), mapping.allocation.as_deref()))
        .collect();
    assert_eq!(pairs, [("subnet-2", Some("eipalloc-x")), ("subnet-1", Some("eipalloc-y"))]);
}

#[rstest]
#[case::too_few(&["10.0.1.9"], &["subnet-1", "subnet-2"], "AddressCount")]
#[case::elsewhere(&["10.0.1.9", "10.0.7.9"], &["subnet-1", "subnet-2"], "AddressNotInSubnet")]
#[case::same_subnet(&["10.0.1.9", "10.0.1.10"], &["subnet-1", "subnet-2"], "TwoAddressesInSubnet")]
fn addresses_that_do_not_fit_are_refused(
    #[case] addresses: &[&str],
    #[case] subnets: &[&str],
    #[case] category: &str,
) {
    let fixed = BalancerSettings {
        subnets: subnets.iter().map(|name| (*name).to_owned()).collect(),
        private_ipv4: addresses.iter().map(|address| address.parse().unwrap()).collect(),
        ..balancer(Scheme::Internal)
    };
    assert_eq!(ask(fixed, &[], &two_subnets()).unwrap_err().category().as_str(), category);
}

#[rstest]
#[case("2001:db8:0:2::/80")]
#[case("10.0.1.0/24")]
#[case("auto")]
fn prefixes_outside_of_their_subnet_are_refused(#[case] prefix: &str) {
    let fixed = BalancerSettings {
        address_type: AddressType::Dualstack,
        source_nat_prefixes: vec![prefix.into(), "auto_assigned".into()],
        ..balancer(Scheme::Internal)
    };
    let error = ask(fixed, &[], &two_subnets()).unwrap_err();
    assert_eq!(error.category().as_str(), "AddressNotInSubnet");
    assert!(error.to_string().contains(prefix) && error.to_string().contains("subnet-1"), "{error}");
}

#[test]
fn fixed_addresses_choose_the_zones() {
    let one =
        BalancerSettings { private_ipv4: vec!["10.0.2.9".parse().unwrap()], ..balancer(Scheme::Internal) };
    assert_eq!(ids(&ask(one, &[], &two_subnets()).unwrap()), ["subnet-2"]);
    let elastic = BalancerSettings { allocations: vec!["eipalloc-x".into()], ..balancer(Scheme::Internal) };
    let error = ask(elastic.clone(), &[], &two_subnets()).unwrap_err();
    assert_eq!(error.category().as_str(), "AddressCount");
    // A zone that has become usable is no reason to break what works.
    assert_eq!(ids(&ask(elastic, &[current("b", 2)], &two_subnets()).unwrap()), ["subnet-2"]);
}

#[rstest]
#[case::by_id(&["sg-1"], Ok(vec!["sg-1"]))]
#[case::by_name_and_tag(&["front", "Edge", "sg-1"], Ok(vec!["sg-1", "sg-2"]))]
#[case::unknown(&["sg-9"], Err("UnknownSecurityGroup"))]
#[case::ambiguous(&["both"], Err("AmbiguousSecurityGroup"))]
#[case::other_network(&["sg-5"], Err("UnknownSecurityGroup"))]
fn security_groups_are_found_by_id_and_name(
    #[case] names: &[&str],
    #[case] expected: Result<Vec<&str>, &str>,
) {
    let mut elsewhere = (*group("sg-5", "front", &[])).clone();
    elsewhere.vpc = VpcId::from("vpc-2");
    let mut known = two_subnets();
    known.groups = vec![
        group("sg-1", "front", &[]),
        group("sg-2", "edge", &[("Name", "Edge")]),
        group("sg-3", "both", &[]),
        group("sg-4", "x", &[("Name", "both")]),
        Arc::new(elsewhere),
    ];
    let groups = names.iter().map(|name| (*name).to_owned()).collect();
    let security = Security::Given { groups, backend: false };
    let found = ask(BalancerSettings { security, ..balancer(Scheme::Internal) }, &[], &known);
    let found = found.map(|facts| facts.given_groups).map_err(|error| error.category().as_str());
    let expected = expected.map(|ids| ids.into_iter().map(SecurityGroupId::from).collect::<Vec<_>>());
    assert_eq!(found, expected);
}

#[test]
fn nodes_that_cannot_be_registered_are_told_with_the_reason() {
    let mut known = two_subnets();
    let stopped = Instance { state: "stopped".into(), ..(*instance(2, "a", &[])).clone() };
    let elsewhere = Instance { vpc: Some(VpcId::from("vpc-2")), ..(*instance(3, "a", &[])).clone() };
    known.instances.extend([Arc::new(stopped), Arc::new(elsewhere)]);
    let mut virtual_node = node("fargate", Some("aws:///eu-1a/x/fargate-ip-10-0-0-1"));
    virtual_node.labels.insert("eks.amazonaws.com/compute-type".into(), "fargate".into());
    let nodes = vec![
        node("good", Some("aws:///eu-1a/i-1")),
        node("bare", None),
        node("metal", Some("metal://rack/7")),
        node("gone", Some("aws:///eu-1a/i-99")),
        node("stopped", Some("aws:///eu-1a/i-2")),
        node("elsewhere", Some("aws:///eu-1a/i-3")),
        node("odd", Some("aws:///eu-1a/i-../x")),
        virtual_node,
    ];
    let facts = facts(&web(nodes), &settings(balancer(Scheme::Internal)), &[], &known).unwrap();
    assert_eq!(facts.instances.keys().collect::<Vec<_>>(), ["good"]);
    let told: Vec<(&str, &str)> = facts
        .problems
        .iter()
        .map(|problem| (problem.category.as_str(), problem.message.rsplit_once(": ").unwrap().1))
        .collect();
    assert_eq!(
        told,
        [
            ("NodeWithoutProviderID", "bare; start the cloud controller manager or set it"),
            (
                "NodeNotOnAws",
                "metal, odd; annotate the Service with \
                 service.beta.kubernetes.io/aws-load-balancer-nlb-target-type=ip to reach pods directly"
            ),
            ("InstanceNotFound", "gone"),
            ("InstanceInOtherVpc", "elsewhere"),
            ("InstanceNotRunning", "stopped"),
        ]
    );
}

#[rstest]
#[case::one_tagged(&["sg-2"], &["sg-2"], None)]
#[case::none_tagged(&[], &["sg-1"], Some("none of them"))]
#[case::several_tagged(&["sg-1", "sg-2"], &["sg-1"], Some("several of them"))]
fn one_group_per_node_lets_load_balancers_in(
    #[case] tagged: &[&str],
    #[case] expected: &[&str],
    #[case] told: Option<&str>,
) {
    let mut known = two_subnets();
    known.instances = vec![instance(1, "a", &["sg-2", "sg-1"]), instance(2, "b", &["sg-1", "sg-2"])];
    let tags = |id: &str| if tagged.contains(&id) { vec![(OWN, "owned")] } else { vec![(OTHER, "owned")] };
    known.groups = ["sg-1", "sg-2"].map(|id| group(id, id, &tags(id))).to_vec();
    let facts = ask(balancer(Scheme::Internal), &[], &known).unwrap();
    assert_eq!(facts.node_groups, expected.iter().map(|id| SecurityGroupId::from(*id)).collect());
    let problem = facts.problems.iter().find(|problem| problem.category.as_str() == "SeveralNodeGroups");
    assert_eq!(problem.is_some(), told.is_some(), "{problem:?}");
    assert!(problem.iter().all(|problem| problem.message.contains(told.unwrap_or_default())));
}

#[rstest]
#[case::none(&[], Err("VpcNotFound"))]
#[case::one(&["vpc-1", "vpc-1"], Ok("vpc-1"))]
#[case::several(&["vpc-1", "vpc-2"], Err("VpcNotFound"))]
fn nodes_tell_the_network(#[case] vpcs: &[&str], #[case] expected: Result<&str, &str>) {
    let instances: Vec<Arc<Instance>> = vpcs
        .iter()
        .map(|vpc| Arc::new(Instance { vpc: Some(VpcId::from(*vpc)), ..(*instance(1, "a", &[])).clone() }))
        .collect();
    let found = nodes::vpc(&instances).map_err(|error| error.category().as_str());
    assert_eq!(found, expected.map(VpcId::from));
}

#[test]
fn what_is_taken_over_keeps_its_subnets() {
    let adopted = BalancerSettings {
        adopt: Some("arn:aws:elasticloadbalancing:eu-1:1:loadbalancer/net/old/1".into()),
        ..balancer(Scheme::Internal)
    };
    let facts = ask(adopted, &[current("b", 2)], &two_subnets()).unwrap();
    assert_eq!(ids(&facts), Vec::<&str>::new());
    assert_eq!(facts.zones.values().collect::<Vec<_>>(), ["eu-1b"]);
}

#[rstest]
#[case::nodes_open(GroupTargets::Ip, true, &[])]
#[case::nobody_opens(GroupTargets::Ip, false, &["PodsNotOpened"])]
#[case::no_pods(GroupTargets::Instance, false, &[])]
fn pods_that_no_node_group_opens_are_told(
    #[case] targets: GroupTargets,
    #[case] instances: bool,
    #[case] expected: &[&str],
) {
    let mut known = known(vec![subnet("a", 1, &[INTERNAL])]);
    known.instances.retain(|_| instances);
    let mut settings = settings(balancer(Scheme::Internal));
    settings.members.values_mut().for_each(|member| member.targets = targets);
    let facts = facts(&web(Vec::new()), &settings, &[], &known).unwrap();
    assert_eq!(categories(&facts), expected);
}
