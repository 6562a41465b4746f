//! Groups and shards.

use landfall_core::ids::{LbId, ServiceKey, Uid};
use landfall_core::model::EndpointTarget;
use proptest::prelude::*;
use rstest::rstest;

use super::*;
use crate::resources::shards::{Shard, members};

fn id(number: usize) -> LbId {
    let service = ServiceKey::new("default", format!("s{number}"));
    LbId::service(ProviderName::Gcp, service, Uid::new(format!("u{number}")).unwrap())
}

/// Names of the nodes in all groups.
fn nodes_in<'a>(groups: impl IntoIterator<Item = &'a GroupWish>) -> BTreeSet<String> {
    groups.into_iter().flat_map(|group| group.members.values().cloned()).collect()
}

#[test]
fn a_small_cluster_has_one_group_per_zone_for_all() {
    let wanted = graph(&web(|it| it.local(32_000)));
    assert_eq!(wanted.groups.len(), 3);
    assert!(wanted.groups.iter().all(|group| group.shared && group.members.len() == 1));
    let endpoint = wanted.groups[0].members.keys().next().unwrap();
    assert_eq!((endpoint.instance.as_str(), endpoint.ip_address.as_deref()), ("gke-n1", Some("10.0.0.2")));
    assert_eq!(wanted.groups, graph(&lb(ProviderName::Gcp, "other")).groups);
    let inside = graph(&web(internal));
    assert_ne!(wanted.groups[0].reference, inside.groups[0].reference, "each scheme has its own");
}

#[test]
fn nodes_in_two_subnets_of_a_zone_are_two_groups() {
    let mut known = facts(6);
    known.nodes.get_mut("n4").unwrap().subnetwork = subnet("more");
    let wanted = graph_in(&web(|it| it), &known);
    assert_eq!(wanted.groups.len(), 4);
    assert_eq!(nodes_in(&wanted.groups).len(), 6);
}

#[test]
fn a_zone_that_lost_its_last_node_stays_a_backend() {
    let all = graph_in(&web(|it| it), &facts(3));
    let cells = all.groups.iter().map(|group| Cell {
        zone: group.reference.place.to_string().rsplit('/').next().unwrap().to_owned(),
        subnetwork: group.subnetwork.clone(),
    });
    let mut known = Facts { cells: cells.collect(), ..facts(3) };
    known.nodes.remove("n2");
    let fewer = graph_in(&web(|it| it), &known);
    assert_eq!(fewer.backend_services, all.backend_services);
    assert_eq!(nodes_in(&fewer.groups).len(), 2);
}

#[test]
fn without_nodes_the_reason_is_told() {
    let wanted = graph_in(&web(|it| it), &facts(0));
    assert_eq!(categories(&wanted), ["NoTargets"]);
    assert!(
        wanted.problems[0].message.contains("the cluster has no nodes"),
        "{}",
        wanted.problems[0].message
    );
}

#[test]
fn a_large_cluster_serves_by_a_part_of_its_nodes() {
    let known = facts(600);
    let wanted = graph_in(&web(|it| it), &known);
    let nodes = nodes_in(&wanted.groups);
    assert!(nodes.len() <= SHARD_NODES && nodes.len() > 75, "{}", nodes.len());
    assert_eq!(wanted.backend_services[0].it.backends.len(), 3);
}

#[rstest]
#[case::external(false, 400, 400, &[])]
#[case::internal(true, 400, 250, &["TooManyNodes"])]
#[case::internal_few(true, 20, 20, &[])]
fn local_services_of_a_large_cluster_have_groups_of_nodes_with_pods(
    #[case] inside: bool,
    #[case] pods: usize,
    #[case] served: usize,
    #[case] told: &[&str],
) {
    let mut desired = web(|it| it.local(32_000));
    if inside {
        desired = desired.with(internal);
    }
    let pod = |number: usize| EndpointTarget {
        address: "10.9.0.1".parse().unwrap(),
        port: 8080,
        node: Some(format!("n{number}")),
        zone: None,
    };
    desired.members[0].listeners[0].endpoints = (1..=pods).map(pod).collect();
    let wanted = graph_in(&desired, &facts(600));
    assert!(wanted.groups.iter().all(|group| !group.shared));
    assert_eq!(nodes_in(&wanted.groups).len(), served);
    assert_eq!(categories(&wanted), told);
    assert_eq!(wanted.backend_services[0].it.backends.len(), 3);
}

#[test]
fn instance_groups_serve_all_load_balancers() {
    let groups = |it: Member| it.annotated("landfall.dev/gcp-backends", "InstanceGroup");
    let (outside, inside) = (graph(&web(groups)), graph(&web(|it| internal(groups(it)))));
    assert_eq!(outside.groups, inside.groups, "an instance can be in one such group only");
    assert!(outside.groups.iter().all(|group| group.reference.kind == Kind::InstanceGroup));
    assert!(outside.groups.iter().flat_map(|group| group.members.keys()).all(|it| it.ip_address.is_none()));
    let many = graph_in(&web(groups), &facts(3_003));
    assert_eq!(categories(&many), ["TooManyNodes"; 3]);
    assert!(many.groups.iter().all(|group| group.members.len() == 1_000));
    assert_eq!(categories(&graph_in(&web(|it| internal(groups(it))), &facts(300))), ["TooManyNodes"]);
}

