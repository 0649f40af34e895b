//! Removing, with and without force.

use longshore_core::attempt::Observed;
use longshore_core::fault::Fault;

use crate::contract::{Fixture, Program};
use crate::{Force, Removed};

/// No clean-up ever ends a job by accident.
pub async fn a_running_container_is_removed_only_by_force(fixture: &Fixture) {
    let (_, handle) = fixture.started(&Program::SleepSecs(600)).await;
    let refused = fixture.executor.remove(&handle, Force::Never).await;
    assert_eq!(refused.expect_err("it runs").fault(), Fault::Conflict);
    assert!(matches!(
        fixture.observe(&handle).await,
        Observed::Running { .. }
    ));
    assert_eq!(fixture.remove(&handle, Force::Kill).await, Removed::Gone);
    assert_eq!(fixture.observe(&handle).await, Observed::Absent);
}

/// The reply to the first removal may have been lost.
pub async fn a_removal_is_gone_once_and_absent_afterwards(fixture: &Fixture) {
    let (_, handle) = fixture.ended(&Program::ExitWith(0)).await;
    assert_eq!(fixture.remove(&handle, Force::Never).await, Removed::Gone);
    assert_eq!(
        fixture.remove(&handle, Force::Never).await,
        Removed::WasAbsent
    );
    assert_eq!(
        fixture.remove(&handle, Force::Kill).await,
        Removed::WasAbsent
    );
}

/// Its name is free again.
pub async fn a_container_that_never_ran_is_removed(fixture: &Fixture) {
    let launch = fixture.launch(&Program::ExitWith(0));
    let first = fixture.create(&launch).await;
    assert_eq!(fixture.remove(&first, Force::Never).await, Removed::Gone);
    let second = fixture.create(&launch).await;
    assert_ne!(first, second);
    assert_eq!(fixture.observe(&first).await, Observed::Absent);
    assert_eq!(
        fixture.observe(&second).await,
        Observed::Created { refused: None }
    );
}
