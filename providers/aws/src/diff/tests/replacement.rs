//! A load balancer that has to be replaced.

use std::collections::BTreeSet;

use landfall_core::params::aws::Scheme;

use super::*;
use crate::api::elb::BalancerState;
use crate::api::ids::LoadBalancerArn;
use crate::handover::OVERLAP;
use crate::testing::made_group;

/// A world with a load balancer of another scheme, and the wish for its successor.
fn to_be_replaced() -> (Wanted, Observed) {
    let mut old = wish();
    old.balancer.name = "old".to_owned();
    old.groups[0].name = "web-80-old".to_owned();
    old.listeners[0].group = "web-80-old".to_owned();
    let mut new = wish();
    new.balancer.scheme = Scheme::InternetFacing;
    (new, made(&old))
}

#[test]
fn a_predecessor_goes_when_its_successor_serves() {
    let (new, mut observed) = to_be_replaced();
    assert!(!plan(&new, &observed).iter().any(|line| line.starts_with('-')), "there is no successor yet");
    let arn = LoadBalancerArn::from("arn:lb/nlb");
    observed.groups.push(made_group(&new.groups[0], &arn));
    observed.balancers.extend(made(&new).balancers);
    observed.balancers[1].it.state = BalancerState::Provisioning;
    assert_eq!(plan(&new, &observed), Vec::<String>::new(), "the successor does not serve yet");
    observed.balancers[1].it.state = BalancerState::Active;
    assert_eq!(changes(&new, &observed), [superseding("old")], "the host name switches");
    supersede(&mut observed, OVERLAP - SignedDuration::from_secs(1));
    assert_eq!(plan(&new, &observed), Vec::<String>::new(), "clients may still have the old one");
    supersede(&mut observed, OVERLAP);
    assert_eq!(plan(&new, &observed), ["- load balancer old", "- target group web-80-old"]);
}

/// The world with a successor that takes traffic.
fn with_successor() -> (Wanted, Observed) {
    let (new, mut observed) = to_be_replaced();
    observed.groups.push(made_group(&new.groups[0], &LoadBalancerArn::from("arn:lb/nlb")));
    observed.balancers.extend(made(&new).balancers);
    (new, observed)
}

#[test]
fn one_that_is_taken_back_loses_its_date_after_the_other_got_one() {
    let (new, mut observed) = with_successor();
    // The other way round: what was the predecessor is wanted again.
    observed.balancers.reverse();
    supersede(&mut observed, SignedDuration::from_secs(60));
    let of = vec![TagRef::Balancer("nlb".to_owned())];
    let removed = BTreeSet::from([marks::SUPERSEDED.to_owned()]);
    let back = Change::Tags(Retag { of, set: Tags::new(), removed });
    assert_eq!(changes(&new, &observed), [superseding("old"), back]);
}

#[test]
fn what_a_refused_member_has_on_a_predecessor_does_not_keep_it_for_ever() {
    let (mut new, mut observed) = with_successor();
    new.retained.insert(member("api"));
    let mut theirs = made_group(&group("api", 81), &LoadBalancerArn::from("arn:lb/old"));
    theirs.tags = marks::of_member(&crate::testing::cluster(), &new.lb, &member("api"));
    observed.groups.push(theirs);
    assert!(Roles::of(&new, &observed, noon()).held, "nobody has taken over from it");
    supersede(&mut observed, OVERLAP);
    let plan = plan(&new, &observed);
    assert!(plan.contains(&"- load balancer old".to_owned()), "{plan:?}");
}

#[test]
fn a_predecessor_that_is_protected_stays_with_all_that_it_has() {
    let (new, mut observed) = with_successor();
    supersede(&mut observed, OVERLAP);
    let details = observed.balancers[0].details.as_mut().unwrap();
    details.attributes.insert(DELETION_PROTECTION.to_owned(), "true".to_owned());
    assert_eq!(plan(&new, &observed), Vec::<String>::new());
}

