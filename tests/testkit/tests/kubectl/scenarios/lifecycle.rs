//! Commands that make, wait for and remove objects.

use super::{INGRESS, WEB, contains, program};
use crate::shell::Shell;

pub(crate) fn create(shell: &Shell) {
    assert_eq!(shell.pipe("create -f -", WEB), "service/web created\n");
    contains(&shell.exits("create -f -", WEB, 1), r#"services "web" already exists"#);
    let typo = WEB.replace("name: web", "name: typo").replace("selector:", "selectors:");
    contains(
        &shell.exits("create -f -", &typo, 1),
        r#"strict decoding error: unknown field "spec.selectors""#,
    );
    let port = WEB.replace("name: web", "name: port").replace("port: 80", "port: 70000");
    contains(&shell.exits("create -f -", &port, 1), "spec.ports[0].port: Invalid value: 70000");
    let elsewhere = WEB.replace("name: web", "name: web\n  namespace: nowhere");
    contains(&shell.exits("create -f -", &elsewhere, 1), r#"namespaces "nowhere" not found"#);
    let generated = WEB.replace("name: web", "generateName: web-");
    contains(&shell.pipe("create -f -", &generated), "service/web-");
    let dry = WEB.replace("name: web", "name: dry");
    contains(&shell.pipe("create --dry-run=server -f -", &dry), "created (server dry run)");
    contains(&shell.exits("get service dry", "", 1), "not found");
}

pub(crate) fn delete(shell: &Shell) {
    shell.create(WEB);
    contains(&shell.run("delete service web"), r#"service "web" deleted"#);
    contains(&shell.exits("delete service web", "", 1), "not found");
    assert_eq!(shell.run("delete service web --ignore-not-found"), "");

    let held = WEB.replace("name: web", "name: web\n  finalizers: [landfall.dev/load-balancer]");
    shell.create(&held);
    let deletion = shell.background("delete service web");
    shell.until_watching();
    contains(&shell.run("get service web -o jsonpath={.metadata.deletionTimestamp}"), "T");
    // The write of a controller that is done: nothing holds the object any more.
    shell.run(r#"patch service web --subresource=status --type=merge -p {"metadata":{"finalizers":null}}"#);
    deletion.finish();
    contains(&shell.exits("get service web", "", 1), "not found");

    shell.create(&held);
    shell.run("delete service web --wait=false");
    shell.run(r#"patch service web --type=json -p [{"op":"remove","path":"/metadata/finalizers"}]"#);
    contains(&shell.exits("get service web", "", 1), "not found");
    shell.create(WEB);
    shell.run("delete service --all");
    assert_eq!(shell.run("get service -o name"), "");
}

const PROGRAMMED: &str = concat!(
    r#"{"status":{"conditions":[{"type":"landfall.dev/Programmed","status":"True","reason":"Programmed","#,
    r#""message":"","lastTransitionTime":"2026-01-01T00:00:00Z"}]}}"#
);

pub(crate) fn wait(shell: &Shell) {
    shell.create(WEB);
    let address = shell
        .background("wait service/web --for=jsonpath={.status.loadBalancer.ingress[0].ip} --timeout=30s");
    shell.until_watching();
    program(shell);
    assert_eq!(address.finish(), ["service/web condition met"]);

    let condition =
        shell.background("wait service/web --for=condition=landfall.dev/Programmed --timeout=30s");
    shell.until_watching();
    shell.run(&format!("patch service web --subresource=status --type=merge -p {PROGRAMMED}"));
    assert_eq!(condition.finish(), ["service/web condition met"]);
    contains(
        &shell.run("wait service/web --for=condition=landfall.dev/Programmed --timeout=30s"),
        "condition met",
    );
    contains(&shell.run("get service web -o jsonpath={.status}"), "192.0.2.10");

    let held = r#"{"metadata":{"finalizers":["landfall.dev/load-balancer"]}}"#;
    shell.run(&format!("patch service web --type=merge -p {held}"));
    shell.run("delete service web --wait=false");
    let gone = shell.background("wait service/web --for=delete --timeout=30s");
    shell.until_watching();
    shell.run(r#"patch service web --type=merge -p {"metadata":{"finalizers":null}}"#);
    assert_eq!(gone.finish(), ["service/web condition met"]);
    contains(
        &shell.exits(&format!("patch service web --subresource=status --type=merge -p {INGRESS}"), "", 1),
        "not found",
    );
}
