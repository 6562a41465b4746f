//! The embedded API server with the objects that are there before the controller.

use std::net::{Ipv4Addr, SocketAddr};

use kube::Client;
use landfall_testkit::apiserver::{ApiServer, Options, Served};

use crate::error::DemoError;
use crate::manifests;

/// The API server, listening on the loopback address.
pub(crate) struct Cluster {
    // Held for its drop, which ends what is served.
    _api: ApiServer,
    served: Served,
}

impl Cluster {
    /// Starts it on `port` and creates the first objects.
    pub(crate) async fn start(port: u16) -> Result<Self, DemoError> {
        let api = ApiServer::start_with(Options::default().without_journal())?;
        for (file, object) in manifests::before()? {
            let name = format!("{} {}", object["kind"], object["metadata"]["name"]);
            api.create(object).map_err(|source| DemoError::Refused {
                file,
                name,
                source: Box::new(source),
            })?;
        }
        let addr = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let served = api.serve(addr).await.map_err(DemoError::io(format!("listening on {addr} (--port)")))?;
        Ok(Self { _api: api, served })
    }

    pub(crate) fn addr(&self) -> SocketAddr {
        self.served.addr()
    }

    pub(crate) fn kubeconfig(&self) -> String {
        self.served.kubeconfig()
    }

    /// A client over TCP, so that measured times are those of a client outside.
    pub(crate) fn client(&self) -> Result<Client, DemoError> {
        self.served.client().map_err(DemoError::kube("connecting to the API server"))
    }
}

#[cfg(test)]
mod tests {
    use k8s_openapi::api::core::v1::{Node, Service};
    use kube::Api;
    use kube::api::{DynamicObject, ListParams, PostParams};
    use kube::core::{ApiResource, GroupVersionKind};

    use super::*;

    #[tokio::test]
    async fn the_first_objects_are_accepted() {
        let cluster = Cluster::start(0).await.unwrap();
        let client = cluster.client().unwrap();
        let nodes = Api::<Node>::all(client.clone()).list(&ListParams::default()).await.unwrap();
        let ready = |node: &Node| {
            node.status.as_ref()?.conditions.as_ref()?.first().map(|first| first.status.clone())
        };
        assert_eq!(nodes.iter().filter_map(ready).collect::<Vec<_>>(), ["True"; 3]);
        let kind = ApiResource::from_gvk(&GroupVersionKind::gvk("landfall.dev", "v1alpha1", "AddressPool"));
        let pools: Api<DynamicObject> = Api::all_with(client, &kind);
        assert_eq!(pools.list(&ListParams::default()).await.unwrap().items.len(), 1);
    }

    #[tokio::test]
    async fn every_service_is_accepted() {
        let cluster = Cluster::start(0).await.unwrap();
        for planned in manifests::services().unwrap() {
            let (namespace, _) = crate::events::key_of(&planned.service);
            let api: Api<Service> = Api::namespaced(cluster.client().unwrap(), &namespace);
            api.create(&PostParams::default(), &planned.service).await.unwrap();
        }
    }

    #[tokio::test]
    async fn a_port_that_is_taken_is_told() {
        let first = Cluster::start(0).await.unwrap();
        let second = Cluster::start(first.addr().port()).await.err().unwrap().to_string();
        assert!(second.contains(&first.addr().to_string()) && second.contains("--port"), "{second}");
    }
}
