//! Which pool a load balancer gets its address from.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{LabelSelector, LabelSelectorRequirement};
use landfall_core::ids::ProviderName;
use landfall_core::params::{ClassParams, metal::MetalParams};
use landfall_core::testing::{group, member};
use rstest::rstest;

use crate::support::*;

fn labels(key: &str, value: &str) -> LabelSelector {
    LabelSelector { match_labels: Some([(key.to_owned(), value.to_owned())].into()), match_expressions: None }
}

#[test]
fn nothing_is_given_out_before_the_first_feed() {
    let provider = landfall_metal::MetalProvider::new();
    says(&refused(&provider, &web("a")), &["PoolsNotLoaded waiting", "default/a"]);
}

#[test]
fn without_any_pool_the_operator_is_told_to_create_one() {
    says(&refused(&fed(&[]), &web("a")), &["NoAddressPool rejected", "create an AddressPool", "default/a"]);
}

#[test]
fn pools_are_asked_by_priority_and_then_by_name_and_fall_through_when_full() {
    let mut preferred = pool("z", &["192.0.2.1"]);
    preferred.priority = 1;
    let provider = fed(&[pool("b", &["192.0.2.3"]), pool("a", &["192.0.2.2"]), preferred]);
    let got: Vec<_> = ["s1", "s2", "s3"].iter().map(|name| get(&provider, &web(name))).collect();
    assert_eq!(got, ["192.0.2.1", "192.0.2.2", "192.0.2.3"]);
    says(
        &refused(&provider, &web("s4")),
        &[
            "PoolExhausted quota",
            "pool z has 1 of 1 IPv4",
            "pool a has 1 of 1 IPv4",
            "pool b has 1 of 1 IPv4",
            "add addresses",
        ],
    );
    release(&provider, &web("s2"));
    assert_eq!(get(&provider, &web("s4")), "192.0.2.2");
}

#[rstest]
#[case("metallb.io/address-pool", "b")]
#[case("metallb.universe.tf/address-pool", "b")]
#[case("landfall.dev/address-pools", "b")]
#[case("landfall.dev/address-pools", " b , a")]
fn an_annotation_names_the_pool(#[case] key: &str, #[case] value: &str) {
    let mut b = pool("b", &["192.0.2.2"]);
    b.auto_assign = false;
    let provider = fed(&[pool("a", &["192.0.2.1"]), b]);
    assert_eq!(get(&provider, &with("web", |m| m.annotated(key, value))), "192.0.2.2");
}

#[test]
fn named_pools_are_asked_in_the_order_they_are_named() {
    let provider = fed(&[pool("a", &["192.0.2.1"]), pool("b", &["192.0.2.2"])]);
    let named = |name| with(name, |m| m.annotated("landfall.dev/address-pools", "b,a"));
    assert_eq!(get(&provider, &named("x")), "192.0.2.2");
    assert_eq!(get(&provider, &named("y")), "192.0.2.1");
}

#[test]
fn a_class_names_pools_and_an_annotation_overrides_it() {
    let mut b = pool("b", &["192.0.2.2"]);
    b.auto_assign = false;
    let provider = fed(&[pool("a", &["192.0.2.1"]), b]);
    let of_class =
        |name: &str| web(name).params(ClassParams::Metal(MetalParams { address_pools: vec!["b".into()] }));
    assert_eq!(get(&provider, &of_class("x")), "192.0.2.2");
    let overridden = of_class("y").with(|m| m.annotated("metallb.io/address-pool", "a"));
    assert_eq!(get(&provider, &overridden), "192.0.2.1");
}

#[test]
fn parameters_of_another_provider_are_refused() {
    let provider = fed(&[pool("a", &["192.0.2.1"])]);
    let foreign = web("web").params(ClassParams::Aws(Box::default()));
    says(&refused(&provider, &foreign), &["ConflictingValues", "parameters for aws", "spec.metal"]);
}

#[test]
fn an_unknown_pool_is_refused_with_the_names_of_the_known() {
    let provider = fed(&[pool("a", &["192.0.2.1"]), pool("b", &["192.0.2.2"])]);
    let text = refused(&provider, &with("web", |m| m.annotated("metallb.io/address-pool", "c")));
    says(&text, &["UnknownPool rejected", "\"c\"", "known pools: a, b"]);
}

