//! The request rates that AWS allows.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::api::Category;

/// A token bucket of AWS: its capacity, and how fast it fills.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// Requests at once when it is full; at least 1.
    pub burst: u32,
    /// Time in which one request more is allowed.
    pub interval: Duration,
}

/// The buckets of an account and region.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    account: Option<Rate>,
    by_category: BTreeMap<Category, Rate>,
}

impl Limits {
    /// The documented defaults: "Request throttling for the Elastic Load Balancing API" and "Request throttling for
    /// the Amazon EC2 API". The larger ones of EC2's two for `DescribeInstances`, `DescribeSecurityGroups` and
    /// `DescribeNetworkInterfaces`: we always filter.
    pub fn documented() -> Self {
        let rate = |burst, milliseconds| Rate { burst, interval: Duration::from_millis(milliseconds) };
        Self {
            account: Some(rate(40, 100)),
            by_category: BTreeMap::from([
                (Category::ElbResourceIntensive, rate(10, 5_000)),
                (Category::ElbRegistration, rate(20, 250)),
                // 3 per second, rounded so that it is never more.
                (Category::ElbMutating, rate(20, 334)),
                (Category::ElbNonMutating, rate(40, 100)),
                (Category::Ec2NonMutating, rate(100, 50)),
                (Category::Ec2Mutating, rate(50, 200)),
                (Category::Ec2ResourceIntensive, rate(50, 200)),
                (Category::Ec2Tags, rate(100, 100)),
            ]),
        }
    }

    /// No pacing: for endpoints that do not limit the rate, such as emulators.
    pub fn none() -> Self {
        Self { account: None, by_category: BTreeMap::new() }
    }

    /// The bucket that all ELBv2 requests draw from besides.
    pub fn account(&self) -> Option<Rate> {
        self.account
    }

    /// The bucket of a category: one for ELBv2, one for each action of EC2.
    pub fn of(&self, category: Category) -> Option<Rate> {
        self.by_category.get(&category).copied()
    }
}
