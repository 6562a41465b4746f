//! kube's `finalizer()` helper, start to end.

use std::sync::Arc;

use k8s_openapi::api::core::v1::ConfigMap;
use kube::runtime::controller::Action;
use kube::runtime::finalizer::{Event, finalizer};
use kube::{Api, ResourceExt};
use landfall_testkit::apiserver::{ApiServer, Verb};
use rstest::rstest;
use serde_json::json;

use crate::common::config_map;

const NAME: &str = "example.com/guard";

async fn step(api: &Api<ConfigMap>, seen: &mut Vec<&'static str>) {
    let object = Arc::new(api.get("a").await.unwrap());
    let outcome = finalizer(api, NAME, object, |event| {
        seen.push(match event {
            Event::Apply(_) => "apply",
            Event::Cleanup(_) => "cleanup",
        });
        std::future::ready(Ok::<_, std::io::Error>(Action::await_change()))
    });
    outcome.await.unwrap();
}

#[rstest]
#[case::alone(json!([]), 0)]
#[case::beside_another(json!(["example.com/other"]), 1)]
#[tokio::test]
async fn adds_runs_and_removes(#[case] others: serde_json::Value, #[case] left: usize) {
    let server = ApiServer::start().unwrap();
    let mut object = config_map("a");
    object["metadata"]["finalizers"] = others;
    server.create(object).unwrap();
    let api: Api<ConfigMap> = Api::default_namespaced(server.client());

    let mut seen = Vec::new();
    step(&api, &mut seen).await;
    assert!(api.get("a").await.unwrap().finalizers().iter().any(|f| f == NAME), "first it is added");
    step(&api, &mut seen).await;
    api.delete("a", &kube::api::DeleteParams::default()).await.unwrap();
    step(&api, &mut seen).await;
    assert_eq!(seen, ["apply", "cleanup"]);
    assert_eq!(server.journal().count(Verb::Patch, "ConfigMap"), 2);
    let remaining = api.get_opt("a").await.unwrap().map_or(0, |object| object.finalizers().len());
    assert_eq!(remaining, left, "gone unless another finalizer holds it");
}
