//! Many jobs in one call.

use std::collections::BTreeSet;
use std::fs;

use longshore_e2e::at_once::{most_at_once, noting, started};
use serde_json::{Value, json};

use crate::{pool, pool_with_slots, standing, work_off};

#[test]
fn an_array_runs_each_index_once_and_no_more_at_once_than_it_says() {
    let pool = pool_with_slots(8);
    let volume = pool.volume_flag();
    let flags = ["--name", "sweep", "--array", "0-9%3", "-v", &volume];
    pool.submit(&flags, &noting("$LONGSHORE_ARRAY_INDEX", "usleep 50000"));
    let after = ["--name", "sum", "--after", "sweep", "-v", &volume];
    pool.submit(&after, "echo +sum >> /v/runs");
    work_off(&pool);
    let runs = pool.in_volume("runs");
    let order = started(&runs);
    let ran: BTreeSet<&str> = order.iter().copied().collect();
    assert_eq!((order.len(), ran.len()), (11, 11), "{runs}");
    assert_eq!(order.last(), Some(&"sum"), "{runs}");
    assert!(most_at_once(&runs, "") <= 3, "{runs}");
    for index in 0..10 {
        assert_eq!(standing(&pool.job(&format!("sweep-{index}"))), "completed");
    }
}

#[test]
fn an_array_with_a_failed_job_ends_what_waits_for_its_success() {
    let pool = pool_with_slots(4);
    let script = "[ $LONGSHORE_ARRAY_INDEX != 2 ]";
    pool.submit(&["--name", "sweep", "--array", "1-3"], script);
    pool.submit(&["--name", "sum", "--after", "sweep"], "true");
    pool.submit(&["--name", "mourn", "--after", "sweep:failed"], "true");
    work_off(&pool);
    let ends =
        ["sweep-1", "sweep-2", "sweep-3", "sum", "mourn"].map(|name| standing(&pool.job(name)));
    let wanted = [
        "completed",
        "failed exit(1)",
        "completed",
        "failed dependency",
        "completed",
    ];
    assert_eq!(ends, wanted);
}

/// A job file with so many jobs.
fn job_file(jobs: usize) -> String {
    let job = |number: usize| json!({ "name": format!("n{number}"), "image": "demo-image", "queue": "night" });
    json!({ "job": (0..jobs).map(job).collect::<Vec<Value>>() }).to_string()
}

#[test]
fn ten_thousand_jobs_are_submitted_in_one_call_and_one_more_is_refused_whole() {
    let pool = pool();
    let file = pool.folder().join("jobs.json");
    let path = file.display().to_string();
    fs::write(&file, job_file(10_001)).expect("a folder of our own");
    let refused = pool.call(&["submit", "-f", &path]);
    assert_ne!(refused.code, 0, "{refused:#?}");
    assert_eq!(pool.call(&["jobs", "-q"]).stdout, "");

    fs::write(&file, job_file(10_000)).expect("a folder of our own");
    let ids = pool.ok(&["submit", "-f", &path]);
    let distinct: BTreeSet<&str> = ids.lines().collect();
    assert_eq!(distinct.len(), 10_000);
    let queues: Value = serde_json::from_str(&pool.ok(&["--json", "queue", "ls"])).expect("JSON");
    let mut queues = queues.as_array().into_iter().flatten();
    let night = queues.find(|queue| queue["name"] == "night");
    assert_eq!(night.map(|queue| &queue["waiting"]), Some(&json!(10_000)));
    assert_eq!(standing(&pool.job("n9999")), "queued");
}
