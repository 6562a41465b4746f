//! One participant of an election under test.

use jiff::SignedDuration;
use tokio::sync::{oneshot, watch};
use tokio::task::JoinHandle;

use super::fake::{Line, Server, epoch};
use super::*;
use crate::lease::campaign::Campaign;
use crate::metrics::Metrics;

/// A participant with its own line to the server. Dropping it ends it without a release, as a crash does.
pub(super) struct Contender {
    pub(super) line: Line,
    pub(super) leadership: watch::Receiver<Leadership>,
    pub(super) metrics: Metrics,
    ask: Option<oneshot::Sender<()>>,
    task: JoinHandle<Result<Released, ReleaseError>>,
}

impl Contender {
    pub(super) fn join(server: &Server, name: &str) -> Self {
        Self::join_with(server, name, |_| {})
    }

    /// Joins with changes to its surroundings. Its wall clock runs with virtual time, and its dice show one half.
    pub(super) fn join_with(server: &Server, name: &str, change: impl FnOnce(&mut Campaign<Line>)) -> Self {
        let (mut campaign, line, leadership, metrics) = campaign(server, name, Timing::default());
        change(&mut campaign);
        let (ask, asked) = oneshot::channel();
        let task = tokio::spawn(campaign.run(asked));
        Self { line, leadership, metrics, ask: Some(ask), task }
    }

    /// The claim in force, if it leads.
    pub(super) fn claim(&self) -> Option<Claim> {
        match &*self.leadership.borrow() {
            Leadership::Leading(claim) if claim.check().is_ok() => Some(claim.clone()),
            Leadership::Leading(_) | Leadership::Standby { .. } => None,
        }
    }

    pub(super) fn leads(&self) -> bool {
        self.claim().is_some()
    }

    /// Waits until it leads, and tells how long that took.
    pub(super) async fn leading_after(&mut self) -> Duration {
        let started = Instant::now();
        let leads = |state: &Leadership| matches!(state, Leadership::Leading(c) if c.check().is_ok());
        timeout(secs(120), self.leadership.wait_for(leads)).await.expect("it leads in the end").unwrap();
        started.elapsed()
    }

    pub(super) async fn release(mut self) -> Result<Released, ReleaseError> {
        self.ask.take().unwrap().send(()).unwrap();
        (&mut self.task).await.unwrap()
    }

    /// The value of a metric line that starts with `name`.
    pub(super) fn metric(&self, name: &str) -> Option<String> {
        let text = self.metrics.encode().unwrap();
        text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' ').map(str::to_owned))
    }
}

impl Drop for Contender {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// A participant that the test polls itself.
pub(super) fn campaign(
    server: &Server,
    name: &str,
    timing: Timing,
) -> (Campaign<Line>, Line, watch::Receiver<Leadership>, Metrics) {
    let line = Line::to(server);
    let metrics = Metrics::new("test", "0");
    let lease_metrics = LeaseMetrics::register(&metrics);
    let (mut campaign, leadership) =
        Campaign::new(line.clone(), Identity::new(name).unwrap(), timing, lease_metrics);
    let started = Instant::now();
    campaign.ambient.wall_clock = Box::new(move || epoch() + started.elapsed());
    campaign.ambient.jitter = Box::new(|| 0.5);
    (campaign, line, leadership, metrics)
}

/// Sets the wall clock of a participant `skew` apart from real time, with a jump of an hour at each look.
pub(super) fn drunken_clock(campaign: &mut Campaign<Line>, skew: SignedDuration) {
    let looks = std::sync::atomic::AtomicI64::new(0);
    campaign.ambient.wall_clock = Box::new(move || {
        let look = looks.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let jump = SignedDuration::from_hours(if look % 2 == 0 { look } else { -look });
        epoch() + skew + jump
    });
}
