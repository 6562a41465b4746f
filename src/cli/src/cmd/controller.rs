//! `landfall controller`: the flags, and the life of the process.

use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use landfall_controller::{Controller, Parts};
use landfall_runtime::admin::Admin;
use landfall_runtime::client;
use landfall_runtime::health::Health;
use landfall_runtime::lease::Identity;
use landfall_runtime::metrics::Metrics;
use landfall_runtime::shutdown::Shutdown;
use landfall_runtime::telemetry::{self, LogFilter, TelemetryError};
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;
use tracing::info;

mod election;
mod flags;

use crate::out::Usage;
use crate::wire::{self, Setup};
use election::Candidate;

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
    let shutdown = Shutdown::new();
    shutdown.on_signals().context("cannot listen for signals")?;
    let (metrics, health) = (Metrics::new("landfall", env!("CARGO_PKG_VERSION")), Health::new());
    let setup = Setup { cluster: &args.cluster_id, dry_run: false, metrics: &metrics, health: &health };
    let providers = wire::connect(&args.providers, &setup).await?;
    let clients = client::connect(&args.client.options()).await?;
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
    let (began, mut election) = oneshot::channel();
    let elect = {
        let candidate = Candidate::new(&args, &clients, &identity, &metrics);
        move || {
            let election = candidate.elect();
            let leadership = election.leadership();
            // Without a receiver the process is about to end, and so does the election.
            let _ = began.send(election);
            leadership
        }
    };
    let parts = Parts { clients, providers, metrics, health, instance: identity.as_str().to_owned() };
    announce(&args, &parts);
    let controller = Controller::new(args.config(), parts)?;
    shutdown.spawn_essential("controller", controller.run(elect, shutdown.token().clone()));

    shutdown.token().cancelled().await;
    let report = shutdown.drain(args.shutdown_grace).await;
    // Only now: the work has stopped.
    let released = match election.try_recv() {
        Ok(election) => election.release().await,
        Err(_never_began) => Ok(()),
    };
    admin_stop.cancel();
    admin.await.context("the admin server has failed")??;
    released?;
    if !report.is_clean() {
        bail!("the controller did not end cleanly: {report}");
    }
    info!("ended");
    Ok(())
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
