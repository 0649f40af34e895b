//! A host is cut off, or dies, while a job runs there: the job's lost-policy decides, and whatever the
//! host has to say when it is back, one verdict stands.

use longshore_e2e::drill::{Drill, Process, container_of, is_final};
use longshore_testkit::{Engine, EngineOptions, FaultProxy, shared_engine};
use serde_json::Value;

/// Until the file `go` is there; the copy that comes second finds it.
const ONE_AFTER_THE_OTHER: &str = "echo started >> /v/starts; echo begun; \
    until [ -e /v/go ]; do usleep 50000; done; echo end; exit 3";

/// A job that runs on a host behind a proxy. Another way to the same engine is a second host.
struct Scene {
    drill: Drill,
    proxy: Option<FaultProxy>,
    _worker: Process,
    id: String,
    container: String,
}

impl Scene {
    fn begun(policy: &str) -> Self {
        let drill = Drill::on(&shared_engine());
        let proxy = FaultProxy::start(drill.engine()).expect("a proxy starts");
        let there = drill.engine().docker_host().to_owned();
        drill.lead_to(&proxy.socket());
        let here = format!("unix://{}", drill.socket().display());
        drill.ok(&["hosts", "add", "cut", &here]);
        let worker = drill.worker();
        let volume = drill.volume_flag();
        let flags = ["--lost", policy, "-v", &volume];
        let id = drill.submit(&flags, ONE_AFTER_THE_OTHER);
        let container = drill.until_running(&id);
        drill.until_logged(&id, "begun\n");
        drill.ok(&["hosts", "add", "other", &there]);
        Self {
            drill,
            proxy: Some(proxy),
            _worker: worker,
            id,
            container,
        }
    }

    fn cut_off(&mut self) {
        drop(self.proxy.take());
        self.drill.until("the host is unknown", &self.id, |job| {
            !job["attempts"][0]["unknown_since"].is_null() || job["attempts"][0]["phase"] == "ended"
        });
    }

    fn heal(&mut self) {
        let proxy = FaultProxy::start(self.drill.engine()).expect("a proxy starts");
        self.drill.lead_to(&proxy.socket());
        self.proxy = Some(proxy);
    }

    fn let_go(&self) {
        let volume = self.drill.volume_flag();
        let go = ["run", "--rm", "-v", &volume, "demo-image", "touch", "/v/go"];
        self.drill.engine().docker(go).expect("a file in a volume");
    }
}

/// Each attempt ended once, the job too, and none of its containers is left.
#[track_caller]
fn check_one_verdict(drill: &Drill, id: &str, attempts: usize) -> Value {
    let job = drill.until_gone(id);
    let events = drill.events(id);
    let count = |kind: &str| events.iter().filter(|other| *other == kind).count();
    assert_eq!(count("attempt_ended"), attempts, "{events:?}");
    assert_eq!(count("finished"), 1, "{events:?}");
    assert_eq!(drill.containers(id), Vec::<String>::new());
    job
}

#[test]
fn what_waits_has_the_verdict_of_its_own_container_when_the_host_is_back() {
    let mut scene = Scene::begun("wait");
    scene.cut_off();
    scene.let_go();
    scene.drill.until_container(&scene.container, "exited");
    assert_eq!(scene.drill.job(&scene.id)["status"], "running");
    scene.heal();
    let job = check_one_verdict(&scene.drill, &scene.id, 1);
    assert_eq!(job["exit_code"], 3, "{job:#}");
    assert_eq!(scene.drill.in_volume("starts"), "started");
    assert_eq!(scene.drill.log(&scene.id), "begun\nend\n");
}

#[test]
fn what_fails_stays_lost_though_its_container_ended_well() {
    let mut scene = Scene::begun("fail:1s");
    scene.cut_off();
    let job = scene.drill.until("the job is final", &scene.id, is_final);
    assert_eq!(job["reason"], "lost", "{job:#}");
    scene.let_go();
    scene.drill.until_container(&scene.container, "exited");
    scene.heal();
    let job = check_one_verdict(&scene.drill, &scene.id, 1);
    assert_eq!(job["reason"], "lost", "{job:#}");
    assert_eq!(scene.drill.call(&["wait", &scene.id]).code, 125);
    assert_eq!(scene.drill.in_volume("starts"), "started");
}

#[test]
fn of_what_is_replaced_the_second_copy_alone_is_believed() {
    let mut scene = Scene::begun("replace:1s");
    scene.cut_off();
    let job = scene.drill.until("a second copy runs", &scene.id, |job| {
        job["attempt"] == 2 && job["status"] == "running"
    });
    assert_eq!(job["host"], "other", "{job:#}");
    scene.drill.until_container(&scene.container, "running");
    scene.heal();
    scene
        .drill
        .until("the first copy is removed", &scene.id, |job| {
            !job["attempts"][0]["removed_at"].is_null()
        });
    assert_eq!(scene.drill.job(&scene.id)["status"], "running");
    scene.let_go();
    let job = check_one_verdict(&scene.drill, &scene.id, 2);
    assert_eq!(job["exit_code"], 3, "{job:#}");
    assert_eq!(job["attempts"][0]["verdict"]["reason"], "lost", "{job:#}");
    assert_eq!(job["infra_retries_used"], 1, "{job:#}");
    assert_eq!(scene.drill.in_volume("starts"), "started\nstarted");
    assert_eq!(scene.drill.log(&scene.id), "begun\nend\n");
}

#[test]
fn a_job_whose_engine_was_killed_fails_in_time_and_its_container_goes_when_the_engine_is_back() {
    let mut engine = Engine::start(&EngineOptions::default()).expect("an engine starts");
    let drill = Drill::on(engine.access());
    let _worker = drill.worker();
    let flags = ["--lost", "fail:2s", "--infra-retries", "5"];
    let id = drill.submit(&flags, "echo begun; sleep 300");
    let container = drill.until_running(&id);
    drill.until_logged(&id, "begun\n");
    engine.kill9().expect("the engine ran");
    let job = drill.until("the job is final", &id, is_final);
    assert_eq!(job["reason"], "lost", "{job:#}");
    assert_eq!(container_of(&job), container);
    engine.start_again().expect("the engine starts again");
    let job = check_one_verdict(&drill, &id, 1);
    assert_eq!(job["reason"], "lost", "{job:#}");
}
