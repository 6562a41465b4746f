//! Short ways to read JSON.

use landfall_gcp::api::{Kind, Reference};
use serde_json::{Map, Value};

use super::refused::{Done, invalid};

/// A resource or a part of one.
pub(super) type Fields = Map<String, Value>;

/// A text; empty ones count as absent, as in the API.
pub(super) fn text<'a>(of: &'a Fields, name: &str) -> Option<&'a str> {
    of.get(name).and_then(Value::as_str).filter(|text| !text.is_empty())
}

/// A text of an inner object.
pub(super) fn inner<'a>(of: &'a Value, name: &str) -> Option<&'a str> {
    of.get(name).and_then(Value::as_str).filter(|text| !text.is_empty())
}

/// A list; absent ones are empty.
pub(super) fn list<'a>(of: &'a Fields, name: &str) -> &'a [Value] {
    of.get(name).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// A list of texts.
pub(super) fn texts<'a>(of: &'a Fields, name: &str) -> Vec<&'a str> {
    list(of, name).iter().filter_map(Value::as_str).collect()
}

/// Whether a flag is set.
pub(super) fn flag(of: &Fields, name: &str) -> bool {
    of.get(name).and_then(Value::as_bool).unwrap_or_default()
}

/// A text that must be one of these; the first one if it is absent, which is then written into the resource.
pub(super) fn word(of: &mut Fields, name: &str, allowed: &[&str]) -> Done<String> {
    let Some(found) = text(of, name) else {
        of.insert(name.to_owned(), allowed[0].into());
        return Ok(allowed[0].to_owned());
    };
    if allowed.contains(&found) {
        return Ok(found.to_owned());
    }
    invalid(name, found, &format!("Supported here: {}.", allowed.join(", ")))
}

/// A number within bounds; `default` if it is absent, which is then written into the resource.
pub(super) fn number(of: &mut Fields, name: &str, default: i64, low: i64, high: i64) -> Done<i64> {
    let found = of.entry(name).or_insert_with(|| default.into()).as_i64().unwrap_or(low - 1);
    if (low..=high).contains(&found) {
        return Ok(found);
    }
    invalid(name, found, &format!("Must be greater than or equal to {low} and less than or equal to {high}"))
}

/// Writes a field that is absent.
pub(super) fn default(of: &mut Fields, name: &str, value: impl Into<Value>) {
    of.entry(name).or_insert_with(|| value.into());
}

/// A field that must be the URL of a resource of that kind.
pub(super) fn url(field: &str, url: &str, kind: Kind) -> Done<Reference> {
    match Reference::parse(url) {
        Some(found) if found.kind == kind => Ok(found),
        _ => invalid(field, url, &format!("The URL is malformed or not one of {}.", kind.collection())),
    }
}

/// Refuses fields that make no sense together with something else.
pub(super) fn absent(of: &Fields, names: &[&str], why: &str) -> Done<()> {
    names.iter().try_for_each(|name| match of.get(*name) {
        Some(found) => invalid(name, found, why),
        None => Ok(()),
    })
}

/// Carries out a JSON merge patch (RFC 7396).
pub(super) fn merge(into: &mut Fields, patch: Fields) {
    for (name, value) in patch {
        match value {
            Value::Null => {
                into.remove(&name);
            }
            Value::Object(inner) => {
                let old = into.entry(name).or_insert_with(|| Fields::new().into());
                match old {
                    Value::Object(fields) => merge(fields, inner),
                    other => {
                        let mut fields = Fields::new();
                        merge(&mut fields, inner);
                        *other = fields.into();
                    }
                }
            }
            value => {
                into.insert(name, value);
            }
        }
    }
}
