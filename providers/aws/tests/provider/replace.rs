//! What cannot be changed in place is replaced: the successor serves before the predecessor goes.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::stage::{AWS, Stage, is_told, nodes, registered, service, web};
use futures::future::join_all;
use landfall_aws::api::Action;
use landfall_aws::marks;
use landfall_core::model::DesiredLb;
use landfall_core::net::{Protocol, SourceRanges};
use landfall_core::outcome::{Ingress, Outcome, Phase};
use landfall_core::params::aws::Scheme;
use landfall_core::provider::Provider as _;
use landfall_testkit::aws::fake::{BalancerView, Fault, Quota, Timing};
use rstest::rstest;
use tokio::time::Instant;

fn annotated(key: &str, value: &str) -> DesiredLb {
    web().with(|member| member.annotated(&format!("{AWS}{key}"), value))
}

fn named(key: &str, value: &str) -> DesiredLb {
    annotated("name", "shop").with(|member| member.annotated(&format!("{AWS}{key}"), value))
}

fn with_addresses() -> Stage {
    let stage = Stage::new();
    stage.aws.edit_network(|network| {
        network.allocations.extend((1..=4).map(|n| format!("eipalloc-{n}")));
    });
    stage
}

/// Open to the internet, with these addresses in these subnets.
fn fixed(subnets: &str, addresses: &str) -> DesiredLb {
    annotated("scheme", "internet-facing").with(|member| {
        member
            .annotated(&format!("{AWS}subnets"), subnets)
            .annotated(&format!("{AWS}eip-allocations"), addresses)
    })
}

/// The same, named.
fn shop(subnets: &str, addresses: &str) -> DesiredLb {
    fixed(subnets, addresses).with(|member| member.annotated(&format!("{AWS}name"), "shop"))
}

/// The names of the load balancers there are.
fn names(stage: &Stage) -> Vec<String> {
    stage.aws.balancers().into_iter().map(|balancer| balancer.it.name).collect()
}

/// How long the old one stays after the host name switched.
const OVERLAP: Duration = Duration::from_mins(10);

#[rstest]
#[case::scheme(web(), annotated("scheme", "internet-facing"))]
#[case::security_groups(web(), annotated("disable-nlb-sg", "true"))]
#[case::name(web(), annotated("name", "shop"))]
#[case::scheme_under_a_given_name(annotated("name", "shop"), named("scheme", "internet-facing"))]
#[tokio::test(start_paused = true)]
async fn clients_keep_the_old_name_until_the_new_one_serves(#[case] from: DesiredLb, #[case] to: DesiredLb) {
    let stage = Stage::new();
    stage.aws.slow_down(Duration::from_mins(2));
    let old = stage.converge(&from).await.ingress;
    let outcome = stage.ensure(&to).await;
    assert_eq!(outcome.ingress, old);
    assert!(matches!(outcome.phase, Phase::Provisioning { .. }));
    assert_eq!(stage.aws.balancers().len(), 2);
    // Nodes come and go behind the one that serves.
    stage.ensure(&to.clone().on(nodes(4))).await;
    assert!(stage.aws.groups().iter().all(|group| registered(group).len() == 4));
    let outcome = stage.converge(&to.clone().on(nodes(4))).await;
    assert_ne!(outcome.ingress, old);
    assert_eq!(stage.aws.balancers().len(), 2, "clients may have the old name yet");
    // A process that starts anew follows the nodes behind both, and has read the date.
    let stage = stage.restarted();
    let outcome = stage.ensure(&to.clone().on(nodes(5))).await;
    assert!(stage.aws.groups().iter().all(|group| registered(group).len() == 5));
    assert!(outcome.look_again.is_some_and(|again| again <= OVERLAP), "{:?}", outcome.look_again);
    let outcome = stage.outlast(&to.clone().on(nodes(5))).await;
    let [Ingress::Hostname(name)] = outcome.ingress.as_slice() else { panic!("{outcome:?}") };
    let balancers = stage.aws.balancers();
    assert_eq!(balancers.iter().map(|it| &it.it.dns_name).collect::<Vec<_>>(), [name]);
    assert_eq!(stage.aws.groups().len(), 1);
    assert!(stage.provider.plan(&to.on(nodes(5))).await.unwrap().is_empty());
}

