//! Creating, and finding what was created.

use std::time::Duration;

use longshore_core::fault::Fault;

use crate::Force;
use crate::contract::{Fixture, Program};

/// Creating is idempotent by the attempt's name.
pub async fn a_second_create_adopts_the_first_container(fixture: &Fixture) {
    let launch = fixture.launch(&Program::ExitWith(0));
    let first = fixture.create(&launch).await;
    let second = fixture.create(&launch).await;
    assert_eq!(first, second);
    let owned = fixture
        .executor
        .list_owned(fixture.pool)
        .await
        .expect("lists the pool");
    assert_eq!(owned.len(), 1);
}

/// Absence is a value.
pub async fn a_container_is_found_from_its_creation_to_its_removal(fixture: &Fixture) {
    let launch = fixture.launch(&Program::ExitWith(0));
    let find = || async {
        fixture
            .executor
            .find(launch.attempt)
            .await
            .expect("looks it up")
    };
    assert_eq!(find().await, None);
    let handle = fixture.create(&launch).await;
    assert_eq!(find().await, Some(handle.clone()));
    fixture.remove(&handle, Force::Never).await;
    assert_eq!(find().await, None);
}

/// The supervisor pulls again on exactly this fault.
pub async fn a_missing_image_is_not_found_at_create(fixture: &Fixture) {
    let launch = fixture.launch_of_missing_image();
    let error = fixture
        .executor
        .create(&launch)
        .await
        .expect_err("there is no such image");
    assert_eq!(error.fault(), Fault::ImageNotFound);
    assert_eq!(
        fixture
            .executor
            .find(launch.attempt)
            .await
            .expect("looks it up"),
        None
    );
}

/// A worker may die, or give up, at any moment of the call.
pub async fn a_create_that_was_dropped_midway_leaves_one_container(fixture: &Fixture) {
    for millis in [0, 1, 2, 4, 8, 16] {
        let launch = fixture.launch(&Program::ExitWith(0));
        let patience = Duration::from_millis(millis);
        let dropped = tokio::time::timeout(patience, fixture.executor.create(&launch)).await;
        let handle = fixture.create(&launch).await;
        if let Ok(created) = dropped {
            assert_eq!(created.expect("creates the container"), handle);
        }
        let owned = fixture
            .executor
            .list_owned(fixture.pool)
            .await
            .expect("lists the pool");
        let own: Vec<_> = owned
            .iter()
            .filter(|owned| owned.attempt == Some(launch.attempt))
            .collect();
        assert_eq!(own.len(), 1, "dropped after {patience:?}");
        assert_eq!(own[0].handle, handle, "dropped after {patience:?}");
    }
}
