//! DELETE: one object, or a collection.

use serde_json::{Value, json};

use super::App;
use super::read::{key, selector};
use crate::apiserver::body;
use crate::apiserver::engine::DeleteOptions;
use crate::apiserver::error::ApiError;
use crate::apiserver::list::{ListQuery, revision};
use crate::apiserver::reply::{self, Reply};
use crate::apiserver::request::{Request, refused};
use crate::apiserver::store::Key;

/// Accepted and without effect: there is no garbage collector that would follow owner references.
const PROPAGATION: [&str; 4] = ["", "Background", "Foreground", "Orphan"];

impl App {
    pub(super) fn delete(&self, request: &Request) -> Result<Reply, ApiError> {
        let deleted = self.engine.delete(&request.kind, &key(request), &options(request)?)?;
        if !deleted.gone || request.kind.rules.returns_deleted {
            return Ok(reply::json(200, self.encoder(request).object(&deleted.object)));
        }
        let details = json!({
            "name": request.call.name, "group": request.call.group, "kind": request.call.plural,
            "uid": deleted.object.value["metadata"]["uid"],
        });
        Ok(reply::value(200, &success(details)))
    }

    pub(super) fn delete_collection(&self, request: &Request) -> Result<Reply, ApiError> {
        let options = options(request)?;
        let table = self.engine.table(&request.kind);
        let page = ListQuery::all(selector(request)?).run(&self.engine.store, &table)?;
        for object in &page.objects {
            match self.engine.delete(&request.kind, &Key::of(&object.value), &options) {
                // Gone in the meantime is as good.
                Err(refusal) if refusal.code != 404 => return Err(refusal),
                _ => {}
            }
        }
        Ok(reply::json(200, self.encoder(request).page(&page)))
    }
}

fn success(mut details: Value) -> Value {
    if let Some(fields) = details.as_object_mut() {
        fields.retain(|_, value| *value != "");
    }
    json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "details": details})
}

/// Delete options come in the body or, where that is empty, in the query.
fn options(request: &Request) -> Result<DeleteOptions, ApiError> {
    let sent = if request.body.is_empty() {
        Value::Null
    } else {
        body::decode(&request.content_type, &request.body)?
    };
    let policy =
        sent["propagationPolicy"].as_str().unwrap_or_else(|| request.params.text("propagationPolicy"));
    if !PROPAGATION.contains(&policy) {
        return Err(refused("propagationPolicy", policy, "Background, Foreground or Orphan"));
    }
    let dry_run = match &sent["dryRun"] {
        Value::Array(stages) if stages.iter().any(|s| *s != "All") => {
            return Err(refused("dryRun", &sent["dryRun"].to_string(), "[\"All\"]"));
        }
        Value::Array(stages) => !stages.is_empty(),
        _ => request.params.dry_run()?,
    };
    let precondition = |field: &str| sent["preconditions"][field].as_str().unwrap_or_default();
    let demanded = revision(precondition("resourceVersion"))?;
    Ok(DeleteOptions {
        dry_run,
        uid: precondition("uid").to_owned(),
        revision: (demanded > 0).then_some(demanded),
    })
}
