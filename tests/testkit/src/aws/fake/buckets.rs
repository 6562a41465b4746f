//! The server's request limits: token buckets per account and region.
//!
//! Figures: "Throttling for the Elastic Load Balancing API" and "Request throttling for the Amazon EC2 API".

use std::collections::BTreeMap;
use std::time::Duration;

use landfall_aws::api::{Action, Category};
use tokio::time::Instant;

use super::refused::{Done, refuse};

/// Capacity, and tokens per ten seconds.
type Figures = (u32, u32);

/// What all ELB actions share.
const ELB_ACCOUNT: Figures = (40, 100);

/// All buckets.
#[derive(Debug)]
pub(super) struct Buckets {
    elb_account: Bucket,
    elb: BTreeMap<Category, Bucket>,
    ec2: BTreeMap<Action, Bucket>,
}

impl Buckets {
    /// Full ones.
    pub(super) fn new(now: Instant) -> Self {
        Self { elb_account: Bucket::new(ELB_ACCOUNT, now), elb: BTreeMap::new(), ec2: BTreeMap::new() }
    }

    /// Takes what a call costs. ELBv2 charges the account's bucket and the category's, EC2 one bucket per action.
    /// A call that is refused costs nothing.
    pub(super) fn charge(&mut self, action: Action, now: Instant) -> Done<()> {
        let category = action.category();
        let figures = figures(category);
        if action.service() == "ec2" {
            let bucket = self.ec2.entry(action).or_insert_with(|| Bucket::new(figures, now));
            if !bucket.has_token(now) {
                return refuse("RequestLimitExceeded", "Request limit exceeded.");
            }
            bucket.take(now);
            return Ok(());
        }
        let bucket = self.elb.entry(category).or_insert_with(|| Bucket::new(figures, now));
        if !bucket.has_token(now) || !self.elb_account.has_token(now) {
            return refuse("Throttling", "Rate exceeded");
        }
        bucket.take(now);
        self.elb_account.take(now);
        Ok(())
    }
}

const fn figures(category: Category) -> Figures {
    match category {
        Category::ElbResourceIntensive => (10, 2),
        Category::ElbRegistration => (20, 40),
        Category::ElbMutating => (20, 30),
        Category::ElbNonMutating => (40, 100),
        Category::Ec2NonMutating => (100, 200),
        Category::Ec2Mutating | Category::Ec2ResourceIntensive => (50, 50),
        Category::Ec2Tags => (100, 100),
    }
}

/// A bucket as the time at which it will be full: sums of fractions of tokens would be off by a rounding, and a caller
/// that keeps exactly to the rate would be throttled for it.
#[derive(Debug)]
struct Bucket {
    interval: Duration,
    capacity: u32,
    full_at: Instant,
}

impl Bucket {
    fn new((capacity, in_ten_seconds): Figures, now: Instant) -> Self {
        Self { interval: Duration::from_secs(10) / in_ten_seconds, capacity, full_at: now }
    }

    fn has_token(&self, now: Instant) -> bool {
        self.full_at <= now + self.interval * (self.capacity - 1)
    }

    fn take(&mut self, now: Instant) {
        self.full_at = self.full_at.max(now) + self.interval;
    }
}
