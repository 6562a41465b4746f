//! What exists of one load balancer.

mod model;

pub use model::{Balancer, BalancerDetails, Foreign, Group, ListenerDetails, Observed};
