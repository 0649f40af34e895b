//! `kill -9` of workers and supervisors: the container belongs to neither the one nor to chance.

use std::time::Duration;

use longshore_e2e::drill::PATIENCE;
use longshore_testkit::eventually;

use crate::{check_nothing_is_left, pool, standing};

#[test]
fn the_next_worker_adopts_what_runs_and_the_log_is_whole_to_the_byte() {
    let pool = pool();
    let worker = pool.worker();
    let volume = pool.volume_flag();
    let script = "echo started >> /v/starts; i=0; \
        while [ $i -lt 3000 ]; do echo line $i; i=$((i+1)); [ $((i%100)) = 0 ] && usleep 20000; done; \
        printf end; exit 3";
    let id = pool.submit(&["-v", &volume], script);
    pool.until_logged(&id, "line 200");
    worker.kill9();
    let second = pool.worker();
    let job = pool.until_gone(&id);
    assert_eq!(standing(&job), "failed exit(3)", "{job:#}");
    assert_eq!(job["attempt"], 1);
    assert_eq!(pool.in_volume("starts"), "started");
    let mut lines: Vec<String> = (0..3000).map(|line| format!("line {line}")).collect();
    lines.push("end".to_owned());
    assert_eq!(pool.log(&id), lines.join("\n"));
    assert_eq!(second.leave().code, 0);
    check_nothing_is_left(&pool);
}

#[test]
fn what_ended_while_no_worker_lived_is_harvested_with_its_own_code_and_its_use() {
    let pool = pool();
    let worker = pool.worker();
    let volume = pool.volume_flag();
    let id = pool.submit(
        &["-v", &volume],
        "echo begun; until [ -e /v/go ]; do usleep 20000; done; echo done; touch /v/end; exit 5",
    );
    pool.until_logged(&id, "begun");
    worker.kill9();
    pool.touch_in_volume("go");
    eventually("it has ended", PATIENCE, || pool.has_in_volume("end"));
    let second = pool.worker();
    let job = pool.until_gone(&id);
    assert_eq!(standing(&job), "failed exit(5)", "{job:#}");
    assert_eq!(pool.log(&id), "begun\ndone\n");
    let usage = &job["attempts"][0]["usage"];
    assert!(
        usage["cpu_nanos"].as_u64().is_some_and(|cpu| cpu > 0),
        "{job:#}"
    );
    assert_eq!(second.leave().code, 0);
    check_nothing_is_left(&pool);
}

#[test]
fn a_limit_holds_while_no_worker_lives_and_is_a_timeout_afterwards() {
    let pool = pool();
    let worker = pool.worker();
    let id = pool.submit(
        &["--timeout", "3s", "--stop-timeout", "1s"],
        "trap 'exit 0' TERM; echo begun; sleep 600 & wait",
    );
    let container = pool.until_running(&id);
    pool.until_logged(&id, "begun");
    worker.kill9();
    pool.until_container(&container, "exited");
    let second = pool.worker();
    let job = pool.until_gone(&id);
    assert_eq!(standing(&job), "timeout run", "{job:#}");
    assert_eq!(second.leave().code, 0);
}

#[test]
fn an_attempt_whose_supervisor_is_killed_is_lost_and_tried_again_at_no_cost_of_its_own() {
    let pool = pool();
    let worker = pool.worker();
    let volume = pool.volume_flag();
    let id = pool.submit(
        &["-v", &volume, "--retry-strategy", "high_priority"],
        "echo x >> /v/runs; [ $(wc -l < /v/runs) = 2 ] && exit 0; echo begun; sleep 600",
    );
    let container = pool.until_running(&id);
    pool.until_logged(&id, "begun");
    pool.kill_supervisor(&container);
    let job = pool.until_within(Duration::from_mins(2), "it is completed", &id, |job| {
        job["status"] == "completed"
    });
    assert_eq!(job["attempt"], 2, "{job:#}");
    let verdict = &job["attempts"][0]["verdict"];
    assert_eq!(verdict["reason"], "lost", "{job:#}");
    assert_eq!(worker.leave().code, 0);
    pool.until_gone(&id);
    check_nothing_is_left(&pool);
}

#[test]
fn a_worker_and_a_supervisor_that_are_killed_at_once_leave_an_attempt_that_is_lost_and_tried_again()
{
    let pool = pool();
    let worker = pool.worker();
    let volume = pool.volume_flag();
    let id = pool.submit(
        &["-v", &volume, "--retry-strategy", "high_priority"],
        "echo x >> /v/runs; [ $(wc -l < /v/runs) = 2 ] && exit 0; echo begun; sleep 600",
    );
    let container = pool.until_running(&id);
    pool.until_logged(&id, "begun");
    worker.kill9();
    pool.kill_supervisor(&container);
    let second = pool.worker();
    let job = pool.until_within(Duration::from_mins(2), "it is completed", &id, |job| {
        job["status"] == "completed"
    });
    assert_eq!(job["attempt"], 2, "{job:#}");
    let verdict = &job["attempts"][0]["verdict"];
    assert_eq!(verdict["reason"], "lost", "{job:#}");
    pool.until_gone(&id);
    assert_eq!(pool.in_volume("runs"), "x\nx");
    assert_eq!(second.leave().code, 0);
    check_nothing_is_left(&pool);
}

#[test]
fn two_workers_share_a_host_without_an_engine() {
    let pool = pool();
    let workers = [pool.worker(), pool.worker()];
    let ids: Vec<String> = (0..12)
        .map(|number| pool.submit(&[], &format!("echo {number}; exit {}", number % 3)))
        .collect();
    for (number, id) in ids.iter().enumerate() {
        let job = pool.until_gone(id);
        assert_eq!(job["exit_code"], number % 3, "{job:#}");
        assert_eq!(pool.log(id), format!("{number}\n"));
    }
    for worker in workers {
        assert_eq!(worker.leave().code, 0);
    }
    check_nothing_is_left(&pool);
}
