//! The engine stops, or is killed, under a running job: what is unknown is lost, never a success.

use std::path::PathBuf;
use std::time::Duration;

use longshore_e2e::drill::{Drill, Process, container_of, is_final};
use longshore_testkit::{Engine, EngineOptions, eventually, temp_dir};
use serde_json::Value;

/// An engine with a worker may need so long until it is up and the verdict is written.
const RECOVERY: Duration = Duration::from_secs(90);

/// The first start leaves a mark and then waits; any later one ends well at once.
const WELL_THE_SECOND_TIME: &str =
    "echo started >> /v/starts; [ $(wc -l < /v/starts) -gt 1 ] && exit 0; echo begun; sleep 300";
/// Says that all is well when it is told to stop.
const PRETENDER: &str = "trap 'exit 0' TERM; echo begun; \
    i=0; while [ $i -lt 6000 ]; do i=$((i+1)); usleep 50000; done";

/// How an engine goes away.
#[derive(Clone, Copy)]
enum End {
    Stopped,
    Killed,
}

impl End {
    fn befall(self, engine: &mut Engine) {
        match self {
            Self::Stopped => engine.stop(),
            Self::Killed => engine.kill9(),
        }
        .expect("the engine ran");
    }
}

struct Scene {
    drill: Drill,
    worker: Process,
    id: String,
    container: String,
    engine: Engine,
}

impl Scene {
    /// A job that has begun on an engine of its own.
    fn begun(live_restore: bool, flags: &[&str], script: &str) -> Self {
        Self::begun_in(None, live_restore, flags, script)
    }

    fn begun_in(
        data_root: Option<PathBuf>,
        live_restore: bool,
        flags: &[&str],
        script: &str,
    ) -> Self {
        let options = EngineOptions {
            live_restore,
            data_root,
            ..EngineOptions::default()
        };
        let engine = Engine::start(&options).expect("an engine starts");
        let drill = Drill::on(engine.access());
        let worker = drill.worker();
        let volume = drill.volume_flag();
        let mut all = vec!["-v", &volume];
        all.extend(flags);
        let id = drill.submit(&all, script);
        let container = drill.until_running(&id);
        drill.until_logged(&id, "begun\n");
        Self {
            drill,
            worker,
            id,
            container,
            engine,
        }
    }

    fn restart(&mut self, end: End) {
        end.befall(&mut self.engine);
        self.engine.start_again().expect("the engine starts again");
    }

    #[track_caller]
    fn ended(&self) -> Value {
        self.drill
            .until_within(RECOVERY, "the job is final", &self.id, is_final)
    }
}

fn retried_on_the_infra_budget(end: End) {
    let mut scene = Scene::begun(false, &[], WELL_THE_SECOND_TIME);
    scene.restart(end);
    let job = scene.ended();
    assert_eq!(job["status"], "completed", "{job:#}");
    assert_eq!(job["attempt"], 2, "{job:#}");
    assert_eq!(job["retries_used"], 0, "{job:#}");
    assert_eq!(job["infra_retries_used"], 1, "{job:#}");
    let first = &job["attempts"][0]["verdict"];
    assert_eq!(first["reason"], "lost", "{first:#}");
    assert_eq!(first["exit_code"], Value::Null, "{first:#}");
    assert_eq!(scene.drill.in_volume("starts"), "started\nstarted");
    scene.drill.until_gone(&scene.id);
    scene.worker.leave();
}

#[test]
fn a_job_under_which_the_engine_was_stopped_is_lost_and_tried_again() {
    retried_on_the_infra_budget(End::Stopped);
}

#[test]
fn a_job_under_which_the_engine_was_killed_is_lost_and_tried_again() {
    retried_on_the_infra_budget(End::Killed);
}

fn never_a_success(end: End) {
    let mut scene = Scene::begun(false, &["--infra-retries", "0"], PRETENDER);
    scene.restart(end);
    let job = scene.ended();
    assert_eq!(job["status"], "failed", "{job:#}");
    assert_eq!(job["reason"], "lost", "{job:#}");
    assert_eq!(scene.drill.call(&["wait", &scene.id]).code, 125);
    assert!(scene.drill.log(&scene.id).starts_with("begun\n"));
}

#[test]
fn a_job_that_ends_with_0_because_the_engine_stops_it_is_no_success() {
    never_a_success(End::Stopped);
}

#[test]
fn a_job_that_a_killed_engine_loses_is_no_success() {
    never_a_success(End::Killed);
}

