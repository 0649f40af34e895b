//! Each clock by itself: the job says which limit passed, its container is really gone, and what
//! it wrote is kept.

use longshore_e2e::drill::{PATIENCE, is_final};

use crate::{check_nothing_is_left, newest, pool, pool_with_one_slot, standing};

#[test]
fn a_job_that_finds_no_slot_in_time_never_starts() {
    let pool = pool_with_one_slot();
    let worker = pool.worker();
    let first = pool.submit(&[], "sleep 600");
    pool.until_running(&first);
    let second = pool.submit(&["--queue-timeout", "1s"], "echo never");
    let job = pool.until("the job is final", &second, is_final);
    assert_eq!(standing(&job), "timeout queue");
    assert_eq!(job["attempts"], serde_json::json!([]));
    assert_eq!(pool.job(&first)["status"], "running");
    assert_eq!(pool.call(&["wait", &second]).code, 124);
    pool.ok(&["cancel", &first]);
    pool.until_gone(&first);
    assert_eq!(worker.leave().code, 0);
    check_nothing_is_left(&pool);
}

/// A job that talks and then sleeps is ended by this limit; what it said is kept.
#[track_caller]
fn check_running(flags: &[&str], script: &str, wanted: &str) {
    let pool = pool();
    let done = pool.run(flags, script);
    assert_eq!(done.code, 124, "{done:?}");
    assert_eq!(done.stdout, "said this", "{done:?}");
    assert!(done.took < PATIENCE, "{done:?}");
    check_nothing_is_left(&pool);
    assert_eq!(standing(&newest(&pool)), wanted);
    assert_eq!(pool.log("-"), "said this");
}

#[test]
fn a_job_that_runs_too_long_is_stopped_and_its_log_kept() {
    check_running(
        &["--timeout", "2s", "--stop-timeout", "1s"],
        "printf 'said this'; sleep 600",
        "timeout run",
    );
}

#[test]
fn a_job_that_ignores_the_stop_signal_at_its_limit_is_killed() {
    check_running(
        &["--timeout", "2s", "--stop-timeout", "1s"],
        "trap '' TERM; printf 'said this'; while :; do sleep 600; done",
        "timeout run",
    );
}

#[test]
fn a_job_that_takes_too_long_altogether_is_stopped_and_its_log_kept() {
    check_running(
        &["--total-timeout", "5s", "--stop-timeout", "1s"],
        "printf 'said this'; sleep 600",
        "timeout total",
    );
}
