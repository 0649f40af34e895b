//! Registries that break off, lie, limit, and say nothing.

use std::fs;
use std::net::TcpListener;
use std::sync::Mutex;
use std::time::Duration;

use longshore_core::fault::{Fault, PullFault};
use longshore_core::spec::ImageReference;
use longshore_image::{Digest, ImageError, PullRequest};
use longshore_testkit::{GateMood, Registry, RegistryGate, RegistryKind};

use crate::built::{Built, layer, noise};
use crate::scene::{Scene, bytes_of_first, content, request};

const BIG: usize = 7 * 1024 * 1024;

fn big() -> Built {
    Built::of(vec![layer(&[("big", &noise(3, BIG))])])
}

/// A registry that holds a big image, and a gate before it.
async fn gated() -> (Registry, RegistryGate, ImageReference) {
    let registry = Registry::start_here(RegistryKind::Open).unwrap();
    big().push(&registry, "app:1").await;
    let gate = RegistryGate::start_here(&registry).unwrap();
    let name = format!("{}/app:1", gate.address()).parse().unwrap();
    (registry, gate, name)
}

#[tokio::test]
async fn a_blob_that_breaks_off_is_gone_on_with_where_it_broke() {
    let (_registry, gate, name) = gated().await;
    let scene = Scene::new();
    gate.set(GateMood::Cuts);
    let image = scene.pull(&name).await.unwrap();
    assert_eq!(content(&image, "big").unwrap(), noise(3, BIG));
    let cuts = gate
        .log()
        .lines()
        .filter(|line| line.starts_with("cut"))
        .count();
    assert!(
        (2..=4).contains(&cuts),
        "each answer brought two megabytes more: {cuts} cuts"
    );
}

#[tokio::test]
async fn what_a_pull_that_was_given_up_has_brought_is_kept() {
    let (_registry, gate, name) = gated().await;
    let scene = Scene::new();
    gate.set(GateMood::Cuts);
    let (sender, mut enough) = tokio::sync::watch::channel(0);
    let request = request(&name);
    let pull = scene.puller.pull(&request, |progress| {
        sender.send_replace(bytes_of_first(progress));
    });
    tokio::select! {
        _ = pull => panic!("it was to be given up"),
        _ = enough.wait_for(|bytes| *bytes > 3_000_000) => {}
    }
    gate.set(GateMood::Open);
    let first = Mutex::new(None);
    let image = scene.puller.pull(&request, |progress| {
        let bytes = bytes_of_first(progress);
        if bytes > 0 {
            first.lock().unwrap().get_or_insert(bytes);
        }
    });
    let image = image.await.unwrap();
    assert_eq!(content(&image, "big").unwrap(), noise(3, BIG));
    assert!(first.into_inner().unwrap().unwrap() > 3_000_000);
}

#[tokio::test]
async fn what_is_left_of_another_content_is_thrown_away() {
    let (_registry, _gate, name) = gated().await;
    let scene = Scene::new();
    let blob = Digest::of(&big().blobs[0]);
    fs::write(
        scene.store.root().join("ingest").join(blob.hex()),
        noise(9, 1000),
    )
    .unwrap();
    let image = scene.pull(&name).await.unwrap();
    assert_eq!(content(&image, "big").unwrap(), noise(3, BIG));
}

#[tokio::test]
async fn a_blob_of_other_bytes_is_refused_and_nothing_of_it_stays() {
    let (registry, scene) = (
        Registry::start_here(RegistryKind::Open).unwrap(),
        Scene::new(),
    );
    let built = Built::of(vec![layer(&[("a", &noise(1, 5000))])]);
    let name = built.push(&registry, "app:1").await;
    let digest = Digest::of(&built.blobs[0]);
    let file = registry.blob_file(&digest.to_string());
    let mut bytes = fs::read(&file).unwrap();
    bytes[1000] ^= 1;
    fs::write(&file, &bytes).unwrap();
    let refused = scene.pull(&name).await.unwrap_err();
    let ImageError::DigestMismatch {
        expected, actual, ..
    } = &*refused
    else {
        panic!("{refused}");
    };
    assert_eq!((*expected, *actual), (digest, Digest::of(&bytes)));
    assert!(scene.store.find(&name, None).unwrap().is_none());
    fs::write(&file, &built.blobs[0]).unwrap();
    scene.pull(&name).await.unwrap();
}

