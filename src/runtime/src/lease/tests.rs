//! The election loop against a scripted API server, in paused time.

use std::time::Duration;

use tokio::time::{Instant, advance, sleep, timeout};

use super::*;

mod contender;
mod fake;
mod handover;
mod outage;
mod schedules;

use contender::Contender;
use fake::{Fate, Server};

fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}
