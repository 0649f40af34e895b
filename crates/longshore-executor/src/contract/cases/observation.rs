//! Events, lists, probes and readings of counters.

use longshore_core::PoolId;
use longshore_core::launch::Launch;
use uuid::Uuid;

use crate::contract::fixture::read_until;
use crate::contract::{Fixture, Program};
use crate::{Force, HostEvent};

/// Another pool whose id differs in the last digit only.
fn neighbour(pool: PoolId) -> PoolId {
    PoolId::new(Uuid::from_u128(pool.uuid().as_u128() ^ 1))
}

fn launch_of_neighbour(fixture: &Fixture, program: &Program) -> Launch {
    Launch {
        pool: neighbour(fixture.pool),
        ..fixture.launch(program)
    }
}

/// Two installations may share a host.
pub async fn an_exit_is_announced_to_its_own_pool_only(fixture: &Fixture) {
    let events = fixture
        .executor
        .events(fixture.pool)
        .await
        .expect("opens the events");
    let foreign = launch_of_neighbour(fixture, &Program::ExitWith(0));
    let foreign_handle = fixture.create(&foreign).await;
    fixture.start(&foreign_handle).await;
    fixture.exit(&foreign_handle).await;
    let (own, _) = fixture.ended(&Program::ExitWith(0)).await;
    let wanted = HostEvent::Exited(own.attempt);
    let read = read_until(events, |event| *event == wanted).await;
    fixture.clear_pool(foreign.pool).await;
    for event in read {
        let (HostEvent::Exited(attempt)
        | HostEvent::Signalled(attempt, _)
        | HostEvent::Removed(attempt)) = event;
        assert_eq!(attempt, own.attempt);
    }
}

/// Somebody else may remove a container that is waited for.
pub async fn a_removal_is_announced(fixture: &Fixture) {
    let (launch, handle) = fixture.ended(&Program::ExitWith(0)).await;
    let events = fixture
        .executor
        .events(fixture.pool)
        .await
        .expect("opens the events");
    fixture.remove(&handle, Force::Never).await;
    let wanted = HostEvent::Removed(launch.attempt);
    read_until(events, |event| *event == wanted).await;
}

/// What is not ours is never touched, because it is never seen.
pub async fn only_containers_of_exactly_this_pool_are_listed(fixture: &Fixture) {
    let foreign = launch_of_neighbour(fixture, &Program::ExitWith(0));
    fixture.create(&foreign).await;
    let (running, running_handle) = fixture.started(&Program::SleepSecs(600)).await;
    let idle = fixture.launch(&Program::ExitWith(0));
    fixture.create(&idle).await;

    let listed = fixture
        .executor
        .list_owned(fixture.pool)
        .await
        .expect("lists the pool");
    let neighbours = fixture
        .executor
        .list_owned(foreign.pool)
        .await
        .expect("lists the pool");
    fixture.clear_pool(foreign.pool).await;

    assert_eq!(listed.len(), 2);
    let of = |launch: &Launch| {
        listed
            .iter()
            .find(|owned| owned.attempt == Some(launch.attempt))
    };
    let owned = of(&running).expect("lists what runs");
    assert_eq!(owned.handle, running_handle);
    assert_eq!(owned.job, Some(running.job));
    assert_eq!(owned.name, running.container_name());
    assert!(owned.is_running);
    assert!(!of(&idle).expect("lists what never ran").is_running);
    assert_eq!(neighbours.len(), 1);
    assert_eq!(neighbours[0].attempt, Some(foreign.attempt));
}

/// Placement and the operator rely on these.
pub async fn a_probe_tells_sane_facts(fixture: &Fixture) {
    let facts = fixture.executor.probe().await.expect("probes the host");
    assert!(!facts.engine.is_empty());
    assert!(!facts.version.is_empty());
    assert!(!facts.engine_id.is_empty());
    assert!(facts.platform.contains('/'), "{}", facts.platform);
    assert!(facts.cpus > 0);
    assert!(facts.memory_bytes > 64 << 20);
    let again = fixture
        .executor
        .probe()
        .await
        .expect("probes the host again");
    assert_eq!(again.engine_id, facts.engine_id);
    assert_eq!(again.engine_started_at, facts.engine_started_at);
}

/// An executor without counters has nothing to show.
pub async fn only_a_running_container_is_measured(fixture: &Fixture) {
    let Some(usage) = fixture.executor.usage() else {
        return;
    };
    let (_, handle) = fixture.started(&Program::SleepSecs(600)).await;
    let sample = usage.sample(&handle).await.expect("reads the counters");
    assert!(sample.is_some());
    fixture.stop(&handle, 5).await;
    assert_eq!(
        usage.sample(&handle).await.expect("reads the counters"),
        None
    );
    fixture.remove(&handle, Force::Never).await;
    assert_eq!(
        usage.sample(&handle).await.expect("reads the counters"),
        None
    );
}
