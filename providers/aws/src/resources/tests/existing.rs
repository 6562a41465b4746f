//! Which of the load balancers that are there becomes what is wanted, and what its successor is called.

use jiff::{SignedDuration, Timestamp};
use landfall_core::names::HASH_LENGTH;

use super::*;
use crate::api::elb::{BalancerState, ZoneMapping};
use crate::api::ids::LoadBalancerArn;
use crate::names::GroupIdentity;

/// The name that is asked for where one is.
const ASKED: &str = "shop";

/// What a load balancer is called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Called {
    /// As generated for what is wanted.
    Generated,
    /// As generated for something of the same Service that was made with other addresses.
    GeneratedOnce,
    /// As generated for a successor in other subnets.
    Settled,
    /// As asked for.
    Asked,
    /// As generated for a successor of the one that is called as asked for.
    Beside,
    /// The same, of one that was made with other addresses.
    BesideOnce,
    /// Of another Service.
    Otherwise,
}

use Called::{Asked, Beside, BesideOnce, Generated, GeneratedOnce, Otherwise, Settled};

/// A load balancer that is there: internal, guarded, active, in the subnets wanted, without fixed addresses.
#[derive(Debug, Clone, Copy)]
struct There {
    called: Called,
    scheme: Scheme,
    guarded: bool,
    state: fn() -> BalancerState,
    /// Zones, each with the end of its subnet's name and its fixed address.
    zones: &'static [(&'static str, &'static str, Option<&'static str>)],
    days: i64,
    superseded: bool,
}

const WANTED: &[(&str, &str, Option<&str>)] = &[("a", "a", None), ("b", "b", None)];
const ELSEWHERE: &[(&str, &str, Option<&str>)] = &[("a", "a2", None), ("b", "b2", None)];
const FIXED: &[(&str, &str, Option<&str>)] = &[("a", "a", Some("eipalloc-1")), ("b", "b", None)];

fn there(called: Called) -> There {
    let state = || BalancerState::Active;
    let scheme = Scheme::Internal;
    There { called, scheme, guarded: true, state, zones: WANTED, days: 1, superseded: false }
}

impl There {
    fn public(self) -> Self {
        Self { scheme: Scheme::InternetFacing, ..self }
    }

    fn open(self) -> Self {
        Self { guarded: false, ..self }
    }

    fn provisioning(self) -> Self {
        Self { state: || BalancerState::Provisioning, ..self }
    }

    fn aged(self, days: i64) -> Self {
        Self { days, ..self }
    }

    fn superseded(self) -> Self {
        Self { superseded: true, ..self }
    }

    fn at(self, zones: &'static [(&'static str, &'static str, Option<&'static str>)]) -> Self {
        Self { zones, ..self }
    }

    fn made(self, desired: &DesiredLb, subnets: &[SubnetMapping]) -> LoadBalancer {
        let name = name(self.called, desired, subnets);
        let zone = |(zone, subnet, address): &(&str, &str, Option<&str>)| ZoneMapping {
            zone: (*zone).to_owned(),
            subnet: SubnetId::new(format!("subnet-{subnet}")),
            allocation: address.map(str::to_owned),
            private_ipv4: None,
            ipv6: None,
            source_nat_prefixes: Vec::new(),
        };
        LoadBalancer {
            arn: LoadBalancerArn::new(format!("arn:lb/{name}")),
            dns_name: format!("{name}.example"),
            name,
            kind: "network".to_owned(),
            scheme: self.scheme,
            state: (self.state)(),
            vpc: VpcId::from("vpc-1"),
            address_type: AddressType::Ipv4,
            security_groups: self.guarded.then(|| SecurityGroupId::from("sg-1")).into_iter().collect(),
            zones: self.zones.iter().map(zone).collect(),
            private_link_rules: None,
            source_nat: false,
            created: Some(Timestamp::UNIX_EPOCH - SignedDuration::from_hours(24 * self.days)),
        }
    }
}

fn name(called: Called, desired: &DesiredLb, subnets: &[SubnetMapping]) -> String {
    let cluster = cluster();
    let names = Names { cluster: &cluster, lb: &desired.id };
    let fixed = Fixed { scheme: Scheme::Internal, guarded: true, subnets, settled: false };
    let once = |name: String| format!("{}{}", names::label(&name), "0".repeat(HASH_LENGTH));
    match called {
        Generated => names.balancer(fixed),
        GeneratedOnce => once(names.balancer(fixed)),
        Settled => names.balancer(Fixed { settled: true, ..fixed }),
        Asked => ASKED.to_owned(),
        Beside => names.beside(ASKED, fixed),
        BesideOnce => once(names.beside(ASKED, fixed)),
        Otherwise => format!("lf-default-api-{}", "0".repeat(HASH_LENGTH)),
    }
}

/// A wish with these load balancers there.
fn wanted_with(asked: Option<&str>, adopt: Option<&str>, all: &[There]) -> (DesiredLb, Wanted) {
    let desired = web();
    let (mut settings, mut facts) = (settings(&desired), facts(&desired));
    settings.balancer.name = asked.map(str::to_owned);
    settings.balancer.adopt = adopt.map(LoadBalancerArn::from);
    for it in all {
        let made = it.made(&desired, &facts.subnets);
        facts.superseded.extend(it.superseded.then(|| made.arn.clone()));
        facts.existing.push(made);
    }
    let wanted = wanted(&cluster(), &desired, &settings, &facts);
    (desired, wanted)
}

