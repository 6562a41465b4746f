//! Measures the real controller program against the embedded API server over HTTP.
//!
//! Scenarios, in this order, on one controller:
//!
//! - `latency`: Services one after another; from the answer to the create to the watch event with the address;
//! - `burst`: many Services as fast as the API server takes them; the same per Service, and the whole;
//! - `restart`: the controller is stopped and started; until it has looked at every Service again, and what it wrote;
//! - `memory`: resident set of the controller's process, at its peak and at the end.
//!
//! `landfall-bench aws` (cargo feature `aws`) measures the provider `aws` against moto instead: [`aws`].
//!
//! The API server runs in this process and shares the machine with the controller, so the figures are an upper bound
//! for the controller and say nothing about a real API server.

#[cfg(feature = "aws")]
mod aws;
mod controller;
mod figures;
mod scenario;

use std::path::PathBuf;

use anyhow::Result;
use clap::Parser;

use crate::scenario::Scenario;

/// Measure time to address, bursts, restarts and memory.
#[derive(Debug, Parser)]
#[command(version)]
struct Args {
    /// The program to measure.
    #[arg(long, default_value = "target/release/landfall")]
    landfall: PathBuf,
    /// Services of the latency scenario, one after another.
    #[arg(long, default_value_t = 300)]
    latency: usize,
    /// Services of the burst scenario, all at once.
    #[arg(long, default_value_t = 5_000)]
    burst: usize,
    /// Nodes in the cluster.
    #[arg(long, default_value_t = 100)]
    nodes: usize,
    /// Creates under way at the same time in the burst.
    #[arg(long, default_value_t = 32)]
    creators: usize,
    #[cfg(feature = "aws")]
    #[command(subcommand)]
    on: Option<Cloud>,
}

/// Other providers than `metal`.
#[cfg(feature = "aws")]
#[derive(Debug, clap::Subcommand)]
enum Cloud {
    Aws(aws::AwsArgs),
}

#[tokio::main]
async fn main() -> Result<()> {
    let args = Args::parse();
    #[cfg(feature = "aws")]
    if let Some(Cloud::Aws(on)) = &args.on {
        return aws::measure(&args.landfall, on).await;
    }
    let mut scenario = Scenario::start(&args.landfall, args.nodes, args.latency + args.burst).await?;
    let report = figures::Report::begin()?;
    report.add("latency", &scenario.latency(args.latency).await?)?;
    report.add("burst", &scenario.burst(args.burst, args.creators).await?)?;
    let (scenario, restart) = scenario.restart().await?;
    report.add("restart", &restart)?;
    report.add("memory", &scenario.memory()?)?;
    scenario.stop().await
}
