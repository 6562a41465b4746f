//! A load balancer that was there before us.

use super::*;
use crate::api::ids::LoadBalancerArn;
use crate::handover::OVERLAP;
use crate::testing::arn_of;

/// A load balancer that somebody else made, with a listener on our port.
fn adoptable() -> (Wanted, Observed) {
    let mut wanted = wish();
    wanted.balancer.adopt = Some(LoadBalancerArn::from("arn:lb/theirs"));
    wanted.balancer.subnets.clear();
    wanted.groups[0].attributes.clear();
    let mut theirs = wish();
    theirs.balancer.name = "theirs".to_owned();
    theirs.frontend = None;
    theirs.backend = None;
    theirs.balancer.given_groups = vec![SecurityGroupId::from("sg-theirs")];
    theirs.balancer.attributes.insert(CROSS_ZONE.to_owned(), "true".to_owned());
    theirs.listeners[0].group = "theirs".to_owned();
    let mut observed = made(&theirs);
    observed.groups.clear();
    let balancer = &mut observed.balancers[0];
    balancer.tags.clear();
    balancer.details.as_mut().unwrap().listeners[0].tags.clear();
    (wanted, observed)
}

#[test]
fn taking_over_adds_and_replaces_nothing_else() {
    let (wanted, observed) = adoptable();
    let plan = plan(&wanted, &observed);
    let about = |kind: &str| plan.iter().filter(|line| line.contains(kind)).cloned().collect::<Vec<_>>();
    assert_eq!(
        about("load balancer theirs |"),
        ["~ load balancer theirs | securityGroups: [\"sg-theirs\"] → [\"sg-theirs\",\"front\",\"back\"]"]
    );
    assert_eq!(about("listener theirs:80 |"), ["~ listener theirs:80 | targetGroup: arn:tg/theirs → web-80"]);
    let all = changes(&wanted, &observed);
    let Change::Tags(first) = &all[0] else { panic!("{all:?}") };
    assert!(marks::is_adopted(&first.set), "it is marked before anything is done to it");
    let retag = all.iter().find_map(|change| match change {
        Change::Tags(retag) if matches!(retag.of[0], TagRef::Listener(_)) => Some(retag),
        _ => None,
    });
    assert_eq!(marks::original_of(&retag.unwrap().set), Some(arn_of("theirs")));
}

#[test]
fn a_listener_that_was_taken_over_keeps_its_certificates() {
    let (mut wanted, mut observed) = adoptable();
    let wish = &mut wanted.listeners[0];
    wish.protocol = NlbProtocol::Tls;
    wish.certificates = vec!["c1".to_owned(), "c2".to_owned()];
    let theirs = &mut observed.balancers[0].details.as_mut().unwrap().listeners[0];
    theirs.it.spec.protocol = Some(NlbProtocol::Tls);
    theirs.it.spec.certificate = Some("c1".to_owned());
    theirs.certificates = ["c3".to_owned()].into();
    let plan = plan(&wanted, &observed);
    let certificates: Vec<_> = plan.iter().filter(|line| line.contains("certificates")).collect();
    assert_eq!(certificates, ["~ listener theirs:80 | certificates: c2"]);
}

#[test]
fn groups_of_ours_leave_one_that_was_taken_over_when_nobody_wants_them() {
    let (mut wanted, observed) = adoptable();
    let ours = made(&wish());
    let mut balancer = observed.balancers[0].clone();
    balancer.tags = wanted.balancer.tags.clone();
    balancer.tags.extend(marks::adopted(noon()));
    balancer.it.security_groups = ["sg-theirs", "sg-front", "sg-back"].map(SecurityGroupId::from).into();
    wanted.frontend = None;
    let observed = Observed { balancers: vec![balancer], ..ours };
    let plan = plan(&wanted, &observed);
    let expected = "~ load balancer theirs | securityGroups: [\"sg-theirs\",\"sg-front\",\"sg-back\"] → \
                    [\"sg-theirs\",\"sg-back\"]";
    assert!(plan.iter().any(|line| line == expected), "{plan:#?}");
}

#[test]
fn what_was_taken_over_is_given_back_and_not_deleted() {
    let (wanted, mut observed) = adoptable();
    let balancer = &mut observed.balancers[0];
    balancer.tags = wanted.balancer.tags.clone();
    balancer.tags.extend(marks::adopted(noon()));
    let listener = &mut balancer.details.as_mut().unwrap().listeners[0];
    listener.tags = wanted.listeners[0].tags.clone();
    listener.tags.extend(marks::original(&arn_of("theirs")));
    listener.it.spec.forward = Some(arn_of("web-80"));
    // Another one serves by now, and the annotation is gone.
    let own = made(&wish());
    observed.balancers.extend(own.balancers.clone());
    let mut observed = Observed { balancers: observed.balancers, ..own };
    supersede(&mut observed, OVERLAP);
    let plan = plan(&wish(), &observed);
    assert!(plan.iter().any(|line| line.contains("listener theirs:80 | targetGroup")), "{plan:?}");
    assert!(!plan.iter().any(|line| line.starts_with('-')), "{plan:?}");
}
