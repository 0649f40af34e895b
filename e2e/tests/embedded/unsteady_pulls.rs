//! Pulls that break off or stop in the middle of a layer, without an engine.

use longshore_e2e::drill::{Drill, PATIENCE};
use longshore_e2e::made_image::{image_of, noise};
use longshore_testkit::{
    GateMood, Registry, RegistryGate, RegistryKind, eventually, shared_engine, unique_name,
};

use crate::{check_nothing_is_left, pool_beside, standing};

/// An image with a layer of eight megabytes, behind a gate.
struct Scene {
    pool: Drill,
    gate: RegistryGate,
    image: String,
    registry: Registry,
}

impl Scene {
    fn new() -> Self {
        let engine = shared_engine();
        let registry = Registry::start(&engine, RegistryKind::Open).expect("a registry starts");
        let gate = RegistryGate::start(&engine, &registry).expect("a gate starts");
        let local = image_of(&engine, &noise(8_000_000));
        let name = format!("{}:1", unique_name("team/app"));
        let pushed = registry.push(&engine, &local, &name);
        let gone = engine.docker(["image", "rm", &local]);
        gone.expect("the image can go");
        pushed.expect("the registry takes the image");
        Self {
            pool: pool_beside(&engine),
            image: format!("{}/{name}", gate.address()),
            gate,
            registry,
        }
    }

    #[track_caller]
    fn until_asked(&self, words: &str) {
        eventually("the gate was asked", PATIENCE, || {
            self.gate.log().contains(words)
        });
    }
}

#[test]
fn a_layer_that_breaks_off_is_gone_on_with_where_it_broke() {
    let scene = Scene::new();
    scene.gate.set(GateMood::Cuts);
    let run = ["run", "--infra-retries", "0", &scene.image, "true"];
    let done = scene.pool.call(&run);
    assert_eq!(done.code, 0, "{done:#?}");
    let log = scene.gate.log();
    assert!(log.lines().any(|line| line.starts_with("cut ")), "{log}");
    assert!(log.contains("bytes=2"), "{log}");
}

#[test]
fn a_registry_that_goes_away_half_way_is_said_to_be_down() {
    let mut scene = Scene::new();
    scene.gate.set(GateMood::Stalls);
    let run = ["run", "--infra-retries", "0", &scene.image, "true"];
    let run = scene.pool.spawn(&run);
    scene.until_asked("stalled ");
    scene.registry.stop();
    scene.gate.set(GateMood::Open);
    let done = run.done();
    assert_eq!(done.code, 125, "{done:#?}");
    assert_eq!(standing(&scene.pool.job("-")), "failed image_pull");
    let sentence = "the registry cannot be reached";
    assert!(done.stderr.contains(sentence), "{done:#?}");
    check_nothing_is_left(&scene.pool);
}

#[test]
fn a_worker_killed_in_the_middle_of_a_pull_is_followed_by_one_that_brings_the_rest() {
    let scene = Scene::new();
    let pool = &scene.pool;
    scene.gate.set(GateMood::Stalls);
    let volume = pool.volume_flag();
    let script = "echo started >> /v/starts; exit 3";
    let submit = ["submit", "-v", &volume, &scene.image, "sh", "-c", script];
    let id = pool.ok(&submit);
    let worker = pool.worker();
    scene.until_asked("stalled ");
    worker.kill9();
    scene.gate.set(GateMood::Open);
    let second = pool.worker();
    let job = pool.until_gone(&id);
    assert_eq!(standing(&job), "failed exit(3)", "{job:#}");
    assert_eq!(job["attempt"], 1, "{job:#}");
    assert_eq!(pool.in_volume("starts"), "started");
    let log = scene.gate.log();
    assert!(log.contains("bytes="), "{log}");
    assert_eq!(second.leave().code, 0);
    check_nothing_is_left(pool);
}
