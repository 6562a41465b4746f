//! How late a verification is.

use rstest::rstest;

use super::*;
use crate::testing::lb;

const MINUTE: Duration = Duration::from_mins(1);

/// Looks so often at a load balancer while AWS throttles reads all the time, until its details were verified so many
/// times. Answers how late that was each time.
fn lateness(mut known: Known, mut now: Instant, often: Duration, times: usize) -> Vec<Duration> {
    let period = period(&lb(), &Freshness::default());
    let (mut due, mut late) = (known.details_due, Vec::new());
    while late.len() < times {
        now += often;
        known.put_off(now);
        if known.details_due <= now {
            late.push(now.saturating_duration_since(due));
            due = now + period;
            known.verified(due);
        }
    }
    late
}

#[rstest]
#[case::all_the_time(Duration::from_secs(1))]
#[case::now_and_then(Duration::from_secs(17))]
#[case::every_minute(MINUTE)]
#[tokio::test(start_paused = true)]
async fn what_is_put_off_is_late_by_an_hour_each_time(#[case] often: Duration) {
    let now = Instant::now();
    let late = lateness(Known::new(&lb(), now, &Freshness::default()), now, often, 3);
    assert!(late.iter().all(|late| (60 * MINUTE..=61 * MINUTE).contains(late)), "{late:?}");
}

#[rstest]
#[case::before_it_is_due(-10)]
#[case::when_it_is_due(0)]
#[case::while_it_is_put_off(30)]
#[tokio::test(start_paused = true)]
async fn what_may_be_wrong_is_verified_at_the_next_look(#[case] minutes_after: i32) {
    let mut known = Known::new(&lb(), Instant::now(), &Freshness::default());
    let due = known.details_due;
    for minute in -20..minutes_after {
        known.put_off(at(due, minute));
        assert!(known.details_due > at(due, minute), "{minute}");
    }
    let now = at(due, minutes_after);
    known.look_closely(now);
    known.put_off(now);
    assert!(known.details_due <= now);
    // After that, the clock alone decides again.
    let next = now + 60 * MINUTE;
    known.verified(next);
    known.put_off(next);
    assert!(known.details_due > next);
}

/// So many minutes after a time, or before it.
fn at(due: Instant, minutes: i32) -> Instant {
    let by = minutes.unsigned_abs() * MINUTE;
    if minutes < 0 { due - by } else { due + by }
}
