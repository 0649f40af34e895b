//! Queue, claims, leases: who moves what.

use longshore_core::host::{Host, HostState};
use longshore_core::outcome::JobStatus;
use longshore_core::spec::JobSpec;
use longshore_store::{Claim, Fenced, Store, StoreError};

use crate::world::{
    add_host, at, claim, claim_one, claimed, end, exit, handle, host, retry_after, running, spec,
    submit, worker,
};

pub(crate) async fn the_queue_is_ordered_by_priority_then_age(store: &Store) {
    let of = |priority: &str| JobSpec {
        priority: priority.parse().unwrap(),
        ..spec()
    };
    let young = submit(store, of("50"), at(3)).await;
    let first_of_two = submit(store, of("50"), at(1)).await;
    let second_of_two = submit(store, of("50"), at(1)).await;
    let urgent = submit(store, of("90"), at(9)).await;
    let idle = submit(store, of("0"), at(0)).await;
    let order: Vec<_> = store
        .queued(4)
        .await
        .unwrap()
        .iter()
        .map(|job| job.id)
        .collect();
    assert_eq!(order, [urgent, first_of_two, second_of_two, young]);
    assert_eq!(store.queued(9).await.unwrap()[4].id, idle);
}

pub(crate) async fn a_job_is_claimed_once(store: &Store) {
    let host = add_host(store, 9).await;
    let job = submit(store, spec(), at(0)).await;
    let claims = [claim(job, host), claim(job, host)];
    let made = store.claim(&claims, worker(), at(30), at(1)).await.unwrap();
    assert_eq!(made.len(), 1);
    assert_eq!(
        (made[0].number, made[0].fence, made[0].id),
        (1, 1, claims[0].attempt)
    );
    assert!(
        store
            .claim(&[claim(job, host)], worker(), at(30), at(1))
            .await
            .unwrap()
            .is_empty()
    );
    let job = store.job(job).await.unwrap();
    assert_eq!(
        (job.status, job.attempt, job.host),
        (JobStatus::Launching, 1, Some(host))
    );
}

pub(crate) async fn a_job_that_was_tried_since_it_was_looked_at_is_not_claimed(store: &Store) {
    let (job, fenced) = running(store, spec()).await;
    store.end(fenced, end(1, retry_after(0))).await.unwrap();
    store.release_due(at(4)).await.unwrap();
    let late = claim(job, add_host(store, 1).await);
    let current = Claim {
        after: 1,
        ..late.clone()
    };
    for (claim, attempts) in [(late, 0), (current, 1)] {
        let made = store.claim(&[claim], worker(), at(30), at(5)).await;
        assert_eq!(made.unwrap().len(), attempts);
    }
}

pub(crate) async fn no_host_gets_more_attempts_than_slots(store: &Store) {
    let host = add_host(store, 2).await;
    let mut claims = Vec::new();
    for _ in 0..5 {
        claims.push(claim(submit(store, spec(), at(0)).await, host));
    }
    assert_eq!(
        store
            .claim(&claims, worker(), at(30), at(1))
            .await
            .unwrap()
            .len(),
        2
    );
    assert_eq!(store.loads().await.unwrap()[&host].busy, 2);
}

pub(crate) async fn a_draining_host_gets_nothing(store: &Store) {
    let draining = Host {
        state: HostState::CORDONED,
        ..host("h", 9)
    };
    store.add_host(&draining).await.unwrap();
    let job = submit(store, spec(), at(0)).await;
    let claims = [claim(job, draining.id)];
    assert!(
        store
            .claim(&claims, worker(), at(30), at(1))
            .await
            .unwrap()
            .is_empty()
    );
    assert_eq!(store.job(job).await.unwrap().status, JobStatus::Queued);
}

pub(crate) async fn a_draining_attempt_holds_no_slot(store: &Store) {
    let host = add_host(store, 1).await;
    let attempt = claim_one(store, submit(store, spec(), at(0)).await, host).await;
    store
        .exited(Fenced::from(&attempt), &handle(), &exit(0), at(2))
        .await
        .unwrap();
    assert!(store.loads().await.unwrap().is_empty());
    claim_one(store, submit(store, spec(), at(0)).await, host).await;
}

pub(crate) async fn a_renewed_attempt_is_not_taken_over(store: &Store) {
    let (_, attempt) = claimed(store, spec()).await;
    let leader = attempt.lease.unwrap().worker;
    assert_eq!(store.expired(at(30), 9).await.unwrap().len(), 1);
    let renewed = store.renew(leader, &[attempt.id], at(90)).await;
    assert_eq!(renewed.unwrap(), 1);
    assert!(store.expired(at(31), 9).await.unwrap().is_empty());
    let taken = store
        .take_over((attempt.id, 1), worker(), at(99), at(31))
        .await
        .unwrap();
    assert_eq!(taken, None);
}

pub(crate) async fn a_lease_that_is_not_named_runs_out(store: &Store) {
    let (_, attempt) = claimed(store, spec()).await;
    let leader = attempt.lease.unwrap().worker;
    let host = add_host(store, 1).await;
    let other = claim(submit(store, spec(), at(0)).await, host);
    let unnamed = other.attempt;
    store.claim(&[other], leader, at(30), at(1)).await.unwrap();
    let renewed = store.renew(leader, &[unnamed], at(90)).await;
    assert_eq!(renewed.unwrap(), 1);
    let expired = store.expired(at(31), 9).await.unwrap();
    assert_eq!(
        expired.iter().map(|left| left.id).collect::<Vec<_>>(),
        [attempt.id]
    );
}

pub(crate) async fn an_expired_attempt_is_taken_over_once_and_its_old_leader_is_stale(
    store: &Store,
) {
    let (_, attempt) = claimed(store, spec()).await;
    let heir = worker();
    let taken = store
        .take_over((attempt.id, 1), heir, at(99), at(31))
        .await
        .unwrap()
        .unwrap();
    assert_eq!((taken.fence, taken.lease.unwrap().worker), (2, heir));
    let late = store
        .take_over((attempt.id, 1), worker(), at(99), at(31))
        .await
        .unwrap();
    assert_eq!(late, None);
    let stale = store
        .started(Fenced::from(&attempt), &handle(), at(32))
        .await;
    assert!(matches!(stale, Err(StoreError::Stale { attempt: id }) if id == attempt.id));
    assert_eq!(store.stale_reports(), 1);
    store
        .started(Fenced::from(&taken), &handle(), at(32))
        .await
        .unwrap();
}

pub(crate) async fn a_released_attempt_is_free_at_once(store: &Store) {
    let (_, attempt) = claimed(store, spec()).await;
    store
        .release(attempt.lease.unwrap().worker, at(5))
        .await
        .unwrap();
    assert_eq!(store.expired(at(5), 9).await.unwrap()[0].id, attempt.id);
}

pub(crate) async fn a_worker_hears_of_wishes_about_its_own_attempts(store: &Store) {
    let (_, other) = running(store, spec()).await;
    let (job, attempt) = claimed(store, spec()).await;
    let leader = attempt.lease.unwrap().worker;
    assert!(store.cancel_requested(leader).await.unwrap().is_empty());
    store.request_cancel(job, at(3)).await.unwrap();
    assert_eq!(store.cancel_requested(leader).await.unwrap(), [attempt.id]);
    assert_ne!(other.attempt, attempt.id);
}