#[test]
fn a_backend_service_has_fifty_groups_at_most() {
    let mut known = facts(60);
    for (number, node) in known.nodes.values_mut().enumerate() {
        node.subnetwork = subnet(&format!("s{number}"));
    }
    let wanted = graph_in(&web(|it| it), &known);
    assert_eq!((wanted.groups.len(), wanted.backend_services[0].it.backends.len()), (50, 50));
    assert_eq!(categories(&wanted), ["TooManyGroups"]);
}

#[rstest]
#[case::few(3, 1, 1)]
#[case::full(250, 1, 1)]
#[case::more(251, 1, 2)]
#[case::stays_two(151, 2, 2)]
#[case::back_to_one(149, 2, 1)]
#[case::four(400, 2, 4)]
#[case::stays_four(301, 4, 4)]
#[case::back_to_two(299, 4, 2)]
#[case::thousand(1_000, 1, 8)]
#[case::none(0, 8, 1)]
#[case::odd(200, 3, 2)]
#[case::nonsense(10, 0, 1)]
fn shards_grow_and_shrink_with_the_cluster(#[case] nodes: usize, #[case] now: usize, #[case] then: usize) {
    assert_eq!(shards(nodes, now), then);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn the_number_of_shards_settles_at_once(nodes in 0usize..20_000, now in 0usize..300) {
        let then = shards(nodes, now);
        prop_assert!(then.is_power_of_two());
        prop_assert_eq!(shards(nodes, then), then);
        // One node more or less does not turn it round.
        let grown = shards(nodes + 1, then);
        prop_assert!(grown >= then);
        prop_assert_eq!(shards(nodes, grown), grown);
    }

    #[test]
    fn load_balancers_are_spread_and_half_of_them_stay_when_shards_double(seed in 0usize..1_000) {
        let ids: Vec<LbId> = (seed * 400..seed * 400 + 400).map(id).collect();
        let count = |index| ids.iter().filter(|id| shard_of(id, 4) == index).count();
        for index in 0..4 {
            prop_assert!((55..150).contains(&count(index)), "{}", count(index));
        }
        for id in &ids {
            let (before, after) = (shard_of(id, 4), shard_of(id, 8));
            prop_assert!(after == before || after == before + 4);
        }
    }

    #[test]
    fn shards_hold_what_they_promise(
        sizes in prop::collection::vec(0usize..160, 1..6),
        index in 0usize..4,
        limit in 6usize..260,
    ) {
        let names: Vec<Vec<String>> = sizes
            .iter()
            .enumerate()
            .map(|(zone, size)| (0..*size).map(|node| format!("z{zone}-n{node}")).collect())
            .collect();
        let places: BTreeMap<usize, Vec<&str>> =
            names.iter().map(|nodes| nodes.iter().map(String::as_str).collect()).enumerate().collect();
        let shard = Shard { index, of: 4 };
        let chosen = members(&places, shard, limit);
        let total: usize = chosen.values().map(Vec::len).sum();
        prop_assert!(total <= limit, "{} nodes", total);
        for (place, nodes) in &places {
            prop_assert_eq!(nodes.is_empty(), chosen[place].is_empty(), "place {}", place);
        }
        for place in 0..sizes.len() {
            let mut more = places.clone();
            more.get_mut(&place).unwrap().push("new");
            let after = members(&more, shard, limit);
            let set = |of: &BTreeMap<usize, Vec<&str>>| {
                of.iter().flat_map(|(p, nodes)| nodes.iter().map(move |n| format!("{p} {n}"))).collect::<BTreeSet<_>>()
            };
            let (before, after) = (set(&chosen), set(&after));
            prop_assert!(after.difference(&before).count() <= 1, "in: {:?}", after.difference(&before).collect::<Vec<_>>());
            prop_assert!(before.difference(&after).count() <= 1, "out: {:?}", before.difference(&after).collect::<Vec<_>>());
        }
    }
}

#[test]
fn together_the_shards_hold_every_node_once() {
    let known = facts(1_000);
    let places = BTreeMap::from([((), known.nodes.keys().map(String::as_str).collect::<Vec<_>>())]);
    let mut all: Vec<&str> = (0..8)
        .flat_map(|index| members(&places, Shard { index, of: 8 }, SHARD_NODES).remove(&()).unwrap())
        .collect();
    all.sort_unstable();
    assert_eq!(all.len(), 1_000);
    all.dedup();
    assert_eq!(all.len(), 1_000);
}
