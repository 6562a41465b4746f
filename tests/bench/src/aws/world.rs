//! The account and the cluster that are measured in.

use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result};
use landfall_testkit::apiserver::{ApiServer, Options, Served};
use landfall_testkit::aws::account::{Account, REGION};
use landfall_testkit::aws::moto::Moto;
use landfall_testkit::aws::proxy::Proxy;
use landfall_testkit::aws::seed::Seed;
use serde_json::{Value, json};

use crate::controller::{Process, Program};

/// Name of the cluster in the tags of its subnets and nodes.
const CLUSTER: &str = "bench";

/// An account in moto, a cluster of its instances, and the controller.
pub(crate) struct World {
    /// Counts what the controller calls.
    pub(crate) proxy: Proxy,
    /// The API server.
    pub(crate) server: ApiServer,
    account: Account,
    seed: Seed,
    _listener: Served,
    program: Program,
    kubeconfig: PathBuf,
    controller: Option<Process>,
}

impl World {
    /// Seeds an account with so many nodes, and starts the controller.
    pub(crate) async fn new(landfall: &Path, nodes: usize, resync: Duration) -> Result<Self> {
        let account = Moto::shared().await?.account();
        let proxy = Proxy::start(&account).await?;
        let seed = Seed::plant(&account, CLUSTER, nodes).await?;
        let server = ApiServer::start_with(Options::default().without_journal())?;
        for crd in landfall_api::all_crds() {
            server.create(serde_json::to_value(crd)?)?;
        }
        register(&server, &seed, 0)?;
        let listener = server.serve((Ipv4Addr::LOCALHOST, 0).into()).await?;
        let kubeconfig = std::env::temp_dir().join(format!("landfall-bench-{}.yaml", std::process::id()));
        std::fs::write(&kubeconfig, listener.kubeconfig())?;
        let resync = format!("{}s", resync.as_secs());
        let program = Program {
            path: landfall.to_owned(),
            flags: [
                "--providers",
                "aws",
                "--aws-limits",
                "none",
                "--cluster-id",
                CLUSTER,
                "--resync",
                &resync,
            ]
            .map(str::to_owned)
            .to_vec(),
            environment: vec![
                ("AWS_ENDPOINT_URL", proxy.url()),
                ("AWS_REGION", REGION.to_owned()),
                ("AWS_ACCESS_KEY_ID", "test".to_owned()),
                ("AWS_SECRET_ACCESS_KEY", "test".to_owned()),
            ],
        };
        let controller = None;
        let mut world =
            Self { proxy, server, account, seed, _listener: listener, program, kubeconfig, controller };
        world.start().await?;
        Ok(world)
    }

    /// Starts the controller.
    pub(crate) async fn start(&mut self) -> Result<()> {
        self.controller = Some(Process::start(&self.program, &self.kubeconfig).await?);
        Ok(())
    }

    /// The controller that runs.
    pub(crate) fn controller(&self) -> Result<&Process> {
        self.controller.as_ref().context("no controller runs")
    }

    /// Ends the controller.
    pub(crate) async fn halt(&mut self) -> Result<()> {
        self.controller.take().context("no controller runs")?.stop().await
    }

    /// Ends the controller for good.
    pub(crate) async fn stop(mut self) -> Result<()> {
        self.halt().await?;
        Ok(std::fs::remove_file(&self.kubeconfig)?)
    }

    /// Runs that many more instances, which join the cluster.
    pub(crate) async fn add_nodes(&mut self, count: usize) -> Result<()> {
        let before = self.seed.instances.len();
        self.seed.run(&self.account, CLUSTER, count).await?;
        register(&self.server, &self.seed, before)
    }

    /// Creates that many Services.
    pub(crate) fn create(&self, count: usize) -> Result<()> {
        for number in 0..count {
            let name = format!("bench-{number}");
            self.server.create(json!({
                "apiVersion": "v1", "kind": "Service", "metadata": {"name": name, "namespace": "default"},
                "spec": {"type": "LoadBalancer", "loadBalancerClass": "landfall.dev/aws",
                         "selector": {"app": name}, "ports": [{"port": 80}]},
            }))?;
        }
        Ok(())
    }

    /// Deletes every Service.
    pub(crate) fn delete(&self) -> Result<()> {
        for service in self.services()? {
            let name = service["metadata"]["name"].as_str().context("a Service without a name")?;
            self.server.delete("v1", "Service", "default", name)?;
        }
        Ok(())
    }

    /// How many Services there are.
    pub(crate) fn present(&self) -> Result<usize> {
        Ok(self.services()?.len())
    }

    /// How many Services show a host name.
    pub(crate) fn named(&self) -> Result<usize> {
        let named =
            |service: &&Value| service["status"]["loadBalancer"]["ingress"][0]["hostname"].is_string();
        Ok(self.services()?.iter().filter(named).count())
    }

    /// How many security groups with our mark there are.
    pub(crate) async fn guards(&self) -> Result<usize> {
        let filter = [("Filter.1.Name", "tag:landfall.dev/cluster"), ("Filter.1.Value.1", CLUSTER)];
        let found = self.account.ec2("DescribeSecurityGroups", &filter).await?;
        Ok(found.texts("groupName").len())
    }

    fn services(&self) -> Result<Vec<Value>> {
        Ok(self.server.list("v1", "Service", "default")?)
    }
}

/// Makes Node objects of the instances from that one on.
fn register(server: &ApiServer, seed: &Seed, from: usize) -> Result<()> {
    for instance in &seed.instances[from..] {
        server.create(json!({
            "apiVersion": "v1", "kind": "Node",
            "metadata": {"name": instance.id.as_str(), "labels": {"topology.kubernetes.io/zone": instance.zone}},
            "spec": {"providerID": format!("aws:///{}/{}", instance.zone, instance.id)},
            "status": {"addresses": [{"type": "InternalIP", "address": instance.address}],
                       "conditions": [{"type": "Ready", "status": "True"}]},
        }))?;
    }
    Ok(())
}
