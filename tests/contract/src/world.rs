//! What a provider brings to the suite.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use landfall_core::error::ErrorClass;
use landfall_core::ids::LbId;
use landfall_core::model::{DesiredLb, IpMode, Member};
use landfall_core::net::IpFamily;
use landfall_core::params::ClassParams;
use landfall_core::pools::Holding;
use landfall_core::provider::Provider;

use crate::expect::View;

/// A place in which a provider works.
///
/// The methods with a default describe a world in which nothing lies outside the process: no calls, no objects,
/// no strangers. A provider whose capabilities claim external state must override them; the suite checks that.
#[async_trait]
pub trait World: Send + Sync + Sized {
    /// An empty world in which nothing takes longer than [`Self::settle`] waits.
    async fn new() -> Self;

    /// Starts a process: a provider that knows nothing but what lies in the world and what the statuses of the
    /// Services show.
    async fn start(&self, statuses: &[Holding]) -> Arc<dyn Provider>;

    /// The wish on what this world has: nodes with the provider ids of its machines.
    fn localise(&self, desired: &DesiredLb) -> DesiredLb {
        desired.clone()
    }

    /// A change to a member that takes another load balancer, if the provider has any such.
    fn replacing(&self, mut member: Member) -> Member {
        member.ip_mode = Some(IpMode::Proxy);
        member
    }

    /// What is in the world that the provider answers for: one line per thing with all that it is set to, but
    /// without addresses. Empty if everything was released.
    async fn picture(&self) -> Vec<String>;

    /// Two different addresses of a family that a Service may ask for, and that nobody has.
    fn free_addresses(&self, family: IpFamily) -> [IpAddr; 2];

    /// Class parameters that the provider takes, other than the defaults, under which [`Self::free_addresses`] stay
    /// usable. None for a provider that has no parameters: it must then refuse all.
    fn class_params(&self) -> Vec<ClassParams> {
        Vec::new()
    }

    /// At least two mistakes that a Service can make, independent of each other; each about another field.
    fn mistakes(&self) -> Vec<Mistake>;

    /// Lets everything that is under way finish.
    async fn settle(&self) {}

    /// Makes new load balancers take that long; `false` if in this world they never take any time.
    fn slow_down(&self, _provisioning: Duration) -> bool {
        false
    }

    /// Into how many pools a load balancer with two ports puts its targets.
    fn pools(&self) -> usize {
        2
    }

    /// For how many seconds a client stays on its target in this world, if so many are asked for.
    fn affinity(&self, seconds: u32) -> u32 {
        seconds
    }

    /// Calls so far; `None` if the provider makes none.
    fn traffic(&self) -> Option<Traffic> {
        None
    }

    /// How far apart the calls of a way are that one kind of fault is tried at. Each call, but in a world whose time is
    /// real and short; there, kinds of faults start at different calls.
    fn apart(&self) -> usize {
        1
    }

    /// Classes of errors that the `n`-th call of a way is tried with. All of them, but in a world whose time is real and
    /// short.
    fn classes(&self, _n: usize) -> Vec<ErrorClass> {
        ErrorClass::examples().to_vec()
    }

    /// As what class the failure is told that was planned last. As its own, but where what Rejected blames is nothing
    /// that a user wrote.
    fn told_as(&self, class: ErrorClass) -> ErrorClass {
        class
    }

    /// Whether what served stays while a wish has no nodes, although a new world without nodes lacks it.
    fn keeps_without_nodes(&self) -> bool {
        false
    }

    /// Plans a fault for the `n`-th call from now, counted from 1.
    fn disturb(&self, _n: usize, _fault: Fault) {}

    /// Forgets faults that have not happened yet.
    fn calm(&self) {}

    /// Resolves when a call has met [`Fault::Crash`].
    async fn crashed(&self) {
        std::future::pending::<()>().await;
    }

    /// A load balancer that was asked for, as its clients and a look into the world see it; `None` if nothing lies
    /// outside the process.
    async fn view(&self, _id: &LbId) -> Option<View> {
        None
    }

    /// Names that still take traffic although the provider has sent clients elsewhere, because those may not know it yet:
    /// whatever the provider has marked in the world as such, and nothing else.
    async fn leaving(&self, _id: &LbId) -> BTreeSet<String> {
        BTreeSet::new()
    }

    /// Lets the time pass that what is [`leaving`](Self::leaving) may stay.
    async fn outlast(&self) {}

    /// Kinds of damage that others can do to a load balancer past the provider.
    fn damages(&self) -> Vec<&'static str> {
        Vec::new()
    }

    /// Does one kind of damage. Answers whether the address may be lost by it.
    async fn damage(&self, _what: &str) -> bool {
        false
    }

    /// Lets so much time pass that a provider that does not look at everything all the time has noticed the damage.
    async fn let_damage_show(&self) {}

    /// Kinds of objects of strangers that can be in the way of a load balancer.
    fn obstacles(&self) -> Vec<&'static str> {
        Vec::new()
    }

    /// Puts an object of a stranger in the way of this wish. Answers its name.
    async fn obstruct(&self, _what: &str, _desired: &DesiredLb) -> String {
        String::new()
    }

    /// The objects of strangers as they are now.
    async fn strangers(&self) -> Vec<String> {
        Vec::new()
    }

    /// The strangers take their objects away.
    async fn clear_strangers(&self) {}

    /// A process of another cluster on the same world, if worlds can be shared.
    async fn other_cluster(&self) -> Option<Arc<dyn Provider>> {
        None
    }
}

/// Turns a Service that can be served into one that cannot.
pub type Mistake = fn(Member) -> Member;

/// Number of calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Traffic {
    /// All calls.
    pub calls: usize,
    /// Those that change something.
    pub writes: usize,
    /// Those that add targets, or take some away.
    pub target_writes: usize,
}

/// What goes wrong at one call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// It has no effect and is answered by an error of that class.
    Class(ErrorClass),
    /// It takes effect, and the answer is lost.
    LostAnswer,
    /// It takes effect, and the process dies before the answer arrives.
    Crash,
}
