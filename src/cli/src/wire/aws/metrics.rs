//! What is counted about the calls to AWS, and the readiness check of its credentials.

use std::time::Duration;

use landfall_aws::api::{Action, Category};
use landfall_aws::observer::Observer;
use landfall_runtime::health::{Condition, DuplicateCheck, Health};
use landfall_runtime::metrics::{Durations, Metrics, call_durations, wait_durations};
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Unit;

/// Name of the readiness check.
const CREDENTIALS: &str = "aws-credentials";

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ByOutcome {
    action: &'static str,
    outcome: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ByAction {
    action: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ByCategory {
    category: &'static str,
}

/// Counts calls. Labels are the names of actions and categories, never of objects.
#[derive(Debug)]
pub(super) struct CallMetrics {
    requests: Family<ByOutcome, Counter>,
    took: Durations<ByAction>,
    paced: Durations<ByCategory>,
    open: Gauge,
    credentials: Condition,
}

impl CallMetrics {
    /// Registers everything. Fails if `health` has a check of the same name.
    pub(super) fn register(metrics: &Metrics, health: &Health) -> Result<Self, DuplicateCheck> {
        let credentials = health.condition(CREDENTIALS)?;
        credentials.ready("accepted, or not needed yet");
        let all = Self {
            requests: Family::default(),
            took: call_durations(),
            paced: wait_durations(),
            open: Gauge::default(),
            credentials,
        };
        metrics.register(|to| {
            to.register("aws_api_requests", "Requests to AWS, by action and outcome", all.requests.clone());
            let took = "From sending a request to AWS to its answer";
            to.register_with_unit("aws_api_request", took, Unit::Seconds, all.took.clone());
            let paced = "Wait of requests for their turn, so that the rate limits of AWS are kept";
            to.register_with_unit("aws_paced", paced, Unit::Seconds, all.paced.clone());
            let open = "1 while AWS does not accept the credentials and nothing else is asked";
            to.register("aws_circuit_open", open, all.open.clone());
        });
        Ok(all)
    }
}

impl Observer for CallMetrics {
    fn called(&self, action: Action, outcome: &'static str, took: Duration) {
        let action = action.as_str();
        self.requests.get_or_create(&ByOutcome { action, outcome }).inc();
        self.took.get_or_create(&ByAction { action }).observe(took.as_secs_f64());
    }

    fn paced(&self, category: Category, waited: Duration) {
        let labels = ByCategory { category: category.as_str() };
        self.paced.get_or_create(&labels).observe(waited.as_secs_f64());
    }

    fn circuit(&self, open: bool) {
        self.open.set(i64::from(open));
        if open {
            self.credentials.not_ready("AWS does not accept them");
        } else {
            self.credentials.ready("accepted");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn registered() -> (Metrics, Health, CallMetrics) {
        let (metrics, health) = (Metrics::new("landfall", "0"), Health::new());
        let calls = CallMetrics::register(&metrics, &health).unwrap();
        (metrics, health, calls)
    }

    #[test]
    fn calls_and_waits_are_counted_by_their_names() {
        let (metrics, _, calls) = registered();
        calls.called(Action::CreateLoadBalancer, "ok", Duration::from_millis(300));
        calls.called(Action::CreateLoadBalancer, "throttled", Duration::from_millis(20));
        calls.paced(Category::ElbResourceIntensive, Duration::from_secs(5));
        let text = metrics.encode().unwrap();
        for line in [
            "landfall_aws_api_requests_total{action=\"CreateLoadBalancer\",outcome=\"ok\"} 1",
            "landfall_aws_api_requests_total{action=\"CreateLoadBalancer\",outcome=\"throttled\"} 1",
            "landfall_aws_api_request_seconds_count{action=\"CreateLoadBalancer\"} 2",
            "landfall_aws_paced_seconds_sum{category=\"ElbResourceIntensive\"} 5.0",
            "landfall_aws_circuit_open 0",
        ] {
            assert!(text.lines().any(|has| has == line), "{line:?} is missing in:\n{text}");
        }
    }

    #[test]
    fn credentials_that_are_not_accepted_make_the_process_unready() {
        let (metrics, health, calls) = registered();
        assert!(health.readiness().ok());
        calls.circuit(true);
        assert!(!health.readiness().ok());
        assert!(metrics.encode().unwrap().contains("landfall_aws_circuit_open 1\n"));
        calls.circuit(false);
        assert!(health.readiness().ok());
        assert!(metrics.encode().unwrap().contains("landfall_aws_circuit_open 0\n"));
    }

    #[test]
    fn every_metric_is_documented() {
        let (metrics, _, calls) = registered();
        calls.called(Action::DescribeTags, "ok", Duration::ZERO);
        calls.paced(Category::ElbMutating, Duration::ZERO);
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/metrics.md");
        let page = std::fs::read_to_string(path).unwrap();
        let text = metrics.encode().unwrap();
        let types = text.lines().filter_map(|line| line.strip_prefix("# TYPE "));
        let names: Vec<&str> = types.filter_map(|line| line.split(' ').next()).collect();
        let ours: Vec<&str> = names.into_iter().filter(|name| name.starts_with("landfall_aws_")).collect();
        assert_eq!(ours.len(), 4, "{text}");
        for name in ours {
            assert!(page.contains(name), "{name} is not in docs/metrics.md");
        }
    }
}
