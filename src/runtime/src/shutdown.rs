//! The end of a process: signals, cancellation, and waiting for tasks by name.
//!
//! One [`Shutdown`] per process. Tasks are spawned through it with a name and watch its token (or a child of it). On
//! SIGTERM or SIGINT the token is cancelled; [`Shutdown::drain`] waits for the tasks and tells which did not end.
//! The order of a program's end is: token cancelled, drain, release of the lease, exit.

use std::collections::BTreeMap;
use std::fmt;
use std::future::Future;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{error, info, warn};

/// Stops the tasks of one process. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct Shutdown {
    token: CancellationToken,
    tracker: TaskTracker,
    tasks: Arc<Mutex<Tasks>>,
}

#[derive(Debug, Default)]
struct Tasks {
    next: u64,
    running: BTreeMap<u64, String>,
    failed: Vec<String>,
}

/// What [`Shutdown::drain`] found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DrainReport {
    /// Tasks that had not ended at the deadline.
    pub unfinished: Vec<String>,
    /// Tasks that panicked, or essential tasks that ended before the shutdown, since the start of the process.
    pub failed: Vec<String>,
}

impl DrainReport {
    /// Whether every task ended as it should.
    pub fn is_clean(&self) -> bool {
        self.unfinished.is_empty() && self.failed.is_empty()
    }
}

impl fmt::Display for DrainReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.unfinished.as_slice(), self.failed.as_slice()) {
            ([], []) => write!(f, "all tasks ended"),
            (unfinished, []) => write!(f, "did not end in time: {}", unfinished.join(", ")),
            ([], failed) => write!(f, "failed: {}", failed.join(", ")),
            (unfinished, failed) => {
                write!(f, "did not end in time: {}; failed: {}", unfinished.join(", "), failed.join(", "))
            }
        }
    }
}

impl Shutdown {
    /// Nothing stopped, nothing spawned.
    pub fn new() -> Self {
        Self::default()
    }

    /// Cancelled when the process is to end. `child_token` of it stops a part without stopping the whole.
    pub fn token(&self) -> &CancellationToken {
        &self.token
    }

    /// Asks everything to stop. Returns at once.
    pub fn begin(&self) {
        self.token.cancel();
    }

    /// Spawns a task that may end at any time.
    pub fn spawn<F>(&self, name: impl Into<String>, task: F) -> JoinHandle<()>
    where
        F: Future<Output = ()> + Send + 'static,
    {
        self.start(name.into(), false, task)
    }

    /// Spawns a task without which the process is of no use: its end before the shutdown, also by a panic, begins the
    /// shutdown and counts as a failure.
    pub fn spawn_essential<F>(&self, name: impl Into<String>, task: F) -> JoinHandle<()>
    where
        F: Future<Output = ()> + Send + 'static,
    {
        self.start(name.into(), true, task)
    }

    /// Begins the shutdown if it has not begun, waits for all tasks, at most for `deadline`, and tells what is left.
    /// What is left goes on running until the runtime ends.
    pub async fn drain(&self, deadline: Duration) -> DrainReport {
        self.begin();
        self.tracker.close();
        let _ = timeout(deadline, self.tracker.wait()).await;
        let tasks = self.lock();
        DrainReport { unfinished: tasks.running.values().cloned().collect(), failed: tasks.failed.clone() }
    }

    /// Begins the shutdown on SIGTERM or SIGINT; a second signal ends the process at once with status 128 + its number.
    ///
    /// Takes over both signals for the rest of the process. Fails if the system refuses the handlers.
    pub fn on_signals(&self) -> io::Result<()> {
        let (terminate, interrupt) = (SignalKind::terminate(), SignalKind::interrupt());
        let (mut terminations, mut interrupts) = (signal(terminate)?, signal(interrupt)?);
        let (heard, signals) = mpsc::channel(2);
        tokio::spawn(async move {
            loop {
                let signal = tokio::select! {
                    _ = terminations.recv() => Signal { name: "SIGTERM", number: terminate.as_raw_value() },
                    _ = interrupts.recv() => Signal { name: "SIGINT", number: interrupt.as_raw_value() },
                };
                if heard.send(signal).await.is_err() {
                    return;
                }
            }
        });
        tokio::spawn(obey(signals, self.token.clone(), |code| std::process::exit(code)));
        Ok(())
    }

    fn start<F>(&self, name: String, essential: bool, task: F) -> JoinHandle<()>
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let id = {
            let mut tasks = self.lock();
            tasks.next += 1;
            let id = tasks.next;
            tasks.running.insert(id, name);
            id
        };
        let running = Running { shutdown: self.clone(), id, essential };
        self.tracker.spawn(async move {
            let _running = running;
            task.await;
        })
    }

    fn ended(&self, id: u64, essential: bool) {
        let mut tasks = self.lock();
        let Some(name) = tasks.running.remove(&id) else { return };
        let too_early = essential && !self.token.is_cancelled();
        if std::thread::panicking() {
            error!(task = name, "task panicked");
        } else if too_early {
            warn!(task = name, "essential task ended");
        } else {
            return;
        }
        tasks.failed.push(name);
        drop(tasks);
        if essential {
            self.begin();
        }
    }

    fn lock(&self) -> MutexGuard<'_, Tasks> {
        // Each critical section changes one entry: a panic leaves nothing half done.
        self.tasks.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[derive(Debug)]
