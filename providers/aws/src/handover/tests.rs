use rstest::rstest;

use super::*;
use crate::api::elb::{BalancerState, TargetState};
use crate::api::ids::LoadBalancerArn;
use crate::roles::Roles;
use crate::testing::{made, made_group, member, noon, state, wish};

const MINUTE: SignedDuration = SignedDuration::from_mins(1);

/// A world with an old load balancer and the one wanted, both of which take traffic, made so many minutes ago.
fn replaced(old_made: i32, new_made: i32) -> (Wanted, Observed) {
    let mut old = wish();
    old.balancer.name = "old".to_owned();
    old.groups[0].name = "web-80-old".to_owned();
    old.listeners[0].group = "web-80-old".to_owned();
    let mut new = wish();
    new.balancer.scheme = landfall_core::params::aws::Scheme::InternetFacing;
    let mut observed = made(&old);
    observed.balancers.extend(made(&new).balancers);
    observed.groups.push(made_group(&new.groups[0], &LoadBalancerArn::from("arn:lb/nlb")));
    observed.balancers[0].it.created = Some(noon() - MINUTE * old_made);
    observed.balancers[1].it.created = Some(noon() - MINUTE * new_made);
    (new, observed)
}

fn set_health(observed: &mut Observed, of_group: usize, health: Option<HealthState>) {
    let targets = &mut observed.groups[of_group].targets;
    match (health, targets) {
        (None, targets) => *targets = None,
        (Some(health), targets) => {
            let is = |it: &mut TargetState| *it = state(&it.target, health, None);
            targets.iter_mut().flat_map(|targets| targets.values_mut()).for_each(is);
        }
    }
}

fn fate_of(name: &str, wanted: &Wanted, observed: &Observed) -> Fate {
    let roles = Roles::of(wanted, observed, noon());
    roles.handover.fate(observed.balancers.iter().find(|balancer| balancer.it.name == name).unwrap())
}

fn serving(wanted: &Wanted, observed: &Observed) -> String {
    Roles::of(wanted, observed, noon()).handover.serving.unwrap().it.name.clone()
}

use HealthState::{Healthy, Initial, Unavailable, Unhealthy, Unused};

#[rstest]
#[case::healthy_there_and_here(Some(Healthy), Some(Healthy), 5, true)]
#[case::first_checks_run(Some(Healthy), Some(Initial), 5, false)]
#[case::not_in_use_yet(Some(Healthy), Some(Unused), 5, false)]
#[case::all_ill(Some(Healthy), Some(Unhealthy), 5, false)]
#[case::all_ill_for_long(Some(Healthy), Some(Unhealthy), 20, true)]
#[case::all_ill_there_as_well(Some(Unhealthy), Some(Unhealthy), 5, true)]
#[case::health_is_not_checked(Some(Healthy), Some(Unavailable), 5, true)]
#[case::not_known_here(Some(Healthy), None, 5, true)]
#[case::not_known_there(None, Some(Initial), 5, true)]
#[case::a_clock_that_is_behind(Some(Healthy), Some(Initial), -5, false)]
#[case::a_clock_that_is_days_behind(Some(Healthy), Some(Initial), -2_000, true)]
fn a_successor_takes_over_when_it_is_as_healthy_or_has_waited_enough(
    #[case] there: Option<HealthState>,
    #[case] here: Option<HealthState>,
    #[case] minutes: i32,
    #[case] done: bool,
) {
    let (new, mut observed) = replaced(3_000, minutes);
    observed.balancers[0].it.created = Some(noon() - MINUTE * 3_000);
    set_health(&mut observed, 0, there);
    set_health(&mut observed, 1, here);
    assert_eq!(fate_of("old", &new, &observed), if done { Fate::Dated } else { Fate::Stays });
    assert_eq!(serving(&new, &observed), "old", "the date comes before the switch");
    // Whatever becomes of its health: once it has taken over, it has.
    set_health(&mut observed, 1, Some(Unhealthy));
    observed.balancers[0].tags.extend(marks::superseded(noon()));
    assert_eq!(serving(&new, &observed), "nlb");
}

#[test]
fn a_successor_without_its_listeners_lacks_their_targets() {
    let (new, mut observed) = replaced(100, 5);
    observed.groups[1].it.load_balancers.clear();
    let roles = Roles::of(&new, &observed, noon());
    assert_eq!(roles.handover.lacking, BTreeSet::from([(member("web"), 80)]));
    let until = roles.handover.waits_until(roles.current.unwrap());
    assert_eq!(until, Some(noon() - MINUTE * 5 + PATIENCE));
}

