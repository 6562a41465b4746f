//! The project behind the fake.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use landfall_gcp::api::{Kind, Method, Place, Reference, Scope, Verb};
use serde_json::Value;
use tokio::time::Instant;

use super::buckets::Buckets;
use super::clock::Clock;
use super::json::{text, texts};
use super::operations::{Effect, Operation, OperationFailure, Operations};
use super::pools::Pools;
use super::quotas::Quotas;
use super::refused::{Done, Refused, invalid, not_found, refuse};
use super::store::{Record, Store};

/// Resources on a page, unless fewer are asked for: the most there can be.
pub(super) const PAGE: usize = 500;

/// Everything that there is.
#[derive(Debug)]
pub(super) struct State {
    /// The time of the call that is being answered.
    pub(super) now: Instant,
    pub(super) clock: Clock,
    serial: u64,
    /// How long operations take.
    pub(super) operation_time: Duration,
    pub(super) page: usize,
    /// Whether what is being made or changed refuses other changes.
    pub(super) strict: bool,
    /// Whether the delete of what is used is refused at once.
    pub(super) in_use_at_once: bool,
    /// Whether new resources have the labels that their requests say.
    pub(super) labels_on_insert: bool,
    pub(super) projects: BTreeSet<String>,
    pub(super) store: Store,
    pub(super) operations: Operations,
    /// By request id, place and method: the body, and the operation that it began.
    pub(super) requests: BTreeMap<(String, String), (Option<Value>, String)>,
    pub(super) pools: Pools,
    pub(super) quotas: Quotas,
    pub(super) buckets: Option<Buckets>,
    /// What the caller has no permission for.
    pub(super) forbidden: BTreeSet<(String, Method)>,
    /// Names of instances that fail their health checks, and of the backend service where they do.
    pub(super) unhealthy: BTreeSet<(Option<String>, String)>,
}

/// An operation that a write begins.
#[derive(Debug)]
pub(super) struct Begun {
    pub(super) method: Method,
    pub(super) target: Reference,
    pub(super) effect: Effect,
    pub(super) failure: Option<OperationFailure>,
    /// How long it takes, if not as long as all.
    pub(super) time: Option<Duration>,
}

impl State {
    /// Nothing at all.
    pub(super) fn new() -> Self {
        let now = Instant::now();
        Self {
            now,
            clock: Clock::new(now),
            serial: 0,
            operation_time: Duration::from_millis(400),
            page: PAGE,
            strict: true,
            in_use_at_once: false,
            labels_on_insert: false,
            projects: BTreeSet::new(),
            store: Store::default(),
            operations: Operations::default(),
            requests: BTreeMap::new(),
            pools: Pools::default(),
            quotas: Quotas::default(),
            buckets: None,
            forbidden: BTreeSet::new(),
            unhealthy: BTreeSet::new(),
        }
    }

    /// Sets the time, and carries out what ends until then.
    pub(super) fn advance(&mut self) {
        self.now = Instant::now();
        while let Some(operation) = self.operations.take_ended(self.now) {
            self.settle(operation);
        }
    }

    /// A number that nothing else has.
    pub(super) fn fresh(&mut self) -> u64 {
        self.serial += 1;
        1_000_000_000_000_000_000 + self.serial
    }

    /// A fingerprint that nothing else has: base64 of nine bytes.
    pub(super) fn fingerprint(&mut self) -> Value {
        self.serial += 1;
        format!("{:012x}", self.serial).into()
    }

    /// A resource that must exist.
    pub(super) fn existing(&self, what: &Reference) -> Done<&Record> {
        self.store.get(what).map_or_else(|| not_found(what), Ok)
    }

    /// A resource that something new refers to: it must exist, and not be coming or going.
    pub(super) fn referred(&self, field: &str, what: &Reference) -> Done<&Record> {
        let Some(record) = self.store.get(what) else {
            return invalid(field, what.url(), "The referenced resource does not exist.");
        };
        let comes_or_goes = |name: &String| {
            let verb = self.operations.get(name).map(|operation| operation.method.verb);
            matches!(verb, Some(Verb::Insert | Verb::Delete))
        };
        if self.strict && record.pending.as_ref().is_some_and(comes_or_goes) {
            return not_ready(what);
        }
        Ok(record)
    }

    /// A resource that is to be changed: it must exist, and nothing else may be at work on it.
    pub(super) fn changeable(&self, what: &Reference) -> Done<&Record> {
        let record = self.existing(what)?;
        if self.strict && record.pending.is_some() { not_ready(what) } else { Ok(record) }
    }

    /// Whether project, region and zone of a request exist.
    pub(super) fn check_place(&self, place: &Place) -> Done<()> {
        if !self.projects.contains(&place.project) {
            return not_found(format_args!("projects/{}", place.project));
        }
        match &place.scope {
            Scope::Region(region) if !self.is_region(&place.project, region) => refuse(
                400,
                "invalid",
                format!("Invalid value for field 'region': '{region}'. Unknown region."),
            ),
            Scope::Zone(zone) if self.region_of(&place.project, zone).is_none() => {
                refuse(400, "invalid", format!("Invalid value for field 'zone': '{zone}'. Unknown zone."))
            }
            _ => Ok(()),
        }
    }