#[test]
fn targets_of_a_predecessor_follow_the_nodes() {
    let (mut new, observed) = to_be_replaced();
    new.groups[0].registered.insert(target("i-2", 30_080), "n2".to_owned());
    let plan = plan(&new, &observed);
    assert!(
        plan.contains(&"~ target group web-80-old | targets: [\"i-2:30080 (n2)\"]".to_owned()),
        "{plan:?}"
    );
}

#[test]
fn a_predecessor_with_an_address_that_its_successor_is_to_have_goes_first() {
    let (mut new, mut observed) = to_be_replaced();
    new.balancer.subnets[0].allocation = Some("eipalloc-1".to_owned());
    observed.balancers[0].it.zones[0].allocation = Some("eipalloc-1".to_owned());
    let plan = plan(&new, &observed);
    let at = |text: &str| plan.iter().position(|line| line.starts_with(text)).unwrap();
    assert!(at("- load balancer old") < at("~ target group web-80").max(at("- target group")), "{plan:#?}");
    let all = changes(&new, &observed);
    let position = |name: &str| all.iter().position(|it| matches!(it, Change::Balancer(of, _) if of == name));
    assert!(position("old") < position("nlb"), "{all:#?}");
}

#[test]
fn the_successor_of_a_load_balancer_with_a_given_name_stands_beside_it() {
    let mut wanted = wish();
    wanted.balancer.beside = Some("nlb-2".to_owned());
    let observed = made(&wanted);
    wanted.balancer.scheme = Scheme::InternetFacing;
    let all = changes(&wanted, &observed);
    let made = all.iter().find_map(|change| match change {
        Change::Balancer(name, BalancerChange::Create(_)) => Some(name.as_str()),
        _ => None,
    });
    assert_eq!(made, Some("nlb-2"));
}

/// The change that dates a predecessor.
fn superseding(name: &str) -> Change {
    let of = vec![TagRef::Balancer(name.to_owned())];
    Change::Tags(Retag { of, set: marks::superseded(noon()), removed: BTreeSet::new() })
}

/// A predecessor with these security groups besides what `edit` makes of the wish.
fn guarded_by(groups: &[&str], edit: impl Fn(&mut Wanted)) -> (Wanted, Observed) {
    let (mut new, mut observed) = with_successor();
    edit(&mut new);
    let own = made(&new);
    observed.balancers[1] = own.balancers[0].clone();
    observed.balancers[0].it.security_groups = groups.iter().copied().map(SecurityGroupId::from).collect();
    observed.frontend = own.frontend;
    supersede(&mut observed, SignedDuration::from_secs(60));
    (new, observed)
}

fn unguarded(wanted: &mut Wanted) {
    (wanted.frontend, wanted.backend) = (None, None);
}

fn given(wanted: &mut Wanted) {
    (wanted.frontend, wanted.balancer.given_groups) = (None, vec!["sg-2".into()]);
}

/// Groups of the user's, and nodes that are the user's to open.
fn given_alone(wanted: &mut Wanted) {
    given(wanted);
    wanted.backend = None;
}

#[rstest]
#[case::the_same(&["sg-front", "sg-back"], edit(|_| {}), None)]
#[case::in_another_order(&["sg-back", "sg-front"], edit(|_| {}), None)]
#[case::given_before(&["sg-1", "sg-back"], edit(|_| {}), Some("[\"sg-1\",\"sg-back\"] → [\"sg-front\",\"sg-back\"]"))]
#[case::given_now(&["sg-front", "sg-back"], edit(given), Some("[\"sg-front\",\"sg-back\"] → [\"sg-2\",\"sg-back\"]"))]
#[case::nodes_not_ours_to_open(&["sg-front", "sg-back"], edit(given_alone), Some("[\"sg-front\",\"sg-back\"] → [\"sg-2\",\"sg-back\"]"))]
#[case::given_alone_before(&["sg-1"], edit(|_| {}), Some("[\"sg-1\"] → [\"sg-front\",\"sg-back\"]"))]
#[case::given_alone_both_times(&["sg-1"], edit(given_alone), Some("[\"sg-1\"] → [\"sg-2\"]"))]
#[case::none_before(&[], edit(|_| {}), None)]
#[case::none_now(&["sg-front", "sg-back"], edit(unguarded), None)]
#[case::somebody_is_not_heard(&["sg-1", "sg-back"], edit(|w| { w.retained.insert(member("api")); }), None)]
fn a_predecessor_lets_in_whom_its_successor_lets_in(
    #[case] has: &[&str],
    #[case] edit: Edit,
    #[case] expected: Option<&str>,
) {
    let (new, observed) = guarded_by(has, edit);
    assert_eq!(about_groups(&new, &observed).0, Vec::from_iter(expected.map(of_old)));
}

