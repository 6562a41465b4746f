//! Class parameters and annotations become [`Settings`]. Pure.

mod model;

pub use model::{BalancerSettings, ListenerSettings, MemberSettings, Security, Settings, Tls};
