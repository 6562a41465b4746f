//! What a snapshot shows.

use landfall_core::error::Classified;
use landfall_core::outcome::Problem;
use landfall_core::refusal::Refusal;
use serde_json::{Map, Value, json};

use crate::input::{Input, NoGraph};

/// What all URLs begin with.
const BASE: &str = "https://www.googleapis.com/compute/v1/";

/// The resource graph of a wish with what is told besides, or the reasons why there is none. Whatever is empty is left
/// out, and so are the descriptions but those of backend services: they are marks, which follow from the names around
/// them.
pub(crate) fn graph(input: &Input) -> Value {
    let mut shown = json!({ "problems": problems(&input.reading().problems) });
    match input.graph() {
        Ok(graph) => {
            let untold = problems(&graph.problems);
            shown["graph"] = serde_json::to_value(&graph).unwrap();
            shown["graph"]["problems"] = untold;
        }
        Err(NoGraph::Refused(refusals)) => shown["refusals"] = refusals.iter().map(refusal).collect(),
        Err(NoGraph::Network(error)) => {
            shown["network"] = json!({ "error": error.category().as_str(), "message": error.to_string() });
        }
    }
    pruned(shown, &mut Vec::new())
}

fn refusal(refusal: &Refusal) -> Value {
    json!({ "category": refusal.category.as_str(), "message": refusal.to_string(), "member": refusal.member })
}

fn problems(problems: &[Problem]) -> Value {
    let text = |problem: &Problem| {
        let member = problem.member.iter().map(|member| format!(" {member}"));
        let port = problem.port.iter().map(|port| format!(" {port}"));
        let subject: String = member.chain(port).collect();
        format!("{}{subject}: {}", problem.category, problem.message)
    };
    problems.iter().map(text).collect()
}

/// Leaves out what is empty, marks, and what all URLs begin with.
fn pruned(value: Value, path: &mut Vec<String>) -> Value {
    match value {
        Value::Object(fields) => {
            let mut kept = Map::new();
            for (key, value) in fields {
                if key == "description" && !path.iter().any(|field| field == "backend_services") {
                    continue;
                }
                path.push(key.clone());
                let value = pruned(value, path);
                path.pop();
                if !is_empty(&value) {
                    kept.insert(key, value);
                }
            }
            Value::Object(kept)
        }
        Value::Array(items) => items.into_iter().map(|item| pruned(item, path)).collect(),
        Value::String(text) => Value::String(text.strip_prefix(BASE).unwrap_or(&text).to_owned()),
        other => other,
    }
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Array(items) => items.is_empty(),
        Value::Object(fields) => fields.is_empty(),
        _ => false,
    }
}