#[test]
fn run_ends_with_125_when_the_engine_is_stopped_under_its_job() {
    let mut engine = Engine::start(&EngineOptions::default()).expect("an engine starts");
    let drill = Drill::on(engine.access());
    let run = drill.start_run(&["--infra-retries", "0"], PRETENDER);
    eventually("run shows output", RECOVERY, || run.stdout() == "begun\n");
    engine.stop().unwrap();
    engine.start_again().unwrap();
    let done = run.done();
    assert_eq!(done.code, 125, "{done:#?}");
    assert!(done.stderr.contains("lost"), "{done:#?}");
}

/// Counts while the engine is away, and ends with 3.
const COUNTING: &str = "echo begun; until [ -e /v/go ]; do usleep 20000; done; \
    i=0; while [ $i -lt 40 ]; do i=$((i+1)); echo line $i; usleep 20000; done; exit 3";

fn counted() -> String {
    let lines = (1..=40).map(|number| format!("line {number}\n"));
    std::iter::once("begun\n".to_owned()).chain(lines).collect()
}

fn survives(end: End) {
    let mut scene = Scene::begun(true, &[], COUNTING);
    scene.restart(end);
    let volume = scene.drill.volume_flag();
    let go = ["run", "--rm", "-v", &volume, "demo-image", "touch", "/v/go"];
    scene.engine.docker(go).expect("a file can be made");
    let job = scene.ended();
    assert_eq!(job["status"], "failed", "{job:#}");
    assert_eq!(job["exit_code"], 3, "{job:#}");
    assert_eq!(job["attempt"], 1, "{job:#}");
    assert_eq!(container_of(&job), scene.container);
    assert_eq!(scene.drill.log(&scene.id), counted());
}

#[test]
fn with_live_restore_a_job_survives_the_stop_of_the_engine() {
    survives(End::Stopped);
}

#[test]
fn with_live_restore_a_job_survives_a_killed_engine() {
    survives(End::Killed);
}

/// The container ends by itself, with 0, while no engine runs.
fn ended_while_away(live_restore: bool) -> Value {
    let root = temp_dir();
    let script = "echo begun; sleep 3; echo all; touch /v/ended; exit 0";
    let mut scene = Scene::begun_in(
        Some(root.path().join("docker")),
        live_restore,
        &["--infra-retries", "0"],
        script,
    );
    scene.engine.kill9().expect("the engine ran");
    let seen = scene.drill.until("the host is unknown", &scene.id, |job| {
        !job["attempts"][0]["unknown_since"].is_null()
    });
    assert_eq!(seen["status"], "running", "{seen:#}");
    let volumes = root.path().join("docker/volumes");
    eventually("the job came to its end", RECOVERY, || {
        let folders = std::fs::read_dir(&volumes)?.flatten();
        let ended = folders.map(|folder| folder.path().join("_data/ended"));
        ended
            .into_iter()
            .any(|file| file.exists())
            .then_some(())
            .ok_or_else(|| std::io::Error::other("not yet"))
    });
    scene.engine.start_again().expect("the engine starts again");
    scene.ended()
}

#[test]
fn an_end_that_nobody_saw_before_the_engine_came_back_is_lost() {
    let job = ended_while_away(false);
    assert_eq!(job["reason"], "lost", "{job:#}");
}

#[test]
fn with_live_restore_too_an_end_that_nobody_saw_is_no_success_without_proof() {
    let job = ended_while_away(true);
    assert_eq!(job["reason"], "lost", "{job:#}");
}

/// An engine takes along what it has read of a container and not yet written; how much is chance.
#[test]
fn output_that_a_killed_engine_may_have_taken_along_is_not_missing_in_silence() {
    let script = "echo begun; seq 1 400000; sleep 1; until [ -e /v/go ]; do usleep 20000; done";
    let mut scene = Scene::begun(true, &[], script);
    scene.restart(End::Killed);
    let volume = scene.drill.volume_flag();
    let go = ["run", "--rm", "-v", &volume, "demo-image", "touch", "/v/go"];
    scene.engine.docker(go).expect("a file can be made");
    let job = scene.ended();
    assert_eq!(job["status"], "completed", "{job:#}");
    let told = scene.drill.call(&["logs", &scene.id]);
    let bytes = told.stdout.len();
    assert!(
        told.stderr.contains("[longshore: the engine was restarted"),
        "{bytes} bytes, {}",
        told.stderr
    );
}
