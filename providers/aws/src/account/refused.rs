//! Shapes of a load balancer that AWS refused, so that they are not tried all the time: ports that have to go for a change
//! of the shape would be away at each attempt. Plain data.

use std::time::Duration;

use tokio::time::Instant;

use crate::api::elb::{AddressType, SubnetMapping};
use crate::observe::RefusedShape;
use crate::resources::BalancerWish;

/// Pause after the first refusal. It doubles from then on.
const FIRST: Duration = Duration::from_mins(10);
/// Longest pause.
const LONGEST: Duration = Duration::from_hours(6);

/// What AWS refused last, and when it is tried again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Refused {
    shape: Shape,
    why: String,
    pause: Duration,
    until: Instant,
}

/// What a wish says of the shape.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Shape {
    address_type: AddressType,
    source_nat: bool,
    subnets: Vec<SubnetMapping>,
}

impl Shape {
    fn of(wish: &BalancerWish) -> Self {
        let BalancerWish { address_type, source_nat, subnets, .. } = wish;
        Self { address_type: *address_type, source_nat: *source_nat, subnets: subnets.clone() }
    }
}

impl Refused {
    /// What is remembered after one more refusal.
    pub(super) fn again(before: Option<Self>, wish: &BalancerWish, why: String, now: Instant) -> Self {
        let shape = Shape::of(wish);
        let before = before.filter(|before| before.shape == shape);
        let pause = before.map_or(FIRST, |before| (2 * before.pause).min(LONGEST));
        Self { shape, why, pause, until: now + pause }
    }

    /// Whether it was this wish that was refused.
    pub(super) fn is_of(&self, wish: &BalancerWish) -> bool {
        self.shape == Shape::of(wish)
    }

    /// What a look shows of it: nothing once it may be tried again.
    pub(super) fn shown(&self, now: Instant) -> Option<RefusedShape> {
        let left = self.until.saturating_duration_since(now);
        (!left.is_zero()).then(|| RefusedShape { why: self.why.clone(), left })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{subnet, wish};

    const MINUTE: Duration = Duration::from_mins(1);

    #[tokio::test(start_paused = true)]
    async fn pauses_grow_up_to_six_hours_and_begin_anew_with_another_shape() {
        let mut wish = wish().balancer;
        let mut refused = None;
        for pause in [10, 20, 40, 80, 160, 320, 360, 360] {
            let now = Instant::now();
            let again = Refused::again(refused, &wish, "no".to_owned(), now);
            let shown = |at| again.shown(at).map(|shown| shown.left);
            assert_eq!(shown(now), Some(pause * MINUTE));
            assert_eq!(shown(now + (pause - 1) * MINUTE), Some(MINUTE));
            assert_eq!(shown(now + pause * MINUTE), None);
            refused = Some(again);
        }
        wish.subnets.push(subnet("b"));
        assert!(!refused.as_ref().unwrap().is_of(&wish));
        let anew = Refused::again(refused, &wish, "no".to_owned(), Instant::now());
        assert!(anew.is_of(&wish));
        assert_eq!(anew.shown(Instant::now()), Some(RefusedShape { why: "no".to_owned(), left: FIRST }));
    }
}
