//! Jobs that are cancelled, in every phase.

use std::time::Duration;

use jiff::Timestamp;
use longshore_core::outcome::{CancelReason, JobStatus, Outcome};
use longshore_core::spec::TimeLimit;
use longshore_executor::mock::{Behaviour, Call, Mischief};
use longshore_store::CancelAnswer;

use crate::rig::{Rig, spec};

const CANCELLED: Option<Outcome> = Some(Outcome::Cancelled(CancelReason::User));

#[tokio::test(flavor = "multi_thread")]
async fn a_queued_job_is_cancelled_at_once_and_never_started() {
    let rig = Rig::new(Behaviour::exits(0)).await;
    let job = rig.submit(spec()).await;
    let answer = rig
        .store
        .request_cancel(job, Timestamp::now())
        .await
        .unwrap();
    assert_eq!(answer, CancelAnswer::Cancelled);
    let _worker = rig.worker();
    let other = rig.submit(spec()).await;
    rig.finished(other).await;
    assert_eq!(rig.starts(job).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancel_during_the_pull_creates_nothing() {
    let rig = Rig::new(Behaviour::exits(0)).await;
    rig.mock.tune(|knobs| {
        knobs.other_images.on_host = false;
        knobs.other_images.pull_time = Duration::from_mins(1);
    });
    let job = rig.submit(spec()).await;
    let _worker = rig.worker();
    rig.quiet("the pull", || rig.mock.calls_made(Call::Pull) > 0)
        .await;
    rig.store
        .request_cancel(job, Timestamp::now())
        .await
        .unwrap();
    assert_eq!(rig.finished(job).await.outcome, CANCELLED);
    assert_eq!(rig.mock.calls_made(Call::Create), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancel_while_creating_leaves_nothing() {
    let rig = Rig::new(Behaviour::forever()).await;
    rig.mock.disturb(Call::Create, 1, Mischief::HangAfter);
    let job = rig.submit(spec()).await;
    let _worker = rig.worker();
    rig.quiet("the create", || rig.mock.calls_made(Call::Create) > 0)
        .await;
    rig.store
        .request_cancel(job, Timestamp::now())
        .await
        .unwrap();
    rig.mock.release(Call::Create);
    assert_eq!(rig.finished(job).await.outcome, CANCELLED);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_running_job_is_stopped() {
    let rig = Rig::new(Behaviour::forever()).await;
    let job = rig.submit(spec()).await;
    let _worker = rig.worker();
    rig.status(job, JobStatus::Running).await;
    let answer = rig
        .store
        .request_cancel(job, Timestamp::now())
        .await
        .unwrap();
    assert_eq!(answer, CancelAnswer::Requested);
    assert_eq!(rig.finished(job).await.outcome, CANCELLED);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_ignores_the_stop_signal_is_killed_after_its_grace() {
    let rig = Rig::new(Behaviour::forever().ignores_term()).await;
    let mut stubborn = spec();
    stubborn.timeouts.stop_grace = TimeLimit::from_secs(1);
    let job = rig.submit(stubborn).await;
    let _worker = rig.worker();
    rig.status(job, JobStatus::Running).await;
    rig.store
        .request_cancel(job, Timestamp::now())
        .await
        .unwrap();
    let job = rig.finished(job).await;
    assert_eq!((job.outcome, job.exit_code), (CANCELLED, Some(137)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_that_fails_is_repeated_until_it_works() {
    let rig = Rig::new(Behaviour::forever()).await;
    let fault = longshore_core::fault::Fault::Internal;
    rig.mock.disturb(Call::Stop, 3, Mischief::Fail(fault));
    let job = rig.submit(spec()).await;
    let _worker = rig.worker();
    rig.status(job, JobStatus::Running).await;
    rig.store
        .request_cancel(job, Timestamp::now())
        .await
        .unwrap();
    assert_eq!(rig.finished(job).await.outcome, CANCELLED);
}
