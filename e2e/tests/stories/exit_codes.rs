//! Exit codes: the same through `run` and through `wait` for a job that a worker moved.

use longshore_testkit::eventually;

use crate::{check_nothing_is_left, newest, pool, standing, work_off};
use longshore_e2e::drill::PATIENCE;

/// A job with these flags and this command ends so, whoever moves it.
#[track_caller]
fn check(code: i32, wanted: &str, flags: &[&str], command: &[&str]) {
    let pool = pool();
    let args = |verb| [&[verb][..], flags, &["demo-image"], command].concat();
    let run = pool.call(&args("run"));
    assert_eq!(run.code, code, "{run:?}");
    assert_eq!(standing(&newest(&pool)), wanted);

    let id = pool.ok(&args("submit"));
    work_off(&pool);
    let wait = pool.call(&["wait", &id]);
    assert_eq!(wait.code, code, "{wait:?}");
    assert!(wait.stdout.contains(wanted), "{wait:?}");
    assert_eq!(standing(&pool.job(&id)), wanted);
    check_nothing_is_left(&pool);
}

#[test]
fn success_is_0() {
    check(0, "completed", &[], &["true"]);
}

#[test]
fn a_code_of_its_own_is_passed_on() {
    check(7, "failed exit(7)", &[], &["sh", "-c", "exit 7"]);
}

#[test]
fn a_missing_image_is_125() {
    let pool = pool();
    let done = pool.call(&["run", "--pull", "never", "no-such-image:1", "true"]);
    assert_eq!(done.code, 125, "{done:?}");
    assert_eq!(standing(&newest(&pool)), "failed image_not_found");
    assert!(done.stderr.contains("no-such-image:1"), "{done:?}");
}

#[test]
fn a_command_that_cannot_be_executed_is_126() {
    check(126, "failed start(126)", &["--no-init"], &["/etc"]);
}

#[test]
fn a_command_that_is_not_there_is_127() {
    check(
        127,
        "failed start(127)",
        &["--no-init"],
        &["no-such-program"],
    );
}

#[test]
fn below_the_small_init_126_and_127_are_the_same() {
    let pool = pool();
    assert_eq!(pool.call(&["run", "demo-image", "/etc"]).code, 126);
    assert_eq!(pool.call(&["run", "demo-image", "no-such"]).code, 127);
}

#[test]
fn a_container_that_somebody_else_killed_is_137() {
    let pool = pool();
    let run = pool.start_run(&[], "sleep 600");
    let container = eventually("a container runs", PATIENCE, || pool.leftovers().pop());
    pool.until_container(&container, "running");
    pool.kill_container(&container);
    let done = run.done();
    assert_eq!(done.code, 137, "{done:?} {}", standing(&newest(&pool)));
    check_nothing_is_left(&pool);
}

#[test]
fn a_time_limit_is_124() {
    let flags = ["--timeout", "1s", "--stop-timeout", "1s"];
    check(124, "timeout run", &flags, &["sleep", "600"]);
}

#[test]
fn a_cancelled_job_is_130() {
    let pool = pool();
    let run = pool.start_run(&[], "sleep 600");
    let id = eventually("the job is stored", PATIENCE, || {
        let ids = pool.ok(&["jobs", "-q", "--status", "running"]);
        Some(ids).filter(|ids| !ids.is_empty())
    });
    pool.ok(&["cancel", &id]);
    let done = run.done();
    assert_eq!(done.code, 130, "{done:?}");
    assert_eq!(pool.call(&["wait", &id]).code, 130);
    assert_eq!(standing(&pool.job(&id)), "cancelled user");
    check_nothing_is_left(&pool);
}

#[test]
fn waiting_for_many_ends_with_the_first_failure() {
    let pool = pool();
    let good = pool.submit(&[], "exit 0");
    let bad = pool.submit(&[], "exit 3");
    let worse = pool.submit(&[], "exit 4");
    work_off(&pool);
    assert_eq!(pool.call(&["wait", &good, &bad, &worse]).code, 3);
    assert_eq!(pool.call(&["wait", &worse, &good, &bad]).code, 4);
    assert_eq!(pool.call(&["wait", &good]).code, 0);
}

#[test]
fn waiting_has_a_limit_of_its_own() {
    let pool = pool();
    let id = pool.submit(&[], "true");
    let done = pool.call(&["wait", "--timeout", "100ms", &id]);
    assert_eq!(done.code, 124, "{done:?}");
    assert_eq!(pool.job(&id)["status"], "queued");
}
