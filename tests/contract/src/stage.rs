//! The controller's part: asks, shows outcomes in statuses, polls, restarts, and looks whether all is well.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::Arc;

use landfall_core::error::ProviderError;
use landfall_core::ids::LbId;
use landfall_core::model::DesiredLb;
use landfall_core::net::{IpFamily, PortKey};
use landfall_core::outcome::{Outcome, Phase};
use landfall_core::pools::Holding;
use landfall_core::provider::Provider;

use crate::expect::{self, Listening, View, addresses, hostnames, places};
use crate::world::{Traffic, World};

/// How often a wish is asked for before the suite gives up on it.
const ROUNDS: usize = 12;

/// One world with one running process and the statuses of the Services.
pub(crate) struct Stage<W> {
    pub(crate) world: W,
    pub(crate) provider: Arc<dyn Provider>,
    statuses: BTreeMap<LbId, Holding>,
    /// Host names that the statuses show.
    names: BTreeMap<LbId, Vec<String>>,
    /// Load balancers that may not lose an address that their status shows.
    pinned: BTreeSet<LbId>,
    /// What was seen waiting for its time to go.
    left: BTreeMap<LbId, BTreeSet<String>>,
}

impl<W: World> Stage<W> {
    pub(crate) async fn new() -> Self {
        let world = W::new().await;
        let provider = world.start(&[]).await;
        let external = provider.capabilities().external_state;
        assert_eq!(external, world.traffic().is_some(), "external state and external calls go together");
        let (statuses, names, left) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
        Self { world, provider, statuses, names, pinned: BTreeSet::new(), left }
    }

    /// From now on, whatever happens, every outcome must contain the addresses that the status shows then.
    pub(crate) fn pin(&mut self, id: &LbId) {
        self.pinned.insert(id.clone());
    }

    /// The process dies and comes back, knowing nothing.
    pub(crate) async fn restart(&mut self) {
        let statuses: Vec<Holding> = self.statuses.values().cloned().collect();
        self.provider = self.world.start(&statuses).await;
    }

    /// Asks once. A success shows in the status, as the controller would write it.
    pub(crate) async fn ensure(&mut self, desired: &DesiredLb) -> Result<Outcome, ProviderError> {
        let outcome = self.ask(desired).await?;
        self.show(desired, &outcome);
        Ok(outcome)
    }

    /// Asks once, and does not get to write the status.
    pub(crate) async fn ask(&self, desired: &DesiredLb) -> Result<Outcome, ProviderError> {
        let wish = self.as_seen(desired);
        assert_eq!(self.provider.validate(&wish), [], "the wish should be servable");
        let outcome = self.provider.ensure(&wish).await?;
        if self.pinned.contains(&desired.id) {
            let (shown, got) = (self.places(&desired.id), places(&outcome));
            assert!(shown.iter().all(|place| got.contains(place)), "{shown:?} was shown, now it is {got:?}");
        }
        Ok(outcome)
    }

    /// The plan for a wish, as the controller would ask for it now.
    pub(crate) async fn plan(&self, desired: &DesiredLb) -> Result<landfall_core::plan::Plan, ProviderError> {
        self.provider.plan(&self.as_seen(desired)).await
    }

    /// Asks until it is ready, and checks that the world then is as asked for.
    pub(crate) async fn converge(&mut self, desired: &DesiredLb) -> Outcome {
        for _ in 0..ROUNDS {
            match self.ensure(desired).await {
                Ok(outcome) if outcome.phase == Phase::Ready => {
                    if self.is_alone(desired, &outcome).await {
                        return outcome;
                    }
                    self.world.outlast().await;
                }
                Ok(_) => self.world.settle().await,
                Err(error) => panic!("{}: {}", desired.id, error.explain()),
            }
        }
        panic!("{} is not ready after {ROUNDS} rounds", desired.id);
    }

    /// Like `converge`, but errors are waited out. Answers them. So is what went wrong with a part of the wish.
    pub(crate) async fn converge_through(&mut self, desired: &DesiredLb) -> Vec<ProviderError> {
        let mut errors = Vec::new();
        for _ in 0..ROUNDS {
            match self.ensure(desired).await {
                Ok(outcome) if outcome.phase == Phase::Ready => {
                    if self.is_partial(desired, &outcome).await {
                        self.world.settle().await;
                        continue;
                    }
                    if self.is_alone(desired, &outcome).await {
                        return errors;
                    }
                    self.world.outlast().await;
                    continue;
                }
                Ok(_) => {}
                Err(error) => errors.push(error),
            }
            self.world.settle().await;
        }
        panic!("{} is not ready after {ROUNDS} rounds: {errors:?}", desired.id);
    }

