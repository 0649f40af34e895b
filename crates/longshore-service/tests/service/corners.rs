//! Corners of the record: what was never made, what is gone, and two callers at once.

use std::time::Duration;

use longshore_core::JobId;
use longshore_core::event::EventKind;
use longshore_core::fault::Fault;
use longshore_core::log::Stream;
use longshore_core::spec::JobSpec;
use longshore_executor::Force;
use longshore_executor::mock::{Behaviour, Call, Mischief, MockExecutor};
use longshore_service::{ServiceError, Why};

use crate::rig::{Rig, is_connection, is_execution};

fn spec() -> JobSpec {
    JobSpec::new("busybox:1".parse().unwrap())
}

/// A job with an attempt under way whose container was never made, though nobody knows that.
async fn unmade(rig: &Rig, mock: &MockExecutor) -> JobId {
    let job = rig.job(spec()).await;
    mock.disturb(Call::Create, 3, Mischief::Fail(Fault::Unreachable));
    is_connection(rig.create(job).await);
    job
}

#[tokio::test]
async fn what_was_never_made_is_no_container_to_any_operation() {
    let rig = Rig::new().await;
    let (_, mock) = rig.mock(Behaviour::forever()).await;
    let job = unmade(&rig, &mock).await;
    let service = &rig.service;
    let error = is_execution(service.start_container(job).await);
    assert!(matches!(error.why(), Some(Why::NoContainer)), "{error}");
    let grace = Duration::ZERO;
    assert!(!service.stop_container(job, grace).await.unwrap());
    assert!(!service.remove_container(job, Force::Kill).await.unwrap());
    assert!(!service.harvest_completed_job(job).await.unwrap());
    let waited = service.wait_for_container(job, None).await;
    assert_eq!(waited.unwrap(), None);
    assert_eq!(service.get_container_stats(job).await.unwrap(), None);
    assert_eq!(rig.log(job).await, "");
    let status = service.check_container_status(job).await.unwrap();
    assert_eq!(status.word(), "no-container");
    assert_eq!(rig.standing(job).await, "pending");
    assert!(service.cancel_job(job).await.unwrap());
    assert_eq!(rig.standing(job).await, "cancelled user");
}

#[tokio::test]
async fn what_cannot_be_looked_for_is_not_known() {
    let rig = Rig::new().await;
    let (host, mock) = rig.mock(Behaviour::forever()).await;
    let job = unmade(&rig, &mock).await;
    mock.cut();
    let service = &rig.service;
    let status = service.check_container_status(job).await.unwrap();
    assert_eq!(status.word(), "error");
    let removed = service.remove_container(job, Force::Kill).await;
    assert!(!removed.unwrap());
    let error = is_connection(rig.create(job).await);
    let ServiceError::DockerConnection(error) = error else {
        panic!("{error}");
    };
    assert_eq!(error.host(), host.id);
    assert_eq!(error.host_name(), host.name);
    assert_eq!(rig.standing(job).await, "pending");
}

#[tokio::test]
async fn a_launch_that_got_no_answer_is_looked_for_when_it_is_removed() {
    let rig = Rig::new().await;
    let (_, mock) = rig.mock(Behaviour::forever()).await;
    let never = rig.job(spec()).await;
    mock.disturb(Call::Create, 3, Mischief::Fail(Fault::Unreachable));
    assert!(!rig.service.launch_job(never).await.unwrap());
    let status = rig.service.check_container_status(never).await.unwrap();
    assert_eq!(status.word(), "no-container");
    assert_eq!(rig.attempt(never).await.removed_at, None);
    let remove = |job| rig.service.remove_container(job, Force::Never);
    assert!(!remove(never).await.unwrap());
    assert!(rig.attempt(never).await.removed_at.is_some());
    let made = rig.job(spec()).await;
    mock.disturb(Call::Create, 3, Mischief::LoseReply(Fault::Unreachable));
    assert!(!rig.service.launch_job(made).await.unwrap());
    assert_eq!(mock.containers(), 1);
    assert!(remove(made).await.unwrap());
    assert_eq!(mock.containers(), 0);
}

#[tokio::test]
async fn starting_what_was_taken_away_loses_the_job() {
    let rig = Rig::new().await;
    let (_, mock) = rig.mock(Behaviour::forever()).await;
    let job = rig.created(spec()).await;
    mock.vanish(rig.attempt(job).await.id);
    assert!(!rig.service.start_container(job).await.unwrap());
    assert_eq!(rig.standing(job).await, "failed lost");
}

#[tokio::test]
async fn a_refused_start_keeps_its_container_where_containers_are_kept() {
    let rig = Rig::keeping().await;
    let (_, mock) = rig.mock(Behaviour::refuses_start(125, "no")).await;
    let job = rig.created(spec()).await;
    assert!(!rig.service.start_container(job).await.unwrap());
    assert_eq!(rig.standing(job).await, "failed start(125)");
    assert_eq!(mock.containers(), 1);
    assert!(rig.service.harvest_completed_job(job).await.unwrap());
    assert_eq!(mock.containers(), 1);
}

#[tokio::test]
async fn a_container_that_cannot_be_removed_after_its_harvest_is_removed_by_the_next() {
    let rig = Rig::new().await;
    let (_, mock) = rig.mock(Behaviour::exits(0)).await;
    let job = rig.started(spec()).await;
    mock.disturb(Call::Remove, 1, Mischief::Fail(Fault::Internal));
    assert!(rig.service.harvest_completed_job(job).await.unwrap());
    assert_eq!(mock.containers(), 1);
    assert!(rig.service.harvest_completed_job(job).await.unwrap());
    assert_eq!(mock.containers(), 0);
    assert!(rig.attempt(job).await.removed_at.is_some());
}

