//! Which resources a wish takes.

mod existing;
mod limits;
mod properties;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use landfall_core::ids::ProviderName;
use landfall_core::model::{EndpointTarget, NodeSet};
use landfall_core::net::{IpFamily, Protocol, SourceRanges};
use landfall_core::params::aws::{HealthProtocol, Publish, Scheme};
use landfall_core::testing;
use rstest::rstest;

use super::*;
use crate::api::Tags;
use crate::api::ec2::Allow;
use crate::api::elb::{AddressType, GroupTargets, HealthCheck, NlbProtocol, SubnetMapping};
use crate::api::ids::{InstanceId, SecurityGroupId, SubnetId, VpcId};
use crate::defaults::CROSS_ZONE;
use crate::settings::BalancerSettings;

fn cluster() -> ClusterId {
    ClusterId::new("test").unwrap()
}

/// Settings as they are without annotations, for members with one protocol per port number.
fn settings(desired: &DesiredLb) -> Settings {
    let members = desired.members.iter().map(|member| (member.service.clone(), member_settings(member)));
    Settings {
        balancer: BalancerSettings {
            name: None,
            scheme: Scheme::Internal,
            address_type: AddressType::Ipv4,
            subnets: Vec::new(),
            allocations: Vec::new(),
            private_ipv4: Vec::new(),
            ipv6: Vec::new(),
            source_nat: false,
            source_nat_prefixes: Vec::new(),
            security: Security::Managed { backend: true },
            private_link_rules: None,
            attributes: BTreeMap::new(),
            capacity: None,
            tags: Tags::new(),
            adopt: None,
            adopt_confirm: None,
            publish: Publish::Created,
        },
        members: members.collect(),
    }
}

fn member_settings(member: &Member) -> MemberSettings {
    let listeners = member.listeners.iter().map(|listener| {
        let protocol = match listener.protocol {
            Protocol::Udp => NlbProtocol::Udp,
            Protocol::Tcp | Protocol::Sctp => NlbProtocol::Tcp,
        };
        ListenerSettings {
            port: listener.port,
            protocol,
            serves: vec![listener.key()],
            tls: None,
            group_protocol: protocol,
            family: member.families.first().copied().unwrap_or(IpFamily::V4),
            health: HealthCheck {
                protocol: HealthProtocol::Http,
                port: Some(10_256),
                path: Some("/healthz".into()),
                codes: None,
                interval: 10,
                timeout: 6,
                healthy: 2,
                unhealthy: 2,
            },
            group_attributes: BTreeMap::new(),
            attributes: BTreeMap::new(),
        }
    });
    MemberSettings {
        targets: GroupTargets::Instance,
        node_labels: BTreeMap::new(),
        prefix_lists: Vec::new(),
        path_mtu: false,
        listeners: listeners.collect(),
    }
}

/// Zones `a` and `b` are served; nodes are instances of the same number in their zones.
fn facts(desired: &DesiredLb) -> Facts {
    let mapping = |zone: &str| SubnetMapping {
        subnet: SubnetId::new(format!("subnet-{zone}")),
        allocation: None,
        private_ipv4: None,
        ipv6: None,
        source_nat_prefix: None,
    };
    let instance = |node: &landfall_core::model::NodeTarget| {
        let zone = node.zone.clone().unwrap_or_default();
        (node.name.clone(), InstanceFact { id: InstanceId::new(format!("i-{}", node.name)), zone })
    };
    Facts {
        vpc: VpcId::from("vpc-1"),
        ranges: vec!["10.0.0.0/8".parse().unwrap()],
        subnets: vec![mapping("a"), mapping("b")],
        zones: ["a", "b"].map(|zone| (SubnetId::new(format!("subnet-{zone}")), zone.to_owned())).into(),
        given_groups: Vec::new(),
        instances: desired.nodes.eligible.iter().map(instance).collect(),
        node_groups: BTreeSet::from([SecurityGroupId::from("sg-nodes")]),
        existing: Vec::new(),
        superseded: BTreeSet::new(),
        quotas: Quotas::default(),
        problems: Vec::new(),
    }
}

