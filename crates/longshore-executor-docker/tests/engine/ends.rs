//! Stopping and removing.

use std::time::{Duration, Instant};

use longshore_core::attempt::Observed;
use longshore_core::fault::Fault as Blame;
use longshore_core::spec::{JobSpec, Signal};
use longshore_executor::{Executor, Force, LogRange, Removed};
use longshore_testkit::{Fault, FaultProxy, Rule, shared_engine};

use crate::scene::{Scene, demo_spec};

#[tokio::test]
async fn a_job_that_obeys_ends_at_once_with_its_own_code() {
    let scene = Scene::shared();
    let script = "trap 'exit 9' TERM; echo ready; sleep 60 & wait";
    let handle = scene.started(&scene.script(script)).await;
    ready(&scene, &handle).await;
    scene.executor.stop(&handle, 30).await.unwrap();
    assert_eq!(scene.ended(&handle).await.code, 9);
}

#[tokio::test]
async fn a_job_that_ignores_term_is_killed_after_the_grace() {
    let scene = Scene::shared();
    let handle = scene
        .started(&scene.script("trap '' TERM; echo ready; sleep 60"))
        .await;
    ready(&scene, &handle).await;
    let began = Instant::now();
    scene.executor.stop(&handle, 1).await.unwrap();
    assert!(began.elapsed() >= Duration::from_secs(1));
    assert_eq!(scene.ended(&handle).await.code, 137);
}

#[tokio::test]
async fn the_stop_signal_is_the_one_of_the_spec() {
    let scene = Scene::shared();
    let script = "trap 'exit 3' INT; echo ready; sleep 60 & wait";
    let spec = JobSpec {
        command: ["sh", "-c", script].into_iter().collect(),
        stop_signal: Some(Signal::INT),
        ..demo_spec()
    };
    let handle = scene.started(&scene.launch_of(spec)).await;
    ready(&scene, &handle).await;
    scene.executor.stop(&handle, 30).await.unwrap();
    assert_eq!(scene.ended(&handle).await.code, 3);
}

/// Waits until it has said something.
async fn ready(scene: &Scene, handle: &longshore_core::launch::Handle) {
    use futures::StreamExt;
    let mut frames = scene.executor.logs(handle, LogRange::Follow).await.unwrap();
    frames.next().await.unwrap().unwrap();
}

#[tokio::test]
async fn a_stop_whose_reply_is_lost_has_still_stopped() {
    let proxy = FaultProxy::start(&shared_engine()).unwrap();
    let scene = Scene::through(&proxy);
    let handle = scene.started(&scene.launch(&["sleep", "60"])).await;
    proxy.add(Rule::first("/stop", Fault::LoseReply));
    let error = scene.executor.stop(&handle, 1).await.unwrap_err();
    assert_eq!(error.fault(), Blame::Unreachable);
    scene.executor.stop(&handle, 1).await.unwrap();
    scene.ended(&handle).await;
}

#[tokio::test]
async fn a_running_container_is_removed_only_by_force() {
    let scene = Scene::shared();
    let handle = scene.started(&scene.launch(&["sleep", "60"])).await;
    let error = scene
        .executor
        .remove(&handle, Force::Never)
        .await
        .unwrap_err();
    assert_eq!(error.fault(), Blame::Conflict);
    assert_eq!(
        scene.executor.remove(&handle, Force::Kill).await.unwrap(),
        Removed::Gone
    );
    assert_eq!(
        scene.executor.remove(&handle, Force::Kill).await.unwrap(),
        Removed::WasAbsent
    );
    assert_eq!(
        scene.executor.observe(&handle).await.unwrap(),
        Observed::Absent
    );
    scene.executor.stop(&handle, 1).await.unwrap();
}

#[tokio::test]
async fn anonymous_volumes_go_with_their_container_and_named_ones_stay() {
    let scene = Scene::shared();
    let name = longshore_testkit::unique_name("kept");
    let spec = JobSpec {
        command: ["true"].into_iter().collect(),
        volumes: vec![
            "/anonymous".parse().unwrap(),
            format!("{name}:/named").parse().unwrap(),
        ],
        ..demo_spec()
    };
    let (handle, _) = scene.ran(&scene.launch_of(spec)).await;
    let mounts = scene.inspected(&handle)["Mounts"].clone();
    let anonymous = mounts
        .as_array()
        .unwrap()
        .iter()
        .find(|mount| mount["Destination"] == "/anonymous")
        .and_then(|mount| mount["Name"].as_str())
        .unwrap()
        .to_owned();
    scene.executor.remove(&handle, Force::Never).await.unwrap();
    assert!(
        scene
            .engine
            .docker(["volume", "inspect", &anonymous])
            .is_err()
    );
    scene.engine.docker(["volume", "rm", &name]).unwrap();
}

#[tokio::test]
async fn removals_at_once_are_gone_pending_or_absent_and_never_an_error() {
    let scene = Scene::shared();
    let handle = scene.started(&scene.launch(&["sleep", "60"])).await;
    let removals = (0..6).map(|_| scene.executor.remove(&handle, Force::Kill));
    let removed = futures::future::try_join_all(removals).await.unwrap();
    assert!(removed.contains(&Removed::Gone), "{removed:?}");
}
