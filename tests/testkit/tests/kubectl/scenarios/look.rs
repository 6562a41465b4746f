//! Commands that read.

use super::{WEB, contains, program, words};
use crate::shell::Shell;

const NODE: &str = r#"{"apiVersion":"v1","kind":"Node","metadata":{"name":"n1"}}"#;
const NODE_STATUS: &str = concat!(
    r#"{"status":{"addresses":[{"type":"InternalIP","address":"10.0.0.1"}],"#,
    r#""conditions":[{"type":"Ready","status":"True"}]}}"#
);

pub(crate) fn get(shell: &Shell) {
    contains(&shell.exits("get service web", "", 1), r#"services "web" not found"#);
    shell.create(WEB);
    let printed = shell.run("get svc");
    let table = words(&printed);
    assert_eq!(table[0], ["NAME", "TYPE", "CLUSTER-IP", "EXTERNAL-IP", "PORT(S)", "AGE"]);
    assert_eq!((table[1][0], table[1][1], table[1][3]), ("web", "LoadBalancer", "<pending>"));
    program(shell);
    let printed = shell.run("get service web -o wide");
    let table = words(&printed);
    assert_eq!((table[0][6], table[1][3], table[1][6]), ("SELECTOR", "192.0.2.10", "app=web"));
    assert!(table[1][4].starts_with("80:3") && table[1][4].ends_with("/TCP"), "{printed}");
    assert_eq!(shell.run("get svc -l app=other -o name"), "");
    assert_eq!(shell.run("get svc --field-selector spec.type=LoadBalancer -o name"), "service/web\n");
    assert_eq!(shell.run("get svc web -o jsonpath={.status.loadBalancer.ingress[0].ip}"), "192.0.2.10");
    contains(&shell.run("get svc web -o yaml"), "ipMode: VIP");

    shell.create(NODE);
    shell.run(&format!("patch node n1 --subresource=status --type=merge -p {NODE_STATUS}"));
    let printed = shell.run("get nodes -o wide");
    assert_eq!(words(&printed)[1][..3], ["n1", "Ready", "<none>"]);
    contains(&printed, "10.0.0.1");
    contains(&shell.run("get namespaces"), "Active");
    contains(&shell.exits("get gadgets", "", 1), r#"the server doesn't have a resource type "gadgets""#);
    contains(&shell.run("api-resources --namespaced=false"), "nodes");
}

pub(crate) fn watch(shell: &Shell) {
    shell.create(WEB);
    let watch = shell.background("get service -w");
    assert!(watch.line().starts_with("NAME"));
    contains(&watch.line(), "<pending>");
    shell.until_watching();
    program(shell);
    contains(&watch.line(), "192.0.2.10");
    shell.run("annotate service web note=1");
    contains(&watch.line(), "192.0.2.10");
    shell.run("delete service web");
    contains(&watch.line(), "web");
}

const EVENT: &str = "\
apiVersion: v1
kind: Event
metadata:
  name: web.1
  namespace: default
type: Normal
reason: EnsuredLoadBalancer
message: Ensured load balancer
count: 2
firstTimestamp: '2026-01-01T00:00:00Z'
lastTimestamp: '2026-01-01T00:05:00Z'
source:
  component: service-controller
involvedObject:
  apiVersion: v1
  kind: Service
  name: web
  namespace: default
";

/// The event as it is about the Service that is there now.
fn event(shell: &Shell) -> String {
    let uid = shell.run("get service web -o jsonpath={.metadata.uid}");
    format!("{EVENT}  uid: {uid}\n")
}

pub(crate) fn describe(shell: &Shell) {
    shell.create(WEB);
    program(shell);
    shell.create(&event(shell));
    let printed = shell.run("describe service web");
    for part in [
        "Name:",
        "LoadBalancer Ingress:",
        "192.0.2.10",
        "http  80/TCP",
        "EnsuredLoadBalancer",
        "service-controller",
    ] {
        contains(&printed, part);
    }
    shell.create(NODE);
    contains(&shell.run("describe node n1"), "n1");
}

pub(crate) fn events(shell: &Shell) {
    shell.create(WEB);
    shell.create(&event(shell));
    let printed = shell.run("events --for service/web");
    contains(&printed, "EnsuredLoadBalancer");
    contains(&printed, "Service/web");
    contains(&shell.exits("events --for service/other", "", 0), "No events found");
    let printed = shell.run("get events");
    assert_eq!(words(&printed)[0], ["LAST", "SEEN", "TYPE", "REASON", "OBJECT", "MESSAGE"]);
    contains(&printed, "service/web");
    contains(&shell.run("get events --field-selector reason=EnsuredLoadBalancer -o name"), "event/web.1");
    assert_eq!(shell.run("get events --field-selector type=Warning -o name"), "");
    // One store behind both API groups.
    contains(&shell.run("get events.v1.events.k8s.io web.1 -o jsonpath={.note}"), "Ensured load balancer");
}
