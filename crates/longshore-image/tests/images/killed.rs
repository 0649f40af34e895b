//! Processes that are killed while they pull.

use std::fs;
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::time::Duration;

use longshore_image::{Digest, ImageStore, Puller, RegistryOptions, UnpackLimits};
use longshore_testkit::{GateMood, Registry, RegistryGate, RegistryKind, eventually};

use crate::built::{Built, layer, noise};
use crate::scene::{Scene, bytes_of_first, content, request};

const STORE: &str = "LONGSHORE_TEST_STORE";
const IMAGE: &str = "LONGSHORE_TEST_IMAGE";
const BIG: usize = 40 << 20;

/// Does nothing unless it is the child of the test below.
#[tokio::test]
async fn pulls_and_waits_to_be_killed() {
    let Ok(root) = std::env::var(STORE) else {
        return;
    };
    let store = ImageStore::open(root.as_ref(), UnpackLimits::default()).unwrap();
    let image = std::env::var(IMAGE).unwrap().parse().unwrap();
    let puller = Puller::new(store, RegistryOptions::default());
    puller.pull(&request(&image), |_| {}).await.unwrap();
}

/// Ends with its test, whatever happens.
struct Process(Child);

impl Process {
    fn that_pulls(scene: &Scene, image: &str) -> Self {
        let child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "killed::pulls_and_waits_to_be_killed"])
            .env(STORE, scene.store.root())
            .env(IMAGE, image)
            .stdout(Stdio::null())
            .spawn();
        Self(child.unwrap())
    }

    fn kill(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[tokio::test]
async fn what_a_killed_process_has_brought_is_gone_on_with() {
    let registry = Registry::start_here(RegistryKind::Open).unwrap();
    let built = Built::of(vec![layer(&[("big", &noise(3, BIG))])]);
    built.push(&registry, "app:1").await;
    let gate = RegistryGate::start_here(&registry).unwrap();
    gate.set(GateMood::Cuts);
    let scene = Scene::new();
    let name = format!("{}/app:1", gate.address());
    let ingest = scene
        .store
        .root()
        .join("ingest")
        .join(Digest::of(&built.blobs[0]).hex());

    let mut process = Process::that_pulls(&scene, &name);
    let length = || fs::metadata(&ingest).map_or(0, |about| about.len());
    eventually("some megabytes have come", Duration::from_mins(1), || {
        length() > 3_000_000
    });
    process.kill();
    let left = length();
    assert!(left > 0, "it was killed before it was done");
    assert_eq!(scene.names("holds").len(), 1, "the killed one's");

    gate.set(GateMood::Open);
    let first = Mutex::new(None);
    let request = request(&name.parse().unwrap());
    let image = scene.puller.pull(&request, |progress| {
        let bytes = bytes_of_first(progress);
        if bytes > 0 {
            first.lock().unwrap().get_or_insert(bytes);
        }
    });
    let image = image.await.unwrap();
    assert_eq!(content(&image, "big").unwrap(), noise(3, BIG));
    assert!(first.into_inner().unwrap().unwrap() >= left);
    scene.store.collect().unwrap();
    assert!(scene.names("holds").is_empty(), "it holds nothing any more");
    assert!(scene.store.find(&request.image, None).unwrap().is_some());
}
