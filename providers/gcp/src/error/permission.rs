//! The permissions that methods need, as IAM names them.

use crate::api::{Kind, Method, Verb};

/// The permission that a method needs on the resource itself, e.g. `compute.forwardingRules.create`. Methods that refer
/// to other resources need permissions for those as well, such as `compute.subnetworks.use`; Google's answer names them.
pub fn permission(method: Method) -> String {
    let Method { kind, verb } = method;
    let resource = if verb == Verb::GetOperation { operations(kind) } else { kind.service() };
    format!("compute.{resource}.{}", action(verb))
}

/// Where the operations on this kind are.
const fn operations(kind: Kind) -> &'static str {
    match kind {
        Kind::Firewall | Kind::Network | Kind::Region => "globalOperations",
        Kind::EndpointGroup | Kind::Instance | Kind::InstanceGroup => "zoneOperations",
        Kind::Address
        | Kind::BackendService
        | Kind::ForwardingRule
        | Kind::HealthCheck
        | Kind::Subnetwork => "regionOperations",
    }
}

const fn action(verb: Verb) -> &'static str {
    match verb {
        Verb::List | Verb::ListEndpoints | Verb::ListInstances => "list",
        Verb::Get | Verb::GetHealth | Verb::GetOperation => "get",
        Verb::Insert => "create",
        Verb::Patch | Verb::Update | Verb::AddInstances | Verb::RemoveInstances => "update",
        Verb::Delete => "delete",
        Verb::SetLabels => "setLabels",
        Verb::AttachEndpoints => "attachNetworkEndpoints",
        Verb::DetachEndpoints => "detachNetworkEndpoints",
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case(Kind::ForwardingRule, Verb::Insert, "compute.forwardingRules.create")]
    #[case(Kind::BackendService, Verb::Update, "compute.regionBackendServices.update")]
    #[case(Kind::HealthCheck, Verb::Patch, "compute.regionHealthChecks.update")]
    #[case(Kind::Firewall, Verb::Delete, "compute.firewalls.delete")]
    #[case(Kind::Address, Verb::SetLabels, "compute.addresses.setLabels")]
    #[case(
        Kind::EndpointGroup,
        Verb::AttachEndpoints,
        "compute.networkEndpointGroups.attachNetworkEndpoints"
    )]
    #[case(Kind::InstanceGroup, Verb::AddInstances, "compute.instanceGroups.update")]
    #[case(Kind::Firewall, Verb::GetOperation, "compute.globalOperations.get")]
    #[case(Kind::InstanceGroup, Verb::GetOperation, "compute.zoneOperations.get")]
    #[case(Kind::Address, Verb::GetOperation, "compute.regionOperations.get")]
    fn permissions_are_named_as_in_iam(#[case] kind: Kind, #[case] verb: Verb, #[case] name: &str) {
        assert_eq!(permission(Method::new(kind, verb)), name);
    }
}
