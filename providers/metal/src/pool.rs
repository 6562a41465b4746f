//! One `AddressPool`, read: its entries, its selectors, and what is wrong with it.

use std::net::IpAddr;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use landfall_core::error::Category;
use landfall_core::net::IpFamily;
use landfall_core::pools::{FamilyCounts, PoolProblem, PoolSpec, PoolUsage};
use landfall_core::refusal::clip;

use crate::error::categories;
use crate::family::ByFamily;
use crate::range::{self, Entry};
use crate::selector::Selector;
use crate::space::Space;

/// One pool.
///
/// A pool with a problem gives out nothing new until it is put right: whoever wrote a wrong entry meant
/// something else, and an address given out by mistake cannot be taken back without an outage. What is in use
/// stays in use, as far as the entries that can be read contain it.
#[derive(Debug)]
#[expect(clippy::struct_excessive_bools, reason = "independent facts about a pool, not states")]
pub(crate) struct Pool {
    /// `metadata.name`.
    pub(crate) name: String,
    /// Whether Services that name no pool may get an address from here.
    pub(crate) auto_assign: bool,
    /// Whether it is being deleted.
    pub(crate) deleting: bool,
    /// `namespaceSelector`; `None` for all, also where the selector cannot be evaluated.
    pub(crate) namespaces: Option<Selector>,
    /// `serviceSelector`; likewise.
    pub(crate) services: Option<Selector>,
    /// The entries that could be read, whole, with their index in `spec.addresses`.
    pub(crate) entries: Vec<(usize, Entry)>,
    /// Whether other pools contain addresses of this one; those are counted there.
    pub(crate) overlapped: bool,
    /// The addresses that are this pool's own, and which are in use.
    pub(crate) spaces: ByFamily<Space>,
    /// Whether addresses that mean something to the network are left out: `avoidNetworkAndBroadcast`.
    pub(crate) avoids_edges: bool,
    problems: Vec<PoolProblem>,
}

impl Pool {
    /// Reads a pool. Its spaces are filled by the set it becomes a part of.
    pub(crate) fn read(spec: &PoolSpec) -> Self {
        let mut pool = Self {
            name: spec.name.clone(),
            auto_assign: spec.auto_assign,
            deleting: spec.deleting,
            namespaces: None,
            services: None,
            entries: Vec::with_capacity(spec.addresses.len()),
            overlapped: false,
            spaces: ByFamily::default(),
            avoids_edges: spec.avoid_network_and_broadcast,
            problems: Vec::new(),
        };
        for (index, text) in spec.addresses.iter().enumerate() {
            match range::parse(text) {
                Ok(entry) => pool.entries.push((index, entry)),
                Err(error) => {
                    let text = clip(text, 96);
                    pool.complain(categories::INVALID_ADDRESSES, &format!("entry {text:?} {error}"));
                }
            }
        }
        if spec.addresses.is_empty() {
            pool.complain(categories::INVALID_ADDRESSES, "spec.addresses lists no address");
        }
        pool.namespaces = pool.compile("namespaceSelector", spec.namespace_selector.as_ref());
        pool.services = pool.compile("serviceSelector", spec.service_selector.as_ref());
        pool
    }

    fn compile(&mut self, field: &str, selector: Option<&LabelSelector>) -> Option<Selector> {
        match Selector::compile(selector?) {
            Ok(selector) => Some(selector),
            Err(error) => {
                self.complain(categories::INVALID_SELECTOR, &format!("{field}: {error}"));
                None
            }
        }
    }

    /// Records a problem; from then on the pool gives out nothing new.
    pub(crate) fn complain(&mut self, category: Category, what: &str) {
        self.problems.push(PoolProblem { category, message: format!("pool {}: {what}", self.name) });
    }

    /// Whether an entry of it contains the address, its own or not.
    pub(crate) fn contains(&self, address: IpAddr) -> bool {
        self.entries.iter().any(|(_, entry)| entry.range.contains(address))
    }

    /// What is wrong with it, all in one, cut where it gets too long; the category is that of the first problem.
    pub(crate) fn problem(&self) -> Option<PoolProblem> {
        let category = self.problems.first()?.category;
        let messages: Vec<_> = self.problems.iter().map(|problem| problem.message.as_str()).collect();
        Some(PoolProblem { category, message: clip(&messages.join("; "), LONGEST_MESSAGE) })
    }

    /// What it hands back for its status.
    pub(crate) fn usage(&self) -> PoolUsage {
        let mut usage = PoolUsage {
            name: self.name.clone(),
            capacity: FamilyCounts::default(),
            used: FamilyCounts::default(),
            verdict: self.problem().map_or(Ok(()), Err),
        };
        for (family, space) in self.spaces.iter() {
            let capacity = i64::try_from(space.capacity()).unwrap_or(i64::MAX);
            let used = i64::try_from(space.used()).unwrap_or(i64::MAX);
            match family {
                IpFamily::V4 => (usage.capacity.v4, usage.used.v4) = (capacity, used),
                IpFamily::V6 => (usage.capacity.v6, usage.used.v6) = (capacity, used),
            }
        }
        usage
    }
}

/// Bytes of a problem's message. The API server takes 32 KiB in a condition; nobody reads that much.
const LONGEST_MESSAGE: usize = 2048;
