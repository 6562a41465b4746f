use super::*;
use crate::error::Category;
use crate::ids::ServiceKey;
use crate::model::RefusedPort;
use crate::net::Protocol;
use crate::outcome::{Problem, UnhealthyTarget};
use crate::testing::member;
use rstest::rstest;
use std::time::Duration;

fn both() -> Outcome {
    Outcome::ready(vec![
        Ingress::vip("192.0.2.1".parse().unwrap()),
        Ingress::vip("2001:db8::1".parse().unwrap()),
    ])
}

fn time(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

#[test]
fn a_member_shows_only_its_families() {
    let shown = ingress(&member("web"), &both());
    assert_eq!(shown.len(), 1);
    assert_eq!(shown[0].ip.as_deref(), Some("192.0.2.1"));
    assert_eq!(shown[0].ip_mode.as_deref(), Some("VIP"));
    assert_eq!(shown[0].ports, None, "no error, no list of ports");
}

#[test]
fn a_port_in_error_lists_every_port() {
    let mut member = member("web");
    let key = PortKey { port: 443, protocol: Protocol::Tcp };
    member.refused_ports = vec![RefusedPort { key, holder: ServiceKey::new("default", "old") }];
    let ports = ingress(&member, &both())[0].ports.clone().unwrap();
    assert_eq!(
        ports.iter().map(|p| (p.port, p.error.as_deref())).collect::<Vec<_>>(),
        [(80, None), (443, Some("landfall.dev/PortConflict"))]
    );
    let verdict = programmed(&member, &both());
    assert!(verdict.good && verdict.message.contains("default/old"), "{verdict:?}");
}

#[test]
fn phases_become_conditions() {
    let mut outcome = both();
    assert_eq!(programmed(&member("web"), &outcome).reason, "Programmed");
    outcome.phase = Phase::Provisioning { poll: Duration::from_secs(1) };
    let verdict = programmed(&member("web"), &outcome);
    assert!(!verdict.good);
    assert_eq!(verdict.reason, "Provisioning");
    outcome.phase = Phase::Degraded { category: Category::new("NoTargets"), message: "no nodes".into() };
    let verdict = programmed(&member("web"), &outcome);
    assert!(verdict.good);
    assert_eq!(verdict.reason, "NoTargets");
}

fn health(member: &str, targets: &[(&str, Option<bool>)]) -> TargetHealth {
    let key = PortKey { port: 80, protocol: Protocol::Tcp };
    let mut health = TargetHealth::none(ServiceKey::new("default", member), key);
    for &(name, healthy) in targets {
        health.add(
            healthy,
            UnhealthyTarget { target: name.to_owned(), reason: Some("Target.Timeout".to_owned()) },
        );
    }
    health
}

#[rstest]
#[case(&[], "Programmed", "the load balancer is in place")]
#[case(&[("n1", Some(true)), ("n2", Some(true))], "Programmed", "the load balancer is in place")]
#[case(&[("n1", Some(true)), ("n2", None)], "Programmed", "the load balancer is in place; 80/TCP: 1 of 2 targets healthy")]
#[case(
    &[("n1", Some(true)), ("n2", Some(false))],
    "Programmed",
    "the load balancer is in place; 80/TCP: 1 of 2 targets healthy (n2 Target.Timeout)"
)]
#[case(
    &[("n1", Some(false)), ("n2", Some(false)), ("n3", Some(false)), ("n4", Some(false)), ("n5", Some(false))],
    "NoHealthyTargets",
    "the load balancer is in place; 80/TCP: 0 of 5 targets healthy (n1 Target.Timeout, n2 Target.Timeout, n3 \
     Target.Timeout, 2 more)"
)]
#[case(
    &[("n1", Some(false)), ("n2", None)],
    "Programmed",
    "the load balancer is in place; 80/TCP: 0 of 2 targets healthy (n1 Target.Timeout)"
)]
fn unhealthy_targets_are_told(
    #[case] targets: &[(&str, Option<bool>)],
    #[case] reason: &str,
    #[case] message: &str,
) {
    let mut outcome = both();
    outcome.targets = vec![health("web", targets), health("other", &[("x", Some(false))])];
    let verdict = programmed(&member("web"), &outcome);
    assert_eq!((verdict.reason.as_str(), verdict.message.as_str(), verdict.good), (reason, message, true));
}

#[test]
fn problems_of_other_members_stay_with_them() {
    let mut outcome = both();
    outcome.problems.push(Problem {
        member: Some(ServiceKey::new("default", "other")),
        port: Some(PortKey { port: 80, protocol: Protocol::Tcp }),
        category: Category::new("Broken"),
        message: "other is broken".into(),
    });
    assert_eq!(ingress(&member("web"), &outcome)[0].ports, None);
    assert!(!programmed(&member("web"), &outcome).message.contains("broken"));
}

#[test]
fn foreign_conditions_stay_and_time_moves_only_with_the_status() {
    let foreign = Condition {
        type_: "example.com/Fine".into(),
        status: "True".into(),
        reason: "X".into(),
        message: String::new(),
        last_transition_time: Time(time(1)),
        observed_generation: None,
    };
    let bad = [Verdict::new(PROGRAMMED, false, "Provisioning", "wait")];
    let first = with_verdicts(vec![foreign.clone()], &bad, time(10));
    assert_eq!(first[0], foreign);
    let worse = [Verdict::new(PROGRAMMED, false, "Throttled", "wait longer")];
    let second = with_verdicts(first.clone(), &worse, time(20));
    assert_eq!((second[1].reason.as_str(), second[1].last_transition_time.0), ("Throttled", time(10)));
    let good = [Verdict::new(PROGRAMMED, true, "Programmed", "")];
    let third = with_verdicts(second, &good, time(30));
    assert_eq!(third[1].last_transition_time.0, time(30));
    assert_eq!(with_verdicts(third.clone(), &good, time(40)), third, "nothing new, nothing changes");
    assert_eq!(without_verdicts(third), [foreign]);
}

#[test]
fn a_missing_ip_mode_compares_equal_to_the_servers_default() {
    let stored = vec![LoadBalancerIngress { ip: Some("192.0.2.1".into()), ..LoadBalancerIngress::default() }];
    assert_eq!(normalised(stored), ingress(&member("web"), &both()));
}

#[test]
fn required_families_must_all_be_there() {
    let v4_only = Outcome::ready(vec![Ingress::vip("192.0.2.1".parse().unwrap())]);
    let dual = |policy| member("web").stack(&IpFamily::BOTH, policy);
    assert!(!families_served(&dual(FamilyPolicy::RequireDualStack), &v4_only));
    assert!(families_served(&dual(FamilyPolicy::PreferDualStack), &v4_only));
    assert!(families_served(&dual(FamilyPolicy::RequireDualStack), &both()));
}
