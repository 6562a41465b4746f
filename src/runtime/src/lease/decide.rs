//! The rule of the election: what to do about a lease, given what was seen of it and for how long.
//!
//! Pure. No time written by another machine is read: all waiting is measured on our own monotonic clock, from the
//! moment at which *we* saw the record change.

use std::time::Duration;

use tokio::time::Instant;

use super::{Identity, Record};

/// What is known about a lease after a read or a write of our own.
#[derive(Clone, Debug, PartialEq)]
pub struct Observation {
    /// The record, or none if the Lease does not exist.
    pub record: Option<Record>,
    /// When we first saw it in this state: never earlier than the write that caused it.
    pub since: Instant,
    /// How long after `since` the lease must be left to a holder that may still be at work.
    pub grace: Duration,
}

/// What to do next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// There is no Lease and nobody can hold it any more: create one.
    Create,
    /// Somebody else's lease was released or has run out: take it over.
    Take,
    /// It is ours: renew it.
    Renew,
    /// Somebody else may hold it until then.
    Wait {
        /// The moment at which it is free, if nothing changes before.
        until: Instant,
    },
}

/// Decides for `me` at `now`.
pub fn decide(seen: &Observation, me: &Identity, now: Instant) -> Decision {
    if seen.record.as_ref().is_some_and(|record| record.is_held_by(me)) {
        return Decision::Renew;
    }
    let until = seen.since + seen.grace;
    match seen.record {
        _ if now < until => Decision::Wait { until },
        Some(_) => Decision::Take,
        None => Decision::Create,
    }
}

impl Observation {
    /// The first read of this process. `own_duration` stands in for a duration that the record does not give.
    ///
    /// A Lease that does not exist is free at once: this is what the very first start looks like. A Lease deleted by
    /// hand shortly before another replica starts looks the same, and cannot be told from it.
    pub fn first(record: Option<Record>, now: Instant, own_duration: Duration) -> Self {
        let grace = record.as_ref().map_or(Duration::ZERO, |record| grace_of(record, own_duration));
        Self { record, since: now, grace }
    }

    /// A later read, or the answer to a write. `leading` says whether our own claim is good at `now`.
    pub fn then(self, record: Option<Record>, now: Instant, own_duration: Duration, leading: bool) -> Self {
        match (self.record, record) {
            (Some(before), Some(after)) if before.is_same_write(&after) => {
                Self { record: Some(before), since: self.since, grace: self.grace }
            }
            (None, None) => Self { record: None, since: self.since, grace: self.grace },
            (_, Some(after)) => {
                let grace = grace_of(&after, own_duration);
                Self { record: Some(after), since: now, grace }
            }
            // Deleted under somebody who may still be at work. If that is us, nobody else can have taken it.
            (Some(before), None) => {
                let held = before.duration().unwrap_or(own_duration).max(own_duration);
                Self { record: None, since: now, grace: if leading { Duration::ZERO } else { held } }
            }
        }
    }

    /// Something failed, so that what happened meanwhile is unknown. An absence has no version by which a Lease that
    /// came and went could be told: it is waited out anew.
    pub fn after_failure(mut self, now: Instant, own_duration: Duration) -> Self {
        if self.record.is_none() {
            self.since = now;
            self.grace = self.grace.max(own_duration);
        }
        self
    }
}

/// A released record is free at once; a held one after the time that its holder asked for.
fn grace_of(record: &Record, own_duration: Duration) -> Duration {
    match record.holder() {
        None => Duration::ZERO,
        Some(_) => record.duration().unwrap_or(own_duration),
    }
}

#[cfg(test)]
mod tests {
    use k8s_openapi::api::coordination::v1::{Lease, LeaseSpec};
    use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
    use rstest::rstest;

    use super::*;

    const OWN: Duration = Duration::from_secs(15);

    fn me() -> Identity {
        Identity::new("me").unwrap()
    }

    fn record(holder: &str, seconds: Option<i32>, version: &str) -> Record {
        let metadata = ObjectMeta { resource_version: Some(version.into()), ..ObjectMeta::default() };
        let spec = LeaseSpec {
            holder_identity: Some(holder.into()),
            lease_duration_seconds: seconds,
            ..LeaseSpec::default()
        };
        Lease { metadata, spec: Some(spec) }.into()
    }

