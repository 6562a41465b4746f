//! What the Services are told: conditions, addresses, finalizer, record, events.

use std::sync::Arc;

use jiff::Timestamp;
use k8s_openapi::api::core::v1::{LoadBalancerIngress, Service};
use landfall_core::annotations;
use landfall_core::desired::Desired;
use landfall_core::error::ErrorClass;
use landfall_core::ids::{LbId, ServiceKey};
use landfall_core::member::{key_of, uid_of};
use landfall_core::model::{DesiredLb, Member, MemberRef};
use landfall_core::outcome::{Outcome, Phase};
use landfall_core::refusal::{Refusal, categories};
use landfall_core::report::{self, ACCEPTED, PROGRAMMED, Verdict};

use super::{Effects, LookError, Looker, Round};
use crate::cluster::{Group, object_key};
use crate::events::{Note, between};
use crate::patch::{self, Wish};
use crate::placement::{finalizer_for, has_finalizer, recorded};
use crate::policy::Next;
use crate::writer::WriteError;

/// How often an error that may pass by itself is kept from the conditions of a Service that has an address.
const PATIENCE: u32 = 3;

/// How often a status that somebody else writes over is written again before the resync.
const INSISTENCE: u32 = 3;

/// How the message begins that tells why a load balancer is still there.
const STUCK: &str = "the load balancer cannot be deleted yet";

/// Reason of the condition while somebody else writes over our status.
const OVERWRITTEN: &str = "StatusOverwritten";

impl Looker {
    /// Writes finalizer and record before the provider makes anything for a member.
    pub(super) async fn take_charge(
        &self,
        id: &LbId,
        member: &Member,
        effects: &mut Effects,
    ) -> Result<(), LookError> {
        if !self.speaks_for(id, &member.service) {
            return Ok(());
        }
        let key = object_key(&member.service);
        let Some(service) = self.cluster.services.get(&key) else { return Err(WriteError::Conflict.into()) };
        let arriving = recorded(&service).first() != Some(id);
        let mut verdicts = vec![accepted(&service)];
        if arriving {
            let text = "the load balancer is being made";
            verdicts.push(Verdict::new(PROGRAMMED, false, "Pending", text));
        }
        let wish = Wish { record: Some(record_with(&service, id)), verdicts, ingress: None };
        if self.write(&service, &wish, effects).await? && arriving {
            let note = Note::normal("EnsuringLoadBalancer", "Ensuring load balancer");
            self.tell(&service, &note).await;
        }
        // It may have gone, or begun to go, while this look was under way.
        let charged = |service: Arc<Service>| {
            has_finalizer(&service, finalizer_for(&service)) && recorded(&service).contains(id)
        };
        let safe = self.cluster.services.get(&key).is_some_and(charged);
        if safe { Ok(()) } else { Err(WriteError::Conflict.into()) }
    }

    /// Tells a member how its load balancer is.
    pub(super) async fn report(
        &self,
        round: &Round<'_>,
        member: &Member,
        lb: &DesiredLb,
        outcome: &Outcome,
        effects: &mut Effects,
    ) -> Result<(), LookError> {
        let Some(service) = self.cluster.services.get(&object_key(&member.service)) else { return Ok(()) };
        if !self.speaks_for(round.id, &member.service) {
            return Ok(());
        }
        let mut ingress = report::ingress(member, outcome);
        let mut verdict = report::programmed(member, outcome);
        if !outcome.ingress.is_empty() && !report::families_served(member, outcome) {
            let text = "the load balancer has no address of a family that this Service needs";
            verdict = Verdict::new(PROGRAMMED, false, "FamilyNotServed", text);
        }
        if matches!(outcome.phase, Phase::Provisioning { .. }) && recorded(&service).len() > 1 {
            // What it shows serves until this one does.
            ingress.clear();
        }
        let notes = warnings(round, &service, member, lb);
        for note in &notes {
            verdict = Verdict::new(
                PROGRAMMED,
                verdict.good,
                verdict.reason,
                &format!("{}; {}", verdict.message, note.text),
            );
        }
        self.settle_with_rival(round, &service, &mut ingress, &mut verdict);
        let first = !patch::was_published(&service) && !ingress.is_empty();
        let wish = Wish {
            record: Some(record_with(&service, round.id)),
            verdicts: vec![accepted(&service), verdict],
            // An address that is shown stays until there is another one.
            ingress: (!ingress.is_empty()).then_some(ingress),
        };
        if !self.write(&service, &wish, effects).await? {
            return Ok(());
        }
        if first {
            let age = Timestamp::now().duration_since(member.created);
            self.metrics.first_address(round.id.provider, age.try_into().unwrap_or_default());
        }
        let known = programmed_message(&service);
        for note in notes.iter().filter(|note| !known.contains(&note.text)) {
            self.tell(&service, note).await;
        }
        Ok(())
    }

