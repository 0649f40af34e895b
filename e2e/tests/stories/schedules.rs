//! Jobs that are made again and again: each time once, and never beside each other unless that is wanted.

use std::collections::BTreeSet;

use jiff::Timestamp;
use longshore_e2e::at_once::{most_at_once, started};
use longshore_e2e::drill::{Drill, PATIENCE, is_final};
use longshore_testkit::{DEMO_IMAGE, eventually};
use serde_json::Value;

use crate::{WAIT_FOR_GO, let_go, moment, pool, standing};

/// Makes a job that runs `script` each second.
fn each_second(pool: &Drill, flags: &[&str], script: &str) {
    let volume = pool.volume_flag();
    let mut args = vec!["schedule", "create", "tick", "--every", "1s"];
    args.extend(flags);
    args.extend(["-v", &volume, DEMO_IMAGE, "sh", "-c", script]);
    pool.ok(&args);
}

fn shown(pool: &Drill) -> Value {
    let text = pool.ok(&["--json", "schedule", "show", "tick", "-n", "1000"]);
    serde_json::from_str(&text).expect("JSON")
}

/// The times that had their turn, newest first.
fn turns(pool: &Drill) -> Vec<Value> {
    shown(pool)["turns"].as_array().expect("a list").clone()
}

/// The times that brought this.
fn times(turns: &[Value], brought: &str) -> Vec<String> {
    let such = turns.iter().filter(|turn| turn["brought"] == brought);
    such.map(|turn| turn["nominal_at"].as_str().expect("a time").to_owned())
        .collect()
}

#[track_caller]
fn until_brought(pool: &Drill, brought: &str, count: usize) -> Vec<Value> {
    eventually("so many times had their turn", PATIENCE, || {
        let turns = turns(pool);
        if times(&turns, brought).len() >= count {
            Ok(turns)
        } else {
            Err(format!("{turns:#?}"))
        }
    })
}

/// Waits until all jobs that a schedule made are over.
#[track_caller]
fn until_over(pool: &Drill) {
    for turn in turns(pool) {
        if let Some(id) = turn["job"].as_str() {
            pool.until("the job is final", id, is_final);
        }
    }
}

#[test]
fn two_workers_make_one_job_for_each_time_and_a_pause_and_a_job_by_hand_are_as_they_say() {
    let pool = pool();
    let _workers = [(); 2].map(|()| pool.worker());
    each_second(&pool, &[], "echo $LONGSHORE_SCHEDULED_AT >> /v/times");
    until_brought(&pool, "submitted", 3);
    pool.ok(&["schedule", "pause", "tick"]);
    let before = shown(&pool);
    assert_eq!(before["next_at"], Value::Null, "{before:#}");
    let by_hand = pool.ok(&["schedule", "run", "tick"]);
    assert_eq!(standing(&pool.until_gone(&by_hand)), "completed");
    until_over(&pool);
    let all = turns(&pool);
    assert_eq!(
        all.len(),
        before["turns"].as_array().map_or(0, Vec::len) + 1
    );
    let ran = pool.in_volume("times");
    let distinct: BTreeSet<&str> = ran.lines().collect();
    assert_eq!(
        (ran.lines().count(), distinct.len()),
        (all.len(), all.len())
    );

    let (paused_at, resumed_at) = (moment(&before["paused_at"]), Timestamp::now());
    pool.ok(&["schedule", "resume", "tick"]);
    let all = until_brought(&pool, "submitted", all.len() + 1);
    for turn in all.iter().filter(|turn| turn["job"] != by_hand.as_str()) {
        let time = moment(&turn["nominal_at"]);
        assert!(time <= paused_at || time > resumed_at, "{turn:#}");
    }
    pool.ok(&["schedule", "rm", "tick"]);
}

#[test]
fn a_time_that_comes_while_the_job_before_runs_is_skipped_and_says_so() {
    let pool = pool();
    let _worker = pool.worker();
    each_second(&pool, &["--overlap", "skip"], WAIT_FOR_GO);
    let all = until_brought(&pool, "skipped", 2);
    assert_eq!(times(&all, "submitted").len(), 1, "{all:#?}");
    let_go(&pool);
    until_brought(&pool, "submitted", 2);
    pool.ok(&["schedule", "rm", "tick"]);
}

#[test]
fn a_time_that_waits_makes_its_job_when_the_one_before_is_over() {
    let pool = pool();
    let _worker = pool.worker();
    let script = format!("echo +x >> /v/runs; {WAIT_FOR_GO}; echo -x >> /v/runs");
    each_second(&pool, &["--overlap", "queue"], &script);
    let all = until_brought(&pool, "waiting", 1);
    assert_eq!(times(&all, "submitted").len(), 1, "{all:#?}");
    let_go(&pool);
    until_brought(&pool, "submitted", 3);
    pool.ok(&["schedule", "pause", "tick"]);
    until_over(&pool);
    assert_eq!(most_at_once(&pool.in_volume("runs"), ""), 1);
}

#[test]
fn a_job_that_replaces_the_one_before_never_runs_beside_it() {
    let pool = pool();
    let _worker = pool.worker();
    let script = "trap 'told=1' TERM; echo +x >> /v/runs; \
        until [ -e /v/go ] || [ $told ]; do usleep 20000; done; echo -x >> /v/runs";
    each_second(&pool, &["--overlap", "replace"], script);
    let first = until_brought(&pool, "submitted", 1);
    let first = first[0]["job"].as_str().expect("a job").to_owned();
    pool.until("it was replaced", &first, |job| {
        standing(job).starts_with("cancelled")
    });
    until_brought(&pool, "submitted", 2);
    pool.ok(&["schedule", "pause", "tick"]);
    let_go(&pool);
    until_over(&pool);
    let runs = pool.in_volume("runs");
    assert!(
        started(&runs).len() <= times(&turns(&pool), "submitted").len(),
        "{runs}"
    );
    assert!(most_at_once(&runs, "") <= 1, "{runs}");
}