#[tokio::test]
async fn an_engine_that_refuses_its_log_delays_the_harvest() {
    let rig = Rig::new().await;
    let (_, mock) = rig
        .mock(Behaviour::exits(0).prints(Duration::ZERO, Stream::Stdout, "x\n"))
        .await;
    let job = rig.started(spec()).await;
    mock.disturb(Call::Logs, 1, Mischief::Fail(Fault::Internal));
    assert!(!rig.service.harvest_completed_job(job).await.unwrap());
    assert_eq!(mock.containers(), 1);
    assert!(rig.service.harvest_completed_job(job).await.unwrap());
    assert_eq!(rig.log(job).await, "x\n");
}

#[tokio::test]
async fn two_callers_at_once_get_one_container_one_start_and_one_end() {
    let rig = Rig::new().await;
    let (_, mock) = rig.mock(Behaviour::exits(0)).await;
    for _ in 0..10 {
        let job = rig.job(spec()).await;
        let (one, other) = tokio::join!(rig.create(job), rig.create(job));
        assert_eq!(one.unwrap(), other.unwrap());
        let service = &rig.service;
        let (one, other) = tokio::join!(service.start_container(job), service.start_container(job));
        assert!(one.unwrap() && other.unwrap());
        let (one, other) = tokio::join!(
            service.harvest_completed_job(job),
            service.harvest_completed_job(job)
        );
        assert!(one.unwrap() || other.unwrap());
        assert_eq!(rig.standing(job).await, "completed");
        let counts = mock.counts(rig.attempt(job).await.id);
        assert_eq!((counts.creates, counts.starts), (1, 1));
        let events = rig.events(job).await;
        let ends = events.iter().filter(|kind| **kind == EventKind::Finished);
        assert_eq!(ends.count(), 1);
    }
}

#[tokio::test]
async fn two_wishes_to_cancel_give_one_cancelled_job() {
    let rig = Rig::new().await;
    let (_, mock) = rig.mock(Behaviour::forever()).await;
    for make in [false, true] {
        let job = rig.job(spec()).await;
        if make {
            rig.create(job).await.unwrap();
            assert!(rig.service.start_container(job).await.unwrap());
        }
        let service = &rig.service;
        let (one, other) = tokio::join!(service.cancel_job(job), service.cancel_job(job));
        assert!(one.unwrap() || other.unwrap());
        assert_eq!(rig.standing(job).await, "cancelled user");
    }
    assert_eq!(mock.containers(), 0);
}

#[tokio::test]
async fn a_wait_whose_stop_gets_no_answer_decides_nothing() {
    let rig = Rig::new().await;
    let (_, mock) = rig.mock(Behaviour::forever()).await;
    let mut spec = spec();
    spec.timeouts.run = Some(longshore_core::spec::TimeLimit::from_secs(1));
    let job = rig.started(spec).await;
    mock.disturb(Call::Stop, 1, Mischief::Fail(Fault::TimedOut));
    is_connection(rig.service.wait_for_container(job, None).await);
    assert_eq!(rig.standing(job).await, "running");
    let waited = rig.service.wait_for_container(job, None).await;
    assert_eq!(waited.unwrap(), Some(143));
    assert_eq!(rig.standing(job).await, "timeout run");
}

#[tokio::test]
async fn a_container_that_is_being_removed_is_waited_for_and_lost() {
    let rig = Rig::new().await;
    let (host, mock) = rig.mock(Behaviour::exits(0)).await;
    mock.tune(|knobs| knobs.removal_time = Duration::from_millis(400));
    let job = rig.started(spec()).await;
    let executor = rig.service.get_client(&host).await.unwrap();
    let handle = rig.attempt(job).await.handle.unwrap();
    executor.remove(&handle, Force::Never).await.unwrap();
    assert!(!rig.service.harvest_completed_job(job).await.unwrap());
    let status = rig.service.check_container_status(job).await.unwrap();
    assert_eq!(status.word(), "error");
    let waited = rig.service.wait_for_container(job, None).await;
    assert_eq!(waited.unwrap(), None);
    assert_eq!(rig.standing(job).await, "failed lost");
}

#[tokio::test]
async fn an_image_step_on_a_silent_host_leaves_nothing_under_way() {
    let rig = Rig::new().await;
    let (_, mock) = rig.mock(Behaviour::forever()).await;
    let job = rig.job(spec()).await;
    mock.disturb(Call::Image, 3, Mischief::Fail(Fault::Unreachable));
    is_connection(rig.create(job).await);
    let attempt = rig.attempt(job).await;
    assert!(attempt.verdict.is_some() && attempt.removed_at.is_some());
    let id = rig.service.create_container(job, &[].into()).await.unwrap();
    assert_eq!(id.as_str(), rig.create(job).await.unwrap());
}

#[tokio::test]
async fn jobs_without_a_host_are_spread_over_those_that_there_are() {
    let rig = Rig::new().await;
    let (_, one) = rig.mock(Behaviour::forever()).await;
    let (_, other) = rig.mock(Behaviour::forever()).await;
    for _ in 0..30 {
        rig.created(spec()).await;
    }
    assert_eq!((one.containers(), other.containers()), (15, 15));
}