/// Where the successor has no healthy targets yet, the groups of a predecessor may be the only ones that nodes let in.
#[rstest]
#[case::the_backend_group_stays(&["sg-front", "sg-back"], edit(given_alone), Some(("[\"sg-front\",\"sg-back\"] → [\"sg-2\",\"sg-back\"]", false)))]
#[case::given_with_it(&["sg-1", "sg-back"], edit(|_| {}), Some(("[\"sg-1\",\"sg-back\"] → [\"sg-front\",\"sg-back\"]", false)))]
#[case::given_before(&["sg-1"], edit(|_| {}), Some(("[\"sg-1\"] → [\"sg-front\",\"sg-back\"]", true)))]
#[case::given_both_times(&["sg-1"], edit(given_alone), None)]
#[case::one_more(&["sg-1"], edit(|w| { given_alone(w); w.balancer.given_groups.push("sg-1".into()); }), Some(("[\"sg-1\"] → [\"sg-2\",\"sg-1\"]", false)))]
fn a_predecessor_keeps_its_way_to_the_nodes_until_its_successor_has_one(
    #[case] has: &[&str],
    #[case] edit: Edit,
    #[case] expected: Option<(&str, bool)>,
) {
    let (new, mut observed) = guarded_by(has, edit);
    observed.balancers[0].tags.remove(marks::SUPERSEDED);
    observed.balancers[1].it.state = BalancerState::Provisioning;
    let (lines, only_if_let_in) = about_groups(&new, &observed);
    assert_eq!(lines, Vec::from_iter(expected.map(|(groups, _)| of_old(groups))));
    assert_eq!(only_if_let_in, Vec::from_iter(expected.map(|(_, only)| only)));
}

fn of_old(groups: &str) -> String {
    format!("~ load balancer old | securityGroups: {groups}")
}

/// What the plan says of security groups, and whether it depends on what nodes let in.
fn about_groups(new: &Wanted, observed: &Observed) -> (Vec<String>, Vec<bool>) {
    let lines = plan(new, observed).into_iter().filter(|line| line.contains("securityGroups")).collect();
    let only_if_let_in = |change: Change| match change {
        Change::Balancer(_, BalancerChange::Guards { only_if_let_in, .. }) => Some(only_if_let_in),
        _ => None,
    };
    (lines, changes(new, observed).into_iter().filter_map(only_if_let_in).collect())
}

/// A security group cannot be in two networks.
#[test]
fn a_predecessor_in_another_network_gets_the_same_rules() {
    let (mut new, mut observed) = guarded_by(&["sg-old"], |_| {});
    let mut old = observed.frontend[0].clone();
    (old.id, old.vpc) = ("sg-old".into(), "vpc-0".into());
    observed.balancers[0].it.vpc = "vpc-0".into();
    observed.frontend.push(old);
    assert_eq!(plan(&new, &observed), Vec::<String>::new());
    new.frontend.as_mut().unwrap().rules = [rule("web", 80, "10.1.0.0/16")].into();
    let added = "ingress: [\"tcp 80-80 from 10.1.0.0/16\"]";
    let gone = "ingress: [\"tcp 80-80 from 10.0.0.0/8\"] → (none)";
    let expected = [("sg-front", added), ("sg-old", added), ("sg-front", gone), ("sg-old", gone)];
    let expected = expected.map(|(group, change)| format!("~ security group {group} | {change}"));
    assert_eq!(plan(&new, &observed), expected);
}
