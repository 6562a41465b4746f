//! The fake of AWS against the facts that it stands for: what the real service does where `moto` does something else,
//! and what it refuses.
//!
//! | Fact | Test module |
//! |---|---|
//! | repeated creates, names, subnets, addresses, states, protection, quotas, in-place changes | `balancers` |
//! | duplicate ports, certificates, protocols that fit, one load balancer per target group | `listeners` |
//! | health checks, attributes with defaults, in use while forwarded to | `groups` |
//! | identity by id and port, draining, unused zones, a bad one spoils the batch | `targets` |
//! | rules, quotas per family, references, interfaces that are released late | `security` |
//! | pages, tags, request limits, faults, journal | `habits` |

#![expect(
    clippy::unwrap_used,
    reason = "helpers of tests; clippy exempts only the test functions themselves"
)]

mod balancers;
mod common;
mod groups;
mod habits;
mod listeners;
mod security;
mod targets;
