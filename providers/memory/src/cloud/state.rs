//! The store behind the calls: what each call does to the objects, without time, faults or journal.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::Duration;

use landfall_core::net::IpFamily;
use tokio::time::Instant;

use super::error::Code;
use super::objects::{
    BalancerSpec, Draft, Health, Kind, Lifecycle, ListenerSpec, Object, PoolSpec, RuleSpec, Status, Target,
};
use super::table::{Record, Refused, Spec, Table};

/// First of the addresses given out; benchmark range of RFC 2544, so that no real host is meant.
const FIRST_V4: u32 = u32::from_be_bytes([198, 18, 0, 1]);
/// First of the addresses given out; documentation range of RFC 3849.
const FIRST_V6: u128 = 0x2001_0db8_0000_0000_0000_0000_0000_0001;

/// Everything that exists.
#[derive(Debug, Default)]
pub(crate) struct State {
    pub(crate) balancers: Table<BalancerSpec>,
    pub(crate) listeners: Table<ListenerSpec>,
    pub(crate) pools: Table<PoolSpec>,
    pub(crate) rules: Table<RuleSpec>,
    /// Registered targets by pool. The entry goes with its pool.
    pub(crate) targets: BTreeMap<String, BTreeMap<Target, Health>>,
    /// Health by target id, as scripted; targets without an entry are healthy.
    pub(crate) health: BTreeMap<String, Health>,
    pub(crate) quotas: BTreeMap<Kind, usize>,
    /// How long a balancer takes to become active.
    pub(crate) provisioning: Duration,
    /// How long a deleted balancer stays around.
    pub(crate) deletion: Duration,
    given_out: u32,
}

impl State {
    /// Lets go of what was deleted long enough ago.
    pub(crate) fn advance(&mut self, now: Instant) {
        self.balancers.retain(|_, record| record.gone_at.is_none_or(|gone| gone > now));
    }

    /// Makes an object. The same call again is answered by the object that exists.
    pub(crate) fn create<S: Spec>(&mut self, draft: Draft<S>, now: Instant) -> Result<Object<S>, Refused> {
        if let Some(record) = S::table(self).get(&draft.name) {
            return if record.object.draft == draft && record.gone_at.is_none() {
                Ok(record.read(now))
            } else if record.object.draft.tags == draft.tags {
                Err((Code::Changed, "it exists with other settings".to_owned()))
            } else {
                Err((Code::AlreadyExists, "an object of this name exists with other tags".to_owned()))
            };
        }
        draft.spec.check_create(self)?;
        let limit = self.quotas.get(&S::KIND).copied().unwrap_or(usize::MAX);
        if S::table(self).len() >= limit {
            return Err((Code::QuotaExceeded, format!("at most {limit} {}s are allowed", S::KIND)));
        }
        let name = draft.name.clone();
        let status = Status { addresses: Vec::new(), lifecycle: Lifecycle::Active };
        let wait = if S::KIND == Kind::Balancer { self.provisioning } else { Duration::ZERO };
        let record = Record { object: Object { draft, status }, ready_at: now + wait, gone_at: None };
        S::table_mut(self).insert(name.clone(), record);
        self.settle(S::KIND, &name);
        self.read(&name, now)
    }

    /// Changes tags and settings.
    pub(crate) fn update<S: Spec>(&mut self, draft: Draft<S>, now: Instant) -> Result<Object<S>, Refused> {
        S::check_update(&self.live::<S>(&draft.name)?.object, &draft.spec, self)?;
        let name = draft.name.clone();
        if let Some(record) = S::table_mut(self).get_mut(&name) {
            record.object.draft = draft;
        }
        self.settle(S::KIND, &name);
        self.read(&name, now)
    }

