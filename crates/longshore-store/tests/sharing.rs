//! Several processes, one store: here each process is a store of its own. On each kind of database.

#![expect(clippy::unwrap_used, reason = "a scenario stops at the first surprise")]

use std::collections::HashSet;
use std::time::Duration;

use longshore_core::outcome::JobStatus;
use longshore_core::retry::Next;
use longshore_core::spec::JobSpec;
use longshore_store::{Changes, Fenced, Store, StoreError};

#[path = "contract/grounds.rs"]
#[expect(dead_code, reason = "other tests use the rest")]
mod grounds;
#[path = "contract/world.rs"]
#[expect(dead_code, reason = "other tests use the rest")]
mod world;

use grounds::{Ground, Kind};
use world::{add_host, at, claim, end, new_job, running, spec, submit, worker};

/// No test waits longer than this for what must happen.
const SOON: Duration = Duration::from_secs(20);

/// Runs scenarios, each on a ground of its own of each kind.
macro_rules! on_each_ground {
    ($($scenario:ident,)*) => {
        mod sqlite {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
            async fn $scenario() {
                crate::$scenario(&crate::Ground::new(crate::Kind::Sqlite)).await;
            })*
        }
        mod postgres {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
            async fn $scenario() {
                crate::$scenario(&crate::Ground::new(crate::Kind::Postgres)).await;
            })*
        }
    };
}

on_each_ground! {
    many_that_open_a_new_store_at_once_find_one_pool,
    two_workers_run_each_of_a_hundred_jobs_exactly_once,
    slots_are_never_exceeded_by_workers_that_claim_at_one_time,
    limits_are_never_exceeded_by_workers_that_claim_at_one_time,
    a_change_by_another_store_is_heard,
    a_change_before_the_wait_is_not_missed,
    a_store_that_is_opened_again_has_everything,
    a_store_that_a_newer_version_wrote_is_refused,
    a_row_that_cannot_be_read_is_named,
    a_server_tells_its_time_and_a_folder_has_none,
    the_database_itself_refuses_what_cannot_be,
}

async fn a_server_tells_its_time_and_a_folder_has_none(ground: &Ground) {
    let store = ground.open().await;
    let told = store.server_time().await.unwrap();
    assert_eq!(told.is_some(), ground.is_served());
    let again = store.server_time().await.unwrap();
    assert!(told <= again, "{told:?} {again:?}");
}

async fn many_that_open_a_new_store_at_once_find_one_pool(ground: &Ground) {
    let stores = futures::future::join_all((0..8).map(|_| ground.open())).await;
    let pools: HashSet<_> = stores.iter().map(Store::pool).collect();
    assert_eq!(pools.len(), 1);
}

async fn two_workers_run_each_of_a_hundred_jobs_exactly_once(ground: &Ground) {
    let (one, two) = (ground.open().await, ground.open().await);
    let host = add_host(&one, 100).await;
    let jobs: Vec<_> = (0..100).map(|_| new_job(spec())).collect();
    one.submit(&jobs, at(0)).await.unwrap();
    let (by_one, by_two) = tokio::join!(work(&one, host), work(&two, host));
    assert_eq!(by_one + by_two, 100);
    for job in &jobs {
        assert_eq!(two.attempts(job.id).await.unwrap().len(), 1);
    }
    assert_eq!(two.counts().await.unwrap()[5], (JobStatus::Completed, 100));
}

/// Claims and ends jobs until the queue is empty; says how many.
async fn work(store: &Store, host: longshore_core::HostId) -> usize {
    let (me, mut done) = (worker(), 0);
    loop {
        let queued = store.queued(7).await.unwrap();
        if queued.is_empty() {
            return done;
        }
        let claims: Vec<_> = queued.iter().map(|job| claim(job.id, host)).collect();
        for attempt in store.claim(&claims, me, at(30), at(1)).await.unwrap() {
            store
                .end(Fenced::from(&attempt), end(0, Next::Final))
                .await
                .unwrap();
            done += 1;
        }
    }
}

async fn slots_are_never_exceeded_by_workers_that_claim_at_one_time(ground: &Ground) {
    assert_eq!(let_in_at_one_time(ground, 5, &spec()).await, 5);
}

