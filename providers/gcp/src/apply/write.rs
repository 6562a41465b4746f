//! The calls of one change.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::json;
use tokio::time::Instant;

use super::overlay::overlay;
use super::{Done, Worker};
use crate::account::list;
use crate::api::types::Address;
use crate::api::{Kind, Reference};
use crate::change::Change;
use crate::diff::{chosen, text_of};
use crate::error::GcpError;
use crate::marks;
use crate::observe::{Thing, each};

impl Worker<'_> {
    pub(super) async fn insert(&self, change: &Change, it: &Thing) -> Result<Done, GcpError> {
        let reference = &change.reference;
        let it = self.filled(change, it)?;
        if self.is_held_by_others(&it).await? {
            return Ok(Done::Spared);
        }
        let writing = self.writing(reference);
        if let Err(error) = each!(&it, body => self.client.insert(reference, body).await) {
            return settle(writing, error);
        }
        match it {
            // Google has chosen the address, or says how it is spelled.
            Thing::Address(_) | Thing::ForwardingRule(_) => {
                let there = self.there(reference).await?;
                let there = self.labelled(reference, &it, there).await?;
                writing.put(Arc::new(there));
            }
            Thing::EndpointGroup(_) | Thing::InstanceGroup(_) => {
                writing.members(Arc::new(it), Arc::default());
            }
            it => writing.put(Arc::new(it)),
        }
        self.felt(reference);
        Ok(Done::Made)
    }

    pub(super) async fn update(&self, change: &Change, it: &Thing) -> Result<Done, GcpError> {
        let reference = &change.reference;
        let it = self.filled(change, it)?;
        let writing = self.writing(reference);
        let there = self.there(reference).await?;
        let created = there.created();
        let body = overlay(&it, there).ok_or_else(|| self.lost(reference))?;
        match each!(&body, body => self.client.update(reference, body).await) {
            Ok(()) => writing.put(Arc::new(body.made_at(created))),
            Err(error) => return settle(writing, error),
        }
        self.felt(reference);
        Ok(Done::Made)
    }

    pub(super) async fn global_access(&self, reference: &Reference, allowed: bool) -> Result<Done, GcpError> {
        let writing = self.writing(reference);
        let Thing::ForwardingRule(mut rule) = self.there(reference).await? else {
            return Err(self.lost(reference));
        };
        let mut fields = json!({ "allowGlobalAccess": allowed });
        if let Some(fingerprint) = &rule.fingerprint {
            fields["fingerprint"] = fingerprint.as_str().into();
        }
        match self.client.patch(reference, fields).await {
            Ok(()) => {
                rule.allow_global_access = Some(allowed);
                writing.put(Arc::new(Thing::ForwardingRule(rule)));
                Ok(Done::Made)
            }
            Err(error) => settle(writing, error),
        }
    }

    pub(super) async fn labels(
        &self,
        reference: &Reference,
        labels: &BTreeMap<String, String>,
    ) -> Result<Done, GcpError> {
        let writing = self.writing(reference);
        let there = self.there(reference).await?;
        match self.with_labels(reference, labels, there).await {
            Ok(there) => {
                writing.put(Arc::new(there));
                Ok(Done::Made)
            }
            Err(error) => settle(writing, error),
        }
    }

    /// Sees to it that something new has its labels: requests may say them, but Google's documentation has it that only
    /// another request gives them.
    async fn labelled(&self, reference: &Reference, wish: &Thing, there: Thing) -> Result<Thing, GcpError> {
        match labels_of(wish) {
            Some(labels) if labels_of(&there) != Some(labels) => {
                self.with_labels(reference, labels, there).await
            }
            _ => Ok(there),
        }
    }

    async fn with_labels(
        &self,
        reference: &Reference,
        labels: &BTreeMap<String, String>,
        mut there: Thing,
    ) -> Result<Thing, GcpError> {
        let (has, fingerprint) = match &mut there {
            Thing::ForwardingRule(rule) => (&mut rule.labels, rule.label_fingerprint.clone()),
            Thing::Address(address) => (&mut address.labels, address.label_fingerprint.clone()),
            _ => return Err(self.lost(reference)),
        };
        self.client.set_labels(reference, labels, fingerprint.as_deref()).await?;
        has.clone_from(labels);
        Ok(there)
    }

    pub(super) async fn delete(&self, reference: &Reference) -> Result<Done, GcpError> {
        // An address that was to be held may have turned out to be held by somebody else.
        if !self.account.state().has(reference) {
            return Ok(Done::Spared);
        }
        let writing = self.writing(reference);
        match self.client.delete(reference).await {
            Ok(()) => {
                writing.gone();
                Ok(Done::Made)
            }
            Err(error) => settle(writing, error),
        }
    }

    /// The resource with the address that it is about, which is known by now.
    fn filled(&self, change: &Change, it: &Thing) -> Result<Thing, GcpError> {
        let Some(family) = change.towards else { return Ok(it.clone()) };
        let observed = self.observed();
        let address = self.wanted.and_then(|wanted| chosen(wanted, &observed, family));
        let address = address.map(|address| text_of(&observed, address));
        match (it, address) {
            // Google chooses one.
            (Thing::ForwardingRule(rule), address) => {
                let mut rule = rule.clone();
                if address.is_some() {
                    // Where a new one comes from; Google takes one of the two.
                    rule.ip_collection = None;
                }
                rule.ip_address = address;
                Ok(Thing::ForwardingRule(rule))
            }
            (Thing::Firewall(firewall), Some(address)) => {
                let mut firewall = firewall.clone();
                firewall.destination_ranges = vec![address];
                Ok(Thing::Firewall(firewall))
            }
            // Without an address it would let clients in to everything.
            _ => Err(self.lost(&change.reference)),
        }
    }

    /// Whether an address that is to be reserved is reserved by somebody else: then it is held already. Asking first spares
    /// a request that is refused at each look.
    async fn is_held_by_others(&self, it: &Thing) -> Result<bool, GcpError> {
        let Thing::Address(Address { address: Some(address), name, .. }) = it else { return Ok(false) };
        let filter = format!("address=\"{address}\"");
        let all = self.client.list::<Address>(self.account.region(), Some(&filter)).await?;
        let is_held = all.iter().any(|other| other.address.as_ref() == Some(address) && other.name != *name);
        if is_held && let Ok(address) = address.parse() {
            self.account.state().held.note(address, Instant::now() + self.account.freshness().snapshot);
        }
        Ok(is_held)
    }

    /// What is there now, with our marks still.
    async fn there(&self, reference: &Reference) -> Result<Thing, GcpError> {
        let there = list::get(self.client, reference).await?;
        let there = there.ok_or_else(|| self.vanished(reference))?;
        if marks::is_ours(self.account.cluster(), there.description()) {
            return Ok(there);
        }
        let (whom, what) = (self.lb.to_string(), Box::new(reference.clone()));
        Err(GcpError::Foreign { whom, what, owner: None })
    }

    /// The nodes of a backend service may feel a change.
    fn felt(&self, reference: &Reference) {
        if reference.kind == Kind::BackendService {
            let freshness = self.account.freshness();
            self.account.state().health.changed(reference, Instant::now(), freshness);
        }
    }

    pub(super) fn lost(&self, what: &Reference) -> GcpError {
        GcpError::Lost { whom: self.lb.to_string(), what: format!("{} {}", what.kind, what.name) }
    }

    fn vanished(&self, what: &Reference) -> GcpError {
        GcpError::Vanished { whom: self.lb.to_string(), what: what.clone() }
    }
}

fn labels_of(it: &Thing) -> Option<&BTreeMap<String, String>> {
    match it {
        Thing::ForwardingRule(rule) => Some(&rule.labels),
        Thing::Address(address) => Some(&address.labels),
        _ => None,
    }
}

/// Notes that a change surely had no effect, unless the error leaves that open.
fn settle(writing: crate::account::Writing<'_>, error: GcpError) -> Result<Done, GcpError> {
    if !error.leaves_doubt() {
        writing.unchanged();
    }
    Err(error)
}
