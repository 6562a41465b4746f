//! The server's request limits: token buckets per account and region.
//!
//! Figures: "Throttling for the Elastic Load Balancing API" and "Request throttling for the Amazon EC2 API".

use std::collections::BTreeMap;

use landfall_aws::api::{Action, Category};
use tokio::time::Instant;

use super::refused::{Done, refuse};

/// Capacity and tokens per second that all ELB actions share.
const ELB_ACCOUNT: (f64, f64) = (40.0, 10.0);

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
            if bucket.level(now) < 1.0 {
                return refuse("RequestLimitExceeded", "Request limit exceeded.");
            }
            bucket.tokens -= 1.0;
            return Ok(());
        }
        let bucket = self.elb.entry(category).or_insert_with(|| Bucket::new(figures, now));
        if bucket.level(now) < 1.0 || self.elb_account.level(now) < 1.0 {
            return refuse("Throttling", "Rate exceeded");
        }
        bucket.tokens -= 1.0;
        self.elb_account.tokens -= 1.0;
        Ok(())
    }
}

/// Capacity and tokens per second.
const fn figures(category: Category) -> (f64, f64) {
    match category {
        Category::ElbResourceIntensive => (10.0, 0.2),
        Category::ElbRegistration => (20.0, 4.0),
        Category::ElbMutating => (20.0, 3.0),
        Category::ElbNonMutating => (40.0, 10.0),
        Category::Ec2NonMutating => (100.0, 20.0),
        Category::Ec2Mutating | Category::Ec2ResourceIntensive => (50.0, 5.0),
        Category::Ec2Tags => (100.0, 10.0),
    }
}

#[derive(Debug)]
struct Bucket {
    capacity: f64,
    refill: f64,
    tokens: f64,
    at: Instant,
}

impl Bucket {
    fn new((capacity, refill): (f64, f64), now: Instant) -> Self {
        Self { capacity, refill, tokens: capacity, at: now }
    }

    /// Tokens in it now.
    fn level(&mut self, now: Instant) -> f64 {
        let gained = (now - self.at).as_secs_f64() * self.refill;
        self.tokens = (self.tokens + gained).min(self.capacity);
        self.at = now;
        self.tokens
    }
}
