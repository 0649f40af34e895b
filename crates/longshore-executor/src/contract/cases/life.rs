//! Starting, running, ending by itself.

use std::time::Duration;

use jiff::SignedDuration;
use longshore_core::attempt::Observed;
use longshore_core::fault::Fault;
use longshore_core::log::Stream;

use crate::contract::fixture::bytes_of;
use crate::contract::{Fixture, Program};
use crate::{Force, LogRange};

/// Every stage has its own value.
pub async fn a_life_is_observed_from_absent_to_exited(fixture: &Fixture) {
    let launch = fixture.launch(&Program::SleepSecs(2));
    let handle = fixture.create(&launch).await;
    assert_eq!(
        fixture.observe(&handle).await,
        Observed::Created { refused: None }
    );
    fixture.start(&handle).await;
    let observed = fixture.observe(&handle).await;
    assert!(
        matches!(
            observed,
            Observed::Running {
                started_at: Some(_)
            }
        ),
        "{observed:?}"
    );
    let exit = fixture.exit(&handle).await;
    assert_eq!(exit.code, 0);
    fixture.remove(&handle, Force::Never).await;
    assert_eq!(fixture.observe(&handle).await, Observed::Absent);
}

/// The facts that the verdict is made of.
pub async fn an_exit_has_the_code_of_the_program_and_sane_times(fixture: &Fixture) {
    let (_, handle) = fixture.started(&Program::ExitWith(7)).await;
    let exit = fixture.exit(&handle).await;
    assert_eq!(exit.code, 7);
    assert!(!exit.oom_killed);
    let started_at = exit.started_at.expect("knows when it started");
    let finished_at = exit.finished_at.expect("knows when it ended");
    let lasted = finished_at.duration_since(started_at);
    // Engines stamp the two moments in different threads: a very short run may seem negative.
    assert!(lasted > SignedDuration::from_millis(-100), "{lasted}");
    assert!(lasted < SignedDuration::from_secs(60), "{lasted}");
}

/// The reply to the first start may have been lost.
pub async fn a_second_start_does_not_run_the_program_twice(fixture: &Fixture) {
    let (_, handle) = fixture.started(&Program::SleepSecs(600)).await;
    let before = fixture.observe(&handle).await;
    fixture.let_the_clock_move().await;
    fixture.start(&handle).await;
    assert_eq!(fixture.observe(&handle).await, before);
}

/// Engines run an ended container again when told to start it; an executor must not tell them.
pub async fn an_ended_container_is_not_run_again(fixture: &Fixture) {
    let (_, handle) = fixture.ended(&Program::print("once\n")).await;
    let before = fixture.observe(&handle).await;
    fixture.let_the_clock_move().await;
    fixture.start(&handle).await;
    fixture.exit(&handle).await;
    assert_eq!(fixture.observe(&handle).await, before);
    let log = fixture.log(&handle, LogRange::All).await;
    assert_eq!(bytes_of(&log, Stream::Stdout), b"once\n");
}

/// A worker may die, or give up, at any moment of the call.
pub async fn a_start_that_was_dropped_midway_runs_the_program_once(fixture: &Fixture) {
    for millis in [0, 1, 2, 4, 8, 16, 64] {
        let patience = Duration::from_millis(millis);
        let handle = fixture
            .create(&fixture.launch(&Program::print("once\n")))
            .await;
        // Whether it was in time does not matter.
        let _ = tokio::time::timeout(patience, fixture.executor.start(&handle)).await;
        fixture.start(&handle).await;
        assert_eq!(
            fixture.exit(&handle).await.code,
            0,
            "dropped after {patience:?}"
        );
        let log = fixture.log(&handle, LogRange::All).await;
        assert_eq!(
            bytes_of(&log, Stream::Stdout),
            b"once\n",
            "dropped after {patience:?}"
        );
    }
}

/// The error of the call and a later look agree.
pub async fn a_program_that_is_not_there_refuses_the_start(fixture: &Fixture) {
    let handle = fixture.create(&fixture.launch(&Program::NotThere)).await;
    let error = fixture
        .executor
        .start(&handle)
        .await
        .expect_err("there is no such program");
    assert_eq!(error.fault(), Fault::StartRefused(127));
    let observed = fixture.observe(&handle).await;
    let Observed::Created {
        refused: Some(refusal),
    } = observed
    else {
        panic!("refused: {observed:?}");
    };
    assert_eq!(refusal.fault, Fault::StartRefused(127));
}

/// Nothing says why it is gone, so the caller must look, not judge.
pub async fn starting_what_is_gone_is_worth_another_look(fixture: &Fixture) {
    let handle = fixture.create(&fixture.launch(&Program::ExitWith(0))).await;
    fixture.remove(&handle, Force::Never).await;
    let error = fixture
        .executor
        .start(&handle)
        .await
        .expect_err("there is nothing to start");
    assert!(error.fault().is_transient(), "{:?}", error.fault());
    assert_eq!(fixture.observe(&handle).await, Observed::Absent);
}
