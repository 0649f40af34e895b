//! Stopping, in every stage of a life.

use std::time::Duration;

use longshore_core::attempt::Observed;
use tokio::time::Instant;

use crate::Force;
use crate::contract::{Fixture, Program};

/// A stop returns when the container has ended.
pub async fn a_stop_ends_a_running_container(fixture: &Fixture) {
    let (_, handle) = fixture.started(&Program::SleepSecs(600)).await;
    fixture.stop(&handle, 20).await;
    assert_eq!(fixture.exit_now(&handle).await.code, 143);
}

/// The grace is given in full, and not more than it.
pub async fn a_program_that_ignores_the_signal_is_killed_after_the_grace(fixture: &Fixture) {
    let (_, handle) = fixture.started(&Program::IgnoreTerm).await;
    fixture.printed(&handle).await;
    let asked_at = Instant::now();
    fixture.stop(&handle, 2).await;
    let took = asked_at.elapsed();
    assert!(took >= Duration::from_millis(1900), "{took:?}");
    assert_eq!(fixture.exit_now(&handle).await.code, 137);
}

/// A cancel may come between create and start.
pub async fn stopping_what_never_ran_changes_nothing(fixture: &Fixture) {
    let handle = fixture.create(&fixture.launch(&Program::ExitWith(0))).await;
    fixture.stop(&handle, 1).await;
    assert_eq!(
        fixture.observe(&handle).await,
        Observed::Created { refused: None }
    );
}

/// A stop may come too late.
pub async fn stopping_what_has_ended_changes_nothing(fixture: &Fixture) {
    let (_, handle) = fixture.ended(&Program::ExitWith(3)).await;
    let before = fixture.observe(&handle).await;
    fixture.stop(&handle, 1).await;
    assert_eq!(fixture.observe(&handle).await, before);
}

/// A stop may come much too late.
pub async fn stopping_what_is_gone_is_no_error(fixture: &Fixture) {
    let handle = fixture.create(&fixture.launch(&Program::ExitWith(0))).await;
    fixture.remove(&handle, Force::Never).await;
    fixture.stop(&handle, 1).await;
    assert_eq!(fixture.observe(&handle).await, Observed::Absent);
}
