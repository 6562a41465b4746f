//! Which changes there are, and in which order.

mod adoption;
mod guards;
mod replacement;
mod reshape;

use jiff::SignedDuration;
use landfall_core::net::IpFamily;
use rstest::rstest;

use super::*;
use crate::api::Tags;
use crate::api::ec2::Allow;
use crate::api::elb::{AddressType, NlbProtocol};
use crate::api::ids::SecurityGroupId;
use crate::defaults::{CROSS_ZONE, DELETION_PROTECTION};
use crate::testing::{group, listener, made, made_listener, member, noon, rule, subnet, target, wish};

fn changes(wanted: &Wanted, observed: &Observed) -> Vec<Change> {
    diff(wanted, observed, noon()).unwrap()
}

/// The plan as people read it, a step per line, without tags.
fn plan(wanted: &Wanted, observed: &Observed) -> Vec<String> {
    let steps = changes(wanted, observed).into_iter().flat_map(|change| change.steps());
    let line = |step: landfall_core::plan::Step| {
        let text = step.to_string();
        let lines = text.lines().map(str::trim).filter(|line| !line.starts_with("tags:"));
        lines.collect::<Vec<_>>().join(" | ")
    };
    steps.map(line).filter(|line| !line.ends_with("nlb")).collect()
}

#[test]
fn everything_is_made_in_the_order_of_references() {
    let plan = plan(&wish(), &Observed::default());
    assert_eq!(
        plan,
        [
            "+ security group back | description: load balancers | vpc: vpc-1",
            "~ security group sg-nodes | ingress: [\"tcp 30000-32767 from back\"]",
            "+ security group front | description: clients | vpc: vpc-1",
            "~ security group front | ingress: [\"tcp 80-80 from 10.0.0.0/8\"]",
            "+ target group web-80 | protocol: TCP | port: 80 | targetType: instance | ipAddressType: ipv4 | \
             healthCheck: HTTP 10256/healthz every 10 s within 6 s, 2 up, 2 down",
            "~ target group web-80 | targets: [\"i-1:30080 (n1)\"]",
            "+ load balancer nlb | scheme: internal | ipAddressType: ipv4 | subnets: [\"subnet-a\"] | \
             securityGroups: [\"front\",\"back\"]",
            "+ listener nlb:80 | protocol: TCP | targetGroup: web-80",
        ]
    );
}

#[test]
fn a_world_as_wanted_needs_nothing() {
    assert_eq!(changes(&wish(), &made(&wish())), []);
}

#[test]
fn what_was_not_read_is_not_compared() {
    let mut observed = made(&wish());
    observed.balancers[0].details = None;
    observed.groups[0].attributes = None;
    observed.groups[0].targets = None;
    observed.node_groups.clear();
    assert_eq!(changes(&wish(), &observed), []);
}

type Edit = fn(&mut Wanted);

/// Tells the compiler the type.
fn edit(edit: Edit) -> Edit {
    edit
}

#[rstest]
#[case::subnet(edit(|w| w.balancer.subnets.push(subnet("b"))),
    &["~ load balancer nlb | subnets: [\"subnet-a\"] → [\"subnet-a\",\"subnet-b\"] | ipAddressType: ipv4 | sourceNat: false"])]
#[case::dual_stack(edit(|w| w.balancer.address_type = AddressType::Dualstack),
    &["~ load balancer nlb | ipAddressType: ipv4 → dualstack"])]
#[case::given_group(edit(|w| w.balancer.given_groups.push(SecurityGroupId::from("sg-1"))),
    &["~ load balancer nlb | securityGroups: [\"sg-front\",\"sg-back\"] → [\"sg-1\",\"sg-front\",\"sg-back\"]"])]
#[case::private_link(edit(|w| w.balancer.private_link_rules = Some(false)),
    &["~ load balancer nlb | rulesOnPrivateLinkTraffic: false"])]
