//! Ctrl-C, and readers that go away.

use std::process::Stdio;
use std::time::Duration;

use longshore_e2e::drill::{Drill, PATIENCE, Process, is_final};
use longshore_testkit::eventually;

use crate::{WAIT_FOR_GO, check_nothing_is_left, let_go, newest, pool, standing};

/// Waits until a command has written this.
#[track_caller]
fn until_said(process: &Process, text: &str) {
    eventually("it says so", PATIENCE, || {
        let said = process.stdout() + &process.stderr();
        if said.contains(text) {
            Ok(())
        } else {
            Err(said)
        }
    });
}

#[test]
fn the_first_interrupt_cancels_the_job() {
    let pool = pool();
    let run = pool.start_run(&["--stop-timeout", "2s"], "echo hello; sleep 600");
    until_said(&run, "hello");
    run.signal("INT");
    let done = run.done();
    assert_eq!(done.code, 130, "{done:?}");
    assert_eq!(standing(&newest(&pool)), "cancelled user");
    assert_eq!(pool.log("-"), "hello\n");
    check_nothing_is_left(&pool);
}

#[test]
fn the_second_interrupt_detaches_and_says_how_to_go_on() {
    let pool = pool();
    let stubborn = "trap '' TERM; echo hello; while :; do sleep 600; done";
    let run = pool.start_run(&["--stop-timeout", "60s"], stubborn);
    until_said(&run, "hello");
    run.signal("INT");
    until_said(&run, "asked the job to stop");
    run.signal("INT");
    let done = run.done_within(Duration::from_secs(20));
    assert_eq!(done.code, 130, "{done:?}");
    let job = newest(&pool);
    let short = job["short_id"].as_str().expect("an id");
    for hint in [
        format!("longshore logs -f {short}"),
        format!("longshore cancel {short}"),
    ] {
        assert!(done.stderr.contains(&hint), "{done:?}");
    }
    assert!(!is_final(&job), "{job:#}");
    let container = pool.leftovers();
    let [container] = &container[..] else {
        panic!("one container goes on: {container:?}")
    };
    pool.until_container(container, "running");
}

#[test]
fn followers_of_a_running_job_end_with_it() {
    let pool = pool();
    let worker = pool.worker();
    let volume = pool.volume_flag();
    let script = format!("echo one; {WAIT_FOR_GO}; printf two");
    let id = pool.submit(&["-v", &volume], &script);
    let logs = pool.spawn(&["logs", "-f", &id]);
    let events = pool.spawn(&["events", "-f", &id]);
    until_said(&logs, "one");
    until_said(&events, "started");
    let_go(&pool);
    let logs = logs.done();
    assert_eq!((logs.code, logs.stdout.as_str()), (0, "one\ntwo"));
    let events = events.done();
    assert_eq!(events.code, 0, "{events:?}");
    assert!(events.stdout.contains("removed"), "{events:?}");
    assert_eq!(worker.leave().code, 0);
}

#[test]
fn a_follower_that_is_interrupted_leaves_the_job_alone() {
    let pool = pool();
    let worker = pool.worker();
    let volume = pool.volume_flag();
    let script = format!("echo one; {WAIT_FOR_GO}; echo two");
    let id = pool.submit(&["-v", &volume], &script);
    let logs = pool.spawn(&["logs", "-f", &id]);
    until_said(&logs, "one");
    logs.signal("INT");
    assert_eq!(logs.done().code, 130);
    assert_eq!(pool.job(&id)["status"], "running");
    let_go(&pool);
    assert_eq!(standing(&pool.until_gone(&id)), "completed");
    assert_eq!(pool.log(&id), "one\ntwo\n");
    assert_eq!(worker.leave().code, 0);
}

/// Runs a command whose reader is gone before it writes; its code and what it said on stderr.
fn without_reader(pool: &Drill, args: &[&str]) -> (Option<i32>, String) {
    let mut command = pool.command(args);
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("the binary runs");
    drop(child.stdout.take());
    let output = child.wait_with_output().expect("a child of ours");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    (output.status.code(), said)
}

#[test]
fn a_list_whose_reader_went_away_ends_quietly() {
    let pool = pool();
    pool.submit(&[], "true");
    assert_eq!(without_reader(&pool, &["jobs"]), (Some(0), String::new()));
    let inspect = without_reader(&pool, &["inspect", "-"]);
    assert_eq!(inspect, (Some(0), String::new()));
}

#[test]
fn a_run_whose_reader_went_away_ends_as_a_pipe_does_and_the_job_goes_on() {
    let pool = pool();
    let volume = pool.volume_flag();
    let script = format!("echo one; {WAIT_FOR_GO}; echo two");
    let args = ["run", "-v", &volume, "demo-image", "sh", "-c", &script];
    let (code, said) = without_reader(&pool, &args);
    assert_eq!(code, Some(141), "{said}");
    let id = newest(&pool)["id"].as_str().expect("an id").to_owned();
    assert!(!is_final(&pool.job(&id)));
    let worker = pool.worker();
    let_go(&pool);
    assert_eq!(standing(&pool.until_gone(&id)), "completed");
    assert_eq!(pool.log(&id), "one\ntwo\n");
    assert_eq!(worker.leave().code, 0);
}
