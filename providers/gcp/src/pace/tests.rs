//! On paused time. What Google counts is checked apart from the buckets: no minute holds more than the documented number.

use std::sync::Arc;

use proptest::prelude::*;
use rstest::rstest;
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::*;
use crate::api::{Place as Where, Scope, Verb};

/// Requests per minute and group.
const DOCUMENTED: usize = 1_500;

fn pacer() -> Arc<Pacer> {
    Arc::new(Pacer::new(&Limits::documented()))
}

fn assert_kept(sent: &[Instant]) {
    for (first, from) in sent.iter().enumerate() {
        let count = sent[first..].iter().take_while(|at| **at < *from + Duration::from_mins(1)).count();
        assert!(count <= DOCUMENTED, "{count} requests in a minute");
    }
}

#[rstest]
#[case(Verb::List, Scope::Global, Group::List)]
#[case(Verb::ListEndpoints, Scope::Zone("z".to_owned()), Group::List)]
#[case(Verb::Get, Scope::Global, Group::Read)]
#[case(Verb::GetHealth, Scope::Region("r".to_owned()), Group::Read)]
#[case(Verb::GetOperation, Scope::Global, Group::OperationRead)]
#[case(Verb::Insert, Scope::Region("r".to_owned()), Group::Mutation)]
#[case(Verb::AttachEndpoints, Scope::Zone("z".to_owned()), Group::Mutation)]
#[case(Verb::Patch, Scope::Global, Group::GlobalMutation)]
fn methods_have_groups(#[case] verb: Verb, #[case] scope: Scope, #[case] group: Group) {
    let place = Where { project: "p".to_owned(), scope };
    assert_eq!(Group::of(verb, &place.scope), group);
}

#[tokio::test(start_paused = true)]
async fn without_limits_nobody_waits() {
    let (pacer, begun) = (Pacer::new(&Limits::none()), Instant::now());
    for _ in 0..1_000 {
        pacer.throttled(Group::Read);
        assert_eq!(pacer.turn(Group::Read).await, Ok(Duration::ZERO));
    }
    assert_eq!(begun.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn a_burst_goes_at_once_and_then_the_rate_holds() {
    let (pacer, begun, mut sent) = (pacer(), Instant::now(), Vec::new());
    for number in 0..4_000 {
        pacer.turn(Group::List).await.unwrap();
        sent.push(Instant::now());
        assert_eq!(number < 100, begun.elapsed().is_zero(), "{number}");
    }
    assert_kept(&sent);
    // All but the burst, one each 43 ms; the timer rounds up.
    let took = begun.elapsed();
    let exact = Duration::from_millis(43) * 3_900;
    assert!(took >= exact && took < exact * 11 / 10, "{took:?}");
    assert_eq!(pacer.turn(Group::Read).await, Ok(Duration::ZERO), "other groups are not held up");
}

#[tokio::test(start_paused = true)]
async fn waiters_are_served_in_the_order_in_which_they_came() {
    let (pacer, order) = (pacer(), Arc::new(Mutex::new(Vec::new())));
    let mut all = JoinSet::new();
    for number in 0..300 {
        let (pacer, order) = (Arc::clone(&pacer), Arc::clone(&order));
        all.spawn(async move {
            pacer.turn(Group::Mutation).await.unwrap();
            order.lock().unwrap().push(number);
        });
    }
    all.join_all().await;
    assert_eq!(*order.lock().unwrap(), (0..300).collect::<Vec<_>>());
}

#[tokio::test(start_paused = true)]
async fn who_would_wait_too_long_is_sent_away_at_once_with_the_time_to_come_back() {
    let (pacer, mut all) = (pacer(), JoinSet::new());
    for _ in 0..1_000 {
        let pacer = Arc::clone(&pacer);
        all.spawn(async move {
            let begun = Instant::now();
            (pacer.turn(Group::Mutation).await, begun.elapsed())
        });
    }
    let (mut served, mut busy) = (0, Vec::new());
    for (answer, took) in all.join_all().await {
        match answer {
            Ok(waited) => {
                assert!(waited <= PATIENCE, "{waited:?}");
                served += 1;
            }
            Err(away) => {
                assert_eq!(took, Duration::ZERO);
                busy.push(away);
            }
        }
    }
    // 100 at once, and one each 43 ms for 20 s; those behind them are told apart by nothing.
    assert_eq!(served, 565);
    assert_eq!(busy.len(), 435);
    assert!(busy.iter().all(|away| away.poll > PATIENCE && away.poll < PATIENCE * 2), "{busy:?}");
}

#[tokio::test(start_paused = true)]
async fn a_cut_of_the_rate_does_not_make_anybody_wait_longer() {
    let (pacer, mut all) = (pacer(), JoinSet::new());
    for _ in 0..500 {
        let pacer = Arc::clone(&pacer);
        all.spawn(async move {
            let begun = Instant::now();
            (pacer.turn(Group::Mutation).await, begun.elapsed())
        });
    }
    for _ in 0..4 {
        sleep(Duration::from_secs(2)).await;
        pacer.throttled(Group::Mutation);
    }
    let answers = all.join_all().await;
    assert!(answers.iter().all(|(_, took)| *took <= PATIENCE + TICK));
    assert!(answers.iter().any(|(answer, _)| answer.is_err()));
    assert!(pacer.turn(Group::Mutation).await.is_ok(), "who gave up does not count as waiting");
}

#[tokio::test(start_paused = true)]
async fn a_dropped_waiter_takes_no_token() {
    let pacer = pacer();
    for _ in 0..100 {
        pacer.turn(Group::Read).await.unwrap();
    }
    timeout(Duration::from_millis(20), pacer.turn(Group::Read)).await.unwrap_err();
    let waited = pacer.turn(Group::Read).await.unwrap();
    assert!(waited <= Duration::from_millis(24), "{waited:?}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn no_minute_holds_more_than_the_quota(
        askers in proptest::collection::vec((0..100_000_u64, 1..25_000_u64, proptest::bool::weighted(0.01)), 1..4_000)
    ) {
        let runtime =
            tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        let sent = runtime.block_on(async {
            let (pacer, sent, mut all) = (pacer(), Arc::new(Mutex::new(Vec::new())), JoinSet::new());
            for (at, patience, throttled) in askers {
                let (pacer, sent) = (Arc::clone(&pacer), Arc::clone(&sent));
                all.spawn(async move {
                    sleep(Duration::from_millis(at)).await;
                    let turn = timeout(Duration::from_millis(patience), pacer.turn(Group::Mutation)).await;
                    if let Ok(Ok(_)) = turn {
                        sent.lock().unwrap().push(Instant::now());
                        if throttled {
                            pacer.throttled(Group::Mutation);
                        }
                    }
                });
            }
            all.join_all().await;
            sent
        });
        assert_kept(&sent.lock().unwrap());
    }
}