#[case::capacity(edit(|w| w.balancer.capacity = Some(500)),
    &["~ load balancer nlb | minimumCapacity: null → 500"])]
#[case::attribute(edit(|w| { w.balancer.attributes.insert(CROSS_ZONE.to_owned(), "true".to_owned()); }),
    &["~ load balancer nlb | load_balancing.cross_zone.enabled: true"])]
#[case::health(edit(|w| w.groups[0].health.interval = 30),
    &["~ target group web-80 | healthCheck: HTTP 10256/healthz every 10 s within 6 s, 2 up, 2 down → \
       HTTP 10256/healthz every 30 s within 6 s, 2 up, 2 down"])]
#[case::group_attribute(edit(|w| { w.groups[0].attributes.insert("proxy_protocol_v2.enabled".to_owned(), "true".to_owned()); }),
    &["~ target group web-80 | proxy_protocol_v2.enabled: true"])]
#[case::attribute_at_its_default(edit(|w| { w.groups[0].attributes.insert("proxy_protocol_v2.enabled".to_owned(), "false".to_owned()); }),
    &[])]
#[case::node(edit(|w| { w.groups[0].registered.insert(target("i-2", 30_080), "n2".to_owned()); }),
    &["~ target group web-80 | targets: [\"i-2:30080 (n2)\"]"])]
#[case::node_port(edit(|w| w.groups[0].registered = [(target("i-1", 31_000), "n1".to_owned())].into()),
    &["~ target group web-80 | targets: [\"i-1:30080 (n1)\"] → (none) | targets: [\"i-1:31000 (n1)\"]"])]
#[case::another_port(edit(|w| { w.groups.push(group("web", 81)); w.listeners.push(listener("web", 81)); }),
    &["+ target group web-81 | protocol: TCP | port: 81 | targetType: instance | ipAddressType: ipv4 | \
       healthCheck: HTTP 10256/healthz every 10 s within 6 s, 2 up, 2 down",
      "~ target group web-81 | targets: [\"i-1:30081 (n1)\"]",
      "+ listener nlb:81 | protocol: TCP | targetGroup: web-81"])]
#[case::port_moves(edit(|w| { w.groups = vec![group("web", 81)]; w.listeners = vec![listener("web", 81)]; }),
    &["+ target group web-81 | protocol: TCP | port: 81 | targetType: instance | ipAddressType: ipv4 | \
       healthCheck: HTTP 10256/healthz every 10 s within 6 s, 2 up, 2 down",
      "~ target group web-81 | targets: [\"i-1:30081 (n1)\"]",
      "- listener nlb:80",
      "+ listener nlb:81 | protocol: TCP | targetGroup: web-81",
      "- target group web-80"])]
#[case::tls(edit(|w| { let it = &mut w.listeners[0]; it.protocol = NlbProtocol::Tls; it.certificates = vec!["c1".to_owned(), "c2".to_owned()]; }),
    &["~ listener nlb:80 | protocol: TCP → TLS | certificate: c1 | sslPolicy: ELBSecurityPolicy-2016-08",
      "~ listener nlb:80 | certificates: c2"])]
#[case::idle_timeout(edit(|w| { w.listeners[0].attributes.insert("tcp.idle_timeout.seconds".to_owned(), "60".to_owned()); }),
    &["~ listener nlb:80 | tcp.idle_timeout.seconds: 60"])]
#[case::sources(edit(|w| w.frontend.as_mut().unwrap().rules = [rule("web", 80, "10.1.0.0/16")].into()),
    &["~ security group sg-front | ingress: [\"tcp 80-80 from 10.1.0.0/16\"]",
      "~ security group sg-front | ingress: [\"tcp 80-80 from 10.0.0.0/8\"] → (none)"])]
