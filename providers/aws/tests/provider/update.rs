//! Whatever the wish was before, what exists is what the present wish takes.

use std::time::Duration;

use crate::stage::{AWS, Stage, nodes, registered, service, web};
use landfall_aws::api::Action;
use landfall_core::annotations::SOURCE_RANGES;
use landfall_core::ids::ProviderName;
use landfall_core::model::DesiredLb;
use landfall_core::net::Protocol;
use landfall_core::provider::Provider as _;
use landfall_core::testing;
use landfall_testkit::aws::fake::FakeAws;
use proptest::prelude::*;
use rstest::rstest;

/// Annotations that users come and go with, by their last part.
const SETTINGS: [(&str, &str); 13] = [
    ("attributes", "load_balancing.cross_zone.enabled=true"),
    ("target-group-attributes", "deregistration_delay.timeout_seconds=30"),
    ("proxy-protocol", "*"),
    ("listener-attributes.TCP-80", "tcp.idle_timeout.seconds=400"),
    ("additional-resource-tags", "team=a,cost-centre=42"),
    ("additional-resource-tags", "team=b"),
    ("scheme", "internet-facing"),
    ("ip-address-type", "dualstack"),
    ("healthcheck-interval", "30"),
    ("minimum-load-balancer-capacity", "CapacityUnits=1000"),
    ("inbound-sg-rules-on-private-link-traffic", "off"),
    ("enable-icmp-for-path-mtu-discovery", "on"),
    ("subnets", "private-a,private-b"),
];

fn annotated(desired: DesiredLb, (key, value): (&str, &str)) -> DesiredLb {
    desired.with(|member| member.annotated(&format!("{AWS}{key}"), value))
}

/// What an account has in which nothing else was ever wished for.
async fn fresh(desired: &DesiredLb) -> Vec<String> {
    let stage = Stage::new();
    stage.converge(desired).await;
    stage.picture()
}

#[rstest]
#[tokio::test(start_paused = true)]
async fn an_annotation_that_comes_and_goes_leaves_nothing_behind(
    #[values(0, 1, 2, 3, 4, 5, 7, 8, 9, 10, 12)] setting: usize,
) {
    let stage = Stage::new();
    stage.converge(&web()).await;
    let plain = stage.picture();
    let with = annotated(web(), SETTINGS[setting]);
    let plan = stage.provider.plan(&with).await.unwrap();
    assert!(!plan.is_empty(), "{:?} changes something", SETTINGS[setting]);
    assert_eq!(stage.ensure(&with).await.steps, plan.steps);
    assert_eq!(stage.picture(), fresh(&with).await);
    stage.converge(&web()).await;
    assert_eq!(stage.picture(), plain);
    assert_eq!(stage.aws.count(Action::CreateLoadBalancer), 1, "all of it is changed in place");
}

#[tokio::test(start_paused = true)]
async fn tags_that_others_set_stay() {
    use landfall_aws::api::elb::Elb as _;
    let stage = Stage::new();
    stage.converge(&annotated(web(), SETTINGS[4])).await;
    let arn = stage.aws.balancers()[0].it.arn.to_string();
    let theirs = [("backup".to_owned(), "daily".to_owned())].into();
    stage.aws.console().add_tags(&[arn], &theirs).await.unwrap();
    let stage = stage.restarted();
    stage.converge(&web()).await;
    let tags = stage.aws.balancers().remove(0).tags;
    assert_eq!(tags.get("backup").map(String::as_str), Some("daily"));
    assert!(!tags.contains_key("team") && !tags.contains_key("cost-centre"), "{tags:?}");
}

#[tokio::test(start_paused = true)]
async fn sources_are_let_in_before_others_are_shut_out() {
    let stage = Stage::new();
    let from = |ranges: &str| {
        let ranges: Vec<_> = ranges.split(',').map(|range| range.parse().unwrap()).collect();
        web().with(|mut member| {
            member.sources = landfall_core::net::SourceRanges::from_ranges(ranges);
            member.sources_given = true;
            member.annotated(SOURCE_RANGES, "")
        })
    };
    stage.converge(&from("10.1.0.0/16,10.3.0.0/16")).await;
    let before = stage.aws.calls();
    stage.converge(&from("10.1.0.0/16,10.2.0.0/16")).await;
    let writes: Vec<Action> = stage.aws.journal()[before..]
        .iter()
        .map(|call| call.action)
        .filter(|action| action.is_write())
        .collect();
    assert_eq!(writes, [Action::AuthorizeSecurityGroupIngress, Action::RevokeSecurityGroupIngress]);
}