    /// Settles what to do about a status that somebody else keeps writing over: insisting would only make two
    /// controllers write as fast as they can. Once it is told, only a resync tries again.
    fn settle_with_rival(
        &self,
        round: &Round<'_>,
        service: &Service,
        ingress: &mut Vec<LoadBalancerIngress>,
        verdict: &mut Verdict,
    ) {
        if !patch::is_overwritten(service) {
            return;
        }
        let told =
            report::conditions(service).iter().any(|c| c.type_ == PROGRAMMED && c.reason == OVERWRITTEN);
        let count = self.remember(round.key, |memory| {
            memory.overwritten = if round.due.force { 1 } else { memory.overwritten.saturating_add(1) };
            memory.overwritten
        });
        let insists = if told { round.due.force } else { count <= INSISTENCE };
        if insists {
            self.metrics.overwritten();
        } else {
            ingress.clear();
        }
        if told || !insists {
            let text =
                "another controller keeps writing status.loadBalancer; two controllers serve this Service";
            *verdict = Verdict::new(PROGRAMMED, false, OVERWRITTEN, text);
        }
    }

    /// Tells about a Service, while the claim lasts.
    pub(super) async fn tell(&self, service: &Service, note: &Note) {
        // A lost claim ends the whole look; there is nothing to do about it here.
        let _ = self.writer.claim.guard(self.recorder.tell(service, note)).await;
    }

    /// Whether a load balancer is the one that a member wants. While it is on its way to another one, that one
    /// does the talking.
    fn speaks_for(&self, id: &LbId, member: &ServiceKey) -> bool {
        self.cluster.placement(member).is_some_and(|placement| placement.wanted.as_ref() == Some(id))
    }

    /// Tells every member that is not served why.
    pub(super) async fn report_refusals(
        &self,
        round: &Round<'_>,
        wish: &Desired,
        effects: &mut Effects,
    ) -> Result<(), LookError> {
        let mut told = Ok(());
        for facts in &round.group.wanted {
            let Some(key) = key_of(&facts.service).filter(|key| self.speaks_for(round.id, key)) else {
                continue;
            };
            let served = wish.lb.iter().flat_map(|lb| &lb.members).any(|member| member.service == key);
            let refusals: Vec<Refusal> = wish.refusals_of(&key).cloned().collect();
            if !served && !refusals.is_empty() {
                told = told.and(self.refuse(&facts.service, &refusals, effects).await);
            }
        }
        told
    }

    /// Tells a Service why it is refused. What it has stays as it is.
    pub(super) async fn refuse(
        &self,
        service: &Service,
        refusals: &[Refusal],
        effects: &mut Effects,
    ) -> Result<(), LookError> {
        let Some(first) = refusals.first() else { return Ok(()) };
        let texts: Vec<String> = refusals.iter().map(ToString::to_string).collect();
        let mut verdicts = vec![Verdict::new(ACCEPTED, false, first.category.as_str(), &texts.join("; "))];
        if report::shown(service).is_empty() {
            let text = "nothing is made until the Service is accepted";
            verdicts.push(Verdict::new(PROGRAMMED, false, "NotAccepted", text));
        }
        self.write(service, &Wish { verdicts, ..Wish::default() }, effects).await?;
        Ok(())
    }

