//! Foreign containers, statistics and resources of the mock.

use std::collections::BTreeMap;

use longshore_core::launch::{LABEL_ATTEMPT, LABEL_POOL};
use longshore_core::spec::ByteSize;

use super::*;
use crate::{ContainerState, Inventory, Listed, Resource, ResourceKind, Which};

fn foreign(name: &str, behaviour: Option<Behaviour>) -> Foreign {
    Foreign {
        name: name.into(),
        image: image("alpine:3"),
        labels: BTreeMap::from([("team".into(), "blue".into())]),
        limits: longshore_core::share::Share::default(),
        created_at: Timestamp::from_second(-3600).unwrap(),
        behaviour,
    }
}

async fn looked_up(mock: &MockExecutor, name: &str) -> Listed {
    mock.container(name).await.unwrap().unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_foreign_container_has_ended_in_the_past_as_it_behaves() {
    let mock = mock(Behaviour::forever());
    let behaviour = Behaviour::exits(3).runs_for(60 * SECOND);
    let behaviour = behaviour.prints(SECOND, Stream::Stdout, "from before\n");
    let handle = mock.add_foreign(foreign("old", Some(behaviour)));
    let found = looked_up(&mock, "old").await;
    assert_eq!((&found.handle, found.image.as_str()), (&handle, "alpine:3"));
    assert_eq!(found.state, ContainerState::Exited);
    assert_eq!(found.status, "Exited (3) 3540 seconds ago");
    assert_eq!(found.labels["team"], "blue");
    assert_eq!(found.finished_at, Timestamp::from_second(-3540).ok());
    assert_eq!(exit(&mock, &handle).await.finished_at, found.finished_at);
    assert_eq!(
        texts(&mock, &handle, LogRange::All).await,
        ["from before\n"]
    );
}

#[tokio::test(start_paused = true)]
async fn a_foreign_container_is_stopped_and_removed_like_any_other() {
    let mock = mock(Behaviour::default());
    let handle = mock.add_foreign(foreign("web", Some(Behaviour::forever())));
    assert_eq!(looked_up(&mock, "web").await.status, "Up 3600 seconds");
    assert_eq!(mock.running(), 1);
    mock.stop(&handle, 10).await.unwrap();
    assert_eq!(exit(&mock, &handle).await.code, 143);
    let removed = Executor::remove(&mock, &handle, Force::Never).await;
    assert_eq!(removed.unwrap(), Removed::Gone);
    assert_eq!(mock.container("web").await.unwrap(), None);
    assert!(mock.all_counts().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_foreign_container_that_never_ran_can_be_started() {
    let mock = mock(Behaviour::forever());
    let handle = mock.add_foreign(foreign("idle", None));
    assert_eq!(looked_up(&mock, "idle").await.status, "Created");
    mock.start(&handle).await.unwrap();
    assert_eq!(exit(&mock, &handle).await.code, 0);
}

#[tokio::test(start_paused = true)]
async fn the_label_says_whose_a_foreign_container_is() {
    let mock = mock(Behaviour::default());
    mock.add_foreign(foreign("theirs", None));
    let mut ours = foreign("ours", None);
    ours.labels.insert(LABEL_POOL.into(), pool().to_string());
    ours.labels
        .insert(LABEL_ATTEMPT.into(), "unreadable".into());
    let handle = mock.add_foreign(ours);
    let owned = mock.list_owned(pool()).await.unwrap();
    let found: Vec<_> = owned.iter().map(|it| (&it.handle, it.attempt)).collect();
    assert_eq!(found, [(&handle, None)]);
    assert_eq!(
        Inventory::containers(&mock, Which::All)
            .await
            .unwrap()
            .len(),
        2
    );
}

#[tokio::test(start_paused = true)]
async fn a_name_that_somebody_else_holds_is_a_conflict() {
    let mock = mock(Behaviour::default());
    let launch = launch(1);
    mock.add_foreign(foreign(&launch.container_name(), None));
    assert_eq!(fault(mock.create(&launch).await), Fault::Conflict);
    assert_eq!(mock.find(launch.attempt).await.unwrap(), None);
}

#[tokio::test(start_paused = true)]
async fn the_beginning_of_two_ids_is_an_error() {
    let mock = mock(Behaviour::default());
    let ids = (0..17).map(|number| foreign(&format!("c{number}"), None));
    let handles: Vec<Handle> = ids.map(|it| mock.add_foreign(it)).collect();
    let beginning = &handles[0].content[..1];
    assert_eq!(fault(mock.container(beginning).await), Fault::Configuration);
    assert_eq!(looked_up(&mock, &handles[0].content).await.name, "c0");
}

#[tokio::test(start_paused = true)]
async fn a_container_that_is_being_removed_says_so() {
    let mock = mock(Behaviour::default());
    mock.tune(|knobs| knobs.removal_time = SECOND);
    let handle = mock.add_foreign(foreign("old", Some(Behaviour::exits(0))));
    Executor::remove(&mock, &handle, Force::Never)
        .await
        .unwrap();
    let found = looked_up(&mock, "old").await;
    assert_eq!(found.state, ContainerState::Removing);
    assert_eq!(found.status, "Removal In Progress");
}

#[tokio::test(start_paused = true)]
async fn statistics_are_those_of_the_consumption() {
    let mock = mock(Behaviour::forever());
    let mut launch = launch(1);
    launch.spec.memory = Some(ByteSize::from_mebibytes(64));
    let handle = mock.create(&launch).await.unwrap();
    mock.start(&handle).await.unwrap();
    advance(2 * SECOND).await;
    let found = mock.statistics(&handle).await.unwrap().unwrap();
    assert!((found.cpu_percent - 50.0).abs() < 1e-9);
    assert_eq!(found.sample, mock.sample(&handle).await.unwrap().unwrap());
    assert_eq!(found.memory_limit_bytes, Some(64 << 20));
    assert_eq!(
        found.raw["memory_stats"]["usage"],
        found.sample.memory_bytes
    );
    assert_eq!(
        found.raw["cpu_stats"]["cpu_usage"]["total_usage"],
        1_000_000_000
    );
}

#[tokio::test(start_paused = true)]
async fn a_resource_that_is_said_to_be_in_use_stays() {
    let mock = mock(Behaviour::default());
    let volume = Resource {
        kind: ResourceKind::Volume,
        id: "cache".into(),
        name: "cache".into(),
        in_use: true,
        created_at: None,
    };
    mock.tune(|knobs| knobs.resources.push((pool(), volume.clone())));
    assert_eq!(fault(mock.remove_resource(&volume).await), Fault::Conflict);
    mock.tune(|knobs| knobs.resources[0].1.in_use = false);
    let removed = mock.remove_resource(&volume).await;
    assert_eq!(removed.unwrap(), Removed::Gone);
}

#[tokio::test(start_paused = true)]
async fn every_call_of_the_inventory_can_be_disturbed() {
    let mock = mock(Behaviour::forever());
    let (_, handle) = started(&mock, 1).await;
    mock.disturb(Call::Inventory, 4, Mischief::Fail(Fault::Unreachable));
    let faults = [
        fault(Inventory::containers(&mock, Which::All).await),
        fault(mock.container("x").await),
        fault(mock.statistics(&handle).await),
        fault(mock.resources(pool()).await),
    ];
    assert_eq!(faults, [Fault::Unreachable; 4]);
    assert_eq!(mock.calls_made(Call::Inventory), 4);
    assert!(mock.statistics(&handle).await.unwrap().is_some());
}
