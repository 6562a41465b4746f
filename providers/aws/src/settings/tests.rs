//! Every annotation with good values, each kind of bad value and its default.

use landfall_core::annotations::{ADOPT, ADOPT_CONFIRM, SOURCE_RANGES, TARGETS};
use landfall_core::error::Category;
use landfall_core::ids::ProviderName;
use landfall_core::model::{DesiredLb, EndpointTarget, FamilyPolicy, Member, SessionAffinity, TargetKind};
use landfall_core::net::{IpFamily, Protocol, SourceRanges};
use landfall_core::params::ClassParams;
use landfall_core::params::aws::{AwsParams, HealthCheckParams, HealthProtocol, Publish, Scheme, TargetType};
use landfall_core::params::metal::MetalParams;
use landfall_core::testing;
use rstest::rstest;
use serde_json::{Value, json};

use super::keys::PREFIX;
use super::said::problem;
use super::*;

mod balancer;
mod class;
mod group;
mod health;
mod listeners;
mod member;
mod properties;

/// Annotations by short keys; what contains a slash is a whole key.
type Pairs<'a> = &'a [(&'a str, &'a str)];

fn whole(key: &str) -> String {
    if key.contains('/') || key.starts_with("actions.") { key.to_owned() } else { format!("{PREFIX}{key}") }
}

fn annotated(member: Member, pairs: Pairs<'_>) -> Member {
    pairs.iter().fold(member, |member, (key, value)| member.annotated(&whole(key), value))
}

/// A Service with TCP port 80 named `tcp-80`, and these annotations.
fn web(pairs: Pairs<'_>) -> DesiredLb {
    testing::lb(ProviderName::Aws, "web").with(|member| annotated(member, pairs))
}

/// As [`web`], with other ports.
fn serving(ports: &[(Protocol, u16)], pairs: Pairs<'_>) -> DesiredLb {
    web(pairs).with(|member| member.listening(ports))
}

/// `a`, and the younger `b` with port 81.
fn pair(a: Pairs<'_>, b: Pairs<'_>) -> DesiredLb {
    let older = annotated(testing::member("a"), a);
    let younger = annotated(testing::member("b").listening(&[(Protocol::Tcp, 81)]).born(1), b);
    testing::group(ProviderName::Aws, "front", vec![older, younger])
}

fn settings(desired: &DesiredLb) -> Settings {
    let reading = read(desired);
    assert_eq!(reading.refusals, []);
    reading.settings
}

/// The part of the settings at a JSON pointer; `/members/web` stands for the only member.
fn at(desired: &DesiredLb, pointer: &str) -> Value {
    let settings = settings(desired);
    let member = settings.members.values().next().cloned();
    let all = json!({"balancer": settings.balancer, "web": member});
    all.pointer(pointer).cloned().unwrap_or(Value::Null)
}

/// What is refused, by short field.
fn refused(desired: &DesiredLb) -> Vec<(String, Category, String)> {
    let short = |field: &str| field.strip_prefix(PREFIX).unwrap_or(field).to_owned();
    let refusals = read(desired).refusals;
    refusals.into_iter().map(|refusal| (short(&refusal.field), refusal.category, refusal.message)).collect()
}

/// Exactly one thing is refused, about this field, and the message says this.
fn assert_refused(desired: &DesiredLb, field: &str, word: &str) {
    let refusals = refused(desired);
    assert_eq!(refusals.len(), 1, "{refusals:?}");
    assert_eq!(refusals[0].0, field, "{refusals:?}");
    assert!(refusals[0].2.contains(word), "{word:?} is not in {:?}", refusals[0].2);
}

/// The categories and messages of problems.
fn problems(desired: &DesiredLb) -> Vec<(Category, String)> {
    let reading = read(desired);
    assert_eq!(reading.refusals, []);
    reading.problems.into_iter().map(|problem| (problem.category, problem.message)).collect()
}

#[test]
fn a_plain_service_has_defaults_and_no_problems() {
    let reading = read(&web(&[]));
    assert_eq!((reading.refusals, reading.problems), (vec![], vec![]));
    let balancer = &reading.settings.balancer;
    assert_eq!(balancer.scheme, Scheme::Internal);
    assert_eq!(balancer.security, Security::Managed { backend: true });
    assert_eq!(balancer.publish, Publish::Created);
    let value = serde_json::to_value(&reading.settings).unwrap();
    for empty in ["name", "subnets", "allocations", "attributes", "capacity", "tags", "adopt", "source_nat"] {
        let part = &value["balancer"][empty];
        assert!(
            part.is_null() || *part == json!([]) || *part == json!({}) || *part == json!(false),
            "{empty}"
        );
    }
}

#[test]
fn every_mistake_is_told_at_once() {
    let desired = web(&[
        ("scheme", "public"),
        ("name", "-web"),
        ("nlb-target-type", "pods"),
        ("healthcheck-interval", "1"),
        ("target-group-attributes", "stickiness.enabled=maybe,deregistration_delay.timeout_seconds=-1"),
        ("quic-enabled-ports", "443"),
    ]);
    let refusals = refused(&desired);
    let mut fields: Vec<&str> = refusals.iter().map(|(field, ..)| field.as_str()).collect();
    fields.sort_unstable();
    let want = [
        "healthcheck-interval",
        "name",
        "nlb-target-type",
        "quic-enabled-ports",
        "scheme",
        "target-group-attributes",
        "target-group-attributes",
    ];
    assert_eq!(fields, want);
}

#[test]
fn a_refusal_names_member_key_and_value() {
    let reading = read(&web(&[("scheme", "public")]));
    let refusal = &reading.refusals[0];
    assert_eq!(refusal.member.as_ref().unwrap().to_string(), "default/web");
    assert_eq!(refusal.field, "service.beta.kubernetes.io/aws-load-balancer-scheme");
    assert_eq!(refusal.value, "public");
    assert_eq!(refusal.message, "must be internal or internet-facing");
}