#[tokio::test(start_paused = true)]
async fn members_come_and_go_without_touching_the_others() {
    let group = |members: &[(&str, u16)]| {
        let members = members.iter().enumerate().map(|(age, (name, port))| {
            testing::member(name).listening(&[(Protocol::Tcp, *port)]).born(i64::try_from(age).unwrap())
        });
        testing::group(ProviderName::Aws, "shared", members.collect()).on(nodes(2))
    };
    let stage = Stage::new();
    stage.converge(&group(&[("a", 80)])).await;
    let alone = stage.picture();
    let listener = stage.aws.balancers()[0].listeners[0].clone();
    stage.converge(&group(&[("a", 80), ("b", 81)])).await;
    assert_eq!(stage.aws.balancers()[0].listeners.len(), 2);
    assert_eq!(stage.aws.balancers()[0].listeners[0], listener);
    // One whose wish cannot be read for now keeps what it has.
    let picture = stage.picture();
    let refused = group(&[("a", 80)]).retaining(testing::member("b").as_ref());
    stage.converge(&refused).await;
    let without_mark = |lines: Vec<String>| -> Vec<String> {
        lines.into_iter().filter(|line| !line.contains("landfall.dev/applied")).collect()
    };
    assert_eq!(without_mark(stage.picture()), without_mark(picture));
    stage.converge(&group(&[("a", 80)])).await;
    assert_eq!(stage.picture(), alone);
}

#[derive(Debug, Clone)]
struct Way {
    settings: Vec<usize>,
    ports: Vec<(Protocol, u16)>,
    nodes: u16,
    local: bool,
}

impl Way {
    fn desired(&self) -> DesiredLb {
        let base = web().on(nodes(self.nodes)).with(|member| {
            let member = member.listening(&self.ports);
            if self.local { member.local(32_000) } else { member }
        });
        self.settings.iter().fold(base, |desired, setting| annotated(desired, SETTINGS[*setting]))
    }
}

fn any_way() -> impl Strategy<Value = Way> {
    let settings = prop::collection::btree_set(0..SETTINGS.len(), 0..4);
    let ports = prop::collection::btree_set(
        (prop::sample::select(vec![Protocol::Tcp, Protocol::Udp]), 80u16..83),
        1..4,
    );
    (settings, ports, 1u16..5, any::<bool>()).prop_map(|(settings, ports, nodes, local)| Way {
        settings: settings.into_iter().collect(),
        // TCP and UDP on one number need one node port for both.
        ports: one_protocol_per_number(ports),
        nodes,
        local,
    })
}

fn one_protocol_per_number(ports: impl IntoIterator<Item = (Protocol, u16)>) -> Vec<(Protocol, u16)> {
    let by_number: std::collections::BTreeMap<u16, Protocol> =
        ports.into_iter().map(|(protocol, port)| (port, protocol)).collect();
    by_number.into_iter().map(|(port, protocol)| (protocol, port)).collect()
}

/// Source NAT for UDP over IPv6 is asked for apart; without it AWS takes no such listener.
fn is_possible(provider: &Stage, desired: &DesiredLb) -> bool {
    provider.provider.validate(desired).is_empty()
}

/// What is in the account, without names and what is told of them. One all of whose zones changed their subnet has a
/// successor, with names of its own.
fn nameless(stage: &Stage) -> Vec<String> {
    let balancers = stage.aws.balancers();
    let groups = stage.aws.groups().into_iter().map(|group| group.it.name);
    let names = balancers.iter().map(|balancer| balancer.it.name.clone()).chain(groups);
    let told = balancers.iter().filter_map(|balancer| balancer.tags.get("landfall.dev/applied").cloned());
    let words: Vec<String> = names.chain(told).collect();
    let without = |line: String| words.iter().fold(line, |line, word| line.replace(word.as_str(), "?"));
    let mut lines: Vec<String> = stage.picture().into_iter().map(without).collect();
    lines.sort();
    lines
}

