//! The calls.

use std::fmt;

use async_trait::async_trait;
use serde_json::Value;

use super::Answer;
use super::kind::{Kind, Verb};
use super::operation::{Operation, OperationRef};
use super::place::{Place, Reference};

/// Compute Engine. See the [module](super).
#[async_trait]
pub trait Compute: Send + Sync + 'static {
    /// A page of the resources of one kind in one place; the first one without `page`. `filter` is an expression of the
    /// API, e.g. `name eq "lf-.*"`.
    async fn list(
        &self,
        place: &Place,
        kind: Kind,
        filter: Option<&str>,
        page: Option<&str>,
    ) -> Answer<Page<Value>>;

    /// One resource.
    async fn get(&self, what: &Reference) -> Answer<Value>;

    /// Makes a resource. A second request with the same id is the same request.
    async fn insert(&self, what: &Reference, body: Value, id: RequestId) -> Answer<Operation>;

    /// Changes the fields in `body` ([`Verb::Patch`]), replaces the whole ([`Verb::Update`]), or does one of the verbs
    /// that only this kind has ([`Verb::SetLabels`], [`Verb::AttachEndpoints`], …), with the request body of that verb.
    async fn change(&self, what: &Reference, verb: Verb, body: Value, id: RequestId) -> Answer<Operation>;

    /// Removes a resource.
    async fn delete(&self, what: &Reference, id: RequestId) -> Answer<Operation>;

    /// A page of what a resource holds, with the request body of the verb: [`Verb::ListEndpoints`],
    /// [`Verb::ListInstances`], or [`Verb::GetHealth`], whose only page has the items of `healthStatus`.
    async fn members(
        &self,
        what: &Reference,
        verb: Verb,
        body: Value,
        page: Option<&str>,
    ) -> Answer<Page<Value>>;

    /// The state of an operation.
    async fn operation(&self, operation: &OperationRef) -> Answer<Operation>;
}

/// One page of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page<T> {
    /// What is on it.
    pub items: Vec<T>,
    /// Where the next page begins; `None` on the last one.
    pub next: Option<String>,
}

impl<T> Page<T> {
    /// The only page.
    pub fn last(items: Vec<T>) -> Self {
        Self { items, next: None }
    }
}

/// Tells one wish for a change from another, so that a request whose answer was lost can be repeated: a UUID that is not
/// all zeros.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct RequestId(u128);

impl RequestId {
    /// From random bits.
    pub const fn new(random: u128) -> Self {
        // Version 4, variant 1 (RFC 9562): the server checks the form.
        const VERSION: u128 = 0x4 << 76;
        const VARIANT: u128 = 0x2 << 62;
        let cleared = random & !(0xf << 76) & !(0x3 << 62);
        Self(cleared | VERSION | VARIANT)
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hex = format!("{:032x}", self.0);
        let parts = [&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]];
        f.write_str(&parts.join("-"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn request_ids_are_uuids_of_version_four() {
        assert_eq!(RequestId::new(0).to_string(), "00000000-0000-4000-8000-000000000000");
        assert_eq!(RequestId::new(u128::MAX).to_string(), "ffffffff-ffff-4fff-bfff-ffffffffffff");
    }
}
