//! The pace at registries that limit pulls.

use std::time::Duration;

use longshore_core::pace::{Answer, Pace, Turn};
use longshore_store::Store;

use crate::world::at;

const HUB: &str = "docker.io";

pub(crate) async fn a_registry_that_refuses_nothing_has_no_pace(store: &Store) {
    assert_eq!(store.take_turn(HUB, at(1)).await.unwrap(), Turn::Now);
    let served = store.registry_answered(HUB, Answer::Served, at(1), at(2));
    assert_eq!(served.await.unwrap(), None);
    assert_eq!(store.paces(at(2)).await.unwrap(), []);
}

pub(crate) async fn a_burst_that_is_refused_slows_one_registry_down_once(store: &Store) {
    let pace = Pace {
        every: Duration::from_secs(2),
        next_at: at(12),
        refused_at: at(10),
    };
    for second in [10, 11] {
        let refused = store.registry_answered(HUB, Answer::Refused, at(9), at(second));
        assert_eq!(refused.await.unwrap(), Some(pace));
    }
    assert_eq!(store.paces(at(11)).await.unwrap(), [(HUB.to_owned(), pace)]);
    assert_eq!(store.pace("other.example", at(11)).await.unwrap(), None);
}

pub(crate) async fn one_of_many_that_ask_is_let_through_in_each_interval(store: &Store) {
    let refused = store.registry_answered(HUB, Answer::Refused, at(9), at(10));
    refused.await.unwrap();
    assert_eq!(
        store.take_turn(HUB, at(11)).await.unwrap(),
        Turn::Later(at(12))
    );
    let asked = futures::future::join_all((0..10).map(|_| store.take_turn(HUB, at(13)))).await;
    let (now, later): (Vec<Turn>, Vec<Turn>) = asked
        .into_iter()
        .map(Result::unwrap)
        .partition(|turn| *turn == Turn::Now);
    assert_eq!(now.len(), 1);
    assert_eq!(later, [Turn::Later(at(15)); 9]);
}

pub(crate) async fn a_registry_that_serves_again_loses_its_pace(store: &Store) {
    let refused = store.registry_answered(HUB, Answer::Refused, at(9), at(10));
    refused.await.unwrap();
    store.take_turn(HUB, at(12)).await.unwrap();
    let served = store.registry_answered(HUB, Answer::Served, at(12), at(13));
    assert_eq!(served.await.unwrap(), None);
    assert_eq!(store.paces(at(13)).await.unwrap(), []);
}
