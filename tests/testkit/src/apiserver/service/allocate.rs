//! Cluster IPs and node ports: taken while a write is prepared, given back if it fails.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::IpNet;
use k8s_openapi::api::core::v1::ServiceSpec;

use super::config::ServiceConfig;
use super::families::is_unchanged_preference;
use super::fields::{Refusals, internal};
use super::model::{Draft, EXTERNAL_NAME, Facets, HEADLESS, Holdings, family_of};
use super::pool::{Pool, Refused};
use crate::apiserver::error::ApiError;

/// Everything Services draw from.
#[derive(Debug)]
pub(super) struct Pools {
    addresses: Vec<AddressPool>,
    node_ports: Pool,
    node_port_range: String,
}

#[derive(Debug)]
struct AddressPool {
    family: &'static str,
    range: IpNet,
    pool: Pool,
}

impl Pools {
    pub(super) fn new(config: &ServiceConfig) -> Self {
        let (first, last) = (*config.node_ports.start(), *config.node_ports.end());
        Self {
            addresses: [Some(config.primary), config.secondary]
                .into_iter()
                .flatten()
                .map(AddressPool::new)
                .collect(),
            // KEP-3668: one port in 32, at least 16 and at most 128; none in a range that small itself.
            node_ports: Pool::new(
                u128::from(first)..=u128::from(last),
                band(u128::from(last - first) + 1, 32, 128),
            ),
            node_port_range: format!("{first}-{last}"),
        }
    }

    /// The families that have a range, the default one first.
    pub(super) fn families(&self) -> Vec<&'static str> {
        self.addresses.iter().map(|pool| pool.family).collect()
    }

    /// Takes back what was just released, as far as it is in range.
    pub(super) fn retake(&mut self, held: &Holdings) {
        for address in &held.addresses {
            if let Some(pool) = self.pool_of(*address) {
                // Taken already means known already.
                let _known = pool.pool.take(number(*address));
            }
        }
        for port in &held.node_ports {
            let _known = self.node_ports.take(u128::from(*port));
        }
    }

    pub(super) fn release(&mut self, held: &Holdings) {
        for address in &held.addresses {
            if let Some(pool) = self.pool_of(*address) {
                pool.pool.release(number(*address));
            }
        }
        for port in &held.node_ports {
            self.node_ports.release(u128::from(*port));
        }
    }

    /// Addresses and node ports that are out.
    pub(super) fn in_use(&self) -> (usize, usize) {
        (self.addresses.iter().map(|pool| pool.pool.used()).sum(), self.node_ports.used())
    }

    fn pool_of(&mut self, address: IpAddr) -> Option<&mut AddressPool> {
        self.addresses.iter_mut().find(|pool| pool.family == family_of(address))
    }
}

impl AddressPool {
    fn new(range: IpNet) -> Self {
        let (first, last) = (number(range.network()), number(range.broadcast()));
        // The first address names the subnet (or its routers); IPv4 has a broadcast address at the end.
        let usable = first + 1..=last - u128::from(range.addr().is_ipv4());
        let size = usable.end() - usable.start() + 1;
        // KEP-3070: one address in 16, at least 16 and at most 256.
        Self { family: family_of(range.addr()), range, pool: Pool::new(usable, band(size, 16, 256)) }
    }

    fn address(&self, number: u128) -> IpAddr {
        match self.range {
            IpNet::V4(_) => IpAddr::V4(Ipv4Addr::from_bits(u32::try_from(number).unwrap_or_default())),
            IpNet::V6(_) => IpAddr::V6(Ipv6Addr::from_bits(number)),
        }
    }
}

/// One write's takings. Dropped without [`Taking::keep`], it gives everything back.
pub(super) struct Taking<'a> {
    pools: &'a mut Pools,
    taken: Holdings,
}

impl Drop for Taking<'_> {
    fn drop(&mut self) {
        self.pools.release(&self.taken);
    }
}

impl<'a> Taking<'a> {
    pub(super) fn begin(pools: &'a mut Pools) -> Self {
        Self { pools, taken: Holdings::default() }
    }

