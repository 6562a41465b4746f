//! Commands that change objects.

use super::{WEB, contains};
use crate::shell::Shell;

/// [`WEB`] with a second port.
fn two_ports() -> String {
    format!("{WEB}  - name: https\n    port: 443\n")
}

fn ports(shell: &Shell) -> String {
    shell.run("get service web -o jsonpath={.spec.ports[*].port}")
}

pub(crate) fn apply(shell: &Shell) {
    assert_eq!(shell.pipe("apply -f -", WEB), "service/web created\n");
    assert_eq!(shell.pipe("apply -f -", WEB), "service/web unchanged\n");
    let node_port = shell.run("get service web -o jsonpath={.spec.ports[0].nodePort}");
    assert_eq!(shell.pipe("apply -f -", &two_ports()), "service/web configured\n");
    assert_eq!(ports(shell), "80 443");
    assert_eq!(shell.run("get service web -o jsonpath={.spec.ports[0].nodePort}"), node_port);
    assert_eq!(shell.pipe("apply -f -", WEB), "service/web configured\n");
    assert_eq!(ports(shell), "80");
    let moved = WEB.replace("port: 80", "port: 81");
    shell.pipe("apply -f -", &moved);
    assert_eq!(ports(shell), "81");

    let noted = WEB.replace("name: web\n", "name: web\n  annotations:\n    landfall.dev/share: a\n");
    shell.pipe("apply -f -", &noted);
    contains(
        &shell.run("get service web -o jsonpath={.metadata.annotations}"),
        r#""landfall.dev/share":"a""#,
    );
    // A foreign annotation survives, our own one goes.
    shell.run("annotate service web other=1");
    shell.pipe("apply -f -", WEB);
    let left = shell.run("get service web -o jsonpath={.metadata.annotations}");
    contains(&left, r#""other":"1""#);
    assert!(!left.contains(r#""landfall.dev/share""#), "{left}");
    let typo = WEB.replace("selector:", "selectors:");
    contains(&shell.exits("apply -f -", &typo, 1), r#"unknown field "spec.selectors""#);
}

pub(crate) fn server_side(shell: &Shell) {
    assert_eq!(shell.pipe("apply --server-side -f -", WEB), "service/web serverside-applied\n");
    shell.pipe("apply --server-side -f -", &two_ports());
    assert_eq!(ports(shell), "80 443");
    shell.pipe("apply --server-side -f -", WEB);
    assert_eq!(ports(shell), "80");

    let policy = format!("{WEB}  externalTrafficPolicy: Local\n");
    shell.pipe("apply --server-side --field-manager=one -f -", &policy);
    let other = format!("{WEB}  externalTrafficPolicy: Cluster\n");
    let refusal = shell.exits("apply --server-side --field-manager=two -f -", &other, 1);
    contains(&refusal, r#"conflict with "one": .spec.externalTrafficPolicy"#);
    shell.pipe("apply --server-side --field-manager=two --force-conflicts -f -", &other);
    assert_eq!(shell.run("get service web -o jsonpath={.spec.externalTrafficPolicy}"), "Cluster");
    let typo = WEB.replace("selector:", "selectors:");
    contains(&shell.exits("apply --server-side -f -", &typo, 1), "selectors");
}

pub(crate) fn diff(shell: &Shell) {
    contains(&shell.exits("diff -f -", WEB, 1), "+  name: web");
    shell.pipe("apply -f -", WEB);
    assert_eq!(shell.pipe("diff -f -", WEB), "");
    let changed = WEB.replace("port: 80", "port: 81");
    let printed = shell.exits("diff -f -", &changed, 1);
    contains(&printed, "-    port: 80");
    contains(&printed, "+    port: 81");
    assert_eq!(ports(shell), "80", "a diff changes nothing");
}

pub(crate) fn annotate(shell: &Shell) {
    shell.create(WEB);
    assert_eq!(shell.run("annotate service web landfall.dev/share=a"), "service/web annotated\n");
    contains(&shell.exits("annotate service web landfall.dev/share=b", "", 1), "--overwrite is false");
    shell.run("annotate service web landfall.dev/share=b --overwrite");
    assert_eq!(shell.run("get service web -o jsonpath={.metadata.annotations.landfall\\.dev/share}"), "b");
    shell.run("annotate service web landfall.dev/share-");
    assert_eq!(shell.run("get service web -o jsonpath={.metadata.annotations}"), "");
    assert_eq!(shell.run("label service web team=net"), "service/web labeled\n");
    assert_eq!(shell.run("get service -l team=net -o name"), "service/web\n");
    assert_eq!(shell.run("get service -l team!=net -o name"), "");
    shell.run("label service web team-");
    contains(&shell.exits("label service web team=-", "", 1), "team");
}

pub(crate) fn edit(shell: &Shell) {
    shell.create(WEB);
    shell.editor("s/port: 80$/port: 8080/");
    contains(&shell.run("edit service web"), "service/web edited");
    assert_eq!(ports(shell), "8080");
    shell.editor("s/nothing/at all/");
    contains(&shell.exits("edit service web", "", 0), "no changes made");
    assert!(shell.home().join("editor").is_file());
}

pub(crate) fn patch(shell: &Shell) {
    shell.create(WEB);
    shell
        .run(r#"patch service web --type=json -p [{"op":"replace","path":"/spec/ports/0/port","value":81}]"#);
    assert_eq!(ports(shell), "81");
    let refused =
        r#"patch service web --type=json -p [{"op":"test","path":"/spec/type","value":"NodePort"}]"#;
    contains(&shell.exits(refused, "", 1), "The request is invalid");
    // A strategic patch merges ports by number, a merge patch replaces the list.
    shell.run(r#"patch service web -p {"spec":{"ports":[{"name":"https","port":443}]}}"#);
    assert_eq!(ports(shell), "443 81");
    shell.run(r#"patch service web --type=merge -p {"spec":{"ports":[{"name":"http","port":82}]}}"#);
    assert_eq!(ports(shell), "82");

    let status = r#"{"spec":{"ports":[{"name":"http","port":83}]},"status":{"loadBalancer":{"ingress":[{"hostname":"a.example.com"}]}}}"#;
    shell.run(&format!("patch service web --type=merge --subresource=status -p {status}"));
    assert_eq!(ports(shell), "82", "a status write leaves the spec");
    let ingress =
        shell.run("get service web --subresource=status -o jsonpath={.status.loadBalancer.ingress[0]}");
    assert_eq!(ingress, r#"{"hostname":"a.example.com"}"#);
    contains(
        &shell.run(r#"patch service web --type=merge -p {"metadata":{"labels":{}}}"#),
        "patched (no change)",
    );
    contains(
        &shell.exits(r#"patch service web --type=merge -p {"spec":{"clusterIP":"10.96.0.99"}}"#, "", 1),
        "clusterIP",
    );
    assert_eq!(shell.pipe("replace -f -", &two_ports()), "service/web replaced\n");
    assert_eq!(ports(shell), "80 443");
}

pub(crate) fn node(shell: &Shell) {
    shell.create("apiVersion: v1\nkind: Node\nmetadata:\n  name: n1\n");
    shell.run("label node n1 node-role.kubernetes.io/edge=");
    contains(&shell.run("cordon n1"), "node/n1 cordoned");
    contains(&shell.run("get nodes"), "SchedulingDisabled   edge");
    shell.run("taint nodes n1 ToBeDeletedByClusterAutoscaler=now:NoSchedule");
    contains(&shell.run("get node n1 -o jsonpath={.spec.taints[*].key}"), "ToBeDeletedByClusterAutoscaler");
    shell.run("taint nodes n1 ToBeDeletedByClusterAutoscaler-");
    shell.run("uncordon n1");
    assert_eq!(shell.run("get node n1 -o jsonpath={.spec.taints}{.spec.unschedulable}"), "");
    shell.run("delete node n1");
}
