//! Reads.

use std::collections::HashSet;

use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::Client;
use crate::api::error::Failure;
use crate::api::types::{BackendHealth, Endpoint, EndpointEntry, InstanceRef, Resource};
use crate::api::{ApiError, Method, Page, Place, Reference, Verb};
use crate::culprit;
use crate::error::{GcpError, Object};

impl Client {
    /// All resources of a type in a place, or those that the filter lets through, e.g. `name eq "lf-.*"`. One that cannot
    /// be read fails the whole: what is left out would look absent.
    pub async fn list<T: Resource>(&self, place: &Place, filter: Option<&str>) -> Result<Vec<T>, GcpError> {
        let method = Method::new(T::KIND, Verb::List);
        let object = || Object::All(place.clone());
        let mut pages = Pages::default();
        loop {
            let page = pages.next();
            let request = self.compute().list(place, T::KIND, filter, page.as_deref());
            let page = self.call_all(place, method, request).await?;
            if pages.add(page).map_err(|what| self.unreadable(method, object(), what))? {
                return read_all(&pages.items).map_err(|what| self.unreadable(method, object(), what));
            }
        }
    }

    /// One resource. That it is not there is an error of which [`GcpError::is_not_found`] says so.
    pub async fn get<T: Resource>(&self, what: &Reference) -> Result<T, GcpError> {
        let item = self.call(what, Verb::Get, self.compute().get(what)).await?;
        let method = Method::new(what.kind, Verb::Get);
        read(&item).map_err(|why| self.unreadable(method, Object::One(what.clone()), why))
    }

    /// One resource, if it is there.
    pub async fn find<T: Resource>(&self, what: &Reference) -> Result<Option<T>, GcpError> {
        match self.get(what).await {
            Ok(found) => Ok(Some(found)),
            Err(error) if error.is_not_found() => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The endpoints of a network endpoint group, with the names of their instances.
    pub async fn endpoints(&self, group: &Reference) -> Result<Vec<Endpoint>, GcpError> {
        let entries: Vec<EndpointEntry> = self.members(group, Verb::ListEndpoints, &json!({})).await?;
        let name = |url: &str| url.rsplit('/').next().unwrap_or(url).to_owned();
        let endpoint = |entry: EndpointEntry| entry.network_endpoint;
        Ok(entries
            .into_iter()
            .map(endpoint)
            .map(|endpoint| Endpoint { instance: name(&endpoint.instance), ..endpoint })
            .collect())
    }

    /// The URLs of the instances of an instance group.
    pub async fn instances_of(&self, group: &Reference) -> Result<Vec<String>, GcpError> {
        let body = json!({ "instanceState": "ALL" });
        let members: Vec<InstanceRef> = self.members(group, Verb::ListInstances, &body).await?;
        Ok(members.into_iter().map(|member| member.instance).collect())
    }

    /// The health of one backend of a backend service: the nodes in that group.
    pub async fn health(&self, service: &Reference, group_url: &str) -> Result<BackendHealth, GcpError> {
        let body = json!({ "group": group_url });
        let health_status = self.members(service, Verb::GetHealth, &body).await?;
        Ok(BackendHealth { health_status })
    }

    async fn members<T: DeserializeOwned>(
        &self,
        what: &Reference,
        verb: Verb,
        body: &Value,
    ) -> Result<Vec<T>, GcpError> {
        let failed = |why| self.unreadable(Method::new(what.kind, verb), Object::One(what.clone()), why);
        let mut pages = Pages::default();
        loop {
            let page = pages.next();
            let request = self.compute().members(what, verb, body.clone(), page.as_deref());
            let page = self.call(what, verb, request).await?;
            if pages.add(page).map_err(failed)? {
                return read_all(&pages.items).map_err(failed);
            }
        }
    }

    fn unreadable(&self, method: Method, object: Object, what: String) -> GcpError {
        GcpError::failed(self.whom(), object, ApiError { method, kind: Failure::Unreadable { what } })
    }
}

/// A list that is read page by page.
#[derive(Default)]
struct Pages {
    items: Vec<Value>,
    next: Option<String>,
    seen: HashSet<String>,
}

impl Pages {
    /// Where the page to ask for begins.
    fn next(&mut self) -> Option<String> {
        self.next.take()
    }

    /// Adds a page; tells whether it was the last one.
    fn add(&mut self, page: Page<Value>) -> Result<bool, String> {
        self.items.extend(page.items);
        let Some(next) = page.next else { return Ok(true) };
        if !self.seen.insert(next.clone()) {
            return Err(format!("the token of the next page, {next:?}, was given before"));
        }
        self.next = Some(next);
        Ok(false)
    }
}

fn read_all<T: DeserializeOwned>(items: &[Value]) -> Result<Vec<T>, String> {
    items.iter().map(read).collect()
}

/// Reads one item, or says which field of which item cannot be read.
fn read<T: DeserializeOwned>(item: &Value) -> Result<T, String> {
    culprit::read(item).map_err(|why| match item.get("name").and_then(Value::as_str) {
        Some(name) => format!("{name}: {why}"),
        None => format!("an item without a name: {why}"),
    })
}
