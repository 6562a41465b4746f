//! The Lease object as election sees it: reading one, and the objects that we write.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use k8s_openapi::api::coordination::v1::{Lease, LeaseSpec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{MicroTime, ObjectMeta};

use super::Identity;

/// A Lease as read. What we do not own in it (labels, other fields of the spec) is kept when it is written back.
///
/// Field meanings: <https://kubernetes.io/docs/reference/kubernetes-api/cluster-resources/lease-v1/>.
#[derive(Clone, Debug, PartialEq)]
pub struct Record(Lease);

impl From<Lease> for Record {
    fn from(lease: Lease) -> Self {
        Self(lease)
    }
}

impl Record {
    /// Who holds it; none when it was released (`holderIdentity` absent or empty).
    pub fn holder(&self) -> Option<&str> {
        self.spec()?.holder_identity.as_deref().filter(|holder| !holder.is_empty())
    }

    /// Whether `me` is the holder.
    pub fn is_held_by(&self, me: &Identity) -> bool {
        self.holder() == Some(me.as_str())
    }

    /// How long the holder asked others to wait; none when the record does not say it in a usable way.
    pub fn duration(&self) -> Option<Duration> {
        let seconds = u64::try_from(self.spec()?.lease_duration_seconds?).ok()?;
        (seconds > 0).then(|| Duration::from_secs(seconds))
    }

    /// Whether `other` is the same write of the same object. Every accepted write changes the resource version, so
    /// this does not depend on any clock.
    pub fn is_same_write(&self, other: &Self) -> bool {
        let (a, b) = (&self.0.metadata, &other.0.metadata);
        a.uid == b.uid && a.resource_version == b.resource_version
    }

    fn spec(&self) -> Option<&LeaseSpec> {
        self.0.spec.as_ref()
    }
}

/// Writes Lease objects for one participant.
#[derive(Clone, Debug)]
pub(super) struct Scribe {
    pub(super) me: Identity,
    pub(super) lease_seconds: i32,
}

impl Scribe {
    /// The first record of a lease that does not exist. The store adds the object's name.
    pub(super) fn created(&self, now: Timestamp) -> Lease {
        let spec = LeaseSpec {
            holder_identity: Some(self.me.to_string()),
            lease_duration_seconds: Some(self.lease_seconds),
            acquire_time: Some(MicroTime(now)),
            renew_time: Some(MicroTime(now)),
            lease_transitions: Some(0),
            ..LeaseSpec::default()
        };
        Lease { metadata: ObjectMeta::default(), spec: Some(spec) }
    }

    /// `previous`, now held by us: one more transition, acquired now.
    pub(super) fn taken(&self, previous: &Record, now: Timestamp) -> Lease {
        self.rewrite(previous, |spec| {
            spec.holder_identity = Some(self.me.to_string());
            spec.lease_duration_seconds = Some(self.lease_seconds);
            spec.lease_transitions = Some(spec.lease_transitions.unwrap_or(0).max(0).saturating_add(1));
            spec.acquire_time = Some(MicroTime(now));
            spec.renew_time = Some(MicroTime(now));
        })
    }

    /// `previous`, which is ours, renewed: acquisition time and transitions stay.
    pub(super) fn renewed(&self, previous: &Record, now: Timestamp) -> Lease {
        self.rewrite(previous, |spec| {
            spec.lease_duration_seconds = Some(self.lease_seconds);
            spec.renew_time = Some(MicroTime(differing(spec.renew_time.as_ref(), now)));
        })
    }

    /// `previous`, which is ours, given up: no holder, and one second to wait for those who do not understand an
    /// empty holder. This is what client-go writes for `ReleaseOnCancel`.
    pub(super) fn released(&self, previous: &Record, now: Timestamp) -> Lease {
        self.rewrite(previous, |spec| {
            spec.holder_identity = Some(String::new());
            spec.lease_duration_seconds = Some(1);
            spec.acquire_time = Some(MicroTime(now));
            spec.renew_time = Some(MicroTime(now));
        })
    }

