//! Places in a line, kept for who was sent away.

use super::*;

#[tokio::test(start_paused = true)]
async fn a_far_turn_is_answered_at_once_with_its_time() {
    let pacer = pacer();
    for number in 0..10 {
        pacer.turn(CREATE, &number.to_string()).await.unwrap();
    }
    assert_eq!(pacer.turn(CREATE, "a").await, Err(Busy { ahead: 0, poll: seconds(5) }));
    assert_eq!(pacer.turn(Action::SetSubnets, "b").await, Err(Busy { ahead: 1, poll: seconds(10) }));
    // Asking again changes nothing.
    assert_eq!(pacer.turn(CREATE, "a").await, Err(Busy { ahead: 0, poll: seconds(5) }));
    sleep(seconds(4)).await;
    assert_eq!(pacer.turn(CREATE, "a").await, Ok(seconds(1)), "a short rest is waited for in place");
    assert_eq!(pacer.turn(CREATE, "c").await, Err(Busy { ahead: 1, poll: seconds(10) }));
}

#[tokio::test(start_paused = true)]
async fn nobody_stands_in_any_line_for_long_and_who_comes_back_has_its_place() {
    let (pacer, sent_away) = (pacer(), Arc::new(Mutex::new(0)));
    throttle(&pacer).await;
    let mut all = JoinSet::new();
    for number in 0..40_usize {
        let (pacer, sent_away) = (Arc::clone(&pacer), Arc::clone(&sent_away));
        all.spawn(async move {
            // The later half comes while the first ones were sent away.
            sleep(seconds(if number < 20 { 0 } else { 25 })).await;
            let whom = number.to_string();
            let begun = Instant::now();
            let Err(busy) = pacer.turn(MODIFY, &whom).await else { return };
            assert!(begun.elapsed() <= seconds(20), "{:?}", begun.elapsed());
            *sent_away.lock().unwrap() += 1;
            sleep(busy.poll).await;
            // At the time that it was told, whoever came meanwhile.
            assert_eq!(pacer.turn(MODIFY, &whom).await, Ok(Duration::ZERO), "{number}");
        });
    }
    all.join_all().await;
    assert!(*sent_away.lock().unwrap() > 20, "{sent_away:?}");
}

#[tokio::test(start_paused = true)]
async fn who_was_sent_away_holds_up_nobody_who_has_a_token() {
    let pacer = pacer();
    throttle(&pacer).await;
    let mut crowd: JoinSet<_> = (0..7).map(|n| sent_away(Arc::clone(&pacer), n)).collect();
    while let Some(busy) = crowd.join_next().await {
        let _ = busy.unwrap();
    }
    // Whoever was sent away stays away; at 20 s more there are tokens for them and for one more.
    sleep(seconds(20)).await;
    assert_eq!(pacer.turn(MODIFY, "new").await, Ok(Duration::ZERO));
}

async fn sent_away(pacer: Arc<Pacer>, number: usize) -> Result<Duration, Busy> {
    pacer.turn(MODIFY, &format!("away-{number}")).await
}

#[tokio::test(start_paused = true)]
async fn nobody_is_sent_away_for_more_than_five_minutes() {
    let pacer = pacer();
    for number in 0..10 {
        pacer.turn(CREATE, &number.to_string()).await.unwrap();
    }
    let mut polls = Vec::new();
    for number in 0..100 {
        polls.push(pacer.turn(CREATE, &format!("later-{number}")).await.unwrap_err().poll.as_secs());
    }
    assert_eq!(polls[57..62], [290, 295, 300, 300, 300]);
    // None of those whose turn was before 270 s has come for it, so 26 are left before this one, and ten tokens.
    sleep(seconds(300)).await;
    assert_eq!(pacer.turn(CREATE, "later-80").await, Err(Busy { ahead: 26, poll: seconds(85) }));
}

#[tokio::test(start_paused = true)]
async fn who_is_a_little_late_keeps_its_place_and_who_stays_away_loses_it() {
    let pacer = pacer();
    for number in 0..10 {
        pacer.turn(CREATE, &number.to_string()).await.unwrap();
    }
    for whom in ["late", "away"] {
        pacer.turn(CREATE, whom).await.unwrap_err();
    }
    // At 17 s there are three tokens: two for those with places, one for the newcomer.
    sleep(seconds(17)).await;
    pacer.turn(CREATE, "new").await.unwrap();
    assert_eq!(pacer.turn(CREATE, "newer").await.unwrap_err().ahead, 2);
    pacer.turn(CREATE, "late").await.unwrap();
    // At 41 s there are eight, two of them used, and the place of the one that stayed away is nobody's any more. The
    // newer one has its place until 50 s.
    sleep(seconds(24)).await;
    for whom in ["4", "5", "6", "7", "8", "newer"] {
        assert_eq!(pacer.turn(CREATE, whom).await, Ok(Duration::ZERO), "{whom}");
    }
    assert_eq!(pacer.turn(CREATE, "away").await, Err(Busy { ahead: 0, poll: seconds(4) }));
}

/// Has AWS answer often enough that there were too many requests for one more to be allowed in 3.3 s.
async fn throttle(pacer: &Pacer) {
    for _ in 0..4 {
        pacer.throttled(MODIFY);
        sleep(seconds(2)).await;
    }
}
