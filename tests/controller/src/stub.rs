//! A provider that does what a test says, for what no real provider does: panic, hang, answer with host names.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use landfall_core::error::ProviderError;
use landfall_core::ids::{LbId, ProviderName};
use landfall_core::model::{DesiredLb, Listener, Member, TargetKind};
use landfall_core::outcome::{Ingress, Outcome, TargetHealth, UnhealthyTarget};
use landfall_core::params::ClassParams;
use landfall_core::plan::Plan;
use landfall_core::provider::{Capabilities, Owned, Provider};
use landfall_core::refusal::Refusal;
use landfall_memory::MemoryProvider;

/// What happens in a call about a Service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mood {
    /// `ensure` and `release` succeed at once; the address is the host name `NAME.example.com`.
    Fine,
    /// The same, with one target whose health is not known yet: the answer asks for another look after 30 s.
    Checking,
    /// The same, with that target healthy.
    Checked,
    /// The call panics.
    Panic,
    /// The call never ends.
    Hang,
}

/// Load balancers that exist, and the mood in which the provider meets those of some name. Clones share it all.
#[derive(Clone)]
pub struct Stub {
    capabilities: Capabilities,
    mood: Arc<dyn Fn(&str) -> Mood + Send + Sync>,
    inventory: Mood,
    made: Arc<Mutex<BTreeSet<LbId>>>,
    story: Arc<Mutex<Vec<String>>>,
}

impl Stub {
    /// `mood` tells by the name of the Service.
    pub fn new(mood: impl Fn(&str) -> Mood + Send + Sync + 'static) -> Self {
        let capabilities = MemoryProvider::all();
        Self {
            capabilities,
            mood: Arc::new(mood),
            inventory: Mood::Fine,
            made: Arc::default(),
            story: Arc::default(),
        }
    }

    /// The same with this mood for the inventory.
    pub fn with_inventory(self, mood: Mood) -> Self {
        Self { inventory: mood, ..self }
    }

    /// How many load balancers exist.
    pub fn count(&self) -> usize {
        self.made.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    /// What was asked of it since the last call of this: `term`, or the name of the Service to be served.
    pub fn take_story(&self) -> Vec<String> {
        std::mem::take(&mut *self.story.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn tell(&self, what: &str) {
        self.story.lock().unwrap_or_else(PoisonError::into_inner).push(what.to_owned());
    }

    async fn act(&self, mood: Mood) {
        match mood {
            Mood::Fine | Mood::Checking | Mood::Checked => {}
            Mood::Panic => panic!("the test wants it"),
            Mood::Hang => std::future::pending().await,
        }
    }
}

#[async_trait]
impl Provider for Stub {
    fn name(&self) -> ProviderName {
        ProviderName::Aws
    }

    fn capabilities(&self) -> &Capabilities {
        &self.capabilities
    }

    fn begin_term(&self) {
        self.tell("term");
    }

    fn target_kind(&self, _: &ClassParams, _: &Member) -> TargetKind {
        TargetKind::None
    }

    fn validate(&self, _: &DesiredLb) -> Vec<Refusal> {
        Vec::new()
    }

    async fn plan(&self, desired: &DesiredLb) -> Result<Plan, ProviderError> {
        Ok(Plan { lb: desired.id.clone(), steps: Vec::new() })
    }

    async fn ensure(&self, desired: &DesiredLb) -> Result<Outcome, ProviderError> {
        let name = desired.id.label().1;
        self.tell(name);
        let mood = (self.mood)(name);
        self.act(mood).await;
        self.made.lock().unwrap_or_else(PoisonError::into_inner).insert(desired.id.clone());
        let outcome = Outcome::ready(vec![Ingress::Hostname(format!("{name}.example.com"))]);
        let (healthy, look_again) = match mood {
            Mood::Checking => (None, Some(Duration::from_secs(30))),
            Mood::Checked => (Some(true), None),
            Mood::Fine | Mood::Panic | Mood::Hang => return Ok(outcome),
        };
        let health = |(member, listener): (&Member, &Listener)| {
            let mut health = TargetHealth::none(member.service.clone(), listener.key());
            health.add(healthy, UnhealthyTarget { target: "n1".to_owned(), reason: None });
            health
        };
        Ok(Outcome { targets: desired.listeners().map(health).collect(), look_again, ..outcome })
    }

    async fn release(&self, id: &LbId) -> Result<(), ProviderError> {
        self.act((self.mood)(id.label().1)).await;
        self.made.lock().unwrap_or_else(PoisonError::into_inner).remove(id);
        Ok(())
    }

    async fn inventory(&self) -> Result<Vec<Owned>, ProviderError> {
        self.act(self.inventory).await;
        Ok(Vec::new())
    }
}
