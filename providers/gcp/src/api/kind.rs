//! Kinds of resources, what can be asked of them, and the names that the API has for both.

use std::fmt;

use serde::Serialize;

/// A kind of resource of Compute Engine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// A reserved regional address.
    Address,
    /// A regional backend service.
    BackendService,
    /// A zonal network endpoint group.
    EndpointGroup,
    /// A VPC firewall rule; global, in the network's project.
    Firewall,
    /// A regional forwarding rule.
    ForwardingRule,
    /// A regional health check.
    HealthCheck,
    /// A virtual machine. Only read.
    Instance,
    /// A zonal, unmanaged instance group.
    InstanceGroup,
    /// A VPC network. Only read.
    Network,
    /// A region, with its zones and quotas. Only read.
    Region,
    /// A subnet. Only read.
    Subnetwork,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Self; 11] = [
        Self::Address,
        Self::BackendService,
        Self::EndpointGroup,
        Self::Firewall,
        Self::ForwardingRule,
        Self::HealthCheck,
        Self::Instance,
        Self::InstanceGroup,
        Self::Network,
        Self::Region,
        Self::Subnetwork,
    ];

    /// The word in paths: `…/regions/REGION/forwardingRules/NAME`.
    pub const fn collection(self) -> &'static str {
        match self {
            Self::Address => "addresses",
            Self::BackendService => "backendServices",
            Self::EndpointGroup => "networkEndpointGroups",
            Self::Firewall => "firewalls",
            Self::ForwardingRule => "forwardingRules",
            Self::HealthCheck => "healthChecks",
            Self::Instance => "instances",
            Self::InstanceGroup => "instanceGroups",
            Self::Network => "networks",
            Self::Region => "regions",
            Self::Subnetwork => "subnetworks",
        }
    }

    /// The word in plans, errors and inventories.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Address => "address",
            Self::BackendService => "backend-service",
            Self::EndpointGroup => "network-endpoint-group",
            Self::Firewall => "firewall-rule",
            Self::ForwardingRule => "forwarding-rule",
            Self::HealthCheck => "health-check",
            Self::Instance => "instance",
            Self::InstanceGroup => "instance-group",
            Self::Network => "network",
            Self::Region => "region",
            Self::Subnetwork => "subnetwork",
        }
    }

    /// The resource in method ids and permissions. Regional resources that also exist globally have a word of their own.
    pub(crate) const fn service(self) -> &'static str {
        match self {
            Self::BackendService => "regionBackendServices",
            Self::HealthCheck => "regionHealthChecks",
            _ => self.collection(),
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// What can be asked of resources.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Verb {
    /// A page of all there are.
    List,
    /// One.
    Get,
    /// Makes one.
    Insert,
    /// Changes the fields that are given.
    Patch,
    /// Replaces the whole.
    Update,
    /// Removes one.
    Delete,
    /// Replaces the labels.
    SetLabels,
    /// Adds endpoints to a network endpoint group, at most 500.
    AttachEndpoints,
    /// Takes endpoints out of a network endpoint group, at most 500.
    DetachEndpoints,
    /// A page of the endpoints of a network endpoint group.
    ListEndpoints,
    /// Adds instances to an instance group.
    AddInstances,
    /// Takes instances out of an instance group.
    RemoveInstances,
    /// A page of the instances of an instance group.
    ListInstances,
    /// The health of one backend of a backend service.
    GetHealth,
    /// The state of an operation.
    GetOperation,
}

impl Verb {
    /// Whether it changes who is in a group, and nothing else.
    pub(crate) const fn is_of_members(self) -> bool {
        matches!(
            self,
            Self::AttachEndpoints | Self::DetachEndpoints | Self::AddInstances | Self::RemoveInstances
        )
    }

    /// The word in method ids.
    pub const fn word(self) -> &'static str {
        match self {
            Self::List => "list",
            Self::Get | Self::GetOperation => "get",
            Self::Insert => "insert",
            Self::Patch => "patch",
            Self::Update => "update",
            Self::Delete => "delete",
            Self::SetLabels => "setLabels",
            Self::AttachEndpoints => "attachNetworkEndpoints",
            Self::DetachEndpoints => "detachNetworkEndpoints",
            Self::ListEndpoints => "listNetworkEndpoints",
            Self::AddInstances => "addInstances",
            Self::RemoveInstances => "removeInstances",
            Self::ListInstances => "listInstances",
            Self::GetHealth => "getHealth",
        }
    }

    /// Whether it changes something.
    pub const fn is_write(self) -> bool {
        matches!(
            self,
            Self::Insert
                | Self::Patch
                | Self::Update
                | Self::Delete
                | Self::SetLabels
                | Self::AttachEndpoints
                | Self::DetachEndpoints
                | Self::AddInstances
                | Self::RemoveInstances
        )
    }
}

/// A method of the API: what is asked of which kind. `Display` is its id without the prefix `compute.`, as in Google's
/// documentation, quotas and audit logs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Method {
    /// Of which kind; for an operation, the kind that it changes.
    pub kind: Kind,
    /// What.
    pub verb: Verb,
}

impl Method {
    /// A method.
    pub const fn new(kind: Kind, verb: Verb) -> Self {
        Self { kind, verb }
    }
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.verb {
            Verb::GetOperation => f.write_str("operations.get"),
            verb => write!(f, "{}.{}", self.kind.service(), verb.word()),
        }
    }
}
