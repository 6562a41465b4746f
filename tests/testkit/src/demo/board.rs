//! What is known about each Service, and whether it is what was wanted. Plain values: times come with the events.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use k8s_openapi::api::core::v1::{Service, ServicePort};
use landfall_core::annotations::SHARE;
use landfall_core::report::{ACCEPTED, PROGRAMMED};

use crate::events::{Event, Key, key_of};
use crate::manifests::{Planned, Want};

/// One Service.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Row {
    pub(crate) key: Key,
    pub(crate) addresses: Vec<String>,
    /// `80/TCP,53/UDP`.
    pub(crate) ports: String,
    /// Why it has no address.
    pub(crate) refusal: Option<Refusal>,
    /// Whether the API server has it.
    is_there: bool,
    want: Want,
    share: Option<String>,
    created: Option<Instant>,
    done: Option<Done>,
}

/// How it first got what was wanted; later changes are not timed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Done {
    at: Instant,
    refused: bool,
}

/// A condition that is False.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) reason: String,
    pub(crate) message: String,
}

/// Every Service of type `LoadBalancer`, in the order in which they came.
#[derive(Debug, Default)]
pub(crate) struct Board {
    rows: Vec<Row>,
    all_created: bool,
}

impl Row {
    fn new(key: Key, want: Want) -> Self {
        Self {
            key,
            addresses: Vec::new(),
            ports: String::new(),
            refusal: None,
            is_there: false,
            want,
            share: None,
            created: None,
            done: None,
        }
    }

    /// `namespace/name`.
    pub(crate) fn name(&self) -> String {
        format!("{}/{}", self.key.0, self.key.1)
    }

    /// From the return of the call that created it, or for Services of others from their first watch event, to the
    /// watch event with all its addresses. `None` as long as it lacks one, and if it was refused before.
    pub(crate) fn time_to_address(&self) -> Option<Duration> {
        self.time_to(false)
    }

    /// The same up to the watch event with the refusal.
    pub(crate) fn time_to_refusal(&self) -> Option<Duration> {
        self.time_to(true)
    }

    fn time_to(&self, refused: bool) -> Option<Duration> {
        let done = self.done.filter(|done| done.refused == refused)?;
        Some(done.at.saturating_duration_since(self.created?))
    }

    /// Whether there is what was wanted.
    fn is_done(&self) -> bool {
        match self.want {
            Want::Addresses(count) => self.addresses.len() == count,
            Want::Refusal(reason) => {
                self.addresses.is_empty()
                    && self.refusal.as_ref().is_some_and(|refusal| refusal.reason == reason)
            }
            Want::Nothing => !self.addresses.is_empty() || self.refusal.is_some(),
        }
    }

    fn read(&mut self, service: &Service) {
        let status = service.status.as_ref();
        let ingress = status.and_then(|status| status.load_balancer.as_ref()?.ingress.as_ref());
        let shown =
            ingress.into_iter().flatten().filter_map(|entry| entry.ip.clone().or(entry.hostname.clone()));
        self.addresses = shown.collect();
        let ports = service.spec.iter().flat_map(|spec| spec.ports.iter().flatten());
        self.ports = ports.map(port).collect::<Vec<_>>().join(",");
        self.share = service.metadata.annotations.as_ref().and_then(|all| all.get(SHARE).cloned());
        self.refusal = refusal(service).filter(|_| self.addresses.is_empty());
    }
}

impl Board {
    /// A board that waits for these.
    pub(crate) fn new(planned: &[Planned]) -> Self {
        let row = |Planned { service, want }: &Planned| {
            let mut row = Row::new(key_of(service), *want);
            row.read(service);
            row
        };
        Self { rows: planned.iter().map(row).collect(), all_created: false }
    }

    /// Every Service that is there.
    pub(crate) fn rows(&self) -> impl Iterator<Item = &Row> {
        self.rows.iter().filter(|row| row.is_there)
    }

    /// Takes in what happened; returns the row if it now looks different.
    pub(crate) fn apply(&mut self, at: Instant, event: &Event) -> Option<&Row> {
        match event {
            Event::AllCreated => {
                self.all_created = true;
                None
            }
            Event::Created(key) => {
                let row = self.row(key);
                row.created = Some(at);
                row.is_there = true;
                // The watch may have been faster; only now there is a time to show.
                row.done.is_some().then_some(row)
            }
            Event::Gone(key) => {
                self.rows.retain(|row| row.key != *key);
                None
            }
            Event::Seen(service) => self.seen(at, service),
        }
    }

