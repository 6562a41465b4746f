//! A real control plane: `etcd` and `kube-apiserver` as child processes on the loopback address.
//!
//! Everything lives in a temporary folder and ends with [`Programs`]. There is no controller manager: namespaces
//! stay in `Terminating`, nothing is garbage collected, no EndpointSlice is made.

use std::fs::{self, File};
use std::io;
use std::net::{Ipv4Addr, TcpListener};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use aws_lc_rs::encoding::AsDer;
use aws_lc_rs::rsa::{KeyPair, KeySize};
use k8s_openapi::ByteString;
use kube::Client;
use tempfile::TempDir;

use super::{BackendError, client_of, kubeconfig};
use crate::apiserver::service::ServiceConfig;

/// How long both programs together may take until `/readyz` says yes.
const READY_WITHIN: Duration = Duration::from_secs(90);
const POLL: Duration = Duration::from_millis(200);

/// The running programs. Dropping it kills them and removes their folder.
#[derive(Debug)]
pub(super) struct Programs {
    // Dropped in this order: the API server before its store, the folder last.
    apiserver: Running,
    etcd: Running,
    folder: TempDir,
    kubeconfig: String,
}

impl Programs {
    /// Starts both and waits until the API server is ready.
    pub(super) async fn start(etcd: &Path, apiserver: &Path) -> Result<Self, BackendError> {
        let folder = tempfile::tempdir().map_err(BackendError::Files)?;
        let token = uuid::Uuid::new_v4().simple().to_string();
        write_credentials(folder.path(), &token)?;
        let [etcd_port, api_port] = free_ports().map_err(BackendError::Files)?;
        let mut programs = Self {
            etcd: Running::start(etcd, &etcd_arguments(folder.path(), etcd_port), folder.path())?,
            apiserver: Running::start(
                apiserver,
                &apiserver_arguments(folder.path(), api_port, etcd_port),
                folder.path(),
            )?,
            kubeconfig: kubeconfig::text(&format!("https://127.0.0.1:{api_port}"), &token),
            folder,
        };
        programs.ready().await?;
        Ok(programs)
    }

    /// A kubeconfig for a member of `system:masters`.
    pub(super) fn kubeconfig(&self) -> &str {
        &self.kubeconfig
    }

    async fn ready(&mut self) -> Result<(), BackendError> {
        let client = client_of(&self.kubeconfig).await?;
        let until = tokio::time::Instant::now() + READY_WITHIN;
        while !is_ready(&client).await {
            self.etcd.still_runs(self.folder.path())?;
            self.apiserver.still_runs(self.folder.path())?;
            if tokio::time::Instant::now() >= until {
                return Err(self.apiserver.failure("not ready in time", self.folder.path()));
            }
            tokio::time::sleep(POLL).await;
        }
        Ok(())
    }
}

async fn is_ready(client: &Client) -> bool {
    match axum::http::Request::get("/readyz").body(Vec::new()) {
        Ok(request) => client.request_text(request).await.is_ok_and(|answer| answer == "ok"),
        Err(_) => false,
    }
}

/// One child process whose output goes to `NAME.log` in the folder.
#[derive(Debug)]
struct Running {
    name: String,
    child: Child,
}

impl Running {
    fn start(program: &Path, arguments: &[String], folder: &Path) -> Result<Self, BackendError> {
        let name = program.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let start = || {
            let log = File::create(folder.join(format!("{name}.log")))?;
            Command::new(program)
                .args(arguments)
                .stdin(Stdio::null())
                .stdout(log.try_clone()?)
                .stderr(log)
                .spawn()
        };
        match start() {
            Ok(child) => Ok(Self { name, child }),
            Err(source) => Err(BackendError::Start { program: program.to_owned(), source }),
        }
    }

    fn still_runs(&mut self, folder: &Path) -> Result<(), BackendError> {
        match self.child.try_wait() {
            Ok(None) => Ok(()),
            Ok(Some(status)) => Err(self.failure(&format!("ended early, {status}"), folder)),
            Err(error) => Err(self.failure(&error.to_string(), folder)),
        }
    }

    /// The failure with the last lines that the program wrote.
    fn failure(&self, problem: &str, folder: &Path) -> BackendError {
        let log = fs::read_to_string(folder.join(format!("{}.log", self.name))).unwrap_or_default();
        let lines: Vec<&str> = log.lines().collect();
        let tail = lines[lines.len().saturating_sub(10)..].join("\n");
        BackendError::Program { name: self.name.clone(), problem: problem.to_owned(), log: tail }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // A child that ended by itself cannot be killed, which is fine.
        let _killed = self.child.kill();
        let _status = self.child.wait();
    }
}

/// Two ports that were free a moment ago. Another process may take one before its program binds it; the test then
/// fails with that program's log.
fn free_ports() -> io::Result<[u16; 2]> {
    let [a, b] = [(); 2].map(|()| TcpListener::bind((Ipv4Addr::LOCALHOST, 0)));
    Ok([a?.local_addr()?.port(), b?.local_addr()?.port()])
}

const TOKENS: &str = "tokens.csv";
const KEY: &str = "service-account.key";

/// The token file of the administrator, and the key that signs service account tokens.
fn write_credentials(folder: &Path, token: &str) -> Result<(), BackendError> {
    fs::write(folder.join(TOKENS), tokens(token)).map_err(BackendError::Files)?;
    let key = KeyPair::generate(KeySize::Rsa2048).and_then(|pair| pair.as_der());
    let der = key.map_err(|_| BackendError::Key)?;
    fs::write(folder.join(KEY), pem(der.as_ref())).map_err(BackendError::Files)
}