fn web() -> DesiredLb {
    testing::lb(ProviderName::Aws, "web").on(testing::nodes(2))
}

fn graph(desired: &DesiredLb) -> Wanted {
    wanted(&cluster(), desired, &settings(desired), &facts(desired))
}

fn rules(wanted: &Wanted) -> Vec<String> {
    wanted.frontend.iter().flat_map(|group| group.rules.iter().map(ToString::to_string)).collect()
}

fn categories(wanted: &Wanted) -> Vec<&str> {
    wanted.problems.iter().map(|problem| problem.category.as_str()).collect()
}

fn crossing(desired: &DesiredLb) -> Settings {
    let mut settings = settings(desired);
    settings.balancer.attributes.insert(CROSS_ZONE.into(), "true".into());
    settings
}

#[test]
fn a_lone_service_takes_one_of_each() {
    let wanted = graph(&web());
    assert_eq!((wanted.listeners.len(), wanted.groups.len()), (1, 1));
    assert_eq!(wanted.listeners[0].group, wanted.groups[0].name);
    assert_eq!(rules(&wanted), ["tcp 80-80 from 0.0.0.0/0"]);
    let backend = wanted.backend.unwrap();
    let open = [Allow::Tcp(10_256, 10_256), Allow::Tcp(30_000, 32_767), Allow::Udp(30_000, 32_767)];
    assert_eq!(backend.allow, BTreeSet::from(open));
    assert_eq!(backend.group.rules, BTreeSet::new());
}

#[test]
fn nodes_in_zones_without_a_subnet_are_explained_unless_traffic_crosses_zones() {
    let desired = web();
    let wanted_plain = graph(&desired);
    // Node n2 is in zone c.
    assert_eq!(categories(&wanted_plain), ["ZoneNotEnabled"]);
    assert!(wanted_plain.problems[0].message.contains("n2 in zone c"), "{:?}", wanted_plain.problems);
    assert_eq!(wanted_plain.groups[0].registered.len(), 2);
    let crossed = wanted(&cluster(), &desired, &crossing(&desired), &facts(&desired));
    assert_eq!(categories(&crossed), Vec::<&str>::new());
}

#[test]
fn a_node_port_moves_without_a_new_target_group() {
    let moved = web().with(|mut member| {
        member.listeners[0].node_port = Some(31_999);
        member
    });
    assert_eq!(graph(&web()).groups[0].name, graph(&moved).groups[0].name);
    assert_ne!(graph(&web()).groups[0].registered, graph(&moved).groups[0].registered);
}

#[test]
fn pods_outside_the_network_are_registered_for_all_zones() {
    let pod = |address: &str| EndpointTarget {
        address: address.parse().unwrap(),
        port: 8080,
        node: None,
        zone: None,
    };
    let desired = web().with(|mut member| {
        member.listeners[0].endpoints = vec![pod("10.1.2.3"), pod("172.20.0.1"), pod("2001:db8::1")];
        member
    });
    let mut settings = settings(&desired);
    settings.members.values_mut().for_each(|member| member.targets = GroupTargets::Ip);
    let wanted = wanted(&cluster(), &desired, &settings, &facts(&desired));
    let targets: Vec<(&str, Option<&str>)> = wanted.groups[0]
        .registered
        .keys()
        .map(|target| (target.id.as_str(), target.zone.as_deref()))
        .collect();
    assert_eq!(targets, [("10.1.2.3", None), ("172.20.0.1", Some("all"))]);
    assert_eq!(
        wanted.backend.unwrap().allow,
        BTreeSet::from([Allow::Tcp(1, u16::MAX), Allow::Udp(1, u16::MAX)])
    );
}

/// TCP and UDP 53 as one listener.
fn dns(udp_node_port: u16) -> (DesiredLb, Settings) {
    let desired = web().with(|member| {
        let mut member = member.listening(&[(Protocol::Tcp, 53), (Protocol::Udp, 53)]);
        member.listeners[1].node_port = Some(udp_node_port);
        member
    });
    let mut settings = settings(&desired);
    for member in settings.members.values_mut() {
        let udp = member.listeners.remove(1);
        let listener = &mut member.listeners[0];
        listener.serves.extend(udp.serves);
        (listener.protocol, listener.group_protocol) = (NlbProtocol::TcpUdp, NlbProtocol::TcpUdp);
    }
    (desired, settings)
}

