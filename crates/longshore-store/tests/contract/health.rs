//! How hosts stand: probes, breakers, canaries, and what is on them.

use longshore_core::HostId;
use longshore_core::census::Census;
use longshore_core::health::{Breaker, Position, Showing};
use longshore_core::limits::BREAKER_STRIKES;
use longshore_core::share::Share;
use longshore_store::{HostStanding, Store};

use crate::places::facts;
use crate::world::{add_host, at, claim, claim_one, end, spec, submit, worker};

async fn standing(store: &Store, host: HostId) -> HostStanding {
    store.host_standings().await.unwrap().remove(&host).unwrap()
}

/// Strikes that open the breaker, all at second 10.
async fn open(store: &Store, host: HostId) {
    for _ in 0..BREAKER_STRIKES {
        let strike = Showing::Failed("lost".into());
        store.host_showed(host, strike, at(10)).await.unwrap();
    }
}

async fn half_open(store: &Store, host: HostId) {
    open(store, host).await;
    let showed = store
        .host_showed(host, Showing::CanaryReturned, at(40))
        .await;
    let (before, after) = showed.unwrap().unwrap();
    assert_eq!(
        (before.position(), after.position()),
        (Position::Open, Position::HalfOpen)
    );
}

pub(crate) async fn probes_that_fail_are_counted_from_the_first_to_the_next_answer(store: &Store) {
    let host = add_host(store, 1).await;
    let counted = async || {
        let report = store.facts(host).await.unwrap().unwrap();
        (report.seen_at, report.failed_probes, report.failing_since)
    };
    store.save_facts(host, Ok(&facts()), at(1)).await.unwrap();
    assert_eq!(counted().await, (Some(at(1)), 0, None));
    for second in [2, 3] {
        let said = Err("no route");
        store.save_facts(host, said, at(second)).await.unwrap();
    }
    assert_eq!(counted().await, (Some(at(1)), 2, Some(at(2))));
    assert_eq!(
        standing(store, host).await.error.as_deref(),
        Some("no route")
    );
    store.save_facts(host, Ok(&facts()), at(4)).await.unwrap();
    assert_eq!(counted().await, (Some(at(4)), 0, None));
}

pub(crate) async fn a_breaker_moves_and_stands_with_its_story(store: &Store) {
    let host = add_host(store, 1).await;
    assert_eq!(standing(store, host).await.breaker, Breaker::CLOSED);
    let strike = Showing::Failed("lost".into());
    store.host_showed(host, strike, at(9)).await.unwrap();
    let struck = Breaker::Closed {
        strikes: 1,
        trips: 0,
    };
    assert_eq!(standing(store, host).await.breaker, struck);
    open(store, host).await;
    let Breaker::Open(trip) = standing(store, host).await.breaker else {
        panic!("it is open");
    };
    assert_eq!(
        (trip.since, trip.trips, trip.reason.as_str()),
        (at(10), 1, "lost")
    );
    store
        .host_showed(host, Showing::Vouched, at(11))
        .await
        .unwrap();
    assert_eq!(standing(store, host).await.breaker, Breaker::CLOSED);
    let nowhere = HostId::new(uuid::Uuid::from_u128(1));
    let showed = store.host_showed(nowhere, Showing::Worked, at(0)).await;
    assert_eq!(showed.unwrap(), None);
}

pub(crate) async fn strikes_of_one_moment_are_all_counted(store: &Store) {
    let host = add_host(store, 1).await;
    let strike = || store.host_showed(host, Showing::Failed("lost".into()), at(9));
    let (first, second) = tokio::join!(strike(), strike());
    assert!(first.is_ok() && second.is_ok());
    let struck = Breaker::Closed {
        strikes: 2,
        trips: 0,
    };
    assert_eq!(standing(store, host).await.breaker, struck);
}

pub(crate) async fn a_host_with_an_open_breaker_gets_nothing(store: &Store) {
    let host = add_host(store, 4).await;
    open(store, host).await;
    let job = submit(store, spec(), at(0)).await;
    let claims = [claim(job, host)];
    let made = store.claim(&claims, worker(), at(30), at(11)).await;
    assert!(made.unwrap().is_empty());
}

pub(crate) async fn a_host_with_a_half_open_breaker_gets_one_attempt_at_a_time(store: &Store) {
    let host = add_host(store, 4).await;
    claim_one(store, submit(store, spec(), at(0)).await, host).await;
    half_open(store, host).await;
    let mut claims = Vec::new();
    for _ in 0..3 {
        claims.push(claim(submit(store, spec(), at(0)).await, host));
    }
    let made = store
        .claim(&claims, worker(), at(90), at(41))
        .await
        .unwrap();
    assert_eq!(made.len(), 1);
    assert_eq!(standing(store, host).await.on_trial, 1);
    let next = longshore_core::retry::Next::Final;
    store.end((&made[0]).into(), end(0, next)).await.unwrap();
    assert_eq!(standing(store, host).await.on_trial, 0);
    let made = store
        .claim(&claims, worker(), at(90), at(42))
        .await
        .unwrap();
    assert_eq!(made.len(), 1);
}

pub(crate) async fn a_canary_is_sent_by_one_when_it_is_due(store: &Store) {
    let host = add_host(store, 1).await;
    let take = async |second| {
        store
            .take_canary(host, at(second), at(second + 60))
            .await
            .unwrap()
    };
    assert!(!take(9).await, "nothing is wrong with it");
    open(store, host).await;
    assert!(!take(11).await, "it is not due");
    assert!(take(30).await);
    assert!(!take(31).await, "another one sends it");
    assert!(take(90).await, "that one is taken for dead");
}

pub(crate) async fn a_look_is_taken_by_one_at_a_time(store: &Store) {
    let host = add_host(store, 1).await;
    let take = async |now, before| store.take_look(host, at(now), at(before)).await.unwrap();
    assert!(take(100, 70).await);
    assert!(!take(101, 71).await);
    assert!(take(130, 100).await);
    assert_eq!(standing(store, host).await.looked_at, Some(at(130)));
}

pub(crate) async fn a_census_reads_back_as_it_was_kept(store: &Store) {
    let host = add_host(store, 1).await;
    assert_eq!(store.census(host).await.unwrap(), None);
    let mut census = Census {
        foreign: Share {
            cpu_nanos: 1,
            memory_bytes: 2,
        },
        foreign_running: 3,
        foreign_endless: 1,
        ..Census::default()
    };
    census.images.add(&"busybox".parse().unwrap());
    store.save_census(host, &census, at(5)).await.unwrap();
    assert_eq!(store.census(host).await.unwrap(), Some(census));
    assert_eq!(standing(store, host).await.census_at, Some(at(5)));
}
