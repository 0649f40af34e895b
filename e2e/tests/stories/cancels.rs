//! `cancel` in each part of a job's life.

use std::time::Instant;

use longshore_e2e::drill::{Drill, PATIENCE};

use crate::{check_nothing_is_left, pool, standing};

/// Cancels a job that a worker moves, and sees it to its end.
#[track_caller]
pub(crate) fn cancel(pool: &Drill, id: &str) {
    pool.ok(&["cancel", id]);
    let job = pool.until_gone(id);
    assert_eq!(standing(&job), "cancelled user", "{job:#}");
    check_nothing_is_left(pool);
}

#[test]
fn a_queued_job_is_cancelled_at_once() {
    let pool = pool();
    let id = pool.submit(&[], "echo never");
    let said = pool.ok(&["cancel", &id]);
    assert!(said.contains("cancelled before it ran"), "{said}");
    let job = pool.job(&id);
    assert_eq!(standing(&job), "cancelled user");
    assert_eq!(job["attempts"], serde_json::json!([]));
}

#[test]
fn a_cancelled_job_is_never_started() {
    let pool = pool();
    let volume = pool.volume_flag();
    let first = pool.submit(&["-v", &volume], "touch /v/first");
    pool.submit(&["-v", &volume], "touch /v/second");
    pool.ok(&["cancel", &first]);
    pool.ok(&["worker", "--exit-when-empty"]);
    assert!(!pool.has_in_volume("first"));
    assert!(pool.has_in_volume("second"));
}

#[test]
fn a_running_job_is_stopped_and_its_log_kept() {
    let pool = pool();
    let worker = pool.worker();
    let id = pool.submit(
        &[],
        "trap 'echo bye; exit 0' TERM; echo hello; sleep 600 & wait",
    );
    pool.until_logged(&id, "hello");
    cancel(&pool, &id);
    assert_eq!(pool.log(&id), "hello\nbye\n");
    assert_eq!(worker.leave().code, 0);
}

#[test]
fn a_job_that_ignores_the_stop_signal_is_killed_after_its_grace() {
    let pool = pool();
    let worker = pool.worker();
    let script = "trap '' TERM; echo hello; while :; do sleep 600; done";
    let id = pool.submit(&["--stop-timeout", "1s"], script);
    pool.until_logged(&id, "hello");
    let started = Instant::now();
    cancel(&pool, &id);
    assert!(started.elapsed() < PATIENCE / 2);
    assert_eq!(pool.log(&id), "hello\n");
    assert_eq!(worker.leave().code, 0);
}

#[test]
fn a_stop_signal_of_its_own_reaches_the_job() {
    let pool = pool();
    let worker = pool.worker();
    let script =
        "trap 'echo usr1; exit 0' USR1; trap 'echo term' TERM; echo hello; sleep 600 & wait";
    let id = pool.submit(&["--stop-signal", "USR1"], script);
    pool.until_logged(&id, "hello");
    cancel(&pool, &id);
    assert_eq!(pool.log(&id), "hello\nusr1\n");
    assert_eq!(worker.leave().code, 0);
}

#[test]
fn a_job_that_waits_for_its_next_attempt_is_cancelled_at_once() {
    let pool = pool();
    let worker = pool.worker();
    let flags = ["--retries", "5", "--retry-strategy", "conservative"];
    let id = pool.submit(&flags, "exit 1");
    pool.until("it waits for another attempt", &id, |job| {
        job["status"] == "retrying"
    });
    cancel(&pool, &id);
    assert_eq!(worker.leave().code, 0);
}

#[test]
fn a_job_that_is_final_cannot_be_cancelled() {
    let pool = pool();
    assert_eq!(pool.run(&[], "true").code, 0);
    let done = pool.call(&["cancel", "-"]);
    assert_eq!(done.code, 1, "{done:?}");
    assert!(done.stdout.contains("already completed"), "{done:?}");
}
