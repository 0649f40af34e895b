//! Jobs that wait for others: released, or ended with them, in the transaction of their end.

use std::slice::from_ref;

use longshore_core::dependency::{Condition, Dependency, Standing, Upstream};
use longshore_core::job::Job;
use longshore_core::outcome::JobStatus;
use longshore_core::retry::Next;
use longshore_core::{ArrayId, JobId};
use longshore_store::{Fenced, NewJob, OfArray, RetryAnswer, Store, StoreError};

use crate::world::{
    add_host, at, claim_one, driven, end, new_job, retry_after, spec, submit, submit_driven, uuid,
};

fn after(upstream: Upstream, condition: Condition) -> NewJob {
    NewJob {
        after: vec![Dependency {
            upstream,
            condition,
        }],
        ..new_job(spec())
    }
}

/// Submits one that waits for the success of another.
async fn submit_after(store: &Store, job: JobId) -> JobId {
    let job = after(Upstream::Job(job), Condition::Succeeded);
    store.submit(&[job], at(0)).await.unwrap()[0].id
}

/// Runs a queued job to its end.
async fn run(store: &Store, job: JobId, code: i32, next: Next) {
    let host = add_host(store, 1).await;
    let attempt = claim_one(store, job, host).await;
    let ended = store.end(Fenced::from(&attempt), end(code, next)).await;
    ended.unwrap();
}

async fn status(store: &Store, job: JobId) -> String {
    described(&store.job(job).await.unwrap())
}

fn described(job: &Job) -> String {
    let outcome = job.outcome.map(|outcome| outcome.to_string());
    let text = format!("{} {}", job.status, outcome.unwrap_or_default());
    text.trim_end().to_owned()
}

pub(crate) async fn each_condition_is_met_or_in_vain_by_how_the_job_ends(store: &Store) {
    for (code, expected) in [
        (0, ["queued", "queued", "cancelled dependency"]),
        (3, ["failed dependency", "queued", "queued"]),
    ] {
        let first = submit(store, spec(), at(0)).await;
        let upstream = Upstream::Job(first);
        let jobs = Condition::ALL.map(|condition| after(upstream, condition));
        store.submit(&jobs, at(0)).await.unwrap();
        for job in &jobs {
            assert_eq!(status(store, job.id).await, "pending");
        }
        run(store, first, code, Next::Final).await;
        for (job, expected) in jobs.iter().zip(expected) {
            assert_eq!(status(store, job.id).await, expected, "{job:?}");
        }
    }
}

pub(crate) async fn a_job_waits_through_the_retries_of_another(store: &Store) {
    let first = submit(store, spec(), at(0)).await;
    let second = submit_after(store, first).await;
    run(store, first, 3, retry_after(5)).await;
    assert_eq!(status(store, second).await, "pending");
    store.release_due(at(99)).await.unwrap();
    assert_eq!(status(store, second).await, "pending");
    run(store, first, 0, Next::Final).await;
    assert_eq!(status(store, second).await, "queued");
    let job = store.job(second).await.unwrap();
    assert_eq!(job.queued_at, Some(at(4)));
}

pub(crate) async fn all_that_is_waited_for_must_hold(store: &Store) {
    let jobs = [new_job(spec()), new_job(spec())];
    store.submit(&jobs, at(0)).await.unwrap();
    let needs = jobs.each_ref().map(|job| Dependency {
        upstream: Upstream::Job(job.id),
        condition: Condition::Finished,
    });
    let last = NewJob {
        after: [&needs[..], &needs[..]].concat(),
        not_before: Some(at(50)),
        ..new_job(spec())
    };
    store.submit(from_ref(&last), at(0)).await.unwrap();
    run(store, jobs[0].id, 1, Next::Final).await;
    store.release_due(at(99)).await.unwrap();
    assert_eq!(status(store, last.id).await, "pending");
    run(store, jobs[1].id, 0, Next::Final).await;
    assert_eq!(status(store, last.id).await, "pending");
    store.release_due(at(99)).await.unwrap();
    assert_eq!(status(store, last.id).await, "queued");
}

