//! What is refused before anything is stored.

use crate::pool;

/// These arguments are refused with this text, and no job is stored.
#[track_caller]
fn check_refused(args: &[&str], wanted: &[&str]) {
    let pool = pool();
    let submit = pool.call(&[&["submit"][..], args].concat());
    assert_eq!(submit.code, 2, "{submit:?}");
    for text in wanted {
        assert!(submit.stderr.contains(text), "{text}: {submit:?}");
    }
    let run = pool.call(&[&["run"][..], args].concat());
    assert_eq!(run.code, 125, "{run:?}");
    assert_eq!(pool.ok(&["--json", "jobs"]), "[]");
}

#[test]
fn impossible_memory_is_refused() {
    check_refused(&["--memory", "3x", "demo-image"], &["--memory", "3x"]);
}

#[test]
fn negative_cpus_are_refused() {
    check_refused(&["--cpus", "-1", "demo-image"], &["--cpus", "-1"]);
}

#[test]
fn an_empty_image_is_refused() {
    check_refused(&[""], &["IMAGE"]);
}

#[test]
fn a_missing_image_is_refused() {
    check_refused(&[], &["IMAGE"]);
}

#[test]
fn a_bad_reference_is_refused() {
    check_refused(&["Demo Image:::x"], &["Demo Image:::x"]);
}

#[test]
fn a_variable_without_a_name_is_refused() {
    check_refused(&["-e", "=secret", "demo-image"], &["--env", "NAME=VALUE"]);
}

#[test]
fn a_time_limit_of_zero_is_refused() {
    check_refused(&["--timeout", "0", "demo-image"], &["--timeout"]);
    check_refused(&["--timeout", "0s", "demo-image"], &["--timeout"]);
}

#[test]
fn a_priority_beyond_100_is_refused() {
    check_refused(&["--priority", "101", "demo-image"], &["--priority"]);
}

#[test]
fn a_host_that_is_not_there_is_refused() {
    check_refused(&["--host", "nowhere", "demo-image"], &["no host `nowhere`"]);
}

#[test]
fn a_flag_that_nobody_knows_is_refused_with_the_nearest_one() {
    check_refused(&["--memroy", "64m", "demo-image"], &["--memory"]);
}

#[test]
fn all_that_is_wrong_is_said_at_once() {
    let args = [
        "--memory",
        "3x",
        "--cpus",
        "-1",
        "--timeout",
        "0s",
        "demo-image",
    ];
    check_refused(&args, &["--memory", "--cpus", "--timeout"]);
}
