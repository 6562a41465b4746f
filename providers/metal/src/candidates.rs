//! Which pools are open to a load balancer, and in which order they are asked.
//!
//! - *Open* decides who may hold an address of the pool: both selectors match every member, and the pool is one
//!   of those that the load balancer is bound to, if it is bound to any.
//! - *Giving* decides who gets a new one: the pool is open, nothing is wrong with it, it is not being deleted,
//!   and it assigns by itself or is named.
//!
//! So turning `autoAssign` off, deleting a pool or breaking it never takes an address away; changing a selector
//! does, because that is what selectors are for.

use std::fmt;

use crate::error::MetalError;
use crate::party::Party;
use crate::pool::Pool;
use crate::pool_set::PoolSet;

/// Why a pool is of no use to a load balancer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Closed {
    /// The load balancer is bound to other pools.
    NotNamed(Vec<String>),
    /// `namespaceSelector` does not match the namespace of this Service.
    Namespace(String),
    /// `serviceSelector` does not match this Service.
    Service(String),
    /// It is being deleted.
    Deleting,
    /// Something is wrong with it.
    Broken(String),
    /// It gives addresses only to those who name it.
    NotAutomatic,
}

/// Whether a load balancer may hold an address of the pool.
pub(crate) fn open(pool: &Pool, party: &Party) -> Result<(), Closed> {
    if let Some(names) = &party.pools
        && !names.contains(&pool.name)
    {
        return Err(Closed::NotNamed(names.clone()));
    }
    for member in &party.members {
        if pool.namespaces.as_ref().is_some_and(|selector| !selector.matches(&member.namespace_labels)) {
            return Err(Closed::Namespace(member.who.service.to_string()));
        }
        if pool.services.as_ref().is_some_and(|selector| !selector.matches(&member.labels)) {
            return Err(Closed::Service(member.who.service.to_string()));
        }
    }
    Ok(())
}

/// Whether a load balancer that asks for an address of this very pool may get a new one.
pub(crate) fn giving_on_request(pool: &Pool, party: &Party) -> Result<(), Closed> {
    open(pool, party)?;
    if pool.deleting {
        return Err(Closed::Deleting);
    }
    pool.problem().map_or(Ok(()), |problem| Err(Closed::Broken(problem.message)))
}

/// The pools that give new addresses to a load balancer, most preferred first; never empty.
pub(crate) fn candidates(pools: &PoolSet, party: &Party) -> Result<Vec<usize>, MetalError> {
    let order = order(pools, party)?;
    let (mut giving, mut reasons) = (Vec::new(), Vec::new());
    for (index, pool) in order.iter().filter_map(|&index| Some((index, pools.get(index)?))) {
        match giving_unasked(pool, party) {
            Ok(()) => giving.push(index),
            Err(closed) => reasons.push(format!("pool {} {closed}", pool.name)),
        }
    }
    match (giving.is_empty(), reasons.is_empty()) {
        (false, _) => Ok(giving),
        (true, true) => Err(MetalError::NoAddressPool { lb: party.label() }),
        (true, false) => Err(MetalError::NoMatchingPool { lb: party.label(), reasons }),
    }
}

/// The pools to ask: those named, in the order they are named, else all in the order of the set.
fn order(pools: &PoolSet, party: &Party) -> Result<Vec<usize>, MetalError> {
    let Some(names) = &party.pools else { return Ok(pools.iter().map(|(index, _)| index).collect()) };
    names
        .iter()
        .map(|name| {
            pools
                .index_of(name)
                .ok_or_else(|| MetalError::UnknownPool { name: name.clone(), known: pools.names() })
        })
        .collect()
}

fn giving_unasked(pool: &Pool, party: &Party) -> Result<(), Closed> {
    giving_on_request(pool, party)?;
    if pool.auto_assign || party.pools.is_some() { Ok(()) } else { Err(Closed::NotAutomatic) }
}

impl fmt::Display for Closed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotNamed(names) => write!(f, "is not one of those asked for ({})", names.join(", ")),
            Self::Namespace(service) => {
                write!(f, "has a namespaceSelector that does not match the namespace of {service}")
            }
            Self::Service(service) => write!(f, "has a serviceSelector that does not match {service}"),
            Self::Deleting => f.write_str("is being deleted"),
            Self::Broken(problem) => write!(f, "gives out nothing new until it is put right ({problem})"),
            Self::NotAutomatic => f.write_str("has autoAssign off and is not asked for by name"),
        }
    }
}
