//! The rules of each kind of object: what may be made, what may change in place, what is in use.

use std::net::IpAddr;

use landfall_core::net::{IpFamily, PortKey};

use super::error::Code;
use super::objects::{BalancerSpec, Kind, ListenerSpec, Object, PoolSpec, RuleSpec};
use super::state::State;
use super::table::{Refused, Spec, Table};

impl Spec for BalancerSpec {
    const KIND: Kind = Kind::Balancer;

    fn table(state: &State) -> &Table<Self> {
        &state.balancers
    }

    fn table_mut(state: &mut State) -> &mut Table<Self> {
        &mut state.balancers
    }

    fn check_create(&self, state: &State) -> Result<(), Refused> {
        if self.families.is_empty() {
            return Err((Code::Invalid, "a balancer has at least one address family".to_owned()));
        }
        nobody_has(state, &self.requested)
    }

    fn check_update(there: &Object<Self>, to: &Self, state: &State) -> Result<(), Refused> {
        fixed("mode", there.spec().mode == to.mode)?;
        if to.families.is_empty() {
            return Err((Code::Invalid, "a balancer has at least one address family".to_owned()));
        }
        // Addresses of families that it has already stay whatever is asked for.
        let has = |family: &IpFamily| there.status.addresses.iter().any(|ip| IpFamily::of(ip) == *family);
        let added: Vec<IpFamily> = to.families.iter().copied().filter(|family| !has(family)).collect();
        let asked = to.requested.iter().filter(|address| added.contains(&IpFamily::of(address)));
        nobody_has(state, asked)
    }

    fn user_of(state: &State, name: &str) -> Option<String> {
        let found = state.listeners.iter().find(|(_, record)| record.object.spec().balancer == name);
        found.map(|(listener, _)| format!("listener {listener}"))
    }
}

impl Spec for ListenerSpec {
    const KIND: Kind = Kind::Listener;

    fn table(state: &State) -> &Table<Self> {
        &state.listeners
    }

    fn table_mut(state: &mut State) -> &mut Table<Self> {
        &mut state.listeners
    }

    fn check_create(&self, state: &State) -> Result<(), Refused> {
        match state.balancers.get(&self.balancer) {
            None => return Err((Code::NotFound, format!("there is no balancer {}", self.balancer))),
            Some(record) if record.gone_at.is_some() => {
                return Err((Code::NotFound, format!("the balancer {} is being deleted", self.balancer)));
            }
            Some(_) => {}
        }
        pool_fits(state, &self.pool, self.key)?;
        let same_port = |other: &Self| other.balancer == self.balancer && other.key == self.key;
        match state.listeners.values().find(|record| same_port(record.object.spec())) {
            Some(other) => {
                let (key, name) = (self.key, other.object.name());
                Err((Code::AlreadyExists, format!("the listener {name} has port {key} already")))
            }
            None => Ok(()),
        }
    }

    fn check_update(there: &Object<Self>, to: &Self, state: &State) -> Result<(), Refused> {
        fixed("balancer", there.spec().balancer == to.balancer)?;
        fixed("key", there.spec().key == to.key)?;
        pool_fits(state, &to.pool, to.key)
    }

    fn user_of(_: &State, _: &str) -> Option<String> {
        None
    }
}

impl Spec for PoolSpec {
    const KIND: Kind = Kind::Pool;

    fn table(state: &State) -> &Table<Self> {
        &state.pools
    }

    fn table_mut(state: &mut State) -> &mut Table<Self> {
        &mut state.pools
    }

    fn check_create(&self, _: &State) -> Result<(), Refused> {
        Ok(())
    }

    fn check_update(there: &Object<Self>, to: &Self, _: &State) -> Result<(), Refused> {
        fixed("protocol", there.spec().protocol == to.protocol)?;
        fixed("targets", there.spec().targets == to.targets)
    }

    fn user_of(state: &State, name: &str) -> Option<String> {
        let found = state.listeners.iter().find(|(_, record)| record.object.spec().pool == name);
        found.map(|(listener, _)| format!("listener {listener}"))
    }
}

impl Spec for RuleSpec {
    const KIND: Kind = Kind::Rule;

    fn table(state: &State) -> &Table<Self> {
        &state.rules
    }

    fn table_mut(state: &mut State) -> &mut Table<Self> {
        &mut state.rules
    }

    fn check_create(&self, _: &State) -> Result<(), Refused> {
        if self.ports.is_empty() {
            return Err((Code::Invalid, "a firewall rule names at least one port".to_owned()));
        }
        Ok(())
    }

    fn check_update(_: &Object<Self>, to: &Self, state: &State) -> Result<(), Refused> {
        to.check_create(state)
    }

    fn user_of(_: &State, _: &str) -> Option<String> {
        None
    }
}

fn fixed(field: &str, same: bool) -> Result<(), Refused> {
    if same { Ok(()) } else { Err((Code::Invalid, format!("{field} cannot be changed in place"))) }
}

fn nobody_has<'a>(state: &State, addresses: impl IntoIterator<Item = &'a IpAddr>) -> Result<(), Refused> {
    match addresses.into_iter().find(|address| state.holder_of(address).is_some()) {
        Some(taken) => Err((Code::AddressInUse, format!("the address {taken} is in use"))),
        None => Ok(()),
    }
}

fn pool_fits(state: &State, pool: &str, key: PortKey) -> Result<(), Refused> {
    match state.pools.get(pool) {
        None => Err((Code::NotFound, format!("there is no target-pool {pool}"))),
        Some(record) if record.object.spec().protocol != key.protocol => {
            Err((Code::Invalid, format!("target-pool {pool} is not for {}", key.protocol)))
        }
        Some(_) => Ok(()),
    }
}
