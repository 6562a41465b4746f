//! Crashes, errors and lost answers, at every single call.
//!
//! Each case first goes its way undisturbed and counts the calls. Then it goes the same way once per call (and
//! error class), disturbed there, and must end in exactly the same picture. A world that is slow in earnest says how
//! many calls to pass over ([`World::apart`]).
//!
//! A world without calls can only be left between two acts: there, the process dies before the status could be
//! written, and after. It has no call that could fail or whose answer could be lost. What a restart does to two
//! load balancers at once is a question to every world.

use std::mem::discriminant;

use landfall_core::error::{ErrorClass, ProviderError};
use landfall_core::model::DesiredLb;

use crate::stage::Stage;
use crate::transition::Transition;
use crate::wishes;
use crate::world::{Fault, World};

/// Makes a case per way and kind of fault.
macro_rules! cases {
    ($($case:ident: $check:ident, $transition:ident;)*) => {
        $(
            #[doc = concat!("See the module: `", stringify!($check), "` on the way `", stringify!($transition), "`.")]
            pub async fn $case<W: World>() {
                $check::<W>(Transition::$transition).await;
            }
        )*
    };
}

cases! {
    crash_while_creating: crash, creating;
    crash_while_changing_ports: crash, changing_ports;
    crash_while_changing_targets: crash, changing_targets;
    crash_while_adding_a_family: crash, adding_a_family;
    crash_while_replacing: crash, replacing;
    crash_while_members_change: crash, changing_members;
    crash_while_releasing: crash, releasing;
    errors_while_creating: errors, creating;
    errors_while_changing_ports: errors, changing_ports;
    errors_while_changing_targets: errors, changing_targets;
    errors_while_adding_a_family: errors, adding_a_family;
    errors_while_replacing: errors, replacing;
    errors_while_members_change: errors, changing_members;
    errors_while_releasing: errors, releasing;
    lost_answers_while_creating: lost_answers, creating;
    lost_answers_while_changing_ports: lost_answers, changing_ports;
    lost_answers_while_changing_targets: lost_answers, changing_targets;
    lost_answers_while_adding_a_family: lost_answers, adding_a_family;
    lost_answers_while_replacing: lost_answers, replacing;
    lost_answers_while_members_change: lost_answers, changing_members;
    lost_answers_while_releasing: lost_answers, releasing;
    restart_of_two_while_creating: restart_of_two, creating;
    restart_of_two_while_changing_ports: restart_of_two, changing_ports;
    restart_of_two_while_changing_targets: restart_of_two, changing_targets;
    restart_of_two_while_adding_a_family: restart_of_two, adding_a_family;
    restart_of_two_while_replacing: restart_of_two, replacing;
    restart_of_two_while_members_change: restart_of_two, changing_members;
    restart_of_two_while_releasing: restart_of_two, releasing;
}

type Way<W> = fn(&Stage<W>) -> Transition;

async fn crash<W: World>(way: Way<W>) {
    let Some(reference) = undisturbed::<W>(way).await else { return restart_between_acts::<W>(way).await };
    for n in reference.disturbed(0) {
        let mut journey = begin::<W>(way).await;
        journey.stage.world.disturb(n, Fault::Crash);
        let died = journey.crash_once().await;
        assert!(died, "call {n} of {} was never made", reference.calls);
        journey.stage.restart().await;
        assert_eq!(journey.arrive().await, [], "after a crash at call {n}");
        reference.compare(journey, &format!("crash at call {n}")).await;
    }
}

async fn errors<W: World>(way: Way<W>) {
    let Some(reference) = undisturbed::<W>(way).await else { return };
    for n in reference.disturbed(1) {
        for class in begin::<W>(way).await.stage.world.classes(n) {
            let mut journey = begin::<W>(way).await;
            journey.stage.world.disturb(n, Fault::Class(class));
            let errors = journey.arrive().await;
            let how = format!("{} at call {n}", class.as_str());
            let told = journey.stage.world.told_as(class);
            assert!(errors.iter().all(|got| discriminant(got) == discriminant(&told)), "{how}: {errors:?}");
            reference.noticed(&journey, &errors, &how);
            reference.compare(journey, &how).await;
        }
    }
}

