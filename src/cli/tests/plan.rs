//! What `landfall plan --offline` prints for the manifests in `tests/plan`: text, errors and exit code.
//!
//! A first line `# args: …` in a manifest adds arguments. `cargo insta review` shows what changed.

#![cfg(feature = "metal")]
#![expect(clippy::unwrap_used, reason = "helpers of tests may panic as tests may")]

mod program;

use std::fmt::Write;
use std::path::Path;

use program::{Run, landfall, landfall_reading};

fn shown(run: &Run) -> String {
    let mut text = run.stdout.clone();
    if !run.stderr.is_empty() {
        write!(text, "--- standard error\n{}", run.stderr).unwrap();
    }
    writeln!(text, "--- exit code {}", run.code).unwrap();
    text
}

fn planned(path: &Path) -> Run {
    let text = std::fs::read_to_string(path).unwrap();
    let extra = text.lines().next().and_then(|line| line.strip_prefix("# args:")).unwrap_or_default();
    let relative = format!("tests/plan/{}", path.file_name().unwrap().to_str().unwrap());
    let mut args = vec!["plan", "--offline", "-f", &relative];
    args.extend(extra.split_whitespace());
    landfall(&args)
}

#[test]
fn manifests() {
    insta::glob!("plan/*.*", |path| {
        insta::with_settings!({ omit_expression => true }, { insta::assert_snapshot!(shown(&planned(path))) });
    });
}

#[test]
fn standard_input_and_a_file_are_one_plan() {
    let service = "apiVersion: v1\nkind: Service\nmetadata: {name: web}\n\
                   spec: {type: LoadBalancer, loadBalancerClass: landfall.dev/metal, ports: [{port: 80}]}\n";
    let run = landfall_reading(
        &["plan", "--offline", "-n", "shop", "-f", "-", "-f", "tests/plan/pool.json"],
        service,
    );
    assert_eq!(run.code, 0, "{}", run.stderr);
    assert!(run.stdout.contains("metal:service/shop/web/unknown-1"), "{}", run.stdout);
    assert!(run.stdout.contains("EXTERNAL-IP 203.0.113.0\n"), "{}", run.stdout);
}

#[test]
fn a_directory_is_read_whole_and_must_hold_manifests() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().to_str().unwrap();
    let empty = landfall(&["plan", "--offline", "-f", path]);
    assert_eq!(empty.code, 1);
    assert!(empty.stderr.contains(".yaml"), "{}", empty.stderr);
    std::fs::write(directory.path().join("b.txt"), "not: [read").unwrap();
    for name in ["plain.yaml", "pool.json"] {
        std::fs::copy(Path::new("tests/plan").join(name), directory.path().join(name)).unwrap();
    }
    let run = landfall(&["plan", "--offline", "-f", path]);
    assert_eq!(run.code, 0, "{}", run.stderr);
    assert!(run.stdout.contains("+ address"), "{}", run.stdout);
}

#[test]
fn a_pipe_gets_no_colours() {
    assert!(!planned(Path::new("tests/plan/plain.yaml")).stdout.contains('\u{1b}'));
}

#[test]
fn thousands_of_services_in_one_document_are_planned() {
    let item = |n: usize| {
        format!(
            "- metadata: {{name: s{n}}}\n  spec: {{type: LoadBalancer, loadBalancerClass: landfall.dev/metal, \
             ports: [{{port: 80}}]}}\n"
        )
    };
    let mut text = "apiVersion: landfall.dev/v1alpha1\nkind: AddressPool\nmetadata: {name: p}\n\
                    spec: {addresses: [10.0.0.0/16]}\n---\napiVersion: v1\nkind: ServiceList\nitems:\n"
        .to_owned();
    (0..2_000).for_each(|n| text.push_str(&item(n)));
    let run = landfall_reading(&["plan", "--offline", "-o", "json", "-f", "-"], &text);
    assert_eq!(run.code, 0, "{}", run.stderr);
    let report: serde_json::Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!(report["summary"]["changes"], 2_000);
    let addresses: std::collections::BTreeSet<String> = report["loadBalancers"]
        .as_array()
        .unwrap()
        .iter()
        .map(|balancer| balancer["ingress"][0].to_string())
        .collect();
    assert_eq!(addresses.len(), 2_000, "each its own address");
}
