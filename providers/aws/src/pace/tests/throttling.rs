//! Answers that there were too many requests.

use super::*;

#[tokio::test(start_paused = true)]
async fn a_throttling_answer_reaches_who_waits_for_the_account_only() {
    let (pacer, begun) = (pacer(), Instant::now());
    for _ in 0..40 {
        pacer.turn(Action::DescribeTags, "one").await.unwrap();
    }
    let waiter = {
        let pacer = Arc::clone(&pacer);
        tokio::spawn(async move { pacer.turn(Action::RegisterTargets, "two").await })
    };
    sleep(Duration::from_millis(50)).await;
    pacer.throttled(Action::RegisterTargets);
    waiter.await.unwrap().unwrap();
    assert_eq!(begun.elapsed(), Duration::from_millis(50 + 500));
}

#[tokio::test(start_paused = true)]
async fn a_throttling_answer_halves_the_rate_and_it_recovers() {
    let pacer = pacer();
    pacer.throttled(MODIFY);
    pacer.throttled(MODIFY);
    let begun = Instant::now();
    for _ in 0..10 {
        pacer.turn(MODIFY, "one").await.unwrap();
    }
    assert_eq!(begun.elapsed(), Duration::from_millis(668) * 10, "two answers of one moment count once");
    // 5 % of the rate come back every 10 s.
    sleep(seconds(100)).await;
    for _ in 0..20 {
        pacer.turn(MODIFY, "one").await.unwrap();
    }
    let begun = Instant::now();
    pacer.turn(MODIFY, "one").await.unwrap();
    assert_eq!(begun.elapsed(), Duration::from_millis(334));
    // Another category never noticed.
    pacer.throttled(MODIFY);
    assert_eq!(pacer.turn(Action::RegisterTargets, "one").await, Ok(Duration::ZERO));
}

#[tokio::test(start_paused = true)]
async fn some_of_the_rate_is_always_left() {
    let pacer = pacer();
    for _ in 0..20 {
        pacer.throttled(Action::RegisterTargets);
        sleep(seconds(3)).await;
    }
    pacer.throttled(Action::RegisterTargets);
    let begun = Instant::now();
    pacer.turn(Action::RegisterTargets, "one").await.unwrap();
    assert!(begun.elapsed() <= Duration::from_millis(2_500), "{:?}", begun.elapsed());
}