/// The name of the target group of that wish if its load balancer is called so.
fn group_of(desired: &DesiredLb, balancer: &str) -> String {
    let cluster = cluster();
    let of = GroupIdentity {
        balancer,
        member: &desired.members[0].as_ref(),
        port: 80,
        listener: NlbProtocol::Tcp,
        protocol: NlbProtocol::Tcp,
        targets: GroupTargets::Instance,
        family: IpFamily::V4,
    };
    Names { cluster: &cluster, lb: &desired.id }.group(&of)
}

#[rstest]
#[case::none(&[], Generated)]
#[case::it_is_there(&[there(Generated)], Generated)]
#[case::one_of_another_service(&[there(Otherwise)], Generated)]
#[case::made_with_other_addresses_that_went(&[there(GeneratedOnce)], GeneratedOnce)]
#[case::has_another_address(&[there(GeneratedOnce).at(FIXED)], Generated)]
#[case::another_scheme(&[there(GeneratedOnce).public()], Generated)]
#[case::no_security_groups(&[there(GeneratedOnce).open()], Generated)]
#[case::would_have_to_leave_all_its_zones(&[there(GeneratedOnce).at(ELSEWHERE)], Generated)]
#[case::the_same_and_it_has_the_name(&[there(Generated).at(ELSEWHERE)], Settled)]
#[case::its_successor_is_there(&[there(Generated).at(ELSEWHERE), there(Settled)], Settled)]
#[case::its_successor_took_over(&[there(Generated).at(ELSEWHERE).superseded(), there(Settled)], Settled)]
#[case::back_to_the_subnets_of_before(&[there(Generated).superseded(), there(Settled).at(ELSEWHERE)], Generated)]
#[case::the_older_of_two(&[there(Generated).aged(1), there(GeneratedOnce).aged(2)], GeneratedOnce)]
#[case::whatever_the_list_begins_with(&[there(GeneratedOnce).aged(2), there(Generated).aged(1)], GeneratedOnce)]
#[case::the_one_that_took_over(&[there(GeneratedOnce).aged(2).superseded(), there(Generated).aged(1)], Generated)]
#[case::the_one_that_serves(&[there(GeneratedOnce).aged(2).provisioning(), there(Generated).aged(1)], Generated)]
fn one_that_nobody_named(#[case] all: &[There], #[case] expected: Called) {
    let (desired, wanted) = wanted_with(None, None, all);
    let expected = name(expected, &desired, &wanted.balancer.subnets);
    assert_eq!((&wanted.balancer.name, &wanted.balancer.beside), (&expected, &None));
    assert_eq!(wanted.groups[0].name, group_of(&desired, &expected));
}

/// The name of its successor, should there have to be one, and the one that is wanted, which its target groups are for.
#[rstest]
#[case::none(&[], Beside, Asked)]
#[case::it_is_there(&[there(Asked)], Beside, Asked)]
#[case::from_before_the_name_was_asked_for(&[there(Generated)], Beside, Asked)]
#[case::its_successor_is_to_be_made(&[there(Asked).public()], Beside, Beside)]
#[case::the_same_without_security_groups(&[there(Asked).open()], Beside, Beside)]
#[case::the_same_with_another_address(&[there(Asked).at(FIXED)], Beside, Beside)]
#[case::its_successor_is_there(&[there(Asked).public(), there(Beside)], Beside, Beside)]
#[case::its_successor_is_left(&[there(Beside)], Beside, Beside)]
#[case::its_successor_was_made_with_other_addresses(&[there(BesideOnce)], BesideOnce, BesideOnce)]
#[case::and_cannot_become_what_is_wanted(&[there(BesideOnce).public()], Beside, Asked)]
#[case::nor_can_the_one_that_has_the_name(&[there(Asked).public(), there(BesideOnce).open()], Beside, Beside)]
#[case::the_older_of_two(&[there(Asked).aged(2), there(Beside).aged(1)], Beside, Asked)]
#[case::the_one_that_took_over(&[there(Asked).aged(2).superseded(), there(Beside).aged(1)], Beside, Beside)]
#[case::the_one_that_serves(&[there(Asked).aged(2).provisioning(), there(Beside).aged(1)], Beside, Beside)]
#[case::stays_where_it_would_have_to_leave_all_its_zones(&[there(Asked).at(ELSEWHERE)], Beside, Asked)]
fn one_that_has_a_name(#[case] all: &[There], #[case] beside: Called, #[case] identity: Called) {
    let (desired, wanted) = wanted_with(Some(ASKED), None, all);
    let named = |called| name(called, &desired, &wanted.balancer.subnets);
    assert_eq!(
        (wanted.balancer.name.as_str(), wanted.balancer.beside.as_ref()),
        (ASKED, Some(&named(beside)))
    );
    assert_eq!(wanted.groups[0].name, group_of(&desired, &named(identity)));
}

#[rstest]
#[case::alone(&[], None)]
#[case::beside_one_of_ours(&[there(Generated)], None)]
#[case::with_a_name_besides(&[there(Asked)], Some(ASKED))]
fn target_groups_of_one_that_is_taken_over_are_its_own(#[case] all: &[There], #[case] asked: Option<&str>) {
    let (desired, wanted) = wanted_with(asked, Some("arn:lb/theirs"), all);
    assert_eq!(wanted.groups[0].name, group_of(&desired, "arn:lb/theirs"));
}