/// Being set up takes two minutes, and the first checks five.
pub(crate) fn as_slow_as_aws() -> Stage {
    let stage = Stage::new();
    stage.aws.set_timing(Timing {
        provisioning: Duration::from_mins(2),
        first_checks: Duration::from_mins(5),
        ..Timing::default()
    });
    stage
}

/// The outcome of asking every quarter of a minute until something holds, and how long that took.
pub(crate) async fn until(
    stage: &Stage,
    desired: &DesiredLb,
    holds: impl Fn(&Outcome) -> bool,
) -> (Outcome, Duration) {
    let began = Instant::now();
    for _ in 0..240 {
        let outcome = stage.ensure(desired).await;
        if holds(&outcome) {
            return (outcome, began.elapsed());
        }
        tokio::time::sleep(Duration::from_secs(15)).await;
    }
    panic!("it never holds");
}

#[tokio::test(start_paused = true)]
async fn the_name_switches_when_the_new_one_has_healthy_targets() {
    let stage = as_slow_as_aws();
    let to = annotated("scheme", "internet-facing");
    stage.converge(&web()).await;
    tokio::time::sleep(Duration::from_hours(1)).await;
    stage.converge(&web()).await;
    let began = Instant::now();
    let (waiting, _) = until(&stage, &to, |outcome| is_told(outcome, "HandoverWaits")).await;
    assert!(matches!(waiting.phase, Phase::Provisioning { .. }));
    // Who starts anew waits as well.
    let stage = stage.restarted();
    let (switched, _) = until(&stage, &to, |outcome| outcome.ingress != waiting.ingress).await;
    let took = began.elapsed();
    assert!((Duration::from_mins(7)..Duration::from_mins(8)).contains(&took), "{took:?}");
    assert_eq!(switched.phase, Phase::Ready);
    let told = switched.problems.iter().find(|problem| problem.category.as_str() == "PredecessorLeaves");
    let at = stage.aws.time_of_day() + OVERLAP;
    assert!(told.unwrap().message.contains(&format!("goes at {at}")), "{told:?}");
    let (_, took) = until(&stage, &to, |_| stage.aws.balancers().len() == 1).await;
    assert_eq!(took, OVERLAP);
}

#[tokio::test(start_paused = true)]
async fn a_backend_that_stays_ill_does_not_hold_up_the_switch_for_ever() {
    let stage = as_slow_as_aws();
    let old = stage.converge(&web()).await.ingress;
    tokio::time::sleep(Duration::from_hours(1)).await;
    // Those that are registered from now on are not healthy for the next 50 minutes.
    stage.aws.set_timing(Timing { first_checks: Duration::from_mins(50), ..Timing::default() });
    let to = annotated("scheme", "internet-facing");
    let (_, took) = until(&stage, &to, |outcome| outcome.ingress != old).await;
    assert_eq!(took, Duration::from_mins(20));
}

