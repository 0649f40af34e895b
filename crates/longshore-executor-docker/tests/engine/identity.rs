//! One attempt is one container, whatever happens to requests and replies.

use longshore_core::attempt::Observed;
use longshore_core::fault::Fault as Blame;
use longshore_core::launch::{LABEL_ATTEMPT, LABEL_POOL};
use longshore_core::spec::JobSpec;
use longshore_executor::{Executor, Force, LogRange};
use longshore_testkit::{Fault, FaultProxy, Rule, shared_engine};

use crate::scene::{Scene, demo_spec};

#[tokio::test]
async fn two_creates_make_one_container() {
    let scene = Scene::shared();
    let launch = scene.launch(&["true"]);
    let first = scene.executor.create(&launch).await.unwrap();
    assert_eq!(scene.executor.create(&launch).await.unwrap(), first);
    assert_eq!(scene.containers().join(" "), first.content);
    assert_eq!(
        scene.executor.find(launch.attempt).await.unwrap(),
        Some(first)
    );
}

#[tokio::test]
async fn eight_creates_at_once_make_one_container() {
    let scene = Scene::shared();
    let launch = scene.launch(&["true"]);
    let creates = (0..8).map(|_| scene.executor.create(&launch));
    let handles = futures::future::try_join_all(creates).await.unwrap();
    assert!(handles.iter().all(|handle| *handle == handles[0]));
    assert_eq!(scene.containers().len(), 1);
}

#[tokio::test]
async fn a_create_whose_reply_is_lost_makes_one_container() {
    let proxy = FaultProxy::start(&shared_engine()).unwrap();
    let scene = Scene::through(&proxy);
    let lost = proxy.add(Rule::first("/containers/create", Fault::LoseReply));
    let handle = scene
        .executor
        .create(&scene.launch(&["true"]))
        .await
        .unwrap();
    assert_eq!(proxy.hits(lost), 1);
    assert_eq!(scene.containers(), [handle.content]);
}

#[tokio::test]
async fn a_create_that_never_arrived_is_unreachable_and_leaves_nothing() {
    let proxy = FaultProxy::start(&shared_engine()).unwrap();
    let scene = Scene::through(&proxy);
    proxy.add(Rule::first("/containers/create", Fault::LoseRequest));
    let launch = scene.launch(&["true"]);
    let error = scene.executor.create(&launch).await.unwrap_err();
    assert_eq!(error.fault(), Blame::Unreachable);
    assert!(scene.containers().is_empty());
    scene.executor.create(&launch).await.unwrap();
    assert_eq!(scene.containers().len(), 1);
}

#[tokio::test]
async fn a_start_whose_reply_is_lost_runs_the_job_once() {
    let proxy = FaultProxy::start(&shared_engine()).unwrap();
    let scene = Scene::through(&proxy);
    let lost = proxy.add(Rule::every("/start", Fault::LoseReply).times(1));
    let handle = scene
        .executor
        .create(&scene.script("echo once"))
        .await
        .unwrap();
    scene.executor.start(&handle).await.unwrap();
    scene.ended(&handle).await;
    // And a second start of what has ended is no second run.
    scene.executor.start(&handle).await.unwrap();
    assert_eq!(proxy.hits(lost), 1);
    assert_eq!(scene.frames(&handle, LogRange::All).await.len(), 1);
}

#[tokio::test]
async fn a_name_that_a_stranger_holds_is_a_conflict() {
    let scene = Scene::shared();
    let launch = scene.launch(&["true"]);
    let name = launch.container_name();
    scene
        .engine
        .docker(["create", "--name", &name, "demo-image", "true"])
        .unwrap();
    let error = scene.executor.create(&launch).await.unwrap_err();
    scene.engine.docker(["rm", &name]).unwrap();
    assert_eq!(error.fault(), Blame::Conflict);
    assert!(error.to_string().contains("not of this attempt"), "{error}");
}

#[tokio::test]
async fn a_start_takes_one_request_where_nothing_is_in_doubt() {
    let proxy = FaultProxy::start(&shared_engine()).unwrap();
    let scene = Scene::through(&proxy);
    scene.started(&scene.launch(&["true"])).await;
    let requests = proxy.requests();
    assert_eq!(requests.len(), 3, "{requests:?}");
    assert!(requests[1].starts_with("POST /v1.41/containers/create?name=longshore-"));
    assert!(requests[2].starts_with("POST /v1.41/containers/"));
}

#[tokio::test]
async fn only_containers_with_exactly_the_pools_label_are_owned() {
    let (scene, stranger) = (Scene::shared(), Scene::shared());
    let launch = scene.launch(&["true"]);
    let handle = scene.executor.create(&launch).await.unwrap();
    stranger
        .executor
        .create(&stranger.launch(&["true"]))
        .await
        .unwrap();
    let longer = format!("{LABEL_POOL}={}-2", scene.pool);
    let other_key = format!("{LABEL_POOL}.x={}", scene.pool);
    let by_hand = scene
        .engine
        .docker([
            "create",
            "--label",
            &longer,
            "--label",
            &other_key,
            "demo-image",
            "true",
        ])
        .unwrap();
    let owned = scene.executor.list_owned(scene.pool).await.unwrap();
    scene.engine.docker(["rm", &by_hand]).unwrap();
    let [only] = owned.as_slice() else {
        panic!("one container is owned, not {owned:?}");
    };
    assert_eq!(
        (&only.handle, only.attempt, only.job),
        (&handle, Some(launch.attempt), Some(launch.job))
    );
    assert_eq!(
        (only.name.as_str(), only.is_running),
        (launch.container_name().as_str(), false)
    );
}

#[tokio::test]
async fn a_container_with_our_pool_and_unreadable_ids_is_owned_without_them() {
    let scene = Scene::shared();
    let pool = format!("{LABEL_POOL}={}", scene.pool);
    let attempt = format!("{LABEL_ATTEMPT}=nonsense");
    scene
        .engine
        .docker([
            "create",
            "--label",
            &pool,
            "--label",
            &attempt,
            "demo-image",
        ])
        .unwrap();
    let owned = scene.executor.list_owned(scene.pool).await.unwrap();
    assert_eq!(
        (owned.len(), owned[0].attempt, owned[0].job),
        (1, None, None)
    );
}

#[tokio::test]
async fn an_image_that_is_missing_is_not_found_at_create() {
    let scene = Scene::shared();
    let spec = JobSpec {
        image: "longshore-missing:1".parse().unwrap(),
        ..demo_spec()
    };
    let error = scene
        .executor
        .create(&scene.launch_of(spec))
        .await
        .unwrap_err();
    assert_eq!(error.fault(), Blame::ImageNotFound);
}

#[tokio::test]
async fn what_was_removed_is_absent_and_has_no_log() {
    let scene = Scene::shared();
    let (handle, _) = scene.ran(&scene.script("echo x")).await;
    scene.executor.remove(&handle, Force::Never).await.unwrap();
    assert_eq!(
        scene.executor.observe(&handle).await.unwrap(),
        Observed::Absent
    );
    assert!(scene.frames(&handle, LogRange::All).await.is_empty());
}
