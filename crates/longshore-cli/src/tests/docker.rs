//! `docker …`: jobs that their caller drives, on a played host.

use longshore_core::job::Driver;
use longshore_core::outcome::JobStatus;
use longshore_executor::mock::{Behaviour, Selector};
use longshore_store::JobFilter;

use super::stage::Stage;

/// A stage whose containers behave like this.
fn stage(behaviour: Behaviour) -> Stage {
    let stage = Stage::new();
    stage
        .mock()
        .tune(|knobs| knobs.behave(Selector::Any, behaviour));
    stage
}

#[tokio::test]
async fn create_stores_a_job_of_its_callers_own_and_prints_the_container() {
    let stage = stage(Behaviour::exits(0));
    let played = stage.type_in(&["docker", "create", "demo", "true"]).await;
    assert_eq!(played.code, 0, "{played:?}");
    let job = stage.newest().await;
    assert_eq!(
        (job.driver, job.status),
        (Driver::Service, JobStatus::Pending)
    );
    assert_eq!(played.err, format!("job {}\n", job.id.short()));
    let attempts = stage.store().await.attempts(job.id).await.unwrap();
    assert!(!played.out.trim().is_empty() && attempts[0].handle.is_some());
}

#[tokio::test]
async fn a_job_is_launched_waited_for_and_harvested() {
    let stage = stage(Behaviour::exits(3));
    assert_eq!(stage.type_in(&["docker", "launch", "demo"]).await.code, 0);
    assert_eq!(stage.type_in(&["docker", "wait", "-"]).await.out, "3\n");
    assert_eq!(stage.type_in(&["docker", "harvest", "-"]).await.code, 0);
    assert_eq!(
        stage.type_in(&["docker", "status", "-"]).await.out,
        "not-found\n"
    );
    assert_eq!(stage.newest().await.exit_code, Some(3));
}

#[tokio::test]
async fn what_was_not_done_is_1_with_the_state_of_the_job() {
    let stage = stage(Behaviour::exits(0));
    stage.type_in(&["docker", "create", "demo"]).await;
    let played = stage.type_in(&["docker", "harvest", "-"]).await;
    assert_eq!(played.code, 1, "{played:?}");
    assert!(
        played.out.contains("not harvested, is pending"),
        "{played:?}"
    );
}

#[tokio::test]
async fn one_of_several_that_fails_keeps_the_others_from_nothing() {
    let stage = stage(Behaviour::exits(0));
    stage
        .type_in(&["docker", "create", "--name", "a", "demo"])
        .await;
    stage.type_in(&["submit", "--name", "b", "demo"]).await;
    let played = stage.type_in(&["docker", "start", "b", "a"]).await;
    assert_eq!(played.code, 1, "{played:?}");
    assert!(played.err.contains("workers move this job"), "{played:?}");
    assert!(played.out.contains("started"), "{played:?}");
}

#[tokio::test]
async fn a_failure_says_what_to_type_next() {
    let stage = stage(Behaviour::exits(0));
    stage.type_in(&["docker", "create", "demo"]).await;
    let early = stage.type_in(&["docker", "wait", "-"]).await;
    assert!(
        early.err.contains("`longshore docker start JOB`"),
        "{early:?}"
    );
    stage.mock().cut();
    let cut = stage.type_in(&["docker", "version"]).await;
    assert_eq!(cut.code, 1, "{cut:?}");
    assert!(cut.err.contains("`longshore hosts check`"), "{cut:?}");
}

#[tokio::test]
async fn a_plan_of_the_clean_up_removes_nothing_and_applying_it_does() {
    let stage = stage(Behaviour::exits(0));
    stage.type_in(&["docker", "launch", "demo"]).await;
    stage.type_in(&["docker", "wait", "-"]).await;
    let sweep = ["docker", "cleanup", "--older-than", "0s"];
    let planned = stage.type_in(&[&sweep[..], &["--plan"]].concat()).await;
    assert!(planned.out.contains("would remove"), "{planned:?}");
    assert_eq!(stage.mock().containers(), 1);
    let applied = stage.type_in(&[&sweep[..], &["--apply"]].concat()).await;
    assert!(applied.out.contains("removed"), "{applied:?}");
    assert_eq!(stage.mock().containers(), 0);
}

#[tokio::test]
async fn times_that_are_none_are_refused() {
    let stage = stage(Behaviour::exits(0));
    for line in [
        &["docker", "cleanup", "--plan", "--older-than", "soon"][..],
        &["docker", "create", "--delay", "10m", "demo"],
        &["docker", "pull", "--timeout", "0", "demo"],
    ] {
        assert_eq!(stage.type_in(line).await.code, 2, "{line:?}");
    }
}

#[tokio::test]
async fn what_only_workers_do_is_refused_with_what_to_type() {
    let stage = stage(Behaviour::exits(0));
    for verb in ["create", "launch"] {
        let played = stage
            .type_in(&["docker", verb, "--array", "0-3", "demo"])
            .await;
        assert_eq!(played.code, 2, "{played:?}");
        assert!(
            played.err.contains("longshore submit --array"),
            "{played:?}"
        );
    }
    let store = stage.store().await;
    assert!(store.jobs(&JobFilter::default()).await.unwrap().is_empty());
}
