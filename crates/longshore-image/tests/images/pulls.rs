//! What a pull brings, and what it does not bring again.

use std::sync::Mutex;

use futures::future::join_all;
use longshore_core::spec::ImageReference;
use longshore_image::{ImageError, PullRequest};
use longshore_testkit::{Registry, RegistryKind};

use crate::built::{Built, layer, own_architecture, push_index};
use crate::scene::{Scene, content, request};

fn two_layers() -> Built {
    Built::of(vec![
        layer(&[
            ("./", b""),
            ("etc/", b""),
            ("etc/name", b"lower"),
            ("etc/gone", b"x"),
        ]),
        layer(&[("etc/", b""), ("etc/name", b"upper"), ("etc/.wh.gone", b"")]),
    ])
}

fn asked(registry: &Registry, what: &str) -> usize {
    registry
        .log()
        .matches(&format!("\"GET /v2/app/{what}/"))
        .count()
}

#[tokio::test]
async fn a_pulled_image_is_a_list_of_folders_and_its_configuration() {
    let (registry, scene) = (
        Registry::start_here(RegistryKind::Open).unwrap(),
        Scene::new(),
    );
    let built = two_layers();
    let name = built.push(&registry, "app:1").await;
    let seen = Mutex::new(Vec::new());
    let request = request(&name);
    let image = scene.puller.pull(&request, |progress| {
        seen.lock().unwrap().push(progress.clone());
    });
    let image = image.await.unwrap();
    assert_eq!(image.layers().len(), 2);
    assert_eq!(content(&image, "etc/name").unwrap(), b"upper");
    assert_eq!(image.config(), built.config);
    assert_eq!(image.digest(), built.digest());
    assert_eq!(image.root(), image.layers().first().map(|layer| &**layer));
    let last = seen.into_inner().unwrap().pop().unwrap();
    assert_eq!(last.layers.len(), 2);
    for (layer, blob) in last.layers.iter().zip(&built.blobs) {
        assert_eq!(layer.total_bytes, Some(blob.len() as u64));
    }
    let listed = image.to_image();
    assert_eq!(listed.tags, [name.to_string()]);
    assert_eq!(
        listed.digests,
        [format!("{}/app@{}", registry.address(), built.digest())]
    );
    assert_eq!(
        listed.created_at.unwrap().to_string(),
        "2024-05-06T07:08:09Z"
    );
    assert!(scene.names("ingest").is_empty() && scene.names("making").is_empty());
}

#[tokio::test]
async fn what_is_here_is_found_and_not_brought_again() {
    let (registry, scene) = (
        Registry::start_here(RegistryKind::Open).unwrap(),
        Scene::new(),
    );
    let name = two_layers().push(&registry, "app:1").await;
    assert!(scene.store.find(&name, None).unwrap().is_none());
    scene.pull(&name).await.unwrap();
    let blobs = asked(&registry, "blobs");
    let manifests = asked(&registry, "manifests");
    scene.pull(&name).await.unwrap();
    assert_eq!(asked(&registry, "blobs"), blobs);
    assert_eq!(
        asked(&registry, "manifests"),
        manifests,
        "a look at the digest is enough"
    );
    assert_eq!(
        scene.store.find(&name, None).unwrap().unwrap().name(),
        name.canonical()
    );
    assert_eq!(scene.store.list().unwrap().len(), 1);
}

#[tokio::test]
async fn a_name_that_leads_elsewhere_now_is_followed() {
    let (registry, scene) = (
        Registry::start_here(RegistryKind::Open).unwrap(),
        Scene::new(),
    );
    let name = two_layers().push(&registry, "app:1").await;
    scene.pull(&name).await.unwrap();
    let shared = layer(&[
        ("./", b""),
        ("etc/", b""),
        ("etc/name", b"lower"),
        ("etc/gone", b"x"),
    ]);
    let newer = Built::of(vec![
        shared,
        layer(&[("etc/", b""), ("etc/name", b"newer")]),
    ]);
    newer.push(&registry, "app:1").await;
    let image = scene.pull(&name).await.unwrap();
    assert_eq!(content(&image, "etc/name").unwrap(), b"newer");
    assert_eq!(scene.names("layers").len(), 3, "the lower layer is shared");
}

#[tokio::test]
async fn a_digest_is_held_to_and_needs_no_registry_once_it_is_here() {
    let (mut registry, scene) = (
        Registry::start_here(RegistryKind::Open).unwrap(),
        Scene::new(),
    );
    let old = two_layers();
    old.push(&registry, "app:1").await;
    let newer = Built::of(vec![layer(&[("etc/name", b"newer")])]);
    newer.push(&registry, "app:1").await;
    let pinned = format!("{}/app:1@{}", registry.address(), old.digest());
    let pinned: ImageReference = pinned.parse().unwrap();
    let image = scene.pull(&pinned).await.unwrap();
    assert_eq!(image.digest(), old.digest());
    registry.stop();
    scene.pull(&pinned).await.unwrap();
}

