//! Interference with a running server: faults on chosen requests, cut or lagging watches, lost history, a
//! settable clock.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::watch;

use super::clock::Clock;
use super::engine::Engine;
use super::error::ApiError;
use super::journal::Call;
use super::request::Verb;

/// Which requests a fault hits; an empty matcher hits all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Matcher {
    verb: Option<Verb>,
    writes_only: bool,
    kind: Option<String>,
    namespace: Option<String>,
    name: Option<String>,
    subresource: Option<String>,
}

/// What happens to a request that is hit.
#[derive(Debug, Clone, PartialEq)]
pub enum Fault {
    /// Nothing is done; the client gets the refusal.
    Refuse(ApiError),
    /// The request takes effect; the client gets the refusal.
    RefuseAfter(ApiError),
    /// Nothing is done; the connection breaks.
    Drop,
    /// The request takes effect; the connection breaks before the answer.
    DropAfter,
    /// The request is handled this much later.
    Delay(Duration),
    /// The request is handled at once, its answer held back this long.
    DelayAfter(Duration),
}

/// Counts how often an injected fault has struck; clones share the count.
#[derive(Debug, Clone)]
pub struct Strikes(Arc<AtomicU64>);

/// Handle on the interference of one server; clones share it.
#[derive(Clone)]
pub struct Hooks {
    rules: Arc<Mutex<Vec<Rule>>>,
    watches: watch::Sender<Cut>,
    engine: Arc<Engine>,
}

/// How often running watches were cut, by manner.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Cut {
    pub(crate) ended: u64,
    pub(crate) broken: u64,
}

#[derive(Debug)]
struct Rule {
    matcher: Matcher,
    fault: Fault,
    left: u64,
    strikes: Strikes,
}

impl Matcher {
    /// Every request for a resource.
    pub fn any() -> Self {
        Self::default()
    }

    /// Requests with this verb.
    pub fn verb(verb: Verb) -> Self {
        Self { verb: Some(verb), ..Self::default() }
    }

    /// Requests that ask for a change.
    pub fn writes() -> Self {
        Self { writes_only: true, ..Self::default() }
    }

    /// Narrows to a kind, e.g. `Service`.
    pub fn kind(self, kind: impl Into<String>) -> Self {
        Self { kind: Some(kind.into()), ..self }
    }

    /// Narrows to a namespace.
    pub fn namespace(self, namespace: impl Into<String>) -> Self {
        Self { namespace: Some(namespace.into()), ..self }
    }

    /// Narrows to an object's name.
    pub fn name(self, name: impl Into<String>) -> Self {
        Self { name: Some(name.into()), ..self }
    }

    /// Narrows to a subresource, e.g. `status`; "" is the main resource.
    pub fn subresource(self, subresource: impl Into<String>) -> Self {
        Self { subresource: Some(subresource.into()), ..self }
    }

    fn hits(&self, call: &Call) -> bool {
        let same = |wanted: &Option<String>, is: &str| wanted.as_deref().is_none_or(|w| w == is);
        self.verb.is_none_or(|v| v == call.verb)
            && (!self.writes_only || call.verb.is_write())
            && same(&self.kind, &call.kind)
            && same(&self.namespace, &call.namespace)
            && same(&self.name, &call.name)
            && same(&self.subresource, &call.subresource)
    }
}

impl Fault {
    /// 500, as etcd trouble shows.
    pub fn internal_error() -> Self {
        Self::Refuse(ApiError::new(500, "InternalError", "Internal error occurred: injected fault"))
    }

    /// 503, as a server that starts or stops.
    pub fn unavailable() -> Self {
        Self::Refuse(ApiError::new(
            503,
            "ServiceUnavailable",
            "the server is currently unable to handle the request",
        ))
    }

    /// 429 with `Retry-After` in seconds, as API priority and fairness gives it.
    pub fn too_many_requests(retry_after: u32) -> Self {
        Self::Refuse(ApiError {
            retry_after: Some(retry_after),
            ..ApiError::new(429, "TooManyRequests", "too many requests, please try again later")
        })
    }
}

impl Strikes {
    /// Requests hit so far.
    pub fn count(&self) -> u64 {
        self.0.load(Ordering::Acquire)
    }
}

impl Hooks {
    pub(crate) fn new(engine: Arc<Engine>) -> Self {
        Self { rules: Arc::default(), watches: watch::Sender::new(Cut::default()), engine }
    }

    /// Lets `fault` strike the next `times` requests that `matcher` hits. Of several faults on one request the
    /// oldest strikes alone.
    pub fn inject(&self, matcher: Matcher, fault: Fault, times: u64) -> Strikes {
        let strikes = Strikes(Arc::default());
        let rule = Rule { matcher, fault, left: times, strikes: strikes.clone() };
        self.rules.lock().unwrap_or_else(PoisonError::into_inner).push(rule);
        strikes
    }

