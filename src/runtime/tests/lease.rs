//! Leader election through a kube client, against the embedded API server.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "helpers of tests may panic as tests may")]

use std::time::Duration;

use landfall_runtime::lease::{
    Claim, Elector, Identity, KubeLease, Leadership, LeaseMetrics, LostClaim, Released, Timing,
};
use landfall_runtime::metrics::Metrics;
use landfall_testkit::apiserver::{ApiServer, Fault, Matcher};
use serde_json::Value;
use tokio::time::{Instant, sleep, timeout};

const NAMESPACE: &str = "kube-system";
const NAME: &str = "landfall-controller";

fn join(server: &ApiServer, name: &str) -> Elector {
    let store = KubeLease::new(server.client(), NAMESPACE, NAME);
    let metrics = LeaseMetrics::register(&Metrics::new("test", "0"));
    Elector::start(store, Identity::new(name).unwrap(), Timing::default(), metrics)
}

async fn leads(elector: &Elector) -> Claim {
    let mut leadership = elector.leadership();
    let state = leadership.wait_for(|state| matches!(state, Leadership::Leading(c) if c.check().is_ok()));
    let state = timeout(Duration::from_mins(1), state).await.expect("it leads in the end").unwrap();
    let Leadership::Leading(claim) = &*state else { unreachable!("waited for it") };
    claim.clone()
}

fn spec(server: &ApiServer) -> Value {
    server.get("coordination.k8s.io/v1", "Lease", NAMESPACE, NAME).unwrap()["spec"].take()
}

#[tokio::test(start_paused = true)]
async fn a_lease_is_created_renewed_and_handed_over_with_three_verbs() {
    let server = ApiServer::start().unwrap();
    let a = join(&server, "a");
    let claim = leads(&a).await;
    let first = spec(&server);
    assert_eq!(first["holderIdentity"], "a");
    assert_eq!((&first["leaseDurationSeconds"], &first["leaseTransitions"]), (&15.into(), &0.into()));

    let b = join(&server, "b");
    sleep(Duration::from_secs(30)).await;
    assert_eq!(claim.check(), Ok(()));
    assert_eq!(spec(&server)["acquireTime"], first["acquireTime"]);
    assert_ne!(spec(&server)["renewTime"], first["renewTime"]);

    assert_eq!(a.release().await.unwrap(), Released::Freed);
    assert_eq!(claim.check(), Err(LostClaim));
    let released = Instant::now();
    leads(&b).await;
    assert!(released.elapsed() < Duration::from_secs(2), "{:?}", released.elapsed());
    assert_eq!(spec(&server)["holderIdentity"], "b");
    assert_eq!(spec(&server)["leaseTransitions"], 1);

    let verbs: Vec<_> = server.journal().permissions().into_iter().map(|p| (p.resource, p.verb)).collect();
    assert_eq!(verbs, ["create", "get", "update"].map(|verb| ("leases".to_owned(), verb)));
}

#[tokio::test(start_paused = true)]
async fn somebody_elses_write_and_lost_answers_are_survived() {
    let server = ApiServer::start().unwrap();
    let a = join(&server, "a");
    let claim = leads(&a).await;
    let mut lease = server.get("coordination.k8s.io/v1", "Lease", NAMESPACE, NAME).unwrap();
    lease["metadata"]["labels"] = serde_json::json!({"team": "net"});
    server.update(lease).unwrap();
    let strikes = server.hooks().inject(Matcher::writes().kind("Lease"), Fault::DropAfter, 1);
    sleep(Duration::from_secs(30)).await;
    assert_eq!(strikes.count(), 1);
    assert_eq!(claim.check(), Ok(()));
    let lease = server.get("coordination.k8s.io/v1", "Lease", NAMESPACE, NAME).unwrap();
    assert_eq!(lease["metadata"]["labels"]["team"], "net");
}

#[tokio::test(start_paused = true)]
async fn an_unreachable_api_server_ends_the_claim_and_a_deleted_lease_is_created_again() {
    let server = ApiServer::start().unwrap();
    let a = join(&server, "a");
    let claim = leads(&a).await;
    server.hooks().inject(Matcher::any().kind("Lease"), Fault::Drop, u64::MAX);
    timeout(Duration::from_secs(13), claim.lost()).await.unwrap();
    server.delete("coordination.k8s.io/v1", "Lease", NAMESPACE, NAME).unwrap();
    server.hooks().clear();
    let again = leads(&a).await;
    assert_eq!(again.check(), Ok(()));
    assert_eq!(claim.check(), Err(LostClaim));
    assert_eq!(spec(&server)["holderIdentity"], "a");
}
