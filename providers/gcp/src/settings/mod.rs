//! Class parameters and annotations become [`Settings`]. Pure.

mod model;

pub use model::{
    BackendProtocol, BalancerSettings, FirewallSettings, HealthSettings, MemberSettings, Settings,
};
