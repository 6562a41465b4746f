//! Firewall rules.

use landfall_core::net::SourceRanges;
use rstest::rstest;

use super::*;
use crate::api::types::Firewall;
use crate::resources::ports::allowed;

/// The rules for clients and those for health checks.
fn split(wanted: &Wanted) -> (Vec<&Firewall>, Vec<&Firewall>) {
    let (clients, checks): (Vec<_>, Vec<_>) =
        wanted.firewalls.iter().partition(|wish| wish.towards.is_some());
    (clients.into_iter().map(|it| &it.it).collect(), checks.into_iter().map(|it| &it.it).collect())
}

#[test]
fn clients_and_checks_are_let_in_to_tagged_nodes() {
    let wanted = graph(&web(|it| it.listening(&[(TCP, 80), (TCP, 81), (TCP, 443), (UDP, 53)])));
    let (clients, checks) = split(&wanted);
    let (client, check) = (clients[0], checks[0]);
    assert_eq!((clients.len(), checks.len()), (1, 1));
    assert_eq!(client.source_ranges, ["0.0.0.0/0"]);
    let allowed: Vec<String> =
        client.allowed.iter().map(|it| format!("{} {}", it.protocol, it.ports.join(","))).collect();
    assert_eq!(allowed, ["tcp 80-81,443", "udp 53"]);
    assert_eq!(client.target_tags, ["gke"], "the tag that names begin with goes before others");
    assert_eq!(check.allowed[0].ports, ["10256"]);
    assert_eq!(check.source_ranges.len(), 4);
    assert!(check.source_ranges.contains(&"35.191.0.0/16".to_owned()));
    for wish in &wanted.firewalls {
        assert_eq!(wish.reference.place, Place::global("host"), "rules are in the network's project");
    }
}

#[test]
fn a_family_without_ranges_lets_nobody_in() {
    let ranges = SourceRanges::from_ranges(["192.0.2.0/24".parse().unwrap()]);
    let desired = web(|it| Member { sources: ranges, sources_given: true, ..dual(it) });
    let wanted = graph(&desired);
    let (clients, checks) = split(&wanted);
    assert_eq!(clients.len(), 1);
    assert_eq!(clients[0].source_ranges, ["192.0.2.0/24"]);
    assert_eq!(checks.len(), 2, "nodes are checked over both families");
}

#[rstest]
#[case::unmanaged(("landfall.dev/gcp-manage-firewall", "false"), None)]
#[case::tags(("landfall.dev/gcp-target-tags", "b,a"), Some((vec!["a", "b"], vec![])))]
#[case::accounts(
    ("landfall.dev/gcp-target-service-accounts", "n@p.iam.gserviceaccount.com"),
    Some((vec![], vec!["n@p.iam.gserviceaccount.com"]))
)]
fn targets_are_what_is_said(
    #[case] (key, value): (&str, &str),
    #[case] targets: Option<(Vec<&str>, Vec<&str>)>,
) {
    let wanted = graph(&web(|it| it.annotated(key, value)));
    let rules = wanted.firewalls.iter();
    let found: BTreeSet<_> =
        rules.map(|rule| (rule.it.target_tags.clone(), rule.it.target_service_accounts.clone())).collect();
    let texts = |list: Vec<&str>| list.into_iter().map(str::to_owned).collect::<Vec<_>>();
    let expected = targets.map(|(tags, accounts)| (texts(tags), texts(accounts)));
    assert_eq!(found, expected.into_iter().collect());
    let is_shared = |rule: &FirewallWish| rule.member.is_none();
    assert!(!wanted.firewalls.iter().any(is_shared), "what one Service says concerns no other");
}

#[rstest]
#[case::account(Some("nodes@p.iam.gserviceaccount.com"), &["nodes@p.iam.gserviceaccount.com"], &[])]
#[case::nothing_in_common(None, &[], &["NoCommonNodeTag"])]
fn without_a_common_tag_the_service_account_decides(
    #[case] account: Option<&str>,
    #[case] accounts: &[&str],
    #[case] told: &[&str],
) {
    let mut known = facts(3);
    for (number, node) in known.nodes.values_mut().enumerate() {
        node.tags = BTreeSet::from([format!("pool-{number}")]);
        node.service_account = account.map(str::to_owned);
    }
    let wanted = graph_in(&web(|it| it), &known);
    assert!(wanted.firewalls.iter().all(|rule| rule.it.target_tags.is_empty()));
    assert!(wanted.firewalls.iter().all(|rule| rule.it.target_service_accounts == accounts));
    assert_eq!(categories(&wanted), told);
}

