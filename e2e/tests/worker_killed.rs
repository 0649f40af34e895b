//! `kill -9` of the worker in each phase of an attempt, and a new worker: the container is started
//! once, its log is whole, its exit code is its own, and nothing of it stays.

use std::time::{Duration, Instant};

use longshore_e2e::drill::{Drill, PATIENCE, Process, container_of};
use longshore_testkit::{Fault, Registry, RegistryKind, Rule, eventually, shared_engine};
use serde_json::Value;

/// Leaves a line in the volume, so that a second run would be seen.
const ONCE: &str = "echo started >> /v/starts; echo did it; exit 3";
/// As [`ONCE`], until the volume has a file `go`.
const ONCE_WAITING: &str = "echo started >> /v/starts; echo begun; \
    until [ -e /v/go ]; do usleep 50000; done; echo did it; exit 3";

/// The job ended with code 3 after one start of one container, and left nothing.
#[track_caller]
fn check_ran_once(drill: &Drill, id: &str) -> Value {
    let job = drill.until_gone(id);
    assert_eq!(job["status"], "failed", "{job:#}");
    assert_eq!(job["exit_code"], 3, "{job:#}");
    assert_eq!(job["attempt"], 1, "{job:#}");
    assert_eq!(drill.in_volume("starts"), "started");
    assert!(drill.log(id).ends_with("did it\n"), "{}", drill.log(id));
    assert_eq!(drill.containers(id), Vec::<String>::new());
    job
}

/// Kills the worker at the moment when a request that `rule` befalls hangs; heals; a new worker
/// goes on.
fn killed_at(rules: &[Rule]) {
    let (drill, proxy) = Drill::through_proxy(&shared_engine());
    let worker = drill.worker();
    let volume = drill.volume_flag();
    let ids: Vec<_> = rules.iter().map(|rule| proxy.add(rule.clone())).collect();
    let id = drill.submit(&["-v", &volume], ONCE);
    for rule in ids {
        drill.until_hit(&proxy, rule);
    }
    worker.kill9();
    proxy.clear();
    let second = drill.worker();
    check_ran_once(&drill, &id);
    assert_eq!(second.leave().code, 0);
}

/// The volume's file `go` lets a waiting job end.
fn let_go(drill: &Drill) {
    let volume = drill.volume_flag();
    let args = ["run", "--rm", "-v", &volume, "demo-image", "touch", "/v/go"];
    drill
        .engine()
        .docker(args)
        .expect("a file can be made in a volume");
}

#[test]
fn killed_between_claim_and_create() {
    killed_at(&[Rule::first("/containers/create", Fault::Hang)]);
}

#[test]
fn killed_when_the_reply_of_create_was_lost() {
    killed_at(&[
        Rule::first("/containers/create", Fault::LoseReply),
        Rule::every("/containers/longshore-", Fault::Hang),
    ]);
}

#[test]
fn killed_between_create_and_start() {
    killed_at(&[Rule::first("/start", Fault::Hang)]);
}

#[test]
fn killed_when_the_reply_of_start_was_lost() {
    let (drill, proxy) = Drill::through_proxy(&shared_engine());
    let worker = drill.worker();
    let volume = drill.volume_flag();
    let lost = proxy.add(Rule::first("/start", Fault::LoseReply));
    proxy.add(Rule::every("/containers/", Fault::Hang).method("GET"));
    let id = drill.submit(&["-v", &volume], ONCE_WAITING);
    drill.until_hit(&proxy, lost);
    worker.kill9();
    proxy.clear();
    eventually("the job began", Duration::from_secs(30), || {
        drill.in_volume("starts") == "started"
    });
    let _second = drill.worker();
    drill.until_running(&id);
    let_go(&drill);
    check_ran_once(&drill, &id);
}

#[test]
fn killed_while_pulling() {
    let engine = shared_engine();
    let registry = Registry::start(&engine, RegistryKind::Open).unwrap();
    let (drill, proxy) = Drill::through_proxy(&engine);
    let image = registry
        .push(&engine, "demo-image", "killed/pull:1")
        .unwrap();
    let worker = drill.worker();
    let volume = drill.volume_flag();
    let pull = proxy.add(Rule::first("/images/create", Fault::Hang));
    let id = drill.ok(&["submit", "-v", &volume, &image, "sh", "-c", ONCE]);
    drill.until_hit(&proxy, pull);
    worker.kill9();
    let _second = drill.worker();
    let job = check_ran_once(&drill, &id);
    assert!(job["image_digest"].is_string(), "{job:#}");
    engine.docker(["image", "rm", &image]).unwrap();
}

