//! What stays: over restarts, over changes of pools, over changes of groups.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use landfall_core::ids::ProviderName;
use landfall_core::net::Protocol;
use landfall_core::testing::{group, member};
use rstest::rstest;

use crate::support::*;

const NONE: [String; 0] = [];

#[test]
fn addresses_are_adopted_before_anything_new_is_given_out() {
    let provider = restarted(
        &[pool("a", &["192.0.2.0/30"])],
        &[with("b", |m| m.showing(&["192.0.2.0"])), with("c", |m| m.showing(&["192.0.2.2"]))],
    );
    assert_eq!(get(&provider, &web("a")), "192.0.2.1");
    assert_eq!(get(&provider, &web("b")), "192.0.2.0");
    assert_eq!(counts(&provider, "a"), "3/4 0/0");
}

#[test]
fn of_two_that_show_one_address_the_older_keeps_it() {
    let one = with("one", |m| m.born(20).showing(&["192.0.2.0"]));
    let two = with("two", |m| m.born(10).showing(&["192.0.2.0"]));
    for holders in [[one.clone(), two.clone()], [two.clone(), one.clone()]] {
        let provider = landfall_metal::MetalProvider::new();
        assert_eq!(feed(&provider, &[pool("a", &["192.0.2.0/24"])], Some(&holders)), ["one"]);
        assert_eq!((get(&provider, &one), get(&provider, &two)), ("192.0.2.1".into(), "192.0.2.0".into()));
    }
}

#[test]
fn of_two_of_one_age_the_first_by_name_keeps_it() {
    let holders = ["b", "a"].map(|name| with(name, |m| m.showing(&["192.0.2.0"])));
    let provider = restarted(&[pool("a", &["192.0.2.0/24"])], &holders);
    assert_eq!(held(&provider), ["a=192.0.2.0"]);
}

#[test]
fn two_that_may_share_keep_what_they_show() {
    let shows = |name, port| {
        with(name, |m| {
            m.annotated("metallb.io/allow-shared-ip", "k")
                .listening(&[(Protocol::Tcp, port)])
                .showing(&["192.0.2.0"])
        })
    };
    let provider = landfall_metal::MetalProvider::new();
    let holders = [shows("a", 80), shows("b", 81)];
    assert_eq!(feed(&provider, &[pool("a", &["192.0.2.0/24"])], Some(&holders)), NONE);
    assert_eq!(held(&provider), ["a=192.0.2.0", "b=192.0.2.0"]);
}

#[test]
fn a_wish_that_cannot_be_read_now_keeps_its_address_at_restart() {
    let broken = with("web", |m| m.showing(&["192.0.2.7"]).annotated("metallb.io/address-pool", ""));
    let provider = landfall_metal::MetalProvider::new();
    assert_eq!(feed(&provider, &[pool("a", &["192.0.2.0/24"])], Some(&[broken])), NONE);
    assert_eq!(held(&provider), ["web=192.0.2.7"]);
}

#[test]
fn a_shown_address_that_nobody_holds_is_taken_back() {
    let provider = fed(&[pool("a", &["192.0.2.0/24"])]);
    let lb = with("web", |m| m.showing(&["192.0.2.7"]));
    let outcome = ensure(&provider, &lb).unwrap();
    assert_eq!((ips(&outcome).as_str(), outcome.steps.len()), ("192.0.2.7", 0), "and that is no change");
    assert_eq!(counts(&provider, "a"), "1/256 0/0");
}

#[test]
fn a_shown_address_that_another_holds_is_not() {
    let provider = fed(&[pool("a", &["192.0.2.0/24"])]);
    get(&provider, &web("holder"));
    assert_eq!(get(&provider, &with("web", |m| m.showing(&["192.0.2.0"]))), "192.0.2.1");
}

#[test]
fn a_request_comes_before_what_is_shown() {
    let provider = fed(&[pool("a", &["192.0.2.0/24"])]);
    let lb = with("web", |m| m.showing(&["192.0.2.7"]).requesting(&["192.0.2.9"]));
    assert_eq!(get(&provider, &lb), "192.0.2.9");
}

