//! The scenarios with the `kubectl` of this machine.

use rstest::rstest;

use crate::fixture::{self, Conversation};
use crate::recorder::Recorder;
use crate::scenarios::{self, SCENARIOS, Script};
use crate::shell::{Kubectl, Shell};

#[rstest]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn live(
    #[values(
        "annotate",
        "apply",
        "create",
        "custom",
        "delete",
        "describe",
        "diff",
        "edit",
        "events",
        "get",
        "node",
        "patch",
        "server_side",
        "wait",
        "watch"
    )]
    scenario: &'static str,
) {
    let (_, script) = SCENARIOS.iter().find(|(name, _)| *name == scenario).expect("a scenario");
    let Some((shell, recorder)) = run(*script).await else { return };
    if std::env::var_os("LANDFALL_RECORD").is_some_and(|value| !value.is_empty()) {
        let conversation = Conversation { kubectl: shell.version().to_owned(), entries: recorder.entries() };
        fixture::save(scenario, &conversation);
    }
}

/// What `deploy/` ships. Not recorded: a recording would go on to replay manifests that are no longer shipped.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn shipped() {
    run(scenarios::shipped).await;
}

/// Runs `script` on a server of its own; without a `kubectl` it says so and returns `None`.
#[expect(clippy::print_stderr, reason = "a test that did nothing says so")]
async fn run(script: Script) -> Option<(Shell, Recorder)> {
    let kubectl = match Kubectl::find() {
        Ok(kubectl) => kubectl,
        Err(problem) => {
            eprintln!("kubectl: {problem}, live part not run (recorded conversations are replayed)");
            return None;
        }
    };
    let server = scenarios::server();
    let recorder = Recorder::start(server.client()).await;
    let shell = Shell::new(kubectl, recorder.clone());
    let shell = tokio::task::spawn_blocking(move || {
        script(&shell);
        shell
    });
    Some((shell.await.expect("the scenario"), recorder))
}
