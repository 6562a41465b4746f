//! What happens to the Services of the cluster, as one stream of messages with their times.

use std::time::{Duration, Instant};

use futures::TryStreamExt;
use k8s_openapi::api::core::v1::Service;
use kube::api::PostParams;
use kube::runtime::{WatchStreamExt, watcher};
use kube::{Api, Client, ResourceExt};
use tokio::sync::mpsc::UnboundedSender;

use crate::error::DemoError;
use crate::manifests::Planned;

/// Namespace and name.
pub(crate) type Key = (String, String);

/// One thing that happened.
#[derive(Debug, Clone)]
pub(crate) enum Event {
    /// The call that created one of our Services has returned.
    Created(Key),
    /// A watch told of a Service.
    Seen(Box<Service>),
    /// A watch told that a Service is gone.
    Gone(Key),
    /// All of ours are created.
    AllCreated,
}

/// Namespace and name of a Service.
pub(crate) fn key_of(service: &Service) -> Key {
    (service.namespace().unwrap_or_default(), service.name_any())
}

/// Creates the Services one after another. Each time is taken when the call has returned.
pub(crate) async fn create(
    client: Client,
    services: Vec<Planned>,
    pause: Duration,
    to: UnboundedSender<(Instant, Event)>,
) -> Result<(), DemoError> {
    for (index, Planned { service, .. }) in services.iter().enumerate() {
        if index > 0 {
            tokio::time::sleep(pause).await;
        }
        let key = key_of(service);
        let api: Api<Service> = Api::namespaced(client.clone(), &key.0);
        let created = api.create(&PostParams::default(), service).await;
        let at = Instant::now();
        created.map_err(DemoError::kube(format!("creating the Service {}/{}", key.0, key.1)))?;
        if to.send((at, Event::Created(key))).is_err() {
            return Ok(());
        }
    }
    // Nobody listens any more: the run is over.
    let _sent = to.send((Instant::now(), Event::AllCreated));
    Ok(())
}

/// Watches the Services of all namespaces until the receiver is gone. Failures are retried with a pause.
pub(crate) async fn watch(client: Client, to: UnboundedSender<(Instant, Event)>) {
    let stream = watcher(Api::<Service>::all(client), watcher::Config::default()).default_backoff();
    let mut stream = std::pin::pin!(stream);
    loop {
        let event = match stream.try_next().await {
            Ok(Some(watcher::Event::Apply(service) | watcher::Event::InitApply(service))) => {
                Event::Seen(Box::new(service))
            }
            Ok(Some(watcher::Event::Delete(service))) => Event::Gone(key_of(&service)),
            Ok(Some(watcher::Event::Init | watcher::Event::InitDone)) | Err(_) => continue,
            Ok(None) => return,
        };
        if to.send((Instant::now(), event)).is_err() {
            return;
        }
    }
}
