//! GET: one object, a list, a watch.

use std::sync::Arc;

use axum::body::Body;
use tokio_util::sync::CancellationToken;

use super::App;
use crate::apiserver::error::ApiError;
use crate::apiserver::list::{ListQuery, revision};
use crate::apiserver::reply::{self, Reply};
use crate::apiserver::request::Request;
use crate::apiserver::selector::Selector;
use crate::apiserver::store::Key;
use crate::apiserver::watch::{WatchContext, WatchQuery};

impl App {
    pub(super) fn get(&self, request: &Request) -> Result<Reply, ApiError> {
        let asked = revision(request.params.text("resourceVersion"))?;
        let current = self.engine.store.revision();
        if asked > current {
            return Err(ApiError::too_large_resource_version(asked, current));
        }
        let object = self.engine.get(&request.kind, &key(request))?;
        Ok(reply::json(200, self.encoder(request).object(&object)))
    }

    pub(super) fn list(&self, request: &Request) -> Result<Reply, ApiError> {
        let query = ListQuery::parse(selector(request)?, &request.params)?;
        let page = query.run(&self.engine.store, &self.engine.table(&request.kind))?;
        Ok(reply::json(200, self.encoder(request).page(&page)))
    }

    pub(super) fn watch(&self, request: &Request, stop: &CancellationToken) -> Result<Reply, ApiError> {
        let query = WatchQuery::parse(selector(request)?, &request.params)?;
        let context = WatchContext {
            engine: Arc::clone(&self.engine),
            kind: Arc::clone(&request.kind),
            output: request.output,
            cuts: self.hooks.cuts(),
            stop: stop.clone(),
        };
        let mut reply = reply::json(200, "");
        *reply.body_mut() = Body::from_stream(query.run(context, &self.options));
        Ok(reply)
    }
}

/// The addressed object.
pub(super) fn key(request: &Request) -> Key {
    Key::new(&request.call.namespace, &request.call.name)
}

/// The addressed collection; a watch of one object selects its name.
pub(super) fn selector(request: &Request) -> Result<Selector, ApiError> {
    let params = &request.params;
    let mut fields = params.text("fieldSelector").to_owned();
    if !request.call.name.is_empty() {
        let by_name = format!("metadata.name={}", request.call.name);
        fields = if fields.is_empty() { by_name } else { format!("{by_name},{fields}") };
    }
    Selector::parse(&request.kind, &request.call.namespace, params.text("labelSelector"), &fields)
}
