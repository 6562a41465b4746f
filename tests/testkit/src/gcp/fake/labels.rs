//! Labels of forwarding rules and addresses.

use serde_json::{Value, json};

use super::json::Fields;
use super::refused::{Done, invalid, refuse};
use super::state::State;
use super::store::Record;
use super::validate::fits;

/// Labels of one resource.
const LABELS: usize = 64;

/// Keys: lower case, at most 63 characters. Source: "Requirements for labels" in the documentation of Google Cloud.
const KEY: &str = r"[\p{Ll}\p{Lo}][\p{Ll}\p{Lo}\p{N}_-]{0,62}";

/// Values: the same, and they may be empty or begin with anything of it.
const VALUE: &str = r"[\p{Ll}\p{Lo}\p{N}_-]{0,63}";

/// Refuses labels that no resource can have.
pub(super) fn check(body: &Fields) -> Done<()> {
    let Some(labels) = body.get("labels").and_then(Value::as_object) else { return Ok(()) };
    if labels.len() > LABELS {
        return invalid("labels", labels.len(), &format!("At most {LABELS} labels."));
    }
    labels.iter().try_for_each(|(key, value)| {
        let value = value.as_str().unwrap_or_default();
        if fits(KEY, key) && fits(VALUE, value) {
            return Ok(());
        }
        invalid(
            "labels",
            format_args!("{key}={value}"),
            "Lower case letters, digits, '_' and '-', at most 63.",
        )
    })
}

impl State {
    /// A resource with the labels of a `setLabels` request.
    pub(super) fn with_labels(&mut self, old: &Record, body: &Fields) -> Done<Fields> {
        if body.get("labelFingerprint") != old.body.get("labelFingerprint") {
            let message = "Labels fingerprint either invalid or resource labels have changed";
            return refuse(412, "conditionNotMet", message);
        }
        check(body)?;
        let mut new = old.body.clone();
        new.insert("labels".to_owned(), body.get("labels").cloned().unwrap_or_else(|| json!({})));
        new.insert("labelFingerprint".to_owned(), self.fingerprint());
        Ok(new)
    }
}
