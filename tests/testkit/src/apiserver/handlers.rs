//! From a request to its answer: hooks first and last, the journal around everything, and in between one
//! handler per verb.

use std::sync::Arc;

use axum::body::{Body, Bytes, to_bytes};
use axum::http::Request as HttpRequest;
use axum::http::request::Parts;
use tokio_util::sync::CancellationToken;

use super::body;
use super::encode::Encoder;
use super::engine::Engine;
use super::error::ApiError;
use super::hooks::{Fault, Hooks};
use super::journal::{Entry, Journal};
use super::options::Options;
use super::reply::{self, Reply};
use super::request::{Request, ResourcePath, Verb};

mod delete;
mod fields;
mod nonresource;
mod read;
mod write;

/// Everything a request can touch.
pub(crate) struct App {
    pub(crate) engine: Arc<Engine>,
    pub(crate) hooks: Hooks,
    pub(crate) journal: Journal,
    pub(crate) options: Options,
    /// Ends running watches when the server goes.
    pub(crate) stop: CancellationToken,
}

/// The connection is to be broken instead of answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the API server dropped the connection")]
pub struct Dropped;

impl App {
    /// Answers one HTTP request. A watch ends with `stop`.
    pub(crate) async fn answer(
        &self,
        request: HttpRequest<Body>,
        stop: &CancellationToken,
    ) -> Result<Reply, Dropped> {
        let (parts, body) = request.into_parts();
        let Ok(body) = to_bytes(body, body::LIMIT).await else {
            let text = format!("the request body is larger than {} bytes or broke off", body::LIMIT);
            return Ok(reply::refusal(&ApiError::new(413, "RequestEntityTooLarge", text)));
        };
        if let Some(reply) = nonresource::answer(self, &parts) {
            return Ok(reply);
        }
        match self.resolve(&parts, body) {
            Ok(Some(request)) => self.answer_resource(&request, stop).await,
            Ok(None) => Ok(nonresource::access_review()),
            Err(refusal) => Ok(reply::refusal(&refusal)),
        }
    }

    /// The resource request behind a path; `None` for the one review that is answered without a resource.
    fn resolve(&self, parts: &Parts, body: Bytes) -> Result<Option<Request>, ApiError> {
        if nonresource::is_access_review(parts) {
            return Ok(None);
        }
        let path = ResourcePath::parse(parts.uri.path()).ok_or_else(ApiError::no_such_path)?;
        Request::resolve(&self.engine.kinds, path, parts, body).map(Some)
    }

    async fn answer_resource(&self, request: &Request, stop: &CancellationToken) -> Result<Reply, Dropped> {
        let mut entry = self.entry(request);
        let answer = self.answer_with_faults(request, stop).await;
        entry.status = answer.as_ref().map_or(0, |reply| reply.status().as_u16());
        self.journal.record(entry);
        answer
    }

    async fn answer_with_faults(
        &self,
        request: &Request,
        stop: &CancellationToken,
    ) -> Result<Reply, Dropped> {
        match self.hooks.strike(&request.call) {
            None => Ok(self.handle(request, stop)),
            Some(Fault::Refuse(refusal)) => Ok(reply::refusal(&refusal)),
            Some(Fault::Drop) => Err(Dropped),
            Some(Fault::Delay(time)) => {
                tokio::time::sleep(time).await;
                Ok(self.handle(request, stop))
            }
            Some(Fault::RefuseAfter(refusal)) => {
                self.handle(request, stop);
                Ok(reply::refusal(&refusal))
            }
            Some(Fault::DropAfter) => {
                self.handle(request, stop);
                Err(Dropped)
            }
            Some(Fault::DelayAfter(time)) => {
                let reply = self.handle(request, stop);
                tokio::time::sleep(time).await;
                Ok(reply)
            }
        }
    }

    fn handle(&self, request: &Request, stop: &CancellationToken) -> Reply {
        let answer = match request.call.verb {
            Verb::Get => self.get(request),
            Verb::List => self.list(request),
            Verb::Watch => self.watch(request, stop),
            Verb::Create => self.create(request),
            Verb::Update => self.update(request),
            Verb::Patch => self.patch(request),
            Verb::Delete => self.delete(request),
            Verb::DeleteCollection => self.delete_collection(request),
        };
        answer.unwrap_or_else(|refusal| reply::refusal(&refusal))
    }

    fn encoder<'a>(&'a self, request: &'a Request) -> Encoder<'a> {
        Encoder { kind: &request.kind, output: request.output, clock: &self.engine.clock }
    }

    fn entry(&self, request: &Request) -> Entry {
        Entry {
            number: 0,
            at: self.engine.clock.now(),
            call: request.call.clone(),
            content_type: request.content_type.clone(),
            query: request.query.clone(),
            body: request.body.clone(),
            status: 0,
        }
    }
}