#[tokio::test]
async fn of_an_index_the_image_for_the_platform_is_taken() {
    let (registry, scene) = (
        Registry::start_here(RegistryKind::Open).unwrap(),
        Scene::new(),
    );
    let own = two_layers();
    let other = Built::for_architecture(vec![layer(&[("other", b"x")])], "s390x");
    let index = push_index(&registry, "app:1", &[&other, &own]).await;
    let name: ImageReference = registry.reference("app:1").parse().unwrap();
    let image = scene.pull(&name).await.unwrap();
    assert_eq!(image.digest(), own.digest());
    let wanted = |platform: &str| PullRequest {
        platform: Some(platform.parse().unwrap()),
        ..request(&name)
    };
    let by_index = name.with_digest(&index.to_string()).unwrap();
    assert!(
        scene.store.find(&by_index, None).unwrap().is_some(),
        "by the digest of the index"
    );
    let image = scene
        .puller
        .pull(&wanted("linux/s390x"), |_| {})
        .await
        .unwrap();
    assert_eq!(image.digest(), other.digest());
    let refused = scene
        .puller
        .pull(&wanted("linux/mips"), |_| {})
        .await
        .unwrap_err();
    let ImageError::WrongPlatform { offered, .. } = &*refused else {
        panic!("{refused}");
    };
    assert_eq!(
        *offered,
        format!("linux/s390x, linux/{}", own_architecture())
    );
}

#[tokio::test]
async fn an_image_of_one_foreign_platform_is_refused() {
    let (registry, scene) = (
        Registry::start_here(RegistryKind::Open).unwrap(),
        Scene::new(),
    );
    let foreign = Built::for_architecture(vec![layer(&[("a", b"x")])], "s390x");
    let name = foreign.push(&registry, "app:1").await;
    let refused = scene.pull(&name).await.unwrap_err();
    assert!(
        matches!(&*refused, ImageError::WrongPlatform { .. }),
        "{refused}"
    );
}

#[tokio::test]
async fn many_who_want_an_image_at_once_share_one_pull() {
    let (registry, scene) = (
        Registry::start_here(RegistryKind::Open).unwrap(),
        Scene::new(),
    );
    let built = two_layers();
    let name = built.push(&registry, "app:1").await;
    let pulls = (0..20).map(|_| scene.pull(&name));
    for outcome in join_all(pulls).await {
        assert_eq!(outcome.unwrap().digest(), built.digest());
    }
    assert_eq!(asked(&registry, "manifests"), 1);
    assert_eq!(asked(&registry, "blobs"), 3);
}

#[tokio::test]
async fn processes_that_want_an_image_at_once_bring_each_blob_once() {
    let (registry, scene) = (
        Registry::start_here(RegistryKind::Open).unwrap(),
        Scene::new(),
    );
    let built = two_layers();
    let name = built.push(&registry, "app:1").await;
    let request = request(&name);
    let pullers: Vec<_> = (0..5).map(|_| scene.another_puller()).collect();
    let pulls = pullers.iter().map(|puller| puller.pull(&request, |_| {}));
    for outcome in join_all(pulls).await {
        assert_eq!(content(&outcome.unwrap(), "etc/name").unwrap(), b"upper");
    }
    assert_eq!(asked(&registry, "blobs"), 3);
    assert!(scene.names("ingest").is_empty() && scene.names("making").is_empty());
}

#[tokio::test]
async fn a_layer_that_needs_those_below_it_is_kept_for_them_alone() {
    let (registry, scene) = (
        Registry::start_here(RegistryKind::Open).unwrap(),
        Scene::new(),
    );
    let upper = || layer(&[("srv/file", b"x")]);
    let one = Built::of(vec![layer(&[("srv/", b"")]), upper()]);
    let two = Built::of(vec![layer(&[("srv/", b""), ("other", b"x")]), upper()]);
    let (one, two) = (
        one.push(&registry, "app:1").await,
        two.push(&registry, "app:2").await,
    );
    let (one, two) = (
        scene.pull(&one).await.unwrap(),
        scene.pull(&two).await.unwrap(),
    );
    assert_ne!(one.layers()[1], two.layers()[1]);
    assert_eq!(content(&two, "srv/file").unwrap(), b"x");
    scene
        .pull(&registry.reference("app:2").parse().unwrap())
        .await
        .unwrap();
    assert_eq!(scene.names("layers").len(), 4);
}
