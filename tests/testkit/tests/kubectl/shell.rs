//! Finds and runs `kubectl`.

use std::ffi::OsString;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;

use crate::fixture::Entry;
use crate::recorder::Recorder;

/// Each wait in a scenario ends after this; what is waited for takes milliseconds.
const PATIENCE: Duration = Duration::from_secs(30);
const POLL: Duration = Duration::from_millis(5);
/// The oldest minor version of `kubectl` that the server is tested with.
const OLDEST: u32 = 30;

/// A usable `kubectl`.
pub(crate) struct Kubectl {
    program: OsString,
    /// `v1.33.2`.
    pub(crate) version: String,
}

impl Kubectl {
    /// `LANDFALL_KUBECTL`, which must then work, or the one in `PATH`. `Err` says why there is none.
    pub(crate) fn find() -> Result<Self, String> {
        let wanted = std::env::var_os("LANDFALL_KUBECTL").filter(|program| !program.is_empty());
        let program = wanted.clone().unwrap_or_else(|| "kubectl".into());
        let found = Self::probe(program);
        if let (Some(_), Err(problem)) = (wanted, &found) {
            panic!("LANDFALL_KUBECTL: {problem}");
        }
        found
    }

    fn probe(program: OsString) -> Result<Self, String> {
        let output = Command::new(&program).args(["version", "--client", "--output=json"]).output();
        let output = output.map_err(|_| "not found".to_owned())?;
        let answer: Value =
            serde_json::from_slice(&output.stdout).map_err(|_| "tells no version".to_owned())?;
        let version = answer["clientVersion"]["gitVersion"].as_str().unwrap_or_default().to_owned();
        let minor = version.split('.').nth(1).and_then(|minor| minor.parse::<u32>().ok());
        if minor.is_none_or(|minor| minor < OLDEST) {
            return Err(format!("{version} is older than 1.{OLDEST}"));
        }
        Ok(Self { program, version })
    }
}

/// A folder of its own, a kubeconfig, and `kubectl` run in it.
pub(crate) struct Shell {
    kubectl: Kubectl,
    recorder: Recorder,
    folder: TempDir,
}

impl Shell {
    pub(crate) fn new(kubectl: Kubectl, recorder: Recorder) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let text = landfall_testkit::apiserver::kubeconfig(recorder.address);
        fs::write(folder.path().join("kubeconfig"), text).expect("a kubeconfig");
        Self { kubectl, recorder, folder }
    }

    pub(crate) fn version(&self) -> &str {
        &self.kubectl.version
    }

    /// Runs `kubectl` with the words of `line`; it must succeed. Returns what it printed.
    pub(crate) fn run(&self, line: &str) -> String {
        self.pipe(line, "")
    }

    /// [`Shell::run`] with `input` on standard input.
    pub(crate) fn pipe(&self, line: &str, input: &str) -> String {
        let output = self.output(line, input);
        assert!(output.status.success(), "kubectl {line}: {}", text(&output.stderr));
        text(&output.stdout)
    }

    /// Runs a command that must end with exit code `code`. Returns what it printed, errors last.
    pub(crate) fn exits(&self, line: &str, input: &str, code: i32) -> String {
        let output = self.output(line, input);
        let printed = text(&output.stdout) + &text(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "kubectl {line}: {printed}");
        printed
    }

    /// Applies or creates; a shorthand for the commonest pipe.
    pub(crate) fn create(&self, manifest: &str) {
        self.pipe("create -f -", manifest);
    }

    /// Starts a command that goes on until [`Background::finish`] or drop.
    pub(crate) fn background(&self, line: &str) -> Background {
        let mut child = self.start(line);
        let stdout = child.stdout.take().expect("a pipe");
        let (sender, lines) = channel();
        // Ends with the pipe. A closed channel means that nobody listens any more.
        std::thread::spawn(move || {
            BufReader::new(stdout).lines().map_while(Result::ok).all(|line| sender.send(line).is_ok())
        });
        Background { line: line.to_owned(), child, lines }
    }

    /// Waits until the command started last has a watch open.
    pub(crate) fn until_watching(&self) {
        let is_open = |entry: &Entry| match entry {
            Entry::Exchange(exchange) => exchange.is_watch() && exchange.status == 200,
            Entry::Command { .. } => false,
        };
        let until = std::time::Instant::now() + PATIENCE;
        loop {
            let entries = self.recorder.entries();
            let last = entries.rsplit(|entry| matches!(entry, Entry::Command { .. })).next();
            if last.unwrap_or_default().iter().any(is_open) {
                return;
            }
            assert!(std::time::Instant::now() < until, "no watch is open");
            std::thread::sleep(POLL);
        }
    }

    /// A script for `KUBE_EDITOR` that runs `sed` with `expression` on the file.
    pub(crate) fn editor(&self, expression: &str) -> PathBuf {
        let path = self.folder.path().join("editor");
        let script = format!("#!/bin/sh\nsed '{expression}' \"$1\" > \"$1.new\" && mv \"$1.new\" \"$1\"\n");
        fs::write(&path, script).expect("a script");
        Command::new("chmod").arg("+x").arg(&path).status().expect("chmod");
        path
    }

    fn output(&self, line: &str, input: &str) -> Output {
        let mut child = self.start(line);
        let mut stdin = child.stdin.take().expect("a pipe");
        // A command that does not read its input may have closed it already.
        let _written = stdin.write_all(input.as_bytes());
        drop(stdin);
        child.wait_with_output().expect("a finished command")
    }

    fn start(&self, line: &str) -> Child {
        self.recorder.command(&format!("kubectl {line}"));
        let home = self.folder.path();
        Command::new(&self.kubectl.program)
            .args(line.split_whitespace())
            .env("KUBECONFIG", home.join("kubeconfig"))
            .env("KUBECACHEDIR", home.join("cache"))
            .env("HOME", home)
            .env("KUBE_EDITOR", home.join("editor"))
            .env_remove("KUBECTL_EXTERNAL_DIFF")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("kubectl")
    }

    /// A path in the shell's folder.
    pub(crate) fn home(&self) -> &Path {
        self.folder.path()
    }
}

/// A running `kubectl`; killed when dropped.
pub(crate) struct Background {
    line: String,
    child: Child,
    lines: Receiver<String>,
}

impl Background {
    /// The next line it prints.
    pub(crate) fn line(&self) -> String {
        self.lines.recv_timeout(PATIENCE).unwrap_or_else(|error| panic!("kubectl {}: {error}", self.line))
    }

    /// Waits for a successful end and returns the lines not read yet.
    pub(crate) fn finish(mut self) -> Vec<String> {
        let mut rest = Vec::new();
        while let Ok(line) = self.lines.recv_timeout(PATIENCE) {
            rest.push(line);
        }
        let status = self.child.wait().expect("a finished command");
        assert!(status.success(), "kubectl {}: {status}", self.line);
        rest
    }
}

impl Drop for Background {
    fn drop(&mut self) {
        let _killed = self.child.kill();
        let _status = self.child.wait();
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
