//! The provider: the contract of `landfall-core` around the address book.

use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use landfall_core::error::ProviderError;
use landfall_core::ids::{LbId, ProviderName};
use landfall_core::model::{DesiredLb, Member, TargetKind};
use landfall_core::net::Protocol;
use landfall_core::outcome::{Ingress, Outcome, Problem};
use landfall_core::params::ClassParams;
use landfall_core::plan::{Plan, Resource, Step};
use landfall_core::pools::{AddressBook, PoolFeed, PoolUsage};
use landfall_core::provider::{Capabilities, Mark, Owned, Provider};
use landfall_core::refusal::Refusal;

use crate::adopt;
use crate::apply;
use crate::book::Book;
use crate::choose::{self, Decision};
use crate::error::{MetalError, categories};
use crate::steps::{self, ADDRESS};
use crate::wish::Wish;

/// Gives addresses out of `AddressPool` objects to load balancers.
///
/// Nothing exists outside Kubernetes: the status of a Service is the record of its address. All calls are quick,
/// never wait for anything, and are safe to drop at any point. Before the first
/// [`feed`](AddressBook::feed) nothing is given out.
#[derive(Debug)]
pub struct MetalProvider {
    capabilities: Capabilities,
    book: Mutex<Book>,
}

impl MetalProvider {
    /// A provider that waits for its first feed.
    pub fn new() -> Self {
        Self { capabilities: capabilities(), book: Mutex::default() }
    }

    /// The book. A poisoned lock is taken all the same: refusing every later call would take all Services down
    /// with the one that brought out a defect.
    fn book(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn converge(&self, desired: &DesiredLb) -> Result<Outcome, MetalError> {
        let mut book = self.book();
        match choose::decide(&book, desired) {
            Ok(decision) => {
                let steps = steps::steps(&book, &decision);
                apply::apply(&mut book, &decision);
                Ok(outcome(&decision, steps))
            }
            Err(error) => {
                apply::hold_on(&mut book, desired);
                Err(error)
            }
        }
    }
}

impl Default for MetalProvider {
    fn default() -> Self {
        Self::new()
    }
}

#[async_trait]
impl Provider for MetalProvider {
    fn name(&self) -> ProviderName {
        ProviderName::Metal
    }

    fn capabilities(&self) -> &Capabilities {
        &self.capabilities
    }

    fn target_kind(&self, _params: &ClassParams, _member: &Member) -> TargetKind {
        TargetKind::None
    }

    fn validate(&self, desired: &DesiredLb) -> Vec<Refusal> {
        Wish::read(desired).err().unwrap_or_default()
    }

    async fn plan(&self, desired: &DesiredLb) -> Result<Plan, ProviderError> {
        let book = self.book();
        let decision = choose::decide(&book, desired)?;
        Ok(Plan { lb: desired.id.clone(), steps: steps::steps(&book, &decision) })
    }

    async fn ensure(&self, desired: &DesiredLb) -> Result<Outcome, ProviderError> {
        Ok(self.converge(desired)?)
    }

    async fn release(&self, id: &LbId) -> Result<(), ProviderError> {
        self.book().release(id);
        Ok(())
    }

    async fn inventory(&self) -> Result<Vec<Owned>, ProviderError> {
        let book = self.book();
        let owned = book.claims().flat_map(|claim| {
            claim.addresses.addresses().map(|address| Owned {
                mark: Mark { lb: claim.party.id.clone(), member: None },
                resource: Resource { kind: ADDRESS, name: address.to_string() },
                created: None,
            })
        });
        Ok(owned.collect())
    }

    fn address_book(&self) -> Option<&dyn AddressBook> {
        Some(self)
    }
}

impl AddressBook for MetalProvider {
    /// Besides those whose addresses are no longer theirs, a change of pools names those that asked in vain
    /// before: they may be served now.
    fn feed(&self, feed: PoolFeed) -> Vec<LbId> {
        let mut book = self.book();
        let changed = book.set_pools(feed.pools);
        let losers = feed.holdings.as_ref().map(|holdings| adopt::adopt(&mut book, holdings));
        if !changed && losers.is_none() {
            return Vec::new();
        }
        let mut again = adopt::displaced(&book);
        again.extend(losers.into_iter().flatten());
        again.extend(book.restless.iter().cloned());
        tracing::debug!(pools_changed = changed, to_look_at = again.len(), "address pools fed");
        again.into_iter().collect()
    }

    fn restless(&self) -> Vec<LbId> {
        self.book().restless.iter().cloned().collect()
    }

    fn usage(&self) -> Vec<PoolUsage> {
        self.book().pools().usage()
    }
}

/// Source ranges and session affinity are kube-proxy's: packets arrive at the nodes unchanged.
fn capabilities() -> Capabilities {
    Capabilities {
        protocols: vec![Protocol::Tcp, Protocol::Udp, Protocol::Sctp],
        mixed_protocols: true,
        same_port_protocols: true,
        dual_stack: true,
        sharing: true,
        source_ranges: false,
        session_affinity: false,
        requested_addresses: true,
        needs_node_ports: false,
        adoption: false,
        external_state: false,
    }
}

fn outcome(decision: &Decision, steps: Vec<Step>) -> Outcome {
    let addresses = steps::in_order(&decision.claim.addresses, &decision.families);
    let ingress = addresses.into_iter().map(|ip| Ingress::Ip { ip, mode: decision.mode });
    let mut outcome = Outcome { steps, ..Outcome::ready(ingress.collect()) };
    outcome.problems = problems(decision);
    outcome
}

fn problems(decision: &Decision) -> Vec<Problem> {
    let note = |category, message| Problem { member: None, port: None, category, message };
    let without = decision.without.iter().map(|lack| {
        let lost = lack.lost.as_ref().map(|lost| format!("it had to leave {lost}; ")).unwrap_or_default();
        let message = format!(
            "no {} address yet, which ipFamilyPolicy PreferDualStack allows: {lost}{}",
            lack.family, lack.cause
        );
        note(categories::SECOND_FAMILY_PENDING, message)
    });
    let evicted = decision.evicted.iter().map(|(party, _)| {
        let message =
            format!("{} can no longer share the address and has to move, being younger", party.label());
        note(categories::SHARING_ENDED, message)
    });
    let void = decision.claim.party.sharing_is_void().then(|| {
        let message = "metallb.io/allow-shared-ip has no effect until every member of the group carries it";
        note(categories::SHARING_NOT_PERMITTED, message.to_owned())
    });
    without.chain(evicted).chain(void).collect()
}
