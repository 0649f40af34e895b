//! What a collection removes, and what it leaves alone.

use std::fs;

use longshore_image::{Digest, ImageError};
use longshore_testkit::{GateMood, Registry, RegistryGate, RegistryKind};

use crate::built::{Built, layer, noise};
use crate::scene::{Scene, content, request};

fn shared_layer() -> Vec<u8> {
    layer(&[("shared", b"x")])
}

#[tokio::test]
async fn only_what_no_name_and_no_hold_needs_is_removed() {
    let (registry, scene) = (
        Registry::start_here(RegistryKind::Open).unwrap(),
        Scene::new(),
    );
    let one = Built::of(vec![shared_layer(), layer(&[("one", b"1")])]);
    let two = Built::of(vec![shared_layer(), layer(&[("two", b"2")])]);
    let (one, two) = (
        one.push(&registry, "app:1").await,
        two.push(&registry, "app:2").await,
    );
    let image = scene.pull(&one).await.unwrap();
    scene.pull(&two).await.unwrap();
    scene.store.hold("attempt 7", &image).unwrap();
    assert_eq!(scene.store.holders().unwrap(), ["attempt 7"]);
    assert!(scene.store.remove(&one).unwrap());
    assert!(
        !scene.store.remove(&one).unwrap(),
        "it has no such name any more"
    );
    assert_eq!(scene.store.collect().unwrap().layers, 0);
    assert!(content(&image, "one").is_some(), "an attempt runs on it");

    scene.store.release("attempt 7").unwrap();
    scene.store.release("attempt 7").unwrap();
    let collected = scene.store.collect().unwrap();
    assert_eq!((collected.layers, collected.blobs), (1, 2));
    assert!(content(&image, "one").is_none());
    let left = scene.store.find(&two, None).unwrap().unwrap();
    assert_eq!(content(&left, "shared").unwrap(), b"x");
    assert_eq!(
        scene.store.collect().unwrap(),
        longshore_image::Collected::default()
    );
}

#[tokio::test]
async fn a_hold_on_what_is_gone_is_refused() {
    let (registry, scene) = (
        Registry::start_here(RegistryKind::Open).unwrap(),
        Scene::new(),
    );
    let name = Built::of(vec![shared_layer()])
        .push(&registry, "app:1")
        .await;
    let image = scene.pull(&name).await.unwrap();
    scene.store.remove(&name).unwrap();
    scene.store.collect().unwrap();
    let refused = scene.store.hold("attempt 8", &image).unwrap_err();
    assert!(matches!(refused, ImageError::Gone { .. }), "{refused}");
    assert!(scene.store.holders().unwrap().is_empty());
    scene.pull(&name).await.unwrap();
}

#[test]
fn a_hold_that_the_power_took_along_is_nobodys_and_in_nobodys_way() {
    let scene = Scene::new();
    let holds = scene.store.root().join("holds");
    fs::write(holds.join("owned-00ff.json"), "").unwrap();
    assert!(scene.store.holders().unwrap().is_empty());
    scene.store.collect().unwrap();
}

#[tokio::test]
async fn a_collection_takes_nothing_from_a_pull_that_is_under_way() {
    let registry = Registry::start_here(RegistryKind::Open).unwrap();
    let layers = (1..5)
        .map(|seed| layer(&[("noise", &noise(seed, 3 << 20))]))
        .collect();
    Built::of(layers).push(&registry, "app:1").await;
    let gate = RegistryGate::start_here(&registry).unwrap();
    gate.set(GateMood::Cuts);
    let scene = Scene::new();
    let name = format!("{}/app:1", gate.address()).parse().unwrap();
    let request = request(&name);
    let image = scene.puller.pull(&request, |_| {
        let collected = scene.store.collect().unwrap();
        assert_eq!(collected.layers, 0);
    });
    let image = image.await.unwrap();
    assert_eq!(content(&image, "noise").unwrap(), noise(4, 3 << 20));
    assert_eq!(image.layers().len(), 4);
}

#[tokio::test]
async fn what_killed_processes_have_left_is_used_or_removed() {
    let (registry, scene) = (
        Registry::start_here(RegistryKind::Open).unwrap(),
        Scene::new(),
    );
    let built = Built::of(vec![shared_layer()]);
    let name = built.push(&registry, "app:1").await;
    let root = scene.store.root();
    let half = root.join("making").join(Digest::of(&built.layers[0]).hex());
    fs::create_dir_all(half.join("d/shared")).unwrap();
    let image = scene.pull(&name).await.unwrap();
    assert_eq!(content(&image, "shared").unwrap(), b"x");

    fs::create_dir_all(root.join("making/aside-1/d/x")).unwrap();
    fs::write(root.join("ingest").join(Digest::of(b"blob").hex()), "half").unwrap();
    fs::write(
        root.join("blobs/sha256").join(Digest::of(b"whole").hex()),
        "whole",
    )
    .unwrap();
    fs::write(root.join("holds/pull-1.json"), "not even a record").unwrap();
    let collected = scene.store.collect().unwrap();
    assert_eq!(
        (collected.unfinished, collected.blobs, collected.size_bytes),
        (2, 1, 5)
    );
    assert!(scene.names("holds").is_empty());
    assert!(scene.store.find(&name, None).unwrap().is_some());
}
