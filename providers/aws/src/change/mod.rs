//! One decided change. What it refers to may not exist yet, so resources are named; `apply` finds their ids.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use landfall_core::params::aws::Scheme;

use crate::api::ec2::{Allow, NewSecurityGroup, Rule};
use crate::api::elb::{
    AddressType, HealthCheck, ListenerSpec, NewTargetGroup, NlbProtocol, SubnetChange, SubnetMapping, Target,
};
use crate::api::ids::{SecurityGroupId, SubnetId, TargetGroupArn};
use crate::api::{Attributes, Tags};

mod step;

/// One change. Mostly one call; `Targets` takes as many as its batches need.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Change {
    /// Of a security group.
    Guard(GuardRef, GuardChange),
    /// Of a target group, by name.
    Group(String, GroupChange),
    /// Of a load balancer, by name.
    Balancer(String, BalancerChange),
    /// Of a listener.
    Listener(ListenerRef, ListenerChange),
    /// Of the tags of several resources alike.
    Tags(Retag),
}

/// A security group: one that is there, or the one that an earlier change makes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum GuardRef {
    /// One that is there.
    Known(SecurityGroupId),
    /// The one of this name.
    Named(String),
}

impl fmt::Display for GuardRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Known(id) => id.fmt(f),
            Self::Named(name) => name.fmt(f),
        }
    }
}

/// What a security group of ours is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum GuardRole {
    /// Lets clients in to one load balancer.
    Frontend,
    /// What the nodes let in: one for all load balancers of the cluster.
    Backend,
}

/// What happens to a security group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum GuardChange {
    /// It is made, without inbound rules.
    Create(GuardRole, NewSecurityGroup),
    /// Rules are added.
    Authorise(Vec<Rule>),
    /// Rules are added that let another group in, described with this mark.
    LetIn {
        /// Whom.
        from: GuardRef,
        /// To what.
        allow: BTreeSet<Allow>,
        /// Description of the rules.
        mark: String,
    },
    /// Rules are removed.
    Revoke(Vec<Rule>),
    /// It goes. Postponed while something is in it.
    Delete,
}

/// What happens to a target group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum GroupChange {
    /// It is made.
    Create(NewTargetGroup),
    /// Its health check changes.
    Health {
        /// Now.
        from: HealthCheck,
        /// Afterwards.
        to: HealthCheck,
    },
    /// Attributes change.
    Attributes(AttributeChange),
    /// Its targets change.
    Targets(TargetChange),
    /// It goes. Postponed while a listener forwards to it.
    Delete,
}

/// Targets that come and go, each with what people call it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct TargetChange {
    /// Registered at a port that is no longer wanted, while the same id is wanted at another one. They go first: what
    /// listened there is gone, and some backends tell targets apart by id alone.
    pub(crate) moved: BTreeMap<Target, String>,
    /// To be registered.
    pub(crate) new: BTreeMap<Target, String>,
    /// To be deregistered, last.
    pub(crate) gone: BTreeMap<Target, String>,
}

impl TargetChange {
    pub(crate) fn is_empty(&self) -> bool {
        self.moved.is_empty() && self.new.is_empty() && self.gone.is_empty()
    }
}

/// What happens to a load balancer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum BalancerChange {
    /// It is made.
    Create(NewBalancer),
    /// Its subnets or its source NAT change; the address families with them.
    Subnets {
        /// Now.
        from: BTreeSet<SubnetId>,
        /// Afterwards.
        to: SubnetChange,
        /// The zones of the subnets afterwards.
        zones: BTreeMap<SubnetId, String>,
        /// Zones that are left only to be entered again by another subnet.
        left: BTreeSet<String>,
    },
    /// Its address families change.
    AddressType {
        /// Now.
        from: AddressType,
        /// Afterwards.
        to: AddressType,
    },
    /// Its security groups change, or whether they hold for `PrivateLink`.
    Guards {
        /// Now.
        from: Vec<GuardRef>,
        /// Afterwards.
        to: Vec<GuardRef>,
        /// Afterwards; `None` leaves the flag as it is.
        private_link_rules: Option<bool>,
        /// Not made if AWS refused to open nodes before, in the same run: the groups now may be the only ones that the
        /// nodes let in.
        only_if_let_in: bool,
    },
    /// Its minimum capacity changes.
    Capacity {
        /// Now.
        from: Option<u32>,
        /// Afterwards.
        to: Option<u32>,
    },
    /// Attributes change.
    Attributes(AttributeChange),
    /// It goes, listeners included. A problem is reported if it is protected.
    Delete,
}

