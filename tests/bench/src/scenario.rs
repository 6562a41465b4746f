//! The cluster that is measured in, and what is measured.

use std::collections::HashMap;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use futures::{StreamExt, TryStreamExt, stream};
use k8s_openapi::api::core::v1::Service;
use kube::api::{PostParams, WatchEvent, WatchParams};
use kube::{Api, Client};
use landfall_testkit::apiserver::service::ServiceConfig;
use landfall_testkit::apiserver::{ApiServer, Options, Served, Verb};
use serde_json::json;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio::time::{Instant, sleep, timeout};

use crate::controller::{Process, Program};
use crate::figures::{Figure, spread};

/// Longest wait for one scenario.
const PATIENCE: Duration = Duration::from_mins(10);

/// A cluster with a controller.
pub(crate) struct Scenario {
    server: ApiServer,
    _listener: Served,
    services: Api<Service>,
    addresses: UnboundedReceiver<(String, Instant)>,
    program: Program,
    kubeconfig: PathBuf,
    controller: Process,
    made: usize,
}

impl Scenario {
    /// Starts an API server with nodes, a pool for that many Services, and the controller.
    pub(crate) async fn start(program: &Path, nodes: usize, services: usize) -> Result<Self> {
        let ranges = ServiceConfig { node_ports: 10_000..=60_000, ..ServiceConfig::default() };
        let server = ApiServer::start_with(Options::default().with_services(ranges).without_journal())?;
        for crd in landfall_api::all_crds() {
            server.create(serde_json::to_value(crd)?)?;
        }
        server.create(json!({
            "apiVersion": "landfall.dev/v1alpha1", "kind": "AddressPool", "metadata": {"name": "bench"},
            "spec": {"addresses": ["10.0.0.0/8"]},
        }))?;
        for number in 0..nodes {
            server.create(json!({
                "apiVersion": "v1", "kind": "Node", "metadata": {"name": format!("node-{number}")},
                "status": {"addresses": [{"type": "InternalIP", "address": Ipv4Addr::from(0xac10_0000 + u32::try_from(number)?).to_string()}]},
            }))?;
        }
        ensure!(services < 40_000, "not enough node ports for {services} Services");
        let listener = server.serve((Ipv4Addr::LOCALHOST, 0).into()).await?;
        let kubeconfig = std::env::temp_dir().join(format!("landfall-bench-{}.yaml", std::process::id()));
        std::fs::write(&kubeconfig, listener.kubeconfig())?;
        let client = listener.client()?;
        let program = Program {
            path: program.to_owned(),
            flags: ["--providers", "metal"].map(str::to_owned).to_vec(),
            environment: Vec::new(),
        };
        let controller = Process::start(&program, &kubeconfig).await?;
        Ok(Self {
            services: Api::namespaced(client.clone(), "default"),
            addresses: watch_addresses(client),
            server,
            _listener: listener,
            program,
            kubeconfig,
            controller,
            made: 0,
        })
    }

    /// One Service after another.
    pub(crate) async fn latency(&mut self, count: usize) -> Result<Vec<Figure>> {
        let mut times = Vec::with_capacity(count);
        for _ in 0..count {
            let (name, created) = create(&self.services, self.made).await?;
            self.made += 1;
            let (seen, at) =
                timeout(PATIENCE, self.addresses.recv()).await?.context("the watch has ended")?;
            ensure!(seen == name, "{seen} got an address while {name} waited");
            times.push(at.saturating_duration_since(created));
        }
        Ok(spread(times))
    }

