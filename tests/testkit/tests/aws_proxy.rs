//! The proxy before moto: it counts, isolates and breaks what it is asked to; and the environment leads to it.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "helpers of tests, outside of the test functions that clippy exempts"
)]

use std::process::Command;
use std::time::Duration;

use landfall_aws::api::elb::{Elb, WhichBalancers};
use landfall_aws::api::error::Failure;
use landfall_aws::api::{Action, ApiError};
use landfall_aws::connect::{ConnectError, Options, connect};
use landfall_aws::sdk::ElbClient;
use landfall_testkit::aws::account::Account;
use landfall_testkit::aws::moto::Moto;
use landfall_testkit::aws::proxy::{Fault, Proxy, Service};
use tokio::time::{Instant, timeout};

async fn account() -> Account {
    Moto::shared().await.unwrap_or_else(|error| panic!("{error}")).account()
}

async fn proxy() -> (Proxy, ElbClient) {
    let proxy = Proxy::start(&account().await).await.unwrap();
    let elb = ElbClient::new(&proxy.config().await.unwrap());
    (proxy, elb)
}

async fn list(elb: &ElbClient) -> Result<usize, ApiError> {
    elb.load_balancers(&WhichBalancers::All, None).await.map(|page| page.items.len())
}

#[tokio::test]
async fn calls_are_written_down() {
    let (proxy, elb) = proxy().await;
    list(&elb).await.unwrap();
    elb.delete_balancer(&"arn:aws:elasticloadbalancing:us-east-1:1:loadbalancer/net/x/1".into())
        .await
        .unwrap();
    let calls = proxy.calls();
    assert_eq!(calls.len(), 2);
    assert_eq!((calls[0].action.as_str(), calls[0].service), ("DescribeLoadBalancers", Service::Elb));
    assert_eq!((calls[0].is_write(), calls[1].is_write()), (false, true));
    assert_eq!(calls[0].parameter("PageSize").as_deref(), Some("400"));
    assert_eq!((calls[0].status, calls[1].status), (Some(200), Some(200)));
    assert!(calls[0].at <= calls[1].at);
    assert_eq!((proxy.total(), proxy.writes(), proxy.count(Action::DeleteLoadBalancer)), (2, 1, 1));
    proxy.clear();
    assert_eq!(proxy.total(), 0);
}

#[tokio::test]
async fn accounts_do_not_see_each_other() {
    let (one, other) = (account().await, account().await);
    assert_ne!(one.id(), other.id());
    one.ec2("CreateVpc", &[("CidrBlock", "10.9.0.0/16")]).await.unwrap();
    let ranges = async |account: &Account| {
        let reply = account.ec2("DescribeVpcs", &[]).await.unwrap();
        reply.texts("cidrBlock").iter().filter(|range| **range == "10.9.0.0/16").count()
    };
    // Told twice per network.
    assert!(ranges(&one).await > 0);
    assert_eq!(ranges(&other).await, 0);
}

#[tokio::test]
async fn a_refusal_has_no_effect_and_happens_once() {
    let (proxy, elb) = proxy().await;
    list(&elb).await.unwrap();
    proxy.fault_at(2, Fault::code("Throttling"));
    list(&elb).await.unwrap();
    let error = list(&elb).await.unwrap_err();
    list(&elb).await.unwrap();
    let Failure::Answered { code, message, status, request_id } = error.kind else { panic!("{error}") };
    assert_eq!((code.as_str(), status), ("Throttling", 400));
    assert_eq!(message, "the test wants it so");
    assert!(request_id.is_some());
    assert_eq!(
        proxy.calls().iter().map(|call| call.status.unwrap()).collect::<Vec<_>>(),
        [200, 200, 400, 200]
    );
}

#[tokio::test]
async fn faults_are_for_an_action_or_for_all_until_calmed() {
    let (proxy, elb) = proxy().await;
    proxy.fault_on(Action::DescribeAccountLimits, 2, Fault::code("InternalFailure"));
    list(&elb).await.unwrap();
    elb.limits(None).await.unwrap();
    list(&elb).await.unwrap();
    assert_eq!(elb.limits(None).await.unwrap_err().code(), Some("InternalFailure"));
    proxy.fault_all(Fault::code("InvalidClientTokenId"));
    for _ in 0..2 {
        let error = list(&elb).await.unwrap_err();
        assert_eq!(error.code(), Some("InvalidClientTokenId"));
        assert!(!error.is_in_doubt());
    }
    proxy.calm();
    list(&elb).await.unwrap();
}

#[tokio::test]
async fn a_lost_answer_leaves_doubt() {
    let (proxy, elb) = proxy().await;
    proxy.fault_at(1, Fault::LoseAnswer);
    let error = list(&elb).await.unwrap_err();
    assert!(matches!(error.kind, Failure::NoAnswer { .. }), "{error}");
    assert!(error.is_in_doubt());
    // Once: neither the SDK nor its HTTP client asks again by itself.
    assert_eq!(proxy.total(), 1);
    assert_eq!(proxy.calls()[0].status, None);
    list(&elb).await.unwrap();
}

