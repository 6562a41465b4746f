//! Resources as they are read: with links, and with what follows from others.

use landfall_gcp::api::{Kind, Place, Reference, Scope};
use serde_json::{Value, json};

use super::json::{Fields, list, text};
use super::operations::BASE;
use super::state::State;
use super::store::Record;

impl State {
    /// A resource as the API tells it.
    pub(super) fn view(&self, what: &Reference, record: &Record) -> Value {
        let mut body = record.body.clone();
        match what.kind {
            Kind::Address => self.add_users(what, &mut body),
            Kind::BackendService => {
                let users = self.store.users(what).map(|user| json!({ "reference": user.url() }));
                let users: Vec<Value> = users.collect();
                if !users.is_empty() {
                    body.insert("usedBy".to_owned(), users.into());
                }
            }
            Kind::EndpointGroup => {
                body.insert("size".to_owned(), record.members.len().into());
            }
            Kind::InstanceGroup => self.add_network(record, &mut body),
            Kind::Region => {
                let here = Place::region(&*what.place.project, &*what.name);
                body.insert("quotas".to_owned(), self.quotas_of(&here));
            }
            _ => {}
        }
        body.into()
    }

    fn add_users(&self, what: &Reference, body: &mut Fields) {
        let rules = self.rules_at(&what.place, text(body, "address").unwrap_or_default());
        let status = if rules.is_empty() { "RESERVED" } else { "IN_USE" };
        body.insert("status".to_owned(), status.into());
        if !rules.is_empty() {
            let urls: Vec<Value> = rules.iter().map(|rule| rule.url().into()).collect();
            body.insert("users".to_owned(), urls.into());
        }
    }

    /// An instance group is in the network of the instances in it.
    fn add_network(&self, record: &Record, body: &mut Fields) {
        body.insert("size".to_owned(), record.members.len().into());
        let first = record.members.first().and_then(|member| self.store.get(&member.instance));
        let interface = first.and_then(|instance| list(&instance.body, "networkInterfaces").first());
        for name in ["network", "subnetwork"] {
            if let Some(url) = interface.and_then(|interface| interface.get(name)) {
                body.insert(name.to_owned(), url.clone());
            }
        }
    }

    /// Fills in what every new resource gets.
    pub(super) fn dress(&mut self, what: &Reference, body: &mut Fields) {
        let mut add = |name: &str, value: Value| body.insert(name.to_owned(), value);
        add("kind", kind_word(what.kind).into());
        add("id", self.fresh().to_string().into());
        add("name", what.name.clone().into());
        add("creationTimestamp", self.clock.stamp(self.now).into());
        add("selfLink", what.url().into());
        match &what.place.scope {
            Scope::Global => {}
            Scope::Region(_) => drop(add("region", format!("{BASE}{}", what.place).into())),
            Scope::Zone(_) => drop(add("zone", format!("{BASE}{}", what.place).into())),
        }
        if has_fingerprint(what.kind) {
            add("fingerprint", self.fingerprint());
        }
        if has_labels(what.kind) {
            add("labelFingerprint", self.fingerprint());
        }
    }
}

/// Whether changes of this kind are guarded by a fingerprint.
pub(super) const fn has_fingerprint(kind: Kind) -> bool {
    matches!(kind, Kind::BackendService | Kind::ForwardingRule | Kind::InstanceGroup)
}

/// Whether this kind has labels.
pub(super) const fn has_labels(kind: Kind) -> bool {
    matches!(kind, Kind::Address | Kind::ForwardingRule)
}

/// The word in the field `kind`.
pub(super) fn kind_word(kind: Kind) -> String {
    let collection = kind.collection();
    let one = match kind {
        Kind::Address => "address",
        _ => collection.strip_suffix('s').unwrap_or(collection),
    };
    format!("compute#{one}")
}

/// The answer of `getHealth`.
pub(super) fn health_entry(
    instance: &Reference,
    address: &str,
    rule: (&Reference, &str),
    healthy: bool,
) -> Value {
    json!({
        "instance": instance.url(),
        "ipAddress": address,
        "port": 80,
        "forwardingRule": rule.0.url(),
        "forwardingRuleIp": rule.1,
        "healthState": if healthy { "HEALTHY" } else { "UNHEALTHY" },
    })
}
