//! Value validation of structural schemas: the subset of `OpenAPI` v3 that definitions may use.

use regex::Regex;
use serde_json::Value;

use crate::apiserver::error::Cause;

/// Everything in `new` that the schema refuses. A value that has not changed since `old` is not looked at
/// (ratcheting, KEP-4008).
pub(super) fn check(schema: &Value, old: Option<&Value>, new: &Value) -> Vec<Cause> {
    let mut causes = Vec::new();
    Check { causes: &mut causes }.value(schema, "", old, new);
    causes
}

/// A value as messages show it: containers by their type alone.
pub(super) fn shown(value: &Value) -> String {
    match value {
        Value::Object(_) => "\"object\"".to_owned(),
        Value::Array(_) => "\"array\"".to_owned(),
        other => other.to_string(),
    }
}

struct Check<'a> {
    causes: &'a mut Vec<Cause>,
}

impl Check<'_> {
    fn value(&mut self, schema: &Value, path: &str, old: Option<&Value>, new: &Value) {
        if old == Some(new) || (new.is_null() && schema["nullable"] == true) {
            return;
        }
        if !has_type(schema, new) {
            let wanted = schema["type"].as_str().unwrap_or("integer or string");
            let why = format!("{path} in body must be of type {wanted}: \"{}\"", type_of(new));
            return self.add(
                "FieldValueTypeInvalid",
                path,
                format!("Invalid value: \"{}\": {why}", type_of(new)),
            );
        }
        self.choice(schema, path, new);
        match new {
            Value::String(text) => self.text(schema, path, text),
            Value::Number(_) => self.number(schema, path, new),
            Value::Array(items) => self.list(schema, path, old, items),
            Value::Object(_) => self.object(schema, path, old, new),
            _ => {}
        }
        self.combined(schema, path, new);
    }

    fn choice(&mut self, schema: &Value, path: &str, value: &Value) {
        let Some(allowed) = schema["enum"].as_array() else { return };
        if allowed.contains(value) {
            return;
        }
        let names: Vec<String> = allowed.iter().map(ToString::to_string).collect();
        let text = format!("Unsupported value: {value}: supported values: {}", names.join(", "));
        self.add("FieldValueNotSupported", path, text);
    }

    fn text(&mut self, schema: &Value, path: &str, text: &str) {
        let length = text.chars().count() as u64;
        if let Some(most) = schema["maxLength"].as_u64().filter(|most| length > *most) {
            self.add("FieldValueTooLong", path, format!("Too long: may not be more than {most} bytes"));
        }
        if let Some(least) = schema["minLength"].as_u64().filter(|least| length < *least) {
            self.invalid(path, &text.into(), &format!("should be at least {least} chars long"));
        }
        if let Some(pattern) = schema["pattern"].as_str()
            && !Regex::new(pattern).is_ok_and(|regex| regex.is_match(text))
        {
            self.invalid(path, &text.into(), &format!("should match '{pattern}'"));
        }
    }

    fn number(&mut self, schema: &Value, path: &str, value: &Value) {
        let number = value.as_f64().unwrap_or_default();
        for (bound, exclusive, word, beyond) in [
            ("minimum", "exclusiveMinimum", "greater", is_below as fn(f64, f64) -> bool),
            ("maximum", "exclusiveMaximum", "less", is_above),
        ] {
            let Some(limit) = schema[bound].as_f64() else { continue };
            let strict = schema[exclusive] == true;
            let at_limit = !is_below(number, limit) && !is_above(number, limit);
            if beyond(number, limit) || (strict && at_limit) {
                let or_equal = if strict { "" } else { " or equal to" };
                self.invalid(path, value, &format!("should be {word} than{or_equal} {limit}"));
            }
        }
        if let Some(step) = schema["multipleOf"].as_f64().filter(|step| (number / step).fract() != 0.0) {
            self.invalid(path, value, &format!("should be a multiple of {step}"));
        }
    }

    fn list(&mut self, schema: &Value, path: &str, old: Option<&Value>, items: &[Value]) {
        let length = items.len() as u64;
        if let Some(most) = schema["maxItems"].as_u64().filter(|most| length > *most) {
            self.add(
                "FieldValueTooMany",
                path,
                format!("Too many: {length}: must have at most {most} items"),
            );
        }
        if let Some(least) = schema["minItems"].as_u64().filter(|least| length < *least) {
            let text = format!("Invalid value: {length}: {path} in body should have at least {least} items");
            self.add("FieldValueInvalid", path, text);
        }
        let keys: Vec<&str> = schema["x-kubernetes-list-map-keys"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .collect();
        for (index, item) in items.iter().enumerate() {
            let path = format!("{path}[{index}]");
            if is_repeated(schema, &keys, &items[..index], item) {
                self.add("FieldValueDuplicate", &path, format!("Duplicate value: {item}"));
            }
            let before = old.and_then(|old| old.get(index));
            self.value(&schema["items"], &path, before, item);
        }
    }

    fn object(&mut self, schema: &Value, path: &str, old: Option<&Value>, object: &Value) {
        let fields = object.as_object().into_iter().flatten();
        let length = object.as_object().map_or(0, serde_json::Map::len) as u64;
        if let Some(most) = schema["maxProperties"].as_u64().filter(|most| length > *most) {
            self.add(
                "FieldValueTooMany",
                path,
                format!("Too many: {length}: must have at most {most} items"),
            );
        }
        if let Some(least) = schema["minProperties"].as_u64().filter(|least| length < *least) {
            let text =
                format!("Invalid value: {length}: {path} in body should have at least {least} properties");
            self.add("FieldValueInvalid", path, text);
        }
        for name in schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str) {
            if object.get(name).is_none() {
                self.add("FieldValueRequired", &join(path, name), "Required value".to_owned());
            }
        }
        for (name, value) in fields {
            // The metadata of the whole object is checked by the rules all objects share.
            if path.is_empty() && name == "metadata" {
                continue;
            }
            let schema = schema["properties"].get(name).unwrap_or(&schema["additionalProperties"]);
            self.value(schema, &join(path, name), old.and_then(|old| old.get(name)), value);
        }
    }

    /// `allOf`, `anyOf`, `oneOf`, `not`.
    fn combined(&mut self, schema: &Value, path: &str, value: &Value) {
        let branches = |name: &str| schema[name].as_array().map_or(&[][..], Vec::as_slice);
        let passes = |branch: &&Value| check(branch, None, value).is_empty();
        for branch in branches("allOf") {
            self.value(branch, path, None, value);
        }
        if !branches("anyOf").is_empty() && !branches("anyOf").iter().any(|branch| passes(&branch)) {
            self.invalid(path, value, "must validate at least one schema (anyOf)");
        }
        if !branches("oneOf").is_empty() && branches("oneOf").iter().filter(passes).count() != 1 {
            self.invalid(path, value, "must validate one and only one schema (oneOf)");
        }
        if schema["not"].is_object() && passes(&&schema["not"]) {
            self.invalid(path, value, "must not validate the schema (not)");
        }
    }

    fn invalid(&mut self, path: &str, value: &Value, why: &str) {
        self.add("FieldValueInvalid", path, format!("Invalid value: {}: {path} in body {why}", shown(value)));
    }

    fn add(&mut self, reason: &'static str, path: &str, message: String) {
        let field = if path.is_empty() { "<nil>" } else { path };
        self.causes.push(Cause { reason, field: field.to_owned(), message });
    }
}

