//! The resource graph of a load balancer. Pure.

mod model;

pub use model::{
    BackendWish, BalancerWish, Facts, InstanceFact, ListenerWish, SecurityGroupWish, TargetGroupWish, Wanted,
};
