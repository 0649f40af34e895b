//! Running out of memory: evidence and verdict.

use crate::{check_nothing_is_left, newest, pool, standing};

#[test]
fn a_job_that_runs_out_of_memory_failed_for_it() {
    let pool = pool();
    // The engine hears of it surely where the container lives on for a moment.
    let script = "tail /dev/zero; code=$?; sleep 0.5; exit $code";
    let done = pool.run(&["-m", "32m"], script);
    assert_eq!(done.code, 137, "{done:?}");
    assert!(done.stderr.contains("oom"), "{done:?}");
    assert!(done.stderr.contains("32m"), "{done:?}");
    let job = newest(&pool);
    assert_eq!(standing(&job), "failed oom");
    assert_eq!(job["attempts"][0]["verdict"]["oom_killed"], true);
    check_nothing_is_left(&pool);
}

#[test]
fn a_job_that_runs_out_of_memory_is_tried_with_twice_as_much_until_it_has_enough() {
    let pool = pool();
    let flags = [
        "-m",
        "16m",
        "--retries",
        "4",
        "--retry-oom",
        "128m",
        "--retry-strategy",
        "high_priority",
    ];
    let done = pool.run(
        &flags,
        "head -c 40m /dev/zero | tail >/dev/null && echo fed",
    );
    assert_eq!((done.code, done.stdout.as_str()), (0, "fed\n"), "{done:?}");
    let job = newest(&pool);
    assert_eq!(standing(&job), "completed");
    let attempts = job["attempts"].as_array().unwrap();
    let given: Vec<_> = attempts
        .iter()
        .map(|attempt| attempt["memory_bytes"].as_u64().unwrap() >> 20)
        .collect();
    assert_eq!(given, [16, 32, 64], "{job:#}");
    assert_eq!(job["spec"]["memory"], "64m");
    check_nothing_is_left(&pool);
}

#[test]
fn a_job_that_survives_the_end_of_a_child_completes_with_a_warning() {
    let pool = pool();
    let done = pool.run(
        &["-m", "32m"],
        "tail /dev/zero; sleep 0.5; echo survived; exit 0",
    );
    assert_eq!((done.code, done.stdout.as_str()), (0, "survived\n"));
    let job = newest(&pool);
    assert_eq!(standing(&job), "completed");
    let verdict = &job["attempts"][0]["verdict"];
    assert_eq!(verdict["oom_killed"], true, "{verdict:#}");
    let message = verdict["message"].as_str().unwrap_or_default();
    assert!(message.contains("memory"), "{verdict:#}");
}
