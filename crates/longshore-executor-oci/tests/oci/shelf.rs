//! Images of the host: brought, listed, kept while they are used.

use std::sync::Arc;
use std::time::Duration;

use longshore_core::fault::Fault;
use longshore_executor::{Executor, Force, PullRequest, Removed};
use longshore_testkit::{Registry, RegistryKind, demo_image_archive};
use serde_json::json;

use crate::archives::empty_image;
use crate::root::{Root, demo_image, import};
use crate::scene::Scene;

#[tokio::test]
async fn an_image_stays_while_a_container_needs_it_and_goes_with_its_last_name() {
    let scene = Scene::new().await;
    let images = scene.executor.images().unwrap();
    let other = "other:1".parse().unwrap();
    import(
        &scene.executor,
        &demo_image_archive().unwrap(),
        Some("other:1"),
    )
    .await;
    let handle = scene.executor.create(&scene.script("true")).await.unwrap();
    assert_eq!(images.remove(&other).await.unwrap(), Removed::Gone);
    assert_eq!(images.remove(&other).await.unwrap(), Removed::WasAbsent);
    let refused = images.remove(&demo_image()).await.unwrap_err();
    assert_eq!(refused.fault(), Fault::Conflict);
    scene.executor.remove(&handle, Force::Never).await.unwrap();
    assert_eq!(images.remove(&demo_image()).await.unwrap(), Removed::Gone);
    assert_eq!(images.list().await.unwrap(), []);
    let layers = scene.root.path().join("images/layers");
    assert_eq!(std::fs::read_dir(layers).unwrap().count(), 0);
}

/// Whoever removed the container may have died before he could let its image go.
#[tokio::test]
async fn a_hold_without_a_container_keeps_nothing() {
    let scene = Scene::new().await;
    let launch = scene.script("true");
    scene.executor.create(&launch).await.unwrap();
    let folder = scene.root.path().join("containers");
    std::fs::remove_dir_all(folder.join(launch.container_name())).unwrap();
    let images = scene.executor.images().unwrap();
    assert_eq!(images.remove(&demo_image()).await.unwrap(), Removed::Gone);
    let layers = scene.root.path().join("images/layers");
    assert_eq!(std::fs::read_dir(layers).unwrap().count(), 0);
}

#[tokio::test]
async fn what_an_archive_lacks_or_breaks_is_said() {
    let root = Root::new();
    let executor = root.executor();
    let images = executor.images().unwrap();
    let nowhere = images.import(&root.path().join("nothing"), None).await;
    let said = longshore_core::with_causes(&nowhere.unwrap_err());
    assert!(said.contains("No such file"), "{said}");
    let archive = root.path().join("some.tar");
    empty_image(&archive, "some:1", &json!({ "Cmd": ["x"] }));
    let imported = images.import(&archive, None).await.unwrap();
    assert_eq!(imported[0].tags, ["some:1"]);
    assert_eq!(images.list().await.unwrap(), imported);
}

/// Pulls themselves are tested where they are made.
#[tokio::test]
async fn a_pull_of_what_the_registry_does_not_have_is_not_found() {
    let registry = Registry::start_here(RegistryKind::Open).unwrap();
    let root = Root::new();
    let executor = root.executor();
    let request = PullRequest {
        image: registry.reference("none:1").parse().unwrap(),
        platform: None,
        idle: Duration::from_mins(1),
        total: Duration::from_mins(1),
    };
    let images = executor.images().unwrap();
    let refused = images.pull(&request, Arc::new(|_| {})).await.unwrap_err();
    assert_eq!(refused.fault(), Fault::ImageNotFound, "{refused}");
}
