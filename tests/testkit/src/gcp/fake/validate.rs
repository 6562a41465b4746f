//! Bodies and parameters against the discovery document.

use serde_json::{Map, Value};

use super::discovery::{Parameter, Routed, Schema, table};
use super::patterns::{compiled, whole};
use super::refused::{Done, invalid, refuse};
use super::state::PAGE;

/// How strict a body is looked at.
#[derive(Debug, Clone, Copy)]
pub(super) enum Body<'a> {
    /// Of a new resource or of another request: nothing of the server's own may be in it.
    Request,
    /// A merge patch: `null` removes a field.
    Patch,
    /// A whole resource in place of this one: what is the server's own may be sent back, but not changed.
    Update(&'a Map<String, Value>),
    /// What somebody else made: anything that the schema knows.
    Anything,
}

/// Checks path and query parameters, and the body but for read-only fields of an update.
pub(super) fn parameters(routed: &Routed, query: &[(String, String)]) -> Done<()> {
    for (name, value) in &routed.path {
        let pattern = routed.spec.parameters.get(*name).and_then(|it| it.pattern.as_deref());
        if pattern.is_some_and(|pattern| !fits(pattern, value)) {
            return refuse(400, "invalid", format!("Invalid value '{value}' for path parameter '{name}'."));
        }
    }
    for (name, value) in query {
        match table().query(routed.spec, name) {
            Some(parameter) => in_bounds(parameter, name, value)?,
            // The client tells which revision it was made for.
            None if name == "$apiVersion" => {}
            None => return refuse(400, "invalid", format!("Unknown query parameter '{name}'.")),
        }
    }
    Ok(())
}

/// The bounds of a number; the document has those of `maxResults` in prose: 0 to 500.
fn in_bounds(parameter: &Parameter, name: &str, value: &str) -> Done<()> {
    if parameter.kind.as_deref() != Some("integer") {
        return Ok(());
    }
    let most = if name == "maxResults" { PAGE } else { usize::MAX };
    match value.parse::<usize>() {
        Ok(number) if number <= most => Ok(()),
        _ => refuse(400, "invalid", format!("Invalid value '{value}' for '{name}': 0 to {most}.")),
    }
}

/// Checks a body against a schema by name.
pub(super) fn body(schema: &str, value: &Value, how: Body<'_>) -> Done<()> {
    let Some(found) = table().schema(schema) else { unreachable!("no schema {schema}") };
    object(found, value, "", how)
}

/// Whether a field of that schema is the server's own.
pub(super) fn is_read_only(schema: &str, field: &str) -> bool {
    let found = table().schema(schema).and_then(|schema| schema.properties.get(field));
    found.is_some_and(|field| field.read_only)
}

fn object(schema: &Schema, value: &Value, path: &str, how: Body<'_>) -> Done<()> {
    let Value::Object(fields) = value else { return wrong_type(path, value, "an object") };
    for (name, value) in fields {
        let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
        let Some(known) = schema.properties.get(name) else {
            let message =
                format!("Invalid JSON payload received. Unknown name \"{path}\": Cannot find field.");
            return refuse(400, "invalid", message);
        };
        if known.read_only {
            own(&path, name, value, how)?;
        } else if !(value.is_null() && matches!(how, Body::Patch)) {
            // Only the fields of the resource itself can be the server's own and sent back.
            let inner = if let Body::Update(_) = how { Body::Anything } else { how };
            field(known, value, &path, inner)?;
        }
    }
    Ok(())
}

/// A field of the server's own.
fn own(path: &str, name: &str, value: &Value, how: Body<'_>) -> Done<()> {
    match how {
        Body::Anything => Ok(()),
        Body::Update(current) if current.get(name) == Some(value) => Ok(()),
        _ => invalid(path, value, "The field is output only."),
    }
}

fn field(schema: &Schema, value: &Value, path: &str, how: Body<'_>) -> Done<()> {
    if let Some(name) = &schema.reference {
        let Some(found) = table().schema(name) else { unreachable!("no schema {name}") };
        return object(found, value, path, how);
    }
    match schema.kind.as_deref() {
        Some("string") => text(schema, value, path),
        Some("boolean") => demand(value.is_boolean(), path, value, "a boolean"),
        Some("integer") => integer(schema, value, path),
        Some("number") => demand(value.is_number(), path, value, "a number"),
        Some("array") => array(schema, value, path, how),
        Some("object") => map(schema, value, path, how),
        _ => Ok(()),
    }
}

fn array(schema: &Schema, value: &Value, path: &str, how: Body<'_>) -> Done<()> {
    let Value::Array(items) = value else { return wrong_type(path, value, "an array") };
    let Some(of) = &schema.items else { return Ok(()) };
    items.iter().enumerate().try_for_each(|(at, item)| field(of, item, &format!("{path}[{at}]"), how))
}

fn map(schema: &Schema, value: &Value, path: &str, how: Body<'_>) -> Done<()> {
    let Some(of) = &schema.additional_properties else { return object(schema, value, path, how) };
    let Value::Object(fields) = value else { return wrong_type(path, value, "an object") };
    fields.iter().try_for_each(|(key, value)| match value {
        Value::Null if matches!(how, Body::Patch) => Ok(()),
        value => field(of, value, &format!("{path}.{key}"), how),
    })
}

fn text(schema: &Schema, value: &Value, path: &str) -> Done<()> {
    let Some(text) = value.as_str() else { return wrong_type(path, value, "a string") };
    if !schema.is_word(value) {
        let words = schema.words.iter().flatten().cloned().collect::<Vec<_>>().join(", ");
        return invalid(path, text, &format!("Must be one of: {words}."));
    }
    if let Some(pattern) =
        schema.pattern.as_deref().filter(|pattern| !text.is_empty() && !fits(pattern, text))
    {
        return invalid(path, text, &format!("Must be a match of regex '{pattern}'"));
    }
    let well_formed = match schema.format.as_deref() {
        Some("uint64" | "fixed64") => text.parse::<u64>().is_ok(),
        Some("int64") => text.parse::<i64>().is_ok(),
        Some("byte") => is_base64(text),
        _ => true,
    };
    demand(well_formed, path, value, schema.format.as_deref().unwrap_or_default())
}

fn integer(schema: &Schema, value: &Value, path: &str) -> Done<()> {
    let fits = match schema.format.as_deref() {
        Some("uint32") => value.as_u64().is_some_and(|number| u32::try_from(number).is_ok()),
        _ => value.as_i64().is_some_and(|number| i32::try_from(number).is_ok()),
    };
    demand(fits, path, value, "an integer of 32 bits")
}

fn is_base64(text: &str) -> bool {
    let digits = text.trim_end_matches('=');
    let known = |digit: char| digit.is_ascii_alphanumeric() || "+/-_".contains(digit);
    text.len().is_multiple_of(4) && text.len() - digits.len() <= 2 && digits.chars().all(known)
}

fn demand(well: bool, path: &str, value: &Value, wanted: &str) -> Done<()> {
    if well { Ok(()) } else { wrong_type(path, value, wanted) }
}

fn wrong_type(path: &str, value: &Value, wanted: &str) -> Done<()> {
    invalid(path, value, &format!("Must be {wanted}."))
}

/// Whether the whole text fits a pattern of the document.
pub(super) fn fits(pattern: &str, text: &str) -> bool {
    compiled(&whole(pattern)).is_some_and(|regex| regex.is_match(text))
}