/// `token,user,uid,"groups"` (the format of `--token-auth-file`).
fn tokens(token: &str) -> String {
    format!("{token},landfall-test-admin,landfall-test-admin,\"system:masters\"\n")
}

/// A PKCS #8 key in PEM (RFC 7468).
fn pem(der: &[u8]) -> String {
    // ByteString is how Kubernetes objects carry bytes, and it serialises as Base64.
    let encoded = serde_json::to_value(ByteString(der.to_vec())).unwrap_or_default();
    let encoded: Vec<char> = encoded.as_str().unwrap_or_default().chars().collect();
    let lines: Vec<String> = encoded.chunks(64).map(|line| line.iter().collect()).collect();
    format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n", lines.join("\n"))
}

fn etcd_arguments(folder: &Path, port: u16) -> Vec<String> {
    let url = format!("http://127.0.0.1:{port}");
    vec![
        format!("--data-dir={}", folder.join("etcd").display()),
        format!("--listen-client-urls={url}"),
        format!("--advertise-client-urls={url}"),
        // A single member talks to nobody, but the flag must be set; port 0 keeps the default port free.
        "--listen-peer-urls=http://127.0.0.1:0".to_owned(),
        // Nothing has to survive a crash of the machine.
        "--unsafe-no-fsync=true".to_owned(),
    ]
}

fn apiserver_arguments(folder: &Path, port: u16, etcd_port: u16) -> Vec<String> {
    let file = |name: &str| folder.join(name).display().to_string();
    vec![
        format!("--etcd-servers=http://127.0.0.1:{etcd_port}"),
        "--bind-address=127.0.0.1".to_owned(),
        "--advertise-address=127.0.0.1".to_owned(),
        format!("--secure-port={port}"),
        // Made here by the server itself.
        format!("--cert-dir={}", file("certificates")),
        "--authorization-mode=RBAC".to_owned(),
        format!("--token-auth-file={}", file(TOKENS)),
        "--service-account-issuer=https://kubernetes.default.svc".to_owned(),
        format!("--service-account-key-file={}", file(KEY)),
        format!("--service-account-signing-key-file={}", file(KEY)),
        format!("--service-cluster-ip-range={}", service_ranges(&ServiceConfig::default())),
        // A loopback address is no valid endpoint of the Service `kubernetes`.
        "--endpoint-reconciler-type=none".to_owned(),
        // Nobody makes the default service accounts that this plugin waits for.
        "--disable-admission-plugins=ServiceAccount".to_owned(),
    ]
}

/// The primary range, and after a comma the other one where there is one.
fn service_ranges(config: &ServiceConfig) -> String {
    std::iter::once(config.primary)
        .chain(config.secondary)
        .map(|range| range.to_string())
        .collect::<Vec<_>>()
        .join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_programs_meet_each_other() {
        let folder = Path::new("/t");
        let etcd = etcd_arguments(folder, 2379);
        let apiserver = apiserver_arguments(folder, 6443, 2379);
        assert!(etcd.contains(&"--listen-client-urls=http://127.0.0.1:2379".to_owned()));
        assert!(apiserver.contains(&"--etcd-servers=http://127.0.0.1:2379".to_owned()));
        assert!(apiserver.contains(&"--secure-port=6443".to_owned()));
        assert!(apiserver.contains(&"--token-auth-file=/t/tokens.csv".to_owned()));
    }

    #[test]
    fn no_argument_is_given_twice() {
        let arguments = apiserver_arguments(Path::new("/t"), 1, 2);
        let mut names: Vec<&str> =
            arguments.iter().filter_map(|argument| argument.split('=').next()).collect();
        names.sort_unstable();
        let count = names.len();
        names.dedup();
        assert_eq!(names.len(), count);
    }

    #[test]
    fn the_ranges_are_those_of_the_embedded_server() {
        let wanted = "--service-cluster-ip-range=10.96.0.0/16,fd00:10:96::/112".to_owned();
        assert!(apiserver_arguments(Path::new("/t"), 1, 2).contains(&wanted));
    }

    #[test]
    fn credentials_are_files_the_server_reads() -> Result<(), BackendError> {
        let folder = tempfile::tempdir().map_err(BackendError::Files)?;
        write_credentials(folder.path(), "secret")?;
        let read = |name| fs::read_to_string(folder.path().join(name)).map_err(BackendError::Files);
        assert!(read(TOKENS)?.starts_with("secret,"));
        let key = read(KEY)?;
        assert!(
            key.starts_with("-----BEGIN PRIVATE KEY-----\nMII") && key.lines().all(|line| line.len() <= 64)
        );
        Ok(())
    }

    #[tokio::test]
    async fn a_program_that_ends_is_reported() {
        // Both stand-ins end at once; the first thing noticed must name one of them.
        let error =
            Programs::start(Path::new("/bin/false"), Path::new("/bin/false")).await.expect_err("an error");
        assert!(error.to_string().contains("false: ended early"), "{error}");
    }

    #[tokio::test]
    async fn a_program_that_cannot_start_is_reported() {
        let nowhere = Path::new("/nonexistent/etcd");
        let error = Programs::start(nowhere, nowhere).await.expect_err("an error");
        assert!(error.to_string().contains("/nonexistent/etcd"), "{error}");
    }
}
