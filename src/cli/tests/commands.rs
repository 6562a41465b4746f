//! The program as a user meets it: help, exit codes, definitions, completions.

#![expect(clippy::unwrap_used, reason = "helpers of tests may panic as tests may")]

mod program;

use program::landfall;
use rstest::rstest;

#[rstest]
#[case::top(&["--help"], "Usage: landfall <COMMAND>")]
#[case::controller(&["controller", "--help"], "[env: LANDFALL_PROVIDERS=]")]
#[case::plan(&["plan", "--help"], "--offline")]
#[case::crds(&["crds", "--help"], "--dir")]
#[case::version(&["--version"], concat!("landfall ", env!("CARGO_PKG_VERSION")))]
fn help_goes_to_standard_output(#[case] args: &[&str], #[case] part: &str) {
    let run = landfall(args);
    assert_eq!((run.code, run.stderr.as_str()), (0, ""));
    assert!(run.stdout.contains(part), "{}", run.stdout);
}

#[rstest]
#[case::nothing(&[], "Usage")]
#[case::unknown_command(&["controler"], "controler")]
#[case::unknown_flag(&["crds", "--nope"], "--nope")]
#[case::no_file(&["plan"], "--filename")]
#[case::provider_not_compiled(&["controller", "--providers", "memory"], "not compiled into")]
#[case::bad_filter(&["controller", "--log", "a=b=c"], "--log")]
#[case::twice_standard_input(&["plan", "-f", "-", "-f", "-"], "only once")]
fn wrong_usage_is_exit_code_2(#[case] args: &[&str], #[case] part: &str) {
    let run = landfall(args);
    assert_eq!((run.code, run.stdout.as_str()), (2, ""));
    assert!(run.stderr.contains(part), "{}", run.stderr);
}

#[rstest]
#[case::no_kubeconfig(&["controller", "--kubeconfig", "/does/not/exist"], "/does/not/exist")]
#[case::no_cluster(&["plan", "--kubeconfig", "/does/not/exist", "-f", "tests/plan/plain.yaml"], "/does/not/exist")]
#[case::no_manifest(&["plan", "--offline", "-f", "/does/not/exist"], "-f: cannot read /does/not/exist")]
fn what_cannot_start_says_why_in_one_line(#[case] args: &[&str], #[case] part: &str) {
    let run = landfall(args);
    assert_eq!((run.code, run.stdout.as_str()), (1, ""));
    assert_eq!(run.stderr.lines().count(), 1, "{}", run.stderr);
    assert!(run.stderr.contains(part), "{}", run.stderr);
}

#[test]
fn definitions_are_printed_and_written() {
    let printed = landfall(&["crds"]);
    assert_eq!((printed.code, printed.stdout), (0, landfall_api::crds_yaml().unwrap()));

    let directory = tempfile::tempdir().unwrap();
    let target = directory.path().join("new").join("crds");
    let written = landfall(&["crds", "--dir", target.to_str().unwrap()]);
    assert_eq!((written.code, written.stdout.as_str(), written.stderr.as_str()), (0, "", ""));
    for (name, text) in landfall_api::crd_files().unwrap() {
        assert_eq!(std::fs::read_to_string(target.join(name)).unwrap(), text);
    }
}

#[test]
fn definitions_that_cannot_be_written_are_a_failure() {
    let run = landfall(&["crds", "--dir", "/dev/null/crds"]);
    assert_eq!(run.code, 1);
    assert!(run.stderr.contains("--dir") && run.stderr.contains("/dev/null/crds"), "{}", run.stderr);
}

#[rstest]
fn completions_know_the_flags(#[values("bash", "zsh", "fish", "elvish", "powershell")] shell: &str) {
    let run = landfall(&["completions", shell]);
    assert_eq!((run.code, run.stderr.as_str()), (0, ""));
    assert!(run.stdout.contains("leader-elect"), "{}", run.stdout);
}

#[test]
fn an_unknown_shell_is_told_which_are_known() {
    let run = landfall(&["completions", "tcsh"]);
    assert_eq!(run.code, 2);
    assert!(run.stderr.contains("fish"), "{}", run.stderr);
}

#[test]
fn a_reader_that_has_heard_enough_is_no_failure() {
    let run = program::cut_off(&["crds"]);
    assert_eq!((run.code, run.stderr.as_str()), (0, ""));
}