/// Lines from 1 to 60, one every 50 ms.
const COUNTING: &str = "echo started >> /v/starts; i=0; \
    while [ $i -lt 60 ]; do i=$((i+1)); echo line $i; usleep 50000; done; echo did it; exit 3";

fn counted() -> String {
    let lines = (1..=60).map(|number| format!("line {number}\n"));
    lines.chain(["did it\n".to_owned()]).collect()
}

#[test]
fn killed_while_the_container_runs_it_is_adopted_with_its_whole_log() {
    let drill = Drill::on(&shared_engine());
    let worker = drill.worker();
    let volume = drill.volume_flag();
    let id = drill.submit(&["-v", &volume], COUNTING);
    let container = drill.until_running(&id);
    drill.until_logged(&id, "line 10\n");
    worker.kill9();
    let _second = drill.worker();
    let job = check_ran_once(&drill, &id);
    assert_eq!(container_of(&job), container);
    assert_eq!(drill.log(&id), counted());
    assert!(drill.events(&id).contains(&"adopted".to_owned()));
}

#[test]
fn a_dead_worker_of_the_same_machine_is_noticed_long_before_its_lease_passes() {
    let drill = Drill::on(&shared_engine());
    let first = drill.worker();
    let volume = drill.volume_flag();
    let id = drill.submit(&["-v", &volume], ONCE_WAITING);
    let container = drill.until_running(&id);
    let _second = drill.worker();
    first.kill9();
    let killed = Instant::now();
    drill.until("the attempt is adopted", &id, |_| {
        drill.events(&id).contains(&"adopted".to_owned())
    });
    let took = killed.elapsed();
    assert!(
        took < Duration::from_secs(10),
        "the lease is 30 s, noticed after {took:?}"
    );
    let_go(&drill);
    assert_eq!(container_of(&check_ran_once(&drill, &id)), container);
}

#[test]
fn killed_and_the_container_ends_before_the_next_worker_comes() {
    let drill = Drill::on(&shared_engine());
    let worker = drill.worker();
    let volume = drill.volume_flag();
    let id = drill.submit(&["-v", &volume], ONCE_WAITING);
    let container = drill.until_running(&id);
    worker.kill9();
    let_go(&drill);
    drill.until_container(&container, "exited");
    let _second = drill.worker();
    let job = check_ran_once(&drill, &id);
    assert_eq!(drill.log(&id), "begun\ndid it\n");
    assert_eq!(
        job["attempts"][0]["verdict"]["provenance"], "recovery",
        "{job:#}"
    );
}

/// Ignores TERM, so that only the end of the grace ends it.
const STUBBORN: &str =
    "trap '' TERM; echo begun; i=0; while [ $i -lt 1200 ]; do i=$((i+1)); usleep 50000; done";

fn stop_and_kill(drill: &Drill, cancelled: &str) -> Process {
    let worker = drill.worker();
    let id = cancelled;
    drill.until_running(id);
    drill.until_logged(id, "begun\n");
    drill.ok(&["cancel", id]);
    drill.until("it is being stopped", id, |_| {
        drill.events(id).contains(&"stopping".to_owned())
    });
    worker
}

#[test]
fn killed_while_stopping_the_next_worker_stops_the_container() {
    let drill = Drill::on(&shared_engine());
    let id = drill.submit(&["--stop-timeout", "4"], STUBBORN);
    stop_and_kill(&drill, &id).kill9();
    let _second = drill.worker();
    let job = drill.until_gone(&id);
    assert_eq!(job["status"], "cancelled", "{job:#}");
    assert_eq!(drill.log(&id), "begun\n");
    assert_eq!(drill.containers(&id), Vec::<String>::new());
}

#[test]
fn a_job_that_was_being_cancelled_is_cancelled_though_it_ended_while_no_worker_lived() {
    let drill = Drill::on(&shared_engine());
    let id = drill.submit(&["--stop-timeout", "1"], STUBBORN);
    let worker = stop_and_kill(&drill, &id);
    let container = container_of(&drill.job(&id));
    worker.kill9();
    // The engine carries the stop through by itself.
    drill.until_container(&container, "exited");
    let _second = drill.worker();
    let job = drill.until_gone(&id);
    assert_eq!(job["status"], "cancelled", "{job:#}");
}

