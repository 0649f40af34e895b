//! Wishes: cancel, and try again.

use longshore_core::JobId;
use longshore_core::event::EventKind;
use longshore_core::outcome::{CancelReason, JobStatus, Outcome};
use longshore_core::retry::Next;
use longshore_store::{CancelAnswer, EventFilter, NewJob, RetryAnswer, Store, StoreError};

use crate::world::{
    add_host, at, claim_one, end, new_job, retry_after, running, spec, submit, uuid,
};

pub(crate) async fn a_waiting_job_is_cancelled_at_once(store: &Store) {
    let queued = submit(store, spec(), at(0)).await;
    let pending = NewJob {
        not_before: Some(at(60)),
        ..new_job(spec())
    };
    store
        .submit(std::slice::from_ref(&pending), at(0))
        .await
        .unwrap();
    let (retrying, fenced) = running(store, spec()).await;
    store.end(fenced, end(1, retry_after(5))).await.unwrap();
    for job in [queued, pending.id, retrying] {
        assert_eq!(
            store.request_cancel(job, at(5)).await.unwrap(),
            CancelAnswer::Cancelled
        );
        let job = store.job(job).await.unwrap();
        assert_eq!(job.outcome, Some(Outcome::Cancelled(CancelReason::User)));
        assert_eq!(
            (job.status, job.finished_at),
            (JobStatus::Cancelled, Some(at(5)))
        );
    }
    assert!(store.queued(9).await.unwrap().is_empty());
    assert_eq!(store.next_due().await.unwrap(), None);
}

pub(crate) async fn a_running_job_is_asked_to_stop_once(store: &Store) {
    let (job, _) = running(store, spec()).await;
    for now in [5, 6] {
        assert_eq!(
            store.request_cancel(job, at(now)).await.unwrap(),
            CancelAnswer::Requested
        );
    }
    let read = store.job(job).await.unwrap();
    assert_eq!(
        (read.status, read.cancel_requested_at),
        (JobStatus::Running, Some(at(5)))
    );
    let filter = EventFilter {
        job: Some(job),
        ..EventFilter::default()
    };
    let events = store.events(filter).await.unwrap();
    let wishes = events
        .iter()
        .filter(|event| event.kind == EventKind::CancelRequested);
    assert_eq!(wishes.count(), 1);
}

pub(crate) async fn a_final_job_is_not_cancelled(store: &Store) {
    let (job, fenced) = running(store, spec()).await;
    store.end(fenced, end(1, Next::Final)).await.unwrap();
    let answer = store.request_cancel(job, at(9)).await.unwrap();
    assert_eq!(answer, CancelAnswer::AlreadyFinal(JobStatus::Failed));
}

pub(crate) async fn a_failed_job_is_tried_again_with_fresh_budgets(store: &Store) {
    let (job, fenced) = running(store, spec()).await;
    store.end(fenced, end(1, retry_after(0))).await.unwrap();
    store.release_due(at(4)).await.unwrap();
    let second = claim_one(store, job, add_host(store, 1).await).await;
    store
        .end((&second).into(), end(1, Next::Final))
        .await
        .unwrap();
    assert_eq!(
        store.request_retry(job, at(20)).await.unwrap(),
        RetryAnswer::Queued
    );
    let read = store.job(job).await.unwrap();
    assert_eq!(
        (read.status, read.outcome, read.finished_at),
        (JobStatus::Queued, None, None)
    );
    assert_eq!(
        (read.retries_used, read.attempt, read.queued_at),
        (0, 2, Some(at(20)))
    );
    let third = claim_one(store, job, add_host(store, 1).await).await;
    assert_eq!(third.number, 3);
    assert_eq!(store.attempts(job).await.unwrap().len(), 3);
}

pub(crate) async fn a_completed_job_is_not_tried_again(store: &Store) {
    let (job, fenced) = running(store, spec()).await;
    store.end(fenced, end(0, Next::Final)).await.unwrap();
    let answer = store.request_retry(job, at(9)).await.unwrap();
    assert_eq!(answer, RetryAnswer::AlreadyCompleted);
}

pub(crate) async fn a_job_under_way_is_not_tried_again(store: &Store) {
    let (job, _) = running(store, spec()).await;
    let answer = store.request_retry(job, at(9)).await.unwrap();
    assert_eq!(answer, RetryAnswer::NotFinal(JobStatus::Running));
}

pub(crate) async fn a_wish_about_an_unknown_job_is_refused_by_name(store: &Store) {
    let nobody = JobId::new(uuid());
    let error = store.request_cancel(nobody, at(0)).await.unwrap_err();
    assert_eq!(error.to_string(), format!("no job `{nobody}`"));
    let error = store.request_retry(nobody, at(0)).await.unwrap_err();
    assert!(matches!(error, StoreError::NotFound { what: "job", .. }));
}