#[rstest]
#[case::deleting(|p: &mut landfall_core::pools::PoolSpec| p.deleting = true)]
#[case::auto_assign_off(|p: &mut landfall_core::pools::PoolSpec| p.auto_assign = false)]
#[case::priority(|p: &mut landfall_core::pools::PoolSpec| p.priority = -100)]
#[case::avoiding(|p: &mut landfall_core::pools::PoolSpec| p.avoid_network_and_broadcast = true)]
#[case::bad_entry(|p: &mut landfall_core::pools::PoolSpec| p.addresses.push("x".into()))]
#[case::renamed(|p: &mut landfall_core::pools::PoolSpec| p.name = "z".into())]
#[case::split(|p: &mut landfall_core::pools::PoolSpec| p.addresses = vec!["192.0.2.128/25".into(), "192.0.2.0/25".into()])]
fn a_change_of_the_pool_that_forbids_nothing_moves_nobody(
    #[case] change: fn(&mut landfall_core::pools::PoolSpec),
) {
    let mut spec = pool("a", &["192.0.2.0/24"]);
    let other = pool("b", &["198.51.100.0/24"]);
    let provider = fed(&[spec.clone(), other.clone()]);
    assert_eq!(get(&provider, &web("web")), "192.0.2.0");
    change(&mut spec);
    assert_eq!(feed(&provider, &[spec, other], None), NONE);
    assert_eq!(get(&provider, &web("web")), "192.0.2.0");
}

#[test]
fn an_address_that_lost_its_pool_is_replaced() {
    let provider = fed(&[pool("a", &["192.0.2.0/24"])]);
    get(&provider, &web("web"));
    assert_eq!(feed(&provider, &[pool("b", &["198.51.100.0/24"])], None), ["web"]);
    assert_eq!(get(&provider, &with("web", |m| m.showing(&["192.0.2.0"]))), "198.51.100.0");
}

#[test]
fn an_address_that_lost_its_pool_stays_until_there_is_another() {
    let provider = fed(&[pool("a", &["192.0.2.0/24"]), pool("b", &["198.51.100.1"])]);
    get(&provider, &with("other", |m| m.annotated("metallb.io/address-pool", "b")));
    get(&provider, &web("web"));
    let lb = with("web", |m| m.showing(&["192.0.2.0"]));
    feed(&provider, &[pool("b", &["198.51.100.1"])], None);
    let text = refused(&provider, &lb);
    says(
        &text,
        &[
            "PoolExhausted quota",
            "default/web has to leave 192.0.2.0 (in no AddressPool any more)",
            "pool b has 1 of 1 IPv4",
        ],
    );
    assert!(held(&provider).contains(&"web=192.0.2.0".to_owned()));
    assert_eq!(feed(&provider, &[pool("a", &["192.0.2.0/24"])], None), ["other", "web"]);
    assert_eq!(get(&provider, &web("web")), "192.0.2.0", "the pool is back");
}

#[test]
fn a_restart_makes_no_difference_to_who_lost_what() {
    let lb = with("web", |m| m.showing(&["192.0.2.0"]));
    let provider = landfall_metal::MetalProvider::new();
    assert_eq!(feed(&provider, &[pool("b", &["x"])], Some(std::slice::from_ref(&lb))), ["web"]);
    says(&refused(&provider, &lb), &["NoMatchingPool", "192.0.2.0 (in no AddressPool any more)"]);
    feed(&provider, &[pool("a", &["192.0.2.0/31"])], None);
    assert_eq!(get(&provider, &web("new")), "192.0.2.1", "the shown address is not given to another");
    assert_eq!(get(&provider, &lb), "192.0.2.0");
}

#[test]
fn a_selector_that_no_longer_matches_moves_its_holders() {
    let mut spec = pool("a", &["192.0.2.0/24"]);
    let other = pool("b", &["198.51.100.0/24"]);
    let provider = fed(&[spec.clone(), other.clone()]);
    get(&provider, &web("web"));
    spec.namespace_selector = Some(LabelSelector {
        match_labels: Some([("team".to_owned(), "a".to_owned())].into()),
        match_expressions: None,
    });
    assert_eq!(feed(&provider, &[spec, other], None), ["web"]);
    assert_eq!(get(&provider, &web("web")), "198.51.100.0");
}

