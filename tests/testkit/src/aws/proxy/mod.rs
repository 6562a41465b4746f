//! A proxy before moto: it writes every call down, and makes those go wrong that a test chooses.
//!
//! Each test has its own, on a port of its own, for an account of its own. Calls are counted from the start, or from
//! the last [`Proxy::clear`].

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use landfall_aws::api::Action;
use landfall_aws::connect::{ConnectError, Credentials, Options, SdkConfig, connect};
use tokio::net::TcpListener;
use tokio::sync::Notify;
use tokio_util::sync::{CancellationToken, DropGuard};

use super::account::{Account, REGION};
use faults::Faults;
use journal::Journal;

mod faults;
mod form;
mod journal;
mod refusal;
mod serve;

pub use faults::Fault;
pub use form::Service;
pub use journal::Call;

/// A running proxy. Dropping it ends it and every connection to it.
#[derive(Debug)]
pub struct Proxy {
    addr: SocketAddr,
    shared: Arc<Shared>,
    _stop: DropGuard,
}

/// What every connection works with.
#[derive(Debug)]
struct Shared {
    account: Account,
    state: Mutex<State>,
    frozen: Notify,
}

#[derive(Debug, Default)]
struct State {
    journal: Journal,
    faults: Faults,
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Proxy {
    /// A proxy to this account.
    pub async fn start(account: &Account) -> std::io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let addr = listener.local_addr()?;
        let shared =
            Arc::new(Shared { account: account.clone(), state: Mutex::default(), frozen: Notify::new() });
        let stop = CancellationToken::new();
        tokio::spawn(serve::listen(listener, Arc::clone(&shared), stop.clone()));
        Ok(Self { addr, shared, _stop: stop.drop_guard() })
    }

    /// Its address, for `AWS_ENDPOINT_URL`.
    pub fn url(&self) -> String {
        format!("http://{}", self.addr)
    }

    /// What SDK clients connect to it with.
    pub async fn config(&self) -> Result<SdkConfig, ConnectError> {
        let options = Options {
            region: Some(REGION.to_owned()),
            endpoint: Some(self.url()),
            credentials: Some(Credentials::new("test", "test", None, None, "testkit")),
            ..Options::default()
        };
        connect(&options).await
    }

    /// Plans a fault for the `n`-th call from now, counted from 1.
    pub fn fault_at(&self, n: usize, fault: Fault) {
        self.shared.state().faults.at(n, fault);
    }

    /// Plans a fault for the `n`-th call of that action from now, counted from 1.
    pub fn fault_on(&self, action: Action, n: usize, fault: Fault) {
        self.shared.state().faults.on(action.as_str(), n, fault);
    }

    /// Plans a fault for every call from now on that has no other.
    pub fn fault_all(&self, fault: Fault) {
        self.shared.state().faults.all(fault);
    }

    /// Forgets every planned fault.
    pub fn calm(&self) {
        self.shared.state().faults = Faults::default();
    }

    /// Resolves when a call has met [`Fault::Freeze`] and taken effect; once per such call.
    pub async fn frozen(&self) {
        self.shared.frozen.notified().await;
    }

    /// Every call, oldest first.
    pub fn calls(&self) -> Vec<Call> {
        self.shared.state().journal.calls().to_vec()
    }

    /// How many calls there were.
    pub fn total(&self) -> usize {
        self.shared.state().journal.calls().len()
    }

    /// How many calls of that action there were.
    pub fn count(&self, action: Action) -> usize {
        self.shared.state().journal.calls().iter().filter(|call| call.action == action.as_str()).count()
    }

    /// How many calls there were that ask for a change.
    pub fn writes(&self) -> usize {
        self.shared.state().journal.calls().iter().filter(|call| call.is_write()).count()
    }

    /// Forgets the calls so far.
    pub fn clear(&self) {
        self.shared.state().journal = Journal::default();
    }
}
