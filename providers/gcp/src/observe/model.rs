//! What exists, as values.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::Arc;

use jiff::Timestamp;
use landfall_core::ids::LbId;
use landfall_core::model::MemberRef;

use crate::account::Refused;
use crate::api::types::{
    Address, BackendService, Endpoint, EndpointGroup, Firewall, ForwardingRule, HealthCheck, InstanceGroup,
    Resource, Rest,
};
use crate::api::{Kind, Reference};

/// The field that tells when something was made.
const CREATED: &str = "creationTimestamp";

/// A resource of one of the kinds that we make.
#[derive(Debug, Clone, PartialEq)]
pub enum Thing {
    /// A reserved address.
    Address(Address),
    /// A backend service.
    BackendService(BackendService),
    /// A network endpoint group.
    EndpointGroup(EndpointGroup),
    /// A firewall rule.
    Firewall(Firewall),
    /// A forwarding rule.
    ForwardingRule(ForwardingRule),
    /// A health check.
    HealthCheck(HealthCheck),
    /// An unmanaged instance group.
    InstanceGroup(InstanceGroup),
}

/// Applies an expression to what is in a [`Thing`].
macro_rules! each {
    ($thing:expr, $it:ident => $do:expr) => {
        match $thing {
            Thing::Address($it) => $do,
            Thing::BackendService($it) => $do,
            Thing::EndpointGroup($it) => $do,
            Thing::Firewall($it) => $do,
            Thing::ForwardingRule($it) => $do,
            Thing::HealthCheck($it) => $do,
            Thing::InstanceGroup($it) => $do,
        }
    };
}
pub(crate) use each;

impl Thing {
    /// The kinds that we make.
    pub const KINDS: [Kind; 7] = [
        Kind::Address,
        Kind::BackendService,
        Kind::EndpointGroup,
        Kind::Firewall,
        Kind::ForwardingRule,
        Kind::HealthCheck,
        Kind::InstanceGroup,
    ];

    /// Its name.
    pub fn name(&self) -> &str {
        each!(self, it => it.name())
    }

    /// Its description, with our marks if it is ours.
    pub fn description(&self) -> &str {
        each!(self, it => it.description())
    }

    /// When it was made, if that is told in a form that we read.
    pub fn created(&self) -> Option<Timestamp> {
        let created = self.rest().get(CREATED)?;
        created.as_str()?.parse().ok()
    }

    /// The same, made then: what an update sends does not say so.
    pub(crate) fn made_at(mut self, created: Option<Timestamp>) -> Self {
        if let Some(created) = created {
            each!(&mut self, it => drop(it.rest.insert(CREATED.to_owned(), created.to_string().into())));
        }
        self
    }

    /// How many members it has, if it is a group and that is told.
    pub fn size(&self) -> Option<usize> {
        let size = match self {
            Self::EndpointGroup(group) => group.size,
            Self::InstanceGroup(group) => group.size,
            _ => None,
        };
        size.and_then(|size| usize::try_from(size).ok())
    }

    /// In the API's JSON.
    pub fn to_json(&self) -> serde_json::Result<serde_json::Value> {
        each!(self, it => serde_json::to_value(it))
    }

    fn rest(&self) -> &Rest {
        each!(self, it => &it.rest)
    }
}

/// Whose a resource of this cluster is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Owner {
    /// A load balancer's.
    Lb {
        /// Which.
        lb: LbId,
        /// The member that it serves; `None` if it serves all.
        member: Option<MemberRef>,
    },
    /// All load balancers of the cluster use it.
    Shared,
}

/// A resource of this cluster.
#[derive(Debug, Clone, PartialEq)]
pub struct Found {
    /// Whose it is.
    pub owner: Owner,
    /// The resource. Its members, if it is a group, are in [`Observed::members`].
    pub it: Arc<Thing>,
}

/// Everything with a load balancer's marks, what all load balancers of the cluster share, and strangers in the way.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Observed {
    /// The resources.
    pub things: BTreeMap<Reference, Found>,
    /// Members of groups, as far as they are known.
    pub members: BTreeMap<Reference, Arc<BTreeSet<Endpoint>>>,
    /// Whom Google does not take into groups, until it is tried again.
    pub(crate) refused: BTreeMap<Reference, Refused>,
    /// Resources that have a name that we need and are not this load balancer's.
    pub foreign: Vec<Foreign>,
    /// Addresses that others have reserved, as was seen lately.
    pub held_by_others: BTreeSet<IpAddr>,
    /// Why the firewall rules cannot be looked at, if they cannot: those of a Shared VPC's host project take a permission
    /// there. Then `things` has those that were seen before, and it is not known whether there are others.
    pub hidden_firewalls: Option<String>,
}

/// Something that is not this load balancer's and has a name that it needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Foreign {
    /// What.
    pub reference: Reference,
    /// The load balancer of this cluster that it belongs to, if it belongs to one.
    pub owner: Option<LbId>,
}

/// Lookups of one kind.
macro_rules! of_kind {
    ($(#[$doc:meta])* $all:ident, $(#[$one_doc:meta])* $one:ident, $type:ident) => {
        $(#[$doc])*
        pub fn $all(&self) -> impl Iterator<Item = (&Reference, &Owner, &$type)> {
            self.things.iter().filter_map(|(reference, found)| match &*found.it {
                Thing::$type(it) => Some((reference, &found.owner, it)),
                _ => None,
            })
        }

        $(#[$one_doc])*
        pub fn $one(&self, reference: &Reference) -> Option<&$type> {
            match &*self.things.get(reference)?.it {
                Thing::$type(it) => Some(it),
                _ => None,
            }
        }
    };
}

impl Observed {
    of_kind!(
        /// Reserved addresses.
        addresses,
        /// A reserved address.
        address,
        Address
    );
    of_kind!(
        /// Backend services.
        services,
        /// A backend service.
        service,
        BackendService
    );
    of_kind!(
        /// Firewall rules.
        firewalls,
        /// A firewall rule.
        firewall,
        Firewall
    );
    of_kind!(
        /// Forwarding rules.
        rules,
        /// A forwarding rule.
        rule,
        ForwardingRule
    );
    of_kind!(
        /// Health checks.
        checks,
        /// A health check.
        check,
        HealthCheck
    );
}
