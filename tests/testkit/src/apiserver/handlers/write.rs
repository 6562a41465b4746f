//! POST, PUT and PATCH.

use serde_json::Value;

use super::read::key;
use super::{App, fields};
use crate::apiserver::apply;
use crate::apiserver::body;
use crate::apiserver::engine::{
    OnMissing, Part, Tracking, Update, WriteOptions, Written, field_writer, patch_kind,
};
use crate::apiserver::error::ApiError;
use crate::apiserver::patch::{self, APPLY_PATCH};
use crate::apiserver::reply::{self, Reply};
use crate::apiserver::request::Request;

impl App {
    pub(super) fn create(&self, request: &Request) -> Result<Reply, ApiError> {
        let body = body::decode(&request.content_type, &request.body)?;
        let warnings = fields::check_body(request, &body, "CreateOptions")?;
        let written = self.engine.create(&request.kind, &request.call.namespace, body, &options(request)?)?;
        Ok(self.written(request, &written, &warnings))
    }

    pub(super) fn update(&self, request: &Request) -> Result<Reply, ApiError> {
        let body = body::decode(&request.content_type, &request.body)?;
        let warnings = fields::check_body(request, &body, "UpdateOptions")?;
        let create = request.kind.rules.create_on_update && part(request) == Part::Main;
        let missing = if create { OnMissing::Create } else { OnMissing::Refuse };
        let written = self.change(request, missing, Tracking::Compare, |_| Ok(body))?;
        Ok(self.written(request, &written, &warnings))
    }

    pub(super) fn patch(&self, request: &Request) -> Result<Reply, ApiError> {
        if request.media_type() == APPLY_PATCH {
            return self.apply(request);
        }
        let kind = patch_kind(&request.kind);
        let mut warnings = Vec::new();
        let written = self.change(request, OnMissing::Refuse, Tracking::Compare, |current| {
            let current = current.unwrap_or(&Value::Null);
            let patched = patch::apply(&kind, current, &request.content_type, &request.body)?;
            warnings = fields::check_patched(request, &patched)?;
            Ok(patched)
        })?;
        Ok(self.written(request, &written, &warnings))
    }

    /// Server-side apply (KEP-555).
    fn apply(&self, request: &Request) -> Result<Reply, ApiError> {
        let applied = body::parse(&request.body)
            .ok_or_else(|| ApiError::bad_request("error decoding the applied configuration: not YAML"))?;
        let warnings = fields::check_patched(request, &applied)?;
        let force = request.params.flag("force")?;
        let missing = if part(request) == Part::Main { OnMissing::Create } else { OnMissing::Refuse };
        let (kind, now) = (patch_kind(&request.kind), self.engine.clock.stamp());
        let manager = request.params.text("fieldManager");
        let writer = field_writer(&request.kind, part(request), manager, &now);
        let written = self.change(request, missing, Tracking::Applied, |current| {
            apply::server_side_apply(&kind, &writer, current, &applied, force)
        })?;
        Ok(self.written(request, &written, &warnings))
    }

    fn change(
        &self,
        request: &Request,
        missing: OnMissing,
        tracking: Tracking,
        change: impl FnOnce(Option<&Value>) -> Result<Value, ApiError>,
    ) -> Result<Written, ApiError> {
        let (key, options) = (key(request), options(request)?);
        let part = part(request);
        let update = Update { kind: &request.kind, key: &key, part, missing, tracking, options: &options };
        self.engine.update(&update, change)
    }

    fn written(&self, request: &Request, written: &Written, warnings: &[String]) -> Reply {
        let code = if written.created { 201 } else { 200 };
        let reply = reply::json(code, self.encoder(request).object(&written.object));
        reply::warn(reply::warn(reply, warnings), &written.warnings)
    }
}

fn part(request: &Request) -> Part {
    if request.call.subresource == "status" { Part::Status } else { Part::Main }
}

fn options(request: &Request) -> Result<WriteOptions, ApiError> {
    Ok(WriteOptions { dry_run: request.params.dry_run()?, manager: request.manager() })
}
