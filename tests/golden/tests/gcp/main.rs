//! What Service manifests become on GCP.
//!
//! Each file in `gcp/inputs` is a manifest: one or several Services, and if it matters a `LoadBalancerClass`, endpoint
//! slices, and a `World` that says how cluster and network differ from the usual ones (see [`world`]). Its snapshot in
//! `gcp/snapshots` is the resource graph, or the reasons why there is none. Together they are the reference of what
//! annotations mean; `cargo insta review` accepts changes. What Compute Engine accepts is checked for all of them.

#![expect(clippy::unwrap_used, clippy::panic, reason = "helpers of tests, which fail by panicking")]

mod accepted;
mod input;
mod shown;
mod world;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use input::Input;

/// The inputs that must be there at least.
const ENOUGH: usize = 80;

#[test]
fn manifests_become_these_graphs() {
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path(folder("snapshots"));
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| {
        insta::glob!("../../gcp/inputs", "*.yaml", |path| {
            let graph = shown::graph(&read(path));
            insta::assert_yaml_snapshot!("graph", graph);
        });
    });
}

#[test]
fn compute_engine_accepts_the_graphs() {
    let mut graphs = 0;
    for name in names("inputs", "", ".yaml") {
        let input = read(&folder("inputs").join(format!("{name}.yaml")));
        if let Ok(graph) = input.graph() {
            accepted::check(&name, &graph);
            graphs += 1;
        }
    }
    assert!(graphs > ENOUGH / 2, "{graphs} graphs");
}

#[test]
fn every_snapshot_has_an_input_and_there_are_enough() {
    let inputs = names("inputs", "", ".yaml");
    let snapshots = names("snapshots", "graph@", ".yaml.snap");
    assert_eq!(inputs, snapshots);
    assert!(inputs.len() >= ENOUGH, "{} inputs", inputs.len());
}

#[test]
fn every_input_says_what_it_shows() {
    for name in names("inputs", "", ".yaml") {
        let text = std::fs::read_to_string(folder("inputs").join(format!("{name}.yaml"))).unwrap();
        assert!(text.starts_with("# "), "{name} does not begin with a comment");
    }
}

fn read(path: &Path) -> Input {
    let text = std::fs::read_to_string(path).unwrap();
    Input::read(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("gcp").join(name)
}

/// The names of a folder's files without what all have in front and at the end.
fn names(of: &str, prefix: &str, suffix: &str) -> BTreeSet<String> {
    let files = std::fs::read_dir(folder(of)).unwrap().map(|file| file.unwrap().file_name());
    files
        .map(|name| name.into_string().unwrap())
        // What a failing run proposes.
        .filter(|name| !name.ends_with(".snap.new"))
        .map(|name| {
            let inner = name.strip_prefix(prefix).and_then(|name| name.strip_suffix(suffix));
            inner.unwrap_or_else(|| panic!("{name} in {of}")).to_owned()
        })
        .collect()
}