#[test]
fn killed_while_draining_the_rest_of_the_log_is_read_by_the_next_worker() {
    let (drill, proxy) = Drill::through_proxy(&shared_engine());
    let worker = drill.worker();
    let volume = drill.volume_flag();
    let end = proxy.add(Rule::every("tail=", Fault::Hang));
    let id = drill.submit(&["-v", &volume], COUNTING);
    drill.until_hit(&proxy, end);
    // Its end is told together with what follows at once, or a moment later.
    eventually("the end is told", PATIENCE, || {
        drill.job(&id)["attempts"][0]["phase"] == "draining"
    });
    worker.kill9();
    proxy.clear();
    let _second = drill.worker();
    check_ran_once(&drill, &id);
    assert_eq!(drill.log(&id), counted());
}

#[test]
fn killed_before_the_removal_the_next_worker_removes_the_container() {
    let (drill, proxy) = Drill::through_proxy(&shared_engine());
    let worker = drill.worker();
    let volume = drill.volume_flag();
    let removal = proxy.add(Rule::every("/containers/", Fault::Hang).method("DELETE"));
    let id = drill.submit(&["-v", &volume], ONCE);
    drill.until_hit(&proxy, removal);
    worker.kill9();
    assert_eq!(drill.job(&id)["status"], "failed");
    assert_eq!(drill.containers(&id).len(), 1);
    proxy.clear();
    let _second = drill.worker();
    check_ran_once(&drill, &id);
}

#[test]
fn a_killed_run_is_finished_by_a_worker() {
    let drill = Drill::on(&shared_engine());
    let volume = drill.volume_flag();
    let run = drill.start_run(&["-v", &volume, "--name", "orphan"], COUNTING);
    eventually("run shows output", PATIENCE, || {
        run.stdout().contains("line 10\n")
    });
    run.kill9();
    let id = drill.job("orphan")["id"].as_str().unwrap().to_owned();
    let container = container_of(&drill.job(&id));
    let _worker = drill.worker();
    let job = check_ran_once(&drill, &id);
    assert_eq!(container_of(&job), container);
    assert_eq!(drill.log(&id), counted());
}

#[test]
fn a_killed_run_is_finished_by_the_next_run() {
    let drill = Drill::on(&shared_engine());
    let volume = drill.volume_flag();
    let run = drill.start_run(&["-v", &volume, "--name", "orphan"], ONCE_WAITING);
    let id = eventually("the job is stored", PATIENCE, || {
        let done = drill.call(&["--json", "inspect", "orphan"]);
        let jobs: Option<Value> = serde_json::from_str(&done.stdout).ok();
        jobs.and_then(|jobs| jobs[0]["id"].as_str().map(str::to_owned))
    });
    let container = drill.until_running(&id);
    run.kill9();
    let other = drill.start_run(&[], "sleep 60");
    let job = drill.until("the other process has taken it over", &id, |_| {
        drill.events(&id).contains(&"adopted".to_owned())
    });
    assert_eq!(container_of(&job), container);
    let_go(&drill);
    check_ran_once(&drill, &id);
    other.kill9();
}

/// How many of the jobs are completed.
fn completed(drill: &Drill) -> usize {
    let ids = drill.ok(&["jobs", "--status", "completed", "-q"]);
    ids.lines().count()
}

#[test]
fn workers_that_are_killed_again_and_again_run_each_of_thirty_jobs_once() {
    const JOBS: usize = 30;
    let drill = Drill::on(&shared_engine());
    let volume = drill.volume_flag();
    let ids: Vec<String> = (0..JOBS)
        .map(|number| {
            let script = format!(
                "echo {number} >> /v/starts; i=0; while [ $i -lt 20 ]; do i=$((i+1)); \
                 echo job {number} line $i; usleep 5000; done; printf end"
            );
            drill.submit(&["-v", &volume], &script)
        })
        .collect();
    for wanted in [1, 6, 11, 16, 21] {
        let worker = drill.worker();
        eventually("some more jobs are completed", PATIENCE, || {
            completed(&drill) >= wanted
        });
        worker.kill9();
    }
    let last = drill.spawn(&["worker", "--exit-when-empty"]);
    assert_eq!(last.done().code, 0);
    let starts = drill.in_volume("starts");
    let mut started: Vec<usize> = starts.lines().map(|line| line.parse().unwrap()).collect();
    started.sort_unstable();
    assert_eq!(started, (0..JOBS).collect::<Vec<_>>());
    for (number, id) in ids.iter().enumerate() {
        let lines = (1..=20).map(|line| format!("job {number} line {line}\n"));
        let whole: String = lines.chain(["end".to_owned()]).collect();
        assert_eq!(drill.log(id), whole);
        assert_eq!(drill.containers(id), Vec::<String>::new());
    }
}
