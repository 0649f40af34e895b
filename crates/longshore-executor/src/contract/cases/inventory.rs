//! What a host has, whoever made it. Other tests may have containers there, too.

use longshore_core::launch::{Handle, Launch};
use longshore_core::share::Share;

use crate::contract::{Fixture, Program};
use crate::{ContainerState, Force, Inventory, Listed, Which};

fn inventory(fixture: &Fixture) -> Option<&dyn Inventory> {
    fixture.executor.inventory()
}

async fn listed(inventory: &dyn Inventory, which: Which) -> Vec<Listed> {
    inventory.containers(which).await.expect("lists the host")
}

async fn looked_up(inventory: &dyn Inventory, name: &str) -> Option<Listed> {
    let found = inventory.container(name).await;
    found.expect("looks a container up")
}

/// The one with this handle.
fn by_handle<'a>(all: &'a [Listed], handle: &Handle) -> Option<&'a Listed> {
    all.iter().find(|listed| listed.handle == *handle)
}

fn check(listed: &Listed, launch: &Launch, state: ContainerState) {
    assert_eq!(listed.state, state);
    assert_eq!(listed.name, launch.container_name());
    assert_eq!(listed.image, launch.image.to_string());
    assert!(!listed.status.is_empty());
    for (key, value) in launch.labels() {
        assert_eq!(listed.labels.get(&key), Some(&value), "{key}");
    }
}

/// Created, running and ended ones, in one call.
pub async fn the_list_shows_every_container_with_its_labels_and_state(fixture: &Fixture) {
    let Some(inventory) = inventory(fixture) else {
        return;
    };
    let idle = fixture.launch(&Program::ExitWith(0));
    let idle_handle = fixture.create(&idle).await;
    let (running, running_handle) = fixture.started(&Program::SleepSecs(600)).await;
    let (ended, ended_handle) = fixture.ended(&Program::ExitWith(3)).await;

    let all = listed(inventory, Which::All).await;

    let of = |handle: &Handle| by_handle(&all, handle).expect("lists each of them");
    check(of(&idle_handle), &idle, ContainerState::Created);
    check(of(&running_handle), &running, ContainerState::Running);
    check(of(&ended_handle), &ended, ContainerState::Exited);
    assert!(of(&idle_handle).created_at <= of(&ended_handle).created_at);
}

/// As the spec set them; without any they are nothing.
pub async fn the_limits_of_a_container_are_known_until_it_is_gone(fixture: &Fixture) {
    let Some(inventory) = inventory(fixture) else {
        return;
    };
    let mut limited = fixture.launch(&Program::ExitWith(0));
    limited.spec.cpus = Some("0.25".parse().expect("a number of CPUs"));
    limited.spec.memory = Some("64m".parse().expect("a size"));
    let free = fixture.launch(&Program::ExitWith(0));
    for launch in [&limited, &free] {
        let handle = fixture.create(launch).await;
        let limits = inventory.limits(&handle).await.expect("tells the limits");
        assert_eq!(limits, Some(Share::of_job(&launch.spec)));
        let removed = fixture.executor.remove(&handle, Force::Kill).await;
        removed.expect("removes what never ran");
        let gone = inventory.limits(&handle).await.expect("tells of nothing");
        assert!(gone.is_none() || gone == limits, "it may be at it still");
    }
}

/// What `docker ps` shows.
pub async fn the_list_of_running_containers_shows_no_other(fixture: &Fixture) {
    let Some(inventory) = inventory(fixture) else {
        return;
    };
    let idle = fixture.create(&fixture.launch(&Program::ExitWith(0))).await;
    let (_, running) = fixture.started(&Program::SleepSecs(600)).await;
    let (_, ended) = fixture.ended(&Program::ExitWith(0)).await;

    let all = listed(inventory, Which::Running).await;

    assert!(by_handle(&all, &running).is_some());
    assert_eq!(by_handle(&all, &idle), None);
    assert_eq!(by_handle(&all, &ended), None);
}

/// As people name containers.
pub async fn a_container_is_looked_up_by_id_by_its_beginning_and_by_name(fixture: &Fixture) {
    let Some(inventory) = inventory(fixture) else {
        return;
    };
    let (launch, handle) = fixture.started(&Program::SleepSecs(600)).await;
    let all = listed(inventory, Which::All).await;
    let id = &by_handle(&all, &handle).expect("lists it").id;
    for name in [id, &id[..12], &launch.container_name()] {
        let found = looked_up(inventory, name).await.expect("finds it");
        assert_eq!((&found.id, &found.handle), (id, &handle), "{name}");
        check(&found, &launch, ContainerState::Running);
        assert_eq!(found.finished_at, None);
    }
}

/// Nothing there is a value, not an error; and no text leads anywhere else.
pub async fn a_name_that_no_container_has_finds_none(fixture: &Fixture) {
    let Some(inventory) = inventory(fixture) else {
        return;
    };
    let (launch, handle) = fixture.ended(&Program::ExitWith(0)).await;
    fixture.remove(&handle, Force::Never).await;
    for name in [&launch.container_name(), "", "..", "a/b?all=true", "ä ö"] {
        assert_eq!(looked_up(inventory, name).await, None, "{name}");
    }
}

/// A clean-up goes by it.
pub async fn the_end_of_a_container_that_is_looked_up_is_known(fixture: &Fixture) {
    let Some(inventory) = inventory(fixture) else {
        return;
    };
    let (launch, handle) = fixture.ended(&Program::ExitWith(0)).await;
    let exit = fixture.exit_now(&handle).await;
    let found = looked_up(inventory, &launch.container_name()).await;
    assert_eq!(found.expect("finds it").finished_at, exit.finished_at);
    let idle = fixture.launch(&Program::ExitWith(0));
    fixture.create(&idle).await;
    let found = looked_up(inventory, &idle.container_name()).await;
    assert_eq!(found.expect("finds it").finished_at, None);
}

/// The figures and the engine's own document.
pub async fn a_running_container_has_statistics_and_an_ended_one_has_none(fixture: &Fixture) {
    let Some(inventory) = inventory(fixture) else {
        return;
    };
    let (_, handle) = fixture.started(&Program::SleepSecs(600)).await;
    fixture.let_the_clock_move().await;
    let statistics = inventory.statistics(&handle).await;
    let statistics = statistics.expect("reads the statistics").expect("it runs");
    assert!(statistics.sample.memory_bytes > 0);
    assert!(statistics.sample.cpu_nanos > 0);
    assert!(statistics.cpu_percent >= 0.0);
    assert!(statistics.raw["memory_stats"].is_object());

    fixture.stop(&handle, 5).await;
    let of_ended = inventory.statistics(&handle).await;
    assert_eq!(of_ended.expect("reads the statistics"), None);
    fixture.remove(&handle, Force::Never).await;
    let of_removed = inventory.statistics(&handle).await;
    assert_eq!(of_removed.expect("reads the statistics"), None);
}

/// So that records which know nothing but the id are of use.
pub async fn a_handle_is_made_again_from_the_id_of_the_engine(fixture: &Fixture) {
    let Some(inventory) = inventory(fixture) else {
        return;
    };
    let (_, handle) = fixture.started(&Program::SleepSecs(600)).await;
    let all = listed(inventory, Which::All).await;
    let found = by_handle(&all, &handle).expect("lists it");
    assert_eq!(inventory.to_handle(&found.id), handle);
    assert_eq!(inventory.id_of(&handle), found.id);
}