#[case::rule_passes_to_another_member(edit(|w| w.frontend.as_mut().unwrap().rules = [rule("api", 80, "10.0.0.0/8")].into()),
    &["~ security group sg-front | ingress: [\"tcp 80-80 from 10.0.0.0/8\"] → (none)",
      "~ security group sg-front | ingress: [\"tcp 80-80 from 10.0.0.0/8\"]"])]
#[case::own_groups_no_more(edit(|w| { w.frontend = None; w.balancer.given_groups = vec![SecurityGroupId::from("sg-1")]; }),
    &["~ load balancer nlb | securityGroups: [\"sg-front\",\"sg-back\"] → [\"sg-1\",\"sg-back\"]",
      "- security group sg-front"])]
fn a_change_of_the_wish(#[case] edit: Edit, #[case] expected: &[&str]) {
    let observed = made(&wish());
    let mut wanted = wish();
    edit(&mut wanted);
    assert_eq!(plan(&wanted, &observed), expected);
    assert_eq!(changes(&wanted, &made(&wanted)), [], "nothing is left to do afterwards");
}

#[test]
fn taking_an_attribute_away_restores_its_default() {
    let mut before = wish();
    let keys = [CROSS_ZONE, DELETION_PROTECTION, "some.new.attribute"];
    before.balancer.attributes.extend(keys.map(|key| (key.to_owned(), "true".to_owned())));
    before.groups[0].attributes.insert("deregistration_delay.timeout_seconds".to_owned(), "5".to_owned());
    before.listeners[0].attributes.insert("tcp.idle_timeout.seconds".to_owned(), "60".to_owned());
    assert_eq!(
        plan(&wish(), &made(&before)),
        [
            "~ target group web-80 | deregistration_delay.timeout_seconds: 5 → 300",
            "~ listener nlb:80 | tcp.idle_timeout.seconds: 60 → 350",
            "~ load balancer nlb | load_balancing.cross_zone.enabled: true → false",
        ]
    );
}

#[test]
fn certificates_are_added_before_others_go() {
    let tls = |certificates: &[&str]| {
        let mut wanted = wish();
        let listener = &mut wanted.listeners[0];
        listener.protocol = NlbProtocol::Tls;
        listener.certificates = certificates.iter().map(|arn| (*arn).to_owned()).collect();
        listener.ssl_policy = Some("policy".to_owned());
        wanted
    };
    assert_eq!(
        plan(&tls(&["c1", "c3"]), &made(&tls(&["c1", "c2"]))),
        ["~ listener nlb:80 | certificates: c3", "~ listener nlb:80 | certificates: c2 → (none)"]
    );
    let mut without = tls(&["c1"]);
    without.listeners[0].ssl_policy = None;
    assert_eq!(
        plan(&without, &made(&tls(&["c1"]))),
        ["~ listener nlb:80 | sslPolicy: policy → ELBSecurityPolicy-2016-08"],
        "a policy that is not told stays"
    );
}

#[test]
fn ipv6_goes_only_when_no_listener_needs_it() {
    let mut before = wish();
    before.balancer.address_type = AddressType::Dualstack;
    before.listeners[0].group = "web-80-v6".to_owned();
    before.groups[0].name = "web-80-v6".to_owned();
    before.groups[0].family = IpFamily::V6;
    let plan = plan(&wish(), &made(&before));
    let at = |text: &str| plan.iter().position(|line| line.contains(text)).unwrap();
    assert!(at("~ listener nlb:80 | targetGroup: web-80-v6 → web-80") < at("dualstack → ipv4"), "{plan:#?}");
    assert!(at("dualstack → ipv4") < at("- target group web-80-v6"), "{plan:#?}");
}

