//! What exists, with indexes of who uses what.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;

use landfall_gcp::api::{Kind, Place, Reference};
use serde_json::Value;

use super::json::{Fields, inner, list, text, texts};

/// A resource.
#[derive(Debug, Clone, Default)]
pub(super) struct Record {
    /// As stored: without what follows from other resources, such as the status of an address.
    pub(super) body: Fields,
    /// Endpoints of a network endpoint group, instances of an instance group.
    pub(super) members: Vec<Member>,
    /// Whether it was there before the API was called, or somebody put it there behind the API's back.
    pub(super) seeded: bool,
    /// The operation that works on it.
    pub(super) pending: Option<String>,
}

/// A node in a group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Member {
    pub(super) instance: Reference,
    /// Its primary internal IPv4 address.
    pub(super) address: String,
}

/// All resources.
#[derive(Debug, Default)]
pub(super) struct Store {
    records: BTreeMap<Reference, Record>,
    users: BTreeMap<Reference, BTreeSet<Reference>>,
    holders: BTreeMap<String, BTreeSet<Reference>>,
}

impl Store {
    pub(super) fn get(&self, what: &Reference) -> Option<&Record> {
        self.records.get(what)
    }

    /// Writes a resource, in place of the one that was there.
    pub(super) fn put(&mut self, what: Reference, record: Record) {
        self.remove(&what);
        for used in links(what.kind, &record.body) {
            self.users.entry(used).or_default().insert(what.clone());
        }
        for address in addresses(what.kind, &record.body) {
            self.holders.entry(address).or_default().insert(what.clone());
        }
        self.records.insert(what, record);
    }

    /// Takes a resource out.
    pub(super) fn remove(&mut self, what: &Reference) -> Option<Record> {
        let record = self.records.remove(what)?;
        for used in links(what.kind, &record.body) {
            unlink(&mut self.users, &used, what);
        }
        for address in addresses(what.kind, &record.body) {
            unlink(&mut self.holders, &address, what);
        }
        Some(record)
    }

    /// Tells which operation works on a resource; when one ends, only if no later one does.
    pub(super) fn set_pending(&mut self, what: &Reference, ended: Option<&str>, begun: Option<&str>) {
        let Some(record) = self.records.get_mut(what) else { return };
        if ended.is_none_or(|ended| record.pending.as_deref() == Some(ended)) {
            record.pending = begun.map(str::to_owned);
        }
    }

    /// The nodes in a group.
    pub(super) fn members_mut(&mut self, group: &Reference) -> Option<&mut Vec<Member>> {
        self.records.get_mut(group).map(|record| &mut record.members)
    }

    /// An instance is in no group any more.
    pub(super) fn drop_member(&mut self, instance: &Reference) {
        for record in self.records.values_mut() {
            record.members.retain(|member| member.instance != *instance);
        }
    }

    /// Number of all resources.
    pub(super) fn len(&self) -> usize {
        self.records.len()
    }

    /// Everything, in order of its places.
    pub(super) fn all(&self) -> impl Iterator<Item = (&Reference, &Record)> {
        self.records.iter()
    }

    /// All of a kind in a place, by name, after that name.
    pub(super) fn of<'a>(
        &'a self,
        place: &'a Place,
        kind: Kind,
        after: &str,
    ) -> impl Iterator<Item = (&'a Reference, &'a Record)> {
        let first = Bound::Excluded(place.at(kind, after));
        let here = move |(what, _): &(&Reference, &Record)| what.place == *place && what.kind == kind;
        self.records.range((first, Bound::Unbounded)).take_while(here)
    }

    /// What refers to a resource so that it cannot be deleted.
    pub(super) fn users(&self, of: &Reference) -> impl Iterator<Item = &Reference> {
        self.users.get(of).into_iter().flatten()
    }

    /// Forwarding rules, reserved addresses and instances that have an address.
    pub(super) fn holders(&self, address: &str) -> impl Iterator<Item = &Reference> {
        self.holders.get(address).into_iter().flatten()
    }
}

fn unlink<K: Ord>(index: &mut BTreeMap<K, BTreeSet<Reference>>, of: &K, what: &Reference) {
    if let Some(users) = index.get_mut(of) {
        users.remove(what);
        if users.is_empty() {
            index.remove(of);
        }
    }
}

/// What a resource refers to so that it cannot be deleted. Addresses are told by themselves, see [`addresses`].
pub(super) fn links(kind: Kind, body: &Fields) -> Vec<Reference> {
    let urls: Vec<&str> = match kind {
        Kind::ForwardingRule => text(body, "backendService").into_iter().collect(),
        Kind::BackendService => {
            let groups = list(body, "backends").iter().filter_map(|backend| inner(backend, "group"));
            texts(body, "healthChecks").into_iter().chain(groups).collect()
        }
        _ => Vec::new(),
    };
    urls.into_iter().filter_map(Reference::parse).collect()
}

/// The addresses of a resource, without prefix lengths.
fn addresses(kind: Kind, body: &Fields) -> Vec<String> {
    let bare = |address: &str| address.split('/').next().unwrap_or_default().to_owned();
    match kind {
        Kind::ForwardingRule => text(body, "IPAddress").map(bare).into_iter().collect(),
        Kind::Address => text(body, "address").map(bare).into_iter().collect(),
        Kind::Instance => {
            let interfaces = list(body, "networkInterfaces").iter();
            interfaces.filter_map(|one: &Value| inner(one, "networkIP")).map(bare).collect()
        }
        _ => Vec::new(),
    }
}
