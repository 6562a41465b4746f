//! The way of a request through the fake: validation, then reading, or a write that begins an operation.

use landfall_gcp::api::{Method, Place, Reference, Verb};
use serde_json::Value;

use super::discovery::Routed;
use super::refused::{Done, not_found, refuse};
use super::request::{About, Request};
use super::state::State;
use super::validate::{self, Body};
use super::write::{Fate, Write};

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
        self.check_permission(about.place(), method)?;
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
            Some(operation) => {
                self.check_permission(place, Method::new(operation.method.kind, Verb::GetOperation))?;
                Ok(operation.view(self.now, &self.clock))
            }
            None => not_found(format_args!("{place}/operations/{name}")),
        }
    }

    fn check_permission(&self, place: &Place, method: Method) -> Done<()> {
        if !self.forbidden.contains(&(place.project.clone(), method)) {
            return Ok(());
        }
        refuse(
            403,
            "forbidden",
            format!("Required 'compute.{method}' permission for 'projects/{}'", place.project),
        )
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
}