    fn is_region(&self, project: &str, region: &str) -> bool {
        self.store.get(&Place::global(project).at(Kind::Region, region)).is_some()
    }

    /// The region that a zone is in.
    pub(super) fn region_of(&self, project: &str, zone: &str) -> Option<String> {
        let url = format!("/zones/{zone}");
        let global = Place::global(project);
        let mut regions = self.store.of(&global, Kind::Region, "");
        let has = |record: &Record| texts(&record.body, "zones").iter().any(|it| it.ends_with(&url));
        regions.find(|(_, record)| has(record)).map(|(what, _)| what.name.clone())
    }

    /// The zones of a region.
    pub(super) fn zones_of(&self, project: &str, region: &str) -> Vec<Place> {
        let region = self.store.get(&Place::global(project).at(Kind::Region, region));
        let urls = region.map(|region| texts(&region.body, "zones")).unwrap_or_default();
        let zone = |url: &str| url.rsplit('/').next().map(|name| Place::zone(project, name));
        urls.into_iter().filter_map(zone).collect()
    }

    /// What keeps a resource from being deleted. An address that one forwarding rule uses may go: the rule keeps it as
    /// an ephemeral one, as controllers that give a held address back rely on.
    pub(super) fn users_of(&self, what: &Reference) -> Vec<Reference> {
        if what.kind != Kind::Address {
            return self.store.users(what).cloned().collect();
        }
        let Some(record) = self.store.get(what) else { return Vec::new() };
        let rules = self.rules_at(&what.place, text(&record.body, "address").unwrap_or_default());
        let shared = text(&record.body, "purpose") == Some("SHARED_LOADBALANCER_VIP");
        if shared || rules.len() > 1 { rules } else { Vec::new() }
    }

    /// The forwarding rules of a region that have an address.
    pub(super) fn rules_at(&self, region: &Place, address: &str) -> Vec<Reference> {
        let of_region = |it: &&Reference| it.kind == Kind::ForwardingRule && it.place == *region;
        self.store.holders(address).filter(of_region).cloned().collect()
    }

    /// Begins an operation, and answers it as it is.
    pub(super) fn begin(&mut self, begun: Begun) -> (String, Value) {
        let Begun { method, target, effect, failure, time } = begun;
        let id = self.fresh();
        let name = format!("operation-{id}-{:08x}", id ^ 0x5bd1_e995);
        let time = time.unwrap_or(self.operation_time);
        let target_id =
            self.store.get(&target).and_then(|record| text(&record.body, "id")).map(str::to_owned);
        if failure.is_none() {
            self.store.set_pending(&target, None, Some(&name));
        }
        self.operations.add(Operation {
            name: name.clone(),
            id,
            place: target.place.clone(),
            method,
            target,
            target_id,
            inserted: self.now,
            begins: self.now + time / 4,
            ends: self.now + time,
            effect,
            failure,
        });
        self.advance();
        let view = self.operations.get(&name).map(|operation| operation.view(self.now, &self.clock));
        (name, view.unwrap_or_default())
    }

    fn settle(&mut self, operation: Operation) {
        let Operation { name, target, effect, failure, .. } = operation;
        self.store.set_pending(&target, Some(&name), None);
        match effect {
            _ if failure.is_some() => {}
            Effect::Nothing => {}
            Effect::Make(body) => {
                if let Err(refused) = self.make(&target, *body, false) {
                    self.operations.fail(&name, refused.into());
                }
            }
            // Somebody may have removed it behind the API's back.
            Effect::Put(_) if self.store.get(&target).is_none() => {}
            Effect::Put(record) => self.store.put(target, Record { pending: None, ..*record }),
            Effect::Remove => match self.users_of(&target).first() {
                None => drop(self.store.remove(&target)),
                Some(user) => self.operations.fail(&name, in_use(&target, user)),
            },
        }
    }
}

fn in_use(what: &Reference, user: &Reference) -> OperationFailure {
    OperationFailure {
        status: 400,
        code: "RESOURCE_IN_USE_BY_ANOTHER_RESOURCE".to_owned(),
        message: format!("The {} resource '{what}' is already being used by '{user}'", what.kind),
    }
}

pub(super) fn not_ready<T>(what: &Reference) -> Done<T> {
    refuse(400, "resourceNotReady", format!("The resource '{what}' is not ready"))
}

impl From<Refused> for OperationFailure {
    /// The same error as the end of an operation, whose codes are spelled differently.
    fn from(refused: Refused) -> Self {
        let spell = |letter: char| {
            let gap = letter.is_ascii_uppercase().then_some('_');
            gap.into_iter().chain([letter.to_ascii_uppercase()])
        };
        let code = refused.reason.chars().flat_map(spell).collect();
        Self { status: refused.status, code, message: refused.message }
    }
}
