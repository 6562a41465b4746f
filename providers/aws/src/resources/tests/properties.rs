//! What holds for every wish.

use std::net::IpAddr;

use proptest::prelude::*;

use super::*;
use crate::api::ec2::Source;

/// A group of Services with distinct ports, sources and nodes.
fn worlds() -> impl Strategy<Value = DesiredLb> {
    let ports = prop::collection::btree_set((prop::bool::ANY, 1u16..200), 1..6);
    let ranges = prop::collection::vec((0u8..4, 8u8..20), 0..4);
    let member = (ports, ranges, prop::bool::ANY);
    (prop::collection::vec(member, 1..4), 0u16..12).prop_map(|(members, nodes)| {
        let mut taken = BTreeSet::new();
        let members = members.into_iter().zip(0i64..).map(|((ports, ranges, given), i)| {
            let free: Vec<(Protocol, u16)> = ports
                .into_iter()
                .filter(|(_, port)| taken.insert(*port))
                .map(|(tcp, port)| (if tcp { Protocol::Tcp } else { Protocol::Udp }, port))
                .collect();
            let mut member = testing::member(&format!("s{i}")).born(i / 2).listening(&free);
            if given {
                let ranges = ranges.into_iter().map(|(byte, length)| format!("10.{byte}.0.0/{length}"));
                member.sources = SourceRanges::from_ranges(ranges.map(|range| range.parse().unwrap()));
                member.sources_given = true;
            }
            member
        });
        let members = members.collect();
        testing::group(ProviderName::Aws, "shop", members).on(testing::nodes(nodes))
    })
}

/// Whether any rule lets a client in.
fn lets_in(wanted: &Wanted, protocol: Protocol, port: u16, client: IpAddr) -> bool {
    let rules = wanted.frontend.iter().flat_map(|group| &group.rules);
    rules.into_iter().any(|rule| {
        let meant = match (&rule.allow, protocol) {
            (Allow::Tcp(first, last), Protocol::Tcp) | (Allow::Udp(first, last), Protocol::Udp) => {
                (*first..=*last).contains(&port)
            }
            _ => false,
        };
        let from = match (&rule.source, client) {
            (Source::V4(range), IpAddr::V4(client)) => range.contains(&client),
            (Source::V6(range), IpAddr::V6(client)) => range.contains(&client),
            _ => false,
        };
        meant && from
    })
}

proptest! {
    #[test]
    fn the_graph_does_not_depend_on_orders(desired in worlds(), turn in 0usize..12) {
        let mut turned = desired.clone();
        let members = turned.members.len();
        turned.members.rotate_left(turn % members);
        let nodes = Arc::make_mut(&mut turned.nodes);
        let count = nodes.eligible.len().max(1);
        nodes.eligible.rotate_left(turn % count);
        prop_assert_eq!(graph(&desired), graph(&turned));
    }

    #[test]
    fn the_graph_is_whole(desired in worlds()) {
        let wanted = graph(&desired);
        let names: BTreeSet<&str> = wanted.groups.iter().map(|group| group.name.as_str()).collect();
        prop_assert_eq!(names.len(), wanted.groups.len());
        let used: BTreeSet<&str> = wanted.listeners.iter().map(|listener| listener.group.as_str()).collect();
        prop_assert_eq!(names, used);
        let ports: BTreeSet<u16> = wanted.listeners.iter().map(|listener| listener.port).collect();
        prop_assert_eq!(ports.len(), wanted.listeners.len());
        for group in &wanted.groups {
            let ids: BTreeSet<(&str, u16)> =
                group.registered.keys().map(|target| (target.id.as_str(), target.port)).collect();
            prop_assert_eq!(ids.len(), group.registered.len());
        }
    }

    #[test]
    fn rules_let_in_exactly_the_sources_of_each_port(
        desired in worlds(), port in 1u16..200, tcp in prop::bool::ANY, client in any::<[u8; 2]>(),
    ) {
        let wanted = graph(&desired);
        let protocol = if tcp { Protocol::Tcp } else { Protocol::Udp };
        let client = IpAddr::from([10, client[0] % 6, client[1], 1]);
        let meant = desired.listeners().any(|(member, listener)| {
            let allowed = member.sources.of(IpFamily::V4).iter().any(|range| range.contains(&client));
            (listener.protocol, listener.port) == (protocol, port) && allowed
        });
        prop_assert_eq!(lets_in(&wanted, protocol, port, client), meant);
        let frontend = wanted.frontend.unwrap();
        let identities: BTreeSet<_> = frontend.rules.iter().map(|rule| (&rule.allow, &rule.source)).collect();
        prop_assert_eq!(identities.len(), frontend.rules.len());
    }
}