#[test]
fn naming_another_pool_moves() {
    let provider = fed(&[pool("a", &["192.0.2.0/24"]), pool("b", &["198.51.100.0/24"])]);
    get(&provider, &web("web"));
    assert_eq!(get(&provider, &with("web", |m| m.annotated("metallb.io/address-pool", "b"))), "198.51.100.0");
    assert_eq!(get(&provider, &web("web")), "198.51.100.0", "naming none moves nobody");
}

#[test]
fn pools_that_did_not_change_disturb_nobody() {
    let pools = [pool("a", &["192.0.2.0/24"]), pool("b", &["198.51.100.0/24"])];
    let provider = fed(&pools);
    refused(&provider, &with("web", |m| m.requesting(&["203.0.113.1"])));
    assert_eq!(feed(&provider, &[pools[1].clone(), pools[0].clone()], None), NONE);
}

#[test]
fn who_asked_in_vain_is_named_when_pools_change() {
    let provider = fed(&[]);
    refused(&provider, &web("web"));
    assert_eq!(feed(&provider, &[pool("a", &["192.0.2.1"])], None), ["web"]);
    assert_eq!(get(&provider, &web("web")), "192.0.2.1");
    assert_eq!(feed(&provider, &[pool("a", &["192.0.2.1", "192.0.2.2"])], None), NONE);
}

#[test]
fn a_service_that_joins_a_group_brings_its_address() {
    let provider = fed(&[pool("a", &["192.0.2.0/24"])]);
    get(&provider, &web("other"));
    get(&provider, &web("web"));
    let joined = group(ProviderName::Metal, "g", vec![member("web")]);
    says(&plan(&provider, &joined), &["~ address 192.0.2.1", "holder: default/web → default/g"]);
    assert_eq!(get(&provider, &joined), "192.0.2.1");
    release(&provider, &web("web"));
    assert_eq!(held(&provider), ["g=192.0.2.1", "other=192.0.2.0"]);
    let two = member("other").born(9).listening(&[(Protocol::Tcp, 81)]);
    let both = group(ProviderName::Metal, "g", vec![member("web"), two]);
    assert_eq!(get(&provider, &both), "192.0.2.1");
    assert_eq!(held(&provider), ["g=192.0.2.1", "other=192.0.2.0"], "until the controller releases it");
}

#[test]
fn a_service_that_leaves_a_group_alone_leaves_with_its_address() {
    let provider = fed(&[pool("a", &["192.0.2.0/24"])]);
    get(&provider, &group(ProviderName::Metal, "g", vec![member("web")]));
    assert_eq!(get(&provider, &web("web")), "192.0.2.0");
    assert_eq!(held(&provider), ["web=192.0.2.0"]);
}

#[test]
fn a_service_that_leaves_others_behind_gets_a_new_address() {
    let provider = fed(&[pool("a", &["192.0.2.0/24"])]);
    let two = member("two").born(9).listening(&[(Protocol::Tcp, 81)]);
    get(&provider, &group(ProviderName::Metal, "g", vec![member("one"), two]));
    let left = with("one", |m| m.showing(&["192.0.2.0"]));
    assert_eq!(get(&provider, &left), "192.0.2.1");
}

#[test]
fn release_can_be_repeated() {
    let provider = fed(&[pool("a", &["192.0.2.0/24"])]);
    get(&provider, &web("web"));
    for _ in 0..2 {
        release(&provider, &web("web"));
        assert_eq!(counts(&provider, "a"), "0/256 0/0");
    }
}

#[test]
fn a_plan_changes_nothing() {
    let provider = fed(&[pool("a", &["192.0.2.0/24"])]);
    says(&plan(&provider, &web("web")), &["+ address 192.0.2.0", "pool: a", "family: IPv4", "ports: 80/TCP"]);
    assert_eq!((counts(&provider, "a"), held(&provider)), ("0/256 0/0".into(), NONE.to_vec()));
}
