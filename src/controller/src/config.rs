//! The controller's settings.

use std::time::Duration;

use landfall_core::ids::{ClassName, ClusterId};

/// What the controller may be told. [`Config::new`] gives the defaults.
#[derive(Debug, Clone)]
pub struct Config {
    /// Names this cluster in ownership marks.
    pub cluster: ClusterId,
    /// The class for Services without one; `None` leaves them alone unless a `LoadBalancerClass` has `spec.default`.
    pub default_class: Option<ClassName>,
    /// The only namespace whose Services are served; `None` for all.
    pub namespace: Option<String>,
    /// How often each load balancer is compared with the provider's side although nothing changed. Spread by ±10 %.
    pub resync: Duration,
    /// Looks that run at the same time, per provider. A look that takes longer than 5 s makes room for another one; at most
    /// four times as many go on beside them.
    pub workers: usize,
    /// How long node changes are collected before anything follows from them.
    pub node_delay: Duration,
    /// How long changes of endpoints are collected.
    pub endpoint_delay: Duration,
    /// Bound of one API call.
    pub api_timeout: Duration,
    /// Bound of one look at one load balancer.
    pub look_timeout: Duration,
    /// Delete what carries our marks and belongs to no Service, after `orphan_grace`.
    pub collect_orphans: bool,
    /// How long something must have been an orphan before it is deleted.
    pub orphan_grace: Duration,
}

impl Config {
    /// The defaults for a cluster.
    pub fn new(cluster: ClusterId) -> Self {
        Self {
            cluster,
            default_class: None,
            namespace: None,
            resync: Duration::from_mins(10),
            workers: 16,
            node_delay: Duration::from_secs(1),
            endpoint_delay: Duration::from_millis(500),
            api_timeout: Duration::from_secs(10),
            look_timeout: Duration::from_mins(2),
            collect_orphans: false,
            orphan_grace: Duration::from_hours(1),
        }
    }
}
