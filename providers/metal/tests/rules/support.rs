//! Builders and short forms for the rule tables.

use std::collections::BTreeSet;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use landfall_core::error::ProviderError;
use landfall_core::ids::{LbId, ProviderName};
use landfall_core::model::{DesiredLb, Member};
use landfall_core::outcome::{Ingress, Outcome};
use landfall_core::plan::{Action, Plan};
use landfall_core::pools::{AddressBook, Holding, PoolFeed, PoolSpec, PoolUsage};
use landfall_core::provider::Provider;
use landfall_core::testing;
use landfall_metal::MetalProvider;

/// A pool that assigns by itself to everybody.
pub(crate) fn pool(name: &str, addresses: &[&str]) -> PoolSpec {
    PoolSpec {
        name: name.to_owned(),
        addresses: addresses.iter().map(|&text| text.to_owned()).collect(),
        auto_assign: true,
        avoid_network_and_broadcast: false,
        namespace_selector: None,
        service_selector: None,
        priority: 0,
        deleting: false,
    }
}

/// A lone Service `default/{name}`, or `{namespace}/{name}`.
pub(crate) fn web(name: &str) -> DesiredLb {
    testing::lb(ProviderName::Metal, name)
}

/// A provider with these pools and nothing in use.
pub(crate) fn fed(pools: &[PoolSpec]) -> MetalProvider {
    restarted(pools, &[])
}

/// A provider after a restart, with what the statuses of these load balancers show.
pub(crate) fn restarted(pools: &[PoolSpec], holders: &[DesiredLb]) -> MetalProvider {
    let provider = MetalProvider::new();
    feed(&provider, pools, Some(holders));
    provider
}

/// Feeds pools, and holdings if there are any; answers who has to be looked at again, as short names.
pub(crate) fn feed(
    provider: &MetalProvider,
    pools: &[PoolSpec],
    holders: Option<&[DesiredLb]>,
) -> Vec<String> {
    let holdings = holders.map(|holders| {
        let holding =
            |lb: &DesiredLb| Holding { id: lb.id.clone(), members: lb.members.clone(), sharing: lb.sharing };
        holders.iter().map(holding).collect()
    });
    let again = provider.feed(PoolFeed { pools: pools.to_vec(), holdings });
    again.iter().map(|id| id.label().1.to_owned()).collect()
}

/// Drives a future of the provider, none of which ever waits.
pub(crate) fn now<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => value,
        Poll::Pending => panic!("the provider waits for something"),
    }
}

pub(crate) fn ensure(provider: &MetalProvider, lb: &DesiredLb) -> Result<Outcome, ProviderError> {
    let plan = now(provider.plan(lb));
    let before = held_by_others(provider, lb);
    let outcome = now(provider.ensure(lb));
    let after = held_by_others(provider, lb);
    // Every rule below is also a test of: the plan is what is done, and done twice is done once.
    match (&plan, &outcome) {
        (Ok(plan), Ok(outcome)) => {
            assert_eq!(plan.steps, outcome.steps);
            // The controller looks at those who lost something only after a step that may free something.
            let frees = outcome.steps.iter().any(|step| step.action != Action::Create);
            assert!(frees || before.is_subset(&after), "an eviction without a step: {before:?} {after:?}");
            let again = now(provider.ensure(lb)).unwrap();
            assert_eq!((again.steps, &again.ingress), (Vec::new(), &outcome.ingress));
        }
        (Err(plan), Err(outcome)) => assert_eq!(plan.explain(), outcome.explain()),
        _ => panic!("plan and ensure disagree: {plan:?} {outcome:?}"),
    }
    outcome
}

fn held_by_others(provider: &MetalProvider, lb: &DesiredLb) -> BTreeSet<(LbId, String)> {
    let owned = now(provider.inventory()).unwrap().into_iter();
    owned.filter(|owned| owned.mark.lb != lb.id).map(|owned| (owned.mark.lb, owned.resource.name)).collect()
}

/// The addresses that a load balancer gets, comma separated.
pub(crate) fn get(provider: &MetalProvider, lb: &DesiredLb) -> String {
    ips(&ensure(provider, lb).unwrap_or_else(|error| panic!("{}: {}", lb.id, error.explain())))
}

/// Category, class word and full text of the refusal that a load balancer gets.
pub(crate) fn refused(provider: &MetalProvider, lb: &DesiredLb) -> String {
    let error = ensure(provider, lb).expect_err("should have been refused");
    format!("{} {}: {}", error.category(), error.class().as_str(), error.explain())
}

/// The plan as text.
pub(crate) fn plan(provider: &MetalProvider, lb: &DesiredLb) -> String {
    let plan: Plan = now(provider.plan(lb)).unwrap();
    plan.to_string()
}

pub(crate) fn release(provider: &MetalProvider, lb: &DesiredLb) {
    now(provider.release(&lb.id)).unwrap();
}

pub(crate) fn ips(outcome: &Outcome) -> String {
    let texts: Vec<_> = outcome
        .ingress
        .iter()
        .map(|ingress| match ingress {
            Ingress::Ip { ip, .. } => ip.to_string(),
            Ingress::Hostname(name) => name.clone(),
        })
        .collect();
    texts.join(",")
}

/// `used/capacity` of IPv4 and IPv6 of one pool.
pub(crate) fn counts(provider: &MetalProvider, name: &str) -> String {
    let usage = usage(provider, name);
    format!("{}/{} {}/{}", usage.used.v4, usage.capacity.v4, usage.used.v6, usage.capacity.v6)
}

pub(crate) fn usage(provider: &MetalProvider, name: &str) -> PoolUsage {
    provider.usage().into_iter().find(|usage| usage.name == name).expect("the pool was fed")
}

/// The problem of a pool: category and message, or nothing.
pub(crate) fn problem(provider: &MetalProvider, name: &str) -> String {
    usage(provider, name).verdict.err().map(|p| format!("{} {}", p.category, p.message)).unwrap_or_default()
}

/// What is held, as `lb=address`, sorted.
pub(crate) fn held(provider: &MetalProvider) -> Vec<String> {
    let owned = now(provider.inventory()).unwrap();
    let mut held: Vec<_> =
        owned.iter().map(|owned| format!("{}={}", owned.mark.lb.label().1, owned.resource.name)).collect();
    held.sort();
    held
}

/// Asserts that a text contains every part.
pub(crate) fn says(text: &str, parts: &[&str]) {
    for part in parts {
        assert!(text.contains(part), "{part:?} is missing in: {text}");
    }
}

/// Changes the only member.
pub(crate) fn with(name: &str, change: impl FnOnce(Member) -> Member) -> DesiredLb {
    web(name).with(change)
}
