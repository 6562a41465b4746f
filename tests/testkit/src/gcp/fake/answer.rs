//! The way of a request through the fake: validation, then reading, or a write that begins an operation.

use std::time::Duration;

use landfall_gcp::api::{Kind, Method, Place, Reference, Verb};
use serde_json::Value;

use super::discovery::Routed;
use super::json::{Fields, merge, text};
use super::kinds;
use super::labels;
use super::operations::{Effect, OperationFailure};
use super::quotas::QuotaShape;
use super::refused::{Done, invalid, not_found, refuse};
use super::request::{About, Request};
use super::state::{Begun, State};
use super::store::Record;
use super::validate::{self, Body};
use super::view::has_fingerprint;

/// Names of resources (RFC 1035).
const NAME: &str = "[a-z](?:[-a-z0-9]{0,61}[a-z0-9])?";

/// What a test wants to happen to the operation of this request.
#[derive(Debug, Default)]
pub(super) struct Fate {
    pub(super) time: Option<Duration>,
    pub(super) failure: Option<OperationFailure>,
}

/// A write that is being carried out.
struct Write<'a> {
    routed: &'a Routed,
    method: Method,
    place: &'a Place,
    fate: Fate,
}

impl State {
    /// Answers a request that has a method.
    pub(super) fn answer(
        &mut self,
        routed: &Routed,
        about: &About,
        request: &Request,
        fate: Fate,
    ) -> Done<Value> {
        validate::parameters(routed, &request.query)?;
        self.check_place(about.place())?;
        let method = match about {
            About::Operation { place, name } => return self.read_operation(place, name),
            About::Collection { method, .. } | About::Resource { method, .. } => *method,
        };
        if self.forbidden.contains(&(about.place().project.clone(), method)) {
            let message =
                format!("Required 'compute.{method}' permission for 'projects/{}'", about.place().project);
            return refuse(403, "forbidden", message);
        }
        let write = Write { routed, method, place: about.place(), fate };
        match (about, method.verb) {
            (_, verb) if verb.is_write() => self.write_once(write, about, request),
            (About::Resource { what, .. }, Verb::Get) => Ok(self.view(what, self.existing(what)?)),
            (About::Resource { what, .. }, _) => self.read_members(&write, what, request),
            (About::Collection { place, .. }, _) => self.list(request, place, method.kind),
            (About::Operation { .. }, _) => not_found(&request.path),
        }
    }

    fn read_operation(&self, place: &Place, name: &str) -> Done<Value> {
        match self.operations.get(name).filter(|operation| operation.place == *place) {
            Some(operation) => Ok(operation.view(self.now, &self.clock)),
            None => not_found(format_args!("{place}/operations/{name}")),
        }
    }

    fn read_members(&self, write: &Write<'_>, what: &Reference, request: &Request) -> Done<Value> {
        let record = self.existing(what)?;
        let body = write.body(request)?;
        validate::body(write.schema(), &Value::from(body.clone()), Body::Request)?;
        match write.method.verb {
            Verb::ListEndpoints => self.list_endpoints(request, &body, record),
            Verb::ListInstances => self.list_instances(request, &body, record),
            _ => self.health(what, &body),
        }
    }

    /// Carries out a write, unless a request with this id was carried out before.
    fn write_once(&mut self, write: Write<'_>, about: &About, request: &Request) -> Done<Value> {
        let Some(id) = request.query("requestId") else {
            return self.write(write, about, request).map(|(_, view)| view);
        };
        if !uuid::Uuid::parse_str(id).is_ok_and(|id| !id.is_nil()) {
            let message =
                format!("Invalid value for field 'requestId': '{id}'. Must be a UUID that is not zero.");
            return refuse(400, "invalid", message);
        }
        let key = (id.to_owned(), format!("{} {}", request.http_method, request.path));
        match self.requests.get(&key) {
            Some((body, name)) if *body == request.body => {
                let operation = self.operations.get(name);
                Ok(operation.map(|operation| operation.view(self.now, &self.clock)).unwrap_or_default())
            }
            Some(_) => {
                let message =
                    format!("Invalid value for field 'requestId': '{id}'. Used for another request.");
                refuse(400, "invalid", message)
            }
            None => {
                let (name, view) = self.write(write, about, request)?;
                self.requests.insert(key, (request.body.clone(), name));
                Ok(view)
            }
        }
    }

    fn write(&mut self, write: Write<'_>, about: &About, request: &Request) -> Done<(String, Value)> {
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
        if self.store.get(&what).is_some() {
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
        kinds::complete(self, &what, &mut body)?;
        self.dress(&what, &mut body);
        if failure.is_none() && write.fate.failure.is_none() {
            self.store.put(what.clone(), Record { body, ..Record::default() });
        }
        Ok((what, Effect::Nothing, failure))
    }

    fn change(&mut self, write: &Write<'_>, what: &Reference, body: Fields) -> Done<Effect> {
        let fails = write.fate.failure.is_some();
        match write.method.verb {
            Verb::Delete => {
                self.changeable(what)?;
                return Ok(Effect::Remove);
            }
            Verb::AttachEndpoints | Verb::DetachEndpoints | Verb::AddInstances | Verb::RemoveInstances => {
                self.referred("group", &self.existing(what).map(|_| what.clone())?)?;
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
            _ => updated(write, &old, body)?,
        };
        if write.method.verb != Verb::SetLabels {
            kinds::check_change(self, what, &old.body, &mut new)?;
            if has_fingerprint(what.kind) {
                new.insert("fingerprint".to_owned(), self.fingerprint());
            }
        }
        Ok(Effect::Put(Box::new(Record { body: new, ..old })))
    }
}

fn patched(write: &Write<'_>, old: &Record, body: Fields) -> Done<Fields> {
    validate::body(write.schema(), &Value::from(body.clone()), Body::Patch)?;
    check_fingerprint(write.method.kind, old, &body)?;
    let mut new = old.body.clone();
    merge(&mut new, body);
    Ok(new)
}

/// The body in place of the old one; what is the server's own stays.
fn updated(write: &Write<'_>, old: &Record, mut body: Fields) -> Done<Fields> {
    validate::body(write.schema(), &Value::from(body.clone()), Body::Update(&old.body))?;
    check_fingerprint(write.method.kind, old, &body)?;
    for name in ["kind", "id", "name", "creationTimestamp", "selfLink", "region", "zone"] {
        if let Some(value) = old.body.get(name) {
            body.entry(name).or_insert_with(|| value.clone());
        }
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
    fn schema(&self) -> &str {
        self.routed.spec.request.as_deref().unwrap_or_default()
    }

    fn body(&self, request: &Request) -> Done<Fields> {
        match (&request.body, &self.routed.spec.request) {
            (Some(Value::Object(body)), Some(_)) => Ok(body.clone()),
            (None, None) => Ok(Fields::new()),
            (None, Some(_)) => refuse(400, "required", "Required body not specified"),
            (Some(_), _) => refuse(400, "parseError", "The body is not what this method takes."),
        }
    }
}