/// AWS grants ten reads per second to a whole account.
#[tokio::test(start_paused = true)]
async fn replacements_that_wait_together_ask_for_health_ever_less_often() {
    const MANY: usize = 30;
    let stage = as_slow_as_aws();
    stage.aws.set_quota(Quota::Balancers, 2 * MANY);
    let ports: Vec<_> = (80..85).map(|port| (Protocol::Tcp, port)).collect();
    let desired = |n| service(&format!("svc-{n}")).on(nodes(3)).with(|member| member.listening(&ports));
    let before: Vec<DesiredLb> = (0..MANY).map(desired).collect();
    let scheme = format!("{AWS}scheme");
    let open = |it: &DesiredLb| it.clone().with(|member| member.annotated(&scheme, "internet-facing"));
    let after: Vec<DesiredLb> = before.iter().map(open).collect();
    for it in &before {
        stage.converge(it).await;
    }
    tokio::time::sleep(Duration::from_hours(1)).await;
    for it in &before {
        stage.converge(it).await;
    }
    let (asked, began) = (stage.aws.count(Action::DescribeTargetHealth), Instant::now());
    loop {
        let outcomes = join_all(after.iter().map(|it| stage.ensure(it))).await;
        if outcomes.iter().all(|outcome| outcome.phase == Phase::Ready) {
            break;
        }
        tokio::time::sleep(Duration::from_secs(15)).await;
    }
    let (asked, took) = (stage.aws.count(Action::DescribeTargetHealth) - asked, began.elapsed());
    println!("{MANY} replacements with {} ports: {asked} reads of health in {took:?}", ports.len());
    assert!((Duration::from_mins(7)..=Duration::from_mins(9)).contains(&took), "{took:?}");
    // Three times what was just registered, all of both when it begins to take traffic, and both again in three pauses.
    assert!(asked <= MANY * ports.len() * (3 + 2 + 3 * 2), "{asked}");
}

/// Whoever may no longer connect may not by the old host name, either, from the first look on.
#[tokio::test(start_paused = true)]
async fn source_ranges_hold_for_the_predecessor_as_well() {
    let stage = as_slow_as_aws();
    let ranged = |desired: DesiredLb, range: &str| {
        let range = range.parse().unwrap();
        desired.with(|mut member| {
            member.sources = SourceRanges::from_ranges([range]);
            member.sources_given = true;
            member
        })
    };
    let rules = |stage: &Stage| -> BTreeMap<String, Vec<String>> {
        let groups = stage.aws.groups_of_rules();
        let rules = |it: &BalancerView| {
            let on = groups.iter().filter(|group| it.it.security_groups.contains(&group.id));
            on.flat_map(|group| group.ingress.iter().map(ToString::to_string)).collect()
        };
        stage.aws.balancers().iter().map(|it| (it.it.name.clone(), rules(it))).collect()
    };
    let given = stage.aws.groups_of_rules().remove(0).id.to_string();
    // Before, a group of the user's let clients in.
    stage.converge(&ranged(annotated("security-groups", &given), "0.0.0.0/0")).await;
    let to = ranged(annotated("scheme", "internet-facing"), "10.1.0.0/16");
    stage.ensure(&to).await;
    let both = rules(&stage);
    assert!(
        both.len() == 2 && both.values().all(|rules| *rules == ["tcp 80-80 from 10.1.0.0/16"]),
        "{both:?}"
    );
    let outcome = stage.converge(&to).await;
    assert!(is_told(&outcome, "PredecessorLeaves"));
    stage.ensure(&ranged(annotated("scheme", "internet-facing"), "10.1.2.0/24")).await;
    let both = rules(&stage);
    assert!(
        both.len() == 2 && both.values().all(|rules| *rules == ["tcp 80-80 from 10.1.2.0/24"]),
        "{both:?}"
    );
}