struct Signal {
    name: &'static str,
    number: i32,
}

/// The first signal cancels, the second ends the process through `exit`.
async fn obey(mut signals: mpsc::Receiver<Signal>, token: CancellationToken, exit: impl FnOnce(i32) + Send) {
    let Some(first) = signals.recv().await else { return };
    info!(signal = first.name, "shutting down; a second signal ends the process at once");
    token.cancel();
    let Some(second) = signals.recv().await else { return };
    error!(signal = second.name, "second signal: ending at once, work may be left half done");
    exit(128 + second.number);
}

/// Strikes a task off the list however it ends: by return, panic or abort.
struct Running {
    shutdown: Shutdown,
    id: u64,
    essential: bool,
}

impl Drop for Running {
    fn drop(&mut self) {
        self.shutdown.ended(self.id, self.essential);
    }
}

#[cfg(test)]
mod tests {
    use std::future::pending;

    use tokio::time::{Instant, sleep};

    use super::*;

    const DEADLINE: Duration = Duration::from_secs(20);

    #[tokio::test(start_paused = true)]
    async fn drain_waits_for_tasks_that_watch_the_token() {
        let shutdown = Shutdown::new();
        let token = shutdown.token().clone();
        shutdown.spawn("queue", async move {
            token.cancelled().await;
            sleep(Duration::from_secs(7)).await;
        });
        let started = Instant::now();
        let report = shutdown.drain(DEADLINE).await;
        assert_eq!(started.elapsed(), Duration::from_secs(7));
        assert!(report.is_clean(), "{report}");
    }

    #[tokio::test(start_paused = true)]
    async fn drain_names_the_tasks_that_hang() {
        let shutdown = Shutdown::new();
        shutdown.spawn("quick", async {});
        shutdown.spawn("watch of nodes", pending());
        shutdown.spawn("aws client", pending());
        let started = Instant::now();
        let report = shutdown.drain(DEADLINE).await;
        assert_eq!(started.elapsed(), DEADLINE);
        assert_eq!(report.to_string(), "did not end in time: watch of nodes, aws client");
    }

    #[tokio::test(start_paused = true)]
    async fn the_early_end_of_an_essential_task_begins_the_shutdown() {
        let shutdown = Shutdown::new();
        shutdown.spawn_essential("election", sleep(Duration::from_secs(3)));
        shutdown.token().cancelled().await;
        assert_eq!(shutdown.drain(DEADLINE).await.to_string(), "failed: election");
    }

    #[tokio::test(start_paused = true)]
    async fn an_essential_task_that_ends_after_the_shutdown_is_fine() {
        let shutdown = Shutdown::new();
        shutdown.spawn_essential("election", shutdown.token().clone().cancelled_owned());
        assert!(shutdown.drain(DEADLINE).await.is_clean());
    }

    #[tokio::test(start_paused = true)]
    async fn a_panic_is_reported_and_stops_only_what_is_essential() {
        let shutdown = Shutdown::new();
        shutdown.spawn("helper", async { panic!("helper failed") }).await.unwrap_err();
        assert!(!shutdown.token().is_cancelled());
        shutdown.spawn_essential("election", async { panic!("election failed") }).await.unwrap_err();
        assert!(shutdown.token().is_cancelled());
        assert_eq!(shutdown.drain(DEADLINE).await.failed, ["helper", "election"]);
    }

    #[tokio::test(start_paused = true)]
    async fn an_aborted_task_is_not_waited_for() {
        let shutdown = Shutdown::new();
        shutdown.spawn("aborted", pending()).abort();
        assert!(shutdown.drain(DEADLINE).await.is_clean());
    }

    fn sigterm() -> Signal {
        Signal { name: "SIGTERM", number: 15 }
    }

    #[tokio::test(start_paused = true)]
    async fn the_first_signal_stops_and_the_second_exits() {
        let token = CancellationToken::new();
        let (heard, signals) = mpsc::channel(2);
        let (exited, mut code) = mpsc::unbounded_channel();
        let obeying = tokio::spawn(obey(signals, token.clone(), move |code| exited.send(code).unwrap()));

        heard.send(sigterm()).await.unwrap();
        token.cancelled().await;
        sleep(Duration::from_hours(1)).await;
        assert!(code.try_recv().is_err(), "one signal must not end the process");

        heard.send(sigterm()).await.unwrap();
        obeying.await.unwrap();
        assert_eq!(code.recv().await, Some(143));
    }

    #[tokio::test(start_paused = true)]
    async fn a_child_token_stops_with_its_parent_and_not_the_other_way() {
        let shutdown = Shutdown::new();
        let part = shutdown.token().child_token();
        shutdown.token().child_token().cancel();
        assert!(!shutdown.token().is_cancelled());
        shutdown.begin();
        assert!(part.is_cancelled());
    }
}
