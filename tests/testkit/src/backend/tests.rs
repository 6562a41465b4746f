use super::*;

/// What is shipped: the account that signs in on real servers must be in it.
const MANIFESTS: &str = concat!(
    include_str!("../../../../deploy/base/namespace.yaml"),
    "\n---\n",
    include_str!("../../../../deploy/base/rbac.yaml"),
    "\n---\n",
    include_str!("../../../../deploy/crds/addresspools.landfall.dev.yaml"),
);

#[tokio::test]
async fn the_embedded_server_serves_both_clients() -> Result<(), BackendError> {
    let backend = Backend::new(Choice::Embedded, MANIFESTS).await?;
    assert!(backend.embedded().is_some());
    let accounts: Api<ServiceAccount> = Api::namespaced(backend.controller(), NAMESPACE);
    let account = accounts.get(ACCOUNT).await.map_err(request("reading the account".to_owned()))?;
    assert_eq!(account.name_any(), ACCOUNT);
    Ok(())
}

#[tokio::test]
async fn installing_twice_changes_nothing() -> Result<(), BackendError> {
    let backend = Backend::new(Choice::Embedded, MANIFESTS).await?;
    let accounts: Api<ServiceAccount> = Api::namespaced(backend.admin(), NAMESPACE);
    let version = async || {
        let account = accounts.get(ACCOUNT).await.map_err(request("reading the account".to_owned()))?;
        Ok::<_, BackendError>(account.resource_version())
    };
    let before = version().await?;
    install::install(&backend.admin(), MANIFESTS).await?;
    assert_eq!(version().await?, before);
    Ok(())
}

#[tokio::test]
async fn the_kubeconfig_leads_to_the_same_server() -> Result<(), BackendError> {
    let backend = Backend::new(Choice::Embedded, MANIFESTS).await?;
    let namespaces: Api<Namespace> = Api::all(client_of(backend.kubeconfig()).await?);
    let found = namespaces.get(NAMESPACE).await.map_err(request("reading over HTTP".to_owned()))?;
    assert_eq!(found.name_any(), NAMESPACE);
    Ok(())
}

#[tokio::test]
async fn namespaces_differ_and_are_cleaned_up() -> Result<(), BackendError> {
    let backend = Backend::new(Choice::Embedded, "").await?;
    let names = [backend.namespace("pools").await?, backend.namespace("pools").await?];
    assert_ne!(names[0], names[1]);
    assert!(names.iter().all(|name| name.starts_with("pools-")));
    backend.cleanup().await?;
    let api: Api<Namespace> = Api::all(backend.admin());
    for name in names {
        let left = api.get_opt(&name).await.map_err(request("reading a namespace".to_owned()))?;
        assert!(left.is_none_or(|namespace| namespace.metadata.deletion_timestamp.is_some()), "{name} stays");
    }
    Ok(())
}

#[tokio::test]
async fn a_kubeconfig_without_a_cluster_is_refused() {
    let outcome = client_of("apiVersion: v1\nkind: Config\n").await.map(drop);
    assert!(matches!(outcome, Err(BackendError::Kubeconfig(_))), "{outcome:?}");
}
