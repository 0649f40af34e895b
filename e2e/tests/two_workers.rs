//! Two workers on one store: each job runs once, on no more slots than there are; a worker that
//! was paused for longer than its lease has nothing more to say.

use std::fs;
use std::time::Duration;

use longshore_e2e::at_once::{most_at_once, noting, started};
use longshore_e2e::drill::{Drill, PATIENCE, container_of};
use longshore_testkit::{eventually, shared_engine};

const JOBS: usize = 100;
const SLOTS: usize = 8;

/// Job number N writes `+N` at its start and `-N` at its end.
fn job_file(volume: &str) -> String {
    let job = |number: usize| {
        let script = noting(&number.to_string(), "usleep 20000");
        format!(
            "[[job]]\nimage = \"demo-image\"\ncommand = [\"sh\", \"-c\", \"{script}\"]\n\
             volumes = [\"{volume}\"]\n"
        )
    };
    (0..JOBS).map(job).collect::<Vec<_>>().concat()
}

#[test]
fn two_workers_run_each_of_a_hundred_jobs_exactly_once_and_never_exceed_the_slots() {
    let drill = Drill::on(&shared_engine());
    let socket = format!("unix://{}", drill.socket().display());
    let slots = SLOTS.to_string();
    drill.ok(&["hosts", "add", "here", &socket, "--slots", &slots]);
    let file = drill.folder().join("jobs.toml");
    fs::write(&file, job_file(&drill.volume_flag())).unwrap();
    let ids = drill.ok(&["submit", "-f", &file.display().to_string()]);
    assert_eq!(ids.lines().count(), JOBS);
    let workers = [(); 2].map(|()| drill.spawn(&["worker", "--exit-when-empty"]));
    for worker in workers {
        let done = worker.done_within(Duration::from_secs(170));
        assert_eq!(done.code, 0, "{done:#?}");
    }
    let runs = drill.in_volume("runs");
    let mut started = started(&runs);
    assert_eq!(started.len(), JOBS);
    started.sort_unstable();
    started.dedup();
    assert_eq!(started.len(), JOBS, "each job once");
    assert!(
        most_at_once(&runs, "") <= SLOTS,
        "{} at once",
        most_at_once(&runs, "")
    );
    let completed = drill.ok(&["jobs", "--status", "completed", "-q"]);
    assert_eq!(completed.lines().count(), JOBS);
}

#[test]
fn a_worker_that_was_paused_beyond_its_lease_loses_its_job_and_runs_nothing_twice() {
    let drill = Drill::on(&shared_engine());
    let paused = drill.worker();
    let volume = drill.volume_flag();
    let script = "echo started >> /v/starts; echo begun; \
        until [ -e /v/go ]; do usleep 50000; done; echo did it; exit 3";
    let id = drill.submit(&["-v", &volume], script);
    let container = drill.until_running(&id);
    drill.until_logged(&id, "begun\n");
    paused.signal("STOP");
    let _second = drill.worker();
    // Its file is locked, so only the lease tells.
    drill.until_within(PATIENCE, "the lease has passed", &id, |_| {
        drill.events(&id).contains(&"adopted".to_owned())
    });
    paused.signal("CONT");
    let go = ["run", "--rm", "-v", &volume, "demo-image", "touch", "/v/go"];
    drill.engine().docker(go).unwrap();
    let job = drill.until_gone(&id);
    assert_eq!(
        (&job["exit_code"], &job["attempt"]),
        (&3.into(), &1.into()),
        "{job:#}"
    );
    assert_eq!(container_of(&job), container);
    assert_eq!(drill.in_volume("starts"), "started");
    assert_eq!(drill.log(&id), "begun\ndid it\n");
    eventually(
        "the stale report was refused",
        Duration::from_secs(30),
        || {
            let said = paused.stderr();
            if said.contains("another worker has taken this attempt over") {
                Ok(())
            } else {
                Err(said)
            }
        },
    );
    let events = drill.events(&id);
    let ends = events
        .iter()
        .filter(|kind| *kind == "attempt_ended")
        .count();
    assert_eq!(ends, 1, "{events:?}");
}