    fn seen(&mut self, at: Instant, service: &Service) -> Option<&Row> {
        let key = key_of(service);
        if service.spec.as_ref().and_then(|spec| spec.type_.as_deref()) != Some("LoadBalancer") {
            self.rows.retain(|row| row.key != key);
            return None;
        }
        let row = self.row(&key);
        let before = row.clone();
        row.read(service);
        row.is_there = true;
        if row.want == Want::Nothing && row.created.is_none() {
            row.created = Some(at);
        }
        if row.done.is_none() && row.is_done() {
            row.done = Some(Done { at, refused: row.refusal.is_some() });
        }
        (*row != before).then_some(row)
    }

    fn row(&mut self, key: &Key) -> &mut Row {
        let known = self.rows.iter().position(|row| row.key == *key);
        let index = known.unwrap_or_else(|| {
            self.rows.push(Row::new(key.clone(), Want::Nothing));
            self.rows.len() - 1
        });
        &mut self.rows[index]
    }

    /// Whether all Services are created and every one of ours has what was wanted.
    pub(crate) fn is_settled(&self) -> bool {
        self.all_created && self.ours().all(Row::is_done)
    }

    /// One line per Service of ours that lacks something.
    pub(crate) fn missing(&self) -> Vec<String> {
        self.ours().filter(|row| !row.is_done()).map(lack).collect()
    }

    /// The times from creation to address, ascending; refusals do not count.
    pub(crate) fn times(&self) -> Vec<Duration> {
        let served = self.ours().filter(|row| matches!(row.want, Want::Addresses(_)));
        let mut times: Vec<Duration> = served.filter_map(Row::time_to_address).collect();
        times.sort_unstable();
        times
    }

    /// One line per address that is shared by Services that do not share, or not shared by those that do.
    pub(crate) fn breaches(&self) -> Vec<String> {
        let mut breaches = Vec::new();
        let mut holders: HashMap<&str, &Row> = HashMap::new();
        let mut groups: HashMap<(&str, &str), &Row> = HashMap::new();
        for row in self.ours() {
            for address in &row.addresses {
                let holder = *holders.entry(address).or_insert(row);
                if holder.key != row.key && group_of(holder).is_none_or(|group| group_of(row) != Some(group))
                {
                    breaches.push(format!("{} and {} both have {address}", holder.name(), row.name()));
                }
            }
            if let Some(group) = group_of(row) {
                let first = *groups.entry(group).or_insert(row);
                if first.addresses != row.addresses {
                    breaches.push(format!("{} and {} do not share their address", first.name(), row.name()));
                }
            }
        }
        breaches
    }

    fn ours(&self) -> impl Iterator<Item = &Row> {
        self.rows.iter().filter(|row| row.want != Want::Nothing)
    }
}

/// Namespace and key of those it shares with.
fn group_of(row: &Row) -> Option<(&str, &str)> {
    Some((row.key.0.as_str(), row.share.as_deref()?))
}

fn port(port: &ServicePort) -> String {
    format!("{}/{}", port.port, port.protocol.as_deref().unwrap_or("TCP"))
}

/// The first of the two conditions that is False.
fn refusal(service: &Service) -> Option<Refusal> {
    let conditions = service.status.as_ref()?.conditions.as_ref()?;
    let of = |kind: &str| {
        conditions.iter().find(|condition| condition.type_ == kind && condition.status == "False")
    };
    let condition = of(ACCEPTED).or_else(|| of(PROGRAMMED))?;
    Some(Refusal { reason: condition.reason.clone(), message: condition.message.clone() })
}

fn lack(row: &Row) -> String {
    let wanted = match row.want {
        Want::Addresses(count) => format!("has {} of {count} addresses", row.addresses.len()),
        Want::Refusal(reason) if row.addresses.is_empty() => format!("has no condition with reason {reason}"),
        Want::Refusal(_) => format!("has {} although it cannot be served", row.addresses.join(",")),
        Want::Nothing => String::new(),
    };
    match &row.refusal {
        Some(Refusal { reason, message }) => format!("{} {wanted}; {reason}: {message}", row.name()),
        None => format!("{} {wanted}", row.name()),
    }
}

#[cfg(test)]
mod tests;
