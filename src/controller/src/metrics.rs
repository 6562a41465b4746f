//! What the controller counts. Labels come from closed sets, never from object names.

use std::time::Duration;

use landfall_core::error::{Category, ErrorClass};
use landfall_core::ids::ProviderName;
use landfall_core::outcome::TargetHealth;
use landfall_runtime::metrics::{Durations, Metrics, call_durations, wait_durations};
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Unit;

/// Kind of an object.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Kind {
    kind: String,
}

/// A provider.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ByProvider {
    provider: &'static str,
}

/// How a look ended.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ByOutcome {
    provider: &'static str,
    operation: &'static str,
    outcome: &'static str,
}

/// An error by name.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ByCategory {
    provider: &'static str,
    category: &'static str,
}

/// Targets by what the provider's checks say.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ByHealth {
    provider: &'static str,
    health: &'static str,
}

/// Targets of one load balancer in the gauge; dropping it takes them out again.
#[derive(Debug)]
pub struct TargetCount {
    gauge: Family<ByHealth, Gauge>,
    counted: [(ByHealth, i64); 3],
}

impl Drop for TargetCount {
    fn drop(&mut self) {
        for (labels, count) in &self.counted {
            self.gauge.get_or_create(labels).dec_by(*count);
        }
    }
}

/// The controller's metrics. Clones share them.
#[derive(Debug, Clone)]
pub struct ControllerMetrics {
    looks: Durations<ByOutcome>,
    errors: Family<ByCategory, Counter>,
    time_to_address: Durations<ByProvider>,
    queue_wait: Durations<ByProvider>,
    queue_depth: Family<ByProvider, Gauge>,
    writes: Family<Kind, Counter>,
    unreadable: Family<Kind, Counter>,
    watch_errors: Family<Kind, Counter>,
    orphans: Family<ByProvider, Gauge>,
    targets: Family<ByHealth, Gauge>,
    overwritten: Counter,
}

impl ControllerMetrics {
    /// Registers every family.
    pub fn register(metrics: &Metrics) -> Self {
        let all = Self {
            looks: call_durations(),
            errors: Family::default(),
            time_to_address: wait_durations(),
            queue_wait: wait_durations(),
            queue_depth: Family::default(),
            writes: Family::default(),
            unreadable: Family::default(),
            watch_errors: Family::default(),
            orphans: Family::default(),
            targets: Family::default(),
            overwritten: Counter::default(),
        };
        metrics.register(|to| {
            let seconds = Unit::Seconds;
            to.register_with_unit(
                "provider_call",
                "Calls of a provider's contract, by operation and outcome",
                seconds,
                all.looks.clone(),
            );
            to.register("provider_errors", "Errors of providers, by category", all.errors.clone());
            to.register_with_unit(
                "time_to_address",
                "From the creation of a Service to its first address in status",
                Unit::Seconds,
                all.time_to_address.clone(),
            );
            to.register_with_unit(
                "queue_wait",
                "From the moment a load balancer is due to the moment it is looked at",
                Unit::Seconds,
                all.queue_wait.clone(),
            );
            to.register("queue_depth", "Load balancers that are due and wait", all.queue_depth.clone());
            to.register("api_writes", "Writes to the API server, by kind", all.writes.clone());
            to.register(
                "unreadable_objects",
                "Objects that could not be read from a watch",
                all.unreadable.clone(),
            );
            to.register("watch_errors", "Interruptions of watches", all.watch_errors.clone());
            to.register(
                "orphans",
                "Load balancers that carry our marks and belong to no Service",
                all.orphans.clone(),
            );
            to.register("targets", "Targets of load balancers, by health", all.targets.clone());
            to.register(
                "status_overwritten",
                "Times another writer changed a load balancer status that we had written",
                all.overwritten.clone(),
            );
        });
        all
    }

    /// A call of a provider ended.
    pub fn called(
        &self,
        provider: ProviderName,
        operation: &'static str,
        outcome: &'static str,
        took: Duration,
    ) {
        let labels = ByOutcome { provider: provider.as_str(), operation, outcome };
        self.looks.get_or_create(&labels).observe(took.as_secs_f64());
    }

    /// A provider failed.
    pub fn failed(&self, provider: ProviderName, category: Category, class: ErrorClass) {
        if !matches!(class, ErrorClass::Waiting { .. }) {
            let labels = ByCategory { provider: provider.as_str(), category: category.as_str() };
            self.errors.get_or_create(&labels).inc();
        }
    }

    /// A Service got its first address.
    pub fn first_address(&self, provider: ProviderName, after: Duration) {
        self.time_to_address
            .get_or_create(&ByProvider { provider: provider.as_str() })
            .observe(after.as_secs_f64());
    }

    /// A load balancer was taken from the queue.
    pub fn dequeued(&self, provider: &'static str, waited: Duration, depth: usize) {
        let labels = ByProvider { provider };
        self.queue_wait.get_or_create(&labels).observe(waited.as_secs_f64());
        self.queue_depth.get_or_create(&labels).set(i64::try_from(depth).unwrap_or(i64::MAX));
    }

    /// An object was written.
    pub fn wrote(&self, kind: &str) {
        self.writes.get_or_create(&Kind { kind: kind.to_owned() }).inc();
    }

    /// An object could not be read.
    pub fn unreadable(&self, kind: &str) {
        self.unreadable.get_or_create(&Kind { kind: kind.to_owned() }).inc();
    }

    /// A watch was interrupted.
    pub fn watch_error(&self, kind: &str) {
        self.watch_errors.get_or_create(&Kind { kind: kind.to_owned() }).inc();
    }

    /// That many orphans are known.
    pub fn orphans(&self, provider: ProviderName, count: usize) {
        let gauge = self.orphans.get_or_create(&ByProvider { provider: provider.as_str() });
        gauge.set(i64::try_from(count).unwrap_or(i64::MAX));
    }

    /// Counts the targets of a load balancer for as long as the answer is kept; `None` if there are none.
    pub fn targets(&self, provider: ProviderName, targets: &[TargetHealth]) -> Option<TargetCount> {
        if targets.is_empty() {
            return None;
        }
        let sum = |of: fn(&TargetHealth) -> usize| targets.iter().map(of).sum::<usize>();
        let counted = [
            ("healthy", sum(|health| health.healthy)),
            ("unhealthy", sum(|health| health.unhealthy.len())),
            ("unknown", sum(|health| health.unknown)),
        ]
        .map(|(health, count)| {
            let labels = ByHealth { provider: provider.as_str(), health };
            (labels, i64::try_from(count).unwrap_or(i64::MAX))
        });
        for (labels, count) in &counted {
            self.targets.get_or_create(labels).inc_by(*count);
        }
        Some(TargetCount { gauge: self.targets.clone(), counted })
    }

    /// Somebody else wrote a status that we had written.
    pub fn overwritten(&self) {
        self.overwritten.inc();
    }
}
