//! `landfall completions`: completion scripts of shells.

use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::{Args, CommandFactory};
use clap_complete::{Shell, generate};

use crate::{Cli, out};

/// Print the completion script of a shell.
///
/// bash: `landfall completions bash > /etc/bash_completion.d/landfall`;
/// fish: `landfall completions fish > ~/.config/fish/completions/landfall.fish`;
/// zsh: write it as `_landfall` into a directory of `$fpath`.
#[derive(Debug, Args)]
pub(crate) struct CompletionsArgs {
    /// The shell
    shell: Shell,
}

/// Prints the script.
pub(crate) fn run(args: &CompletionsArgs) -> Result<ExitCode> {
    let mut script = Vec::new();
    generate(args.shell, &mut Cli::command(), "landfall", &mut script);
    let script = String::from_utf8(script).context("the completion script is not text")?;
    out::print(&script)?;
    Ok(ExitCode::SUCCESS)
}