#[tokio::test]
async fn a_layer_that_is_not_what_the_configuration_names_is_refused() {
    let (registry, scene) = (
        Registry::start_here(RegistryKind::Open).unwrap(),
        Scene::new(),
    );
    let mut built = Built::of(vec![layer(&[("a", b"named")])]);
    let other = Built::of(vec![layer(&[("a", b"other")])]);
    built.manifest = String::from_utf8(other.manifest.clone())
        .unwrap()
        .replace(
            &Digest::of(&other.config).to_string(),
            &Digest::of(&built.config).to_string(),
        )
        .replace(
            &format!("\"size\":{}", other.config.len()),
            &format!("\"size\":{}", built.config.len()),
        )
        .into_bytes();
    built.blobs = other.blobs;
    let name = built.push(&registry, "app:1").await;
    let refused = scene.pull(&name).await.unwrap_err();
    assert!(matches!(&*refused, ImageError::Layer { .. }), "{refused}");
    assert!(scene.names("layers").is_empty() && scene.names("making").is_empty());
}

#[tokio::test]
async fn a_blob_that_is_too_short_or_too_long_is_refused() {
    let (registry, scene) = (
        Registry::start_here(RegistryKind::Open).unwrap(),
        Scene::new(),
    );
    let built = Built::of(vec![layer(&[("a", &noise(1, 5000))])]);
    let name = built.push(&registry, "app:1").await;
    let file = registry.blob_file(&Digest::of(&built.blobs[0]).to_string());
    let long = [&built.blobs[0][..], b"more"].concat();
    fs::write(&file, long).unwrap();
    let refused = scene.pull(&name).await.unwrap_err();
    assert!(
        matches!(&*refused, ImageError::Malformed { .. }),
        "{refused}"
    );
    fs::write(&file, &built.blobs[0][..4000]).unwrap();
    let refused = scene.pull(&name).await.unwrap_err();
    assert!(matches!(&*refused, ImageError::Network { .. }), "{refused}");
    fs::write(&file, &built.blobs[0]).unwrap();
    scene.pull(&name).await.unwrap();
}

#[tokio::test]
async fn a_registry_that_limits_pulls_is_told_apart() {
    let (_registry, gate, name) = gated().await;
    gate.set(GateMood::Limits);
    let limited = Scene::new().pull(&name).await.unwrap_err();
    assert_eq!(
        limited.fault(),
        Fault::ImagePull(PullFault::RateLimited),
        "{limited}"
    );
}

#[tokio::test]
async fn a_registry_that_is_not_there_is_a_failure_of_the_network() {
    let mut registry = Registry::start_here(RegistryKind::Open).unwrap();
    let name = registry.reference("app:1").parse().unwrap();
    registry.stop();
    let failed = Scene::new().pull(&name).await.unwrap_err();
    assert_eq!(
        failed.fault(),
        Fault::ImagePull(PullFault::RegistryDown),
        "{failed}"
    );
}

#[tokio::test]
async fn a_registry_that_says_nothing_is_given_up_after_the_caller_s_limit() {
    // Connections are taken by the system; nobody ever answers.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let name: ImageReference = format!("{}/app:1", silent.local_addr().unwrap())
        .parse()
        .unwrap();
    for (idle, total, words) in [(100, 60_000, "nothing happened"), (60_000, 100, "not done")] {
        let request = PullRequest {
            idle: Duration::from_millis(idle),
            total: Duration::from_millis(total),
            ..request(&name)
        };
        let late = Scene::new()
            .puller
            .pull(&request, |_| {})
            .await
            .unwrap_err();
        assert_eq!(late.fault(), Fault::ImagePull(PullFault::TimedOut));
        assert!(late.to_string().contains(words), "{late}");
    }
}
