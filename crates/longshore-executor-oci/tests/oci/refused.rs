//! What is refused at the call, since nobody could refuse it before.

use longshore_core::fault::Fault;
use longshore_core::launch::LABEL_POOL;
use longshore_core::spec::JobSpec;
use longshore_executor::Executor;
use serde_json::json;

use crate::archives::empty_image;
use crate::root::import;
use crate::scene::Scene;

#[track_caller]
fn check(refused: &longshore_executor::ExecutorError, fault: Fault, text: &str) {
    assert_eq!(refused.fault(), fault, "{refused}");
    assert!(refused.to_string().contains(text), "{refused}");
}

async fn refused(
    scene: &Scene,
    change: impl FnOnce(&mut JobSpec),
) -> longshore_executor::ExecutorError {
    let launch = scene.launch(change);
    let refused = scene.executor.create(&launch).await.unwrap_err();
    assert_eq!(scene.executor.find(launch.attempt).await.unwrap(), None);
    refused
}

#[tokio::test]
async fn what_was_not_refused_at_submit_is_refused_at_create() {
    let scene = Scene::new().await;
    let gpus = refused(&scene, |spec| spec.gpus = Some("all".parse().unwrap())).await;
    check(&gpus, Fault::Unsupported, "use a Docker host");
    let folder = refused(&scene, |spec| {
        spec.volumes = vec!["/no/such/folder:/in".parse().unwrap()];
    });
    check(
        &folder.await,
        Fault::Configuration,
        "does not exist: /no/such/folder",
    );
}

#[tokio::test]
async fn an_image_without_a_command_says_so() {
    let scene = Scene::new().await;
    let archive = scene.root.path().join("bare.tar");
    empty_image(&archive, "bare:1", &json!({}));
    import(&scene.executor, &archive, None).await;
    let bare = refused(&scene, |spec| spec.image = "bare:1".parse().unwrap()).await;
    check(&bare, Fault::Configuration, "nothing to run");
}

/// Another pool on this host may have taken the name, however unlikely.
#[tokio::test]
async fn a_container_of_another_pool_is_never_adopted() {
    let scene = Scene::new().await;
    let launch = scene.script("true");
    scene.executor.create(&launch).await.unwrap();
    let mut foreign = launch.clone();
    foreign.pool = longshore_core::PoolId::new(uuid::Uuid::new_v4());
    assert!(foreign.labels()[LABEL_POOL] != launch.labels()[LABEL_POOL]);
    let refused = scene.executor.create(&foreign).await.unwrap_err();
    check(&refused, Fault::Conflict, "not of this attempt");
}