    /// Takes back all faults that are left.
    pub fn clear(&self) {
        self.rules.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// Breaks the connection of every running watch.
    pub fn break_watches(&self) {
        self.watches.send_modify(|cut| cut.broken += 1);
    }

    /// Ends every running watch in good order, as at its timeout.
    pub fn end_watches(&self) {
        self.watches.send_modify(|cut| cut.ended += 1);
    }

    /// Forgets all history: a watch or page that resumes at an older resourceVersion gets 410.
    pub fn compact(&self) {
        self.engine.store.compact();
    }

    /// Lets watches of `kind`, e.g. `Service`, lag: what happens to its objects from now on is held back from all
    /// of them, bookmarks included, until [`release_watches`](Self::release_watches). A watch that starts in between is held
    /// too, one from the present state (no resourceVersion, or `sendInitialEvents`) with that state as well. Reads,
    /// lists and writes are not held: an informer that relists is up to date.
    ///
    /// Composes with the other hooks: a watch that is cut and resumes stays held, and one whose held events are
    /// [compacted](Self::compact) away, or pushed out of the history, gets 410 on release.
    ///
    /// # Errors
    /// 400 when no such kind is served (yet).
    pub fn hold_watches(&self, kind: &str) -> Result<(), ApiError> {
        let mut kinds = self.engine.kinds.distinct_tables();
        if kinds.iter().all(|served| served.kind != kind) {
            let names: BTreeSet<String> = kinds.into_iter().map(|served| served.kind.clone()).collect();
            let names = names.into_iter().collect::<Vec<_>>().join(", ");
            let message = format!("kind: {kind:?} is not served, expected one of {names}");
            return Err(ApiError::bad_request(message));
        }
        kinds.retain(|served| served.kind == kind);
        for held in kinds {
            self.engine.table(&held).hold();
        }
        Ok(())
    }

    /// Ends every hold: watches get what was held back from them, in order.
    pub fn release_watches(&self) {
        self.engine.store.release();
    }

    /// The server's clock.
    pub fn clock(&self) -> &Clock {
        &self.engine.clock
    }

    pub(crate) fn cuts(&self) -> watch::Receiver<Cut> {
        self.watches.subscribe()
    }

    /// The fault that strikes this call, now used up once more.
    pub(crate) fn strike(&self, call: &Call) -> Option<Fault> {
        let mut rules = self.rules.lock().unwrap_or_else(PoisonError::into_inner);
        let index = rules.iter().position(|rule| rule.left > 0 && rule.matcher.hits(call))?;
        let rule = &mut rules[index];
        rule.left -= 1;
        rule.strikes.0.fetch_add(1, Ordering::AcqRel);
        let fault = rule.fault.clone();
        if rule.left == 0 {
            rules.remove(index);
        }
        Some(fault)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::apiserver::options::Options;
    use rstest::rstest;

    fn call() -> Call {
        Call {
            verb: Verb::Patch,
            group: String::new(),
            kind: "Service".into(),
            plural: "services".into(),
            namespace: "ns".into(),
            name: "web".into(),
            subresource: "status".into(),
        }
    }

    #[rstest]
    #[case(Matcher::any(), true)]
    #[case(Matcher::writes(), true)]
    #[case(Matcher::verb(Verb::Patch).kind("Service").namespace("ns").name("web").subresource("status"), true)]
    #[case(Matcher::verb(Verb::Get), false)]
    #[case(Matcher::any().kind("Node"), false)]
    #[case(Matcher::any().namespace("other"), false)]
    #[case(Matcher::any().name("other"), false)]
    #[case(Matcher::any().subresource(""), false)]
    fn matches(#[case] matcher: Matcher, #[case] hits: bool) {
        assert_eq!(matcher.hits(&call()), hits);
    }

    #[test]
    fn faults_strike_in_order_and_run_out() {
        let engine = Engine::new(&Options::default(), Clock::default()).unwrap();
        let hooks = Hooks::new(Arc::new(engine));
        let first = hooks.inject(Matcher::any(), Fault::Drop, 2);
        let second = hooks.inject(Matcher::any(), Fault::DropAfter, 1);
        let struck: Vec<_> = (0..4).map(|_| hooks.strike(&call())).collect();
        assert_eq!(struck, [Some(Fault::Drop), Some(Fault::Drop), Some(Fault::DropAfter), None]);
        assert_eq!((first.count(), second.count()), (2, 1));
    }
}
