//! What is in network endpoint groups and instance groups.

use landfall_gcp::api::{Kind, Reference, Verb};
use serde_json::{Value, json};

use super::json::{Fields, absent, inner, list, text};
use super::refused::{Done, invalid, refuse};
use super::request::Request;
use super::state::State;
use super::store::{Member, Record};

/// Endpoints of one attach or detach.
const BATCH: usize = 500;

/// Instances of an instance group.
const INSTANCES: usize = 1_000;

impl State {
    /// What is in a group after members are added or removed.
    pub(super) fn changed_members(&self, group: &Reference, verb: Verb, body: &Fields) -> Done<Vec<Member>> {
        let record = self.existing(group)?;
        let endpoints = matches!(verb, Verb::AttachEndpoints | Verb::DetachEndpoints);
        let field = if endpoints { "networkEndpoints" } else { "instances" };
        let given = list(body, field);
        if given.is_empty() || given.len() > BATCH && endpoints {
            return invalid(field, given.len(), &format!("1 to {BATCH} at once."));
        }
        let mut members = record.members.clone();
        for one in given {
            let at = position(&members, group, one)?;
            let instance = inner(one, "instance").unwrap_or_default();
            match (verb, at) {
                (Verb::AttachEndpoints, _) => {
                    let member = self.endpoint(group, record, one)?;
                    members.extend(at.is_none().then_some(member));
                }
                (Verb::AddInstances, None) => members.push(self.instance(group, &members, one)?),
                (Verb::AddInstances, Some(_)) => {
                    let message = format!("Resource '{instance}' is already a member of '{group}'.");
                    return refuse(400, "memberAlreadyExists", message);
                }
                (_, Some(at)) => drop(members.remove(at)),
                (Verb::RemoveInstances, None) => {
                    let message = format!("'{instance}' is not a member of '{group}'.");
                    return refuse(400, "memberNotFound", message);
                }
                (_, None) => return invalid(field, instance, "The endpoint is not in the group."),
            }
        }
        self.check_members(group, &members)?;
        Ok(members)
    }

    fn check_members(&self, group: &Reference, members: &[Member]) -> Done<()> {
        if group.kind != Kind::InstanceGroup {
            return Ok(());
        }
        if members.len() > INSTANCES {
            return invalid(
                "instances",
                members.len(),
                &format!("At most {INSTANCES} instances in a group."),
            );
        }
        match self.store.users(group).next() {
            Some(_) => self.check_balanced_once(group, members),
            None => Ok(()),
        }
    }

    /// Refuses a load-balanced instance group with these members if one of them is in another such group.
    pub(super) fn check_balanced_once(&self, group: &Reference, members: &[Member]) -> Done<()> {
        if group.kind != Kind::InstanceGroup {
            return Ok(());
        }
        let balanced = |other: &Reference| other != group && self.store.users(other).next().is_some();
        let others = self.store.of(&group.place, Kind::InstanceGroup, "");
        for (other, record) in others.filter(|(other, _)| balanced(other)) {
            if let Some(member) = record.members.iter().find(|member| members.contains(member)) {
                let message =
                    format!("{} is in the load-balanced instance group {other} as well", member.instance);
                return refuse(400, "INSTANCE_IN_MULTIPLE_LOAD_BALANCED_IGS", message);
            }
        }
        Ok(())
    }

    /// An endpoint of a request: an instance of the zone with an interface in the group's subnet.
    fn endpoint(&self, group: &Reference, record: &Record, one: &Value) -> Done<Member> {
        if let Some(port) = one.get("port") {
            return invalid("networkEndpoints.port", port, "Endpoints of the type GCE_VM_IP have no port.");
        }
        let instance = instance_of(group, one)?;
        let found = self.existing(&instance)?;
        let subnet = text(&record.body, "subnetwork").and_then(Reference::parse);
        let in_subnet = |one: &&Value| inner(one, "subnetwork").and_then(Reference::parse) == subnet;
        let interface = list(&found.body, "networkInterfaces").iter().find(in_subnet);
        let Some(primary) = interface.and_then(|one| inner(one, "networkIP")) else {
            return invalid(
                "networkEndpoints.instance",
                &instance,
                "It has no interface in the group's subnet.",
            );
        };
        match inner(one, "ipAddress") {
            Some(given) if given != primary => {
                let why =
                    format!("Must be the primary address of the instance in the group's subnet, {primary}.");
                invalid("networkEndpoints.ipAddress", given, &why)
            }
            _ => Ok(Member { instance, address: primary.to_owned() }),
        }
    }

