//! What waits: idempotency, order, delay, and how jobs are named.

use longshore_e2e::drill::Drill;

use crate::{moment, pool, pool_with_one_slot, standing, work_off};

#[test]
fn the_same_idempotency_key_is_the_same_job() {
    let pool = pool();
    let volume = pool.volume_flag();
    let flags = ["--idempotency-key", "night-1", "-v", &volume];
    let first = pool.submit(&flags, "echo once >> /v/runs");
    let second = pool.submit(&flags, "echo once >> /v/runs");
    assert_eq!(first, second);
    work_off(&pool);
    assert_eq!(pool.submit(&flags, "echo once >> /v/runs"), first);
    work_off(&pool);
    assert_eq!(pool.in_volume("runs"), "once");
    assert_eq!(pool.ok(&["jobs", "-q"]).lines().count(), 1);
}

#[test]
fn a_repeated_run_with_a_key_shows_the_first_ones_output() {
    let pool = pool();
    let flags = ["--idempotency-key", "night-2"];
    let first = pool.run(&flags, "echo $$; date +%s%N; exit 4");
    let second = pool.run(&flags, "echo $$; date +%s%N; exit 4");
    assert_eq!((first.code, second.code), (4, 4));
    assert_eq!(first.stdout, second.stdout);
}

#[test]
fn more_important_jobs_go_first_and_equal_ones_in_order() {
    let pool = pool_with_one_slot();
    let volume = pool.volume_flag();
    let jobs = [("10", "low"), ("50", "one"), ("50", "two"), ("90", "high")];
    for (priority, name) in jobs {
        let script = format!("echo {name} >> /v/order");
        pool.submit(&["--priority", priority, "-v", &volume], &script);
    }
    work_off(&pool);
    assert_eq!(pool.in_volume("order"), "high\none\ntwo\nlow");
}

#[test]
fn a_delayed_job_waits_for_its_time() {
    let pool = pool();
    let worker = pool.worker();
    let id = pool.submit(&["--delay", "3s"], "echo late");
    assert_eq!(standing(&pool.job(&id)), "pending");
    let job = pool.until_gone(&id);
    assert_eq!(standing(&job), "completed");
    let waited = moment(&job["started_at"]).duration_since(moment(&job["created_at"]));
    assert!(waited.as_secs() >= 3, "{waited:?}");
    assert_eq!(worker.leave().code, 0);
}

#[test]
fn a_moment_far_ahead_is_kept() {
    let pool = pool();
    let id = pool.submit(&["--at", "2100-01-01T00:00:00Z"], "echo late");
    let job = pool.job(&id);
    assert_eq!(standing(&job), "pending");
    assert_eq!(job["not_before"], "2100-01-01T00:00:00Z");
}

/// The id of the job that is meant.
#[track_caller]
fn meant(pool: &Drill, text: &str) -> String {
    let job = pool.job(text);
    job["id"].as_str().expect("an id").to_owned()
}

#[test]
fn a_job_is_found_by_id_short_id_beginning_name_and_newness() {
    let pool = pool();
    let old = pool.submit(&["--name", "nightly"], "true");
    let named = pool.submit(&["--name", "nightly"], "true");
    let last = pool.submit(&[], "true");
    let short = &old[old.len() - 12..];
    assert_eq!(meant(&pool, &old), old);
    assert_eq!(meant(&pool, short), old);
    assert_eq!(meant(&pool, &short[..11]), old);
    assert_eq!(meant(&pool, &old[..old.len() - 1]), old);
    assert_eq!(meant(&pool, "nightly"), named);
    assert_eq!(meant(&pool, "-"), last);
}

#[test]
fn a_beginning_of_several_ids_is_refused_with_the_choice() {
    let pool = pool();
    let one = pool.submit(&[], "true");
    let two = pool.submit(&[], "true");
    let done = pool.call(&["cancel", &one[..3]]);
    assert_eq!(done.code, 1, "{done:?}");
    assert!(
        done.stderr.contains(&one) && done.stderr.contains(&two),
        "{done:?}"
    );
    assert_eq!(pool.job(&one)["status"], "queued");
}

#[test]
fn a_job_that_nobody_knows_is_an_error() {
    let pool = pool();
    let done = pool.call(&["inspect", "nobody"]);
    assert_eq!(done.code, 1, "{done:?}");
    assert!(done.stderr.contains("no job `nobody`"), "{done:?}");
}
