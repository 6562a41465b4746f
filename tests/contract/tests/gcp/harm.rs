//! What others do: damage to what is ours, and things of theirs in our way.

use landfall_gcp::api::{Kind, Reference};
use landfall_gcp::marks;
use serde_json::{Map, Value, json};

use crate::site::{Site, cluster, text};

/// Kinds of damage.
pub(crate) const DAMAGES: &[&str] = &[
    "forwarding rule deleted",
    "forwarding rule led astray",
    "forwarding rule's labels edited",
    "backend service's affinity edited",
    "backend service's check taken away",
    "backend service's groups taken away",
    "health check edited",
    "firewall rule deleted",
    "firewall rule opened",
    "firewall rule disabled",
    "group deleted",
    "node taken out",
];

/// Kinds of things that can be in our way.
pub(crate) const OBSTACLES: &[&str] =
    &["forwarding-rule", "backend-service", "firewall-rule", "health-check", "network-endpoint-group"];

/// Description of what is somebody else's.
const STRANGE: &str = "of somebody";

type Fields = Map<String, Value>;

impl Site {
    /// Does one kind of damage. Answers whether the address is lost by it.
    pub(crate) fn damage(&self, what: &str) -> bool {
        let edit = |kind: Kind, change: &dyn Fn(&mut Fields)| {
            let it = self.ours(kind);
            assert!(self.gcp.edit(&it, |fields| change(fields)).unwrap(), "{it} is there");
        };
        let set = |key: &'static str, value: Value| {
            move |fields: &mut Fields| {
                fields.insert(key.to_owned(), value.clone());
            }
        };
        let take = |key: &'static str| move |fields: &mut Fields| drop(fields.remove(key));
        match what {
            "forwarding rule deleted" => assert!(self.gcp.remove(&self.ours(Kind::ForwardingRule))),
            "forwarding rule led astray" => {
                let astray = self.ours(Kind::BackendService).url() + "-astray";
                edit(Kind::ForwardingRule, &set("backendService", json!(astray)));
            }
            "forwarding rule's labels edited" => {
                edit(Kind::ForwardingRule, &set("labels", json!({ "a": "b" })));
            }
            "backend service's affinity edited" => {
                edit(Kind::BackendService, &set("sessionAffinity", json!("CLIENT_IP_PROTO")));
            }
            "backend service's check taken away" => edit(Kind::BackendService, &take("healthChecks")),
            "backend service's groups taken away" => edit(Kind::BackendService, &take("backends")),
            "health check edited" => edit(Kind::HealthCheck, &set("checkIntervalSec", json!(99))),
            "firewall rule deleted" => assert!(self.gcp.remove(&self.ours(Kind::Firewall))),
            "firewall rule opened" => edit(Kind::Firewall, &take("destinationRanges")),
            "firewall rule disabled" => edit(Kind::Firewall, &set("disabled", json!(true))),
            "group deleted" => assert!(self.gcp.remove(&self.full_group())),
            "node taken out" => {
                let group = self.full_group();
                let node = self.gcp.members_of(&group)[0].clone();
                assert!(self.gcp.remove_member(&group, &node));
            }
            other => panic!("unknown damage {other}"),
        }
        what == "forwarding rule deleted"
    }

    /// Puts something of somebody in the way of what was seen elsewhere. Answers its name.
    pub(crate) fn obstruct(&self, what: &str, elsewhere: &Self) -> String {
        let all = elsewhere.all();
        let is_it = |(it, body): &(&Reference, &Value)| {
            it.kind.word() == what && marks::is_ours(&cluster(), text(body, "description"))
        };
        let (it, body) = all.iter().find(is_it).unwrap();
        let mut body = body.clone();
        body["description"] = json!(STRANGE);
        self.gcp.put(it, body).unwrap();
        it.name.clone()
    }

    /// Somebody takes away what is theirs.
    pub(crate) fn clear_strangers(&self) {
        for (it, _) in self.all().iter().filter(|(_, body)| text(body, "description") == STRANGE) {
            assert!(self.gcp.remove(it));
        }
    }

    /// One of a kind that is a load balancer's own; of firewall rules, one that lets clients in.
    fn ours(&self, kind: Kind) -> Reference {
        let all = self.all();
        let is_own = |(it, body): &(&Reference, &Value)| {
            let description = text(body, "description");
            let lets_clients_in = kind != Kind::Firewall || body.get("destinationRanges").is_some();
            it.kind == kind
                && lets_clients_in
                && marks::is_ours(&cluster(), description)
                && marks::mark(description).is_some()
        };
        all.iter().find(is_own).unwrap().0.clone()
    }

    fn full_group(&self) -> Reference {
        let groups = self.all().into_keys().filter(|it| it.kind == Kind::EndpointGroup);
        groups.into_iter().find(|group| !self.gcp.members_of(group).is_empty()).unwrap()
    }
}
