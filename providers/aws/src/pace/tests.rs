//! On paused time. What AWS would count is checked apart from the buckets: [`assert_within`] knows only the rule that
//! no window of time holds more requests than the burst and what the rate allows in it.

mod places;
mod throttling;

use std::sync::Arc;

use proptest::prelude::*;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use super::*;

type Log = Arc<Mutex<Vec<(Instant, Action)>>>;

const CREATE: Action = Action::CreateLoadBalancer;
const MODIFY: Action = Action::ModifyListener;

fn pacer() -> Arc<Pacer> {
    Arc::new(Pacer::new(&Limits::documented()))
}

fn seconds(of: u64) -> Duration {
    Duration::from_secs(of)
}

/// Fails if a window of time holds more requests than a bucket of this rate could have allowed.
fn assert_within(rate: Rate, sent: &[Instant]) {
    for (first, from) in sent.iter().enumerate() {
        for (last, to) in sent.iter().enumerate().skip(first) {
            let allowed = u128::from(rate.burst) + (*to - *from).as_nanos() / rate.interval.as_nanos();
            let count = last - first + 1;
            assert!(count as u128 <= allowed, "{count} requests in {:?}, {allowed} allowed", *to - *from);
        }
    }
}

/// Checks a log against the documented buckets, one after the other.
fn assert_kept(log: &[(Instant, Action)]) {
    let limits = Limits::documented();
    let of = |wanted: &dyn Fn(Action) -> bool| -> Vec<Instant> {
        log.iter().filter(|(_, action)| wanted(*action)).map(|(at, _)| *at).collect()
    };
    assert_within(limits.account().unwrap(), &of(&is_elb));
    for action in Action::ALL {
        let rate = limits.of(action.category()).unwrap();
        assert_within(rate, &of(&|other| Key::of(other) == Key::of(*action)));
    }
}

/// Asks until it is served, as a controller does that is told when to look again.
async fn served(pacer: &Pacer, action: Action, whom: &str) {
    while let Err(busy) = pacer.turn(action, whom).await {
        sleep(busy.poll).await;
    }
}

#[tokio::test(start_paused = true)]
async fn without_limits_nobody_waits() {
    let (pacer, begun) = (Pacer::new(&Limits::none()), Instant::now());
    for number in 0..1_000 {
        pacer.throttled(CREATE);
        assert_eq!(pacer.turn(CREATE, &number.to_string()).await, Ok(Duration::ZERO));
    }
    assert_eq!(begun.elapsed(), Duration::ZERO);
}

#[rstest::rstest]
#[case(Action::RegisterTargets, 20, Duration::from_millis(250))]
#[case(Action::ModifyListener, 20, Duration::from_millis(334))]
#[case(Action::DescribeTags, 40, Duration::from_millis(100))]
#[case(Action::AuthorizeSecurityGroupIngress, 50, Duration::from_millis(200))]
#[case(Action::DescribeSubnets, 100, Duration::from_millis(50))]
#[tokio::test(start_paused = true)]
async fn a_burst_goes_at_once_and_then_the_rate_holds(
    #[case] action: Action,
    #[case] burst: u32,
    #[case] interval: Duration,
) {
    let (pacer, begun) = (pacer(), Instant::now());
    for _ in 0..burst {
        pacer.turn(action, "one").await.unwrap();
    }
    assert_eq!(begun.elapsed(), Duration::ZERO);
    for _ in 0..100 {
        pacer.turn(action, "one").await.unwrap();
    }
    assert_eq!(begun.elapsed(), interval * 100);
}

#[tokio::test(start_paused = true)]
async fn the_account_has_a_bucket_of_its_own() {
    let (pacer, begun) = (pacer(), Instant::now());
    for number in 0..60 {
        let action = [Action::RegisterTargets, MODIFY, Action::DescribeTags][number % 3];
        pacer.turn(action, "one").await.unwrap();
    }
    // Each category has a burst of 20 or more; the account has 40, and 10 each second.
    assert_eq!(begun.elapsed(), seconds(2));
}

