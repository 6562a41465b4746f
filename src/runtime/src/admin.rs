//! The admin HTTP server: health, metrics, log level, and whatever the program adds.
//!
//! | route | answer |
//! |---|---|
//! | `GET /livez` | 200 or 503, one line per heartbeat |
//! | `GET /readyz` | 200 or 503, one line per condition |
//! | `GET /metrics` | `OpenMetrics` text |
//! | `GET /log-level` | the filter in force |
//! | `PUT /log-level` | takes a filter as the body; 400 says what is wrong with it |
//!
//! There is no authentication: expose the port to the probes and to Prometheus only.

use std::future::IntoFuture;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use thiserror::Error;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tracing::info;

use crate::health::{Health, Report};
use crate::metrics::{Metrics, OPENMETRICS_CONTENT_TYPE};
use crate::telemetry::LogFilter;

/// Bytes of a log filter that are accepted.
const MAX_BODY: usize = 4096;

/// How long requests under way may go on after the stop.
const GRACE: Duration = Duration::from_secs(2);

/// Why the admin server does not run.
#[derive(Debug, Error)]
pub enum AdminError {
    /// The address cannot be listened on.
    #[error("cannot listen on {address} (set by {flag}): {source}")]
    Bind {
        /// The address given.
        address: SocketAddr,
        /// The flag that it came from.
        flag: &'static str,
        /// What the system said.
        source: io::Error,
    },
    /// The listening socket failed later on.
    #[error("the admin server has failed: {0}")]
    Serve(#[from] io::Error),
}

/// What the admin server shows.
#[derive(Clone, Debug)]
pub struct Admin {
    state: Sources,
    extra: Router,
}

#[derive(Clone, Debug)]
struct Sources {
    health: Health,
    metrics: Metrics,
    log_filter: LogFilter,
}

impl Admin {
    /// A server of these sources.
    pub fn new(health: Health, metrics: Metrics, log_filter: LogFilter) -> Self {
        Self { state: Sources { health, metrics, log_filter }, extra: Router::new() }
    }

    /// Adds the routes of a program, such as `/status`. They must not be those of the table above.
    pub fn merge(mut self, routes: Router) -> Self {
        self.extra = self.extra.merge(routes);
        self
    }

    /// All routes, for a program that serves them by itself.
    pub fn router(self) -> Router {
        Router::new()
            .route("/livez", get(livez))
            .route("/readyz", get(readyz))
            .route("/metrics", get(metrics))
            .route("/log-level", get(log_level).put(set_log_level))
            .layer(DefaultBodyLimit::max(MAX_BODY))
            .with_state(self.state)
            .merge(self.extra)
    }

    /// Takes the address; `flag` is named if that fails. From now on connections queue up; nothing is answered yet.
    pub async fn bind(self, address: SocketAddr, flag: &'static str) -> Result<BoundAdmin, AdminError> {
        let failed = |source| AdminError::Bind { address, flag, source };
        let listener = TcpListener::bind(address).await.map_err(failed)?;
        let local = listener.local_addr().map_err(failed)?;
        info!(address = %local, "admin server listening");
        Ok(BoundAdmin { listener, local, router: self.router() })
    }
}

/// An admin server that has its address.
#[derive(Debug)]
pub struct BoundAdmin {
    listener: TcpListener,
    local: SocketAddr,
    router: Router,
}

impl BoundAdmin {
    /// The address it listens on; tells the port when port 0 was asked for.
    pub fn local_addr(&self) -> SocketAddr {
        self.local
    }

    /// Answers until `stop`, then lets requests under way end for at most two seconds.
    pub async fn serve(self, stop: CancellationToken) -> Result<(), AdminError> {
        let cut_off = async {
            stop.cancelled().await;
            tokio::time::sleep(GRACE).await;
        };
        let server =
            axum::serve(self.listener, self.router).with_graceful_shutdown(stop.clone().cancelled_owned());
        tokio::select! {
            ended = server.into_future() => Ok(ended?),
            () = cut_off => Ok(()),
        }
    }
}

async fn livez(State(sources): State<Sources>) -> Response {
    answer(&sources.health.liveness())
}

async fn readyz(State(sources): State<Sources>) -> Response {
    answer(&sources.health.readiness())
}

fn answer(report: &Report) -> Response {
    let status = if report.ok() { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, report.to_string()).into_response()
}

async fn metrics(State(sources): State<Sources>) -> Response {
    match sources.metrics.encode() {
        Ok(text) => ([(header::CONTENT_TYPE, OPENMETRICS_CONTENT_TYPE)], text).into_response(),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, format!("{error}\n")).into_response(),
    }
}

async fn log_level(State(sources): State<Sources>) -> String {
    format!("{}\n", sources.log_filter.get())
}

async fn set_log_level(State(sources): State<Sources>, filter: String) -> Response {
    match sources.log_filter.set(&filter) {
        Ok(()) => {
            let filter = sources.log_filter.get();
            info!(filter, "log filter changed");
            format!("{filter}\n").into_response()
        }
        Err(error) => (StatusCode::BAD_REQUEST, format!("{error}\n")).into_response(),
    }
}

#[cfg(test)]
mod tests;
