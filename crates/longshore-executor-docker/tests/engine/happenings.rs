//! The stream of events of one host.

use futures::StreamExt;
use longshore_core::fault::Fault;
use longshore_executor::{Executor, ExecutorError, Force, HostEvent};
use longshore_testkit::{Engine, EngineOptions};
use tokio::time::timeout;

use crate::false_engine::FalseEngine;
use crate::scene::{PATIENCE, Scene, executor};

async fn next<S>(events: &mut S) -> Result<HostEvent, ExecutorError>
where
    S: futures::Stream<Item = Result<HostEvent, ExecutorError>> + Unpin,
{
    timeout(PATIENCE, events.next())
        .await
        .expect("an event in time")
        .expect("an item")
}

#[tokio::test]
async fn signals_ends_and_removals_are_told_and_those_of_other_pools_are_not() {
    let (scene, stranger) = (Scene::shared(), Scene::shared());
    let mut events = scene.executor.events(scene.pool).await.unwrap();
    stranger.ran(&stranger.launch(&["true"])).await;
    let launch = scene.launch(&["sleep", "60"]);
    let handle = scene.started(&launch).await;
    scene
        .engine
        .docker(["kill", "--signal", "WINCH", &handle.content])
        .unwrap();
    scene.executor.stop(&handle, 5).await.unwrap();
    scene.executor.remove(&handle, Force::Never).await.unwrap();
    let attempt = launch.attempt;
    let mut told = Vec::new();
    while told.last() != Some(&HostEvent::Removed(attempt)) {
        told.push(next(&mut events).await.unwrap());
    }
    let expected = [
        HostEvent::Signalled(attempt, 28),
        HostEvent::Signalled(attempt, 15),
        HostEvent::Exited(attempt),
        HostEvent::Removed(attempt),
    ];
    assert_eq!(told, expected);
}

#[tokio::test]
async fn a_natural_end_comes_without_a_signal() {
    let scene = Scene::shared();
    let mut events = scene.executor.events(scene.pool).await.unwrap();
    let launch = scene.launch(&["true"]);
    scene.started(&launch).await;
    assert_eq!(
        next(&mut events).await.unwrap(),
        HostEvent::Exited(launch.attempt)
    );
}

#[tokio::test]
async fn the_stream_ends_with_an_error_when_the_engine_goes() {
    let mut engine = Engine::start(&EngineOptions::default()).unwrap();
    let pool = longshore_core::PoolId::new(uuid::Uuid::new_v4());
    let executor = executor(engine.docker_host());
    let mut events = executor.events(pool).await.unwrap();
    engine.kill9().unwrap();
    assert_eq!(
        next(&mut events).await.unwrap_err().fault(),
        Fault::Unreachable
    );
    assert!(events.next().await.is_none());
}

#[tokio::test]
async fn a_reader_that_does_not_keep_up_is_told_to_look_at_everything() {
    let attempt = uuid::Uuid::now_v7();
    let event = format!(
        r#"{{"Type":"container","Action":"die","Actor":{{"Attributes":{{"io.longshore.attempt":"{attempt}"}}}}}}"#
    );
    let engine = FalseEngine::start(FalseEngine::PING, format!("{event}\n").repeat(5000));
    let executor = executor(&engine.address());
    let pool = longshore_core::PoolId::new(uuid::Uuid::new_v4());
    let mut events = executor.events(pool).await.unwrap();
    engine.drained().await;
    let mut taken = 0;
    let error = loop {
        match next(&mut events).await {
            Ok(_) => taken += 1,
            Err(error) => break error,
        }
    };
    assert!(taken < 5000, "{taken}");
    assert!(
        error.to_string().contains("were not taken in time"),
        "{error}"
    );
}
