//! Lost calls, partitions, deletions, stalls and clocks: what a broken world does to an election.

use std::pin::pin;

use jiff::SignedDuration;
use rstest::rstest;
use tokio::sync::oneshot;

use super::contender::{campaign, drunken_clock};
use super::fake::End;
use super::*;

#[tokio::test(start_paused = true)]
async fn a_partitioned_leader_stops_before_the_next_one_starts_and_comes_back_as_standby() {
    let server = Server::default();
    let mut a = Contender::join(&server, "a");
    a.leading_after().await;
    let mut b = Contender::join(&server, "b");
    sleep(secs(20)).await;
    let last_renewal = server.last_change();
    a.line.cut(true);
    let claim = a.claim().unwrap();
    claim.lost().await;
    let lost = last_renewal.elapsed();
    // Counted from the sending of the last renewal, which took effect a millisecond later.
    assert_eq!(lost, secs(10).checked_sub(millis(1)).unwrap());
    b.leading_after().await;
    let taken = last_renewal.elapsed();
    assert!(taken >= secs(15) && taken < secs(17), "{taken:?}");
    a.line.cut(false);
    sleep(secs(10)).await;
    assert!(!a.leads() && b.leads());
}

#[tokio::test(start_paused = true)]
async fn an_outage_for_all_ends_the_claim_and_the_same_process_may_lead_again_with_a_new_one() {
    let server = Server::default();
    let mut a = Contender::join(&server, "a");
    a.leading_after().await;
    let old = a.claim().unwrap();
    a.line.cut(true);
    sleep(secs(12)).await;
    assert_eq!(old.check(), Err(LostClaim));
    assert!(matches!(&*a.leadership.borrow(), Leadership::Standby { .. }));
    a.line.cut(false);
    assert!(a.leading_after().await < secs(6));
    assert_eq!(old.check(), Err(LostClaim), "a lost claim stays lost");
    assert_eq!(server.spec().unwrap().lease_transitions, Some(0));
}

#[rstest]
#[case::answers_lost(End::AnswerLost)]
#[case::requests_lost(End::RequestLost)]
#[case::refused(End::Refused)]
#[tokio::test(start_paused = true)]
async fn one_bad_renewal_does_not_end_the_claim(#[case] end: End) {
    let server = Server::default();
    let mut a = Contender::join(&server, "a");
    a.leading_after().await;
    let claim = a.claim().unwrap();
    a.line.script([Fate::ending(end)]);
    sleep(secs(60)).await;
    assert_eq!(claim.check(), Ok(()));
}

#[tokio::test(start_paused = true)]
async fn a_slow_server_is_led_on_until_answers_take_longer_than_an_attempt() {
    let server = Server::default();
    let mut a = Contender::join(&server, "a");
    a.leading_after().await;
    let claim = a.claim().unwrap();
    let slow = Fate { there: secs(2), back: secs(2), end: End::Answered };
    a.line.script(vec![slow; 10]);
    sleep(secs(60)).await;
    assert_eq!(claim.check(), Ok(()));
    let too_slow = Fate { there: secs(3), back: secs(3), end: End::Answered };
    a.line.script(vec![too_slow; 10]);
    timeout(secs(15), claim.lost()).await.unwrap();
}

/// The answer came late, so the claim is short: it counts from the sending.
#[tokio::test(start_paused = true)]
async fn a_claim_counts_from_the_sending_and_not_from_the_answer() {
    let server = Server::default();
    let line_cut_after_the_first_answer = |a: &Contender| a.line.cut(true);
    let mut a = Contender::join(&server, "a");
    a.line.script([Fate::default(), Fate { there: secs(1), back: secs(3), end: End::Answered }]);
    a.leading_after().await;
    let acquired = Instant::now();
    line_cut_after_the_first_answer(&a);
    a.claim().unwrap().lost().await;
    assert_eq!(acquired.elapsed(), secs(6));
}

#[tokio::test(start_paused = true)]
async fn a_stalled_renewal_task_does_not_keep_the_claim_alive() {
    let server = Server::default();
    let (campaign, _line, leadership, _metrics) = campaign(&server, "a", Timing::default());
    let (_ask, asked) = oneshot::channel();
    let mut running = pin!(campaign.run(asked));
    timeout(secs(5), &mut running).await.unwrap_err();
    let Leadership::Leading(claim) = leadership.borrow().clone() else { panic!("it leads") };
    // From here on nobody polls the task.
    let mut b = Contender::join(&server, "b");
    sleep(millis(9_500)).await;
    assert_eq!(claim.check(), Err(LostClaim));
    assert!(!b.leads());
    b.leading_after().await;
    // It wakes up long after, and must neither revive its claim nor disturb the new holder.
    timeout(secs(30), &mut running).await.unwrap_err();
    assert_eq!(claim.check(), Err(LostClaim));
    assert!(matches!(&*leadership.borrow(), Leadership::Standby { holder: Some(h) } if h == "b"));
    assert!(b.leads());
}