    #[expect(clippy::unused_self, reason = "keeps the writers of one participant together")]
    fn rewrite(&self, previous: &Record, change: impl FnOnce(&mut LeaseSpec)) -> Lease {
        let mut lease = previous.0.clone();
        change(lease.spec.get_or_insert_default());
        lease
    }
}

/// `now`, or the next microsecond if that is what the record says already.
///
/// The API server ignores a write that changes nothing and keeps the resource version; others would then count from
/// our previous renewal. A clock that stands still or jumps back must not cause that.
fn differing(recorded: Option<&MicroTime>, now: Timestamp) -> Timestamp {
    match recorded {
        Some(MicroTime(at)) if at.as_microsecond() == now.as_microsecond() => {
            now.checked_add(SignedDuration::from_micros(1)).unwrap_or(Timestamp::UNIX_EPOCH)
        }
        _ => now,
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn scribe(me: &str) -> Scribe {
        Scribe { me: Identity::new(me).unwrap(), lease_seconds: 15 }
    }

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn with_spec(spec: LeaseSpec) -> Record {
        Lease { metadata: ObjectMeta::default(), spec: Some(spec) }.into()
    }

    fn summary(lease: Lease) -> (String, i32, i32, i64, i64) {
        let spec = lease.spec.unwrap();
        (
            spec.holder_identity.unwrap(),
            spec.lease_duration_seconds.unwrap(),
            spec.lease_transitions.unwrap(),
            spec.acquire_time.unwrap().0.as_second(),
            spec.renew_time.unwrap().0.as_second(),
        )
    }

    #[test]
    fn a_life_of_a_record() {
        let (a, b) = (scribe("a"), scribe("b"));
        let created = a.created(at(10));
        assert_eq!(summary(created.clone()), ("a".into(), 15, 0, 10, 10));
        let renewed = a.renewed(&created.into(), at(12));
        assert_eq!(summary(renewed.clone()), ("a".into(), 15, 0, 10, 12));
        let released = a.released(&renewed.into(), at(20));
        assert_eq!(summary(released.clone()), (String::new(), 1, 0, 20, 20));
        assert_eq!(Record::from(released.clone()).holder(), None);
        let taken = b.taken(&released.into(), at(21));
        assert_eq!(summary(taken), ("b".into(), 15, 1, 21, 21));
    }

    #[test]
    fn what_is_not_ours_survives_a_write() {
        let mut lease = scribe("a").created(at(1));
        lease.metadata.labels = Some([("team".to_owned(), "net".to_owned())].into());
        lease.spec.as_mut().unwrap().strategy = Some("OldestEmulationVersion".into());
        let renewed = scribe("a").renewed(&lease.clone().into(), at(2));
        assert_eq!(renewed.metadata, lease.metadata);
        assert_eq!(renewed.spec.unwrap().strategy, lease.spec.unwrap().strategy);
    }

    #[test]
    fn a_standing_clock_still_changes_the_record() {
        let created = scribe("a").created(at(5));
        let renewed = scribe("a").renewed(&created.clone().into(), at(5));
        assert_ne!(renewed, created);
        assert_ne!(scribe("a").renewed(&renewed.clone().into(), at(5)), renewed);
    }

    #[rstest]
    #[case::absent(None, None)]
    #[case::zero(Some(0), None)]
    #[case::negative(Some(-3), None)]
    #[case::usual(Some(40), Some(Duration::from_secs(40)))]
    fn an_unusable_duration_is_none(#[case] seconds: Option<i32>, #[case] expected: Option<Duration>) {
        let record = with_spec(LeaseSpec { lease_duration_seconds: seconds, ..LeaseSpec::default() });
        assert_eq!(record.duration(), expected);
    }

    #[test]
    fn a_lease_without_a_spec_has_no_holder() {
        let record = Record::from(Lease::default());
        assert_eq!((record.holder(), record.duration()), (None, None));
    }
}
