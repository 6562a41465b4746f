//! An API server and the real controller, as a process of its own.

// Each test binary compiles this module and uses its own part of it.
#![allow(dead_code)]

use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use k8s_openapi::api::core::v1::Service;
use kube::api::{Api, PostParams};
use kube::runtime::wait::{Condition, await_condition};
use landfall_testkit::backend::{Backend, Choice};
use serde::de::DeserializeOwned;
use serde_json::Value;
use tokio::process::{Child, Command};
use tokio::time::timeout;

use crate::program;

/// More than any step takes on a busy machine.
const PATIENCE: Duration = Duration::from_mins(1);

/// An API server, and a folder for kubeconfig and log.
pub(crate) struct Stage {
    /// The API server.
    pub(crate) backend: Backend,
    /// The folder.
    pub(crate) directory: tempfile::TempDir,
}

impl Stage {
    /// With our definitions installed.
    pub(crate) async fn new() -> Self {
        Self::with(&landfall_api::crds_yaml().unwrap()).await
    }

    /// With these definitions installed.
    pub(crate) async fn with(definitions: &str) -> Self {
        let backend = Backend::new(Choice::Embedded, definitions).await.unwrap();
        let directory = tempfile::tempdir().unwrap();
        std::fs::write(directory.path().join("kubeconfig"), backend.kubeconfig()).unwrap();
        Self { backend, directory }
    }

    /// Path of the kubeconfig.
    pub(crate) fn kubeconfig(&self) -> String {
        self.directory.path().join("kubeconfig").display().to_string()
    }

    /// Starts the controller; its log goes to a file, so that a full pipe cannot stop it.
    pub(crate) fn controller(&self, more: &[&str]) -> Child {
        self.controller_with(more, [])
    }

    /// The same with environment variables.
    pub(crate) fn controller_with(
        &self,
        more: &[&str],
        environment: impl IntoIterator<Item = (&'static str, String)>,
    ) -> Child {
        let kubeconfig = self.kubeconfig();
        let mut args = vec!["controller", "--kubeconfig", &kubeconfig, "--admin-addr", "127.0.0.1:0"];
        args.extend(more);
        let log = std::fs::File::create(self.log_file()).unwrap();
        let mut command = Command::from(program::command(&args));
        command.envs(environment).stderr(Stdio::from(log)).kill_on_drop(true);
        command.spawn().unwrap()
    }

    /// What the controller has logged.
    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(self.log_file()).unwrap_or_default()
    }

    fn log_file(&self) -> PathBuf {
        self.directory.path().join("log")
    }

    /// Creates an object.
    pub(crate) async fn create<K>(&self, api: Api<K>, object: Value)
    where
        K: Clone + std::fmt::Debug + DeserializeOwned + serde::Serialize,
    {
        let object: K = serde_json::from_value(object).unwrap();
        api.create(&PostParams::default(), &object).await.unwrap();
    }

    /// Watches a Service until the condition holds.
    pub(crate) async fn service_until(
        &self,
        name: &str,
        what: &str,
        condition: impl Condition<Service>,
    ) -> Option<Service> {
        let api: Api<Service> = Api::default_namespaced(self.backend.admin());
        self.within(what, async { await_condition(api, name, condition).await.unwrap() }).await
    }

    /// Waits for the end of a step.
    pub(crate) async fn within<T>(&self, what: &str, work: impl Future<Output = T>) -> T {
        let late = |_| panic!("{what}: not within {PATIENCE:?}; log:\n{}", self.log());
        timeout(PATIENCE, work).await.unwrap_or_else(late)
    }

    /// Waits until the log says so.
    pub(crate) async fn logged(&self, text: &str) {
        let mut ticks = tokio::time::interval(Duration::from_millis(20));
        let said = async {
            while !self.log().contains(text) {
                ticks.tick().await;
            }
        };
        self.within(text, said).await;
    }

    /// Sends SIGTERM and waits for the end. Returns the exit code.
    pub(crate) async fn terminate(&self, mut child: Child) -> Option<i32> {
        let pid = child.id().expect("still running").to_string();
        let kill = Command::new("kill").args(["-TERM", &pid]).status().await.unwrap();
        assert!(kill.success());
        self.within("the end", child.wait()).await.unwrap().code()
    }
}