#[rstest]
#[case::neither("x", "x", false)]
#[case::namespace_only("shop", "x", false)]
#[case::service_only("x", "web", false)]
#[case::both("shop", "web", true)]
fn both_selectors_must_match(#[case] namespace: &str, #[case] app: &str, #[case] served: bool) {
    let mut spec = pool("a", &["192.0.2.1"]);
    spec.namespace_selector = Some(labels("kubernetes.io/metadata.name", "shop"));
    spec.service_selector = Some(labels("app", "web"));
    let provider = fed(&[spec]);
    let lb = with("web", |m| {
        m.in_namespace_labelled("kubernetes.io/metadata.name", namespace).labelled("app", app)
    });
    if served {
        assert_eq!(get(&provider, &lb), "192.0.2.1");
    } else {
        says(&refused(&provider, &lb), &["NoMatchingPool rejected", "pool a", "Selector", "default/web"]);
    }
}

#[test]
fn selectors_must_match_every_member() {
    let mut spec = pool("a", &["192.0.2.1"]);
    spec.service_selector = Some(labels("app", "web"));
    let provider = fed(&[spec]);
    let one = member("one").labelled("app", "web");
    let lone = group(ProviderName::Metal, "g", vec![one.clone()]);
    assert_eq!(get(&provider, &lone), "192.0.2.1");
    let two = member("two").born(5).listening(&[(landfall_core::net::Protocol::Tcp, 81)]);
    says(
        &refused(&provider, &group(ProviderName::Metal, "g", vec![one, two])),
        &["NoMatchingPool", "default/two"],
    );
    assert_eq!(held(&provider), ["g=192.0.2.1"], "a refusal takes nothing away");
}

#[test]
fn every_pool_that_cannot_serve_says_why() {
    let mut off = pool("off", &["192.0.2.1"]);
    off.auto_assign = false;
    let mut going = pool("going", &["192.0.2.2"]);
    going.deleting = true;
    let mut picky = pool("picky", &["192.0.2.3"]);
    picky.namespace_selector = Some(labels("team", "a"));
    let provider = fed(&[off, going, picky, pool("broken", &["nonsense"])]);
    says(
        &refused(&provider, &web("web")),
        &[
            "NoMatchingPool rejected",
            "pool off has autoAssign off",
            "pool going is being deleted",
            "pool picky has a namespaceSelector that does not match the namespace of default/web",
            "pool broken gives out nothing new",
        ],
    );
}

#[test]
fn a_malformed_selector_is_a_problem_of_the_pool_and_takes_nothing_away() {
    let mut spec = pool("a", &["192.0.2.0/24"]);
    let provider = fed(std::slice::from_ref(&spec));
    assert_eq!(get(&provider, &web("old")), "192.0.2.0");
    spec.service_selector = Some(LabelSelector {
        match_labels: None,
        match_expressions: Some(vec![LabelSelectorRequirement {
            key: "app".into(),
            operator: "Matches".into(),
            values: None,
        }]),
    });
    assert_eq!(feed(&provider, &[spec], None), Vec::<String>::new());
    says(&problem(&provider, "a"), &["InvalidSelector", "serviceSelector", "Matches", "DoesNotExist"]);
    assert_eq!(get(&provider, &web("old")), "192.0.2.0");
    says(&refused(&provider, &web("new")), &["NoMatchingPool", "serviceSelector"]);
}

#[rstest]
#[case(&[("metallb.io/address-pool", "a"), ("metallb.universe.tf/address-pool", "b")])]
#[case(&[("metallb.io/address-pool", "a"), ("landfall.dev/address-pools", "a,b")])]
#[case(&[("metallb.io/address-pool", " ")])]
#[case(&[("landfall.dev/address-pools", ",,")])]
fn contradicting_or_empty_pool_annotations_are_refused(#[case] annotations: &[(&str, &str)]) {
    let provider = fed(&[pool("a", &["192.0.2.1"]), pool("b", &["192.0.2.2"])]);
    let lb = with("web", |m| annotations.iter().fold(m, |m, (key, value)| m.annotated(key, value)));
    says(&refused(&provider, &lb), &["rejected", annotations[0].0.split('/').next_back().unwrap()]);
}

#[rstest]
#[case("landfall.dev/address-pools")]
#[case("metallb.io/address-pool")]
#[case("metallb.universe.tf/address-pool")]
fn the_younger_member_is_refused_if_two_name_different_pools(#[case] key: &str) {
    use landfall_core::provider::Provider as _;
    let provider = fed(&[pool("a", &["192.0.2.1"]), pool("b", &["192.0.2.2"])]);
    let one = member("one").annotated("metallb.io/address-pool", "a");
    let two = member("two").born(5).annotated(key, "b");
    let refusals = provider.validate(&group(ProviderName::Metal, "g", vec![one, two]));
    assert_eq!(refusals.len(), 1);
    assert_eq!((refusals[0].field.as_str(), refusals[0].value.as_str()), (key, "b"));
    assert_eq!(refusals[0].member.as_ref().unwrap().name, "two");
    says(&refusals[0].message, &["default/one", "is older"]);
}