#[test]
fn ipv6_that_no_listener_needs_goes_before_udp_comes() {
    let mut before = wish();
    before.balancer.address_type = AddressType::Dualstack;
    let mut wanted = wish();
    wanted.groups[0].name = "web-80-udp".to_owned();
    wanted.groups[0].protocol = NlbProtocol::Udp;
    wanted.listeners[0].group = "web-80-udp".to_owned();
    wanted.listeners[0].protocol = NlbProtocol::Udp;
    let plan = plan(&wanted, &made(&before));
    let at = |text: &str| plan.iter().position(|line| line.contains(text)).unwrap();
    assert!(at("dualstack → ipv4") < at("protocol: TCP → UDP"), "{plan:#?}");
}

#[test]
fn tags_of_others_stay_and_ours_go() {
    let mut before = wish();
    before.balancer.tags.insert("team".to_owned(), "a".to_owned());
    let mut observed = made(&before);
    let has = &mut observed.balancers[0].tags;
    *has = tags::with_memory(&before.balancer.tags);
    has.extend(marks::applied(&before.fingerprint()));
    has.insert("cost-centre".to_owned(), "42".to_owned());
    let retag: Vec<Change> = changes(&wish(), &observed);
    let [Change::Tags(retag)] = retag.as_slice() else { panic!("{retag:?}") };
    assert_eq!(retag.set, Tags::new());
    assert_eq!(retag.removed.iter().collect::<Vec<_>>(), [marks::ADDITIONAL, "team"]);
}

#[test]
fn equal_tags_are_set_in_one_change() {
    let mut wanted = wish();
    wanted.balancer.tags.insert("team".to_owned(), "a".to_owned());
    wanted.groups[0].tags.insert("team".to_owned(), "a".to_owned());
    let changes = changes(&wanted, &made(&wish()));
    let [Change::Tags(retag)] = changes.as_slice() else { panic!("{changes:?}") };
    assert_eq!(retag.of, [TagRef::Balancer("nlb".to_owned()), TagRef::Group("web-80".to_owned())]);
    assert_eq!(retag.set.get("team").map(String::as_str), Some("a"));
}

#[test]
fn the_mark_of_what_was_applied_is_taken_off_before_and_put_back_after() {
    let mut wanted = wish();
    wanted.listeners[0].attributes.insert("tcp.idle_timeout.seconds".to_owned(), "60".to_owned());
    let changes = changes(&wanted, &made(&wish()));
    let [Change::Tags(first), .., Change::Tags(last)] = changes.as_slice() else { panic!("{changes:?}") };
    assert_eq!(first.removed.iter().collect::<Vec<_>>(), [marks::APPLIED]);
    assert_eq!(last.set, marks::applied(&wanted.fingerprint()));
}

#[test]
fn targets_that_come_and_go_leave_the_mark_alone() {
    let mut wanted = wish();
    wanted.groups[0].registered.insert(target("i-2", 30_080), "n2".to_owned());
    assert_eq!(changes(&wanted, &made(&wish())).len(), 1);
}

#[test]
fn a_missing_mark_is_set() {
    let mut observed = made(&wish());
    observed.balancers[0].tags.remove(marks::APPLIED);
    let changes = changes(&wish(), &observed);
    let [Change::Tags(retag)] = changes.as_slice() else { panic!("{changes:?}") };
    assert_eq!(retag.set, marks::applied(&wish().fingerprint()));
}

#[test]
fn what_a_refused_member_has_stays_as_it_is() {
    let mut before = wish();
    before.groups.push(group("api", 81));
    before.listeners.push(listener("api", 81));
    before.frontend.as_mut().unwrap().rules.insert(rule("api", 81, "10.0.0.0/8"));
    let mut wanted = wish();
    wanted.retained.insert(member("api"));
    assert_eq!(plan(&wanted, &made(&before)), Vec::<String>::new());
    // Its port is not given to another, either.
    wanted.groups.push(group("web", 81));
    wanted.listeners.push(listener("web", 81));
    let plan = plan(&wanted, &made(&before));
    assert!(!plan.iter().any(|line| line.contains("listener")), "{plan:?}");
}

