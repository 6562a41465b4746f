//! Why a run fails.

use std::io;
use std::path::PathBuf;

use landfall_testkit::apiserver::{ApiError, StartError};

/// Why a run fails. The text is what the user gets to see.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DemoError {
    #[error("{what}: {source}")]
    Io { what: String, source: io::Error },
    #[error("{} is in use: another demo, or the controller of one, still runs; end it or choose another --dir", dir.display())]
    Busy { dir: PathBuf },
    #[error("no program {}; build it with `cargo build -p landfall`, or name it with --landfall", path.display())]
    NoProgram { path: PathBuf },
    #[error("manifest {file}: {problem}")]
    Manifest { file: &'static str, problem: String },
    #[error("starting the API server: {0}")]
    Start(#[from] StartError),
    #[error("{file}: the API server refuses {name}: {source}")]
    Refused { file: &'static str, name: String, source: Box<ApiError> },
    #[error("{what}: {source}")]
    Kube { what: String, source: Box<kube::Error> },
    #[error("the watch of the Services has ended")]
    WatchEnded,
    #[error("ended by a signal before every Service had what it is to get")]
    Interrupted,
    #[error("{0}")]
    Timeout(String),
    #[error("the controller ended by itself ({0})")]
    Died(std::process::ExitStatus),
    #[error("the controller did not end well after SIGTERM ({0})")]
    BadEnd(String),
    #[error("a Service does not have what it is to get:\n{0}")]
    Breach(String),
    /// With the end of the controller's log.
    #[error("{problem}\nThe last lines of {}:\n{tail}", log.display())]
    Logged { problem: Box<DemoError>, log: PathBuf, tail: String },
}

impl DemoError {
    /// For `map_err` of file and socket errors.
    pub(crate) fn io(what: impl Into<String>) -> impl FnOnce(io::Error) -> Self {
        let what = what.into();
        move |source| Self::Io { what, source }
    }

    /// For `map_err` of requests.
    pub(crate) fn kube(what: impl Into<String>) -> impl FnOnce(kube::Error) -> Self {
        let what = what.into();
        move |source| Self::Kube { what, source: Box::new(source) }
    }
}