#[tokio::test(start_paused = true)]
async fn actions_of_ec2_do_not_share() {
    let (pacer, begun) = (pacer(), Instant::now());
    for _ in 0..50 {
        pacer.turn(Action::AuthorizeSecurityGroupIngress, "one").await.unwrap();
        pacer.turn(Action::RevokeSecurityGroupIngress, "one").await.unwrap();
        pacer.turn(Action::CreateSecurityGroup, "one").await.unwrap();
    }
    assert_eq!(begun.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn waiters_are_served_in_order_and_one_that_gives_up_costs_nobody_a_turn() {
    let (pacer, begun, order) = (pacer(), Instant::now(), Arc::new(Mutex::new(Vec::new())));
    let mut waiters = JoinSet::new();
    for number in 0..60_u32 {
        let (pacer, order) = (Arc::clone(&pacer), Arc::clone(&order));
        waiters.spawn(async move {
            let patience = if number % 2 == 0 { Duration::from_millis(10) } else { seconds(60) };
            if timeout(patience, pacer.turn(MODIFY, "one")).await.is_ok() {
                order.lock().unwrap().push(number);
            }
        });
    }
    waiters.join_all().await;
    let served = order.lock().unwrap().clone();
    let expected: Vec<u32> = (0..20).chain((20..60).filter(|number| number % 2 == 1)).collect();
    assert_eq!(served, expected);
    assert_eq!(begun.elapsed(), Duration::from_millis(334) * 20);
}

#[tokio::test(start_paused = true)]
async fn a_long_queue_for_one_action_holds_up_no_other_of_its_category() {
    let (pacer, mut crowd) = (pacer(), JoinSet::new());
    for number in 0..100 {
        let pacer = Arc::clone(&pacer);
        crowd.spawn(async move { served(&pacer, Action::CreateTargetGroup, &number.to_string()).await });
    }
    sleep(seconds(1)).await;
    let mut longest = Duration::ZERO;
    for action in [MODIFY, Action::AddTags, Action::ModifyLoadBalancerAttributes] {
        longest = longest.max(pacer.turn(action, "small update").await.unwrap());
    }
    assert!(longest <= Duration::from_millis(2 * 334), "{longest:?}");
    let begun = Instant::now();
    crowd.join_all().await;
    assert!(begun.elapsed() < seconds(28), "{:?}", begun.elapsed());
}

#[tokio::test(start_paused = true)]
async fn who_changes_something_does_not_wait_for_all_who_make_something_new() {
    let (pacer, mut crowd) = (pacer(), JoinSet::new());
    for number in 0..100 {
        let pacer = Arc::clone(&pacer);
        crowd.spawn(async move {
            let whom = number.to_string();
            let asker = super::Asker { whom: &whom, is_new: true };
            while let Err(busy) = pacer.turn(Action::CreateTargetGroup, asker).await {
                sleep(busy.poll).await;
            }
        });
    }
    sleep(seconds(1)).await;
    let mut longest = Duration::ZERO;
    for _ in 0..20 {
        longest = longest.max(pacer.turn(Action::CreateTargetGroup, "a port more").await.unwrap());
    }
    assert!(longest <= Duration::from_millis(2 * 334), "{longest:?}");
    // Nor the other way round.
    assert!(crowd.len() > 50, "{}", crowd.len());
    let begun = Instant::now();
    crowd.join_all().await;
    assert!(begun.elapsed() < seconds(28), "{:?}", begun.elapsed());
}

#[tokio::test(start_paused = true)]
async fn nobody_slips_in_before_a_waiter() {
    let (pacer, order, mut all) = (pacer(), Arc::new(Mutex::new(Vec::new())), JoinSet::new());
    for _ in 0..20 {
        pacer.turn(MODIFY, "one").await.unwrap();
    }
    // Two ask at the very moment at which the token for the waiter is there.
    for (name, at) in [("early", 334), ("waiter", 0), ("late", 334)] {
        let (pacer, order) = (Arc::clone(&pacer), Arc::clone(&order));
        all.spawn(async move {
            sleep(Duration::from_millis(at)).await;
            pacer.turn(MODIFY, name).await.unwrap();
            order.lock().unwrap().push(name);
        });
    }
    all.join_all().await;
    assert_eq!(order.lock().unwrap().first(), Some(&"waiter"));
}

#[tokio::test(start_paused = true)]
async fn a_thousand_creations_take_their_time_and_hold_up_nobody() {
    let (pacer, begun, log) = (pacer(), Instant::now(), Log::default());
    let (mut creations, mut others) = (JoinSet::new(), JoinSet::new());
    for number in 0..1_000_usize {
        let (pacer, log) = (Arc::clone(&pacer), Arc::clone(&log));
        creations.spawn(async move {
            served(&pacer, CREATE, &format!("lb-{number}")).await;
            log.lock().unwrap().push((Instant::now(), CREATE));
            number
        });
    }
    for reader in 0..5 {
        let pacer = Arc::clone(&pacer);
        others.spawn(async move {
            loop {
                pacer.turn(Action::DescribeTags, &format!("reader-{reader}")).await.unwrap();
            }
        });
    }
    let longest = Arc::new(Mutex::new(Duration::ZERO));
    for action in [MODIFY, Action::RegisterTargets, Action::AuthorizeSecurityGroupIngress] {
        others.spawn(small_updates(Arc::clone(&pacer), action, Arc::clone(&longest)));
    }
    let mut order = Vec::new();
    while let Some(number) = creations.join_next().await {
        order.push(number.unwrap());
    }
    others.shutdown().await;
    // (1000 - 10) / 0.2 per second, and the wait for the account's token, which the readers use up.
    let took = begun.elapsed();
    assert!(took >= seconds(4_950) && took < seconds(4_951), "{took:?}");
    assert!(order.is_sorted(), "{order:?}");
    assert!(*longest.lock().unwrap() < seconds(1), "{longest:?}");
    let log: Vec<_> = log.lock().unwrap().iter().map(|(at, _)| *at).collect();
    assert_within(Limits::documented().of(CREATE.category()).unwrap(), &log);
}

/// Sends such a request every half second, and notes the longest wait.
async fn small_updates(pacer: Arc<Pacer>, action: Action, longest: Arc<Mutex<Duration>>) {
    loop {
        let waited = pacer.turn(action, "small update").await.unwrap();
        {
            let mut longest = longest.lock().unwrap();
            *longest = waited.max(*longest);
        }
        sleep(Duration::from_millis(500)).await;
    }
}

/// One who asks: when, what, how long it waits before it gives up, and whether AWS then answers with throttling.
type Asker = (u64, usize, u16, bool);

/// Crowds within two seconds, half a minute apart, with few actions: they get into each other's way.
fn askers() -> impl Strategy<Value = Vec<Asker>> {
    let at = (0..3_u64, 0..2_000_u64).prop_map(|(crowd, after)| crowd * 30_000 + after);
    proptest::collection::vec((at, 0..6_usize, 1..40_000_u16, proptest::bool::weighted(0.02)), 1..500)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn no_bucket_is_ever_overdrawn(askers in askers()) {
        const SOME: [Action; 6] =
            [CREATE, Action::SetSubnets, MODIFY, Action::RegisterTargets, Action::DescribeTags, Action::CreateTags];
        let runtime =
            tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        let log = runtime.block_on(async {
            let (pacer, log, mut all) = (pacer(), Log::default(), JoinSet::new());
            for (number, (at, action, patience, throttled)) in askers.into_iter().enumerate() {
                let (pacer, log, action) = (Arc::clone(&pacer), Arc::clone(&log), SOME[action]);
                all.spawn(async move {
                    sleep(Duration::from_millis(at)).await;
                    let whom = number.to_string();
                    let turn = served(&pacer, action, &whom);
                    if timeout(Duration::from_millis(patience.into()), turn).await.is_ok() {
                        log.lock().unwrap().push((Instant::now(), action));
                        if throttled {
                            pacer.throttled(action);
                        }
                    }
                });
            }
            all.join_all().await;
            log
        });
        assert_kept(&log.lock().unwrap());
    }
}
