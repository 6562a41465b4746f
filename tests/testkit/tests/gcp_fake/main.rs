//! The fake Compute Engine against the facts that it stands for: what the documentation says, and what was recorded of
//! the real one.
//!
//! | Fact | Test module |
//! |---|---|
//! | bodies, words, scopes, parameters, pages, filters, request ids | `requests` |
//! | operations to their end, both shapes of failure, references, fingerprints, labels | `operations` |
//! | address pools, tiers, families, reservations, promotion and release, conflict codes | `addresses` |
//! | ports, protocols, what of a forwarding rule or a backend service can be, and can be changed | `rules` |
//! | members of groups, batches, one load-balanced group per instance, health | `groups` |
//! | firewall rules, health checks, patch and update | `simple` |
//! | quotas, request limits, permissions, faults, journal, drift | `habits` |
//! | no address and no port is given twice, nothing is left, nobody is refused what is free | `properties` |
//! | spellings of paths and queries, shapes of answers, broken connections | `http` |

#![expect(
    clippy::unwrap_used,
    reason = "helpers of tests; clippy exempts only the test functions themselves"
)]

mod addresses;
mod common;
mod groups;
mod habits;
mod http;
mod operations;
mod properties;
mod requests;
mod rules;
mod simple;
