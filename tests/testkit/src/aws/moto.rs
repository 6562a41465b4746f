//! The moto server: one per test process, or two, with an account per test.

use std::io::{BufRead, BufReader};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::account::Account;

/// The variable that says which Python has moto.
pub const PYTHON: &str = "LANDFALL_TEST_MOTO_PYTHON";

/// A running moto. It ends with this process, however that ends: it holds the other end of moto's standard input.
#[derive(Debug)]
pub struct Moto {
    addr: SocketAddr,
    _server: Child,
}

/// Why there is no moto.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MotoError {
    /// Nobody says where it is.
    #[error(
        "these tests need moto: run `make moto` once, and the tests with {PYTHON}=target/tools/moto/bin/python \
         (`make unit` does both)"
    )]
    NotNamed,
    /// It cannot be started.
    #[error("{PYTHON}={python}: {reason}; `make moto` installs moto into target/tools/moto")]
    NotStarted {
        /// The Python.
        python: String,
        /// What happened.
        reason: String,
    },
}

impl Moto {
    /// The moto of this process; started by the first who asks.
    pub async fn shared() -> Result<&'static Self, MotoError> {
        Self::numbered(0).await
    }

    /// One of two motos of this process, in turn: for tests that make thousands of calls, as a moto uses one core.
    pub async fn either() -> Result<&'static Self, MotoError> {
        static TURN: AtomicUsize = AtomicUsize::new(0);
        Self::numbered(TURN.fetch_add(1, Ordering::Relaxed) % 2).await
    }

    async fn numbered(number: usize) -> Result<&'static Self, MotoError> {
        static RUNNING: [OnceLock<Result<Moto, MotoError>>; 2] = [const { OnceLock::new() }; 2];
        let start = move || RUNNING[number].get_or_init(Self::start).as_ref().map_err(Clone::clone);
        tokio::task::spawn_blocking(start).await.unwrap_or_else(|stopped| {
            Err(MotoError::NotStarted { python: String::new(), reason: stopped.to_string() })
        })
    }

    /// An account that nothing else uses, with nothing but what AWS puts into a new one.
    pub fn account(&self) -> Account {
        Account::new(self.addr)
    }

    fn start() -> Result<Self, MotoError> {
        let python = std::env::var(PYTHON).map_err(|_| MotoError::NotNamed)?;
        Self::launch(&python).map_err(|reason| MotoError::NotStarted { python, reason })
    }

    fn launch(python: &str) -> Result<Self, String> {
        let script = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../localstack/moto/serve.py");
        let mut server = Command::new(python)
            .arg(script)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|error| error.to_string())?;
        let mut line = String::new();
        let out = server.stdout.take().ok_or("it has no standard output")?;
        BufReader::new(out).read_line(&mut line).map_err(|error| error.to_string())?;
        let port = line.trim().parse().map_err(|_| {
            let _ = server.kill();
            let ended = server.wait().map_or_else(|error| error.to_string(), |status| status.to_string());
            format!("moto told no port but \"{}\"; {ended}", line.trim())
        })?;
        Ok(Self { addr: (Ipv4Addr::LOCALHOST, port).into(), _server: server })
    }
}
