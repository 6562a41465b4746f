//! The files of one run: the kubeconfig and the controller's log.

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::error::DemoError;

const DEFAULT: &str = ".demo";
/// Lines of the log that a failure shows.
const TAIL: usize = 20;

/// The folder of one run, for this run alone.
#[derive(Debug)]
pub(crate) struct Folder {
    path: PathBuf,
    temporary: Option<TempDir>,
    /// Locked as long as this process or the controller has it open.
    log: File,
}

impl Folder {
    /// Takes `dir`, by default `.demo`, or a temporary folder if `once`.
    pub(crate) fn open(dir: Option<&Path>, once: bool) -> Result<Self, DemoError> {
        let temporary = match dir {
            None if once => Some(tempfile::tempdir().map_err(DemoError::io("making a temporary folder"))?),
            _ => None,
        };
        let path = temporary.as_ref().map_or_else(|| dir.unwrap_or(Path::new(DEFAULT)), TempDir::path);
        fs::create_dir_all(path).map_err(DemoError::io(format!("making {}", path.display())))?;
        // The controller gets this path, and users copy it: it must hold in every folder.
        let path = fs::canonicalize(path).map_err(DemoError::io(path.display().to_string()))?;
        let log = take(&path)?;
        Ok(Self { path, temporary, log })
    }

    pub(crate) fn kubeconfig(&self) -> PathBuf {
        self.path.join("kubeconfig")
    }

    pub(crate) fn log(&self) -> PathBuf {
        log_in(&self.path)
    }

    /// The log to write to, twice: standard output and standard error.
    pub(crate) fn outputs(&self) -> io::Result<[File; 2]> {
        Ok([self.log.try_clone()?, self.log.try_clone()?])
    }

    pub(crate) fn write_kubeconfig(&self, text: &str) -> Result<(), DemoError> {
        let path = self.kubeconfig();
        fs::write(&path, text).map_err(DemoError::io(format!("writing {}", path.display())))
    }

    /// The same failure with the end of the log, if there is a log.
    pub(crate) fn explain(&self, problem: DemoError) -> DemoError {
        let text = fs::read_to_string(self.log()).unwrap_or_default();
        if text.is_empty() {
            return problem;
        }
        DemoError::Logged { problem: Box::new(problem), log: self.log(), tail: tail(&text) }
    }

    /// Removes the kubeconfig, which leads nowhere now; the log only if `all` is well or it is empty.
    pub(crate) fn clean(mut self, all: bool) -> Result<(), DemoError> {
        let remove = |path: PathBuf| match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(DemoError::Io { what: format!("removing {}", path.display()), source: error })
            }
            _ => Ok(()),
        };
        remove(self.kubeconfig())?;
        if !all && self.log.metadata().is_ok_and(|log| log.len() > 0) {
            // The log is worth more than a tidy folder.
            if let Some(temporary) = &mut self.temporary {
                temporary.disable_cleanup(true);
            }
            return Ok(());
        }
        remove(self.log())?;
        if self.temporary.is_none() {
            // It stays if the user keeps files of his own in it.
            let _removed = fs::remove_dir(&self.path);
        }
        Ok(())
    }
}

fn log_in(folder: &Path) -> PathBuf {
    folder.join("controller.log")
}

/// Opens the log alone, and only then empties it: it may be another run's.
fn take(folder: &Path) -> Result<File, DemoError> {
    let path = log_in(folder);
    let what = || format!("opening {}", path.display());
    let log = File::options().create(true).append(true).open(&path).map_err(DemoError::io(what()))?;
    match log.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => return Err(DemoError::Busy { dir: folder.to_owned() }),
        Err(TryLockError::Error(source)) => return Err(DemoError::Io { what: what(), source }),
    }
    log.set_len(0).map_err(DemoError::io(what()))?;
    Ok(log)
}

fn tail(text: &str) -> String {
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(TAIL)..].join("\n")
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn a_folder_is_for_one_run() {
        let parent = tempfile::tempdir().unwrap();
        let dir = parent.path().join("demo");
        let first = Folder::open(Some(&dir), false).unwrap();
        first.write_kubeconfig("text").unwrap();
        let second = Folder::open(Some(&dir), true).unwrap_err();
        assert!(matches!(second, DemoError::Busy { .. }), "{second}");
        first.clean(true).unwrap();
        assert!(!dir.exists());
    }

    #[test]
    fn a_failure_keeps_and_shows_the_log() {
        let parent = tempfile::tempdir().unwrap();
        let folder = Folder::open(Some(parent.path()), false).unwrap();
        let log = folder.log();
        for line in 0..50 {
            writeln!(folder.outputs().unwrap()[line % 2], "line {line}").unwrap();
        }
        let shown = folder.explain(DemoError::Timeout("too slow".to_owned())).to_string();
        assert!(shown.starts_with("too slow\n") && shown.ends_with("line 48\nline 49"), "{shown}");
        assert!(!shown.contains("line 29\n"), "{shown}");
        folder.clean(false).unwrap();
        assert!(log.exists());
        let again = Folder::open(Some(parent.path()), false).unwrap();
        assert_eq!(fs::read_to_string(again.log()).unwrap(), "");
    }

    #[test]
    fn other_files_in_the_folder_stay() {
        let parent = tempfile::tempdir().unwrap();
        let mine = parent.path().join("mine.yaml");
        fs::write(&mine, "").unwrap();
        Folder::open(Some(parent.path()), false).unwrap().clean(true).unwrap();
        assert_eq!(fs::read_dir(parent.path()).unwrap().count(), 1);
        assert!(mine.exists());
    }
}
