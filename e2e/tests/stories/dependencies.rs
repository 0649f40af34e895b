//! Jobs that wait for the end of others, and what becomes of them.

use longshore_e2e::drill::Drill;

use crate::{WAIT_FOR_GO, check_nothing_is_left, let_go, pool, standing, work_off};

/// Fails until the file `repaired` is in the volume.
const FAILS_UNTIL_REPAIRED: &str = "[ -e /v/repaired ] || exit 3";

/// Stores a job that notes its name when it runs.
fn named(pool: &Drill, name: &str, after: &[&str], first: &str) {
    let volume = pool.volume_flag();
    let mut flags = vec!["--name", name, "-v", &volume];
    flags.extend(after.iter().flat_map(|job| ["--after", job]));
    pool.submit(&flags, &format!("echo {name} >> /v/order; {first}"));
}

/// A job that came to its end did so once.
#[track_caller]
fn check_ended_once(pool: &Drill, name: &str, end: &str) {
    let job = pool.job(name);
    assert_eq!(standing(&job), end, "{job:#}");
    let events = pool.events(name);
    let ends = events.iter().filter(|kind| *kind == "finished").count();
    assert_eq!(ends, 1, "{name}: {events:?}");
}

#[test]
fn each_job_runs_once_all_that_it_waits_for_has_ended_as_it_must() {
    let pool = pool();
    named(&pool, "fetch", &[], "true");
    named(&pool, "check", &[], "exit 3");
    named(&pool, "build", &["fetch", "check:finished"], "true");
    named(&pool, "tell", &["check:failed"], "true");
    named(&pool, "ship", &["build:succeeded"], "true");
    assert_eq!(standing(&pool.job("ship")), "pending");
    work_off(&pool);
    let order = pool.in_volume("order");
    let place = |name: &str| order.lines().position(|line| line == name).expect(name);
    for (first, then) in [
        ("fetch", "build"),
        ("check", "build"),
        ("check", "tell"),
        ("build", "ship"),
    ] {
        assert!(place(first) < place(then), "{first} before {then}: {order}");
    }
    assert_eq!(order.lines().count(), 5, "{order}");
    check_ended_once(&pool, "check", "failed exit(3)");
    for name in ["fetch", "build", "tell", "ship"] {
        check_ended_once(&pool, name, "completed");
    }
    check_nothing_is_left(&pool);
}

#[test]
fn a_failed_job_ends_all_that_wait_for_its_success_and_a_retry_of_the_dead_brings_them_back() {
    let pool = pool();
    named(&pool, "fetch", &[], FAILS_UNTIL_REPAIRED);
    named(&pool, "build", &["fetch"], "true");
    named(&pool, "ship", &["build"], "true");
    named(&pool, "mourn", &["fetch:failed"], "true");
    named(&pool, "clean", &["ship:finished"], "true");
    work_off(&pool);
    check_ended_once(&pool, "fetch", "failed exit(3)");
    for name in ["build", "ship"] {
        check_ended_once(&pool, name, "failed dependency");
    }
    for name in ["mourn", "clean"] {
        check_ended_once(&pool, name, "completed");
    }
    let dead = pool.ok(&["jobs", "--dead", "--no-trunc"]);
    for name in ["fetch", "build", "ship"] {
        assert!(dead.contains(name), "{dead}");
    }
    assert!(!dead.contains("mourn"), "{dead}");
    let refused = pool.call(&["retry", "build"]);
    assert_eq!(refused.code, 1, "{refused:#?}");

    let volume = pool.volume_flag();
    pool.run(&["-v", &volume], "touch /v/repaired");
    pool.ok(&["retry", "--dead"]);
    work_off(&pool);
    for name in ["fetch", "build", "ship"] {
        assert_eq!(standing(&pool.job(name)), "completed", "{name}");
    }
    assert_eq!(pool.call(&["jobs", "--dead", "-q"]).stdout, "");
    let order = pool.in_volume("order");
    let tail: Vec<&str> = order.lines().rev().take(3).collect();
    assert_eq!(tail, ["ship", "build", "fetch"], "{order}");
}

#[test]
fn a_cancelled_job_takes_along_what_waits_for_its_success() {
    let pool = pool();
    named(&pool, "fetch", &[], "true");
    named(&pool, "build", &["fetch"], "true");
    named(&pool, "clean", &["build:finished"], "true");
    pool.ok(&["cancel", "fetch"]);
    check_ended_once(&pool, "fetch", "cancelled user");
    check_ended_once(&pool, "build", "cancelled dependency");
    work_off(&pool);
    check_ended_once(&pool, "clean", "completed");
    assert_eq!(pool.in_volume("order"), "clean");
}

#[test]
fn who_waits_for_a_job_whose_worker_was_killed_is_released_once() {
    let pool = pool();
    let worker = pool.worker();
    named(&pool, "fetch", &[], WAIT_FOR_GO);
    named(&pool, "build", &["fetch"], "true");
    pool.until_running("fetch");
    worker.kill9();
    let_go(&pool);
    work_off(&pool);
    for name in ["fetch", "build"] {
        check_ended_once(&pool, name, "completed");
    }
    assert_eq!(pool.in_volume("order"), "fetch\nbuild");
}