/// The nodes let in a group of the user's, and AWS refuses to have them let in ours.
#[tokio::test(start_paused = true)]
async fn a_predecessor_keeps_its_groups_while_nodes_cannot_be_opened_to_others() {
    let stage = as_slow_as_aws();
    let given = stage.aws.groups_of_rules().remove(0).id;
    let before = stage.converge(&annotated("security-groups", given.as_str())).await.ingress;
    let refused = || Fault::code("RulesPerSecurityGroupLimitExceeded");
    // The call between is about the clients.
    for call in [1, 3] {
        stage.aws.fault_on(Action::AuthorizeSecurityGroupIngress, call, refused());
    }
    let to = annotated("scheme", "internet-facing");
    let of_old = || {
        let internal = |it: &BalancerView| it.it.scheme == Scheme::Internal;
        stage.aws.balancers().into_iter().find(internal).unwrap().it.security_groups
    };
    for _ in 0..2 {
        let outcome = stage.ensure(&to).await;
        assert!(is_told(&outcome, "QuotaExceeded") && outcome.ingress == before, "{outcome:?}");
        assert_eq!(of_old().as_slice(), std::slice::from_ref(&given));
    }
    stage.aws.clear_faults();
    stage.ensure(&to).await;
    assert!(!of_old().contains(&given), "the nodes let in others now");
}

#[tokio::test(start_paused = true)]
async fn a_predecessor_that_still_stands_is_taken_back() {
    let stage = as_slow_as_aws();
    let to = annotated("scheme", "internet-facing");
    let old = stage.converge(&web()).await.ingress;
    tokio::time::sleep(Duration::from_hours(1)).await;
    let new = stage.converge(&to).await.ingress;
    assert_ne!(new, old);
    // The name switches back at once, and now the other one has its overlap.
    let outcome = stage.ensure(&web()).await;
    assert_eq!((outcome.phase.clone(), &outcome.ingress), (Phase::Ready, &old));
    assert!(is_told(&outcome, "PredecessorLeaves"));
    assert_eq!(stage.outlast(&web()).await.ingress, old);
    assert_eq!(stage.aws.count(Action::CreateLoadBalancer), 2, "no third one is made");
    let [balancer] = stage.aws.balancers().try_into().unwrap();
    assert!(!balancer.tags.contains_key(marks::SUPERSEDED), "{:?}", balancer.tags);
}

#[tokio::test(start_paused = true)]
async fn a_service_that_goes_takes_both_along() {
    let stage = as_slow_as_aws();
    let empty = stage.picture();
    stage.converge(&web()).await;
    let outcome = stage.converge(&annotated("scheme", "internet-facing")).await;
    assert!(is_told(&outcome, "PredecessorLeaves"));
    stage.provider.release(&web().id).await.unwrap();
    assert_eq!(stage.picture(), empty);
}

#[tokio::test(start_paused = true)]
async fn a_fixed_address_goes_from_the_predecessor_to_its_successor() {
    let stage = with_addresses();
    stage.converge(&fixed("public-a,public-b", "eipalloc-1,eipalloc-2")).await;
    stage.converge(&fixed("public-a,public-b", "eipalloc-2,eipalloc-1")).await;
    let balancers = stage.aws.balancers();
    assert_eq!(balancers.len(), 1);
    let mut addresses: Vec<_> = balancers[0].it.zones.iter().map(|zone| zone.allocation.clone()).collect();
    addresses.sort();
    assert_eq!(addresses, [Some("eipalloc-1".to_owned()), Some("eipalloc-2".to_owned())]);
}

