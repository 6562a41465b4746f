//! The methods that the provider calls: what its role has to allow.

use super::{Kind, Method, Verb};

/// What is asked of which kind.
const CALLED: [(Kind, &[Verb]); 10] = {
    use Verb::{
        AddInstances, AttachEndpoints, Delete, DetachEndpoints, Get, GetHealth, GetOperation, Insert, List,
        ListEndpoints, ListInstances, Patch, RemoveInstances, SetLabels, Update,
    };
    [
        (Kind::Address, &[List, Get, Insert, Delete, SetLabels, GetOperation]),
        (Kind::BackendService, &[List, Get, Insert, Update, Delete, GetHealth, GetOperation]),
        (
            Kind::EndpointGroup,
            &[List, Insert, Delete, AttachEndpoints, DetachEndpoints, ListEndpoints, GetOperation],
        ),
        (Kind::Firewall, &[List, Get, Insert, Update, Delete, GetOperation]),
        (Kind::ForwardingRule, &[List, Get, Insert, Patch, Delete, SetLabels, GetOperation]),
        (Kind::HealthCheck, &[List, Get, Insert, Update, Delete, GetOperation]),
        (Kind::Instance, &[List]),
        (
            Kind::InstanceGroup,
            &[List, Insert, Delete, AddInstances, RemoveInstances, ListInstances, GetOperation],
        ),
        (Kind::Region, &[Get]),
        (Kind::Subnetwork, &[Get]),
    ]
};

impl Method {
    /// Every method that the provider calls.
    pub fn called() -> impl Iterator<Item = Self> {
        CALLED.iter().flat_map(|(kind, verbs)| verbs.iter().map(|verb| Self::new(*kind, *verb)))
    }
}
