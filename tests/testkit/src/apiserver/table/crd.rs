//! Columns of custom resources: `spec.versions[].additionalPrinterColumns` of a `CustomResourceDefinition`.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::cells::{name, number, text};
use super::duration::since;
use super::jsonpath::{Path, PathError};

/// One printer column of a custom resource.
#[derive(Debug, Clone, PartialEq)]
pub struct Column {
    name: String,
    kind: Kind,
    format: String,
    description: String,
    priority: i64,
    path: Path,
}

/// A printer column that cannot be served.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ColumnError {
    /// The path is outside what we evaluate.
    #[error("additionalPrinterColumns {column:?}: {source}")]
    Path {
        /// The column's name.
        column: String,
        /// What is wrong with it.
        source: PathError,
    },
    /// The type is none of the five that the API knows.
    #[error(
        "additionalPrinterColumns {column:?}: type {kind:?}; accepted are boolean, date, integer, number, string"
    )]
    Type {
        /// The column's name.
        column: String,
        /// The unknown type.
        kind: String,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Boolean,
    Date,
    Integer,
    Number,
    String,
}

const KINDS: [(&str, Kind); 5] = [
    ("boolean", Kind::Boolean),
    ("date", Kind::Date),
    ("integer", Kind::Integer),
    ("number", Kind::Number),
    ("string", Kind::String),
];

impl Column {
    /// The entries of `additionalPrinterColumns`; without any, an `Age` column as the API server adds it.
    pub fn parse_all(columns: &[Value]) -> Result<Vec<Self>, ColumnError> {
        if columns.is_empty() {
            let age = json!({
                "name": "Age", "type": "date", "jsonPath": ".metadata.creationTimestamp",
                "description": "Time since the object was created.",
            });
            return Self::parse(&age).map(|age| vec![age]);
        }
        columns.iter().map(Self::parse).collect()
    }

    fn parse(column: &Value) -> Result<Self, ColumnError> {
        let name = text(column, "/name").to_owned();
        let kind = text(column, "/type");
        let Some((_, kind)) = KINDS.into_iter().find(|(word, _)| *word == kind) else {
            return Err(ColumnError::Type { column: name, kind: kind.to_owned() });
        };
        let path = Path::parse(text(column, "/jsonPath"))
            .map_err(|source| ColumnError::Path { column: name.clone(), source })?;
        Ok(Self {
            name,
            kind,
            format: text(column, "/format").to_owned(),
            description: text(column, "/description").to_owned(),
            priority: number(column, "/priority"),
            path,
        })
    }
}

pub(super) fn definitions(columns: &[Column]) -> Vec<Value> {
    let own = columns.iter().map(|column| {
        let word = KINDS.into_iter().find(|(_, kind)| *kind == column.kind).map_or("", |(word, _)| word);
        json!({
            "name": column.name, "type": word, "format": column.format,
            "description": column.description, "priority": column.priority,
        })
    });
    std::iter::once(super::NAME.to_json()).chain(own).collect()
}

pub(super) fn row(columns: &[Column], object: &Value, now: Timestamp) -> Vec<Value> {
    let own = columns.iter().map(|column| cell(column, object, now));
    std::iter::once(json!(name(object))).chain(own).collect()
}

/// The first value found, as the column's type; null (shown as `<none>`) where there is none or it does not fit.
fn cell(column: &Column, object: &Value, now: Timestamp) -> Value {
    let found = column.path.find(object);
    let Some(value) = found.first().filter(|value| !value.is_null()) else {
        return Value::Null;
    };
    match column.kind {
        Kind::Boolean => value.as_bool().map_or(Value::Null, Value::Bool),
        Kind::Date => value.as_str().map_or(Value::Null, |time| json!(since(Some(time), now))),
        Kind::Integer => json!(value.as_i64().or_else(|| whole(value.as_f64()?))),
        Kind::Number => json!(value.as_f64()),
        // A string column shows any value: strings bare, the rest as JSON.
        Kind::String => value.as_str().map_or_else(|| json!(value.to_string()), |bare| json!(bare)),
    }
}

/// The whole part; beyond the range of `i64` the conversion saturates.
#[expect(clippy::cast_possible_truncation, reason = "cutting the fraction is the point")]
fn whole(number: f64) -> Option<i64> {
    number.is_finite().then(|| number.trunc() as i64)
}
