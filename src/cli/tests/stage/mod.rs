//! An API server and the real controller, as a process of its own.

// Each test binary compiles this module and uses its own part of it.
#![allow(dead_code)]

use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use k8s_openapi::api::core::v1::Service;
use kube::api::{Api, DeleteParams, Patch, PatchParams, PostParams};
use kube::runtime::wait::conditions::is_deleted;
use kube::runtime::wait::{Condition, await_condition};
use kube::{Client, Config};
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

    /// Services of the namespace `default`.
    pub(crate) fn services(&self) -> Api<Service> {
        Api::default_namespaced(self.backend.admin())
    }

    /// Changes a Service.
    pub(crate) async fn patch(&self, name: &str, patch: Value) {
        let merge = Patch::Merge(patch);
        self.services().patch(name, &PatchParams::default(), &merge).await.unwrap();
    }

    /// Deletes a Service and waits until it is gone.
    pub(crate) async fn delete(&self, name: &str) {
        let uid = self.services().get(name).await.unwrap().metadata.uid.unwrap();
        let gone = await_condition(self.services(), name, is_deleted(&uid));
        self.services().delete(name, &DeleteParams::default()).await.unwrap();
        self.within("the end of the Service", gone).await.unwrap();
    }

    /// Watches a Service until the condition holds.
    pub(crate) async fn service_until(
        &self,
        name: &str,
        what: &str,
        condition: impl Condition<Service>,
    ) -> Option<Service> {
        let api = self.services();
        self.within(what, async { await_condition(api, name, condition).await.unwrap() }).await
    }

    /// Asks for a plan for a Service, in an environment. Returns what it prints.
    pub(crate) async fn plan(
        &self,
        service: &Value,
        environment: impl IntoIterator<Item = (&'static str, String)>,
    ) -> String {
        let file = self.directory.path().join("service.yaml");
        // JSON is YAML.
        std::fs::write(&file, service.to_string()).unwrap();
        let (kubeconfig, file) = (self.kubeconfig(), file.display().to_string());
        let mut plan = Command::from(program::command(&["plan", "--kubeconfig", &kubeconfig, "-f", &file]));
        let run = plan.envs(environment).kill_on_drop(true).output();
        let run: program::Run = self.within("a plan", run).await.unwrap().into();
        assert_eq!((run.code, run.stderr.as_str()), (0, ""), "{}", run.stdout);
        run.stdout
    }

    /// Waits until the controller has compared that many load balancers with the cloud, and found or made each as it
    /// should be.
    pub(crate) async fn looked(&self, at: u64) {
        const LISTENING: &str = "admin server listening address=";
        self.logged(LISTENING).await;
        let log = self.log();
        let address = log.split(LISTENING).nth(1).unwrap().split_whitespace().next().unwrap();
        let admin = Client::try_from(Config::new(format!("http://{address}").parse().unwrap())).unwrap();
        let mut ticks = tokio::time::interval(Duration::from_millis(20));
        let looked = async {
            loop {
                ticks.tick().await;
                let metrics = http::Request::get("/metrics").body(Vec::new()).unwrap();
                if ensured(&admin.request_text(metrics).await.unwrap()) >= at {
                    return;
                }
            }
        };
        self.within("a look", looked).await;
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

/// How often a provider was asked to ensure a load balancer and did, as the metrics tell.
fn ensured(metrics: &str) -> u64 {
    let of_ensure = |line: &&str| {
        line.starts_with("landfall_provider_call_seconds_count")
            && line.contains("operation=\"ensure\"")
            && line.contains("outcome=\"ok\"")
    };
    let counts = metrics.lines().filter(of_ensure).filter_map(|line| line.rsplit(' ').next());
    counts.map(|count| count.parse::<u64>().unwrap()).sum()
}
