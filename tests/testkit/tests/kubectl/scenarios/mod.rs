//! What an operator does with `kubectl`, and what must come of it.

mod change;
mod custom;
mod lifecycle;
mod look;
mod shipped;

use landfall_testkit::apiserver::ApiServer;

use crate::shell::Shell;

pub(crate) use shipped::shipped;

/// A script.
pub(crate) type Script = fn(&Shell);

/// Every recorded scenario by the name of its recording.
pub(crate) const SCENARIOS: [(&str, Script); 15] = [
    ("annotate", change::annotate),
    ("apply", change::apply),
    ("create", lifecycle::create),
    ("custom", custom::custom),
    ("delete", lifecycle::delete),
    ("describe", look::describe),
    ("diff", change::diff),
    ("edit", change::edit),
    ("events", look::events),
    ("get", look::get),
    ("node", change::node),
    ("patch", change::patch),
    ("server_side", change::server_side),
    ("wait", lifecycle::wait),
    ("watch", look::watch),
];

/// The server that scenarios are run and replayed on.
pub(crate) fn server() -> ApiServer {
    ApiServer::start().expect("a server with default options")
}

/// A Service of type `LoadBalancer` with one port.
const WEB: &str = "\
apiVersion: v1
kind: Service
metadata:
  name: web
spec:
  type: LoadBalancer
  selector:
    app: web
  ports:
  - name: http
    port: 80
";

/// What the controller writes when the address is there.
const INGRESS: &str = r#"{"status":{"loadBalancer":{"ingress":[{"ip":"192.0.2.10"}]}}}"#;

/// Gives the Service its address the way a controller does.
fn program(shell: &Shell) {
    shell.run(&format!("patch service web --subresource=status --type=merge -p {INGRESS}"));
}

/// The words of each line.
fn words(printed: &str) -> Vec<Vec<&str>> {
    printed.lines().map(|line| line.split_whitespace().collect()).collect()
}

#[track_caller]
fn contains(printed: &str, part: &str) {
    assert!(printed.contains(part), "no {part:?} in:\n{printed}");
}
