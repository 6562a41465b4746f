//! Google's client behind the provider's own API, against the fake Compute Engine over HTTP.
//!
//! | What | Test module |
//! |---|---|
//! | every kind and verb, pages | `verbs` |
//! | error answers, lost requests and answers, failed operations | `faults` |
//! | what goes over the wire | `wire` |

#![expect(
    clippy::unwrap_used,
    reason = "helpers of tests; clippy exempts only the test functions themselves"
)]

mod common;
mod faults;
mod verbs;
mod wire;
