//! The health of backends.

use landfall_gcp::api::{Kind, Reference};
use serde_json::{Value, json};

use super::json::{Fields, inner, list, text};
use super::refused::{Done, invalid};
use super::state::State;
use super::view::health_entry;

impl State {
    /// The answer of `getHealth`: one entry per node and forwarding rule. Without a forwarding rule nothing is checked.
    pub(super) fn health(&self, service: &Reference, body: &Fields) -> Done<Value> {
        let given = text(body, "group").unwrap_or_default();
        let group = Reference::parse(given);
        let record = self.existing(service)?;
        let mut groups = list(&record.body, "backends").iter().filter_map(|one| inner(one, "group"));
        let Some(group) =
            group.filter(|group| groups.any(|one| Reference::parse(one).as_ref() == Some(group)))
        else {
            return invalid("group", given, "The group is not a backend of this backend service.");
        };
        let rules = self.store.users(service).filter(|user| user.kind == Kind::ForwardingRule);
        let addresses = rules.filter_map(|rule| {
            let address = self.store.get(rule).and_then(|record| text(&record.body, "IPAddress"));
            address.map(|address| (rule, address))
        });
        let members = &self.existing(&group)?.members;
        let entries = addresses.flat_map(|rule| {
            members.iter().map(move |member| {
                let healthy = self.is_healthy(&service.name, &member.instance.name);
                health_entry(&member.instance, &member.address, rule, healthy)
            })
        });
        let entries: Vec<Value> = entries.collect();
        let mut answer = json!({ "kind": "compute#backendServiceGroupHealth" });
        if !entries.is_empty() {
            answer["healthStatus"] = entries.into();
        }
        Ok(answer)
    }

    fn is_healthy(&self, service: &str, instance: &str) -> bool {
        let fails = |service: Option<&str>| {
            self.unhealthy.contains(&(service.map(str::to_owned), instance.to_owned()))
        };
        !fails(None) && !fails(Some(service))
    }
}