async fn lost_answers<W: World>(way: Way<W>) {
    let Some(reference) = undisturbed::<W>(way).await else { return };
    for n in reference.disturbed(2) {
        let mut journey = begin::<W>(way).await;
        journey.stage.world.disturb(n, Fault::LostAnswer);
        let errors = journey.arrive().await;
        let how = format!("lost answer at call {n}");
        assert!(errors.iter().all(|class| *class == ErrorClass::Transient), "{how}: {errors:?}");
        reference.noticed(&journey, &errors, &how);
        reference.compare(journey, &how).await;
    }
}

/// The process dies after one act of the way and before the status is written, or after that.
async fn restart_between_acts<W: World>(way: Way<W>) {
    let picture = picture_of_the_way::<W>(way, false).await;
    for written in [false, true] {
        let mut journey = begin::<W>(way).await;
        journey.act(written).await;
        journey.stage.restart().await;
        assert_eq!(journey.arrive().await, []);
        compare(journey, &picture, &format!("status written: {written}")).await;
    }
}

/// The process dies after one act of the way and one for a neighbour, whose status may have been written or not.
/// Afterwards either may be the first to ask: neither gets what the other's status shows.
async fn restart_of_two<W: World>(way: Way<W>) {
    let picture = picture_of_the_way::<W>(way, true).await;
    let orders = (0..8).map(|bits| (bits & 1 != 0, bits & 2 != 0, bits & 4 != 0));
    let apart = W::new().await.apart();
    for (written, neighbour_written, neighbour_first) in orders.step_by(apart) {
        let mut journey = begin::<W>(way).await;
        let neighbour = journey.neighbour();
        journey.stage.pin(&neighbour.id);
        journey.act(written).await;
        act_for(&mut journey.stage, &neighbour, neighbour_written).await;
        journey.stage.restart().await;
        if neighbour_first {
            journey.stage.converge(&neighbour).await;
        }
        assert_eq!(journey.arrive().await, []);
        journey.stage.converge(&neighbour).await;
        let shown = journey.stage.shown(&neighbour.id);
        let other = journey.transition.to.as_ref().map(|to| journey.stage.shown(&to.id)).unwrap_or_default();
        assert!(
            shown.iter().all(|ip| !other.contains(ip)),
            "an address given out twice: {shown:?} {other:?}"
        );
        journey.stage.assert_settled(&neighbour).await;
        let how = format!(
            "status written: {written}, the neighbour's: {neighbour_written}, the neighbour comes first: \
             {neighbour_first}"
        );
        compare(journey, &picture, &how).await;
    }
}

/// How the way goes if nothing disturbs it.
struct Reference {
    calls: usize,
    /// Distance between the calls that are disturbed.
    apart: usize,
    picture: Vec<String>,
}

/// Crashes, errors, lost answers.
const KINDS: usize = 3;

impl Reference {
    /// The numbers of the calls that a kind of fault is tried at.
    fn disturbed(&self, kind: usize) -> impl Iterator<Item = usize> + use<> {
        (1..=self.calls).skip(kind * self.apart / KINDS).step_by(self.apart)
    }

    /// A fault may surface, once, or be got over by further calls; it may not be swallowed.
    fn noticed<W: World>(&self, journey: &Journey<W>, errors: &[ErrorClass], how: &str) {
        assert!(errors.len() <= 1, "{how}: one failure, several errors: {errors:?}");
        let tried_again = journey.calls().is_some_and(|calls| calls > self.calls);
        assert!(errors.len() == 1 || tried_again, "{how}: swallowed");
    }

    async fn compare<W: World>(&self, journey: Journey<W>, how: &str) {
        compare(journey, &self.picture, how).await;
    }
}

/// The world must look as it does after an undisturbed way, and nothing may be left to do.
async fn compare<W: World>(journey: Journey<W>, picture: &[String], how: &str) {
    let Journey { mut stage, transition, .. } = journey;
    stage.world.calm();
    assert_eq!(stage.world.picture().await, picture, "{how}");
    if let Some(to) = &transition.to {
        stage.assert_nothing_to_do(to).await;
    }
    stage.finish().await;
}

