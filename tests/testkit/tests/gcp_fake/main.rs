//! The fake Compute Engine against the facts that it stands for: what the documentation says, and what was recorded of
//! the real one.
//!
//! | Fact | Test module |
//! |---|---|
//! | bodies, words, scopes, parameters, pages, filters, request ids | `requests` |

#![expect(
    clippy::unwrap_used,
    reason = "helpers of tests; clippy exempts only the test functions themselves"
)]

mod common;
mod requests;
