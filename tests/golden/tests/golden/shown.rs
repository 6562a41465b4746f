//! What a snapshot shows.

use landfall_aws::network;
use landfall_aws::resources::wanted;
use landfall_aws::settings;
use landfall_core::error::Classified;
use landfall_core::ids::ClusterId;
use landfall_core::outcome::Problem;
use serde_json::{Map, Value, json};

use crate::input::Input;

/// The prefix of ownership marks.
const MARKS: &str = "landfall.dev/";

/// The resource graph of a wish with what is told besides, or the reasons why there is none. Whatever is empty is left
/// out, and so are the marks of everything but the load balancer: they follow from the names around them.
pub(crate) fn graph(input: &Input) -> Value {
    let reading = settings::read(&input.desired);
    let refusals: Vec<Value> = input.refusals.iter().chain(&reading.refusals).map(|refusal| {
        json!({ "category": refusal.category.as_str(), "message": refusal.to_string(), "member": refusal.member })
    }).collect();
    let mut shown = json!({ "refusals": refusals, "problems": problems(&reading.problems) });
    if refusals.is_empty() {
        shown["graph"] = match network::facts(
            &input.desired,
            &reading.settings,
            &input.world.current(),
            &input.world.known(),
        ) {
            Ok(facts) => {
                let cluster = ClusterId::new("prod").unwrap();
                let graph = wanted(&cluster, &input.desired, &reading.settings, &facts);
                let untold = problems(&graph.problems);
                let mut graph = serde_json::to_value(&graph).unwrap();
                graph["problems"] = untold;
                graph
            }
            Err(error) => json!({ "error": error.category().as_str(), "message": error.to_string() }),
        };
    }
    pruned(shown, &mut Vec::new())
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

/// Leaves out what is empty, and marks.
fn pruned(value: Value, path: &mut Vec<String>) -> Value {
    match value {
        Value::Object(fields) => {
            let mut kept = Map::new();
            for (key, value) in fields {
                if path.last().is_some_and(|field| field == "tags") && is_left_out(&key, path) {
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
        other => other,
    }
}

fn is_left_out(key: &str, path: &[String]) -> bool {
    key.starts_with(MARKS) && !path.iter().any(|field| field == "balancer")
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Array(items) => items.is_empty(),
        Value::Object(fields) => fields.is_empty(),
        _ => false,
    }
}
