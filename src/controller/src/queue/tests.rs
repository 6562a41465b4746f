use super::*;
use proptest::prelude::*;
use std::collections::HashSet;
use tokio::time::timeout;

const SECOND: Duration = Duration::from_secs(1);

fn change() -> Due {
    Due::new(Lane::Change)
}

async fn next(queue: &Queue<&'static str>) -> Option<&'static str> {
    timeout(Duration::from_millis(1), queue.take()).await.ok().map(|taken| taken.key)
}

#[tokio::test(start_paused = true)]
async fn a_key_is_handed_out_once_and_again_if_it_changed_meanwhile() {
    let queue = Queue::default();
    queue.add("a", change());
    queue.add("a", change());
    assert_eq!(next(&queue).await, Some("a"));
    queue.add("a", change());
    assert_eq!(next(&queue).await, None, "it is still being looked at");
    queue.done(&"a");
    assert_eq!(next(&queue).await, Some("a"));
    queue.done(&"a");
    assert_eq!(next(&queue).await, None);
    assert!(queue.lock().entries.is_empty(), "nothing is remembered about an idle key");
}

#[tokio::test(start_paused = true)]
async fn lanes_take_turns() {
    let queue = Queue::default();
    for key in ["n1", "n2", "n3"] {
        queue.add(key, Due::new(Lane::New));
    }
    queue.add("s1", Due::new(Lane::Sweep));
    queue.add("c1", change());
    let mut order = Vec::new();
    while let Some(key) = next(&queue).await {
        order.push(key);
    }
    assert_eq!(order, ["c1", "n1", "s1", "n2", "n3"]);
}

#[tokio::test(start_paused = true)]
async fn a_change_lifts_a_key_out_of_the_sweep() {
    let queue = Queue::default();
    queue.add("a", Due::forced(Lane::Sweep));
    queue.add("a", change());
    let taken = queue.take().await;
    assert_eq!(taken.due, Due::forced(Lane::Change), "the stronger of both wishes");
    assert_eq!(taken.depth, 0);
}

#[tokio::test(start_paused = true)]
async fn the_earliest_appointment_counts_and_is_kept_beside_an_immediate_one() {
    let queue = Queue::default();
    queue.add_after("a", Due::forced(Lane::Sweep), SECOND * 60);
    queue.add_after("a", change(), SECOND);
    queue.add_after("a", change(), SECOND * 30);
    assert_eq!(next(&queue).await, None);
    tokio::time::advance(SECOND).await;
    let taken = queue.take().await;
    assert_eq!((taken.key, taken.due), ("a", Due::forced(Lane::Change)));
    queue.done(&"a");
    tokio::time::advance(SECOND * 100).await;
    assert_eq!(next(&queue).await, None, "one appointment per key");

    queue.add_after("b", change(), SECOND);
    queue.add("b", change());
    assert_eq!(next(&queue).await, Some("b"));
    queue.done(&"b");
    tokio::time::advance(SECOND).await;
    assert_eq!(next(&queue).await, Some("b"));
}

#[tokio::test(start_paused = true)]
async fn a_waiting_worker_wakes_up_for_a_timer() {
    let queue = std::sync::Arc::new(Queue::default());
    let waiting = tokio::spawn({
        let queue = std::sync::Arc::clone(&queue);
        async move { queue.take().await }
    });
    tokio::task::yield_now().await;
    queue.add_after("a", change(), SECOND * 5);
    let taken = waiting.await.unwrap();
    assert_eq!(taken.key, "a");
    assert!(taken.waited < SECOND);
}

#[tokio::test(start_paused = true)]
async fn a_reset_queue_is_as_good_as_new() {
    let queue = Queue::default();
    queue.add("a", change());
    assert_eq!(next(&queue).await, Some("a"));
    queue.add("b", change());
    queue.add_after("c", change(), SECOND);
    queue.reset();
    tokio::time::advance(SECOND * 2).await;
    assert_eq!(next(&queue).await, None);
    queue.add("a", change());
    assert_eq!(next(&queue).await, Some("a"), "what was handed out before does not count");
}

#[derive(Debug, Clone)]
enum Op {
    Add(u8, u8),
    After(u8, u8),
    Take,
    Done(u8),
    Wait(u8),
}

fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        (0..6u8, 0..3u8).prop_map(|(key, lane)| Op::Add(key, lane)),
        (0..6u8, 0..20u8).prop_map(|(key, delay)| Op::After(key, delay)),
        Just(Op::Take),
        (0..6u8).prop_map(Op::Done),
        (0..20u8).prop_map(Op::Wait),
    ]
}

proptest! {
    /// Whatever happens in whatever order: no key runs twice at a time, and everything added is handed out in the end.
    #[test]
    fn nothing_runs_twice_and_nothing_is_lost(ops in proptest::collection::vec(op(), 0..80)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        runtime.block_on(async {
            let queue: Queue<u8> = Queue::default();
            let (mut running, mut owed) = (HashSet::new(), HashSet::new());
            for op in ops {
                match op {
                    Op::Add(key, lane) => {
                        queue.add(key, Due::new(LANES[usize::from(lane)]));
                        owed.insert(key);
                    }
                    Op::After(key, delay) => {
                        queue.add_after(key, Due::new(Lane::Sweep), Duration::from_secs(u64::from(delay)));
                        owed.insert(key);
                    }
                    Op::Take => {
                        if let Ok(taken) = timeout(Duration::from_millis(1), queue.take()).await {
                            assert!(running.insert(taken.key), "{} runs twice", taken.key);
                            owed.remove(&taken.key);
                        }
                    }
                    Op::Done(key) => {
                        if running.remove(&key) {
                            queue.done(&key);
                        }
                    }
                    Op::Wait(seconds) => tokio::time::advance(Duration::from_secs(u64::from(seconds))).await,
                }
            }
            for key in running.drain() {
                queue.done(&key);
            }
            tokio::time::advance(Duration::from_mins(1)).await;
            while let Ok(taken) = timeout(Duration::from_millis(1), queue.take()).await {
                owed.remove(&taken.key);
                queue.done(&taken.key);
            }
            assert!(owed.is_empty(), "{owed:?} were never handed out");
            assert!(queue.lock().entries.is_empty());
        });
    }
}
