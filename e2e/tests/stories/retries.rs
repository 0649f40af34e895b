//! Further attempts: by budget and by hand.

use crate::{check_nothing_is_left, newest, pool, standing, work_off};

/// Fails at the first try.
const SECOND_TRY: &str =
    "echo try >> /v/tries; n=$(wc -l < /v/tries); echo this is $n; [ $n -ge 2 ]";
/// Little waiting between attempts.
const QUICK: [&str; 2] = ["--retry-strategy", "aggressive"];

#[test]
fn a_job_that_fails_first_is_tried_again_until_it_completes() {
    let pool = pool();
    let volume = pool.volume_flag();
    let flags = [&QUICK[..], &["--retries", "2", "-v", &volume]].concat();
    let done = pool.run(&flags, SECOND_TRY);
    assert_eq!(
        (done.code, done.stdout.as_str()),
        (0, "this is 1\nthis is 2\n")
    );
    let job = newest(&pool);
    assert_eq!(standing(&job), "completed");
    assert_eq!(job["retries_used"], 1);
    let attempts = job["attempts"].as_array().expect("a list").clone();
    assert_eq!(attempts.len(), 2);
    assert_eq!(attempts[0]["verdict"]["reason"], "exit(1)");
    assert_eq!(attempts[1]["verdict"]["status"], "completed");
    for number in ["1", "2"] {
        let log = pool.ok(&["logs", "--attempt", number, "-"]);
        assert_eq!(log, format!("this is {number}"));
    }
    check_nothing_is_left(&pool);
}

#[test]
fn a_budget_that_is_used_up_ends_the_job() {
    let pool = pool();
    let flags = [&QUICK[..], &["--retries", "2"]].concat();
    let done = pool.run(&flags, "exit 3");
    assert_eq!(done.code, 3, "{done:?}");
    let job = newest(&pool);
    assert_eq!(standing(&job), "failed exit(3)");
    assert_eq!(job["attempts"].as_array().map(Vec::len), Some(3));
    check_nothing_is_left(&pool);
}

#[test]
fn only_the_named_exit_codes_are_tried_again() {
    let pool = pool();
    let flags = [&QUICK[..], &["--retries", "1", "--retry-on-exit", "75"]].concat();
    assert_eq!(pool.run(&flags, "exit 1").code, 1);
    assert_eq!(newest(&pool)["attempt"], 1);
    assert_eq!(pool.run(&flags, "exit 75").code, 75);
    assert_eq!(newest(&pool)["attempt"], 2);
}

#[test]
fn a_failed_job_is_tried_again_by_hand() {
    let pool = pool();
    let volume = pool.volume_flag();
    assert_eq!(pool.run(&["-v", &volume], SECOND_TRY).code, 1);
    pool.ok(&["retry", "-"]);
    assert_eq!(newest(&pool)["status"], "queued");
    work_off(&pool);
    let job = newest(&pool);
    assert_eq!(standing(&job), "completed");
    assert_eq!(job["attempt"], 2);
    assert_eq!(pool.log("-"), "this is 2\n");

    let again = pool.call(&["retry", "-"]);
    assert_eq!(again.code, 1, "{again:?}");
    assert!(again.stdout.contains("has completed"), "{again:?}");
    check_nothing_is_left(&pool);
}

#[test]
fn a_cancelled_job_is_tried_again_by_hand() {
    let pool = pool();
    let id = pool.submit(&[], "echo ran");
    pool.ok(&["cancel", &id]);
    pool.ok(&["retry", &id]);
    work_off(&pool);
    assert_eq!(standing(&pool.job(&id)), "completed");
    assert_eq!(pool.log(&id), "ran\n");
}
