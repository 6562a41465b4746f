//! Random schedules: whatever happens to calls, processes and the Lease itself, never two good claims at one instant,
//! and one leader again once the world is well.

use std::sync::{Arc, Mutex};

use proptest::collection::vec;
use proptest::prelude::*;
use tokio::sync::watch;

use super::fake::End;
use super::*;

const NAMES: [&str; 3] = ["a", "b", "c"];
/// Until then the world is broken.
const STORM: u64 = 90;
/// Then it is well for this long: the latest write that was on its way arrives after 30 s, and is waited out.
const CALM: u64 = 60;
/// Between two looks at the claims.
const LOOK: Duration = Duration::from_millis(100);

#[derive(Clone, Debug)]
enum Event {
    Cut(usize),
    Join(usize),
    Crash(usize),
    Release(usize),
    Delete,
}

#[derive(Clone, Debug)]
struct Schedule {
    /// Seconds at which the contenders start.
    starts: Vec<Option<u64>>,
    /// What happens to their calls.
    fates: Vec<Vec<Fate>>,
    /// What else happens, by second.
    events: Vec<(u64, Event)>,
}

fn fate() -> impl Strategy<Value = Fate> {
    let end = prop_oneof![
        6 => Just(End::Answered),
        2 => Just(End::AnswerLost),
        1 => Just(End::RequestLost),
        1 => Just(End::Refused),
    ];
    // Mostly quick, at times slower than an attempt, a claim or a lease.
    let delay = || prop_oneof![4 => 1..500_u64, 2 => 500..6_000_u64, 1 => 6_000..30_000_u64];
    (delay(), delay(), end).prop_map(|(there, back, end)| Fate {
        there: millis(there),
        back: millis(back),
        end,
    })
}

fn schedule(event: impl Strategy<Value = Event>, latest_start: u64) -> impl Strategy<Value = Schedule> {
    let starts = vec((0..=latest_start).prop_map(Some), NAMES.len());
    let fates = vec(vec(fate(), 0..40), NAMES.len());
    let events = vec((10..STORM, event), 0..14);
    (starts, fates, events).prop_map(|(starts, fates, mut events)| {
        events.sort_by_key(|(second, _)| *second);
        Schedule { starts, fates, events }
    })
}

fn life() -> impl Strategy<Value = Event> {
    let who = || 0..NAMES.len();
    prop_oneof![
        who().prop_map(Event::Cut),
        who().prop_map(Event::Join),
        who().prop_map(Event::Crash),
        who().prop_map(Event::Release),
    ]
}

fn cuts() -> impl Strategy<Value = Event> {
    let who = || 0..NAMES.len();
    prop_oneof![who().prop_map(Event::Cut), who().prop_map(Event::Join)]
}

/// Every claim that was ever given out, with its holder.
type Claims = Arc<Mutex<Vec<(String, Claim)>>>;

async fn collect(name: String, mut leadership: watch::Receiver<Leadership>, claims: Claims) {
    loop {
        let state = leadership.borrow_and_update().clone();
        if let Leadership::Leading(claim) = state {
            claims.lock().unwrap().push((name.clone(), claim));
        }
        if leadership.changed().await.is_err() {
            return;
        }
    }
}

struct World {
    server: Server,
    claims: Claims,
    contenders: Vec<Option<Contender>>,
    starts: u32,
}

impl World {
    fn new() -> Self {
        let contenders = NAMES.iter().map(|_| None).collect();
        Self { server: Server::default(), claims: Claims::default(), contenders, starts: 0 }
    }

    /// Each start has an identity of its own, as a restarted process has.
    fn start(&mut self, who: usize, fates: &[Fate]) {
        self.starts += 1;
        let name = format!("{}_{}", NAMES[who], self.starts);
        let contender = Contender::join(&self.server, &name);
        contender.line.script(fates.iter().copied());
        tokio::spawn(collect(name, contender.leadership.clone(), Arc::clone(&self.claims)));
        self.contenders[who] = Some(contender);
    }

    fn happen(&mut self, event: &Event) {
        match *event {
            Event::Cut(who) => self.set_line(who, true),
            Event::Join(who) if self.contenders[who].is_none() => self.start(who, &[]),
            Event::Join(who) => self.set_line(who, false),
            Event::Crash(who) => self.contenders[who] = None,
            Event::Release(who) => {
                if let Some(contender) = self.contenders[who].take() {
                    tokio::spawn(contender.release());
                }
            }
            Event::Delete => self.server.delete(),
        }
    }

    fn set_line(&self, who: usize, cut: bool) {
        if let Some(contender) = &self.contenders[who] {
            contender.line.cut(cut);
        }
    }

    /// Everybody is there, and calls go through.
    fn heal(&mut self) {
        for who in 0..NAMES.len() {
            self.happen(&Event::Join(who));
            if let Some(contender) = &self.contenders[who] {
                contender.line.clear();
            }
        }
    }

    fn good_claims(&self) -> Vec<String> {
        let claims = self.claims.lock().unwrap();
        claims.iter().filter(|(_, claim)| claim.check().is_ok()).map(|(name, _)| name.clone()).collect()
    }
}

/// Plays a schedule. Tells at which virtual moment two claims were good, or that nobody led in the end.
async fn play(schedule: Schedule) -> Result<(), String> {
    let mut world = World::new();
    let started = Instant::now();
    let (mut starts, mut events) = (schedule.starts.clone(), schedule.events.into_iter().peekable());
    while started.elapsed() < secs(STORM + CALM) {
        let second = started.elapsed().as_secs();
        for (who, start) in starts.iter_mut().enumerate() {
            if start.is_some_and(|at| at <= second) {
                *start = None;
                world.start(who, &schedule.fates[who]);
            }
        }
        while let Some((_, event)) = events.next_if(|(at, _)| *at <= second) {
            world.happen(&event);
        }
        if second == STORM {
            world.heal();
        }
        let good = world.good_claims();
        if good.len() > 1 {
            return Err(format!("{good:?} at {:?}", started.elapsed()));
        }
        sleep(LOOK).await;
    }
    let leaders = world.good_claims();
    if leaders.len() == 1 { Ok(()) } else { Err(format!("leaders after the calm: {leaders:?}")) }
}

fn run(schedule: Schedule) -> Result<(), TestCaseError> {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
    runtime.block_on(play(schedule)).map_err(TestCaseError::fail)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(96) })]

    #[test]
    fn never_two_claims_with_restarts(schedule in schedule(life(), 30)) {
        run(schedule)?;
    }

    /// All contenders have seen the lease before it is deleted: see the exception in the docs of the module.
    #[test]
    fn never_two_claims_with_a_deletion(mut schedule in schedule(cuts(), 0), deleted in 10..STORM) {
        for fates in &mut schedule.fates {
            fates.splice(0..0, [Fate::default(); 4]);
        }
        let before = schedule.events.partition_point(|(second, _)| *second < deleted);
        schedule.events.insert(before, (deleted, Event::Delete));
        run(schedule)?;
    }
}
