//! The controller as a process of its own.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use axum::http::Request;
use kube::{Client, Config};
use tokio::process::{Child, Command};
use tokio::time::{Instant, sleep};

/// Longest wait for a process to start or end.
const PATIENCE: Duration = Duration::from_mins(1);

/// How the program is started.
#[derive(Debug, Clone)]
pub(crate) struct Program {
    /// The program.
    pub(crate) path: PathBuf,
    /// Flags besides those that every scenario needs.
    pub(crate) flags: Vec<String>,
    /// Environment variables.
    pub(crate) environment: Vec<(&'static str, String)>,
}

/// A running controller.
pub(crate) struct Process {
    child: Child,
    admin: Client,
    pub(crate) started: Instant,
}

impl Process {
    /// Starts the program and waits until its stores are complete.
    pub(crate) async fn start(program: &Program, kubeconfig: &Path) -> Result<Self> {
        let admin = free_address()?;
        let started = Instant::now();
        let child = Command::new(&program.path)
            .args(["controller", "--leader-elect=false", "--log", "warn"])
            .args(&program.flags)
            .envs(program.environment.iter().map(|(key, value)| (*key, value)))
            .arg("--kubeconfig")
            .arg(kubeconfig)
            .args(["--admin-addr", &admin.to_string()])
            .stdin(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .with_context(|| format!("start {}", program.path.display()))?;
        let client = Client::try_from(Config::new(format!("http://{admin}").parse()?))?;
        let mut process = Self { child, admin: client, started };
        process
            .wait("ready", |readiness: &str| readiness.contains("addresspools") && !readiness.contains("[-]"))
            .await?;
        Ok(process)
    }

    async fn wait(&mut self, what: &str, good: impl Fn(&str) -> bool) -> Result<()> {
        while self.started.elapsed() < PATIENCE {
            if let Some(status) = self.child.try_wait()? {
                bail!("the controller ended with {status}");
            }
            if self.text("/readyz?verbose").await.is_ok_and(|text| good(&text)) {
                return Ok(());
            }
            sleep(Duration::from_millis(5)).await;
        }
        bail!("the controller was not {what} after {PATIENCE:?}");
    }

    async fn text(&self, path: &str) -> Result<String> {
        Ok(self.admin.request_text(Request::get(path).body(Vec::new())?).await?)
    }

    /// How many times the provider was asked to converge a load balancer.
    pub(crate) async fn converged(&self) -> Result<u64> {
        let text = self.text("/metrics").await?;
        let counts = text
            .lines()
            .filter(|line| line.starts_with("landfall_provider_call_seconds_count"))
            .filter(|line| line.contains("operation=\"ensure\"") && line.contains("outcome=\"ok\""));
        Ok(counts.filter_map(|line| line.rsplit(' ').next()?.parse::<u64>().ok()).sum())
    }

    /// Resident set now and at its peak, in KiB (`/proc/PID/status`).
    pub(crate) fn memory(&self) -> Result<(u64, u64)> {
        let pid = self.child.id().context("the controller has ended")?;
        let status = std::fs::read_to_string(format!("/proc/{pid}/status"))?;
        let field = |name: &str| -> Result<u64> {
            let line =
                status.lines().find(|line| line.starts_with(name)).with_context(|| format!("no {name}"))?;
            Ok(line.split_whitespace().nth(1).context("no figure")?.parse()?)
        };
        Ok((field("VmRSS:")?, field("VmHWM:")?))
    }

    /// Ends it by SIGTERM.
    pub(crate) async fn stop(mut self) -> Result<()> {
        let pid = self.child.id().context("the controller has ended")?;
        let asked = Command::new("kill").args(["-TERM", &pid.to_string()]).status().await?;
        ensure!(asked.success(), "kill -TERM {pid} failed");
        let status = tokio::time::timeout(PATIENCE, self.child.wait()).await.context("no end")??;
        ensure!(status.success(), "the controller ended with {status}");
        Ok(())
    }
}

fn free_address() -> Result<SocketAddr> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?)
}