#[rstest]
#[case::same_node_port(30_053, 2)]
#[case::different_node_ports(31_000, 0)]
fn two_protocols_share_targets_that_serve_both(#[case] udp: u16, #[case] targets: usize) {
    let (desired, settings) = dns(udp);
    let wanted = wanted(&cluster(), &desired, &settings, &facts(&desired));
    assert_eq!(rules(&wanted), ["tcp 53-53 from 0.0.0.0/0", "udp 53-53 from 0.0.0.0/0"]);
    assert_eq!(wanted.groups[0].registered.len(), targets);
    assert_eq!(categories(&wanted).contains(&"DifferentTargetPorts"), targets == 0);
}

#[test]
fn neighbouring_ports_and_overlapping_sources_are_one_rule() {
    let desired = web().with(|member| {
        let mut member = member.listening(&[(Protocol::Tcp, 80), (Protocol::Tcp, 82), (Protocol::Tcp, 81)]);
        let ranges = ["10.0.0.0/9", "10.128.0.0/9", "10.1.0.0/16", "2001:db8::/32"];
        member.sources = SourceRanges::from_ranges(ranges.map(|range| range.parse().unwrap()));
        member.sources_given = true;
        member
    });
    assert_eq!(rules(&graph(&desired)), ["tcp 80-82 from 10.0.0.0/8"]);
    let mut both = settings(&desired);
    both.balancer.address_type = AddressType::Dualstack;
    let both = wanted(&cluster(), &desired, &both, &facts(&desired));
    assert_eq!(rules(&both), ["tcp 80-82 from 10.0.0.0/8", "tcp 80-82 from 2001:db8::/32"]);
}

#[rstest]
#[case::alone(false, &["tcp 80-80 from pl-1", "icmp 3/4 from pl-1"])]
#[case::besides_ranges(true, &[
    "tcp 80-80 from 0.0.0.0/0",
    "tcp 80-80 from pl-1",
    "icmp 3/4 from 0.0.0.0/0",
    "icmp 3/4 from pl-1",
])]
fn prefix_lists_replace_the_default_sources(#[case] given: bool, #[case] expected: &[&str]) {
    let desired = web().with(|mut member| {
        member.sources_given = given;
        member
    });
    let mut settings = settings(&desired);
    for member in settings.members.values_mut() {
        (member.prefix_lists, member.path_mtu) = (vec!["pl-1".into()], true);
    }
    let wanted = wanted(&cluster(), &desired, &settings, &facts(&desired));
    assert_eq!(rules(&wanted), expected);
}

#[test]
fn rules_that_two_members_need_are_the_older_ones() {
    let members =
        vec![testing::member("b").born(1), testing::member("a").born(2).listening(&[(Protocol::Tcp, 81)])];
    let desired = testing::group(ProviderName::Aws, "shop", members).on(testing::nodes(1));
    let mut settings = settings(&desired);
    settings.members.values_mut().for_each(|member| member.path_mtu = true);
    let frontend = wanted(&cluster(), &desired, &settings, &facts(&desired)).frontend.unwrap();
    let owners: Vec<(String, String)> = frontend
        .rules
        .iter()
        .map(|rule| (rule.allow.clone(), marks::member_of_rule(&rule.description).unwrap()))
        .map(|(allow, member)| (format!("{allow:?}"), member.service.name))
        .collect();
    let expected = [("Tcp(80, 80)", "b"), ("Tcp(81, 81)", "a"), ("Icmp(3, 4)", "b")];
    assert_eq!(owners, expected.map(|(allow, name)| (allow.to_owned(), name.to_owned())));
}

