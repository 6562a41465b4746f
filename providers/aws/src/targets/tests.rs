use rstest::rstest;

use super::*;
use crate::testing::{state, target};

fn registered(all: &[(&str, u16, HealthState)]) -> BTreeMap<Target, TargetState> {
    let one = |(id, port, health): &(&str, u16, HealthState)| {
        let target = target(id, *port);
        (target.clone(), state(&target, *health, None))
    };
    all.iter().map(one).collect()
}

fn wanted(all: &[(&str, u16)]) -> BTreeMap<Target, String> {
    all.iter().map(|(id, port)| (target(id, *port), format!("node of {id}"))).collect()
}

fn ports(targets: &BTreeMap<Target, String>) -> Vec<(&str, u16)> {
    targets.keys().map(key).collect()
}

use HealthState::{Draining, Healthy, Unhealthy};

#[rstest]
#[case::as_wanted(&[("a", 1)], &[("a", 1, Healthy)], &[], &[], &[])]
#[case::new(&[("a", 1), ("b", 1)], &[("a", 1, Healthy)], &[], &[("b", 1)], &[])]
#[case::gone(&[("a", 1)], &[("a", 1, Healthy), ("b", 1, Healthy)], &[], &[], &[("b", 1)])]
#[case::moved_to_another_port(&[("a", 2)], &[("a", 1, Healthy)], &[("a", 1)], &[("a", 2)], &[])]
#[case::two_ports_of_one_id(&[("a", 1), ("a", 2)], &[("a", 1, Healthy)], &[], &[("a", 2)], &[])]
#[case::comes_back_while_it_drains(&[("a", 1)], &[("a", 1, Draining)], &[], &[("a", 1)], &[])]
#[case::is_draining_already(&[], &[("a", 1, Draining)], &[], &[], &[])]
#[case::all_unhealthy_stay(&[("a", 1), ("b", 1)], &[("a", 1, Unhealthy), ("b", 1, Unhealthy)], &[], &[], &[])]
fn what_comes_and_goes(
    #[case] wish: &[(&str, u16)],
    #[case] there: &[(&str, u16, HealthState)],
    #[case] moved: &[(&str, u16)],
    #[case] new: &[(&str, u16)],
    #[case] gone: &[(&str, u16)],
) {
    let change = plan(&wanted(wish), &registered(there));
    assert_eq!(
        (ports(&change.moved), ports(&change.new), ports(&change.gone)),
        (moved.to_vec(), new.to_vec(), gone.to_vec())
    );
}

#[test]
fn a_zone_that_aws_does_not_tell_is_no_difference() {
    let outside = Target { zone: Some("all".to_owned()), ..target("192.0.2.1", 80) };
    let wish = BTreeMap::from([(outside, "pod".to_owned())]);
    assert!(plan(&wish, &registered(&[("192.0.2.1", 80, Healthy)])).is_empty());
}
