//! A custom kind: definition, objects, printer columns.

use super::{contains, words};
use crate::shell::Shell;

const DEFINITION: &str = r#"
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata:
  name: pools.example.com
spec:
  group: example.com
  scope: Cluster
  names: {plural: pools, singular: pool, kind: Pool, shortNames: [pl]}
  versions:
  - name: v1
    served: true
    storage: true
    subresources: {status: {}}
    additionalPrinterColumns:
    - {name: Ranges, type: string, jsonPath: .spec.ranges}
    - {name: Ready, type: string, jsonPath: '.status.conditions[?(@.type=="Ready")].status'}
    - {name: Age, type: date, jsonPath: .metadata.creationTimestamp}
    schema:
      openAPIV3Schema:
        type: object
        properties:
          spec:
            type: object
            properties:
              ranges: {type: array, items: {type: string}}
          status:
            type: object
            properties:
              conditions:
                type: array
                items:
                  type: object
                  properties:
                    type: {type: string}
                    status: {type: string}
"#;

const POOL: &str = "\
apiVersion: example.com/v1
kind: Pool
metadata:
  name: outside
spec:
  ranges:
  - 192.0.2.0/24
";

pub(crate) fn custom(shell: &Shell) {
    assert_eq!(
        shell.pipe("apply -f -", DEFINITION),
        "customresourcedefinition.apiextensions.k8s.io/pools.example.com created\n"
    );
    contains(
        &shell.run("wait crd/pools.example.com --for=condition=Established --timeout=30s"),
        "condition met",
    );
    assert_eq!(shell.pipe("apply -f -", POOL), "pool.example.com/outside created\n");
    assert_eq!(shell.pipe("apply -f -", POOL), "pool.example.com/outside unchanged\n");
    let two = format!("{POOL}  - 198.51.100.0/24\n");
    assert_eq!(shell.pipe("apply -f -", &two), "pool.example.com/outside configured\n");
    let ready = r#"{"status":{"conditions":[{"type":"Ready","status":"True"}]}}"#;
    shell.run(&format!("patch pool outside --subresource=status --type=merge -p {ready}"));
    let printed = shell.run("get pools");
    let table = words(&printed);
    assert_eq!(table[0], ["NAME", "RANGES", "READY", "AGE"]);
    assert_eq!(table[1][..3], ["outside", r#"["192.0.2.0/24","198.51.100.0/24"]"#, "True"]);
    assert_eq!(shell.run("get pl outside -o jsonpath={.metadata.generation}"), "2");

    let typo = POOL.replace("ranges:", "range:");
    contains(&shell.exits("apply -f -", &typo, 1), r#"unknown field "spec.range""#);
    // Without validation the unknown field is dropped, with a warning or in silence.
    let other = typo.replace("name: outside", "name: other");
    contains(&shell.exits("create --validate=warn -f -", &other, 0), r#"unknown field "spec.range""#);
    assert_eq!(shell.run("get pool other -o jsonpath={.spec}"), "{}");
    contains(&shell.run("describe pool outside"), "198.51.100.0/24");
    contains(&shell.pipe("apply --server-side --force-conflicts -f -", POOL), "serverside-applied");
    contains(&shell.run("delete pool outside"), "deleted");
    shell.run("delete crd pools.example.com");
    contains(&shell.exits("get pools.example.com", "", 1), "the server doesn't have a resource type");
}
