//! What the controller needs in a cluster before it starts: definitions, its account and its rights.

use std::time::Duration;

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::api::{Api, DynamicObject, Patch, PatchParams};
use kube::core::GroupVersionKind;
use kube::runtime::wait::{await_condition, conditions};
use kube::{Client, ResourceExt};

use super::{BackendError, NAMESPACE};

/// How long a definition may take until it is served.
const ESTABLISHED_WITHIN: Duration = Duration::from_secs(30);

/// The kinds taken from the manifests. The rest (Deployment, Service, …) runs the controller in a pod, and here
/// the test runs it.
const KINDS: [&str; 7] = [
    "Namespace",
    "CustomResourceDefinition",
    "ServiceAccount",
    "ClusterRole",
    "ClusterRoleBinding",
    "Role",
    "RoleBinding",
];

/// Applies the objects of `manifests` (YAML documents) whose kind the controller needs, and waits until the
/// definitions are served. Applying twice changes nothing.
pub(super) async fn install(client: &Client, manifests: &str) -> Result<(), BackendError> {
    let objects = needed(manifests)?;
    for object in &objects {
        apply(client, object).await?;
    }
    let definitions: Api<CustomResourceDefinition> = Api::all(client.clone());
    for name in
        objects.iter().filter(|object| kind(object) == "CustomResourceDefinition").map(ResourceExt::name_any)
    {
        let served = await_condition(definitions.clone(), &name, conditions::is_crd_established());
        match tokio::time::timeout(ESTABLISHED_WITHIN, served).await {
            Ok(Ok(_)) => {}
            Ok(Err(source)) => return Err(BackendError::Wait { name, source: Box::new(source) }),
            Err(_) => return Err(BackendError::NotServed { name }),
        }
    }
    Ok(())
}

/// The objects to apply, in an order in which each finds what it refers to.
fn needed(manifests: &str) -> Result<Vec<DynamicObject>, BackendError> {
    let documents: Vec<Option<DynamicObject>> =
        serde_saphyr::from_multiple(manifests).map_err(|error| BackendError::Manifest(error.to_string()))?;
    let rank = |object: &DynamicObject| KINDS.iter().position(|known| *known == kind(object));
    let mut objects: Vec<DynamicObject> =
        documents.into_iter().flatten().filter(|o| rank(o).is_some()).collect();
    objects.sort_by_key(rank);
    Ok(objects)
}

fn kind(object: &DynamicObject) -> &str {
    object.types.as_ref().map_or("", |types| types.kind.as_str())
}

async fn apply(client: &Client, object: &DynamicObject) -> Result<(), BackendError> {
    let name = object.name_any();
    let failed = |source| BackendError::Install {
        kind: kind(object).to_owned(),
        name: name.clone(),
        source: Box::new(source),
    };
    let Some(types) = &object.types else {
        return Err(BackendError::Manifest(format!("{name}: no kind")));
    };
    let gvk = GroupVersionKind::try_from(types).map_err(|error| BackendError::Manifest(error.to_string()))?;
    let (resource, capabilities) = kube::discovery::pinned_kind(client, &gvk).await.map_err(failed)?;
    let api: Api<DynamicObject> = if capabilities.scope == kube::discovery::Scope::Cluster {
        Api::all_with(client.clone(), &resource)
    } else {
        Api::namespaced_with(
            client.clone(),
            object.metadata.namespace.as_deref().unwrap_or(NAMESPACE),
            &resource,
        )
    };
    let parameters = PatchParams::apply("landfall-test").force();
    api.patch(&name, &parameters, &Patch::Apply(object)).await.map_err(failed)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const MANIFESTS: &str = "\
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: landfall}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: landfall}
---
---
apiVersion: v1
kind: Namespace
metadata: {name: landfall-system}
";

    #[test]
    fn only_what_is_needed_and_in_order() -> Result<(), BackendError> {
        let objects = needed(MANIFESTS)?;
        assert_eq!(objects.iter().map(kind).collect::<Vec<_>>(), ["Namespace", "ClusterRoleBinding"]);
        Ok(())
    }

    #[test]
    fn unreadable_manifests_are_an_error() {
        assert!(matches!(needed("a: [1"), Err(BackendError::Manifest(_))));
    }
}