    /// An instance of a request: one of the zone, in the network of those that are in the group.
    fn instance(&self, group: &Reference, members: &[Member], one: &Value) -> Done<Member> {
        let instance = instance_of(group, one)?;
        let (network, address) = self.primary(&instance)?;
        let of_group = members.first().map(|first| self.primary(&first.instance)).transpose()?;
        if of_group.is_some_and(|(of_group, _)| of_group != network) {
            return invalid("instances.instance", &instance, "It is in another network than the group.");
        }
        Ok(Member { instance, address })
    }

    /// Network and address of the first interface of an instance.
    fn primary(&self, instance: &Reference) -> Done<(String, String)> {
        let record = self.existing(instance)?;
        let first = list(&record.body, "networkInterfaces").first();
        let of_first = |name: &str| first.and_then(|one| inner(one, name)).unwrap_or_default().to_owned();
        Ok((of_first("network"), of_first("networkIP")))
    }

    /// The answer of `listNetworkEndpoints`.
    pub(super) fn list_endpoints(&self, request: &Request, body: &Fields, of: &Record) -> Done<Value> {
        if body.get("healthStatus").is_some_and(|asked| asked != "SKIP") {
            absent(body, &["healthStatus"], "Not supported here: ask the backend service.")?;
        }
        let entry = |member: &Member| {
            let endpoint = json!({ "instance": member.instance.name, "ipAddress": member.address });
            (member.instance.name.clone(), json!({ "networkEndpoint": endpoint }))
        };
        let mut all: Vec<(String, Value)> = of.members.iter().map(entry).collect();
        all.sort_by(|a, b| a.0.cmp(&b.0));
        self.member_list(request, "compute#networkEndpointGroupsListNetworkEndpoints", all)
    }

    /// The answer of `listInstances`.
    pub(super) fn list_instances(&self, request: &Request, body: &Fields, of: &Record) -> Done<Value> {
        let status = |member: &Member| {
            let record = self.store.get(&member.instance);
            record.and_then(|record| text(&record.body, "status")).unwrap_or("TERMINATED").to_owned()
        };
        let running = text(body, "instanceState") == Some("RUNNING");
        let wanted = |member: &&Member| !running || status(member) == "RUNNING";
        let entry = |member: &Member| {
            let item = json!({ "instance": member.instance.url(), "status": status(member) });
            (member.instance.name.clone(), item)
        };
        let mut all: Vec<(String, Value)> = of.members.iter().filter(wanted).map(entry).collect();
        all.sort_by(|a, b| a.0.cmp(&b.0));
        self.member_list(request, "compute#instanceGroupsListInstances", all)
    }
}

/// Where in a group the instance of a request is.
fn position(members: &[Member], group: &Reference, one: &Value) -> Done<Option<usize>> {
    let instance = instance_of(group, one)?;
    Ok(members.iter().position(|member| member.instance == instance))
}

/// The instance of a request: a name, or the URL of one in the zone of the group.
fn instance_of(group: &Reference, one: &Value) -> Done<Reference> {
    let given = inner(one, "instance").unwrap_or_default();
    let named = (group.kind == Kind::EndpointGroup && !given.is_empty() && !given.contains('/'))
        .then(|| group.place.at(Kind::Instance, given));
    match named.or_else(|| Reference::parse(given)) {
        Some(found) if found.kind == Kind::Instance && found.place == group.place => Ok(found),
        _ => invalid("instance", given, "Must be the URL of an instance in the zone of the group."),
    }
}