#[test]
fn what_a_refused_member_may_have_asked_of_the_whole_stays() {
    let mut before = wish();
    before.groups.push(group("api", 81));
    before.listeners.push(listener("api", 81));
    before.balancer.attributes.insert(CROSS_ZONE.to_owned(), "true".to_owned());
    before.balancer.capacity = Some(500);
    before.balancer.address_type = AddressType::Dualstack;
    before.balancer.private_link_rules = Some(false);
    before.balancer.subnets.push(subnet("b"));
    before.balancer.given_groups.push(SecurityGroupId::from("sg-1"));
    let mut observed = made(&before);
    let mut tags = before.balancer.tags.clone();
    tags.insert("team".to_owned(), "a".to_owned());
    observed.balancers[0].tags = tags::with_memory(&tags);
    let mut wanted = wish();
    wanted.retained.insert(member("api"));
    observed.balancers[0].tags.extend(marks::applied(&wanted.fingerprint()));
    assert_eq!(changes(&wanted, &observed), []);
    // What others ask for is done.
    wanted.balancer.attributes.insert(CROSS_ZONE.to_owned(), "false".to_owned());
    assert_eq!(
        plan(&wanted, &observed),
        ["~ load balancer nlb | load_balancing.cross_zone.enabled: true → false"]
    );
    wanted.retained.clear();
    assert!(plan(&wanted, &observed).len() > 5, "all of it is undone when the member is gone");
}

#[test]
fn a_port_that_passes_to_another_member_is_re_pointed() {
    let mut wanted = wish();
    wanted.groups = vec![group("api", 80)];
    wanted.listeners = vec![listener("api", 80)];
    let plan = plan(&wanted, &made(&wish()));
    assert_eq!(plan[2], "~ listener nlb:80 | targetGroup: web-80 → api-80");
    assert_eq!(plan.last().unwrap(), "- target group web-80");
    assert!(!plan.iter().any(|line| line.starts_with("- listener")), "{plan:?}");
}

/// Its successor took over that long ago.
fn supersede(observed: &mut Observed, ago: SignedDuration) {
    observed.balancers[0].tags.extend(marks::superseded(noon() - ago));
}

#[test]
fn strangers_are_refused_by_name() {
    let foreign = Foreign { kind: "load balancer", name: "nlb".to_owned(), owner: None };
    let observed = Observed { foreign: vec![foreign], ..Observed::default() };
    let error = diff(&wish(), &observed, noon()).unwrap_err();
    assert!(matches!(&error, AwsError::Foreign { name, .. } if name == "nlb"), "{error}");
}

#[test]
fn a_listener_of_somebody_else_on_our_port_is_refused_and_on_another_left_alone() {
    let mut observed = made(&wish());
    let mut theirs = made_listener(&listener("web", 443));
    theirs.tags.clear();
    let listeners = &mut observed.balancers[0].details.as_mut().unwrap().listeners;
    listeners.push(theirs);
    assert_eq!(changes(&wish(), &observed), []);
    let listeners = &mut observed.balancers[0].details.as_mut().unwrap().listeners;
    listeners[0].tags.clear();
    let error = diff(&wish(), &observed, noon()).unwrap_err();
    assert!(matches!(&error, AwsError::Foreign { name, .. } if name == "nlb:80"), "{error}");
}

#[test]
fn nodes_come_and_go_before_anything_else_is_tried() {
    let mut wanted = wish();
    wanted.groups[0].registered.insert(target("i-2", 30_080), "n2".to_owned());
    wanted.frontend.as_mut().unwrap().rules.insert(rule("web", 80, "192.0.2.0/24"));
    wanted.backend.as_mut().unwrap().allow.insert(Allow::Tcp(10_256, 10_256));
    let plan = plan(&wanted, &made(&wish()));
    assert_eq!(plan[0], "~ target group web-80 | targets: [\"i-2:30080 (n2)\"]");
    assert_eq!(plan.len(), 3, "{plan:#?}");
}