    /// A Service without a load balancer: its refusal is told, or what is left of us is taken away.
    pub(super) async fn unplaced(&self, key: &ServiceKey, effects: &mut Effects) -> Result<Next, LookError> {
        let placement = self.cluster.placement(key).filter(|placement| placement.ids().next().is_none());
        let service = self.cluster.services.get(&object_key(key));
        let (Some(placement), Some(service)) = (placement, service) else { return Ok(Next::Forget) };
        if let Some(refusal) = placement.refusal {
            self.refuse(&service, &[refusal], effects).await?;
            return Ok(Next::Wait);
        }
        if let Some(patch) = patch::clear(&service) {
            self.writer.service(&service, &patch).await?;
        }
        Ok(Next::Forget)
    }

    /// The provider of this load balancer does not run here: everything stays as it is, and is told so.
    pub(super) async fn not_enabled(
        &self,
        id: &LbId,
        group: &Group,
        effects: &mut Effects,
    ) -> Result<Next, LookError> {
        let mut running: Vec<&str> = self.providers.keys().map(|name| name.as_str()).collect();
        running.sort_unstable();
        let running = running.join(", ");
        let wanted = group.wanted.iter().map(|facts| &facts.service);
        for service in wanted.chain(&group.departing) {
            let Some(key) = key_of(service) else { continue };
            let message = format!("does not run in this controller, which has {running}: see --providers");
            let category = categories::PROVIDER_NOT_ENABLED;
            let refusal = Refusal::of(&key, category, "provider", id.provider.as_str(), message);
            self.refuse(service, &[refusal], effects).await?;
        }
        Ok(Next::Wait)
    }

    /// Tells the members that the provider failed. Errors that may pass by themselves are kept from Services that
    /// have an address until they have lasted; failed writes to the API server cannot be told through it.
    pub(super) async fn report_failure(
        &self,
        round: &Round<'_>,
        lb: &DesiredLb,
        error: &LookError,
        effects: &mut Effects,
    ) -> Result<(), LookError> {
        if matches!(error, LookError::Write(_)) {
            return Ok(());
        }
        let failures = self.remember(round.key, |memory| memory.record.failures());
        let class = error.class();
        let may_pass =
            matches!(class, ErrorClass::Transient | ErrorClass::Throttled { .. } | ErrorClass::Conflict);
        let mut told = Ok(());
        for member in lb.members.iter().filter(|member| self.speaks_for(round.id, &member.service)) {
            let Some(service) = self.cluster.services.get(&object_key(&member.service)) else { continue };
            if may_pass && failures < PATIENCE && !report::shown(&service).is_empty() {
                continue;
            }
            let verdict = Verdict::new(PROGRAMMED, false, reason(error), &error.to_string());
            let verdicts = vec![accepted(&service), verdict];
            told = told
                .and(self.write(&service, &Wish { verdicts, ..Wish::default() }, effects).await.map(drop));
        }
        told
    }

    /// Says that the deletion begins, to those who have no other load balancer.
    pub(super) async fn announce_release(&self, id: &LbId, departing: &[Arc<Service>]) {
        let note = Note::normal("DeletingLoadBalancer", "Deleting load balancer");
        for service in departing.iter().filter(|service| recorded(service).iter().all(|known| known == id)) {
            // Told already by the process that met the first obstacle.
            if !programmed_message(service).starts_with(STUCK) {
                self.tell(service, &note).await;
            }
        }
    }

    /// Tells those that wait for the deletion why it takes so long.
    pub(super) async fn report_stuck(
        &self,
        departing: &[Arc<Service>],
        error: &LookError,
        effects: &mut Effects,
    ) -> Result<(), LookError> {
        if matches!(error, LookError::Write(_)) {
            return Ok(());
        }
        let text = format!("{STUCK}: {error}");
        let verdicts = vec![Verdict::new(PROGRAMMED, false, reason(error), &text)];
        let wish = Wish { verdicts, ..Wish::default() };
        // Who has arrived at another load balancer is served, and does not wait.
        let waits = |service: &&Arc<Service>| {
            let placement = key_of(service).and_then(|key| self.cluster.placement(&key));
            placement.is_none_or(|placement| placement.wanted.is_none())
        };
        for service in departing.iter().filter(waits) {
            self.write(service, &wish, effects).await?;
        }
        Ok(())
    }

