//! Changes: from a request to the operation that carries it out.

use std::time::Duration;

use landfall_gcp::api::{Kind, Method, Place, Reference, Verb};
use serde_json::Value;

use super::discovery::Routed;
use super::json::{Fields, merge, text};
use super::kinds;
use super::labels;
use super::operations::{Effect, OperationFailure};
use super::quotas::QuotaShape;
use super::refused::{Done, invalid, refuse};
use super::request::{About, Request};
use super::state::{Begun, State, not_ready};
use super::store::{Record, links};
use super::validate::{self, Body};
use super::view::has_fingerprint;

/// Names of resources (RFC 1035).
const NAME: &str = "[a-z](?:[-a-z0-9]{0,61}[a-z0-9])?";

/// What a test wants to happen to the operation of this request.
#[derive(Debug, Default)]
pub(super) struct Fate {
    pub(super) time: Option<Duration>,
    /// What it makes is there only when it has ended.
    pub(super) late: bool,
    pub(super) failure: Option<OperationFailure>,
}

/// A request with a body, or one for a change.
pub(super) struct Write<'a> {
    pub(super) routed: &'a Routed,
    pub(super) method: Method,
    pub(super) place: &'a Place,
    pub(super) fate: Fate,
}

impl State {
    /// Begins the operation that a request asks for. Answers its name, and the operation as it is.
    pub(super) fn write(
        &mut self,
        write: Write<'_>,
        about: &About,
        request: &Request,
    ) -> Done<(String, Value)> {
        let body = write.body(request)?;
        let (target, effect, failure) = match about {
            About::Resource { what, .. } => {
                let effect = self.change(&write, what, body)?;
                (what.clone(), effect, None)
            }
            _ => self.insert(&write, body)?,
        };
        let Write { method, fate, .. } = write;
        let failure = fate.failure.or(failure);
        Ok(self.begin(Begun { method, target, effect, failure, time: fate.time }))
    }

    fn insert(
        &mut self,
        write: &Write<'_>,
        mut body: Fields,
    ) -> Done<(Reference, Effect, Option<OperationFailure>)> {
        validate::body(write.schema(), &Value::from(body.clone()), Body::Request)?;
        let kind = write.method.kind;
        let Some(name) = text(&body, "name") else {
            return refuse(400, "required", "Required field 'resource.name' not specified");
        };
        // The document has the pattern for most kinds, the server for all.
        if !validate::fits(NAME, name) {
            return invalid("name", name, &format!("Must be a match of regex '{NAME}'"));
        }
        let what = write.place.at(kind, name);
        if self.store.get(&what).is_some() || self.operations.unborn().any(|(unborn, _)| *unborn == what) {
            return refuse(409, "alreadyExists", format!("The resource '{what}' already exists"));
        }
        let internal = text(&body, "addressType") == Some("INTERNAL");
        let mut failure = None;
        if let Some(refused) = self.over_quota(write.place, kind, internal) {
            match self.quotas.shape {
                QuotaShape::Classic => return Err(refused),
                QuotaShape::Detailed => return Err(refused.detailed("QUOTA_EXCEEDED")),
                QuotaShape::Operation => failure = Some(refused.into()),
            }
        }
        labels::check(&body)?;
        if !self.labels_on_insert {
            body.remove("labels");
        }
        let late = write.fate.late.then(|| Effect::Make(Box::new(body.clone())));
        let fails = failure.is_some() || write.fate.failure.is_some() || late.is_some();
        self.make(&what, body, fails)?;
        Ok((what, late.unwrap_or(Effect::Nothing), failure))
    }

    /// Makes a new resource, or finds out whether it could be made.
    pub(super) fn make(&mut self, what: &Reference, mut body: Fields, only_check: bool) -> Done<()> {
        kinds::complete(self, what, &mut body)?;
        self.dress(what, &mut body);
        if !only_check {
            self.store.put(what.clone(), Record { body, ..Record::default() });
        }
        Ok(())
    }

