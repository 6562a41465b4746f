//! `landfall controller --providers aws` as a process, against moto behind the testkit's proxy and the embedded API
//! server, from the seed of `localstack/` to an account without a trace of us.

#![cfg(feature = "aws")]
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "helpers of tests may panic as tests may"
)]

mod program;
mod stage;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::Duration;

use k8s_openapi::api::core::v1::{Node, Service};
use kube::api::{Api, DeleteParams, Patch, PatchParams};
use kube::runtime::wait::await_condition;
use kube::runtime::wait::conditions::is_deleted;
use landfall_aws::api::Action;
use landfall_aws::api::ec2::{Ec2, SecurityGroup, WhichSecurityGroups};
use landfall_aws::api::elb::{Elb, Listener, LoadBalancer, TargetGroup, WhichBalancers, WhichGroups};
use landfall_aws::sdk::ElbClient;
use landfall_aws_ec2::Ec2Client;
use landfall_core::params::aws::HealthProtocol;
use landfall_testkit::aws::moto::{self, Moto};
use landfall_testkit::aws::proxy::Proxy;
use serde_json::{Value, json};
use stage::Stage;
use tokio::process::Command;

/// The attribute that is asked for by annotation.
const CROSS_ZONE: &str = "load_balancing.cross_zone.enabled";

/// A seeded account, and a controller's surroundings.
struct Scene {
    stage: Stage,
    /// What the controller calls.
    proxy: Proxy,
    /// The same account for the test, so that its calls are not counted.
    aside: Proxy,
    elb: ElbClient,
    ec2: Ec2Client,
}

/// What is in the account, as far as it is of interest.
struct Account {
    balancers: Vec<LoadBalancer>,
    listeners: Vec<Listener>,
    groups: Vec<TargetGroup>,
    /// Instance and port, of all target groups.
    targets: BTreeSet<(String, u16)>,
    /// Security groups that carry our mark.
    guards: Vec<SecurityGroup>,
    /// The group of the nodes.
    node_guard: SecurityGroup,
}

impl Scene {
    async fn new() -> Self {
        let stage = Stage::new().await;
        let account = Moto::shared().await.unwrap().account();
        let (proxy, aside) = (Proxy::start(&account).await.unwrap(), Proxy::start(&account).await.unwrap());
        let sdk = aside.config().await.unwrap();
        let scene = Self { stage, proxy, aside, elb: ElbClient::new(&sdk), ec2: Ec2Client::new(&sdk) };
        scene.seed(3).await;
        scene
    }

    /// Seeds the account as people do, and registers the nodes that are not there yet.
    async fn seed(&self, zones: u8) {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../localstack/seed.py");
        let seed = Command::new(std::env::var(moto::PYTHON).unwrap())
            .arg(script)
            .args(["--zones", &zones.to_string()])
            .env("AWS_ENDPOINT_URL", self.aside.url())
            .output();
        let seed = self.stage.within("the seed", seed).await.unwrap();
        assert!(seed.status.success(), "{}", String::from_utf8_lossy(&seed.stderr));
        let list: Value = serde_json::from_slice(&seed.stdout).unwrap();
        let api: Api<Node> = Api::all(self.stage.backend.admin());
        for node in list["items"].as_array().unwrap() {
            if api.get_opt(node["metadata"]["name"].as_str().unwrap()).await.unwrap().is_none() {
                self.stage.create(api.clone(), node.clone()).await;
            }
        }
    }

    fn environment(&self) -> [(&'static str, String); 6] {
        [
            ("AWS_ENDPOINT_URL", self.proxy.url()),
            ("AWS_REGION", "us-east-1".to_owned()),
            ("AWS_ACCESS_KEY_ID", "test".to_owned()),
            ("AWS_SECRET_ACCESS_KEY", "test".to_owned()),
            ("LANDFALL_PROVIDERS", "aws".to_owned()),
            ("LANDFALL_CLUSTER_ID", "e2e".to_owned()),
        ]
    }

    /// Asks for a plan for a Service. Returns what it prints.
    async fn plan(&self, service: &Value) -> String {
        let file = self.stage.directory.path().join("service.json");
        std::fs::write(&file, service.to_string()).unwrap();
        let (kubeconfig, file) = (self.stage.kubeconfig(), file.display().to_string());
        let mut plan = Command::from(program::command(&["plan", "--kubeconfig", &kubeconfig, "-f", &file]));
        let run = plan.envs(self.environment()).kill_on_drop(true).output();
        let run: program::Run = self.stage.within("a plan", run).await.unwrap().into();
        assert_eq!((run.code, run.stderr.as_str()), (0, ""), "{}", run.stdout);
        run.stdout
    }

    async fn account(&self) -> Account {
        let balancers = self.elb.load_balancers(&WhichBalancers::All, None).await.unwrap().items;
        let groups = self.elb.target_groups(&WhichGroups::All, None).await.unwrap().items;
        let mut listeners = Vec::new();
        for balancer in &balancers {
            listeners.extend(self.elb.listeners(&balancer.arn, None).await.unwrap().items);
        }
        let mut targets = BTreeSet::new();
        for group in &groups {
            let states = self.elb.target_health(&group.arn).await.unwrap();
            targets.extend(states.into_iter().map(|state| (state.target.id, state.target.port)));
        }
        let guards = self.guards("landfall.dev/cluster", "e2e").await;
        let node_guard = self.guards("kubernetes.io/cluster/landfall", "owned").await.remove(0);
        Account { balancers, listeners, groups, targets, guards, node_guard }
    }

    async fn guards(&self, key: &str, value: &str) -> Vec<SecurityGroup> {
        let tagged = WhichSecurityGroups::Tagged(BTreeMap::from([(key.to_owned(), value.to_owned())]));
        self.ec2.security_groups(&tagged, None).await.unwrap().items
    }

    /// Waits until the account is so.
    async fn until(&self, what: &str, holds: impl Fn(&Account) -> bool) -> Account {
        let mut ticks = tokio::time::interval(Duration::from_millis(100));
        let seen = async {
            loop {
                ticks.tick().await;
                let account = self.account().await;
                if holds(&account) {
                    return account;
                }
            }
        };
        self.stage.within(what, seen).await
    }

    fn services(&self) -> Api<Service> {
        Api::default_namespaced(self.stage.backend.admin())
    }

    async fn patch(&self, patch: Value) {
        let merge = Patch::Merge(patch);
        self.services().patch("web", &PatchParams::default(), &merge).await.unwrap();
    }
}

fn service() -> Value {
    json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web", "namespace": "default"},
           "spec": {"type": "LoadBalancer", "loadBalancerClass": "landfall.dev/aws",
                    "selector": {"app": "web"}, "ports": [{"name": "http", "port": 80}]}})
}