#[test]
fn ports_outside_the_usual_ranges_are_let_in_too() {
    let desired = web().with(|mut member| {
        member.listeners[0].node_port = Some(8_080);
        member
    });
    let mut settings = settings(&desired);
    settings.members.values_mut().for_each(|member| member.listeners[0].health.port = Some(9_000));
    let backend = wanted(&cluster(), &desired, &settings, &facts(&desired)).backend.unwrap();
    for allow in [Allow::Tcp(8_080, 8_080), Allow::Udp(8_080, 8_080), Allow::Tcp(9_000, 9_000)] {
        assert!(backend.allow.contains(&allow), "{allow:?}");
    }
}

#[test]
fn marks_win_over_tags_of_the_same_key() {
    let desired = web();
    let mut settings = settings(&desired);
    settings.balancer.tags = (0..45).map(|i| (format!("k{i:02}"), "v".into())).collect();
    settings.balancer.tags.insert("landfall.dev/cluster".into(), "other".into());
    let wanted = wanted(&cluster(), &desired, &settings, &facts(&desired));
    let own = [&wanted.balancer.tags, &wanted.groups[0].tags, &wanted.listeners[0].tags];
    for tags in own {
        assert!(tags.len() <= 48 && tags["landfall.dev/cluster"] == "test", "{tags:?}");
    }
}

#[rstest]
#[case::nothing(None, false, false)]
#[case::given(Some("sg-1"), false, true)]
#[case::given_and_backend(Some("sg-1"), true, true)]
fn without_managed_groups_there_is_no_frontend(
    #[case] group: Option<&str>,
    #[case] backend: bool,
    #[case] guarded: bool,
) {
    let desired = web();
    let (mut settings, mut facts) = (settings(&desired), facts(&desired));
    settings.balancer.security = match group {
        None => Security::None,
        Some(group) => Security::Given { groups: vec![group.into()], backend },
    };
    facts.given_groups = group.map(SecurityGroupId::from).into_iter().collect();
    let wanted = wanted(&cluster(), &desired, &settings, &facts);
    assert_eq!((wanted.frontend.is_some(), wanted.backend.is_some()), (false, backend));
    assert_eq!(wanted.balancer.is_guarded(false, backend), guarded);
    assert_eq!(wanted.balancer.name == graph(&desired).balancer.name, guarded);
}

#[test]
fn a_member_without_targets_is_told_why() {
    let desired = web();
    let mut settings = settings(&desired);
    for member in settings.members.values_mut() {
        member.node_labels = BTreeMap::from([("pool".into(), Some("edge".into())), ("gpu".into(), None)]);
    }
    let told = |desired: &DesiredLb, facts: &Facts| {
        let wanted = wanted(&cluster(), desired, &settings, facts);
        let problem = wanted.problems.iter().find(|problem| problem.category.as_str() == "NoTargets");
        problem.map(|problem| problem.message.clone()).unwrap()
    };
    assert!(told(&desired, &facts(&desired)).ends_with("none has the labels gpu,pool=edge"));
    let bare = desired.on(Arc::new(NodeSet::default()));
    assert!(told(&bare, &facts(&bare)).ends_with("the cluster has no nodes"));
}

#[test]
fn the_fingerprint_is_about_what_no_list_shows() {
    let desired = web();
    let base = graph(&desired);
    let more_nodes = graph(&web().on(testing::nodes(3)));
    assert_eq!(base.fingerprint(), more_nodes.fingerprint());
    let changed = |change: fn(&mut Settings)| {
        let mut settings = settings(&desired);
        change(&mut settings);
        wanted(&cluster(), &desired, &settings, &facts(&desired)).fingerprint()
    };
    let all = BTreeSet::from([
        base.fingerprint(),
        changed(|settings| drop(settings.balancer.attributes.insert("a".into(), "b".into()))),
        changed(|settings| settings.balancer.capacity = Some(100)),
        changed(|settings| {
            for member in settings.members.values_mut() {
                member.listeners[0].attributes.insert("tcp.idle_timeout.seconds".into(), "60".into());
            }
        }),
        changed(|settings| {
            for member in settings.members.values_mut() {
                member.listeners[0]
                    .group_attributes
                    .insert("proxy_protocol_v2.enabled".into(), "true".into());
            }
        }),
    ]);
    assert_eq!(all.len(), 5);
}
