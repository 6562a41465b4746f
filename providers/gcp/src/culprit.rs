//! The field that makes a JSON value unreadable. The errors of serde name it only by luck.

use serde::de::DeserializeOwned;
use serde_json::Value;

/// Reads a value, or says why not; with the name of the field at fault, if it is one of the outermost ones.
pub(crate) fn read<T: DeserializeOwned>(value: &Value) -> Result<T, String> {
    T::deserialize(value).map_err(|error| match culprit::<T>(value) {
        Some(field) => format!("{field}: {error}"),
        None => error.to_string(),
    })
}

/// The field without which the value could be read.
fn culprit<T: DeserializeOwned>(value: &Value) -> Option<&str> {
    let fields = value.as_object()?;
    fields.keys().map(String::as_str).find(|field| {
        let mut rest = fields.clone();
        rest.remove(*field);
        T::deserialize(Value::Object(rest)).is_ok()
    })
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::json;

    use super::*;
    use crate::api::types::Address;

    #[rstest]
    #[case(json!({ "name": "a", "prefixLength": "ninety" }), "prefixLength: invalid type: string")]
    #[case(json!({ "address": "192.0.2.1" }), "missing field `name`")]
    #[case(json!({ "name": "a", "labels": [], "users": {} }), "invalid type")]
    #[case(json!([]), "")]
    fn the_field_at_fault_is_named(#[case] value: Value, #[case] why: &str) {
        let error = read::<Address>(&value).unwrap_err();
        assert!(error.starts_with(why), "{error}");
    }

    #[test]
    fn what_can_be_read_is_read() {
        assert_eq!(read::<Address>(&json!({ "name": "a" })).unwrap().name, "a");
    }
}