pub(crate) async fn a_chain_ends_with_its_first_job_and_comes_back_with_it(store: &Store) {
    let first = submit(store, spec(), at(0)).await;
    let second = submit_after(store, first).await;
    let third = submit_after(store, second).await;
    store.request_cancel(first, at(1)).await.unwrap();
    let fallen = store.job(third).await.unwrap();
    assert_eq!(described(&fallen), "cancelled dependency");
    let message = fallen.message.unwrap();
    assert!(message.contains(&second.short()), "{message}");
    let in_vain = store.request_retry(third, at(2)).await.unwrap();
    assert_eq!(in_vain, RetryAnswer::InVain(Upstream::Job(second)));
    store.request_retry(first, at(2)).await.unwrap();
    for (job, expected) in [(first, "queued"), (second, "pending"), (third, "pending")] {
        assert_eq!(status(store, job).await, expected);
    }
    run(store, first, 0, Next::Final).await;
    run(store, second, 0, Next::Final).await;
    assert_eq!(status(store, third).await, "queued");
}

pub(crate) async fn a_job_that_two_failed_under_comes_back_when_both_are_tried_again(
    store: &Store,
) {
    let jobs = [new_job(spec()), new_job(spec())];
    store.submit(&jobs, at(0)).await.unwrap();
    let needs = jobs.each_ref().map(|job| Dependency {
        upstream: Upstream::Job(job.id),
        condition: Condition::Succeeded,
    });
    let last = NewJob {
        after: needs.to_vec(),
        ..new_job(spec())
    };
    store.submit(from_ref(&last), at(0)).await.unwrap();
    for job in &jobs {
        run(store, job.id, 3, Next::Final).await;
    }
    store.request_retry(jobs[0].id, at(5)).await.unwrap();
    assert_eq!(status(store, last.id).await, "failed dependency");
    store.request_retry(jobs[1].id, at(5)).await.unwrap();
    assert_eq!(status(store, last.id).await, "pending");
}

pub(crate) async fn what_was_given_up_by_hand_does_not_come_back_with_another(store: &Store) {
    let first = submit(store, spec(), at(0)).await;
    let second = submit_after(store, first).await;
    store.request_cancel(second, at(1)).await.unwrap();
    run(store, first, 3, Next::Final).await;
    store.request_retry(first, at(5)).await.unwrap();
    assert_eq!(status(store, second).await, "cancelled user");
}

pub(crate) async fn what_is_decided_at_the_submit_is_brought_about_at_once(store: &Store) {
    let (good, bad) = (
        submit(store, spec(), at(0)).await,
        submit(store, spec(), at(0)).await,
    );
    run(store, good, 0, Next::Final).await;
    run(store, bad, 3, Next::Final).await;
    let released = submit_after(store, good).await;
    let fallen = submit_after(store, bad).await;
    assert_eq!(status(store, released).await, "queued");
    assert_eq!(status(store, fallen).await, "failed dependency");
}

pub(crate) async fn a_batch_waits_for_its_own_earlier_jobs_alone(store: &Store) {
    let first = new_job(spec());
    let second = after(Upstream::Job(first.id), Condition::Succeeded);
    let batch = [second.clone(), first.clone()];
    let refused = store.submit(&batch, at(0)).await;
    assert!(matches!(
        refused,
        Err(StoreError::NotFound { what: "job", .. })
    ));
    assert!(store.jobs(&<_>::default()).await.unwrap().is_empty());
    store
        .submit(&[first.clone(), second.clone()], at(0))
        .await
        .unwrap();
    run(store, first.id, 0, Next::Final).await;
    assert_eq!(status(store, second.id).await, "queued");
}

pub(crate) async fn a_repeated_batch_waits_for_the_jobs_of_the_first(store: &Store) {
    let keyed = || {
        let mut job = new_job(spec());
        job.spec.idempotency_key = Some("fetch".parse().unwrap());
        job
    };
    let first = keyed();
    store.submit(from_ref(&first), at(0)).await.unwrap();
    let again = keyed();
    let second = after(Upstream::Job(again.id), Condition::Succeeded);
    store.submit(&[again, second.clone()], at(0)).await.unwrap();
    assert_eq!(status(store, second.id).await, "pending");
    run(store, first.id, 0, Next::Final).await;
    assert_eq!(status(store, second.id).await, "queued");
}

pub(crate) async fn what_its_caller_drives_waits_for_nobody_and_can_be_waited_for(store: &Store) {
    let first = submit_driven(store, spec(), at(0)).await;
    let free = NewJob {
        after: after(Upstream::Job(first), Condition::Succeeded).after,
        ..driven(spec())
    };
    store.submit(from_ref(&free), at(0)).await.unwrap();
    assert!(store.waits(free.id).await.unwrap().is_empty());
    let waiting = submit_after(store, first).await;
    store.request_cancel(first, at(1)).await.unwrap();
    assert_eq!(status(store, waiting).await, "cancelled dependency");
}

