//! Each clock by itself: the job says which limit passed, its container is really gone, and what
//! it wrote is kept.

use std::time::Duration;

use longshore_e2e::drill::{Drill, PATIENCE, is_final};
use longshore_testkit::{Fault, Rule, shared_engine};

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

/// A request of the launch that gets no answer ends by the start limit, not by a bound of ours.
#[track_caller]
fn check_silent_launch(path: &str) {
    let (pool, proxy) = Drill::through_proxy(&shared_engine());
    proxy.add(Rule::every(path, Fault::Hang));
    let flags = ["--start-timeout", "2s", "--infra-retries", "0"];
    let run = pool.start_run(&flags, "true");
    let done = run.done_within(Duration::from_secs(150));
    assert_eq!(done.code, 124, "{done:?}");
    assert_eq!(standing(&newest(&pool)), "timeout start");
    check_nothing_is_left(&pool);
    assert!(done.took < Duration::from_secs(30), "{done:?}");
}

#[test]
fn a_start_that_hangs_times_out() {
    check_silent_launch("/start");
}

#[test]
fn a_create_that_hangs_times_out() {
    check_silent_launch("/containers/create");
}

/// A pull that stays silent for ever ends by this flag.
#[track_caller]
fn check_silent_pull(flag: &str) {
    let (pool, proxy) = Drill::through_proxy(&shared_engine());
    proxy.add(Rule::every("/images/create", Fault::Hang));
    let flags = ["--pull", "always", flag, "2s", "--infra-retries", "0"];
    let done = pool.run(&flags, "true");
    assert_eq!(done.code, 124, "{done:?}");
    assert!(done.took < Duration::from_secs(20), "{done:?}");
    assert_eq!(standing(&newest(&pool)), "timeout pull");
    check_nothing_is_left(&pool);
}

#[test]
fn a_pull_that_stays_silent_times_out() {
    check_silent_pull("--pull-idle-timeout");
}

#[test]
fn a_pull_that_takes_too_long_times_out() {
    check_silent_pull("--pull-timeout");
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

#[test]
fn the_total_limit_also_ends_a_pull() {
    let (pool, proxy) = Drill::through_proxy(&shared_engine());
    proxy.add(Rule::every("/images/create", Fault::Hang));
    let done = pool.run(&["--pull", "always", "--total-timeout", "2s"], "true");
    assert_eq!(done.code, 124, "{done:?}");
    assert_eq!(standing(&newest(&pool)), "timeout total");
    check_nothing_is_left(&pool);
}