    /// Removes an object that nothing refers to.
    pub(crate) fn delete<S: Spec>(&mut self, name: &str, now: Instant) -> Result<(), Refused> {
        self.live::<S>(name)?;
        if let Some(user) = S::user_of(self, name) {
            return Err((Code::InUse, format!("{user} refers to it")));
        }
        if S::KIND == Kind::Balancer && !self.deletion.is_zero() {
            let gone = now + self.deletion;
            self.balancers.entry(name.to_owned()).and_modify(|record| record.gone_at = Some(gone));
        } else {
            S::table_mut(self).remove(name);
        }
        if S::KIND == Kind::Pool {
            self.targets.remove(name);
        }
        Ok(())
    }

    /// Puts targets into a pool; those that are there already stay.
    pub(crate) fn register(
        &mut self,
        pool: &str,
        targets: &[Target],
    ) -> Result<Vec<(Target, Health)>, Refused> {
        self.live::<PoolSpec>(pool)?;
        let fresh: Vec<(Target, Health)> =
            targets.iter().map(|target| (target.clone(), self.health_of(target))).collect();
        self.targets.entry(pool.to_owned()).or_default().extend(fresh.iter().cloned());
        Ok(fresh)
    }

    /// Takes targets out of a pool; those that are not there do not matter.
    pub(crate) fn deregister(&mut self, pool: &str, targets: &[Target]) -> Result<(), Refused> {
        self.live::<PoolSpec>(pool)?;
        if let Some(registered) = self.targets.get_mut(pool) {
            registered.retain(|target, _| !targets.contains(target));
        }
        Ok(())
    }

    /// The targets of some pools, in order.
    pub(crate) fn targets_of(&self, pools: &[String]) -> Vec<(String, Target, Health)> {
        let wanted = self.targets.iter().filter(|(pool, _)| pools.contains(pool));
        wanted
            .flat_map(|(pool, targets)| {
                targets.keys().map(|target| (pool.clone(), target.clone(), self.health_of(target)))
            })
            .collect()
    }

    /// The balancer that has an address.
    pub(crate) fn holder_of(&self, address: &IpAddr) -> Option<&str> {
        let holds = |record: &Record<BalancerSpec>| record.object.status.addresses.contains(address);
        self.balancers.iter().find(|(_, record)| holds(record)).map(|(name, _)| name.as_str())
    }

    fn health_of(&self, target: &Target) -> Health {
        self.health.get(&target.id).cloned().unwrap_or(Health { healthy: Some(true), reason: None })
    }

    fn live<S: Spec>(&self, name: &str) -> Result<&Record<S>, Refused> {
        let found = S::table(self).get(name).filter(|record| record.gone_at.is_none());
        found.ok_or_else(|| (Code::NotFound, format!("there is no {} {name}", S::KIND)))
    }

    fn read<S: Spec>(&self, name: &str, now: Instant) -> Result<Object<S>, Refused> {
        self.live::<S>(name).map(|record| record.read(now))
    }

    /// Gives a balancer an address of each of its families, and takes back those of families that it lost. That
    /// nobody else has an address asked for was checked before.
    fn settle(&mut self, kind: Kind, name: &str) {
        if kind != Kind::Balancer {
            return;
        }
        let Some(mut record) = self.balancers.remove(name) else { return };
        let spec = record.object.draft.spec.clone();
        let had = std::mem::take(&mut record.object.status.addresses);
        for family in spec.families {
            let of_family = |address: &&IpAddr| IpFamily::of(address) == family;
            let asked = || spec.requested.iter().find(of_family).copied();
            let address = had.iter().find(of_family).copied().or_else(asked);
            let address = address.unwrap_or_else(|| self.next_address(family));
            record.object.status.addresses.push(address);
        }
        self.balancers.insert(name.to_owned(), record);
    }

    /// The next address that nobody has. None is ever given out again, so that losing one shows.
    fn next_address(&mut self, family: IpFamily) -> IpAddr {
        loop {
            let offset = self.given_out;
            self.given_out += 1;
            let address = match family {
                IpFamily::V4 => IpAddr::V4(Ipv4Addr::from_bits(FIRST_V4 + offset)),
                IpFamily::V6 => IpAddr::V6(Ipv6Addr::from_bits(FIRST_V6 + u128::from(offset))),
            };
            if self.holder_of(&address).is_none() {
                return address;
            }
        }
    }
}
