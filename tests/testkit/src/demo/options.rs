//! The command line.

use std::path::PathBuf;
use std::time::Duration;

/// Starts an embedded cluster, a Landfall controller and a few Services, and shows how they get their EXTERNAL-IP.
///
/// Exit codes: 0 fine, 1 a failure that is told, 2 wrong usage.
#[derive(Debug, Clone, clap::Parser)]
#[command(name = "landfall-demo", version, max_term_width = 100)]
pub(crate) struct Options {
    /// End as soon as every Service has what it is to get; fail if that takes longer than the timeout.
    #[arg(long)]
    pub(crate) once: bool,
    /// TCP port of the API server on 127.0.0.1; 0 takes a free one.
    #[arg(long, default_value_t = 0)]
    pub(crate) port: u16,
    /// The program `landfall`; by default the one next to this program.
    #[arg(long, value_name = "PATH")]
    pub(crate) landfall: Option<PathBuf>,
    /// Where kubeconfig and controller log go; by default `.demo`, with --once a temporary folder.
    #[arg(long, value_name = "PATH")]
    pub(crate) dir: Option<PathBuf>,
    /// Seconds until Services that lack something are reported.
    #[arg(long, value_name = "SECONDS", default_value = "60", value_parser = seconds)]
    pub(crate) timeout: Duration,
    /// Milliseconds between two Services; by default 400 on a terminal, so that eyes can follow, else 0.
    #[arg(long, value_name = "MILLISECONDS")]
    pub(crate) pause: Option<u64>,
}

impl Options {
    /// The pause between two Services, where `live` says that somebody looks.
    pub(crate) fn pause(&self, live: bool) -> Duration {
        let default = if live && !self.once { 400 } else { 0 };
        Duration::from_millis(self.pause.unwrap_or(default))
    }
}

fn seconds(text: &str) -> Result<Duration, String> {
    match text.parse() {
        Ok(seconds @ 1..=3_600) => Ok(Duration::from_secs(seconds)),
        _ => Err("must be a whole number of seconds from 1 to 3600".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use clap::{CommandFactory, Parser};
    use rstest::rstest;

    use super::*;

    #[test]
    fn the_command_line_is_sound() {
        Options::command().debug_assert();
    }

    #[rstest]
    #[case::nobody_looks(&[], false, 0)]
    #[case::somebody_looks(&[], true, 400)]
    #[case::once(&["--once"], true, 0)]
    #[case::told(&["--pause", "7"], false, 7)]
    fn the_pause_is_for_eyes(#[case] arguments: &[&str], #[case] live: bool, #[case] milliseconds: u64) {
        let options = Options::parse_from(["landfall-demo"].iter().chain(arguments));
        assert_eq!(options.pause(live), Duration::from_millis(milliseconds));
    }

    #[rstest]
    #[case("1", Some(1))]
    #[case("3600", Some(3600))]
    #[case("0", None)]
    #[case("1.5", None)]
    #[case("3601", None)]
    fn timeouts(#[case] text: &str, #[case] expected: Option<u64>) {
        assert_eq!(seconds(text).ok(), expected.map(Duration::from_secs));
    }
}
