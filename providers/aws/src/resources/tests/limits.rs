//! Quotas of AWS.

use super::*;

#[test]
fn too_many_rules_are_told_with_figures() {
    let desired = web().with(|mut member| {
        let ranges = (0..61u8).map(|i| format!("10.0.{}.0/24", i * 2).parse().unwrap());
        member.sources = SourceRanges::from_ranges(ranges);
        member.sources_given = true;
        member
    });
    let wanted = graph(&desired);
    assert_eq!(rules(&wanted).len(), 61);
    let problem = wanted.problems.iter().find(|problem| problem.category.as_str() == "TooManyRules").unwrap();
    assert!(problem.message.contains("61 IPv4 and 0 IPv6") && problem.message.contains("60"), "{problem:?}");
}

#[test]
fn listeners_beyond_the_quota_are_told_per_port() {
    let ports: Vec<(Protocol, u16)> = (1..=52).map(|port| (Protocol::Tcp, port)).collect();
    let wanted = graph(&web().with(|member| member.listening(&ports)));
    assert_eq!((wanted.listeners.len(), wanted.groups.len()), (50, 50));
    let told: Vec<u16> = wanted
        .problems
        .iter()
        .filter(|problem| problem.category.as_str() == "TooManyListeners")
        .filter_map(|problem| problem.port.map(|key| key.port))
        .collect();
    assert_eq!(told, [51, 52]);
    assert_eq!(rules(&wanted), ["tcp 1-50 from 0.0.0.0/0"]);
}

#[test]
fn targets_beyond_the_quota_are_left_out_evenly() {
    let ports = [(Protocol::Tcp, 80), (Protocol::Tcp, 443)];
    let desired = web().with(|member| member.listening(&ports)).on(testing::nodes(600));
    let wanted = wanted(&cluster(), &desired, &crossing(&desired), &facts(&desired));
    let counts: Vec<usize> = wanted.groups.iter().map(|group| group.registered.len()).collect();
    assert_eq!(counts.iter().sum::<usize>(), 500);
    assert!(counts.iter().all(|count| (249..=251).contains(count)), "{counts:?}");
    let problem =
        wanted.problems.iter().find(|problem| problem.category.as_str() == "TargetsLimited").unwrap();
    assert!(problem.message.starts_with("500 of 1200 targets"), "{}", problem.message);
    for group in &wanted.groups {
        let mut zones: BTreeMap<&str, usize> = BTreeMap::new();
        for name in group.registered.values() {
            let node = desired.nodes.eligible.iter().find(|node| node.name == *name).unwrap();
            *zones.entry(node.zone.as_deref().unwrap()).or_default() += 1;
        }
        assert!(zones.values().all(|count| (83..=84).contains(count)), "{zones:?}");
    }
}

#[test]
fn a_raised_quota_is_used() {
    let desired = web().on(testing::nodes(600));
    let mut facts = facts(&desired);
    facts.quotas.targets_per_zone = 1_000;
    let wanted = wanted(&cluster(), &desired, &crossing(&desired), &facts);
    assert_eq!(wanted.groups[0].registered.len(), 600);
    assert_eq!(categories(&wanted), Vec::<&str>::new());
}

#[test]
fn a_node_more_moves_few_targets_at_the_quota() {
    let chosen = |count: u16| {
        let desired = web().on(testing::nodes(count));
        let wanted = wanted(&cluster(), &desired, &crossing(&desired), &facts(&desired));
        wanted.groups[0].registered.values().cloned().collect::<BTreeSet<String>>()
    };
    let (before, after) = (chosen(600), chosen(601));
    assert!(before.difference(&after).count() <= 2, "{:?}", before.difference(&after));
}
