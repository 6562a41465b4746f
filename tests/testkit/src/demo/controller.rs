//! The real controller as a child process.

use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use axum::http::Request;
use rustix::process::{Pid, Signal, kill_process};
use tokio::process::{Child, Command};

use crate::error::DemoError;
use crate::folder::Folder;

/// How long the controller may take to end in order.
const PATIENCE: Duration = Duration::from_secs(15);
const POLL: Duration = Duration::from_millis(20);

const FLAGS: [&str; 4] =
    ["--providers=metal", "--cluster-id=demo", "--lease-namespace=landfall-system", "--log-format=plain"];

/// The running controller. Dropping it kills it.
pub(crate) struct Controller {
    child: Child,
    admin: SocketAddr,
}

impl Controller {
    /// Starts `program` against the cluster of the folder's kubeconfig.
    pub(crate) fn start(program: &Path, folder: &Folder) -> Result<Self, DemoError> {
        let admin = free_addr().map_err(DemoError::io("looking for a free port"))?;
        let [stdout, stderr] = folder.outputs().map_err(DemoError::io("duplicating the controller's log"))?;
        let mut command = Command::new(program);
        // A setting meant for another controller must not reach this one.
        for (name, _) in
            std::env::vars_os().filter(|(name, _)| name.as_encoded_bytes().starts_with(b"LANDFALL_"))
        {
            command.env_remove(name);
        }
        let child = command
            .args(arguments(&folder.kubeconfig(), admin))
            .stdin(Stdio::null())
            .stdout(stdout)
            .stderr(stderr)
            // Ctrl-C reaches every process of the terminal's group; this one is stopped in order, and last.
            .process_group(0)
            .kill_on_drop(true)
            .spawn()
            .map_err(DemoError::io(format!("starting {}", program.display())))?;
        Ok(Self { child, admin })
    }

    /// Where health and metrics are.
    pub(crate) fn admin(&self) -> SocketAddr {
        self.admin
    }

    /// Waits until the controller ends by itself, which is always a failure.
    pub(crate) async fn died(&mut self) -> DemoError {
        match self.child.wait().await {
            Ok(status) => DemoError::Died(status),
            Err(source) => DemoError::Io { what: "waiting for the controller".to_owned(), source },
        }
    }

    /// SIGTERM, and the wait for an orderly end.
    pub(crate) async fn stop(mut self) -> Result<(), DemoError> {
        // No process id: it has ended already, and `died` has told.
        let Some(pid) = self.child.id().and_then(|id| Pid::from_raw(i32::try_from(id).ok()?)) else {
            return Ok(());
        };
        let terminate = || kill_process(pid, Signal::TERM).map_err(io::Error::from);
        terminate().map_err(DemoError::io("stopping the controller"))?;
        match tokio::time::timeout(PATIENCE, self.child.wait()).await {
            Ok(ended) => judge(ended.map_err(DemoError::io("waiting for the controller"))?),
            Err(_) => {
                Err(DemoError::BadEnd(format!("it still ran after {} s and was killed", PATIENCE.as_secs())))
            }
        }
    }
}

fn judge(status: ExitStatus) -> Result<(), DemoError> {
    if status.success() { Ok(()) } else { Err(DemoError::BadEnd(status.to_string())) }
}

/// Waits until the controller at `admin` says that it does its job, so that start-up does not count as
/// time-to-address. Never ends if it never does.
pub(crate) async fn ready(admin: SocketAddr) -> Result<(), DemoError> {
    // An IP address and a port are always a valid authority.
    let uri = format!("http://{admin}").parse().unwrap_or_default();
    let client = kube::Client::try_from(kube::Config::new(uri));
    let client = client.map_err(DemoError::kube("making a client for the admin port"))?;
    loop {
        if let Ok(request) = Request::get("/readyz").body(Vec::new())
            && client.request_text(request).await.is_ok()
        {
            return Ok(());
        }
        tokio::time::sleep(POLL).await;
    }
}

/// The program that was asked for, or the one next to this one.
pub(crate) fn program(asked: Option<PathBuf>) -> Result<PathBuf, DemoError> {
    let path = match asked {
        Some(path) => path,
        None => {
            std::env::current_exe().map_err(DemoError::io("finding this program"))?.with_file_name("landfall")
        }
    };
    if path.is_file() { Ok(path) } else { Err(DemoError::NoProgram { path }) }
}

fn arguments(kubeconfig: &Path, admin: SocketAddr) -> Vec<String> {
    let kubeconfig = kubeconfig.display();
    ["controller".to_owned()]
        .into_iter()
        .chain(FLAGS.map(str::to_owned))
        .chain([format!("--kubeconfig={kubeconfig}"), format!("--admin-addr={admin}")])
        .collect()
}

/// A port that was free a moment ago. If another process takes it first, the controller says so in its log.
fn free_addr() -> io::Result<SocketAddr> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn start(program: &str) -> (tempfile::TempDir, Result<Controller, DemoError>) {
        let dir = tempfile::tempdir().unwrap();
        let folder = Folder::open(Some(dir.path()), false).unwrap();
        let started = Controller::start(Path::new(program), &folder);
        (dir, started)
    }

    #[tokio::test]
    async fn an_early_end_is_told() {
        let (_dir, started) = start("/bin/false");
        let error = started.unwrap().died().await;
        assert_eq!(error.to_string(), "the controller ended by itself (exit status: 1)");
    }

    #[tokio::test]
    async fn what_does_not_start_is_named() {
        let (_dir, started) = start("/nonexistent/landfall");
        assert!(started.err().unwrap().to_string().starts_with("starting /nonexistent/landfall: "));
    }

    #[rstest]
    #[case::in_order("exit 0", None)]
    #[case::with_an_error("exit 3", Some("exit status: 3"))]
    #[tokio::test]
    async fn stopping_is_a_sigterm_and_a_wait(#[case] on_term: &str, #[case] problem: Option<&str>) {
        let dir = tempfile::tempdir().unwrap();
        let folder = Folder::open(Some(dir.path()), false).unwrap();
        // A shell runs its trap once `wait` is interrupted; `sleep` alone would hold it back.
        let script = format!("trap 'kill $!; {on_term}' TERM; sleep 60 & echo up; wait");
        let [stdout, _] = folder.outputs().unwrap();
        let child = Command::new("/bin/sh").args(["-c", &script]).stdout(stdout).kill_on_drop(true).spawn();
        let controller = Controller { child: child.unwrap(), admin: free_addr().unwrap() };
        while std::fs::read_to_string(folder.log()).unwrap() != "up\n" {
            tokio::task::yield_now().await;
        }
        let stopped = controller.stop().await.map_err(|error| error.to_string());
        match problem {
            None => stopped.unwrap(),
            Some(problem) => assert!(stopped.unwrap_err().contains(problem)),
        }
    }

    #[test]
    fn a_missing_program_is_told_with_its_path() {
        let error = program(Some("/nonexistent/landfall".into())).unwrap_err().to_string();
        assert!(error.contains("/nonexistent/landfall") && error.contains("--landfall"), "{error}");
    }
}