/// A load balancer to make.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct NewBalancer {
    pub(crate) scheme: Scheme,
    pub(crate) address_type: AddressType,
    pub(crate) subnets: Vec<SubnetMapping>,
    pub(crate) guards: Vec<GuardRef>,
    pub(crate) source_nat: bool,
    pub(crate) tags: Tags,
}

/// A listener: what it is on, and its port.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct ListenerRef {
    /// Name of its load balancer.
    pub(crate) balancer: String,
    /// Its port.
    pub(crate) port: u16,
}

impl fmt::Display for ListenerRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.balancer, self.port)
    }
}

/// What happens to a listener.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum ListenerChange {
    /// It is made.
    Create {
        /// What it shall do.
        plan: ListenerPlan,
        /// Its tags.
        tags: Tags,
        /// What it did in the shape that its load balancer has, if it is away for a change of that: it does so again if a
        /// change before this one fails.
        meanwhile: Option<Meanwhile>,
    },
    /// What it does changes.
    Modify {
        /// Now.
        from: ListenerSpec,
        /// Name of the target group that it forwards to now, if that is one of ours.
        from_group: Option<String>,
        /// Afterwards.
        to: ListenerPlan,
    },
    /// It gets a certificate besides the default one.
    AddCertificate(String),
    /// It loses one of those.
    RemoveCertificate(String),
    /// Attributes change.
    Attributes(AttributeChange),
    /// It goes.
    Delete,
}

/// A listener as it is while what it shall do is not possible yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Meanwhile {
    pub(crate) spec: ListenerSpec,
    pub(crate) attributes: Attributes,
    pub(crate) tags: Tags,
}

/// What a listener shall do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ListenerPlan {
    pub(crate) protocol: NlbProtocol,
    pub(crate) forward: Forward,
    pub(crate) certificate: Option<String>,
    pub(crate) ssl_policy: Option<String>,
    pub(crate) alpn: Option<String>,
}

/// Where a listener sends its traffic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Forward {
    /// To a target group of ours.
    Ours(String),
    /// To the target group that it had before it was taken over.
    Original(TargetGroupArn),
}

impl fmt::Display for Forward {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ours(name) => name.fmt(f),
            Self::Original(arn) => arn.fmt(f),
        }
    }
}

/// Attributes with their values now, where there are any, and afterwards.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct AttributeChange(pub(crate) BTreeMap<String, (Option<String>, String)>);

impl AttributeChange {
    /// The values afterwards.
    pub(crate) fn set(&self) -> Attributes {
        self.0.iter().map(|(key, (_, to))| (key.clone(), to.clone())).collect()
    }
}

/// Tags that several resources get and lose.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Retag {
    /// Which resources.
    pub(crate) of: Vec<TagRef>,
    /// Tags to set.
    pub(crate) set: Tags,
    /// Keys to remove.
    pub(crate) removed: BTreeSet<String>,
}

/// A resource with tags.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum TagRef {
    /// A load balancer, by name.
    Balancer(String),
    /// A target group, by name.
    Group(String),
    /// A listener.
    Listener(ListenerRef),
    /// A security group.
    Guard(GuardRef),
}

impl TagRef {
    /// The word for its kind in plans.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::Balancer(_) => kinds::BALANCER,
            Self::Group(_) => kinds::GROUP,
            Self::Listener(_) => kinds::LISTENER,
            Self::Guard(_) => kinds::GUARD,
        }
    }
}

impl fmt::Display for TagRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Balancer(name) | Self::Group(name) => name.fmt(f),
            Self::Listener(listener) => listener.fmt(f),
            Self::Guard(guard) => guard.fmt(f),
        }
    }
}

/// The words for kinds of resources, in plans, inventories and errors.
pub(crate) mod kinds {
    /// A load balancer.
    pub(crate) const BALANCER: &str = "load balancer";
    /// A target group.
    pub(crate) const GROUP: &str = "target group";
    /// A listener.
    pub(crate) const LISTENER: &str = "listener";
    /// A security group.
    pub(crate) const GUARD: &str = "security group";
}