#[rstest]
#[case::nobody_wants_the_port(|new: &mut Wanted| new.groups.clear())]
#[case::it_shall_have_no_targets(|new: &mut Wanted| new.groups[0].registered.clear())]
fn what_shall_have_no_targets_is_not_waited_for(#[case] change: fn(&mut Wanted)) {
    let (mut new, mut observed) = replaced(100, 5);
    set_health(&mut observed, 1, Some(Initial));
    change(&mut new);
    assert_eq!(fate_of("old", &new, &observed), Fate::Dated);
}

#[test]
fn a_successor_that_is_being_set_up_takes_nothing_over() {
    let (new, mut observed) = replaced(100, 50);
    observed.balancers[1].it.state = BalancerState::Provisioning;
    assert_eq!(serving(&new, &observed), "old");
    assert_eq!(fate_of("old", &new, &observed), Fate::Stays);
}

#[rstest]
#[case::just_dated("2026-03-01T12:00:00Z", Fate::Leaves(noon() + OVERLAP))]
#[case::dated_before("2026-03-01T11:51:00Z", Fate::Leaves(noon() + MINUTE))]
#[case::its_time_has_come("2026-03-01T11:50:00Z", Fate::Goes)]
#[case::long_ago("2025-03-01T11:50:00Z", Fate::Goes)]
#[case::in_the_future("2026-03-01T12:00:01Z", Fate::Dated)]
#[case::far_in_the_future("9999-01-01T00:00:00Z", Fate::Dated)]
#[case::unreadable("soon", Fate::Dated)]
#[case::empty("", Fate::Dated)]
fn the_date_decides_when_a_predecessor_goes(#[case] date: &str, #[case] fate: Fate) {
    let (new, mut observed) = replaced(100, 50);
    observed.balancers[0].tags.insert(marks::SUPERSEDED.to_owned(), date.to_owned());
    assert_eq!(fate_of("old", &new, &observed), fate);
    let next = match fate {
        Fate::Leaves(until) => Some(until.duration_since(noon())),
        _ => None,
    };
    let roles = Roles::of(&new, &observed, noon());
    assert_eq!(roles.handover.next(&roles.predecessors), next);
}

#[test]
fn one_whose_turn_never_came_goes_at_once() {
    // The user changed their mind: the younger one is not wanted.
    let (new, observed) = replaced(5, 100);
    assert_eq!(serving(&new, &observed), "nlb");
    assert_eq!(fate_of("old", &new, &observed), Fate::Goes);
}

#[test]
fn one_that_may_have_served_does_not_go_at_once() {
    let (new, mut observed) = replaced(5, 5);
    assert_eq!(fate_of("old", &new, &observed), Fate::Dated, "made at the same time");
    observed.balancers[0].it.created = None;
    assert_eq!(fate_of("old", &new, &observed), Fate::Dated, "nobody knows when");
    let (new, mut observed) = replaced(5, 100);
    observed.balancers[1].tags.extend(marks::superseded(noon()));
    assert_eq!(fate_of("old", &new, &observed), Fate::Dated, "it had taken over");
    let (new, mut observed) = replaced(5, 100);
    observed.balancers[1].tags.extend(marks::adopted(noon() - PATIENCE));
    let mut adopting = new.clone();
    adopting.balancer.adopt = Some(observed.balancers[1].it.arn.clone());
    assert_eq!(fate_of("old", &adopting, &observed), Fate::Dated, "the other was there before us");
}

#[test]
fn of_several_predecessors_the_one_that_took_over_last_serves() {
    let (new, mut observed) = replaced(100, 5);
    let mut first = observed.balancers[0].clone();
    first.it.arn = LoadBalancerArn::from("arn:lb/first");
    first.it.name = "first".to_owned();
    first.it.created = Some(noon() - MINUTE * 1_000);
    first.tags.extend(marks::superseded(noon() - OVERLAP));
    observed.balancers.insert(0, first);
    observed.balancers[2].it.state = BalancerState::Provisioning;
    assert_eq!(serving(&new, &observed), "old");
    assert_eq!(fate_of("first", &new, &observed), Fate::Goes);
    assert_eq!(fate_of("old", &new, &observed), Fate::Stays);
    // Were that lost, the one before would serve again, whatever its date.
    observed.balancers.remove(1);
    assert_eq!(serving(&new, &observed), "first");
    assert_eq!(fate_of("first", &new, &observed), Fate::Stays);
}