/// What is in two accounts, with names if the load balancers have the same.
fn pictures(one: &Stage, other: &Stage) -> [Vec<String>; 2] {
    let name = |stage: &Stage| stage.aws.balancers()[0].it.name.clone();
    let look = if name(one) == name(other) { Stage::picture } else { nameless };
    [look(one), look(other)]
}

/// Not one zone keeps its subnet: whoever serves cannot become what is wanted.
#[tokio::test(start_paused = true)]
async fn other_subnets_in_all_zones_take_a_successor() {
    let public = annotated(web(), SETTINGS[6]);
    let private = annotated(public.clone(), SETTINGS[12]);
    let (stage, new) = (Stage::new(), Stage::new());
    new.converge(&private).await;
    stage.converge(&public).await;
    stage.outlast(&private).await;
    assert_eq!(nameless(&stage), nameless(&new));
    assert_ne!(stage.aws.balancers()[0].it.name, new.aws.balancers()[0].it.name);
}

fn paused<F: Future>(future: F) -> F::Output {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
    runtime.block_on(future)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_way_leads_to_what_the_last_wish_takes(ways in prop::collection::vec(any_way(), 1..5), slow in any::<bool>()) {
        paused(async {
            let aws = FakeAws::new();
            let empty = Stage::on(aws.clone()).picture();
            if slow {
                aws.slow_down(Duration::from_secs(90));
            }
            let stage = Stage::on(aws);
            let ways: Vec<DesiredLb> = ways.iter().map(Way::desired).filter(|it| is_possible(&stage, it)).collect();
            let Some((last, before)) = ways.split_last() else { return Ok(()) };
            for desired in before {
                // Not waited for, and not always possible at once: the next wish comes anyway.
                let _ = stage.provider.ensure(desired).await;
            }
            stage.outlast(last).await;
            let new = Stage::new();
            new.converge(last).await;
            let [have, need] = pictures(&stage, &new);
            prop_assert_eq!(have, need);
            prop_assert!(stage.provider.plan(last).await.unwrap().is_empty());
            stage.release(&last.id).await;
            prop_assert_eq!(stage.picture(), empty);
            Ok(())
        })?;
    }
}

#[tokio::test(start_paused = true)]
async fn what_another_leader_changed_is_seen_in_the_next_term() {
    let stage = Stage::new();
    stage.converge(&web()).await;
    tokio::time::sleep(Duration::from_mins(1)).await;
    // Another process leads: it serves one more node, and a Service more.
    let (other, more) = (stage.restarted(), service("more").on(nodes(4)));
    other.provider.begin_term();
    other.converge(&web().on(nodes(4))).await;
    other.converge(&more).await;
    stage.provider.begin_term();
    stage.release(&web().id).await;
    assert!(stage.picture().iter().any(|line| line.contains("backend")), "another one needs it");
    stage.provider.begin_term();
    let outcome = stage.converge(&more).await;
    assert_eq!(outcome.problems, []);
    stage.converge(&more.clone().on(nodes(3))).await;
    assert_eq!(registered(&stage.aws.groups()[0]).len(), 3);
}

#[tokio::test(start_paused = true)]
async fn other_prefixes_for_source_nat_are_set_in_place() {
    let stage = Stage::new();
    let wish = |prefix: &str| {
        let all = [
            ("ip-address-type", "dualstack"),
            ("subnets", "private-a"),
            ("enable-prefix-for-ipv6-source-nat", "on"),
            ("source-nat-ipv6-prefixes", prefix),
        ];
        all.into_iter().fold(web(), annotated)
    };
    let prefixes = || stage.aws.balancers()[0].it.zones[0].source_nat_prefixes.clone();
    let (one, other) = ("2001:db8:1:0:1::/80", "2001:db8:1:0:2::/80");
    for (asked, told, calls) in [
        (one, one, 0),
        (other, other, 1),
        ("2001:0db8:1:0:2:0:0:0/80", other, 0),
        ("auto_assigned", other, 0),
    ] {
        let before = stage.aws.count(Action::SetSubnets);
        stage.converge(&wish(asked)).await;
        assert_eq!(prefixes(), [told]);
        assert_eq!(stage.aws.count(Action::SetSubnets) - before, calls, "{asked}");
    }
    assert_eq!(stage.aws.count(Action::CreateLoadBalancer), 1);
}