    /// Releases, waiting errors out. Answers them.
    pub(crate) async fn release_through(&mut self, id: &LbId) -> Vec<ProviderError> {
        let mut errors = Vec::new();
        for _ in 0..ROUNDS {
            match self.provider.release(id).await {
                Ok(()) => {
                    self.forget(id);
                    return errors;
                }
                Err(error) => errors.push(error),
            }
            self.world.settle().await;
        }
        panic!("{id} is not released after {ROUNDS} rounds: {errors:?}");
    }

    /// Releases at the first attempt.
    pub(crate) async fn release(&mut self, id: &LbId) {
        let errors = self.release_through(id).await;
        assert!(errors.is_empty(), "{errors:?}");
    }

    /// Nothing may be left to do for a wish, and no more may exist than in a new world with it.
    pub(crate) async fn assert_settled(&mut self, desired: &DesiredLb) {
        self.assert_nothing_to_do(desired).await;
        self.assert_nothing_spare(desired).await;
    }

    /// The same wish again must cost no write and no step, and must not be planned to.
    pub(crate) async fn assert_nothing_to_do(&mut self, desired: &DesiredLb) {
        let before = self.world.traffic();
        let plan = self.plan(desired).await.expect("plan");
        assert!(plan.is_empty(), "the plan should be empty: {plan}");
        let outcome = self.ensure(desired).await.expect("ensure");
        assert_eq!(outcome.steps, [], "nothing should be done");
        assert_eq!(outcome.phase, Phase::Ready);
        assert_eq!(self.writes_since(before), 0, "nothing should be written");
    }

    /// Whatever came before, no more may exist than in a new world with that wish.
    async fn assert_nothing_spare(&self, desired: &DesiredLb) {
        let keeps = desired.nodes.eligible.is_empty() && self.world.keeps_without_nodes();
        if keeps || self.statuses.len() > 1 || !desired.retained.is_empty() {
            return;
        }
        let twin = W::new().await;
        let provider = twin.start(&[]).await;
        for _ in 0..ROUNDS {
            if provider
                .ensure(&twin.localise(desired))
                .await
                .is_ok_and(|outcome| outcome.phase == Phase::Ready)
            {
                break;
            }
            twin.settle().await;
        }
        self.world.settle().await;
        let (have, need) = (self.world.picture().await, twin.picture().await);
        assert_eq!(have.len(), need.len(), "more or less than needed: {have:#?} instead of {need:#?}");
    }

    /// Calls and writes since then; zero in a world without calls.
    pub(crate) fn writes_since(&self, before: Option<Traffic>) -> usize {
        match (before, self.world.traffic()) {
            (Some(before), Some(now)) => now.writes - before.writes,
            _ => 0,
        }
    }

    /// The addresses that the status shows.
    pub(crate) fn shown(&self, id: &LbId) -> Vec<IpAddr> {
        let holding = self.statuses.get(id);
        holding
            .and_then(|holding| holding.members.first())
            .map(|member| member.published.clone())
            .unwrap_or_default()
    }

    /// Addresses and host names that the status shows.
    fn places(&self, id: &LbId) -> Vec<String> {
        let names = self.names.get(id).cloned().unwrap_or_default();
        self.shown(id).iter().map(ToString::to_string).chain(names).collect()
    }

    /// Releases everything and checks that nothing is left.
    pub(crate) async fn finish(mut self) {
        self.world.calm();
        let ids: Vec<LbId> = self.statuses.keys().cloned().collect();
        for id in ids {
            self.release_through(&id).await;
        }
        self.world.settle().await;
        assert_eq!(self.world.picture().await, Vec::<String>::new(), "leaked");
        assert_eq!(self.provider.inventory().await.expect("inventory"), [], "still in the inventory");
    }

    /// The wish in this world, with the addresses that the statuses of its members show.
    fn as_seen(&self, desired: &DesiredLb) -> DesiredLb {
        let mut wish = self.world.localise(desired);
        let shown = self.statuses.get(&desired.id);
        for member in &mut wish.members {
            let same = shown.and_then(|holding| holding.members.iter().find(|other| other.uid == member.uid));
            if let Some(other) = same {
                member.published.clone_from(&other.published);
            }
        }
        wish
    }

