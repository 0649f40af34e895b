//! The clock of a worker's machine is put forward or back while it works: limits, leases and schedules
//! do not misfire.

use std::time::Duration;

use longshore_e2e::drill::{Drill, PATIENCE, Process, is_final};
use longshore_e2e::wall_clock::WallClock;
use longshore_testkit::{
    DEMO_IMAGE, Fault, FaultProxy, Rule, eventually, shared_database, shared_engine, temp_dir,
};
use serde_json::Value;

const HOUR: i64 = 3600;
const WAITS: &str = "echo started >> /v/starts; echo begun; \
    until [ -e /v/go ]; do usleep 50000; done; echo end; exit 3";

/// A worker with a wall clock of its own.
fn worker(drill: &Drill, clock: &WallClock) -> Process {
    let mut command = drill.command(&["worker"]);
    clock.give_to(&mut command);
    Process::start(&mut command)
}

fn let_go(drill: &Drill) {
    let volume = drill.volume_flag();
    let go = ["run", "--rm", "-v", &volume, DEMO_IMAGE, "touch", "/v/go"];
    drill.engine().docker(go).expect("a file in a volume");
}

/// Waits until somebody looks at the container.
fn until_looked_at(drill: &Drill, proxy: &FaultProxy, container: &str) {
    let path = format!("/containers/{container}/json");
    let look = proxy.add(Rule::every(&path, Fault::Delay(Duration::ZERO)));
    drill.until_hit(proxy, look);
}

/// The job ended once, as its only container did.
#[track_caller]
fn check_ended_as_its_container_did(drill: &Drill, id: &str) -> Value {
    let job = drill.until_gone(id);
    assert_eq!(
        (&job["exit_code"], &job["attempt"]),
        (&3.into(), &1.into()),
        "{job:#}"
    );
    assert_eq!(drill.in_volume("starts"), "started");
    assert_eq!(drill.log(id), "begun\nend\n");
    let events = drill.events(id);
    let ends = events.iter().filter(|kind| *kind == "finished").count();
    assert_eq!(ends, 1, "{events:?}");
    job
}

fn ends_no_running_job(hours: i64) {
    let (drill, proxy) = Drill::through_proxy(&shared_engine());
    let clock = WallClock::right();
    let worker = worker(&drill, &clock);
    let volume = drill.volume_flag();
    let id = drill.submit(&["--timeout", "1h", "-v", &volume], WAITS);
    let container = drill.until_running(&id);
    drill.until_logged(&id, "begun\n");
    clock.set_ahead(hours * HOUR);
    until_looked_at(&drill, &proxy, &container);
    assert_eq!(drill.job(&id)["status"], "running");
    let_go(&drill);
    check_ended_as_its_container_did(&drill, &id);
    assert_eq!(worker.leave().code, 0);
}

#[test]
fn a_clock_that_is_put_forward_ends_no_running_job() {
    ends_no_running_job(3);
}

#[test]
fn a_clock_that_is_put_back_ends_no_running_job() {
    ends_no_running_job(-3);
}

#[test]
fn a_time_limit_holds_though_the_clock_is_put_back() {
    let drill = Drill::on(&shared_engine());
    let clock = WallClock::right();
    let _worker = worker(&drill, &clock);
    let flags = ["--timeout", "4s", "--stop-timeout", "1"];
    let id = drill.submit(&flags, "echo begun; sleep 300");
    drill.until_running(&id);
    clock.set_ahead(-3 * HOUR);
    let job = drill.until("the job is final", &id, is_final);
    assert_eq!(
        (&job["status"], &job["reason"]),
        (&"timeout".into(), &"run".into()),
        "{job:#}"
    );
}

#[test]
fn two_workers_of_a_machine_whose_clock_is_put_forward_keep_their_own_jobs() {
    let drill = Drill::on(&shared_engine());
    let clock = WallClock::right();
    let workers = [(); 2].map(|()| worker(&drill, &clock));
    let volume = drill.volume_flag();
    let id = drill.submit(&["--timeout", "1h", "-v", &volume], WAITS);
    drill.until_running(&id);
    drill.until_logged(&id, "begun\n");
    clock.set_ahead(3 * HOUR);
    eventually("both have noticed", PATIENCE, || {
        workers
            .iter()
            .all(|worker| worker.stderr().contains("the clock was put forward"))
    });
    let_go(&drill);
    check_ended_as_its_container_did(&drill, &id);
    let events = drill.events(&id);
    assert!(!events.contains(&"adopted".to_owned()), "{events:?}");
}