/// `None` in a world without calls.
async fn undisturbed<W: World>(way: Way<W>) -> Option<Reference> {
    let mut journey = begin::<W>(way).await;
    assert_eq!(journey.arrive().await, []);
    let (calls, apart) = (journey.calls(), journey.stage.world.apart());
    let picture = journey.show().await;
    assert_ne!(calls, Some(0), "a way without calls cannot be disturbed");
    Some(Reference { calls: calls?, apart, picture })
}

/// The picture after an undisturbed way, with a neighbour or without.
async fn picture_of_the_way<W: World>(way: Way<W>, with_neighbour: bool) -> Vec<String> {
    let mut journey = begin::<W>(way).await;
    journey.arrive().await;
    if with_neighbour {
        journey.stage.converge(&journey.neighbour()).await;
    }
    journey.show().await
}

/// The stage with the beginning of the way behind it. Where the way keeps the address, it is pinned from here on.
async fn begin<W: World>(way: Way<W>) -> Journey<W> {
    let mut stage = Stage::<W>::new().await;
    let transition = way(&stage);
    if let Some(from) = &transition.from {
        stage.converge(from).await;
    }
    if let Some(to) = transition.to.as_ref().filter(|_| transition.keeps_address) {
        stage.pin(&to.id);
    }
    let calls_before = stage.world.traffic().map(|traffic| traffic.calls);
    Journey { stage, transition, calls_before }
}

/// A way that is being gone.
struct Journey<W> {
    stage: Stage<W>,
    transition: Transition,
    calls_before: Option<usize>,
}

impl<W: World> Journey<W> {
    /// Goes the way to its end, waiting errors out. Answers their classes.
    async fn arrive(&mut self) -> Vec<ErrorClass> {
        let errors = match (&self.transition.from, &self.transition.to) {
            (_, Some(to)) => self.stage.converge_through(to).await,
            (Some(from), None) => self.stage.release_through(&from.id).await,
            (None, None) => Vec::new(),
        };
        errors.iter().map(ProviderError::class).collect()
    }

    /// The picture at the end of the way, which holds no more than the wish takes.
    async fn show(mut self) -> Vec<String> {
        let picture = self.stage.world.picture().await;
        if let Some(to) = &self.transition.to {
            self.stage.assert_settled(to).await;
        }
        self.stage.finish().await;
        picture
    }

    /// Goes one act of the way.
    async fn act(&mut self, written: bool) {
        match (&self.transition.from, &self.transition.to) {
            (_, Some(to)) => act_for(&mut self.stage, to, written).await,
            (Some(from), None) => {
                self.stage.provider.release(&from.id).await.expect("release");
                if written {
                    self.stage.forget(&from.id);
                }
            }
            (None, None) => {}
        }
    }

    /// Goes the way until the process dies; `false` if it did not.
    async fn crash_once(&mut self) -> bool {
        for _ in 0..8 {
            let died = match (&self.transition.from, &self.transition.to) {
                (_, Some(to)) => die_in_ensure(&mut self.stage, to).await,
                (Some(from), None) => tokio::select! {
                    biased;
                    () = self.stage.world.crashed() => true,
                    result = self.stage.provider.release(&from.id) => { result.expect("release"); false }
                },
                (None, None) => false,
            };
            if died {
                return true;
            }
            self.stage.world.settle().await;
            self.stage.world.outlast().await;
        }
        false
    }

    /// Another load balancer in the same world.
    fn neighbour(&self) -> DesiredLb {
        wishes::named(self.stage.provider.name(), "neighbour")
    }

    /// Calls since the beginning; `None` in a world without calls.
    fn calls(&self) -> Option<usize> {
        Some(self.stage.world.traffic()?.calls - self.calls_before?)
    }
}

async fn act_for<W: World>(stage: &mut Stage<W>, desired: &DesiredLb, written: bool) {
    let outcome = stage.ask(desired).await.expect("ensure");
    if written {
        stage.show(desired, &outcome);
    }
}

/// A success is shown in the status before the process goes on; death comes before that.
async fn die_in_ensure<W: World>(stage: &mut Stage<W>, to: &DesiredLb) -> bool {
    let outcome = tokio::select! {
        biased;
        () = stage.world.crashed() => return true,
        result = stage.ask(to) => result.expect("ensure"),
    };
    stage.show(to, &outcome);
    false
}