    /// Writes the statuses of the members.
    pub(crate) fn show(&mut self, wish: &DesiredLb, outcome: &Outcome) {
        let mut members = wish.members.clone();
        for member in &mut members {
            member.published = addresses(outcome);
        }
        if let Some(before) = self.statuses.get(&wish.id) {
            let retained = before.members.iter().filter(|member| wish.retained.contains(&member.as_ref()));
            members.extend(retained.cloned());
        }
        let holding = Holding { id: wish.id.clone(), members, sharing: wish.sharing };
        self.statuses.insert(wish.id.clone(), holding);
        self.names.insert(wish.id.clone(), hostnames(outcome));
    }

    /// The Services are gone, and their statuses with them.
    pub(crate) fn forget(&mut self, id: &LbId) {
        self.statuses.remove(id);
        self.names.remove(id);
    }

    /// A look at a load balancer that was asked for; `None` where nothing lies outside the process.
    pub(crate) async fn view(&self, id: &LbId) -> Option<View> {
        let view = self.world.view(id).await;
        let external = self.provider.capabilities().external_state;
        assert_eq!(external, view.is_some(), "what lies outside can be looked at");
        view
    }

    /// Checks world and outcome, and answers whether nothing is left that only waits for its time to go. That must be known
    /// to the process, and over after that time.
    async fn is_alone(&mut self, desired: &DesiredLb, outcome: &Outcome) -> bool {
        self.check(desired, outcome).await;
        let leaving = self.world.leaving(&desired.id).await;
        if leaving.is_empty() {
            self.left.remove(&desired.id);
            return true;
        }
        assert!(outcome.look_again.is_some(), "nobody comes back for {leaving:?}");
        let before = self.left.insert(desired.id.clone(), leaving.clone()).unwrap_or_default();
        assert!(before.is_disjoint(&leaving), "{leaving:?} is still there");
        false
    }

    /// Whether world and outcome are as asked for.
    async fn check(&self, desired: &DesiredLb, outcome: &Outcome) {
        let got = addresses(outcome);
        let families: Vec<IpFamily> = got.iter().map(IpFamily::of).collect();
        let only_names = got.is_empty() && !outcome.ingress.is_empty();
        if desired.retained.is_empty() && !only_names {
            assert_eq!(families, expect::families(&*self.provider, desired), "families of the ingress");
        }
        for address in desired.requested() {
            assert!(got.contains(&address), "{address} was asked for, got {got:?}");
        }
        let Some(view) = self.view(&desired.id).await else { return };
        if only_names {
            let leaving = self.world.leaving(&desired.id).await;
            self.check_names(desired, outcome, &view, leaving);
        }
        let mut expected = self.expected(desired);
        if !desired.retained.is_empty() {
            // What refused members keep is the business of the case that has some.
            expected.retain(|key, _| view.listeners.contains_key(key));
            let asked = view.listeners.iter().filter(|(key, _)| expected.contains_key(key));
            assert_eq!(asked.collect::<BTreeMap<_, _>>(), expected.iter().collect(), "listeners");
            return;
        }
        assert_eq!(view.listeners, expected, "listeners");
        if !only_names {
            assert_eq!(view.addresses, got.into_iter().collect(), "addresses");
        }
    }

    /// The listeners that a wish asks for, as they are in this world.
    fn expected(&self, desired: &DesiredLb) -> BTreeMap<PortKey, Listening> {
        let mut expected = expect::listeners(&*self.provider, &self.world.localise(desired));
        for listening in expected.values_mut() {
            listening.affinity_seconds = listening.affinity_seconds.map(|asked| self.world.affinity(asked));
        }
        expected
    }

    /// Whether a part of the wish is yet to come: something is told to be wrong, and the provider wants to be asked again.
    async fn is_partial(&self, desired: &DesiredLb, outcome: &Outcome) -> bool {
        if outcome.problems.is_empty() || outcome.look_again.is_none() {
            return false;
        }
        let view = self.view(&desired.id).await;
        view.is_some_and(|view| view.listeners != self.expected(desired))
    }

    /// Each name that is shown leads to addresses of all families asked for, and each that serves is shown or leaving.
    fn check_names(
        &self,
        desired: &DesiredLb,
        outcome: &Outcome,
        view: &View,
        mut leaving: BTreeSet<String>,
    ) {
        let shown: BTreeSet<String> = hostnames(outcome).into_iter().collect();
        for family in expect::families(&*self.provider, desired) {
            let leads = |name: &String| view.hostnames.get(name).is_some_and(|all| all.contains(&family));
            assert!(shown.iter().all(leads), "{family} is asked for, got {:?}", view.hostnames);
        }
        assert!(shown.is_disjoint(&leaving), "{shown:?} is shown, and {leaving:?} goes");
        leaving.extend(shown);
        assert_eq!(leaving, view.hostnames.keys().cloned().collect(), "host names");
    }
}
