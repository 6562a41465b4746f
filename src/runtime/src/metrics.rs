//! The metric registry of a process and what every program exports about itself.
//!
//! Crates register their own families with [`Metrics::register`]; all of them get the prefix `landfall_`.
//! `process_*` keeps the names that Prometheus client libraries agreed on, so it carries no prefix.
//! Label values must come from closed sets (outcome, provider, step), never from object names.

use std::fmt;
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use prometheus_client::encoding::{EncodeLabelSet, text};
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::Registry;
use tokio::time::Instant;

mod process;

use process::ProcessCollector;

/// Content type of [`Metrics::encode`]: `OpenMetrics` text, version 1.0.0.
pub const OPENMETRICS_CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Prefix of every metric that a crate registers.
const PREFIX: &str = "landfall";

/// Bounds in seconds for calls to an API: 5 ms to 40 s, doubling from 10 ms.
const CALL_BUCKETS: [f64; 14] =
    [0.005, 0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.25, 2.5, 5.0, 10.0, 20.0, 40.0];

/// Bounds in seconds for what a person waits for: 100 ms to 15 min.
const WAIT_BUCKETS: [f64; 14] =
    [0.1, 0.25, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 40.0, 60.0, 120.0, 240.0, 480.0, 900.0];

/// The registry of one process. Clones share it.
#[derive(Clone)]
pub struct Metrics {
    registries: Arc<Mutex<Registries>>,
}

struct Registries {
    own: Registry,
    process: Registry,
}

impl Metrics {
    /// A registry that holds `landfall_build_info{program,version}` and the `process_*` metrics.
    pub fn new(program: &str, version: &str) -> Self {
        let mut own = Registry::with_prefix(PREFIX);
        let build = vec![("program", program.to_owned()), ("version", version.to_owned())];
        own.register("build", "Which program runs, and its version", Info::new(build));
        let mut process = Registry::default();
        process.register_collector(Box::new(ProcessCollector::started_now()));
        Self { registries: Arc::new(Mutex::new(Registries { own, process })) }
    }

    /// Lets a crate register its families. Names get the prefix `landfall_`, counters the suffix `_total`, and
    /// a unit its own suffix (`register_with_unit`). Register each name once per process.
    pub fn register<T>(&self, register: impl FnOnce(&mut Registry) -> T) -> T {
        register(&mut self.lock().own)
    }

    /// Everything in the `OpenMetrics` text format (see [`OPENMETRICS_CONTENT_TYPE`]).
    pub fn encode(&self) -> Result<String, fmt::Error> {
        let registries = self.lock();
        let mut out = String::new();
        text::encode_registry(&mut out, &registries.own)?;
        text::encode_registry(&mut out, &registries.process)?;
        text::encode_eof(&mut out)?;
        Ok(out)
    }

    fn lock(&self) -> MutexGuard<'_, Registries> {
        // Registering only pushes to a list: a panic in between leaves nothing half done.
        self.registries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Metrics").finish_non_exhaustive()
    }
}

/// A family of duration histograms, in seconds.
pub type Durations<L> = Family<L, Histogram, fn() -> Histogram>;

/// Durations of calls to an API (5 ms to 40 s).
pub fn call_durations<L: Clone + Eq + Hash>() -> Durations<L> {
    Family::new_with_constructor(|| Histogram::new(CALL_BUCKETS))
}

/// Durations of things that a person waits for, such as an address (100 ms to 15 min).
pub fn wait_durations<L: Clone + Eq + Hash>() -> Durations<L> {
    Family::new_with_constructor(|| Histogram::new(WAIT_BUCKETS))
}

/// The one label of a family that only tells how something ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct Outcome {
    /// A word from a closed set.
    pub outcome: &'static str,
}

impl From<&'static str> for Outcome {
    fn from(outcome: &'static str) -> Self {
        Self { outcome }
    }
}

/// Measures from its start until it is dropped, so that every way out of a function is counted, also `?` and
/// a cancelled future.
///
/// The labels given at the start are used unless [`Timer::finish`] replaces them: name the abandoned case there.
#[derive(Debug)]
#[must_use = "a timer that is dropped at once measures nothing"]
pub struct Timer<L: Clone + Eq + Hash> {
    durations: Durations<L>,
    labels: L,
    started: Instant,
}

impl<L: Clone + Eq + Hash> Timer<L> {
    /// Starts measuring; `abandoned` labels the observation if nobody calls [`Timer::finish`].
    pub fn start(durations: &Durations<L>, abandoned: impl Into<L>) -> Self {
        Self { durations: durations.clone(), labels: abandoned.into(), started: Instant::now() }
    }

    /// Stops and records under `labels`.
    pub fn finish(mut self, labels: impl Into<L>) {
        self.labels = labels.into();
    }
}

impl<L: Clone + Eq + Hash> Drop for Timer<L> {
    fn drop(&mut self) {
        self.durations.get_or_create(&self.labels).observe(self.started.elapsed().as_secs_f64());
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use prometheus_client::metrics::counter::Counter;
    use prometheus_client::registry::Unit;

    use super::*;

    fn metrics() -> Metrics {
        Metrics::new("landfall", "1.2.3")
    }

    #[test]
    fn registered_families_carry_the_prefix_and_build_info_is_there() {
        let metrics = metrics();
        let counter: Counter = Counter::default();
        metrics.register(|r| r.register("things", "Things seen", counter.clone()));
        counter.inc_by(3);
        let text = metrics.encode().unwrap();
        assert!(text.contains("landfall_things_total 3\n"), "{text}");
        assert!(text.contains("landfall_build_info{program=\"landfall\",version=\"1.2.3\"} 1\n"), "{text}");
        assert!(text.ends_with("# EOF\n"), "{text}");
        assert_eq!(text.matches("# EOF").count(), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn a_timer_records_under_the_labels_of_its_end() {
        let metrics = metrics();
        let durations: Durations<Outcome> = call_durations();
        metrics.register(|r| r.register_with_unit("call", "Calls", Unit::Seconds, durations.clone()));

        let timer = Timer::start(&durations, "Abandoned");
        tokio::time::advance(Duration::from_secs(3)).await;
        timer.finish("Done");

        let text = metrics.encode().unwrap();
        assert!(text.contains("landfall_call_seconds_sum{outcome=\"Done\"} 3.0\n"), "{text}");
        assert!(text.contains("landfall_call_seconds_count{outcome=\"Done\"} 1\n"), "{text}");
        assert!(!text.contains("Abandoned"), "{text}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_dropped_timer_counts_as_abandoned() {
        let metrics = metrics();
        let durations: Durations<Outcome> = wait_durations();
        metrics.register(|r| r.register_with_unit("work", "Work", Unit::Seconds, durations.clone()));
        let work = async {
            let timer = Timer::start(&durations, "Abandoned");
            std::future::pending::<()>().await;
            timer.finish("Done");
        };
        tokio::time::timeout(Duration::from_secs(1), work).await.unwrap_err();
        let text = metrics.encode().unwrap();
        assert!(text.contains("landfall_work_seconds_count{outcome=\"Abandoned\"} 1\n"), "{text}");
        assert!(!text.contains("Done"), "{text}");
    }
}