    fn secs(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    /// Decision at `age` seconds after a first read, as a word and the seconds from the read to wait for.
    fn at_age(first: Option<Record>, age: u64) -> (&'static str, u64) {
        let start = Instant::now();
        match decide(&Observation::first(first, start, OWN), &me(), start + secs(age)) {
            Decision::Create => ("create", 0),
            Decision::Take => ("take", 0),
            Decision::Renew => ("renew", 0),
            Decision::Wait { until } => ("wait", (until - start).as_secs()),
        }
    }

    #[rstest]
    #[case::nothing_there(None, 0, ("create", 0))]
    #[case::mine(Some(record("me", Some(15), "1")), 0, ("renew", 0))]
    #[case::mine_and_old(Some(record("me", Some(15), "1")), 99, ("renew", 0))]
    #[case::fresh(Some(record("other", Some(15), "1")), 0, ("wait", 15))]
    #[case::almost_over(Some(record("other", Some(15), "1")), 14, ("wait", 15))]
    #[case::over(Some(record("other", Some(15), "1")), 15, ("take", 0))]
    #[case::holder_asks_for_longer(Some(record("other", Some(60), "1")), 59, ("wait", 60))]
    #[case::holder_asks_for_less(Some(record("other", Some(5), "1")), 5, ("take", 0))]
    #[case::duration_missing(Some(record("other", None, "1")), 14, ("wait", 15))]
    #[case::duration_zero(Some(record("other", Some(0), "1")), 14, ("wait", 15))]
    #[case::released(Some(record("", Some(1), "1")), 0, ("take", 0))]
    #[case::prefix_is_not_me(Some(record("me2", Some(15), "1")), 0, ("wait", 15))]
    fn decisions(#[case] first: Option<Record>, #[case] age: u64, #[case] expected: (&str, u64)) {
        assert_eq!(at_age(first, age), expected);
    }

    /// What is waited for after a second read, 10 s after the first.
    #[rstest]
    #[case::unchanged(Some(record("b", Some(15), "1")), Some(record("b", Some(15), "1")), false, 15)]
    #[case::renewed(Some(record("b", Some(15), "1")), Some(record("b", Some(15), "2")), false, 25)]
    #[case::other_holder(Some(record("b", Some(15), "1")), Some(record("c", Some(30), "2")), false, 40)]
    #[case::released(Some(record("b", Some(15), "1")), Some(record("", Some(1), "2")), false, 10)]
    #[case::still_absent(None, None, false, 0)]
    #[case::appeared(None, Some(record("b", Some(15), "1")), false, 25)]
    #[case::deleted(Some(record("b", Some(15), "1")), None, false, 25)]
    #[case::deleted_longer(Some(record("b", Some(60), "1")), None, false, 70)]
    #[case::deleted_under_us(Some(record("me", Some(15), "1")), None, true, 10)]
    #[case::deleted_after_our_claim(Some(record("me", Some(15), "1")), None, false, 25)]
    #[case::deleted_after_release(Some(record("", Some(1), "1")), None, false, 25)]
    fn waiting_counts_from_the_change_we_saw(
        #[case] before: Option<Record>,
        #[case] after: Option<Record>,
        #[case] leading: bool,
        #[case] free_at: u64,
    ) {
        let start = Instant::now();
        let seen = Observation::first(before, start, OWN).then(after, start + secs(10), OWN, leading);
        assert_eq!((seen.since + seen.grace - start).as_secs(), free_at);
    }

    #[rstest]
    #[case::absent(None, 25)]
    #[case::held(Some(record("b", Some(15), "1")), 15)]
    #[case::released(Some(record("", Some(1), "1")), 0)]
    fn a_failure_puts_an_absence_in_doubt(#[case] seen: Option<Record>, #[case] free_at: u64) {
        let start = Instant::now();
        let seen = Observation::first(seen, start, OWN).after_failure(start + secs(10), OWN);
        assert_eq!((seen.since + seen.grace - start).as_secs(), free_at);
    }

    #[test]
    fn a_recreated_lease_with_the_same_version_is_a_change() {
        let with_uid = |uid: &str| {
            let mut lease = Lease::default();
            lease.metadata.uid = Some(uid.into());
            lease.metadata.resource_version = Some("1".into());
            Some(Record::from(lease))
        };
        let start = Instant::now();
        let seen = Observation::first(with_uid("x"), start, OWN).then(with_uid("y"), start + OWN, OWN, false);
        assert_eq!(seen.since, start + OWN);
    }
}