fn hostname(service: Option<&Service>) -> Option<String> {
    let ingress = service?.status.as_ref()?.load_balancer.as_ref()?.ingress.as_ref()?;
    ingress.first()?.hostname.clone()
}

fn node_ports(service: &Service) -> BTreeSet<u16> {
    let ports = service.spec.iter().flat_map(|spec| spec.ports.iter().flatten());
    ports.filter_map(|port| u16::try_from(port.node_port?).ok()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_lives_its_life_on_aws_and_leaves_no_trace() {
    let scene = Scene::new().await;
    let plan = scene.plan(&service()).await;
    assert!(plan.contains("+ load balancer "), "{plan}");
    assert!(scene.proxy.total() > 0 && scene.proxy.writes() == 0, "a plan only reads");

    let child = scene.stage.controller_with(&[], scene.environment());
    scene.stage.create::<Service>(scene.services(), service()).await;

    let named = |service: Option<&Service>| hostname(service).is_some();
    let web = scene.stage.service_until("web", "a host name", named).await.unwrap();
    let made = scene.until("three targets", |account| account.targets.len() == 3).await;
    let [balancer] = &made.balancers[..] else { panic!("{:?}", made.balancers) };
    assert_eq!(hostname(Some(&web)).as_deref(), Some(balancer.dns_name.as_str()));
    assert_eq!(balancer.zones.len(), 3, "one subnet per zone");
    assert_eq!(made.listeners.iter().map(|listener| listener.port).collect::<Vec<_>>(), [80]);
    let ports: BTreeSet<u16> = made.targets.iter().map(|(_, port)| *port).collect();
    assert_eq!(ports, node_ports(&web));
    assert_eq!(made.guards.len(), 2, "one for clients, one for the nodes to let in");
    assert!(!made.node_guard.ingress.is_empty(), "the nodes let the load balancer in");

    let plan = scene.plan(&service()).await;
    assert!(plan.contains("nothing to do"), "{plan}");

    changes(&scene).await;

    let uid = web.metadata.uid.clone().unwrap();
    let gone = await_condition(scene.services(), "web", is_deleted(&uid));
    scene.services().delete("web", &DeleteParams::default()).await.unwrap();
    scene.stage.within("the end of the Service", gone).await.unwrap();
    let left = scene.account().await;
    assert!(left.balancers.is_empty() && left.groups.is_empty(), "{:?} {:?}", left.balancers, left.groups);
    assert!(left.guards.is_empty() && left.node_guard.ingress.is_empty(), "{:?}", left.guards);
    assert_eq!(scene.proxy.count(Action::CreateLoadBalancer), 1, "one load balancer for the whole life");
    assert_eq!(scene.stage.terminate(child).await, Some(0), "{}", scene.stage.log());
}

/// A node, a port, an annotation and the traffic policy change one after the other, and AWS follows.
async fn changes(scene: &Scene) {
    scene.seed(4).await;
    scene.until("the fourth node", |account| account.targets.len() == 4).await;

    scene
        .patch(json!({"spec": {"ports": [{"name": "http", "port": 80}, {"name": "https", "port": 443}]}}))
        .await;
    scene
        .until("the second port", |account| account.listeners.len() == 2 && account.targets.len() == 8)
        .await;

    let key = "service.beta.kubernetes.io/aws-load-balancer-attributes";
    for (value, wanted) in [(json!(format!("{CROSS_ZONE}=true")), "true"), (Value::Null, "false")] {
        scene.patch(json!({"metadata": {"annotations": {key: value}}})).await;
        attribute(scene, wanted).await;
    }

    scene.patch(json!({"spec": {"externalTrafficPolicy": "Local"}})).await;
    let web = scene.services().get("web").await.unwrap();
    let port = web.spec.unwrap().health_check_node_port.and_then(|port| u16::try_from(port).ok());
    assert!(port.is_some());
    let follows =
        |group: &TargetGroup| (group.health.protocol, group.health.port) == (HealthProtocol::Http, port);
    scene.until("the health check", |account| account.groups.iter().all(follows)).await;
}

async fn attribute(scene: &Scene, wanted: &str) {
    let account = scene.account().await;
    let mut ticks = tokio::time::interval(Duration::from_millis(100));
    let set = async {
        while scene.elb.balancer_attributes(&account.balancers[0].arn).await.unwrap()[CROSS_ZONE] != wanted {
            ticks.tick().await;
        }
    };
    scene.stage.within(&format!("{CROSS_ZONE}={wanted}"), set).await;
}
