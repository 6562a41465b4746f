//! `landfall-demo`: a cluster on this machine, in which Services get their EXTERNAL-IP while you watch.
//!
//! The API server is the embedded one, the controller is the real program as a child process.
//!
//! | module | what it owns |
//! |---|---|
//! | [`manifests`] | what is created, and what shall come of it |
//! | [`cluster`], [`controller`], [`folder`] | the API server with its objects, the child, the files of a run |
//! | [`events`], [`board`] | what happens in the cluster; what it means, as plain values |
//! | [`table`], [`screen`], [`hints`] | text; where it goes; what to try next |
//! | [`run`] | one run from start to end |

mod board;
mod cluster;
mod controller;
mod error;
mod events;
mod folder;
mod hints;
mod manifests;
mod options;
mod run;
mod screen;
mod table;

use std::io::Write;
use std::process::ExitCode;

use clap::Parser;

use options::Options;

#[tokio::main]
async fn main() -> ExitCode {
    match run::run(Options::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // If standard error is gone as well, the exit code still tells.
            let _written = writeln!(std::io::stderr(), "landfall-demo: {error}");
            ExitCode::FAILURE
        }
    }
}