#[rstest]
#[case::one_more(("public-a,public-b", "eipalloc-1,eipalloc-2"), ("public-a,public-b,public-c", "eipalloc-1,eipalloc-2,eipalloc-3"))]
#[case::one_less(("public-a,public-b,public-c", "eipalloc-1,eipalloc-2,eipalloc-3"), ("public-a,public-b", "eipalloc-1,eipalloc-2"))]
#[tokio::test(start_paused = true)]
async fn fixed_addresses_come_and_go_with_their_zones_in_place(
    #[case] from: (&str, &str),
    #[case] to: (&str, &str),
) {
    let stage = with_addresses();
    let before = stage.converge(&fixed(from.0, from.1)).await.ingress;
    let groups = stage.aws.groups().iter().map(|group| group.it.arn.clone()).collect::<Vec<_>>();
    let outcome = stage.converge(&fixed(to.0, to.1)).await;
    assert_eq!(outcome.ingress, before);
    assert_eq!(stage.aws.groups().iter().map(|group| group.it.arn.clone()).collect::<Vec<_>>(), groups);
    let balancers = stage.aws.balancers();
    let mut addresses: Vec<_> =
        balancers[0].it.zones.iter().filter_map(|zone| zone.allocation.as_deref()).collect();
    addresses.sort_unstable();
    assert_eq!(addresses.join(","), to.1);
    // A process that starts anew sees it the same way.
    assert!(stage.restarted().provider.plan(&fixed(to.0, to.1)).await.unwrap().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_name_that_was_asked_for_has_addresses_come_and_go_in_place_too() {
    let stage = with_addresses();
    let groups = || stage.aws.groups().iter().map(|group| group.it.arn.clone()).collect::<Vec<_>>();
    // One that has the name, and its successor, which was made while that had it.
    for first in ["eipalloc-1", "eipalloc-4"] {
        stage.outlast(&shop("public-a", first)).await;
        let (before, arn) = (groups(), stage.aws.balancers()[0].it.arn.clone());
        assert_eq!(stage.aws.balancers()[0].it.name == "shop", first == "eipalloc-1");
        for (subnets, more) in
            [("a,public-b,public-c", ",eipalloc-2,eipalloc-3"), ("a,public-b", ",eipalloc-2")]
        {
            let desired = shop(&format!("public-{subnets}"), &format!("{first}{more}"));
            stage.converge(&desired).await;
            assert_eq!((groups(), stage.aws.balancers()[0].it.arn.clone()), (before.clone(), arn.clone()));
            assert!(stage.restarted().provider.plan(&desired).await.unwrap().is_empty());
        }
    }
    assert_eq!((stage.aws.balancers().len(), groups().len()), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn of_two_under_a_name_that_fit_the_one_that_serves_goes_on() {
    let stage = with_addresses();
    stage.outlast(&shop("public-a", "eipalloc-1")).await;
    stage.converge(&shop("public-a", "eipalloc-2")).await;
    let serving = stage.aws.balancers().into_iter().find(|it| it.it.name != "shop").unwrap().it.arn;
    stage.outlast(&shop("public-b", "eipalloc-3")).await;
    let [balancer] = stage.aws.balancers().try_into().unwrap();
    assert_eq!(balancer.it.arn, serving);
    assert_eq!(balancer.it.zones[0].allocation.as_deref(), Some("eipalloc-3"));
    assert_eq!(stage.aws.groups().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_third_under_a_name_leaves_the_first_its_overlap() {
    let stage = with_addresses();
    stage.outlast(&shop("public-a", "eipalloc-1")).await;
    stage.converge(&shop("public-a", "eipalloc-2")).await;
    stage.ensure(&shop("public-a", "eipalloc-3")).await;
    assert_eq!(names(&stage).len(), 3, "{:?}", names(&stage));
    stage.outlast(&shop("public-a", "eipalloc-3")).await;
    let [balancer] = stage.aws.balancers().try_into().unwrap();
    assert_eq!(balancer.it.zones[0].allocation.as_deref(), Some("eipalloc-3"));
}

#[tokio::test(start_paused = true)]
async fn a_fixed_address_that_is_wanted_no_longer_goes_whatever_the_name_says() {
    let stage = with_addresses();
    let open = |subnets: &str| {
        annotated("scheme", "internet-facing")
            .with(|member| member.annotated(&format!("{AWS}subnets"), subnets))
    };
    stage.converge(&open("public-a")).await;
    stage.converge(&fixed("public-b", "eipalloc-1")).await;
    assert_eq!(names(&stage).len(), 1, "in place");
    stage.outlast(&open("public-b")).await;
    let [balancer] = stage.aws.balancers().try_into().unwrap();
    assert_eq!(balancer.it.zones[0].allocation, None);
    assert!(stage.restarted().provider.plan(&open("public-b")).await.unwrap().is_empty());
}
