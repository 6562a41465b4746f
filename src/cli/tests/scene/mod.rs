//! An account in moto behind the proxy, an API server, and what a test does and sees there.

// Each test binary compiles this module and uses its own part of it.
#![allow(dead_code)]

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::Duration;

use k8s_openapi::api::core::v1::{Node, Service};
use kube::api::{Api, ListParams};
use landfall_aws::api::ec2::{Ec2, SecurityGroup, WhichSecurityGroups};
use landfall_aws::api::elb::{Elb, Listener, LoadBalancer, TargetGroup, WhichBalancers, WhichGroups};
use landfall_aws::api::ids::{SubnetId, VpcId};
use landfall_aws::sdk::ElbClient;
use landfall_aws_ec2::Ec2Client;
use landfall_testkit::aws::moto::{self, Moto};
use landfall_testkit::aws::proxy::Proxy;
use serde_json::Value;
use tokio::process::{Child, Command};

use crate::stage::Stage;

/// A seeded account, and a controller's surroundings.
pub(crate) struct Scene {
    /// The API server, and where the controller runs.
    pub(crate) stage: Stage,
    /// What the controller calls.
    pub(crate) proxy: Proxy,
    /// The same account for the test, so that its calls are not counted.
    aside: Proxy,
    /// Reads what is there.
    pub(crate) elb: ElbClient,
    ec2: Ec2Client,
}

/// What is in the account, as far as it is of interest.
#[derive(Debug)]
pub(crate) struct Account {
    /// Load balancers.
    pub(crate) balancers: Vec<LoadBalancer>,
    /// Listeners of all of them.
    pub(crate) listeners: Vec<Listener>,
    /// Target groups.
    pub(crate) groups: Vec<TargetGroup>,
    /// Instance and port, of all target groups.
    pub(crate) targets: BTreeSet<(String, u16)>,
    /// Security groups that carry our mark.
    pub(crate) guards: Vec<SecurityGroup>,
    /// The group of the nodes.
    pub(crate) node_guard: SecurityGroup,
}

impl Account {
    /// Whether nothing of ours is there.
    pub(crate) fn is_clean(&self) -> bool {
        let things = self.balancers.len() + self.groups.len() + self.guards.len();
        things + self.node_guard.ingress.len() == 0
    }
}

impl Scene {
    /// Three zones with a node each.
    pub(crate) async fn new() -> Self {
        let stage = Stage::new().await;
        let account = Moto::shared().await.unwrap().account();
        let (proxy, aside) = (Proxy::start(&account).await.unwrap(), Proxy::start(&account).await.unwrap());
        let sdk = aside.config().await.unwrap();
        let scene = Self { stage, proxy, aside, elb: ElbClient::new(&sdk), ec2: Ec2Client::new(&sdk) };
        scene.seed(3).await;
        scene
    }

    /// Seeds the account as people do, and registers the nodes that are not there yet.
    pub(crate) async fn seed(&self, zones: u8) {
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

    /// Starts the controller.
    pub(crate) fn controller(&self) -> Child {
        self.stage.controller_with(&[], self.environment())
    }

    /// Asks for a plan for a Service. Returns what it prints.
    pub(crate) async fn plan(&self, service: &Value) -> String {
        self.stage.plan(service, self.environment()).await
    }

    /// What is there now.
    pub(crate) async fn account(&self) -> Account {
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

    /// The network, its private subnets, and the instances of the nodes.
    pub(crate) async fn network(&self) -> (VpcId, Vec<SubnetId>, Vec<String>) {
        let vpc = self.guards("kubernetes.io/cluster/landfall", "owned").await.remove(0).vpc;
        let subnets = self.ec2.subnets(&vpc, None).await.unwrap().items;
        let private =
            subnets.into_iter().filter(|it| it.tags.contains_key("kubernetes.io/role/internal-elb"));
        let nodes: Api<Node> = Api::all(self.stage.backend.admin());
        let nodes = nodes.list(&ListParams::default()).await.unwrap();
        let id = |node: Node| Some(node.spec?.provider_id?.rsplit('/').next()?.to_owned());
        (vpc, private.map(|it| it.id).collect(), nodes.into_iter().filter_map(id).collect())
    }

    async fn guards(&self, key: &str, value: &str) -> Vec<SecurityGroup> {
        let tagged = WhichSecurityGroups::Tagged(BTreeMap::from([(key.to_owned(), value.to_owned())]));
        self.ec2.security_groups(&tagged, None).await.unwrap().items
    }

    /// Waits until the account is so.
    pub(crate) async fn until(&self, what: &str, holds: impl Fn(&Account) -> bool) -> Account {
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

    /// Waits until the attribute of the one load balancer has that value.
    pub(crate) async fn attribute(&self, key: &str, wanted: &str) {
        let arn = &self.account().await.balancers[0].arn;
        let mut ticks = tokio::time::interval(Duration::from_millis(100));
        let set = async {
            while self.elb.balancer_attributes(arn).await.unwrap()[key] != wanted {
                ticks.tick().await;
            }
        };
        self.stage.within(&format!("{key}={wanted}"), set).await;
    }

    /// Waits until a Service shows a host name. Returns the Service and that name.
    pub(crate) async fn named(&self, name: &str) -> (Service, String) {
        let named = |service: Option<&Service>| service.and_then(hostname).is_some();
        let service = self.stage.service_until(name, "a host name", named).await.unwrap();
        let hostname = hostname(&service).unwrap().to_owned();
        (service, hostname)
    }
}

fn hostname(service: &Service) -> Option<&str> {
    let ingress = service.status.as_ref()?.load_balancer.as_ref()?.ingress.as_ref()?;
    ingress.first()?.hostname.as_deref()
}
