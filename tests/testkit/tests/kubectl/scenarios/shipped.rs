//! The manifests of `deploy/`, as an administrator applies and uses them.

use super::{WEB, contains, program, words};
use crate::shell::Shell;

/// Seen from the folder of this crate, where tests run.
const BASE: &str = "../../deploy/base";

const OBJECTS: &str = "\
apiVersion: landfall.dev/v1alpha1
kind: AddressPool
metadata:
  name: rack
spec:
  addresses:
  - 192.0.2.0/28
---
apiVersion: landfall.dev/v1alpha1
kind: LoadBalancerClass
metadata:
  name: bare
spec:
  provider: metal
";

/// A condition as the controller writes it; the definitions demand every field.
fn condition(kind: &str, reason: &str) -> String {
    format!(
        r#"{{"status":{{"conditions":[{{"type":"{kind}","status":"True","reason":"{reason}","message":"","observedGeneration":1,"lastTransitionTime":"2026-01-01T00:00:00Z"}}]}}}}"#
    )
}

pub(crate) fn shipped(shell: &Shell) {
    install(shell);
    contains(&shell.pipe("apply -f -", OBJECTS), "addresspool.landfall.dev/rack created");
    look(shell);
    refusals(shell);
    wait(shell);
    // The namespace goes first and at once, with what is in it.
    contains(&shell.run(&format!("delete -k {BASE} --ignore-not-found")), "deleted");
    assert_eq!(shell.run("get crds -o name"), "");
}

fn install(shell: &Shell) {
    let printed = shell.run(&format!("apply -k {BASE}"));
    for object in [
        "customresourcedefinition.apiextensions.k8s.io/addresspools.landfall.dev",
        "customresourcedefinition.apiextensions.k8s.io/loadbalancerclasses.landfall.dev",
        "namespace/landfall-system",
        "serviceaccount/landfall-controller",
        "clusterrole.rbac.authorization.k8s.io/landfall-controller",
        "deployment.apps/landfall-controller",
    ] {
        contains(&printed, &format!("{object} created\n"));
    }
    let printed = shell.run(&format!("apply -k {BASE}"));
    assert!(printed.lines().all(|line| line.ends_with(" unchanged")), "{printed}");
    let wait = "wait crd addresspools.landfall.dev loadbalancerclasses.landfall.dev";
    let printed = shell.run(&format!("{wait} --for=condition=Established --timeout=30s"));
    assert_eq!(printed.matches("condition met").count(), 2, "{printed}");
}

fn look(shell: &Shell) {
    for object in ["addresspool/rack", "loadbalancerclass/bare"] {
        let patch = condition("Ready", "Accepted");
        shell.run(&format!("patch {object} --subresource=status --type=merge -p {patch}"));
    }
    let printed = shell.run("get addresspools,loadbalancerclasses");
    let tables: Vec<_> = words(&printed).into_iter().filter(|line| !line.is_empty()).collect();
    let [pools, pool, classes, class] = tables.as_slice() else { panic!("two tables:\n{printed}") };
    assert_eq!(pools[..4], ["NAME", "ADDRESSES", "AUTO-ASSIGN", "PRIORITY"]);
    assert_eq!(pool[..3], ["addresspool.landfall.dev/rack", r#"["192.0.2.0/28"]"#, "true"], "with defaults");
    assert_eq!(classes[..4], ["NAME", "PROVIDER", "DEFAULT", "SHARING"]);
    assert_eq!(class[..4], ["loadbalancerclass.landfall.dev/bare", "metal", "false", "Namespace"]);
    for row in [pool, class] {
        assert_eq!(row[row.len() - 2], "True", "{row:?}");
    }
    assert_eq!(
        shell.run("get addrpool -o name") + &shell.run("get landfall -o name"),
        "addresspool.landfall.dev/rack\naddresspool.landfall.dev/rack\nloadbalancerclass.landfall.dev/bare\n",
        "by short name and by category"
    );
}

fn refusals(shell: &Shell) {
    let gap = OBJECTS.replace("192.0.2.0/28", "192.0.2.0 to 192.0.2.9");
    contains(&shell.exits("apply -f -", &gap, 1), "must be a CIDR (192.0.2.0/24), an address (192.0.2.7)");
    let other = OBJECTS.replace("provider: metal", "provider: aws");
    contains(&shell.exits("apply -f -", &other, 1), "provider cannot be changed; create another class");
}

fn wait(shell: &Shell) {
    shell.create(WEB);
    let waiting = shell.background("wait service/web --for=condition=landfall.dev/Programmed --timeout=30s");
    shell.until_watching();
    program(shell);
    let patch = condition("landfall.dev/Programmed", "Programmed");
    shell.run(&format!("patch service web --subresource=status --type=merge -p {patch}"));
    assert_eq!(waiting.finish(), ["service/web condition met"]);
    shell.run("delete service web");
}
