//! A stored object and its encoding, made once however many clients read it.

use std::sync::OnceLock;

use axum::body::Bytes;
use serde_json::Value;

/// One state of one object. Never changed after it is stored.
#[derive(Debug)]
pub(crate) struct Stored {
    pub(crate) value: Value,
    pub(crate) revision: u64,
    encoded: OnceLock<Encoded>,
}

#[derive(Debug)]
struct Encoded {
    /// The whole object.
    whole: Bytes,
    /// The object without `apiVersion` and `kind`, which built-in kinds leave out of list items.
    item: Bytes,
}

impl Stored {
    pub(crate) fn new(value: Value, revision: u64) -> Self {
        Self { value, revision, encoded: OnceLock::new() }
    }

    /// The object as JSON.
    pub(crate) fn json(&self) -> Bytes {
        self.encoded().whole.clone()
    }

    /// The object as an item of a list of a built-in kind.
    pub(crate) fn item_json(&self) -> Bytes {
        self.encoded().item.clone()
    }

    fn encoded(&self) -> &Encoded {
        self.encoded.get_or_init(|| Encoded::of(&self.value))
    }
}

impl Encoded {
    fn of(value: &Value) -> Self {
        let mut rest = value.clone();
        let mut types = Vec::new();
        if let Some(fields) = rest.as_object_mut() {
            for name in ["apiVersion", "kind"] {
                types.extend(fields.remove(name).map(|text| format!("\"{name}\":{text}")));
            }
        }
        let item = rest.to_string();
        let others = item.get(1..item.len().saturating_sub(1)).unwrap_or_default();
        if !others.is_empty() {
            types.push(others.to_owned());
        }
        let whole = format!("{{{}}}", types.join(","));
        Self { whole: Bytes::from(whole), item: Bytes::from(item) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[rstest::rstest]
    #[case(json!({"apiVersion": "v1", "kind": "Node", "metadata": {"name": "a"}}), json!({"metadata": {"name": "a"}}))]
    #[case(json!({"apiVersion": "v1", "kind": "Node"}), json!({}))]
    #[case(json!({"metadata": {}}), json!({"metadata": {}}))]
    fn encodes_whole_and_item(#[case] object: Value, #[case] item: Value) {
        let stored = Stored::new(object.clone(), 1);
        assert_eq!(serde_json::from_slice::<Value>(&stored.json()).unwrap(), object);
        assert_eq!(serde_json::from_slice::<Value>(&stored.item_json()).unwrap(), item);
    }
}
