//! The controller against an API server, embedded or real.
//!
//! [`run`] starts an API server with everything of `deploy/base` applied and hands a [`Rig`] to the test. On the embedded
//! server the clock is paused and jumps ahead whenever everything waits, so a test may wait for minutes in no time.
//! On a real one (see `landfall_testkit::backend`) the same test takes as long as it takes.
//!
//! | module | what it owns |
//! |---|---|
//! | [`rig`] | server, namespace, controllers; waiting for what should happen |
//! | [`tap`] | what the controllers ask of the server, counted and interfered with, apart from the test's own requests |
//! | [`stub`] | a provider that does what a test says |
//! | [`rights`] | the rights that the controller is granted |
//! | [`objects`] | builders |

#![expect(
    clippy::expect_used,
    clippy::panic,
    clippy::missing_panics_doc,
    clippy::print_stderr,
    reason = "a harness fails a test by panicking, and tells what it left out where the test runner shows it"
)]

pub mod objects;
pub mod rig;
pub mod rights;
pub mod stub;
pub mod tap;

pub use objects::{MEMORY, METAL, class, endpoints, node, pool, ports, service, shared, with};
pub use rig::{Rig, Running, run, run_embedded};
pub use stub::Stub;
pub use tap::{Mishap, Tap};
