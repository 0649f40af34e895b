//! Many jobs: slots, order, several workers, jobs that come later.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use longshore_core::JobId;
use longshore_core::log::Stream;
use longshore_core::outcome::{JobStatus, Limit, Outcome};
use longshore_core::policy::Policy;
use longshore_core::spec::TimeLimit;
use longshore_executor::mock::Behaviour;
use longshore_store::NewJob;
use uuid::Uuid;

use crate::rig::{Rig, spec};

#[tokio::test(flavor = "multi_thread")]
async fn two_workers_run_each_of_a_hundred_jobs_exactly_once() {
    let rig = Rig::with_slots(Behaviour::exits(0).runs_for(Duration::from_millis(20)), 8).await;
    let jobs = rig.submit_all(vec![spec(); 100]).await;
    let _workers = [rig.worker(), rig.worker()];
    for job in &jobs {
        assert_eq!(
            rig.until("the end", *job, |job| job.status.is_final())
                .await
                .attempt,
            1
        );
        assert_eq!(rig.starts(*job).await, 1);
    }
    assert!(
        rig.mock.max_running() <= 8,
        "{} ran at one time",
        rig.mock.max_running()
    );
    rig.quiet("all containers to be removed", || {
        rig.mock.containers() == 0
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_higher_priority_starts_first() {
    let rig = Rig::with_slots(Behaviour::exits(0).runs_for(Duration::from_millis(20)), 1).await;
    let specs = [10, 90, 50].map(|priority: i64| {
        let mut spec = spec();
        spec.priority = priority.to_string().parse().unwrap();
        spec
    });
    let jobs = rig.submit_all(specs.into()).await;
    let _worker = rig.worker();
    let mut started = Vec::new();
    for job in jobs {
        started.push(rig.finished(job).await.started_at.unwrap());
    }
    assert!(
        started[1] < started[2] && started[2] < started[0],
        "{started:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_delayed_job_waits_for_its_time() {
    let rig = Rig::new(Behaviour::exits(0)).await;
    let not_before = Timestamp::now() + SignedDuration::from_millis(700);
    let job = NewJob {
        not_before: Some(not_before),
        ..NewJob::new(JobId::new(Uuid::now_v7()), spec())
    };
    rig.store
        .submit(std::slice::from_ref(&job), Timestamp::now())
        .await
        .unwrap();
    let _worker = rig.worker();
    let job = rig.finished(job.id).await;
    assert!(job.started_at.unwrap() >= not_before);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_waits_too_long_is_given_up() {
    let rig = Rig::with_slots(Behaviour::forever(), 1).await;
    let mut impatient = spec();
    impatient.timeouts.queue = Some(TimeLimit::from_secs(1));
    let jobs = rig.submit_all(vec![spec(), impatient]).await;
    let _worker = rig.worker();
    let ended = rig
        .until("the end", jobs[1], |job| job.status.is_final())
        .await;
    assert_eq!(ended.outcome, Some(Outcome::TimedOut(Limit::Queue)));
    assert_eq!(
        rig.store.job(jobs[0]).await.unwrap().status,
        JobStatus::Running
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_names_a_host_that_is_not_there_waits() {
    let rig = Rig::new(Behaviour::exits(0)).await;
    let mut elsewhere = spec();
    elsewhere.host = Some("elsewhere".into());
    let jobs = rig.submit_all(vec![elsewhere, spec()]).await;
    let _worker = rig.worker();
    rig.finished(jobs[1]).await;
    assert_eq!(
        rig.store.job(jobs[0]).await.unwrap().status,
        JobStatus::Queued
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_finished_job_is_forgotten_with_its_log_when_its_time_has_passed() {
    let rig = Rig::new(Behaviour::exits(0).prints(Duration::ZERO, Stream::Stdout, "x")).await;
    let policy = Policy {
        keep_finished: Some(TimeLimit::from_secs(1)),
        ..Policy::default()
    };
    rig.store.set_policy(&policy).await.unwrap();
    let _worker = rig.worker();
    let job = rig.submit(spec()).await;
    rig.finished(job).await;
    let attempt = rig.attempts(job).await.pop().map(|attempt| attempt.id);
    let mut changes = rig.store.changes();
    while rig.store.job(job).await.is_ok() {
        changes.changed().await;
    }
    rig.eventually("the log is gone", async || match attempt {
        Some(attempt) => rig.store.logs().totals(attempt).await.unwrap().frames == 0,
        None => true,
    })
    .await;
}
