//! Jobs that their caller drives: workers leave them, and their containers, alone.

use jiff::Timestamp;
use longshore_core::job::{AttemptRecord, Driver};
use longshore_core::launch::Launch;
use longshore_core::outcome::{FailReason, JobStatus, Outcome, Provenance, Verdict};
use longshore_core::retry::Next;
use longshore_core::{AttemptId, JobId};
use longshore_engine::{Doing, Keeping, WorkerOptions, sweep};
use longshore_executor::mock::Behaviour;
use longshore_executor::{Executor, SharedExecutor};
use longshore_store::{Begun, End, Fenced, LogTotals, NewJob};
use uuid::Uuid;

use crate::rig::{Rig, spec};

/// A job that nobody has begun.
async fn pending(rig: &Rig) -> JobId {
    let job = NewJob {
        driver: Driver::Service,
        ..NewJob::new(JobId::new(Uuid::now_v7()), spec())
    };
    let id = job.id;
    rig.store.submit(&[job], Timestamp::now()).await.unwrap();
    id
}

/// A job whose container was created.
async fn created(rig: &Rig) -> (JobId, Fenced) {
    let job = pending(rig).await;
    let (attempt, now) = (AttemptId::new(Uuid::now_v7()), Timestamp::now());
    let begun = rig.store.begin(job, attempt, rig.host.id, now).await;
    let Ok(Begun::New(record)) = begun else {
        panic!("the job is pending: {begun:?}");
    };
    let launch = launch(rig, &record);
    let handle = rig.mock.create(&launch).await.unwrap();
    let fenced = Fenced::from(&record);
    rig.store.created(fenced, &handle, now).await.unwrap();
    (job, fenced)
}

/// A job whose container runs.
async fn running(rig: &Rig) -> (JobId, Fenced) {
    let (job, fenced) = created(rig).await;
    let handle = rig.mock.find(fenced.attempt).await.unwrap().unwrap();
    let now = Timestamp::now();
    rig.store.launching(fenced, now).await.unwrap();
    rig.mock.start(&handle).await.unwrap();
    rig.store.started(fenced, &handle, now).await.unwrap();
    (job, fenced)
}

/// A job that is over and whose container is still there.
async fn ended(rig: &Rig) -> (JobId, Fenced) {
    let (job, fenced) = running(rig).await;
    let outcome = Outcome::Failed(FailReason::Lost);
    let end = End {
        verdict: Verdict::without_run(outcome, Provenance::Decision, None),
        next: Next::Final,
        usage: None,
        log: LogTotals::default(),
        now: Timestamp::now(),
    };
    rig.store.end(fenced, end).await.unwrap();
    (job, fenced)
}

fn launch(rig: &Rig, record: &AttemptRecord) -> Launch {
    let spec = spec();
    Launch {
        pool: rig.store.pool(),
        job: record.job,
        attempt: record.id,
        host: rig.host.name.clone(),
        image: spec.image.clone(),
        spec,
        legacy: None,
    }
}

/// What nobody but its caller may change about a job.
async fn picture(rig: &Rig, job: JobId) -> String {
    let record = rig.store.job(job).await.unwrap();
    format!("{record:?} {:?}", rig.attempts(job).await)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_neither_claims_adopts_nor_reaps_them() {
    let rig = Rig::new(Behaviour::forever()).await;
    let jobs = [
        pending(&rig).await,
        created(&rig).await.0,
        running(&rig).await.0,
        ended(&rig).await.0,
    ];
    let mut before = Vec::new();
    for job in jobs {
        before.push(picture(&rig, job).await);
    }
    let calls = rig.mock.all_counts();

    // A worker whose services have all had their turn: it took over, ran and removed a job of its own.
    let own = rig.submit(spec()).await;
    let first = rig.worker();
    rig.status(own, JobStatus::Running).await;
    rig.kill(first).await;
    let second = rig.worker();
    rig.eventually("the adoption", async || {
        rig.attempts(own).await[0].fence == 2
    })
    .await;
    rig.store
        .request_cancel(own, Timestamp::now())
        .await
        .unwrap();
    rig.quiet("its own container to be removed", || {
        rig.mock.containers() == 3
    })
    .await;
    second.leave().await;

    for (job, before) in jobs.into_iter().zip(before) {
        assert_eq!(picture(&rig, job).await, before);
    }
    assert_eq!(rig.mock.running(), 2, "what its caller started runs on");
    for (attempt, counts) in calls {
        assert_eq!(rig.mock.counts(attempt), counts);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_ends_when_nothing_is_left_does_not_wait_for_them() {
    let rig = Rig::new(Behaviour::forever()).await;
    pending(&rig).await;
    created(&rig).await;
    running(&rig).await;
    ended(&rig).await;
    let mut worker = rig.worker_with(WorkerOptions {
        until_idle: true,
        ..WorkerOptions::default()
    });
    worker.ended().await;
    assert_eq!(rig.mock.containers(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sweep_keeps_their_containers_for_their_callers() {
    let rig = Rig::new(Behaviour::forever()).await;
    created(&rig).await;
    running(&rig).await;
    let (_, over) = ended(&rig).await;
    let executor: SharedExecutor = std::sync::Arc::new(rig.mock.clone());
    let found = sweep(&rig.store, &executor, Timestamp::now(), Doing::Apply)
        .await
        .unwrap();
    let keepings: Vec<Keeping> = found.iter().map(|found| found.keeping).collect();
    assert_eq!(keepings, [Keeping::OfService; 3]);
    assert!(found.iter().all(|found| found.removal.is_none()));
    assert!(rig.mock.find(over.attempt).await.unwrap().is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_is_only_created_takes_no_slot_from_a_worker() {
    let rig = Rig::with_slots(Behaviour::exits(0), 1).await;
    created(&rig).await;
    let own = rig.submit(spec()).await;
    let _worker = rig.worker();
    rig.status(own, JobStatus::Completed).await;
}
