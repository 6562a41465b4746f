//! What holds after any sequence of requests.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use landfall_gcp::api::{Compute, Kind, Reference};
use landfall_testkit::gcp::fake::{FakeCompute, Quota};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::common::{at, body, id, serving, with};

/// What somebody tries: it may well be refused.
#[derive(Debug, Clone)]
enum Try {
    /// Reserves an address, that of a forwarding rule if it is given.
    Reserve(usize, Option<usize>),
    /// Makes a forwarding rule with a port, on a reserved address or the one that another rule has.
    Rule(usize, u16, Option<usize>, Option<usize>),
    /// Deletes an address or a forwarding rule.
    Delete(bool, usize),
}

fn tries() -> impl Strategy<Value = Vec<Try>> {
    let one = prop_oneof![
        (0..3_usize, proptest::option::of(0..4_usize)).prop_map(|(name, of)| Try::Reserve(name, of)),
        (0..4_usize, 80..83_u16, proptest::option::of(0..3_usize), proptest::option::of(0..4_usize))
            .prop_map(|(name, port, reserved, of)| Try::Rule(name, port, reserved, of)),
        (any::<bool>(), 0..4_usize).prop_map(|(rule, name)| Try::Delete(rule, name)),
    ];
    proptest::collection::vec(one, 1..40)
}

fn rule(number: usize) -> Reference {
    at(Kind::ForwardingRule, &format!("rule-{number}"))
}

fn address(number: usize) -> Reference {
    at(Kind::Address, &format!("address-{number}"))
}

async fn attempt(gcp: &FakeCompute, one: &Try) {
    let address_of = |rule: Reference| gcp.read(&rule).map(|rule| rule["IPAddress"].clone());
    // A refusal is as good as a success here: what counts is what is there afterwards.
    match one {
        Try::Reserve(number, of) => {
            let what = address(*number);
            let held = of.and_then(|of| address_of(rule(of))).unwrap_or_default();
            let new = with(json!({ "name": what.name }), json!({ "address": held }));
            drop(gcp.insert(&what, new, id()).await);
        }
        Try::Rule(number, port, reserved, of) => {
            let what = rule(*number);
            let reserved = reserved.map(|number| Value::from(address(number).url()));
            let wanted = reserved.or(of.and_then(|of| address_of(rule(of)))).unwrap_or_default();
            let new = json!({ "ports": [port.to_string()], "IPAddress": wanted });
            drop(gcp.insert(&what, with(body(Kind::ForwardingRule, &what.name), new), id()).await);
        }
        Try::Delete(true, number) => drop(gcp.delete(&rule(*number), id()).await),
        Try::Delete(false, number) => drop(gcp.delete(&address(*number), id()).await),
    }
}

/// Text of a field.
fn text(of: &Value, field: &str) -> String {
    of[field].as_str().unwrap_or_default().to_owned()
}

fn check(gcp: &FakeCompute) {
    let rules = gcp.all(Kind::ForwardingRule);
    let mut users: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let mut ports = BTreeSet::new();
    for rule in &rules {
        let address = text(rule, "IPAddress");
        assert!(ports.insert((address.clone(), rule["ports"].to_string())), "{rules:#?}");
        users.entry(address).or_default().insert(text(rule, "selfLink"));
    }
    let mut reserved = BTreeSet::new();
    for address in gcp.all(Kind::Address) {
        let told: BTreeSet<String> = address["users"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .map(str::to_owned)
            .collect();
        let number = text(&address, "address");
        assert_eq!(told, users.get(&number).cloned().unwrap_or_default());
        assert_eq!(text(&address, "status") == "IN_USE", !told.is_empty());
        assert!(reserved.insert(number), "reserved twice: {address}");
    }
    for (address, rules) in users {
        assert!(rules.len() == 1 || reserved.contains(&address), "{address} is shared and not reserved");
    }
}

async fn sequence(tries: &[Try]) {
    let gcp = serving().await;
    gcp.set_operation_time(Duration::ZERO);
    gcp.set_quota(Quota::StaticAddresses, 2);
    for one in tries {
        attempt(&gcp, one).await;
        check(&gcp);
    }
    for what in (0..4).map(rule).chain((0..3).map(address)) {
        drop(gcp.delete(&what, id()).await);
    }
    for what in [at(Kind::BackendService, "service"), at(Kind::HealthCheck, "check")] {
        gcp.delete(&what, id()).await.unwrap();
    }
    assert_eq!(gcp.leaks(), vec![]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn addresses_and_ports_are_nobody_elses(tries in tries()) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        runtime.block_on(sequence(&tries));
    }
}
