//! Checks of Events. Those that carry an `eventTime` (written through `events.k8s.io/v1`) must be complete;
//! older ones are taken as they come (`pkg/apis/core/validation/events.go`).

use serde_json::Value;

use super::{Strategy, Warnings};
use crate::apiserver::error::{ApiError, Cause};

/// Namespaces that take events about cluster-scoped objects.
const CLUSTER_EVENTS: [&str; 2] = ["default", "kube-system"];

const LONGEST_NOTE: usize = 1024;
const LONGEST_FIELD: usize = 128;

pub(crate) struct EventStrategy;

impl Strategy for EventStrategy {
    fn prepare_create(&self, new: &mut Value) -> Result<Warnings, ApiError> {
        check(new)
    }

    fn prepare_update(&self, _old: &Value, new: &mut Value) -> Result<Warnings, ApiError> {
        check(new)
    }
}

fn check(event: &Value) -> Result<Warnings, ApiError> {
    let mut causes: Vec<Cause> = namespace_mismatch(event).into_iter().collect();
    if event["eventTime"].is_string() {
        causes.extend(incomplete(event));
    }
    if causes.is_empty() {
        return Ok(Warnings::new());
    }
    let name = event["metadata"]["name"].as_str().unwrap_or_default();
    Err(ApiError::invalid("", "Event", name, causes))
}

fn namespace_mismatch(event: &Value) -> Option<Cause> {
    let own = event["metadata"]["namespace"].as_str().unwrap_or_default();
    let about = event["involvedObject"]["namespace"].as_str().unwrap_or_default();
    let fits = if about.is_empty() { CLUSTER_EVENTS.contains(&own) } else { own == about };
    (!fits).then(|| {
        invalid(
            "involvedObject.namespace",
            &event["involvedObject"]["namespace"],
            "does not match event.namespace",
        )
    })
}

fn incomplete(event: &Value) -> Vec<Cause> {
    let mut causes = Vec::new();
    for field in ["reportingComponent", "reportingInstance", "action", "reason"] {
        let text = event[field].as_str().unwrap_or_default();
        // Upstream names the field as events.k8s.io/v1 does.
        let shown = if field == "reportingComponent" { "reportingController" } else { field };
        if text.is_empty() {
            causes.push(Cause {
                reason: "FieldValueRequired",
                field: shown.into(),
                message: "Required value".into(),
            });
        } else if text.len() > LONGEST_FIELD {
            causes.push(invalid(
                shown,
                &event[field],
                &format!("can have at most {LONGEST_FIELD} characters"),
            ));
        }
    }
    if !matches!(event["type"].as_str(), Some("Normal" | "Warning")) {
        causes.push(invalid("type", &event["type"], "has invalid value: must be Normal or Warning"));
    }
    if event["message"].as_str().is_some_and(|m| m.len() > LONGEST_NOTE) {
        causes.push(invalid(
            "message",
            &event["message"],
            &format!("can have at most {LONGEST_NOTE} characters"),
        ));
    }
    causes
}

fn invalid(field: &str, value: &Value, why: &str) -> Cause {
    let shown = value.as_str().map_or_else(|| value.to_string(), |text| format!("{text:?}"));
    Cause {
        reason: "FieldValueInvalid",
        field: field.into(),
        message: format!("Invalid value: {shown}: {why}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn complete() -> Value {
        json!({
            "metadata": {"name": "e", "namespace": "ns"}, "involvedObject": {"namespace": "ns"},
            "eventTime": "2026-01-01T00:00:00.000000Z", "reportingComponent": "c", "reportingInstance": "i",
            "action": "Ensure", "reason": "Ensured", "type": "Normal",
        })
    }

    #[rstest::rstest]
    #[case("/action", json!(""), "action")]
    #[case("/type", json!("Info"), "type")]
    #[case("/reportingComponent", json!(null), "reportingController")]
    #[case("/reason", json!("r".repeat(129)), "reason")]
    #[case("/involvedObject/namespace", json!("other"), "involvedObject.namespace")]
    #[case("/involvedObject/namespace", json!(null), "involvedObject.namespace")]
    fn refuses(#[case] path: &str, #[case] value: Value, #[case] field: &str) {
        let mut event = complete();
        assert!(check(&event).is_ok());
        *event.pointer_mut(path).unwrap() = value;
        let refusal = check(&event).unwrap_err();
        assert_eq!(refusal.causes.iter().map(|c| c.field.as_str()).collect::<Vec<_>>(), [field]);
    }

    #[test]
    fn old_events_may_be_incomplete_and_notes_are_bounded() {
        let old = json!({"metadata": {"name": "e", "namespace": "default"}});
        assert!(check(&old).is_ok());
        let mut long = complete();
        long["message"] = json!("x".repeat(1025));
        assert_eq!(check(&long).unwrap_err().causes[0].field, "message");
    }
}
