//! `landfall controller`: the flags, and the life of the process.

use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context, Result, bail};
use landfall_api::names::LEASE_NAME;
use landfall_controller::{Controller, Parts};
use landfall_core::provider::Provider;
use landfall_runtime::admin::Admin;
use landfall_runtime::client::{self, Clients};
use landfall_runtime::health::Health;
use landfall_runtime::lease::Identity;
use landfall_runtime::metrics::Metrics;
use landfall_runtime::shutdown::Shutdown;
use landfall_runtime::telemetry::{self, LogFilter, TelemetryError};
use tokio_util::sync::CancellationToken;
use tracing::info;

mod election;
mod flags;

use crate::out::Usage;
use crate::wire;
use election::Election;

pub(crate) use flags::{ClientArgs, ControllerArgs};

/// Runs the controller until a signal ends it.
pub(crate) fn run(args: ControllerArgs) -> Result<ExitCode> {
    let log_filter = telemetry::init(args.log_format, &args.log).map_err(|error| match error {
        TelemetryError::BadFilter { .. } => Usage(format!("--log: {error}")).into(),
        error => anyhow::Error::from(error),
    })?;
    let runtime = tokio::runtime::Runtime::new().context("cannot start threads")?;
    runtime.block_on(live(args, log_filter))?;
    // What did not end within --shutdown-grace has been told and is not waited for.
    runtime.shutdown_background();
    Ok(ExitCode::SUCCESS)
}

/// From the first connection to the release of the lease.
async fn live(args: ControllerArgs, log_filter: LogFilter) -> Result<()> {
    let providers = providers(&args)?;
    let shutdown = Shutdown::new();
    shutdown.on_signals().context("cannot listen for signals")?;
    let clients = client::connect(&args.client.options()).await?;
    let (metrics, health) = (Metrics::new("landfall", env!("CARGO_PKG_VERSION")), Health::new());
    // The admin server outlives the drain, so that probes and scrapes see the end too.
    let admin = Admin::new(health.clone(), metrics.clone(), log_filter);
    let admin = admin.bind(args.admin_addr, "--admin-addr").await?;
    let admin_stop = CancellationToken::new();
    let admin = tokio::spawn({
        let (stop, shutdown) = (admin_stop.clone(), shutdown.clone());
        async move {
            let ended = admin.serve(stop).await;
            shutdown.begin();
            ended
        }
    });

    let identity = Identity::of_this_host();
    let election = elect(&args, &clients, &identity, &metrics);
    let parts = Parts { clients, providers, metrics, health, instance: identity.as_str().to_owned() };
    announce(&args, &parts);
    let controller = Controller::new(args.config(), parts)?;
    shutdown.spawn_essential("controller", controller.run(election.leadership(), shutdown.token().clone()));

    shutdown.token().cancelled().await;
    let report = shutdown.drain(args.shutdown_grace).await;
    // Only now: the work has stopped.
    let released = election.release().await;
    admin_stop.cancel();
    admin.await.context("the admin server has failed")??;
    released?;
    if !report.is_clean() {
        bail!("the controller did not end cleanly: {report}");
    }
    info!("ended");
    Ok(())
}

fn providers(args: &ControllerArgs) -> Result<Vec<Arc<dyn Provider>>> {
    Ok(wire::chosen(&args.providers)?.into_iter().map(|one| one.make(&args.cluster_id)).collect())
}

fn elect(args: &ControllerArgs, clients: &Clients, identity: &Identity, metrics: &Metrics) -> Election {
    if !args.leader_elect {
        return Election::off();
    }
    let namespace = args.lease_namespace.as_deref().unwrap_or(&clients.namespace);
    Election::start(clients.writes.clone(), (namespace, LEASE_NAME), identity.clone(), metrics)
}

fn announce(args: &ControllerArgs, parts: &Parts) {
    let providers: Vec<&str> = parts.providers.iter().map(|provider| provider.name().as_str()).collect();
    info!(
        version = env!("CARGO_PKG_VERSION"),
        providers = providers.join(","),
        cluster = %args.cluster_id,
        namespace = args.namespace.as_deref().unwrap_or("(all)"),
        default_class = args.default_class.as_ref().map_or("(none)", |class| class.as_str()),
        leader_elect = args.leader_elect,
        "starting"
    );
}