#[tokio::test(start_paused = true)]
async fn a_lease_deleted_under_its_holder_is_created_again_under_a_new_claim() {
    let server = Server::default();
    let mut a = Contender::join(&server, "a");
    a.leading_after().await;
    let b = Contender::join(&server, "b");
    sleep(secs(10)).await;
    let old = a.claim().unwrap();
    server.delete();
    sleep(secs(3)).await;
    assert_eq!(server.holder(), "a");
    assert_eq!(old.check(), Err(LostClaim));
    assert!(a.leads() && !b.leads());
}

#[tokio::test(start_paused = true)]
async fn a_deletion_while_the_holder_is_away_is_waited_out() {
    let server = Server::default();
    let mut a = Contender::join(&server, "a");
    a.leading_after().await;
    let mut b = Contender::join(&server, "b");
    sleep(secs(10)).await;
    let claim = a.claim().unwrap();
    a.line.cut(true);
    server.delete();
    let took = b.leading_after().await;
    assert!(took >= secs(15), "{took:?}");
    assert_eq!(claim.check(), Err(LostClaim));
}

#[tokio::test(start_paused = true)]
async fn a_record_edited_by_hand_ends_the_claim_at_the_next_renewal() {
    let server = Server::default();
    let mut a = Contender::join(&server, "a");
    a.leading_after().await;
    sleep(secs(5)).await;
    let claim = a.claim().unwrap();
    server.edit(|spec| {
        spec.holder_identity = Some("human".into());
        spec.lease_duration_seconds = Some(40);
    });
    timeout(secs(3), claim.lost()).await.unwrap();
    // The duration that the holder asked for is honoured.
    let took = a.leading_after().await;
    assert!(took > secs(39) && took < secs(42), "{took:?}");
    assert_eq!(server.spec().unwrap().lease_transitions, Some(1));
}

#[tokio::test(start_paused = true)]
async fn a_foreign_write_that_leaves_us_the_holder_is_read_and_survives() {
    let server = Server::default();
    let mut a = Contender::join(&server, "a");
    a.leading_after().await;
    let claim = a.claim().unwrap();
    server.edit(|spec| spec.strategy = Some("Kept".into()));
    sleep(secs(30)).await;
    assert_eq!(claim.check(), Ok(()));
    assert_eq!(server.spec().unwrap().strategy.as_deref(), Some("Kept"));
}

#[tokio::test(start_paused = true)]
async fn a_crashed_holder_is_replaced_after_its_lease_and_its_successor_waits_for_it_too() {
    let server = Server::default();
    let mut a = Contender::join(&server, "a_1");
    a.leading_after().await;
    sleep(secs(7)).await;
    drop(a);
    // The restarted process has another identity, and cannot know how old the record is.
    let mut again = Contender::join(&server, "a_2");
    let took = again.leading_after().await;
    assert!(took >= secs(15) && took < secs(16), "{took:?}");
}

#[tokio::test(start_paused = true)]
async fn wall_clocks_do_not_matter() {
    let server = Server::default();
    let mut a = Contender::join_with(&server, "a", |c| drunken_clock(c, SignedDuration::from_hours(-48)));
    a.leading_after().await;
    let mut b = Contender::join_with(&server, "b", |c| drunken_clock(c, SignedDuration::from_hours(48)));
    let claim = a.claim().unwrap();
    sleep(secs(120)).await;
    assert_eq!(claim.check(), Ok(()));
    drop(a);
    let took = b.leading_after().await;
    assert!(took > secs(12) && took < secs(17), "{took:?}");
}

#[tokio::test(start_paused = true)]
async fn a_wall_clock_that_stands_still_still_renews() {
    let server = Server::default();
    let mut a = Contender::join_with(&server, "a", |c| c.ambient.wall_clock = Box::new(fake::epoch));
    a.leading_after().await;
    let b = Contender::join(&server, "b");
    advance(secs(1)).await;
    sleep(secs(60)).await;
    assert!(a.leads() && !b.leads());
}
