//! Sizes of a large cluster: nothing is lost, counts add up.

use std::collections::BTreeSet;
use std::ops::ControlFlow;

use futures::TryStreamExt;
use k8s_openapi::api::core::v1::ConfigMap;
use kube::api::{ListParams, WatchEvent, WatchParams};
use kube::{Api, ResourceExt};
use landfall_testkit::apiserver::{ApiServer, Options, Verb};

use crate::common::config_map;

const OBJECTS: usize = 10_000;
const WATCHERS: usize = 3;

async fn watched_names(api: Api<ConfigMap>) -> BTreeSet<String> {
    let stream = api.watch(&WatchParams::default().timeout(290), "0").await.unwrap();
    let names = stream.try_fold(BTreeSet::new(), |mut names, event| async move {
        if let WatchEvent::Added(object) = event {
            names.insert(object.name_any());
        }
        Ok(names)
    });
    names.await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_thousand_objects_and_some_watchers() {
    let server = ApiServer::start_with(Options::default().without_journal()).unwrap();
    let api: Api<ConfigMap> = Api::default_namespaced(server.client());
    let watchers: Vec<_> = (0..WATCHERS).map(|_| tokio::spawn(watched_names(api.clone()))).collect();
    for i in 0..OBJECTS {
        server.create(config_map(&format!("c{i:05}"))).unwrap();
    }

    let pages = futures::stream::try_unfold(ControlFlow::Continue(String::new()), |token| async {
        let ControlFlow::Continue(token) = token else { return Ok::<_, kube::Error>(None) };
        let params = ListParams {
            limit: Some(500),
            continue_token: Some(token).filter(|t| !t.is_empty()),
            ..ListParams::default()
        };
        let page = api.list(&params).await?;
        let next = page.metadata.continue_.clone().filter(|t| !t.is_empty());
        Ok(Some((page.items.len(), next.map_or(ControlFlow::Break(()), ControlFlow::Continue))))
    });
    let sizes: Vec<usize> = pages.try_collect().await.unwrap();
    assert_eq!(sizes, vec![500; OBJECTS / 500]);

    // A watch that starts late begins with the present state, so it suffices that all have started.
    while server.journal().count(Verb::Watch, "ConfigMap") < WATCHERS as u64 {
        tokio::task::yield_now().await;
    }
    server.hooks().end_watches();
    let expected: BTreeSet<String> = (0..OBJECTS).map(|i| format!("c{i:05}")).collect();
    for watcher in watchers {
        assert!(watcher.await.unwrap() == expected);
    }
}
