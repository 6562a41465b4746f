//! Which of a load balancer's balancers is the one wanted, which serve meanwhile, and which go.

use landfall_core::net::IpFamily;

use crate::cloud::{BalancerSpec, Lifecycle, Object};
use crate::marks;
use crate::observe::Observed;
use crate::resources::{BalancerWish, Wanted};

/// The balancers of a load balancer by the part they play. What the cloud is deleting already plays none.
#[derive(Debug)]
pub(crate) struct Roles<'a> {
    /// The one that is as wanted, or can be changed in place to be.
    pub(crate) current: Option<&'a Object<BalancerSpec>>,
    /// The others.
    pub(crate) predecessors: Vec<&'a Object<BalancerSpec>>,
}

impl<'a> Roles<'a> {
    /// Casts the observed balancers.
    pub(crate) fn of(wish: &BalancerWish, observed: &'a Observed) -> Self {
        let alive = observed.balancers.iter().filter(|b| b.status.lifecycle != Lifecycle::Deleting);
        let (mut fitting, mut predecessors): (Vec<_>, Vec<_>) = alive.partition(|b| fits(b, wish));
        // One that serves already comes before one that a killed run left half-made.
        fitting.sort_by_key(|balancer| !is_active(balancer));
        let mut fitting = fitting.into_iter();
        let current = fitting.next();
        predecessors.extend(fitting);
        Self { current, predecessors }
    }

    /// Whether the current balancer serves, so that the others may go.
    pub(crate) fn settled(&self) -> bool {
        self.current.is_some_and(is_active)
    }

    /// The balancer whose addresses clients should use now.
    pub(crate) fn serving(&self) -> Option<&'a Object<BalancerSpec>> {
        let mut by_rank = self.current.into_iter().chain(self.predecessors.iter().copied());
        by_rank.find(|balancer| is_active(balancer)).or(self.current)
    }
}

/// The balancer that is aimed at. While the wish of a member is refused, that member keeps what it has, so the
/// balancer it is on keeps its shape: families are only added, and neither mode nor addresses force a successor.
pub(crate) fn shape(wanted: &Wanted, observed: &Observed) -> BalancerWish {
    let mut wish = wanted.balancer.clone();
    let keeps = observed.listeners.iter().find(|listener| {
        marks::member(&listener.draft.tags).is_some_and(|member| wanted.retained.contains(&member))
    });
    let balancer = keeps.and_then(|listener| {
        observed.balancers.iter().find(|balancer| balancer.name() == listener.spec().balancer)
    });
    if let Some(balancer) = balancer.filter(|balancer| balancer.status.lifecycle != Lifecycle::Deleting) {
        wish.mode = balancer.spec().mode;
        wish.requested.retain(|address| {
            let family = IpFamily::of(address);
            !balancer.spec().families.contains(&family) || balancer.status.addresses.contains(address)
        });
        for family in &balancer.spec().families {
            if !wish.families.contains(family) {
                wish.families.push(*family);
            }
        }
    }
    wish
}

pub(crate) fn is_active(balancer: &Object<BalancerSpec>) -> bool {
    balancer.status.lifecycle == Lifecycle::Active
}

/// Whether the balancer is as wanted up to what can be changed in place. An address asked for that it happens to
/// have fits, as does one of a family that it has yet to get.
fn fits(balancer: &Object<BalancerSpec>, wish: &BalancerWish) -> bool {
    balancer.spec().mode == wish.mode
        && wish.requested.iter().all(|address| {
            let mut of_family =
                balancer.status.addresses.iter().filter(|has| IpFamily::of(has) == IpFamily::of(address));
            of_family.next().is_none_or(|has| has == address)
        })
}
