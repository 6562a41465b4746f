//! Process plumbing that Landfall's programs share. It knows nothing of Services or load balancers.
//!
//! | module | what it owns |
//! |---|---|
//! | [`telemetry`] | logs as plain text or JSON, and a filter that changes while running |
//! | [`metrics`] | the registry, durations by outcome, `process_*` and `landfall_build_info` |
//! | [`health`] | heartbeats for `/livez`, conditions for `/readyz` |
//! | [`admin`] | the HTTP server of the three above |
//! | [`lease`] | leader election over a Lease, and the [`lease::Claim`] that every write asks for |
//! | [`shutdown`] | signals, cancellation, and waiting for tasks by name |
//! | [`client`] | Kubernetes clients for watches and for writes, and the bound of every call |
//!
//! # The life of a program
//!
//! ```no_run
//! use std::time::Duration;
//! use landfall_runtime::{admin::Admin, client, health::Health, lease, metrics::Metrics, shutdown::Shutdown, telemetry};
//!
//! # async fn program() -> Result<(), Box<dyn std::error::Error>> {
//! let log_filter = telemetry::init(telemetry::LogFormat::Json, "info")?;
//! let (metrics, health, shutdown) = (Metrics::new("landfall", "1.2.3"), Health::new(), Shutdown::new());
//! shutdown.on_signals()?;
//!
//! // The admin server outlives the drain, so that probes and scrapes see the end too.
//! let admin = Admin::new(health.clone(), metrics.clone(), log_filter);
//! let admin = admin.bind(([0, 0, 0, 0], 8080).into(), "--admin-addr").await?;
//! let admin_stop = tokio_util::sync::CancellationToken::new();
//! let admin = tokio::spawn(admin.serve(admin_stop.clone()));
//!
//! let options = client::ClientOptions { user_agent: "landfall/1.2.3".into(), ..Default::default() };
//! let clients = client::connect(&options).await?;
//! let store = lease::KubeLease::new(clients.writes.clone(), &clients.namespace, "landfall-controller");
//! let elector = lease::Elector::start(
//!     store,
//!     lease::Identity::of_this_host(),
//!     lease::Timing::default(),
//!     lease::LeaseMetrics::register(&metrics),
//! );
//!
//! let leadership = elector.leadership();
//! let stop = shutdown.token().clone();
//! shutdown.spawn_essential("controller", async move {
//!     // Fill the caches, lead when `leadership` says so, end when `stop` is cancelled.
//!     # let _ = leadership;
//!     stop.cancelled().await;
//! });
//!
//! shutdown.token().cancelled().await;
//! let report = shutdown.drain(Duration::from_secs(20)).await;
//! elector.release().await?; // Only now: the work has stopped.
//! admin_stop.cancel();
//! admin.await??;
//! # let _ = report; Ok(()) }
//! ```

pub mod admin;
pub mod client;
pub mod health;
pub mod lease;
pub mod metrics;
pub mod shutdown;
pub mod telemetry;
