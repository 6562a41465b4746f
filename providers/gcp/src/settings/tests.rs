//! Every annotation with good values, each kind of bad value and its default.

use landfall_core::annotations::{
    ADDRESS_POOLS, ADDRESSES, ADOPT, ADOPT_CONFIRM, SHARE, SOURCE_RANGES, TARGETS,
};
use landfall_core::error::Category;
use landfall_core::ids::ProviderName;
use landfall_core::model::{
    DesiredLb, FamilyPolicy, IpMode, Member, SessionAffinity as Wish, TargetKind, TrafficDistribution,
    TrafficPolicy,
};
use landfall_core::net::IpFamily::{V4, V6};
use landfall_core::net::{IpFamily, Protocol, SourceRanges};
use landfall_core::params::ClassParams;
use landfall_core::params::gcp::{
    Affinity, Backends, GcpParams, HealthCheckParams, HealthProtocol, LoggingParams, NetworkTier,
    Persistence, Scheme, ZonalAffinity,
};
use landfall_core::params::metal::MetalParams;
use landfall_core::refusal::categories;
use landfall_core::testing;
use rstest::rstest;
use serde_json::{Value, json};

use super::keys::*;
use super::said::problem;
use super::*;

mod balancer;
mod class;
mod group;
mod health;
mod member;
mod properties;
mod sources;

/// Annotations: key and value.
type Pairs<'a> = &'a [(&'a str, &'a str)];

fn annotated(member: Member, pairs: Pairs<'_>) -> Member {
    pairs.iter().fold(member, |member, (key, value)| member.annotated(key, value))
}

/// A Service with TCP port 80 and these annotations.
fn web(pairs: Pairs<'_>) -> DesiredLb {
    testing::lb(ProviderName::Gcp, "web").with(|member| annotated(member, pairs))
}

/// As [`web`], with these address families.
fn stacked(families: &[IpFamily], pairs: Pairs<'_>) -> DesiredLb {
    web(pairs).with(|member| member.stack(families, FamilyPolicy::RequireDualStack))
}

/// As [`web`], with affinity for so many seconds.
fn sticky(timeout_seconds: u32, pairs: Pairs<'_>) -> DesiredLb {
    web(pairs).with(|member| Member { affinity: Wish::ClientIp { timeout_seconds }, ..member })
}

/// `a`, and the younger `b` with port 81.
fn pair(a: Pairs<'_>, b: Pairs<'_>) -> DesiredLb {
    let older = annotated(testing::member("a"), a);
    let younger = annotated(testing::member("b").listening(&[(Protocol::Tcp, 81)]).born(1), b);
    testing::group(ProviderName::Gcp, "front", vec![older, younger])
}

/// Changes the parameters of the class.
fn of_class(desired: DesiredLb, change: impl FnOnce(&mut GcpParams)) -> DesiredLb {
    let mut params = desired.params.gcp();
    change(&mut params);
    desired.params(ClassParams::Gcp(Box::new(params)))
}

/// The part of the settings at a JSON pointer below `balancer`, or below `web`, the first member.
fn at(desired: &DesiredLb, pointer: &str) -> Value {
    let reading = read(desired);
    assert_eq!(reading.refusals, []);
    let Settings { balancer, members } = reading.settings;
    let all = json!({"balancer": balancer, "web": members.values().next()});
    all.pointer(pointer).cloned().unwrap_or(Value::Null)
}

/// Exactly one thing is refused, about this field, and the message says this.
fn assert_refused(desired: &DesiredLb, field: &str, word: &str) {
    let refusals = read(desired).refusals;
    assert_eq!(refusals.len(), 1, "{refusals:?}");
    assert_eq!(refusals[0].field, field, "{refusals:?}");
    assert!(refusals[0].message.contains(word), "{word:?} is not in {:?}", refusals[0].message);
}

/// The categories and messages of problems, where nothing is refused.
fn problems(desired: &DesiredLb) -> Vec<(Category, String)> {
    let reading = read(desired);
    assert_eq!(reading.refusals, []);
    reading.problems.into_iter().map(|problem| (problem.category, problem.message)).collect()
}

/// Exactly one thing is told, and nothing refused.
fn assert_told(desired: &DesiredLb, category: Category, words: &[&str]) {
    let told = problems(desired);
    assert_eq!(told.len(), 1, "{told:?}");
    assert_eq!(told[0].0, category);
    for word in words {
        assert!(told[0].1.contains(word), "{word:?} is not in {:?}", told[0].1);
    }
}

#[test]
fn a_plain_service_has_defaults_and_no_problems() {
    let reading = read(&web(&[]));
    assert_eq!((reading.refusals, reading.problems), (vec![], vec![]));
    let settings = serde_json::to_value(&reading.settings.balancer).unwrap();
    let want = json!({
        "scheme": "External", "families": ["IPv4"], "tier": "Premium", "subnetwork": null, "ipv6_subnetwork": null,
        "global_access": false, "addresses": [], "requested": [], "ip_collection": null,
        "backends": "NetworkEndpointGroup", "labels": {},
    });
    assert_eq!(settings, want);
    let member = serde_json::to_value(reading.settings.members.values().next()).unwrap();
    let want = json!({
        "protocol": "TCP", "affinity": "NONE", "tracking": null, "draining_seconds": 30, "weighted": false,
        "zonal_affinity": null, "logging": null, "health": "Shared", "firewall": "Found",
        "sources": {"IPv4": ["0.0.0.0/0"]},
    });
    assert_eq!(member, want);
}

#[test]
fn every_mistake_is_told_at_once() {
    let desired = web(&[
        (TYPE, "intern"),
        (TIER, "premium"),
        (BACKENDS, "Neg"),
        (DRAINING, "3601"),
        (HEALTH_PORT, "0"),
        (LABELS, "Team=a,goog-x=b"),
    ]);
    let mut fields: Vec<String> = read(&desired).refusals.into_iter().map(|refusal| refusal.field).collect();
    fields.sort_unstable();
    assert_eq!(fields, [TIER, BACKENDS, DRAINING, HEALTH_PORT, LABELS, LABELS, TYPE]);
}

#[test]
fn a_refusal_names_member_key_value_and_what_is_accepted() {
    let refusal = read(&web(&[(TIER, "Gold")])).refusals.remove(0);
    assert_eq!(refusal.member.as_ref().unwrap().to_string(), "default/web");
    assert_eq!(refusal.category, categories::INVALID_VALUE);
    assert_eq!(refusal.to_string(), r#"cloud.google.com/network-tier: "Gold": must be Premium or Standard"#);
}
