//! A part of an object, read tolerantly.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A `T`, or what only a newer version can read as one.
///
/// The schema is that of `T` alone, so the API server takes nothing else from users.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Lenient<T> {
    /// Understood.
    Known(T),
    /// Anything else, as found.
    Other(Value),
}

impl<T: Clone + DeserializeOwned> Lenient<T> {
    /// The part, or what is wrong with it.
    pub fn get(&self) -> Result<T, Unreadable> {
        match self {
            Self::Known(part) => Ok(part.clone()),
            Self::Other(value) => T::deserialize(value)
                .map_err(|error| Unreadable { value: value.clone(), reason: error.to_string() }),
        }
    }
}

/// A part that this version cannot read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{value} is not known to this version of Landfall: {reason}")]
pub struct Unreadable {
    /// The part as found.
    pub value: Value,
    /// What was expected instead.
    pub reason: String,
}

impl<T: Default> Default for Lenient<T> {
    fn default() -> Self {
        Self::Known(T::default())
    }
}

impl<T> From<T> for Lenient<T> {
    fn from(part: T) -> Self {
        Self::Known(part)
    }
}

impl<T: JsonSchema> JsonSchema for Lenient<T> {
    fn inline_schema() -> bool {
        T::inline_schema()
    }

    fn schema_name() -> Cow<'static, str> {
        T::schema_name()
    }

    fn schema_id() -> Cow<'static, str> {
        T::schema_id()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        T::json_schema(generator)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use landfall_core::ids::ProviderName;
    use landfall_core::params::metal::MetalParams;
    use rstest::rstest;
    use serde_json::json;

    #[rstest]
    #[case::known(json!("metal"), Lenient::Known(ProviderName::Metal))]
    #[case::other_word(json!("azure"), Lenient::Other(json!("azure")))]
    #[case::other_type(json!({"name": "aws"}), Lenient::Other(json!({"name": "aws"})))]
    fn parts_survive_a_round_trip(#[case] value: Value, #[case] part: Lenient<ProviderName>) {
        assert_eq!(serde_json::from_value::<Lenient<ProviderName>>(value.clone()).unwrap(), part);
        assert_eq!(serde_json::to_value(&part).unwrap(), value);
    }

    #[test]
    fn the_error_names_value_and_accepted_words() {
        let part: Lenient<ProviderName> = serde_json::from_value(json!("azure")).unwrap();
        let message = part.get().unwrap_err().to_string();
        for word in ["\"azure\"", "aws", "gcp", "metal"] {
            assert!(message.contains(word), "{message}");
        }
    }

    #[test]
    fn unknown_fields_are_told_and_not_dropped() {
        let block = json!({"addressPools": ["a"], "announceFrom": "racks"});
        let part: Lenient<MetalParams> = serde_json::from_value(block).unwrap();
        let message = part.get().unwrap_err().to_string();
        assert!(message.contains("unknown field `announceFrom`, expected `addressPools`"), "{message}");
    }
}