fn is_below(number: f64, limit: f64) -> bool {
    number < limit
}

fn is_above(number: f64, limit: f64) -> bool {
    number > limit
}

fn join(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") }
}

fn is_repeated(schema: &Value, keys: &[&str], before: &[Value], item: &Value) -> bool {
    match schema["x-kubernetes-list-type"].as_str() {
        Some("set") => before.contains(item),
        Some("map") => before.iter().any(|other| keys.iter().all(|key| other.get(key) == item.get(key))),
        _ => false,
    }
}

fn has_type(schema: &Value, value: &Value) -> bool {
    if schema["x-kubernetes-int-or-string"] == true {
        return value.is_i64() || value.is_u64() || value.is_string();
    }
    match schema["type"].as_str() {
        Some("integer") => value.as_f64().is_some_and(|number| number.fract() == 0.0),
        Some(name) => name == type_of(value),
        None => true,
    }
}

fn type_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;
    use serde_json::json;

    fn messages(schema: &Value, old: Option<&Value>, new: &Value) -> Vec<String> {
        check(schema, old, new).iter().map(|c| format!("{}: {}", c.field, c.message)).collect()
    }

    #[rstest]
    #[case(json!({"type": "integer"}), json!(3))]
    #[case(json!({"type": "number"}), json!(3.5))]
    #[case(json!({"type": "string", "nullable": true}), json!(null))]
    #[case(json!({"x-kubernetes-int-or-string": true}), json!("http"))]
    #[case(json!({"type": "string", "pattern": "^a+$", "minLength": 1, "maxLength": 3}), json!("aa"))]
    #[case(json!({"type": "array", "items": {"type": "string"}, "maxItems": 2}), json!(["a", "b"]))]
    #[case(json!({"type": "object", "additionalProperties": {"type": "integer"}}), json!({"a": 1}))]
    #[case(json!({"oneOf": [{"required": ["a"]}, {"required": ["b"]}]}), json!({"a": 1}))]
    #[case(json!({"not": {"required": ["a"]}}), json!({"b": 1}))]
    fn accepts(#[case] schema: Value, #[case] value: Value) {
        let schema = json!({"type": "object", "properties": {"v": schema}});
        assert_eq!(messages(&schema, None, &json!({"v": value})), Vec::<String>::new());
    }

    #[rstest]
    #[case(json!({"type": "integer"}), json!("x"), "v: Invalid value: \"string\": v in body must be of type integer: \"string\"")]
    #[case(json!({"type": "integer"}), json!(1.5), "v: Invalid value: \"number\": v in body must be of type integer: \"number\"")]
    #[case(json!({"type": "string"}), json!(null), "v: Invalid value: \"null\": v in body must be of type string: \"null\"")]
    #[case(json!({"enum": ["a", "b"]}), json!("c"), "v: Unsupported value: \"c\": supported values: \"a\", \"b\"")]
    #[case(json!({"pattern": "^a$"}), json!("b"), "v: Invalid value: \"b\": v in body should match '^a$'")]
    #[case(json!({"minLength": 2}), json!("b"), "v: Invalid value: \"b\": v in body should be at least 2 chars long")]
    #[case(json!({"maxLength": 2}), json!("bbb"), "v: Too long: may not be more than 2 bytes")]
    #[case(json!({"minimum": 2}), json!(1), "v: Invalid value: 1: v in body should be greater than or equal to 2")]
    #[case(json!({"maximum": 2}), json!(3), "v: Invalid value: 3: v in body should be less than or equal to 2")]
    #[case(json!({"maximum": 2, "exclusiveMaximum": true}), json!(2), "v: Invalid value: 2: v in body should be less than 2")]
    #[case(json!({"multipleOf": 2}), json!(3), "v: Invalid value: 3: v in body should be a multiple of 2")]
    #[case(json!({"maxItems": 1}), json!([1, 2]), "v: Too many: 2: must have at most 1 items")]
    #[case(json!({"minItems": 1}), json!([]), "v: Invalid value: 0: v in body should have at least 1 items")]
    #[case(json!({"items": {"type": "string"}}), json!(["a", 1]), "v[1]: Invalid value: \"number\": v[1] in body must be of type string: \"number\"")]
    #[case(json!({"x-kubernetes-list-type": "set"}), json!(["a", "a"]), "v[1]: Duplicate value: \"a\"")]
    #[case(json!({"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["k"]}), json!([{"k": 1, "x": 1}, {"k": 1}]), "v[1]: Duplicate value: {\"k\":1}")]
    #[case(json!({"required": ["a"]}), json!({}), "v.a: Required value")]
    #[case(json!({"minProperties": 1}), json!({}), "v: Invalid value: 0: v in body should have at least 1 properties")]
    #[case(json!({"maxProperties": 1}), json!({"a": 1, "b": 2}), "v: Too many: 2: must have at most 1 items")]
    #[case(json!({"anyOf": [{"type": "string"}, {"type": "integer"}]}), json!(true), "v: Invalid value: true: v in body must validate at least one schema (anyOf)")]
    #[case(json!({"oneOf": [{"minimum": 1}, {"minimum": 2}]}), json!(3), "v: Invalid value: 3: v in body must validate one and only one schema (oneOf)")]
    #[case(json!({"allOf": [{"minimum": 5}]}), json!(3), "v: Invalid value: 3: v in body should be greater than or equal to 5")]
    #[case(json!({"not": {"required": ["a"]}}), json!({"a": 1}), "v: Invalid value: \"object\": v in body must not validate the schema (not)")]
    fn refuses(#[case] schema: Value, #[case] value: Value, #[case] message: &str) {
        let schema = json!({"type": "object", "properties": {"v": schema}});
        assert_eq!(messages(&schema, None, &json!({"v": value})), [message]);
    }

    #[test]
    fn what_was_stored_is_tolerated_until_it_changes() {
        let schema = json!({"properties": {"a": {"maximum": 1}, "b": {}}});
        let old = json!({"a": 5, "b": 1});
        assert!(messages(&schema, Some(&old), &json!({"a": 5, "b": 2})).is_empty());
        assert_eq!(messages(&schema, Some(&old), &json!({"a": 6, "b": 1})).len(), 1);
    }
}
