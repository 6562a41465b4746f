//! The contract, kept by the bare-metal address provider. Nothing lies outside its process but the statuses of the
//! Services, so a new process is fed from those.

#![expect(
    clippy::unwrap_used,
    reason = "helpers of tests, outside of the test functions that clippy exempts"
)]

use std::net::IpAddr;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use landfall_contract::{Mistake, World};
use landfall_core::annotations;
use landfall_core::net::IpFamily;
use landfall_core::params::ClassParams;
use landfall_core::params::metal::MetalParams;
use landfall_core::pools::{AddressBook, Holding, PoolFeed, PoolSpec};
use landfall_core::provider::Provider;
use landfall_metal::MetalProvider;

landfall_contract::suite!(MetalWorld);

const POOL: &str = "public";

struct MetalWorld {
    /// The process that runs now: its book is the only place to look at.
    process: Mutex<Arc<MetalProvider>>,
}

#[async_trait]
impl World for MetalWorld {
    async fn new() -> Self {
        Self { process: Mutex::new(Arc::new(MetalProvider::new())) }
    }

    async fn start(&self, statuses: &[Holding]) -> Arc<dyn Provider> {
        let process = Arc::new(MetalProvider::new());
        process.feed(PoolFeed { pools: vec![pool()], holdings: Some(statuses.to_vec()) });
        *self.process.lock().unwrap() = process.clone();
        process
    }

    async fn picture(&self) -> Vec<String> {
        let process = self.process.lock().unwrap().clone();
        let mut lines: Vec<String> = process
            .inventory()
            .await
            .unwrap()
            .into_iter()
            .map(|owned| {
                let address: IpAddr = owned.resource.name.parse().unwrap();
                format!("{} of {}: {}", owned.resource.kind, owned.mark.lb, IpFamily::of(&address))
            })
            .collect();
        let used = process.usage().into_iter().filter(|pool| pool.used.v4 + pool.used.v6 > 0);
        lines.extend(used.map(|pool| format!("{}: {:?} in use", pool.name, pool.used)));
        lines
    }

    fn free_addresses(&self, family: IpFamily) -> [IpAddr; 2] {
        match family {
            IpFamily::V4 => ["192.0.2.200", "192.0.2.201"],
            IpFamily::V6 => ["2001:db8::c8", "2001:db8::c9"],
        }
        .map(|address| address.parse().unwrap())
    }

    fn mistakes(&self) -> Vec<Mistake> {
        vec![
            |member| member.annotated(annotations::ADDRESS_POOLS, ","),
            |member| member.annotated("metallb.io/loadBalancerIPs", "nowhere"),
            |member| member.requesting(&["2001:db8::1"]),
        ]
    }

    fn class_params(&self) -> Vec<ClassParams> {
        vec![ClassParams::Metal(MetalParams { address_pools: vec![POOL.to_owned()] })]
    }
}

fn pool() -> PoolSpec {
    PoolSpec {
        name: POOL.to_owned(),
        addresses: vec!["192.0.2.0/24".to_owned(), "2001:db8::/120".to_owned()],
        auto_assign: true,
        avoid_network_and_broadcast: true,
        namespace_selector: None,
        service_selector: None,
        priority: 0,
        deleting: false,
    }
}
