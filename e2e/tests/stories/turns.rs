//! Whose turn it is: owners share the slots, limits hold, and a paused queue starts nothing.

use longshore_e2e::at_once::{most_at_once, noting, started};
use longshore_e2e::drill::Drill;

use crate::{WAIT_FOR_GO, let_go, pool_with_one_slot, pool_with_slots, standing, work_off};

/// Stores a job that notes its name when it begins and when it ends.
fn note(pool: &Drill, flags: &[&str], name: &str) -> String {
    let volume = pool.volume_flag();
    let flags = [flags, &["-v", &volume]].concat();
    pool.submit(&flags, &noting(name, "usleep 20000"))
}

#[test]
fn the_next_slot_is_of_the_owner_whose_jobs_hold_the_fewest() {
    let pool = pool_with_slots(2);
    let volume = pool.volume_flag();
    let waiting = |owner: &str| pool.submit(&["--owner", owner, "-v", &volume], WAIT_FOR_GO);
    let many: Vec<String> = (0..6).map(|_| waiting("alice")).collect();
    let few = waiting("bob");
    let worker = pool.worker();
    pool.until_running(&few);
    pool.until_running(&many[0]);
    for id in &many[1..] {
        assert_eq!(standing(&pool.job(id)), "queued");
    }
    let_go(&pool);
    for id in many.iter().chain([&few]) {
        assert_eq!(standing(&pool.until_gone(id)), "completed");
    }
    assert_eq!(worker.leave().code, 0);
}

#[test]
fn priority_counts_among_the_jobs_of_one_owner_and_not_between_owners() {
    let pool = pool_with_one_slot();
    for (owner, priority, name) in [
        ("alice", "50", "first"),
        ("bob", "10", "low"),
        ("bob", "60", "high"),
        ("alice", "90", "urgent"),
    ] {
        note(&pool, &["--owner", owner, "--priority", priority], name);
    }
    work_off(&pool);
    let runs = pool.in_volume("runs");
    let order = started(&runs);
    let place = |name: &str| order.iter().position(|other| *other == name).expect(name);
    assert!(place("urgent") < place("first"), "{order:?}");
    assert!(place("high") < place("low"), "{order:?}");
}

#[test]
fn a_limit_is_never_exceeded_and_lets_others_pass() {
    let pool = pool_with_slots(6);
    let limited: Vec<String> = (0..10)
        .map(|number| note(&pool, &["--limit", "gpu=2"], &format!("gpu{number}")))
        .collect();
    let free: Vec<String> = (0..4)
        .map(|number| note(&pool, &[], &format!("free{number}")))
        .collect();
    let said = pool.ok(&["explain", &limited[9]]);
    assert!(said.contains("is queued"), "{said}");
    let workers = [(); 2].map(|()| pool.spawn(&["worker", "--exit-when-empty"]));
    for worker in workers {
        let done = worker.done();
        assert_eq!(done.code, 0, "{done:#?}");
    }
    let runs = pool.in_volume("runs");
    assert_eq!(started(&runs).len(), limited.len() + free.len(), "{runs}");
    assert!(most_at_once(&runs, "gpu") <= 2, "{runs}");
    let last_limited = runs.rfind("+gpu").expect("they ran");
    let last_free = runs.rfind("+free").expect("they ran");
    assert!(last_free < last_limited, "{runs}");
}

#[test]
fn a_paused_queue_starts_nothing_and_what_runs_goes_on() {
    let pool = pool_with_slots(4);
    let volume = pool.volume_flag();
    let night = |script: &str| pool.submit(&["--queue", "night", "-v", &volume], script);
    let worker = pool.worker();
    let runs = night(&format!("{WAIT_FOR_GO}; echo done"));
    pool.until_running(&runs);
    pool.ok(&["queue", "pause", "night", "--reason", "repairs"]);
    let held = night("echo late");
    let day = pool.submit(&["--queue", "day"], "echo day");
    assert_eq!(standing(&pool.until_gone(&day)), "completed");
    let_go(&pool);
    assert_eq!(standing(&pool.until_gone(&runs)), "completed");
    assert_eq!(standing(&pool.job(&held)), "queued");
    let said = pool.ok(&["explain", &held]);
    assert!(said.contains("queue night is paused"), "{said}");
    pool.ok(&["queue", "resume", "night"]);
    assert_eq!(standing(&pool.until_gone(&held)), "completed");
    assert_eq!(worker.leave().code, 0);
}
