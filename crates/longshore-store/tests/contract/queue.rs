//! Whose turn it is: owners, limits, paused queues.

use longshore_core::JobId;
use longshore_core::job::AttemptRecord;
use longshore_core::spec::JobSpec;
use longshore_store::{Fenced, Store};

use crate::world::{
    add_host, at, begin_one, claim, claim_one, exit, handle, new_job, spec, submit, submit_driven,
    worker,
};

fn of_owner(owner: &str) -> JobSpec {
    JobSpec {
        owner: Some(owner.parse().unwrap()),
        ..spec()
    }
}

fn limited(key: &str, most: &str) -> JobSpec {
    JobSpec {
        limits: [(key.parse().unwrap(), most.parse().unwrap())].into(),
        ..spec()
    }
}

fn in_queue(queue: &str) -> JobSpec {
    JobSpec {
        queue: queue.parse().unwrap(),
        ..spec()
    }
}

async fn order(store: &Store) -> Vec<JobId> {
    let queued = store.queued(9).await.unwrap();
    queued.iter().map(|job| job.id).collect()
}

/// Claims these jobs in one call, on a host with room for all of them; says which were let in.
async fn let_in(store: &Store, jobs: &[JobId]) -> Vec<AttemptRecord> {
    let host = add_host(store, 99).await;
    let claims: Vec<_> = jobs.iter().map(|job| claim(*job, host)).collect();
    store.claim(&claims, worker(), at(30), at(1)).await.unwrap()
}

pub(crate) async fn one_job_of_another_owner_starts_next_however_many_wait(store: &Store) {
    let many: Vec<_> = (0..1000).map(|_| new_job(of_owner("alice"))).collect();
    store.submit(&many, at(0)).await.unwrap();
    let one = submit(store, of_owner("bob"), at(9)).await;
    assert_eq!(order(store).await[..2], [many[0].id, one]);
    let host = add_host(store, 9).await;
    claim_one(store, many[0].id, host).await;
    assert_eq!(order(store).await[..2], [one, many[1].id]);
    let job = store.job(one).await.unwrap();
    assert_eq!(store.ahead_of(&job).await.unwrap(), 0);
    claim_one(store, one, host).await;
    assert_eq!(order(store).await[0], many[1].id);
}

pub(crate) async fn owners_share_the_slots_that_two_workers_give(store: &Store) {
    for owner in ["alice", "alice", "alice", "alice", "bob", "bob", "carol"] {
        submit(store, of_owner(owner), at(0)).await;
    }
    let host = add_host(store, 9).await;
    let mut owners = Vec::new();
    for _ in 0..6 {
        let next = &store.queued(1).await.unwrap()[0];
        claim_one(store, next.id, host).await;
        owners.push(next.spec.owner.clone().unwrap().to_string());
    }
    assert_eq!(owners, ["alice", "bob", "carol", "alice", "bob", "alice"]);
}

pub(crate) async fn a_full_limit_lets_no_job_of_its_key_in_and_others_pass(store: &Store) {
    let mut jobs = Vec::new();
    for _ in 0..4 {
        jobs.push(submit(store, limited("gpu", "2"), at(0)).await);
    }
    let free = submit(store, spec(), at(5)).await;
    assert_eq!(order(store).await, [jobs[0], jobs[1], free]);
    let made = let_in(store, &jobs).await;
    assert_eq!(made.len(), 2);
    assert_eq!(order(store).await, [free]);
    assert!(let_in(store, &jobs).await.is_empty());
    let fenced = Fenced::from(&made[0]);
    store.started(fenced, &handle(), at(2)).await.unwrap();
    assert!(let_in(store, &jobs).await.is_empty());
    store
        .exited(fenced, &handle(), &exit(0), at(3))
        .await
        .unwrap();
    assert_eq!(let_in(store, &jobs).await.len(), 1);
}

pub(crate) async fn each_job_counts_by_the_number_that_it_names(store: &Store) {
    let three = submit(store, limited("db", "3"), at(0)).await;
    let one = submit(store, limited("db", "1"), at(1)).await;
    let two = submit(store, limited("db", "2"), at(2)).await;
    let made = let_in(store, &[three, one, two]).await;
    let made: Vec<_> = made.iter().map(|attempt| attempt.job).collect();
    assert_eq!(made, [three, two]);
    assert!(order(store).await.is_empty());
}

pub(crate) async fn what_its_caller_drives_counts_for_no_limit(store: &Store) {
    let driven = submit_driven(store, limited("gpu", "1"), at(0)).await;
    let host = add_host(store, 9).await;
    let attempt = begin_one(store, driven, host).await;
    let fenced = Fenced::from(&attempt);
    store.launching(fenced, at(1)).await.unwrap();
    store.started(fenced, &handle(), at(2)).await.unwrap();
    let job = submit(store, limited("gpu", "1"), at(0)).await;
    assert_eq!(let_in(store, &[job]).await.len(), 1);
}

pub(crate) async fn a_paused_queue_starts_nothing_until_it_is_resumed(store: &Store) {
    let nightly = "nightly".parse().unwrap();
    let held = submit(store, in_queue("nightly"), at(0)).await;
    let other = submit(store, spec(), at(5)).await;
    store
        .pause_queue(&nightly, Some("repairs"), at(1))
        .await
        .unwrap();
    assert_eq!(order(store).await, [other]);
    assert!(let_in(store, &[held]).await.is_empty());
    assert!(store.resume_queue(&nightly).await.unwrap());
    assert!(!store.resume_queue(&nightly).await.unwrap());
    assert_eq!(order(store).await, [held, other]);
    assert_eq!(let_in(store, &[held]).await.len(), 1);
}

pub(crate) async fn a_queue_tells_what_waits_runs_and_is_paused(store: &Store) {
    let nightly = "nightly".parse().unwrap();
    let running = submit(store, in_queue("nightly"), at(0)).await;
    submit(store, in_queue("nightly"), at(3)).await;
    submit(store, in_queue("nightly"), at(2)).await;
    let_in(store, &[running]).await;
    store
        .pause_queue(&nightly, Some("repairs"), at(5))
        .await
        .unwrap();
    store.pause_queue(&nightly, None, at(6)).await.unwrap();
    let queues = store.queues().await.unwrap();
    let names: Vec<_> = queues.keys().map(ToString::to_string).collect();
    assert_eq!(names, ["default", "nightly"]);
    let queue = &queues[&nightly];
    assert_eq!(
        (queue.waiting, queue.running, queue.oldest),
        (2, 1, Some(at(2)))
    );
    let pause = queue.pause.clone().unwrap();
    assert_eq!(
        (pause.since, pause.reason.as_deref()),
        (at(5), Some("repairs"))
    );
}
