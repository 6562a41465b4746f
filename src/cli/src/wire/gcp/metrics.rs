//! What is counted about the calls to GCP, and the readiness check of its credentials.

use std::time::Duration;

use landfall_gcp::api::Method;
use landfall_gcp::observer::Observer;
use landfall_gcp::pace::Group;
use landfall_runtime::health::{Condition, DuplicateCheck, Health};
use landfall_runtime::metrics::{Durations, Metrics, call_durations, wait_durations};
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Unit;

/// Name of the readiness check.
const CREDENTIALS: &str = "gcp-credentials";

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ByOutcome {
    method: String,
    outcome: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ByMethod {
    method: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ByGroup {
    group: &'static str,
}

/// Counts calls. Labels are the ids of methods and the groups of quotas, never names of resources.
#[derive(Debug)]
pub(super) struct CallMetrics {
    requests: Family<ByOutcome, Counter>,
    took: Durations<ByMethod>,
    paced: Durations<ByGroup>,
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
            let requests = "Requests to Compute Engine, by method and outcome";
            to.register("gcp_api_requests", requests, all.requests.clone());
            let took = "From sending a request to Compute Engine to its answer";
            to.register_with_unit("gcp_api_request", took, Unit::Seconds, all.took.clone());
            let paced = "Wait of requests for their turn, so that the rate quotas of Google are kept";
            to.register_with_unit("gcp_paced", paced, Unit::Seconds, all.paced.clone());
            let open = "1 while Google does not accept the credentials and nothing else is asked";
            to.register("gcp_circuit_open", open, all.open.clone());
        });
        Ok(all)
    }
}

impl Observer for CallMetrics {
    fn called(&self, method: Method, outcome: &'static str, took: Duration) {
        let method = method.to_string();
        self.took.get_or_create(&ByMethod { method: method.clone() }).observe(took.as_secs_f64());
        self.requests.get_or_create(&ByOutcome { method, outcome }).inc();
    }

    fn paced(&self, group: Group, waited: Duration) {
        self.paced.get_or_create(&ByGroup { group: group.as_str() }).observe(waited.as_secs_f64());
    }

    fn circuit(&self, open: bool) {
        self.open.set(i64::from(open));
        if open {
            self.credentials.not_ready("Google does not accept them");
        } else {
            self.credentials.ready("accepted");
        }
    }
}

#[cfg(test)]
mod tests {
    use landfall_gcp::api::{Kind, Verb};

    use super::*;

    fn registered() -> (Metrics, Health, CallMetrics) {
        let (metrics, health) = (Metrics::new("landfall", "0"), Health::new());
        let calls = CallMetrics::register(&metrics, &health).unwrap();
        (metrics, health, calls)
    }

    #[test]
    fn calls_and_waits_are_counted_by_their_names() {
        let (metrics, _, calls) = registered();
        let insert = Method::new(Kind::ForwardingRule, Verb::Insert);
        calls.called(insert, "ok", Duration::from_millis(300));
        calls.called(insert, "throttled", Duration::from_millis(20));
        calls.paced(Group::GlobalMutation, Duration::from_secs(5));
        let text = metrics.encode().unwrap();
        for line in [
            "landfall_gcp_api_requests_total{method=\"forwardingRules.insert\",outcome=\"ok\"} 1",
            "landfall_gcp_api_requests_total{method=\"forwardingRules.insert\",outcome=\"throttled\"} 1",
            "landfall_gcp_api_request_seconds_count{method=\"forwardingRules.insert\"} 2",
            "landfall_gcp_paced_seconds_sum{group=\"global-mutation\"} 5.0",
            "landfall_gcp_circuit_open 0",
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
        assert!(metrics.encode().unwrap().contains("landfall_gcp_circuit_open 1\n"));
        calls.circuit(false);
        assert!(health.readiness().ok());
        assert!(metrics.encode().unwrap().contains("landfall_gcp_circuit_open 0\n"));
    }

    #[test]
    fn every_metric_is_documented() {
        let (metrics, _, calls) = registered();
        calls.called(Method::new(Kind::Address, Verb::List), "ok", Duration::ZERO);
        calls.paced(Group::Read, Duration::ZERO);
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/metrics.md");
        let page = std::fs::read_to_string(path).unwrap();
        let text = metrics.encode().unwrap();
        let types = text.lines().filter_map(|line| line.strip_prefix("# TYPE "));
        let names: Vec<&str> = types.filter_map(|line| line.split(' ').next()).collect();
        let ours: Vec<&str> = names.into_iter().filter(|name| name.starts_with("landfall_gcp_")).collect();
        assert_eq!(ours.len(), 4, "{text}");
        for name in ours {
            assert!(page.contains(name), "{name} is not in docs/metrics.md");
        }
    }
}
