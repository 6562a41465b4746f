//! Which API server the environment asks for.

use std::ffi::OsString;
use std::path::PathBuf;

use super::BackendError;

/// Path of a kubeconfig whose current context has the rights of `cluster-admin`.
pub const KUBECONFIG: &str = "LANDFALL_TEST_KUBECONFIG";
/// Folder with the programs `etcd` and `kube-apiserver`, as `setup-envtest` installs them.
pub const ASSETS: &str = "KUBEBUILDER_ASSETS";

/// The API server that tests run against.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Choice {
    /// The testkit's own, in this process.
    Embedded,
    /// Real programs, started for this test.
    Programs {
        /// The program `etcd`.
        etcd: PathBuf,
        /// The program `kube-apiserver`.
        apiserver: PathBuf,
    },
    /// A running cluster.
    Cluster(PathBuf),
}

impl Choice {
    /// Reads the two variables through `lookup`; an empty value counts as unset.
    pub fn read(lookup: impl Fn(&str) -> Option<OsString>) -> Result<Self, BackendError> {
        let path = |name| lookup(name).filter(|value| !value.is_empty()).map(PathBuf::from);
        match (path(KUBECONFIG), path(ASSETS)) {
            (Some(_), Some(_)) => Err(BackendError::Ambiguous),
            (Some(file), None) => Ok(Self::Cluster(existing(KUBECONFIG, file)?)),
            (None, Some(folder)) => Ok(Self::Programs {
                etcd: existing(ASSETS, folder.join("etcd"))?,
                apiserver: existing(ASSETS, folder.join("kube-apiserver"))?,
            }),
            (None, None) => Ok(Self::Embedded),
        }
    }
}

fn existing(variable: &'static str, path: PathBuf) -> Result<PathBuf, BackendError> {
    if path.is_file() { Ok(path) } else { Err(BackendError::Missing { variable, path }) }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn read(variables: &[(&str, PathBuf)]) -> Result<Choice, BackendError> {
        let variables: BTreeMap<&str, &PathBuf> =
            variables.iter().map(|(name, path)| (*name, path)).collect();
        Choice::read(|name| variables.get(name).map(|path| path.as_os_str().to_owned()))
    }

    #[test]
    fn nothing_set_is_the_embedded_server() {
        assert_eq!(read(&[]).ok(), Some(Choice::Embedded));
        assert_eq!(read(&[(ASSETS, PathBuf::new())]).ok(), Some(Choice::Embedded));
    }

    #[test]
    fn programs_and_files_are_found() -> std::io::Result<()> {
        let folder = tempfile::tempdir()?;
        let [etcd, apiserver] = ["etcd", "kube-apiserver"].map(|name| folder.path().join(name));
        std::fs::write(&etcd, "")?;
        std::fs::write(&apiserver, "")?;
        let got = read(&[(ASSETS, folder.path().to_owned())]).ok();
        assert_eq!(got, Some(Choice::Programs { etcd: etcd.clone(), apiserver }));
        assert_eq!(read(&[(KUBECONFIG, etcd.clone())]).ok(), Some(Choice::Cluster(etcd)));
        Ok(())
    }

    #[test]
    fn what_is_missing_is_named() -> std::io::Result<()> {
        let folder = tempfile::tempdir()?;
        std::fs::write(folder.path().join("etcd"), "")?;
        let error = read(&[(ASSETS, folder.path().to_owned())]).expect_err("no kube-apiserver");
        let path = folder.path().join("kube-apiserver");
        assert_eq!(error.to_string(), format!("KUBEBUILDER_ASSETS: no such file: {}", path.display()));

        let error = read(&[(KUBECONFIG, folder.path().join("none"))]).expect_err("no kubeconfig");
        assert!(error.to_string().starts_with("LANDFALL_TEST_KUBECONFIG: no such file: "), "{error}");
        Ok(())
    }

    #[test]
    fn two_answers_are_none() {
        let both = [(ASSETS, PathBuf::from("/a")), (KUBECONFIG, PathBuf::from("/b"))];
        assert!(matches!(read(&both), Err(BackendError::Ambiguous)));
    }
}