/// An array of so many jobs.
fn array(size: u32) -> (ArrayId, Vec<NewJob>) {
    let id = ArrayId::new(uuid());
    let job = |index| NewJob {
        array: Some(OfArray {
            place: longshore_core::array::ArrayPlace { id, index },
            name: Some("sweep".parse().unwrap()),
        }),
        ..new_job(spec())
    };
    (id, (0..size).map(job).collect())
}

pub(crate) async fn an_array_is_waited_for_as_a_whole(store: &Store) {
    let (id, jobs) = array(3);
    store.submit(&jobs, at(0)).await.unwrap();
    let found = store.resolve_upstream("sweep").await.unwrap();
    assert_eq!(found, Upstream::Array(id));
    let waits = Condition::ALL.map(|condition| after(found, condition));
    store.submit(&waits, at(0)).await.unwrap();
    let all = async || {
        let [a, b, c] = waits.each_ref().map(|job| status(store, job.id));
        [a.await, b.await, c.await]
    };
    run(store, jobs[0].id, 0, Next::Final).await;
    assert_eq!(all().await, ["pending", "pending", "pending"]);
    run(store, jobs[1].id, 3, Next::Final).await;
    assert_eq!(all().await, ["failed dependency", "pending", "queued"]);
    run(store, jobs[2].id, 0, Next::Final).await;
    assert_eq!(all().await, ["failed dependency", "queued", "queued"]);
    store.request_retry(jobs[1].id, at(5)).await.unwrap();
    assert_eq!(all().await[0], "pending");
    run(store, jobs[1].id, 0, Next::Final).await;
    assert_eq!(all().await[0], "queued");
}

pub(crate) async fn an_array_is_found_while_it_has_jobs(store: &Store) {
    let (id, jobs) = array(2);
    store.submit(&jobs, at(0)).await.unwrap();
    for text in [id.to_string(), id.short(), "sweep".to_owned()] {
        let found = store.resolve_upstream(&text).await.unwrap();
        assert_eq!(found, Upstream::Array(id), "{text}");
        assert!(store.resolve(&text).await.is_err());
    }
    let ids: Vec<_> = jobs.iter().map(|job| job.id).collect();
    assert_eq!(store.jobs_of_array(id).await.unwrap(), ids);
    let place = store.job(ids[1]).await.unwrap().array.unwrap();
    assert_eq!((place.id, place.index), (id, 1));
    for job in &ids {
        store.request_cancel(*job, at(1)).await.unwrap();
    }
    store.delete_finished(at(2), 1).await.unwrap();
    assert!(store.resolve_upstream("sweep").await.is_ok());
    store.delete_finished(at(2), 1).await.unwrap();
    assert!(store.resolve_upstream("sweep").await.is_err());
}

pub(crate) async fn what_a_job_waits_for_is_told_with_how_it_stands(store: &Store) {
    let (first, gone) = (
        submit(store, spec(), at(0)).await,
        submit(store, spec(), at(0)).await,
    );
    run(store, first, 0, Next::Final).await;
    let met = submit_after(store, first).await;
    let [wait] = store.waits(met).await.unwrap()[..] else {
        panic!("it waited for one");
    };
    assert_eq!(
        (wait.standing, wait.waited.met_at),
        (Standing::Met, Some(at(0)))
    );
    let fallen = submit_after(store, gone).await;
    store.request_cancel(gone, at(1)).await.unwrap();
    store.delete_finished(at(2), 1).await.unwrap();
    let waits = store.waits(fallen).await.unwrap();
    assert_eq!(waits[0].standing, Standing::Broken);
    let in_vain = store.request_retry(fallen, at(3)).await.unwrap();
    assert_eq!(in_vain, RetryAnswer::InVain(Upstream::Job(gone)));
    assert_eq!(
        store.job(fallen).await.unwrap().status,
        JobStatus::Cancelled
    );
}

pub(crate) async fn a_thousand_jobs_wait_for_one_and_start_with_its_end(store: &Store) {
    let first = submit(store, spec(), at(0)).await;
    let wait = || after(Upstream::Job(first), Condition::Succeeded);
    let jobs: Vec<_> = (0..1000).map(|_| wait()).collect();
    store.submit(&jobs, at(0)).await.unwrap();
    assert!(store.next_due().await.unwrap().is_none());
    run(store, first, 0, Next::Final).await;
    assert_eq!(
        store.queues().await.unwrap()[&"default".parse().unwrap()].waiting,
        1000
    );
}
