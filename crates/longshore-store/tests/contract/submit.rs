//! Submitting: each job once, and as it was.

use longshore_core::event::EventKind;
use longshore_core::limits;
use longshore_core::outcome::JobStatus;
use longshore_core::spec::JobSpec;
use longshore_store::{EventFilter, NewJob, Store, StoreError};

use crate::world::{at, new_job, spec, submit};

fn keyed(key: &str) -> JobSpec {
    JobSpec {
        idempotency_key: Some(key.parse().unwrap()),
        ..spec()
    }
}

pub(crate) async fn a_submitted_job_is_queued_and_reads_back_as_it_was(store: &Store) {
    let spec = JobSpec {
        name: Some("nightly".parse().unwrap()),
        env: [("A".parse().unwrap(), "1\n2".to_owned())].into(),
        ..spec()
    };
    let id = submit(store, spec.clone(), at(0)).await;
    let job = store.job(id).await.unwrap();
    assert_eq!((job.status, job.spec), (JobStatus::Queued, spec));
    assert_eq!(
        (job.created_at, job.queued_at, job.attempt),
        (at(0), Some(at(0)), 0)
    );
    let filter = EventFilter {
        job: Some(id),
        ..EventFilter::default()
    };
    let kinds: Vec<_> = store
        .events(filter)
        .await
        .unwrap()
        .iter()
        .map(|event| event.kind)
        .collect();
    assert_eq!(kinds, [EventKind::Submitted, EventKind::Queued]);
}

pub(crate) async fn a_delayed_job_is_pending_until_its_time(store: &Store) {
    let delayed = NewJob {
        not_before: Some(at(60)),
        ..new_job(spec())
    };
    let late = NewJob {
        not_before: Some(at(0)),
        ..new_job(spec())
    };
    store
        .submit(&[delayed.clone(), late.clone()], at(10))
        .await
        .unwrap();
    assert_eq!(
        store.job(delayed.id).await.unwrap().status,
        JobStatus::Pending
    );
    assert_eq!(store.job(late.id).await.unwrap().status, JobStatus::Queued);
}

pub(crate) async fn a_repeated_key_returns_the_first_job(store: &Store) {
    let first = submit(store, keyed("once"), at(0)).await;
    let again = store
        .submit(&[new_job(keyed("once"))], at(1))
        .await
        .unwrap()[0];
    assert_eq!((again.id, again.is_new), (first, false));
    let other = store
        .submit(&[new_job(keyed("other"))], at(1))
        .await
        .unwrap()[0];
    assert!(other.is_new && other.id != first);
}

pub(crate) async fn one_key_twice_in_one_call_makes_one_job(store: &Store) {
    let jobs = [new_job(keyed("k")), new_job(spec()), new_job(keyed("k"))];
    let submitted = store.submit(&jobs, at(0)).await.unwrap();
    let is_new: Vec<_> = submitted.iter().map(|one| one.is_new).collect();
    assert_eq!(is_new, [true, true, false]);
    assert_eq!(submitted[2].id, jobs[0].id);
    assert_eq!(store.events(EventFilter::default()).await.unwrap().len(), 4);
}

pub(crate) async fn a_repeated_id_adds_nothing(store: &Store) {
    let job = new_job(spec());
    store
        .submit(std::slice::from_ref(&job), at(0))
        .await
        .unwrap();
    let again = store
        .submit(std::slice::from_ref(&job), at(5))
        .await
        .unwrap()[0];
    assert_eq!((again.id, again.is_new), (job.id, false));
    assert_eq!(store.job(job.id).await.unwrap().created_at, at(0));
}

pub(crate) async fn more_jobs_than_one_call_may_add_are_refused_and_none_is_added(store: &Store) {
    let jobs: Vec<_> = (0..=limits::SUBMIT_BATCH)
        .map(|_| new_job(spec()))
        .collect();
    let refused = store.submit(&jobs, at(0)).await;
    assert!(matches!(refused, Err(StoreError::TooMany { .. })));
    assert!(
        store
            .events(EventFilter::default())
            .await
            .unwrap()
            .is_empty()
    );
}

pub(crate) async fn ten_thousand_jobs_are_one_call(store: &Store) {
    let jobs: Vec<_> = (0..10_000).map(|_| new_job(spec())).collect();
    let submitted = store.submit(&jobs, at(0)).await.unwrap();
    assert!(
        submitted
            .iter()
            .zip(&jobs)
            .all(|(one, job)| one.is_new && one.id == job.id)
    );
    let queued = store.counts().await.unwrap()[1];
    assert_eq!(queued, (JobStatus::Queued, 10_000));
}