#[tokio::test]
async fn a_frozen_call_is_told() {
    let (proxy, elb) = proxy().await;
    proxy.fault_at(1, Fault::Freeze);
    tokio::select! {
        answer = list(&elb) => panic!("answered: {answer:?}"),
        () = proxy.frozen() => {}
    }
    list(&elb).await.unwrap();
}

#[tokio::test]
async fn a_hanging_call_is_not_answered() {
    let (proxy, elb) = proxy().await;
    proxy.fault_at(1, Fault::Hang);
    assert!(timeout(Duration::from_millis(300), list(&elb)).await.is_err());
}

#[tokio::test]
async fn a_delayed_call_is_answered_later() {
    let (proxy, elb) = proxy().await;
    proxy.fault_at(1, Fault::Delay(Duration::from_millis(300)));
    let begun = Instant::now();
    list(&elb).await.unwrap();
    assert!(begun.elapsed() >= Duration::from_millis(300));
}

#[tokio::test]
async fn nobody_there_is_no_answer() {
    let (proxy, elb) = proxy().await;
    drop(proxy);
    // The listener is closed by a task that was told to.
    tokio::time::sleep(Duration::from_millis(50)).await;
    let error = list(&elb).await.unwrap_err();
    assert!(matches!(error.kind, Failure::NoAnswer { .. }), "{error}");
}

/// Runs one of the tests below in a process of its own, with nothing in its environment but this.
async fn in_environment(test: &str, variables: &[(&str, &str)]) {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", test, "--ignored", "--nocapture"]).env_clear();
    command.envs([("HOME", "/nonexistent"), ("AWS_EC2_METADATA_DISABLED", "true")]);
    command.envs(variables.iter().copied());
    let output = tokio::task::spawn_blocking(move || command.output()).await.unwrap().unwrap();
    let told =
        format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success() && told.contains("1 passed"), "{told}");
}

const KEYS: [(&str, &str); 3] =
    [("AWS_ACCESS_KEY_ID", "test"), ("AWS_SECRET_ACCESS_KEY", "test"), ("AWS_REGION", "eu-central-1")];

#[tokio::test]
async fn the_endpoint_of_all_services_is_taken_from_the_environment() {
    let (proxy, _) = proxy().await;
    let url = proxy.url();
    in_environment("asks_by_its_environment", &[&KEYS[..], &[("AWS_ENDPOINT_URL", &url)]].concat()).await;
    assert_eq!(proxy.count(Action::DescribeAccountLimits), 1);
}

#[tokio::test]
async fn the_endpoint_of_one_service_wins() {
    let ((general, _), (special, _)) = (proxy().await, proxy().await);
    let (general_url, special_url) = (general.url(), special.url());
    let endpoints = [
        ("AWS_ENDPOINT_URL", general_url.as_str()),
        ("AWS_ENDPOINT_URL_ELASTIC_LOAD_BALANCING_V2", special_url.as_str()),
    ];
    in_environment("asks_by_its_environment", &[&KEYS[..], &endpoints].concat()).await;
    assert_eq!((general.total(), special.total()), (0, 1));
}

#[tokio::test]
async fn a_missing_region_is_an_error_that_helps() {
    in_environment("finds_no_region", &[]).await;
}

#[tokio::test]
async fn missing_credentials_are_told_before_anything_is_sent() {
    let (proxy, _) = proxy().await;
    let url = proxy.url();
    let environment = [("AWS_REGION", "eu-central-1"), ("AWS_ENDPOINT_URL", url.as_str())];
    in_environment("finds_no_credentials", &environment).await;
    assert_eq!(proxy.total(), 0);
}

#[tokio::test]
#[ignore = "needs an environment of its own: run by the tests above"]
async fn asks_by_its_environment() {
    let config = connect(&Options::default()).await.unwrap();
    assert_eq!(config.region().map(AsRef::as_ref), Some("eu-central-1"));
    ElbClient::new(&config).limits(None).await.unwrap();
}

#[tokio::test]
#[ignore = "needs an environment of its own: run by the tests above"]
async fn finds_no_region() {
    let error = connect(&Options::default()).await.unwrap_err();
    assert_eq!(error, ConnectError::NoRegion);
    assert!(error.to_string().contains("AWS_REGION"));
}

#[tokio::test]
#[ignore = "needs an environment of its own: run by the tests above"]
async fn finds_no_credentials() {
    let config = connect(&Options::default()).await.unwrap();
    let error = ElbClient::new(&config).limits(None).await.unwrap_err();
    assert!(matches!(&error.kind, Failure::NotSent { reason } if reason.contains("credentials")), "{error}");
    assert!(!error.is_in_doubt());
}