async fn limits_are_never_exceeded_by_workers_that_claim_at_one_time(ground: &Ground) {
    let limited = JobSpec {
        limits: [("gpu".parse().unwrap(), "3".parse().unwrap())].into(),
        ..spec()
    };
    assert_eq!(let_in_at_one_time(ground, 99, &limited).await, 3);
}

/// How many of thirty jobs three workers get in that all claim each of them.
async fn let_in_at_one_time(ground: &Ground, slots: u32, spec: &JobSpec) -> usize {
    let stores = [
        ground.open().await,
        ground.open().await,
        ground.open().await,
    ];
    let host = add_host(&stores[0], slots).await;
    let jobs: Vec<_> = (0..30).map(|_| new_job(spec.clone())).collect();
    stores[0].submit(&jobs, at(0)).await.unwrap();
    let rounds = stores.iter().flat_map(|store| {
        jobs.iter().map(move |job| async move {
            let claims = [claim(job.id, host)];
            store
                .claim(&claims, worker(), at(30), at(1))
                .await
                .unwrap()
                .len()
        })
    });
    futures::future::join_all(rounds).await.iter().sum()
}

async fn a_change_by_another_store_is_heard(ground: &Ground) {
    let (writer, reader) = (ground.open().await, ground.open().await);
    let mut changes = reader.changes();
    for count in 1..=20 {
        submit(&writer, spec(), at(count)).await;
        until_there_are(&reader, &mut changes, u64::try_from(count).unwrap()).await;
    }
}

async fn a_change_before_the_wait_is_not_missed(ground: &Ground) {
    let store = ground.open().await;
    let mut changes = store.changes();
    submit(&store, spec(), at(0)).await;
    tokio::time::timeout(SOON, changes.changed()).await.unwrap();
}

async fn until_there_are(store: &Store, changes: &mut Changes, queued: u64) {
    while store.counts().await.unwrap()[1].1 < queued {
        tokio::time::timeout(SOON, changes.changed()).await.unwrap();
    }
}

async fn a_store_that_is_opened_again_has_everything(ground: &Ground) {
    let store = ground.open().await;
    let (job, fenced) = running(&store, spec()).await;
    let (pool, before) = (store.pool(), store.job(job).await.unwrap());
    drop(store);
    let store = ground.open().await;
    assert_eq!(
        (store.pool(), store.job(job).await.unwrap()),
        (pool, before)
    );
    assert_eq!(
        store.end(fenced, end(0, Next::Final)).await.unwrap(),
        JobStatus::Completed
    );
}

async fn a_store_that_a_newer_version_wrote_is_refused(ground: &Ground) {
    drop(ground.open().await);
    ground.meddle(ground.newer_format()).await.unwrap();
    let error = Store::open_at(&ground.location()).await.err().unwrap();
    assert!(
        matches!(error, StoreError::TooNew { found: 99, .. }),
        "{error:?}"
    );
}

async fn a_row_that_cannot_be_read_is_named(ground: &Ground) {
    let store = ground.open().await;
    let job = submit(&store, spec(), at(0)).await;
    ground
        .meddle("UPDATE jobs SET spec = '{\"image\": 7}'")
        .await
        .unwrap();
    let error = store.job(job).await.unwrap_err().to_string();
    assert!(
        error.starts_with(&format!("cannot read jobs `{job}`: column `spec`: ")),
        "{error}"
    );
}

async fn the_database_itself_refuses_what_cannot_be(ground: &Ground) {
    let store = ground.open().await;
    running(&store, spec()).await;
    for nonsense in [
        "UPDATE jobs SET status = 'completed'",
        "UPDATE jobs SET status = 'bored'",
        "UPDATE jobs SET finished_at = 1",
        "UPDATE jobs SET priority = 101",
        "UPDATE jobs SET started_at = NULL",
        "UPDATE attempts SET phase = 'draining'",
        "UPDATE attempts SET removed_at = 1",
        "UPDATE attempts SET lease_until = NULL",
        "INSERT INTO attempts (id, job_id, number, host_id, phase, fence, claimed_at) \
         SELECT 'second', job_id, 2, host_id, 'claimed', 1, 1 FROM attempts",
    ] {
        assert!(ground.meddle(nonsense).await.is_err(), "{nonsense}");
    }
}
