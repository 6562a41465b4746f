//! Doubles of AWS: [`fake`] knows AWS's rules and starts behind the SDK; [`moto`] knows its wire format, and [`proxy`]
//! breaks what [`moto`] answers.

pub mod account;
pub mod fake;
pub mod moto;
pub mod proxy;
pub mod seed;
mod xml;
