//! The Landfall controller and its command line.
//!
//! | module | what it owns |
//! |---|---|
//! | [`cmd`] | one module per subcommand: its flags, and what it does |
//! | [`plan`] | a dry run, from manifests to a report |
//! | [`wire`] | the one place that names providers |
//! | [`values`] | how flag values are read |
//! | [`out`] | standard output, and how an error is told |
//!
//! Exit codes: 0 fine, 1 a finding or failure that is told, 2 wrong usage.

#![expect(
    clippy::doc_markdown,
    reason = "doc comments of flags are help texts, and a terminal shows backticks as they are"
)]

mod cmd;
mod out;
mod plan;
mod values;
mod wire;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Gives Kubernetes Services of type LoadBalancer an external address.
#[derive(Debug, Parser)]
#[command(name = "landfall", version, max_term_width = 110, after_help = EXIT_CODES)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

const EXIT_CODES: &str = "Exit codes: 0 fine, 1 a finding or failure that is told, 2 wrong usage.";

#[derive(Debug, Subcommand)]
enum Command {
    Controller(Box<cmd::controller::ControllerArgs>),
    Plan(Box<cmd::plan::PlanArgs>),
    Crds(cmd::crds::CrdsArgs),
    Completions(cmd::completions::CompletionsArgs),
}

fn main() -> ExitCode {
    let ended = match Cli::parse().command {
        Command::Controller(args) => cmd::controller::run(*args),
        Command::Plan(args) => cmd::plan::run(&args),
        Command::Crds(args) => cmd::crds::run(&args),
        Command::Completions(args) => cmd::completions::run(&args),
    };
    ended.unwrap_or_else(|error| out::tell(&error))
}
