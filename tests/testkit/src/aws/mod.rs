//! Doubles of AWS.

pub mod fake;