    /// Ends our part in Services that are on this load balancer no more.
    pub(super) async fn see_off(
        &self,
        id: &LbId,
        departing: &[Arc<Service>],
        effects: &mut Effects,
    ) -> Result<(), LookError> {
        let mut done = Ok(());
        for service in departing {
            let Some(patch) = patch::leave(service, id) else { continue };
            match self.writer.service(service, &patch).await {
                Ok(written) => effects.touched.extend(written.into_iter().flat_map(|(_, touched)| touched)),
                Err(error) => {
                    done = done.and(Err(error.into()));
                    continue;
                }
            }
            if recorded(service).iter().all(|known| known == id) {
                let note = Note::normal("DeletedLoadBalancer", "Deleted load balancer");
                self.tell(service, &note).await;
            }
        }
        done
    }

    /// Writes what differs and tells what changed. Returns whether anything was written.
    async fn write(&self, service: &Service, wish: &Wish, effects: &mut Effects) -> Result<bool, LookError> {
        let Some(patch) = patch::write(service, wish, Timestamp::now()) else { return Ok(false) };
        let Some((written, touched)) = self.writer.service(service, &patch).await? else { return Ok(false) };
        effects.touched.extend(touched);
        for note in between(service, &written) {
            self.tell(&written, &note).await;
        }
        Ok(true)
    }
}

/// What the operator should know although nothing is wrong with the load balancer itself. It is part of the condition's
/// message, so that it is told once and not again after a restart.
fn warnings(round: &Round<'_>, service: &Service, member: &Member, lb: &DesiredLb) -> Vec<Note> {
    let mut notes = Vec::new();
    let unknown = annotations::unknown_own(service.metadata.annotations.as_ref());
    if !unknown.is_empty() {
        let known = annotations::OWN.join(", ");
        let text = format!("{} mean nothing to this version; known are {known}", unknown.join(", "));
        notes.push(Note::warning("UnknownAnnotation", text));
    }
    if round.provider.target_kind(&lb.params, member).needs_nodes() && lb.nodes.eligible.is_empty() {
        let excluded = lb.nodes.excluded.iter().take(5);
        let why: Vec<String> = excluded.map(|node| format!("{} ({:?})", node.name, node.reason)).collect();
        let count = lb.nodes.excluded.len();
        let text =
            format!("There are no available nodes for LoadBalancer: {count} excluded {}", why.join(", "));
        notes.push(Note::warning("UnAvailableLoadBalancer", text.trim_end()));
    }
    notes
}

fn programmed_message(service: &Service) -> String {
    let mut all = report::conditions(service).into_iter();
    all.find(|condition| condition.type_ == PROGRAMMED).map(|condition| condition.message).unwrap_or_default()
}

/// Name and uid of a Service.
pub(super) fn reference(service: &Service) -> Option<MemberRef> {
    Some(MemberRef { service: key_of(service)?, uid: uid_of(service)? })
}

/// The condition reason of a failure. What the provider is only waiting for is no failure.
fn reason(error: &LookError) -> &'static str {
    match error.class() {
        ErrorClass::Waiting { .. } => "Waiting",
        _ => error.category().as_str(),
    }
}

fn accepted(service: &Service) -> Verdict {
    let class = service.spec.as_ref().and_then(|spec| spec.load_balancer_class.as_deref());
    let text = match class {
        Some(class) => format!("served by class {class}"),
        None => "served by the default class".to_owned(),
    };
    Verdict::new(ACCEPTED, true, "Accepted", &text)
}

/// The record of a Service with this load balancer in front.
fn record_with(service: &Service, id: &LbId) -> Vec<LbId> {
    let mut record = vec![id.clone()];
    record.extend(recorded(service).into_iter().filter(|known| known != id));
    record
}
