//! Taking, renewing, releasing: what a healthy election does.

use super::fake::{End, epoch};
use super::*;

#[tokio::test(start_paused = true)]
async fn the_first_creates_the_lease_and_leads_at_once() {
    let server = Server::default();
    let mut a = Contender::join(&server, "a");
    assert!(a.leading_after().await < millis(10));
    let spec = server.spec().unwrap();
    assert_eq!(spec.holder_identity.as_deref(), Some("a"));
    assert_eq!((spec.lease_duration_seconds, spec.lease_transitions), (Some(15), Some(0)));
}

#[tokio::test(start_paused = true)]
async fn a_holder_renews_without_reading_and_standbys_only_read() {
    let server = Server::default();
    let a = Contender::join(&server, "a");
    let mut b = Contender::join(&server, "b");
    sleep(secs(60)).await;
    assert!(a.leads() && !b.leads());
    // One read, one create, then a renewal every 2.2 s; the standby looks every 0.9 s.
    assert!((27..=30).contains(&a.line.calls()), "{}", a.line.calls());
    assert!((60..=70).contains(&b.line.calls()), "{}", b.line.calls());
    assert!(
        matches!(&*b.leadership.borrow_and_update(), Leadership::Standby { holder: Some(h) } if h == "a")
    );
    let spec = server.spec().unwrap();
    assert_eq!(spec.lease_transitions, Some(0));
    assert!(spec.acquire_time.unwrap().0.duration_since(epoch()) < jiff::SignedDuration::from_secs(1));
    assert!(spec.renew_time.unwrap().0.duration_since(epoch()) > jiff::SignedDuration::from_secs(57));
}

#[tokio::test(start_paused = true)]
async fn a_release_hands_over_within_two_seconds() {
    let server = Server::default();
    let mut a = Contender::join(&server, "a");
    a.leading_after().await;
    let mut b = Contender::join(&server, "b");
    sleep(secs(31)).await;
    assert_eq!(a.release().await.unwrap(), Released::Freed);
    let spec = server.spec().unwrap();
    assert_eq!((spec.holder_identity.as_deref(), spec.lease_duration_seconds), (Some(""), Some(1)));
    let took = b.leading_after().await;
    assert!(took < secs(1), "{took:?}");
    assert_eq!(server.spec().unwrap().lease_transitions, Some(1));
}

#[tokio::test(start_paused = true)]
async fn the_claim_ends_before_the_release_is_sent() {
    let server = Server::default();
    let mut a = Contender::join(&server, "a");
    a.leading_after().await;
    let claim = a.claim().unwrap();
    // Guarded work that needs a moment to be noticed as dropped.
    let work = tokio::spawn(async move { claim.guard(sleep(secs(3600))).await });
    sleep(secs(1)).await;
    a.line.script([Fate { there: secs(2), ..Fate::default() }]);
    let claim = a.claim().unwrap();
    let release = tokio::spawn(a.release());
    sleep(millis(1)).await;
    assert_eq!(claim.check(), Err(LostClaim));
    assert_eq!(server.holder(), "a", "the claim ends first, the record later");
    assert_eq!(work.await.unwrap(), Err(LostClaim));
    assert_eq!(release.await.unwrap().unwrap(), Released::Freed);
}

#[tokio::test(start_paused = true)]
async fn the_lease_is_kept_while_guarded_work_does_not_stop() {
    let server = Server::default();
    let mut a = Contender::join(&server, "a");
    a.leading_after().await;
    // Held by the test and never polled again: nobody can drop what is inside.
    let claim = a.claim().unwrap();
    let mut stuck = Box::pin(claim.guard(sleep(secs(3600))));
    timeout(millis(1), &mut stuck).await.unwrap_err();
    let error = a.release().await.unwrap_err();
    assert!(matches!(error, ReleaseError::StillAtWork(_)), "{error}");
    assert_eq!(server.holder(), "a");
}

#[tokio::test(start_paused = true)]
async fn a_standby_leaves_without_touching_the_record() {
    let server = Server::default();
    let _a = Contender::join(&server, "a");
    sleep(secs(1)).await;
    let b = Contender::join(&server, "b");
    sleep(secs(1)).await;
    assert_eq!(b.release().await.unwrap(), Released::NotHeld);
    assert_eq!(server.holder(), "a");
}

#[tokio::test(start_paused = true)]
async fn a_release_survives_a_renewal_whose_answer_was_lost() {
    let server = Server::default();
    let mut a = Contender::join(&server, "a");
    a.leading_after().await;
    a.line.script([Fate::ending(End::AnswerLost)]);
    sleep(secs(4)).await;
    assert_eq!(a.release().await.unwrap(), Released::Freed);
    assert_eq!(server.holder(), "");
}

#[tokio::test(start_paused = true)]
async fn a_release_without_an_answer_ends_in_bounded_time() {
    let server = Server::default();
    let mut a = Contender::join(&server, "a");
    a.leading_after().await;
    a.line.cut(true);
    let started = Instant::now();
    let error = a.release().await.unwrap_err();
    assert!(matches!(error, ReleaseError::TimedOut(_)), "{error}");
    assert!(started.elapsed() <= secs(15), "{:?}", started.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_dropped_elector_ends_its_claim() {
    let server = Server::default();
    let metrics = crate::metrics::Metrics::new("test", "0");
    let elector = Elector::start(
        fake::Line::to(&server),
        Identity::new("a").unwrap(),
        Timing::default(),
        LeaseMetrics::register(&metrics),
    );
    let mut leadership = elector.leadership();
    let state = leadership.wait_for(|s| matches!(s, Leadership::Leading(_))).await.unwrap().clone();
    let Leadership::Leading(claim) = state else { unreachable!("waited for it") };
    drop(elector);
    sleep(millis(1)).await;
    assert_eq!(claim.check(), Err(LostClaim));
    assert_eq!(server.holder(), "a", "a drop does not release");
}

#[tokio::test(start_paused = true)]
async fn of_three_one_leads_and_the_next_follows() {
    let server = Server::default();
    let mut contenders: Vec<_> = ["a", "b", "c"].map(|name| Contender::join(&server, name)).into();
    sleep(secs(5)).await;
    for round in 0..3 {
        let leaders: Vec<_> = contenders.iter().filter(|c| c.leads()).collect();
        assert_eq!(leaders.len(), 1, "round {round}");
        let leader = contenders.iter().position(Contender::leads).unwrap();
        contenders.swap_remove(leader).release().await.unwrap();
        sleep(secs(2)).await;
    }
    assert_eq!(server.spec().unwrap().lease_transitions, Some(2));
}

#[tokio::test(start_paused = true)]
async fn metrics_tell_who_leads() {
    let server = Server::default();
    let mut a = Contender::join(&server, "a");
    a.leading_after().await;
    sleep(secs(5)).await;
    assert_eq!(a.metric("landfall_lease_leading").as_deref(), Some("1"));
    assert_eq!(a.metric("landfall_lease_changes_total{to=\"Leader\"}").as_deref(), Some("1"));
    assert_eq!(a.metric("landfall_lease_attempt_seconds_count{outcome=\"Renewed\"}").as_deref(), Some("2"));
    server.edit(|spec| spec.holder_identity = Some("b".into()));
    sleep(secs(3)).await;
    assert_eq!(a.metric("landfall_lease_leading").as_deref(), Some("0"));
    assert_eq!(a.metric("landfall_lease_changes_total{to=\"Standby\"}").as_deref(), Some("1"));
}
