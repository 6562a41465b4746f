//! How old what is known may be.

use std::time::Duration;

/// How old what is known of the account may be, and how often what cannot be listed is compared again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Freshness {
    /// The lists: load balancers, target groups, their tags, security groups.
    pub snapshot: Duration,
    /// What only calls about one load balancer tell: attributes, listeners, registered targets. Each load balancer has
    /// an age of its own within a quarter of this, so that they do not fall due together.
    pub details: Duration,
    /// After a start, load balancers whose details nobody has read are verified one after the other, this far apart.
    /// Six calls and three per port each.
    pub details_apart: Duration,
    /// After a start, target groups whose targets nobody has read are read one after the other, this far apart: who
    /// was registered while nobody looked matters sooner than an attribute that somebody changed.
    pub targets_apart: Duration,
    /// After a start, so many load balancers are few enough for their targets to be read at the first look.
    pub few: usize,
    /// How long our own changes count for more than a list, which may not tell them yet.
    pub settling: Duration,
    /// How old the state of a load balancer that is being set up may be.
    pub provisioning: Duration,
    /// First pause between registering targets and asking for their health; it doubles from then on.
    pub health: Duration,
    /// How long targets that stay `initial` are asked for like that.
    pub health_patience: Duration,
    /// From then on the health of all targets is asked for no more often than this …
    pub health_slow: Duration,
    /// … and of one target group after the other, this far apart.
    pub health_apart: Duration,
    /// Health that was read longer ago is not told.
    pub health_told: Duration,
}

impl Freshness {
    /// Everything is read at every look. For those who look once (a plan for an operator), and where others change the
    /// account all the time.
    pub const fn always() -> Self {
        Self {
            snapshot: Duration::ZERO,
            details: Duration::ZERO,
            details_apart: Duration::ZERO,
            targets_apart: Duration::ZERO,
            few: usize::MAX,
            settling: Duration::ZERO,
            provisioning: Duration::ZERO,
            health: Duration::from_secs(15),
            health_patience: Duration::from_mins(10),
            health_slow: Duration::ZERO,
            health_apart: Duration::ZERO,
            health_told: Duration::MAX,
        }
    }
}

impl Default for Freshness {
    /// For a controller that alone writes what it owns. The distances after a start leave more than half of the ten
    /// reads per second that AWS grants an account to everything else; fifty with a port or two each are a hundred reads.
    /// The health of 1,000 target groups takes 50 minutes in turns, and a third of a read per second.
    fn default() -> Self {
        Self {
            snapshot: Duration::from_mins(10),
            details: Duration::from_hours(6),
            details_apart: Duration::from_secs(4),
            targets_apart: Duration::from_millis(400),
            few: 50,
            settling: Duration::from_secs(30),
            provisioning: Duration::from_secs(10),
            health: Duration::from_secs(15),
            health_patience: Duration::from_mins(10),
            health_slow: Duration::from_mins(15),
            health_apart: Duration::from_secs(3),
            health_told: Duration::from_hours(3),
        }
    }
}