/// Two workers, as on two machines, of which one has a clock that jumps.
fn is_moved_by_one_worker_at_a_time(hours: i64) {
    let (database, other_home) = (shared_database(), temp_dir());
    let drill = Drill::on(&shared_engine()).with_database(&database.url());
    let right = drill.worker();
    let volume = drill.volume_flag();
    let id = drill.submit(&["--timeout", "1h", "-v", &volume], WAITS);
    drill.until_running(&id);
    drill.until_logged(&id, "begun\n");
    let clock = WallClock::right();
    clock.set_ahead(hours * HOUR);
    let mut command = drill.command(&["worker"]);
    clock.give_to(command.env("HOME", other_home.path()));
    let jumped = Process::start(&mut command);
    // Both work.
    let others: Vec<String> = (0..6).map(|_| drill.submit(&[], "exit 3")).collect();
    for other in &others {
        let job = drill.until_gone(other);
        assert_eq!((&job["exit_code"], &job["attempt"]), (&3.into(), &1.into()));
    }
    let_go(&drill);
    check_ended_as_its_container_did(&drill, &id);
    let events = drill.events(&id);
    assert!(!events.contains(&"adopted".to_owned()), "{events:?}");
    for worker in [right, jumped] {
        assert_eq!(worker.leave().code, 0);
    }
}

#[test]
fn a_worker_whose_clock_is_ahead_takes_no_job_of_another_one() {
    is_moved_by_one_worker_at_a_time(3);
}

#[test]
fn a_worker_whose_clock_is_behind_takes_no_job_of_another_one() {
    is_moved_by_one_worker_at_a_time(-3);
}

#[test]
fn a_job_of_a_dead_worker_whose_clock_was_ahead_is_taken_over_in_time() {
    let (database, other_home) = (shared_database(), temp_dir());
    let drill = Drill::on(&shared_engine()).with_database(&database.url());
    let clock = WallClock::right();
    clock.set_ahead(3 * HOUR);
    let mut command = drill.command(&["worker"]);
    clock.give_to(command.env("HOME", other_home.path()));
    let ahead = Process::start(&mut command);
    let volume = drill.volume_flag();
    let id = drill.submit(&["-v", &volume], WAITS);
    drill.until_running(&id);
    drill.until_logged(&id, "begun\n");
    ahead.kill9();
    let _right = drill.worker();
    let_go(&drill);
    check_ended_as_its_container_did(&drill, &id);
}

/// What a schedule of ten minutes makes when the clock is put an hour ahead, and back, and on again.
fn times_fired(missed: &str) -> Vec<String> {
    let drill = Drill::on(&shared_engine());
    let clock = WallClock::right();
    let create = [
        "schedule", "create", "tick", "--every", "10m", "--missed", missed,
    ];
    drill.ok(&[&create[..], &[DEMO_IMAGE, "true"]].concat());
    let _worker = worker(&drill, &clock);
    let turns = || {
        let shown = drill.ok(&["--json", "schedule", "show", "tick", "-n", "100"]);
        let shown: Value = serde_json::from_str(&shown).expect("JSON");
        shown["turns"].as_array().expect("a list").clone()
    };
    clock.set_ahead(HOUR);
    eventually("the times of the hour had their turn", PATIENCE, || {
        turns().len() > usize::from(missed == "all") * 5
    });
    let before = turns();
    for hours in [0, 1, -1, 1] {
        clock.set_ahead(hours * HOUR);
        let other = drill.submit(&[], "true");
        drill.until_gone(&other);
    }
    let after = turns();
    assert!(after.len() <= before.len() + 1, "{before:#?} {after:#?}");
    let fired = after.iter().filter(|turn| turn["brought"] == "submitted");
    fired
        .map(|turn| turn["nominal_at"].as_str().expect("a time").to_owned())
        .collect()
}

#[test]
fn a_clock_that_goes_to_and_fro_makes_one_job_for_all_that_it_jumped_over() {
    let fired = times_fired("once");
    assert!((1..=2).contains(&fired.len()), "{fired:?}");
}

#[test]
fn a_clock_that_goes_to_and_fro_makes_no_job_twice() {
    let mut fired = times_fired("all");
    let count = fired.len();
    fired.dedup();
    assert_eq!(fired.len(), count);
    assert!((6..=7).contains(&count), "{fired:?}");
}
