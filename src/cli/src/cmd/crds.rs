//! `landfall crds`: the `CustomResourceDefinition`s.

use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::Args;

use crate::out;

/// Print the CustomResourceDefinitions as YAML.
///
/// Apply them before the controller starts: `landfall crds | kubectl apply -f -`.
#[derive(Debug, Args)]
pub(crate) struct CrdsArgs {
    /// Write one file per definition into this directory, which is made if needed, and print nothing
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
}

/// Prints or writes the definitions.
pub(crate) fn run(args: &CrdsArgs) -> Result<ExitCode> {
    let Some(dir) = &args.dir else {
        out::print(&landfall_api::crds_yaml()?)?;
        return Ok(ExitCode::SUCCESS);
    };
    fs::create_dir_all(dir).with_context(|| format!("--dir: cannot make the directory {}", dir.display()))?;
    for (name, text) in landfall_api::crd_files()? {
        let path = dir.join(name);
        fs::write(&path, text).with_context(|| format!("--dir: cannot write {}", path.display()))?;
    }
    Ok(ExitCode::SUCCESS)
}