    pub(super) fn families(&self) -> Vec<&'static str> {
        self.pools.families()
    }

    /// The write succeeded: the takings stay out and `given_up` returns.
    pub(super) fn keep(mut self, given_up: &Holdings) {
        self.taken = Holdings::default();
        self.pools.release(given_up);
    }

    /// For a new Service.
    pub(super) fn create(&mut self, draft: &mut Draft) -> Result<(), ApiError> {
        self.all_addresses(draft)?;
        if draft.spec.uses_node_ports() {
            self.new_node_ports(draft)?;
        }
        if draft.spec.needs_health_check() {
            self.health_check(&mut draft.spec)?;
        }
        Ok(())
    }

    /// For a Service that was `old` before. What it no longer holds is released by [`Taking::keep`].
    pub(super) fn update(&mut self, old: &ServiceSpec, draft: &mut Draft) -> Result<(), ApiError> {
        self.changed_addresses(old, draft)?;
        if draft.spec.uses_node_ports() {
            self.changed_node_ports(old, draft)?;
        }
        if draft.spec.needs_health_check() && !old.needs_health_check() {
            self.health_check(&mut draft.spec)?;
        }
        Ok(())
    }

    fn all_addresses(&mut self, draft: &mut Draft) -> Result<(), ApiError> {
        if draft.spec.kind() == EXTERNAL_NAME
            || draft.spec.cluster_ips().first().is_some_and(|ip| ip == HEADLESS)
        {
            return Ok(());
        }
        for index in 0..draft.spec.families().len() {
            self.address(draft, index)?;
        }
        draft.spec.cluster_ip = draft.spec.cluster_ips().first().cloned();
        Ok(())
    }

    fn changed_addresses(&mut self, old: &ServiceSpec, draft: &mut Draft) -> Result<(), ApiError> {
        if is_unchanged_preference(old, &draft.spec) || draft.spec.kind() == EXTERNAL_NAME {
            Ok(())
        } else if old.kind() == EXTERNAL_NAME {
            self.all_addresses(draft)
        } else if !old.is_headless() && old.families().len() == 1 && draft.spec.families().len() == 2 {
            self.address(draft, 1)
        } else {
            Ok(())
        }
    }

    /// Takes the address at `index`, or picks one of the family at that index.
    fn address(&mut self, draft: &mut Draft, index: usize) -> Result<(), ApiError> {
        let Some(family) = draft.spec.families().get(index).cloned() else { return Ok(()) };
        let wanted = draft.spec.cluster_ips().get(index).cloned();
        let Some(pool) = self.pools.addresses.iter_mut().find(|pool| pool.family == family) else {
            return Ok(());
        };
        if let Some(text) = wanted {
            let Ok(address) = text.parse::<IpAddr>() else { return Ok(()) };
            if let Err(refused) = pool.pool.take(number(address)) {
                let reason = match refused {
                    Refused::Taken => "provided IP is already allocated".to_owned(),
                    Refused::OutOfRange => format!(
                        "the provided IP ({text}) is not in the valid range. The range of valid IPs is {}",
                        pool.range
                    ),
                };
                let mut refusals = Refusals::default();
                let text = format!("failed to allocate IP {text}: {reason}");
                refusals.invalid("spec.clusterIPs", draft.spec.cluster_ips(), text);
                return refusals.into_result(&draft.name);
            }
            self.taken.addresses.insert(address);
        } else {
            let number = pool
                .pool
                .take_next()
                .ok_or_else(|| internal("failed to allocate a serviceIP: range is full"))?;
            let address = pool.address(number);
            self.taken.addresses.insert(address);
            draft.spec.cluster_ips.get_or_insert_default().push(address.to_string());
        }
        Ok(())
    }

    /// The ports of one number (TCP and UDP 53, say) share one node port.
    fn new_node_ports(&mut self, draft: &mut Draft) -> Result<(), ApiError> {
        let Draft { name, spec, .. } = draft;
        let allocate = spec.allocates_node_ports();
        let Some(ports) = spec.ports.as_mut() else { return Ok(()) };
        let mut shared: BTreeMap<i32, i32> = BTreeMap::new();
        for index in 0..ports.len() {
            if ports[index].node_port.is_none() && !allocate {
                continue;
            }
            let number = ports[index].port;
            match (shared.get(&number), ports[index].node_port) {
                (Some(known), None) => ports[index].node_port = Some(*known),
                (Some(known), Some(wanted)) if *known == wanted => {}
                (Some(_), Some(wanted)) => self.node_port(name, index, wanted)?,
                (None, _) => {
                    let wanted = ports[index..].iter().filter(|p| p.port == number).find_map(|p| p.node_port);
                    let node_port = match wanted {
                        Some(wanted) => self.node_port(name, index, wanted).map(|()| wanted)?,
                        None => self.any_node_port("a nodePort")?,
                    };
                    ports[index].node_port = Some(node_port);
                    shared.insert(number, node_port);
                }
            }
        }
        Ok(())
    }

    fn changed_node_ports(&mut self, old: &ServiceSpec, draft: &mut Draft) -> Result<(), ApiError> {
        let Draft { name, spec, .. } = draft;
        let mut held: Vec<i32> = Vec::new();
        if old.uses_node_ports() {
            held.extend(old.ports.iter().flatten().filter_map(|port| port.node_port));
        }
        let allocate = spec.allocates_node_ports();
        for (index, port) in spec.ports.iter_mut().flatten().enumerate() {
            match port.node_port {
                Some(wanted) if held.contains(&wanted) => {}
                Some(wanted) => {
                    self.node_port(name, index, wanted)?;
                    held.push(wanted);
                }
                None if allocate => port.node_port = Some(self.any_node_port("a nodePort")?),
                None => {}
            }
        }
        Ok(())
    }

    fn node_port(&mut self, name: &str, index: usize, wanted: i32) -> Result<(), ApiError> {
        let mut refusals = Refusals::default();
        if let Err(text) = self.take_node_port(wanted) {
            refusals.invalid(format!("spec.ports[{index}].nodePort"), wanted, text);
        }
        refusals.into_result(name)
    }

    /// The real server reports a failure here as its own, not as the client's.
    fn health_check(&mut self, spec: &mut ServiceSpec) -> Result<(), ApiError> {
        if let Some(wanted) = spec.health_check_node_port {
            return self.take_node_port(wanted).map_err(|text| {
                internal(&format!("failed to allocate requested HealthCheck NodePort {wanted}: {text}"))
            });
        }
        spec.health_check_node_port = Some(self.any_node_port("a HealthCheck NodePort 0")?);
        Ok(())
    }

    fn take_node_port(&mut self, wanted: i32) -> Result<(), String> {
        let out_of_range = || {
            let range = &self.pools.node_port_range;
            format!("provided port is not in the valid range. The range of valid ports is {range}")
        };
        let port = u16::try_from(wanted).map_err(|_| out_of_range())?;
        match self.pools.node_ports.take(u128::from(port)) {
            Ok(()) => {
                self.taken.node_ports.insert(port);
                Ok(())
            }
            Err(Refused::Taken) => Err("provided port is already allocated".to_owned()),
            Err(Refused::OutOfRange) => Err(out_of_range()),
        }
    }

    fn any_node_port(&mut self, what: &str) -> Result<i32, ApiError> {
        let picked = self.pools.node_ports.take_next().and_then(|number| u16::try_from(number).ok());
        let port = picked.ok_or_else(|| internal(&format!("failed to allocate {what}: range is full")))?;
        self.taken.node_ports.insert(port);
        Ok(i32::from(port))
    }
}

/// The share of a range kept for static picks: `1/step`, between 16 and `most`, nothing below 16.
fn band(size: u128, step: u128, most: u128) -> u128 {
    if size <= 16 { 0 } else { (size / step).clamp(16, most) }
}

fn number(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(v4) => u128::from(v4.to_bits()),
        IpAddr::V6(v6) => v6.to_bits(),
    }
}
