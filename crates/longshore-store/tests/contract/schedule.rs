//! What time brings about.

use longshore_core::outcome::{JobStatus, Limit, Outcome};
use longshore_core::retry::Next;
use longshore_core::spec::{JobSpec, TimeLimit, TimeLimits};
use longshore_store::{NewJob, Store};

use crate::world::{at, end, new_job, retry_after, running, spec, submit};

fn limited(queue: Option<u64>, total: Option<u64>) -> JobSpec {
    let limit = |seconds: Option<u64>| seconds.map(TimeLimit::from_secs);
    let timeouts = TimeLimits {
        queue: limit(queue),
        total: limit(total),
        ..TimeLimits::default()
    };
    JobSpec { timeouts, ..spec() }
}

pub(crate) async fn what_is_due_is_released_and_nothing_else(store: &Store) {
    let jobs = [10, 20].map(|due| NewJob {
        not_before: Some(at(due)),
        ..new_job(spec())
    });
    store.submit(&jobs, at(0)).await.unwrap();
    assert_eq!(store.next_due().await.unwrap(), Some(at(10)));
    assert_eq!(store.release_due(at(9)).await.unwrap(), 0);
    assert_eq!(store.release_due(at(10)).await.unwrap(), 1);
    let first = store.job(jobs[0].id).await.unwrap();
    assert_eq!(
        (first.status, first.queued_at),
        (JobStatus::Queued, Some(at(10)))
    );
    assert_eq!(
        store.job(jobs[1].id).await.unwrap().status,
        JobStatus::Pending
    );
}

pub(crate) async fn a_job_that_waits_too_long_times_out(store: &Store) {
    let queue = submit(store, limited(Some(10), None), at(0)).await;
    let total = submit(store, limited(None, Some(20)), at(0)).await;
    let patient = submit(store, spec(), at(0)).await;
    assert!(store.expire_queued(at(9)).await.unwrap().is_empty());
    assert_eq!(store.expire_queued(at(10)).await.unwrap(), [queue]);
    assert_eq!(store.expire_queued(at(20)).await.unwrap(), [total]);
    for (job, limit) in [(queue, Limit::Queue), (total, Limit::Total)] {
        let outcome = store.job(job).await.unwrap().outcome;
        assert_eq!(outcome, Some(Outcome::TimedOut(limit)));
    }
    assert_eq!(store.job(patient).await.unwrap().status, JobStatus::Queued);
}

pub(crate) async fn the_queue_clock_starts_anew_with_each_wait(store: &Store) {
    let (job, fenced) = running(store, limited(Some(10), None)).await;
    assert!(store.expire_queued(at(50)).await.unwrap().is_empty());
    store.end(fenced, end(1, retry_after(46))).await.unwrap();
    assert!(store.expire_queued(at(49)).await.unwrap().is_empty());
    store.release_due(at(50)).await.unwrap();
    assert!(store.expire_queued(at(59)).await.unwrap().is_empty());
    assert_eq!(store.expire_queued(at(60)).await.unwrap(), [job]);
}

pub(crate) async fn the_next_time_is_the_earliest(store: &Store) {
    assert_eq!(store.next_due().await.unwrap(), None);
    submit(store, limited(None, Some(90)), at(0)).await;
    assert_eq!(store.next_due().await.unwrap(), Some(at(90)));
    submit(store, limited(Some(50), None), at(0)).await;
    assert_eq!(store.next_due().await.unwrap(), Some(at(50)));
    let delayed = NewJob {
        not_before: Some(at(20)),
        ..new_job(spec())
    };
    store.submit(&[delayed], at(0)).await.unwrap();
    assert_eq!(store.next_due().await.unwrap(), Some(at(20)));
}

pub(crate) async fn old_jobs_go_when_their_containers_are_gone(store: &Store) {
    let (job, fenced) = running(store, spec()).await;
    store.end(fenced, end(0, Next::Final)).await.unwrap();
    assert!(store.delete_finished(at(99), 9).await.unwrap().is_empty());
    store.removed(fenced.attempt, at(6)).await.unwrap();
    assert!(store.delete_finished(at(4), 9).await.unwrap().is_empty());
    assert_eq!(
        store.delete_finished(at(5), 9).await.unwrap(),
        [fenced.attempt]
    );
    assert!(store.job(job).await.is_err());
    assert!(store.attempts(job).await.unwrap().is_empty());
}

pub(crate) async fn what_is_not_removed_is_listed_in_pages(store: &Store) {
    let mut ended = Vec::new();
    for _ in 0..3 {
        let (_, fenced) = running(store, spec()).await;
        store.end(fenced, end(0, Next::Final)).await.unwrap();
        ended.push(fenced.attempt);
    }
    running(store, spec()).await;
    store.removed(ended[1], at(9)).await.unwrap();
    let first = store.unremoved(1, None).await.unwrap();
    assert_eq!(first[0].id, ended[0]);
    let rest = store.unremoved(9, Some(ended[0])).await.unwrap();
    assert_eq!(
        rest.iter().map(|record| record.id).collect::<Vec<_>>(),
        [ended[2]]
    );
}