#[test]
fn without_nodes_only_targets_that_are_named_are_known() {
    let keep = |desired: &DesiredLb| {
        let wanted = graph_in(desired, &facts(0));
        assert_eq!(categories(&wanted), ["NoTargets"]);
        wanted.firewalls.iter().map(|rule| rule.keeps_targets).collect::<Vec<_>>()
    };
    assert_eq!(keep(&web(|it| it)), [true, true]);
    assert_eq!(keep(&web(|it| it.annotated("landfall.dev/gcp-target-tags", "a"))), [false, false]);
    assert!(graph(&web(|it| it)).firewalls.iter().all(|rule| !rule.keeps_targets));
}

#[rstest]
#[case::external(false, "2600:1901:8001::/48")]
#[case::internal(true, "2600:2d00:1:b029::/64")]
fn own_checks_over_ipv6_come_from_the_range_of_the_scheme(#[case] inside: bool, #[case] range: &str) {
    let desired = web(|it| {
        let it = dual(it).local(32_000);
        if inside { internal(it) } else { it }
    });
    let wanted = graph(&desired);
    let (_, checks) = split(&wanted);
    let six: Vec<_> = checks.iter().filter(|rule| rule.source_ranges[0].contains(':')).collect();
    assert_eq!(six.len(), 1);
    assert_eq!(
        (six[0].source_ranges.clone(), six[0].allowed[0].ports.clone()),
        (vec![range.into()], vec!["32000".into()])
    );
}

#[test]
fn rules_list_a_hundred_ports_at_most() {
    let listeners = member("web").listening(&tcp((0..250).map(|number| 2 * number + 1))).listeners;
    let rules = allowed(&listeners.iter().collect::<Vec<_>>());
    assert_eq!(rules.iter().map(|rule| rule[0].ports.len()).collect::<Vec<_>>(), [100, 100, 50]);
    let wanted = graph(&web(|it| it.listening(&tcp((0..250).map(|number| 2 * number + 1)))));
    let (clients, _) = split(&wanted);
    let names: BTreeSet<&String> = clients.iter().map(|rule| &rule.name).collect();
    assert_eq!(names.len(), 3);
}

#[test]
fn ports_up_to_the_last_one_are_ranges() {
    let listeners = member("web").listening(&tcp(65_533..=65_535)).listeners;
    assert_eq!(allowed(&listeners.iter().collect::<Vec<_>>())[0][0].ports, ["65533-65535"]);
}

#[test]
fn ports_without_a_forwarding_rule_are_not_let_in() {
    let members = vec![
        internal(member("one")).born(1).listening(&tcp(1_001..=1_047)),
        internal(member("two")).born(2).listening(&tcp([80])),
    ];
    let wanted = graph(&group(ProviderName::Gcp, "key", members));
    let (clients, _) = split(&wanted);
    let ports: Vec<&String> = clients.iter().flat_map(|rule| &rule.allowed[0].ports).collect();
    assert_eq!(ports, ["1001-1047"], "the tenth rule is the last one");
}

#[test]
fn a_service_of_one_family_on_an_address_of_both_has_rules_of_that_family_only() {
    let members = vec![dual(member("both")).born(1), member("four").born(2).listening(&tcp([81]))];
    let wanted = graph(&group(ProviderName::Gcp, "key", members));
    let of_four = |member: &landfall_core::model::MemberRef| member.service.name == "four";
    let rules = wanted.forwarding_rules.iter().filter(|rule| of_four(&rule.member));
    assert_eq!(rules.map(|rule| rule.family).collect::<Vec<_>>(), [IpFamily::V4]);
    let walls = wanted.firewalls.iter().filter(|rule| rule.member.as_ref().is_some_and(of_four));
    assert_eq!(walls.map(|rule| rule.towards).collect::<Vec<_>>(), [Some(IpFamily::V4)]);
}
