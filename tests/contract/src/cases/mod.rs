//! The cases, by what they are about. Each is generic over the world and becomes one test.

pub mod addresses;
pub mod drift;
pub mod faults;
pub mod foreign;
pub mod inventory;
pub mod lifecycle;
pub mod plans;
pub mod refusals;
pub mod replacement;
pub mod sharing;
pub mod stacks;
pub mod targets;
pub mod updates;