    fn change(&mut self, write: &Write<'_>, what: &Reference, body: Fields) -> Done<Effect> {
        let fails = write.fate.failure.is_some();
        match write.method.verb {
            Verb::Delete => {
                self.changeable(what)?;
                return self.removal(what);
            }
            Verb::AttachEndpoints | Verb::DetachEndpoints | Verb::AddInstances | Verb::RemoveInstances => {
                self.existing(what)?;
                self.referred("group", what)?;
                validate::body(write.schema(), &Value::from(body.clone()), Body::Request)?;
                let members = self.changed_members(what, write.method.verb, &body)?;
                if let Some(of_group) = self.store.members_mut(what).filter(|_| !fails) {
                    *of_group = members;
                }
                return Ok(Effect::Nothing);
            }
            _ => {}
        }
        let old = self.changeable(what)?.clone();
        let mut new = match write.method.verb {
            Verb::SetLabels => {
                validate::body(write.schema(), &Value::from(body.clone()), Body::Request)?;
                self.with_labels(&old, &body)?
            }
            Verb::Patch => patched(write, &old, body)?,
            _ => updated(write, &old, &self.view(what, &old), body)?,
        };
        if write.method.verb != Verb::SetLabels {
            kinds::check_change(self, what, &old.body, &mut new)?;
            if has_fingerprint(what.kind) {
                new.insert("fingerprint".to_owned(), self.fingerprint());
            }
        }
        Ok(Effect::Put(Box::new(Record { body: new, ..old })))
    }

    /// A delete: what is used is refused in the end, or at once.
    fn removal(&self, what: &Reference) -> Done<Effect> {
        if self.operations.unborn().any(|(unborn, body)| links(unborn.kind, body).contains(what)) {
            return not_ready(what);
        }
        match self.users_of(what).first() {
            Some(user) if self.in_use_at_once => {
                let message = format!("The resource '{what}' is already being used by '{user}'");
                refuse(400, "resourceInUseByAnotherResource", message)
            }
            _ => Ok(Effect::Remove),
        }
    }
}

fn patched(write: &Write<'_>, old: &Record, body: Fields) -> Done<Fields> {
    validate::body(write.schema(), &Value::from(body.clone()), Body::Patch)?;
    check_fingerprint(write.method.kind, old, &body)?;
    let mut new = old.body.clone();
    merge(&mut new, body);
    Ok(new)
}

/// The body in place of the old one; what is the server's own stays, and the path has the name already.
fn updated(write: &Write<'_>, old: &Record, view: &Value, mut body: Fields) -> Done<Fields> {
    let view = view.as_object().unwrap_or(&old.body);
    validate::body(write.schema(), &Value::from(body.clone()), Body::Update(view))?;
    check_fingerprint(write.method.kind, old, &body)?;
    let own = |name: &str| validate::is_read_only(write.schema(), name);
    body.retain(|name, _| !own(name));
    let kept = old.body.iter().filter(|(name, _)| own(name) || *name == "name");
    for (name, value) in kept {
        body.entry(name).or_insert_with(|| value.clone());
    }
    Ok(body)
}

/// A backend service is changed with its fingerprint or not at all; others are guarded only if they are asked to be.
fn check_fingerprint(kind: Kind, old: &Record, body: &Fields) -> Done<()> {
    let given = body.get("fingerprint");
    let needed = kind == Kind::BackendService || given.is_some();
    if !has_fingerprint(kind) || !needed || given == old.body.get("fingerprint") {
        return Ok(());
    }
    refuse(412, "conditionNotMet", "Invalid fingerprint.")
}

impl Write<'_> {
    /// The name of the body's schema.
    pub(super) fn schema(&self) -> &str {
        self.routed.spec.request.as_deref().unwrap_or_default()
    }

    /// The body; empty if the method has none.
    pub(super) fn body(&self, request: &Request) -> Done<Fields> {
        match (&request.body, &self.routed.spec.request) {
            (Some(Value::Object(body)), Some(_)) => Ok(body.clone()),
            (None, None) => Ok(Fields::new()),
            (None, Some(_)) => refuse(400, "required", "Required body not specified"),
            (Some(_), _) => refuse(400, "parseError", "The body is not what this method takes."),
        }
    }
}
