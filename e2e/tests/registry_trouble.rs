//! Registries that break off inside a layer, and engines that have no room: for real.

use std::process::Command;

use longshore_e2e::drill::Drill;
use longshore_e2e::made_image::{image_of, noise};
use longshore_testkit::{
    Engine, EngineAccess, EngineOptions, GateMood, Registry, RegistryGate, RegistryKind, run,
    temp_dir, unique_name,
};

/// An image behind a gate, which the engine does not have.
struct Scene {
    drill: Drill,
    gate: RegistryGate,
    image: String,
    _registry: Registry,
}

impl Scene {
    /// With a layer of so many bytes, which cannot be compressed.
    fn new(engine: &EngineAccess, layer_bytes: u32) -> Self {
        let drill = Drill::on(engine);
        let registry = Registry::start(engine, RegistryKind::Open).expect("a registry starts");
        let gate = RegistryGate::start(engine, &registry).expect("a gate starts");
        let name = format!("{}:1", unique_name("team/app"));
        let local = image_of(engine, &noise(layer_bytes));
        let pushed = registry.push(engine, &local, &name);
        pushed.expect("the registry takes the image");
        engine
            .docker(["image", "rm", &local])
            .expect("the image can go");
        Self {
            drill,
            image: format!("{}/{name}", gate.address()),
            gate,
            _registry: registry,
        }
    }
}

fn private_engine(options: EngineOptions<'_>) -> Engine {
    // Else it tries a layer again for most of a minute.
    let arguments = vec!["--max-download-attempts=1".to_owned()];
    let options = EngineOptions {
        arguments,
        ..options
    };
    Engine::start(&options).expect("an engine starts")
}

#[test]
fn a_registry_that_breaks_off_inside_a_layer_is_down_and_the_next_attempt_gets_it() {
    let engine = private_engine(EngineOptions::default());
    let scene = Scene::new(engine.access(), 8_000_000);
    let drill = &scene.drill;
    scene.gate.set(GateMood::Cuts);
    let once = ["run", "--infra-retries", "0", &scene.image, "true"];
    let done = drill.call(&once);
    assert_eq!(done.code, 125, "{done:#?}");
    assert!(scene.gate.log().contains("cut "), "{}", scene.gate.log());
    assert_eq!(drill.job("-")["reason"], "image_pull", "{done:#?}");
    let sentence = "the registry cannot be reached";
    assert!(done.stderr.contains(sentence), "{done:#?}");
    scene.gate.set(GateMood::Open);
    let done = drill.call(&once);
    assert_eq!(done.code, 0, "{done:#?}");
}

#[test]
fn an_engine_whose_disk_is_full_says_so_and_is_no_fault_of_the_registry() {
    let disk = Disk::new("300m");
    let engine = private_engine(EngineOptions {
        data_root: Some(disk.folder.path().join("engine")),
        ..EngineOptions::default()
    });
    let scene = Scene::new(engine.access(), 30_000_000);
    let drill = &scene.drill;
    disk.leave(12_000_000);
    let once = ["run", "--infra-retries", "0", &scene.image, "true"];
    let done = drill.call(&once);
    assert_eq!(done.code, 125, "{done:#?}");
    assert_eq!(drill.job("-")["reason"], "image_pull", "{done:#?}");
    let sentence = "no room for the image on the host";
    assert!(done.stderr.contains(sentence), "{done:#?}");
    disk.free();
    assert_eq!(drill.call(&once).code, 0);
    drop(scene);
    drop(engine);
}

/// A small disk for an engine; unmounted when dropped.
struct Disk {
    folder: tempfile::TempDir,
}

impl Disk {
    fn new(size: &str) -> Self {
        let folder = temp_dir();
        let options = format!("size={size}");
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", &options, "longshore-test"]);
        run(mount.arg(folder.path())).expect("root may mount a small disk");
        Self { folder }
    }

    /// Leaves so much room.
    fn leave(&self, bytes: u64) {
        let folder = self.folder.path();
        let free = run(Command::new("stat")
            .args(["--file-system", "--format=%a %S"])
            .arg(folder))
        .expect("a mounted disk");
        let numbers: Vec<u64> = free
            .split_whitespace()
            .filter_map(|number| number.parse().ok())
            .collect();
        let ballast = numbers.iter().product::<u64>().saturating_sub(bytes);
        run(Command::new("fallocate")
            .arg(format!("--length={ballast}"))
            .arg(folder.join("ballast")))
        .expect("there is room for the ballast");
    }

    fn free(&self) {
        std::fs::remove_file(self.folder.path().join("ballast")).expect("the ballast is there");
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        // Lazy, because an engine that is being killed may still hold it.
        let _ = run(Command::new("umount").arg("--lazy").arg(self.folder.path()));
    }
}
