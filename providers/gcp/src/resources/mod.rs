//! Settings and facts become the resource graph. Pure.

mod model;

pub use model::{
    AddressSource, AddressWish, BackendServiceWish, Facts, FirewallWish, ForwardingRuleWish, GroupWish,
    HealthCheckWish, NodeFact, SubnetFact, Wanted,
};
