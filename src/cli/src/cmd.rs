//! The subcommands. Each module has its flags as a clap type and a `run` that returns the exit code.

pub(crate) mod completions;
pub(crate) mod controller;
pub(crate) mod crds;
pub(crate) mod plan;
