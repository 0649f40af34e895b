//! What hosts give to attempts, who is before whom, and how long jobs take.

use std::time::Duration;

use longshore_core::retry::Next;
use longshore_core::share::Share;
use longshore_core::spec::JobSpec;
use longshore_store::{Claim, Fenced, Store};

use crate::world::{add_host, at, claim, claim_one, end, handle, spec, submit, worker};

pub(crate) async fn no_claim_goes_beyond_what_a_host_gives(store: &Store) {
    let host = add_host(store, 9).await;
    let share = |cpu_nanos, memory_bytes| Share {
        cpu_nanos,
        memory_bytes,
    };
    let mut claims: Vec<Claim> = Vec::new();
    for (cpu, memory) in [(4, 10), (4, 10), (1, 81), (3, 1), (2, 80), (0, 0)] {
        let job = submit(store, spec(), at(0)).await;
        claims.push(Claim {
            share: share(cpu, memory),
            most: share(10, 100),
            ..claim(job, host)
        });
    }
    let made = store.claim(&claims, worker(), at(30), at(1)).await.unwrap();
    let made: Vec<_> = made.iter().map(|attempt| attempt.id).collect();
    let fitting = [0, 1, 4, 5].map(|number: usize| claims[number].attempt);
    assert_eq!(made, fitting);
    let load = store.loads().await.unwrap()[&host];
    assert_eq!((load.busy, load.given), (4, share(10, 100)));
}

pub(crate) async fn the_place_in_the_queue_counts_those_before(store: &Store) {
    let of = |priority: &str| JobSpec {
        priority: priority.parse().unwrap(),
        ..spec()
    };
    let mut jobs = Vec::new();
    for (priority, second) in [("50", 3), ("50", 1), ("50", 1), ("90", 9), ("0", 0)] {
        jobs.push(submit(store, of(priority), at(second)).await);
    }
    let order = store.queued(9).await.unwrap();
    for (place, job) in order.iter().enumerate() {
        assert_eq!(store.ahead_of(job).await.unwrap(), place as u64);
    }
}

pub(crate) async fn runs_of_the_past_and_of_now_are_told_with_their_images(store: &Store) {
    let host = add_host(store, 9).await;
    let attempt = claim_one(store, submit(store, spec(), at(0)).await, host).await;
    let fenced = Fenced::from(&attempt);
    store.started(fenced, &handle(), at(2)).await.unwrap();
    let [run] = &store.runs_under_way(9).await.unwrap()[..] else {
        panic!("one runs");
    };
    assert_eq!((run.host, run.claimed_at), (host, at(1)));
    assert_eq!(run.spec, spec());
    store.end(fenced, end(0, Next::Final)).await.unwrap();
    assert!(store.runs_under_way(9).await.unwrap().is_empty());
    let [run] = &store.past_runs(9).await.unwrap()[..] else {
        panic!("one ran");
    };
    assert_eq!(run.image, spec().image.canonical());
    assert_eq!((run.host, run.took), (host, Duration::from_secs(3)));
    // What never ran says nothing about how long jobs take.
    claim_one(store, submit(store, spec(), at(0)).await, host).await;
    assert_eq!(store.past_runs(9).await.unwrap().len(), 1);
}