    /// Many Services at once.
    pub(crate) async fn burst(&mut self, count: usize, creators: usize) -> Result<Vec<Figure>> {
        let started = Instant::now();
        let numbers = self.made..self.made + count;
        self.made += count;
        let services = Arc::new(self.services.clone());
        let creations = stream::iter(numbers).map(|number| {
            let services = Arc::clone(&services);
            async move { create(&services, number).await }
        });
        let created: HashMap<String, Instant> = creations.buffer_unordered(creators).try_collect().await?;
        let all_created = started.elapsed();
        let mut times = Vec::with_capacity(count);
        while times.len() < count {
            let (name, at) =
                timeout(PATIENCE, self.addresses.recv()).await?.context("the watch has ended")?;
            let since = created.get(&name).with_context(|| format!("{name} was not created here"))?;
            times.push(at.saturating_duration_since(*since));
        }
        let mut figures = spread(times);
        figures.push(Figure::millis("until all were created", all_created));
        figures.push(Figure::millis("until all had an address", started.elapsed()));
        Ok(figures)
    }

    /// Stops the controller, starts it again and waits until it has looked at everything.
    pub(crate) async fn restart(self) -> Result<(Self, Vec<Figure>)> {
        // Statuses of pools and classes are written with a delay: let the first run finish.
        sleep(Duration::from_secs(3)).await;
        self.controller.stop().await?;
        self.server.journal().clear();
        let controller = Process::start(&self.program, &self.kubeconfig).await?;
        let ready = controller.started.elapsed();
        let wanted = u64::try_from(self.made)?;
        while controller.converged().await? < wanted {
            ensure!(controller.started.elapsed() < PATIENCE, "the controller did not look at everything");
            sleep(Duration::from_millis(5)).await;
        }
        let settled = controller.started.elapsed();
        sleep(Duration::from_secs(2)).await;
        let figures = vec![
            Figure::count("Services", self.made),
            Figure::millis("until the stores were complete", ready),
            Figure::millis("until every Service was looked at", settled),
            Figure::count("writes to the API server", self.server.journal().count_writes()),
            Figure::count("lists of Services", self.server.journal().count(Verb::List, "Service")),
        ];
        Ok((Self { controller, ..self }, figures))
    }

    /// Memory of the controller that runs now.
    pub(crate) fn memory(&self) -> Result<Vec<Figure>> {
        let (now, peak) = self.controller.memory()?;
        Ok(vec![
            Figure::count("Services", self.made),
            Figure::mebibytes("resident at the end", now),
            Figure::mebibytes("resident at the peak", peak),
        ])
    }

    /// Ends the controller.
    pub(crate) async fn stop(self) -> Result<()> {
        std::fs::remove_file(&self.kubeconfig)?;
        self.controller.stop().await
    }
}

/// Creates a Service; returns its name and when the answer came.
async fn create(services: &Api<Service>, number: usize) -> Result<(String, Instant)> {
    let name = format!("bench-{number}");
    let service: Service = serde_json::from_value(json!({
        "metadata": {"name": name},
        "spec": {"type": "LoadBalancer", "loadBalancerClass": "landfall.dev/metal", "selector": {"app": name},
                 "ports": [{"port": 80}]},
    }))?;
    services.create(&PostParams::default(), &service).await?;
    Ok((name, Instant::now()))
}

/// Tells each Service that shows an address for the first time, and when that was seen.
fn watch_addresses(client: Client) -> UnboundedReceiver<(String, Instant)> {
    let (tell, told) = unbounded_channel();
    tokio::spawn(async move {
        let services: Api<Service> = Api::namespaced(client, "default");
        let mut seen = std::collections::HashSet::new();
        let parameters = WatchParams::default().timeout(290);
        let mut version = "0".to_owned();
        while let Ok(events) = services.watch(&parameters, &version).await {
            let mut events = events.boxed();
            while let Ok(Some(event)) = events.try_next().await {
                let (WatchEvent::Added(service) | WatchEvent::Modified(service)) = event else { continue };
                version = service.metadata.resource_version.clone().unwrap_or_default();
                let name = service.metadata.name.clone().unwrap_or_default();
                let ingress =
                    service.status.and_then(|status| status.load_balancer?.ingress).unwrap_or_default();
                if !ingress.is_empty()
                    && seen.insert(name.clone())
                    && tell.send((name, Instant::now())).is_err()
                {
                    return;
                }
            }
        }
    });
    told
}
